/** Elements of vectors: reading, writing, saturating, and the shapes of instructions that go over them. */
import { QC } from '../../isa/fpscr-masks.js';
import { raise } from '../float/environment.js';
import { extensionRegisters } from '../float/registers.js';
import type { Execute } from '../instruction.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';

/** Width of an element in bits. */
export type Size = 8 | 16 | 32 | 64;

/** The fields of the three operands' registers. */
export type Destination = Needs<'D' | 'Vd'>;
export type First = Needs<'N' | 'Vn'>;
export type Second = Needs<'M' | 'Vm'>;
/** Those of an operation on one vector or two, element by element. */
export type Unary = Destination & Second & Needs<'size' | 'Q'>;
export type Pair = Unary & First & Needs<never, 'U' | 'op'>;

/** Numbers of the D registers that hold, or start, the vectors of an instruction. */
export const vd = (f: Destination): number => f.D * 16 + f.Vd;
export const vn = (f: First): number => f.N * 16 + f.Vn;
export const vm = (f: Second): number => f.M * 16 + f.Vm;

/** How many bytes the vectors have: 8, or 16 where Q is 1. */
export const bytesOf = (f: Needs<'Q'>): number => (f.Q ? 16 : 8);

/** The element size that the field size says. */
export const sizeOf = (f: Needs<'size'>): Size => (8 << f.size) as Size;

/** Reads elements from D register `d` on. */
export function readLanes(m: Machine, d: number, size: Size, count: number, unsigned: boolean): bigint[] {
  const registers = extensionRegisters(m);
  const lanes: bigint[] = [];
  const first = (d * 64) / size;
  if (size === 64) {
    for (let i = 0; i < count; i++) {
      const value = registers.u64[first + i]!;
      lanes.push(unsigned ? value : BigInt.asIntN(64, value));
    }
    return lanes;
  }
  const elements = { 8: registers.u8, 16: registers.u16, 32: registers.u32 }[size];
  const shift = 32 - size;
  for (let i = 0; i < count; i++) {
    const value = elements[first + i]!;
    lanes.push(BigInt(unsigned ? value : (value << shift) >> shift));
  }
  return lanes;
}

/** Writes elements, of which the low bits count, from D register `d` on. */
export function writeLanes(m: Machine, d: number, size: Size, lanes: readonly bigint[]): void {
  const registers = extensionRegisters(m);
  const first = (d * 64) / size;
  if (size === 64) {
    lanes.forEach((value, i) => (registers.u64[first + i] = value));
    return;
  }
  const elements = { 8: registers.u8, 16: registers.u16, 32: registers.u32 }[size];
  lanes.forEach((value, i) => (elements[first + i] = Number(BigInt.asUintN(size, value))));
}

/** Saturates a number to `size` bits (SatQ); QC says that it did. */
export function saturate(m: Machine, value: bigint, size: number, unsigned: boolean): bigint {
  const high = (1n << BigInt(unsigned ? size : size - 1)) - 1n;
  const low = unsigned ? 0n : -high - 1n;
  if (value > high) return (raise(m, QC), high);
  if (value < low) return (raise(m, QC), low);
  return value;
}

/** A condition as an element: all ones, or zeros. */
export const mask = (condition: boolean): bigint => (condition ? -1n : 0n);

/** What an operation of two elements gets besides them. */
export interface Lane<F> {
  readonly m: Machine;
  readonly f: F;
  readonly size: Size;
  readonly unsigned: boolean;
  /** The destination's element before. */
  readonly before: bigint;
}

/** One operation on each pair of elements of two vectors; U says whether they are unsigned. */
export function eachPair(operation: (a: bigint, b: bigint, lane: Lane<Pair>) => bigint): Execute<Pair> {
  return (m, f) => {
    const size = sizeOf(f);
    const unsigned = f.U === 1;
    const count = (bytesOf(f) * 8) / size;
    const [before, a, b] = [vd(f), vn(f), vm(f)].map((d) => readLanes(m, d, size, count, unsigned));
    writeLanes(
      m,
      vd(f),
      size,
      a!.map((value, i) => operation(value, b![i]!, { m, f, size, unsigned, before: before![i]! })),
    );
  };
}

/** One operation on each element of a vector; they are signed. */
export function each(operation: (a: bigint, lane: Lane<Unary>) => bigint): Execute<Unary> {
  return (m, f) => {
    const size = sizeOf(f);
    const count = (bytesOf(f) * 8) / size;
    const [before, a] = [vd(f), vm(f)].map((d) => readLanes(m, d, size, count, false));
    writeLanes(
      m,
      vd(f),
      size,
      a!.map((value, i) => operation(value, { m, f, size, unsigned: false, before: before![i]! })),
    );
  };
}

/** The fields of an operation on neighbours. */
type Neighbours = Destination & First & Second & Needs<'size', 'U' | 'op'>;

/** One operation on neighbours: first those of the first operand, then those of the second. D registers only. */
export function eachNeighbours(
  operation: (a: bigint, b: bigint, f: Neighbours) => bigint,
): Execute<Neighbours> {
  return (m, f) => {
    const size = sizeOf(f);
    const unsigned = f.U === 1;
    const all = [vn(f), vm(f)].flatMap((d) => readLanes(m, d, size, 64 / size, unsigned));
    const results: bigint[] = [];
    for (let i = 0; i < all.length; i += 2) results.push(operation(all[i]!, all[i + 1]!, f));
    writeLanes(m, vd(f), size, results);
  };
}
