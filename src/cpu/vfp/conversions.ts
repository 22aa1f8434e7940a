/** Comparisons and conversions of S and D registers. */
import type { Execute, Executes } from '../instruction.js';
import type { Order } from '../float/compare.js';
import { compare } from '../float/compare.js';
import { convert, fromFixed, toFixed } from '../float/convert.js';
import { environmentOf, NEAREST, raise, ZERO } from '../float/environment.js';
import { double, half, single } from '../float/format.js';
import { extensionRegisters } from '../float/registers.js';
import * as L from '../layout.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import { setWord, word } from '../state.js';
import { dNumber, sNumber } from './arithmetic.js';

/** N, Z, C and V for the outcome of a comparison (FPCompare), in their places. */
const flagsOf: Readonly<Record<Order, number>> = {
  equal: 0x60000000,
  less: 0x80000000,
  greater: 0x20000000,
  unordered: 0x30000000,
};
const FLAGS = 0xf0000000;

function compareInstruction(withZero: boolean): Execute<Needs<'sz' | 'Vd' | 'D' | 'E', 'Vm' | 'M'>> {
  return (m, f) => {
    const { u32, u64 } = extensionRegisters(m);
    const env = environmentOf(m);
    const [a, b] = f.sz
      ? [u64[dNumber(f.Vd, f.D)]!, u64[dNumber(f.Vm, f.M)]!]
      : [BigInt(u32[sNumber(f.Vd, f.D)]!), BigInt(u32[sNumber(f.Vm, f.M)]!)];
    const order = compare(f.sz ? double : single, a, withZero ? 0n : b, f.E === 1, env);
    raise(m, env.flags);
    setWord(m, L.FPSCR, (word(m, L.FPSCR) & ~FLAGS) | flagsOf[order]);
  };
}

/** Reads or writes a register of the precision sz says, as bits. */
function read(m: Machine, sz: number | undefined, field = 0, bit = 0): bigint {
  const { u32, u64 } = extensionRegisters(m);
  return sz ? u64[dNumber(field, bit)]! : BigInt(u32[sNumber(field, bit)]!);
}
function write(m: Machine, sz: number | undefined, field = 0, bit = 0, value: bigint): void {
  const { u32, u64 } = extensionRegisters(m);
  if (sz) u64[dNumber(field, bit)] = value;
  else u32[sNumber(field, bit)] = Number(value);
}

export const vfpConversions = {
  VCMP: compareInstruction(false),
  VCMP_zero: compareInstruction(true),

  VCVT_precision: (m, f) => {
    const { sz, Vd, D, Vm, M } = f;
    const env = environmentOf(m);
    const [from, to] = sz ? [double, single] : [single, double];
    write(m, sz ? 0 : 1, Vd, D, convert(from, to, read(m, sz, Vm, M), env));
    raise(m, env.flags);
  },
  VCVTB: (m, f) => {
    const { u16, u32 } = extensionRegisters(m);
    const env = environmentOf(m);
    const [vd, vm] = [sNumber(f.Vd, f.D), sNumber(f.Vm, f.M)];
    const T = f.T;
    if (f.op) u16[vd * 2 + T] = Number(convert(single, half, BigInt(u32[vm]!), env));
    else u32[vd] = Number(convert(half, single, BigInt(u16[vm * 2 + T]!), env));
    raise(m, env.flags);
  },
  VCVT_from_int_vfp: (m, f) => {
    const { sz, op, Vd, D, Vm, M } = f;
    const env = environmentOf(m);
    const bits = read(m, 0, Vm, M);
    const value = op ? BigInt.asIntN(32, bits) : bits;
    write(m, sz, Vd, D, fromFixed(sz ? double : single, value, 0, env.rounding, env));
    raise(m, env.flags);
  },
  VCVT_to_int_vfp: (m, f) => {
    const { sz, op, Vd, D, Vm, M } = f;
    const env = environmentOf(m);
    const rounding = op ? ZERO : env.rounding;
    const bits = read(m, sz, Vm, M);
    write(m, 0, Vd, D, toFixed(sz ? double : single, bits, 32, 0, f.signed === 0, rounding, env));
    raise(m, env.flags);
  },
  VCVT_fixed_vfp: (m, f) => {
    const { sf, sx, op, U, Vd, D, imm4, i } = f;
    const env = environmentOf(m);
    const size = sx ? 32 : 16;
    const fractionBits = size - (imm4 * 2 + i);
    const format = sf ? double : single;
    const bits = read(m, sf, Vd, D);
    if (op) {
      const fixed = toFixed(format, bits, size, fractionBits, U === 1, ZERO, env);
      // The result fills the register, with its sign.
      const filled = U ? fixed : BigInt.asUintN(sf ? 64 : 32, BigInt.asIntN(size, fixed));
      write(m, sf, Vd, D, filled);
    } else {
      const value = U ? BigInt.asUintN(size, bits) : BigInt.asIntN(size, bits);
      write(m, sf, Vd, D, fromFixed(format, value, fractionBits, NEAREST, env));
    }
    raise(m, env.flags);
  },
} satisfies Partial<Executes>;
