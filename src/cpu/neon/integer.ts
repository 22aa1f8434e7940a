/** Integer operations on elements of vectors of one length. */
import type { Execute, Executes } from '../instruction.js';
import type { Needs } from '../operation-fields.js';
import type { Lane, Size, Unary } from './lanes.js';
import {
  bytesOf,
  each,
  eachNeighbours,
  eachPair,
  mask,
  readLanes,
  saturate,
  sizeOf,
  vd,
  vm,
  writeLanes,
} from './lanes.js';

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);
const greater = (a: bigint, b: bigint): bigint => (a > b ? a : b);
const lesser = (a: bigint, b: bigint): bigint => (a < b ? a : b);

/** The product of polynomials over {0, 1}, of 8 bits each. */
export function multiplyPolynomials(a: bigint, b: bigint): bigint {
  let product = 0;
  for (let i = 0; i < 8; i++) if ((Number(a) >> i) & 1) product ^= (Number(b) & 0xff) << i;
  return BigInt(product);
}

/** An element shifted by the low byte of another, to the right where that is negative. */
function shifted(value: bigint, by: bigint, rounding: boolean): bigint {
  const shift = BigInt.asIntN(8, by);
  if (shift >= 0n) return value << shift;
  return (value + (rounding ? 1n << (-shift - 1n) : 0n)) >> -shift;
}

/** The high half of a doubled product, saturated. */
export function doubledHigh(
  a: bigint,
  b: bigint,
  rounding: boolean,
  { m, size }: Pick<Lane<unknown>, 'm' | 'size'>,
): bigint {
  const product = 2n * a * b + (rounding ? 1n << BigInt(size - 1) : 0n);
  return saturate(m, product >> BigInt(size), size, false);
}

function leadingZeros(value: bigint, size: Size): number {
  const unsigned = BigInt.asUintN(size, value);
  return size - (unsigned === 0n ? 0 : unsigned.toString(2).length);
}

function bitCount(value: bigint): bigint {
  let count = 0n;
  for (let rest = BigInt.asUintN(8, value); rest !== 0n; rest &= rest - 1n) count++;
  return count;
}

/** Adds neighbours to elements of twice the size, and to what is there if `accumulate`. */
function addNeighbours(accumulate: boolean): Execute<Unary & Needs<'op'>> {
  return (m, f) => {
    const size = sizeOf(f);
    const wide = (size * 2) as Size;
    const unsigned = f.op === 1;
    const count = (bytesOf(f) * 8) / wide;
    const before = readLanes(m, vd(f), wide, count, unsigned);
    const lanes = readLanes(m, vm(f), size, count * 2, unsigned);
    const sums = before.map((it, i) => (accumulate ? it : 0n) + lanes[2 * i]! + lanes[2 * i + 1]!);
    writeLanes(m, vd(f), wide, sums);
  };
}

export const integer = {
  VADD_int: eachPair((a, b) => a + b),
  VSUB_int: eachPair((a, b) => a - b),
  VHADD: eachPair((a, b, { f }) => (f.op ? a - b : a + b) >> 1n),
  VRHADD: eachPair((a, b) => (a + b + 1n) >> 1n),
  VQADD: eachPair((a, b, { m, size, unsigned }) => saturate(m, a + b, size, unsigned)),
  VQSUB: eachPair((a, b, { m, size, unsigned }) => saturate(m, a - b, size, unsigned)),
  VCGT_int: eachPair((a, b) => mask(a > b)),
  VCGE_int: eachPair((a, b) => mask(a >= b)),
  VCEQ_int: eachPair((a, b) => mask(a === b)),
  VTST: eachPair((a, b) => mask((a & b) !== 0n)),
  VMAX_int: eachPair((a, b, { f }) => (f.op ? lesser(a, b) : greater(a, b))),
  VABD_int: eachPair((a, b) => magnitude(a - b)),
  VABA: eachPair((a, b, { before }) => before + magnitude(a - b)),
  VMLA_int: eachPair((a, b, { f, before }) => (f.op ? before - a * b : before + a * b)),
  VMUL_int: eachPair((a, b, { f }) => (f.op ? multiplyPolynomials(a, b) : a * b)),
  VQDMULH: eachPair((a, b, lane) => doubledHigh(a, b, false, lane)),
  VQRDMULH: eachPair((a, b, lane) => doubledHigh(a, b, true, lane)),
  // The amount of the shift is the first operand in the encoding, the second in the syntax.
  VSHL_reg: eachPair((by, value) => shifted(value, by, false)),
  VRSHL: eachPair((by, value) => shifted(value, by, true)),
  VQSHL_reg: eachPair((by, value, { m, size, unsigned }) =>
    saturate(m, shifted(value, by, false), size, unsigned),
  ),
  VQRSHL: eachPair((by, value, { m, size, unsigned }) =>
    saturate(m, shifted(value, by, true), size, unsigned),
  ),
  VPMAX_int: eachNeighbours((a, b, f) => (f.op ? lesser(a, b) : greater(a, b))),
  VPADD_int: eachNeighbours((a, b) => a + b),
  VPADDL: addNeighbours(false),
  VPADAL: addNeighbours(true),

  VQABS: each((a, { m, size }) => saturate(m, magnitude(a), size, false)),
  VQNEG: each((a, { m, size }) => saturate(m, -a, size, false)),
  // The sign bit does not count among those that are like it.
  VCLS: each((a, { size }) => BigInt(leadingZeros(a < 0n ? ~a : a, size) - 1)),
  VCLZ: each((a, { size }) => BigInt(leadingZeros(a, size))),
  VCNT: (m, f) => {
    writeLanes(m, vd(f), 8, readLanes(m, vm(f), 8, bytesOf(f), true).map(bitCount));
  },
} satisfies Partial<Executes>;
