/** A loaded vcpu's registers as its own mode sees them, and exceptions given to it. */
import {
  ATS12NSOPR,
  DFAR,
  DFSR,
  ELR_hyp,
  HSR,
  IFAR,
  IFSR,
  LR_abt,
  LR_fiq,
  LR_irq,
  LR_svc,
  LR_und,
  PAR,
  R10_fiq,
  R11_fiq,
  R12_fiq,
  R8_fiq,
  R9_fiq,
  SCTLR,
  SPSR_abt,
  SPSR_hyp,
  SPSR_und,
  SP_abt,
  SP_fiq,
  SP_irq,
  SP_svc,
  SP_und,
  SP_usr,
  TTBCR,
  VBAR,
  barrier,
} from './intrinsics';
import {
  MODE_ABT,
  MODE_FIQ,
  MODE_IRQ,
  MODE_MASK,
  MODE_SVC,
  MODE_UND,
  PSR_A,
  PSR_E,
  PSR_I,
  PSR_T,
} from './machine';
import { textStuck, textVectors } from './messages';
import { Vcpu } from './vm';

/** IT[1:0], J, IT[7:2] of a status register. */
const PSR_IT: u32 = 0x0600fc00;
const PSR_J: u32 = 1 << 24;
const SCTLR_V: u32 = 1 << 13;
const SCTLR_TE: u32 = 1 << 30;
const SCTLR_EE: u32 = 1 << 25;
const HIGH_VECTORS: u32 = 0xffff0000;
const UNDEFINED_VECTOR: u32 = 0x04;
const PREFETCH_ABORT_VECTOR: u32 = 0x0c;
const DATA_ABORT_VECTOR: u32 = 0x10;
const TTBCR_EAE: u32 = 1 << 31;
/** Synchronous external abort: DFSR.FS, or DFSR.STATUS with DFSR.LPAE (ARM ARM B3.13.3). */
const EXTERNAL_ABORT: u32 = 0x008;
const EXTERNAL_ABORT_LONG: u32 = 0x210;
const DFSR_WNR: u32 = 1 << 11;

// @inline
function frame(vcpu: Vcpu, n: u32): usize {
  return changetype<usize>(vcpu) + 4 * n;
}

/** R0 to R14 of the loaded vcpu; 0 for R15, which to name is UNPREDICTABLE. */
export function readRegister(vcpu: Vcpu, n: u32): u32 {
  if (n < 8) return load<u32>(frame(vcpu, n));
  const mode = SPSR_hyp.read() & MODE_MASK;
  if (n == 13) {
    if (mode == MODE_SVC) return SP_svc.read();
    if (mode == MODE_ABT) return SP_abt.read();
    if (mode == MODE_UND) return SP_und.read();
    if (mode == MODE_IRQ) return SP_irq.read();
    return mode == MODE_FIQ ? SP_fiq.read() : SP_usr.read();
  }
  if (n == 14) {
    if (mode == MODE_SVC) return LR_svc.read();
    if (mode == MODE_ABT) return LR_abt.read();
    if (mode == MODE_UND) return LR_und.read();
    if (mode == MODE_IRQ) return LR_irq.read();
    return mode == MODE_FIQ ? LR_fiq.read() : vcpu.lr;
  }
  if (mode == MODE_FIQ) {
    if (n == 8) return R8_fiq.read();
    if (n == 9) return R9_fiq.read();
    if (n == 10) return R10_fiq.read();
    if (n < 15) return n == 11 ? R11_fiq.read() : R12_fiq.read();
  }
  return n < 15 ? load<u32>(frame(vcpu, n)) : 0;
}

/** The same the other way; R15 takes nothing: only MRC can name it there, and it is UNPREDICTABLE. */
export function writeRegister(vcpu: Vcpu, n: u32, value: u32): void {
  if (n < 8) {
    store<u32>(frame(vcpu, n), value);
    return;
  }
  const mode = SPSR_hyp.read() & MODE_MASK;
  if (n == 13) {
    if (mode == MODE_SVC) SP_svc.write(value);
    else if (mode == MODE_ABT) SP_abt.write(value);
    else if (mode == MODE_UND) SP_und.write(value);
    else if (mode == MODE_IRQ) SP_irq.write(value);
    else if (mode == MODE_FIQ) SP_fiq.write(value);
    else SP_usr.write(value);
  } else if (n == 14) {
    if (mode == MODE_SVC) LR_svc.write(value);
    else if (mode == MODE_ABT) LR_abt.write(value);
    else if (mode == MODE_UND) LR_und.write(value);
    else if (mode == MODE_IRQ) LR_irq.write(value);
    else if (mode == MODE_FIQ) LR_fiq.write(value);
    else vcpu.lr = value;
  } else if (mode == MODE_FIQ && n < 13) {
    if (n == 8) R8_fiq.write(value);
    else if (n == 9) R9_fiq.write(value);
    else if (n == 10) R10_fiq.write(value);
    else if (n == 11) R11_fiq.write(value);
    else R12_fiq.write(value);
  } else if (n != 15) store<u32>(frame(vcpu, n), value);
}

// @inline
function itState(psr: u32): u32 {
  return ((psr >> 8) & 0xfc) | ((psr >> 25) & 3);
}

/** Goes past the instruction that trapped; an IT block goes on by one (ARM ARM A2.5.2). */
export function skip(hsr: u32): void {
  ELR_hyp.write(ELR_hyp.read() + (hsr & HSR.IL ? 4 : 2));
  const psr = SPSR_hyp.read();
  if ((psr & PSR_IT) == 0) return;
  let it = itState(psr);
  it = (it & 7) == 0 ? 0 : (it & 0xe0) | ((it << 1) & 0x1f);
  SPSR_hyp.write((psr & ~PSR_IT) | ((it & 0xfc) << 8) | ((it & 3) << 25));
}

/** Goes on at an address, whose bit 0 says whether that is T32 (ARM ARM A2.3.1, BXWritePC). */
export function branchExchange(to: u32): void {
  const psr = SPSR_hyp.read() & ~(PSR_IT | PSR_T);
  SPSR_hyp.write(to & 1 ? psr | PSR_T : psr);
  ELR_hyp.write(to & ~1);
}

/** Whether the instruction that trapped passes its condition, which the syndrome need not say in T32: the IT block does. */
export function conditionPasses(hsr: u32): bool {
  const psr = SPSR_hyp.read();
  let condition = (hsr >> 20) & 0xf;
  if ((hsr & (1 << 24)) == 0) {
    if ((psr & PSR_IT) == 0) return true;
    condition = itState(psr) >> 4;
  }
  if (condition >= 14) return true;
  const n = (psr >> 31) & 1;
  const z = (psr >> 30) & 1;
  const c = (psr >> 29) & 1;
  const v = (psr >> 28) & 1;
  let passes: u32 = 0;
  switch (condition >> 1) {
    case 0:
      passes = z;
      break;
    case 1:
      passes = c;
      break;
    case 2:
      passes = n;
      break;
    case 3:
      passes = v;
      break;
    case 4:
      passes = c & ~z & 1;
      break;
    case 5:
      passes = n == v ? 1 : 0;
      break;
    case 6:
      passes = z == 0 && n == v ? 1 : 0;
      break;
  }
  return (passes ^ (condition & 1)) != 0;
}

/**
 * Enters a mode of the vcpu at a vector, as taking an exception does (ARM ARM B1.8.3).
 * @returns the text of why it cannot go on there, 0 where it can
 */
function enter(mode: u32, vector: u32, masks: u32): usize {
  const sctlr = SCTLR.read();
  const psr = SPSR_hyp.read() & ~(MODE_MASK | PSR_IT | PSR_J | PSR_T | PSR_E);
  SPSR_hyp.write(psr | mode | masks | (sctlr & SCTLR_TE ? PSR_T : 0) | (sctlr & SCTLR_EE ? PSR_E : 0));
  const from = ELR_hyp.read();
  const to = (sctlr & SCTLR_V ? HIGH_VECTORS : VBAR.read()) + vector;
  ELR_hyp.write(to);
  // What traps at the vector itself would trap there for ever.
  if (from == to) return textStuck();
  return isReadable(to) ? 0 : textVectors();
}

/** Whether the vcpu reaches an address through its own stage of translation and the second one. */
function isReadable(address: u32): bool {
  const kept = PAR.read();
  ATS12NSOPR.write(address);
  barrier.isb();
  const fault = (<u32>PAR.read()) & PAR_F;
  PAR.write(kept);
  return fault == 0;
}
const PAR_F: u32 = 1;

/** Gives the vcpu an Undefined Instruction exception for the instruction that trapped. Returns as `enter` does. */
export function injectUndefined(): usize {
  const psr = SPSR_hyp.read();
  LR_und.write(ELR_hyp.read() + (psr & PSR_T ? 2 : 4));
  SPSR_und.write(psr);
  return enter(MODE_UND, UNDEFINED_VECTOR, PSR_I);
}

/**
 * Gives the vcpu a synchronous external abort, of data at an address or of the instruction itself. Returns as `enter`
 * does.
 */
export function injectAbort(instruction: bool, address: u32, write: bool): usize {
  const psr = SPSR_hyp.read();
  const status = TTBCR.read() & TTBCR_EAE ? EXTERNAL_ABORT_LONG : EXTERNAL_ABORT;
  LR_abt.write(ELR_hyp.read() + (instruction ? 4 : 8));
  SPSR_abt.write(psr);
  if (instruction) {
    IFSR.write(status);
    IFAR.write(address);
    return enter(MODE_ABT, PREFETCH_ABORT_VECTOR, PSR_A | PSR_I);
  }
  DFSR.write(status | (write ? DFSR_WNR : 0));
  DFAR.write(address);
  return enter(MODE_ABT, DATA_ABORT_VECTOR, PSR_A | PSR_I);
}
