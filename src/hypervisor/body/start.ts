/** How cores, machines and vcpus come to be. */
import * as L from '../shared/layout';
import {
  CNTHCTL,
  CNTHP_CTL,
  CNTPCT,
  CNTVOFF,
  CNTV_CTL,
  HCPTR,
  HCR,
  HDCR,
  HSTR,
  ICIALLUIS,
  MIDR,
  TLBIALLNSNHIS,
  VPIDR,
  VTCR,
  atomic,
  barrier,
  mmio,
  shared,
} from './intrinsics';
import { begin } from './lifecycle';
import { toMemory } from './memory';
import { greet, tell, textStarted } from './messages';
import { farUart, resetUart } from './console';
import { routeLine } from './host-fiq';
import { LEAST_BINARY_POINT } from './gic';
import {
  CORES,
  HYP_TIMER,
  MAILBOX1,
  MAILBOXES_ROUTING,
  MAILBOX_CLEAR,
  MAILBOX_SET,
  MODE_SVC,
  PSR_A,
  PSR_F,
  PSR_I,
  PSR_T,
  TIMERS_ROUTING,
} from './machine';
import { GUEST_HCPTR, schedule } from './scheduler';
import { makeGuestTables, makeHostTables } from './stage2';
import { settle } from './tree';
import {
  RESTING,
  Vcpu,
  configuration,
  core,
  coreAt,
  guestRecord,
  setSaved,
  setState,
  vcpuAt,
  vcpuOf,
  vmAt,
} from './vm';

// @external('assembly', 'loadVcpu')
declare function loadVcpu(vcpu: Vcpu): void;
/** How many cores have come, and whether the guests' ones may go on. */
// @external('address', 'arrivals')
declare function arrivals(): usize;
// @external('assembly', 'copy')
declare function copy(to: usize, from: usize, bytes: u32): void;
// @external('address', 'secondaryEntry')
declare function secondaryEntry(): usize;

const SCTLR_RESET: u32 = 0x00c50878;
const MPIDR_MULTIPROCESSING: u32 = 0x80000000;
const BOARD_MPIDR: u32 = 0x80000f00;
const SVC_MASKED: u32 = MODE_SVC | PSR_A | PSR_I | PSR_F;
const RPI2_MACHINE: u32 = 3138;
/** T0SZ 0, start at level 1, tables inner shareable and cached; bit 31 reads as one (ARM ARM B4.1, VTCR). */
const VTCR_VALUE: u32 = 0x80003540;
const VTTBR_VMID_SHIFT: u32 = 16;
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
const GUEST_HDCR: u32 = HDCR.TDRA | HDCR.TDOSA | HDCR.TDA | HDCR.TPM | HDCR.TPMCR | 4;
const GUEST_HSTR: u32 = HSTR.TTEE | HSTR.TJDBX | HSTR.T15;
const MAILBOX3: usize = 12;
const MAILBOX3_FIQ: u32 = 1 << 7;
/** 2 s of the system counter: an emulator on a busy machine may run its cores one long after the other. */
const PATIENCE: u64 = 38400000;

/** A vcpu as reset leaves it, with its machine's second stage. */
function resetVcpu(vcpu: Vcpu): void {
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
  vcpu.timerHeld = 0;
  vcpu.interfaceEnabled = 0;
  vcpu.priorityMask = 0;
  vcpu.activePriorities = 0;
  vcpu.binaryPoint = LEAST_BINARY_POINT;
  vcpu.binaryPoint1 = 0;
  // SGIs that it was sent while it was off are the distributor's.
  atomic.fetchAnd(at + offsetof<Vcpu>('pending'), 0xffff);
  // SGIs are always enabled.
  vcpu.enabled = 0xffff;
  vcpu.active = 0;
  vcpu.group = 0;
  for (let i: usize = 0; i < 32; i += 8) store<u64>(at + offsetof<Vcpu>('priorities') + i, 0);
  vcpu.physicalControl = 0;
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

/** Puts a vcpu into the ring of its core. */
function join(vcpu: Vcpu): void {
  const at = coreAt(vcpu.core);
  if (changetype<usize>(at.ring) == 0) {
    at.ring = vcpu;
    vcpu.next = vcpu;
  } else {
    vcpu.next = at.ring.next;
    at.ring.next = vcpu;
  }
}

/** The host's kernel to where the firmware has loaded the file: where it would be without a hypervisor. */
function moveKernel(from: usize, to: usize): void {
  const bytes = configuration(L.CONFIG_HOST_KERNEL_SIZE);
  copy(to, from, bytes);
  toMemory(to, bytes);
  ICIALLUIS.write(0);
  barrier.dsb();
}

function makeHost(tree: u32, kernel: u32): void {
  const vm = vmAt(0);
  const cores = configuration(L.CONFIG_HOST_CORES);
  vm.firstVcpu = vcpuAt(0);
  vm.vcpus = cores;
  vm.vttbrLow = <u32>makeHostTables();
  for (let n: u32 = 0; n < cores; n++) {
    const vcpu = vcpuAt(n);
    vcpu.vm = vm;
    vcpu.number = n;
    vcpu.core = n;
    join(vcpu);
    resetVcpu(vcpu);
  }
  const first = vcpuAt(0);
  setSaved(first, L.SAVED_ELR, kernel);
  first.r1 = RPI2_MACHINE;
  first.r2 = tree;
  resetUart(0, false);
  for (let n: u32 = 0; n <= configuration(L.CONFIG_GUESTS); n++) resetUart(n, true);
}

function makeGuest(number: u32, firstVcpu: u32): void {
  const vm = vmAt(number);
  vm.number = number;
  vm.record = guestRecord(number - 1);
  vm.firstVcpu = vcpuAt(firstVcpu);
  vm.vcpus = load<u32>(vm.record + 4 * L.GUEST_VCPUS);
  vm.vttbrLow = <u32>makeGuestTables(vm);
  vm.vttbrHigh = number << VTTBR_VMID_SHIFT;
  vm.uart = farUart(vm);
  for (let n: u32 = 0; n < vm.vcpus; n++) {
    const vcpu = vcpuOf(vm, n);
    vcpu.vm = vm;
    vcpu.number = n;
    vcpu.core = load<u32>(vm.record + 4 * (L.GUEST_CORES + n));
    join(vcpu);
    resetVcpu(vcpu);
    setState(vcpu, RESTING);
  }
  begin(vm, 0);
}

/** The first core: makes all machines, then lets the other cores come. */
function makeAll(tree: u32, kernel: u32, file: u32): void {
  for (let n: u32 = 0; n < CORES; n++) coreAt(n).index = n;
  moveKernel(kernel, file);
  makeHost(settle(tree, configuration(L.CONFIG_HOST_END)), file);
  let vcpu: u32 = CORES;
  for (let n: u32 = 1; n <= configuration(L.CONFIG_GUESTS); n++) {
    makeGuest(n, vcpu);
    vcpu += vmAt(n).vcpus;
  }
  barrier.dsb();
  for (let n: u32 = 1; n < CORES; n++) mmio.write32(MAILBOX_SET + 16 * n + MAILBOX3, <u32>secondaryEntry());
  barrier.dsb();
  barrier.sev();
  greet(awaitAll(), configuration(L.CONFIG_HOST_CORES));
  shared.store32(arrivals() + 4, 1);
  barrier.dsbIsh();
  barrier.sev();
}

/** Waits until every core has come; gives how many there are. One that does not come is not waited for long. */
function awaitAll(): u32 {
  const until = CNTPCT.read() + PATIENCE;
  let came: u32;
  do came = shared.load32(arrivals());
  while (came < CORES && CNTPCT.read() < until);
  return came;
}

/** A core of the host's begins: the first at the kernel, the others where the host sends them by their mailbox. */
function beginHost(index: u32): Vcpu {
  const vcpu = vcpuAt(index);
  routeLine(index, true);
  HDCR.write(4);
  HSTR.write(0);
  HCPTR.write(0x33ff);
  CNTHCTL.write(CNTHCTL.PL1PCEN | CNTHCTL.PL1PCTEN);
  if (index != 0) {
    const mailbox = MAILBOX_CLEAR + 16 * index + MAILBOX3;
    // As an FIQ, which is masked, the mailbox ends WFI: WFE would let an emulator's thread spin all the while.
    const routing = MAILBOXES_ROUTING + 4 * index;
    mmio.write32(routing, mmio.read32(routing) | MAILBOX3_FIQ);
    let entry = mmio.read32(mailbox);
    while (entry == 0) {
      barrier.wfi();
      entry = mmio.read32(mailbox);
    }
    mmio.write32(mailbox, entry);
    mmio.write32(routing, mmio.read32(routing) & ~MAILBOX3_FIQ);
    setSaved(vcpu, L.SAVED_ELR, entry & ~1);
    if (entry & 1) setSaved(vcpu, L.SAVED_SPSR, SVC_MASKED | PSR_T);
  }
  loadVcpu(vcpu);
  core().loaded = vcpu;
  return vcpu;
}

function beginGuests(index: u32): Vcpu {
  mmio.write32(MAILBOXES_ROUTING + 4 * index, MAILBOX1);
  mmio.write32(TIMERS_ROUTING + 4 * index, HYP_TIMER);
  HDCR.write(GUEST_HDCR);
  HSTR.write(GUEST_HSTR);
  HCPTR.write(GUEST_HCPTR | HCPTR.TCP10 | HCPTR.TCP11);
  CNTHCTL.write(0);
  while (shared.load32(arrivals() + 4) == 0) barrier.wfe();
  const first = core().ring;
  if (changetype<usize>(first) == 0) for (;;) barrier.wfi();
  return schedule(first);
}

/**
 * Every core's beginning, its MMU on.
 * @param tree of the host; `kernel` where its kernel is, `file` where that goes: all three for the first core only
 * @returns the vcpu to go on with
 */
export function beginCore(index: u32, tree: u32, kernel: u32, file: u32): Vcpu {
  CNTHP_CTL.write(0);
  CNTV_CTL.write(0);
  CNTVOFF.write(0);
  VTCR.write(VTCR_VALUE);
  VPIDR.write(MIDR.read());
  atomic.fetchAdd(arrivals(), 1);
  if (index == 0) makeAll(tree, kernel, file);
  // The mailbox that brought this core here is the host's again.
  else mmio.write32(MAILBOX_CLEAR + 16 * index + MAILBOX3, 0xffffffff);
  TLBIALLNSNHIS.write(0);
  barrier.dsb();
  barrier.isb();
  return index < configuration(L.CONFIG_HOST_CORES) ? beginHost(index) : beginGuests(index);
}
