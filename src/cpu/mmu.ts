/**
 * Address translation (B3): short descriptors, long descriptors, Hyp mode's own stage 1, and stage 2. A walk gives
 * everything a TLB entry holds; who may do what with it is checked by {@link faultOf}.
 */
import { MODE_HYP } from '../isa/program-status.js';
import {
  SCTLR_M,
  SCTLR_WXN,
  SCTLR_UWXN,
  SCTLR_EE,
  SCTLR_TRE,
  SCTLR_AFE,
  TTBCR_EAE,
  HCR_VM,
  HCR_PTW,
  HCR_DC,
  SCR_SIF,
} from './control-bits.js';
import {
  FAULT_ACCESS_FLAG,
  FAULT_DOMAIN,
  FAULT_EXTERNAL_WALK,
  FAULT_PERMISSION,
  FAULT_TRANSLATION,
} from './faults.js';
import { isSecure, modeOf } from './current-mode.js';
import * as L from './layout.js';
import { EXECUTE, READ, WRITE } from './layout.js';
import { readTableWord } from './physical-memory.js';
import type { Core, Machine, SystemBank } from './state.js';

export { READ, WRITE, EXECUTE };

/** Whose tables translate: Secure PL1 and PL0, Non-secure PL1 and PL0, Hyp mode. */
export type Regime = 'secure' | 'non-secure' | 'hyp';

/** What a walk found; one object is used again and again. */
export interface Translation {
  /** Fault status (long format), or 0. */
  fault: number;
  /** The fault is one of stage 2; `ipa` is the address stage 2 got. */
  stage2: boolean;
  /** The fault of stage 2 came while stage 1's tables were read. */
  tableWalk: boolean;
  ipa: number;
  /** The domain, for DFSR. */
  domain: number;
  /** Physical address of the byte asked for, up to 40 bits. */
  physical: number;
  rights: number;
  /** Level of the descriptor that gave the rights of stage 1, and of stage 2, for permission faults. */
  level: number;
  level2: number;
  rights2: number;
  /** Normal memory, as opposed to Device and Strongly-ordered. */
  normal: boolean;
  /** Memory attributes as MAIR gives them, for PAR. */
  attributes: number;
  /** Shareable, inner or outer; of Normal memory. */
  shareable: boolean;
  notGlobal: boolean;
  /** Size of what one descriptor maps, as power of 2. */
  sizeLog2: number;
  /** Output is in the Non-secure physical address space. */
  nonSecure: boolean;
}

const out: Translation = {
  fault: 0,
  stage2: false,
  tableWalk: false,
  ipa: 0,
  domain: 0,
  physical: 0,
  rights: 0,
  level: 0,
  level2: 0,
  rights2: 0,
  normal: false,
  attributes: 0,
  shareable: false,
  notGlobal: false,
  sizeLog2: 12,
  nonSecure: false,
};

const GIB4 = 0x100000000;
/** Inner and outer Write-Back in MAIR, but for Transient memory, which Cortex-A7 has not. */
const WRITE_BACK = 0xcc;
/** Inner or outer Non-cacheable in MAIR. */
const NON_CACHEABLE = 4;

/**
 * Whether exclusives on memory work with other cores on every board: Normal, Write-Back inside and out, Shareable
 * (A3.4.5, A3.5.1); elsewhere what they do is left to the board.
 */
export const isForExclusives = (found: Translation): boolean => found.shareable && isWriteBack(found);

/** Normal memory that is write-back, inner and outer. */
export const isWriteBack = ({ normal, attributes }: Translation): boolean =>
  normal && (attributes & WRITE_BACK) === WRITE_BACK;

/** The regime that the running core's accesses go through. */
export function currentRegime(m: Machine): Regime {
  if (modeOf(m) === MODE_HYP) return 'hyp';
  return isSecure(m) ? 'secure' : 'non-secure';
}

/** Whether stage 2 is on for the Non-secure PL1&0 regime; HCR.DC makes HCR.VM act as set (B4.1.65). */
export function hasStage2(core: Core): boolean {
  return (core.HCR & (HCR_VM | HCR_DC)) !== 0;
}

/** The VMID that tags Non-secure PL1&0 entries; they have it whether stage 2 is on or not. */
export function currentVmid(core: Core): number {
  return (core.VTTBR_HIGH >>> 16) & 0xff;
}

function fail(status: number): false {
  out.fault = status;
  return false;
}

/** Reads a word of a translation table; undefined outside RAM. */
function readTable(m: Machine, address: number, bigEndian: boolean): number | undefined {
  if (address + 4 > m.ramSize) return undefined;
  const value = readTableWord(m, address);
  if (!bigEndian) return value;
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

/** Where stage 1's tables lie: an intermediate physical address when stage 2 is on. Undefined: stage 2 faults. */
function tableAddress(m: Machine, core: Core, address: number, stage2: boolean): number | undefined {
  if (!stage2) return address;
  if (!walkStage2(m, core, address)) {
    out.tableWalk = true;
    return undefined;
  }
  const mapped = out.physical;
  if (!(out.rights2 & READ) || (core.HCR & HCR_PTW && !out.normal)) {
    out.stage2 = true;
    out.tableWalk = true;
    out.ipa = address;
    fail(FAULT_PERMISSION | out.level2);
    return undefined;
  }
  return mapped;
}

/**
 * Translates an address and gives all that a TLB entry holds.
 * @param privileged whether the rights are those of PL1 (and PL2)
 * @param stage1Only give the intermediate physical address
 * @returns an object that the next call uses again
 */
export function walk(
  m: Machine,
  regime: Regime,
  address: number,
  privileged: boolean,
  stage1Only = false,
): Translation {
  const { core } = m;
  out.fault = 0;
  out.stage2 = false;
  out.tableWalk = false;
  out.domain = 0;
  out.ipa = 0;
  out.rights2 = READ | WRITE | EXECUTE;
  out.level2 = 0;
  out.notGlobal = false;
  out.nonSecure = regime !== 'secure';
  const stage2 = regime === 'non-secure' && hasStage2(core);
  const done = walkStage1(m, core, regime, address, privileged, stage2);
  if (!done || !stage2 || stage1Only) return out;
  const { normal, sizeLog2, physical: ipa, attributes, shareable } = out;
  if (!walkStage2(m, core, ipa)) return out;
  // The more shareable of both (B3.8.4).
  out.shareable ||= shareable;
  if (!normal) {
    // Strongly-ordered, 0, is stronger than Device.
    out.attributes = out.normal ? attributes : Math.min(attributes, out.attributes);
    out.normal = false;
  } else if (out.normal) out.attributes = combine(attributes, out.attributes);
  // Maintenance by address takes out what one descriptor of stage 1 maps.
  out.sizeLog2 = sizeLog2;
  out.ipa = ipa;
  return out;
}

/** Whether the running core's virtual addresses are physical ones: no table can change them. */
export function isFlat(m: Machine): boolean {
  const { core } = m;
  const regime = currentRegime(m);
  if (regime === 'hyp') return !(core.HSCTLR & SCTLR_M);
  if (regime === 'secure') return !(core.secure.SCTLR & SCTLR_M);
  return !(core.nonSecure.SCTLR & SCTLR_M) && !hasStage2(core);
}

/** Attributes of Normal memory in both stages: the weaker of the two, outer and inner (B3.8.4). */
function combine(stage1: number, stage2: number): number {
  return (weaker(stage1 >>> 4, stage2 >>> 4) << 4) | weaker(stage1 & 15, stage2 & 15);
}

function weaker(one: number, two: number): number {
  if (one === NON_CACHEABLE || two === NON_CACHEABLE) return NON_CACHEABLE;
  // Write-Through unless bit 2 is set; the allocation hints are stage 1's.
  return one & two & 4 ? one : one & ~4;
}

/**
 * What is wrong with an access that was walked for: a fault status (long format) or 0. Stage 1 is done with, rights
 * too, before stage 2 begins: then `stage2` is not set, whatever stage 2 found.
 */
export function faultOf(translation: Translation, right: number): number {
  const { fault, stage2, tableWalk, rights, rights2, level, level2 } = translation;
  if (fault && (!stage2 || tableWalk)) return fault;
  if (!(rights & right)) {
    translation.stage2 = false;
    return FAULT_PERMISSION | level;
  }
  if (fault) return fault;
  if (rights2 & right) return 0;
  translation.stage2 = true;
  return FAULT_PERMISSION | level2;
}

function flat(address: number, normal: boolean): true {
  out.physical = address;
  out.rights = READ | WRITE | EXECUTE;
  out.level = 1;
  out.normal = normal;
  out.attributes = normal ? 0xff : 0;
  out.shareable = false;
  out.sizeLog2 = 32;
  return true;
}

function walkStage1(
  m: Machine,
  core: Core,
  regime: Regime,
  address: number,
  privileged: boolean,
  stage2: boolean,
): boolean {
  if (regime === 'hyp') {
    if (!(core.HSCTLR & SCTLR_M)) return flat(address, false);
    const size = 32 - (core.HTCR & 7);
    return walkLong(m, core, 'hyp', address, true, false, core.HTTBR, core.HTTBR_HIGH, size, core.HSCTLR);
  }
  const bank = regime === 'secure' ? core.secure : core.nonSecure;
  const off = !(bank.SCTLR & SCTLR_M) || (regime === 'non-secure' && (core.HCR & HCR_DC) !== 0);
  if (off) return flat(address, regime === 'non-secure' && (core.HCR & HCR_DC) !== 0);
  if (!(bank.TTBCR & TTBCR_EAE)) return walkShort(m, core, bank, regime, address, privileged, stage2);

  const { TTBCR } = bank;
  const [t0, t1] = [TTBCR & 7, (TTBCR >>> 16) & 7];
  const inLow = t0 === 0 ? t1 === 0 || address < GIB4 - 2 ** (32 - t1) : address < 2 ** (32 - t0);
  if (inLow) {
    if (TTBCR & (1 << 7)) return fail(FAULT_TRANSLATION | 1);
    const { TTBR0, TTBR0_HIGH } = bank;
    return walkLong(m, core, regime, address, privileged, stage2, TTBR0, TTBR0_HIGH, 32 - t0, bank.SCTLR);
  }
  const inHigh = t1 === 0 ? t0 !== 0 : address >= GIB4 - 2 ** (32 - t1);
  if (!inHigh || TTBCR & (1 << 23)) return fail(FAULT_TRANSLATION | 1);
  const { TTBR1, TTBR1_HIGH } = bank;
  return walkLong(m, core, regime, address, privileged, stage2, TTBR1, TTBR1_HIGH, 32 - t1, bank.SCTLR);
}

/** Rights from AP<2:0> of short descriptors without the access flag (table B3-8). */
function shortRights(ap: number, privileged: boolean): number {
  switch (ap) {
    case 0b001:
      return privileged ? READ | WRITE : 0;
    case 0b010:
      return privileged ? READ | WRITE : READ;
    case 0b011:
      return READ | WRITE;
    case 0b101:
      return privileged ? READ : 0;
    case 0b110:
    case 0b111:
      return READ;
    default:
      return 0;
  }
}

/** Rights from AP<2:1>: bit 0 lets PL0 in, bit 1 takes writing away (tables B3-7 and B3-9). */
function simpleRights(ap: number, privileged: boolean): number {
  if (!privileged && !(ap & 1)) return 0;
  return ap & 2 ? READ : READ | WRITE;
}

function mayExecute(
  core: Core,
  regime: Regime,
  sctlr: number,
  rights: number,
  userWritable: boolean,
  privileged: boolean,
  neverPrivileged: boolean,
): boolean {
  if (!(rights & READ)) return false;
  if (rights & WRITE && sctlr & SCTLR_WXN) return false;
  if (regime === 'hyp') return true;
  if (privileged && (neverPrivileged || (userWritable && sctlr & SCTLR_UWXN))) return false;
  return !(regime === 'secure' && out.nonSecure && core.SCR & SCR_SIF);
}

/** Cache policies, inner or outer, of NMRR and of TEX, C and B, as MAIR writes them. */
const POLICIES = [0x4, 0xf, 0xa, 0xe] as const;

/** Normal memory or not, by TEX, C, B and S, remapped or not (B3.8.2, B3.8.3); and an attribute byte for it. */
function shortMemoryType(bank: SystemBank, tex: number, cb: number, s: number): void {
  // PRRR.NS0 and NS1 say what S is, bits 18 and 19.
  out.shareable = (bank.SCTLR & SCTLR_TRE ? (bank.MAIR0 >>> (18 + s)) & 1 : s) === 1;
  if (bank.SCTLR & SCTLR_TRE) {
    const index = ((tex & 1) << 2) | cb;
    const type = (bank.MAIR0 >>> (2 * index)) & 3;
    out.normal = type >= 2;
    const inner = POLICIES[(bank.MAIR1 >>> (2 * index)) & 3]!;
    const outer = POLICIES[(bank.MAIR1 >>> (16 + 2 * index)) & 3]!;
    out.attributes = out.normal ? (outer << 4) | inner : type === 1 ? 4 : 0;
    return;
  }
  const kind = (tex << 2) | cb;
  out.normal = !(kind === 0 || kind === 1 || kind === 0b01000);
  if (!out.normal) out.attributes = kind === 0 ? 0 : 4;
  else if (tex & 4) out.attributes = (POLICIES[tex & 3]! << 4) | POLICIES[cb]!;
  else if (tex === 1) out.attributes = cb === 0 ? 0x44 : 0xff;
  else out.attributes = cb === 2 ? 0xaa : 0xee;
}

/** What the interpreter has to know of memory types to walk by itself: L.MEMORY_TYPES. Only with SCTLR.TRE. */
export function memoryTypes(bank: SystemBank): number {
  let types = 0;
  for (let index = 0; index < 8; index++)
    for (const s of [0, 1]) {
      shortMemoryType(bank, index >>> 2, index & 3, s);
      if (out.normal) types |= 1 << (L.TYPES_NORMAL + index);
      if (isWriteBack(out)) types |= 1 << (L.TYPES_WRITE_BACK + index);
      if (out.shareable) types |= 1 << (L.TYPES_SHAREABLE + s);
    }
  return types;
}

/** The rights by AP<2:0>, two bits each: L.RIGHTS_USER and L.RIGHTS_PL1. */
export function packedRights(privileged: boolean): number {
  let rights = 0;
  for (let ap = 0; ap < 8; ap++) rights |= shortRights(ap, privileged) << (2 * ap);
  return rights;
}

/** Where a walk of stage 2 begins (B3.6.1). */
interface Stage2 {
  /** The first table; what an input address is shifted by to index it; the width of input addresses; its level. */
  readonly table: number;
  readonly shift: number;
  readonly size: number;
  readonly level: number;
}

/** How stage 2 begins, of a core's VTCR and VTTBR. */
export function stage2Of(core: Core): Stage2 {
  // T0SZ is a signed number of four bits.
  const size = 32 - ((core.VTCR << 28) >> 28);
  const level = (core.VTCR >>> 6) & 3 ? 1 : 2;
  const shift = SMALLEST + (3 - level) * LEVEL_BITS;
  const table = baseOf(core.VTTBR, core.VTTBR_HIGH) + (core.VTTBR & 0xff8);
  // UNPREDICTABLE where T0SZ wants another first level than SL0 (DDI 0406C, VTCR): a table of one entry.
  return { table: table - (table % POWERS[Math.max(0, size - shift + 3)]!), shift, size, level };
}

function walkShort(
  m: Machine,
  core: Core,
  bank: SystemBank,
  regime: Regime,
  address: number,
  privileged: boolean,
  stage2: boolean,
): boolean {
  const { TTBCR, SCTLR } = bank;
  const n = TTBCR & 7;
  const high = n !== 0 && address >>> (32 - n) !== 0;
  if (TTBCR & (high ? 1 << 5 : 1 << 4)) return fail(FAULT_TRANSLATION | 1);
  const width = high ? 0 : n;
  const base = high ? bank.TTBR1 : bank.TTBR0;
  const tableMask = ~(2 ** (14 - width) - 1);
  const big = (SCTLR & SCTLR_EE) !== 0;
  const index = ((address << width) >>> width) >>> 20;
  const at1 = tableAddress(m, core, ((base & tableMask) >>> 0) + index * 4, stage2);
  if (at1 === undefined) return false;
  const first = readTable(m, at1, big);
  if (first === undefined) return fail(FAULT_EXTERNAL_WALK | 1);

  let ap: number, tex: number, cb: number, s: number, neverExecute: boolean, neverPrivileged: boolean;
  const kind = first & 3;
  if (kind === 0) return fail(FAULT_TRANSLATION | 1);
  if (kind === 1) {
    out.domain = (first >>> 5) & 15;
    neverPrivileged = (first & 4) !== 0;
    const nonSecure = (first & 8) !== 0;
    const { domain } = out;
    const place = ((first & 0xfffffc00) >>> 0) + ((address >>> 12) & 0xff) * 4;
    const at2 = tableAddress(m, core, place, stage2);
    if (at2 === undefined) return false;
    const second = readTable(m, at2, big);
    out.domain = domain;
    if (second === undefined) return fail(FAULT_EXTERNAL_WALK | 2);
    if ((second & 3) === 0) return fail(FAULT_TRANSLATION | 2);
    out.level = 2;
    out.nonSecure = regime !== 'secure' || nonSecure;
    cb = (second >>> 2) & 3;
    s = (second >>> 10) & 1;
    ap = ((second >>> 4) & 3) | ((second >>> 7) & 4);
    out.notGlobal = (second & 0x800) !== 0;
    if (second & 2) {
      neverExecute = (second & 1) !== 0;
      tex = (second >>> 6) & 7;
      out.physical = ((second & 0xfffff000) | (address & 0xfff)) >>> 0;
      out.sizeLog2 = 12;
    } else {
      neverExecute = (second & 0x8000) !== 0;
      tex = (second >>> 12) & 7;
      out.physical = ((second & 0xffff0000) | (address & 0xffff)) >>> 0;
      out.sizeLog2 = 16;
    }
  } else {
    const isSuper = (first & (1 << 18)) !== 0;
    out.level = 1;
    out.domain = isSuper ? 0 : (first >>> 5) & 15;
    neverPrivileged = (first & 1) !== 0;
    neverExecute = (first & 0x10) !== 0;
    out.nonSecure = regime !== 'secure' || (first & (1 << 19)) !== 0;
    cb = (first >>> 2) & 3;
    tex = (first >>> 12) & 7;
    s = (first >>> 16) & 1;
    ap = ((first >>> 10) & 3) | ((first >>> 13) & 4);
    out.notGlobal = (first & (1 << 17)) !== 0;
    if (isSuper) {
      const upper = ((first >>> 20) & 15) + ((first >>> 5) & 15) * 16;
      out.physical = ((first & 0xff000000) >>> 0) + (address & 0xffffff) + upper * GIB4;
      out.sizeLog2 = 24;
    } else {
      out.physical = ((first & 0xfff00000) | (address & 0xfffff)) >>> 0;
      out.sizeLog2 = 20;
    }
  }
  shortMemoryType(bank, tex, cb, s);
  if (SCTLR & SCTLR_AFE && !(ap & 1)) return fail(FAULT_ACCESS_FLAG | out.level);

  const client = (bank.DACR >>> (2 * out.domain)) & 3;
  if (client === 0 || client === 2) return fail(FAULT_DOMAIN | out.level);
  if (client === 3) {
    out.rights = READ | WRITE | EXECUTE;
    return true;
  }
  const simple = (SCTLR & SCTLR_AFE) !== 0;
  const rights = simple ? simpleRights(ap >>> 1, privileged) : shortRights(ap, privileged);
  const usersRights = simple ? simpleRights(ap >>> 1, false) : shortRights(ap, false);
  const userWritable = (usersRights & WRITE) !== 0;
  const execute =
    !neverExecute && mayExecute(core, regime, SCTLR, rights, userWritable, privileged, neverPrivileged);
  out.rights = rights | (execute ? EXECUTE : 0);
  return true;
}

/** Of MemAttr<3:2> and <1:0>, as MAIR writes them: 1 Non-cacheable, 2 Write-Through, 3 Write-Back (table B3-32). */
const STAGE2_POLICIES = [0, 4, 0xa, 0xf] as const;

const SMALLEST = 12;
/** Powers of two: a walk is too often made for them to be calculated. */
const POWERS = Array.from({ length: 41 }, (_, n) => 2 ** n);
/** Bits that one level of long descriptors resolves. */
const LEVEL_BITS = 9;
const VALID = 1;
const TABLE = 2;
const ACCESS_FLAG = 1 << 10;
/** Bits in the upper word. */
const PXN = 1 << 21;
const XN = 1 << 22;
const PXN_TABLE = 1 << 27;
const XN_TABLE = 1 << 28;
const NS_TABLE = 1 << 31;

/** SH of a long descriptor: 2 or 3 are outer and inner (table B3-17). */
const isShareable = (low: number): boolean => ((low >>> 9) & 1) === 1;

/** The output address of a long descriptor: bits 39 to 12. */
const baseOf = (low: number, high: number): number => ((low & 0xfffff000) >>> 0) + (high & 0xff) * GIB4;

/** Stage 1 with long descriptors (B3.6); `size` is the width of the input addresses. */
function walkLong(
  m: Machine,
  core: Core,
  regime: Regime,
  address: number,
  privileged: boolean,
  stage2: boolean,
  baseLow: number,
  baseHigh: number,
  size: number,
  sctlr: number,
): boolean {
  // Addresses above 2^size are those of TTBR1, whose upper bits are all 1; in Hyp mode they fault.
  if (regime === 'hyp' && address >= POWERS[size]!) return fail(FAULT_TRANSLATION | 1);
  const inside = address % POWERS[size]!;
  let level = size > 30 ? 1 : 2;
  let shift = SMALLEST + (3 - level) * LEVEL_BITS;
  const topBits = size - shift;
  let table = baseOf(baseLow, baseHigh) + (baseLow & 0xff8);
  table -= table % POWERS[topBits + 3]!;
  const big = (sctlr & SCTLR_EE) !== 0;
  let [apTable, never, neverPrivileged] = [0, false, false];
  let nonSecure = regime !== 'secure';
  for (;;) {
    const index = Math.floor(inside / POWERS[shift]!) % POWERS[LEVEL_BITS]!;
    const at = tableAddress(m, core, table + index * 8, stage2);
    if (at === undefined) return false;
    let low = readTable(m, at, big);
    let high = readTable(m, at + 4, big);
    if (low === undefined || high === undefined) return fail(FAULT_EXTERNAL_WALK | level);
    if (big) [low, high] = [high, low];
    if (!(low & VALID) || (level === 3 && !(low & TABLE))) return fail(FAULT_TRANSLATION | level);
    if (level < 3 && low & TABLE) {
      apTable |= (high >>> 29) & 3;
      never ||= (high & XN_TABLE) !== 0;
      neverPrivileged ||= (high & PXN_TABLE) !== 0;
      nonSecure ||= (high & NS_TABLE) !== 0;
      table = baseOf(low, high);
      level++;
      shift -= LEVEL_BITS;
      continue;
    }
    const base = baseOf(low, high);
    out.physical = base - (base % POWERS[shift]!) + (address % POWERS[shift]!);
    out.sizeLog2 = shift;
    out.level = level;
    out.nonSecure = nonSecure || (low & 0x20) !== 0;
    out.notGlobal = regime !== 'hyp' && (low & 0x800) !== 0;
    const attributes = [core.HMAIR0, core.HMAIR1];
    const bank = regime === 'secure' ? core.secure : core.nonSecure;
    if (regime !== 'hyp') [attributes[0], attributes[1]] = [bank.MAIR0, bank.MAIR1];
    const attribute = (low >>> 2) & 7;
    out.attributes = (attributes[attribute >>> 2]! >>> (8 * (attribute & 3))) & 0xff;
    out.normal = out.attributes >>> 4 !== 0;
    out.shareable = isShareable(low);
    if (!(low & ACCESS_FLAG)) return fail(FAULT_ACCESS_FLAG | level);

    // APTable<0> keeps PL0 out, APTable<1> takes writing away.
    let ap = (low >>> 6) & 3;
    if (regime === 'hyp') ap |= 1;
    else if (apTable & 1) ap &= ~1;
    ap |= apTable & 2;
    const rights = simpleRights(ap, privileged);
    const userWritable = regime !== 'hyp' && (simpleRights(ap, false) & WRITE) !== 0;
    neverPrivileged ||= (high & PXN) !== 0;
    never ||= (high & XN) !== 0;
    const execute =
      !never && mayExecute(core, regime, sctlr, rights, userWritable, privileged, neverPrivileged);
    out.rights = rights | (execute ? EXECUTE : 0);
    return true;
  }
}

function failStage2(status: number): false {
  out.stage2 = true;
  return fail(status);
}

/** Stage 2 (B3.6.1): sets physical, rights2, level2, normal, sizeLog2; on a fault also ipa. */
function walkStage2(m: Machine, core: Core, ipa: number): boolean {
  out.ipa = ipa;
  const first = stage2Of(core);
  if (ipa >= POWERS[first.size]!) return failStage2(FAULT_TRANSLATION | 1);
  let { table, shift, level } = first;
  let index = Math.floor(ipa / POWERS[shift]!);
  const big = (core.HSCTLR & SCTLR_EE) !== 0;
  for (;;) {
    let low = readTable(m, table + index * 8, big);
    let high = readTable(m, table + index * 8 + 4, big);
    if (low === undefined || high === undefined) return failStage2(FAULT_EXTERNAL_WALK | level);
    if (big) [low, high] = [high, low];
    if (!(low & VALID) || (level === 3 && !(low & TABLE))) return failStage2(FAULT_TRANSLATION | level);
    if (level < 3 && low & TABLE) {
      table = baseOf(low, high);
      level++;
      shift -= LEVEL_BITS;
      index = Math.floor(ipa / POWERS[shift]!) % POWERS[LEVEL_BITS]!;
      continue;
    }
    out.level2 = level;
    if (!(low & ACCESS_FLAG)) return failStage2(FAULT_ACCESS_FLAG | level);
    const base = baseOf(low, high);
    out.physical = base - (base % POWERS[shift]!) + (ipa % POWERS[shift]!);
    out.sizeLog2 = shift;
    const attribute = (low >>> 2) & 15;
    out.normal = attribute >>> 2 !== 0;
    out.shareable = isShareable(low);
    out.attributes = out.normal
      ? (STAGE2_POLICIES[attribute >>> 2]! << 4) | STAGE2_POLICIES[attribute & 3]!
      : attribute === 0
        ? 0
        : 4;
    const access = (low >>> 6) & 3;
    out.rights2 = (access & 1 ? READ : 0) | (access & 2 ? WRITE : 0);
    if (access & 1 && !(high & XN)) out.rights2 |= EXECUTE;
    return true;
  }
}
