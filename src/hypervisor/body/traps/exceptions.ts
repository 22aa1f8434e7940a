/** Exceptions given to the loaded vcpu, which its machine may not be able to go on from. */
import { PSR_J, VECTOR_DATA, VECTOR_PREFETCH, VECTOR_UNDEFINED } from '../generated/arm.js';
import { MODE_ABT, MODE_UND, PSR_A, PSR_E, PSR_I, PSR_M, PSR_T } from '../generated/arm.js';
import { Vcpu } from '../core/vm.js';
import { textStuck, textVectors } from '../generated/messages.js';
import {
  ATS12NSOPR,
  DFAR,
  DFSR,
  ELR_hyp,
  IFAR,
  IFSR,
  LR_abt,
  LR_und,
  PAR,
  SCTLR,
  SPSR_abt,
  SPSR_hyp,
  SPSR_und,
  TTBCR,
  VBAR,
  barrier,
} from '../intrinsics.js';
import { crash } from '../scheduling/lifecycle.js';
import { schedule } from '../scheduling/scheduler.js';
import { PSR_IT } from './registers.js';

const HIGH_VECTORS: u32 = 0xffff0000;
/** Synchronous external abort: DFSR.FS, or DFSR.STATUS with DFSR.LPAE (ARM ARM B3.13.3). */
const EXTERNAL_ABORT: u32 = 0x008;
const EXTERNAL_ABORT_LONG: u32 = DFSR.LPAE | 0x10;

/**
 * Enters a mode of the vcpu at a vector, as taking an exception does (ARM ARM B1.8.3).
 * @returns the text of why it cannot go on there, 0 where it can
 */
function enter(mode: u32, vector: u32, masks: u32): usize {
  const sctlr = SCTLR.read();
  const psr = SPSR_hyp.read() & ~(PSR_M | PSR_IT | PSR_J | PSR_T | PSR_E);
  SPSR_hyp.write(psr | mode | masks | (sctlr & SCTLR.TE ? PSR_T : 0) | (sctlr & SCTLR.EE ? PSR_E : 0));
  const from = ELR_hyp.read();
  const to = (sctlr & SCTLR.V ? HIGH_VECTORS : VBAR.read()) + vector;
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
  const fault = (<u32>PAR.read()) & (<u32>PAR.F);
  PAR.write(kept);
  return fault == 0;
}

/** Gives the vcpu an Undefined Instruction exception for the instruction that trapped. Returns as `enter` does. */
function injectUndefined(): usize {
  const psr = SPSR_hyp.read();
  LR_und.write(ELR_hyp.read() + (psr & PSR_T ? 2 : 4));
  SPSR_und.write(psr);
  return enter(MODE_UND, VECTOR_UNDEFINED, PSR_I);
}

/**
 * Gives the vcpu a synchronous external abort, of data at an address or of the instruction itself. Returns as `enter`
 * does.
 */
function injectAbort(instruction: bool, address: u32, write: bool): usize {
  const psr = SPSR_hyp.read();
  const status = TTBCR.read() & TTBCR.EAE ? EXTERNAL_ABORT_LONG : EXTERNAL_ABORT;
  LR_abt.write(ELR_hyp.read() + (instruction ? 4 : 8));
  SPSR_abt.write(psr);
  if (instruction) {
    IFSR.write(status);
    IFAR.write(address);
    return enter(MODE_ABT, VECTOR_PREFETCH, PSR_A | PSR_I);
  }
  DFSR.write(status | (write ? DFSR.WnR : 0));
  DFAR.write(address);
  return enter(MODE_ABT, VECTOR_DATA, PSR_A | PSR_I);
}

/** Gives a vcpu an Undefined Instruction exception. */
export function deliverUndefined(vcpu: Vcpu): Vcpu {
  const pc = ELR_hyp.read();
  return continueOrCrash(vcpu, injectUndefined(), pc, pc);
}

/** Gives a vcpu an abort. */
export function deliverAbort(vcpu: Vcpu, instruction: bool, address: u32, write: bool): Vcpu {
  const pc = ELR_hyp.read();
  return continueOrCrash(vcpu, injectAbort(instruction, address, write), pc, address);
}

/** Goes on with a vcpu, unless there is a reason why its machine cannot. The host has to cope with everything. */
export function continueOrCrash(vcpu: Vcpu, why: usize, pc: u32, value: u32): Vcpu {
  if (why == 0 || vcpu.vm.number == 0) return vcpu;
  crash(vcpu, why, pc, value);
  return schedule(vcpu);
}
