import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { lsl, lsr, r0, r1, r2, r3, r4, r5 } from '../../src/isa/registers.js';
import type { Label } from '../../src/isa/registers.js';
import { CNTPCT, MPIDR, VBAR } from '../../src/isa/system-registers.js';
import { CORES, UART0_BASE } from '../../src/board/bcm2836.js';
import { LOCAL_BASE, LOCAL_PRESCALER, LOCAL_PRESCALER_BY_1 } from '../../src/board/local-peripherals.js';
import { PL011_REGISTERS } from '../../src/board/pl011.js';
import { words } from './handover.js';

/** Lets core 0 go on and has the others sleep; the first instructions of every payload. */
const core0Only = [
  0xee10_0fb0, // +00 mrc p15, 0, r0, c0, c0, 5  ; MPIDR
  0xe310_0003, // +04 tst r0, #3
  0x0a00_0001, // +08 beq +14
  0xe320_f002, // +0c wfe
  0xeaff_fffd, // +10 b +0c
] as const;

/** Core 0 writes `text` (ASCII) to the PL011, then sleeps. */
export function printingPayload(text: string): Uint8Array {
  const code = words(
    ...core0Only,
    0xe59f_1020, // +14 ldr r1, [pc, #32]  ; +3c: the PL011's data register
    0xe28f_3020, // +18 add r3, pc, #32    ; +40: the text
    0xe4d3_2001, // +1c ldrb r2, [r3], #1
    0xe352_0000, // +20 cmp r2, #0
    0x0a00_0001, // +24 beq +30
    0xe581_2000, // +28 str r2, [r1]
    0xeaff_fffa, // +2c b +1c
    0xe320_f003, // +30 wfi
    0xeaff_fffd, // +34 b +30
    0, // +38
    UART0_BASE, // +3c
  );
  return Buffer.concat([code, Buffer.from(`${text}\0`, 'ascii')]);
}

/** Core 0 writes the same character to the PL011 without end. */
export function floodingPayload(character: string): Uint8Array {
  return words(
    ...core0Only,
    0xe59f_1004, // +14 ldr r1, [pc, #4]   ; +20: the PL011's data register
    0xe3a0_2000 | character.charCodeAt(0), // +18 mov r2, #character
    0xea00_0000, // +1c b +24
    UART0_BASE, // +20
    0xe581_2000, // +24 str r2, [r1]
    0xeaff_fffd, // +28 b +24
  );
}

/** Every core sleeps, and says nothing. */
export const silentPayload = words(
  0xe320_f003, // wfi
  0xeaff_fffd, // b back to it
);

/** Power management's reset control, BCM2835: the password in the top byte, 2 in bits 5 and 4 for a full reset. */
const PM_RSTC = 0x3f10_001c;

/** Core 0 resets the machine. */
export const resettingPayload = words(
  ...core0Only,
  0xe59f_1004, // +14 ldr r1, [pc, #4]  ; +20: PM_RSTC
  0xe59f_2004, // +18 ldr r2, [pc, #4]  ; +24
  0xe581_2000, // +1c str r2, [r1], and on into what is no code
  PM_RSTC, // +20
  0x5a00_0020, // +24
);

/** A kernel in small, and offsets in it. */
export interface SmallKernel {
  readonly image: Uint8Array;
  /** Where it sends the other cores. */
  readonly secondary: number;
  /** A place where a core stays that was not sent there. */
  readonly elsewhere: number;
}

/** Rounds of two instructions. */
const DELAY = 0x2_0000;

/** Core 0's mailbox 3, write-set (QA7, section 4.8); the next core's is 16 bytes further on. */
const MAILBOX3_SET = 0x4000_008c;

/**
 * Does with the cores what Linux does: core 0 writes the address of its code to each of the others' mailbox 3, then
 * wakes them; all of them sleep in the end. It begins like a zImage, and may run in any byte order.
 * @param address where it will stand
 * @param cleared a word in memory that it sets to 0 before that, as kernels do with their BSS
 * @param says what it writes to the PL011 at the end (ASCII)
 */
export function releasingKernel(
  address: number,
  { cleared, says = '' }: { readonly cleared?: number; readonly says?: string } = {},
): SmallKernel {
  const a = assembler(address);
  const start = a.label('start');
  const sleep = a.label('sleep');
  const secondary = a.label('secondary');
  const elsewhere = a.label('elsewhere');
  const mailbox = a.label('mailbox');
  const secondaryWord = a.label('secondary word');
  const clearedWord = a.label('cleared word');
  const again = a.label('again');
  const delay = a.label('delay');
  const until = a.label('until the others have come');
  a.setend('LE');
  for (let i = 0; i < 7; i++) a.nop();
  a.b(start);
  a.word(0x016f_2818, 0, 0x100, 0x0403_0201);

  a.at(start);
  a.mrc(MPIDR, r0);
  a.ands(r0, r0, CORES - 1);
  a.bne(sleep);
  if (cleared !== undefined) {
    a.ldr(r1, clearedWord);
    a.str(r0, [r1]);
  }
  // Long enough for a core that does not wait to be seen.
  a.mov(r3, DELAY);
  a.at(delay);
  a.subs(r3, r3, 1);
  a.bne(delay);
  a.ldr(r1, mailbox);
  a.ldr(r2, secondaryWord);
  a.mov(r3, 1);
  a.at(again);
  a.add(r0, r1, r3, lsl(4));
  a.str(r2, [r0]);
  a.add(r3, r3, 1);
  a.cmp(r3, CORES);
  a.bne(again);
  a.dsb();
  a.sev();
  a.mov(r3, DELAY);
  a.at(until);
  a.subs(r3, r3, 1);
  a.bne(until);
  printAndSleep(a, says, sleep);
  a.at(elsewhere);
  const other = a.here;
  a.b(elsewhere);
  a.at(secondary);
  const entry = a.here;
  a.wfi();
  a.b(secondary);
  a.at(mailbox);
  a.word(MAILBOX3_SET);
  a.at(secondaryWord);
  a.word(secondary);
  a.at(clearedWord);
  a.word(cleared ?? 0);
  return { image: a.assemble(), secondary: entry - address, elsewhere: other - address };
}

/** Writes a text (ASCII) to the PL011 and sleeps, which `sleep` begins; both stand behind that. Changes r1 to r3. */
function printAndSleep(a: Assembler, says: string, sleep: Label): void {
  const [print, uart, text] = [a.label('print'), a.label('uart'), a.label('text')];
  a.ldr(r1, uart);
  a.adr(r2, text);
  a.at(print);
  a.ldrb(r3, [r2], 1);
  a.cmp(r3, 0);
  a.strne(r3, [r1]);
  a.bne(print);
  a.at(sleep);
  a.wfi();
  a.b(sleep);
  a.at(uart);
  a.word(UART0_BASE);
  a.at(text);
  a.bytes(Buffer.from(says.padEnd((says.length + 4) & ~3, '\0'), 'ascii'));
}

/** UDF (ARM ARM A8.8.247). */
const UNDEFINED = 0xe7f0_00f0;
/** Bytes from r2 on in which a word of the command line is looked for: a small tree, or ATAGS. */
const SEARCHED = 0x4000;

/**
 * Takes an Undefined Instruction at its own vector, again and again, if the first four letters of a word stand where r2
 * points; else it writes a text to the PL011 and sleeps. It begins like a zImage, and is to be entered in SVC mode.
 * @param address where it will stand, a multiple of 32
 * @param letters four of ASCII
 * @param says what it writes otherwise
 */
export function crashingKernel(address: number, letters: string, says: string): Uint8Array {
  const a = assembler(address);
  const start = a.label('start');
  const vectors = a.label('vectors');
  const search = a.label('search');
  const crash = a.label('crash');
  const lettersWord = a.label('letters');
  const sleep = a.label('sleep');
  for (let i = 0; i < 8; i++) a.nop();
  a.b(start);
  a.word(0x016f_2818, 0, 0x100, 0x0403_0201);
  a.org(address + 0x40);
  a.at(vectors);
  for (let i = 0; i < 8; i++) a.word(UNDEFINED);
  a.at(start);
  a.mrc(MPIDR, r0);
  a.tst(r0, CORES - 1);
  a.bne(sleep);
  a.mov(r3, SEARCHED);
  a.ldr(r4, lettersWord);
  a.mov(r5, 0);
  a.at(search);
  a.ldrb(r0, [r2], 1);
  a.lsr(r5, r5, 8);
  a.orr(r5, r5, r0, lsl(24));
  a.cmp(r5, r4);
  a.beq(crash);
  a.subs(r3, r3, 1);
  a.bne(search);
  printAndSleep(a, says, sleep);
  a.at(crash);
  a.adr(r0, vectors);
  a.mcr(VBAR, r0);
  a.isb();
  a.word(UNDEFINED);
  a.at(lettersWord);
  a.bytes(Buffer.from(letters, 'ascii'));
  return a.assemble();
}

/** AUX, with the mini UART's registers from +0x40 on. */
const AUX_BASE = 0x3f21_5000;

/** Core 0 writes a text to the mini UART (BCM2835 ARM Peripherals, 2.2), again and again. */
export function miniUartPayload(says: string): Uint8Array {
  const a = assembler(0);
  const sleep = a.label('sleep');
  const again = a.label('again');
  const print = a.label('print');
  const text = a.label('text');
  const full = a.label('full');
  const aux = a.label('aux');
  a.mrc(MPIDR, r0);
  a.tst(r0, CORES - 1);
  a.bne(sleep);
  a.ldr(r1, aux);
  a.mov(r0, 1);
  a.str(r0, [r1, 4]);
  a.mov(r0, 3);
  a.str(r0, [r1, 0x4c]);
  a.str(r0, [r1, 0x60]);
  a.at(again);
  a.adr(r2, text);
  a.at(print);
  a.ldrb(r3, [r2], 1);
  a.cmp(r3, 0);
  a.beq(again);
  a.at(full);
  a.ldr(r0, [r1, 0x54]);
  a.tst(r0, 0x20);
  a.beq(full);
  a.str(r3, [r1, 0x40]);
  a.b(print);
  a.at(sleep);
  a.wfi();
  a.b(sleep);
  a.at(aux);
  a.word(AUX_BASE);
  a.at(text);
  a.bytes(Buffer.from(`${says}\0`, 'ascii'));
  return a.assemble();
}

/** Count of the system timer at 1 MHz (BCM2835 ARM Peripherals, 12.1). */
const SYSTEM_TIMER_CLO = 0x3f00_3004;
/** Microseconds that {@link timingPayload} takes, a power of two. */
export const TIMED = 1 << 17;

/** Core 0 writes by how much CNTPCT grew in {@link TIMED} microseconds of the system timer to the PL011: four bytes. */
export function timingPayload(): Uint8Array {
  const a = assembler();
  const [wait, next, end, timer, uart] = ['wait', 'next', 'end', 'timer', 'uart'].map((it) => a.label(it));
  a.mrc(MPIDR, r0);
  a.ands(r0, r0, CORES - 1);
  a.bne(end!);
  a.ldr(r5, timer!);
  a.ldr(r4, [r5]);
  a.mrrc(CNTPCT, r0, r1);
  a.at(wait!);
  a.ldr(r2, [r5]);
  a.sub(r2, r2, r4);
  a.cmp(r2, TIMED);
  a.bmi(wait!);
  a.mrrc(CNTPCT, r2, r1);
  a.sub(r2, r2, r0);
  a.ldr(r5, uart!);
  a.mov(r3, 4);
  a.at(next!);
  a.str(r2, [r5]);
  a.lsr(r2, r2, 8);
  a.subs(r3, r3, 1);
  a.bne(next!);
  a.at(end!);
  a.wfi();
  a.b(end!);
  a.at(timer!);
  a.word(SYSTEM_TIMER_CLO);
  a.at(uart!);
  a.word(UART0_BASE);
  return a.assemble();
}

/** Power management (elinux.org, "BCM2835 registers", PM): reset control, status, watchdog. */
export const PM = { base: 0x3f10_0000, RSTC: 0x1c, RSTS: 0x20, WDOG: 0x24, PASSWORD: 0x5a00_0000 } as const;
/** Partition 63, by which the firmware halts. */
export const HALT = 0x555;
/** ENABLE_IRQS_2 (BCM2835 ARM Peripherals, 7.5), and the PL011's bit in it: VideoCore interrupt 57. */
const ENABLE_IRQS_2 = 0x3f00_b214;
const UART_IRQ = 1 << 25;

/**
 * A system with a prompt, for address 0: core 0 writes `> `, and each character that comes on the PL011, of a break `!`. On
 * `q` it switches the board off, on `r` it resets it. It sleeps in between, or with `busy` looks at the UART without end.
 * What CNTPCT is at each character goes into r4.
 */
export function promptPayload({ busy }: { readonly busy: boolean }): Uint8Array {
  const a = assembler();
  const label = (name: string): Label => a.label(name);
  const [sleep, wait, next, echo, end] = [
    label('sleep'),
    label('wait'),
    label('next'),
    label('echo'),
    label('end'),
  ];
  const [local, uart, mask, controller] = [label('local'), label('uart'), label('mask'), label('controller')];
  const [line, power, password, halt] = [label('line'), label('power'), label('password'), label('halt')];
  const { DR, FR, IMSC } = PL011_REGISTERS;
  a.mrc(MPIDR, r0);
  a.ands(r0, r0, CORES - 1);
  a.bne(sleep);
  a.ldr(r2, local);
  a.mov(r0, LOCAL_PRESCALER_BY_1);
  a.str(r0, [r2, LOCAL_PRESCALER]);
  a.ldr(r1, uart);
  a.ldr(r0, mask);
  a.str(r0, [r1, IMSC.offset]);
  a.ldr(r2, controller);
  a.ldr(r0, line);
  a.str(r0, [r2]);
  a.mov(r4, 0);
  a.mov(r0, 0x3e);
  a.str(r0, [r1]);
  a.mov(r0, 0x20);
  a.str(r0, [r1]);
  a.at(wait);
  if (!busy) a.wfi();
  a.at(next);
  a.ldr(r0, [r1, FR.offset]);
  a.tst(r0, FR.bits.RXFE);
  a.bne(wait);
  a.ldr(r0, [r1]);
  a.mrrc(CNTPCT, r2, r3);
  a.add(r4, r2, r4, lsr(1));
  a.tst(r0, DR.bits.BE);
  a.beq(echo);
  a.mov(r0, 0x21);
  a.at(echo);
  a.str(r0, [r1]);
  a.mov(r3, 0);
  a.cmp(r0, 0x72);
  a.beq(end);
  a.cmp(r0, 0x71);
  a.bne(next);
  a.ldr(r3, halt);
  a.at(end);
  a.ldr(r2, power);
  a.ldr(r5, password);
  a.orr(r3, r3, r5);
  a.str(r3, [r2, PM.RSTS]);
  a.orr(r3, r5, 1);
  a.str(r3, [r2, PM.WDOG]);
  a.orr(r3, r5, 0x20);
  a.str(r3, [r2, PM.RSTC]);
  a.at(sleep);
  a.wfe();
  a.b(sleep);
  a.at(local);
  a.word(LOCAL_BASE);
  a.at(uart);
  a.word(UART0_BASE);
  a.at(mask);
  a.word(IMSC.bits.RX | IMSC.bits.RT | IMSC.bits.BE);
  a.at(controller);
  a.word(ENABLE_IRQS_2);
  a.at(line);
  a.word(UART_IRQ);
  a.at(power);
  a.word(PM.base);
  a.at(password);
  a.word(PM.PASSWORD);
  a.at(halt);
  a.word(HALT);
  return a.assemble();
}
