/**
 * Words on the serial port by code that has no stack and whose memory is where it runs: MMU and data cache off, or all
 * that it uses mapped at its physical address. Texts stand behind the calls that print them.
 */
import type { Assembler } from '../isa/assembler.js';
import { loadWord } from '../isa/load-word.js';
import type { Label, Register } from '../isa/registers.js';
import { lr, r0, r1, r10, r11, r2, r3, r4, r9 } from '../isa/registers.js';
import * as reg from '../isa/system-registers.js';
import { ascii } from '../base/bytes.js';
import { CORES, UART0_BASE } from '../board/bcm2836.js';
import { GPIO_BASE, GPIO_REGISTERS } from '../board/gpio.js';
import { LOCAL_BASE, LOCAL_REGISTERS } from '../board/local-peripherals.js';
import { PL011_REGISTERS } from '../board/pl011.js';
import { SYSTEM_TIMER_BASE, SYSTEM_TIMER_REGISTERS } from '../board/system-timer.js';
import { writeSerialSetup } from './serial.js';

/** Looks at the port before it is given up: 10 ms or more, where 16 characters take 1.4. */
const PATIENCE = 1 << 16;
const GPFSEL1 = GPIO_REGISTERS.GPFSEL.offset + 4;
const { DR, FR, CR, IBRD, FBRD, LCRH, IMSC } = PL011_REGISTERS;
const CLO = SYSTEM_TIMER_BASE + SYSTEM_TIMER_REGISTERS.CLO.offset;

/**
 * Cores speak in turn. Bit n of core 0's mailbox 2, which no kernel uses (QA7 4.8), says that core n has had its turn: a
 * word that all see, with their caches on or off. It is 0 when the kernel starts.
 */
const TURNS_AT = 2 * 4;
const TURNS_SET = LOCAL_BASE + LOCAL_REGISTERS.MAILBOX_SET.offset + TURNS_AT;
const TURNS_CLR = LOCAL_BASE + LOCAL_REGISTERS.MAILBOX_CLR.offset + TURNS_AT;
/** A bit there: the port takes nothing (its clock may be off), and nobody waits for it any more. Its sign. */
const GIVEN_UP = 0x8000_0000;

/** What code can say; all of it changes R0 to R4 and LR, `hex` R9, `open` and `close` R9 to R11, too. */
export interface Speech {
  /** Sets the port up, and keeps what the firmware had set. */
  open(): void;
  /** Waits until all is said, and puts back what the firmware had set, for who has the port next. */
  close(): void;
  letter(character: string): void;
  text(words: string): void;
  /** `0x` and eight digits. */
  hex(from: Register): void;
  /** A digit: the value of a register below 10. */
  digit(from: Register): void;
  /** The number of this core. */
  core(): void;
  /** Waits until the core of the bit in R0 has had its turn, R1 µs at the most; Z is set where it has not. */
  awaitTurn(): void;
  /** All cores are still to have their turns. */
  clearTurns(): void;
  /** This core has had its turn. */
  endTurn(): void;
  /** The word that ends it, and where that goes, for who does it alone: in two registers that no other routine changes. */
  turn(word: Register, address: Register): void;
  /** The same as {@link endTurn} of core n. */
  endTurnOf(n: number): void;
  /** Writes the routines: to be called once, where no core comes by. */
  routines(): void;
}

/** This core's number into a register. */
function coreNumber(a: Assembler, to: Register): void {
  a.mrc(reg.MPIDR, to);
  a.and(to, to, CORES - 1);
}

/** The character in R2, when there is room for it. Changes R1, R3 and R4. */
function put(a: Assembler): void {
  const [full, lost, over] = [a.label('full'), a.label('lost'), a.label('over')];
  loadWord(a, r4, TURNS_CLR);
  a.dsb();
  a.ldr(r4, [r4]);
  a.cmp(r4, 0);
  a.bmi(over);
  a.dsb();
  loadWord(a, r1, UART0_BASE);
  loadWord(a, r3, PATIENCE);
  a.at(full);
  a.subs(r3, r3, 1);
  a.beq(lost);
  a.ldr(r4, [r1, FR.offset]);
  a.tst(r4, FR.bits.TXFF);
  a.bne(full);
  a.str(r2, [r1, DR.offset]);
  a.b(over);
  a.at(lost);
  loadWord(a, r4, TURNS_SET);
  a.mov(r3, GIVEN_UP);
  a.dsb();
  a.str(r3, [r4]);
  a.at(over);
}

/** Waits until the port has sent what it was given. Changes R0, R3; R11 has its base. */
function sent(a: Assembler): void {
  const [busy, over] = [a.label('busy'), a.label('over')];
  loadWord(a, r3, PATIENCE);
  a.at(busy);
  a.subs(r3, r3, 1);
  a.beq(over);
  a.ldr(r0, [r11, FR.offset]);
  a.tst(r0, FR.bits.BUSY);
  a.bne(busy);
  a.at(over);
}

/** The port's registers that the firmware may have set, in the registers that hold them. */
const KEPT = [
  [CR, r1],
  [IBRD, r2],
  [FBRD, r3],
  [LCRH, r4],
  [IMSC, lr],
] as const;

function writeOpen(a: Assembler, open: Label, setup: Label, kept: Label): void {
  a.at(open);
  a.mov(r9, lr);
  a.dsb();
  loadWord(a, r11, GPIO_BASE);
  a.ldr(r0, [r11, GPFSEL1]);
  a.dsb();
  loadWord(a, r11, UART0_BASE);
  for (const [register, to] of KEPT) a.ldr(to, [r11, register.offset]);
  a.adr(r10, kept);
  a.stm(r10, [r0, ...KEPT.map(([, to]) => to)]);
  sent(a);
  a.bl(setup);
  a.bx(r9);
}

function writeClose(a: Assembler, close: Label, kept: Label): void {
  a.at(close);
  a.mov(r9, lr);
  a.dsb();
  loadWord(a, r11, UART0_BASE);
  sent(a);
  a.adr(r10, kept);
  a.ldm(r10, [r0, ...KEPT.map(([, to]) => to)]);
  a.note('Off while its divisor changes (DDI 0183, 3.3.8)');
  a.mov(r10, 0);
  a.str(r10, [r11, CR.offset]);
  a.note('The divisor counts from LCRH on, and the port from CR on (DDI 0183, 3.3.6)');
  for (const [register, from] of [...KEPT.slice(1), KEPT[0]]) a.str(from, [r11, register.offset]);
  a.dsb();
  loadWord(a, r11, GPIO_BASE);
  a.str(r0, [r11, GPFSEL1]);
  a.dsb();
  a.bx(r9);
}

function writePrint(a: Assembler, print: Label): void {
  const [next, over] = [a.label('next character'), a.label('text over')];
  a.at(print, next);
  a.ldrb(r2, [lr], 1);
  a.cmp(r2, 0);
  a.beq(over);
  put(a);
  a.b(next);
  a.at(over);
  a.dsb();
  a.note('On behind the text');
  a.add(lr, lr, 3);
  a.bic(lr, lr, 3);
  a.bx(lr);
}

function writePut(a: Assembler, begin: Label): void {
  a.at(begin);
  a.mov(r2, r0);
  put(a);
  a.dsb();
  a.bx(lr);
}

/** Of a word, and bits of each; how far it is from '9' on to 'a'. */
const [DIGITS, DIGIT_BITS] = [8, 4];
const TO_LETTERS = 'a'.charCodeAt(0) - '9'.charCodeAt(0) - 1;

/** R0 in hexadecimal. Changes R9. */
function writeHex(a: Assembler, begin: Label): void {
  const next = a.label('next digit');
  a.at(begin);
  a.mov(r9, DIGITS);
  a.at(next);
  a.ror(r0, r0, 32 - DIGIT_BITS);
  a.and(r2, r0, 0xf);
  a.cmp(r2, 9);
  a.addhi(r2, r2, TO_LETTERS);
  a.add(r2, r2, '0'.charCodeAt(0));
  put(a);
  a.subs(r9, r9, 1);
  a.bne(next);
  a.dsb();
  a.bx(lr);
}

function writeAwaitTurn(a: Assembler, begin: Label): void {
  const [look, came] = [a.label('look'), a.label('came')];
  a.at(begin);
  loadWord(a, r2, CLO);
  a.dsb();
  a.ldr(r3, [r2]);
  a.at(look);
  loadWord(a, r4, TURNS_CLR);
  a.dsb();
  a.ldr(r4, [r4]);
  a.tst(r4, r0);
  a.bne(came);
  a.note('Other cores may have their turn on this thread of an emulator');
  a.yield();
  a.dsb();
  a.ldr(r4, [r2]);
  a.sub(r4, r4, r3);
  a.cmp(r4, r1);
  a.blo(look);
  a.note('Z');
  a.movs(r0, 0);
  a.at(came);
  a.dsb();
  a.bx(lr);
}

/** What says words from here on. */
export function speech(a: Assembler): Speech {
  const names = ['open', 'close', 'print', 'put', 'hex', 'await turn', 'set up', 'kept'] as const;
  const [open, close, print, character, hex, awaitTurn, setup, kept] = names.map((it) => a.label(it)) as [
    Label,
    Label,
    Label,
    Label,
    Label,
    Label,
    Label,
    Label,
  ];
  const setTurn = (): void => {
    loadWord(a, r2, TURNS_SET);
    a.dsb();
    a.str(r1, [r2]);
    a.dsb();
  };
  const digit = (from: Register): void => {
    a.add(r0, from, '0'.charCodeAt(0));
    a.bl(character);
  };
  const text = (words: string): void => {
    a.bl(print);
    a.bytes(ascii(words.padEnd(4 * Math.ceil((words.length + 1) / 4), '\0')));
  };
  return {
    open: () => {
      a.bl(open);
    },
    close: () => {
      a.bl(close);
    },
    letter: (one) => {
      a.mov(r0, one.charCodeAt(0));
      a.bl(character);
    },
    text,
    hex: (from) => {
      text('0x');
      a.mov(r0, from);
      a.bl(hex);
    },
    digit,
    core: () => {
      coreNumber(a, r0);
      digit(r0);
    },
    awaitTurn: () => {
      a.bl(awaitTurn);
    },
    clearTurns: () => {
      a.mvn(r1, 0);
      loadWord(a, r2, TURNS_CLR);
      a.dsb();
      a.str(r1, [r2]);
      a.dsb();
    },
    endTurn: () => {
      coreNumber(a, r0);
      a.mov(r1, 1);
      a.lsl(r1, r1, r0);
      setTurn();
    },
    turn: (word, address) => {
      coreNumber(a, r0);
      a.mov(word, 1);
      a.lsl(word, word, r0);
      loadWord(a, address, TURNS_SET);
    },
    endTurnOf: (n) => {
      a.mov(r1, 1 << n);
      setTurn();
    },
    routines: () => {
      a.at(kept);
      for (let i = 0; i <= KEPT.length; i++) a.word(0);
      writeOpen(a, open, setup, kept);
      writeClose(a, close, kept);
      writePrint(a, print);
      writePut(a, character);
      writeHex(a, hex);
      writeAwaitTurn(a, awaitTurn);
      writeSerialSetup(a, setup);
    },
  };
}
