/** MCR, MRC, MCRR, MRRC, LDC, STC of CP14 and CP15: who may, what traps to Hyp mode, and then the register. */
import { CV_ALWAYS } from '../isa/fault-status.js';
import { MODE_HYP, MODE_MON, MODE_USR } from '../isa/program-status.js';
import { EC_CP14, EC_CP14_64, EC_CP15, EC_CP15_64, hypTrap, undefinedInstruction } from './exceptions.js';
import type { Execute, Executes } from './instruction.js';
import { isSecure, modeOf } from './current-mode.js';
import { setFlags } from './modes.js';
import type { OperationFields } from './operation-fields.js';
import type { Machine } from './state.js';
import { extensionsUnknown, register, setRegister } from './state.js';
import { type Reached, systemRegister, systemRegister64 } from './system-registers/index.js';
import { HCR_TIDCP, trapsPrimary } from './control-bits.js';

/** Lockdown, DMA and TCM registers that HCR.TIDCP traps (B1.14.8). */
function isLockdown(CRn: number, CRm: number): boolean {
  if (CRn === 9) return [0, 1, 2, 5, 6, 7, 8].includes(CRm);
  if (CRn === 10) return [0, 1, 4, 8].includes(CRm);
  return CRn === 11 && (CRm <= 8 || CRm === 15);
}

/** Refuses and traps an access before it is made. */
function check<Value extends number | bigint>(
  m: Machine,
  access: Reached<Value> | undefined,
  write: boolean,
  coproc: number,
  primary: number,
  lockdown: boolean,
  ec: number,
  iss: number,
): asserts access is Reached<Value> {
  const mode = modeOf(m);
  const secure = isSecure(m);
  const guest = !secure && mode !== MODE_HYP;
  // These traps come before all else, but for User mode, where they may come after (B1.14.8, B1.14.12).
  const coarse = (m.core.HCR & HCR_TIDCP && lockdown) || trapsPrimary(m.core.HSTR, primary);
  if (coproc === 15 && guest && mode !== MODE_USR && coarse) hypTrap(m, ec, iss);
  if (!access || !(write ? access.write : access.read)) undefinedInstruction(m);
  if (mode === MODE_USR && !access.user?.(m, write)) undefinedInstruction(m);
  if (access.restricted === 'secure' && !secure) undefinedInstruction(m);
  if (access.restricted === 'secure-write' && write && !secure) undefinedInstruction(m);
  // In Secure state other than Monitor mode this is UNPREDICTABLE; boot code relies on it, and it works.
  if (access.restricted === 'hyp' && mode !== MODE_HYP && mode !== MODE_MON && !secure)
    undefinedInstruction(m);
  if (guest) {
    if (coproc === 15 && trapsPrimary(m.core.HSTR, primary)) hypTrap(m, ec, iss);
    if (access.trap?.(m, write)) hypTrap(m, ec, iss);
  }
}

function access32(m: Machine, f: OperationFields<'MCR' | 'MRC'>, write: boolean): Reached {
  const { coproc, opc1, opc2, CRn, CRm, Rt } = f;
  if (coproc < 14) undefinedInstruction(m);
  const iss =
    CV_ALWAYS | (opc2 << 17) | (opc1 << 14) | (CRn << 10) | (Rt << 5) | (CRm << 1) | (write ? 0 : 1);
  const access = systemRegister({ coproc, opc1, CRn, CRm, opc2 });
  check(m, access, write, coproc, CRn, isLockdown(CRn, CRm), coproc === 15 ? EC_CP15 : EC_CP14, iss);
  return access;
}

/** LDC, STC, CDP, and all that names coprocessors 0 to 13 but 10 and 11: none is there, so CPACR refuses it first. */
const noCoprocessor: Execute = (m) => {
  undefinedInstruction(m);
};

const mcr: Execute<OperationFields<'MCR'>> = (m, f) => {
  const access = access32(m, f, true);
  extensionsUnknown(m);
  access.write!(m, register(m, f.Rt));
  // What a system register decides may be anything: the interpreter looks up its way again.
  m.leave = true;
};

const mrc: Execute<OperationFields<'MRC'>> = (m, f) => {
  const access = access32(m, f, false);
  const value = access.read!(m) >>> 0;
  if (f.Rt === 15) setFlags(m, value);
  else setRegister(m, f.Rt, value);
};

function access64(m: Machine, f: OperationFields<'MCRR' | 'MRRC'>, write: boolean): Reached<bigint> {
  const { coproc, opc1, CRm, Rt, Rt2 } = f;
  if (coproc < 14) undefinedInstruction(m);
  const iss = CV_ALWAYS | (opc1 << 16) | (Rt2 << 10) | (Rt << 5) | (CRm << 1) | (write ? 0 : 1);
  const access = systemRegister64({ coproc, opc1, CRm });
  check(m, access, write, coproc, CRm, isLockdown(CRm, 0), coproc === 15 ? EC_CP15_64 : EC_CP14_64, iss);
  return access;
}

const mcrr: Execute<OperationFields<'MCRR'>> = (m, f) => {
  const access = access64(m, f, true);
  const { Rt, Rt2 } = f;
  extensionsUnknown(m);
  access.write!(m, (BigInt(register(m, Rt2)) << 32n) | BigInt(register(m, Rt)));
  m.leave = true;
};

const mrrc: Execute<OperationFields<'MRRC'>> = (m, f) => {
  const access = access64(m, f, false);
  const value = access.read!(m);
  setRegister(m, f.Rt, Number(value & 0xffffffffn));
  setRegister(m, f.Rt2, Number((value >> 32n) & 0xffffffffn));
};

export const coprocessor = {
  MCR: mcr,
  MRC: mrc,
  MCRR: mcrr,
  MRRC: mrrc,
  LDC: noCoprocessor,
  LDC_lit: noCoprocessor,
  STC: noCoprocessor,
  CDP: noCoprocessor,
} satisfies Partial<Executes>;
