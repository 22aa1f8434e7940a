/** Mailbox 1 of each core (QA7, 4.8), by which cores have each other look again. */
import { IRQ_SOURCE_MAILBOXES, MAILBOXES_ROUTING_FIQ } from '../generated/local-peripherals.js';

/** In a core's routing of mailboxes, and among its sources. */
export const MAILBOX1: u32 = 1 << 1;
export const SOURCE_MAILBOX1: u32 = MAILBOX1 << ctz(IRQ_SOURCE_MAILBOXES);
/** From a source's place in a routing as IRQ to that as FIQ. */
export const FIQ_SHIFT: u32 = ctz(MAILBOXES_ROUTING_FIQ);
/** Mailbox 3, by which a core is told where to begin, as FIQ: it ends WFI of one that waits for that. */
export const MAILBOX3_FIQ: u32 = 1 << (3 + FIQ_SHIFT);
