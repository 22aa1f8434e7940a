/**
 * Interrupts into the host, whose own come to it directly. While a near UART's line is up, its interrupt controllers
 * are trapped and show one more interrupt, GPU 60, which the chip leaves unused; HCR.VI has it take the vector.
 */
import { hear, nextToHear } from './console';
import { CNTHP_CTL, CNTHP_CVAL, CNTHP_TVAL, HCR, atomic, barrier, mmio, shared } from './intrinsics';
import { passFiq } from './host-fiq';
import { IRQ_SOURCE, LOCAL, MAILBOX_CLEAR, MAILBOX_SET } from './machine';
import { showControllers } from './stage2';
import { NEVER } from './timer';
import { Vm, core, vmAt } from './vm';

const GPU_ROUTING: usize = LOCAL + 0x0c;
const SOURCE_GPU: u32 = 1 << 8;
/** The board's interrupt controller (BCM2835 ARM Peripherals, section 7.5). */
const CONTROLLER: usize = 0x3f00b000;
const BASIC_PENDING: u32 = 0x200;
const PENDING2: u32 = 0x208;
const ENABLE2: u32 = 0x214;
const DISABLE2: u32 = 0x220;
const BASIC_MORE_IN_2: u32 = 1 << 9;
/** GPU interrupt 60, as a bit of the second word. */
const UART_BIT: u32 = 1 << 28;
/** Ticks after which it is tried again, when a real interrupt came first: 200 µs. */
const AGAIN: u32 = 3840;
const PAGE_BITS: u32 = 12;
const LOCAL_PAGE: u32 = (<u32>LOCAL) >> PAGE_BITS;
const CONTROLLER_PAGE: u32 = (<u32>CONTROLLER) >> PAGE_BITS;

// Machine 0 has no interrupt controller of its own: spiLevel has the lines of the near ends, spiEnabled is 1 while the
// controllers are trapped; spiActive has the near ends that do not hear yet.
// @inline
function linesAt(): usize {
  return changetype<usize>(vmAt(0)) + offsetof<Vm>('spiLevel');
}

// @inline
export function deafAt(): usize {
  return changetype<usize>(vmAt(0)) + offsetof<Vm>('spiActive');
}

/** A near end's interrupt line has changed. */
export function nearLineChanged(console: u32, up: bool): void {
  const bit: u32 = 1 << console;
  if (up) atomic.fetchOr(linesAt(), bit);
  else atomic.fetchAnd(linesAt(), ~bit);
  barrier.dsbIsh();
  showOn(gpuCore());
}

/** The core that has the GPU's interrupts. */
// @inline
function gpuCore(): u32 {
  return mmio.read32(GPU_ROUTING) & 3;
}

/** Has a core of the host's show what there is. */
function showOn(index: u32): void {
  if (index == core().index) show();
  else mmio.write32(MAILBOX_SET + 16 * index + 4, 1);
}

/** Whether the host is to see the interrupt, on the core that has the GPU's. */
function isPending(): bool {
  return shared.load32(linesAt()) != 0 && (mmio.read32(CONTROLLER + ENABLE2) & UART_BIT) != 0;
}

/** Makes what the host sees as the lines are; a core that has not the GPU's interrupts any more gives none. */
function show(): void {
  const vm = vmAt(0);
  const trapped: u32 = shared.load32(linesAt()) != 0 ? 1 : 0;
  if (trapped != vm.spiEnabled) {
    vm.spiEnabled = trapped;
    showControllers(trapped == 0);
  }
  const hcr = HCR.read();
  const pending = isPending() && gpuCore() == core().index;
  if (pending && mmio.read32(IRQ_SOURCE + 4 * core().index) == 0) {
    HCR.write(hcr | HCR.IMO | HCR.VI);
  } else {
    // A real interrupt goes first; it is the host's directly.
    HCR.write(hcr & ~(HCR.IMO | HCR.VI));
    if (pending) {
      CNTHP_TVAL.write(AGAIN);
      CNTHP_CTL.write(CNTHP_CTL.ENABLE);
      return;
    }
  }
  const next = nextToHear();
  CNTHP_CVAL.write(next);
  CNTHP_CTL.write(next == NEVER ? 0 : CNTHP_CTL.ENABLE);
}

/** A real interrupt came while a virtual one waited: the host takes it itself. */
export function hostInterrupted(): void {
  HCR.write(HCR.read() & ~(HCR.IMO | HCR.VI));
  CNTHP_TVAL.write(AGAIN);
  CNTHP_CTL.write(CNTHP_CTL.ENABLE);
}

/** FIQ on a core of the host's: the hypervisor's own line, or the host's. */
export function hostKicked(): void {
  passFiq();
  mmio.write32(MAILBOX_CLEAR + 16 * core().index + 4, 0xffffffff);
  barrier.dsb();
  CNTHP_CTL.write(0);
  hear();
  show();
}

/** Whether a page of the host's is one of the controllers'. */
export function isController(page: u32): bool {
  return page == LOCAL_PAGE || page == CONTROLLER_PAGE;
}

/** The host reads a trapped controller: what is there, and the one more interrupt. */
export function readController(address: u32, size: u32): u32 {
  let value = size == 4 ? mmio.read32(address) : size == 2 ? mmio.read16(address) : mmio.read8(address);
  if (!isPending()) return value;
  if (address == <u32>CONTROLLER + BASIC_PENDING) value |= BASIC_MORE_IN_2;
  else if (address == <u32>CONTROLLER + PENDING2) value |= UART_BIT;
  else if (address == <u32>IRQ_SOURCE + 4 * gpuCore()) value |= SOURCE_GPU;
  return value;
}

export function writeController(address: u32, size: u32, value: u32): void {
  const before = gpuCore();
  if (size == 4) mmio.write32(address, value);
  else if (size == 2) mmio.write16(address, value);
  else mmio.write8(address, value);
  // It may have enabled or disabled the interrupt, from whichever core, or have sent it to another.
  const index = gpuCore();
  if (before != index) showOn(before);
  if (
    before != index ||
    index == core().index ||
    address == <u32>CONTROLLER + ENABLE2 ||
    address == <u32>CONTROLLER + DISABLE2
  )
    showOn(index);
}
