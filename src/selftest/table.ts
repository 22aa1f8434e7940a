/** The table that the test image prints: its rows, and the code that runs and prints them, one after the other. */
import type { Assembler } from '../isa/assembler.js';
import type { Label, Register } from '../isa/registers.js';
import { lr, pc, r0, r1, r2, r3, r4, r5, r6, sp } from '../isa/registers.js';
import { loadWord } from '../isa/load-word.js';
import { PL011_REGISTERS } from '../board/pl011.js';

/** How a value is shown: in hexadecimal or decimal. */
type Shown = 'hex' | 'decimal';

export interface Row {
  /** Unique: the emulator's value is found by it. */
  readonly name: string;
  readonly shown: Shown;
  /** A real board is to show the same: else the row is marked where it does not. */
  readonly same?: boolean;
  /** Writes code that leaves the value in R0; it may change all registers but SP, and goes on behind itself. */
  readonly code: (a: Assembler) => void;
}

/** What a row gives: a value, or a syndrome where its code was aborted. */
export interface Value {
  readonly aborted: boolean;
  readonly value: number;
}

export const NAME_WIDTH = 52;
const VALUE_WIDTH = 16;
const MARK = '  <-- another';

/** A value as it is printed. */
export function valueText({ aborted, value }: Value, shown: Shown): string {
  const digits = `0x${value.toString(16).padStart(8, '0')}`;
  if (aborted) return `abort ${digits}`;
  return (shown === 'hex' ? digits : String(value)).padStart(VALUE_WIDTH);
}

/** Loads the address of a label, however far it is. */
export function loadAddress(a: Assembler, to: Register, label: Label): void {
  const [at, over] = [a.label('address'), a.label('over')];
  a.ldr(to, at);
  a.b(over);
  a.at(at);
  a.word(label);
  a.at(over);
}

/** Reads the mode, the masks and the instruction set out of CPSR: the flags above are nobody's matter. */
export function readMode(a: Assembler, to: Register): void {
  a.mrs(to, 'CPSR');
  a.ubfx(to, to, 0, 9);
}

/** A row as it was printed: its name, what there was, and what the built-in Pi 2 shows. */
export interface PrintedRow {
  readonly name: string;
  readonly value: Value;
  readonly marked: boolean;
}

/** Reads the rows of a printed table. */
export function readTable(text: string): PrintedRow[] {
  return text.split(/[\r\n]+/).flatMap((line) => {
    const name = line.slice(0, NAME_WIDTH).trimEnd();
    const found = /^ *(abort )?(0x[0-9a-f]{8}|\d+) +(?:\?|(?:abort )?\w+)(  <-- another)?$/.exec(
      line.slice(NAME_WIDTH),
    );
    if (!found) return [];
    return [
      {
        name,
        value: { aborted: found[1] !== undefined, value: Number(found[2]) },
        marked: found[3] !== undefined,
      },
    ];
  });
}

/** Where code that is aborted goes on: a handler leaves the syndrome in R0 and goes there, in the mode of the rows. */
export interface Runner {
  /** Prints the text at R0, up to its NUL. Changes R0 to R3. */
  readonly print: Label;
  readonly aborted: Label;
}

/**
 * Writes a routine that runs and prints rows, and returns to LR; it needs a stack.
 * @param begin where it begins
 * @param uart address of the PL011
 * @param emulator what the emulator gives, by the rows' names
 * @param afterRow written behind each row's code: what brings the processor back into the state that rows begin in
 */
export function writeRunner(
  a: Assembler,
  begin: Label,
  uart: number,
  rows: readonly Row[],
  emulator: ReadonlyMap<string, Value>,
  afterRow: (a: Assembler) => void = () => undefined,
): Runner {
  const [print, put, aborted, stack, word, number] = [
    ...[a.label('print'), a.label('put'), a.label('aborted'), a.label('stack')],
    ...[a.label('print word'), a.label('print number')],
  ] as [Label, Label, Label, Label, Label, Label];
  const texts: { label: Label; text: string }[] = [];
  const text = (it: string): Label => {
    const label = a.label('text');
    texts.push({ label, text: it });
    return label;
  };
  const address = (to: Register, label: Label): void => {
    loadAddress(a, to, label);
  };
  const [abortText, newline, mark] = [text('abort '), text('\r\n'), text(MARK)];

  a.at(begin);
  a.push([r4, r5, r6, lr]);
  for (const { name, shown, same, code } of rows) {
    const expected = emulator.get(name);
    const [next, plain, equal, resumed] = [
      ...[a.label(`behind ${name}`), a.label('plain'), a.label('equal'), a.label('resumed')],
    ] as [Label, Label, Label, Label];
    address(r0, text(name.padEnd(NAME_WIDTH)));
    a.bl(print);
    address(r2, stack);
    a.str(sp, [r2]);
    address(r3, resumed);
    a.str(r3, [r2, 4]);
    code(a);
    a.note('Not aborted');
    a.mov(r1, 0);
    a.at(resumed);
    a.mov(r5, r0);
    a.mov(r6, r1);
    afterRow(a);
    a.cmp(r6, 0);
    a.beq(plain);
    address(r0, abortText);
    a.bl(print);
    a.mov(r0, r5);
    a.bl(word);
    a.b(next);
    a.at(plain);
    if (shown === 'hex') {
      address(r0, text(' '.repeat(VALUE_WIDTH - 10)));
      a.bl(print);
    }
    a.mov(r0, r5);
    a.bl(shown === 'hex' ? word : number);
    a.at(next);
    address(r0, text(`  ${expected ? valueText(expected, shown) : '?'.padStart(VALUE_WIDTH)}`));
    a.bl(print);
    if (same === true && expected) {
      loadWord(a, r0, expected.value);
      a.cmp(r5, r0);
      a.cmpeq(r6, Number(expected.aborted));
      a.beq(equal);
      address(r0, mark);
      a.bl(print);
      a.at(equal);
    }
    address(r0, newline);
    a.bl(print);
  }
  a.pop([r4, r5, r6, pc]);

  a.at(aborted);
  a.note('The syndrome is in R0; whatever the code has done, it goes on behind itself');
  address(r2, stack);
  a.ldr(sp, [r2]);
  a.ldr(r3, [r2, 4]);
  a.mov(r1, 1);
  a.bx(r3);
  a.at(stack);
  a.word(0, 0);

  writePrinting(a, { print, put, word, number }, uart);
  for (const { label, text: it } of texts) {
    a.at(label);
    const bytes = new TextEncoder().encode(`${it}\0`);
    a.bytes(bytes);
  }
  a.org(Math.ceil(a.here / 8) * 8);
  return { print, aborted };
}

function writePrinting(
  a: Assembler,
  { print, put, word, number }: Readonly<Record<'print' | 'put' | 'word' | 'number', Label>>,
  uart: number,
): void {
  const { DR, FR } = PL011_REGISTERS;
  const [again, full] = [a.label('print again'), a.label('full')];
  a.at(print);
  a.push([r4, lr]);
  a.mov(r4, r0);
  a.at(again);
  a.ldrb(r0, [r4], 1);
  a.cmp(r0, 0);
  a.popeq([r4, pc]);
  a.bl(put);
  a.b(again);

  a.at(put);
  loadWord(a, r1, uart);
  a.at(full);
  a.ldr(r2, [r1, FR.offset]);
  a.tst(r2, FR.bits.TXFF);
  a.bne(full);
  a.str(r0, [r1, DR.offset]);
  a.bx(lr);

  const digits = a.label('digits');
  a.at(word);
  a.push([r4, r5, lr]);
  a.mov(r4, r0);
  a.mov(r0, '0'.charCodeAt(0));
  a.bl(put);
  a.mov(r0, 'x'.charCodeAt(0));
  a.bl(put);
  a.mov(r5, 8);
  a.at(digits);
  a.lsr(r0, r4, 28);
  a.lsl(r4, r4, 4);
  a.cmp(r0, 10);
  a.addlo(r0, r0, '0'.charCodeAt(0));
  a.addhs(r0, r0, 'a'.charCodeAt(0) - 10);
  a.bl(put);
  a.subs(r5, r5, 1);
  a.bne(digits);
  a.pop([r4, r5, pc]);

  const [divide, emit] = [a.label('divide'), a.label('emit')];
  a.at(number);
  a.note('Digits from the last to the first onto the stack, with spaces in front');
  a.push([r4, r5, lr]);
  a.sub(sp, sp, VALUE_WIDTH);
  a.mov(r4, VALUE_WIDTH);
  a.mov(r3, 10);
  a.mov(r5, 0);
  a.at(divide);
  a.sub(r4, r4, 1);
  a.udiv(r1, r0, r3);
  a.mul(r2, r1, r3);
  a.sub(r2, r0, r2);
  a.add(r2, r2, '0'.charCodeAt(0));
  a.cmp(r0, 0);
  a.cmpeq(r5, 1);
  a.moveq(r2, ' '.charCodeAt(0));
  a.mov(r5, 1);
  a.mov(r0, r1);
  a.strb(r2, [sp, r4]);
  a.cmp(r4, 0);
  a.bne(divide);
  a.mov(r4, 0);
  a.at(emit);
  a.ldrb(r0, [sp, r4]);
  a.bl(put);
  a.add(r4, r4, 1);
  a.cmp(r4, VALUE_WIDTH);
  a.bne(emit);
  a.add(sp, sp, VALUE_WIDTH);
  a.pop([r4, r5, pc]);
}
