/** Floating-point operations on elements, which are singles. They go by the standard environment, not FPSCR's. */
import { absolute, add, multiply, multiplyAdd, negate, subtract } from '../float/arithmetic.js';
import type { Order } from '../float/compare.js';
import { compare, maximum, minimum } from '../float/compare.js';
import { convert, fromFixed, toFixed } from '../float/convert.js';
import type { Environment } from '../float/environment.js';
import { NEAREST, raise, standardEnvironmentOf, ZERO } from '../float/environment.js';
import {
  reciprocalEstimate,
  reciprocalRootEstimate,
  reciprocalRootStep,
  reciprocalStep,
  unsignedReciprocalEstimate,
  unsignedReciprocalRootEstimate,
} from '../float/estimate.js';
import { half, single } from '../float/format.js';
import { extensionRegisters } from '../float/registers.js';
import type { Execute, Executes } from '../instruction.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import type { Destination, First, Second } from './lanes.js';
import { bytesOf, each, mask, readLanes, vd, vm, vn, writeLanes } from './lanes.js';
import { accumulateByScalar, multiplyByScalar } from './widths.js';

/** The fields of operations on two vectors, on neighbours, on one vector. */
type Pairs = Destination & First & Second & Needs<'Q', 'op'>;
type Neighbours = Destination & First & Second & Needs<never, 'op'>;
type Units = Destination & Second & Needs<'Q', 'op' | 'U' | 'imm6'>;

/** An operation on two elements, and the destination's before. */
type Operation = (a: bigint, b: bigint, before: bigint, env: Environment, f: Neighbours) => bigint;

/** The elements of the second operand: a vector's, or a scalar for all. */
const second = (f: Second, scalar: boolean): ((i: number) => number) =>
  scalar ? () => f.Vm * 2 + f.M : (i) => vm(f) * 2 + i;

function pairs(operation: Operation, scalar = false): Execute<Pairs> {
  return (m, f) => {
    const { u32 } = extensionRegisters(m);
    const env = standardEnvironmentOf(m);
    const [to, from] = [vd(f) * 2, vn(f) * 2];
    const other = second(f, scalar);
    const results = new Uint32Array(bytesOf(f) / 4);
    for (let i = 0; i < results.length; i++) {
      const [a, b] = [BigInt(u32[from + i]!), BigInt(u32[other(i)]!)];
      results[i] = Number(BigInt.asUintN(32, operation(a, b, BigInt(u32[to + i]!), env, f)));
    }
    u32.set(results, to);
    raise(m, env.flags);
  };
}

const accumulate: Operation = (a, b, before, env, f) => {
  const product = multiply(single, a, b, env);
  return add(single, before, f.op ? negate(single, product) : product, env);
};
const product: Operation = (a, b, _, env) => multiply(single, a, b, env);

function neighbours(
  operation: (a: bigint, b: bigint, env: Environment, f: Neighbours) => bigint,
): Execute<Neighbours> {
  return (m, f) => {
    const env = standardEnvironmentOf(m);
    const all = [vn(f), vm(f)].flatMap((d) => readLanes(m, d, 32, 2, true));
    const results = [operation(all[0]!, all[1]!, env, f), operation(all[2]!, all[3]!, env, f)];
    writeLanes(m, vd(f), 32, results);
    raise(m, env.flags);
  };
}

/** An operation on each element of one vector. */
function units(operation: (a: bigint, env: Environment, f: Units) => bigint): Execute<Units> {
  return (m, f) => {
    const env = standardEnvironmentOf(m);
    const lanes = readLanes(m, vm(f), 32, bytesOf(f) / 4, true);
    writeLanes(
      m,
      vd(f),
      32,
      lanes.map((a) => operation(a, env, f)),
    );
    raise(m, env.flags);
  };
}

/** A comparison: whether the order is one of those wanted. Only equality takes quiet NaNs. */
const comparison = (...wanted: Order[]): ((a: bigint, b: bigint, env: Environment) => bigint) => {
  const signalAll = wanted.length > 1 || wanted[0] !== 'equal';
  return (a, b, env) => mask(wanted.includes(compare(single, a, b, signalAll, env)));
};
const equal = comparison('equal');
const greaterOrEqual = comparison('greater', 'equal');
const greater = comparison('greater');

/** What the field F chooses: floating-point or integer. */
const byF =
  <A, B>(floating: Execute<A>, integer: Execute<B>): Execute<A & B & Needs<'F'>> =>
  (m, f, decoded) => {
    (f.F ? floating : integer)(m, f, decoded);
  };

const withZero = (
  wanted: (a: bigint, b: bigint, env: Environment) => bigint,
  swapped = false,
): Execute<Units> => units((a, env) => (swapped ? wanted(0n, a, env) : wanted(a, 0n, env)));

const extreme: Operation = (a, b, _, env, f) => (f.op ? minimum : maximum)(single, a, b, env);

function convertHalf(m: Machine, f: Destination & Second & Needs<'op'>): void {
  const env = standardEnvironmentOf(m);
  if (f.op) {
    const lanes = readLanes(m, vm(f), 16, 4, true);
    writeLanes(
      m,
      vd(f),
      32,
      lanes.map((a) => convert(half, single, a, env)),
    );
  } else {
    const lanes = readLanes(m, vm(f), 32, 4, true);
    writeLanes(
      m,
      vd(f),
      16,
      lanes.map((a) => convert(single, half, a, env)),
    );
  }
  raise(m, env.flags);
}

const signedOrNot = (a: bigint, unsigned: boolean): bigint => (unsigned ? a : BigInt.asIntN(32, a));

export const float = {
  VADD_fp: pairs((a, b, _, env) => add(single, a, b, env)),
  VSUB_fp: pairs((a, b, _, env) => subtract(single, a, b, env)),
  VMUL_fp: pairs(product),
  VMLA_fp: pairs(accumulate),
  VFMA_fp: pairs((a, b, before, env, f) => multiplyAdd(single, before, f.op ? negate(single, a) : a, b, env)),
  VABD_fp: pairs((a, b, _, env) => absolute(single, subtract(single, a, b, env))),
  VMAX_fp: pairs(extreme),
  VCEQ_fp: pairs((a, b, _, env) => equal(a, b, env)),
  VCGE_fp: pairs((a, b, _, env) => greaterOrEqual(a, b, env)),
  VCGT_fp: pairs((a, b, _, env) => greater(a, b, env)),
  VACGE: pairs((a, b, _, env, f) =>
    (f.op ? greater : greaterOrEqual)(absolute(single, a), absolute(single, b), env),
  ),
  VRECPS: pairs((a, b, _, env) => reciprocalStep(a, b, env)),
  VRSQRTS: pairs((a, b, _, env) => reciprocalRootStep(a, b, env)),
  VPADD_fp: neighbours((a, b, env) => add(single, a, b, env)),
  VPMAX_fp: neighbours((a, b, env, f) => extreme(a, b, 0n, env, f)),

  VMUL_scalar: byF(pairs(product, true), multiplyByScalar),
  VMLA_scalar: byF(pairs(accumulate, true), accumulateByScalar),

  VABS: byF(
    units((a) => absolute(single, a)),
    each((a) => (a < 0n ? -a : a)),
  ),
  VNEG: byF(
    units((a) => negate(single, a)),
    each((a) => -a),
  ),
  VCEQ_zero: byF(
    withZero(equal),
    each((a) => mask(a === 0n)),
  ),
  VCGE_zero: byF(
    withZero(greaterOrEqual),
    each((a) => mask(a >= 0n)),
  ),
  VCGT_zero: byF(
    withZero(greater),
    each((a) => mask(a > 0n)),
  ),
  VCLE_zero: byF(
    withZero(greaterOrEqual, true),
    each((a) => mask(a <= 0n)),
  ),
  VCLT_zero: byF(
    withZero(greater, true),
    each((a) => mask(a < 0n)),
  ),

  VRECPE: byF(
    units((a, env) => reciprocalEstimate(a, env)),
    units((a) => BigInt(unsignedReciprocalEstimate(Number(a)))),
  ),
  VRSQRTE: byF(
    units((a, env) => reciprocalRootEstimate(a, env)),
    units((a) => BigInt(unsignedReciprocalRootEstimate(Number(a)))),
  ),

  // op: 0 from signed, 1 from unsigned, 2 to signed, 3 to unsigned.
  VCVT_int: units((a, env, { op = 0 }) =>
    op & 2
      ? toFixed(single, a, 32, 0, op === 3, ZERO, env)
      : fromFixed(single, signedOrNot(a, op === 1), 0, NEAREST, env),
  ),
  VCVT_fixed: units((a, env, { op, U, imm6 = 0 }) =>
    op
      ? toFixed(single, a, 32, 64 - imm6, U === 1, ZERO, env)
      : fromFixed(single, signedOrNot(a, U === 1), 64 - imm6, NEAREST, env),
  ),
  VCVT_half: convertHalf,
} satisfies Partial<Executes>;
