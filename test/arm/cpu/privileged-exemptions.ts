/** Where QEMU 7.2 does otherwise than the processor of this project may, each with its reason. */
import { MODE_HYP, MODE_MON } from '../../../src/arm/program-status.js';
import type { OUTPUT_NAMES, Outputs } from './privileged-monitor.js';
import type { Start } from './privileged-state.js';

/** HVC is UNDEFINED in Secure state (B9.3.4); QEMU takes it to Hyp mode there ("FIXME: Use actual secure state"). */
export function hvcInQemu(start: Start): boolean {
  return start.nonSecure && start.mode !== MODE_MON;
}

/** Data processing with S and PC returns from an exception whatever it computes (B9.3.20); in QEMU, SUBS and MOVS do. */
export function returnsInQemu(opcode: number): boolean {
  return opcode === 2 || opcode === 13;
}

/** RFE, and LDM and STM with `^`, are UNDEFINED in Hyp mode (B9.3.5, B9.3.6, B9.3.13, B9.3.17); QEMU executes them. */
export function listInQemu(start: Start): boolean {
  return start.mode !== MODE_HYP;
}

/**
 * ITSTATE goes on behind every instruction of an IT block (A2.5.2). QEMU writes it down before an instruction that
 * may be refused at run time, and leaves it there. With SMC it forgets it: where that is trapped, SPSR_hyp lacks it.
 */
export function itInQemu(operation: string): boolean {
  return !/^(SRS|SMC|MRS_banked|MSR_banked|MCR|MRC|MCRR|MRRC)$/.test(operation);
}

/** The fault status of BKPT, in IFSR's two formats and in HSR (table B3-23, B3-24). */
const isBreakpoint = (ifsr: number): boolean =>
  ifsr & 0x200 ? (ifsr & 0x3f) === 0x22 : (ifsr & 0x40f) === 2;
/** Prefetch Abort from a lower level or Hyp mode, for a debug event. */
const isBreakpointHsr = (hsr: number): boolean => (hsr & 0xf800003f) >>> 0 === 0x80000022;
const IL = 1 << 25;

/** Whether a difference in an output is allowed. */
export function exempt(name: (typeof OUTPUT_NAMES)[number], here: Outputs, there: Outputs): boolean {
  // IL means nothing for Prefetch Aborts (B3.13.6); QEMU sets it for BKPT alone.
  if (name === 'HSR') return isBreakpointHsr(here.HSR) && (here.HSR | IL) >>> 0 === there.HSR;
  // A debug event leaves the fault address UNKNOWN (table B3-22); here it is BKPT's own, in QEMU 0.
  if (name === 'IFAR_ns') return isBreakpoint(here.IFSR_ns);
  if (name !== 'IFAR_s' && name !== 'HIFAR') return false;
  return isBreakpoint(here.IFSR_s) || isBreakpointHsr(here.HSR);
}
