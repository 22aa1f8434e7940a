/** What a core holds of vcpus: the registers of one, and VFP's of the same or another. */
import { deliver } from '../core/events.js';
import { IRQ_SOURCE_CNTHPIRQ, IRQ_SOURCE_CNTVIRQ, TIMERS_ROUTING } from '../generated/local-peripherals.js';
import { RUNNABLE, Vcpu, Vm, WAITING, core, noVcpu, setState, stateOf } from '../core/vm.js';
import { arm } from '../devices/timer.js';
import { CNTV_CTL, HCPTR, HCR, TLBIALL, barrier, mmio } from '../intrinsics.js';

// @external('assembly', 'saveVcpu')
declare function saveVcpu(vcpu: Vcpu): void;
// @external('assembly', 'loadVcpu')
export declare function loadVcpu(vcpu: Vcpu): void;
// @external('assembly', 'takeAborts')
declare function takeAborts(): u32;
// @external('assembly', 'saveVfp')
declare function saveVfp(vcpu: Vcpu): void;
// @external('assembly', 'loadVfp')
declare function loadVfp(vcpu: Vcpu): void;
// @external('assembly', 'parkVfp')
declare function parkVfp(vcpu: Vcpu): void;
// @external('assembly', 'unparkVfp')
declare function unparkVfp(vcpu: Vcpu): void;
/** HCPTR's bits that read as one: TCP0 to TCP9, TCP12, TCP13 where a core has no such coprocessor (ARM ARM B4.1). */
export const HCPTR_ONES: u32 = 0x33ff;
/** What a guest's coprocessor accesses are trapped by: all but VFP's, which come with TCP10 and TCP11. */
export const GUEST_HCPTR: u32 = HCPTR_ONES | HCPTR.TTA;
const VFP_TRAPS: u32 = HCPTR.TCP10 | HCPTR.TCP11;

/** What the core holds of a vcpu's registers is worth nothing any more. */
export function discardRegisters(vcpu: Vcpu): void {
  const here = core();
  if (here.vfp == vcpu) {
    if (here.loaded == vcpu) parkVfp(vcpu);
    here.vfp = noVcpu();
  }
  if (here.loaded != vcpu) return;
  here.loaded = noVcpu();
  CNTV_CTL.write(0);
  mmio.write32(TIMERS_ROUTING + 4 * here.index, IRQ_SOURCE_CNTHPIRQ);
}

/**
 * The core's TLB knows machines, not their vcpus: what another one of the same machine had there is not the loaded
 * one's. In HYP mode TLBIALL is for the VMID in VTTBR (ARM ARM B4.2.2).
 */
function flushOthersTranslations(vcpu: Vcpu): void {
  const at = changetype<usize>(vcpu.vm) + offsetof<Vm>('ranLast') + vcpu.core;
  const last = load<u8>(at);
  const mine = <u8>(vcpu.number + 1);
  if (last == mine) return;
  store<u8>(at, mine);
  if (last == 0) return;
  TLBIALL.write(0);
  barrier.dsb();
  barrier.isb();
}

/** Another CPU of the vcpu's machine that wants the same core; null where there is none. */
export function siblingOf(vcpu: Vcpu): Vcpu {
  for (let other = vcpu.next; other != vcpu; other = other.next)
    if (other.vm == vcpu.vm && stateOf(other) == RUNNABLE) return other;
  return noVcpu();
}

/** Has WFE trap for as long as the loaded vcpu may wait by it for another one that the core has not got to. */
function trapWaits(vcpu: Vcpu): void {
  const hcr = HCR.read();
  HCR.write(siblingOf(vcpu) != noVcpu() ? hcr | HCR.TWE : hcr & ~HCR.TWE);
}

/**
 * An asynchronous abort that accesses of the loaded vcpu led to is its own to take, not the next one's, nor HYP mode's.
 * What was written before is where it goes: it waits for that. It ends the vcpu's WFI, masked or not (ARM ARM B1.8.14).
 * Gives whether there was one, and whose.
 */
export function settleAborts(): bool {
  const vcpu = core().loaded;
  if (takeAborts() == 0 || vcpu == noVcpu()) return false;
  HCR.write(HCR.read() | HCR.VA);
  if (stateOf(vcpu) == WAITING) {
    setState(vcpu, RUNNABLE);
    // Whoever has found it waiting has left it the interrupt to find.
    barrier.dmbIsh();
  }
  return true;
}

/** Has the core hold a vcpu's registers, and sets the HYP timer. */
export function resume(vcpu: Vcpu, time: u64): void {
  const here = core();
  here.sliceEnd = time + vcpu.left;
  if (here.loaded != vcpu) {
    settleAborts();
    if (here.loaded != noVcpu()) {
      if (here.vfp == here.loaded) parkVfp(here.vfp);
      saveVcpu(here.loaded);
    }
    loadVcpu(vcpu);
    here.loaded = vcpu;
    // Before its interrupts are looked at, so that who sends it one meanwhile knows where.
    barrier.dmbIsh();
    flushOthersTranslations(vcpu);
    if (here.vfp == vcpu) {
      HCPTR.write(GUEST_HCPTR);
      barrier.isb();
      unparkVfp(vcpu);
    } else HCPTR.write(GUEST_HCPTR | VFP_TRAPS);
    mmio.write32(
      TIMERS_ROUTING + 4 * here.index,
      vcpu.timerHeld ? IRQ_SOURCE_CNTHPIRQ : IRQ_SOURCE_CNTHPIRQ | IRQ_SOURCE_CNTVIRQ,
    );
    // What an event was sent for while others had the core has to be looked at: it may be theirs that is gone.
    barrier.sev();
  }
  if (vcpu.vm.vcpus > 1) trapWaits(vcpu);
  arm();
  deliver(vcpu);
}

/** The vcpu has touched VFP or NEON while the core held somebody else's registers. */
export function switchVfp(vcpu: Vcpu): void {
  const here = core();
  HCPTR.write(GUEST_HCPTR);
  barrier.isb();
  if (here.vfp == vcpu) return;
  if (here.vfp != noVcpu()) saveVfp(here.vfp);
  loadVfp(vcpu);
  here.vfp = vcpu;
}
