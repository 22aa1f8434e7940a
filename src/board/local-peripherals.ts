/**
 * The ARM-local peripherals of the BCM2836: one block for all four cores, not in the BCM2835's address range.
 * Source: "BCM2836 ARM-local peripherals" (QA7), revision 3.4, section 4. Registers are 32 bits wide.
 */

import { bit, bits, indexIn, register, registers } from './register.js';

/** Physical address of the block. */
export const LOCAL_BASE = 0x4000_0000;

/** Interrupt enables of a core's four timers or mailboxes; FIQ goes before IRQ. */
const ROUTING = { IRQ: bits(3, 0), FIQ: bits(7, 4) } as const;

/** Which interrupts a core has (4.10). */
export const LOCAL_SOURCE = {
  CNTPSIRQ: bit(0),
  CNTPNSIRQ: bit(1),
  CNTHPIRQ: bit(2),
  CNTVIRQ: bit(3),
  MAILBOXES: bits(7, 4),
  GPU: bit(8),
  PMU: bit(9),
  /** Outstanding AXI writes, core 0 only. */
  AXI: bit(10),
  LOCAL_TIMER: bit(11),
} as const;

/** The block's registers. */
export const LOCAL_REGISTERS = {
  CONTROL: register(0x00, 'Control: what the core timer counts', { APB_CLOCK: bit(8), STEP_BY_2: bit(9) }),
  PRESCALER: register(0x08, 'Core timer prescaler: the timer counts at its clock × value / 2^31'),
  GPU_ROUTING: register(0x0c, 'Cores that get the GPU interrupts', { IRQ: bits(1, 0), FIQ: bits(3, 2) }),
  PMU_ROUTING_SET: register(0x10, "Enable the cores' PMU interrupts", ROUTING),
  PMU_ROUTING_CLR: register(0x14, "Disable the cores' PMU interrupts", ROUTING),
  CORE_TIMER_LS: register(0x1c, 'Core timer, lower 32 bits; reading holds the upper ones'),
  CORE_TIMER_MS: register(0x20, 'Core timer, upper 32 bits; writing sets the timer'),
  LOCAL_INT_ROUTING: register(0x24, 'Core that gets the local timer', { CORE: bits(1, 0), FIQ: bit(2) }),
  AXI_COUNT: register(0x2c, 'Outstanding AXI reads and writes'),
  AXI_IRQ: register(
    0x30,
    'Interrupt on outstanding AXI reads and writes',
    { ENABLE: bit(20) },
    { bits: bit(20), words: 'no interrupt comes' },
  ),
  LOCAL_TIMER: register(0x34, 'Local timer control and status', {
    RELOAD: bits(27, 0),
    ENABLE: bit(28),
    INTERRUPT_ENABLE: bit(29),
    INTERRUPT: bit(31),
  }),
  LOCAL_TIMER_CLR: register(0x38, 'Local timer write flags', { RELOAD: bit(30), CLEAR: bit(31) }),
  TIMERS_ROUTING: registers(0x40, 4, "A core's timer interrupts: secure, non-secure, HYP, virtual", ROUTING),
  MAILBOXES_ROUTING: registers(0x50, 4, "A core's mailbox interrupts", ROUTING),
  IRQ_SOURCE: registers(0x60, 4, "A core's pending IRQs", LOCAL_SOURCE),
  FIQ_SOURCE: registers(0x70, 4, "A core's pending FIQs", LOCAL_SOURCE),
  MAILBOX_SET: registers(0x80, 16, 'Mailbox: sets the bits that are written; four for each core'),
  MAILBOX_CLR: registers(
    0xc0,
    16,
    'Mailbox: reads, and clears the bits that are written; four for each core',
  ),
} as const;

/** Offset of the control register: bit 8 takes the timer clock from the APB instead of the crystal, bit 9 steps by 2. */
export const LOCAL_CONTROL = LOCAL_REGISTERS.CONTROL.offset;

/** Offset of the core timer's prescaler: the timer counts at crystal × value / 2^31. */
export const LOCAL_PRESCALER = LOCAL_REGISTERS.PRESCALER.offset;

/** The prescaler's value that lets the timer count at the crystal's own rate. */
export const LOCAL_PRESCALER_BY_1 = 0x8000_0000;

/** Bytes from one core's mailboxes to the next core's; a power of two. */
export const LOCAL_MAILBOX_STRIDE = 0x10;

/** Bytes from mailbox 0 of a core to its mailbox 3. */
const TO_MAILBOX3 = 0x0c;

/** Offset of core 0's mailbox 3, write-set; the next core's is {@link LOCAL_MAILBOX_STRIDE} further on. */
export const LOCAL_MAILBOX3_SET = LOCAL_REGISTERS.MAILBOX_SET.offset + TO_MAILBOX3;

/** Offset of core 0's mailbox 3, read and write-high-to-clear. */
export const LOCAL_MAILBOX3_CLR = LOCAL_REGISTERS.MAILBOX_CLR.offset + TO_MAILBOX3;

/** Whose mailbox is looked at by reading a physical address: the core's number, -1 where it is no mailbox. */
export function mailboxOwnerAt(address: number): number {
  return indexIn(LOCAL_REGISTERS.MAILBOX_CLR, address - LOCAL_BASE) >> 2;
}

/** Whether a write to a physical address puts something into a mailbox. */
export function setsMailbox(address: number): boolean {
  return indexIn(LOCAL_REGISTERS.MAILBOX_SET, address - LOCAL_BASE) >= 0;
}
