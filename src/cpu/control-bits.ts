/** Bits of control registers, as masks. */

/** Bits of SCTLR and HSCTLR that translation looks at. */
export const SCTLR_M = 1;
export const SCTLR_A = 2;
export const SCTLR_WXN = 1 << 19;
export const SCTLR_UWXN = 1 << 20;
export const SCTLR_EE = 1 << 25;
export const SCTLR_TRE = 1 << 28;
export const SCTLR_AFE = 1 << 29;
export const TTBCR_EAE = 0x80000000;
export const HCR_VM = 1;
export const HCR_PTW = 4;
export const HCR_DC = 1 << 12;
export const SCR_SIF = 1 << 9;
