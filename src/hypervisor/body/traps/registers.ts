/** The loaded vcpu's registers as its own mode sees them. */
import { PSR_IT_1_0, PSR_IT_7_2 } from '../generated/arm.js';
import { MODE_ABT, MODE_FIQ, MODE_IRQ, MODE_SVC, MODE_UND, PSR_M, PSR_T } from '../generated/arm.js';
import { Vcpu } from '../core/vm.js';
import {
  ELR_hyp,
  HSR,
  LR_abt,
  LR_fiq,
  LR_irq,
  LR_svc,
  LR_und,
  R10_fiq,
  R11_fiq,
  R12_fiq,
  R8_fiq,
  R9_fiq,
  SPSR_hyp,
  SP_abt,
  SP_fiq,
  SP_irq,
  SP_svc,
  SP_und,
  SP_usr,
} from '../intrinsics.js';

/** IT[1:0], J, IT[7:2] of a status register. */
export const PSR_IT: u32 = PSR_IT_1_0 | PSR_IT_7_2;

// @inline
function frame(vcpu: Vcpu, n: u32): usize {
  return changetype<usize>(vcpu) + 4 * n;
}

/** R0 to R14 of the loaded vcpu; 0 for R15, which to name is UNPREDICTABLE. */
export function readRegister(vcpu: Vcpu, n: u32): u32 {
  if (n < 8) return load<u32>(frame(vcpu, n));
  const mode = SPSR_hyp.read() & PSR_M;
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
  const mode = SPSR_hyp.read() & PSR_M;
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
