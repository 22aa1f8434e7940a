/** What the interpreter may do by itself, of the running core: made anew each time that it is entered. */
import { resetOf } from '../isa/bits.js';
import * as R from '../isa/system-registers.js';
import { MODE_HYP, MODE_MON } from '../isa/program-status.js';
import {
  ACTLR_SMP,
  HCR_DC,
  HCR_TGE,
  HCR_TVM,
  HCR_VA,
  HCR_VF,
  HCR_VI,
  HIGH_VECTORS,
  SCR_NS,
  SCR_SIF,
  SCTLR_A,
  SCTLR_AFE,
  SCTLR_CP15BEN,
  SCTLR_EE,
  SCTLR_M,
  SCTLR_TE,
  SCTLR_TRE,
  SCTLR_UWXN,
  SCTLR_V,
  SCTLR_WXN,
  trapsPrimary,
  TTBCR_EAE,
} from './control-bits.js';
import { modeOf } from './current-mode.js';
import * as L from './layout.js';
import { hasStage2, memoryTypes, stage2Of } from './mmu.js';
import { type Machine, systemAt, type SystemBank } from './state.js';
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
  const hstr = nonSecure ? core.HSTR : 0;
  u32[L.HSTR_TRAPS >>> 2] = hstr;
  u32[L.CP15_BARRIERS >>> 2] = trapsPrimary(hstr, R.CP15ISB.CRn) || !(SCTLR & SCTLR_CP15BEN) ? 0 : 1;
  u32[L.BANK >>> 2] = systemAt(core.index) + (nonSecure ? L.BANK_SIZE : 0);
  u32[L.BANK_CONTEXTS >>> 2] = contexts;
  u32[L.BANK_DOMAINS >>> 2] = domainsAt(core, nonSecure);
  u32[L.MAY_WRITE_DACR >>> 2] = trapsPrimary(hstr, R.DACR.CRn) || (nonSecure && core.HCR & HCR_TVM) ? 0 : 1;
  // What is read while a wait is looked for, is to be known.
  u32[L.MAY_MOVE_DATA >>> 2] = m.probing ? 0 : 1;
  grantWalks(m, bank, nonSecure);
  u32[L.MIDR >>> 2] = nonSecure ? core.VPIDR : MIDR;
  u32[L.MPIDR >>> 2] = nonSecure ? core.VMPIDR : core.MPIDR;
}

/** What memory types were made of last: they are the same for most systems. */
let [lastMAIR0, lastMAIR1, lastTypes] = [NaN, NaN, 0];

function typesOf(bank: SystemBank): number {
  if (bank.MAIR0 !== lastMAIR0 || bank.MAIR1 !== lastMAIR1)
    [lastMAIR0, lastMAIR1, lastTypes] = [bank.MAIR0, bank.MAIR1, memoryTypes(bank)];
  return lastTypes;
}

/** With one of these a walk is TypeScript's. */
const SCTLR_OTHER = SCTLR_EE | SCTLR_AFE | SCTLR_WXN | SCTLR_UWXN;

/** What the interpreter has to know to walk tables by itself, where it may. */
function grantWalks(m: Machine, bank: SystemBank, nonSecure: boolean): void {
  const { u32, core } = m;
  const { SCTLR } = bank;
  const stage2 = nonSecure && hasStage2(core);
  // In Hyp and in Monitor mode other tables translate. Who looks at accesses has each of them come to TypeScript.
  const isOwn =
    modeOf(m) !== MODE_HYP &&
    modeOf(m) !== MODE_MON &&
    (SCTLR & (SCTLR_M | SCTLR_TRE | SCTLR_OTHER)) === (SCTLR_M | SCTLR_TRE) &&
    !(bank.TTBCR & TTBCR_EAE) &&
    !(nonSecure ? core.HCR & HCR_DC : core.SCR & SCR_SIF) &&
    m.watch === undefined &&
    core.watched === '' &&
    core.counting === 0;
  u32[L.WALKS >>> 2] = isOwn ? (stage2 ? 2 : 1) : 0;
  if (!isOwn) return;
  u32[L.MEMORY_TYPES >>> 2] = typesOf(bank);
  u32[L.WALK_NORMAL >>> 2] = SCTLR & SCTLR_A ? 0 : L.TLB_UNALIGNED;
  u32[L.WALK_EXCLUSIVES >>> 2] = core.ACTLR & ACTLR_SMP ? L.TLB_EXCLUSIVES : 0;
  if (!stage2) return;
  const { table, shift, size } = stage2Of(core);
  u32[L.STAGE2_TABLE >>> 2] = table;
  u32[L.STAGE2_SHIFT >>> 2] = shift;
  u32[L.STAGE2_SIZE >>> 2] = size;
  if (table >= m.ramSize || core.HSCTLR & SCTLR_EE) u32[L.WALKS >>> 2] = 0;
}
