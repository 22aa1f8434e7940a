// Advanced SIMD micro-ops on vectors: what they have in common. Each is done wholly, or not at all: then TypeScript does it.
import { OP_B, OP_IMM } from '../layout';
import {
  FIRST_EXCHANGE,
  FIRST_SHIFT_REG,
  FIRST_SINGLES,
  FIRST_VECTOR_MOVE,
  Op,
  ROUNDED,
  SATURATED,
} from '../micro-ops';
import { options, vd, vm, vn } from './extension-registers';
import { ofIntegers } from './vector-integers';
import { shiftByRegister, shiftedBytes } from './vector-lanes';
import { first, PREPARED, second } from './vector-operands';
import { exchange, give } from './vector-permutes';
import { ofSingles } from './vector-singles';

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

function shift(rec: usize): bool {
  const how = options(rec);
  switch (<u32>load<u16>(rec)) {
    case Op.VSHL_REG_S8: {
      if (how & (ROUNDED | SATURATED)) shiftByRegister<i8>(vd(rec), vn(rec), vm(rec), how);
      else give(how, vd(rec), shiftedBytes<i8>(v128.load(vm(rec)), v128.load(vn(rec))));
      return true;
    }
    case Op.VSHL_REG_S16:
      shiftByRegister<i16>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_S32:
      shiftByRegister<i32>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_S64:
      shiftByRegister<i64>(vd(rec), vn(rec), vm(rec), how);
      return true;
    case Op.VSHL_REG_U8: {
      if (how & (ROUNDED | SATURATED)) shiftByRegister<u8>(vd(rec), vn(rec), vm(rec), how);
      else give(how, vd(rec), shiftedBytes<u8>(v128.load(vm(rec)), v128.load(vn(rec))));
      return true;
    }
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

function withIntegers(rec: usize): bool {
  const how = options(rec);
  let n = v128.load(vn(rec));
  let m = v128.load(vm(rec));
  if (how & PREPARED) {
    const pair = m;
    m = second(rec, how, n, pair);
    n = first(how, n, pair);
  }
  const d = vd(rec);
  give(how, d, ofIntegers(rec, d, how, n, m));
  return true;
}

/** Does one that is `op`. */
// @ts-ignore: decorator
@inline
export function vectors(rec: usize, op: i32): bool {
  if (op < FIRST_SHIFT_REG) return withIntegers(rec);
  if (op >= FIRST_VECTOR_MOVE) return move(rec);
  if (op >= FIRST_SINGLES) return ofSingles(rec);
  return op >= FIRST_EXCHANGE ? exchange(rec) : shift(rec);
}
