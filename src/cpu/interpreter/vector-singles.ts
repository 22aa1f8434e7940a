// Advanced SIMD micro-ops on singles, in the standard environment: to nearest, subnormals are 0, NaNs the default one.
// Where all elements are such that the host's arithmetic gives the same, it does them, as in floating.ts.
import { IXC } from '../../isa/fpscr-masks';
import { Op, QUAD } from '../micro-ops';
import { fpscr, options, raiseInexact, vd, vm, vn } from './extension-registers';
import { amountOf } from './vector-lanes';
import { first, PREPARED, second } from './vector-operands';
import { give } from './vector-permutes';

/** Smallest normal number, and twice that. */
const LEAST: f32 = 1.1754943508222875e-38;
const SAFE: f32 = 2.350988701644575e-38;
const SIGN: i32 = -2147483648;

/** What a micro-op came to goes to its destination. */
// @ts-ignore: decorator
@inline
function gives(rec: usize, how: u32, result: v128): bool {
  give(how, vd(rec), result);
  return true;
}
// @ts-ignore: decorator
@inline
function zero(): v128 {
  return v128.splat<i32>(0);
}
// @ts-ignore: decorator
@inline
function isZero(x: v128): v128 {
  return v128.eq<f32>(x, zero());
}
// @ts-ignore: decorator
@inline
function all(mask: v128): bool {
  return v128.all_true<i32>(mask);
}
/** Where elements are neither NaN nor subnormal. */
// @ts-ignore: decorator
@inline
function ordinary(x: v128): v128 {
  return v128.or(v128.ge<f32>(v128.abs<f32>(x), v128.splat<f32>(LEAST)), isZero(x));
}
/** Where neither is subnormal: of bits without the sign, less one, 0 is the greatest. */
// @ts-ignore: decorator
@inline
function normal(n: v128, m: v128): v128 {
  const one = v128.splat<i32>(1);
  const x = v128.sub<i32>(v128.shl<i32>(n, 1), one);
  const y = v128.sub<i32>(v128.shl<i32>(m, 1), one);
  return v128.ge<u32>(v128.min<u32>(x, y), v128.splat<i32>(0x00ffffff));
}
/** Where rounded results were certainly normal before rounding, too. */
// @ts-ignore: decorator
@inline
function safe(x: v128): v128 {
  const magnitude = v128.abs<f32>(x);
  return v128.and(
    v128.ge<f32>(magnitude, v128.splat<f32>(SAFE)),
    v128.lt<f32>(magnitude, v128.splat<f32>(Infinity)),
  );
}
// A finite result has finite operands, so that of those only subnormal ones are to be looked for.
/** Where sums are right: 0 is exact. */
// @ts-ignore: decorator
@inline
function goodSum(sum: v128): v128 {
  return v128.or(safe(sum), isZero(sum));
}
/** Where products are right: what is 0 has a factor that is. */
// @ts-ignore: decorator
@inline
function goodProduct(n: v128, m: v128, product: v128): v128 {
  return v128.or(safe(product), v128.and(isZero(product), v128.or(isZero(n), isZero(m))));
}
/** Whether a sum was rounded (Knuth's TwoSum). */
// @ts-ignore: decorator
@inline
function roundedSum(n: v128, m: v128, sum: v128): bool {
  const z = v128.sub<f32>(sum, n);
  const error = v128.add<f32>(v128.sub<f32>(n, v128.sub<f32>(sum, z)), v128.sub<f32>(m, z));
  return v128.any_true(v128.ne<f32>(error, zero()));
}
// @ts-ignore: decorator
@inline
function lower(x: v128): v128 {
  return f64x2.promote_low_f32x4(x);
}
// @ts-ignore: decorator
@inline
function upper(x: v128): v128 {
  return f64x2.promote_low_f32x4(v128.shuffle<i64>(x, x, 1, 1));
}
/** Whether a product was rounded: doubles hold it. */
function roundedProduct(n: v128, m: v128, product: v128): bool {
  return v128.any_true(
    v128.or(
      v128.ne<f64>(v128.mul<f64>(lower(n), lower(m)), lower(product)),
      v128.ne<f64>(v128.mul<f64>(upper(n), upper(m)), upper(product)),
    ),
  );
}
/** Whether Inexact is still to be found out. */
// @ts-ignore: decorator
@inline
function isOpen(): bool {
  return (fpscr() & IXC) == 0;
}

/** Of the sum, the bits of `mask`. */
function add(rec: usize, how: u32, n: v128, m: v128, mask: v128): bool {
  const sum = v128.add<f32>(n, m);
  if (!all(v128.and(normal(n, m), goodSum(sum)))) return false;
  if (isOpen()) raiseInexact(roundedSum(n, m, sum));
  return gives(rec, how, v128.and(sum, mask));
}
function multiply(rec: usize, how: u32, n: v128, m: v128): bool {
  const product = v128.mul<f32>(n, m);
  if (!all(v128.and(normal(n, m), goodProduct(n, m, product)))) return false;
  if (isOpen()) raiseInexact(roundedProduct(n, m, product));
  return gives(rec, how, product);
}
/** d + n * m, the product rounded by itself and with its sign changed by `sign`; then times a power of two. */
function multiplyThenAdd(
  rec: usize,
  how: u32,
  d: v128,
  n: v128,
  m: v128,
  sign: v128,
  scale: f32 = 1,
): bool {
  const product = v128.mul<f32>(n, m);
  const term = v128.xor(product, sign);
  const sum = v128.add<f32>(d, term);
  const good = v128.and(
    v128.and(normal(n, m), goodProduct(n, m, product)),
    v128.and(normal(d, d), goodSum(sum)),
  );
  if (!all(good)) return false;
  if (isOpen()) raiseInexact(roundedProduct(n, m, product) || roundedSum(d, term, sum));
  return gives(rec, how, v128.mul<f32>(sum, v128.splat<f32>(scale)));
}

/** Where the last half of a fused operation was inexact. */
let fusedInexact: v128 = i32x4(0, 0, 0, 0);
/** d + n * m of doubles that were singles, as singles in the lower half; see fusedSingle in floating.ts. */
// @ts-ignore: decorator
@inline
function fuse(d: v128, n: v128, m: v128): v128 {
  const product = v128.mul<f64>(n, m);
  const sum = v128.add<f64>(product, d);
  const z = v128.sub<f64>(sum, product);
  const error = v128.add<f64>(v128.sub<f64>(product, v128.sub<f64>(sum, z)), v128.sub<f64>(d, z));
  const rounded = v128.ne<f64>(error, zero());
  // To odd: one on where the error has the sum's sign, else one back.
  const same = v128.eq<i64>(v128.gt<f64>(error, zero()), v128.gt<f64>(sum, zero()));
  const one = v128.splat<i64>(1);
  const even = v128.eq<i64>(v128.and(sum, one), zero());
  const step = v128.and(v128.or(v128.not(same), one), v128.and(rounded, even));
  const odd = v128.add<i64>(sum, step);
  const result = f32x4.demote_f64x2_zero(odd);
  fusedInexact = v128.or(rounded, v128.ne<f64>(lower(result), odd));
  return result;
}
function multiplyAdd(rec: usize, how: u32, d: v128, n: v128, m: v128): bool {
  if (!all(v128.and(normal(n, m), normal(d, d)))) return false;
  const low = fuse(lower(d), lower(n), lower(m));
  const lowInexact = fusedInexact;
  const result = v128.shuffle<i64>(low, fuse(upper(d), upper(n), upper(m)), 0, 2);
  const inexact = v128.shuffle<i32>(lowInexact, fusedInexact, 0, 2, 4, 6);
  if (!all(v128.or(safe(result), v128.andnot(isZero(result), inexact)))) return false;
  raiseInexact(v128.any_true(inexact));
  return gives(rec, how, result);
}

/** From integers with `fraction` bits of fraction: rounding and then scaling is the same the other way round. */
function fromIntegers(rec: usize, how: u32, m: v128, fraction: i32, signed: bool): bool {
  const high = v128.shuffle<i64>(m, m, 1, 1);
  const result = signed ? f32x4.convert_i32x4_s(m) : f32x4.convert_i32x4_u(m);
  const low = signed ? f64x2.convert_low_i32x4_s(m) : f64x2.convert_low_i32x4_u(m);
  const up = signed ? f64x2.convert_low_i32x4_s(high) : f64x2.convert_low_i32x4_u(high);
  raiseInexact(
    v128.any_true(v128.or(v128.ne<f64>(low, lower(result)), v128.ne<f64>(up, upper(result)))),
  );
  return gives(rec, how, v128.mul<f32>(result, v128.splat<f32>(reinterpret<f32>((127 - fraction) << 23))));
}
function toIntegers(rec: usize, how: u32, m: v128, fraction: i32, signed: bool): bool {
  const scaled = v128.mul<f32>(m, v128.splat<f32>(reinterpret<f32>((127 + fraction) << 23)));
  const result = v128.trunc<f32>(scaled);
  const least = v128.splat<f32>(signed ? -2147483648 : 0);
  const beyond = v128.splat<f32>(signed ? 2147483648 : 4294967296);
  const good = v128.and(v128.ge<f32>(result, least), v128.lt<f32>(result, beyond));
  if (!all(v128.and(ordinary(m), good))) return false;
  raiseInexact(v128.any_true(v128.ne<f32>(result, scaled)));
  return gives(rec, how, signed ? i32x4.trunc_sat_f32x4_s(result) : i32x4.trunc_sat_f32x4_u(result));
}

/** A comparison's masks. */
// @ts-ignore: decorator
@inline
function compared(rec: usize, how: u32, n: v128, m: v128, result: v128): bool {
  if (!all(v128.and(ordinary(n), ordinary(m)))) return false;
  return gives(rec, how, result);
}

const FIELD: u32 = 0xff;
/** Estimates of 1 / x and of 1 / sqrt(x) from a table of 8 bits; see float/estimate.ts. */
function reciprocal(x: u32): u32 {
  // In units of 1 / 512, from 256 to 511.
  const q = <f64>(((x & 0x7fffff) | 0x800000) >>> 15);
  const significand = <u32>floor((256.0 * 512.0) / (q + 0.5) + 0.5);
  return (x & 0x80000000) | ((253 - ((x >>> 23) & FIELD)) << 23) | ((significand - 256) << 15);
}
function reciprocalRoot(x: u32): u32 {
  const exponent = (x >>> 23) & FIELD;
  const fraction = (x & 0x7fffff) | 0x800000;
  // From 0.25 to 0.5 where the exponent is odd, in units of 1 / 512; else from 0.5 to 1, in those of 1 / 256.
  const q = <f64>(fraction >>> 16);
  const scaled = (q + 0.5) / (exponent & 1 ? 512.0 : 256.0);
  const significand = <u32>floor(256.0 / sqrt(scaled) + 0.5);
  return (((380 - exponent) >>> 1) << 23) | ((significand - 256) << 15);
}
function estimated(x: u32, root: bool): u32 {
  return root ? reciprocalRoot(x) : reciprocal(x);
}
// @ts-ignore: decorator
@inline
function isEstimated(x: u32, most: u32): bool {
  const exponent = (x >>> 23) & FIELD;
  return exponent != 0 && exponent <= most;
}
/** Each element's estimate. Above 2^126 that of 1 / x is subnormal. */
function estimate(rec: usize, how: u32, m: v128, root: bool, quad: bool): bool {
  const a = v128.extract_lane<u32>(m, 0);
  const b = v128.extract_lane<u32>(m, 1);
  const c = quad ? v128.extract_lane<u32>(m, 2) : a;
  const e = quad ? v128.extract_lane<u32>(m, 3) : a;
  const most: u32 = root ? 254 : 252;
  if (!isEstimated(a, most) || !isEstimated(b, most) || !isEstimated(c, most) || !isEstimated(e, most))
    return false;
  if (root && (a | b | c | e) & 0x80000000) return false;
  let result = v128.splat<i32>(estimated(a, root));
  result = v128.replace_lane<u32>(result, 1, estimated(b, root));
  result = v128.replace_lane<u32>(result, 2, estimated(c, root));
  return gives(rec, how, v128.replace_lane<u32>(result, 3, estimated(e, root)));
}

// @ts-ignore: decorator
@inline
function vectorAt(place: usize, quad: bool): v128 {
  return quad ? v128.load(place) : v128.load64_zero(place);
}
// @ts-ignore: decorator
@inline
function lowerHalf(x: v128): v128 {
  return v128.shuffle<i64>(x, zero(), 0, 2);
}

/** Does one. Elements beyond the vectors are 0, so that they do not matter. */
export function ofSingles(rec: usize): bool {
  const how = options(rec);
  const quad = (how & QUAD) != 0;
  let n = vectorAt(vn(rec), quad);
  let m = vectorAt(vm(rec), quad);
  if (how & PREPARED) {
    const pair = m;
    m = second(rec, how, n, pair);
    n = first(how, n, pair);
    if (!quad) {
      n = lowerHalf(n);
      m = lowerHalf(m);
    }
  }
  const sign = v128.splat<i32>(SIGN);
  switch (<u32>load<u16>(rec)) {
    case Op.VADD_VECTOR:
      return add(rec, how, n, m, v128.splat<i8>(-1));
    case Op.VSUB_VECTOR:
      return add(rec, how, n, v128.xor(m, sign), v128.splat<i8>(-1));
    case Op.VMUL_VECTOR:
      return multiply(rec, how, n, m);
    case Op.VMLA_VECTOR:
      return multiplyThenAdd(rec, how, vectorAt(vd(rec), quad), n, m, zero());
    case Op.VMLS_VECTOR:
      return multiplyThenAdd(rec, how, vectorAt(vd(rec), quad), n, m, sign);
    case Op.VFMA_VECTOR:
      return multiplyAdd(rec, how, vectorAt(vd(rec), quad), n, m);
    case Op.VFMS_VECTOR:
      return multiplyAdd(rec, how, vectorAt(vd(rec), quad), v128.xor(n, sign), m);
    case Op.VABD_VECTOR:
      return add(rec, how, n, v128.xor(m, sign), v128.not(sign));
    case Op.VMAX_VECTOR:
      return compared(rec, how, n, m, v128.max<f32>(n, m));
    case Op.VMIN_VECTOR:
      return compared(rec, how, n, m, v128.min<f32>(n, m));
    case Op.VCEQ_VECTOR:
      return compared(rec, how, n, m, v128.eq<f32>(n, m));
    case Op.VCGT_VECTOR:
      return compared(rec, how, n, m, v128.gt<f32>(n, m));
    case Op.VCGE_VECTOR:
      return compared(rec, how, n, m, v128.ge<f32>(n, m));
    case Op.VACGT_VECTOR:
      return compared(rec, how, n, m, v128.gt<f32>(v128.abs<f32>(n), v128.abs<f32>(m)));
    case Op.VACGE_VECTOR:
      return compared(rec, how, n, m, v128.ge<f32>(v128.abs<f32>(n), v128.abs<f32>(m)));
    case Op.VRECPS_VECTOR:
      return multiplyThenAdd(rec, how, v128.splat<f32>(2), n, m, sign);
    case Op.VRSQRTS_VECTOR:
      return multiplyThenAdd(rec, how, v128.splat<f32>(3), n, m, sign, 0.5);
    case Op.VRECPE_VECTOR:
      return estimate(rec, how, m, false, quad);
    case Op.VRSQRTE_VECTOR:
      return estimate(rec, how, m, true, quad);
    case Op.VABS_VECTOR:
      return gives(rec, how, v128.andnot(m, sign));
    case Op.VNEG_VECTOR:
      return gives(rec, how, v128.xor(m, sign));
    case Op.VCVT_VECTOR_S32:
      return fromIntegers(rec, how, m, amountOf(how), true);
    case Op.VCVT_VECTOR_U32:
      return fromIntegers(rec, how, m, amountOf(how), false);
    case Op.VCVT_S32_VECTOR:
      return toIntegers(rec, how, m, amountOf(how), true);
    case Op.VCVT_U32_VECTOR:
      return toIntegers(rec, how, m, amountOf(how), false);
    default:
      return false;
  }
}
