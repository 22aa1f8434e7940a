// Advanced SIMD micro-ops on vectors: what they have in common. Each is done wholly, or not at all: then TypeScript does it.
import { OP_B, OP_IMM } from '../layout';
import {
  FIRST_SINGLES,
  FIRST_VECTOR_MOVE,
  OPERANDS_LOW,
  OPERANDS_MASK,
  Op,
  PAIRS_16,
  PAIRS_32,
  PAIRS_8,
  QUAD,
  SCALAR_16,
  SCALAR_16_HIGH,
  SCALAR_32,
  WIDEN_BOTH,
  WIDEN_LOW,
  WIDEN_MASK,
  WIDEN_S16,
  WIDEN_S32,
  WIDEN_S8,
  WIDEN_U16,
  WIDEN_U32,
  WIDEN_U8,
  ZERO_FIRST,
  ZERO_SECOND,
} from '../micro-ops';
import { options, vd, vm, vn } from './extension-registers';
import { ofIntegers } from './vector-integers';
import { joined, shiftByRegister } from './vector-lanes';
import { exchange, give } from './vector-permutes';
import { ofSingles } from './vector-singles';

/** The lower half of a vector, with elements of twice the size. */
function widened(x: v128, kind: u32): v128 {
  switch (kind) {
    case WIDEN_S8:
      return v128.extend_low<i8>(x);
    case WIDEN_S16:
      return v128.extend_low<i16>(x);
    case WIDEN_S32:
      return v128.extend_low<i32>(x);
    case WIDEN_U8:
      return v128.extend_low<u8>(x);
    case WIDEN_U16:
      return v128.extend_low<u16>(x);
    case WIDEN_U32:
      return v128.extend_low<u32>(x);
    default:
      return x;
  }
}

/** The elements of both D registers that stand at even places, from 0 on, or at odd ones. */
function everySecond(x: v128, kind: u32, odd: bool): v128 {
  if (kind == PAIRS_32) return odd ? v128.shuffle<i32>(x, x, 1, 3, 1, 3) : v128.shuffle<i32>(x, x, 0, 2, 0, 2);
  if (kind == PAIRS_16)
    return odd
      ? v128.shuffle<i16>(x, x, 1, 3, 5, 7, 1, 3, 5, 7)
      : v128.shuffle<i16>(x, x, 0, 2, 4, 6, 0, 2, 4, 6);
  return odd
    ? v128.shuffle<i8>(x, x, 1, 3, 5, 7, 9, 11, 13, 15, 1, 3, 5, 7, 9, 11, 13, 15)
    : v128.shuffle<i8>(x, x, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
}

/** With zeros above. */
// @ts-ignore: decorator
@inline
function lowerHalf(x: v128): v128 {
  return v128.shuffle<i64>(x, v128.splat<i8>(0), 0, 2);
}

/** The address that imm is. */
// @ts-ignore: decorator
@inline
function place(rec: usize): usize {
  return load<u32>(rec, OP_IMM);
}
/** The core register that b is. */
// @ts-ignore: decorator
@inline
function core(rec: usize): usize {
  return load<u8>(rec, OP_B);
}
// @ts-ignore: decorator
@inline
function fill(rec: usize, value: v128): bool {
  give(load<u8>(rec, OP_B), vd(rec), value);
  return true;
}

/** Bytes of ones or zeros, by the bits of a byte. */
function spread(bits: u32): v128 {
  const places = i8x16(1, 2, 4, 8, 16, 32, 64, -128, 1, 2, 4, 8, 16, 32, 64, -128);
  return v128.eq<i8>(v128.and(v128.splat<i8>(bits as i8), places), places);
}

function move(rec: usize): bool {
  switch (<u32>load<u16>(rec)) {
    case Op.VDUP_8:
      return fill(rec, v128.load_splat<u8>(place(rec)));
    case Op.VDUP_16:
      return fill(rec, v128.load_splat<u16>(place(rec)));
    case Op.VDUP_32:
      return fill(rec, v128.load_splat<u32>(place(rec)));
    case Op.VMOV_WORDS:
      return fill(rec, v128.splat<i32>(load<u32>(rec, OP_IMM)));
    case Op.VMOV_BYTES:
      return fill(rec, spread(load<u32>(rec, OP_IMM)));
    case Op.VORR_WORDS:
      return fill(rec, v128.or(v128.load(vd(rec)), v128.splat<i32>(load<u32>(rec, OP_IMM))));
    case Op.VBIC_WORDS:
      return fill(rec, v128.andnot(v128.load(vd(rec)), v128.splat<i32>(load<u32>(rec, OP_IMM))));
    case Op.VMOV_TO_SCALAR_8: {
      store<u8>(place(rec), load<u8>(core(rec)));
      return true;
    }
    case Op.VMOV_TO_SCALAR_16: {
      store<u16>(place(rec), load<u16>(core(rec)));
      return true;
    }
    case Op.VMOV_TO_CORE_S8: {
      store<i32>(core(rec), load<i8>(place(rec)));
      return true;
    }
    case Op.VMOV_TO_CORE_S16: {
      store<i32>(core(rec), load<i16>(place(rec)));
      return true;
    }
    case Op.VMOV_TO_CORE_U8: {
      store<u32>(core(rec), load<u8>(place(rec)));
      return true;
    }
    case Op.VMOV_TO_CORE_U16: {
      store<u32>(core(rec), load<u16>(place(rec)));
      return true;
    }
    default:
      return false;
  }
}

function shift(rec: usize, how: u32): bool {
  switch (<u32>load<u16>(rec)) {
    case Op.VSHL_REG_S8:
      shiftByRegister<i8>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_S16:
      shiftByRegister<i16>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_S32:
      shiftByRegister<i32>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_S64:
      shiftByRegister<i64>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_U8:
      shiftByRegister<u8>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_U16:
      shiftByRegister<u16>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_U32:
      shiftByRegister<u32>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_U64:
      shiftByRegister<u64>(vd(rec), vn(rec), vm(rec), how);
      return true;
    default:
      return false;
  }
}

const PREPARED: u32 = (OPERANDS_MASK << OPERANDS_LOW) | (WIDEN_MASK << WIDEN_LOW);

/** Does one that is `op`. */
export function vectors(rec: usize, op: i32): bool {
  if (op >= FIRST_VECTOR_MOVE) return move(rec);
  const how = options(rec);
  if (op >= Op.VSHL_REG_S8 && op <= Op.VSHL_REG_U64) return shift(rec, how);
  let n = v128.load(vn(rec));
  let m = v128.load(vm(rec));
  if (op >= Op.VSWP && op <= Op.VZIP_32) return exchange(rec, how, m);
  if (how & PREPARED) {
    const kind = (how >>> OPERANDS_LOW) & OPERANDS_MASK;
    switch (kind) {
      case ZERO_FIRST: {
        n = v128.splat<i8>(0);
        break;
      }
      case ZERO_SECOND: {
        m = v128.splat<i8>(0);
        break;
      }
      case SCALAR_16: {
        m = v128.load_splat<u16>(vm(rec));
        break;
      }
      case SCALAR_16_HIGH: {
        m = v128.load_splat<u16>(vm(rec), 2);
        break;
      }
      case SCALAR_32: {
        m = v128.load_splat<u32>(vm(rec));
        break;
      }
      case PAIRS_8:
      case PAIRS_16:
      case PAIRS_32: {
        const pair = joined(n, m);
        n = everySecond(pair, kind, false);
        m = everySecond(pair, kind, true);
        break;
      }
    }
    const widen = (how >>> WIDEN_LOW) & WIDEN_MASK;
    m = widened(m, widen);
    if (how & WIDEN_BOTH) n = widened(n, widen);
  }
  const d = vd(rec);
  if (op >= FIRST_SINGLES) {
    const quad = (how & QUAD) != 0;
    // Elements beyond the vectors shall not matter.
    if (!quad) {
      n = lowerHalf(n);
      m = lowerHalf(m);
    }
    return ofSingles(rec, how, n, m, quad);
  }
  give(how, d, ofIntegers(rec, d, how, n, m));
  return true;
}
