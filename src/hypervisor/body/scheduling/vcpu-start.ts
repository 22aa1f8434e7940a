/** A vcpu as reset leaves it, and how it begins. */
import { SCTLR_RESET } from '../generated/arm.js';
import * as L from '../../shared/layout.js';
import {
  SAVED_CNTVOFF,
  SAVED_ELR_hyp,
  SAVED_HCR,
  SAVED_SCTLR,
  SAVED_SPSR_hyp,
  SAVED_VMPIDR,
  SAVED_VTTBR,
} from '../generated/saved-registers.js';
import { MODE_SVC, PSR_A, PSR_F, PSR_I, PSR_T } from '../generated/arm.js';
import { Vcpu, setSaved } from '../core/vm.js';
import { resetVcpuDevices } from '../generated/dispatch.js';
import { printLineOf } from '../devices/own-console.js';
import { textStarted } from '../generated/messages.js';
import { HCR, MPIDR } from '../intrinsics.js';

/** The board's cluster is number 15. */
const BOARD_MPIDR: u32 = MPIDR.Multiprocessing | (0xf << MPIDR.Aff1_SHIFT);
export const SVC_MASKED: u32 = MODE_SVC | PSR_A | PSR_I | PSR_F;
/**
 * The host: stage 2, and FIQ, which is the hypervisor's line; its IRQs are its own. No SMC: whatever is in Secure state
 * does not know of the second stage. No ACTLR either: without SMP a core would not be coherent with the guests'.
 */
const HOST_HCR: u32 = HCR.VM | HCR.FMO | HCR.SWIO | HCR.TSC | HCR.TAC;

/** A guest. Not FB and BSU: a vcpu never leaves its core, so what it does for that one alone is enough (B1.14.2). */
const GUEST_HCR: u32 =
  HCR.VM | HCR.SWIO | HCR.FMO | HCR.IMO | HCR.AMO | HCR.TWI | HCR.TSC | HCR.TIDCP | HCR.TAC;

/** A vcpu as reset leaves it, with its machine's second stage. */
export function resetVcpu(vcpu: Vcpu): void {
  const at = changetype<usize>(vcpu);
  const vm = vcpu.vm;
  for (let i: u32 = 0; i < <u32>L.VCPU_FRAME_SIZE; i += 4) store<u32>(at + i, 0);
  for (let i: u32 = L.VCPU_SAVED; i < <u32>L.VCPU_SIZE; i += 4) store<u32>(at + i, 0);
  setSaved(vcpu, SAVED_SPSR_hyp, SVC_MASKED);
  setSaved(vcpu, SAVED_SCTLR, SCTLR_RESET);
  setSaved(vcpu, SAVED_VMPIDR, (vm.number == 0 ? BOARD_MPIDR : MPIDR.Multiprocessing) | vcpu.number);
  setSaved(vcpu, SAVED_VTTBR, vm.vttbrLow);
  setSaved(vcpu, SAVED_VTTBR + 1, vm.vttbrHigh);
  setSaved(vcpu, SAVED_HCR, vm.number == 0 ? HOST_HCR : GUEST_HCR);
  resetVcpuDevices(vcpu);
}

/** Has a vcpu begin at `startAt`, with `startWith` in R0. It is not loaded. */
export function startVcpu(vcpu: Vcpu): void {
  const vm = vcpu.vm;
  resetVcpu(vcpu);
  setSaved(vcpu, SAVED_ELR_hyp, vcpu.startAt & ~1);
  if (vcpu.startAt & 1) setSaved(vcpu, SAVED_SPSR_hyp, SVC_MASKED | PSR_T);
  setSaved(vcpu, SAVED_CNTVOFF, vm.startedLow);
  setSaved(vcpu, SAVED_CNTVOFF + 1, vm.startedHigh);
  vcpu.r0 = vcpu.startWith;
  if (vcpu.number == 0 && vm.booting) {
    vm.booting = 0;
    if (!vm.started) printLineOf(vm, textStarted());
    vm.started = 1;
    vcpu.r1 = <u32>-1;
    vcpu.r2 = L.GUEST_RAM + load<u32>(vm.record + 4 * (L.GUEST_TREE + 2));
  }
}
