/** Conversions between formats, and between floating-point and fixed-point (A2.7.9). */
import type { Environment, Rounding } from './environment.js';
import { IOC, IXC } from '../../isa/fpscr-masks.js';
import type { Format } from './format.js';
import { defaultNaN, half, infinity, round, roundsAway, unpack, zero } from './format.js';

/**
 * From one format to another. NaNs keep their highest fraction bits; in the alternative half-precision format, which
 * has neither them nor infinities, the operation is invalid.
 */
export function convert(from: Format, to: Format, a: bigint, env: Environment): bigint {
  const x = unpack(from, a, env);
  const without = to === half && env.alternativeHalf;
  switch (x.kind) {
    case 'quiet':
    case 'signalling': {
      if (x.kind === 'signalling' || without) env.flags |= IOC;
      if (without) return zero(to, x.sign);
      if (env.defaultNaN) return defaultNaN(to);
      const shift = BigInt(to.fractionBits - from.fractionBits);
      const fraction = BigInt.asUintN(from.fractionBits, a);
      const moved = shift < 0n ? fraction >> -shift : fraction << shift;
      return infinity(to, x.sign) | to.quietBit | moved;
    }
    case 'infinity':
      if (!without) return infinity(to, x.sign);
      env.flags |= IOC;
      return zero(to, x.sign) | (to.sign - 1n);
    case 'zero':
      return zero(to, x.sign);
    default:
      return round(to, x.sign, x.mantissa, x.exponent, env);
  }
}

/** To a fixed-point number of `size` bits, of them `fractionBits` behind the point; out of range it saturates. */
export function toFixed(
  f: Format,
  a: bigint,
  size: number,
  fractionBits: number,
  unsigned: boolean,
  rounding: Rounding,
  env: Environment,
): bigint {
  const x = unpack(f, a, env);
  const [low, high] = unsigned
    ? [0n, (1n << BigInt(size)) - 1n]
    : [-(1n << BigInt(size - 1)), (1n << BigInt(size - 1)) - 1n];
  if (x.kind === 'quiet' || x.kind === 'signalling') {
    env.flags |= IOC;
    return 0n;
  }
  if (x.kind === 'zero') return 0n;
  let value: bigint;
  let rest = 0n;
  const exponent = x.exponent + fractionBits;
  // Beyond every size; the shift would be long.
  if (x.kind === 'infinity' || exponent > size) value = high + 1n;
  else if (exponent >= 0) value = x.mantissa << BigInt(exponent);
  else {
    const dropped = BigInt(-exponent);
    value = x.mantissa >> dropped;
    rest = BigInt.asUintN(-exponent, x.mantissa);
    if (roundsAway(rounding, x.sign, (value & 1n) === 1n, rest, 1n << (dropped - 1n))) value++;
  }
  if (x.sign) value = x.kind === 'infinity' || exponent > size ? low - 1n : -value;
  if (value > high || value < low) {
    env.flags |= IOC;
    return BigInt.asUintN(size, value > high ? high : low);
  }
  if (rest !== 0n) env.flags |= IXC;
  return BigInt.asUintN(size, value);
}

/** From a fixed-point number, given as an integer with its sign. */
export function fromFixed(
  f: Format,
  value: bigint,
  fractionBits: number,
  rounding: Rounding,
  env: Environment,
): bigint {
  if (value === 0n) return 0n;
  return round(f, value < 0n, value < 0n ? -value : value, -fractionBits, env, rounding);
}
