/** Bits of system registers that the processor looks at, as masks. SCTLR's are HSCTLR's too where both have them. */
import { maskOf } from '../isa/bits.js';
import { ACTLR, DBGDSCR, HCR, HDCR, HSTR, SCR, SCTLR, TTBCR } from '../isa/system-registers.js';

export const SCTLR_CP15BEN = maskOf(SCTLR, 'CP15BEN');
export const SCTLR_SW = maskOf(SCTLR, 'SW');
export const SCTLR_V = maskOf(SCTLR, 'V');
/** Where the vectors are with SCTLR.V (B1.8.1). */
export const HIGH_VECTORS = 0xffff0000;
export const SCTLR_EE = maskOf(SCTLR, 'EE');
export const SCTLR_TE = maskOf(SCTLR, 'TE');
export const SCTLR_M = maskOf(SCTLR, 'M');
export const SCTLR_A = maskOf(SCTLR, 'A');
export const SCTLR_WXN = maskOf(SCTLR, 'WXN');
export const SCTLR_UWXN = maskOf(SCTLR, 'UWXN');
export const SCTLR_TRE = maskOf(SCTLR, 'TRE');
export const SCTLR_AFE = maskOf(SCTLR, 'AFE');

export const ACTLR_SMP = maskOf(ACTLR, 'SMP');

export const TTBCR_EAE = maskOf(TTBCR, 'EAE');

export const SCR_NS = maskOf(SCR, 'NS');
export const SCR_IRQ = maskOf(SCR, 'IRQ');
export const SCR_FIQ = maskOf(SCR, 'FIQ');
export const SCR_EA = maskOf(SCR, 'EA');
export const SCR_AW = maskOf(SCR, 'AW');
export const SCR_FW = maskOf(SCR, 'FW');
export const SCR_SCD = maskOf(SCR, 'SCD');
export const SCR_HCE = maskOf(SCR, 'HCE');
export const SCR_SIF = maskOf(SCR, 'SIF');

export const HCR_TIDCP = maskOf(HCR, 'TIDCP');
export const HCR_TWI = maskOf(HCR, 'TWI');
export const HCR_TWE = maskOf(HCR, 'TWE');
export const HCR_FMO = maskOf(HCR, 'FMO');
export const HCR_IMO = maskOf(HCR, 'IMO');
export const HCR_AMO = maskOf(HCR, 'AMO');
export const HCR_VF = maskOf(HCR, 'VF');
export const HCR_VI = maskOf(HCR, 'VI');
export const HCR_VA = maskOf(HCR, 'VA');
export const HCR_TSC = maskOf(HCR, 'TSC');
export const HCR_TVM = maskOf(HCR, 'TVM');
export const HCR_TGE = maskOf(HCR, 'TGE');
export const HCR_VM = maskOf(HCR, 'VM');
export const HCR_PTW = maskOf(HCR, 'PTW');
export const HCR_DC = maskOf(HCR, 'DC');

export const HDCR_TDE = maskOf(HDCR, 'TDE');

export const HSTR_TJDBX = maskOf(HSTR, 'TJDBX');
/** Whether HSTR.Tn traps accesses to CP15's primary register n; T4 and T14 are reserved (DDI 0406C, HSTR). */
export const trapsPrimary = (hstr: number, n: number): boolean =>
  n !== 4 && n !== 14 && ((hstr >>> n) & 1) !== 0;

export const DBGDSCR_MOE = maskOf(DBGDSCR, 'MOE');
