/** Where QEMU 7.2 does otherwise than the processor of this project may, each with its reason. */
import { MODE_HYP, MODE_MON, MODE_USR } from '../../src/isa/program-status.js';
import type { SystemRegister, SystemRegister64 } from '../../src/isa/system-registers.js';
import type { OUTPUT_NAMES, Outputs } from './privileged-monitor.js';
import { HCR_TGE, SCR_FIQ, SCR_IRQ, type Start } from './privileged-state.js';

/** HVC is UNDEFINED in Secure state (B9.3.4); QEMU takes it to Hyp mode there ("FIXME: Use actual secure state"). */
export function hvcInQemu(start: Start): boolean {
  return start.nonSecure && start.mode !== MODE_MON;
}

/** Data processing with S and PC returns from an exception whatever it computes (B9.3.20); in QEMU, SUBS and MOVS do. */
export function returnsInQemu(opcode: number): boolean {
  return opcode === 2 || opcode === 13;
}

/** RFE, and LDM and STM with `^`, are UNDEFINED in Hyp mode (B9.3.5, B9.3.6, B9.3.13, B9.3.17); QEMU executes them. */
export function listInQemu(start: Start): boolean {
  return start.mode !== MODE_HYP;
}

/**
 * ITSTATE goes on behind every instruction of an IT block (A2.5.2). QEMU writes it down before an instruction that
 * may be refused at run time, and leaves it there. With SMC and WFI it forgets it: where those are trapped, SPSR_hyp lacks it.
 */
export function itInQemu(operation: string): boolean {
  return !/^(SRS|SMC|WFI|MRS_banked|MSR_banked|MCR|MRC|MCRR|MRRC)$/.test(operation);
}

/** Coprocessors that are not there, but for 8 and 9: QEMU executes half-precision loads of ARMv8 there. */
export const ABSENT_IN_QEMU = [0, 1, 2, 3, 4, 5, 6, 7, 12, 13] as const;

/**
 * In Hyp mode I and F mask what is routed to Monitor mode, whatever IMO and FMO say (B1.8.7: those unmask it in other
 * Non-secure modes); QEMU lets IMO and FMO unmask it there too.
 */
export function fitRoutes({ inputs, mode }: Start): void {
  if (mode === MODE_HYP || mode === MODE_MON) inputs.SCR &= ~(SCR_IRQ | SCR_FIQ);
}

/** M:M1 of MRS and MSR (banked) that names SPSR_hyp where R is 1 (B9.2.3). */
const SPSR_HYP = 0b11110;

/**
 * SPSR_hyp from Hyp mode is UNPREDICTABLE (B9.2.3): QEMU since 9.0 executes it, as the processor of this project does;
 * QEMU 7.2 refuses it. See privileged-manual.test.ts.
 */
export function spsrHypInQemu(start: Start, fields: Readonly<Record<string, number>>): boolean {
  const { R = 0, M = 0, M1 = 0 } = fields;
  return !(start.mode === MODE_HYP && R === 1 && ((M << 4) | M1) === SPSR_HYP);
}

/** The fault status of BKPT, in IFSR's two formats and in HSR (table B3-23, B3-24). */
const isBreakpoint = (ifsr: number): boolean =>
  ifsr & 0x200 ? (ifsr & 0x3f) === 0x22 : (ifsr & 0x40f) === 2;
/** Prefetch Abort from a lower level or Hyp mode, for a debug event. */
const isBreakpointHsr = (hsr: number): boolean => (hsr & 0xf800003f) >>> 0 === 0x80000022;
const IL = 1 << 25;
const HDCR_TDE = 1 << 8;
const HDCR_TDRA = 1 << 11;

/** Whether a difference in an output is allowed. */
export function exempt(
  start: Start,
  name: (typeof OUTPUT_NAMES)[number],
  here: Outputs,
  there: Outputs,
): boolean {
  // IL means nothing for Prefetch Aborts (B3.13.6); QEMU sets it for BKPT alone.
  if (name === 'HSR') return isBreakpointHsr(here.HSR) && (here.HSR | IL) >>> 0 === there.HSR;
  // A debug event leaves the fault address UNKNOWN (table B3-22); here it is BKPT's own, in QEMU 0.
  if (name === 'IFAR_ns') return isBreakpoint(here.IFSR_ns);
  // In Monitor mode QEMU takes HDCR.TDE for the format of IFSR, but not for where the exception goes.
  if (name === 'IFSR_s')
    return (
      start.mode === MODE_MON &&
      (start.inputs.HDCR & HDCR_TDE) !== 0 &&
      isBreakpoint(here.IFSR_s) &&
      isBreakpoint(there.IFSR_s)
    );
  if (name !== 'IFAR_s' && name !== 'HIFAR') return false;
  return isBreakpoint(here.IFSR_s) || isBreakpointHsr(here.HSR);
}

/** Registers that count, and are not the same twice; values that are made of them. Only who may is compared. */
export const CHANGING: ReadonlySet<string> = new Set([
  'CNTPCT',
  'CNTVCT',
  'CNTP_TVAL',
  'CNTV_TVAL',
  'CNTHP_TVAL',
  'PMCCNTR',
]);

/** Whether a register is only read: writes would be seen in what counts, or do in QEMU what no Cortex-A7 does. */
export function leftAlone(name: string): boolean {
  return CHANGING.has(name) || name === 'FCSEIDR';
}

/** HCR's traps but TIDCP, TID1, TID3, TSW, TPC, TPU, which QEMU has for ARMv8 alone; WFE is never a wait there. */
export const HCR_TRAPS_IN_QEMU = 0x0628_8e3a;
/** HDCR's traps of counters but TPMCR, which QEMU does not have. */
export const HDCR_TRAPS_IN_QEMU = 0x40;
/** HCPTR's traps but TCPAC, which QEMU has for ARMv8 alone. */
export const HCPTR_TRAPS_IN_QEMU = 0x0010_8c00;

/** Registers that QEMU does not have, or not as a Cortex-A7. */
const NOT_IN_QEMU: ReadonlySet<string> = new Set([
  // PMUv2 has them (B4.1.109); QEMU for ARMv8 alone.
  'PMCEID0',
  'PMCEID1',
  // Of the debug registers QEMU leaves some out, and gives others as instructions that do nothing.
  'DBGPRCR',
  'DBGPRSR',
  'DBGDSCR',
  'DBGDSCRext',
  'DBGVCR',
]);

/** Whether QEMU has a register; translations are tested elsewhere. */
export function isInQemu({ name }: SystemRegister | SystemRegister64): boolean {
  return !NOT_IN_QEMU.has(name) && !name.startsWith('ATS');
}

/** Whether an access to a register from a start is one that QEMU can judge. */
export function comparable(register: SystemRegister | SystemRegister64, start: Start): boolean {
  const { name, coproc, opc1 } = register;
  // ThumbEE and Jazelle from User mode: QEMU refuses what may be read, or may be either (A2.9.2, A2.10.2).
  if (coproc === 14 && opc1 >= 6 && name !== 'TEEHBR' && !start.privileged) return false;
  // Hyp mode's registers in Secure state are UNPREDICTABLE, in Monitor mode too while SCR.NS is 0 (B3.15.3).
  return !isHyp(register) || start.nonSecure;
}

/** Whether a register is Hyp mode's. */
function isHyp({ name, coproc, size, opc1 }: SystemRegister | SystemRegister64): boolean {
  return coproc === 15 && name !== 'CBAR' && (opc1 === 4 || (size === 64 && opc1 === 6));
}

/** Registers of Secure state alone, to read or to write. */
const SECURE_ONLY: ReadonlySet<string> = new Set(['SCR', 'SDER', 'MVBAR', 'NSACR', 'CNTFRQ']);

/** Takes back traps that may come before or after a refusal, or that QEMU looks up in the wrong bit. */
export function fitTraps(
  register: SystemRegister | SystemRegister64,
  { inputs, mode, nonSecure }: Start,
): void {
  const { name } = register;
  // HDCR.TDRA traps the 64-bit views too (B1.14.15); in QEMU those are constants.
  if (register.coproc === 14 && register.size === 64) inputs.HDCR &= ~(HDCR_TDRA | HDCR_TDE);
  // HSTR traps what would be refused too (B1.14.12); QEMU looks at some refusals first.
  if (isHyp(register) || SECURE_ONLY.has(name)) inputs.HSTR = 0;
  if (mode !== MODE_USR) return;
  // In Secure User mode QEMU wants to take the trap, and ends with an assertion.
  if (!nonSecure) inputs.HSTR = 0;
  const refusable = /^(PM|CNT|TEE)/.test(name);
  // User mode where PMUSERENR refuses: HSTR may come before or after that (B1.14.12).
  if (refusable) inputs.HSTR = 0;
  // What is refused is an Undefined Instruction, with HSR 0 where TGE takes it; QEMU tells the register, as ARMv8.
  if (refusable) inputs.HCR &= ~HCR_TGE;
  // From User mode QEMU looks at PL1PCEN for the counter too.
  if (name === 'CNTPCT' && inputs.CNTHCTL) inputs.CNTHCTL = 3;
}

/** Bits of registers whose values are the implementation's own, with the reason. */
const OWN_BITS: Readonly<Record<string, readonly [bits: number, why: string]>> = {
  ACTLR: [0xffffffff, 'DDI 0464 4.3.31; QEMU has a constant'],
  HACTLR: [0xffffffff, 'nothing in it on a Cortex-A7; QEMU has a constant'],
  CBAR: [0xffffffff, 'what the BCM2836 ties it to is not known; QEMU gives its peripherals base'],
  CCSIDR: [0xffffffff, 'DDI 0464 4.3.22; QEMU has those of a Cortex-A15'],
  REVIDR: [0xffffffff, '0 on a Cortex-A7; QEMU gives MIDR'],
  L2CTLR: [0xffffffff, 'DDI 0464 4.3.48; QEMU has a constant, with bits of a Cortex-A15'],
  L2ECTLR: [0xffffffff, 'DDI 0464 4.3.49; QEMU has a constant'],
  SCTLR: [~0x72183427, 'bits that are fixed or reserved; QEMU keeps what is written'],
  HSCTLR: [~0x42081027, 'bits that are fixed or reserved; QEMU keeps what is written'],
  HCPTR: [~0x80108c00, 'bits that are fixed or reserved; QEMU keeps what is written'],
  HDCR: [~0xfff, 'reserved bits; QEMU keeps what is written'],
  HSTR: [~0x0003bfef, 'reserved bits; QEMU keeps what is written'],
  HPFAR: [0xf, 'reserved bits; QEMU keeps what is written'],
  NSACR: [~0x0010cc00, 'reserved bits and those of a Cortex-A7; QEMU keeps what is written'],
  SDER: [~3, 'reserved bits; QEMU keeps what is written'],
  CNTHCTL: [~0xff, 'reserved bits; QEMU keeps what is written'],
  CNTKCTL: [~0x3ff, 'reserved bits; QEMU keeps what is written'],
  TTBCR: [~0x80000007, 'reserved bits of either format; here what is written is kept'],
  TEEHBR: [3, 'reserved bits; QEMU keeps what is written'],
  PMCR: [0xc0, 'LC and LP of ARMv8'],
  PMXEVTYPER: [0x07ffff00, 'reserved bits; QEMU keeps some'],
};

/** Bits of a register's value that are not compared. */
export function differingBits(name: string): number {
  return OWN_BITS[name]?.[0] ?? 0;
}
