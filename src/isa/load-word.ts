import type { Assembler } from './assembler.js';
import type { Register } from './registers.js';

/** Loads a 32-bit constant by MOVW and, where it has an upper half, MOVT. */
export function loadWord(a: Assembler, to: Register, value: number): void {
  a.movw(to, value & 0xffff);
  if (value >>> 16 !== 0) a.movt(to, value >>> 16);
}
