/** Operations whose result has elements of twice or half the size, and those with a scalar. */
import type { Execute, Executes } from '../instruction.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import { doubledHigh, multiplyPolynomials } from './integer.js';
import type { Destination, First, Second, Size } from './lanes.js';
import { bytesOf, readLanes, saturate, sizeOf, vd, vm, vn, writeLanes } from './lanes.js';

const magnitude = (value: bigint): bigint => (value < 0n ? -value : value);

/** The scalar of an instruction: 16 bits of D0 to D7, or 32 of D0 to D15. */
function scalarOf(m: Machine, f: Second & Needs<'size'>, unsigned: boolean): bigint {
  const { Vm, M } = f;
  const [d, index] = f.size === 1 ? [Vm & 7, M * 2 + (Vm >> 3)] : [Vm, M];
  const size = sizeOf(f);
  return readLanes(m, d, size, 64 / size, unsigned)[index]!;
}

/** The fields of operations that make elements longer, or of one size with a scalar. */
type Long = Destination & First & Second & Needs<'size', 'U' | 'op'>;
type WithScalar = Destination & First & Second & Needs<'size' | 'Q', 'op'>;

/** What an operation on two elements gets besides them. */
interface Wide {
  readonly m: Machine;
  readonly f: Long;
  /** The size of the wider elements, and the destination's before. */
  readonly wide: Size;
  readonly before: bigint;
}
type WideOperation = (a: bigint, b: bigint, it: Wide) => bigint;

/** To elements of twice the size; the first operand has them already where `isWide`. */
function long(
  operation: WideOperation,
  scalar = false,
  isWide: (f: Long) => boolean = () => false,
): Execute<Long> {
  return (m, f) => {
    const size = sizeOf(f);
    const wide = (size * 2) as Size;
    const unsigned = f.U === 1;
    const count = 64 / size;
    const before = readLanes(m, vd(f), wide, count, unsigned);
    const a = readLanes(m, vn(f), isWide(f) ? wide : size, count, unsigned);
    const b = scalar
      ? Array<bigint>(count).fill(scalarOf(m, f, unsigned))
      : readLanes(m, vm(f), size, count, unsigned);
    writeLanes(
      m,
      vd(f),
      wide,
      a.map((value, i) => operation(value, b[i]!, { m, f, wide, before: before[i]! })),
    );
  };
}

/** The high halves of sums or differences, as elements of half the size. */
function highHalf(operation: (a: bigint, b: bigint) => bigint, rounding: boolean): Execute<Long> {
  return (m, f) => {
    const size = sizeOf(f);
    const wide = (size * 2) as Size;
    const count = 64 / size;
    const [a, b] = [vn(f), vm(f)].map((d) => readLanes(m, d, wide, count, true));
    const half = rounding ? 1n << BigInt(size - 1) : 0n;
    writeLanes(
      m,
      vd(f),
      size,
      a!.map((value, i) => (operation(value, b![i]!) + half) >> BigInt(size)),
    );
  };
}

/** With a scalar, elements of one size. */
function withScalar(
  operation: (
    a: bigint,
    b: bigint,
    lane: { m: Machine; f: WithScalar; size: Size; before: bigint },
  ) => bigint,
): Execute<WithScalar> {
  return (m, f) => {
    const size = sizeOf(f);
    const count = (bytesOf(f) * 8) / size;
    const before = readLanes(m, vd(f), size, count, false);
    const a = readLanes(m, vn(f), size, count, false);
    const b = scalarOf(m, f, false);
    writeLanes(
      m,
      vd(f),
      size,
      a.map((value, i) => operation(value, b, { m, f, size, before: before[i]! })),
    );
  };
}

const multiplyLong: WideOperation = (a, b, { f }) => (f.op ? multiplyPolynomials(a, b) : a * b);
const accumulateLong: WideOperation = (a, b, { f, before }) => (f.op ? before - a * b : before + a * b);
const doubledLong: WideOperation = (a, b, { m, wide }) => saturate(m, 2n * a * b, wide, false);
/** The product and the sum saturate each. */
const accumulateDoubled: WideOperation = (a, b, it) => {
  const product = doubledLong(a, b, it);
  return saturate(it.m, it.f.op ? it.before - product : it.before + product, it.wide, false);
};

type Narrow = Destination & Second & Needs<'size', 'op'>;

/** To elements of half the size; the first bit of op says whether the result is signed, U whether the operand is. */
function narrow(finish: (m: Machine, value: bigint, size: Size, f: Narrow) => bigint): Execute<Narrow> {
  return (m, f) => {
    const size = sizeOf(f);
    const lanes = readLanes(m, vm(f), (size * 2) as Size, 64 / size, f.op === 3);
    writeLanes(
      m,
      vd(f),
      size,
      lanes.map((value) => finish(m, value, size, f)),
    );
  };
}

/** op: the result is unsigned in VQMOVUN (1) and where the operand is (3), signed else (2). */
const VQMOVN_SIGNED = 2;

/** Integer operations of two widths; where the same name is used for floating-point too, it is the caller's to tell. */
export const widths = {
  VADDL: long(
    (a, b) => a + b,
    false,
    (f) => f.op === 1,
  ),
  VSUBL: long(
    (a, b) => a - b,
    false,
    (f) => f.op === 1,
  ),
  VADDHN: highHalf((a, b) => a + b, false),
  VRADDHN: highHalf((a, b) => a + b, true),
  VSUBHN: highHalf((a, b) => a - b, false),
  VRSUBHN: highHalf((a, b) => a - b, true),
  VABAL: long((a, b, { before }) => before + magnitude(a - b)),
  VABDL: long((a, b) => magnitude(a - b)),
  VMULL_int: long(multiplyLong),
  VMULL_scalar: long((a, b) => a * b, true),
  VMLAL: long(accumulateLong),
  VMLAL_scalar: long(accumulateLong, true),
  VQDMULL: long(doubledLong),
  VQDMULL_scalar: long(doubledLong, true),
  VQDMLAL: long(accumulateDoubled),
  VQDMLAL_scalar: long(accumulateDoubled, true),
  VQDMULH_scalar: withScalar((a, b, lane) => doubledHigh(a, b, false, lane)),
  VQRDMULH_scalar: withScalar((a, b, lane) => doubledHigh(a, b, true, lane)),
  VMOVN: narrow((_, value) => value),
  VQMOVN: narrow((m, value, size, f) => saturate(m, value, size, f.op !== VQMOVN_SIGNED)),
  VSHLL_whole: (m, f) => {
    const size = sizeOf(f);
    const lanes = readLanes(m, vm(f), size, 64 / size, true);
    writeLanes(
      m,
      vd(f),
      (size * 2) as Size,
      lanes.map((value) => value << BigInt(size)),
    );
  },
} satisfies Partial<Executes>;

/** VMUL, VMLA and VMLS of integers by a scalar. */
export const multiplyByScalar = withScalar((a, b) => a * b);
export const accumulateByScalar = withScalar((a, b, { f, before }) =>
  f.op ? before - a * b : before + a * b,
);
