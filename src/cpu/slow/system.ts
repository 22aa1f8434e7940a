/** Status registers, exceptions, hints: what system software does (A8, B9.3). */
import { MOE } from '../../isa/debug-points.js';
import { CV_ALWAYS } from '../../isa/fault-status.js';
import {
  MODE_FIQ,
  MODE_HYP,
  MODE_MON,
  MODE_SYS,
  MODE_USR,
  PSR_A,
  PSR_E,
  PSR_F,
  PSR_I,
  PSR_IT,
  PSR_J,
  PSR_T,
} from '../../isa/program-status.js';
import {
  debugEvent,
  EC_JAZELLE,
  EC_WFI,
  eret,
  exceptionReturn,
  hypervisorCall,
  hypTrap,
  secureMonitorCall,
  supervisorCall,
  undefinedInstruction,
  wakesFromWfi,
} from '../exceptions.js';
import type { Decoded, Execute, Executes } from '../instruction.js';
import * as L from '../layout.js';
import { expandA32 } from '../lowerings.js';
import { isPrivileged, isSecure, modeOf } from '../current-mode.js';
import {
  bankedPlace,
  bankedRegister,
  readCpsr,
  setBankedRegister,
  setCpsr,
  writeCpsrByInstruction,
} from '../modes.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import { endTurn, now, register, setRegister, setWord, word } from '../state.js';
import { nextEvent, updateTimers } from '../timers.js';
import { branchExchange, openHere } from './transfers.js';
import { HCR_TWE, HCR_TWI, HSTR_TJDBX } from '../control-bits.js';

/** SPSRs exist in all modes but User and System. */
function requireSpsr(m: Machine): void {
  const mode = modeOf(m);
  if (mode === MODE_USR || mode === MODE_SYS) openHere(m);
}

function moveToStatus(m: Machine, f: Needs<'mask' | 'R'>, value: number): void {
  const { mask, R } = f;
  if (R) {
    requireSpsr(m);
    let bits = 0;
    for (let i = 0; i < 4; i++) if ((mask >>> i) & 1) bits |= 0xff << (8 * i);
    setWord(m, L.SPSR, (word(m, L.SPSR) & ~bits) | (value & bits));
    return;
  }
  writeCpsrByInstruction(m, value, mask, false);
  // Interrupts may be pending that were masked; the byte order may be another.
  if (mask & 3) m.leave = true;
}

/**
 * Whether MRS and MSR (banked) may reach a register from a mode (B9.2.3); elsewhere they are UNPREDICTABLE. As in QEMU
 * of 2024 (target/arm/tcg/op_helper.c), SPSR_hyp is apart: see {@link worksInHyp}.
 */
function mayReach(m: Machine, current: number, { mode, n }: { mode: number; n: number }): boolean {
  if (current === MODE_USR) return false;
  switch (mode) {
    case MODE_HYP:
      return current === MODE_MON || (current === MODE_HYP && n === 17);
    case MODE_MON:
      return isSecure(m) && current !== MODE_MON;
    case MODE_USR:
      if (n < 13) return current === MODE_FIQ;
      return current !== MODE_SYS && (n === 13 || current !== MODE_HYP);
    default:
      return current !== mode;
  }
}

/**
 * SPSR_hyp from Hyp mode is UNPREDICTABLE too, yet code for this board relies on it, a Cortex-A15 was seen to do it
 * (seL4, issue 838), and QEMU does it since 2024.
 */
const worksInHyp = (current: number, { mode, n }: { mode: number; n: number }): boolean =>
  current === MODE_HYP && mode === MODE_HYP && n === 16;

/** Finds the banked register; what the current mode may not reach is reported, and Undefined. */
function banked(
  m: Machine,
  f: Needs<'R' | 'M' | 'M1'>,
  { word, encoding }: Decoded,
): { mode: number; n: number } {
  const { R, M, M1 } = f;
  const place = bankedPlace(R, (M << 4) | M1);
  const current = modeOf(m);
  // What names no register was reported when it was decoded.
  if (!place) undefinedInstruction(m);
  if (mayReach(m, current, place)) return place;
  m.listener?.unpredictable?.({ core: m.core.index, address: m.address, word, name: encoding!.name });
  if (!worksInHyp(current, place)) undefinedInstruction(m);
  return place;
}

const wait =
  (kind: 'interrupt' | 'event'): Execute =>
  (m) => {
    const { core } = m;
    let streams = false;
    if (kind === 'event') {
      const time = now(m);
      const next = nextEvent(m, core, core.eventsSince);
      streams = next !== Infinity;
      core.eventsSince = time;
      if (core.event || next <= time) {
        core.event = false;
        return;
      }
    }
    if (kind === 'interrupt' && wakesFromWfi(m)) return;
    const trap = kind === 'interrupt' ? HCR_TWI : HCR_TWE;
    if (!isSecure(m) && modeOf(m) !== MODE_HYP && core.HCR & trap)
      hypTrap(m, EC_WFI, CV_ALWAYS | (kind === 'event' ? 1 : 0));
    core.waiting = kind;
    if (streams) core.timerDeadline = updateTimers(m, core, now(m));
    m.leave = true;
  };

/** The operation of SUBS PC, LR and its like (B9.3.20). */
function returningOperation(m: Machine, opcode: number, n: number, operand: number): number {
  const carry = word(m, L.C);
  switch (opcode) {
    case 0:
      return n & operand;
    case 1:
      return n ^ operand;
    case 2:
      return n - operand;
    case 3:
      return operand - n;
    case 4:
      return n + operand;
    case 5:
      return n + operand + carry;
    case 6:
      return n + ~operand + carry;
    case 7:
      return operand + ~n + carry;
    case 12:
      return n | operand;
    case 13:
      return operand;
    case 14:
      return n & ~operand;
    default:
      return ~operand;
  }
}

/** A register shifted by a constant. */
function shiftedOperand(m: Machine, value: number, type: number, imm5: number): number {
  switch (type) {
    case 0:
      return value << imm5;
    case 1:
      return imm5 === 0 ? 0 : value >>> imm5;
    case 2:
      return (value | 0) >> (imm5 === 0 ? 31 : imm5);
    default:
      return imm5 === 0 ? (value >>> 1) | (word(m, L.C) << 31) : (value >>> imm5) | (value << (32 - imm5));
  }
}

const subsPcLr: Execute<Needs<never, 'N' | 'opcode' | 'Rn' | 'Rm' | 'imm12' | 'imm8' | 'type' | 'imm5'>> = (
  m,
  f,
) => {
  const mode = modeOf(m);
  // In Hyp mode SUBS PC, LR, #0 of T32 is ERET (B9.3.19).
  if (mode === MODE_HYP && f.imm8 === 0) {
    eret(m);
    return;
  }
  if (mode === MODE_USR || mode === MODE_SYS) openHere(m);
  if (mode === MODE_HYP) undefinedInstruction(m);
  // MOVS and MVNS tell themselves apart by N.
  const { N = 0, opcode = N ? 15 : 13, Rn = 14, Rm, imm12 = 0, imm8, type = 0, imm5 = 0 } = f;
  const operand =
    Rm === undefined ? (imm8 ?? expandA32(imm12).value) : shiftedOperand(m, register(m, Rm), type, imm5);
  exceptionReturn(m, returningOperation(m, imm8 === undefined ? opcode : 2, register(m, Rn), operand) >>> 0);
};

export const system = {
  SVC: (m, f) => {
    supervisorCall(m, f.imm24 ?? f.imm8 ?? 0);
  },
  HVC: (m, f) => {
    hypervisorCall(m, f.imm16);
  },
  SMC: (m) => {
    secureMonitorCall(m);
  },
  BKPT: (m) => {
    debugEvent(m, MOE.BKPT);
  },
  UDF: (m) => {
    undefinedInstruction(m);
  },
  ERET: (m) => {
    const mode = modeOf(m);
    if (mode === MODE_USR || mode === MODE_SYS) openHere(m);
    eret(m);
  },
  SUBS_PC_LR: subsPcLr,
  SUBS_PC_LR_move: subsPcLr,

  MRS: (m, f) => {
    if (f.R) {
      requireSpsr(m);
      setRegister(m, f.Rd, word(m, L.SPSR));
      return;
    }
    // Execution state bits read as zero. In User mode the control bits are UNKNOWN; here they are to be seen.
    setRegister(m, f.Rd, readCpsr(m) & ~(PSR_IT | PSR_J | PSR_T));
  },
  MSR_reg: (m, f) => {
    moveToStatus(m, f, register(m, f.Rn));
  },
  MSR_imm: (m, f) => {
    moveToStatus(m, f, expandA32(f.imm12).value);
  },
  MRS_banked: (m, f, decoded) => {
    const { mode, n } = banked(m, f, decoded);
    setRegister(m, f.Rd, bankedRegister(m, mode, n));
  },
  MSR_banked: (m, f, decoded) => {
    const { mode, n } = banked(m, f, decoded);
    setBankedRegister(m, mode, n, register(m, f.Rn));
  },
  CPS: (m, f) => {
    if (!isPrivileged(m)) return;
    const { imod, M, AIF, mode } = f;
    let value = readCpsr(m);
    const bits = (AIF & 4 ? PSR_A : 0) | (AIF & 2 ? PSR_I : 0) | (AIF & 1 ? PSR_F : 0);
    if (imod === 2) value &= ~bits;
    else if (imod === 3) value |= bits;
    if (M) value = (value & ~0x1f) | mode;
    writeCpsrByInstruction(m, value, 15, false);
    m.leave = true;
  },
  SETEND: (m, f) => {
    setCpsr(m, (readCpsr(m) & ~PSR_E) | (f.E ? PSR_E : 0));
    m.leave = true;
  },

  /** Jazelle is the trivial implementation: BXJ is BX (A2.10.2), where it is not trapped. */
  BXJ: (m, f) => {
    const { Rm } = f;
    if (!isSecure(m) && modeOf(m) !== MODE_HYP && m.core.HSTR & HSTR_TJDBX)
      hypTrap(m, EC_JAZELLE, CV_ALWAYS | Rm);
    branchExchange(m, register(m, Rm));
  },
  WFI: wait('interrupt'),
  WFE: wait('event'),
  SEV: (m) => {
    for (const core of m.cores) {
      core.event = true;
      if (core.waiting !== 'event') continue;
      core.waiting = 'no';
      endTurn(m);
    }
  },
} satisfies Partial<Executes>;
