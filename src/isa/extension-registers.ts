/** The registers of the floating-point and Advanced SIMD extensions, and parts of them (A2.6.2). */
import type { Register } from './registers.js';

/** S0 to S31. */
export interface SingleRegister {
  readonly single: number;
}

/** D0 to D31; D0 to D15 are S0 to S31 in pairs. */
export interface DoubleRegister {
  readonly double: number;
}

/** Q0 to Q15, which are D0 to D31 in pairs. */
export interface QuadRegister {
  readonly quad: number;
}

/** One element of a D register, counted from its low end. */
export interface Lane {
  readonly of: DoubleRegister;
  readonly lane: number;
}

/** A D register whose elements all get the same value. */
export interface AllLanes {
  readonly of: DoubleRegister;
  readonly lane: 'all';
}

/** A base register with the alignment in bits that its address is promised to have. */
export interface Aligned {
  readonly base: Register;
  readonly align: number;
}

/** S register `n`, 0 to 31. */
export function s(n: number): SingleRegister {
  return { single: n };
}

/** D register `n`, 0 to 31. */
export function d(n: number): DoubleRegister {
  return { double: n };
}

/** Q register `n`, 0 to 15. */
export function q(n: number): QuadRegister {
  return { quad: n };
}

/** Element `n` of a D register: `d0[1]` is `lane(d(0), 1)`. */
export function lane(of: DoubleRegister, n: number): Lane {
  return { of, lane: n };
}

/** Every element of a D register: `d0[]` is `allLanes(d(0))`. */
export function allLanes(of: DoubleRegister): AllLanes {
  return { of, lane: 'all' };
}

/** A base address aligned to `align` bits: `[r0:64]` is `[aligned(r0, 64)]`. */
export function aligned(base: Register, align: number): Aligned {
  return { base, align };
}
