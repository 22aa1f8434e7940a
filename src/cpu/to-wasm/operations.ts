/**
 * What micro-ops become that a unit does by itself, the same as interpreter/index.ts does. A unit is left before all
 * others, and before an access that is none to RAM known to the TLB: the interpreter goes on with that very micro-op.
 */
import { FIRST_EXTENSION, Op } from '../micro-ops.js';
import {
  type Addressing,
  PAGE_BYTES,
  load,
  loadMany,
  store,
  storeMany,
  LITERAL,
  OFFSET,
  POST,
  PRE,
  REGISTER,
} from './accesses.js';
import {
  amount,
  bitsReversed,
  compare,
  divide,
  immediates,
  long,
  product,
  putPair,
  registers,
  reversed,
  rotated,
  setCarry,
  shiftWithCarry,
  shifted,
  shiftedByRegister,
  signed,
  unsigned,
  pair,
} from './arithmetic.js';
import { guard } from './branches.js';
import { callInterpreter, coresOf } from './calls.js';
import { type Write, by, constant, get, number, put, carry } from './parts.js';
import { floatingPoint } from './floating-point.js';
import { makeWords, pushCondition } from './flags.js';
import { localOf, locals } from './locals.js';
import type { MicroOp } from './micro-op.js';
import { vectors } from './vectors.js';
import type { Writer } from './writer.js';

const { x, page, target } = locals;
const { N, Z, C } = locals.flags;

/** Whether a word is a register or flag that units hold. */
const holds = (...words: number[]): boolean => words.every((it) => localOf(it) !== undefined);

const table = new Map<Op, Write>();

for (const [name, [plain, setsFlags]] of Object.entries(immediates)) {
  const of = (suffix: string): Op | undefined => Op[`${name}${suffix}` as keyof typeof Op];
  const [plainRegister, setsFlagsRegister] = registers[name]!;
  for (const [suffix, write] of [
    ['_IMM', plain],
    ['_REG', plainRegister],
    ['S_IMM', setsFlags],
    ['S_REG', setsFlagsRegister],
  ] as const) {
    const op = of(suffix);
    if (op !== undefined) table.set(op, write);
  }
}

const loadsAndStores = (suffix: string, how: Addressing): void => {
  const of = (name: string): Op => Op[`${name}${suffix}` as keyof typeof Op];
  table.set(of('LDR'), load('word', how));
  table.set(of('LDRB'), load('byte', how));
  table.set(of('LDRH'), load('half', how));
  table.set(of('LDRSB'), load('signedByte', how));
  table.set(of('LDRSH'), load('signedHalf', how));
  table.set(of('STR'), store('word', how));
  table.set(of('STRB'), store('byte', how));
  table.set(of('STRH'), store('half', how));
};
loadsAndStores('', OFFSET);
loadsAndStores('_PRE', PRE);
loadsAndStores('_POST', POST);
loadsAndStores('_REG', REGISTER);

const a = get('a');
const b = get('b');
const others: readonly (readonly [Op, Write])[] = [
  [Op.CMP_IMM, compare('subtraction', a, number('imm'), false)],
  [Op.CMP_REG, compare('subtraction', a, get('imm'), false)],
  ...(['imm', 'reg'] as const).map((how): readonly [Op, Write] => [
    how === 'imm' ? Op.TST_IMM : Op.TST_REG,
    (w, op) => {
      w.needCarry();
      by(a, how === 'imm' ? number('imm') : get('imm'), 'i32.and')(w, op);
      w.code.set(x);
      w.flags = 'result';
    },
  ]),
  [Op.SET_C, setCarry(number('imm'))],
  [Op.ADD_LSL, shifted('i32.add', 'i32.shl')],
  [Op.ADD_LSR, shifted('i32.add', 'i32.shr_u')],
  [Op.ADD_ASR, shifted('i32.add', 'i32.shr_s')],
  [Op.ADD_ROR, shifted('i32.add', 'i32.rotr')],
  [Op.SUB_LSL, shifted('i32.sub', 'i32.shl')],
  [Op.SUB_LSR, shifted('i32.sub', 'i32.shr_u')],
  [Op.SUB_ASR, shifted('i32.sub', 'i32.shr_s')],
  [Op.RSB_LSL, put(by(get('imm'), number('ext'), 'i32.shl', b, 'i32.sub'))],
  [Op.AND_LSL, shifted('i32.and', 'i32.shl')],
  [Op.AND_LSR, shifted('i32.and', 'i32.shr_u')],
  [Op.ORR_LSL, shifted('i32.or', 'i32.shl')],
  [Op.ORR_LSR, shifted('i32.or', 'i32.shr_u')],
  [Op.ORR_ASR, shifted('i32.or', 'i32.shr_s')],
  [Op.EOR_LSL, shifted('i32.xor', 'i32.shl')],
  [Op.EOR_LSR, shifted('i32.xor', 'i32.shr_u')],
  [Op.EOR_ROR, shifted('i32.xor', 'i32.rotr')],
  [Op.BIC_LSL, shifted('i32.and', 'i32.shl', true)],
  [Op.BIC_LSR, shifted('i32.and', 'i32.shr_u', true)],
  [Op.LSL_IMM, put(by(b, number('imm'), 'i32.shl'))],
  [Op.LSR_IMM, put(by(b, number('imm'), 'i32.shr_u'))],
  [Op.ASR_IMM, put(by(b, number('imm'), 'i32.shr_s'))],
  [Op.ROR_IMM, put(rotated)],
  [Op.RRX, put(by(b, constant(1), 'i32.shr_u', carry, constant(31), 'i32.shl', 'i32.or'))],
  [Op.LSL_REG, shiftedByRegister('i32.shl')],
  [Op.LSR_REG, shiftedByRegister('i32.shr_u')],
  [Op.ASR_REG, put(by(b, amount, constant(31), amount, constant(32), 'i32.lt_u', 'select', 'i32.shr_s'))],
  [Op.ROR_REG, put(by(b, get('imm'), 'i32.rotr'))],
  [Op.LSLC_IMM, shiftWithCarry((imm) => 32 - imm, 'i32.shl', constant(0))],
  [Op.LSRC_IMM, shiftWithCarry((imm) => imm - 1, 'i32.shr_u', constant(0))],
  [Op.ASRC_IMM, shiftWithCarry((imm) => imm - 1, 'i32.shr_s', by(b, constant(31), 'i32.shr_s'))],
  [Op.RORC_IMM, shiftWithCarry((imm) => imm - 1, 'i32.rotr', b)],
  [
    Op.RRXC,
    (w, op) => {
      w.needWords();
      by(b, constant(1), 'i32.and')(w, op);
      by(b, constant(1), 'i32.shr_u')(w, op);
      w.code.get(C).constant(31).op('i32.shl', 'i32.or').set(localOf(op.a)!).set(C);
    },
  ],
  [Op.PAGE_ADD, put(by(({ code }) => code.get(page), number('imm'), 'i32.add'))],
  [Op.MOVT, put(by(a, constant(0xffff), 'i32.and', number('imm'), 'i32.or'))],
  [Op.MUL, put(product)],
  [Op.MLA, put(by(product, get('ext'), 'i32.add'))],
  [Op.MLS, put(by(get('ext'), product, 'i32.sub'))],
  [Op.UMULL, putPair(long(b, get('imm'), unsigned))],
  [Op.SMULL, putPair(long(b, get('imm'), signed))],
  [Op.UMLAL, putPair(by(pair, long(b, get('imm'), unsigned), 'i64.add'))],
  [Op.SMLAL, putPair(by(pair, long(b, get('imm'), signed), 'i64.add'))],
  [
    Op.UMAAL,
    putPair(by(long(b, get('imm'), unsigned), a, unsigned, 'i64.add', get('ext'), unsigned, 'i64.add')),
  ],
  [
    Op.FLAGS64,
    (w, op) => {
      w.needWords();
      by(a, b, 'i32.or')(w, op);
      w.code.set(Z);
      a(w, op);
      w.code.set(N);
    },
  ],
  [Op.SDIV, divide(true)],
  [Op.UDIV, divide(false)],
  [Op.CLZ, put(by(b, 'i32.clz'))],
  [Op.RBIT, put(bitsReversed)],
  [Op.REV, put(reversed(b))],
  [Op.REV16, put(by(reversed(b), constant(16), 'i32.rotl'))],
  [Op.REVSH, put(by(reversed(b), constant(16), 'i32.shr_s'))],
  [Op.UXTB, put(by(rotated, constant(0xff), 'i32.and'))],
  [Op.UXTH, put(by(rotated, constant(0xffff), 'i32.and'))],
  [Op.SXTB, put(by(rotated, 'i32.extend8_s'))],
  [Op.SXTH, put(by(rotated, 'i32.extend16_s'))],
  [Op.UBFX, put(by(b, number('imm'), 'i32.shl', number('ext'), 'i32.shr_u'))],
  [Op.SBFX, put(by(b, number('imm'), 'i32.shl', number('ext'), 'i32.shr_s'))],
  [
    Op.BFI,
    (w, { a: to, b: from, imm, ext }) => {
      const { code } = w;
      code.get(localOf(to)!).constant(~ext).op('i32.and');
      code.get(localOf(from)!).constant(imm).op('i32.shl').constant(ext).op('i32.and', 'i32.or');
      code.set(localOf(to)!);
    },
  ],
  [Op.LDR_LITERAL, load('word', LITERAL)],
  [Op.LDR_STRICT, load('word', OFFSET)],
  [Op.STR_STRICT, store('word', OFFSET)],
  [
    Op.NEXT_PAGE,
    (w, op) => {
      w.code.get(page).constant(PAGE_BYTES).op('i32.add').set(target);
      guard(w, op, op.imm, 0);
    },
  ],
  [Op.LDM, loadMany],
  [Op.STM, storeMany],
];
for (const [op, write] of [...others, ...floatingPoint, ...vectors]) table.set(op, write);

/** Micro-ops whose imm, and whose ext, are addresses of registers. */
const THIRD: ReadonlySet<Op> = new Set(
  [...table.keys()].filter(
    (op) =>
      /_REG$|_LS[LR]$|_ASR$|_ROR$/.test(Op[op]) ||
      (op >= Op.MUL && op <= Op.UMAAL) ||
      op === Op.SDIV ||
      op === Op.UDIV,
  ),
);
const isFourth = (op: Op): boolean => op >= Op.MLA && op <= Op.UMAAL;

/** Parts that are addresses of registers, by micro-op, are what a unit must hold; others are numbers. */
function isHeld({ op, a: first, b: second, imm, ext }: MicroOp): boolean {
  if (op >= Op.LDM && op <= Op.STM) return holds(first) && (imm & 0x8000) === 0;
  if (op >= FIRST_EXTENSION) {
    const { reads, writes } = coresOf({ op, b: second, imm });
    return holds(...reads, ...writes);
  }
  return holds(first, second, ...(THIRD.has(op) ? [imm] : []), ...(isFourth(op) ? [ext] : []));
}

const writeOf = ({ op }: MicroOp): Write | undefined =>
  table.get(op) ?? (op >= FIRST_EXTENSION ? callInterpreter : undefined);

/** Writes a micro-op. @returns false where it is none that a unit does; then nothing was written */
export function writeOperation(w: Writer, op: MicroOp): boolean {
  const write = writeOf(op);
  if (!write || !isHeld(op)) return false;
  write(w, op);
  return true;
}

/** Whether a unit does it. */
export const isTranslated = (op: MicroOp): boolean => writeOf(op) !== undefined && isHeld(op);

/** Whether it sets flags. */
export function setsFlags({ op }: MicroOp): boolean {
  return (
    (op >= Op.ANDS_IMM && op <= Op.SET_C) ||
    (op >= Op.LSLC_IMM && op <= Op.RRXC) ||
    (op >= Op.LSLC_REG && op <= Op.RORC_REG) ||
    op === Op.FLAGS64 ||
    op === Op.VMRS_FLAGS
  );
}

/** Puts on the stack whether a branch is made, or what a skip is for is done. */
export function pushHolds(w: Writer, { op, a: register }: MicroOp): void {
  if (op === Op.SKIP_IF_ZERO || op === Op.SKIP_IF_NOT_ZERO) {
    w.code.get(localOf(register)!);
    if (op === Op.SKIP_IF_NOT_ZERO) w.code.op('i32.eqz');
    return;
  }
  const condition = op - (op >= Op.B_EQ ? Op.B_EQ : Op.SKIP_EQ);
  w.flags = pushCondition(w.code, locals, w.flags, condition);
}

/** Has the flags stand in their words. */
export function wordsOf(w: Writer): void {
  makeWords(w.code, locals, w.flags);
  w.flags = 'words';
}
