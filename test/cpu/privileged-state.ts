/** What a case of privileged code starts from: a mode, every mode's registers, and what system registers trap. */
import type { BankedRegister } from '../../src/isa/operands.js';
import {
  MODE_ABT,
  MODE_FIQ,
  MODE_HYP,
  MODE_IRQ,
  MODE_MON,
  MODE_SVC,
  MODE_SYS,
  MODE_UND,
  MODE_USR,
} from '../../src/isa/program-status.js';
import { INPUT_NAMES, type Inputs, VECTORS } from './privileged-monitor.js';

export const PSR_E = 1 << 9;
export const PSR_T = 1 << 5;
const PSR_FLAGS = 0xf80f0000;
const PSR_MASKS = 0x1c0;
export const SCR_NS = 1;
export const SCR_IRQ = 2;
export const SCR_FIQ = 4;
export const SCR_HCE = 0x100;
export const HCR_TGE = 1 << 27;
const SCTLR_TE = 1 << 30;
const SCTLR_EE = 1 << 25;
/** Reset values without caches and MMU (DDI 0464 4.3.27, B4.1.73). */
const SCTLR_BASE = 0x00c50878;
const HSCTLR_BASE = 0x30c50830;

const NAMES: Readonly<Record<number, string>> = {
  [MODE_USR]: 'usr',
  [MODE_SYS]: 'usr',
  [MODE_FIQ]: 'fiq',
  [MODE_IRQ]: 'irq',
  [MODE_SVC]: 'svc',
  [MODE_ABT]: 'abt',
  [MODE_UND]: 'und',
  [MODE_HYP]: 'hyp',
  [MODE_MON]: 'mon',
};
export const PL1_MODES = [MODE_FIQ, MODE_IRQ, MODE_SVC, MODE_ABT, MODE_UND, MODE_SYS] as const;
/** Modes in the order they are drawn from; Hyp mode is Non-secure only. */
export const MODES = [...PL1_MODES, MODE_USR, MODE_HYP, MODE_MON] as const;

const interesting = [0, 1, 2, 0x7f, 0x80, 0xff, 0x8000, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff];

/** Draws values out of a row of random words. */
export class Draw {
  constructor(readonly word: () => number) {}

  /** A number from 0 up, less than `n`. */
  below(n: number): number {
    return this.word() % n;
  }

  /** True in one of `n` cases. */
  once(n: number): boolean {
    return this.below(n) === 0;
  }

  of<T>(list: readonly T[]): T {
    return list[this.below(list.length)]!;
  }

  /** A value of a register: an edge, a small number or any. */
  value(): number {
    const kind = this.below(4);
    if (kind === 0) return this.of(interesting);
    return kind === 1 ? this.below(64) : this.word();
  }

  /** Of a mask's bits each in one of `n` cases. */
  bits(mask: number, n: number): number {
    let value = 0;
    for (let bit = 0; bit < 32; bit++) if ((mask >>> bit) & 1 && this.once(n)) value |= 1 << bit;
    return value >>> 0;
  }
}

/** TDRA, TDOSA, TDA and TDE of HDCR as they may be together: each needs those before it (B4.1.62). */
const DEBUG_TRAPS = [0, 0x800, 0xc00, 0xe00, 0xf00] as const;
const DEBUG_TRAPS_ALL = 0xf00;

/** A case's start. */
export class Start {
  readonly inputs: Inputs;

  constructor(
    draw: Draw,
    readonly mode: number,
    readonly nonSecure: boolean,
    readonly thumb: boolean,
  ) {
    const inputs = Object.fromEntries(INPUT_NAMES.map((name) => [name, draw.value()])) as Inputs;
    this.inputs = inputs;
    // Reserved bits of SPSRs are not for MSR to change in QEMU; here they are. They stay zero.
    for (const mode of Object.values(NAMES)) {
      const name = `SPSR_${mode}`;
      if (name in inputs) inputs[name as keyof Inputs] &= ~0x00f00000;
    }
    inputs.SPSR_mon =
      ((draw.word() & (PSR_FLAGS | PSR_MASKS)) | (draw.once(4) ? PSR_E : 0) | (thumb ? PSR_T : 0) | mode) >>>
      0;
    const control = (): number => (draw.once(4) ? SCTLR_EE : 0) | (draw.once(4) ? SCTLR_TE : 0);
    inputs.SCTLR_s = SCTLR_BASE | control();
    inputs.SCTLR_ns = SCTLR_BASE | control();
    inputs.HSCTLR = HSCTLR_BASE | control();
    const table = (of: { a32: number; t32: number }, sctlr: number): number =>
      sctlr & SCTLR_TE ? of.t32 : of.a32;
    inputs.VBAR_s = table(VECTORS.secure, inputs.SCTLR_s);
    inputs.MVBAR_s = table(VECTORS.monitor, inputs.SCTLR_s);
    inputs.VBAR_ns = table(VECTORS.nonSecure, inputs.SCTLR_ns);
    inputs.HVBAR = table(VECTORS.hyp, inputs.HSCTLR);
    inputs.TTBCR_s = draw.once(2) ? 0 : 0x80000000;
    inputs.TTBCR_ns = draw.once(2) ? 0 : 0x80000000;
    // FW, AW; EA, FIQ and IRQ, which decide what Hyp mode masks; HCE, which Hyp mode is UNPREDICTABLE without.
    inputs.SCR =
      (nonSecure ? SCR_NS : 0) | draw.bits(0x3e, 3) | (mode === MODE_HYP || !draw.once(4) ? SCR_HCE : 0);
    inputs.HCR = 0;
    inputs.HDCR = 4;
    inputs.HCPTR = 0x33ff;
    inputs.HSTR = 0;
    inputs.CPACR = 0x00f00000;
    inputs.NSACR_s = 0xc00;
    inputs.FPEXC = 0x40000000;
    inputs.CNTHCTL = 3;
    inputs.CNTKCTL = 0;
    inputs.PMUSERENR = 0;
    inputs.TEECR = 0;
    inputs.routing = 0;
    inputs.mailbox = 0;
    // Fault status and syndrome from before are seen again where nothing has changed them.
    inputs.HPFAR = (inputs.HPFAR & 0xfffffff0) >>> 0;
    for (const bank of ['ns', 's'] as const) {
      inputs[`DFSR_${bank}`] &= 0x3fff;
      inputs[`IFSR_${bank}`] &= 0x1fff;
    }
  }

  get privileged(): boolean {
    return this.mode !== MODE_USR;
  }

  /** Whether Monitor mode is not current and the state is Non-secure. */
  get guest(): boolean {
    return this.nonSecure && this.mode !== MODE_MON && this.mode !== MODE_HYP;
  }

  /** Whether there is an SPSR. */
  get hasSpsr(): boolean {
    return this.mode !== MODE_USR && this.mode !== MODE_SYS;
  }

  get bigEndian(): boolean {
    return (this.inputs.SPSR_mon & PSR_E) !== 0;
  }

  /** Where a register of the case's mode is set. */
  private place(n: number): keyof Inputs {
    const bank = NAMES[this.mode]!;
    if (n < 8 || (n < 13 && bank !== 'fiq')) return `r${n}` as keyof Inputs;
    if (n < 13) return `R${n}_fiq` as keyof Inputs;
    if (n === 13) return `SP_${bank}` as keyof Inputs;
    return bank === 'hyp' ? 'LR_usr' : (`LR_${bank}` as keyof Inputs);
  }

  register(n: number): number {
    return this.inputs[this.place(n)];
  }

  setRegister(n: number, value: number): void {
    this.inputs[this.place(n)] = value >>> 0;
  }

  /** Sets SP of a mode. */
  setStack(mode: number, value: number): void {
    this.inputs[`SP_${NAMES[mode]!}` as BankedRegister & keyof Inputs] = value;
  }

  /** Sets what traps debug registers and events, and TGE for who may have it, which asks for all of them. */
  trapDebugAndAll(draw: Draw, once: number): void {
    const { inputs } = this;
    inputs.HDCR = (inputs.HDCR & ~DEBUG_TRAPS_ALL) | draw.of(DEBUG_TRAPS);
    const may = this.mode === MODE_HYP || (this.guest && this.mode === MODE_USR);
    if (!may || !draw.once(once)) return;
    inputs.HCR |= HCR_TGE;
    inputs.HDCR |= DEBUG_TRAPS_ALL;
  }

  /** Sets the case's own SPSR; in Monitor mode that is what has become CPSR. */
  setSpsr(value: number): void {
    if (this.mode !== MODE_MON) this.inputs[`SPSR_${NAMES[this.mode]!}` as keyof Inputs] = value;
  }

  /** Modes that an exception return may lead to from here. */
  returnModes(): number[] {
    const modes: number[] = [...PL1_MODES, MODE_USR];
    if (this.mode === MODE_MON) return [...modes, MODE_MON, ...(this.nonSecure ? [MODE_HYP] : [])];
    if (this.mode === MODE_HYP)
      return this.inputs.HCR & HCR_TGE ? [MODE_HYP, MODE_USR] : [...modes, MODE_HYP];
    return this.nonSecure ? modes : [...modes, MODE_MON];
  }

  /** A CPSR to return to. */
  returnStatus(draw: Draw, thumb: boolean): number {
    const mode = draw.of(this.returnModes());
    return ((draw.word() & (PSR_FLAGS | PSR_MASKS | PSR_E)) | (thumb ? PSR_T : 0) | mode) >>> 0;
  }
}

/** A start in any mode that `may`. */
export function anyStart(draw: Draw, thumb: boolean, may: (start: Start) => boolean): Start {
  for (;;) {
    const mode = draw.of(MODES);
    const nonSecure = mode === MODE_HYP || draw.below(3) !== 0;
    const start = new Start(draw, mode, nonSecure, thumb);
    if (may(start)) return start;
  }
}
