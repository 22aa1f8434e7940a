/** How cores and machines come to be. */
import * as L from '../shared/layout.js';
import { SAVED_ELR_hyp, SAVED_SPSR_hyp } from './generated/saved-registers.js';
import { MAILBOX1, MAILBOX3_FIQ } from './core/mailbox.js';
import { PSR_T } from './generated/arm.js';
import { CORES, CRYSTAL_HZ, MACHINE_TYPE } from './generated/board.js';
import {
  CONTROL,
  IRQ_SOURCE_CNTHPIRQ,
  LOCAL_PRESCALER_BY_1,
  MAILBOXES_ROUTING,
  MAILBOX_CLR,
  MAILBOX_SET,
  PRESCALER,
  TIMERS_ROUTING,
} from './generated/local-peripherals.js';
import { clearChannel } from './core/channel.js';
import { copy, toMemory } from './core/memory.js';
import { makeHypTables } from './core/own-map.js';
import { seedRandom } from './core/random.js';
import { makeGuestTables, makeHostTables } from './core/stage2.js';
import {
  STOPPED,
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
} from './core/vm.js';
import { textUnstarted } from './generated/messages.js';
import { printCores } from './devices/own-console.js';
import { resetUart } from './devices/pl011.js';
import { plugDevices } from './devices/virtio/mmio.js';
import { resetBell } from './devices/bell.js';
import { routeLine } from './host/fiq.js';
import { relocateForHost } from './host/tree.js';
import {
  CNTHCTL,
  CNTHP_CTL,
  CNTPCT,
  CNTVOFF,
  CNTV_CTL,
  HCPTR,
  HDCR,
  HSTR,
  MIDR,
  TLBIALLNSNHIS,
  VPIDR,
  VTCR,
  VTTBR,
  atomic,
  barrier,
  mmio,
  shared,
} from './intrinsics.js';
import { rest, startMachine } from './scheduling/lifecycle.js';
import { GUEST_HCPTR, HCPTR_ONES, loadVcpu } from './scheduling/loaded.js';
import { schedule } from './scheduling/scheduler.js';
import { SVC_MASKED, resetVcpu } from './scheduling/vcpu-start.js';

/** How many cores have come, and whether the guests' ones may go on. */
// @external('address', 'arrivals')
declare function arrivals(): usize;
// @external('address', 'secondaryEntry')
declare function secondaryEntry(): usize;
/** T0SZ 0, start at level 1, tables inner shareable and cached; bit 31 reads as one (ARM ARM B4.1, VTCR). */
const VTCR_VALUE: u32 = 0x80003540;
const GUEST_HDCR: u32 = HDCR.TDRA | HDCR.TDOSA | HDCR.TDA | HDCR.TPM | HDCR.TPMCR | 4;
const GUEST_HSTR: u32 = HSTR.TTEE | HSTR.TJDBX | HSTR.T15;
const MAILBOX3: usize = 12;
/** 2 s of the system counter: an emulator on a busy machine may run its cores one long after the other. */
const PATIENCE: u64 = 2 * CRYSTAL_HZ;

/** Puts a vcpu into the ring of its core. */
function addToRing(vcpu: Vcpu): void {
  const at = coreAt(vcpu.core);
  if (changetype<usize>(at.turn) == 0) {
    at.turn = vcpu;
    vcpu.next = vcpu;
  } else {
    vcpu.next = at.turn.next;
    at.turn.next = vcpu;
  }
}

/**
 * What is done before the first core's MMU is on: HYP mode's map is made, in which neither the host's memory is nor the
 * generator of random numbers, which is asked, and in the former
 * kernel, initramfs and tree are moved to where they would be without a hypervisor. Caches are off, so what is written is
 * in memory; but of the code of the start the second level may hold lines.
 * @param tree of the host; `kernel` where its kernel is, `file` where that goes
 * @returns where the tree is now
 */
export function prepare(tree: u32, kernel: u32, file: u32): u32 {
  makeHypTables();
  seedRandom();
  const bytes = configuration(L.CONFIG_HOST_KERNEL_SIZE);
  copy(file, kernel, bytes);
  toMemory(file, bytes);
  clearChannel();
  return relocateForHost(tree, configuration(L.CONFIG_HOST_END));
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
    addToRing(vcpu);
    resetVcpu(vcpu);
  }
  const first = vcpuAt(0);
  setSaved(first, SAVED_ELR_hyp, kernel);
  first.r1 = MACHINE_TYPE;
  first.r2 = tree;
  resetUart(0, false);
  for (let n: u32 = 0; n <= configuration(L.CONFIG_GUESTS); n++) resetUart(n, true);
  resetBell();
}

function makeGuest(number: u32, firstVcpu: u32): void {
  const vm = vmAt(number);
  vm.number = number;
  vm.record = guestRecord(number - 1);
  vm.firstVcpu = vcpuAt(firstVcpu);
  vm.vcpus = load<u32>(vm.record + 4 * L.GUEST_VCPUS);
  vm.vttbrLow = <u32>makeGuestTables(vm);
  vm.vttbrHigh = number << (<u32>VTTBR.VMID_SHIFT - 32);
  for (let n: u32 = 0; n < vm.vcpus; n++) {
    const vcpu = vcpuOf(vm, n);
    vcpu.vm = vm;
    vcpu.number = n;
    vcpu.core = load<u32>(vm.record + 4 * (L.GUEST_CORES + n));
    addToRing(vcpu);
    resetVcpu(vcpu);
    setState(vcpu, STOPPED);
  }
  plugDevices(vm);
  if (load<u32>(vm.record + 4 * L.GUEST_AUTOSTART) != 0) startMachine(vm, 0);
  else rest(vm, textUnstarted());
}

/**
 * Has the system counter count the crystal, undivided. What the firmware leaves there is unknown: its own stub sets
 * neither (Linux, drivers/irqchip/irq-bcm2836.c sets both as the firmware does not). QA7 3.1, 4.2.
 */
function setCounterRate(): void {
  mmio.write32(CONTROL, 0);
  mmio.write32(PRESCALER, LOCAL_PRESCALER_BY_1);
  // A register of the core's is read next, and not of the controller's.
  barrier.dsb();
}

/** The first core: makes all machines, then lets the other cores come. */
function makeAll(tree: u32, kernel: u32): void {
  setCounterRate();
  for (let n: u32 = 0; n < CORES; n++) coreAt(n).index = n;
  makeHost(tree, kernel);
  // The kernel may have a hand in any core's routing as soon as it runs.
  for (let n: u32 = 0; n < configuration(L.CONFIG_HOST_CORES); n++) routeLine(n);
  let vcpu: u32 = CORES;
  for (let n: u32 = 1; n <= configuration(L.CONFIG_GUESTS); n++) {
    makeGuest(n, vcpu);
    vcpu += vmAt(n).vcpus;
  }
  barrier.dsb();
  for (let n: u32 = 1; n < CORES; n++) mmio.write32(MAILBOX_SET + 16 * n + MAILBOX3, <u32>secondaryEntry());
  barrier.dsb();
  barrier.sev();
  printCores(waitForCores(), configuration(L.CONFIG_HOST_CORES));
  shared.store32(arrivals() + 4, 1);
  barrier.dsbIsh();
  barrier.sev();
}

/** Waits until every core has come; gives how many there are. One that does not come is not waited for long. */
function waitForCores(): u32 {
  const until = CNTPCT.read() + PATIENCE;
  let came: u32;
  do came = shared.load32(arrivals());
  while (came < CORES && CNTPCT.read() < until);
  return came;
}

/** HDCR.HPMN: the host has all event counters that a Cortex-A7 has (DDI 0464, chapter 11). */
const EVENT_COUNTERS: u32 = 4;

/** A core of the host's begins: the first at the kernel, the others where the host sends them by their mailbox. */
function beginHost(index: u32): Vcpu {
  const vcpu = vcpuAt(index);
  HDCR.write(EVENT_COUNTERS);
  HSTR.write(0);
  HCPTR.write(HCPTR_ONES);
  CNTHCTL.write(CNTHCTL.PL1PCEN | CNTHCTL.PL1PCTEN);
  if (index != 0) {
    const mailbox = MAILBOX_CLR + 16 * index + MAILBOX3;
    // As an FIQ, which is masked, the mailbox ends WFI: WFE would let an emulator's thread spin all the while.
    const routing = MAILBOXES_ROUTING + 4 * index;
    mmio.write32(routing, mmio.read32(routing) | MAILBOX3_FIQ);
    let entry = mmio.read32(mailbox);
    while (entry == 0) {
      barrier.wfi();
      entry = mmio.read32(mailbox);
    }
    mmio.write32(mailbox, entry);
    // The core has not begun in the kernel, which writes its routing itself (Linux, irq-bcm2836.c).
    mmio.write32(routing, mmio.read32(routing) & ~MAILBOX3_FIQ);
    barrier.dsb();
    setSaved(vcpu, SAVED_ELR_hyp, entry & ~1);
    if (entry & 1) setSaved(vcpu, SAVED_SPSR_hyp, SVC_MASKED | PSR_T);
  }
  loadVcpu(vcpu);
  core().loaded = vcpu;
  return vcpu;
}

function beginGuests(index: u32): Vcpu {
  mmio.write32(MAILBOXES_ROUTING + 4 * index, MAILBOX1);
  mmio.write32(TIMERS_ROUTING + 4 * index, IRQ_SOURCE_CNTHPIRQ);
  HDCR.write(GUEST_HDCR);
  HSTR.write(GUEST_HSTR);
  HCPTR.write(GUEST_HCPTR | HCPTR.TCP10 | HCPTR.TCP11);
  CNTHCTL.write(0);
  while (shared.load32(arrivals() + 4) == 0) barrier.wfe();
  const first = core().turn;
  if (changetype<usize>(first) == 0) for (;;) barrier.wfi();
  return schedule(first);
}

/**
 * Every core's beginning, its MMU on.
 * @param tree of the host; `kernel` where its kernel is: both for the first core only
 * @returns the vcpu to go on with
 */
export function beginCore(index: u32, tree: u32, kernel: u32): Vcpu {
  CNTHP_CTL.write(0);
  CNTV_CTL.write(0);
  CNTVOFF.write(0);
  VTCR.write(VTCR_VALUE);
  VPIDR.write(MIDR.read());
  atomic.fetchAdd(arrivals(), 1);
  if (index == 0) makeAll(tree, kernel);
  // The mailbox that brought this core here is the host's again.
  else mmio.write32(MAILBOX_CLR + 16 * index + MAILBOX3, 0xffffffff);
  TLBIALLNSNHIS.write(0);
  barrier.dsb();
  barrier.isb();
  return index < configuration(L.CONFIG_HOST_CORES) ? beginHost(index) : beginGuests(index);
}
