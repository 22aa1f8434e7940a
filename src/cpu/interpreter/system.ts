// Instructions of system software that need nothing but the core's own state, most of the time. Each micro-op is a slow
// instruction, too, whose number is ext: what is not done here, that does. By what is to be looked at it goes through
// TypeScript: ../grants.ts.
import {
  MODE_FIQ,
  MODE_SVC,
  MODE_SYS,
  MODE_UND,
  MODE_USR,
  PSR_A,
  PSR_F,
  PSR_GE,
  PSR_I,
  PSR_IT,
  PSR_J,
  PSR_M,
  PSR_T,
} from '../../isa/psr-masks';
import {
  BANK,
  BANK_CONTEXTS,
  BANK_DACR,
  BANK_DOMAINS,
  BANK_LR,
  BANK_SP,
  BANK_USER_R8,
  CONTEXT,
  CONTEXT_PL1,
  CONTEXT_USER,
  CP15_BARRIERS,
  CPSR,
  DOMAINS,
  DOMAINS_PL1,
  DOMAINS_SIZE,
  DOMAINS_USER,
  EXCEPTIONS,
  EXTENSION_ACCESS,
  FIRST_ADDRESS,
  FIRST_AT,
  FIRST_FAULT_ADDRESS,
  FIRST_MODE,
  FIRST_PSR,
  FIRST_REGISTERS,
  FIRST_SYNDROME,
  FIRST_VECTOR,
  GE,
  HSTR_TRAPS,
  LR,
  MAY_CHANGE_MODE,
  MAY_WRITE_DACR,
  NO_CONTEXT,
  OP_A,
  OP_B,
  OP_IMM,
  OP_OFFSET,
  OP_SIZE,
  OP_WIDE,
  PAGE,
  READ,
  SP,
  SPSR,
  TLB_EXECUTE,
  TLB_READ,
  TLB_WRITE,
  UNKNOWN_CONTEXT,
  UNRETIRED,
  VARIANT,
  VARIANT_T,
  VECTORS,
  VECTORS_VARIANT,
  WRITE,
} from '../layout';
import { CONSTANT, MAY_USER, Op, PRIMARY_SHIFT, WRITES_MODE } from '../micro-ops';
import { finds } from './access';
import { onward, slow } from './branches';
import { loadExclusive, loadExclusiveDouble, storeExclusive, storeExclusiveDouble } from './exclusives';
import { fetchedFrom, placeOf, readData, writeData } from './physical-memory';
import { bankOf, changeMode, isPlain, KEPT, mayChange, readStatus, setFlags, writeStatus } from './status';
import { entryOf } from './tlb';

const VECTOR_UNDEFINED: u32 = 0x04;
const VECTOR_CALL: u32 = 0x08;

// @ts-ignore: decorator
@inline
function a(rec: usize): u32 {
  return load<u8>(rec, OP_A);
}
// @ts-ignore: decorator
@inline
function b(rec: usize): u32 {
  return load<u8>(rec, OP_B);
}
// @ts-ignore: decorator
@inline
function imm(rec: usize): u32 {
  return load<u32>(rec, OP_IMM);
}

/** Has TypeScript run the instruction. */
function elsewhere(rec: usize): usize {
  return slow(rec) ? 0 : rec + OP_SIZE;
}

function addressOf(rec: usize): u32 {
  return load<u32>(PAGE) + (<u32>load<u16>(rec, OP_OFFSET) & 0xfff);
}

function nextAddress(rec: usize): u32 {
  return addressOf(rec) + ((load<u16>(rec, OP_OFFSET) & OP_WIDE) != 0 ? 4 : 2);
}

/** Takes a synchronous exception to a plain mode, where none is being handled; it is kept as the first one. */
function takeException(rec: usize, mode: u32, vector: u32, lr: u32): usize {
  const cpsr = load<u32>(CPSR);
  const from = cpsr & PSR_M;
  if (
    load<u32>(MAY_CHANGE_MODE) == 0 ||
    load<u32>(EXCEPTIONS) != 0 ||
    !isPlain(from) ||
    !mayChange(from, mode)
  )
    return elsewhere(rec);
  const spsr = readStatus();
  store<u32>(VARIANT, load<u32>(VECTORS_VARIANT));
  store<u32>(CPSR, (cpsr & KEPT & ~(PSR_M | PSR_IT | PSR_J)) | PSR_I | mode);
  if (from != mode) changeMode(rec, from, mode);
  store<u32>(SPSR, spsr);
  store<u32>(LR, lr);
  const target = load<u32>(VECTORS) + vector;
  store<u32>(EXCEPTIONS, 1);
  if (vector == VECTOR_UNDEFINED) store<u32>(UNRETIRED, load<u32>(UNRETIRED) + 1);
  for (let i: usize = 0; i < 56; i += 8) store<u64>(FIRST_REGISTERS + i, load<u64>(i));
  store<u32>(FIRST_REGISTERS + 56, load<u32>(56));
  store<u32>(FIRST_AT, target);
  store<u32>(FIRST_ADDRESS, addressOf(rec));
  store<u32>(FIRST_PSR, spsr);
  store<u32>(FIRST_VECTOR, vector);
  store<u32>(FIRST_MODE, mode);
  store<u32>(FIRST_SYNDROME, 0);
  store<u32>(FIRST_FAULT_ADDRESS, 0);
  return onward(rec, target);
}

/** Whether a mode has a SPSR that can be reached here. */
function hasStatus(mode: u32): bool {
  return isPlain(mode) && mode != MODE_USR && mode != MODE_SYS;
}

/** Goes on at an address in the instruction set that CPSR says, after an exception return. */
function goOn(rec: usize, target: u32): usize {
  return onward(rec, (load<u32>(VARIANT) & VARIANT_T) != 0 ? target & ~1 : target & ~3);
}

/** Where the words of a transfer are, if the TLB knows; else 0. */
function placeOfWords(address: u32, count: u32, key: usize): usize {
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  if ((address & 0xfff) + (count << 2) > 0x1000) return 0;
  finds(entry, key, address, 3, key == TLB_READ ? READ : WRITE);
  if (load<u32>(entry + key) != ((address & 0xfffff003) | context)) return 0;
  return placeOf(entry, address);
}

/** Where the place of a transfer begins, from [a] on; b counts words. */
// @ts-ignore: decorator
@inline
function startOf(rec: usize): u32 {
  return load<u32>(a(rec)) + (<u32>(<i32>load<i8>(rec, OP_B)) << 2);
}

/** Where register n of User mode stands, seen from another mode. */
function userRegister(n: u32, mode: u32): usize {
  if (n < 8) return n << 2;
  if (n < 13) return mode == MODE_FIQ ? BANK_USER_R8 + ((n - 8) << 2) : n << 2;
  return bankOf(MODE_USR) + (n == 13 ? BANK_SP : BANK_LR);
}

function transferUser(rec: usize, loads: bool): usize {
  const mode = load<u32>(CPSR) & PSR_M;
  if (!hasStatus(mode)) return elsewhere(rec);
  let mask = imm(rec);
  let place = placeOfWords(startOf(rec), popcnt<u32>(mask), loads ? TLB_READ : TLB_WRITE);
  if (place == 0) return elsewhere(rec);
  while (mask != 0) {
    const register = userRegister(ctz<u32>(mask), mode);
    if (loads) store<u32>(register, readData<u32>(place));
    else writeData<u32>(place, load<u32>(register));
    place += 4;
    mask &= mask - 1;
  }
  return rec + OP_SIZE;
}

/** LDM that restores CPSR; imm: the registers without PC, and from bit 16 on what write-back adds, in words. */
function loadAndReturn(rec: usize): usize {
  const mode = load<u32>(CPSR) & PSR_M;
  const psr = load<u32>(SPSR);
  if (!hasStatus(mode) || !mayChange(mode, psr & PSR_M)) return elsewhere(rec);
  let mask = imm(rec) & 0xffff;
  let place = placeOfWords(startOf(rec), popcnt<u32>(mask) + 1, TLB_READ);
  if (place == 0) return elsewhere(rec);
  store<u32>(a(rec), load<u32>(a(rec)) + <u32>((<i32>imm(rec) >> 16) << 2));
  while (mask != 0) {
    store<u32>(ctz<u32>(mask) << 2, readData<u32>(place));
    place += 4;
    mask &= mask - 1;
  }
  const target = readData<u32>(place);
  writeStatus(rec, psr, 15, true);
  return goOn(rec, target);
}

function returnFromMemory(rec: usize): usize {
  const mode = load<u32>(CPSR) & PSR_M;
  const place = placeOfWords(startOf(rec), 2, TLB_READ);
  if (!isPlain(mode) || mode == MODE_USR || place == 0) return elsewhere(rec);
  const target = readData<u32>(place);
  const psr = readData<u32>(place + 4);
  if (!mayChange(mode, psr & PSR_M)) return elsewhere(rec);
  store<u32>(a(rec), load<u32>(a(rec)) + imm(rec));
  writeStatus(rec, psr, 15, true);
  return goOn(rec, target);
}

/** SRS to the stack of mode a. */
function storeReturnState(rec: usize): usize {
  const mode = load<u32>(CPSR) & PSR_M;
  if (!hasStatus(mode) || !isPlain(a(rec))) return elsewhere(rec);
  const bank = bankOf(a(rec));
  const pointer: usize = bank == bankOf(mode) ? SP : bank + BANK_SP;
  const base = load<u32>(pointer);
  const place = placeOfWords(base + (<u32>(<i32>load<i8>(rec, OP_B)) << 2), 2, TLB_WRITE);
  if (place == 0) return elsewhere(rec);
  writeData<u32>(place, load<u32>(LR));
  writeData<u32>(place + 4, load<u32>(SPSR));
  store<u32>(pointer, base + imm(rec));
  return rec + OP_SIZE;
}

/** CPS; a: the bits to clear are those of imm (2), or to set (3); b: WRITES_MODE for the mode in imm. */
function changeState(rec: usize): usize {
  const mode = load<u32>(CPSR) & PSR_M;
  if (mode == MODE_USR) return rec + OP_SIZE;
  const bits = imm(rec) & (PSR_A | PSR_I | PSR_F);
  let value = load<u32>(CPSR);
  if (a(rec) == 2) value &= ~bits;
  else if (a(rec) == 3) value |= bits;
  if (b(rec) == WRITES_MODE) {
    const to = imm(rec) & PSR_M;
    if (!isPlain(to) || !mayChange(mode, to)) return elsewhere(rec);
    store<u32>(CPSR, (value & ~PSR_M) | to);
    if (to != mode) changeMode(rec, mode, to);
  } else store<u32>(CPSR, value);
  store<u32>(EXCEPTIONS, 0);
  return onward(rec, nextAddress(rec));
}

/** MSR of CPSR; a: the register, or imm with CONSTANT; b: the bytes. */
function moveToStatus(rec: usize): usize {
  const bytes = b(rec) & 15;
  const value = (b(rec) & CONSTANT) != 0 ? imm(rec) : load<u32>(a(rec));
  if ((bytes & 3) == 0) {
    if ((bytes & 8) != 0) setFlags(value);
    if ((bytes & 4) != 0) store<u32>(GE, (value & PSR_GE) >>> 16);
    return rec + OP_SIZE;
  }
  return writeStatus(rec, value, bytes, false) ? onward(rec, nextAddress(rec)) : elsewhere(rec);
}

/** Whether this mode may read or write what a micro-op does of the bank of system registers, and nothing traps it. */
function mayReachBank(rec: usize): bool {
  if (((load<u32>(HSTR_TRAPS) >> (b(rec) >> PRIMARY_SHIFT)) & 1) != 0) return false;
  return (b(rec) & MAY_USER) != 0 || (load<u32>(CPSR) & PSR_M) != MODE_USR;
}

/** Writes DACR, where the contexts for its value are known; what domainsChanged of ../tlb.ts does. */
function writeDomains(rec: usize): bool {
  const mode = load<u32>(CPSR) & PSR_M;
  if (load<u32>(MAY_WRITE_DACR) == 0 || mode == MODE_USR || !isPlain(mode)) return false;
  const bank = load<u32>(BANK);
  const value = load<u32>(a(rec));
  let at: usize = load<u32>(BANK_DOMAINS);
  for (const end = at + DOMAINS * DOMAINS_SIZE; at < end; at += DOMAINS_SIZE) {
    const pl1 = load<u16>(at, DOMAINS_PL1);
    if (load<u32>(at) != value || pl1 == UNKNOWN_CONTEXT) continue;
    store<u32>(bank, value, BANK_DACR);
    store<u32>(load<u32>(BANK_CONTEXTS), load<u32>(at, DOMAINS_USER));
    const user = load<u16>(at, DOMAINS_USER);
    store<u32>(CONTEXT_USER, user == UNKNOWN_CONTEXT ? NO_CONTEXT : <u32>user << 2);
    store<u32>(CONTEXT_PL1, <u32>pl1 << 2);
    store<u32>(CONTEXT, <u32>pl1 << 2);
    // As after every MCR: what is the same here must not hang on what is known.
    store<u32>(EXTENSION_ACCESS, 0);
    return true;
  }
  return false;
}

/** Runs one of these micro-ops. @returns the micro-op to go on with; 0: the interpreter must return */
export function system(rec: usize): usize {
  switch (<u32>load<u16>(rec)) {
    case Op.SVC:
      return takeException(rec, MODE_SVC, VECTOR_CALL, nextAddress(rec));
    case Op.UNDEFINED: {
      const isThumb = (load<u32>(VARIANT) & VARIANT_T) != 0;
      return takeException(rec, MODE_UND, VECTOR_UNDEFINED, addressOf(rec) + (isThumb ? 2 : 4));
    }
    case Op.RETURN: {
      const target = load<u32>(b(rec)) - imm(rec);
      if (!hasStatus(load<u32>(CPSR) & PSR_M) || !writeStatus(rec, load<u32>(SPSR), 15, true))
        return elsewhere(rec);
      return goOn(rec, target);
    }
    case Op.CPS:
      return changeState(rec);
    case Op.MSR_CPSR:
      return moveToStatus(rec);
    case Op.MSR_SPSR: {
      if (!hasStatus(load<u32>(CPSR) & PSR_M)) return elsewhere(rec);
      const mask = imm(rec);
      store<u32>(SPSR, (load<u32>(SPSR) & ~mask) | (load<u32>(a(rec)) & mask));
      return rec + OP_SIZE;
    }
    case Op.MRS_CPSR: {
      store<u32>(a(rec), readStatus() & ~(PSR_IT | PSR_J | PSR_T));
      return rec + OP_SIZE;
    }
    case Op.MRS_SPSR: {
      if (!hasStatus(load<u32>(CPSR) & PSR_M)) return elsewhere(rec);
      store<u32>(a(rec), load<u32>(SPSR));
      return rec + OP_SIZE;
    }
    case Op.LDM_USER:
      return transferUser(rec, true);
    case Op.STM_USER:
      return transferUser(rec, false);
    case Op.LDM_RETURN:
      return loadAndReturn(rec);
    case Op.RFE:
      return returnFromMemory(rec);
    case Op.SRS:
      return storeReturnState(rec);
    case Op.MRC_BANK: {
      if (!mayReachBank(rec)) return elsewhere(rec);
      store<u32>(a(rec), load<u32>(load<u32>(BANK) + imm(rec)));
      return rec + OP_SIZE;
    }
    case Op.MCR_BANK: {
      if (!mayReachBank(rec)) return elsewhere(rec);
      store<u32>(load<u32>(BANK) + imm(rec), load<u32>(a(rec)));
      return rec + OP_SIZE;
    }
    case Op.MRC_WORD: {
      const mode = load<u32>(CPSR) & PSR_M;
      if (((load<u32>(HSTR_TRAPS) >> b(rec)) & 1) != 0 || mode == MODE_USR || !isPlain(mode)) return elsewhere(rec);
      store<u32>(a(rec), load<u32>(imm(rec)));
      return rec + OP_SIZE;
    }
    case Op.MCR_DACR:
      return writeDomains(rec) ? onward(rec, nextAddress(rec)) : elsewhere(rec);
    case Op.LDREX_8:
      return loadExclusive<u8>(rec) ? rec + OP_SIZE : elsewhere(rec);
    case Op.LDREX_16:
      return loadExclusive<u16>(rec) ? rec + OP_SIZE : elsewhere(rec);
    case Op.LDREX_64:
      return loadExclusiveDouble(rec) ? rec + OP_SIZE : elsewhere(rec);
    case Op.STREX_8:
      return storeExclusive<u8>(rec) ? rec + OP_SIZE : elsewhere(rec);
    case Op.STREX_16:
      return storeExclusive<u16>(rec) ? rec + OP_SIZE : elsewhere(rec);
    case Op.STREX_64:
      return storeExclusiveDouble(rec) ? rec + OP_SIZE : elsewhere(rec);
    case Op.MCR_BARRIER: {
      if (load<u32>(CP15_BARRIERS) == 0 || !isPlain(load<u32>(CPSR) & PSR_M)) return elsewhere(rec);
      return onward(rec, nextAddress(rec));
    }
    case Op.NEXT_PAGE: {
      const address = load<u32>(PAGE) + 0x1000;
      const context = load<u32>(CONTEXT);
      const entry = entryOf(address, context);
      const isThere = load<u32>(entry, TLB_EXECUTE) == (address | context) && fetchedFrom(entry, address) == imm(rec);
      return isThere ? rec + OP_SIZE : elsewhere(rec);
    }
    default:
      return elsewhere(rec);
  }
}
