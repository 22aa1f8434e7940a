/** Memory accesses that the interpreter's fast path does not do: TLB misses, devices, faults, byte order. */
import { codeWritten } from './code-cache.js';
import type { Access } from './exceptions.js';
import { dataAbort, takeDataAbort, takePrefetchAbort } from './exceptions.js';
import { FAULT_ALIGNMENT, FAULT_DEBUG, FAULT_EXTERNAL } from './faults.js';
import { taken } from './instruction.js';
import * as L from './layout.js';
import type { Translation } from './mmu.js';
import { SCTLR_A } from './control-bits.js';
import { watchedByte } from './debug-events.js';
import { DATA_REFILL, INSTRUCTION_REFILL } from './event-kinds.js';
import { faultOf, currentRegime, EXECUTE, isWriteBack, READ, walk, WRITE } from './mmu.js';
import { isPrivileged } from './current-mode.js';
import { notRetired, tally, tallyAccess } from './performance-monitors.js';
import { readData, writeData } from './physical-memory.js';
import type { Machine, Watch } from './state.js';
import { runningView, setRegister, stopHere, word } from './state.js';
import { contextNumber, enter, lookup, lookupCode } from './tlb.js';
import { accessSyndrome } from './syndrome.js';

type Size = 1 | 2 | 4;

/** What the last failed translation was; valid until the next one. */
export interface Fault {
  status: number;
  found: Translation | undefined;
}
const fault: Fault = { status: 0, found: undefined };

function sctlrOf(m: Machine): number {
  const regime = currentRegime(m);
  if (regime === 'hyp') return m.core.HSCTLR;
  return regime === 'secure' ? m.core.secure.SCTLR : m.core.nonSecure.SCTLR;
}

function refuse(status: number, found: Translation | undefined): -1 {
  fault.status = status;
  fault.found = found;
  return -1;
}

/**
 * Translates an access that lies within one page, and fills the TLB.
 * @param strict whether it must be aligned in any case
 * @param privileged as PL1 or PL0; undefined for what the mode is
 * @returns the physical address, or -1; then `fault` says why
 */
function translate(
  m: Machine,
  address: number,
  size: number,
  write: boolean,
  strict: boolean,
  privileged?: boolean,
): number {
  const misaligned = address % size !== 0;
  const checked = (sctlrOf(m) & SCTLR_A) !== 0;
  if (misaligned && (strict || checked)) return refuse(FAULT_ALIGNMENT, undefined);
  const own = privileged === undefined || privileged === isPrivileged(m);
  if (own && !misaligned) {
    const known = lookup(m, address, write);
    if (known >= 0) return known;
  }
  const regime = currentRegime(m);
  const asPrivileged = privileged ?? isPrivileged(m);
  const found = walk(m, regime, address, asPrivileged);
  const refused = faultOf(found, write ? WRITE : READ);
  if (refused) return refuse(refused, found);
  if (misaligned && !found.normal) return refuse(FAULT_ALIGNMENT, undefined);
  if (found.physical >= 2 ** 32) return refuse(FAULT_EXTERNAL, found);
  enter(m, address, contextNumber(m, regime, asPrivileged), found, checked);
  tally(m, DATA_REFILL);
  return found.physical;
}

/**
 * Reads physical memory, little-endian. Outside RAM every address up to 4 GiB is the bus's, which answers always:
 * nothing there aborts, as on the board a block that is switched off reads as 0xdeadbeef (raspberrypi/linux 7639).
 * External aborts are only for what the bus cannot give: instructions and translation tables from outside RAM, and
 * anything above 4 GiB: those of writes come late (DDI 0464F 5.7.1, which names writes alone), those of reads at once.
 */
export function readPhysical(m: Machine, physical: number, size: Size): number {
  if (physical + size <= m.ramSize) return readData(m, physical, size);
  if (m.probing) m.steadyUntil = Math.min(m.steadyUntil, m.bus.steadyUntil?.(physical) ?? -Infinity);
  return m.bus.read(m.core.index, physical, size) >>> 0;
}

export function writePhysical(m: Machine, physical: number, size: Size, value: number): void {
  if (physical + size <= m.ramSize) {
    codeWritten(m, physical, size);
    writeData(m, physical, size, value);
  } else m.bus.write(m.core.index, physical, size, value >>> 0);
}

function swap(value: number, size: Size): number {
  if (size === 1) return value;
  if (size === 2) return ((value & 0xff) << 8) | ((value >>> 8) & 0xff);
  return ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;
}

const bigEndian = (m: Machine): boolean => (word(m, L.VARIANT) & L.VARIANT_E) !== 0;

/** What a failed access was; HSR's ISS<24:16> only where it may be asked for. */
function describeAccess(m: Machine, write: boolean): Access {
  const { found } = fault;
  if (!found?.stage2) return { write, syndrome: 0 };
  // To read the instruction may take a walk, which uses the object again.
  const kept = { ...found };
  const syndrome = accessSyndrome(m);
  Object.assign(found, kept);
  return { write, syndrome };
}

/** Address of the last fault. */
let faultAt = 0;

/** In place of a fault's status: who looks on ends the run before the instruction. */
const ENDS_RUN = -1;

/** An access may reach into the next page. */
const wantsAccess = ({ wantsAccesses }: Watch, address: number, size: number): boolean =>
  wantsAccesses !== undefined && (wantsAccesses(address) || wantsAccesses((address + size - 1) >>> 0));

/**
 * Whether a watchpoint's event is at an access that may be made otherwise; then it is the fault. Who looks on from outside
 * sees the access first.
 */
function isWatched(m: Machine, address: number, size: number, write: boolean, privileged?: boolean): boolean {
  const { watch } = m;
  if (watch?.access && wantsAccess(watch, address, size)) {
    const next = word(m, L.PC);
    setRegister(m, 15, m.address);
    if (watch.access(runningView(m), address, size, write)) {
      refuse(ENDS_RUN, undefined);
      return true;
    }
    setRegister(m, 15, next);
  }
  if (m.core.watched === '') return false;
  const at = watchedByte(m, address, size, write, privileged ?? isPrivileged(m));
  if (at < 0) return false;
  refuse(FAULT_DEBUG, undefined);
  faultAt = at;
  return true;
}

/** Little-endian read at a virtual address; undefined when it faults, with the address of the fault in faultAt. */
function load(
  m: Machine,
  address: number,
  size: Size,
  strict: boolean,
  privileged?: boolean,
): number | undefined {
  const inPage = 0x1000 - (address & 0xfff);
  if (size <= inPage) {
    const physical = translate(m, address, size, false, strict, privileged);
    faultAt = address;
    if (physical < 0 || isWatched(m, address, size, false, privileged)) return undefined;
    if (m.core.countsAccesses) tallyAccess(m, address, size);
    return readPhysical(m, physical, size);
  }
  // Across two pages: never aligned, so alignment is checked on the whole access.
  if (strict || sctlrOf(m) & SCTLR_A) {
    refuse(FAULT_ALIGNMENT, undefined);
    faultAt = address;
    return undefined;
  }
  let value = 0;
  for (let i = 0; i < size; i++) {
    const at = (address + i) >>> 0;
    const physical = translate(m, at, 1, false, false, privileged);
    if (physical < 0) {
      faultAt = at;
      return undefined;
    }
    value += readPhysical(m, physical, 1) * 2 ** (8 * i);
  }
  if (isWatched(m, address, size, false, privileged)) return undefined;
  if (m.core.countsAccesses) tallyAccess(m, address, size);
  return value;
}

function store(
  m: Machine,
  address: number,
  size: Size,
  value: number,
  strict: boolean,
  privileged?: boolean,
): boolean {
  const inPage = 0x1000 - (address & 0xfff);
  faultAt = address;
  if (size <= inPage) {
    const physical = translate(m, address, size, true, strict, privileged);
    if (physical < 0 || isWatched(m, address, size, true, privileged)) return false;
    if (m.core.countsAccesses) tallyAccess(m, address, size);
    writePhysical(m, physical, size, value);
    return true;
  }
  if (strict || sctlrOf(m) & SCTLR_A) {
    refuse(FAULT_ALIGNMENT, undefined);
    return false;
  }
  const places: number[] = [];
  for (let i = 0; i < size; i++) {
    faultAt = (address + i) >>> 0;
    const physical = translate(m, faultAt, 1, true, false, privileged);
    if (physical < 0) return false;
    places.push(physical);
  }
  if (isWatched(m, address, size, true, privileged)) return false;
  if (m.core.countsAccesses) tallyAccess(m, address, size);
  places.forEach((physical, i) => {
    writePhysical(m, physical, 1, (value >>> (8 * i)) & 0xff);
  });
  return true;
}

/**
 * A store that nothing outside takes, for its address is above 4 GiB. To the core it is over: an asynchronous abort
 * comes, none for write-back memory (DDI 0464F 5.7.1). So that the abort has its place among the instructions to the
 * one, this one is executed again first, by itself.
 * @returns undefined where it is no such store
 */
function lostStore(m: Machine): 'again' | 'over' | undefined {
  const { core } = m;
  const { found } = fault;
  if (fault.status !== FAULT_EXTERNAL || !found || found.physical < 2 ** 32) return undefined;
  if (isWriteBack(found)) return 'over';
  if (!core.alone) {
    core.alone = true;
    notRetired(m);
    return 'again';
  }
  m.onLostStore();
  return 'over';
}

/** Ends the run before the instruction, where it is not for a fault that it is not made. */
function endsRun(m: Machine): boolean {
  if (fault.status !== ENDS_RUN) return false;
  stopHere(m);
  // It is counted with those that are executed, and comes again.
  m.i32[L.BUDGET >>> 2]!++;
  return true;
}

/** Takes the Data Abort for an access of a slow instruction that was not made. */
function abortAccess(m: Machine, access: Access): never {
  if (endsRun(m)) throw taken;
  dataAbort(m, faultAt, fault.status, fault.found, access);
}

/** The interpreter's load: the value, or an exception taken and LEAVE set. `kind` is the size, with STRICT. */
export function interpreterLoad(m: Machine, address: number, kind: number): number {
  const value = load(m, address, (kind & 0xff) as Size, (kind & L.STRICT) !== 0);
  if (value !== undefined) return value;
  if (!endsRun(m)) takeDataAbort(m, faultAt, fault.status, fault.found, describeAccess(m, false));
  m.u32[L.LEAVE >>> 2] = 1;
  return 0;
}

export function interpreterStore(m: Machine, address: number, kind: number, value: number): void {
  if (store(m, address, (kind & 0xff) as Size, value, (kind & L.STRICT) !== 0)) return;
  const lost = lostStore(m);
  if (lost === 'over') return;
  if (lost) setRegister(m, 15, m.address);
  else if (!endsRun(m)) takeDataAbort(m, faultAt, fault.status, fault.found, describeAccess(m, true));
  m.u32[L.LEAVE >>> 2] = 1;
}

/** How a slow instruction accesses memory. */
export interface How {
  readonly strict?: boolean;
  /** As PL0, for LDRT and its like. */
  readonly unprivileged?: boolean;
}
const plain: How = {};

/** Reads at a virtual address in the current byte order, for slow instructions. A fault ends the instruction. */
export function readMemory(m: Machine, address: number, size: Size, how = plain): number {
  const value = load(m, address >>> 0, size, how.strict ?? false, how.unprivileged ? false : undefined);
  if (value === undefined) abortAccess(m, describeAccess(m, false));
  return bigEndian(m) ? swap(value, size) : value;
}

export function writeMemory(m: Machine, address: number, size: Size, value: number, how = plain): void {
  const bytes = bigEndian(m) ? swap(value, size) : value;
  if (store(m, address >>> 0, size, bytes, how.strict ?? false, how.unprivileged ? false : undefined)) return;
  const lost = lostStore(m);
  if (lost === 'over') return;
  if (!lost) abortAccess(m, describeAccess(m, true));
  setRegister(m, 15, m.address);
  m.leave = true;
  throw taken;
}

/**
 * Physical address of an access that must be aligned, for exclusives. A fault ends the instruction; so does a
 * watchpoint, whether the monitor lets a STREX store or not (as DDI 0500 10.9.1 has it for a Cortex-A53).
 */
export function physicalOf(m: Machine, address: number, size: number, write: boolean): number {
  faultAt = address >>> 0;
  const physical = translate(m, faultAt, size, write, true);
  if (physical < 0 || isWatched(m, faultAt, size, write)) abortAccess(m, { write });
  return physical;
}

/** Ends the instruction where a watchpoint is at an access that needs no translation here. */
export function checkWatchpoints(m: Machine, address: number, size: number, write: boolean): void {
  if (isWatched(m, address, size, write)) abortAccess(m, { write });
}

/**
 * Physical address of an instruction; -1 after a Prefetch Abort was taken.
 * @param instruction where the instruction starts, where `address` is its second half
 */
export function fetchAddress(m: Machine, address: number, instruction = address): number {
  const known = lookupCode(m, address);
  if (known >= 0) return known;
  const regime = currentRegime(m);
  const found = walk(m, regime, address, isPrivileged(m));
  const status = faultOf(found, EXECUTE) || (found.physical >= m.ramSize ? FAULT_EXTERNAL : 0);
  if (status) {
    m.address = instruction;
    takePrefetchAbort(m, address, status, found);
    return -1;
  }
  enter(m, address, word(m, L.CONTEXT) >>> 2, found, (sctlrOf(m) & SCTLR_A) !== 0);
  tally(m, INSTRUCTION_REFILL);
  return found.physical;
}
