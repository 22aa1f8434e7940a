/** Moves between core and extension registers, and the system registers of floating-point. */
import { undefinedInstruction } from '../exceptions.js';
import { extensionRegisters } from '../float/registers.js';
import type { Executes } from '../instruction.js';
import { isPrivileged } from '../current-mode.js';
import { setFlags } from '../modes.js';
import type { Needs } from '../operation-fields.js';
import { type Machine, register, setRegister } from '../state.js';
import { dNumber, sNumber } from './arithmetic.js';
import { EXTENSION_REGISTERS, readExtensionRegister, writeExtensionRegister } from './system-registers.js';

/** Size and index of a scalar out of opc1:opc2: 1xxx is 8 bits, 0xx1 is 16, 0x00 is 32. */
function scalar(opc: number): { size: 8 | 16 | 32; index: number } {
  if (opc & 8) return { size: 8, index: opc & 7 };
  if (opc & 1) return { size: 16, index: (opc >> 1) & 3 };
  return { size: 32, index: (opc >> 2) & 1 };
}

/** Moves Rt and Rt2 to or from S[n] and S[n + 1]. */
function moveTwo(m: Machine, f: Needs<'op' | 'Rt' | 'Rt2'>, n: number): void {
  const { u32 } = extensionRegisters(m);
  if (f.op) {
    setRegister(m, f.Rt, u32[n]!);
    setRegister(m, f.Rt2, u32[n + 1]!);
  } else {
    u32[n] = register(m, f.Rt);
    u32[n + 1] = register(m, f.Rt2);
  }
}

export const vfpTransfers = {
  VMOV_core_to_scalar: (m, f) => {
    const { u8, u16, u32 } = extensionRegisters(m);
    const { size, index } = scalar(f.opc);
    const at = (dNumber(f.Vd, f.D) * 64) / size + index;
    ({ 8: u8, 16: u16, 32: u32 })[size][at] = register(m, f.Rt);
  },
  VMOV_scalar_to_core: (m, f) => {
    const { u8, u16, u32 } = extensionRegisters(m);
    const { size, index } = scalar(f.opc);
    const at = (dNumber(f.Vn, f.N) * 64) / size + index;
    const value = { 8: u8, 16: u16, 32: u32 }[size][at]!;
    const shift = 32 - size;
    setRegister(m, f.Rt, f.U ? value : (value << shift) >> shift);
  },
  VMOV_core_single: (m, f) => {
    const { u32 } = extensionRegisters(m);
    const n = sNumber(f.Vn, f.N);
    if (f.op) setRegister(m, f.Rt, u32[n]!);
    else u32[n] = register(m, f.Rt);
  },
  VMOV_core_singles: (m, f) => {
    moveTwo(m, f, sNumber(f.Vm, f.M));
  },
  VMOV_core_double: (m, f) => {
    moveTwo(m, f, dNumber(f.Vm, f.M) * 2);
  },
  VMRS: (m, { reg, Rt }) => {
    if (reg !== EXTENSION_REGISTERS.FPSCR && !isPrivileged(m)) undefinedInstruction(m);
    const value = readExtensionRegister(m, reg);
    if (value === undefined) undefinedInstruction(m);
    if (reg === EXTENSION_REGISTERS.FPSCR && Rt === 15) setFlags(m, value);
    else setRegister(m, Rt, value);
  },
  VMSR: (m, { reg, Rt }) => {
    if (reg !== EXTENSION_REGISTERS.FPSCR && !isPrivileged(m)) undefinedInstruction(m);
    if (!writeExtensionRegister(m, reg, register(m, Rt))) undefinedInstruction(m);
  },
} satisfies Partial<Executes>;
