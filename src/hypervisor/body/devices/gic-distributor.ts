/**
 * The guests' interrupt controller: a GICv2 (IHI 0048B) with 64 interrupts, of which 32 to 63 are shared. Pending,
 * enabled and active are a bit each, so that what is to be delivered next is found without a search.
 */
import { GROUPS, deliver, notify, pendingAt, setPending } from '../core/events.js';
import { lock, unlock } from '../core/locks.js';
import { Vcpu, Vm, lockOf, vcpuOf } from '../core/vm.js';
import { IIDR } from './gic-cpu-interface.js';
import { VIRTUAL_TIMER_INTERRUPT } from '../generated/guest-machine.js';
import { CONTROL, FIRES, releaseTimer, setPhysicalTimer } from './timer.js';
import { CNTV_CTL, atomic, barrier, shared } from '../intrinsics.js';

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
/** GICD_TYPER: 64 interrupts. */
const TYPER_LINES: u32 = 1;
/** GICD_ICPIDR2 and GICC_IIDR: architecture version 2 (a product 0 of Arm's). */
const ICPIDR2: u32 = 0x2b;

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
export function read(vcpu: Vcpu, offset: u32): u32 {
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
export function write(vcpu: Vcpu, offset: u32, size: u32, value: u32): void {
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
        atomic.fetchAnd(pendingAt(vcpu), ~(value & 0xffff0000) | ((<u32>1) << VIRTUAL_TIMER_INTERRUPT));
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
    setPending(to, id);
    if (to == vcpu) deliver(vcpu);
    else notify(to);
  }
}

export function resetMachine(vm: Vm): void {
  vm.distributor = 0;
  vm.spiEnabled = 0;
  vm.spiPending = 0;
  vm.spiActive = 0;
  vm.spiEdge = 0;
  vm.spiGroup = 0;
  for (let i: usize = 0; i < 32; i += 8) {
    store<u64>(changetype<usize>(vm) + offsetof<Vm>('spiTargets') + i, 0);
    store<u64>(changetype<usize>(vm) + offsetof<Vm>('spiPriorities') + i, 0);
  }
  for (let n: u32 = 0; n < vm.vcpus; n++) {
    const vcpu = vcpuOf(vm, n);
    vcpu.spiMine = 0;
    vcpu.pending = 0;
    vcpu.sgiSources = 0;
    vcpu.sgiSources1 = 0;
  }
}

export function resetVcpu(vcpu: Vcpu): void {
  // SGIs that it was sent while it was off are the distributor's.
  atomic.fetchAnd(pendingAt(vcpu), 0xffff);
  // SGIs are always enabled.
  vcpu.enabled = 0xffff;
  vcpu.active = 0;
  vcpu.group = 0;
  for (let i: usize = 0; i < 32; i += 8)
    store<u64>(changetype<usize>(vcpu) + offsetof<Vcpu>('priorities') + i, 0);
}
