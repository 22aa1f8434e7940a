/** Bitwise operations on whole vectors, and moves of them. */
import { expandBytes, expandElement, expandFloat } from '../../isa/extension-operands.js';
import { extensionRegisters } from '../float/registers.js';
import type { Execute, Executes } from '../instruction.js';
import type { Needs } from '../operation-fields.js';
import type { Destination, First, Second } from './lanes.js';
import { bytesOf, vd, vm, vn } from './lanes.js';

/** Goes over vectors word by word. */
function words(
  operation: (n: number, m: number, d: number) => number,
): Execute<Destination & Second & Needs<'Q'> & Partial<First>> {
  return (m, f) => {
    const { u32 } = extensionRegisters(m);
    // Fields that an encoding has not are 0.
    const [to, a, b] = [
      vd(f) * 2,
      f.N !== undefined && f.Vn !== undefined ? vn({ N: f.N, Vn: f.Vn }) * 2 : 0,
      vm(f) * 2,
    ];
    for (let i = 0; i < bytesOf(f) / 4; i++) u32[to + i] = operation(u32[a + i]!, u32[b + i]!, u32[to + i]!);
  };
}

/** A modified immediate, in 64 bits (AdvSIMDExpandImm). */
export function expandImmediate(f: Needs<'cmode' | 'imm8', 'op'>): bigint {
  const { cmode, imm8, op = 0 } = f;
  if (cmode === 14 && op === 1) return expandBytes(imm8);
  if (cmode === 15) {
    const view = new DataView(new ArrayBuffer(4));
    view.setFloat32(0, expandFloat(imm8));
    return BigInt(view.getUint32(0)) * 0x1_0000_0001n;
  }
  const element = BigInt(expandElement(cmode, imm8));
  if (cmode === 14) return element * 0x0101_0101_0101_0101n;
  return element * (cmode >> 2 === 2 ? 0x0001_0001_0001_0001n : 0x1_0000_0001n);
}

function withImmediate(
  operation: (d: bigint, immediate: bigint) => bigint,
): Execute<Destination & Needs<'Q' | 'cmode' | 'imm8', 'op'>> {
  return (m, f) => {
    const { u64 } = extensionRegisters(m);
    const immediate = expandImmediate(f);
    for (let i = 0; i < bytesOf(f) / 8; i++) u64[vd(f) + i] = operation(u64[vd(f) + i]!, immediate);
  };
}

export const bitwise = {
  VAND_reg: words((n, m) => n & m),
  VBIC_reg: words((n, m) => n & ~m),
  VORR_reg: words((n, m) => n | m),
  VORN_reg: words((n, m) => n | ~m),
  VEOR: words((n, m) => n ^ m),
  VBSL: words((n, m, d) => (n & d) | (m & ~d)),
  VBIT: words((n, m, d) => (n & m) | (d & ~m)),
  VBIF: words((n, m, d) => (d & m) | (n & ~m)),
  VMVN_reg: words((_, m) => ~m),
  VMOV_imm: withImmediate((_, immediate) => immediate),
  VMVN_imm: withImmediate((_, immediate) => ~immediate),
  VORR_imm: withImmediate((d, immediate) => d | immediate),
  VBIC_imm: withImmediate((d, immediate) => d & ~immediate),
  VSWP: (m, f) => {
    const { u64 } = extensionRegisters(m);
    const [a, b] = [vd(f), vm(f)];
    for (let i = 0; i < bytesOf(f) / 8; i++) [u64[a + i], u64[b + i]] = [u64[b + i]!, u64[a + i]!];
  },
} satisfies Partial<Executes>;
