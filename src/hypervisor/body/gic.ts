/**
 * The guests' interrupt controller: a GICv2 (IHI 0048B) with 64 interrupts, of which 32 to 63 are shared. Pending,
 * enabled and active are a bit each, so that what is to be delivered next is found without a search.
 */
import { CNTV_CTL, HCR, atomic, barrier, mmio, shared } from './intrinsics';
import { MAILBOX_SET, TIMERS_ROUTING, HYP_TIMER, VIRTUAL_TIMER } from './machine';
import { setPhysicalTimer } from './timer';
import { RUNNABLE, Vcpu, Vm, WAITING, core, loadedOn, lock, stateOf, unlock, vcpuOf } from './vm';

/** No interrupt: what GICC_IAR gives then; and where the other group's register is to be read. */
export const SPURIOUS: u32 = 1023;
const OTHER_GROUP: u32 = 1022;
/** GICC_CTLR: groups 0 and 1 enabled, group 1 by GICC_IAR, too, group 0 as FIQ, ends without deactivation. */
const GROUPS: u32 = 3;
const ENABLE_GROUP1: u32 = 1 << 1;
const ACK_CTL: u32 = 1 << 2;
const FIQ_EN: u32 = 1 << 3;
const EOI_MODE: u32 = 1 << 9;
const INTERFACE_BITS: u32 = GROUPS | ACK_CTL | FIQ_EN | (1 << 4) | EOI_MODE;
/** The generic timers' private interrupts, as every machine with a GIC has them. */
export const VIRTUAL_TIMER_PPI: u32 = 27;
export const PHYSICAL_TIMER_PPI: u32 = 30;
/** CNTV_CTL when the timer's line is up: ENABLE and ISTATUS, not IMASK. */
const FIRES: u32 = CNTV_CTL.ENABLE | CNTV_CTL.ISTATUS;
const CONTROL: u32 = FIRES | CNTV_CTL.IMASK;

// Registers of the distributor (IHI 0048B, table 4-1) by the offset shifted right by 7: the rows of 32 words.
const ROW_CONTROL: u32 = 0;
const ROW_GROUP: u32 = 1;
const ROW_SET_ENABLE: u32 = 2;
const ROW_CLEAR_ENABLE: u32 = 3;
const ROW_SET_PENDING: u32 = 4;
const ROW_CLEAR_PENDING: u32 = 5;
const ROW_SET_ACTIVE: u32 = 6;
const ROW_CLEAR_ACTIVE: u32 = 7;
const ROW_PRIORITY: u32 = 8;
const ROW_TARGETS: u32 = 16;
const ROW_CONFIG: u32 = 24;
const ROW_SGI: u32 = 30;
const ROW_ID: u32 = 31;
const GICD_SGIR: u32 = 0xf00;

/** GICC_BPR of 32 priorities: all their bits are the group's. */
export const LEAST_BINARY_POINT: u32 = 2;
/** The first ID that is no interrupt's. */
const NO_INTERRUPT: u32 = 1020;

/** GICD_TYPER: 64 interrupts. */
const TYPER_LINES: u32 = 1;
/** GICD_ICPIDR2 and GICC_IIDR: architecture version 2 (a product 0 of Arm's). */
const ICPIDR2: u32 = 0x2b;
const IIDR: u32 = 0x0002043b;

// @inline
function pendingAt(vcpu: Vcpu): usize {
  return changetype<usize>(vcpu) + offsetof<Vcpu>('pending');
}

// @inline
function lockOf(vm: Vm): usize {
  return changetype<usize>(vm) + offsetof<Vm>('lock');
}

/** The priority byte of an interrupt of a vcpu's view. */
// @inline
function priorityAt(vcpu: Vcpu, id: u32): usize {
  return id < 32
    ? changetype<usize>(vcpu) + offsetof<Vcpu>('priorities') + id
    : changetype<usize>(vcpu.vm) + offsetof<Vm>('spiPriorities') - 32 + id;
}

/**
 * The best of the interrupts of a word of bits, given the best so far: priority << 16 | ID, the smaller the better.
 * @param priorities of the first, a byte each
 */
function better(priorities: usize, bits: u32, first: u32, best: u32): u32 {
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
function spisOf(vm: Vm): u32 {
  return (
    shared.load32(changetype<usize>(vm) + offsetof<Vm>('spiPending')) |
    shared.load32(changetype<usize>(vm) + offsetof<Vm>('spiLevel'))
  );
}

/** The interrupt that the vcpu would take next, or SPURIOUS. */
export function next(vcpu: Vcpu): u32 {
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
  let best: u32 = better(changetype<usize>(vcpu) + offsetof<Vcpu>('priorities'), own, 0, limit << 16);
  best = better(changetype<usize>(vm) + offsetof<Vm>('spiPriorities'), spis, 32, best);
  return best == limit << 16 ? SPURIOUS : best & 0xffff;
}

/** Whether an interrupt is one of group 1. */
// @inline
function isGroup1(vcpu: Vcpu, id: u32): bool {
  return (((id < 32 ? vcpu.group : vcpu.vm.spiGroup) >> (id & 31)) & 1) != 0;
}

/** Raises or drops the loaded vcpu's virtual IRQ and FIQ as its interrupt controller stands. */
export function deliver(vcpu: Vcpu): void {
  const hcr = HCR.read();
  const id = next(vcpu);
  let wanted = hcr & ~(HCR.VI | HCR.VF);
  if (id != SPURIOUS)
    wanted |= (vcpu.interfaceEnabled & FIQ_EN) != 0 && !isGroup1(vcpu, id) ? HCR.VF : HCR.VI;
  if (wanted != hcr) HCR.write(wanted);
}

/** Has a vcpu's core look at its vcpus again, by the core's mailbox; it finds what was written before. */
export function kick(vcpu: Vcpu): void {
  barrier.dsbIsh();
  mmio.write32(MAILBOX_SET + 16 * vcpu.core + 4, 1);
}

/**
 * Tells a vcpu that is not loaded here that its interrupts have changed. Its core is left alone where nothing comes of
 * it: another machine may have it, and must not lose time to one that does nothing but send interrupts.
 */
function notify(vcpu: Vcpu): void {
  // Whoever lays its core down, or takes one, looks at its interrupts after it has said so.
  barrier.dmbIsh();
  const state = stateOf(vcpu);
  if (state == WAITING) {
    barrier.dmbIsh();
    if (next(vcpu) != SPURIOUS) kick(vcpu);
  } else if (state == RUNNABLE && loadedOn(vcpu.core) == vcpu) kick(vcpu);
}

/** Makes one of a vcpu's own interrupts pending. */
// @inline
export function raise(vcpu: Vcpu, id: u32): void {
  atomic.fetchOr(pendingAt(vcpu), 1 << id);
}

/** Makes one no longer pending. */
export function drop(vcpu: Vcpu, id: u32): void {
  atomic.fetchAnd(pendingAt(vcpu), ~((<u32>1) << id));
}

/** Sets the line of a shared interrupt, and tells the vcpus that get it. */
export function setLine(vm: Vm, id: u32, up: bool): void {
  const bit: u32 = 1 << (id - 32);
  const at = changetype<usize>(vm) + offsetof<Vm>('spiLevel');
  const before = up ? atomic.fetchOr(at, bit) : atomic.fetchAnd(at, ~bit);
  if (((before & bit) != 0) == up) return;
  tell(vm, bit);
}

/** Has the vcpus that get a shared interrupt see that it has changed. */
function tell(vm: Vm, bit: u32): void {
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

/** The loaded vcpu's virtual timer no longer holds its line up: its interrupt may come again. */
export function releaseTimer(vcpu: Vcpu): void {
  drop(vcpu, VIRTUAL_TIMER_PPI);
  vcpu.timerHeld = 0;
  mmio.write32(TIMERS_ROUTING + 4 * vcpu.core, HYP_TIMER | VIRTUAL_TIMER);
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
  let id = next(vcpu);
  if (id == VIRTUAL_TIMER_PPI && (CNTV_CTL.read() & CONTROL) != FIRES) {
    // The guest has changed its timer meanwhile.
    releaseTimer(vcpu);
    id = next(vcpu);
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
  if (id != VIRTUAL_TIMER_PPI) {
    source = take(vcpu, id);
    if (source == NOBODY) {
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
function take(vcpu: Vcpu, id: u32): u32 {
  if (id < 16) return takeSgi(vcpu, id);
  if (id < 32) {
    drop(vcpu, id);
    if (id == PHYSICAL_TIMER_PPI) setPhysicalTimer(vcpu, vcpu.physicalControl, vcpu.physicalCompare);
    return 0;
  }
  const bit: u32 = 1 << (id - 32);
  const vm = vcpu.vm;
  // One CPU takes it, of all that it is sent to.
  if (atomic.fetchOr(changetype<usize>(vm) + offsetof<Vm>('spiActive'), bit) & bit) return NOBODY;
  atomic.fetchAnd(changetype<usize>(vm) + offsetof<Vm>('spiPending'), ~bit);
  return 0;
}
const NOBODY: u32 = 32;

/** Takes one sender of an SGI; it stays pending while there are others. */
function takeSgi(vcpu: Vcpu, id: u32): u32 {
  const at = changetype<usize>(vcpu) + offsetof<Vcpu>('sgiSources') + (id & ~3);
  const shift = (id & 3) << 3;
  // Its sender wrote who it is before it made the interrupt pending.
  barrier.dmbIsh();
  // NOBODY where a sender that sent again had it taken before it made it pending.
  const source = ctz((shared.load32(at) >> shift) & 0xff);
  if (source != NOBODY) atomic.fetchAnd(at, ~((<u32>1) << (shift + source)));
  drop(vcpu, id);
  // Seen after the pending bit is gone, so that a sender who comes now is not lost.
  barrier.dmbIsh();
  if ((shared.load32(at) >> shift) & 0xff) raise(vcpu, id);
  return source;
}

/** GICC_EOIR and GICC_AEOIR: the interrupt is dealt with. */
function end(vcpu: Vcpu, id: u32): void {
  vcpu.activePriorities &= vcpu.activePriorities - 1;
  deactivate(vcpu, id);
}

function deactivate(vcpu: Vcpu, id: u32): void {
  if (id < 32) {
    vcpu.active &= ~((<u32>1) << id);
    if (id == VIRTUAL_TIMER_PPI && vcpu.timerHeld && (CNTV_CTL.read() & CONTROL) != FIRES) releaseTimer(vcpu);
  } else if (id < 64) {
    const vm = vcpu.vm;
    const bit: u32 = 1 << (id - 32);
    atomic.fetchAnd(changetype<usize>(vm) + offsetof<Vm>('spiActive'), ~bit);
    // It may have been pending for another vcpu all the while: who made it so has seen this, or is seen here.
    barrier.dmbIsh();
    if (spisOf(vm) & bit) tell(vm, bit);
  }
  deliver(vcpu);
}

// --- CPU interface ------------------------------------------------------------------------------------------------

export function readInterface(vcpu: Vcpu, offset: u32): u32 {
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
      return seenAs(vcpu, next(vcpu), false);
    case 7:
      return vcpu.binaryPoint1;
    case 8:
      return acknowledge(vcpu, true);
    case 10:
      return seenAs(vcpu, next(vcpu), true);
    case 0xd0 >> 2:
      return vcpu.activePriorities;
    case 0xfc >> 2:
      return IIDR;
  }
  return 0;
}

export function writeInterface(vcpu: Vcpu, offset: u32, value: u32): void {
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
        end(vcpu, value & 0x3ff);
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

// --- distributor --------------------------------------------------------------------------------------------------

/** GICD_ITARGETSR of the vcpu's own interrupts: itself. */
function ownTargets(vcpu: Vcpu): u32 {
  return (1 << vcpu.number) * 0x01010101;
}

/** A word of a table of bytes, one for each interrupt. */
function bytesAt(own: usize, spis: usize, offset: u32): usize {
  if (offset < 32) return own + offset;
  return offset < 64 ? spis + offset - 32 : 0;
}

/** What a read of the register's word gives; narrower accesses take their part of it. */
export function readDistributor(vcpu: Vcpu, offset: u32): u32 {
  const vm = vcpu.vm;
  const word = offset & 0x7c;
  switch (offset >> 7) {
    case ROW_CONTROL:
      if (offset == 0) return vm.distributor;
      if (offset == 4) return TYPER_LINES | ((vm.vcpus - 1) << 5);
      return offset == 8 ? IIDR : 0;
    case ROW_GROUP:
      return word == 0 ? vcpu.group : word == 4 ? vm.spiGroup : 0;
    case ROW_SET_ENABLE:
    case ROW_CLEAR_ENABLE:
      return word == 0 ? vcpu.enabled : word == 4 ? vm.spiEnabled : 0;
    case ROW_SET_PENDING:
    case ROW_CLEAR_PENDING:
      return word == 0 ? shared.load32(pendingAt(vcpu)) : word == 4 ? vm.spiPending | vm.spiLevel : 0;
    case ROW_SET_ACTIVE:
    case ROW_CLEAR_ACTIVE:
      return word == 0 ? vcpu.active : word == 4 ? vm.spiActive : 0;
    case ROW_PRIORITY: {
      const at = priorityWord(vcpu, word);
      return at ? load<u32>(at) : 0;
    }
    case ROW_TARGETS:
      if (word < 32) return ownTargets(vcpu);
      return word < 64 ? load<u32>(changetype<usize>(vm) + offsetof<Vm>('spiTargets') + word - 32) : 0;
    case ROW_CONFIG:
      // SGIs are edges, PPIs levels, two bits each.
      return word == 0
        ? 0xaaaaaaaa
        : word == 8
          ? spread(vm.spiEdge & 0xffff)
          : word == 12
            ? spread(vm.spiEdge >> 16)
            : 0;
    case ROW_SGI:
      if (offset >= 0xf10 && offset < 0xf30)
        return shared.load32(changetype<usize>(vcpu) + offsetof<Vcpu>('sgiSources') + (offset & 0xc));
      return 0;
    case ROW_ID:
      return offset == 0xfe8 ? ICPIDR2 : 0;
  }
  return 0;
}

function priorityWord(vcpu: Vcpu, word: u32): usize {
  return bytesAt(
    changetype<usize>(vcpu) + offsetof<Vcpu>('priorities'),
    changetype<usize>(vcpu.vm) + offsetof<Vm>('spiPriorities'),
    word,
  );
}

/** Each of 16 bits to the upper of two. */
function spread(bits: u32): u32 {
  bits = (bits | (bits << 8)) & 0x00ff00ff;
  bits = (bits | (bits << 4)) & 0x0f0f0f0f;
  bits = (bits | (bits << 2)) & 0x33333333;
  bits = (bits | (bits << 1)) & 0x55555555;
  return bits << 1;
}

function gather(bits: u32): u32 {
  bits = (bits >> 1) & 0x55555555;
  bits = (bits | (bits >> 1)) & 0x33333333;
  bits = (bits | (bits >> 2)) & 0x0f0f0f0f;
  bits = (bits | (bits >> 4)) & 0x00ff00ff;
  return (bits | (bits >> 8)) & 0xffff;
}

/** A write of `size` bytes: 1 only to tables of bytes, which are the only ones that take it (IHI 0048B 4.1.4). */
export function writeDistributor(vcpu: Vcpu, offset: u32, size: u32, value: u32): void {
  const vm = vcpu.vm;
  if (offset == GICD_SGIR) {
    sendSgi(vcpu, value);
    return;
  }
  if (offset >> 7 == ROW_PRIORITY) {
    const at = priorityWord(vcpu, offset & 0x7f);
    if (at == 0) return;
    value &= 0xf8f8f8f8;
    if (size == 1) store<u8>(at, value);
    else if (size == 2) store<u16>(at, value);
    else store<u32>(at, value);
  } else {
    const at = lockOf(vm);
    lock(at);
    writeShared(vcpu, vm, offset, size, value);
    unlock(at);
  }
  deliver(vcpu);
  for (let n: u32 = 0; n < vm.vcpus; n++) if (n != vcpu.number) notify(vcpuOf(vm, n));
}

function writeShared(vcpu: Vcpu, vm: Vm, offset: u32, size: u32, value: u32): void {
  const word = offset & 0x7c;
  const own = word == 0;
  if (!own && word != 4 && offset >> 7 < ROW_PRIORITY) return;
  switch (offset >> 7) {
    case ROW_CONTROL:
      if (offset == 0) vm.distributor = value & GROUPS;
      break;
    case ROW_GROUP:
      if (own) vcpu.group = value;
      else vm.spiGroup = value;
      break;
    case ROW_SET_ENABLE:
      if (own) vcpu.enabled |= value;
      else vm.spiEnabled |= value;
      break;
    case ROW_CLEAR_ENABLE:
      // SGIs are always enabled.
      if (own) vcpu.enabled &= ~value | 0xffff;
      else vm.spiEnabled &= ~value;
      break;
    case ROW_SET_PENDING:
      if (own) atomic.fetchOr(pendingAt(vcpu), value & 0xffff0000);
      else atomic.fetchOr(changetype<usize>(vm) + offsetof<Vm>('spiPending'), value);
      break;
    case ROW_CLEAR_PENDING:
      // A line that is up stays pending; the virtual timer's is looked at when it is acknowledged.
      if (own) {
        atomic.fetchAnd(pendingAt(vcpu), ~(value & 0xffff0000) | ((<u32>1) << VIRTUAL_TIMER_PPI));
        setPhysicalTimer(vcpu, vcpu.physicalControl, vcpu.physicalCompare);
      } else atomic.fetchAnd(changetype<usize>(vm) + offsetof<Vm>('spiPending'), ~value);
      break;
    case ROW_SET_ACTIVE:
      if (own) vcpu.active |= value;
      else atomic.fetchOr(changetype<usize>(vm) + offsetof<Vm>('spiActive'), value);
      break;
    case ROW_CLEAR_ACTIVE:
      if (own) {
        vcpu.active &= ~value;
        if (vcpu.timerHeld && (CNTV_CTL.read() & CONTROL) != FIRES) releaseTimer(vcpu);
      } else atomic.fetchAnd(changetype<usize>(vm) + offsetof<Vm>('spiActive'), ~value);
      break;
    case ROW_TARGETS:
      setTargets(vm, (offset & 0x7f) - 32, size, value);
      break;
    case ROW_CONFIG:
      if (word == 8) vm.spiEdge = (vm.spiEdge & 0xffff0000) | gather(value);
      else if (word == 12) vm.spiEdge = (vm.spiEdge & 0xffff) | (gather(value) << 16);
      break;
  }
}

function setTargets(vm: Vm, first: u32, size: u32, value: u32): void {
  if (first >= 32) return;
  const mask: u32 = (1 << vm.vcpus) - 1;
  const targets = changetype<usize>(vm) + offsetof<Vm>('spiTargets');
  for (let i: u32 = 0; i < size; i++) {
    const spi = first + i;
    const to = (value >> (8 * i)) & mask;
    store<u8>(targets + spi, to);
    for (let n: u32 = 0; n < vm.vcpus; n++) {
      const vcpu = vcpuOf(vm, n);
      if ((to >> n) & 1) vcpu.spiMine |= 1 << spi;
      else vcpu.spiMine &= ~((<u32>1) << spi);
    }
  }
}

/** GICD_SGIR: to those in the list, to all others, or to oneself. */
function sendSgi(vcpu: Vcpu, value: u32): void {
  const vm = vcpu.vm;
  const all: u32 = (1 << vm.vcpus) - 1;
  const self: u32 = 1 << vcpu.number;
  const filter = (value >> 24) & 3;
  const list = (filter == 0 ? value >> 16 : filter == 1 ? ~self : filter == 2 ? self : 0) & all;
  const id = value & 0xf;
  for (let n: u32 = 0; n < vm.vcpus; n++) {
    if (((list >> n) & 1) == 0) continue;
    const to = vcpuOf(vm, n);
    const at = changetype<usize>(to) + offsetof<Vcpu>('sgiSources') + (id & ~3);
    atomic.fetchOr(at, self << ((id & 3) << 3));
    barrier.dmbIsh();
    raise(to, id);
    if (to == vcpu) deliver(vcpu);
    else notify(to);
  }
}
