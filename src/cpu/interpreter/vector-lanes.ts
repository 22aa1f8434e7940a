// Operations on the elements of vectors that WebAssembly has not by itself. T is the type of an element, S and U its
// signed and its unsigned form.
import { QC } from '../../isa/fpscr-masks';
import { FPSCR } from '../layout';
import { AMOUNT_LOW, AMOUNT_MASK, QUAD, ROUNDED, SATURATED, TO_UNSIGNED, UNSIGNED } from '../micro-ops';


function raiseSaturation(): void {
  store<u32>(FPSCR, load<u32>(FPSCR) | QC);
}
/** Sets QC where a bit of the vector is set; of its lower half, unless QUAD. */
// @ts-ignore: decorator
@inline
function saturatedWhere(how: u32, bits: v128): void {
  if (how & QUAD ? v128.any_true(bits) : v128.extract_lane<i64>(bits, 0) != 0) raiseSaturation();
}

// @ts-ignore: decorator
@inline
export function amountOf(how: u32): i32 {
  return (how >>> AMOUNT_LOW) & AMOUNT_MASK;
}
// @ts-ignore: decorator
@inline
function bitsOf<T>(): i32 {
  return sizeof<T>() << 3;
}
/** All ones where an element is negative. */
// @ts-ignore: decorator
@inline
function signs<S>(x: v128): v128 {
  return v128.shr<S>(x, bitsOf<S>() - 1);
}
/** Those of `x` where the mask has ones, else those of `y`. */
// @ts-ignore: decorator
@inline
export function choose(x: v128, y: v128, mask: v128): v128 {
  return v128.bitselect(x, y, mask);
}

/** The products' lower bytes. */
// @ts-ignore: decorator
@inline
export function multiplyBytes(n: v128, m: v128): v128 {
  return v128.or(
    v128.and(v128.mul<i16>(n, m), v128.splat<i16>(0xff)),
    v128.shl<i16>(v128.mul<i16>(v128.shr<u16>(n, 8), v128.shr<u16>(m, 8)), 8),
  );
}

/** Products of polynomials over {0, 1}, of the lower 8 bits of n. */
// @ts-ignore: decorator
@inline
export function multiplyPolynomials<T>(n: v128, m: v128): v128 {
  let product = v128.splat<i8>(0);
  for (let bit = 0; bit < 8; bit++) {
    const mask = v128.neg<T>(v128.and(v128.shr<T>(n, bit), v128.splat<T>(1 as T)));
    product = v128.xor(product, v128.and(v128.shl<T>(m, bit), mask));
  }
  return product;
}

// @ts-ignore: decorator
@inline
export function difference<T>(n: v128, m: v128): v128 {
  return v128.sub<T>(v128.max<T>(n, m), v128.min<T>(n, m));
}

/** Half the sum, n + m being (n ^ m) + 2 * (n & m). */
// @ts-ignore: decorator
@inline
export function halvingAdd<T>(n: v128, m: v128): v128 {
  return v128.add<T>(v128.and(n, m), v128.shr<T>(v128.xor(n, m), 1));
}
/** n - m is (n ^ m) - 2 * (~n & m). */
// @ts-ignore: decorator
@inline
export function halvingSubtract<T>(n: v128, m: v128): v128 {
  return v128.sub<T>(v128.shr<T>(v128.xor(n, m), 1), v128.andnot(m, n));
}
/** n + m is 2 * (n | m) - (n ^ m). */
// @ts-ignore: decorator
@inline
export function roundingHalvingAdd<T>(n: v128, m: v128): v128 {
  return v128.sub<T>(v128.or(n, m), v128.shr<T>(v128.xor(n, m), 1));
}

/** Saturating addition of 8 or 16 bits. */
// @ts-ignore: decorator
@inline
export function addShort<T>(how: u32, n: v128, m: v128): v128 {
  const sum = v128.add_sat<T>(n, m);
  saturatedWhere(how, v128.xor(sum, v128.add<T>(n, m)));
  return sum;
}
// @ts-ignore: decorator
@inline
export function subtractShort<T>(how: u32, n: v128, m: v128): v128 {
  const result = v128.sub_sat<T>(n, m);
  saturatedWhere(how, v128.xor(result, v128.sub<T>(n, m)));
  return result;
}
/** The greatest number, and the least where x is negative. */
// @ts-ignore: decorator
@inline
function limitsOf<S>(x: v128): v128 {
  return v128.xor(signs<S>(x), v128.not(v128.shl<S>(v128.splat<i8>(-1), bitsOf<S>() - 1)));
}
/** The same of 32 or 64 bits. */
// @ts-ignore: decorator
@inline
export function addLong<S>(how: u32, n: v128, m: v128): v128 {
  const sum = v128.add<S>(n, m);
  const over = signs<S>(v128.and(v128.xor(n, sum), v128.xor(m, sum)));
  saturatedWhere(how, over);
  return choose(limitsOf<S>(n), sum, over);
}
// @ts-ignore: decorator
@inline
export function subtractLong<S>(how: u32, n: v128, m: v128): v128 {
  const result = v128.sub<S>(n, m);
  const over = signs<S>(v128.and(v128.xor(n, m), v128.xor(n, result)));
  saturatedWhere(how, over);
  return choose(limitsOf<S>(n), result, over);
}
// @ts-ignore: decorator
@inline
export function addUnsigned<S>(how: u32, n: v128, m: v128): v128 {
  const sum = v128.add<S>(n, m);
  const carry = signs<S>(v128.or(v128.and(n, m), v128.andnot(v128.or(n, m), sum)));
  saturatedWhere(how, carry);
  return v128.or(sum, carry);
}
// @ts-ignore: decorator
@inline
export function subtractUnsigned<S>(how: u32, n: v128, m: v128): v128 {
  const result = v128.sub<S>(n, m);
  const borrow = signs<S>(v128.or(v128.andnot(m, n), v128.andnot(result, v128.xor(n, m))));
  saturatedWhere(how, borrow);
  return v128.andnot(result, borrow);
}

/** The high half of 2 * n * m: only the square of the least number is too large. */
export function doubledHigh16(how: u32, n: v128, m: v128): v128 {
  const least = v128.splat<i16>(-32768);
  saturatedWhere(how, v128.and(v128.eq<i16>(n, least), v128.eq<i16>(m, least)));
  if (how & ROUNDED) return i16x8.q15mulr_sat_s(n, m);
  return v128.narrow<i32>(
    v128.shr<i32>(v128.extmul_low<i16>(n, m), 15),
    v128.shr<i32>(v128.extmul_high<i16>(n, m), 15),
  );
}
export function doubledHigh32(how: u32, n: v128, m: v128): v128 {
  const least = v128.splat<i32>(-2147483648);
  const over = v128.and(v128.eq<i32>(n, least), v128.eq<i32>(m, least));
  saturatedWhere(how, over);
  const half = v128.splat<i64>(how & ROUNDED ? 1 << 30 : 0);
  const low = v128.shr<i64>(v128.add<i64>(v128.extmul_low<i32>(n, m), half), 31);
  const high = v128.shr<i64>(v128.add<i64>(v128.extmul_high<i32>(n, m), half), 31);
  // The bits of what is too large are those of the least number.
  return v128.xor(v128.shuffle<i32>(low, high, 0, 2, 4, 6), over);
}

/** 2 * n * m, of elements that had half the size. */
// @ts-ignore: decorator
@inline
export function doubled<S>(how: u32, n: v128, m: v128): v128 {
  const product = v128.mul<S>(n, m);
  return addLong<S>(how, product, product);
}

/** Magnitudes; that of the least number is too large by one. */
// @ts-ignore: decorator
@inline
export function saturatedMagnitude<S>(how: u32, m: v128): v128 {
  const magnitude = v128.abs<S>(m);
  const over = signs<S>(magnitude);
  saturatedWhere(how, over);
  return v128.xor(magnitude, over);
}

/** Sums of neighbours of 32 bits, with 64. */
// @ts-ignore: decorator
@inline
export function neighbourSums<T>(m: v128): v128 {
  return v128.add<i64>(v128.shr<T>(m, 32), v128.shr<T>(v128.shl<i64>(m, 32), 32));
}

/** How many zeros there are above the highest one, for each element: what is below is filled with ones first. */
export function zeros8(m: v128): v128 {
  let x = v128.or(m, v128.shr<u8>(m, 1));
  x = v128.or(x, v128.shr<u8>(x, 2));
  x = v128.or(x, v128.shr<u8>(x, 4));
  return v128.popcnt<i8>(v128.not(x));
}
export function zeros16(m: v128): v128 {
  let x = v128.or(m, v128.shr<u16>(m, 1));
  x = v128.or(x, v128.shr<u16>(x, 2));
  x = v128.or(x, v128.shr<u16>(x, 4));
  x = v128.or(x, v128.shr<u16>(x, 8));
  return v128.extadd_pairwise<u8>(v128.popcnt<i8>(v128.not(x)));
}
export function zeros32(m: v128): v128 {
  let x = v128.or(m, v128.shr<u32>(m, 1));
  x = v128.or(x, v128.shr<u32>(x, 2));
  x = v128.or(x, v128.shr<u32>(x, 4));
  x = v128.or(x, v128.shr<u32>(x, 8));
  x = v128.or(x, v128.shr<u32>(x, 16));
  return v128.extadd_pairwise<u16>(v128.extadd_pairwise<u8>(v128.popcnt<i8>(v128.not(x))));
}
/** For counting bits that are like the sign: with those of a negative number inverted, and one bit lower. */
// @ts-ignore: decorator
@inline
export function unlikeSign<S>(m: v128): v128 {
  return v128.or(v128.shl<S>(v128.xor(m, signs<S>(m)), 1), v128.splat<S>(1 as S));
}

/** Shifted to the right by less than the size, rounded. */
// @ts-ignore: decorator
@inline
export function roundedShift<T>(m: v128, amount: i32): v128 {
  return v128.add<T>(v128.shr<T>(m, amount), v128.and(v128.shr<T>(m, amount - 1), v128.splat<T>(1 as T)));
}
/** Shifted to the right into what the destination has above. */
// @ts-ignore: decorator
@inline
export function insertRight<U>(d: v128, m: v128, amount: i32): v128 {
  return choose(v128.shr<U>(m, amount), d, v128.shr<U>(v128.splat<i8>(-1), amount));
}
// @ts-ignore: decorator
@inline
export function insertLeft<U>(d: v128, m: v128, amount: i32): v128 {
  return choose(v128.shl<U>(m, amount), d, v128.shl<U>(v128.splat<i8>(-1), amount));
}

// @ts-ignore: decorator
@inline
export function saturatingShift<S>(how: u32, m: v128): v128 {
  const amount = amountOf(how);
  const result = v128.shl<S>(m, amount);
  const over = v128.ne<S>(v128.shr<S>(result, amount), m);
  saturatedWhere(how, over);
  return choose(limitsOf<S>(m), result, over);
}
// @ts-ignore: decorator
@inline
export function saturatingShiftUnsigned<S, U>(how: u32, m: v128): v128 {
  const amount = amountOf(how);
  const result = v128.shl<S>(m, amount);
  const over = v128.ne<S>(v128.shr<U>(result, amount), m);
  saturatedWhere(how, over);
  return v128.or(result, over);
}
/** Of signed elements, to unsigned ones. */
// @ts-ignore: decorator
@inline
export function saturatingShiftToUnsigned<S, U>(how: u32, m: v128): v128 {
  const amount = amountOf(how);
  const result = v128.shl<S>(m, amount);
  const negative = signs<S>(m);
  const over = v128.ne<S>(v128.shr<U>(result, amount), m);
  saturatedWhere(how, v128.or(over, negative));
  return v128.andnot(v128.or(result, over), negative);
}

/** One element, shifted to the left by a signed amount. */
// @ts-ignore: decorator
@inline
function shifted<T>(value: T, by: i32, how: u32): T {
  const bits = bitsOf<T>();
  if (by >= 0) {
    const result: T = by < bits ? ((value << (by as T)) as T) : (0 as T);
    if (how & SATURATED) {
      const back: T = by < bits ? ((result >> (by as T)) as T) : (0 as T);
      if (back != value) {
        raiseSaturation();
        const all: T = (-1) as T;
        if (!isSigned<T>()) return all;
        const least = ((1 as T) << ((bits - 1) as T)) as T;
        return (value < (0 as T) ? least : least ^ all) as T;
      }
    }
    return result;
  }
  const down = -by;
  if (!isSigned<T>() && down > bits) return 0 as T;
  const sign: T = isSigned<T>() && value < (0 as T) ? ((-1) as T) : (0 as T);
  const floor: T = down < bits ? ((value >> (down as T)) as T) : sign;
  if ((how & ROUNDED) == 0) return floor;
  const last: T = down <= bits ? ((value >> ((down - 1) as T)) as T) : sign;
  return (floor + (last & (1 as T))) as T;
}
/** Shifts each element at `m` by the signed byte at the lower end of the one at `n`, and puts it at `d`. */
export function shiftByRegister<T>(d: usize, n: usize, m: usize, how: u32): void {
  const bytes: usize = how & QUAD ? 16 : 8;
  for (let at: usize = 0; at < bytes; at += sizeof<T>())
    store<T>(d + at, shifted<T>(load<T>(m + at), load<i8>(n + at), how));
}

/** Bytes x where the bit of `by` is set, else y. */
// @ts-ignore: decorator
@inline
function whereBit(x: v128, y: v128, by: v128, bit: i32): v128 {
  return choose(x, y, v128.lt<i8>(v128.shl<i8>(by, 7 - bit), v128.splat<i8>(0)));
}
/** The same of all bytes at once, neither rounded nor saturated: in steps of 4, 2 and 1. */
// @ts-ignore: decorator
@inline
export function shiftedBytes<T>(m: v128, by: v128): v128 {
  const none = v128.splat<i8>(0);
  const size = v128.splat<i8>(8);
  const negative = v128.lt<i8>(m, none);
  let left = whereBit(v128.shl<i8>(m, 4), m, by, 2);
  left = whereBit(v128.shl<i8>(left, 2), left, by, 1);
  left = whereBit(v128.shl<i8>(left, 1), left, by, 0);
  const down = v128.neg<i8>(by);
  let right = whereBit(v128.shr<T>(m, 4), m, down, 2);
  right = whereBit(v128.shr<T>(right, 2), right, down, 1);
  right = whereBit(v128.shr<T>(right, 1), right, down, 0);
  return choose(
    choose(isSigned<T>() ? negative : none, right, v128.ge<u8>(down, size)),
    v128.and(left, v128.lt<i8>(by, size)),
    v128.lt<i8>(by, none),
  );
}

/** Shifted to the right by an amount, and what fits into half the size. */
// @ts-ignore: decorator
@inline
export function narrowed<S, U>(how: u32, m: v128): v128 {
  const amount = amountOf(how);
  const half = bitsOf<S>() >> 1;
  let x = how & UNSIGNED ? v128.shr<U>(m, amount) : v128.shr<S>(m, amount);
  if (how & ROUNDED) x = v128.add<S>(x, v128.and(v128.shr<U>(m, amount - 1), v128.splat<S>(1 as S)));
  if (how & SATURATED) {
    const most = (((1 as S) << ((how & TO_UNSIGNED ? half : half - 1) as S)) - (1 as S)) as S;
    const high = v128.splat<S>(most);
    let y: v128;
    if (how & UNSIGNED) y = choose(high, x, v128.ne<S>(v128.shr<U>(x, half), v128.splat<i8>(0)));
    else {
      const low = v128.splat<S>(how & TO_UNSIGNED ? (0 as S) : ((-1 as S) - most) as S);
      y = choose(high, x, v128.gt<S>(x, high));
      y = choose(low, y, v128.gt<S>(low, y));
    }
    if (v128.any_true(v128.xor(x, y))) raiseSaturation();
    x = y;
  }
  if (sizeof<S>() == 2) return v128.shuffle<i8>(x, x, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
  if (sizeof<S>() == 4) return v128.shuffle<i16>(x, x, 0, 2, 4, 6, 0, 2, 4, 6);
  return v128.shuffle<i32>(x, x, 0, 2, 0, 2);
}

// @ts-ignore: decorator
@inline
function places(): v128 {
  return i8x16(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15);
}
/** The lower halves of both. */
// @ts-ignore: decorator
@inline
export function joined(n: v128, m: v128): v128 {
  return v128.shuffle<i64>(n, m, 0, 2);
}
export function extracted(how: u32, n: v128, m: v128): v128 {
  const from = v128.add<i8>(places(), v128.splat<i8>(amountOf(how) as i8));
  if ((how & QUAD) == 0) return v128.swizzle(joined(n, m), from);
  return v128.or(v128.swizzle(n, from), v128.swizzle(m, v128.sub<i8>(from, v128.splat<i8>(16))));
}
export function reversed(how: u32, m: v128): v128 {
  return v128.swizzle(m, v128.xor(places(), v128.splat<i8>(amountOf(how) as i8)));
}
/** Bytes of a table of 32 by their indices, and what was there for those that are not in it. */
export function lookedUp(table: usize, length: i32, indices: v128, before: v128): v128 {
  const inside = v128.lt<u8>(indices, v128.splat<i8>(length as i8));
  const found = v128.or(
    v128.swizzle(v128.load(table), indices),
    v128.swizzle(v128.load(table, 16), v128.sub<i8>(indices, v128.splat<i8>(16))),
  );
  return choose(found, before, inside);
}
