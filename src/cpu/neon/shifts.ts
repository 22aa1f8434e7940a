/** Shifts by a constant. */
import type { Execute, Executes } from '../instruction.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import type { Destination, Second, Size } from './lanes.js';
import { bytesOf, readLanes, saturate, vd, vm, writeLanes } from './lanes.js';

/** The element size by the highest 1 of L:imm6, and L:imm6 itself. */
export function shiftOf(f: Needs<'imm6', 'L'>): { size: Size; imm7: number } {
  const imm7 = (f.L ?? 0) * 64 + f.imm6;
  const size = imm7 >= 64 ? 64 : imm7 >= 32 ? 32 : imm7 >= 16 ? 16 : 8;
  return { size, imm7 };
}

const ones = (size: number): bigint => (1n << BigInt(size)) - 1n;

/** The fields of shifts, and of those that halve the elements. */
type Shifted = Destination & Second & Needs<'imm6' | 'L' | 'Q', 'U' | 'op'>;
type Narrowed = Destination & Second & Needs<'imm6', 'U' | 'op'>;

interface Shift {
  readonly m: Machine;
  readonly f: Shifted;
  readonly size: Size;
  readonly before: bigint;
}

/** Shifts each element; `right` says what the immediate counts from. */
function shift(
  right: boolean,
  operation: (value: bigint, by: bigint, it: Shift) => bigint,
  signed: (f: Shifted) => boolean = (f) => f.U === 0,
): Execute<Shifted> {
  return (m, f) => {
    const { size, imm7 } = shiftOf(f);
    const by = BigInt(right ? 2 * size - imm7 : imm7 - size);
    const count = (bytesOf(f) * 8) / size;
    const before = readLanes(m, vd(f), size, count, !signed(f));
    const values = readLanes(m, vm(f), size, count, !signed(f));
    writeLanes(
      m,
      vd(f),
      size,
      values.map((value, i) => operation(value, by, { m, f, size, before: before[i]! })),
    );
  };
}

/** Shifts to the right, to elements of half the size. */
function shiftNarrow(
  rounding: boolean,
  finish: (m: Machine, value: bigint, size: Size, f: Narrowed) => bigint,
): Execute<Narrowed> {
  return (m, f) => {
    const { size, imm7 } = shiftOf(f);
    const by = BigInt(2 * size - imm7);
    // VQSHRUN's operand is signed though U is 1.
    const unsigned = f.U === 1 && f.op === 1;
    const values = readLanes(m, vm(f), (size * 2) as Size, 64 / size, unsigned);
    const half = rounding ? 1n << (by - 1n) : 0n;
    writeLanes(
      m,
      vd(f),
      size,
      values.map((value) => finish(m, (value + half) >> by, size, f)),
    );
  };
}

const rounded = (value: bigint, by: bigint): bigint => (value + (1n << (by - 1n))) >> by;
const keep = (_: Machine, value: bigint): bigint => value;
const saturateByU = (m: Machine, value: bigint, size: Size, f: Narrowed): bigint =>
  saturate(m, value, size, f.U === 1);
/** Insertions look at bits alone. */
const unsignedLanes = (): boolean => false;

export const shifts = {
  VSHR: shift(true, (value, by) => value >> by),
  VSRA: shift(true, (value, by, { before }) => before + (value >> by)),
  VRSHR: shift(true, rounded),
  VRSRA: shift(true, (value, by, { before }) => before + rounded(value, by)),
  VSRI: shift(
    true,
    (value, by, { size, before }) => (before & ~(ones(size) >> by)) | (value >> by),
    unsignedLanes,
  ),
  VSHL_imm: shift(false, (value, by) => value << by, unsignedLanes),
  VSLI: shift(false, (value, by, { before }) => (before & ones(Number(by))) | (value << by), unsignedLanes),
  // VQSHLU, whose operand is signed and result unsigned, is U without op.
  VQSHL_imm: shift(
    false,
    (value, by, { m, f, size }) => saturate(m, value << by, size, f.U === 1),
    (f) => f.U === 0 || f.op === 0,
  ),
  VSHRN: shiftNarrow(false, keep),
  VRSHRN: shiftNarrow(true, keep),
  VQSHRN: shiftNarrow(false, saturateByU),
  VQRSHRN: shiftNarrow(true, saturateByU),
  VSHLL: (m, f) => {
    const { size, imm7 } = shiftOf(f);
    const values = readLanes(m, vm(f), size, 64 / size, f.U === 1);
    writeLanes(
      m,
      vd(f),
      (size * 2) as Size,
      values.map((value) => value << BigInt(imm7 - size)),
    );
  },
} satisfies Partial<Executes>;
