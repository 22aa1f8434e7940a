/** Arithmetic and logic of micro-ops, and the flags that come of it. */
import { localOf, locals } from './locals.js';
import type { MicroOp } from './micro-op.js';
import { by, carry, constant, get, inverted, number, type Push, put, type Write } from './parts.js';
import type { Writer } from './writer.js';

const { flags, x, y, address, place, wide } = locals;
const { N, Z, C, V } = flags;

/** [a] = the value, with N and Z of it. */
const logical =
  (value: Push): Write =>
  (w, op) => {
    value(w, op);
    w.needCarry();
    w.code.tee(x).set(localOf(op.a)!);
    w.flags = 'result';
  };

/** Flags of an addition or subtraction of two values; [a] is the result, or nothing is. */
export const compare =
  (kind: 'addition' | 'subtraction', first: Push, second: Push, isKept: boolean): Write =>
  (w, op) => {
    const { code } = w;
    first(w, op);
    second(w, op);
    code.set(y).set(x);
    w.flags = kind;
    if (!isKept) return;
    code
      .get(x)
      .get(y)
      .op(kind === 'addition' ? 'i32.add' : 'i32.sub');
    code.set(localOf(op.a)!);
  };

/** [a] = first + second + C, with all flags. */
const addWithCarry =
  (first: Push, second: Push): Write =>
  (w, op) => {
    const { code } = w;
    carry(w, op);
    code.set(place);
    first(w, op);
    code.set(x);
    second(w, op);
    code.tee(y).op('i64.extend_i32_u').get(x).op('i64.extend_i32_u', 'i64.add');
    code.get(place).op('i64.extend_i32_u', 'i64.add').tee(wide).op('i32.wrap_i64').tee(N).tee(Z);
    code.set(localOf(op.a)!);
    code.get(wide).wide(32).op('i64.shr_u', 'i32.wrap_i64').set(C);
    code.get(x).get(N).op('i32.xor').get(y).get(N).op('i32.xor', 'i32.and').set(V);
    w.flags = 'words';
  };

/** The data-processing instructions, by how their second operand is made. */
function dataProcessing(second: Push): Readonly<Record<string, readonly [plain: Write, flags: Write]>> {
  const first = get('b');
  const both = (value: Push): readonly [Write, Write] => [put(value), logical(value)];
  const sum = by(first, second, 'i32.add');
  return {
    AND: both(by(first, second, 'i32.and')),
    EOR: both(by(first, second, 'i32.xor')),
    ORR: both(by(first, second, 'i32.or')),
    ORN: both(by(first, inverted(second), 'i32.or')),
    BIC: both(by(first, inverted(second), 'i32.and')),
    MOV: both(second),
    MVN: both(inverted(second)),
    ADD: [put(sum), compare('addition', first, second, true)],
    SUB: [put(by(first, second, 'i32.sub')), compare('subtraction', first, second, true)],
    RSB: [put(by(second, first, 'i32.sub')), compare('subtraction', second, first, true)],
    ADC: [put(by(sum, carry, 'i32.add')), addWithCarry(first, second)],
    SBC: [
      put(by(first, inverted(second), 'i32.add', carry, 'i32.add')),
      addWithCarry(first, inverted(second)),
    ],
    RSC: [
      put(by(inverted(first), second, 'i32.add', carry, 'i32.add')),
      addWithCarry(inverted(first), second),
    ],
  };
}
export const immediates = dataProcessing(number('imm'));
export const registers = dataProcessing(get('imm'));

/** [b] op ([imm] shifted by ext) */
export const shifted = (operator: string, shift: string, isInverted = false): Write => {
  const second = by(get('imm'), number('ext'), shift);
  return put(by(get('b'), isInverted ? inverted(second) : second, operator));
};

/** The lowest byte of a register, by which another is shifted. */
export const amount = by(get('imm'), constant(0xff), 'i32.and');
/** A shift by a register to the left or logically to the right: nothing is left of 32 bits. */
export const shiftedByRegister = (shift: string): Write =>
  put(by(get('b'), amount, shift, constant(0), amount, constant(32), 'i32.lt_u', 'select'));

/** C = bit n of the value */
export const setCarry =
  (value: Push): Write =>
  (w, op) => {
    w.needWords();
    value(w, op);
    w.code.set(C);
  };
const bit =
  (value: Push, n: (op: MicroOp) => number): Push =>
  (w, op) => {
    value(w, op);
    w.code.constant(n(op)).op('i32.shr_u').constant(1).op('i32.and');
  };
/** A constant shift with its carry: [b] by imm, from 1 to 32. */
export const shiftWithCarry =
  (out: (imm: number) => number, shift: string, beyond: Push): Write =>
  (w, op) => {
    setCarry(bit(get('b'), ({ imm }) => out(imm)))(w, op);
    if (op.imm < 32) put(by(get('b'), number('imm'), shift))(w, op);
    else put(beyond)(w, op);
  };

export const long = (first: Push, second: Push, extend: string): Push =>
  by(first, extend, second, extend, 'i64.mul');
/** [ext] : [a] */
export const pair: Push = by(
  ...[get('ext'), 'i64.extend_i32_u', ({ code }: Writer) => code.wide(32), 'i64.shl'],
  ...[get('a'), 'i64.extend_i32_u', 'i64.or'],
);
export const putPair =
  (value: Push): Write =>
  (w, op) => {
    value(w, op);
    w.code.tee(wide).op('i32.wrap_i64').set(localOf(op.a)!);
    w.code.get(wide).wide(32).op('i64.shr_u', 'i32.wrap_i64').set(localOf(op.ext)!);
  };
export const unsigned = 'i64.extend_i32_u';
export const signed = 'i64.extend_i32_s';
export const product = by(get('b'), get('imm'), 'i32.mul');

export const divide =
  (isSigned: boolean): Write =>
  (w, op) => {
    const { code } = w;
    get('imm')(w, op);
    code.set(place);
    get('b')(w, op);
    code.set(address);
    const result = localOf(op.a)!;
    code.get(place).op('i32.eqz').open('if');
    code.constant(0).set(result).otherwise();
    if (isSigned) {
      // The most negative number by -1 traps in WebAssembly; ARM gives the number itself.
      code.get(place).constant(-1).op('i32.eq').open('if');
      code.constant(0).get(address).op('i32.sub').set(result).otherwise();
    }
    code
      .get(address)
      .get(place)
      .op(isSigned ? 'i32.div_s' : 'i32.div_u')
      .set(result)
      .end();
    if (isSigned) code.end();
  };

/** The bytes of a value back to front. */
export const reversed =
  (value: Push): Push =>
  (w, op) => {
    const { code } = w;
    value(w, op);
    code.tee(place).constant(8).op('i32.rotl').constant(0x00ff00ff).op('i32.and');
    code.get(place).constant(8).op('i32.rotr').constant(0xff00ff00).op('i32.and', 'i32.or');
  };
const swapped =
  (value: Push, by_: number, mask: number): Push =>
  (w, op) => {
    const { code } = w;
    value(w, op);
    code.tee(place).constant(by_).op('i32.shr_u').constant(mask).op('i32.and');
    code.get(place).constant(mask).op('i32.and').constant(by_).op('i32.shl', 'i32.or');
  };
export const bitsReversed = reversed(
  swapped(swapped(swapped(get('b'), 1, 0x55555555), 2, 0x33333333), 4, 0x0f0f0f0f),
);
export const rotated = by(get('b'), number('imm'), 'i32.rotr');
