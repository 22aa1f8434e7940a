/** The system registers of floating-point and Advanced SIMD (B1.11.3), by the reg field of VMRS and VMSR (B9.3.22). */
import { FPSCR_BITS } from '../../isa/fpscr-masks.js';
import * as L from '../layout.js';
import type { Machine } from '../state.js';
import { extensionsUnknown, setWord, word } from '../state.js';

export const EXTENSION_REGISTERS = { FPSID: 0, FPSCR: 1, MVFR1: 6, MVFR0: 7, FPEXC: 8 } as const;
export type ExtensionRegister = keyof typeof EXTENSION_REGISTERS;

/** What the Cortex-A7 has in its identification registers (DDI 0463). */
const FPSID_VALUE = 0x41023075;
const MVFR0_VALUE = 0x10110222;
const MVFR1_VALUE = 0x11111111;
/** FPEXC's EN bit; no other can be set here. */
const FPEXC_EN = 1 << 30;

/** Reads one; undefined where there is none. */
export function readExtensionRegister(m: Machine, reg: number): number | undefined {
  switch (reg) {
    case EXTENSION_REGISTERS.FPSID:
      return FPSID_VALUE;
    case EXTENSION_REGISTERS.FPSCR:
      return word(m, L.FPSCR);
    case EXTENSION_REGISTERS.MVFR1:
      return MVFR1_VALUE;
    case EXTENSION_REGISTERS.MVFR0:
      return MVFR0_VALUE;
    case EXTENSION_REGISTERS.FPEXC:
      return word(m, L.FPEXC);
    default:
      return undefined;
  }
}

/** Writes one, as far as it can be written: the identification registers keep their values. False where there is none. */
export function writeExtensionRegister(m: Machine, reg: number, value: number): boolean {
  if (reg === EXTENSION_REGISTERS.FPSCR) setWord(m, L.FPSCR, value & FPSCR_BITS);
  else if (reg === EXTENSION_REGISTERS.FPEXC) {
    setWord(m, L.FPEXC, value & FPEXC_EN);
    extensionsUnknown(m);
  } else return readExtensionRegister(m, reg) !== undefined;
  return true;
}
