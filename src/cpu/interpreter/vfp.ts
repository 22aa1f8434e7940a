// Floating-point micro-ops. Each is done wholly, or not at all: then TypeScript does it, which is exact in all cases.
import { FPSCR_BITS, FZ, IXC, LEN_STRIDE, RMODE } from '../../isa/fpscr-masks';
import {
  ACCESS_VFP,
  C,
  CONTEXT,
  EXTENSION_ACCESS,
  FPSCR,
  N,
  OP_A,
  OP_B,
  OP_IMM,
  TLB_READ,
  TLB_WRITE,
  V,
  Z,
} from '../layout';
import {
  DOWN,
  NEGATE_ADDEND,
  NEGATE_PRODUCT,
  ONE_MORE,
  Op,
  SIGNED,
  TO_ZERO,
  WITH_ZERO,
  WRITE_BACK,
} from '../micro-ops';
import { placeToRead, placeToWrite } from './access';
import { fpscr, options, raiseInexact, vd, vm, vn, wordAt } from './extension-registers';
import {
  canFuse,
  fusedDouble,
  fusedInexact,
  fusedSingle,
  isExact,
  isPlain,
  isSafe,
  isSubnormal,
  sumError,
} from './floating';
import { placeOf } from './physical-memory';
import { entryOf } from './tlb';

const FLAGS: u32 = 0xf0000000;
const FLAG_N: u32 = 1 << 31;
const FLAG_Z: u32 = 1 << 30;
const FLAG_C: u32 = 1 << 29;
const FLAG_V: u32 = 1 << 28;
/** Bytes of all registers. */
const WORDS: u32 = 64;

/** Rounding to nearest, of scalars. */
// @ts-ignore: decorator
@inline
function rounds(): bool {
  return (fpscr() & (RMODE | LEN_STRIDE)) == 0;
}
// @ts-ignore: decorator
@inline
function scalars(): bool {
  return (fpscr() & LEN_STRIDE) == 0;
}

/**
 * A sum that is finite is one of finite numbers. One that is subnormal is exact (as is its error), and without FZ nothing
 * is said of it, nor of operands that are.
 */
// @ts-ignore: decorator
@inline
function add<T>(rec: usize, minus: bool): bool {
  const x = load<T>(vn(rec));
  const y = minus ? (-load<T>(vm(rec)) as T) : load<T>(vm(rec));
  const sum = (x + y) as T;
  const how = fpscr();
  if (how & (RMODE | LEN_STRIDE | FZ)) {
    if (how & (RMODE | LEN_STRIDE)) return false;
    if (!(isSafe<T>(sum) || sum == (0 as T)) || isSubnormal<T>(x) || isSubnormal<T>(y)) return false;
  }
  if (!isFinite<T>(sum)) return false;
  if ((how & IXC) == 0 && sumError<T>(x, y, sum) != (0 as T)) store<u32>(FPSCR, how | IXC);
  store<T>(vd(rec), sum);
  return true;
}

/** Whether a product has not underflowed or overflowed; then it is one of finite numbers. */
// @ts-ignore: decorator
@inline
function isGoodProduct<T>(x: T, y: T, product: T): bool {
  return isSafe<T>(product) || (product == (0 as T) && (x == (0 as T) || y == (0 as T)));
}

function multiply<T>(rec: usize): bool {
  const x = load<T>(vn(rec));
  const y = load<T>(vm(rec));
  const product = (x * y) as T;
  const how = fpscr();
  // A subnormal operand matters where it is flushed, and where it is to be found out whether anything was rounded.
  if ((how & (RMODE | LEN_STRIDE | FZ | IXC)) != IXC || !isSafe<T>(product)) {
    if (how & (RMODE | LEN_STRIDE)) return false;
    if (!isGoodProduct<T>(x, y, product) || isSubnormal<T>(x) || isSubnormal<T>(y)) return false;
    if ((how & IXC) == 0 && !isExact<T>(x, y, product)) store<u32>(FPSCR, how | IXC);
  }
  store<T>(vd(rec), options(rec) & NEGATE_PRODUCT ? (-product as T) : product);
  return true;
}

function divide<T>(rec: usize): bool {
  const x = load<T>(vn(rec));
  const y = load<T>(vm(rec));
  const quotient = (x / y) as T;
  if (!rounds() || !isPlain<T>(x) || !isPlain<T>(y) || y == (0 as T)) return false;
  if (!isSafe<T>(quotient) && x != (0 as T)) return false;
  raiseInexact(
    (fpscr() & IXC) == 0 && !(((quotient * y) as T) == x && isExact<T>(quotient, y, x)),
  );
  store<T>(vd(rec), quotient);
  return true;
}

function multiplyThenAdd<T>(rec: usize): bool {
  const how = options(rec);
  const x = load<T>(vn(rec));
  const y = load<T>(vm(rec));
  const d = load<T>(vd(rec));
  const product = (x * y) as T;
  if (!rounds() || !isPlain<T>(x) || !isPlain<T>(y) || !isPlain<T>(d) || !isGoodProduct<T>(x, y, product))
    return false;
  const addend = how & NEGATE_ADDEND ? (-d as T) : d;
  const term = how & NEGATE_PRODUCT ? (-product as T) : product;
  const sum = (addend + term) as T;
  if (!(isSafe<T>(sum) || sum == (0 as T))) return false;
  raiseInexact(
    (fpscr() & IXC) == 0 && (!isExact<T>(x, y, product) || sumError<T>(addend, term, sum) != (0 as T)),
  );
  store<T>(vd(rec), sum);
  return true;
}

function fuse<T>(rec: usize): bool {
  const how = options(rec);
  const n = load<T>(vn(rec));
  const x = how & NEGATE_PRODUCT ? (-n as T) : n;
  const y = load<T>(vm(rec));
  const before = load<T>(vd(rec));
  const d = how & NEGATE_ADDEND ? (-before as T) : before;
  if (!rounds() || !isPlain<T>(x) || !isPlain<T>(y) || !isPlain<T>(d)) return false;
  let result: T;
  let inexact: bool;
  if (x == (0 as T) || y == (0 as T)) {
    result = (d + ((x * y) as T)) as T;
    inexact = false;
  } else {
    if (sizeof<T>() == 8) {
      if (!canFuse(d as f64, x as f64, y as f64)) return false;
      result = fusedDouble(d as f64, x as f64, y as f64) as T;
    } else result = fusedSingle(d as f32, x as f32, y as f32) as T;
    inexact = fusedInexact;
    if (!isSafe<T>(result) && (result != (0 as T) || inexact)) return false;
  }
  raiseInexact(inexact);
  store<T>(vd(rec), result);
  return true;
}

function root<T>(rec: usize): bool {
  const x = load<T>(vm(rec));
  if (!rounds() || !isPlain<T>(x) || x < (0 as T)) return false;
  const result = sqrt<T>(x);
  raiseInexact((fpscr() & IXC) == 0 && !(((result * result) as T) == x && isExact<T>(result, result, x)));
  store<T>(vd(rec), result);
  return true;
}

/** FPCompare (A2.7.9). NaNs, and what is flushed, are not for here. */
function compare<T>(rec: usize): bool {
  const x = load<T>(vd(rec));
  const y = options(rec) & WITH_ZERO ? (0 as T) : load<T>(vm(rec));
  if (x != x || y != y) return false;
  const before = fpscr();
  if (before & FZ && (isSubnormal<T>(x) || isSubnormal<T>(y))) return false;
  const flags = x == y ? FLAG_Z | FLAG_C : x < y ? FLAG_N : FLAG_C;
  store<u32>(FPSCR, (before & ~FLAGS) | flags);
  return true;
}

function widen(rec: usize): bool {
  const x = load<f32>(vm(rec));
  if (!isPlain<f32>(x)) return false;
  store<f64>(vd(rec), <f64>x);
  return true;
}
function narrow(rec: usize): bool {
  const x = load<f64>(vm(rec));
  const result = <f32>x;
  if (fpscr() & RMODE || !isPlain<f64>(x) || (!isSafe<f32>(result) && x != 0)) return false;
  raiseInexact(<f64>result != x);
  store<f32>(vd(rec), result);
  return true;
}

function fromInteger<T>(rec: usize): bool {
  const word = load<u32>(vm(rec));
  // A double holds either.
  const exact = options(rec) & SIGNED ? <f64>(<i32>word) : <f64>word;
  if (sizeof<T>() == 4) {
    if (fpscr() & RMODE) return false;
    raiseInexact(<f64>(<f32>exact) != exact);
  }
  store<T>(vd(rec), exact as T);
  return true;
}
function toInteger<T>(rec: usize): bool {
  const how = options(rec);
  const x = load<T>(vm(rec));
  // What is no number or infinite is out of all ranges.
  if (fpscr() & FZ && isSubnormal<T>(x)) return false;
  const exact = x as f64;
  if ((how & TO_ZERO) == 0 && fpscr() & RMODE) return false;
  const rounded = how & TO_ZERO ? trunc<f64>(exact) : nearest<f64>(exact);
  let result: u32;
  if (how & SIGNED) {
    if (!(rounded >= -2147483648.0 && rounded <= 2147483647.0)) return false;
    result = <u32>(<i32>rounded);
  } else {
    if (!(rounded >= 0 && rounded <= 4294967295.0)) return false;
    result = <u32>rounded;
  }
  raiseInexact(rounded != exact);
  store<u32>(vd(rec), result);
  return true;
}

// @ts-ignore: decorator
@inline
function core(rec: usize): usize {
  return load<u8>(rec, OP_B);
}
/** The second core register of those that name two. */
// @ts-ignore: decorator
@inline
function otherCore(rec: usize): usize {
  return load<u8>(rec, OP_IMM);
}

/** Loads or stores one register. What is aligned to its size is in one page. */
// @ts-ignore: decorator
@inline
function transferOne<T>(rec: usize, loads: bool): bool {
  const address = load<u32>(core(rec)) + load<u32>(rec, OP_IMM);
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  const key = (address & (0xfffff000 | (sizeof<T>() - 1))) | context;
  let place: usize;
  if (load<u32>(entry + (loads ? TLB_READ : TLB_WRITE)) == key) place = placeOf(entry, address);
  else {
    place = loads ? placeToRead(address, 3, sizeof<T>()) : placeToWrite(address, 3, sizeof<T>());
    if (place == 0) return false;
  }
  if (loads) store<T>(vd(rec), load<T>(place));
  else store<T>(place, load<T>(vd(rec)));
  return true;
}

function transferMany(rec: usize, loads: bool): bool {
  const count = load<u8>(rec, OP_IMM) as u32;
  const how = options(rec);
  const first = load<u8>(rec, OP_A) as u32;
  const size = (count + (how & ONE_MORE ? 1 : 0)) << 2;
  const base = load<u32>(core(rec));
  const address = how & DOWN ? base - size : base;
  let place = loads ? placeToRead(address, 3, count << 2) : placeToWrite(address, 3, count << 2);
  if (place == 0 || first + count > WORDS) return false;
  let register = wordAt(first);
  const end = register + (count << 2);
  for (; register + 16 <= end; register += 16, place += 16) {
    if (loads) v128.store(register, v128.load(place));
    else v128.store(place, v128.load(register));
  }
  for (; register + 8 <= end; register += 8, place += 8) {
    if (loads) store<u64>(register, load<u64>(place));
    else store<u64>(place, load<u64>(register));
  }
  if (register < end) {
    if (loads) store<u32>(register, load<u32>(place));
    else store<u32>(place, load<u32>(register));
  }
  if (how & WRITE_BACK) store<u32>(core(rec), how & DOWN ? address : base + size);
  return true;
}

/** Does a floating-point micro-op. False: nothing was done, and TypeScript has to do it. */
export function floatingPoint(rec: usize): bool {
  if ((load<u32>(EXTENSION_ACCESS) & ACCESS_VFP) == 0) return false;
  switch (<u32>load<u16>(rec)) {
    case Op.VADD_F32:
      return add<f32>(rec, false);
    case Op.VSUB_F32:
      return add<f32>(rec, true);
    case Op.VADD_F64:
      return add<f64>(rec, false);
    case Op.VSUB_F64:
      return add<f64>(rec, true);
    case Op.VMUL_F32:
      return multiply<f32>(rec);
    case Op.VMUL_F64:
      return multiply<f64>(rec);
    case Op.VDIV_F32:
      return divide<f32>(rec);
    case Op.VDIV_F64:
      return divide<f64>(rec);
    case Op.VMLA_F32:
      return multiplyThenAdd<f32>(rec);
    case Op.VMLA_F64:
      return multiplyThenAdd<f64>(rec);
    case Op.VFMA_F32:
      return fuse<f32>(rec);
    case Op.VFMA_F64:
      return fuse<f64>(rec);
    case Op.VSQRT_F32:
      return root<f32>(rec);
    case Op.VSQRT_F64:
      return root<f64>(rec);
    case Op.VABS_F32: {
      if (!scalars()) return false;
      store<u32>(vd(rec), load<u32>(vm(rec)) & 0x7fffffff);
      return true;
    }
    case Op.VABS_F64: {
      if (!scalars()) return false;
      store<u64>(vd(rec), load<u64>(vm(rec)) & 0x7fffffffffffffff);
      return true;
    }
    case Op.VNEG_F32: {
      if (!scalars()) return false;
      store<u32>(vd(rec), load<u32>(vm(rec)) ^ 0x80000000);
      return true;
    }
    case Op.VNEG_F64: {
      if (!scalars()) return false;
      store<u64>(vd(rec), load<u64>(vm(rec)) ^ 0x8000000000000000);
      return true;
    }
    case Op.VMOV_F32: {
      if (!scalars()) return false;
      store<u32>(vd(rec), load<u32>(vm(rec)));
      return true;
    }
    case Op.VMOV_F64: {
      if (!scalars()) return false;
      store<u64>(vd(rec), load<u64>(vm(rec)));
      return true;
    }
    case Op.VMOV_IMM_F32: {
      if (!scalars()) return false;
      store<u32>(vd(rec), load<u32>(rec, OP_IMM));
      return true;
    }
    case Op.VMOV_IMM_F64: {
      if (!scalars()) return false;
      store<u64>(vd(rec), <u64>load<u32>(rec, OP_IMM) << 32);
      return true;
    }
    case Op.VCMP_F32:
      return compare<f32>(rec);
    case Op.VCMP_F64:
      return compare<f64>(rec);
    case Op.VCVT_F64_F32:
      return widen(rec);
    case Op.VCVT_F32_F64:
      return narrow(rec);
    case Op.VCVT_F32_INT:
      return fromInteger<f32>(rec);
    case Op.VCVT_F64_INT:
      return fromInteger<f64>(rec);
    case Op.VCVT_INT_F32:
      return toInteger<f32>(rec);
    case Op.VCVT_INT_F64:
      return toInteger<f64>(rec);
    case Op.VMOV_FROM_CORE: {
      store<u32>(vd(rec), load<u32>(core(rec)));
      return true;
    }
    case Op.VMOV_TO_CORE: {
      store<u32>(core(rec), load<u32>(vd(rec)));
      return true;
    }
    case Op.VMOV_FROM_CORES: {
      store<u32>(vd(rec), load<u32>(core(rec)));
      store<u32>(vd(rec), load<u32>(otherCore(rec)), 4);
      return true;
    }
    case Op.VMOV_TO_CORES: {
      store<u32>(core(rec), load<u32>(vd(rec)));
      store<u32>(otherCore(rec), load<u32>(vd(rec), 4));
      return true;
    }
    case Op.VMRS: {
      store<u32>(core(rec), fpscr());
      return true;
    }
    case Op.VMRS_FLAGS: {
      const flags = fpscr();
      store<u32>(N, flags);
      store<u32>(Z, flags & FLAG_Z ? 0 : 1);
      store<u32>(C, flags & FLAG_C ? 1 : 0);
      store<u32>(V, flags & FLAG_V ? FLAG_N : 0);
      return true;
    }
    case Op.VMSR: {
      store<u32>(FPSCR, load<u32>(core(rec)) & FPSCR_BITS);
      return true;
    }
    case Op.VLDR_F32:
      return transferOne<u32>(rec, true);
    case Op.VLDR_F64:
      return transferOne<u64>(rec, true);
    case Op.VSTR_F32:
      return transferOne<u32>(rec, false);
    case Op.VSTR_F64:
      return transferOne<u64>(rec, false);
    case Op.VLDM:
      return transferMany(rec, true);
    case Op.VSTM:
      return transferMany(rec, false);
    default:
      return false;
  }
}
