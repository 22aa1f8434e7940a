/**
 * What the assembler's part of the hypervisor and its AssemblyScript body must agree on: offsets in bytes, numbers
 * of things. Both import this file, so it holds nothing but constants.
 */
import { MOST_GUESTS, UNREAD_SIZE } from '../../channel/layout.js';

// --- a virtual CPU ----------------------------------------------------------------------------------------------

/** R0 to R12 and LR_usr, as the trap vectors push them: SP_hyp is VCPU_FRAME_SIZE past the vcpu while it runs. */
export const VCPU_FRAME_SIZE = 56;
/** What the world switch saves, in the order of saved-registers.ts. */
export const VCPU_SAVED = 256;
/** FPEXC, FPSCR, D0 to D31. */
export const VCPU_VFP = 512;
export const VCPU_SIZE = 1024;
/** What it does. */
export const VCPU_STATE = 76;
export const RUNNABLE = 0;
/** It waits in WFI. */
export const WAITING = 1;
/** Not started, or stopped by PSCI. */
export const STOPPED = 2;
/** Another vcpu has asked to start it: `startAt` and `startWith` say how. */
export const STARTING = 3;
/** Between the two: its starter writes these, and no core acts upon it. */
export const CLAIMED = 4;
/** The first of a machine that is to begin: it waits until it may, then the memory is made in its slices. */
export const PAUSED = 5;
export const LOADING = 6;
/** Four of the host's and what the guests have. */
export const VCPUS = 20;

// --- a core's stack ---------------------------------------------------------------------------------------------

/** Each core's stack with what the core knows above its top, where HTPIDR points. */
export const STACK_SIZE = 4096;
export const CORE_SIZE = 64;
/** The vcpu whose registers it holds, and the one whose VFP and NEON registers: their addresses, 0 where nobody's. */
export const CORE_LOADED = 4;
export const CORE_VFP = 8;

// --- areas ------------------------------------------------------------------------------------------------------

export const VMS = MOST_GUESTS + 1;
export const VM_SIZE = 512;
/** Where in a machine's block the state of its devices begins that have some of their own (guest-machine.ts). */
export const VM_DEVICES = 256;
/** How many cores have come, and whether the guests' ones may go on: a word each. */
export const ARRIVALS_SIZE = 8;
/** What a machine keeps of its real-time clock, and of its GPIO: multiples of 8. */
export const RTC_SIZE = 40;
export const GPIO_SIZE = 40;
/** What the host has said of the time. */
export const HOST_TIME_SIZE = 16;
/** What random bytes are made of, at offsets: ChaCha20's input and its block, each 16 words, a lock, whether there is a key. */
export const RANDOM_INPUT = 0;
export const RANDOM_BLOCK = 64;
export const RANDOM_LOCK = 128;
export const RANDOM_SEEDED = 132;
export const RANDOM_SIZE = 192;
/** What is the host's alone. */
export const HOST_SIZE = 16;
/**
 * A console: two UARTs, the far end and the near one. What the near end sends stands in a ring until the far end reads
 * it; what the far end sends stands in a log in the channel, whose oldest bytes give way whether or not anybody has read them.
 */
export const CONSOLES = VMS;
/** The channel's bell is numbered behind all of them: of its ends only the near one is used. */
export const BELL = CONSOLES;
export const UARTS = 2 * CONSOLES + 2;
export const UART_SIZE = 64;
export const RING_SIZE = UNREAD_SIZE;
/** Offset in a UART of the count of bytes that were ever put into its ring or log, modulo 2^32. */
export const UART_PUT = 36;
/** Bytes of a slot's registers, and how many slots there are: as many as the interrupt controller has interrupts for. */
export const VIRTIO_SLOT_SIZE = 0x200;
export const VIRTIO_SLOTS = 16;
/** A virtio device: one of each port that is a guest's, by its number, and behind these one of each machine of its own. */
export const DEVICE_SIZE = 256;
/** What is kept of a request that the host has been given. */
export const REQUEST_STATE_SIZE = 32;
/** A chain of descriptors as it was read, one of each machine. */
export const MOST_SEGMENTS = 128;
export const CHAIN_SIZE = 1088;
/** What is kept of the network's uplink; a record of a frame, one of each core. */
export const UPLINK_SIZE = 64;
export const FRAME_SIZE = 0x1_0080;
export const TABLE_SIZE = 4096;
export const CACHE_LINE = 64;
/**
 * HYP mode's level 1, the low level 2 and two level 3, the high level 2 and its level 3; the host's level 1, two level 2,
 * two level 3; a guest's level 1, level 2, and for firmware the low level 2 and its level 3.
 */
export const HYP_TABLES = 6;
export const HOST_TABLES = 5;
export const GUEST_TABLES = 4;

// --- the configuration, in words ---------------------------------------------------------------------------------

/** Physical address where the host's memory ends and the hypervisor's and the guests' begins; where that ends. */
export const CONFIG_HOST_END = 0;
export const CONFIG_END = 1;
/** How many cores the host has, and how many guests there are, whose records follow the header. */
export const CONFIG_HOST_CORES = 2;
export const CONFIG_GUESTS = 3;
/** Bytes of the host's kernel. */
export const CONFIG_HOST_KERNEL_SIZE = 4;
/** Physical address of the copies of the guests' files, a multiple of 2 MiB; the hypervisor itself is behind them. */
export const CONFIG_COPIES = 5;
/** Physical address of the channel and its bytes; how many ports it has, whose records follow the guests'. */
export const CONFIG_CHANNEL = 6;
export const CONFIG_CHANNEL_SIZE = 7;
export const CONFIG_PORTS = 8;
/** Physical address of the consoles' logs, in the channel. */
export const CONFIG_LOGS = 9;
export const CONFIG_HEADER = 10;

/** A guest: physical address and bytes of its memory. */
export const GUEST_MEMORY = 0;
export const GUEST_MEMORY_SIZE = 1;
/** Its kernel, initramfs and tree: physical address of the copy kept, bytes, offset in its memory; of firmware none. */
export const GUEST_KERNEL = 2;
export const GUEST_INITRAMFS = 5;
export const GUEST_TREE = 8;
/** How many virtual CPUs, and the core of each. */
export const GUEST_VCPUS = 11;
export const GUEST_CORES = 12;
/** Its name: ASCII, filled up with NUL, at least one. */
export const GUEST_NAME = 16;
export const GUEST_NAME_SIZE = 16;
/** Version of its virtio devices' registers: 1, legacy, or 2. */
export const GUEST_VIRTIO = 20;
/** Guest-physical address at which it begins: below its memory where what stands for its kernel is firmware. */
export const GUEST_ENTRY = 21;
/** Whether it begins with the hypervisor, 1, or when the host starts it, 0. */
export const GUEST_AUTOSTART = 22;
export const GUEST_WORDS = 23;

/** A port of the channel: its kind and flags (src/channel/layout.ts), its guest's number, physical address and bytes of its data. */
export const PORT_KIND = 0;
export const PORT_FLAGS = 1;
export const PORT_GUEST = 2;
export const PORT_DATA = 3;
export const PORT_DATA_SIZE = 4;
/** A network card's address: its first four bytes, then the other two, as little-endian words. */
export const PORT_MAC = 5;
export const PORT_WORDS = 7;

/** Where a guest's memory begins for it, as in QEMU's machine "virt". */
export const GUEST_RAM = 0x4000_0000;
/** Where firmware looks for what it has kept, in the second of that machine's flashes: it finds itself again there. */
export const GUEST_SECOND_FLASH = 0x0400_0000;
/** Bytes of /chosen/rng-seed in a guest's tree, as QEMU's "virt" has it: as many as Linux' generator wants. */
export const RNG_SEED_SIZE = 32;
/** The near ends of the consoles and the bell, as the host sees them: one page each. */
export const NEAR_UARTS = 0x4001_0000;
/** PeriphID of a console, a byte a register: part 0x011 by Arm, r1p5 (DDI 0183). */
export const UART_PERIPHERAL_ID = 0x0034_1011;
/** Of the clock: part 0x031, r1p0 (DDI 0224); of the GPIO: part 0x061, r1p0 (DDI 0190); and PCellID of all. */
export const RTC_PERIPHERAL_ID = 0x0004_1031;
export const GPIO_PERIPHERAL_ID = 0x0004_1061;
export const PCELL_ID = 0xb105_f00d;

/** Bytes that copying and clearing move at once: sizes are rounded up to it. */
export const COPY_STEP = 32;
/**
 * The GPU's interrupts by which the host is told of consoles, and of the channel: no device has them that Linux drives
 * (BCM2835 ARM Peripherals, 7.5, and its trees). Linux' driver shares an interrupt since 5.3, Raspberry Pi's since 4.19: before, one
 * console can be open at a time, beside the channel's bell.
 */
export const CONSOLES_INTERRUPT = 60;
export const BELL_INTERRUPT = 58;

/** "HYPB", the word behind the branch that the file begins with; then its description's offset and length. */
export const FILE_MAGIC = 0x4250_5948;

/**
 * Where the code runs that moves the host's kernel over the file where the host is started alone: Linux puts its first page
 * tables there.
 */
export const COPIER_AT = 0x7f00;
export const COPIER_END = 0x8000;
