/**
 * Where everything stands in the processor's WebAssembly.Memory, in bytes. The interpreter (AssemblyScript) and
 * the TypeScript around it both import this file, so it holds nothing but constants.
 *
 * The core that runs has its state at the fixed addresses below, so that a register's address is a constant of the
 * micro-op; the other cores' states are kept at CORES and copied in when their turn comes.
 */

// --- the state of the core that runs -----------------------------------------------------------------------------

/** R0 to R15, four bytes each. R15 is the address of the next instruction, and only valid outside the interpreter. */
export const R0 = 0;
export const SP = 52;
export const LR = 56;
export const PC = 60;
/** Places that micro-ops use for values between them, and one for results nobody wants. */
export const TEMP = 64;
export const TEMP2 = 68;
export const TEMP3 = 72;
export const TRASH = 76;
/** Flags, unpacked: N is bit 31 of its word, Z is set when its word is 0, C is 0 or 1, V is bit 31 of its word. */
export const N = 80;
export const Z = 84;
export const C = 88;
export const V = 92;
/** Q (0 or 1) and the four GE bits. */
export const Q = 96;
export const GE = 100;
/** The rest of CPSR: J, IT, A, I, F, M. IT is only valid outside the interpreter; T and E stand in VARIANT. */
export const CPSR = 104;
export const SPSR = 108;
/**
 * Instruction set, byte order, and whether events are counted as instructions execute, as byte offset into a page's
 * directory entry: T << 2 | E << 3 | counted << 4.
 */
export const VARIANT = 112;
export const VARIANT_T = 4;
export const VARIANT_E = 8;
export const VARIANT_COUNTED = 16;
/** Virtual address of the page that instructions come from. */
export const PAGE = 116;
/** Number of the translation context, shifted left by 2: what TLB keys carry in bits 2 to 10. */
export const CONTEXT = 120;
/** Instructions left in this slice; counted down at the end of each block. */
export const BUDGET = 124;
/** Not 0 when an access in the current micro-op ended in an exception: the interpreter must return. */
export const LEAVE = 128;
/** The local exclusive monitor: physical address and size in bytes; size 0 is the open state. */
export const EXCLUSIVE_ADDRESS = 132;
export const EXCLUSIVE_SIZE = 136;
/** FPSCR and FPEXC. */
export const FPSCR = 140;
export const FPEXC = 144;
/**
 * Which extension instructions the interpreter may execute by itself: what was found when one was last executed by
 * TypeScript. Whoever changes what that depends on (mode, SCR, CPACR, NSACR, HCPTR, FPEXC) sets it to 0.
 */
export const EXTENSION_ACCESS = 148;
export const ACCESS_VFP = 1;
export const ACCESS_SIMD = 2;
/** D0 to D31, eight bytes each. */
export const D0 = 256;
/** Banked registers of the modes that do not run: R8 to R12 of FIQ and of the others; then SP, LR, SPSR for each mode. */
export const BANKS = 512;
export const BANK_FIQ_R8 = 512;
export const BANK_USER_R8 = 532;
export const BANK_FIRST_MODE = 552;
export const BANK_MODE_SIZE = 12;
export const BANK_SP = 0;
export const BANK_LR = 4;
export const BANK_SPSR = 8;
/** ELR_hyp, behind the last mode's. */
export const BANK_ELR_HYP = 660;
/** How many synchronous exceptions the core took since it last returned from one or wrote CPSR's lowest byte. */
export const EXCEPTIONS = 704;
/**
 * What the first of them left: R0 to R14, R15 (its vector), the address of its instruction, SPSR, the vector's offset,
 * the mode that took it, and of an abort and in Hyp mode the syndrome and the fault's address.
 */
export const FIRST_REGISTERS = 708;
export const FIRST_AT = 768;
export const FIRST_ADDRESS = 772;
export const FIRST_PSR = 776;
export const FIRST_VECTOR = 780;
export const FIRST_MODE = 784;
export const FIRST_SYNDROME = 788;
export const FIRST_FAULT_ADDRESS = 792;
/** Instructions that took time and were not executed: they ended in an exception that is not their purpose. */
export const UNRETIRED = 796;
/** Not 0: an access of the instruction that runs was not aligned. Written only while that is counted. */
export const UNALIGNED_SEEN = 800;
/** How often each kind of event came, while it is counted: see event-kinds.ts. 0 is where a counter overflows. */
export const TALLIES = 804;
export const CORE_SIZE = 1024;

// --- system registers of every core, which stay where they are -----------------------------------------------------

/** The Secure bank of each core and its Non-secure one, as far as the interpreter has to do with them. */
export const SYSTEM = 0x1000;
export const SYSTEM_SIZE = 128;
export const BANK_SIZE = 64;
/** Words of a bank, whose order state.ts has. */
export const BANK_DACR = 0;
export const BANK_TTBR0 = 8;
export const BANK_TTBR1 = 12;
export const BANK_TTBCR = 16;

// --- shared by the cores -----------------------------------------------------------------------------------------

/** Saved states of the cores, CORE_SIZE each. */
export const CORES = 0x2000;

/**
 * What the running core's system registers let the interpreter do by itself. They are made anew each time it is entered
 * (grants.ts), so that whatever changes them has it left.
 */
/** Not 0: exceptions from PL1&0 and changes between PL1's modes and User mode may be done, with nobody to be told. */
export const MAY_CHANGE_MODE = 0x10000;
/** Address of the vectors of PL1, and VARIANT of what stands there. */
export const VECTORS = 0x10004;
export const VECTORS_VARIANT = 0x10008;
/** CONTEXT in User mode and in PL1; NO_CONTEXT where it has to be looked up. */
export const CONTEXT_USER = 0x1000c;
export const CONTEXT_PL1 = 0x10010;
export const NO_CONTEXT = 0xffffffff;
/** Not 0: an interrupt is pending, masked or not. */
export const PENDING = 0x10014;
/** BUDGET at which TypeScript has to look, at the end of an instruction after which it may. */
export const LOOK_AT = 0x10018;
/** Where the next change of mode is written down; 0 where nobody wants to know of them. */
export const MODE_LOG_NEXT = 0x1001c;
/** 1 in Secure state. */
export const SECURE = 0x10020;
/** HSTR where it traps: a bit for each primary register of CP15. */
export const HSTR_TRAPS = 0x10024;
/** Not 0: barriers by MCR are neither UNDEFINED nor trapped, but in Hyp and Monitor mode. */
export const CP15_BARRIERS = 0x10034;
/** Where the bank of system registers stands that SCR.NS chooses; its contexts, and what is known of its DACR's values. */
export const BANK = 0x10028;
export const BANK_CONTEXTS = 0x1002c;
export const BANK_DOMAINS = 0x10040;
/** Not 0: nothing traps PL1's writes of DACR. */
export const MAY_WRITE_DACR = 0x10030;
/** MIDR and MPIDR as PL1 sees them. */
export const MIDR = 0x10038;
export const MPIDR = 0x1003c;
/**
 * Of each core, numbers of the contexts that it can be in (see tlb.ts), 16 bits each: in Secure and in Non-secure state
 * User mode's and PL1's, then Hyp mode's. UNKNOWN_CONTEXT where it has to be looked up again.
 */
export const CORE_CONTEXTS = 0x10100;
export const CORE_CONTEXTS_SIZE = 128;
export const UNKNOWN_CONTEXT = 0xffff;
/** Behind them of each bank what was found for values of DACR, and which entry is written next. */
export const CORE_DOMAINS = 16;
export const CORE_DOMAINS_SIZE = 48;
export const DOMAINS = 4;
export const DOMAINS_NEXT = 32;
/** An entry: the value, and the contexts in User mode and in PL1 as above. */
export const DOMAINS_SIZE = 8;
export const DOMAINS_USER = 4;
export const DOMAINS_PL1 = 6;
/** Not 0: words of data buffers may be moved without TypeScript's being told. */
export const MAY_MOVE_DATA = 0x10044;
/**
 * Stages of translation that the interpreter walks by itself in PL1&0, in short descriptors and those of stage 2: 0, 1 or 2;
 * and what it has to know for that. All of it but the first two follows from registers.
 */
export const WALKS = 0x10048;
/** Bytes of RAM. */
export const RAM_SIZE = 0x1004c;
/** Memory types by TEX<0>, C and B: a bit each for Normal memory, and for write-back; then one for shareable by S. */
export const MEMORY_TYPES = 0x10050;
export const TYPES_NORMAL = 0;
export const TYPES_WRITE_BACK = 8;
export const TYPES_SHAREABLE = 16;
/** Flags of a small page whose memory is Normal, and those beside where exclusives work on every board. */
export const WALK_NORMAL = 0x10054;
export const WALK_EXCLUSIVES = 0x10058;
/** Stage 2: its first table, and what an input address is shifted right by to index that; how wide input addresses are. */
export const STAGE2_TABLE = 0x1005c;
export const STAGE2_SHIFT = 0x10060;
export const STAGE2_SIZE = 0x10064;
/** Rights by AP<2:0>, two bits each from 0 on: READ and WRITE, of User mode and of PL1. */
export const RIGHTS_USER = 0x10068;
export const RIGHTS_PL1 = 0x1006c;
/** Rights. */
export const READ = 1;
export const WRITE = 2;
export const EXECUTE = 4;
/** Changes of mode: what was left of the budget then, and the mode with its security state (mode << 1 | secure). */
export const MODE_LOG = 0x11000;
export const MODE_LOG_END = 0x12000;
export const MODE_LOG_ENTRY = 8;

/**
 * Data buffers (ports/data-buffer.ts): the place of the register in its page, which way is open (DATA_BUFFER_TO_READ,
 * DATA_BUFFER_TO_WRITE or 0), bytes in it, and how many of them have gone; then the bytes.
 */
export const DATA_BUFFERS = 0x12000;
export const DATA_BUFFERS_END = 0x20000;
export const DATA_BUFFER_SIZE = 0x2000;
export const DATA_BUFFER_REGISTER = 0;
export const DATA_BUFFER_WAY = 4;
export const DATA_BUFFER_LENGTH = 8;
export const DATA_BUFFER_AT = 12;
export const DATA_BUFFER_BYTES = 16;
export const DATA_BUFFER_TO_READ = 1;
export const DATA_BUFFER_TO_WRITE = 2;

/** The TLB: direct mapped, TLB_ENTRIES of TLB_ENTRY_SIZE bytes. */
export const TLB = 0x20000;
export const TLB_ENTRIES = 16384;
export const TLB_ENTRY_SIZE = 32;
/** Where an entry is, from TLB on: the address and CONTEXT, shifted so, exclusive-ored, under this mask. */
export const TLB_ADDRESS_SHIFT = 7;
export const TLB_CONTEXT_SHIFT = 9;
export const TLB_PLACE_MASK = (TLB_ENTRIES - 1) * TLB_ENTRY_SIZE;
/** Keys of an entry: virtual page | context << 2; with SLOW set the access is allowed, but not on the fast path. */
export const TLB_READ = 0;
export const TLB_WRITE = 4;
export const TLB_EXECUTE = 8;
/** What makes a virtual address an address in this memory; for RAM only. */
export const TLB_ADDEND = 12;
/** Physical address of the page. */
export const TLB_PHYSICAL = 16;
export const TLB_FLAGS = 20;
export const SLOW = 0x800;
/** A key that matches nothing: SLOW without a page is never made. */
export const NO_KEY = 0xffffffff;
/** Where the data buffer stands of a register in the page; 0 where there is none, or somebody looks at accesses. */
export const TLB_DATA = 24;
/** Flags: the page is RAM; unaligned accesses are allowed; it is a piece of a larger block; it is not global. */
export const TLB_IS_RAM = 1;
export const TLB_UNALIGNED = 2;
export const TLB_LARGE = 4;
export const TLB_NOT_GLOBAL = 8;
/** Exclusives on the page work on every board: nobody need be told of them. */
export const TLB_EXCLUSIVES = 16;
export const TLB_SIZE_SHIFT = 8;
export const CONTEXTS = 512;

/** One byte for each MiB of virtual addresses: not 0 where pieces of blocks larger than a page were entered. */
export const LARGE = 0x100000;
export const LARGE_END = 0x101000;
/** One byte for each physical 4 KiB page: not 0 where it may have been written since all of RAM was 0. */
export const WRITTEN = 0x200000;

/** For every physical 4 KiB page, one word a variant: the address of its table of blocks, or 0. */
export const PAGE_DIRECTORY = 0x1000000;
export const PAGE_DIRECTORY_ENTRY = 32;
/** A page's table of blocks: for each halfword the address of the block that starts there, or 0. */
export const PAGE_TABLE_SIZE = 8192;
/** One byte for each 64 bytes of RAM: not 0 where instructions were decoded from it. */
export const CODE_LINES = 0x2000000;
/** Micro-ops and page tables, from here up. */
export const CODE = 0x4000000;
export const CODE_END = 0xc000000;
/** RAM, physical address 0. */
export const RAM = 0x10000000;

// --- micro-ops ---------------------------------------------------------------------------------------------------

/** A micro-op is a record of 16 bytes, of which the first two say what to do. */
export const OP_SIZE = 16;
/** u8: addresses of two registers. */
export const OP_A = 2;
export const OP_B = 3;
/** u32: a constant, or the address of a third register. */
export const OP_IMM = 4;
/** u32: a fourth register, a shift amount, the address of the block to go on with. */
export const OP_EXT = 8;
/** u16: place of the instruction in its page; OP_WIDE in it means that the instruction has four bytes. */
export const OP_OFFSET = 12;
export const OP_WIDE = 0x1000;
/** u8: how many instructions of the block are done once this one is. */
export const OP_POSITION = 14;
/** u8: ITSTATE of the instruction. */
export const OP_IT = 15;

/** From a block to the micro-op TRANSLATED before it; in that one's last word stands the block's physical address. */
export const TO_TRANSLATION = -OP_SIZE;
/** Times that a block is come to before it is translated. */
export const HOT = 1000;
/**
 * Times that a unit is left by branches of which it was not known where they lead, before it is translated again; how many
 * are left is the u16 at OP_A of its TRANSLATED, 0 where nobody counts. As often a block is come to that began no unit,
 * before it is looked at again, if it is not long (to-wasm/units.ts).
 */
export const STALE = 20_000;
/** Functions of units in the table. */
export const UNITS = 16384;

/** Beside the size of an access: it must be aligned whatever SCTLR.A says. */
export const STRICT = 0x100;
