/** Instructions that move elements about. */
import { undefinedInstruction } from '../exceptions.js';
import { extensionRegisters } from '../float/registers.js';
import type { Execute, Executes } from '../instruction.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import { register } from '../state.js';
import type { Unary } from './lanes.js';
import { bytesOf, readLanes, sizeOf, vd, vm, vn } from './lanes.js';

/** The bytes of a vector, copied. */
const bytes = (m: Machine, d: number, count: number): Uint8Array =>
  extensionRegisters(m).u8.slice(d * 8, d * 8 + count);

/** Elements from D register `d` on, to be read and written in place. */
function elements(m: Machine, d: number, f: Needs<'size' | 'Q'>): Uint8Array | Uint16Array | Uint32Array {
  const { u8, u16, u32 } = extensionRegisters(m);
  const size = sizeOf(f);
  const first = (d * 64) / size;
  return (size === 8 ? u8 : size === 16 ? u16 : u32).subarray(first, first + (bytesOf(f) * 8) / size);
}

/** Rearranges the elements of both vectors: `from` says which element, of the first and then the second, comes. */
function rearrange(from: (i: number, count: number) => number): Execute<Unary> {
  return (m, f) => {
    const [a, b] = [elements(m, vd(f), f), elements(m, vm(f), f)];
    const count = a.length;
    const both = [...a, ...b];
    // Where both are one vector, which of the two results stays is UNKNOWN; the first does here.
    for (let i = 2 * count - 1; i >= 0; i--) {
      if (i < count) a[i] = both[from(i, count)]!;
      else b[i - count] = both[from(i, count)]!;
    }
  };
}

/** Puts one value in every element. */
function fill(m: Machine, d: number, count: number, value: number, size: 8 | 16 | 32): void {
  const { u32 } = extensionRegisters(m);
  const word = { 8: (value & 0xff) * 0x01010101, 16: (value & 0xffff) * 0x00010001, 32: value }[size];
  u32.fill(word, d * 2, d * 2 + count / 4);
}

export const permutes = {
  // Each pair of elements swaps across: d1 with m0.
  VTRN: rearrange((i, count) => (i < count ? (i & 1 ? count + i - 1 : i) : i & 1 ? i : i - count + 1)),
  VUZP: rearrange((i, count) => (i < count ? 2 * i : 2 * (i - count) + 1)),
  VZIP: rearrange((i, count) => (i >> 1) + (i & 1 ? count : 0)),

  VREV: (m, f) => {
    const [to, from] = [elements(m, vd(f), f), [...elements(m, vm(f), f)]];
    // Elements in 64, 32 or 16 bits: a power of two.
    const group = (64 >> f.op) / sizeOf(f);
    from.forEach((_, i) => (to[i] = from[i ^ (group - 1)]!));
  },
  VEXT: (m, f) => {
    const count = bytesOf(f);
    const both = [...bytes(m, vn(f), count), ...bytes(m, vm(f), count)];
    extensionRegisters(m).u8.set(both.slice(f.imm4, f.imm4 + count), vd(f) * 8);
  },
  VTBL: (m, f) => {
    const length = Math.min((f.len + 1) * 8, 256 - vn(f) * 8);
    const table = bytes(m, vn(f), length);
    const indices = bytes(m, vm(f), 8);
    const { u8 } = extensionRegisters(m);
    // Beyond the table, VTBX leaves what is there.
    indices.forEach((index, i) => {
      const value = table[index];
      if (value !== undefined) u8[vd(f) * 8 + i] = value;
      else if (!f.op) u8[vd(f) * 8 + i] = 0;
    });
  },
  VDUP_scalar: (m, f) => {
    const { imm4 } = f;
    const size = imm4 & 1 ? 8 : imm4 & 2 ? 16 : 32;
    const index = Math.floor(imm4 / (size / 4));
    fill(m, vd(f), bytesOf(f), Number(readLanes(m, vm(f), size, 64 / size, true)[index]), size);
  },
  VDUP_core: (m, f) => {
    const { b, e, Rt } = f;
    if (b && e) undefinedInstruction(m);
    fill(m, vd(f), bytesOf(f), register(m, Rt), b ? 8 : e ? 16 : 32);
  },
} satisfies Partial<Executes>;
