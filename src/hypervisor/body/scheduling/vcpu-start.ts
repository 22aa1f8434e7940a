/** A vcpu as reset leaves it, and how it begins. */
import * as L from '../../shared/layout.js';
import { MODE_SVC, PSR_A, PSR_F, PSR_I, PSR_T } from '../core/machine.js';
import { Vcpu, setSaved } from '../core/vm.js';
import { resetVcpuDevices } from '../generated/dispatch.js';
import { tell } from '../devices/own-console.js';
import { textStarted } from '../generated/messages.js';
import { HCR } from '../intrinsics.js';

const SCTLR_RESET: u32 = 0x00c50878;
const MPIDR_MULTIPROCESSING: u32 = 0x80000000;
const BOARD_MPIDR: u32 = 0x80000f00;
export const SVC_MASKED: u32 = MODE_SVC | PSR_A | PSR_I | PSR_F;
/**
 * The host: stage 2, and FIQ, which is the hypervisor's line; its IRQs are its own. No SMC: whatever is in Secure state
 * does not know of the second stage.
 */
const HOST_HCR: u32 = HCR.VM | HCR.FMO | HCR.SWIO | HCR.TSC;

const GUEST_HCR: u32 =
  HCR.VM |
  HCR.SWIO |
  HCR.FMO |
  HCR.IMO |
  HCR.AMO |
  HCR.FB |
  (1 << HCR.BSU_SHIFT) |
  HCR.TWI |
  HCR.TSC |
  HCR.TIDCP |
  HCR.TAC;

/** A vcpu as reset leaves it, with its machine's second stage. */
export function resetVcpu(vcpu: Vcpu): void {
  const at = changetype<usize>(vcpu);
  const vm = vcpu.vm;
  for (let i: u32 = 0; i < <u32>L.VCPU_FRAME_SIZE; i += 4) store<u32>(at + i, 0);
  for (let i: u32 = L.VCPU_SAVED; i < <u32>L.VCPU_SIZE; i += 4) store<u32>(at + i, 0);
  setSaved(vcpu, L.SAVED_SPSR, SVC_MASKED);
  setSaved(vcpu, L.SAVED_SCTLR, SCTLR_RESET);
  setSaved(vcpu, L.SAVED_VMPIDR, (vm.number == 0 ? BOARD_MPIDR : MPIDR_MULTIPROCESSING) | vcpu.number);
  setSaved(vcpu, L.SAVED_VTTBR, vm.vttbrLow);
  setSaved(vcpu, L.SAVED_VTTBR + 1, vm.vttbrHigh);
  setSaved(vcpu, L.SAVED_HCR, vm.number == 0 ? HOST_HCR : GUEST_HCR);
  resetVcpuDevices(vcpu);
}

/** Has a vcpu begin at `startAt`, with `startWith` in R0. It is not loaded. */
export function startVcpu(vcpu: Vcpu): void {
  const vm = vcpu.vm;
  resetVcpu(vcpu);
  setSaved(vcpu, L.SAVED_ELR, vcpu.startAt & ~1);
  if (vcpu.startAt & 1) setSaved(vcpu, L.SAVED_SPSR, SVC_MASKED | PSR_T);
  setSaved(vcpu, L.SAVED_CNTVOFF, vm.startedLow);
  setSaved(vcpu, L.SAVED_CNTVOFF + 1, vm.startedHigh);
  vcpu.r0 = vcpu.startWith;
  if (vcpu.number == 0 && vm.booting) {
    vm.booting = 0;
    if (!vm.started) tell(vm, textStarted());
    vm.started = 1;
    vcpu.r1 = <u32>-1;
    vcpu.r2 = L.GUEST_RAM + load<u32>(vm.record + 4 * (L.GUEST_TREE + 2));
  }
}
