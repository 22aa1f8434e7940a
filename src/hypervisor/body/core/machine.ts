/** The board as the hypervisor uses it ("BCM2836 ARM-local peripherals", QA7, section 4). */

export const LOCAL: usize = 0x40000000;
/** Routing of a core's timers and mailboxes, a word a core: IRQ in bits 0 to 3, FIQ in 4 to 7. */
export const TIMERS_ROUTING: usize = LOCAL + 0x40;
export const MAILBOXES_ROUTING: usize = LOCAL + 0x50;
export const IRQ_SOURCE: usize = LOCAL + 0x60;
export const FIQ_SOURCE: usize = LOCAL + 0x70;
/** Mailboxes, four words a core. */
export const MAILBOX_SET: usize = LOCAL + 0x80;
export const MAILBOX_CLEAR: usize = LOCAL + 0xc0;
/** Bits of the timers' routing and of the sources. */
export const HYP_TIMER: u32 = 1 << 2;
export const VIRTUAL_TIMER: u32 = 1 << 3;
export const MAILBOX1: u32 = 1 << 1;
export const SOURCE_MAILBOX1: u32 = 1 << 5;
export const FIQ_SHIFT: u32 = 4;
export const CORES: u32 = 4;
/** Processor modes (ARM ARM table B1-1), and bits of the status registers. */
export const MODE_FIQ: u32 = 0x11;
export const MODE_IRQ: u32 = 0x12;
export const MODE_SVC: u32 = 0x13;
export const MODE_ABT: u32 = 0x17;
export const MODE_UND: u32 = 0x1b;
export const MODE_MASK: u32 = 0x1f;
export const PSR_E: u32 = 1 << 9;
export const PSR_A: u32 = 1 << 8;
export const PSR_I: u32 = 1 << 7;
export const PSR_F: u32 = 1 << 6;
export const PSR_T: u32 = 1 << 5;
