/** A GICv2's CPU interface (IHI 0048B, 4.4): what a guest takes and ends interrupts by. */
import {
  ENABLE_GROUP1,
  FIQ_EN,
  GROUPS,
  SPURIOUS,
  deliver,
  clearPending,
  isGroup1,
  nextInterrupt,
  setPending,
  spisOf,
  notifyTargets,
} from '../core/events.js';
import { Vcpu, Vm } from '../core/vm.js';
import { PHYSICAL_TIMER_INTERRUPT, VIRTUAL_TIMER_INTERRUPT } from '../generated/guest-machine.js';
import { CONTROL, FIRES, releaseTimer, setPhysicalTimer } from './timer.js';
import { CNTV_CTL, HCR, atomic, barrier, shared } from '../intrinsics.js';

const OTHER_GROUP: u32 = 1022;
const ACK_CTL: u32 = 1 << 2;
const EOI_MODE: u32 = 1 << 9;
const INTERFACE_BITS: u32 = GROUPS | ACK_CTL | FIQ_EN | (1 << 4) | EOI_MODE;
/** GICC_BPR of 32 priorities: all their bits are the group's. */
const LEAST_BINARY_POINT: u32 = 2;
/** The first ID that is no interrupt's. */
const NO_INTERRUPT: u32 = 1020;
export const IIDR: u32 = 0x0002043b;

/** The priority byte of an interrupt of a vcpu's view. */
// @inline
function priorityAt(vcpu: Vcpu, id: u32): usize {
  return id < 32
    ? changetype<usize>(vcpu) + offsetof<Vcpu>('priorities') + id
    : changetype<usize>(vcpu.vm) + offsetof<Vm>('spiPriorities') - 32 + id;
}

/** What GICC_IAR and GICC_HPPIR, or the registers for group 1 alone, give in place of an interrupt of the other. */
// @inline
function seenAs(vcpu: Vcpu, id: u32, alias: bool): u32 {
  if (id == SPURIOUS) return id;
  if (!isGroup1(vcpu, id)) return alias ? SPURIOUS : id;
  return alias || (vcpu.interfaceEnabled & ACK_CTL) != 0 ? id : OTHER_GROUP;
}

/** GICC_IAR, and GICC_AIAR for group 1 alone: takes the next interrupt. */
function acknowledge(vcpu: Vcpu, alias: bool): u32 {
  let id = nextInterrupt(vcpu);
  if (id == VIRTUAL_TIMER_INTERRUPT && (CNTV_CTL.read() & CONTROL) != FIRES) {
    // The guest has changed its timer meanwhile.
    releaseTimer(vcpu);
    id = nextInterrupt(vcpu);
  }
  if (id == SPURIOUS) {
    // What there was has gone, maybe to another CPU: nothing tells of it any more.
    HCR.write(HCR.read() & ~(HCR.VI | HCR.VF));
    return SPURIOUS;
  }
  // There can be the other group's only while both are enabled.
  if (alias || (vcpu.interfaceEnabled & ENABLE_GROUP1) != 0) {
    const seen = seenAs(vcpu, id, alias);
    if (seen >= OTHER_GROUP) return seen;
  }
  // The virtual timer's line holds it pending; all others may have gone to another CPU, or pend no more from here on.
  let source: u32 = 0;
  if (id != VIRTUAL_TIMER_INTERRUPT) {
    source = activate(vcpu, id);
    if (source == NO_SOURCE) {
      deliver(vcpu);
      return SPURIOUS;
    }
  }
  if (id < 32) vcpu.active |= 1 << id;
  // Its group's priority: the bits above the binary point (IHI 0048B 3.3.3).
  vcpu.activePriorities |= 1 << ((load<u8>(priorityAt(vcpu, id)) & (0xfe << vcpu.binaryPoint)) >> 3);
  // It was the best there was: what else is pending does not go before it.
  HCR.write(HCR.read() & ~(HCR.VI | HCR.VF));
  return (source << 10) | id;
}

/** Makes an interrupt no longer pending for the vcpu that takes it; gives an SGI's sender, NOBODY where it is gone. */
function activate(vcpu: Vcpu, id: u32): u32 {
  if (id < 16) return activateSgi(vcpu, id);
  if (id < 32) {
    clearPending(vcpu, id);
    if (id == PHYSICAL_TIMER_INTERRUPT) setPhysicalTimer(vcpu, vcpu.physicalControl, vcpu.physicalCompare);
    return 0;
  }
  const bit: u32 = 1 << (id - 32);
  const vm = vcpu.vm;
  // One CPU takes it, of all that it is sent to.
  if (atomic.fetchOr(changetype<usize>(vm) + offsetof<Vm>('spiActive'), bit) & bit) return NO_SOURCE;
  atomic.fetchAnd(changetype<usize>(vm) + offsetof<Vm>('spiPending'), ~bit);
  return 0;
}

const NO_SOURCE: u32 = 32;

/** Takes one sender of an SGI; it stays pending while there are others. */
function activateSgi(vcpu: Vcpu, id: u32): u32 {
  const at = changetype<usize>(vcpu) + offsetof<Vcpu>('sgiSources') + (id & ~3);
  const shift = (id & 3) << 3;
  // Its sender wrote who it is before it made the interrupt pending.
  barrier.dmbIsh();
  // NOBODY where a sender that sent again had it taken before it made it pending.
  const source = ctz((shared.load32(at) >> shift) & 0xff);
  if (source != NO_SOURCE) atomic.fetchAnd(at, ~((<u32>1) << (shift + source)));
  clearPending(vcpu, id);
  // Seen after the pending bit is gone, so that a sender who comes now is not lost.
  barrier.dmbIsh();
  if ((shared.load32(at) >> shift) & 0xff) setPending(vcpu, id);
  return source;
}

/** GICC_EOIR and GICC_AEOIR: the interrupt is dealt with. */
function endInterrupt(vcpu: Vcpu, id: u32): void {
  vcpu.activePriorities &= vcpu.activePriorities - 1;
  deactivate(vcpu, id);
}

function deactivate(vcpu: Vcpu, id: u32): void {
  if (id < 32) {
    vcpu.active &= ~((<u32>1) << id);
    if (id == VIRTUAL_TIMER_INTERRUPT && vcpu.timerHeld && (CNTV_CTL.read() & CONTROL) != FIRES)
      releaseTimer(vcpu);
  } else if (id < 64) {
    const vm = vcpu.vm;
    const bit: u32 = 1 << (id - 32);
    atomic.fetchAnd(changetype<usize>(vm) + offsetof<Vm>('spiActive'), ~bit);
    // It may have been pending for another vcpu all the while: who made it so has seen this, or is seen here.
    barrier.dmbIsh();
    if (spisOf(vm) & bit) notifyTargets(vm, bit);
  }
  deliver(vcpu);
}

export function read(vcpu: Vcpu, offset: u32): u32 {
  // The one that counts.
  if (offset >> 2 == 3) return acknowledge(vcpu, false);
  switch (offset >> 2) {
    case 0:
      return vcpu.interfaceEnabled;
    case 1:
      return vcpu.priorityMask;
    case 2:
      return vcpu.binaryPoint;
    case 5:
      return vcpu.activePriorities ? ctz(vcpu.activePriorities) << 3 : 0xff;
    case 6:
      return seenAs(vcpu, nextInterrupt(vcpu), false);
    case 7:
      return vcpu.binaryPoint1;
    case 8:
      return acknowledge(vcpu, true);
    case 10:
      return seenAs(vcpu, nextInterrupt(vcpu), true);
    case 0xd0 >> 2:
      return vcpu.activePriorities;
    case 0xfc >> 2:
      return IIDR;
  }
  return 0;
}

export function write(vcpu: Vcpu, offset: u32, _size: u32, value: u32): void {
  switch (offset >> 2) {
    case 0:
      vcpu.interfaceEnabled = value & INTERFACE_BITS;
      break;
    case 1:
      vcpu.priorityMask = value & 0xf8;
      break;
    case 2:
      vcpu.binaryPoint = max(value & 7, LEAST_BINARY_POINT);
      break;
    case 7:
      vcpu.binaryPoint1 = value & 7;
      break;
    case 4:
    case 9:
      if ((value & 0x3ff) >= NO_INTERRUPT) return;
      // With EOImode 1 an end only drops the priority.
      if (vcpu.interfaceEnabled & EOI_MODE) vcpu.activePriorities &= vcpu.activePriorities - 1;
      else {
        endInterrupt(vcpu, value & 0x3ff);
        return;
      }
      break;
    case 0xd0 >> 2:
      vcpu.activePriorities = value;
      break;
    case 0x1000 >> 2:
      deactivate(vcpu, value & 0x3ff);
      return;
  }
  deliver(vcpu);
}

export function resetVcpu(vcpu: Vcpu): void {
  vcpu.interfaceEnabled = 0;
  vcpu.priorityMask = 0;
  vcpu.activePriorities = 0;
  vcpu.binaryPoint = LEAST_BINARY_POINT;
  vcpu.binaryPoint1 = 0;
}
