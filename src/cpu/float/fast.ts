/**
 * When the host's own arithmetic gives the result: it rounds to nearest, and the only exception that can come of
 * normal numbers with a normal result is Inexact, which does not show once FPSCR has it. A single's result comes
 * from a double's by rounding again; for these operations that is the same as rounding once, since a double has more
 * than twice a single's bits.
 */
import * as L from '../layout.js';
import type { Machine } from '../state.js';
import { word } from '../state.js';
import { IXC, RMODE, RMODE_LOW } from '../../isa/fpscr-masks.js';
import { NEAREST } from './environment.js';

/** Smallest normal numbers. */
const LEAST_SINGLE = 2 ** -126;
const LEAST_DOUBLE = 2 ** -1022;

/** Whether FPSCR lets operations of floating-point instructions be done by the host. */
export function hostRounds(m: Machine): boolean {
  return (word(m, L.FPSCR) & (IXC | RMODE)) === (IXC | (NEAREST << RMODE_LOW));
}

/** Whether an operand is a normal number. */
export const isNormalSingle = (value: number): boolean => {
  const magnitude = Math.abs(value);
  return magnitude >= LEAST_SINGLE && magnitude < Infinity;
};
export const isNormalDouble = (value: number): boolean => {
  const magnitude = Math.abs(value);
  return magnitude >= LEAST_DOUBLE && magnitude < Infinity;
};

/** Whether a rounded result was certainly normal before rounding, too. */
export const isSafeSingle = (value: number): boolean => {
  const magnitude = Math.abs(value);
  return magnitude >= 2 * LEAST_SINGLE && magnitude < Infinity;
};
export const isSafeDouble = (value: number): boolean => {
  const magnitude = Math.abs(value);
  return magnitude >= 2 * LEAST_DOUBLE && magnitude < Infinity;
};
