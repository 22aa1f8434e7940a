/** The locals of a unit's function: what stands in the core's words (layout.ts) while it runs. */
import * as L from '../layout.js';

const WORD = 4;
/** R0 to R14 by their numbers, then the temporaries and flags, as layout.ts has them, then PAGE. */
const REGISTERS = L.PC / WORD;
const OTHERS = (L.V + WORD - L.TEMP) / WORD;

/** Numbers of locals. */
export interface Locals {
  readonly flags: { readonly N: number; readonly Z: number; readonly C: number; readonly V: number };
  /** What the flags are made of, where not their words are right: see flags.ts. */
  readonly x: number;
  readonly y: number;
  readonly page: number;
  /** BUDGET, CONTEXT as it stands in keys, and what it adds to a TLB entry's place. */
  readonly budget: number;
  readonly context: number;
  readonly contextPlace: number;
  /** What the function returns. */
  readonly next: number;
  /**
   * Whether floating-point registers may be used, and nothing is flushed to zero; and whether arithmetic on them is as the
   * host's, where it is rounded to nearest, and Inexact was raised before.
   */
  readonly mayMove: number;
  readonly mayCalculate: number;
  /** Whether Advanced SIMD may be used. */
  readonly mayVectors: number;
  /** For one micro-op: where a branch goes, an address, the place of a TLB entry or of data, and 64 bits. */
  readonly target: number;
  readonly address: number;
  readonly place: number;
  readonly wide: number;
}

/** The local of a word of the core; undefined for one that units do not hold. */
export function localOf(word: number): number | undefined {
  if (word % WORD !== 0) return undefined;
  if (word < L.PC) return word / WORD;
  if (word === L.PAGE) return REGISTERS + OTHERS;
  if (word < L.TEMP || word > L.V) return undefined;
  return REGISTERS + (word - L.TEMP) / WORD;
}

/** All words that have a local of their own, by the local's number. */
export const WORDS: readonly number[] = [
  ...Array.from({ length: REGISTERS }, (_, i) => i * WORD),
  ...Array.from({ length: OTHERS }, (_, i) => L.TEMP + i * WORD),
  L.PAGE,
];

const of = (word: number): number => localOf(word)!;
const first = WORDS.length;

/** The function has no parameters, so they begin at 0. */
export const locals: Locals = {
  flags: { N: of(L.N), Z: of(L.Z), C: of(L.C), V: of(L.V) },
  page: of(L.PAGE),
  x: first,
  y: first + 1,
  budget: first + 2,
  context: first + 3,
  contextPlace: first + 4,
  next: first + 5,
  mayMove: first + 6,
  mayCalculate: first + 7,
  mayVectors: first + 8,
  target: first + 9,
  address: first + 10,
  place: first + 11,
  wide: first + 12,
};
/** How many there are of 32 bits; one of 64 bits follows. */
export const NARROW = first + 12;
