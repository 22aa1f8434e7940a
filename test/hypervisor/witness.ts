/** A guest that keeps a value of its own in every register it can, and looks after each that all are still there. */
import type { Assembler } from '../../src/isa/assembler.js';
import { d } from '../../src/isa/extension-registers.js';
import type { Label, Register } from '../../src/isa/registers.js';
import { coreRegisters, lr, r0, r1, r2, r3, r12, sp } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import type { BitPlaces, SystemRegister } from '../../src/isa/system-registers.js';
import { GUEST_RAM, load, smallGuest } from './payloads.js';

/** Where in its memory it counts its rounds, and where it says what was wrong first (1 and up; 0 is nothing). */
export const ROUNDS = 0x4000;
export const WRONG = 0x4004;
/** Where it puts registers to look at them. */
const KEPT = 0x4100;
/** Data of a witness: what lies outside does not change. */
export const WITNESS_DATA = { from: ROUNDS, to: KEPT + 0x100 };

/** R0 to R11, SP and LR hold values; R12 counts in between. */
const GENERAL: readonly Register[] = [...coreRegisters.slice(0, 12), sp, lr];

/** All banked registers but those of SVC mode, in which it runs, and the status registers. */
const BANKED = [
  ...(['SP_usr', 'LR_usr', 'SP_abt', 'LR_abt', 'SP_und', 'LR_und', 'SP_irq', 'LR_irq'] as const),
  ...(['R8_fiq', 'R9_fiq', 'R10_fiq', 'R11_fiq', 'R12_fiq', 'SP_fiq', 'LR_fiq'] as const),
];
const STATUS = ['SPSR_abt', 'SPSR_und', 'SPSR_irq', 'SPSR_fiq'] as const;
/** Flags, GE, masks, and User mode: what a status register may hold whole. */
const STATUS_BITS = 0xf80f_01c0;
const MODE_USR = 0x10;

type Kept = SystemRegister<BitPlaces, 'RW'>;
/** System registers, with the bits of them that may be anything while the MMU and the timer are off. */
const SYSTEM: readonly (readonly [Kept, number, number])[] = [
  [reg.SCTLR, 2, 0x00c5_0878],
  [reg.TTBR0, 0xffff_c000, 0],
  [reg.TTBR1, 0xffff_c000, 0],
  [reg.TTBCR, 7, 0],
  [reg.DACR, 0xffff_ffff, 0],
  [reg.DFSR, 0x0000_0cff, 0],
  [reg.IFSR, 0x0000_040f, 0],
  [reg.DFAR, 0xffff_ffff, 0],
  [reg.IFAR, 0xffff_ffff, 0],
  [reg.PAR, 0xffff_f000, 0],
  [reg.PRRR, 0x0000_ffff, 0],
  [reg.NMRR, 0xffff_ffff, 0],
  [reg.CONTEXTIDR, 0xffff_ffff, 0],
  [reg.TPIDRURW, 0xffff_ffff, 0],
  [reg.TPIDRURO, 0xffff_ffff, 0],
  [reg.TPIDRPRW, 0xffff_ffff, 0],
  [reg.CSSELR, 1, 0],
  [reg.CNTKCTL, 0x303, 0],
  [reg.CNTV_CTL, 0, 2],
];
const FPSCR_BITS = 0xf7c0_009f;
const FPEXC_EN = 0x4000_0000;
const CPACR_ALL = 0xf << 20;

/** What is wrong, in the numbers that a witness writes. */
export const wrongs: readonly string[] = [
  'nothing',
  ...GENERAL.map(({ core }) => `R${core}`),
  ...BANKED,
  ...STATUS,
  ...SYSTEM.map(([{ name }]) => name),
  'CNTV_CVAL',
  'FPSCR',
  ...Array.from({ length: 32 }, (_, n) => `D${n}`),
];

/**
 * Makes one.
 * @param seed decides its values
 * @param spin instructions between two looks, a multiple of 2
 */
export function witness(seed: number, spin: number): Uint8Array {
  const value = (n: number): number => (Math.imul(seed, 0x9e37_79b1) ^ Math.imul(n + 1, 0x85eb_ca6b)) >>> 0;
  const status = (n: number): number => ((value(n) & STATUS_BITS) | MODE_USR) >>> 0;

  return smallGuest((a) => {
    const [again, spinning, stop] = [a.label('again'), a.label('spinning'), a.label('stop')];
    load(a, r0, CPACR_ALL);
    a.mcr(reg.CPACR, r0);
    a.isb();
    load(a, r0, FPEXC_EN);
    a.vmsr('FPEXC', r0);
    // Values are numbered as what may be wrong.
    let n = GENERAL.length + 1;
    for (const name of BANKED) {
      load(a, r0, value(n++));
      a.msr(name, r0);
    }
    for (const name of STATUS) {
      load(a, r0, status(n++));
      a.msr(name, r0);
    }
    for (const [register, mask, always] of SYSTEM) {
      load(a, r0, ((value(n++) & mask) | always) >>> 0);
      a.mcr(register, r0);
    }
    load(a, r0, value(n));
    load(a, r1, value(n++) >>> 1);
    a.mcrr(reg.CNTV_CVAL, r0, r1);
    load(a, r0, (value(n++) & FPSCR_BITS) >>> 0);
    a.vmsr('FPSCR', r0);
    for (let i = 0; i < 32; i++, n++) {
      load(a, r0, value(n));
      load(a, r1, ~value(n) >>> 0);
      a.vmov(d(i), r0, r1);
    }

    a.at(again);
    GENERAL.forEach((register, i) => {
      load(a, register, value(i + 1));
    });
    load(a, r12, spin / 2);
    a.at(spinning);
    a.subs(r12, r12, 1);
    a.bne(spinning);
    load(a, r12, GUEST_RAM + KEPT);
    GENERAL.forEach((register, i) => {
      a.str(register, [r12, 4 * i]);
    });
    looks(a, value, status, stop);
    load(a, r12, GUEST_RAM + ROUNDS);
    a.ldr(r0, [r12]);
    a.add(r0, r0, 1);
    a.str(r0, [r12]);
    a.b(again);
    a.at(stop);
    load(a, r12, GUEST_RAM + WRONG);
    a.str(r3, [r12]);
    const end = a.label('end');
    a.at(end);
    a.b(end);
  });
}

/** Compares everything with its value; goes to `stop` with the number of what is wrong in R3. */
function looks(a: Assembler, value: (n: number) => number, status: (n: number) => number, stop: Label): void {
  let n = 1;
  const compare = (register: Register, expected: number): void => {
    load(a, r2, expected);
    a.movw(r3, n);
    a.cmp(register, r2);
    a.bne(stop);
  };
  GENERAL.forEach((_, i) => {
    a.ldr(r0, [r12, 4 * i]);
    compare(r0, value(n));
    n++;
  });
  for (const name of BANKED) {
    a.mrs(r0, name);
    compare(r0, value(n));
    n++;
  }
  for (const name of STATUS) {
    a.mrs(r0, name);
    compare(r0, status(n));
    n++;
  }
  for (const [register, mask, always] of SYSTEM) {
    a.mrc(register, r0);
    compare(r0, ((value(n) & mask) | always) >>> 0);
    n++;
  }
  a.mrrc(reg.CNTV_CVAL, r0, r1);
  compare(r0, value(n));
  compare(r1, value(n) >>> 1);
  n++;
  a.vmrs(r0, 'FPSCR');
  compare(r0, (value(n) & FPSCR_BITS) >>> 0);
  n++;
  for (let i = 0; i < 32; i++, n++) {
    a.vmov(r0, r1, d(i));
    compare(r0, value(n));
    compare(r1, ~value(n) >>> 0);
  }
}
