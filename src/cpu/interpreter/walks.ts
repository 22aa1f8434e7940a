// Walks of translation tables for what the TLB does not know: the common ones, as ../mmu.ts makes them all. Short
// descriptors, remapped memory types, and long descriptors in stage 2, with tables and pages in RAM. What ends in a fault, or is
// anything else, is TypeScript's.
import { PSR_M, MODE_USR } from '../../isa/psr-masks';
import {
  BANK,
  BANK_DACR,
  BANK_TTBCR,
  BANK_TTBR0,
  BANK_TTBR1,
  CONTEXT,
  CPSR,
  EXECUTE,
  LARGE,
  MEMORY_TYPES,
  NO_KEY,
  PAGE_DIRECTORY,
  PAGE_DIRECTORY_ENTRY,
  RAM_SIZE,
  READ,
  RIGHTS_PL1,
  RIGHTS_USER,
  SLOW,
  STAGE2_SHIFT,
  STAGE2_SIZE,
  STAGE2_TABLE,
  TLB_ADDEND,
  TLB_DATA,
  TLB_EXECUTE,
  TLB_FLAGS,
  TLB_IS_RAM,
  TLB_LARGE,
  TLB_NOT_GLOBAL,
  TLB_PHYSICAL,
  TLB_READ,
  TLB_SIZE_SHIFT,
  TLB_WRITE,
  TYPES_NORMAL,
  TYPES_SHAREABLE,
  TYPES_WRITE_BACK,
  WALK_EXCLUSIVES,
  WALK_NORMAL,
  WALKS,
  WRITE,
  WRITTEN,
} from '../layout';
import { fastAddend, readTableWord } from './physical-memory';
import { entryOf } from './tlb';

const FAILS: u32 = 0xffffffff;
const ALL: u32 = READ | WRITE | EXECUTE;

const SMALL_PAGE: u32 = 12;
const LARGE_PAGE: u32 = 16;
const SECTION: u32 = 20;

/** Long descriptors (B3.6.1): what is valid; a table, or a page on the last level; bits of the upper word. */
const VALID: u32 = 1;
const TABLE: u32 = 2;
const ACCESS_FLAG: u32 = 1 << 10;
const XN: u32 = 1 << 22;
const UPPER_ADDRESS: u32 = 0xff;
const LEVEL_BITS: u32 = 9;

// What stage 2 gave of the last address.
let rights2: u32 = 0;
let isNormal2: bool = false;
let isWriteBack2: bool = false;
let isShareable2: bool = false;

/** The physical address of an intermediate one; FAILS where TypeScript has to look. */
function walkStage2(ipa: u32): u32 {
  const size = load<u32>(STAGE2_SIZE);
  if (size < 32 && ipa >>> size != 0) return FAILS;
  let shift = load<u32>(STAGE2_SHIFT);
  let table = load<u32>(STAGE2_TABLE);
  let index = ipa >>> shift;
  for (;;) {
    const at = table + (index << 3);
    if (at > load<u32>(RAM_SIZE) - 8) return FAILS;
    const low = readTableWord(at);
    const high = readTableWord(at + 4);
    const isLast = shift == SMALL_PAGE;
    if ((low & VALID) == 0 || (isLast && (low & TABLE) == 0) || (high & UPPER_ADDRESS) != 0) return FAILS;
    if (!isLast && (low & TABLE) != 0) {
      table = low & 0xfffff000;
      shift -= LEVEL_BITS;
      index = (ipa >>> shift) & ((1 << LEVEL_BITS) - 1);
      continue;
    }
    if ((low & ACCESS_FLAG) == 0) return FAILS;
    const attribute = (low >>> 2) & 15;
    isNormal2 = attribute >>> 2 != 0;
    isWriteBack2 = attribute == 15;
    isShareable2 = ((low >>> 9) & 1) != 0;
    // S2AP: bit 0 lets it be read, bit 1 written.
    const access = (low >>> 6) & 3;
    rights2 = ((access & 1) != 0 ? READ : 0) | ((access & 2) != 0 ? WRITE : 0);
    if ((access & 1) != 0 && (high & XN) == 0) rights2 |= EXECUTE;
    const inside: u32 = (1 << shift) - 1;
    return (low & 0xfffff000 & ~inside) | (ipa & inside);
  }
}

/** A word of stage 1's tables: 0, which is no descriptor, where TypeScript has to look. */
function descriptorAt(address: u32, stages: u32): u32 {
  let at = address;
  if (stages == 2) {
    at = walkStage2(address);
    if (at == FAILS || (rights2 & READ) == 0 || !isNormal2) return 0;
  }
  return at > load<u32>(RAM_SIZE) - 4 ? 0 : readTableWord(at);
}

/** Whether instructions were decoded from a physical page. */
function hasCode(physical: u32): bool {
  const at: usize = PAGE_DIRECTORY + (physical >>> 12) * PAGE_DIRECTORY_ENTRY;
  let any: u64 = 0;
  for (let i = 0; i < PAGE_DIRECTORY_ENTRY; i += 8) any |= load<u64>(at + i);
  return any != 0;
}

/**
 * Walks for an access, and enters what it finds.
 * @param right READ, WRITE or EXECUTE
 * @returns whether the TLB knows the address now, with that right
 */
export function walk(address: u32, right: u32): bool {
  const stages = load<u32>(WALKS);
  if (stages == 0) return false;
  const bank = load<u32>(BANK);
  const ttbcr = load<u32>(bank, BANK_TTBCR);
  const n = ttbcr & 7;
  const isHigh = n != 0 && address >>> (32 - n) != 0;
  // PD0, PD1.
  if ((ttbcr & (isHigh ? 1 << 5 : 1 << 4)) != 0) return false;
  const width = isHigh ? 0 : n;
  const base = isHigh ? load<u32>(bank, BANK_TTBR1) : load<u32>(bank, BANK_TTBR0);
  const table = base & ~((1 << (14 - width)) - 1);
  const first = descriptorAt(table + (((address << width) >>> width) >>> 20) * 4, stages);

  let ap: u32, type: u32, s: u32, physical: u32, sizeLog2: u32;
  let isNeverExecuted: bool, isNotGlobal: bool, isNeverPrivileged: bool;
  const domain = (first >>> 5) & 15;
  // TEX<0>, C and B.
  if ((first & 3) == 1) {
    isNeverPrivileged = (first & 4) != 0;
    const second = descriptorAt((first & 0xfffffc00) + ((address >>> 12) & 0xff) * 4, stages);
    if ((second & 3) == 0) return false;
    ap = ((second >>> 4) & 3) | ((second >>> 7) & 4);
    s = (second >>> 10) & 1;
    isNotGlobal = (second & 0x800) != 0;
    if ((second & 2) != 0) {
      isNeverExecuted = (second & 1) != 0;
      type = ((second >>> 4) & 4) | ((second >>> 2) & 3);
      physical = (second & 0xfffff000) | (address & 0xfff);
      sizeLog2 = SMALL_PAGE;
    } else {
      isNeverExecuted = (second & 0x8000) != 0;
      type = ((second >>> 10) & 4) | ((second >>> 2) & 3);
      physical = (second & 0xffff0000) | (address & 0xffff);
      sizeLog2 = LARGE_PAGE;
    }
  } else {
    // Nothing there, or a supersection.
    if ((first & 3) == 0 || (first & (1 << 18)) != 0) return false;
    isNeverPrivileged = (first & 1) != 0;
    isNeverExecuted = (first & 0x10) != 0;
    ap = ((first >>> 10) & 3) | ((first >>> 13) & 4);
    s = (first >>> 16) & 1;
    isNotGlobal = (first & (1 << 17)) != 0;
    type = ((first >>> 10) & 4) | ((first >>> 2) & 3);
    physical = (first & 0xfff00000) | (address & 0xfffff);
    sizeLog2 = SECTION;
  }

  const isUser = (load<u32>(CPSR) & PSR_M) == MODE_USR;
  let rights: u32 = ALL;
  const client = (load<u32>(bank, BANK_DACR) >>> (2 * domain)) & 3;
  if (client == 1) {
    rights = (load<u32>(isUser ? RIGHTS_USER : RIGHTS_PL1) >>> (2 * ap)) & (READ | WRITE);
    if ((rights & READ) != 0 && !isNeverExecuted && (isUser || !isNeverPrivileged)) rights |= EXECUTE;
  } else if (client != 3) return false;

  const types = load<u32>(MEMORY_TYPES);
  let isNormal = ((types >>> (TYPES_NORMAL + type)) & 1) != 0;
  let isWriteBack = ((types >>> (TYPES_WRITE_BACK + type)) & 1) != 0;
  let isShareable = ((types >>> (TYPES_SHAREABLE + s)) & 1) != 0;
  if (stages == 2) {
    physical = walkStage2(physical);
    if (physical == FAILS) return false;
    rights &= rights2;
    isNormal = isNormal && isNormal2;
    isWriteBack = isWriteBack && isWriteBack2;
    isShareable = isShareable || isShareable2;
  }
  if ((rights & right) == 0 || physical >= load<u32>(RAM_SIZE)) return false;

  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  const page = address & 0xfffff000;
  const key = page | context;
  physical &= 0xfffff000;
  store<u32>(entry, (rights & READ) != 0 ? key : NO_KEY, TLB_READ);
  store<u32>(entry, (rights & EXECUTE) != 0 ? key : NO_KEY, TLB_EXECUTE);
  if ((rights & WRITE) != 0) {
    store<u32>(entry, hasCode(physical) ? key | SLOW : key, TLB_WRITE);
    store<u8>(WRITTEN + (physical >>> 12), 1);
  } else store<u32>(entry, NO_KEY, TLB_WRITE);
  let flags: u32 = TLB_IS_RAM | (sizeLog2 << TLB_SIZE_SHIFT);
  if (isNormal) flags |= load<u32>(WALK_NORMAL);
  if (isNormal && isWriteBack && isShareable) flags |= load<u32>(WALK_EXCLUSIVES);
  if (isNotGlobal) flags |= TLB_NOT_GLOBAL;
  if (sizeLog2 > SMALL_PAGE) {
    flags |= TLB_LARGE;
    store<u8>(LARGE + (address >>> 20), 1);
  }
  store<u32>(entry, flags, TLB_FLAGS);
  store<u32>(entry, fastAddend(page, physical), TLB_ADDEND);
  store<u32>(entry, physical, TLB_PHYSICAL);
  store<u32>(entry, 0, TLB_DATA);
  return true;
}
