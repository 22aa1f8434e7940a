/** Estimates of reciprocals and of reciprocal square roots, and the steps that refine them (A2.7.9, table of 8 bits). */
import { divide, multiply, subtract } from './arithmetic.js';
import type { Environment } from './environment.js';
import { DZC, UFC } from '../../isa/fpscr-masks.js';
import { infinity, invalid, processNaN, processNaNs, single, unpack, zero } from './format.js';

/** 256 times the estimate of 1/a, for a from 0.5 to 1. */
function reciprocal(a: number): number {
  const q = Math.floor(a * 512);
  return Math.floor((256 * 512) / (q + 0.5) + 0.5);
}

/** 256 times the estimate of 1/sqrt(a), for a from 0.25 to 1. */
function reciprocalRoot(a: number): number {
  const steps = a < 0.5 ? 512 : 256;
  const q = Math.floor(a * steps);
  return Math.floor(256 / Math.sqrt((q + 0.5) / steps) + 0.5);
}

/** The single with an exponent field and a significand of 256 to 511 in units of 1/256. */
const compose = (sign: boolean, exponent: number, significand: number): bigint =>
  zero(single, sign) | (BigInt(exponent) << 23n) | BigInt((significand - 256) << 15);

const exponentField = (bits: bigint): number => Number((bits >> 23n) & 0xffn);
/** The significand, from 0.5 to 1. */
const significand = (bits: bigint): number => (Number(bits & 0x7fffffn) + 0x800000) / 0x1000000;

/** FPRecipEstimate. */
export function reciprocalEstimate(a: bigint, env: Environment): bigint {
  const x = unpack(single, a, env);
  if (x.kind === 'quiet' || x.kind === 'signalling') return processNaN(single, x, env);
  if (x.kind === 'infinity') return zero(single, x.sign);
  if (x.kind === 'zero') {
    env.flags |= DZC;
    return infinity(single, x.sign);
  }
  const exponent = exponentField(a);
  // From 2^126 on, the result would be denormal.
  if (exponent >= 253) {
    env.flags |= UFC;
    return zero(single, x.sign);
  }
  return compose(x.sign, 253 - exponent, reciprocal(significand(a)));
}

/** FPRSqrtEstimate. */
export function reciprocalRootEstimate(a: bigint, env: Environment): bigint {
  const x = unpack(single, a, env);
  if (x.kind === 'quiet' || x.kind === 'signalling') return processNaN(single, x, env);
  if (x.kind === 'zero') {
    env.flags |= DZC;
    return infinity(single, x.sign);
  }
  if (x.sign) return invalid(single, env);
  if (x.kind === 'infinity') return zero(single, false);
  const exponent = exponentField(a);
  const scaled = exponent & 1 ? significand(a) / 2 : significand(a);
  return compose(false, (380 - exponent) >> 1, reciprocalRoot(scaled));
}

/** UnsignedRecipEstimate, of a fixed-point number from 0.5 to 1. */
export function unsignedReciprocalEstimate(a: number): number {
  return a < 2 ** 31 ? 0xffffffff : reciprocal(a / 2 ** 32) * 2 ** 23;
}

/** UnsignedRSqrtEstimate, of a fixed-point number from 0.25 to 1. */
export function unsignedReciprocalRootEstimate(a: number): number {
  return a < 2 ** 30 ? 0xffffffff : reciprocalRoot(a / 2 ** 32) * 2 ** 23;
}

const TWO = 0x40000000n;
const THREE = 0x40400000n;
const ONE_AND_A_HALF = 0x3fc00000n;

/** The product of a step, or undefined where it is of zero and infinity: then the step's result is its limit. */
function product(a: bigint, b: bigint, env: Environment): bigint | undefined {
  const [x, y] = [unpack(single, a, env), unpack(single, b, env)];
  const nan = processNaNs(single, [x, y], env);
  if (nan !== undefined) return nan;
  const kinds = [x.kind, y.kind];
  if (kinds.includes('zero') && kinds.includes('infinity')) return undefined;
  return multiply(single, a, b, env);
}

/** FPRecipStep: 2 - a * b. */
export function reciprocalStep(a: bigint, b: bigint, env: Environment): bigint {
  const it = product(a, b, env);
  return it === undefined ? TWO : subtract(single, TWO, it, env);
}

/** FPRSqrtStep: (3 - a * b) / 2. */
export function reciprocalRootStep(a: bigint, b: bigint, env: Environment): bigint {
  const it = product(a, b, env);
  return it === undefined ? ONE_AND_A_HALF : divide(single, subtract(single, THREE, it, env), TWO, env);
}
