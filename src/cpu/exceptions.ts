/** Exceptions: which mode takes them, what it finds, and how they return (B1.8, B1.9). */
import {
  MODE_ABT,
  MODE_FIQ,
  MODE_HYP,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_UND,
  MODE_USR,
  PSR_M,
  PSR_A,
  PSR_E,
  PSR_F,
  PSR_I,
  PSR_IT,
  PSR_J,
  PSR_T,
} from '../isa/program-status.js';
import { MOE } from '../isa/debug-points.js';
import { mayTakeAbort } from './asynchronous-aborts.js';
import { EXCEPTION, FIQ, IRQ } from './event-kinds.js';
import {
  FAULT_ASYNCHRONOUS,
  FAULT_DEBUG,
  FAULT_EXTERNAL,
  FAULT_EXTERNAL_WALK,
  shortFaultStatus,
} from './faults.js';
import { taken } from './instruction.js';
import * as L from './layout.js';
import type { Translation } from './mmu.js';
import { TTBCR_EAE } from './control-bits.js';
import { isSecure, modeOf } from './current-mode.js';
import {
  bankedRegister,
  readCpsr,
  readItState,
  setBankedRegister,
  setCpsr,
  setItState,
  writeCpsrByInstruction,
} from './modes.js';
import { tellMode } from './mode-log.js';
import { notRetired, settle, tally, tallyInstruction } from './performance-monitors.js';
import type { Machine, SystemBank } from './state.js';
import { runningView, setRegister, setWord, thumb, word } from './state.js';
import { advanceIt } from './thumb.js';
import { contextsChanged } from './tlb.js';
import {
  DBGDSCR_MOE,
  HCR_AMO,
  HCR_FMO,
  HCR_IMO,
  HCR_TGE,
  HCR_TSC,
  HCR_VA,
  HCR_VF,
  HCR_VI,
  HDCR_TDE,
  HIGH_VECTORS,
  SCR_EA,
  SCR_FIQ,
  SCR_FW,
  SCR_HCE,
  SCR_IRQ,
  SCR_NS,
  SCR_SCD,
  SCTLR_EE,
  SCTLR_TE,
  SCTLR_V,
} from './control-bits.js';

/** Exception classes of HSR (table B3-31). */
export const EC_WFI = 0x01;
export const EC_CP15 = 0x03;
export const EC_CP15_64 = 0x04;
export const EC_CP14 = 0x05;
export const EC_CP14_LDC = 0x06;
export const EC_HCPTR = 0x07;
export const EC_CP10_ID = 0x08;
export const EC_JAZELLE = 0x0a;
export const EC_CP14_64 = 0x0c;
export const EC_SVC = 0x11;
export const EC_HVC = 0x12;
export const EC_SMC = 0x13;
export const EC_PREFETCH_LOWER = 0x20;
export const EC_PREFETCH_HYP = 0x21;
export const EC_DATA_LOWER = 0x24;
export const EC_DATA_HYP = 0x25;

const LOWEST_OF_MOE = DBGDSCR_MOE & -DBGDSCR_MOE;

/** Offsets in a vector table (table B1-3). */
export const VECTOR_UNDEFINED = 0x04;
export const VECTOR_CALL = 0x08;
export const VECTOR_PREFETCH = 0x0c;
export const VECTOR_DATA = 0x10;
export const VECTOR_HYP_TRAP = 0x14;
export const VECTOR_IRQ = 0x18;
export const VECTOR_FIQ = 0x1c;

function bankOf(m: Machine): SystemBank {
  return isSecure(m) ? m.core.secure : m.core.nonSecure;
}

/** The instruction length bit of HSR; zero where the length means nothing (B3.13.6). */
const IL = 1 << 25;
const il = (m: Machine): number => (m.nextAddress - m.address === 2 ? 0 : IL);

const SYNCHRONOUS = new Set([VECTOR_UNDEFINED, VECTOR_CALL, VECTOR_PREFETCH, VECTOR_DATA, VECTOR_HYP_TRAP]);

/** Whether HSR's class is that of a Prefetch Abort, from a lower mode or from Hyp mode itself. */
export const isPrefetchClass = (HSR: number): boolean => HSR >>> 27 === EC_PREFETCH_LOWER >>> 1;

/** The syndrome and the fault's address of an exception that was just taken. */
function syndromeOf(m: Machine, vector: number): readonly [syndrome: number, faultAddress: number] {
  const { core } = m;
  if (modeOf(m) === MODE_HYP) return [core.HSR, isPrefetchClass(core.HSR) ? core.HIFAR : core.HDFAR];
  const bank = bankOf(m);
  if (vector === VECTOR_PREFETCH) return [bank.IFSR, bank.IFAR];
  return vector === VECTOR_DATA ? [bank.DFSR, bank.DFAR] : [0, 0];
}

/** Counts an exception, keeps what the first synchronous one left, and tells who listens. R15 is the vector. */
function tellException(m: Machine, vector: number): void {
  const { u32, listener } = m;
  if (SYNCHRONOUS.has(vector)) {
    const depth = word(m, L.EXCEPTIONS) + 1;
    setWord(m, L.EXCEPTIONS, depth);
    if (depth === 1) {
      const [syndrome, faultAddress] = syndromeOf(m, vector);
      u32.copyWithin(L.FIRST_REGISTERS >>> 2, 0, 15);
      setWord(m, L.FIRST_AT, u32[15]!);
      setWord(m, L.FIRST_ADDRESS, m.address);
      setWord(m, L.FIRST_PSR, word(m, L.SPSR));
      setWord(m, L.FIRST_VECTOR, vector);
      setWord(m, L.FIRST_MODE, modeOf(m));
      setWord(m, L.FIRST_SYNDROME, syndrome);
      setWord(m, L.FIRST_FAULT_ADDRESS, faultAddress);
    } else if (listener?.exceptionNested) {
      const [syndrome, faultAddress] = syndromeOf(m, vector);
      const [at, psr, takenIn] = [u32[15]!, word(m, L.SPSR), modeOf(m)];
      const exception = { vector, at, address: m.address, psr, takenIn, syndrome, faultAddress };
      listener.exceptionNested(runningView(m), exception, depth);
    }
  }
  tally(m, EXCEPTION);
  if (vector === VECTOR_IRQ) tally(m, IRQ);
  if (vector === VECTOR_FIQ) tally(m, FIQ);
  listener?.exceptionTaken?.(runningView(m), vector, m.address);
}

/** Sets the CPSR of an exception's mode: no J, no IT, T and E as the mode's control register says. */
function enterMode(m: Machine, mode: number, control: number, masks: number): void {
  const kept = readCpsr(m) & ~(PSR_M | PSR_IT | PSR_J | PSR_T | PSR_E);
  const state = (control & SCTLR_TE ? PSR_T : 0) | (control & SCTLR_EE ? PSR_E : 0);
  setCpsr(m, (kept | state | masks | mode) >>> 0);
}

/** Takes an exception to a PL1 mode other than Monitor. */
function takeToMode(m: Machine, mode: number, vector: number, lr: number, masks: number): void {
  const spsr = readCpsr(m);
  if (modeOf(m) === MODE_MON) setScr(m, m.core.SCR & ~SCR_NS);
  const bank = bankOf(m);
  enterMode(m, mode, bank.SCTLR, PSR_I | masks);
  setWord(m, L.SPSR, spsr);
  setRegister(m, 14, lr);
  setRegister(m, 15, ((bank.SCTLR & SCTLR_V ? HIGH_VECTORS : bank.VBAR) + vector) >>> 0);
  tellException(m, vector);
}

/** Takes an exception to Monitor mode (B1.8.1). */
function takeToMonitor(m: Machine, vector: number, lr: number): void {
  const spsr = readCpsr(m);
  if (modeOf(m) === MODE_MON) setScr(m, m.core.SCR & ~SCR_NS);
  enterMode(m, MODE_MON, m.core.secure.SCTLR, PSR_A | PSR_I | PSR_F);
  setWord(m, L.SPSR, spsr);
  setRegister(m, 14, lr);
  setRegister(m, 15, (m.core.MVBAR + vector) >>> 0);
  tellException(m, vector);
}

/** EnterHypMode of the manual (B1.9.4). */
function takeToHyp(m: Machine, vector: number, preferredReturn: number, hsr?: number): void {
  const { core } = m;
  if (hsr !== undefined) core.HSR = hsr >>> 0;
  const spsr = readCpsr(m);
  const masks =
    (core.SCR & SCR_EA ? 0 : PSR_A) | (core.SCR & SCR_FIQ ? 0 : PSR_F) | (core.SCR & SCR_IRQ ? 0 : PSR_I);
  enterMode(m, MODE_HYP, core.HSCTLR, masks);
  setWord(m, L.SPSR, spsr);
  setBankedRegister(m, MODE_HYP, 17, preferredReturn);
  setRegister(m, 15, (core.HVBAR + vector) >>> 0);
  tellException(m, vector);
}

/** Writes SCR, with what hangs on it. */
export function setScr(m: Machine, value: number): void {
  m.core.SCR = value;
  contextsChanged(m);
  if (m.core.counting !== 0) settle(m);
  tellMode(m);
}

/** Whether exceptions of User mode go to Hyp mode instead of PL1 (HCR.TGE). */
function trapsGeneral(m: Machine): boolean {
  return !isSecure(m) && (m.core.HCR & HCR_TGE) !== 0 && modeOf(m) === MODE_USR;
}

/** Ends the instruction that runs: an exception was taken, R15 is its vector. */
function end(m: Machine): never {
  m.leave = true;
  throw taken;
}

/** Takes an Undefined Instruction exception for the instruction that runs, and ends it. */
export function undefinedInstruction(m: Machine): never {
  const { address } = m;
  notRetired(m);
  if (modeOf(m) === MODE_HYP) takeToHyp(m, VECTOR_UNDEFINED, address, 0);
  else if (trapsGeneral(m)) takeToHyp(m, VECTOR_HYP_TRAP, address, 0);
  else takeToMode(m, MODE_UND, VECTOR_UNDEFINED, (address + (thumb(m) ? 2 : 4)) >>> 0, 0);
  end(m);
}

/** Traps the instruction that runs to Hyp mode and ends it. `iss` is the syndrome for the class. */
export function hypTrap(m: Machine, ec: number, iss: number): never {
  notRetired(m);
  takeToHyp(m, VECTOR_HYP_TRAP, m.address, (ec << 26) | il(m) | iss);
  end(m);
}

/** A call returns behind itself, in an IT block to the next instruction's ITSTATE. */
function passIt(m: Machine): void {
  setItState(m, advanceIt(readItState(m)));
}

export function supervisorCall(m: Machine, imm16: number): never {
  passIt(m);
  const next = m.nextAddress;
  const hsr = (EC_SVC << 26) | il(m) | (imm16 & 0xffff);
  if (modeOf(m) === MODE_HYP) takeToHyp(m, VECTOR_CALL, next, hsr);
  else if (trapsGeneral(m)) takeToHyp(m, VECTOR_HYP_TRAP, next, hsr);
  else takeToMode(m, MODE_SVC, VECTOR_CALL, next, 0);
  end(m);
}

/** HVC (B9.3.4); UNDEFINED in Secure state, in User mode, and where SCR.HCE does not allow it. */
export function hypervisorCall(m: Machine, imm16: number): never {
  const mode = modeOf(m);
  if (isSecure(m) || mode === MODE_USR || !(m.core.SCR & SCR_HCE)) undefinedInstruction(m);
  passIt(m);
  takeToHyp(
    m,
    mode === MODE_HYP ? VECTOR_CALL : VECTOR_HYP_TRAP,
    m.nextAddress,
    (EC_HVC << 26) | il(m) | imm16,
  );
  end(m);
}

/** SMC (B9.3.14). `condition` is what HSR says about the instruction's condition, as its ISS. */
export function secureMonitorCall(m: Machine): never {
  const mode = modeOf(m);
  if (mode === MODE_USR) undefinedInstruction(m);
  if (!isSecure(m) && mode !== MODE_HYP && m.core.HCR & HCR_TSC) hypTrap(m, EC_SMC, 0);
  // SCR.SCD disables it in Non-secure state.
  if (m.core.SCR & SCR_SCD && !isSecure(m)) undefinedInstruction(m);
  passIt(m);
  takeToMonitor(m, VECTOR_CALL, m.nextAddress);
  end(m);
}

/** What a memory access was, for fault registers. */
export interface Access {
  readonly write: boolean;
  /** Cache maintenance or address translation, which sets CM. */
  readonly maintenance?: boolean;
  /** HSR's ISS<24:16>, where the syndrome of a load or store is valid; 0 otherwise. */
  readonly syndrome?: number;
}

/** Whether an exception for a debug event goes to Hyp mode by HDCR.TDE (B1.8.9). */
function trapsDebug(m: Machine, status: number): boolean {
  return status === FAULT_DEBUG && (m.core.HDCR & HDCR_TDE) !== 0;
}

/** Has DBGDSCR say what a debug exception is for. */
function setMethodOfEntry({ core }: Machine, moe: number): void {
  core.DBGDSCR = ((core.DBGDSCR & ~DBGDSCR_MOE) | (moe * LOWEST_OF_MOE)) >>> 0;
}

function isExternal(status: number): boolean {
  return status === FAULT_EXTERNAL || (status & ~3) === FAULT_EXTERNAL_WALK;
}

/**
 * DFSR or IFSR for a fault of the current mode, in the format of its tables; Hyp mode's are long descriptors
 * (B3.13.3). What Monitor mode takes from Non-secure state may be in the Secure tables' format.
 */
function faultStatusRegister(
  m: Machine,
  toMonitor: boolean,
  status: number,
  domain: number,
  access: Access,
): number {
  const flags = (access.maintenance ? 1 << 13 : 0) | (access.write ? 1 << 11 : 0);
  const long =
    modeOf(m) === MODE_HYP ||
    (bankOf(m).TTBCR & TTBCR_EAE) !== 0 ||
    (toMonitor && (m.core.secure.TTBCR & TTBCR_EAE) !== 0);
  if (long) return flags | (1 << 9) | status;
  const fs = shortFaultStatus(status);
  return flags | ((fs & 0x10) << 6) | (domain << 4) | (fs & 15);
}

/** HSR's ISS for an abort. */
function abortSyndrome(found: Translation | undefined, status: number): number {
  return status | (found?.tableWalk ? 1 << 7 : 0);
}

/**
 * Takes a Data Abort for the instruction that runs (m.address) without ending it: for the interpreter's own accesses.
 * @param address the virtual address that faulted
 * @param status fault status, long format
 * @param found the walk that faulted, for its domain and what it says of stage 2
 */
export function takeDataAbort(
  m: Machine,
  address: number,
  status: number,
  found: Translation | undefined,
  access: Access,
): void {
  const { core } = m;
  const mode = modeOf(m);
  const secure = isSecure(m);
  const toMonitor = (core.SCR & SCR_EA) !== 0 && isExternal(status);
  const stage2 = found?.stage2 ?? false;
  const trapped = stage2 || trapsDebug(m, status) || trapsGeneral(m);
  const toHyp = !toMonitor && (mode === MODE_HYP || (!secure && trapped));
  notRetired(m);
  if (status === FAULT_DEBUG) setMethodOfEntry(m, MOE.WATCHPOINT);
  if (toHyp) {
    core.HDFAR = address;
    if (stage2) core.HPFAR = (Math.floor(found!.ipa / 0x1000) * 16) >>> 0;
    // The syndrome of the access itself is there for faults of stage 2 on the access itself only.
    const valid = stage2 && !found!.tableWalk ? (access.syndrome ?? 0) : 0;
    const iss =
      valid |
      abortSyndrome(found, status) |
      (access.write ? 1 << 6 : 0) |
      (access.maintenance ? (1 << 8) | (1 << 6) : 0);
    const ec = mode === MODE_HYP ? EC_DATA_HYP : EC_DATA_LOWER;
    takeToHyp(
      m,
      mode === MODE_HYP ? VECTOR_DATA : VECTOR_HYP_TRAP,
      m.address,
      (ec << 26) | (valid ? il(m) : 0) | iss,
    );
    return;
  }
  const bank = toMonitor ? core.secure : bankOf(m);
  bank.DFSR = faultStatusRegister(m, toMonitor, status, found?.domain ?? 0, access);
  bank.DFAR = address;
  const lr = (m.address + 8) >>> 0;
  if (toMonitor) takeToMonitor(m, VECTOR_DATA, lr);
  else takeToMode(m, MODE_ABT, VECTOR_DATA, lr, PSR_A);
}

/** Takes a Data Abort and ends the instruction that runs. */
export function dataAbort(
  m: Machine,
  address: number,
  status: number,
  found: Translation | undefined,
  access: Access,
): never {
  takeDataAbort(m, address, status, found, access);
  end(m);
}

/** Takes a Prefetch Abort; m.address is the instruction, `address` what could not be read. */
export function takePrefetchAbort(
  m: Machine,
  address: number,
  status: number,
  found: Translation | undefined,
): void {
  const { core } = m;
  const mode = modeOf(m);
  const toMonitor = (core.SCR & SCR_EA) !== 0 && isExternal(status);
  const stage2 = found?.stage2 ?? false;
  const trapped = stage2 || trapsDebug(m, status) || trapsGeneral(m);
  const toHyp = !toMonitor && (mode === MODE_HYP || (!isSecure(m) && trapped));
  if (toHyp) {
    core.HIFAR = address;
    if (stage2) core.HPFAR = (Math.floor(found!.ipa / 0x1000) * 16) >>> 0;
    const ec = mode === MODE_HYP ? EC_PREFETCH_HYP : EC_PREFETCH_LOWER;
    const hsr = (ec << 26) | abortSyndrome(found, status);
    takeToHyp(m, mode === MODE_HYP ? VECTOR_PREFETCH : VECTOR_HYP_TRAP, m.address, hsr);
    return;
  }
  const bank = toMonitor ? core.secure : bankOf(m);
  bank.IFSR = faultStatusRegister(m, toMonitor, status, 0, { write: false });
  bank.IFAR = address;
  const lr = (m.address + 4) >>> 0;
  if (toMonitor) takeToMonitor(m, VECTOR_PREFETCH, lr);
  else takeToMode(m, MODE_ABT, VECTOR_PREFETCH, lr, PSR_A);
}

/**
 * Takes a debug event at the instruction that runs, reported as Prefetch Abort (C4.1), to Hyp mode by HDCR.TDE too.
 * @param moe what DBGDSCR.MOE calls it
 */
export function debugEvent(m: Machine, moe: number): never {
  setMethodOfEntry(m, moe);
  takePrefetchAbort(m, m.address, FAULT_DEBUG, undefined);
  end(m);
}

/** Which interrupts the running core would take now, by their masks and routes (B1.8.3, B1.8.4, B1.8.7). */
export function pendingInterrupt(
  m: Machine,
): 'abort' | 'fiq' | 'irq' | 'virtual-abort' | 'virtual-fiq' | 'virtual-irq' | undefined {
  const { core } = m;
  const cpsr = word(m, L.CPSR);
  const secure = isSecure(m);
  const guest = !secure && modeOf(m) !== MODE_HYP;
  if (core.abort === 'there' && core.abortIn === 0 && mayTakeAbort(m)) return 'abort';
  if (core.fiq) {
    const free = !secure && (core.SCR & (SCR_FIQ | SCR_FW)) === SCR_FIQ;
    if (!(cpsr & PSR_F) || free || (guest && core.HCR & HCR_FMO)) return 'fiq';
  }
  if (core.irq && (!(cpsr & PSR_I) || (guest && core.HCR & HCR_IMO))) return 'irq';
  if (!guest) return undefined;
  const { HCR } = core;
  if (HCR & HCR_VA && HCR & HCR_AMO && !(cpsr & PSR_A)) return 'virtual-abort';
  if (HCR & HCR_VF && HCR & HCR_FMO && !(cpsr & PSR_F)) return 'virtual-fiq';
  if (HCR & HCR_VI && HCR & HCR_IMO && !(cpsr & PSR_I)) return 'virtual-irq';
  return undefined;
}

/** Whether something is pending that ends WFI, masked or not (B1.8.14). */
export function wakesFromWfi(m: Machine): boolean {
  const { core } = m;
  if (core.irq || core.fiq || core.abort === 'there') return true;
  if (isSecure(m) || modeOf(m) === MODE_HYP) return false;
  const { HCR } = core;
  return (
    (HCR & (HCR_VI | HCR_IMO)) === (HCR_VI | HCR_IMO) ||
    (HCR & (HCR_VF | HCR_FMO)) === (HCR_VF | HCR_FMO) ||
    (HCR & (HCR_VA | HCR_AMO)) === (HCR_VA | HCR_AMO)
  );
}

/** Takes an interrupt that {@link pendingInterrupt} names; R15 is the instruction that would have come next. */
export function takeInterrupt(m: Machine, which: NonNullable<ReturnType<typeof pendingInterrupt>>): void {
  const { core } = m;
  const next = word(m, L.PC);
  const lr = (next + 4) >>> 0;
  const inHyp = modeOf(m) === MODE_HYP;
  const nonSecure = !isSecure(m);
  switch (which) {
    case 'abort':
      core.abort = 'no';
      takeAsynchronousAbort(m, next);
      return;
    case 'fiq':
      if (core.SCR & SCR_FIQ) takeToMonitor(m, VECTOR_FIQ, lr);
      else if (inHyp || (nonSecure && core.HCR & HCR_FMO)) takeToHyp(m, VECTOR_FIQ, next);
      else takeToMode(m, MODE_FIQ, VECTOR_FIQ, lr, PSR_F | PSR_A);
      return;
    case 'irq':
      if (core.SCR & SCR_IRQ) takeToMonitor(m, VECTOR_IRQ, lr);
      else if (inHyp || (nonSecure && core.HCR & HCR_IMO)) takeToHyp(m, VECTOR_IRQ, next);
      else takeToMode(m, MODE_IRQ, VECTOR_IRQ, lr, PSR_A);
      return;
    case 'virtual-fiq':
      takeToMode(m, MODE_FIQ, VECTOR_FIQ, lr, PSR_F | PSR_A);
      return;
    case 'virtual-irq':
      takeToMode(m, MODE_IRQ, VECTOR_IRQ, lr, PSR_A);
      return;
    case 'virtual-abort': {
      core.HCR &= ~HCR_VA;
      setAsynchronous(core.nonSecure);
      takeToMode(m, MODE_ABT, VECTOR_DATA, (next + 8) >>> 0, PSR_A);
    }
  }
}

/** An asynchronous external abort in DFSR (tables B3-23, B3-24); DFAR keeps what it had. */
function setAsynchronous(bank: SystemBank): void {
  bank.DFSR = bank.TTBCR & TTBCR_EAE ? (1 << 9) | FAULT_ASYNCHRONOUS : (1 << 10) | 0b0110;
}

/** Takes an asynchronous external abort (B1.9.8, TakeDataAbortException). */
function takeAsynchronousAbort(m: Machine, next: number): void {
  const { core } = m;
  const inHyp = modeOf(m) === MODE_HYP;
  if (core.SCR & SCR_EA) {
    setAsynchronous(core.secure);
    takeToMonitor(m, VECTOR_DATA, (next + 8) >>> 0);
  } else if (inHyp || (!isSecure(m) && core.HCR & HCR_AMO)) {
    const ec = inHyp ? EC_DATA_HYP : EC_DATA_LOWER;
    takeToHyp(m, inHyp ? VECTOR_DATA : VECTOR_HYP_TRAP, next, (ec << 26) | IL | FAULT_ASYNCHRONOUS);
  } else {
    setAsynchronous(bankOf(m));
    takeToMode(m, MODE_ABT, VECTOR_DATA, (next + 8) >>> 0, PSR_A);
  }
}

/** Returns from an exception: CPSR from SPSR (or a given value), and on at an address. Ends the block. */
export function exceptionReturn(m: Machine, target: number, psr = word(m, L.SPSR)): void {
  tallyInstruction(m);
  writeCpsrByInstruction(m, psr, 15, true);
  setRegister(m, 15, (thumb(m) ? target & ~1 : target & ~3) >>> 0);
  m.leave = true;
}

/** ERET (B9.3.3): from ELR_hyp in Hyp mode, from LR elsewhere. */
export function eret(m: Machine): void {
  const mode = modeOf(m);
  if (mode === MODE_HYP) exceptionReturn(m, bankedRegister(m, MODE_HYP, 17));
  else exceptionReturn(m, m.u32[14]!);
}
