/** Addition, multiplication, division and square root, exact and then rounded once (A2.7.9). */
import type { Environment } from './environment.js';
import { DZC } from '../../isa/fpscr-masks.js';
import { DOWN } from './environment.js';
import type { Format, Unpacked } from './format.js';
import { bitLength, infinity, invalid, processNaN, processNaNs, round, unpack, zero } from './format.js';

/** An operation on two numbers of a format, given and returned as their bits. */
export type Binary = (f: Format, a: bigint, b: bigint, env: Environment) => bigint;

export const negate = (f: Format, a: bigint): bigint => a ^ f.sign;
export const absolute = (f: Format, a: bigint): bigint => a & ~f.sign;

interface Exact {
  readonly sign: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
}

/** The rounded sum of two finite numbers, zeros included. */
function sum(f: Format, a: Exact, b: Exact, env: Environment): bigint {
  if (a.mantissa === 0n && b.mantissa === 0n)
    return zero(f, a.sign === b.sign ? a.sign : env.rounding === DOWN);
  if (a.mantissa === 0n) return round(f, b.sign, b.mantissa, b.exponent, env);
  if (b.mantissa === 0n) return round(f, a.sign, a.mantissa, a.exponent, env);
  const exponent = Math.min(a.exponent, b.exponent);
  const signed = (it: Exact): bigint =>
    (it.sign ? -it.mantissa : it.mantissa) << BigInt(it.exponent - exponent);
  const total = signed(a) + signed(b);
  if (total === 0n) return zero(f, env.rounding === DOWN);
  return total < 0n ? round(f, true, -total, exponent, env) : round(f, false, total, exponent, env);
}

function addUnpacked(f: Format, a: Unpacked, b: Unpacked, env: Environment): bigint {
  const nan = processNaNs(f, [a, b], env);
  if (nan !== undefined) return nan;
  if (a.kind === 'infinity')
    return b.kind === 'infinity' && a.sign !== b.sign ? invalid(f, env) : infinity(f, a.sign);
  if (b.kind === 'infinity') return infinity(f, b.sign);
  return sum(f, a, b, env);
}

export const add: Binary = (f, a, b, env) => addUnpacked(f, unpack(f, a, env), unpack(f, b, env), env);

export const subtract: Binary = (f, a, b, env) => {
  const [x, y] = [unpack(f, a, env), unpack(f, b, env)];
  // A NaN keeps its sign.
  if (y.kind === 'quiet' || y.kind === 'signalling') return addUnpacked(f, x, y, env);
  return addUnpacked(f, x, { ...y, sign: !y.sign }, env);
};

const isZeroTimesInfinity = (a: Unpacked, b: Unpacked): boolean =>
  (a.kind === 'zero' && b.kind === 'infinity') || (a.kind === 'infinity' && b.kind === 'zero');

export const multiply: Binary = (f, a, b, env) => {
  const [x, y] = [unpack(f, a, env), unpack(f, b, env)];
  const nan = processNaNs(f, [x, y], env);
  if (nan !== undefined) return nan;
  if (isZeroTimesInfinity(x, y)) return invalid(f, env);
  const sign = x.sign !== y.sign;
  if (x.kind === 'infinity' || y.kind === 'infinity') return infinity(f, sign);
  if (x.kind === 'zero' || y.kind === 'zero') return zero(f, sign);
  return round(f, sign, x.mantissa * y.mantissa, x.exponent + y.exponent, env);
};

/** `addend` plus `a` times `b`, rounded once. */
export function multiplyAdd(f: Format, addend: bigint, a: bigint, b: bigint, env: Environment): bigint {
  const [z, x, y] = [unpack(f, addend, env), unpack(f, a, env), unpack(f, b, env)];
  const undefinedProduct = isZeroTimesInfinity(x, y);
  if (z.kind === 'quiet' && undefinedProduct) return invalid(f, env);
  const nan = processNaNs(f, [z, x, y], env);
  if (nan !== undefined) return nan;
  const sign = x.sign !== y.sign;
  const infinite = x.kind === 'infinity' || y.kind === 'infinity';
  if (undefinedProduct || (z.kind === 'infinity' && infinite && z.sign !== sign)) return invalid(f, env);
  if (z.kind === 'infinity') return infinity(f, z.sign);
  if (infinite) return infinity(f, sign);
  const product = { sign, mantissa: x.mantissa * y.mantissa, exponent: x.exponent + y.exponent };
  return sum(f, z, product, env);
}

export const divide: Binary = (f, a, b, env) => {
  const [x, y] = [unpack(f, a, env), unpack(f, b, env)];
  const nan = processNaNs(f, [x, y], env);
  if (nan !== undefined) return nan;
  if (x.kind === y.kind && x.kind !== 'finite') return invalid(f, env);
  const sign = x.sign !== y.sign;
  if (x.kind === 'infinity') return infinity(f, sign);
  if (y.kind === 'zero') {
    env.flags |= DZC;
    return infinity(f, sign);
  }
  if (x.kind === 'zero' || y.kind === 'infinity') return zero(f, sign);
  // As many bits as the result has, two more, and one for what is left.
  const shift = Math.max(0, f.fractionBits + 4 + bitLength(y.mantissa) - bitLength(x.mantissa));
  const dividend = x.mantissa << BigInt(shift);
  const quotient = dividend / y.mantissa;
  const exact = quotient * y.mantissa === dividend;
  const exponent = x.exponent - y.exponent - shift;
  return round(f, sign, exact ? quotient : (quotient << 1n) | 1n, exact ? exponent : exponent - 1, env);
};

/** The integer square root. */
function integerRoot(value: bigint): bigint {
  // From above, so that it falls until it is there.
  let root = 1n << BigInt((bitLength(value) + 1) >> 1);
  for (;;) {
    const next = (root + value / root) >> 1n;
    if (next >= root) return root;
    root = next;
  }
}

export function squareRoot(f: Format, a: bigint, env: Environment): bigint {
  const x = unpack(f, a, env);
  if (x.kind === 'quiet' || x.kind === 'signalling') return processNaN(f, x, env);
  if (x.kind === 'zero') return zero(f, x.sign);
  if (x.sign) return invalid(f, env);
  if (x.kind === 'infinity') return infinity(f, false);
  let shift = Math.max(0, 2 * (f.fractionBits + 4) - bitLength(x.mantissa));
  if ((x.exponent - shift) % 2 !== 0) shift++;
  const radicand = x.mantissa << BigInt(shift);
  const root = integerRoot(radicand);
  const exact = root * root === radicand;
  const exponent = (x.exponent - shift) / 2;
  return round(f, false, exact ? root : (root << 1n) | 1n, exact ? exponent : exponent - 1, env);
}
