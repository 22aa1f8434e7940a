/**
 * Whether the memory is split between the ARM and the VideoCore as it was when the file was made; if not, how the host
 * starts alone. All of it runs where the firmware has loaded the file, in HYP mode, MMU and data cache off.
 */
import { writePropertyRequest } from '../../boot/property-request.js';
import { writeSerialSetup } from '../../boot/serial.js';
import type { Speech } from '../../boot/speech.js';
import type { Assembler } from '../../isa/assembler.js';
import { loadWord } from '../../isa/load-word.js';
import type { Label, Register } from '../../isa/registers.js';
import { lr, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, sp } from '../../isa/registers.js';
import * as reg from '../../isa/system-registers.js';
import { ascii } from '../../base/bytes.js';
import { MACHINE_TYPE, UART0_BASE } from '../../board/bcm2836.js';
import { PL011_REGISTERS } from '../../board/pl011.js';
import { COPIER_AT, COPY_STEP } from '../shared/layout.js';
import { CHANNEL_NODE } from '../../channel/ports.js';
import { aloneText } from '../shared/messages.js';

/** Tokens of a device tree (Devicetree Specification 0.4, 5.4.1), and its magic number. */
const [BEGIN_NODE, END_NODE, PROP, NOP] = [1, 2, 3, 4];
const NOP_BIG_ENDIAN = 0x0400_0000;
const MAGIC = 0xd00d_feed;
const [STRUCT_AT, STRINGS_AT] = [8, 12];

/** Get ARM memory (Raspberry Pi documentation, "Mailbox property interface"). */
const TAG_ARM_MEMORY = 0x0001_0005;
const ANSWERED = 0x8000_0000;
const BUFFER = { STATUS: 4, BASE: 20, SIZE: 24 } as const;
/** Looks at the serial port before a character is given up. */
const PATIENCE = 1 << 20;

const MIB_SHIFT = 20;

/**
 * Walks the nodes of the tree at SP, and goes on at `none` where there is none or it ends. R5 is behind the token, R6 at
 * the strings, R7 the depth; R8 is the caller's, 0 at first.
 * @param node a node begins, its name at R5; it may change R0 to R3
 * @param property R1 has its bytes, R2 is at its name, its value at R5; it may change R0, R2 and R3
 * @param passed a token of the kind in R10 has been passed, which stood at R9; R5 is at the next
 */
function walk(
  a: Assembler,
  none: Label,
  node: () => void,
  property: () => void,
  passed: () => void = () => undefined,
): void {
  const at = (name: string): Label => a.label(name);
  const [token, next, begin, name, end, prop] = [
    ...[at('token'), at('next'), at('begin'), at('name'), at('end'), at('prop')],
  ] as [Label, Label, Label, Label, Label, Label];
  const big = (to: Register, offset: number): void => {
    a.ldr(to, [sp, offset]);
    a.rev(to, to);
  };
  a.cmp(sp, 0);
  a.beq(none);
  a.tst(sp, 3);
  a.bne(none);
  big(r0, 0);
  loadWord(a, r1, MAGIC);
  a.cmp(r0, r1);
  a.bne(none);
  big(r5, STRUCT_AT);
  a.add(r5, r5, sp);
  big(r6, STRINGS_AT);
  a.add(r6, r6, sp);
  a.mov(r7, 0);
  a.mov(r8, 0);
  a.at(token);
  a.mov(r9, r5);
  a.ldr(r10, [r5], 4);
  a.rev(r10, r10);
  a.cmp(r10, BEGIN_NODE);
  a.beq(begin);
  a.cmp(r10, PROP);
  a.beq(prop);
  a.cmp(r10, END_NODE);
  a.beq(end);
  a.cmp(r10, NOP);
  a.beq(token);
  a.b(none);
  a.at(begin);
  a.add(r7, r7, 1);
  node();
  a.at(name);
  a.ldrb(r0, [r5], 1);
  a.cmp(r0, 0);
  a.bne(name);
  a.add(r5, r5, 3);
  a.bic(r5, r5, 3);
  a.b(next);
  a.at(prop);
  a.ldr(r1, [r5], 4);
  a.rev(r1, r1);
  a.ldr(r2, [r5], 4);
  a.rev(r2, r2);
  a.add(r2, r2, r6);
  property();
  a.add(r1, r1, 3);
  a.bic(r1, r1, 3);
  a.add(r5, r5, r1);
  a.b(next);
  a.at(end);
  a.sub(r7, r7, 1);
  a.at(next);
  passed();
  a.cmp(r7, 0);
  a.bne(token);
  a.b(none);
}

/** Goes to a label where the bytes at a register, at any address, are not these. Changes R0. */
function unlessBytes(a: Assembler, at: Register, bytes: Iterable<number>, other: Label): void {
  [...bytes].forEach((byte, i) => {
    a.ldrb(r0, [at, i]);
    a.cmp(r0, byte);
    a.bne(other);
  });
}

/**
 * Writes the check: the tree at SP says how far the ARM's memory goes, or else the VideoCore is asked. R12, the file, and
 * SP stay.
 * @param needed where the memory must end that the file was made for
 * @param alone where to go on if it ends before, with its end in R11; else behind
 */
export function writeSplitCheck(a: Assembler, needed: number, alone: Label): void {
  const [ask, known] = [a.label('ask'), a.label('known')];
  const [buffer, over] = [a.label('buffer'), a.label('over')];
  a.mov(r11, 0);
  walk(
    a,
    ask,
    () => {
      const [isOther, isMemory] = [a.label('is other'), a.label('is memory')];
      a.mov(r8, 0);
      a.cmp(r7, 2);
      a.bne(isOther);
      unlessBytes(a, r5, ascii('memory'), isOther);
      a.ldrb(r0, [r5, 6]);
      a.cmp(r0, 0);
      a.beq(isMemory);
      a.cmp(r0, '@'.charCodeAt(0));
      a.bne(isOther);
      a.at(isMemory);
      a.mov(r8, 1);
      a.at(isOther);
    },
    () => {
      const [isOther, pair] = [a.label('is other'), a.label('pair')];
      a.cmp(r8, 0);
      a.beq(isOther);
      unlessBytes(a, r2, [...ascii('reg'), 0], isOther);
      a.note('One cell of address and one of size, as on every 32-bit Pi: how far they go from 0 on');
      a.at(pair);
      a.subs(r1, r1, 8);
      a.bmi(ask);
      a.ldr(r2, [r5], 4);
      a.rev(r2, r2);
      a.ldr(r3, [r5], 4);
      a.rev(r3, r3);
      a.add(r3, r3, r2);
      a.cmp(r2, r11);
      a.bhi(pair);
      a.cmp(r3, r11);
      a.movhi(r11, r3);
      a.b(pair);
      a.at(isOther);
    },
  );
  a.at(ask);
  a.cmp(r11, 0);
  a.bne(known);
  a.adr(r4, buffer);
  writePropertyRequest(a, { buffer: r4, mailbox: r5, patience: r6, word: r0 }, known);
  a.ldr(r0, [r4, BUFFER.STATUS]);
  a.cmp(r0, ANSWERED);
  a.bne(known);
  a.ldr(r0, [r4, BUFFER.BASE]);
  a.ldr(r11, [r4, BUFFER.SIZE]);
  a.add(r11, r11, r0);
  a.at(known);
  loadWord(a, r0, needed);
  a.cmp(r11, r0);
  a.blo(alone);
  a.b(over);
  a.org(Math.ceil(a.here / 16) * 16);
  a.at(buffer);
  a.word(32, 0, TAG_ARM_MEMORY, 8, 0, 0, 0, 0);
  a.at(over);
}

/**
 * Writes how the host starts alone, as without a hypervisor, but for the cores that its tree has not: the nodes of the
 * consoles, the bell and the channel, which are not there, leave the tree, the board's serial port says why, and the kernel goes to where the file is.
 * SP is at the tree, R12 at the file, R11 has the end of the ARM's memory.
 * @param hostKernel offset of the host's kernel in the file, and its bytes
 * @param diagnostics what has opened the port before
 */
export function writeAlone(
  a: Assembler,
  needed: number,
  hostKernel: { readonly offset: number; readonly bytes: number },
  diagnostics?: Speech,
): void {
  const names = ['say', 'ready', 'print', 'printing', 'full', 'printed', 'place', 'count', 'digit', 'digits'];
  const [say, ready, print, printing, full, printed, place, count, digit, digits] = names.map((it) =>
    a.label(it),
  ) as [Label, Label, Label, Label, Label, Label, Label, Label, Label, Label];
  const [copier, copying, copied, moving] = ['copier', 'copying', 'copied', 'moving'].map((it) =>
    a.label(it),
  ) as [Label, Label, Label, Label];
  const setup = a.label('setup');
  const [before, behind, places, move] = ['before', 'behind', 'places', 'move'].map((it) => a.label(it)) as [
    Label,
    Label,
    Label,
    Label,
  ];
  walk(
    a,
    say,
    () => {
      const [isOther, goes, noSerial] = [a.label('is other'), a.label('goes'), a.label('no serial port')];
      unlessBytes(a, r5, ascii('serial@4001'), noSerial);
      a.b(goes);
      a.at(noSerial);
      unlessBytes(a, r5, [...ascii(CHANNEL_NODE), 0], isOther);
      a.at(goes);
      a.mov(r8, 1);
      a.at(isOther);
    },
    () => undefined,
    () => {
      const [fill, filled] = [a.label('fill'), a.label('filled')];
      a.cmp(r8, 0);
      a.beq(filled);
      loadWord(a, r0, NOP_BIG_ENDIAN);
      a.at(fill);
      a.str(r0, [r9], 4);
      a.cmp(r9, r5);
      a.blo(fill);
      a.cmp(r10, END_NODE);
      a.moveq(r8, 0);
      a.at(filled);
    },
  );
  a.at(say);
  const { FR, CR, DR } = PL011_REGISTERS;
  loadWord(a, r4, UART0_BASE);
  a.dsb();
  a.ldr(r0, [r4, CR.offset]);
  a.tst(r0, CR.bits.UARTEN);
  a.bne(ready);
  a.bl(setup);
  a.at(ready);
  loadWord(a, r4, UART0_BASE);
  a.adr(r1, before);
  a.bl(print);
  a.note('The number of MiB, from its first digit that is not 0');
  a.adr(r5, places);
  a.mov(r7, 0);
  a.lsr(r3, r11, MIB_SHIFT);
  a.at(place);
  a.ldr(r6, [r5], 4);
  a.mov(r2, '0'.charCodeAt(0));
  a.at(count);
  a.cmp(r3, r6);
  a.blo(digit);
  a.sub(r3, r3, r6);
  a.add(r2, r2, 1);
  a.mov(r7, 1);
  a.b(count);
  a.at(digit);
  a.cmp(r6, 1);
  a.moveq(r7, 1);
  a.adr(r1, digits);
  a.strb(r2, [r1]);
  a.cmp(r7, 0);
  a.blne(print);
  a.cmp(r6, 1);
  a.bne(place);
  a.adr(r1, behind);
  a.bl(print);
  diagnostics?.close();
  diagnostics?.clearTurns();
  a.adr(r1, copier);
  loadWord(a, r2, COPIER_AT);
  a.mov(r3, r2);
  a.adr(r0, move);
  a.at(copying);
  a.ldr(r4, [r1], 4);
  a.str(r4, [r2], 4);
  a.cmp(r1, r0);
  a.blo(copying);
  a.ldm(r0, [r0, r1]);
  a.mov(r4, r3);
  a.add(r1, r1, r12);
  a.mov(r2, r12);
  a.mov(r3, r0);
  a.mov(r0, r4);
  writeVisible(a);
  a.bx(r0);

  a.at(print);
  a.at(printing);
  a.ldrb(r0, [r1], 1);
  a.cmp(r0, 0);
  a.beq(printed);
  loadWord(a, r10, PATIENCE);
  a.at(full);
  a.subs(r10, r10, 1);
  a.beq(printed);
  a.ldr(r9, [r4, FR.offset]);
  a.tst(r9, FR.bits.TXFF);
  a.bne(full);
  a.str(r0, [r4, DR.offset]);
  a.b(printing);
  a.at(printed);
  a.bx(lr);

  a.note('The kernel over the file: this runs below both');
  a.at(copier);
  a.at(moving);
  a.note('Of the code that was here, fetched as cacheable (DDI 0406C B3.2), level 2 may have lines');
  a.mcr(reg.DCCIMVAC, r2);
  a.ldm(r1, '!', [r4, r5, r6, r7, r8, r9, r10, r11]);
  a.stm(r2, '!', [r4, r5, r6, r7, r8, r9, r10, r11]);
  a.subs(r3, r3, COPY_STEP);
  a.bhi(moving);
  writeVisible(a);
  a.mov(r0, 0);
  loadWord(a, r1, MACHINE_TYPE);
  a.mov(r2, sp);
  a.bx(r12);
  a.at(copied);
  a.at(move);
  a.word(hostKernel.bytes, hostKernel.offset);
  a.at(places);
  a.word(1000, 100, 10, 1);
  const text = (label: Label, what: string): void => {
    a.at(label);
    a.bytes(ascii(what.padEnd(4 * Math.ceil((what.length + 1) / 4), '\0')));
  };
  text(digits, '');
  const [first, last] = aloneText(needed >>> MIB_SHIFT);
  text(before, first);
  text(behind, last);
  writeSerialSetup(a, setup);
}

/** What was stored, past no cache, is fetched as instructions (DDI 0406C B2.2.9). Changes nothing. */
export function writeVisible(a: Assembler): void {
  a.dsb();
  a.mcr(reg.ICIALLU, r0);
  a.mcr(reg.BPIALL, r0);
  a.dsb();
  a.isb();
}
