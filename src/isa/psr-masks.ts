/**
 * Processor modes, and the bits of the program status registers as masks (ARM ARM B1.3). The interpreter of the built-in
 * processor (AssemblyScript) imports this file too, so it holds nothing but constants.
 */

/** Processor modes, values of PSR.M (table B1-1). */
export const MODE_USR = 0x10;
export const MODE_FIQ = 0x11;
export const MODE_IRQ = 0x12;
export const MODE_SVC = 0x13;
export const MODE_MON = 0x16;
export const MODE_ABT = 0x17;
export const MODE_HYP = 0x1a;
export const MODE_UND = 0x1b;
export const MODE_SYS = 0x1f;

/** Masks of the bits that PSR has (program-status.ts). */
export const PSR_N = 0x80000000;
export const PSR_Z = 0x40000000;
export const PSR_C = 0x20000000;
export const PSR_V = 0x10000000;
export const PSR_Q = 0x08000000;
export const PSR_J = 0x01000000;
export const PSR_GE = 0x000f0000;
export const PSR_E = 0x00000200;
export const PSR_A = 0x00000100;
export const PSR_I = 0x00000080;
export const PSR_F = 0x00000040;
export const PSR_T = 0x00000020;
export const PSR_M = 0x0000001f;
/** ITSTATE stands in two pieces. */
export const PSR_IT = 0x0600fc00;
