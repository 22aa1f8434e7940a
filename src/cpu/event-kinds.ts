/**
 * Kinds of events that are counted one by one, by the places of their tallies (layout.ts). Shared by the interpreter
 * (AssemblyScript), so it holds nothing but constants.
 */

// As instructions execute, by micro-ops of their own.
export const LOAD = 0;
export const STORE = 1;
export const PC_WRITE = 2;
export const BRANCH_IMMEDIATE = 3;
export const PROCEDURE_RETURN = 4;
export const EXCEPTION_RETURN = 5;
export const PREDICTABLE = 6;
export const UNALIGNED = 7;
// Elsewhere.
export const EXCEPTION = 8;
export const IRQ = 9;
export const FIQ = 10;
export const CONTEXTIDR_WRITE = 11;
export const INSTRUCTION_REFILL = 12;
export const DATA_REFILL = 13;
export const MEMORY_ACCESS = 14;
export const KINDS = 15;
