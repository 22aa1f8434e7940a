/**
 * How a guest begins, ends and begins again. Its memory is made as it is at the beginning out of the copies that the
 * hypervisor keeps, in pieces, between which the other guests of that core have their slices.
 */
import { CRYSTAL_HZ } from '../generated/board.js';
import * as L from '../../shared/layout.js';
import { kick } from '../core/events.js';
import { clear, copy, toMemory } from '../core/memory.js';
import { closeWindow, openWindow } from '../core/own-map.js';
import {
  CRASH,
  LOADING,
  OFF,
  PAUSED,
  RESET,
  STOPPED,
  RUN,
  STARTING,
  Vcpu,
  Vm,
  memoryOf,
  memorySizeOf,
  setState,
  vcpuOf,
} from '../core/vm.js';
import { beginLineOf, endLine, print, printWord, printLineOf } from '../devices/own-console.js';
import { hasItsDisks, stopDevices } from '../devices/virtio/mmio.js';
import {
  textAddress,
  textCrashed,
  textMode,
  textOff,
  textPc,
  textRestarts,
  textSyndrome,
  textThenRestarts,
  textTrap,
  textWaits,
} from '../generated/messages.js';
import { resetMachineDevices } from '../generated/dispatch.js';
import { CNTPCT, ICIALLUIS, TLBIALLIS, VTTBR, atomic, barrier, shared } from '../intrinsics.js';
import { discardRegisters } from './loaded.js';
import { freshSeed } from './seed.js';

/** Bytes of memory that are made at once; it takes less than a slice. Guests' memory is a multiple of it. */
const PIECE: u32 = 0x100000;
/** How long a guest that has crashed stays away, so that one that always does takes little: 1 s. */
const PAUSE: u64 = CRYSTAL_HZ;

/** Asks all vcpus of a machine to stop, and it then to end or begin again. What was asked first counts. */
export function requestAll(vm: Vm, what: u32): bool {
  const at = changetype<usize>(vm) + offsetof<Vm>('request');
  if (atomic.compareExchange(at, RUN, what) != RUN) return false;
  for (let n: u32 = 0; n < vm.vcpus; n++) kick(vcpuOf(vm, n));
  return true;
}

/**
 * Has a vcpu's machine stop, since it has met what it cannot go on from, and begin again after a pause.
 * @param value of a syndrome where it is for a trap or a mode, else an address
 */
export function crash(vcpu: Vcpu, why: usize, pc: u32, value: u32): void {
  if (!requestAll(vcpu.vm, CRASH)) return;
  vcpu.vm.crashes++;
  beginLineOf(vcpu.vm);
  print(textCrashed());
  print(why);
  print(textPc());
  printWord(pc);
  print(why == textTrap() || why == textMode() ? textSyndrome() : textAddress());
  printWord(value);
  print(textThenRestarts());
  endLine();
}

/** Whether the host wants it to be off. */
function isUnwanted(vm: Vm): bool {
  return shared.load32(changetype<usize>(vm) + offsetof<Vm>('offWanted')) != 0;
}

/** A machine that does not run stays so until the host starts it, and says so in a text. */
export function rest(vm: Vm, text: usize): void {
  printLineOf(vm, text);
  barrier.dmbIsh();
  shared.store32(changetype<usize>(vm) + offsetof<Vm>('isOff'), 1);
}

/** One that was to begin does not, as the host wants it to be off. Gives whether that is so. */
function restsInstead(vcpu: Vcpu): bool {
  const vm = vcpu.vm;
  if (!isUnwanted(vm)) return false;
  shared.store32(changetype<usize>(vm) + offsetof<Vm>('waitsForHost'), 0);
  setState(vcpu, STOPPED);
  rest(vm, textOff());
  return true;
}

/** Has a machine be off, whatever it is about. */
export function switchOff(vm: Vm): void {
  shared.store32(changetype<usize>(vm) + offsetof<Vm>('offWanted'), 1);
  // Who begins says so, then looks whether it is wanted.
  barrier.dmbIsh();
  if (!requestAll(vm, OFF)) kick(vcpuOf(vm, 0));
}

/** Has a machine begin that is off. */
export function switchOn(vm: Vm): void {
  if (atomic.compareExchange(changetype<usize>(vm) + offsetof<Vm>('isOff'), 1, 0) != 1) return;
  // What it has said and done before it was off is over.
  barrier.dmbIsh();
  shared.store32(changetype<usize>(vm) + offsetof<Vm>('offWanted'), 0);
  vm.started = 0;
  startMachine(vm, 0);
}

/** The vcpu runs no more. With the last one, its machine has stopped. */
export function stopVcpu(vcpu: Vcpu): void {
  const vm = vcpu.vm;
  discardRegisters(vcpu);
  // Nobody waits for its timer any more.
  vcpu.physicalControl = 0;
  setState(vcpu, STOPPED);
  // What it has written is in its memory before that is made anew, by another core maybe.
  barrier.dsb();
  if (atomic.fetchAdd(changetype<usize>(vm) + offsetof<Vm>('stopped'), 1) + 1 != vm.vcpus) return;
  stopDevices(vm);
  const request = shared.load32(changetype<usize>(vm) + offsetof<Vm>('request'));
  // A machine whose CPUs have all switched themselves off is off, too.
  if (request == OFF || request == RUN || isUnwanted(vm)) rest(vm, textOff());
  else {
    if (request == RESET) printLineOf(vm, textRestarts());
    startMachine(vm, request == CRASH ? PAUSE : 0);
  }
}

/** Has a stopped machine begin, after so many ticks, at its first vcpu's core. */
export function startMachine(vm: Vm, pause: u64): void {
  vm.beginsAt = CNTPCT.read() + pause;
  vm.made = 0;
  const first = vcpuOf(vm, 0);
  barrier.dmbIsh();
  setState(first, PAUSED);
  kick(first);
}

/** The pause is over where its time has come, and the host serves the machine's disks. */
export function endPause(vcpu: Vcpu, time: u64): void {
  const vm = vcpu.vm;
  if (restsInstead(vcpu) || vm.beginsAt > time) return;
  if (!hasItsDisks(vm)) {
    if (!vm.waitsForHost) printLineOf(vm, textWaits());
    shared.store32(changetype<usize>(vm) + offsetof<Vm>('waitsForHost'), 1);
    // The host says that it serves them, then looks who waits.
    barrier.dmb();
    if (!hasItsDisks(vm)) return;
  }
  shared.store32(changetype<usize>(vm) + offsetof<Vm>('waitsForHost'), 0);
  setState(vcpu, LOADING);
}

/** Makes one more piece of the memory of a vcpu's machine; with the last, the machine begins. */
export function loadPiece(vcpu: Vcpu): void {
  if (restsInstead(vcpu)) return;
  const vm = vcpu.vm;
  const from = vm.made;
  const to = from + PIECE;
  const window = openWindow(memoryOf(vm) + from);
  // What the machine had in caches may not come out of them over what is written now.
  toMemory(window, PIECE);
  clear(window, PIECE);
  loadFile(vm, L.GUEST_KERNEL, window, from, to);
  loadFile(vm, L.GUEST_INITRAMFS, window, from, to);
  loadFile(vm, L.GUEST_TREE, window, from, to);
  const tree = load<u32>(vm.record + 4 * (L.GUEST_TREE + 2));
  if (tree - from < PIECE) freshSeed(vm, window + (tree - from));
  closeWindow();
  vm.made = to;
  if (to < memorySizeOf(vm)) return;
  forgetCodeAndTranslations(vm);
  resetVm(vm);
  setState(vcpu, STARTING);
}

/** Nothing that the machine executed or translated before counts any more, on any core. Others keep their translations. */
function forgetCodeAndTranslations(vm: Vm): void {
  const current = VTTBR.read();
  VTTBR.write(((<u64>vm.vttbrHigh) << 32) | vm.vttbrLow);
  barrier.isb();
  // The second is for the VMID in VTTBR, in HYP mode (ARM ARM B4.2.2).
  ICIALLUIS.write(0);
  TLBIALLIS.write(0);
  barrier.dsb();
  VTTBR.write(current);
  barrier.isb();
}

/** The part of a guest's file that is between two offsets in its memory, of which the first is at `at`. */
function loadFile(vm: Vm, file: u32, at: usize, from: u32, to: u32): void {
  const it = vm.record + 4 * file;
  const offset = load<u32>(it + 8);
  const first = max(offset, from);
  const last = min(offset + load<u32>(it + 4), to);
  if (first >= last) return;
  copy(at + (first - from), load<u32>(it) + (first - offset), last - first);
}

/** A guest's devices as reset leaves them, and its first vcpu told where to begin. */
function resetVm(vm: Vm): void {
  resetMachineDevices(vm);
  const first = vcpuOf(vm, 0);
  first.startAt = load<u32>(vm.record + 4 * L.GUEST_ENTRY);
  first.startWith = 0;
  const now = CNTPCT.read();
  vm.startedLow = <u32>now;
  vm.startedHigh = <u32>(now >> 32);
  vm.booting = 1;
  vm.stopped = vm.vcpus - 1;
  vm.busyBefore = busyOf(vm);
  const request = changetype<usize>(vm) + offsetof<Vm>('request');
  barrier.dmbIsh();
  shared.store32(request, RUN);
  barrier.dmbIsh();
  // Who wanted it to be off meanwhile has asked what was asked of it already.
  if (isUnwanted(vm)) shared.store32(request, OFF);
}

/** How long its vcpus have had their cores, together, since they were made: hundredths of a second. */
export function busyOf(vm: Vm): u32 {
  let busy: u32 = 0;
  for (let n: u32 = 0; n < vm.vcpus; n++)
    busy += shared.load32(changetype<usize>(vcpuOf(vm, n)) + offsetof<Vcpu>('busy'));
  return busy;
}
