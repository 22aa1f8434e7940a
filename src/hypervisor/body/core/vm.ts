/** Virtual machines, their virtual CPUs, and the cores these run on. */
import * as L from '../../shared/layout.js';
import { HTPIDR, shared } from '../intrinsics.js';

// @inline
export function noVcpu(): Vcpu {
  return changetype<Vcpu>(0);
}

/** Whether a vcpu has something to do for its core. */
export function wantsCore(vcpu: Vcpu): bool {
  const state = stateOf(vcpu);
  return state == RUNNABLE || state == LOADING;
}

// @external('address', 'vcpus')
declare function vcpusAddress(): usize;
// @external('address', 'vms')
declare function vmsAddress(): usize;
// @external('address', 'stacks')
declare function stacks(): usize;
// @external('address', 'configuration')
declare function configurationAddress(): usize;

/** What a core knows, above its stack. */
@unmanaged
class Core {
  index: u32;
  /** The vcpu whose registers the core holds. */
  loaded: Vcpu;
  /** The vcpu whose VFP and NEON registers the core holds; null when nobody's. */
  vfp: Vcpu;
  /** The one of its vcpus, which are linked in a ring, whose turn it is. */
  turn: Vcpu;
  /** When the share of the loaded vcpu is used up. */
  sliceEnd: u64;
  /** The lock that it holds, 0 where none: never two. */
  held: usize;
  /** It has met a fault of the hypervisor's own. */
  stopped: u32;
  /** Of one of the host's, the state of the hypervisor's line (host/fiq.ts): only with atomic intrinsics. */
  line: u32;
}

/** A virtual machine; number 0 is the host. */
@unmanaged
export class Vm {
  number: u32;
  /** Held while its interrupt controller's shared part is changed, or its GPIO. */
  lock: u32;
  /** Its record in the configuration; the host has none. */
  record: usize;
  firstVcpu: Vcpu;
  vcpus: u32;
  vttbrLow: u32;
  vttbrHigh: u32;
  /** Asked of all its vcpus: RUN, or to stop and then what: OFF, RESET or CRASH. */
  request: u32;
  /** How many of its vcpus have stopped. */
  stopped: u32;
  /** When it is to begin, and how much of its memory is made. */
  beginsAt: u64;
  made: u32;
  /** Whether it waits for the host to serve its disks: read by others, too. */
  waitsForHost: u32;
  /** The count when it was started, CNTVOFF of its vcpus; whether its kernel has still to be entered. */
  startedLow: u32;
  startedHigh: u32;
  booting: u32;
  /** Whether it is said already that it was. */
  started: u32;
  /** Whether it is off, and only the host starts it again; whether the host wants it to be. Only with intrinsics. */
  isOff: u32;
  offWanted: u32;
  /** How often it has crashed, and `busy` of all its vcpus when it was started. */
  crashes: u32;
  busyBefore: u32;
  /** STATE_TURN in the channel, as it was written last. */
  turn: u32;
  /** A byte for each core: the number of its vcpu that ran there last, and one more; 0 for none. */
  ranLast: u32;
  /** Distributor: which groups are enabled, then a bit for each SPI, 32 to 63. */
  distributor: u32;
  spiEnabled: u32;
  spiPending: u32;
  /** Lines that are up: each is changed by its device alone, as that says of it, and by no reset of this controller's. */
  spiLevel: u32;
  spiActive: u32;
  spiEdge: u32;
  /** Those of group 1. */
  spiGroup: u32;
  /** A byte for each SPI. */
  spiTargets: u64;
  spiTargets1: u64;
  spiTargets2: u64;
  spiTargets3: u64;
  spiPriorities: u64;
  spiPriorities1: u64;
  spiPriorities2: u64;
  spiPriorities3: u64;
}

/** What is asked of a machine. */
export const RUN: u32 = 0;
export const OFF: u32 = 1;
export const RESET: u32 = 2;
export const CRASH: u32 = 3;
/** What a vcpu does. */
export const RUNNABLE: u32 = L.RUNNABLE;
export const WAITING: u32 = L.WAITING;
export const STOPPED: u32 = L.STOPPED;
export const STARTING: u32 = L.STARTING;
export const CLAIMED: u32 = L.CLAIMED;
export const PAUSED: u32 = L.PAUSED;
export const LOADING: u32 = L.LOADING;

@unmanaged
export class Vcpu {
  r0: u32;
  r1: u32;
  r2: u32;
  r3: u32;
  r4: u32;
  r5: u32;
  r6: u32;
  r7: u32;
  r8: u32;
  r9: u32;
  r10: u32;
  r11: u32;
  r12: u32;
  lr: u32;
  vm: Vm;
  /** Its number in its machine. */
  number: u32;
  /** The core it runs on, always the same. */
  core: u32;
  /** The next on the same core. */
  next: Vcpu;
  /** Ticks that it may still run until its next turn, as of when it stopped to. */
  left: u32;
  /** Written by others: only with intrinsics. */
  state: u32;
  startAt: u32;
  startWith: u32;
  /** The virtual timer has interrupted, and its line is not looked at until the guest is done with it. */
  timerHeld: u32;
  /** CPU interface: enabled, the mask of priorities, the active priorities (a bit for each of 32). */
  interfaceEnabled: u32;
  priorityMask: u32;
  activePriorities: u32;
  binaryPoint: u32;
  binaryPoint1: u32;
  /** Its own interrupts, 0 to 31, a bit each. Pending is changed by others: only with intrinsics. */
  pending: u32;
  enabled: u32;
  active: u32;
  /** Those of group 1. */
  group: u32;
  /** SPIs that are sent to it. */
  spiMine: u32;
  /** A byte for each of its own interrupts. */
  priorities: u64;
  priorities1: u64;
  priorities2: u64;
  priorities3: u64;
  /** Who has sent each SGI: a byte of vcpus for each. Only with atomic intrinsics. */
  sgiSources: u64;
  sgiSources1: u64;
  /** The physical timer, which is emulated; one bit more says that its machine's alarm hangs on it (devices/timer.ts). */
  physicalControl: u32;
  physicalCompare: u64;
  /** Time that it has had its core since it was made: hundredths of a second, and ticks beside. */
  busy: u32;
  busyTicks: u32;
}

// A class that grows over what the assembler's part uses is refused here.
if (offsetof<Vcpu>() > <usize>L.VCPU_SAVED || offsetof<Vcpu>('lr') != <usize>L.VCPU_FRAME_SIZE - 4)
  ERROR('layout of Vcpu');
if (offsetof<Vcpu>('state') != <usize>L.VCPU_STATE) ERROR("a Vcpu's state");

if (offsetof<Vm>() > <usize>L.VM_DEVICES) ERROR('layout of Vm');

if (offsetof<Core>() > <usize>L.CORE_SIZE) ERROR('layout of Core');
if (offsetof<Core>('loaded') != <usize>L.CORE_LOADED || offsetof<Core>('vfp') != <usize>L.CORE_VFP)
  ERROR('what a Core holds');

// @inline
export function core(): Core {
  return changetype<Core>(HTPIDR.read());
}

/** A core by its number. */
// @inline
export function coreAt(index: u32): Core {
  return changetype<Core>(stacks() + (index + 1) * L.STACK_SIZE - L.CORE_SIZE);
}

/** Where the state of the hypervisor's line to a core stands. */
// @inline
export function lineAt(index: u32): usize {
  return changetype<usize>(coreAt(index)) + offsetof<Core>('line');
}

/** The vcpu whose registers another core holds, as that may be while it is read. */
// @inline
export function loadedOn(index: u32): Vcpu {
  return changetype<Vcpu>(shared.load32(changetype<usize>(coreAt(index)) + offsetof<Core>('loaded')));
}

/** A vcpu by its place in the list of all: the host's four come first, by core. */
export function vcpuAt(n: u32): Vcpu {
  return changetype<Vcpu>(vcpusAddress() + n * L.VCPU_SIZE);
}

export function vmAt(n: u32): Vm {
  return changetype<Vm>(vmsAddress() + n * L.VM_SIZE);
}

/** Where a machine's lock is. */
// @inline
export function lockOf(vm: Vm): usize {
  return changetype<usize>(vm) + offsetof<Vm>('lock');
}

/** A vcpu of a machine by its number there. */
// @inline
export function vcpuOf(vm: Vm, n: u32): Vcpu {
  return changetype<Vcpu>(changetype<usize>(vm.firstVcpu) + n * L.VCPU_SIZE);
}

/** How many of a machine's vcpus are on. */
export function vcpusOn(vm: Vm): u32 {
  let on: u32 = 0;
  for (let n: u32 = 0; n < vm.vcpus; n++) if (stateOf(vcpuOf(vm, n)) != STOPPED) on++;
  return on;
}

/** Word n of the configuration. */
export function configuration(n: u32): u32 {
  return load<u32>(configurationAddress() + 4 * n);
}

/** Where guest n's record is; the first is 0. */
export function guestRecord(n: u32): usize {
  return configurationAddress() + 4 * (L.CONFIG_HEADER + n * L.GUEST_WORDS);
}

/** Where a guest's memory is, and its bytes. */
// @inline
export function memoryOf(vm: Vm): u32 {
  return load<u32>(vm.record + 4 * L.GUEST_MEMORY);
}

// @inline
export function memorySizeOf(vm: Vm): u32 {
  return load<u32>(vm.record + 4 * L.GUEST_MEMORY_SIZE);
}

/** A register that the world switch saves, of a vcpu that is not loaded. */
// @inline
export function saved(vcpu: Vcpu, word: u32): u32 {
  return load<u32>(changetype<usize>(vcpu) + L.VCPU_SAVED + 4 * word);
}

// @inline
export function setSaved(vcpu: Vcpu, word: u32, value: u32): void {
  store<u32>(changetype<usize>(vcpu) + L.VCPU_SAVED + 4 * word, value);
}

// @inline
export function stateOf(vcpu: Vcpu): u32 {
  return shared.load32(changetype<usize>(vcpu) + offsetof<Vcpu>('state'));
}

// @inline
export function setState(vcpu: Vcpu, state: u32): void {
  shared.store32(changetype<usize>(vcpu) + offsetof<Vcpu>('state'), state);
}
