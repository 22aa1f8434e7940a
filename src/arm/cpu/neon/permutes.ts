/** Instructions that move elements about. */
import { undefinedInstruction } from '../exceptions.js';
import { extensionRegisters } from '../float/registers.js';
import type { Execute } from '../instruction.js';
import type { Machine } from '../state.js';
import { register } from '../state.js';
import { bytesOf, readLanes, sizeOf, vd, vm, vn, writeLanes } from './lanes.js';

/** The bytes of a vector, copied. */
const bytes = (m: Machine, d: number, count: number): Uint8Array =>
  extensionRegisters(m).u8.slice(d * 8, d * 8 + count);

/** Rearranges the elements of both vectors: `from` says which element, of the first and then the second, comes. */
function rearrange(from: (i: number, count: number) => number): Execute {
  return (m, f) => {
    const size = sizeOf(f);
    const count = (bytesOf(f) * 8) / size;
    const both = [vd(f), vm(f)].flatMap((d) => readLanes(m, d, size, count, true));
    const results = both.map((_, i) => both[from(i, count)]!);
    // Where both are one vector, which of the two results stays is UNKNOWN; the first does here.
    writeLanes(m, vm(f), size, results.slice(count));
    writeLanes(m, vd(f), size, results.slice(0, count));
  };
}

/** Puts one value in every element. */
function fill(m: Machine, d: number, count: number, value: number, size: 8 | 16 | 32): void {
  const { u32 } = extensionRegisters(m);
  const word = { 8: (value & 0xff) * 0x01010101, 16: (value & 0xffff) * 0x00010001, 32: value }[size];
  u32.fill(word, d * 2, d * 2 + count / 4);
}

export const permutes: Readonly<Record<string, Execute>> = {
  // Each pair of elements swaps across: d1 with m0.
  VTRN: rearrange((i, count) => (i < count ? (i & 1 ? count + i - 1 : i) : i & 1 ? i : i - count + 1)),
  VUZP: rearrange((i, count) => (i < count ? 2 * i : 2 * (i - count) + 1)),
  VZIP: rearrange((i, count) => (i >> 1) + (i & 1 ? count : 0)),

  VREV: (m, f) => {
    const size = sizeOf(f);
    const group = (64 >> f['op']!) / size;
    const lanes = readLanes(m, vm(f), size, (bytesOf(f) * 8) / size, true);
    writeLanes(
      m,
      vd(f),
      size,
      // group is a power of two.
      lanes.map((_, i) => lanes[i ^ (group - 1)]!),
    );
  },
  VEXT: (m, f) => {
    const count = bytesOf(f);
    const both = [...bytes(m, vn(f), count), ...bytes(m, vm(f), count)];
    extensionRegisters(m).u8.set(both.slice(f['imm4'], f['imm4']! + count), vd(f) * 8);
  },
  VTBL: (m, f) => {
    const length = Math.min((f['len']! + 1) * 8, 256 - vn(f) * 8);
    const table = bytes(m, vn(f), length);
    const indices = bytes(m, vm(f), 8);
    const { u8 } = extensionRegisters(m);
    // Beyond the table, VTBX leaves what is there.
    indices.forEach((index, i) => {
      const value = table[index];
      if (value !== undefined) u8[vd(f) * 8 + i] = value;
      else if (!f['op']) u8[vd(f) * 8 + i] = 0;
    });
  },
  VDUP_scalar: (m, f) => {
    const { imm4 = 0 } = f;
    const size = imm4 & 1 ? 8 : imm4 & 2 ? 16 : 32;
    const index = Math.floor(imm4 / (size / 4));
    fill(m, vd(f), bytesOf(f), Number(readLanes(m, vm(f), size, 64 / size, true)[index]), size);
  },
  VDUP_core: (m, f) => {
    const { b, e, Rt = 15 } = f;
    if (b && e) undefinedInstruction(m);
    fill(m, vd(f), bytesOf(f), register(m, Rt), b ? 8 : e ? 16 : 32);
  },
};
