/**
 * The ARM-local peripherals of the BCM2836: one block for all four cores, not in the BCM2835's address range.
 * Source: "BCM2836 ARM-local peripherals" (QA7), revision 3.4, section 4. Registers are 32 bits wide.
 */

/** Physical address of the block. */
export const LOCAL_BASE = 0x4000_0000;

/** Offset of the control register: bit 8 takes the timer clock from the APB instead of the crystal, bit 9 steps by 2. */
export const LOCAL_CONTROL = 0x00;

/** Offset of the core timer's prescaler: the timer counts at crystal × value / 2^31. */
export const LOCAL_PRESCALER = 0x08;

/** The prescaler's value that lets the timer count at the crystal's own rate. */
export const LOCAL_PRESCALER_BY_1 = 0x8000_0000;

/** Offset of core 0's mailbox 3, write-set; the next core's is {@link LOCAL_MAILBOX_STRIDE} further on. */
export const LOCAL_MAILBOX3_SET = 0x8c;

/** Offset of core 0's mailbox 3, read and write-high-to-clear. */
export const LOCAL_MAILBOX3_CLR = 0xcc;

/** Bytes from one core's mailboxes to the next core's; a power of two. */
export const LOCAL_MAILBOX_STRIDE = 0x10;
