// Arithmetic by the host's, where it gives the same bit for bit: it rounds to nearest, and the only exception that
// normal numbers with a normal result can raise is Inexact. That comes from error-free transformations: the error of
// a sum, of a product or of a root is a number itself, and is 0 or not.

/** Smallest normal numbers. */
const LEAST_SINGLE: f32 = 1.1754943508222875e-38;
const LEAST_DOUBLE: f64 = 2.2250738585072014e-308;

// @ts-ignore: decorator
@inline
function least<T>(): T {
  return (sizeof<T>() == 8 ? LEAST_DOUBLE : LEAST_SINGLE) as T;
}

/** A number's exponent field. */
// @ts-ignore: decorator
@inline
function exponentOf<T>(value: T): u32 {
  if (sizeof<T>() == 8) return <u32>(reinterpret<u64>(value as f64) >>> 52) & 0x7ff;
  return (reinterpret<u32>(value as f32) >>> 23) & 0xff;
}
/** The exponent field of infinities and NaNs. */
// @ts-ignore: decorator
@inline
function mostOf<T>(): u32 {
  return sizeof<T>() == 8 ? 0x7ff : 0xff;
}

/** Whether an operand is a normal number, or zero. */
// @ts-ignore: decorator
@inline
export function isPlain<T>(value: T): bool {
  return exponentOf<T>(value) - 1 < mostOf<T>() - 1 || value == (0 as T);
}

/** Whether a rounded result was certainly normal before rounding, too. */
// @ts-ignore: decorator
@inline
export function isSafe<T>(value: T): bool {
  return exponentOf<T>(value) - 2 < mostOf<T>() - 2;
}

/** Whether it is not 0 and smaller than every normal number. */
// @ts-ignore: decorator
@inline
export function isSubnormal<T>(value: T): bool {
  return abs<T>(value) < least<T>() && value != (0 as T);
}

/** What rounding took from the sum (Knuth's TwoSum). */
// @ts-ignore: decorator
@inline
export function sumError<T>(x: T, y: T, sum: T): T {
  const z = (sum - x) as T;
  return ((x - ((sum - z) as T)) as T) + ((y - z) as T) as T;
}

const FRACTION: u64 = 0x000fffffffffffff;
const HIDDEN: u64 = 0x0010000000000000;

// @ts-ignore: decorator
@inline
function fieldOf(bits: u64): i32 {
  return <i32>(bits >>> 52) & 0x7ff;
}
/** How many zeros the significand of a normal double ends in. */
// @ts-ignore: decorator
@inline
function zerosOf(bits: u64): i32 {
  return <i32>ctz<u64>((bits & FRACTION) | HIDDEN);
}

/** Whether a product of doubles, all of them normal or zero, was not rounded: whether its bits fit into 53. */
function isExactProduct(x: f64, y: f64, product: f64): bool {
  if (product == 0) return true;
  const a = reinterpret<u64>(x);
  const b = reinterpret<u64>(y);
  // 105 bits, or 106 where the product of the significands is 2 or more.
  const carry = fieldOf(reinterpret<u64>(product)) - (fieldOf(a) + fieldOf(b) - 1023);
  return zerosOf(a) + zerosOf(b) >= 52 + carry;
}

/** The same of singles: a double holds any product of them. */
// @ts-ignore: decorator
@inline
export function isExact<T>(x: T, y: T, product: T): bool {
  if (sizeof<T>() == 8) return isExactProduct(x as f64, y as f64, product as f64);
  return (x as f64) * (y as f64) == (product as f64);
}

/** Rounds to odd a sum that was rounded to nearest, from its error, which is not 0. */
function toOdd(sum: f64, error: f64): f64 {
  const bits = reinterpret<u64>(sum);
  if (bits & 1) return sum;
  return reinterpret<f64>((error > 0) == (sum > 0) ? bits + 1 : bits - 1);
}

/** Whether the last fused operation was inexact. */
export let fusedInexact: bool = false;

/**
 * d + x * y, rounded once, of singles: the product is exact as a double, the sum is rounded to odd, and that has more
 * than two bits more than a single, so that rounding it again is like rounding once.
 */
export function fusedSingle(d: f32, x: f32, y: f32): f32 {
  const product = <f64>x * <f64>y;
  let sum = product + <f64>d;
  const error = sumError<f64>(product, d, sum);
  if (error != 0) sum = toOdd(sum, error);
  const result = <f32>sum;
  fusedInexact = error != 0 || <f64>result != sum;
  return result;
}

/** Exponent fields between which nothing below overflows or underflows. */
const LOW: i32 = 300;
const HIGH: i32 = 1700;

/** Whether fusedDouble can do it. */
export function canFuse(d: f64, x: f64, y: f64): bool {
  const a = fieldOf(reinterpret<u64>(x));
  const b = fieldOf(reinterpret<u64>(y));
  const c = fieldOf(reinterpret<u64>(d));
  return (
    a > LOW && a < HIGH && b > LOW && b < HIGH && a + b > 1023 + LOW && a + b < 1023 + HIGH && (d == 0 || (c > LOW && c < HIGH))
  );
}

/** The error of a product of doubles, by Dekker's halves of 26 bits. */
function productError(x: f64, y: f64, product: f64): f64 {
  const SPLIT: f64 = 134217729;
  const p = x * SPLIT;
  const q = y * SPLIT;
  const xh = p - (p - x);
  const yh = q - (q - y);
  const xl = x - xh;
  const yl = y - yh;
  return xl * yl - (product - xh * yh - xl * yh - xh * yl);
}

/**
 * d + x * y, rounded once, of doubles (Boldo, Melquiond: Emulation of a FMA and Correctly-Rounded Sums: Proved
 * Algorithms Using Rounding to Odd, 2008).
 */
export function fusedDouble(d: f64, x: f64, y: f64): f64 {
  const product = x * y;
  const low = productError(x, y, product);
  const t = d + low;
  const tail = sumError<f64>(d, low, t);
  const v = product + t;
  const rest = sumError<f64>(product, t, v);
  let z = tail + rest;
  const error = sumError<f64>(tail, rest, z);
  if (error != 0) z = toOdd(z, error);
  const result = v + z;
  fusedInexact = error != 0 || sumError<f64>(v, z, result) != 0;
  return result;
}
