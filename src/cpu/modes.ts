/** Modes, banked registers and the program status registers (B1.3). */
import {
  MODE_ABT,
  MODE_FIQ,
  MODE_HYP,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_SYS,
  MODE_UND,
  MODE_USR,
  PSR_A,
  PSR_C,
  PSR_E,
  PSR_F,
  PSR_GE,
  PSR_I,
  PSR_IT,
  PSR_J,
  PSR_M,
  PSR_N,
  PSR_Q,
  PSR_T,
  PSR_V,
  PSR_Z,
} from '../isa/program-status.js';
import { isPrivileged, isSecure, modeOf } from './current-mode.js';
import * as L from './layout.js';
import { tellMode } from './mode-log.js';
import { settle } from './performance-monitors.js';
import type { Machine } from './state.js';
import { extensionsUnknown, setWord, word } from './state.js';
import { updateContext } from './tlb.js';
import { unpredictable } from './unpredictable.js';

/** What CPSR holds in its own word; the rest is unpacked elsewhere. */
const KEPT = PSR_J | PSR_IT | PSR_A | PSR_I | PSR_F | PSR_M;

// Places in the bank area, in words.
const inBank = (address: number): number => (address - L.BANKS) >>> 2;
const FIQ_R8 = inBank(L.BANK_FIQ_R8);
const USER_R8 = inBank(L.BANK_USER_R8);
const FIRST_MODE = inBank(L.BANK_FIRST_MODE);
const ELR_HYP = inBank(L.BANK_ELR_HYP);
/** Mode number to its place in the bank area; User and System share theirs. */
const bankOf = new Map<number, number>(
  [MODE_USR, MODE_FIQ, MODE_IRQ, MODE_SVC, MODE_MON, MODE_ABT, MODE_HYP, MODE_UND].map((mode, i) => [
    mode,
    FIRST_MODE + (L.BANK_MODE_SIZE >>> 2) * i,
  ]),
);
bankOf.set(MODE_SYS, FIRST_MODE);
const [SP_AT, LR_AT, SPSR_AT] = [L.BANK_SP >>> 2, L.BANK_LR >>> 2, L.BANK_SPSR >>> 2];

/** Whether a number is that of a mode. */
export function isMode(mode: number): boolean {
  return bankOf.has(mode);
}

const bankWord = (place: number): number => (L.BANKS >>> 2) + place;

/** ITSTATE as CPSR holds it outside the interpreter. */
export function readItState(m: Machine): number {
  const cpsr = word(m, L.CPSR);
  return ((cpsr >>> 8) & 0xfc) | ((cpsr >>> 25) & 3);
}

export function setItState(m: Machine, it: number): void {
  setWord(m, L.CPSR, (word(m, L.CPSR) & ~PSR_IT) | ((it & 0xfc) << 8) | ((it & 3) << 25));
}

/** Exchanges the registers of two modes. */
function switchBank(m: Machine, from: number, to: number): void {
  const { u32 } = m;
  if (from === to) return;
  if (from === MODE_FIQ || to === MODE_FIQ) {
    const [save, load] = from === MODE_FIQ ? [FIQ_R8, USER_R8] : [USER_R8, FIQ_R8];
    for (let i = 0; i < 5; i++) {
      u32[bankWord(save + i)] = u32[8 + i]!;
      u32[8 + i] = u32[bankWord(load + i)]!;
    }
  }
  const [old, next] = [bankOf.get(from)!, bankOf.get(to)!];
  // Hyp mode uses the LR of User mode.
  const [oldLr, nextLr] = [from, to].map((mode) => (mode === MODE_HYP ? FIRST_MODE : bankOf.get(mode)!));
  u32[bankWord(old + SP_AT)] = u32[13]!;
  u32[bankWord(oldLr! + LR_AT)] = u32[14]!;
  u32[bankWord(old + SPSR_AT)] = word(m, L.SPSR);
  u32[13] = u32[bankWord(next + SP_AT)]!;
  u32[14] = u32[bankWord(nextLr! + LR_AT)]!;
  setWord(m, L.SPSR, u32[bankWord(next + SPSR_AT)]!);
}

/** The banked register that R, SYSm of MRS and MSR (banked) name (B9.2.3); SPSR is n 16, ELR_hyp n 17. */
export function bankedPlace(R: number, sysm: number): { mode: number; n: number } | undefined {
  if (R) {
    const modes: Record<number, number> = {
      0b01110: MODE_FIQ,
      0b10000: MODE_IRQ,
      0b10010: MODE_SVC,
      0b10100: MODE_ABT,
      0b10110: MODE_UND,
      0b11100: MODE_MON,
      0b11110: MODE_HYP,
    };
    const mode = modes[sysm];
    return mode === undefined ? undefined : { mode, n: 16 };
  }
  if (sysm < 0b00111) return { mode: MODE_USR, n: 8 + sysm };
  if (sysm >= 0b01000 && sysm < 0b01111) return { mode: MODE_FIQ, n: sysm };
  const pairs: Record<number, number> = {
    0b1000: MODE_IRQ,
    0b1001: MODE_SVC,
    0b1010: MODE_ABT,
    0b1011: MODE_UND,
    0b1110: MODE_MON,
  };
  if (sysm === 0b11110) return { mode: MODE_HYP, n: 17 };
  if (sysm === 0b11111) return { mode: MODE_HYP, n: 13 };
  const mode = pairs[sysm >>> 1];
  return mode === undefined || sysm < 16 ? undefined : { mode, n: sysm & 1 ? 13 : 14 };
}

/** Reads a register of another mode: n from 8 to 14, or 16 for SPSR; ELR_hyp is n 17 of Hyp mode. */
export function bankedRegister(m: Machine, mode: number, n: number): number {
  return m.u32[placeOfBanked(m, mode, n)]!;
}

export function setBankedRegister(m: Machine, mode: number, n: number, value: number): void {
  m.u32[placeOfBanked(m, mode, n)] = value;
}

function placeOfBanked(m: Machine, mode: number, n: number): number {
  const current = modeOf(m);
  if (n === 17) return bankWord(ELR_HYP);
  if (n === 16) return mode === current ? L.SPSR >>> 2 : bankWord(bankOf.get(mode)! + SPSR_AT);
  const isFiq = mode === MODE_FIQ;
  if (n < 13) {
    if (isFiq === (current === MODE_FIQ)) return n;
    return bankWord((isFiq ? FIQ_R8 : USER_R8) + n - 8);
  }
  const bank = (of: number): number => (n === 14 && of === MODE_HYP ? FIRST_MODE : bankOf.get(of)!);
  if (bank(mode) === bank(current)) return n;
  return bankWord(bank(mode) + (n === 13 ? SP_AT : LR_AT));
}

/** The running core's CPSR, put together. */
export function readCpsr(m: Machine): number {
  const variant = word(m, L.VARIANT);
  return (
    (word(m, L.CPSR) |
      (word(m, L.N) & PSR_N) |
      (word(m, L.Z) === 0 ? PSR_Z : 0) |
      (word(m, L.C) ? PSR_C : 0) |
      (word(m, L.V) & 0x80000000 ? PSR_V : 0) |
      (word(m, L.Q) ? PSR_Q : 0) |
      (word(m, L.GE) << 16) |
      (variant & L.VARIANT_T ? PSR_T : 0) |
      (variant & L.VARIANT_E ? PSR_E : 0)) >>>
    0
  );
}

/** Sets the whole CPSR, the mode and its registers with it. Whether that is allowed was checked before. */
export function setCpsr(m: Machine, value: number): void {
  setFlags(m, value);
  setWord(m, L.Q, value & PSR_Q ? 1 : 0);
  setWord(m, L.GE, (value & PSR_GE) >>> 16);
  const counted = word(m, L.VARIANT) & L.VARIANT_COUNTED;
  setWord(m, L.VARIANT, (value & PSR_T ? L.VARIANT_T : 0) | (value & PSR_E ? L.VARIANT_E : 0) | counted);
  const from = modeOf(m);
  setWord(m, L.CPSR, value & KEPT);
  if (from !== (value & PSR_M)) {
    switchBank(m, from, value & PSR_M);
    extensionsUnknown(m);
    updateContext(m);
    if (m.core.counting !== 0) settle(m);
    tellMode(m);
  }
}

/** Sets N, Z, C and V from bits 31 to 28. */
export function setFlags(m: Machine, value: number): void {
  setWord(m, L.N, value);
  setWord(m, L.Z, value & PSR_Z ? 0 : 1);
  setWord(m, L.C, value & PSR_C ? 1 : 0);
  setWord(m, L.V, value & PSR_V ? 0x80000000 : 0);
}

/**
 * CPSRWriteByInstr of the manual (B1.3.3): writes what MSR, CPS and exception returns may write.
 * @param bytes which of the four bytes
 * @param execution whether the execution state bits (IT, J, T) are written too
 */
export function writeCpsrByInstruction(m: Machine, value: number, bytes: number, execution: boolean): void {
  const privileged = isPrivileged(m);
  const secure = isSecure(m);
  const current = readCpsr(m);
  let mask = 0;
  if (bytes & 8) mask |= PSR_N | PSR_Z | PSR_C | PSR_V | PSR_Q | (execution ? PSR_IT & 0x06000000 : 0);
  if (bytes & 8 && execution) mask |= PSR_J;
  if (bytes & 4) mask |= PSR_GE;
  if (bytes & 2) {
    mask |= PSR_E;
    if (execution) mask |= PSR_IT & 0xfc00;
    // SCR.AW and SCR.FW count only without the Virtualization Extensions.
    if (privileged) mask |= PSR_A;
  }
  if (bytes & 1) {
    if (privileged) mask |= PSR_I | PSR_F;
    if (execution) mask |= PSR_T;
    if (privileged) {
      const mode = value & PSR_M;
      if (mayEnter(m, mode, secure, execution)) mask |= PSR_M;
      else unpredictable(m);
    }
  }
  setCpsr(m, ((current & ~mask) | (value & mask)) >>> 0);
  if (bytes & 1) setWord(m, L.EXCEPTIONS, 0);
}

/** Whether an instruction may change to a mode; otherwise it is UNPREDICTABLE, and the mode stays. */
function mayEnter(m: Machine, mode: number, secure: boolean, exceptionReturn: boolean): boolean {
  if (!isMode(mode)) return false;
  if (mode === MODE_MON && !secure) return false;
  const current = modeOf(m);
  // Into and out of Hyp mode only exceptions and their returns lead; a return into it is from Monitor mode.
  if (mode === MODE_HYP && current !== MODE_HYP)
    return exceptionReturn && current === MODE_MON && (m.core.SCR & 1) === 1;
  return current !== MODE_HYP || mode === MODE_HYP || exceptionReturn;
}
