/** What the test image looks at under the hypervisor: as its host, which prints, and as its guest. */
import { assembler, type Assembler } from '../isa/assembler.js';
import { MODE_SVC } from '../isa/program-status.js';
import { lr, r0, r1, r10, r2, r3, r4, r5, r6, r7, r8, r9, sp } from '../isa/registers.js';
import type { Label } from '../isa/registers.js';
import * as reg from '../isa/system-registers.js';
import { loadWord } from '../isa/load-word.js';
import { UART0_BASE } from '../board/bcm2836.js';
import { PL011_REGISTERS } from '../board/pl011.js';
import { SYSTEM_TIMER_BASE, SYSTEM_TIMER_REGISTERS } from '../board/system-timer.js';
import { guestBase, guestInterrupt } from '../hypervisor/shared/guest-machine.js';
import { GUEST_RAM, NEAR_UARTS } from '../hypervisor/shared/layout.js';
import { COMMANDS } from '../hypervisor/shared/messages.js';
import { loadAddress, readMode, type Row, type Value, writeRunner } from './table.js';

/** Where the guest's kernel is in its memory: below it there is room for its stack. */
export const GUEST_KERNEL = 0x8000;
/** How often an operation is done where its cost is measured. */
const MANY = 1000;
const { DR, FR, CR, IBRD } = PL011_REGISTERS;
/** UARTEN and RXE: the host listens. */
const LISTENS = CR.bits.UARTEN | CR.bits.RXE;
/** What the guest sends last (End of Transmission). */
const END = 4;
/** Bytes from one console's near end to the next one's. */
const NEAR_SIZE = 0x1000;
/** Microseconds: for which a console says nothing before the next is listened to, and between two looks. */
const [QUIET, PATIENCE, PAUSE] = [400_000, 5_000_000, 5_000];

/** PSCI functions (Arm DEN 0022). */
const [PSCI_VERSION, SYSTEM_OFF] = [0x8400_0000, 0x8400_0008];
/** GICv2 (Arm IHI 0048B, 4.3 and 4.4): offsets. */
const GICD = { CTLR: 0, TYPER: 4, ISENABLER0: 0x100 } as const;
const GICC = { CTLR: 0, PMR: 4 } as const;
/** A guest-physical address where its machine has nothing. */
const NOTHING = 0x3000_0000;
/** Ticks until the guest's timer interrupts: 10 ms. */
const SOON = 192_000;
/** What stands for an Undefined Instruction in the place of a syndrome. */
const UNDEFINED = 0xffff_ffff;

const readCpsr = (name: string): Row => ({
  ...{ name, shown: 'hex', same: true },
  code: (a) => {
    readMode(a, r0);
  },
});

/** Ticks of the virtual counter that an operation takes, done many times. It may change R0 to R3. */
const ticks = (what: string, one: (a: Assembler) => void, before?: (a: Assembler) => void): Row => ({
  name: `guest: ${what}, ticks of ${MANY}`,
  shown: 'decimal',
  code: (a) => {
    const again = a.label('again');
    before?.(a);
    loadWord(a, r6, MANY);
    a.isb();
    a.mrrc(reg.CNTVCT, r4, r5);
    a.at(again);
    one(a);
    a.subs(r6, r6, 1);
    a.bne(again);
    a.isb();
    a.mrrc(reg.CNTVCT, r0, r1);
    a.sub(r0, r0, r4);
  },
});

const at = (address: number) => (a: Assembler) => {
  loadWord(a, r10, address);
};

function call(a: Assembler, number: number): void {
  loadWord(a, r0, number);
  a.hvc(0);
}

const GUEST_ROWS: readonly Row[] = [
  readCpsr('guest: CPSR'),
  {
    ...{ name: 'guest: PSCI_VERSION', shown: 'hex', same: true },
    code: (a) => {
      call(a, PSCI_VERSION);
    },
  },
  ticks('HVC, PSCI_VERSION', (a) => {
    call(a, PSCI_VERSION);
  }),
  ticks(
    'read of GICD_TYPER',
    (a) => {
      a.ldr(r0, [r10]);
    },
    at(guestBase('gicd') + GICD.TYPER),
  ),
  ticks(
    'write of UARTIBRD',
    (a) => {
      a.str(r0, [r10]);
    },
    at(guestBase('uart') + IBRD.offset),
  ),
  {
    ...{ name: 'guest: exclusives, MMU off', shown: 'decimal', same: true },
    code: (a) => {
      loadWord(a, r10, GUEST_RAM + 0x10_0000);
      a.clrex();
      a.ldrex(r1, [r10]);
      a.strex(r0, r1, [r10]);
      a.dsb();
    },
  },
  {
    ...{ name: 'guest: read where nothing is', shown: 'hex', same: true },
    code: (a) => {
      at(NOTHING)(a);
      a.ldr(r0, [r10]);
      a.dsb();
    },
  },
  {
    ...{ name: 'guest: end of WFI behind its timer, ticks', shown: 'decimal' },
    code: (a) => {
      const set = (address: number, value: number): void => {
        loadWord(a, r1, address);
        loadWord(a, r2, value);
        a.str(r2, [r1]);
      };
      set(guestBase('gicd') + GICD.ISENABLER0, 2 ** guestInterrupt('VIRTUAL_TIMER'));
      set(guestBase('gicd') + GICD.CTLR, 1);
      set(guestBase('gicc') + GICC.PMR, 0xff);
      set(guestBase('gicc') + GICC.CTLR, 1);
      loadWord(a, r1, SOON);
      a.mcr(reg.CNTV_TVAL, r1);
      a.mov(r1, 1);
      a.mcr(reg.CNTV_CTL, r1);
      a.isb();
      a.wfi();
      a.note('It counts down past 0');
      a.mrc(reg.CNTV_TVAL, r0);
      a.rsb(r0, r0, 0);
      a.mov(r1, 0);
      a.mcr(reg.CNTV_CTL, r1);
    },
  },
];

const HOST_ROWS: readonly Row[] = [
  readCpsr('host: CPSR'),
  {
    ...{ name: "host: read of a console's UARTFR, cycles", shown: 'decimal' },
    code: (a) => {
      at(NEAR_UARTS + FR.offset)(a);
      a.ldr(r0, [r10]);
      a.isb();
      a.mrc(reg.PMCCNTR, r4);
      a.ldr(r0, [r10]);
      a.dsb();
      a.isb();
      a.mrc(reg.PMCCNTR, r0);
      a.sub(r0, r0, r4);
    },
  },
];

/** A stack below the code that begins here, and vectors. */
function begin(a: Assembler, vectors: Label): void {
  loadWord(a, sp, a.here);
  loadAddress(a, r0, vectors);
  a.mcr(reg.VBAR, r0);
  a.isb();
}

/** Vectors in SVC mode: what rows do may be aborted. */
function writeVectors(a: Assembler, vectors: Label, aborted: Label): void {
  const [undefinedInstruction, abort, stay] = [a.label('undefined'), a.label('abort'), a.label('stay')];
  a.org(Math.ceil(a.here / 32) * 32);
  a.at(vectors);
  for (const target of [stay, undefinedInstruction, stay, abort, abort, stay, stay, stay]) a.b(target);
  a.at(stay);
  a.b(stay);
  a.at(undefinedInstruction);
  loadWord(a, r0, UNDEFINED);
  a.cps(MODE_SVC);
  a.b(aborted);
  a.at(abort);
  a.mrc(reg.DFSR, r0);
  a.cps(MODE_SVC);
  a.b(aborted);
}

/** What the guest's kernel file is, entered in SVC mode at its first byte. */
export function guestCode(emulator: ReadonlyMap<string, Value>): Uint8Array {
  const a = assembler(GUEST_RAM + GUEST_KERNEL);
  const [run, vectors] = [a.label('run'), a.label('vectors')];
  begin(a, vectors);
  a.bl(run);
  loadWord(a, r1, guestBase('uart'));
  a.mov(r0, END);
  a.str(r0, [r1, DR.offset]);
  call(a, SYSTEM_OFF);
  const { aborted } = writeRunner(a, run, guestBase('uart'), GUEST_ROWS, emulator);
  writeVectors(a, vectors, aborted);
  return a.assemble();
}

/**
 * The host's kernel, entered in SVC mode at its first byte.
 * @param origin physical address; below it there is room for a stack
 */
export function hostCode(origin: number, emulator: ReadonlyMap<string, Value>): Uint8Array {
  const a = assembler(origin);
  const [run, vectors, listen, say, last, stay] = [
    ...[a.label('run'), a.label('vectors'), a.label('listen')],
    ...[a.label('say'), a.label('last line'), a.label('stay')],
  ] as [Label, Label, Label, Label, Label, Label];
  const hear = (console: number, patience: number): void => {
    loadWord(a, r4, NEAR_UARTS + console * NEAR_SIZE);
    loadWord(a, r5, patience);
    a.bl(listen);
  };
  begin(a, vectors);
  hear(0, QUIET);
  a.bl(run);
  hear(1, PATIENCE);
  loadWord(a, r4, NEAR_UARTS);
  for (const byte of new TextEncoder().encode(`${COMMANDS.state}\n`)) {
    a.mov(r0, byte);
    a.str(r0, [r4, DR.offset]);
  }
  hear(0, QUIET);
  loadAddress(a, r0, last);
  a.bl(say);
  a.at(stay);
  a.wfi();
  a.b(stay);
  writeListen(a, listen);
  const { print, aborted } = writeRunner(a, run, UART0_BASE, HOST_ROWS, emulator);
  a.at(say);
  a.b(print);
  writeVectors(a, vectors, aborted);
  a.at(last);
  a.bytes(new TextEncoder().encode(`${LAST_LINE}\r\n\0`));
  return a.assemble();
}

/** What the image prints last. */
export const LAST_LINE = 'That is all.';

/**
 * Writes a routine that passes on what the console with its near end at R4 says, until it ends by {@link END} or says
 * nothing for R5 microseconds. It changes R0 to R3 and R6 to R9.
 */
function writeListen(a: Assembler, listen: Label): void {
  const [again, quiet, pause, full] = [
    ...[a.label('listen again'), a.label('quiet'), a.label('pause'), a.label('full')],
  ] as [Label, Label, Label, Label];
  a.at(listen);
  loadWord(a, r0, LISTENS);
  a.str(r0, [r4, CR.offset]);
  loadWord(a, r6, SYSTEM_TIMER_BASE + SYSTEM_TIMER_REGISTERS.CLO.offset);
  loadWord(a, r7, UART0_BASE);
  a.ldr(r8, [r6]);
  a.at(again);
  a.ldr(r0, [r4, FR.offset]);
  a.tst(r0, FR.bits.RXFE);
  a.bne(quiet);
  a.ldr(r9, [r4, DR.offset]);
  a.cmp(r9, END);
  a.bxeq(lr);
  a.at(full);
  a.ldr(r0, [r7, FR.offset]);
  a.tst(r0, FR.bits.TXFF);
  a.bne(full);
  a.str(r9, [r7, DR.offset]);
  a.ldr(r8, [r6]);
  a.b(again);
  a.at(quiet);
  a.ldr(r2, [r6]);
  a.sub(r0, r2, r8);
  a.cmp(r0, r5);
  a.bxhs(lr);
  loadWord(a, r3, PAUSE);
  a.at(pause);
  a.ldr(r0, [r6]);
  a.sub(r0, r0, r2);
  a.cmp(r0, r3);
  a.blo(pause);
  a.b(again);
}
