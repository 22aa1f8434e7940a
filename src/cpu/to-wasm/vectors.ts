/**
 * Advanced SIMD on integers, with the vectors of WebAssembly, and loads and stores of elements that follow one another: what
 * interpreter/vectors.ts and interpreter/structures.ts do. What is not here, the interpreter's functions do (calls.ts).
 */
import * as L from '../layout.js';
import {
  ADD_NOTHING,
  ADD_SIZE,
  AMOUNT_LOW,
  AMOUNT_MASK,
  Op,
  OPERANDS_LOW,
  OPERANDS_MASK,
  PAIRS_8,
  QUAD,
  SCALAR_16,
  SCALAR_16_HIGH,
  SCALAR_32,
  STRUCTURE_ALIGNMENT,
  STRUCTURE_COUNT,
  STRUCTURE_GROUPS,
  STRUCTURE_SIZE,
  WIDEN_BOTH,
  WIDEN_LOW,
  WIDEN_MASK,
  ZERO_FIRST,
  ZERO_SECOND,
} from '../micro-ops.js';
import { pushIsKnown, pushIsWithin } from './accesses.js';
import { callInterpreter, putCores } from './calls.js';
import type { Code } from './code.js';
import { optionsOf, vm, wordAt } from './extension-registers.js';
import { localOf, locals } from './locals.js';
import type { MicroOp } from './micro-op.js';
import { leaveUnless, type Write } from './parts.js';
import { pushPlace } from './physical-memory.js';
import type { Writer } from './writer.js';

const { address, place, mayVectors } = locals;

/** Bytes of a D register, and of a word. */
const DOUBLEWORD = 8;
const WORD = 4;
const amountOf = (op: MicroOp): number => (optionsOf(op) >>> AMOUNT_LOW) & AMOUNT_MASK;
const kindOf = (op: MicroOp): number => (optionsOf(op) >>> OPERANDS_LOW) & OPERANDS_MASK;

/** Sets what is asked of before vectors are used; in a unit it stays so. */
export function askVectors(code: Code): void {
  code.constant(0).access('i32.load', L.EXTENSION_ACCESS).constant(L.ACCESS_SIMD).op('i32.and');
  code.set(mayVectors);
}
function wantsVectors(w: Writer, op: MicroOp): void {
  w.code.get(mayVectors);
  leaveUnless(w, op);
}

const load = (code: Code, at: number): Code => code.constant(0).vectorAccess('v128.load', at);
const zero = (code: Code): Code => code.constant(0).op('i32x4.splat');
/** Writes what is on the stack, on the address 0, to [a]. */
const give = (code: Code, { a }: MicroOp, quad: boolean): Code =>
  quad ? code.vectorAccess('v128.store', wordAt(a)) : code.vectorAccess('v128.store64_lane', wordAt(a), 0);

/** What widens the lower half of a vector, by WIDEN_S8 and those behind it, less one. */
const WIDEN = ['s', 'u'].flatMap((sign) => [
  `i16x8.extend_low_i8x16_${sign}`,
  `i32x4.extend_low_i16x8_${sign}`,
  `i64x2.extend_low_i32x4_${sign}`,
]);
function widened(code: Code, op: MicroOp): void {
  const kind = (optionsOf(op) >>> WIDEN_LOW) & WIDEN_MASK;
  if (kind !== 0) code.op(WIDEN[kind - 1]!);
}

/** Puts the first operand on the stack, and the second. */
function pushFirst(code: Code, op: MicroOp): void {
  if (kindOf(op) === ZERO_FIRST) {
    zero(code);
    return;
  }
  load(code, wordAt(op.b));
  if (optionsOf(op) & WIDEN_BOTH) widened(code, op);
}
function pushSecond(code: Code, op: MicroOp): void {
  const at = wordAt(vm(op));
  switch (kindOf(op)) {
    case ZERO_SECOND:
      zero(code);
      return;
    case SCALAR_16:
      code.constant(0).vectorAccess('v128.load16_splat', at);
      break;
    case SCALAR_16_HIGH:
      code.constant(0).vectorAccess('v128.load16_splat', at + WORD / 2);
      break;
    case SCALAR_32:
      code.constant(0).vectorAccess('v128.load32_splat', at);
      break;
    default:
      load(code, at);
  }
  widened(code, op);
}

/** What an operation makes of what stands on the stack. */
type Make = (code: Code, op: MicroOp) => void;
const n: Make = pushFirst;
const m: Make = pushSecond;
const d: Make = (code, { a }) => load(code, wordAt(a));
const by =
  (...parts: readonly (Make | string)[]): Make =>
  (code, op) => {
    for (const part of parts)
      if (typeof part === 'string') code.op(part);
      else part(code, op);
  };
const shifted = (operator: string): Make => by(m, (code, op) => code.constant(amountOf(op)), operator);

/** [a] = what is made of n and m; of neighbours in D registers the interpreter makes it. */
const vector =
  (make: Make): Write =>
  (w, op) => {
    if (kindOf(op) >= PAIRS_8) {
      callInterpreter(w, op);
      return;
    }
    wantsVectors(w, op);
    w.code.constant(0);
    make(w.code, op);
    give(w.code, op, (optionsOf(op) & QUAD) !== 0);
  };

/** [a] = what is made of imm; b is QUAD. */
const immediate =
  (...operators: readonly string[]): Write =>
  (w, op) => {
    wantsVectors(w, op);
    w.code.constant(0);
    if (operators.length > 0) d(w.code, op);
    w.code.constant(op.imm).op('i32x4.splat', ...operators);
    give(w.code, op, op.b !== 0);
  };

/** All elements are what is at the address imm: a core register, or an element of a vector. */
const duplicate =
  (bits: 8 | 16 | 32): Write =>
  (w, op) => {
    const { code } = w;
    wantsVectors(w, op);
    putCores(code, op);
    code.constant(0).constant(0).vectorAccess(`v128.load${bits}_splat`, op.imm);
    give(code, op, op.b !== 0);
  };

/**
 * Registers that follow one another, as they stand in memory. Where the TLB does not know the page, they go beyond it, or they
 * are not aligned, the interpreter does it.
 */
const transfer =
  (loads: boolean): Write =>
  (w, op) => {
    const { code } = w;
    const how = optionsOf(op);
    if (((how >>> STRUCTURE_COUNT) & 3) !== 0) {
      callInterpreter(w, op);
      return;
    }
    const bytes = ((how >>> STRUCTURE_GROUPS) & 7) * DOUBLEWORD;
    const size = Math.min(1 << ((how >>> STRUCTURE_SIZE) & 3), WORD);
    const align = Math.max(size, 1 << ((how >>> STRUCTURE_ALIGNMENT) & 7)) - 1;
    const base = localOf(op.b)!;
    wantsVectors(w, op);
    code.get(base).set(address);
    pushIsKnown(code, loads ? L.TLB_READ : L.TLB_WRITE, align, 'i32.eq');
    pushIsWithin(code, bytes, 'i32.le_u');
    code.op('i32.and').open('if');
    pushPlace(w);
    code.set(place);
    for (let at = 0, step; at < bytes; at += step) {
      step = bytes - at > DOUBLEWORD ? 2 * DOUBLEWORD : DOUBLEWORD;
      const register = wordAt(op.a) + at;
      const [to, from] = loads ? [register, at] : [at, register];
      if (loads) code.constant(0).get(place);
      else code.get(place).constant(0);
      if (step > DOUBLEWORD) code.vectorAccess('v128.load', from).vectorAccess('v128.store', to);
      else code.access('i64.load', from).access('i64.store', to);
    }
    const added = vm(op);
    if (added !== ADD_NOTHING) {
      code.get(base);
      if (added === ADD_SIZE) code.constant(bytes);
      else code.get(localOf(added)!);
      code.op('i32.add').set(base);
    }
    code.otherwise();
    callInterpreter(w, op);
    code.end();
  };

const table: (readonly [Op, Write])[] = [
  [Op.VAND, vector(by(n, m, 'v128.and'))],
  [Op.VBIC, vector(by(n, m, 'v128.andnot'))],
  [Op.VORR, vector(by(n, m, 'v128.or'))],
  [Op.VORN, vector(by(n, m, 'v128.not', 'v128.or'))],
  [Op.VEOR, vector(by(n, m, 'v128.xor'))],
  [Op.VBSL, vector(by(n, m, d, 'v128.bitselect'))],
  [Op.VBIT, vector(by(n, d, m, 'v128.bitselect'))],
  [Op.VBIF, vector(by(d, n, m, 'v128.bitselect'))],
  [Op.VCNT, vector(by(m, 'i8x16.popcnt'))],
  [Op.VPADDL_S8, vector(by(m, 'i16x8.extadd_pairwise_i8x16_s'))],
  [Op.VPADDL_S16, vector(by(m, 'i32x4.extadd_pairwise_i16x8_s'))],
  [Op.VPADDL_U8, vector(by(m, 'i16x8.extadd_pairwise_i8x16_u'))],
  [Op.VPADDL_U16, vector(by(m, 'i32x4.extadd_pairwise_i16x8_u'))],
  [Op.VRHADD_U8, vector(by(n, m, 'i8x16.avgr_u'))],
  [Op.VRHADD_U16, vector(by(n, m, 'i16x8.avgr_u'))],
  [Op.VMOV_WORDS, immediate()],
  [Op.VORR_WORDS, immediate('v128.or')],
  [Op.VBIC_WORDS, immediate('v128.andnot')],
  [Op.VDUP_8, duplicate(8)],
  [Op.VDUP_16, duplicate(16)],
  [Op.VDUP_32, duplicate(32)],
  [Op.VLD_MULTIPLE, transfer(true)],
  [Op.VST_MULTIPLE, transfer(false)],
];
/** By the bits of an element: the micro-op with a name, and what it becomes. */
for (const [shape, bits] of [
  ['i8x16', 8],
  ['i16x8', 16],
  ['i32x4', 32],
  ['i64x2', 64],
] as const) {
  const rows = (of: Readonly<Record<string, Make>>): void => {
    for (const [name, make] of Object.entries(of))
      table.push([Op[`${name}${bits}` as keyof typeof Op], vector(make)]);
  };
  const of = (name: string): string => `${shape}.${name}`;
  rows({
    VADD_: by(n, m, of('add')),
    VSUB_: by(n, m, of('sub')),
    VSHL_: shifted(of('shl')),
    VSHR_S: shifted(of('shr_s')),
    VSHR_U: shifted(of('shr_u')),
    VSRA_S: by(d, shifted(of('shr_s')), of('add')),
    VSRA_U: by(d, shifted(of('shr_u')), of('add')),
  });
  // There is no product of bytes.
  if (bits > 8)
    rows({
      VMUL_: by(n, m, of('mul')),
      VMLA_: by(d, n, m, of('mul'), of('add')),
      VMLS_: by(d, n, m, of('mul'), of('sub')),
    });
  if (bits < 64)
    rows({
      VCEQ_: by(n, m, of('eq')),
      VCGT_S: by(n, m, of('gt_s')),
      VCGT_U: by(n, m, of('gt_u')),
      VCGE_S: by(n, m, of('ge_s')),
      VCGE_U: by(n, m, of('ge_u')),
      VMAX_S: by(n, m, of('max_s')),
      VMAX_U: by(n, m, of('max_u')),
      VMIN_S: by(n, m, of('min_s')),
      VMIN_U: by(n, m, of('min_u')),
      VABS_: by(m, of('abs')),
    });
}

/** The micro-ops that are done here. */
export const vectors: readonly (readonly [Op, Write])[] = table;
