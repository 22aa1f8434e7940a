/**
 * What of a vcpu the world switch saves, in the order of its words: everything that a guest in PL1 or PL0 can change
 * and that does not trap (ARM ARM B1.3, B3.15, B8). R0 to R12 and LR_usr are the vectors' matter. The world switch and
 * the body's constants are made of this.
 */
import * as reg from '../../isa/system-registers.js';
import type { BitPlaces, SystemRegister, SystemRegister64 } from '../../isa/system-registers.js';

/** Registers of modes, a word each. */
export const SAVED_BANKED = [
  ...(['ELR_hyp', 'SPSR_hyp', 'SP_usr', 'SP_svc', 'LR_svc', 'SPSR_svc', 'SP_abt', 'LR_abt'] as const),
  ...(['SPSR_abt', 'SP_und', 'LR_und', 'SPSR_und', 'SP_irq', 'LR_irq', 'SPSR_irq'] as const),
  ...(['SP_fiq', 'LR_fiq', 'SPSR_fiq', 'R8_fiq', 'R9_fiq', 'R10_fiq', 'R11_fiq', 'R12_fiq'] as const),
] as const;

/** System registers, behind those; of one of 64 bits the lower word stands first. */
export const SAVED_SYSTEM: readonly (SystemRegister<BitPlaces, 'RW'> | SystemRegister64<BitPlaces, 'RW'>)[] =
  [
    ...[reg.SCTLR, reg.CPACR, reg.TTBR0_64, reg.TTBR1_64, reg.TTBCR, reg.DACR],
    ...[reg.DFSR, reg.IFSR, reg.ADFSR, reg.AIFSR, reg.DFAR, reg.IFAR, reg.PAR_64],
    ...[reg.PRRR, reg.NMRR, reg.AMAIR0, reg.AMAIR1, reg.VBAR, reg.CONTEXTIDR],
    ...[reg.TPIDRURW, reg.TPIDRURO, reg.TPIDRPRW, reg.CSSELR, reg.CNTKCTL],
    ...[reg.CNTV_CTL, reg.CNTV_CVAL, reg.CNTVOFF, reg.VMPIDR, reg.VTTBR, reg.HCR],
  ];

/** Where each stands: its first word, by its name. */
export const SAVED_WORD: ReadonlyMap<string, number> = (() => {
  const places = new Map<string, number>(SAVED_BANKED.map((name, word) => [name, word]));
  let word = SAVED_BANKED.length;
  for (const { name, size } of SAVED_SYSTEM) {
    places.set(name, word);
    word += size / 32;
  }
  return places;
})();

/** How many words that are. */
export const SAVED_WORDS = SAVED_BANKED.length + SAVED_SYSTEM.reduce((sum, { size }) => sum + size / 32, 0);
