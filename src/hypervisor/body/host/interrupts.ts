/**
 * Interrupts into the host, whose own come to it directly. While a near UART's line is up, its interrupt controllers
 * are trapped and show one more interrupt, GPU 60, which the chip leaves unused; HCR.VI has it take the vector.
 */
import * as L from '../../shared/layout.js';
import { ENABLE2 } from '../generated/interrupt-controller.js';
import { CRYSTAL_HZ } from '../generated/board.js';
import { GPU_ROUTING, GPU_ROUTING_IRQ, IRQ_SOURCE, MAILBOX_SET } from '../generated/local-peripherals.js';
import { mapControllers } from '../core/stage2.js';
import { NEVER } from '../core/time.js';
import { uartAt } from '../core/uart.js';
import { core } from '../core/vm.js';
import { CNTHP_CTL, CNTHP_CVAL, CNTHP_TVAL, HCR, atomic, barrier, mmio, shared } from '../intrinsics.js';

/** What is kept of the host alone. */
@unmanaged
class Host {
  /** A bit for each console: its near end's interrupt line is up. */
  lines: u32;
  /** 1 while the interrupt controllers are trapped. */
  trapped: u32;
  /** A bit for each console whose near end is held off: what it has received is not shown yet. */
  holdoffs: u32;
}
if (offsetof<Host>() > <usize>L.HOST_SIZE) ERROR('layout of Host');

// @external('address', 'host')
declare function hostAddress(): usize;

// @inline
function host(): Host {
  return changetype<Host>(hostAddress());
}

/** When the next holdoff of a near end is over; NEVER where there is none. */
function nextHoldoffEnd(): u64 {
  let next = NEVER;
  for (let heldOff = shared.load32(holdoffsAt()); heldOff != 0; heldOff &= heldOff - 1)
    next = min(next, uartAt(ctz(heldOff), true).holdoffUntil);
  return next;
}

/** The consoles' interrupt, as a bit of the second word of the GPU's. */
export const UART_BIT: u32 = 1 << (L.CONSOLES_INTERRUPT - 32);
/** Ticks after which it is tried again, when a real interrupt came first: 200 µs. */
const RETRY: u32 = <u32>(CRYSTAL_HZ / 5000);

// @inline
function linesAt(): usize {
  return changetype<usize>(host()) + offsetof<Host>('lines');
}

// @inline
export function holdoffsAt(): usize {
  return changetype<usize>(host()) + offsetof<Host>('holdoffs');
}

/** A near end's interrupt line has changed. */
export function nearLineChanged(console: u32, up: bool): void {
  const bit: u32 = 1 << console;
  if (up) atomic.fetchOr(linesAt(), bit);
  else atomic.fetchAnd(linesAt(), ~bit);
  barrier.dsbIsh();
  updateInjectionOn(gpuCore());
}

/** The core that has the GPU's interrupts. */
// @inline
export function gpuCore(): u32 {
  return mmio.read32(GPU_ROUTING) & GPU_ROUTING_IRQ;
}

/** Has a core of the host's show what there is. */
export function updateInjectionOn(index: u32): void {
  if (index == core().index) updateInjection();
  else mmio.write32(MAILBOX_SET + 16 * index + 4, 1);
}

/** Whether the host is to see the interrupt, on the core that has the GPU's. */
export function isPending(): bool {
  return shared.load32(linesAt()) != 0 && (mmio.read32(ENABLE2) & UART_BIT) != 0;
}

/** Makes what the host sees as the lines are; a core that has not the GPU's interrupts any more gives none. */
export function updateInjection(): void {
  const trapped: u32 = shared.load32(linesAt()) != 0 ? 1 : 0;
  if (trapped != host().trapped) {
    host().trapped = trapped;
    mapControllers(trapped == 0);
  }
  const hcr = HCR.read();
  const pending = isPending() && gpuCore() == core().index;
  if (pending && mmio.read32(IRQ_SOURCE + 4 * core().index) == 0) {
    HCR.write(hcr | HCR.IMO | HCR.VI);
  } else {
    // A real interrupt goes first; it is the host's directly.
    HCR.write(hcr & ~(HCR.IMO | HCR.VI));
    if (pending) {
      CNTHP_TVAL.write(RETRY);
      CNTHP_CTL.write(CNTHP_CTL.ENABLE);
      return;
    }
  }
  const next = nextHoldoffEnd();
  CNTHP_CVAL.write(next);
  CNTHP_CTL.write(next == NEVER ? 0 : CNTHP_CTL.ENABLE);
}

/** A real interrupt came while a virtual one waited: the host takes it itself. */
export function hostInterrupted(): void {
  HCR.write(HCR.read() & ~(HCR.IMO | HCR.VI));
  CNTHP_TVAL.write(RETRY);
  CNTHP_CTL.write(CNTHP_CTL.ENABLE);
}
