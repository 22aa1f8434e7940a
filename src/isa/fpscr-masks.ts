/**
 * The bits of FPSCR as masks (ARM ARM B4.1.58). The interpreter of the built-in processor (AssemblyScript) imports this
 * file too, so it holds nothing but constants.
 */

/** Cumulative exceptions: invalid operation, division by zero, overflow, underflow, inexact, input denormal. */
export const IOC = 1 << 0;
export const DZC = 1 << 1;
export const OFC = 1 << 2;
export const UFC = 1 << 3;
export const IXC = 1 << 4;
export const IDC = 1 << 7;
/** Length and stride of vectors, which this processor does not execute. */
export const LEN_STRIDE = (7 << 16) | (3 << 20);
export const RMODE_LOW = 22;
export const RMODE = 3 << RMODE_LOW;
/** Flush to zero, default NaN, the alternative half-precision format. */
export const FZ = 1 << 24;
export const DN = 1 << 25;
export const AHP = 1 << 26;
/** A saturating Advanced SIMD instruction saturated. */
export const QC = 1 << 27;
/** The bits that can be written; traps of exceptions are not there. */
export const FPSCR_BITS = 0xfff7009f;
