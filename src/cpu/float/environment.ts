/** FPSCR's bits (B4.1.58), and what of them floating-point arithmetic goes by. */
import * as L from '../layout.js';
import type { Machine } from '../state.js';
import { setWord, word } from '../state.js';

/** Cumulative exceptions: invalid operation, division by zero, overflow, underflow, inexact, input denormal. */
export const IOC = 1 << 0;
export const DZC = 1 << 1;
export const OFC = 1 << 2;
export const UFC = 1 << 3;
export const IXC = 1 << 4;
export const IDC = 1 << 7;
/** Length and stride of vectors, which this processor does not execute. */
export const LEN_STRIDE = (7 << 16) | (3 << 20);
export const RMODE_LOW = 22;
export const RMODE = 3 << RMODE_LOW;
/** Flush to zero, default NaN, the alternative half-precision format. */
export const FZ = 1 << 24;
export const DN = 1 << 25;
export const AHP = 1 << 26;
/** A saturating Advanced SIMD instruction saturated. */
export const QC = 1 << 27;
/** The bits that can be written; traps of exceptions are not there. */
export const FPSCR_BITS = 0xfff7009f;

/** Rounding modes, as RMode has them. */
export const NEAREST = 0;
export const UP = 1;
export const DOWN = 2;
export const ZERO = 3;
export type Rounding = 0 | 1 | 2 | 3;

/** What an operation goes by, and where it leaves its exceptions. */
export interface Environment {
  rounding: Rounding;
  flushToZero: boolean;
  defaultNaN: boolean;
  alternativeHalf: boolean;
  /** Cumulative exceptions, in FPSCR's bits. */
  flags: number;
}

/** The environment that floating-point instructions run in. */
export function environmentOf(m: Machine): Environment {
  const fpscr = word(m, L.FPSCR);
  return {
    rounding: ((fpscr >>> RMODE_LOW) & 3) as Rounding,
    flushToZero: (fpscr & FZ) !== 0,
    defaultNaN: (fpscr & DN) !== 0,
    alternativeHalf: (fpscr & AHP) !== 0,
    flags: 0,
  };
}

/** The environment of Advanced SIMD (A2.7.7, StandardFPSCRValue). */
export function standardEnvironmentOf(m: Machine): Environment {
  return {
    rounding: NEAREST,
    flushToZero: true,
    defaultNaN: true,
    alternativeHalf: (word(m, L.FPSCR) & AHP) !== 0,
    flags: 0,
  };
}

/** Adds exceptions, or QC, to FPSCR. */
export function raise(m: Machine, flags: number): void {
  if (flags) setWord(m, L.FPSCR, word(m, L.FPSCR) | flags);
}
