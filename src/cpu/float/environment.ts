/** FPSCR's bits (B4.1.58), and what of them floating-point arithmetic goes by. */
import { AHP, DN, FZ, RMODE_LOW } from '../../isa/fpscr-masks.js';
import * as L from '../layout.js';
import type { Machine } from '../state.js';
import { setWord, word } from '../state.js';

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
