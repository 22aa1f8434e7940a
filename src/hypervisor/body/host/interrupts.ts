/**
 * Interrupts into the host, whose own come to it directly. While a near UART's line is up, its interrupt controllers
 * are trapped and show one more interrupt, GPU 60, which the chip leaves unused; HCR.VI has it take the vector.
 */
import { IRQ_SOURCE, LOCAL, MAILBOX_SET } from '../core/machine.js';
import { showControllers } from '../core/stage2.js';
import { NEVER } from '../core/time.js';
import { uartAt } from '../core/uart.js';
import { Vm, core, vmAt } from '../core/vm.js';
import { CNTHP_CTL, CNTHP_CVAL, CNTHP_TVAL, HCR, atomic, barrier, mmio, shared } from '../intrinsics.js';

/** When the next near end will hear; NEVER where all do. */
function nextToHear(): u64 {
  let next = NEVER;
  for (let deaf = shared.load32(deafAt()); deaf != 0; deaf &= deaf - 1)
    next = min(next, uartAt(ctz(deaf), true).deafUntil);
  return next;
}

const GPU_ROUTING: usize = LOCAL + 0x0c;
/** The board's interrupt controller (BCM2835 ARM Peripherals, section 7.5). */
export const CONTROLLER: usize = 0x3f00b000;
export const ENABLE2: u32 = 0x214;
/** GPU interrupt 60, as a bit of the second word. */
export const UART_BIT: u32 = 1 << 28;
/** Ticks after which it is tried again, when a real interrupt came first: 200 µs. */
const AGAIN: u32 = 3840;

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
export function gpuCore(): u32 {
  return mmio.read32(GPU_ROUTING) & 3;
}

/** Has a core of the host's show what there is. */
export function showOn(index: u32): void {
  if (index == core().index) show();
  else mmio.write32(MAILBOX_SET + 16 * index + 4, 1);
}

/** Whether the host is to see the interrupt, on the core that has the GPU's. */
export function isPending(): bool {
  return shared.load32(linesAt()) != 0 && (mmio.read32(CONTROLLER + ENABLE2) & UART_BIT) != 0;
}

/** Makes what the host sees as the lines are; a core that has not the GPU's interrupts any more gives none. */
export function show(): void {
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
