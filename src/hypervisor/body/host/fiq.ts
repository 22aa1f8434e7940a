/**
 * FIQs of the host's own, as the Raspberry Pi kernels' USB driver has them. HCR.FMO brings every FIQ of a core to HYP
 * mode, whose line FIQ is there; nothing says when the host has dealt with one that is passed on. So from the first on
 * the core's FIQs are the host's directly, and the hypervisor's line is off, until the core goes idle without one
 * pending. What was sent on the line meanwhile stands in the mailbox and the timer, and comes then.
 */
import { FIQ_SHIFT, MAILBOX1, SOURCE_MAILBOX1 } from '../core/mailbox.js';
import {
  FIQ_SOURCE,
  IRQ_SOURCE_CNTHPIRQ,
  MAILBOXES_ROUTING,
  TIMERS_ROUTING,
} from '../generated/local-peripherals.js';
import { core } from '../core/vm.js';
import { HCR, mmio } from '../intrinsics.js';

/** Has the hypervisor's line as FIQ on a core of the host's, or takes it off; what the host routes stays. */
export function routeLine(index: u32, on: bool): void {
  const mailboxes = MAILBOXES_ROUTING + 4 * index;
  const timers = TIMERS_ROUTING + 4 * index;
  const mailbox = MAILBOX1 << FIQ_SHIFT;
  const timer = IRQ_SOURCE_CNTHPIRQ << FIQ_SHIFT;
  mmio.write32(mailboxes, on ? mmio.read32(mailboxes) | mailbox : mmio.read32(mailboxes) & ~mailbox);
  mmio.write32(timers, on ? mmio.read32(timers) | timer : mmio.read32(timers) & ~timer);
}

/** An FIQ has come: gives it to the host where it is the host's. */
export function forwardFiq(): void {
  const index = core().index;
  if ((mmio.read32(FIQ_SOURCE + 4 * index) & ~(IRQ_SOURCE_CNTHPIRQ | SOURCE_MAILBOX1)) == 0) return;
  routeLine(index, false);
  HCR.write((HCR.read() & ~HCR.FMO) | HCR.TWI);
}

/**
 * The host goes idle on a core whose FIQs it has.
 * @returns whether they are the hypervisor's again; else one is pending, and there is nothing to wait for
 */
export function reclaimFiqs(): bool {
  const index = core().index;
  if (mmio.read32(FIQ_SOURCE + 4 * index) != 0) return false;
  HCR.write((HCR.read() & ~HCR.TWI) | HCR.FMO);
  routeLine(index, true);
  return true;
}
