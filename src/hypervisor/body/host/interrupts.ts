/**
 * Interrupts into the host, whose own come to it directly. While a near UART's line is up, its interrupt controllers
 * are trapped and show one more interrupt, GPU 60, or for the channel's bell GPU 58; HCR.VI has it take the vector.
 */
import * as L from '../../shared/layout.js';
import { ENABLE2 } from '../generated/interrupt-controller.js';
import { CRYSTAL_HZ } from '../generated/board.js';
import { GPU_ROUTING, GPU_ROUTING_IRQ, IRQ_SOURCE } from '../generated/local-peripherals.js';
import { mapControllers } from '../core/stage2.js';
import { NEVER } from '../core/time.js';
import { uartAt } from '../core/uart.js';
import { configuration, core } from '../core/vm.js';
import { isForwarded, ring } from './fiq.js';
import { CNTHP_CTL, CNTHP_CVAL, CNTHP_TVAL, HCR, atomic, barrier, mmio, shared } from '../intrinsics.js';

/** What is kept of the host alone. */
@unmanaged
class Host {
  /** A bit for each console, and one for the bell: its near end's interrupt line is up. */
  lines: u32;
  /** 1 while the interrupt controllers are trapped, and how many cores have asked for that to be looked at. */
  trapped: u32;
  looks: u32;
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

/** The interrupts of consoles and bell, as bits of the second word of the GPU's. */
const CONSOLES_BIT: u32 = 1 << (L.CONSOLES_INTERRUPT - 32);
const BELL_BIT: u32 = 1 << (L.BELL_INTERRUPT - 32);
/** The bell's among the lines. */
const BELL_LINE: u32 = 1 << L.BELL;
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

/** Whether a near end's interrupt line is up. */
export function hasLines(): bool {
  return shared.load32(linesAt()) != 0;
}

/** A near end's interrupt line has changed. */
export function nearLineChanged(console: u32, up: bool): void {
  const bit: u32 = 1 << console;
  if (up) atomic.fetchOr(linesAt(), bit);
  else atomic.fetchAnd(linesAt(), ~bit);
  // A core of the host's may be here from an access to another peripheral.
  barrier.dsb();
  updateInjectionOn(gpuCore());
}

/** The core that has the GPU's interrupts. */
// @inline
export function gpuCore(): u32 {
  return mmio.read32(GPU_ROUTING) & GPU_ROUTING_IRQ;
}

/** Has a core of the host's show what there is. One that is not the host's has nothing to show it. */
export function updateInjectionOn(index: u32): void {
  if (index >= configuration(L.CONFIG_HOST_CORES)) return;
  if (index == core().index) updateInjection();
  else ring(index);
}

/** Those of the two that the host is to see, on the core that has the GPU's. */
export function pendingInterrupts(): u32 {
  const lines = shared.load32(linesAt());
  if (lines == 0) return 0;
  // The controller is another peripheral than what was read before, and what is read next (BCM2835, 1.3).
  barrier.dsb();
  const enabled = mmio.read32(ENABLE2);
  barrier.dsb();
  return enabled & ((lines & BELL_LINE ? BELL_BIT : 0) | (lines & ~BELL_LINE ? CONSOLES_BIT : 0));
}

/**
 * Has the controllers trapped for as long as a line is up. Of several cores that come at once the first does it for all,
 * and looks again until nobody has come meanwhile: so what is mapped is never of an older state than the lines.
 */
function updateTrapping(): void {
  const trapped = changetype<usize>(host()) + offsetof<Host>('trapped');
  const looks = changetype<usize>(host()) + offsetof<Host>('looks');
  const agree = (shared.load32(linesAt()) != 0) == (shared.load32(trapped) != 0);
  if (agree && shared.load32(looks) == 0) return;
  let asked: u32 = 1;
  if (atomic.fetchAdd(looks, 1) != 0) return;
  while (true) {
    barrier.dmbIsh();
    const wanted: u32 = shared.load32(linesAt()) != 0 ? 1 : 0;
    if (wanted != shared.load32(trapped)) {
      shared.store32(trapped, wanted);
      mapControllers(wanted == 0);
    }
    const all = atomic.fetchAdd(looks, -asked);
    if (all == asked) return;
    asked = all - asked;
  }
}

/** Makes what the host sees as the lines are; a core that has not the GPU's interrupts any more gives none. */
export function updateInjection(): void {
  updateTrapping();
  const hcr = HCR.read();
  const pending = pendingInterrupts() != 0 && gpuCore() == core().index;
  if (pending && mmio.read32(IRQ_SOURCE + 4 * core().index) == 0) {
    HCR.write(hcr | HCR.IMO | HCR.VI);
  } else {
    // A real interrupt goes first; it is the host's directly.
    HCR.write(hcr & ~(HCR.IMO | HCR.VI));
    if (pending) {
      retry();
      return;
    }
  }
  const next = nextHoldoffEnd();
  CNTHP_CVAL.write(next);
  CNTHP_CTL.write(next == NEVER || isForwarded() ? 0 : CNTHP_CTL.ENABLE);
}

function retry(): void {
  CNTHP_TVAL.write(RETRY);
  CNTHP_CTL.write(isForwarded() ? 0 : CNTHP_CTL.ENABLE);
}

/** A real interrupt came while a virtual one waited: the host takes it itself. */
export function hostInterrupted(): void {
  HCR.write(HCR.read() & ~(HCR.IMO | HCR.VI));
  retry();
}
