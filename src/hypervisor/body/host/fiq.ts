/**
 * The hypervisor's line to a core of the host's: its mailbox 1 and the HYP timer, as FIQ, which HCR.FMO brings to HYP
 * mode. The host may have FIQs of its own, as the Raspberry Pi kernels' USB driver has them unless told otherwise
 * (dwc_otg.fiq_enable=1); nothing says when it has dealt with one that is passed on. So from the first on the core's
 * FIQs are the host's directly, and the line is down, until the core goes idle without one pending.
 *
 * The registers that route FIQs are the host's, too. The hypervisor has its bits there before the host begins, and they
 * stay whatever the host writes (controllers.ts). The line is kept down at its sources: the HYP timer stays off, and nobody fills the mailbox.
 */
import { FIQ_SHIFT, MAILBOX1, SOURCE_MAILBOX1 } from '../core/mailbox.js';
import {
  FIQ_SOURCE,
  IRQ_SOURCE_CNTHPIRQ,
  MAILBOXES_ROUTING,
  MAILBOX_CLR,
  MAILBOX_SET,
  TIMERS_ROUTING,
} from '../generated/local-peripherals.js';
import { core, lineAt } from '../core/vm.js';
import { CNTHP_CTL, HCR, atomic, barrier, mmio, shared } from '../intrinsics.js';

/** What a core's line can be: somebody fills the mailbox, or has; the core's FIQs are the host's. */
const RUNG: u32 = 1;
const FORWARDED: u32 = 2;

/** Routes the line of a core that is not the host's yet; what stands there stays. */
export function routeLine(index: u32): void {
  const mailboxes = MAILBOXES_ROUTING + 4 * index;
  const timers = TIMERS_ROUTING + 4 * index;
  mmio.write32(mailboxes, mmio.read32(mailboxes) | (MAILBOX1 << FIQ_SHIFT));
  mmio.write32(timers, mmio.read32(timers) | (IRQ_SOURCE_CNTHPIRQ << FIQ_SHIFT));
}

/** Has another core of the host's look at what was written before; one whose FIQs are the host's does so later. */
export function ring(index: u32): void {
  barrier.dmbIsh();
  // Who has rung it, and who has its FIQs, sees to it.
  if (atomic.fetchOr(lineAt(index), RUNG) != 0) return;
  barrier.dsb();
  mmio.write32(MAILBOX_SET + 16 * index + 4, 1);
}

/** Whether this core's FIQs are the host's: its HYP timer must not fire. */
// @inline
export function isForwarded(): bool {
  return (shared.load32(lineAt(core().index)) & FORWARDED) != 0;
}

/** An FIQ has come. The line is down after this, and what it was rung for has to be looked at. */
export function takeFiq(): void {
  const index = core().index;
  const mailbox = MAILBOX_CLR + 16 * index + 4;
  // What the host has begun with other peripherals is over first.
  barrier.dsb();
  const source = mmio.read32(FIQ_SOURCE + 4 * index);
  CNTHP_CTL.write(0);
  if ((source & ~(IRQ_SOURCE_CNTHPIRQ | SOURCE_MAILBOX1)) == 0) {
    if (source & SOURCE_MAILBOX1) {
      mmio.write32(mailbox, 0xffffffff);
      barrier.dsb();
      atomic.fetchAnd(lineAt(index), ~RUNG);
      barrier.dmbIsh();
    }
    return;
  }
  // From here on nobody fills the mailbox; who is about to is waited for.
  if (atomic.fetchOr(lineAt(index), FORWARDED) & RUNG) {
    while (mmio.read32(mailbox) == 0) {}
    mmio.write32(mailbox, 0xffffffff);
  }
  barrier.dsb();
  HCR.write((HCR.read() & ~HCR.FMO) | HCR.TWI);
}

/**
 * The host goes idle on a core whose FIQs it has.
 * @returns whether they are the hypervisor's again, and what the line was rung for has to be looked at; else one is
 * pending, and there is nothing to wait for
 */
export function reclaimFiqs(): bool {
  const index = core().index;
  barrier.dsb();
  if (mmio.read32(FIQ_SOURCE + 4 * index) != 0) return false;
  HCR.write((HCR.read() & ~HCR.TWI) | HCR.FMO);
  atomic.fetchAnd(lineAt(index), 0);
  barrier.dmbIsh();
  return true;
}
