// Saturating, parallel and DSP arithmetic (A4.4.3 to A4.4.7); what each operation does is said in ../micro-ops.ts.
import { GE, OP_A, OP_B, OP_EXT, OP_IMM, Q } from '../layout';
import {
  EXCHANGED,
  M_TOP,
  Media,
  N_TOP,
  PARALLEL_BYTES,
  PARALLEL_CROSSED,
  PARALLEL_HALVES,
  PARALLEL_SATURATES,
  PARALLEL_SIGNED,
  PARALLEL_SUBTRACTS,
} from '../micro-ops';

// @ts-ignore: decorator
@inline
function low(value: u32): i32 {
  return <i32>(<i16>value);
}
// @ts-ignore: decorator
@inline
function high(value: u32): i32 {
  return <i32>value >> 16;
}

/** SignedSat of the manual, with Q. */
function signedSaturate(value: i64, bits: u32): u32 {
  const most = ((<i64>1) << (bits - 1)) - 1;
  if (value > most) {
    store<u32>(Q, 1);
    return <u32>most;
  }
  if (value < ~most) {
    store<u32>(Q, 1);
    return <u32>~most;
  }
  return <u32>value;
}

function unsignedSaturate(value: i32, bits: u32): u32 {
  const most = <i32>((1 << bits) - 1);
  if (value >= 0 && value <= most) return value;
  store<u32>(Q, 1);
  return value < 0 ? 0 : most;
}

/** Four sums or differences of bytes at once: each even and each odd byte has the bit above it for its carry. */
function wrapBytes(n: u32, m: u32, subtract: bool, signed: bool): u32 {
  // With both signs turned, what is not negative has a carry, as in unsigned arithmetic; the lower bits are the same.
  const turned: u32 = signed ? 0x80808080 : 0;
  const x = n ^ turned;
  const y = m ^ turned;
  let even: u32, odd: u32;
  if (subtract) {
    even = ((x & 0x00ff00ff) | 0x01000100) - (y & 0x00ff00ff);
    odd = (((x >>> 8) & 0x00ff00ff) | 0x01000100) - ((y >>> 8) & 0x00ff00ff);
  } else {
    even = (x & 0x00ff00ff) + (y & 0x00ff00ff);
    odd = ((x >>> 8) & 0x00ff00ff) + ((y >>> 8) & 0x00ff00ff);
  }
  store<u32>(
    GE,
    ((even >>> 8) & 1) | ((odd >>> 7) & 2) | ((even >>> 22) & 4) | ((odd >>> 21) & 8),
  );
  return (even & 0x00ff00ff) | ((odd & 0x00ff00ff) << 8);
}

/** Four sums or differences of bytes, saturated or halved; all lanes alike. */
function narrowBytes(n: u32, m: u32, subtract: bool, signed: bool, saturate: bool): u32 {
  const x = i32x4.splat(n);
  const y = i32x4.splat(m);
  let result: v128;
  if (saturate) {
    if (signed) result = subtract ? i8x16.sub_sat_s(x, y) : i8x16.add_sat_s(x, y);
    else result = subtract ? i8x16.sub_sat_u(x, y) : i8x16.add_sat_u(x, y);
  } else {
    // What differs, halved, and what both have or only the subtrahend has.
    const difference = v128.xor(x, y);
    const half = signed ? i8x16.shr_s(difference, 1) : i8x16.shr_u(difference, 1);
    result = subtract ? i8x16.sub(half, v128.andnot(y, x)) : i8x16.add(half, v128.and(x, y));
  }
  return i32x4.extract_lane(result, 0);
}

// @ts-ignore: decorator
@inline
function sumOrDifference(x: i32, y: i32, subtract: bool): i32 {
  return subtract ? x - y : x + y;
}

function parallel(n: u32, m: u32, c: u32): u32 {
  const signed = (c & PARALLEL_SIGNED) != 0;
  const saturates = (c & PARALLEL_SATURATES) != 0;
  const subtracts = c >>> PARALLEL_SUBTRACTS;
  if ((c & PARALLEL_BYTES) != 0)
    return (c & (PARALLEL_SATURATES | PARALLEL_HALVES)) == 0
      ? wrapBytes(n, m, subtracts != 0, signed)
      : narrowBytes(n, m, subtracts != 0, signed, saturates);
  if ((c & PARALLEL_CROSSED) != 0) m = rotl<u32>(m, 16);
  const firstSubtracts = (subtracts & 1) != 0;
  const secondSubtracts = (subtracts & 2) != 0;
  let first = sumOrDifference(
    signed ? low(n) : <i32>(n & 0xffff),
    signed ? low(m) : <i32>(m & 0xffff),
    firstSubtracts,
  );
  let second = sumOrDifference(
    signed ? high(n) : <i32>(n >>> 16),
    signed ? high(m) : <i32>(m >>> 16),
    secondSubtracts,
  );
  if (saturates) {
    const most: i32 = signed ? 0x7fff : 0xffff;
    const least: i32 = signed ? -0x8000 : 0;
    first = min(max(first, least), most);
    second = min(max(second, least), most);
  } else if ((c & PARALLEL_HALVES) != 0) {
    first >>= 1;
    second >>= 1;
  } else {
    // A sum without a sign has its carry.
    const ge = (signed || firstSubtracts ? first >= 0 : first > 0xffff) ? 3 : 0;
    store<u32>(GE, ge | ((signed || secondSubtracts ? second >= 0 : second > 0xffff) ? 12 : 0));
  }
  return (<u32>first & 0xffff) | (<u32>second << 16);
}

function sumOfDifferences(n: u32, m: u32): u32 {
  let sum: u32 = 0;
  for (let at: u32 = 0; at < 32; at += 8)
    sum += abs<i32>(<i32>((n >>> at) & 0xff) - <i32>((m >>> at) & 0xff));
  return sum;
}

/** Two bytes, extended, added to the halves of a base. */
function addHalves(base: u32, first: u32, second: u32): u32 {
  return ((base + first) & 0xffff) | (((base >>> 16) + second) << 16);
}

/** Adds to a word; Q when that overflows. */
function accumulate(sum: i64): u32 {
  if (sum != <i64>(<i32>sum)) store<u32>(Q, 1);
  return <u32>sum;
}

/** Adds to two registers. */
function accumulateLong(lower: usize, upper: usize, value: i64): void {
  const sum = (((<u64>load<u32>(upper)) << 32) | <u64>load<u32>(lower)) + <u64>value;
  store<u32>(lower, <u32>sum);
  store<u32>(upper, <u32>(sum >>> 32));
}

function mostSignificant(value: u64, rounded: u32): u32 {
  return <u32>((value + (rounded != 0 ? 0x80000000 : 0)) >>> 32);
}

/** Runs a micro-op of kind MEDIA. */
export function media(rec: usize): void {
  const a: usize = load<u8>(rec, OP_A);
  const n = load<u32>(<usize>load<u8>(rec, OP_IMM));
  const m = load<u32>(<usize>load<u8>(rec, OP_IMM + 1));
  const third: usize = load<u8>(rec, OP_IMM + 2);
  const c = load<u32>(rec, OP_EXT);
  switch (<u32>load<u8>(rec, OP_B)) {
    case Media.PARALLEL: {
      store<u32>(a, parallel(n, m, c));
      return;
    }
    case Media.SEL: {
      // Each GE bit becomes a byte of ones.
      const mask = (((load<u32>(GE) * 0x00204081) & 0x01010101) << 8) - ((load<u32>(GE) * 0x00204081) & 0x01010101);
      store<u32>(a, (n & mask) | (m & ~mask));
      return;
    }
    case Media.USADA8: {
      store<u32>(a, sumOfDifferences(n, m) + (c != 0 ? load<u32>(third) : 0));
      return;
    }
    case Media.PKHBT: {
      store<u32>(a, (n & 0xffff) | ((m << c) & 0xffff0000));
      return;
    }
    case Media.PKHTB: {
      store<u32>(a, (n & 0xffff0000) | (<u32>(<i32>m >> c) & 0xffff));
      return;
    }
    case Media.SXTAB16: {
      const value = rotr<u32>(m, c);
      store<u32>(a, addHalves(n, <u32>(<i32>(<i8>value)), <u32>(<i32>(<i8>(value >>> 16)))));
      return;
    }
    case Media.UXTAB16: {
      const value = rotr<u32>(m, c);
      store<u32>(a, addHalves(n, value & 0xff, (value >>> 16) & 0xff));
      return;
    }
    case Media.SXTB16: {
      const value = rotr<u32>(m, c);
      store<u32>(a, addHalves(0, <u32>(<i32>(<i8>value)), <u32>(<i32>(<i8>(value >>> 16)))));
      return;
    }
    case Media.UXTB16: {
      store<u32>(a, rotr<u32>(m, c) & 0x00ff00ff);
      return;
    }
    case Media.SSAT: {
      store<u32>(a, signedSaturate(<i64>(<i32>shifted(n, c)), c & 0xff));
      return;
    }
    case Media.USAT: {
      store<u32>(a, unsignedSaturate(shifted(n, c), c & 0xff));
      return;
    }
    case Media.SSAT16: {
      const first = signedSaturate(low(n), c) & 0xffff;
      store<u32>(a, first | (signedSaturate(high(n), c) << 16));
      return;
    }
    case Media.USAT16: {
      const first = unsignedSaturate(low(n), c);
      store<u32>(a, first | (unsignedSaturate(high(n), c) << 16));
      return;
    }
    case Media.QADD: {
      store<u32>(a, signedSaturate(<i64>(<i32>m) + <i64>(<i32>n), 32));
      return;
    }
    case Media.QSUB: {
      store<u32>(a, signedSaturate(<i64>(<i32>m) - <i64>(<i32>n), 32));
      return;
    }
    case Media.QDADD: {
      const doubled = <i32>signedSaturate(2 * <i64>(<i32>n), 32);
      store<u32>(a, signedSaturate(<i64>(<i32>m) + <i64>doubled, 32));
      return;
    }
    case Media.QDSUB: {
      const doubled = <i32>signedSaturate(2 * <i64>(<i32>n), 32);
      store<u32>(a, signedSaturate(<i64>(<i32>m) - <i64>doubled, 32));
      return;
    }
    case Media.SMLAxy: {
      store<u32>(a, accumulate(<i64>halves(n, m, c) + <i64>(<i32>load<u32>(third))));
      return;
    }
    case Media.SMULxy: {
      store<u32>(a, halves(n, m, c));
      return;
    }
    case Media.SMLAWy: {
      store<u32>(a, accumulate(wordByHalf(n, m, c) + <i64>(<i32>load<u32>(third))));
      return;
    }
    case Media.SMULWy: {
      store<u32>(a, <u32>wordByHalf(n, m, c));
      return;
    }
    case Media.SMLALxy: {
      accumulateLong(a, third, halves(n, m, c));
      return;
    }
    case Media.SMLAD: {
      store<u32>(a, accumulate(both(n, m, c, false) + <i64>(<i32>load<u32>(third))));
      return;
    }
    case Media.SMUAD: {
      store<u32>(a, accumulate(both(n, m, c, false)));
      return;
    }
    case Media.SMLSD: {
      store<u32>(a, accumulate(both(n, m, c, true) + <i64>(<i32>load<u32>(third))));
      return;
    }
    case Media.SMUSD: {
      store<u32>(a, <u32>both(n, m, c, true));
      return;
    }
    case Media.SMLALD: {
      accumulateLong(a, third, both(n, m, c, false));
      return;
    }
    case Media.SMLSLD: {
      accumulateLong(a, third, both(n, m, c, true));
      return;
    }
    case Media.SMMLA: {
      const sum = ((<u64>load<u32>(third)) << 32) + <u64>(<i64>(<i32>n) * <i64>(<i32>m));
      store<u32>(a, mostSignificant(sum, c));
      return;
    }
    case Media.SMMUL: {
      store<u32>(a, mostSignificant(<u64>(<i64>(<i32>n) * <i64>(<i32>m)), c));
      return;
    }
    default: {
      const difference = ((<u64>load<u32>(third)) << 32) - <u64>(<i64>(<i32>n) * <i64>(<i32>m));
      store<u32>(a, mostSignificant(difference, c));
    }
  }
}

/** The operand of SSAT and USAT: shifted left by c<15:8>, or right by c<23:16>. */
function shifted(value: u32, c: u32): i32 {
  return <i32>(value << ((c >>> 8) & 31)) >> ((c >>> 16) & 31);
}

/** The product of a half of each. */
function halves(n: u32, m: u32, c: u32): i32 {
  return ((c & N_TOP) != 0 ? high(n) : low(n)) * ((c & M_TOP) != 0 ? high(m) : low(m));
}

function wordByHalf(n: u32, m: u32, c: u32): i64 {
  return (<i64>(<i32>n) * <i64>((c & M_TOP) != 0 ? high(m) : low(m))) >> 16;
}

/** The sum or the difference of the products of both halves. */
function both(n: u32, m: u32, c: u32, subtract: bool): i64 {
  if ((c & EXCHANGED) != 0) m = rotl<u32>(m, 16);
  const first = <i64>(low(n) * low(m));
  const second = <i64>(high(n) * high(m));
  return subtract ? first - second : first + second;
}
