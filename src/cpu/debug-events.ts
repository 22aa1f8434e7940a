/**
 * Software debug events of Monitor debug-mode (DDI 0406C, chapter C3): breakpoints, watchpoints and vector catch, and
 * what the registers make of them. Nothing halts here: there is no debugger at the pins. DBGEN and SPIDEN are HIGH, so
 * debug events are permitted in both security states, and in all modes but Hyp mode (C2.4, C3.1).
 */
import { bitsOf, maskOf } from '../isa/bits.js';
import {
  BREAKPOINTS,
  BT,
  DBGBCR,
  DBGWCR,
  FIRST_CONTEXT_BREAKPOINT,
  MOE,
  WATCHPOINTS,
} from '../isa/debug-points.js';
import { MODE_HYP, MODE_SVC, MODE_SYS, MODE_USR } from '../isa/program-status.js';
import { DBGDSCR, DBGOSDLR, DBGPRCR } from '../isa/system-registers.js';
import { HCR_TGE, HDCR_TDE, HIGH_VECTORS, SCTLR_V } from './control-bits.js';
import { isPrivileged, isSecure, modeOf } from './current-mode.js';
import { currentVmid } from './mmu.js';
import type { Core, Machine } from './state.js';

const E = maskOf(DBGBCR, 'E');
/** The lowest bit of BT: linked to another. */
const LINKED = 1;
const PAGE_BITS = 12;
const MDBGEN = maskOf(DBGDSCR, 'MDBGen');
const DLK = maskOf(DBGOSDLR, 'DLK');
const CORENPDRQ = maskOf(DBGPRCR, 'CORENPDRQ');

/** DBGVCR's bits by the vector's number, from these bits on; the ones that there are (C11.11.33). */
const SECURE_VECTORS = { shift: 0, mask: 0xde };
const MONITOR_VECTORS = { shift: 8, mask: 0xdc };
const NON_SECURE_VECTORS = { shift: 24, mask: 0xde };
/** The vectors of Prefetch Abort and Data Abort. */
const ABORT_VECTORS = (1 << 3) | (1 << 4);

/** Whether debug events are taken at all: Monitor debug-mode is on, and neither OS lock holds them back. */
function isOn({ DBGDSCR, DBGOSDLR, DBGPRCR, osLock }: Core): boolean {
  const doubleLocked = (DBGOSDLR & DLK) !== 0 && (DBGPRCR & CORENPDRQ) === 0;
  return (DBGDSCR & MDBGEN) !== 0 && !osLock && !doubleLocked;
}

const ALWAYS_COMPARED: ReadonlySet<number> = new Set([
  ...[BT.MISMATCH, BT.LINKED_MISMATCH, BT.CONTEXT, BT.VMID, BT.VMID_AND_CONTEXT],
]);

/** Whether a breakpoint, where it is enabled, has to be compared at every instruction: others are by address. */
function comparesAlways(control: number): boolean {
  return ALWAYS_COMPARED.has(bitsOf(DBGBCR, 'BT', control));
}

/** The places in a page of the vectors that DBGVCR names, wherever a core may have its vectors. */
function caughtVectors({ DBGVCR, MVBAR, secure, nonSecure }: Core): number[] {
  const bases = [
    { ...SECURE_VECTORS, base: secure.VBAR },
    { ...SECURE_VECTORS, base: HIGH_VECTORS },
    { ...NON_SECURE_VECTORS, base: nonSecure.VBAR },
    { ...NON_SECURE_VECTORS, base: HIGH_VECTORS },
    { ...MONITOR_VECTORS, base: MVBAR },
  ];
  return bases.flatMap(({ shift, mask, base }) =>
    Array.from({ length: 8 }, (_, i) => i)
      .filter((i) => (((DBGVCR >>> shift) & mask) >>> i) & 1)
      .map((i) => (base & 0xfe0) + 4 * i),
  );
}

/**
 * Looks through a core's debug registers: to be called when one of them was written, or a base of its vectors.
 * What is looked at while it runs is in `breakOffsets`, `comparesAll` and `watched`.
 */
export function lookForDebugPoints(core: Core): void {
  const on = isOn(core);
  const enabled = [...core.DBGBCR].map((control) => on && (control & E) !== 0);
  core.comparesAll = core.DBGBCR.some((control, n) => enabled[n]! && comparesAlways(control));
  core.breakOffsets = [...core.DBGBCR].flatMap((control, n) => {
    const type = bitsOf(DBGBCR, 'BT', control);
    if (!enabled[n] || (type !== BT.ADDRESS && type !== BT.LINKED_ADDRESS)) return [];
    const bytes = bitsOf(DBGBCR, 'BAS', control);
    return [0, 2].filter((i) => (bytes >>> i) & 1).map((i) => (core.DBGBVR[n]! & 0xffc) + i);
  });
  if (on) core.breakOffsets.push(...caughtVectors(core));
  core.watched = '';
  for (let n = 0; on && n < WATCHPOINTS; n++)
    if (core.DBGWCR[n]! & E) core.watched += `${core.DBGWVR[n]!} ${core.DBGWCR[n]!} `;
}

/** Whether an exception for a debug event of the running core goes to Hyp mode (B1.8.9). */
function goesToHyp(m: Machine): boolean {
  if (isSecure(m)) return false;
  return (m.core.HDCR & HDCR_TDE) !== 0 || ((m.core.HCR & HCR_TGE) !== 0 && modeOf(m) === MODE_USR);
}

/**
 * SSC, HMC and PMC or PAC: the modes and security states of an event (tables C11-8 and C11-36).
 * @param privileged whether an access is one of PL1: LDRT and its like are not
 */
function inItsModes(m: Machine, ssc: number, hmc: number, pmc: number, privileged: boolean): boolean {
  const secure = isSecure(m);
  if (ssc === 3 || (ssc === 1 && secure) || (ssc === 2 && !secure)) return false;
  if (pmc === 0) return hmc === 0 && [MODE_USR, MODE_SVC, MODE_SYS].includes(modeOf(m));
  return ((privileged ? pmc : pmc >>> 1) & 1) === 1;
}

/** Whether the context, the VMID or both are those that a breakpoint is for. */
function inContext(m: Machine, n: number, type: number): boolean {
  const { core } = m;
  const secure = isSecure(m);
  const bank = secure ? core.secure : core.nonSecure;
  if (type & BT.CONTEXT && bank.CONTEXTIDR !== core.DBGBVR[n]) return false;
  return (type & BT.VMID) === 0 || (!secure && currentVmid(core) === (core.DBGBXVR[n]! & 0xff));
}

/** Whether the breakpoint that another, or a watchpoint, is linked to has its context. */
function isLinkedHere(m: Machine, n: number): boolean {
  if (n < FIRST_CONTEXT_BREAKPOINT || n >= BREAKPOINTS) return false;
  const control = m.core.DBGBCR[n]!;
  const type = bitsOf(DBGBCR, 'BT', control);
  const isContext = (type & (BT.CONTEXT | BT.VMID)) !== 0 && (type & LINKED) !== 0;
  return (control & E) !== 0 && isContext && inContext(m, n, type);
}

/** Whether a breakpoint's event may be in the running core's mode and context, whatever the address. */
function mayBreak(m: Machine, control: number): boolean {
  if (!(control & E)) return false;
  const type = bitsOf(DBGBCR, 'BT', control);
  // To PL1 itself these would be taken at the handler's first instruction again: ignored (C3.3.1).
  if (comparesAlways(control) && isPrivileged(m) && !goesToHyp(m)) return false;
  const [ssc, hmc, pmc] = [
    bitsOf(DBGBCR, 'SSC', control),
    bitsOf(DBGBCR, 'HMC', control),
    bitsOf(DBGBCR, 'PMC', control),
  ];
  if (!inItsModes(m, ssc, hmc, pmc, isPrivileged(m))) return false;
  const byAddress = (type & (BT.CONTEXT | BT.VMID)) === 0;
  return !byAddress || (type & LINKED) === 0 || isLinkedHere(m, bitsOf(DBGBCR, 'LBN', control));
}

/** Whether an enabled breakpoint's event is at an instruction of the running core (C3.3.1). */
function breaksAt(m: Machine, n: number, address: number): boolean {
  const { core } = m;
  const control = core.DBGBCR[n]!;
  if (!mayBreak(m, control)) return false;
  const type = bitsOf(DBGBCR, 'BT', control);
  if (type & (BT.CONTEXT | BT.VMID)) {
    // A linked one serves others alone; only the last breakpoints compare contexts.
    return (type & LINKED) === 0 && n >= FIRST_CONTEXT_BREAKPOINT && inContext(m, n, type);
  }
  const selected = ((bitsOf(DBGBCR, 'BAS', control) >>> (address & 3)) & 1) === 1;
  const same = selected && (core.DBGBVR[n]! ^ address) >>> 2 === 0;
  return same !== ((type & BT.MISMATCH) !== 0);
}

/** Whether the address is that of a vector that DBGVCR names, in the form that matches addresses (C3.3.3). */
function isCaughtVector(m: Machine, address: number): boolean {
  const { core } = m;
  const { DBGVCR } = core;
  if (DBGVCR === 0 || address & 3) return false;
  const secure = isSecure(m);
  const { SCTLR, VBAR } = secure ? core.secure : core.nonSecure;
  const at = (base: number, { shift, mask }: typeof SECURE_VECTORS): number =>
    (address ^ base) >>> 5 === 0 ? (DBGVCR >>> shift) & mask & (1 << ((address >>> 2) & 7)) : 0;
  const caught =
    at(SCTLR & SCTLR_V ? HIGH_VECTORS : VBAR, secure ? SECURE_VECTORS : NON_SECURE_VECTORS) |
    (secure ? at(core.MVBAR, MONITOR_VECTORS) : 0);
  // Those of aborts are UNPREDICTABLE where the event is an abort to the same vectors.
  return (goesToHyp(m) ? caught : caught & ~ABORT_VECTORS) !== 0;
}

/** Whether the running core has a breakpoint that is to be compared at every instruction, in the mode that it is in. */
export function comparesAll(m: Machine): boolean {
  const { core } = m;
  if (!core.comparesAll || modeOf(m) === MODE_HYP) return false;
  return core.DBGBCR.some((it) => comparesAlways(it) && mayBreak(m, it));
}

/**
 * What the running core meets at an instruction before it is executed, its condition not yet looked at.
 * @returns DBGDSCR.MOE of the event; 0 for none
 */
export function eventAtInstruction(m: Machine, address: number): number {
  const { core } = m;
  if (modeOf(m) === MODE_HYP || !isOn(core)) return 0;
  for (let n = 0; n < BREAKPOINTS; n++) if (breaksAt(m, n, address)) return MOE.BREAKPOINT;
  return isCaughtVector(m, address) ? MOE.VECTOR_CATCH : 0;
}

/** Addresses that a watchpoint's mask leaves together: 2 to that power. Smaller masks are reserved. */
function maskOfWatchpoint(control: number): number {
  const mask = bitsOf(DBGWCR, 'MASK', control);
  return mask < 3 ? 0 : mask;
}

/** Whether a watchpoint watches anything in a page of the running core. */
export function watchesPage(m: Machine, address: number): boolean {
  const { core } = m;
  if (core.watched === '' || modeOf(m) === MODE_HYP) return false;
  return core.DBGWCR.some((control, n) => {
    const size = 2 ** Math.max(PAGE_BITS, maskOfWatchpoint(control));
    return (control & E) !== 0 && Math.floor(core.DBGWVR[n]! / size) === Math.floor(address / size);
  });
}

/** Whether a watchpoint watches a byte (C3.3.2). */
function watchesByte(value: number, control: number, address: number): boolean {
  // It is for a doubleword, or for the upper word of one.
  const bits = Math.max(value & 4 ? 2 : 3, maskOfWatchpoint(control));
  if (Math.floor(value / 2 ** bits) !== Math.floor(address / 2 ** bits)) return false;
  const byte = address & (value & 4 ? 3 : 7);
  return ((bitsOf(DBGWCR, 'BAS', control) >>> byte) & 1) === 1;
}

/** Whether a watchpoint's event may be at an access of the running core, whatever the address. */
function mayWatch(m: Machine, control: number, write: boolean, privileged: boolean): boolean {
  const field = (name: keyof typeof DBGWCR.bits): number => bitsOf(DBGWCR, name, control);
  if (!(control & E) || !((field('LSC') >>> (write ? 1 : 0)) & 1)) return false;
  // What is for User, Supervisor and System mode is a breakpoint's alone.
  if (field('PAC') === 0 || !inItsModes(m, field('SSC'), field('HMC'), field('PAC'), privileged))
    return false;
  return field('WT') === 0 || isLinkedHere(m, field('LBN'));
}

/**
 * The first byte of an access that a watchpoint of the running core watches, for DFAR; -1 where none does.
 * @param size in bytes
 * @param privileged whether it is one of PL1: LDRT and its like are not
 */
export function watchedByte(
  m: Machine,
  address: number,
  size: number,
  write: boolean,
  privileged: boolean,
): number {
  const { core } = m;
  if (modeOf(m) === MODE_HYP || !isOn(core)) return -1;
  const watching = [...core.DBGWCR.keys()].filter((n) => mayWatch(m, core.DBGWCR[n]!, write, privileged));
  if (watching.length === 0) return -1;
  for (let i = 0; i < size; i++) {
    const at = (address + i) >>> 0;
    if (watching.some((n) => watchesByte(core.DBGWVR[n]!, core.DBGWCR[n]!, at))) return at;
  }
  return -1;
}
