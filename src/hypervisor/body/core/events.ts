/** Interrupts of vcpus: which is next, and who is told when that changes. Registers are in devices/gic-*.ts. */
import { MAILBOX_SET } from '../generated/local-peripherals.js';
import { RUNNABLE, Vcpu, Vm, WAITING, core, loadedOn, stateOf, vcpuOf } from './vm.js';
import { HCR, atomic, barrier, mmio, shared } from '../intrinsics.js';

/** No interrupt: what GICC_IAR gives then; and where the other group's register is to be read. */
export const SPURIOUS: u32 = 1023;
/** GICC_CTLR: groups 0 and 1 enabled, group 1 by GICC_IAR, too, group 0 as FIQ, ends without deactivation. */
export const GROUPS: u32 = 3;
export const ENABLE_GROUP1: u32 = 1 << 1;
export const FIQ_EN: u32 = 1 << 3;

// @inline
export function pendingAt(vcpu: Vcpu): usize {
  return changetype<usize>(vcpu) + offsetof<Vcpu>('pending');
}

/**
 * The best of the interrupts of a word of bits, given the best so far: priority << 16 | ID, the smaller the better.
 * @param priorities of the first, a byte each
 */
function highestPriority(priorities: usize, bits: u32, first: u32, best: u32): u32 {
  while (bits != 0) {
    const n = ctz(bits);
    bits &= bits - 1;
    const candidate = ((<u32>load<u8>(priorities + n)) << 16) | (first + n);
    if (candidate < best) best = candidate;
  }
  return best;
}

/** Shared interrupts that are pending. */
// @inline
export function spisOf(vm: Vm): u32 {
  return (
    shared.load32(changetype<usize>(vm) + offsetof<Vm>('spiPending')) |
    shared.load32(changetype<usize>(vm) + offsetof<Vm>('spiLevel'))
  );
}

/** The interrupt that the vcpu would take next, or SPURIOUS. */
export function nextInterrupt(vcpu: Vcpu): u32 {
  const vm = vcpu.vm;
  let own = shared.load32(pendingAt(vcpu)) & vcpu.enabled & ~vcpu.active;
  let spis = spisOf(vm) & vcpu.spiMine;
  if (spis != 0) {
    spis &=
      shared.load32(changetype<usize>(vm) + offsetof<Vm>('spiEnabled')) &
      ~shared.load32(changetype<usize>(vm) + offsetof<Vm>('spiActive'));
  }
  if ((own | spis) == 0) return SPURIOUS;
  const groups = vm.distributor & vcpu.interfaceEnabled & GROUPS;
  if (groups == GROUPS - ENABLE_GROUP1) {
    own &= ~vcpu.group;
    spis &= ~vm.spiGroup;
  } else if (groups == ENABLE_GROUP1) {
    own &= vcpu.group;
    spis &= vm.spiGroup;
  } else if (groups == 0) return SPURIOUS;
  // Only what goes before the mask, and before what is active already: a bit for each group of 8 priorities.
  const active = vcpu.activePriorities;
  let limit = vcpu.priorityMask;
  if (active != 0) limit = min(limit, ctz(active) << 3);
  let best: u32 = highestPriority(
    changetype<usize>(vcpu) + offsetof<Vcpu>('priorities'),
    own,
    0,
    limit << 16,
  );
  best = highestPriority(changetype<usize>(vm) + offsetof<Vm>('spiPriorities'), spis, 32, best);
  return best == limit << 16 ? SPURIOUS : best & 0xffff;
}

/** Whether an interrupt is one of group 1. */
// @inline
export function isGroup1(vcpu: Vcpu, id: u32): bool {
  return (((id < 32 ? vcpu.group : vcpu.vm.spiGroup) >> (id & 31)) & 1) != 0;
}

/** Raises or drops the loaded vcpu's virtual IRQ and FIQ as its interrupt controller stands. */
export function deliver(vcpu: Vcpu): void {
  const hcr = HCR.read();
  const id = nextInterrupt(vcpu);
  let wanted = hcr & ~(HCR.VI | HCR.VF);
  if (id != SPURIOUS)
    wanted |= (vcpu.interfaceEnabled & FIQ_EN) != 0 && !isGroup1(vcpu, id) ? HCR.VF : HCR.VI;
  if (wanted != hcr) HCR.write(wanted);
}

/** Has a vcpu's core look at its vcpus again, by the core's mailbox; it finds what was written before. */
export function kick(vcpu: Vcpu): void {
  // For all, not for memory alone: a core of the host's may be here from an access to another peripheral.
  barrier.dsb();
  mmio.write32(MAILBOX_SET + 16 * vcpu.core + 4, 1);
}

/**
 * Tells a vcpu that is not loaded here that its interrupts have changed. Its core is left alone where nothing comes of
 * it: another machine may have it, and must not lose time to one that does nothing but send interrupts.
 */
export function notify(vcpu: Vcpu): void {
  // Whoever lays its core down, or takes one, looks at its interrupts after it has said so.
  barrier.dmbIsh();
  const state = stateOf(vcpu);
  if (state == WAITING) {
    barrier.dmbIsh();
    if (nextInterrupt(vcpu) != SPURIOUS) kick(vcpu);
  } else if (state == RUNNABLE && loadedOn(vcpu.core) == vcpu) kick(vcpu);
}

/** Makes one of a vcpu's own interrupts pending. */
// @inline
export function setPending(vcpu: Vcpu, id: u32): void {
  atomic.fetchOr(pendingAt(vcpu), 1 << id);
}

/** Makes one no longer pending. */
export function clearPending(vcpu: Vcpu, id: u32): void {
  atomic.fetchAnd(pendingAt(vcpu), ~((<u32>1) << id));
}

/** Sets the line of a shared interrupt, and tells the vcpus that get it. */
export function setLine(vm: Vm, id: u32, up: bool): void {
  const bit: u32 = 1 << (id - 32);
  const at = changetype<usize>(vm) + offsetof<Vm>('spiLevel');
  const before = up ? atomic.fetchOr(at, bit) : atomic.fetchAnd(at, ~bit);
  if (((before & bit) != 0) == up) return;
  notifyTargets(vm, bit);
}

/** Has the vcpus that get a shared interrupt see that it has changed. */
export function notifyTargets(vm: Vm, bit: u32): void {
  // Whoever sends it to another vcpu meanwhile finds it as it is, or is found here.
  barrier.dmbIsh();
  const loaded = core().loaded;
  for (let n: u32 = 0; n < vm.vcpus; n++) {
    const vcpu = vcpuOf(vm, n);
    if ((vcpu.spiMine & bit) == 0) continue;
    if (vcpu == loaded) deliver(vcpu);
    else notify(vcpu);
  }
}
