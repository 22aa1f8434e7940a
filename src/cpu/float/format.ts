/** The formats of IEEE 754 numbers, taken apart and put together with rounding (A2.7, FPUnpack and FPRound). */
import type { Environment, Rounding } from './environment.js';
import { IDC, IOC, IXC, OFC, UFC } from '../../isa/fpscr-masks.js';
import { DOWN, NEAREST, UP } from './environment.js';

/** A binary interchange format. */
export interface Format {
  readonly width: bigint;
  readonly fractionBits: number;
  readonly bias: number;
  /** The exponent field with all bits set. */
  readonly maxExponent: number;
  readonly sign: bigint;
  readonly infinity: bigint;
  readonly quietBit: bigint;
}

function format(exponentBits: number, fractionBits: number): Format {
  const width = BigInt(1 + exponentBits + fractionBits);
  const maxExponent = 2 ** exponentBits - 1;
  return {
    width,
    fractionBits,
    bias: 2 ** (exponentBits - 1) - 1,
    maxExponent,
    sign: 1n << (width - 1n),
    infinity: BigInt(maxExponent) << BigInt(fractionBits),
    quietBit: 1n << BigInt(fractionBits - 1),
  };
}

export const half = format(5, 10);
export const single = format(8, 23);
export const double = format(11, 52);

/** A number taken apart: `mantissa` times 2 to the `exponent`; 0 where it is not finite. */
export interface Unpacked {
  readonly kind: 'zero' | 'finite' | 'infinity' | 'quiet' | 'signalling';
  readonly sign: boolean;
  readonly mantissa: bigint;
  readonly exponent: number;
  readonly bits: bigint;
}

/** Takes a number apart; a denormal is zero where they are flushed. */
export function unpack(f: Format, bits: bigint, env: Environment): Unpacked {
  const sign = (bits & f.sign) !== 0n;
  const fraction = BigInt.asUintN(f.fractionBits, bits);
  const exponent = Number((bits >> BigInt(f.fractionBits)) & BigInt(f.maxExponent));
  const special = exponent === f.maxExponent && !(f === half && env.alternativeHalf);
  if (special) {
    const kind = fraction === 0n ? 'infinity' : fraction & f.quietBit ? 'quiet' : 'signalling';
    return { kind, sign, mantissa: 0n, exponent: 0, bits };
  }
  const low = 1 - f.bias - f.fractionBits;
  if (exponent !== 0)
    return {
      kind: 'finite',
      sign,
      mantissa: fraction | (1n << BigInt(f.fractionBits)),
      exponent: exponent - 1 + low,
      bits,
    };
  if (fraction === 0n) return { kind: 'zero', sign, mantissa: 0n, exponent: 0, bits };
  // Half precision is never flushed.
  if (env.flushToZero && f !== half) {
    env.flags |= IDC;
    return { kind: 'zero', sign, mantissa: 0n, exponent: 0, bits: sign ? f.sign : 0n };
  }
  return { kind: 'finite', sign, mantissa: fraction, exponent: low, bits };
}

export const zero = (f: Format, sign: boolean): bigint => (sign ? f.sign : 0n);
export const infinity = (f: Format, sign: boolean): bigint => (sign ? f.sign : 0n) | f.infinity;
export const defaultNaN = (f: Format): bigint => f.infinity | f.quietBit;

/** How many bits a positive number has. */
export function bitLength(value: bigint): number {
  const digits = value.toString(16);
  return digits.length * 4 - Math.clz32(parseInt(digits[0]!, 16)) + 28;
}

/** Whether what is cut off takes the number away from zero. `rest` and `halfway` are of the same unit. */
export function roundsAway(
  rounding: Rounding,
  sign: boolean,
  odd: boolean,
  rest: bigint,
  halfway: bigint,
): boolean {
  if (rest === 0n) return false;
  if (rounding === NEAREST) return rest > halfway || (rest === halfway && odd);
  return rounding === (sign ? DOWN : UP);
}

/**
 * Rounds `mantissa` times 2 to the `exponent` to a format. The mantissa is not 0; a result that is not exact has
 * its lowest bit set and at least two bits more than the format.
 */
export function round(
  f: Format,
  sign: boolean,
  mantissa: bigint,
  exponent: number,
  env: Environment,
  rounding = env.rounding,
): bigint {
  const least = 1 - f.bias;
  const top = exponent + bitLength(mantissa) - 1;
  const tiny = top < least;
  if (tiny && env.flushToZero && f !== half) {
    env.flags |= UFC;
    return zero(f, sign);
  }
  const dropped = Math.max(top, least) - f.fractionBits - exponent;
  let [kept, rest, halfway] = [mantissa, 0n, 0n];
  if (dropped > 0) {
    kept = mantissa >> BigInt(dropped);
    rest = BigInt.asUintN(dropped, mantissa);
    halfway = 1n << BigInt(dropped - 1);
  } else kept = mantissa << BigInt(-dropped);
  if (tiny && rest !== 0n) env.flags |= UFC;
  if (roundsAway(rounding, sign, (kept & 1n) === 1n, rest, halfway)) kept++;

  // The carry out of the fraction goes up to the exponent by itself, from a denormal too.
  const field = tiny ? 0n : BigInt(top + f.bias - 1) << BigInt(f.fractionBits);
  const magnitude = field + kept;
  if (f === half && env.alternativeHalf) {
    if (magnitude >= f.sign) {
      env.flags |= IOC;
      return zero(f, sign) | (f.sign - 1n);
    }
  } else if (magnitude >= f.infinity) {
    env.flags |= OFC | IXC;
    const toInfinity = rounding === NEAREST || rounding === (sign ? DOWN : UP);
    return infinity(f, sign) - (toInfinity ? 0n : 1n);
  }
  if (rest !== 0n) env.flags |= IXC;
  return zero(f, sign) | magnitude;
}

/** The result for a NaN operand, quietened. */
export function processNaN(f: Format, nan: Unpacked, env: Environment): bigint {
  if (nan.kind === 'signalling') env.flags |= IOC;
  return env.defaultNaN ? defaultNaN(f) : nan.bits | f.quietBit;
}

/** The result where an operand is a NaN: signalling ones go first, then in order. */
export function processNaNs(f: Format, operands: readonly Unpacked[], env: Environment): bigint | undefined {
  const nan =
    operands.find(({ kind }) => kind === 'signalling') ?? operands.find(({ kind }) => kind === 'quiet');
  return nan && processNaN(f, nan, env);
}

/** The result of an invalid operation. */
export function invalid(f: Format, env: Environment): bigint {
  env.flags |= IOC;
  return defaultNaN(f);
}
