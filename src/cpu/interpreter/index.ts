// The hot loop: runs micro-ops until the slice is over or TypeScript has to look.
// Compiled by scripts/build-interpreter.ts; not part of the TypeScript program.
import {
  C,
  EXCLUSIVE_SIZE,
  LEAVE,
  LR,
  N,
  OP_A,
  OP_B,
  OP_EXT,
  OP_IMM,
  OP_OFFSET,
  OP_SIZE,
  OP_WIDE,
  PAGE,
  PC,
  V,
  VARIANT,
  VARIANT_T,
  Z,
} from '../layout';
import { FIRST_EXTENSION, FIRST_SIMD, Op } from '../micro-ops';
import { placeToRead, placeToWrite, read, readStrict, write, writeStrict } from './access';
import { enter, jump, over, slow } from './branches';
import { count } from './count';
import { loadExclusive, storeExclusive } from './exclusives';
import { media } from './media';
import { readData, writeData } from './physical-memory';
import { simd } from './simd';
import { system } from './system';
import { floatingPoint } from './vfp';

/** Finds or makes the block that a branch in the page leads to; puts it into the record. 0: return. */
// @ts-ignore: decorator
@external('cpu', 'link')
declare function link(rec: usize): usize;
/** Told of a branch to A32 between two words, and of the VARIANT before it; aligns R15. */
// @ts-ignore: decorator
@external('cpu', 'halfway')
declare function halfway(rec: usize, from: u32): void;

// @ts-ignore: decorator
@inline
function a(rec: usize): usize {
  return load<u8>(rec, OP_A);
}
// @ts-ignore: decorator
@inline
function b(rec: usize): usize {
  return load<u8>(rec, OP_B);
}
// @ts-ignore: decorator
@inline
function imm(rec: usize): u32 {
  return load<u32>(rec, OP_IMM);
}
// @ts-ignore: decorator
@inline
function ext(rec: usize): u32 {
  return load<u32>(rec, OP_EXT);
}
/** Value of [a]. */
// @ts-ignore: decorator
@inline
function ra(rec: usize): u32 {
  return load<u32>(a(rec));
}
/** Value of [b]. */
// @ts-ignore: decorator
@inline
function rb(rec: usize): u32 {
  return load<u32>(b(rec));
}
/** Value of [imm]. */
// @ts-ignore: decorator
@inline
function rm(rec: usize): u32 {
  return load<u32>(imm(rec));
}
// @ts-ignore: decorator
@inline
function set(rec: usize, value: u32): void {
  store<u32>(a(rec), value);
}
// @ts-ignore: decorator
@inline
function nz(value: u32): void {
  store<u32>(N, value);
  store<u32>(Z, value);
}
// @ts-ignore: decorator
@inline
function setNZ(rec: usize, value: u32): void {
  nz(value);
  set(rec, value);
}
// @ts-ignore: decorator
@inline
function subtract(x: u32, y: u32): u32 {
  const r = x - y;
  nz(r);
  store<u32>(C, <u32>(x >= y));
  store<u32>(V, (x ^ y) & (x ^ r));
  return r;
}
// @ts-ignore: decorator
@inline
function add(x: u32, y: u32): u32 {
  const r = x + y;
  nz(r);
  store<u32>(C, <u32>(r < x));
  store<u32>(V, (x ^ r) & (y ^ r));
  return r;
}
/** AddWithCarry of the manual (A2.2.1), with the carry flag. */
// @ts-ignore: decorator
@inline
function addCarry(x: u32, y: u32): u32 {
  const wide = <u64>x + <u64>y + <u64>load<u32>(C);
  const r = <u32>wide;
  nz(r);
  store<u32>(C, <u32>(wide >>> 32));
  store<u32>(V, (x ^ r) & (y ^ r));
  return r;
}

function lslCarry(value: u32, by: u32): u32 {
  if (by == 0) return value;
  store<u32>(C, by > 32 ? 0 : <u32>((<u64>value << by) >>> 32) & 1);
  return by > 31 ? 0 : value << by;
}
function lsrCarry(value: u32, by: u32): u32 {
  if (by == 0) return value;
  store<u32>(C, by > 32 ? 0 : (value >>> (by - 1)) & 1);
  return by > 31 ? 0 : value >>> by;
}
function asrCarry(value: u32, by: u32): u32 {
  if (by == 0) return value;
  if (by > 31) {
    const sign = <u32>(<i32>value >> 31);
    store<u32>(C, sign & 1);
    return sign;
  }
  store<u32>(C, (value >>> (by - 1)) & 1);
  return <u32>(<i32>value >> by);
}
function rorCarry(value: u32, by: u32): u32 {
  if (by == 0) return value;
  const r = rotr<u32>(value, by & 31);
  store<u32>(C, r >>> 31);
  return r;
}

/** A branch within the page. */
// @ts-ignore: decorator
@inline
function near(rec: usize): usize {
  const block = ext(rec);
  if (over(rec, load<u32>(PAGE) + imm(rec))) return 0;
  // Odd: the block was not looked for yet.
  if ((block & 1) == 0) return enter(<usize>block);
  const found = link(rec);
  return found == 0 ? 0 : enter(found);
}

/**
 * A branch whose bit 0 chooses the instruction set. No A32 block is found at an address with bit 1, which is
 * UNPREDICTABLE: the branch is looked at where none was found.
 */
function exchange(rec: usize, target: u32): usize {
  const from = load<u32>(VARIANT);
  store<u32>(VARIANT, (from & ~VARIANT_T) | ((target & 1) << 2));
  const next = jump(rec, target & ~1);
  if (next == 0 && (target & 3) == 2) halfway(rec, from);
  return next;
}

/** Keeps where a branch led, for who translates it; where the slice ends at it, it is where it led before. */
// @ts-ignore: decorator
@inline
function found(rec: usize, next: usize): usize {
  if (next != 0) store<u32>(rec, <u32>next, OP_EXT);
  return next;
}

// @ts-ignore: decorator
@inline
function returnAddress(rec: usize): u32 {
  const offset = <u32>load<u16>(rec, OP_OFFSET);
  const thumb = load<u32>(VARIANT) & VARIANT_T;
  return (load<u32>(PAGE) + (offset & 0xfff) + 2 + ((offset & OP_WIDE) >>> 11)) | (thumb >>> 2);
}

/** Loads the registers of a mask; false when an access has to be done elsewhere. */
function loadMany(rec: usize): bool {
  const address = ra(rec) + <u32>load<i16>(rec, OP_EXT);
  let mask = imm(rec);
  let place = placeToRead(address, 3, popcnt<u32>(mask) << 2);
  if (place == 0) return false;
  const base = ra(rec) + <u32>load<i16>(rec, OP_EXT + 2);
  set(rec, base);
  while (mask != 0) {
    store<u32>(ctz<u32>(mask) << 2, readData<u32>(place));
    place += 4;
    mask &= mask - 1;
  }
  return true;
}
function storeMany(rec: usize): bool {
  const address = ra(rec) + <u32>load<i16>(rec, OP_EXT);
  let mask = imm(rec);
  let place = placeToWrite(address, 3, popcnt<u32>(mask) << 2);
  if (place == 0) return false;
  while (mask != 0) {
    writeData<u32>(place, load<u32>(ctz<u32>(mask) << 2));
    place += 4;
    mask &= mask - 1;
  }
  set(rec, ra(rec) + <u32>load<i16>(rec, OP_EXT + 2));
  return true;
}

/** Does a micro-op from FIRST_EXTENSION on, for units too. False: nothing was done, and TypeScript has to do it. */
export function extension(rec: usize): bool {
  const op = <u32>load<u16>(rec);
  return op < <u32>FIRST_SIMD ? floatingPoint(rec) : simd(rec, op);
}

/** Runs from the micro-op at `rec` until the slice is over, or an exception was taken, or TypeScript must look. */
export function run(rec: usize): void {
  while (true) {
    switch (<u32>load<u16>(rec)) {
      case Op.SLOW: {
        if (slow(rec)) return;
        break;
      }
      case Op.AND_IMM: {
        set(rec, rb(rec) & imm(rec));
        break;
      }
      case Op.EOR_IMM: {
        set(rec, rb(rec) ^ imm(rec));
        break;
      }
      case Op.RSB_IMM: {
        set(rec, imm(rec) - rb(rec));
        break;
      }
      case Op.ADD_IMM: {
        set(rec, rb(rec) + imm(rec));
        break;
      }
      case Op.ADC_IMM: {
        set(rec, rb(rec) + imm(rec) + load<u32>(C));
        break;
      }
      case Op.SBC_IMM: {
        set(rec, rb(rec) + ~imm(rec) + load<u32>(C));
        break;
      }
      case Op.RSC_IMM: {
        set(rec, ~rb(rec) + imm(rec) + load<u32>(C));
        break;
      }
      case Op.ORR_IMM: {
        set(rec, rb(rec) | imm(rec));
        break;
      }
      case Op.MOV_IMM: {
        set(rec, imm(rec));
        break;
      }
      case Op.AND_REG: {
        set(rec, rb(rec) & rm(rec));
        break;
      }
      case Op.EOR_REG: {
        set(rec, rb(rec) ^ rm(rec));
        break;
      }
      case Op.SUB_REG: {
        set(rec, rb(rec) - rm(rec));
        break;
      }
      case Op.RSB_REG: {
        set(rec, rm(rec) - rb(rec));
        break;
      }
      case Op.ADD_REG: {
        set(rec, rb(rec) + rm(rec));
        break;
      }
      case Op.ADC_REG: {
        set(rec, rb(rec) + rm(rec) + load<u32>(C));
        break;
      }
      case Op.SBC_REG: {
        set(rec, rb(rec) + ~rm(rec) + load<u32>(C));
        break;
      }
      case Op.RSC_REG: {
        set(rec, ~rb(rec) + rm(rec) + load<u32>(C));
        break;
      }
      case Op.ORR_REG: {
        set(rec, rb(rec) | rm(rec));
        break;
      }
      case Op.ORN_REG: {
        set(rec, rb(rec) | ~rm(rec));
        break;
      }
      case Op.BIC_REG: {
        set(rec, rb(rec) & ~rm(rec));
        break;
      }
      case Op.MOV_REG: {
        set(rec, rm(rec));
        break;
      }
      case Op.MVN_REG: {
        set(rec, ~rm(rec));
        break;
      }
      case Op.ANDS_IMM: {
        setNZ(rec, rb(rec) & imm(rec));
        break;
      }
      case Op.EORS_IMM: {
        setNZ(rec, rb(rec) ^ imm(rec));
        break;
      }
      case Op.SUBS_IMM: {
        set(rec, subtract(rb(rec), imm(rec)));
        break;
      }
      case Op.RSBS_IMM: {
        set(rec, subtract(imm(rec), rb(rec)));
        break;
      }
      case Op.ADDS_IMM: {
        set(rec, add(rb(rec), imm(rec)));
        break;
      }
      case Op.ADCS_IMM: {
        set(rec, addCarry(rb(rec), imm(rec)));
        break;
      }
      case Op.SBCS_IMM: {
        set(rec, addCarry(rb(rec), ~imm(rec)));
        break;
      }
      case Op.RSCS_IMM: {
        set(rec, addCarry(~rb(rec), imm(rec)));
        break;
      }
      case Op.ORRS_IMM: {
        setNZ(rec, rb(rec) | imm(rec));
        break;
      }
      case Op.MOVS_IMM: {
        setNZ(rec, imm(rec));
        break;
      }
      case Op.ANDS_REG: {
        setNZ(rec, rb(rec) & rm(rec));
        break;
      }
      case Op.EORS_REG: {
        setNZ(rec, rb(rec) ^ rm(rec));
        break;
      }
      case Op.SUBS_REG: {
        set(rec, subtract(rb(rec), rm(rec)));
        break;
      }
      case Op.RSBS_REG: {
        set(rec, subtract(rm(rec), rb(rec)));
        break;
      }
      case Op.ADDS_REG: {
        set(rec, add(rb(rec), rm(rec)));
        break;
      }
      case Op.ADCS_REG: {
        set(rec, addCarry(rb(rec), rm(rec)));
        break;
      }
      case Op.SBCS_REG: {
        set(rec, addCarry(rb(rec), ~rm(rec)));
        break;
      }
      case Op.RSCS_REG: {
        set(rec, addCarry(~rb(rec), rm(rec)));
        break;
      }
      case Op.ORRS_REG: {
        setNZ(rec, rb(rec) | rm(rec));
        break;
      }
      case Op.ORNS_REG: {
        setNZ(rec, rb(rec) | ~rm(rec));
        break;
      }
      case Op.BICS_REG: {
        setNZ(rec, rb(rec) & ~rm(rec));
        break;
      }
      case Op.MOVS_REG: {
        setNZ(rec, rm(rec));
        break;
      }
      case Op.MVNS_REG: {
        setNZ(rec, ~rm(rec));
        break;
      }
      case Op.CMP_IMM: {
        subtract(ra(rec), imm(rec));
        break;
      }
      case Op.CMP_REG: {
        subtract(ra(rec), rm(rec));
        break;
      }
      case Op.TST_IMM: {
        nz(ra(rec) & imm(rec));
        break;
      }
      case Op.TST_REG: {
        nz(ra(rec) & rm(rec));
        break;
      }
      case Op.SET_C: {
        store<u32>(C, imm(rec));
        break;
      }
      case Op.ADD_LSL: {
        set(rec, rb(rec) + (rm(rec) << ext(rec)));
        break;
      }
      case Op.ADD_LSR: {
        set(rec, rb(rec) + (rm(rec) >>> ext(rec)));
        break;
      }
      case Op.ADD_ASR: {
        set(rec, rb(rec) + <u32>(<i32>rm(rec) >> ext(rec)));
        break;
      }
      case Op.ADD_ROR: {
        set(rec, rb(rec) + rotr<u32>(rm(rec), ext(rec)));
        break;
      }
      case Op.SUB_LSL: {
        set(rec, rb(rec) - (rm(rec) << ext(rec)));
        break;
      }
      case Op.SUB_LSR: {
        set(rec, rb(rec) - (rm(rec) >>> ext(rec)));
        break;
      }
      case Op.SUB_ASR: {
        set(rec, rb(rec) - <u32>(<i32>rm(rec) >> ext(rec)));
        break;
      }
      case Op.RSB_LSL: {
        set(rec, (rm(rec) << ext(rec)) - rb(rec));
        break;
      }
      case Op.AND_LSL: {
        set(rec, rb(rec) & (rm(rec) << ext(rec)));
        break;
      }
      case Op.AND_LSR: {
        set(rec, rb(rec) & (rm(rec) >>> ext(rec)));
        break;
      }
      case Op.ORR_LSL: {
        set(rec, rb(rec) | (rm(rec) << ext(rec)));
        break;
      }
      case Op.ORR_LSR: {
        set(rec, rb(rec) | (rm(rec) >>> ext(rec)));
        break;
      }
      case Op.ORR_ASR: {
        set(rec, rb(rec) | <u32>(<i32>rm(rec) >> ext(rec)));
        break;
      }
      case Op.EOR_LSL: {
        set(rec, rb(rec) ^ (rm(rec) << ext(rec)));
        break;
      }
      case Op.EOR_LSR: {
        set(rec, rb(rec) ^ (rm(rec) >>> ext(rec)));
        break;
      }
      case Op.EOR_ROR: {
        set(rec, rb(rec) ^ rotr<u32>(rm(rec), ext(rec)));
        break;
      }
      case Op.BIC_LSL: {
        set(rec, rb(rec) & ~(rm(rec) << ext(rec)));
        break;
      }
      case Op.BIC_LSR: {
        set(rec, rb(rec) & ~(rm(rec) >>> ext(rec)));
        break;
      }
      case Op.LSL_IMM: {
        set(rec, rb(rec) << imm(rec));
        break;
      }
      case Op.LSR_IMM: {
        set(rec, rb(rec) >>> imm(rec));
        break;
      }
      case Op.ASR_IMM: {
        set(rec, <u32>(<i32>rb(rec) >> imm(rec)));
        break;
      }
      case Op.ROR_IMM: {
        set(rec, rotr<u32>(rb(rec), imm(rec)));
        break;
      }
      case Op.RRX: {
        set(rec, (rb(rec) >>> 1) | (load<u32>(C) << 31));
        break;
      }
      case Op.LSL_REG: {
        const by = rm(rec) & 0xff;
        set(rec, by > 31 ? 0 : rb(rec) << by);
        break;
      }
      case Op.LSR_REG: {
        const by = rm(rec) & 0xff;
        set(rec, by > 31 ? 0 : rb(rec) >>> by);
        break;
      }
      case Op.ASR_REG: {
        const by = rm(rec) & 0xff;
        set(rec, <u32>(<i32>rb(rec) >> (by > 31 ? 31 : by)));
        break;
      }
      case Op.ROR_REG: {
        set(rec, rotr<u32>(rb(rec), rm(rec) & 31));
        break;
      }
      case Op.LSLC_IMM: {
        set(rec, lslCarry(rb(rec), imm(rec)));
        break;
      }
      case Op.LSRC_IMM: {
        set(rec, lsrCarry(rb(rec), imm(rec)));
        break;
      }
      case Op.ASRC_IMM: {
        set(rec, asrCarry(rb(rec), imm(rec)));
        break;
      }
      case Op.RORC_IMM: {
        set(rec, rorCarry(rb(rec), imm(rec)));
        break;
      }
      case Op.RRXC: {
        const value = rb(rec);
        set(rec, (value >>> 1) | (load<u32>(C) << 31));
        store<u32>(C, value & 1);
        break;
      }
      case Op.LSLC_REG: {
        set(rec, lslCarry(rb(rec), rm(rec) & 0xff));
        break;
      }
      case Op.LSRC_REG: {
        set(rec, lsrCarry(rb(rec), rm(rec) & 0xff));
        break;
      }
      case Op.ASRC_REG: {
        set(rec, asrCarry(rb(rec), rm(rec) & 0xff));
        break;
      }
      case Op.RORC_REG: {
        set(rec, rorCarry(rb(rec), rm(rec) & 0xff));
        break;
      }
      case Op.PAGE_ADD: {
        set(rec, load<u32>(PAGE) + imm(rec));
        break;
      }
      case Op.MOVT: {
        set(rec, (ra(rec) & 0xffff) | imm(rec));
        break;
      }
      case Op.MUL: {
        set(rec, rb(rec) * rm(rec));
        break;
      }
      case Op.MLA: {
        set(rec, rb(rec) * rm(rec) + load<u32>(ext(rec)));
        break;
      }
      case Op.MLS: {
        set(rec, load<u32>(ext(rec)) - rb(rec) * rm(rec));
        break;
      }
      case Op.UMULL: {
        const r = <u64>rb(rec) * <u64>rm(rec);
        set(rec, <u32>r);
        store<u32>(ext(rec), <u32>(r >>> 32));
        break;
      }
      case Op.SMULL: {
        const r = <i64>(<i32>rb(rec)) * <i64>(<i32>rm(rec));
        set(rec, <u32>r);
        store<u32>(ext(rec), <u32>(r >> 32));
        break;
      }
      case Op.UMLAL: {
        const sum = (<u64>load<u32>(ext(rec)) << 32) | <u64>ra(rec);
        const r = sum + <u64>rb(rec) * <u64>rm(rec);
        set(rec, <u32>r);
        store<u32>(ext(rec), <u32>(r >>> 32));
        break;
      }
      case Op.SMLAL: {
        const sum = <i64>((<u64>load<u32>(ext(rec)) << 32) | <u64>ra(rec));
        const r = sum + <i64>(<i32>rb(rec)) * <i64>(<i32>rm(rec));
        set(rec, <u32>r);
        store<u32>(ext(rec), <u32>(r >> 32));
        break;
      }
      case Op.UMAAL: {
        const r = <u64>rb(rec) * <u64>rm(rec) + <u64>ra(rec) + <u64>load<u32>(ext(rec));
        set(rec, <u32>r);
        store<u32>(ext(rec), <u32>(r >>> 32));
        break;
      }
      case Op.FLAGS64: {
        store<u32>(N, ra(rec));
        store<u32>(Z, ra(rec) | rb(rec));
        break;
      }
      case Op.SDIV: {
        const divisor = <i32>rm(rec);
        // The most negative number by -1 traps in WebAssembly; ARM gives the number itself.
        if (divisor == 0) set(rec, 0);
        else if (divisor == -1) set(rec, 0 - rb(rec));
        else set(rec, <u32>(<i32>rb(rec) / divisor));
        break;
      }
      case Op.UDIV: {
        const divisor = rm(rec);
        set(rec, divisor == 0 ? 0 : rb(rec) / divisor);
        break;
      }
      case Op.CLZ: {
        set(rec, clz<u32>(rb(rec)));
        break;
      }
      case Op.RBIT: {
        let v = rb(rec);
        v = ((v >>> 1) & 0x55555555) | ((v & 0x55555555) << 1);
        v = ((v >>> 2) & 0x33333333) | ((v & 0x33333333) << 2);
        v = ((v >>> 4) & 0x0f0f0f0f) | ((v & 0x0f0f0f0f) << 4);
        set(rec, bswap<u32>(v));
        break;
      }
      case Op.REV: {
        set(rec, bswap<u32>(rb(rec)));
        break;
      }
      case Op.REV16: {
        set(rec, rotl<u32>(bswap<u32>(rb(rec)), 16));
        break;
      }
      case Op.REVSH: {
        set(rec, <u32>(<i32>bswap<u32>(rb(rec)) >> 16));
        break;
      }
      case Op.UXTB: {
        set(rec, rotr<u32>(rb(rec), imm(rec)) & 0xff);
        break;
      }
      case Op.UXTH: {
        set(rec, rotr<u32>(rb(rec), imm(rec)) & 0xffff);
        break;
      }
      case Op.SXTB: {
        set(rec, <u32>(<i32>(<i8>rotr<u32>(rb(rec), imm(rec)))));
        break;
      }
      case Op.SXTH: {
        set(rec, <u32>(<i32>(<i16>rotr<u32>(rb(rec), imm(rec)))));
        break;
      }
      case Op.UBFX: {
        set(rec, (rb(rec) << imm(rec)) >>> ext(rec));
        break;
      }
      case Op.SBFX: {
        set(rec, <u32>(<i32>(rb(rec) << imm(rec)) >> ext(rec)));
        break;
      }
      case Op.BFI: {
        const mask = ext(rec);
        set(rec, (ra(rec) & ~mask) | ((rb(rec) << imm(rec)) & mask));
        break;
      }
      case Op.LDR: {
        const address = rb(rec) + imm(rec);
        const value = read<u32>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDRB: {
        const address = rb(rec) + imm(rec);
        const value = read<u8>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDRH: {
        const address = rb(rec) + imm(rec);
        const value = read<u16>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDRSB: {
        const address = rb(rec) + imm(rec);
        const value = read<i8>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDRSH: {
        const address = rb(rec) + imm(rec);
        const value = read<i16>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.STR: {
        const address = rb(rec) + imm(rec);
        write<u32>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        break;
      }
      case Op.STRB: {
        const address = rb(rec) + imm(rec);
        write<u8>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        break;
      }
      case Op.STRH: {
        const address = rb(rec) + imm(rec);
        write<u16>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        break;
      }
      case Op.LDR_PRE: {
        const address = rb(rec) + imm(rec);
        const value = read<u32>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address);
        set(rec, value);
        break;
      }
      case Op.LDRB_PRE: {
        const address = rb(rec) + imm(rec);
        const value = read<u8>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address);
        set(rec, value);
        break;
      }
      case Op.LDRH_PRE: {
        const address = rb(rec) + imm(rec);
        const value = read<u16>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address);
        set(rec, value);
        break;
      }
      case Op.LDRSB_PRE: {
        const address = rb(rec) + imm(rec);
        const value = read<i8>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address);
        set(rec, value);
        break;
      }
      case Op.LDRSH_PRE: {
        const address = rb(rec) + imm(rec);
        const value = read<i16>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address);
        set(rec, value);
        break;
      }
      case Op.STR_PRE: {
        const address = rb(rec) + imm(rec);
        write<u32>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address);
        break;
      }
      case Op.STRB_PRE: {
        const address = rb(rec) + imm(rec);
        write<u8>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address);
        break;
      }
      case Op.STRH_PRE: {
        const address = rb(rec) + imm(rec);
        write<u16>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address);
        break;
      }
      case Op.LDR_POST: {
        const address = rb(rec);
        const value = read<u32>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address + imm(rec));
        set(rec, value);
        break;
      }
      case Op.LDRB_POST: {
        const address = rb(rec);
        const value = read<u8>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address + imm(rec));
        set(rec, value);
        break;
      }
      case Op.LDRH_POST: {
        const address = rb(rec);
        const value = read<u16>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address + imm(rec));
        set(rec, value);
        break;
      }
      case Op.LDRSB_POST: {
        const address = rb(rec);
        const value = read<i8>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address + imm(rec));
        set(rec, value);
        break;
      }
      case Op.LDRSH_POST: {
        const address = rb(rec);
        const value = read<i16>(rec, address);
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address + imm(rec));
        set(rec, value);
        break;
      }
      case Op.STR_POST: {
        const address = rb(rec);
        write<u32>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address + imm(rec));
        break;
      }
      case Op.STRB_POST: {
        const address = rb(rec);
        write<u8>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address + imm(rec));
        break;
      }
      case Op.STRH_POST: {
        const address = rb(rec);
        write<u16>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        store<u32>(b(rec), address + imm(rec));
        break;
      }
      case Op.LDR_REG: {
        const address = rb(rec) + (rm(rec) << ext(rec));
        const value = read<u32>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDRB_REG: {
        const address = rb(rec) + (rm(rec) << ext(rec));
        const value = read<u8>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDRH_REG: {
        const address = rb(rec) + (rm(rec) << ext(rec));
        const value = read<u16>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDRSB_REG: {
        const address = rb(rec) + (rm(rec) << ext(rec));
        const value = read<i8>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDRSH_REG: {
        const address = rb(rec) + (rm(rec) << ext(rec));
        const value = read<i16>(rec, address);
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.STR_REG: {
        const address = rb(rec) + (rm(rec) << ext(rec));
        write<u32>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        break;
      }
      case Op.STRB_REG: {
        const address = rb(rec) + (rm(rec) << ext(rec));
        write<u8>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        break;
      }
      case Op.STRH_REG: {
        const address = rb(rec) + (rm(rec) << ext(rec));
        write<u16>(rec, address, ra(rec));
        if (load<u32>(LEAVE)) return;
        break;
      }
      case Op.LDR_STRICT: {
        const value = readStrict(rec, rb(rec) + imm(rec));
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.STR_STRICT: {
        writeStrict(rec, rb(rec) + imm(rec), ra(rec));
        if (load<u32>(LEAVE)) return;
        break;
      }
      case Op.LDR_LITERAL: {
        const value = read<u32>(rec, load<u32>(PAGE) + imm(rec));
        if (load<u32>(LEAVE)) return;
        set(rec, value);
        break;
      }
      case Op.LDM: {
        if (!loadMany(rec) && slow(rec)) return;
        break;
      }
      case Op.STM: {
        if (!storeMany(rec) && slow(rec)) return;
        break;
      }
      case Op.LDM_PC: {
        if (!loadMany(rec) && slow(rec)) return;
        rec = exchange(rec, load<u32>(PC));
        if (rec == 0) return;
        continue;
      }
      case Op.LDREX_32: {
        if (!loadExclusive<u32>(rec) && slow(rec)) return;
        break;
      }
      case Op.STREX_32: {
        if (!storeExclusive<u32>(rec) && slow(rec)) return;
        break;
      }
      case Op.CLREX: {
        store<u32>(EXCLUSIVE_SIZE, 0);
        break;
      }
      case Op.SKIP_EQ: {
        if (!(load<u32>(Z) == 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_NE: {
        if (!(load<u32>(Z) != 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_CS: {
        if (!(load<u32>(C) != 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_CC: {
        if (!(load<u32>(C) == 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_MI: {
        if (!(load<i32>(N) < 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_PL: {
        if (!(load<i32>(N) >= 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_VS: {
        if (!(load<i32>(V) < 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_VC: {
        if (!(load<i32>(V) >= 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_HI: {
        if (!(load<u32>(C) != 0 && load<u32>(Z) != 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_LS: {
        if (!(load<u32>(C) == 0 || load<u32>(Z) == 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_GE: {
        if (!((load<i32>(N) ^ load<i32>(V)) >= 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_LT: {
        if (!((load<i32>(N) ^ load<i32>(V)) < 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_GT: {
        if (!(load<u32>(Z) != 0 && (load<i32>(N) ^ load<i32>(V)) >= 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_LE: {
        if (!(load<u32>(Z) == 0 || (load<i32>(N) ^ load<i32>(V)) < 0)) rec += imm(rec);
        break;
      }
      case Op.SKIP_IF_ZERO: {
        if (ra(rec) == 0) rec += imm(rec);
        break;
      }
      case Op.SKIP_IF_NOT_ZERO: {
        if (ra(rec) != 0) rec += imm(rec);
        break;
      }
      case Op.B_EQ: {
        if (load<u32>(Z) == 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_NE: {
        if (load<u32>(Z) != 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_CS: {
        if (load<u32>(C) != 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_CC: {
        if (load<u32>(C) == 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_MI: {
        if (load<i32>(N) < 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_PL: {
        if (load<i32>(N) >= 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_VS: {
        if (load<i32>(V) < 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_VC: {
        if (load<i32>(V) >= 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_HI: {
        if (load<u32>(C) != 0 && load<u32>(Z) != 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_LS: {
        if (load<u32>(C) == 0 || load<u32>(Z) == 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_GE: {
        if ((load<i32>(N) ^ load<i32>(V)) >= 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_LT: {
        if ((load<i32>(N) ^ load<i32>(V)) < 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_GT: {
        if (load<u32>(Z) != 0 && (load<i32>(N) ^ load<i32>(V)) >= 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B_LE: {
        if (load<u32>(Z) == 0 || (load<i32>(N) ^ load<i32>(V)) < 0) {
          rec = near(rec);
          if (rec == 0) return;
          continue;
        }
        break;
      }
      case Op.B: {
        rec = near(rec);
        if (rec == 0) return;
        continue;
      }
      case Op.BL: {
        store<u32>(LR, returnAddress(rec));
        rec = near(rec);
        if (rec == 0) return;
        continue;
      }
      case Op.B_FAR: {
        rec = found(rec, jump(rec, load<u32>(PAGE) + imm(rec)));
        if (rec == 0) return;
        continue;
      }
      case Op.BL_FAR: {
        store<u32>(LR, returnAddress(rec));
        rec = found(rec, jump(rec, load<u32>(PAGE) + imm(rec)));
        if (rec == 0) return;
        continue;
      }
      case Op.BX: {
        rec = found(rec, exchange(rec, ra(rec)));
        if (rec == 0) return;
        continue;
      }
      case Op.B_REG: {
        rec = found(rec, jump(rec, ra(rec)));
        if (rec == 0) return;
        continue;
      }
      case Op.MEDIA: {
        media(rec);
        break;
      }
      case Op.TRANSLATED: {
        rec = call_indirect<usize>(ext(rec));
        if (rec == 0) return;
        continue;
      }
      case Op.COUNT: {
        count(rec, imm(rec));
        break;
      }
      default: {
        const op = <u32>load<u16>(rec);
        if (op < <u32>FIRST_EXTENSION) {
          rec = system(rec);
          if (rec == 0) return;
          continue;
        }
        if (!extension(rec) && slow(rec)) return;
      }
    }
    rec += OP_SIZE;
  }
}
