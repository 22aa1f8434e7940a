/** What the interpreter may do by itself, of the running core: made anew each time that it is entered. */
import { resetOf } from '../isa/bits.js';
import * as R from '../isa/system-registers.js';
import {
  HCR_TGE,
  HCR_TVM,
  HCR_VA,
  HCR_VF,
  HCR_VI,
  HIGH_VECTORS,
  SCR_NS,
  SCTLR_CP15BEN,
  SCTLR_EE,
  SCTLR_TE,
  SCTLR_V,
} from './control-bits.js';
import * as L from './layout.js';
import { type Machine, systemAt } from './state.js';
import { contextsAt, domainsAt } from './tlb.js';

const MIDR = resetOf(R.MIDR);

const contextWord = (number: number): number => (number === L.UNKNOWN_CONTEXT ? L.NO_CONTEXT : number << 2);

/**
 * Writes down what the interpreter has to know of system registers, interrupts and who listens.
 * @param lookAt what the budget must be above for it to go on behind an instruction that may have changed anything
 */
export function grant(m: Machine, lookAt: number): void {
  const { u16, u32, core, listener } = m;
  const nonSecure = (core.SCR & SCR_NS) !== 0;
  const bank = nonSecure ? core.nonSecure : core.secure;
  const { SCTLR } = bank;
  const contexts = contextsAt(core, nonSecure);
  const told = listener?.modeChanged !== undefined || listener?.exceptionTaken !== undefined;
  const general = nonSecure && (core.HCR & HCR_TGE) !== 0;
  u32[L.MAY_CHANGE_MODE >>> 2] = told || general || core.comparesAll || core.countsByMode ? 0 : 1;
  u32[L.VECTORS >>> 2] = SCTLR & SCTLR_V ? HIGH_VECTORS : bank.VBAR;
  u32[L.VECTORS_VARIANT >>> 2] =
    (SCTLR & SCTLR_TE ? L.VARIANT_T : 0) |
    (SCTLR & SCTLR_EE ? L.VARIANT_E : 0) |
    (core.countsInstructions ? L.VARIANT_COUNTED : 0);
  u32[L.CONTEXT_USER >>> 2] = contextWord(u16[contexts >>> 1]!);
  u32[L.CONTEXT_PL1 >>> 2] = contextWord(u16[(contexts >>> 1) + 1]!);
  const virtual = (core.HCR & (HCR_VA | HCR_VF | HCR_VI)) !== 0;
  u32[L.PENDING >>> 2] = core.irq || core.fiq || core.abort !== 'no' || virtual ? 1 : 0;
  u32[L.LOOK_AT >>> 2] = lookAt;
  u32[L.MODE_LOG_NEXT >>> 2] = listener?.modeEntered ? L.MODE_LOG : 0;
  u32[L.SECURE >>> 2] = nonSecure ? 0 : 1;
  u32[L.HSTR_TRAPS >>> 2] = nonSecure ? core.HSTR : 0;
  u32[L.CP15_BARRIERS >>> 2] = (nonSecure && core.HSTR !== 0) || !(SCTLR & SCTLR_CP15BEN) ? 0 : 1;
  u32[L.BANK >>> 2] = systemAt(core.index) + (nonSecure ? L.BANK_SIZE : 0);
  u32[L.BANK_CONTEXTS >>> 2] = contexts;
  u32[L.BANK_DOMAINS >>> 2] = domainsAt(core, nonSecure);
  u32[L.MAY_TRANSLATE >>> 2] = nonSecure && (core.HSTR !== 0 || core.HCR & HCR_TVM) ? 0 : 1;
  // What is read while a wait is looked for, is to be known.
  u32[L.MAY_MOVE_DATA >>> 2] = m.probing ? 0 : 1;
  u32[L.MIDR >>> 2] = nonSecure ? core.VPIDR : MIDR;
  u32[L.MPIDR >>> 2] = nonSecure ? core.VMPIDR : core.MPIDR;
}
