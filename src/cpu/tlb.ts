/**
 * The TLB that the interpreter looks into, and its maintenance. Entries carry the number of a translation context:
 * one for each core and each combination of regime, privilege, ASID, VMID and of what else decides a translation
 * without software having to invalidate anything (SCTLR, TTBCR, DACR, HCR), and what watchpoints, counters and ACTLR.SMP
 * make of it.
 */
import { MODE_HYP, MODE_USR } from '../isa/program-status.js';
import * as L from './layout.js';
import type { Regime, Translation } from './mmu.js';
import {
  ACTLR_SMP,
  HCR_DC,
  HCR_PTW,
  HCR_VM,
  SCR_NS,
  SCTLR_A,
  SCTLR_AFE,
  SCTLR_EE,
  SCTLR_M,
  SCTLR_TRE,
  SCTLR_UWXN,
  SCTLR_WXN,
  TTBCR_EAE,
} from './control-bits.js';
import { watchesPage } from './debug-events.js';
import { currentVmid, EXECUTE, isForExclusives, READ, WRITE } from './mmu.js';
import { isSecure, modeOf } from './current-mode.js';
import { fastAddend, mayBeWritten } from './physical-memory.js';
import type { Core, Machine } from './state.js';
import { setWord, word } from './state.js';

/** What a context number stands for. */
interface Context {
  readonly core: number;
  readonly regime: Regime;
  readonly asid: number;
  readonly vmid: number;
}

/** The contexts in use, by number, and their numbers by what decides them. */
export class Contexts {
  readonly list: Context[] = [];
  readonly numbers = new Map<string, number>();
}

const contextsOf = new WeakMap<Machine, Contexts>();

function contexts(m: Machine): Contexts {
  let found = contextsOf.get(m);
  if (!found) contextsOf.set(m, (found = new Contexts()));
  return found;
}

const SCTLR_BITS = SCTLR_M | SCTLR_A | SCTLR_AFE | SCTLR_EE | SCTLR_TRE | SCTLR_UWXN | SCTLR_WXN;

/** The current ASID of a regime: from CONTEXTIDR, or from one of the 64-bit TTBRs. */
export function currentAsid(core: Core, regime: Regime): number {
  if (regime === 'hyp') return 0;
  const bank = regime === 'secure' ? core.secure : core.nonSecure;
  if (!(bank.TTBCR & TTBCR_EAE)) return bank.CONTEXTIDR & 0xff;
  const high = bank.TTBCR & (1 << 22) ? bank.TTBR1_HIGH : bank.TTBR0_HIGH;
  return (high >>> 16) & 0xff;
}

function describe(core: Core, regime: Regime, privileged: boolean): string {
  const looked = `${core.ACTLR & ACTLR_SMP} ${core.countsAccesses}`;
  if (regime === 'hyp') return `${core.index} hyp ${core.HSCTLR & SCTLR_BITS} ${core.HTCR} ${looked}`;
  const bank = regime === 'secure' ? core.secure : core.nonSecure;
  const common = `${core.index} ${regime} ${privileged} ${bank.SCTLR & SCTLR_BITS} ${core.watched} ${looked}`;
  const stage2 =
    regime === 'secure' ? core.SCR & 0x200 : `${core.HCR & (HCR_VM | HCR_DC | HCR_PTW)} ${currentVmid(core)}`;
  if (!(bank.SCTLR & SCTLR_M)) return `${common} off ${stage2}`;
  const domains = bank.TTBCR & TTBCR_EAE ? '' : bank.DACR;
  return `${common} ${bank.TTBCR} ${domains} ${currentAsid(core, regime)} ${stage2}`;
}

const SLOTS = 5;
const HYP_SLOT = 4;
/** Which of a core's contexts User mode's is, by the security state; PL1's follows. Hyp mode's is the last. */
const firstSlot = (nonSecure: boolean): number => (nonSecure ? 2 : 0);
/** The same of both contexts of a value of DACR. */
const UNKNOWN_CONTEXTS = 0xffffffff;

const contextsOfCore = (core: Core): number => L.CORE_CONTEXTS + core.index * L.CORE_CONTEXTS_SIZE;

/** Where a core's contexts of a security state stand: User mode's, then PL1's. */
export const contextsAt = (core: Core, nonSecure: boolean): number =>
  contextsOfCore(core) + 2 * firstSlot(nonSecure);

/** Where stands what is known of values of a bank's DACR. */
export const domainsAt = (core: Core, nonSecure: boolean): number =>
  contextsOfCore(core) + L.CORE_DOMAINS + (nonSecure ? L.CORE_DOMAINS_SIZE : 0);

const slotAt = (core: Core, slot: number): number => (contextsOfCore(core) >>> 1) + slot;

const DOMAINS_END = L.DOMAINS * L.DOMAINS_SIZE;

/** Has all of a core's contexts be looked up again. */
function forgetContexts({ u16, u32 }: Machine, core: Core): void {
  const first = slotAt(core, 0);
  u16.fill(L.UNKNOWN_CONTEXT, first, first + SLOTS);
  for (const nonSecure of [false, true]) {
    const domains = domainsAt(core, nonSecure);
    for (let at = domains; at < domains + DOMAINS_END; at += L.DOMAINS_SIZE)
      u32[(at + L.DOMAINS_USER) >>> 2] = UNKNOWN_CONTEXTS;
  }
}

/** Address of what is known of a bank's DACR as it is; 0 where that is nothing. */
function knownDomains({ u32, core }: Machine, nonSecure: boolean): number {
  const { DACR } = nonSecure ? core.nonSecure : core.secure;
  const domains = domainsAt(core, nonSecure);
  for (let at = domains; at < domains + DOMAINS_END; at += L.DOMAINS_SIZE)
    if (u32[at >>> 2] === DACR && u32[(at + L.DOMAINS_USER) >>> 2] !== UNKNOWN_CONTEXTS) return at;
  return 0;
}

/** Keeps a context with the value of DACR that it is for, for the interpreter to find. */
function keepDomains(m: Machine, nonSecure: boolean, privileged: boolean, number: number): void {
  const { u16, u32, core } = m;
  let at = knownDomains(m, nonSecure);
  if (at === 0) {
    const next = (domainsAt(core, nonSecure) + L.DOMAINS_NEXT) >>> 2;
    const entry = u32[next]!;
    u32[next] = (entry + 1) % L.DOMAINS;
    at = domainsAt(core, nonSecure) + entry * L.DOMAINS_SIZE;
    u32[at >>> 2] = (nonSecure ? core.nonSecure : core.secure).DACR;
    u32[(at + L.DOMAINS_USER) >>> 2] = UNKNOWN_CONTEXTS;
  }
  u16[(at + (privileged ? L.DOMAINS_PL1 : L.DOMAINS_USER)) >>> 1] = number;
}

/** Finds the number of a context of the running core, or makes one. */
export function contextNumber(m: Machine, regime: Regime, privileged: boolean): number {
  const { core } = m;
  const nonSecure = regime !== 'secure';
  const slot = regime === 'hyp' ? HYP_SLOT : firstSlot(nonSecure) + (privileged ? 1 : 0);
  const at = slotAt(core, slot);
  const known = m.u16[at]!;
  if (known !== L.UNKNOWN_CONTEXT) return known;
  const { list, numbers } = contexts(m);
  const key = describe(core, regime, privileged);
  let number = numbers.get(key);
  if (number === undefined) {
    if (list.length === L.CONTEXTS) {
      flushTlb(m);
      // The one that is in use has another number now, unless it is the one that is looked for.
      if (slot !== currentSlot(m)) updateContext(m);
    }
    number = list.length;
    numbers.set(key, number);
    list.push({
      core: core.index,
      regime,
      asid: currentAsid(core, regime),
      vmid: regime === 'non-secure' ? currentVmid(core) : 0,
    });
  }
  m.u16[at] = number;
  if (regime !== 'hyp') keepDomains(m, nonSecure, privileged, number);
  return number;
}

function currentSlot(m: Machine): number {
  const mode = modeOf(m);
  return mode === MODE_HYP ? HYP_SLOT : firstSlot(!isSecure(m)) + (mode === MODE_USR ? 0 : 1);
}

/** Has the running core use the context of its mode and registers. */
export function updateContext(m: Machine): void {
  const mode = modeOf(m);
  const regime = mode === MODE_HYP ? 'hyp' : isSecure(m) ? 'secure' : 'non-secure';
  setWord(m, L.CONTEXT, contextNumber(m, regime, mode !== MODE_USR) << 2);
}

/** To be called when a register that decides translations was written. */
export function contextsChanged(m: Machine): void {
  forgetContexts(m, m.core);
  updateContext(m);
}

/** To be called when DACR was written, of the bank that SCR.NS chooses: what is known of another value of it stays. */
export function domainsChanged(m: Machine): void {
  const nonSecure = (m.core.SCR & SCR_NS) !== 0;
  const known = knownDomains(m, nonSecure);
  m.u32[contextsAt(m.core, nonSecure) >>> 2] =
    known === 0 ? UNKNOWN_CONTEXTS : m.u32[(known + L.DOMAINS_USER) >>> 2]!;
  updateContext(m);
}

/** Forgets every entry and every context. */
export function flushTlb(m: Machine): void {
  const { list, numbers } = contexts(m);
  m.forgotten++;
  list.length = 0;
  numbers.clear();
  m.u8.fill(0, L.LARGE, L.LARGE_END);
  m.u32.fill(L.NO_KEY, L.TLB >>> 2, (L.TLB + L.TLB_ENTRIES * L.TLB_ENTRY_SIZE) >>> 2);
  for (const core of m.cores) forgetContexts(m, core);
  setWord(m, L.CONTEXT_USER, L.NO_CONTEXT);
  setWord(m, L.CONTEXT_PL1, L.NO_CONTEXT);
}

/** Address of the entry for a virtual address, in words. */
function entryAt(address: number, context: number): number {
  // CONTEXT is the number, shifted left by 2.
  const place = (address >>> L.TLB_ADDRESS_SHIFT) ^ (context << (2 + L.TLB_CONTEXT_SHIFT));
  return (L.TLB + (place & L.TLB_PLACE_MASK)) >>> 2;
}

const [READ_AT, WRITE_AT, EXECUTE_AT] = [L.TLB_READ >>> 2, L.TLB_WRITE >>> 2, L.TLB_EXECUTE >>> 2];
const [ADDEND_AT, PHYSICAL_AT, FLAGS_AT] = [L.TLB_ADDEND >>> 2, L.TLB_PHYSICAL >>> 2, L.TLB_FLAGS >>> 2];
const DATA_AT = L.TLB_DATA >>> 2;

/** Whether any instructions were decoded from a physical page. */
export function hasCode(m: Machine, physical: number): boolean {
  const at = (L.PAGE_DIRECTORY + (physical >>> 12) * L.PAGE_DIRECTORY_ENTRY) >>> 2;
  for (let i = 0; i < L.PAGE_DIRECTORY_ENTRY >>> 2; i++) if (m.u32[at + i] !== 0) return true;
  return false;
}

/** Enters what a walk found. `aligned`: unaligned accesses fault even in Normal memory (SCTLR.A). */
export function enter(
  m: Machine,
  address: number,
  context: number,
  found: Translation,
  aligned: boolean,
): void {
  const { u32 } = m;
  const at = entryAt(address, context);
  const key = ((address & 0xfffff000) | (context << 2)) >>> 0;
  const physical = found.physical - (found.physical % 0x1000);
  // Only what is RAM, and where nobody looks, is for the interpreter to access by itself.
  const isRam = physical < m.ramSize;
  const isLookedAt = watchesPage(m, address) || m.watch?.wantsAccesses?.(address) === true;
  const isOwn = !m.core.countsAccesses && !isLookedAt;
  const isFast = isRam && isOwn;
  const rights = found.rights & found.rights2;
  u32[at + READ_AT] = rights & READ ? (isFast ? key : key | L.SLOW) : L.NO_KEY;
  u32[at + WRITE_AT] = rights & WRITE ? (isFast && !hasCode(m, physical) ? key : key | L.SLOW) : L.NO_KEY;
  u32[at + EXECUTE_AT] = rights & EXECUTE && isRam ? key : L.NO_KEY;
  if (rights & WRITE && isRam) mayBeWritten(m, physical);
  if (found.sizeLog2 > 12) m.u8[L.LARGE + (address >>> 20)] = 1;
  u32[at + ADDEND_AT] = fastAddend((address & 0xfffff000) >>> 0, physical);
  u32[at + PHYSICAL_AT] = physical;
  u32[at + DATA_AT] = isOwn ? (m.dataBuffers.get(physical) ?? 0) : 0;
  u32[at + FLAGS_AT] =
    (isFast ? L.TLB_IS_RAM : 0) |
    (isFast && found.normal && !aligned ? L.TLB_UNALIGNED : 0) |
    (found.sizeLog2 > 12 ? L.TLB_LARGE : 0) |
    (found.notGlobal ? L.TLB_NOT_GLOBAL : 0) |
    (m.core.ACTLR & ACTLR_SMP && isForExclusives(found) ? L.TLB_EXCLUSIVES : 0) |
    (found.sizeLog2 << L.TLB_SIZE_SHIFT);
}

/** Whether the TLB knows that exclusives at an address work on every board. */
export function isForExclusivesHere(m: Machine, address: number): boolean {
  return (m.u32[entryAt(address, word(m, L.CONTEXT) >>> 2) + FLAGS_AT]! & L.TLB_EXCLUSIVES) !== 0;
}

/**
 * Physical address of a virtual one if the TLB knows that the access is allowed; -1 if it does not know.
 * Physical addresses above 4 GiB are never entered.
 */
export function lookup(m: Machine, address: number, write: boolean): number {
  const context = word(m, L.CONTEXT) >>> 2;
  const at = entryAt(address, context);
  const key = m.u32[at + (write ? WRITE_AT : READ_AT)]!;
  if ((key & ~L.SLOW) >>> 0 !== ((address & 0xfffff000) | (context << 2)) >>> 0) return -1;
  return m.u32[at + PHYSICAL_AT]! + (address & 0xfff);
}

/** Physical address of a virtual one that the interpreter writes by itself, as far as the TLB knows; -1 otherwise. */
export function lookupOwnWrite(m: Machine, address: number): number {
  const context = word(m, L.CONTEXT) >>> 2;
  const at = entryAt(address, context);
  if (m.u32[at + WRITE_AT] !== ((address & 0xfffff000) | (context << 2)) >>> 0) return -1;
  return m.u32[at + PHYSICAL_AT]! + (address & 0xfff);
}

/** Address in the memory of the instruction at a virtual address if the TLB knows it; -1 if not. */
export function lookupCode(m: Machine, address: number, context = word(m, L.CONTEXT) >>> 2): number {
  const at = entryAt(address, context);
  if (m.u32[at + EXECUTE_AT] !== ((address & 0xfffff000) | (context << 2)) >>> 0) return -1;
  return m.u32[at + PHYSICAL_AT]! + (address & 0xfff);
}

/** A translation as it stands in the TLB. */
export interface Entry {
  /** Place of the key, in words, and what stands there. */
  readonly at: number;
  readonly key: number;
  /** Place of the page's physical address. */
  readonly pageAt: number;
  readonly physical: number;
}

/** The translation that the running core would use for an access to an address; undefined where it would make one. */
export function entryFor(m: Machine, address: number, access: 'read' | 'execute'): Entry | undefined {
  const physical = access === 'read' ? lookup(m, address, false) : lookupCode(m, address);
  if (physical < 0) return undefined;
  const entry = entryAt(address, word(m, L.CONTEXT) >>> 2);
  const at = entry + (access === 'read' ? READ_AT : EXECUTE_AT);
  return { at, key: m.u32[at]!, pageAt: entry + PHYSICAL_AT, physical };
}

/** Whether a translation still stands in the TLB. Numbers of contexts must not have been given anew since. */
export function holds({ u32 }: Machine, { at, key, pageAt, physical }: Entry): boolean {
  return u32[at] === key && u32[pageAt] === physical - (physical % 0x1000);
}

/** Has stores to a physical page looked at from now on, or no more, in every entry. */
export function watchWrites(m: Machine, physical: number, watch: boolean): void {
  const { u32 } = m;
  const end = (L.TLB + L.TLB_ENTRIES * L.TLB_ENTRY_SIZE) >>> 2;
  for (let at = L.TLB >>> 2; at < end; at += L.TLB_ENTRY_SIZE >>> 2) {
    if (u32[at + PHYSICAL_AT] !== physical || u32[at + WRITE_AT] === L.NO_KEY) continue;
    // One where somebody looks stays as it is.
    if (!(u32[at + FLAGS_AT]! & L.TLB_IS_RAM)) continue;
    u32[at + WRITE_AT] = watch ? u32[at + WRITE_AT]! | L.SLOW : u32[at + WRITE_AT]! & ~L.SLOW;
  }
}

/** Which entries a maintenance operation takes out. */
export interface Invalidation {
  /** One core, or all. */
  readonly core: number | undefined;
  readonly regime: Regime;
  /** Only this VMID's, of the Non-secure PL1&0 regime. */
  readonly vmid: number | undefined;
  /** Only this ASID's; of an address the global ones, too. */
  readonly asid: number | undefined;
  /** Only those that translate this address. */
  readonly address: number | undefined;
}

const isNamed = (context: Context, which: Invalidation): boolean =>
  (which.core === undefined || context.core === which.core) &&
  context.regime === which.regime &&
  (which.vmid === undefined || context.vmid === which.vmid);

/** Takes entries out of the TLB (B3.10.5). */
export function invalidate(m: Machine, which: Invalidation): void {
  const { list, numbers } = contexts(m);
  const { address } = which;
  if (address !== undefined && m.u8[L.LARGE + (address >>> 20)] === 0) {
    // Nothing but single pages there: each context can have it in one place only.
    for (const number of numbers.values()) {
      const context = list[number]!;
      if (isNamed(context, which)) invalidateEntry(m, entryAt(address, number), number, context, which);
    }
    return;
  }
  // Otherwise nobody looks for what is there any more: the contexts get other numbers. More than what is named may go.
  const byAsid = address === undefined ? which.asid : undefined;
  for (const [key, number] of numbers) {
    const context = list[number]!;
    if (isNamed(context, which) && (byAsid === undefined || context.asid === byAsid)) numbers.delete(key);
  }
  m.forgotten++;
  for (const core of m.cores)
    if (which.core === undefined || core.index === which.core) forgetContexts(m, core);
  updateContext(m);
}

/** Any key of an entry; NO_KEY where it is empty. */
function keyOf({ u32 }: Machine, at: number): number {
  if (u32[at + READ_AT] !== L.NO_KEY) return u32[at + READ_AT]!;
  return u32[at + EXECUTE_AT] !== L.NO_KEY ? u32[at + EXECUTE_AT]! : u32[at + WRITE_AT]!;
}

/** Takes an entry out if it is of the context and what the operation names. */
function invalidateEntry(
  m: Machine,
  at: number,
  number: number,
  context: Context,
  { asid, address }: Invalidation,
): void {
  const key = keyOf(m, at);
  if (key === L.NO_KEY || ((key >>> 2) & (L.CONTEXTS - 1)) !== number) return;
  const flags = m.u32[at + FLAGS_AT]!;
  if (asid !== undefined) {
    const global = (flags & L.TLB_NOT_GLOBAL) === 0;
    if (global ? address === undefined : context.asid !== asid) return;
  }
  if (address !== undefined) {
    const size = 2 ** (flags >>> L.TLB_SIZE_SHIFT);
    if (Math.floor(key / size) !== Math.floor(address / size)) return;
  }
  m.u32.fill(L.NO_KEY, at, at + 3);
}
