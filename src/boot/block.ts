/**
 * The boot block: 256 bytes at address 0 that take all four cores from Secure SVC mode, as they leave the
 * VideoCore's firmware, to HYP mode, and start the kernel on core 0 while the others wait for it.
 *
 * It serves in front of a kernel under `kernel_old=1` and as `armstub=` file. Sources: ARM ARM is DDI 0406C, TRM the
 * Cortex-A7 MPCore's DDI 0464F, QA7 "BCM2836 ARM-local peripherals", booting.rst Linux' Documentation/arch/arm.
 */
import { ascii } from '../base/bytes.js';
import type { Assembler, Item } from '../isa/assembler.js';
import { assembler } from '../isa/assembler.js';
import { bits, resetOf } from '../isa/bits.js';
import { MODE_HYP, MODE_MON, PSR } from '../isa/program-status.js';
import type { Label } from '../isa/registers.js';
import { lr, lsl, pc, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12 } from '../isa/registers.js';
import * as reg from '../isa/system-registers.js';
import { CORES, CRYSTAL_HZ, MACHINE_TYPE } from '../board/bcm2836.js';
import {
  LOCAL_BASE,
  LOCAL_CONTROL,
  LOCAL_MAILBOX3_CLR,
  LOCAL_MAILBOX_STRIDE,
  LOCAL_PRESCALER,
  LOCAL_PRESCALER_BY_1,
} from '../board/local-peripherals.js';

/** Bytes of the block, as a stub file and at the start of a combined kernel. */
export const BLOCK_SIZE = 0x100;

/** Where the kernel starts in a combined file, and in memory: the block padded to 32 KiB stands in front of it. */
export const KERNEL_OFFSET = 0x8000;

/** Where firmware of 2015 and 2016 puts the device tree or ATAGS under `kernel_old=1` unless told otherwise. */
export const DEFAULT_TREE_ADDRESS = 0x100;

/** The words at the end of a stub, of which the firmware fills in two (raspberrypi/tools, armstubs/armstub7.S). */
export const CONTRACT = {
  MAGIC_AT: 0xf0,
  MAGIC: 0x5afe_570b,
  VERSION: 0,
  TREE_AT: 0xf8,
  KERNEL_AT: 0xfc,
} as const;

/** Offset of the first word that the block loads; they run on up to its end. */
export const CONSTANTS = 0xc8;

/** Offset of a line of text by which we know our own block again. */
const TAG_OFFSET = 0xb8;
const TAG = 'hypberry block 1';
/** What every version's tag begins with. */
const TAG_STEM = 'hypberry block ';

/** The addresses that a block hands over. */
export interface BlockAddresses {
  /** Physical address of the device tree or the ATAGS, given to the kernel in r2. */
  readonly tree?: number;
  /** Physical address of the kernel's first instruction. */
  readonly kernel?: number;
}

/** Every interrupt and abort masked, A32, little-endian, HYP mode: booting.rst, "CPU mode". */
const KERNEL_PSR = bits(PSR, { A: 1, I: 1, F: 1, M: MODE_HYP });

/** SCTLR as it leaves reset: MMU and caches off, CP15 barriers on, the bits that always read as one. */
const SCTLR_RESET = resetOf(reg.SCTLR);

/** HSCTLR as it leaves reset: MMU and caches off. */
const HSCTLR_RESET = resetOf(reg.HSCTLR);

/** Says why the next item is there. */
function because(a: Assembler, reason: string): Assembler {
  a.note(reason);
  return a;
}

/** A core joins coherency, in Secure state. Changes R0. */
export function writeCoherency(a: Assembler): void {
  because(a, 'Read-modify-write: the other bits of ACTLR keep what the core resets them to (TRM, ACTLR)').mrc(
    reg.ACTLR,
    r0,
  );
  because(a, 'SMP joins coherency, which the TRM wants before any cache or MMU is on (TRM, ACTLR.SMP)').orr(
    r0,
    r0,
    bits(reg.ACTLR, { SMP: 1 }),
  );
  because(a, 'Now, while the core is Secure: NSACR.NS_SMP is still 0 (TRM, ACTLR)').mcr(reg.ACTLR, r0);
}

/** To Monitor mode, from another mode of Secure PL1. */
export function writeToMonitor(a: Assembler): void {
  because(
    a,
    'To Monitor mode, one exception return away from HYP; Secure PL1 may (ARM ARM B1.5.1, B9.3.2)',
  ).cps(MODE_MON);
}

/** The words of {@link CONSTANTS}, at which R0 is. */
export function writeLoadConstants(a: Assembler): void {
  because(
    a,
    "All of them in one load, the firmware's two words too; after CPS, as LR is banked (ARM ARM B1.3.2)",
  ).ldm(r0, [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12, lr]);
}

/** What only Secure state can set, and SCR.NS; the constants are in their registers, as for the next ones. */
export function writeSecureRegisters(a: Assembler): void {
  because(
    a,
    'VFP, NEON and ACTLR.SMP opened to Non-secure state; only Secure state may (ARM ARM B4.1, NSACR)',
  ).mcr(reg.NSACR, r2);
  because(
    a,
    '19.2 MHz, as the timer counts; only Secure state may, Linux wants it (booting.rst; ARM ARM B8.1)',
  ).mcr(reg.CNTFRQ, r4);
  because(a, 'Secure physical timer off: nobody will own it (ARM ARM B8.1)').mcr(reg.CNTP_CTL, r0);
  because(
    a,
    "NS, HVC on, SMC UNDEFINED as the memory here becomes Linux', A and F maskable (ARM ARM B4.1, SCR)",
  ).mcr(reg.SCR, r3);
  because(
    a,
    'CP15 accesses see NS from here; Monitor mode itself stays Secure (ARM ARM B1.5.1, B3.15)',
  ).isb();
}

/** What is Non-secure state's and HYP mode's, in Monitor mode. */
export function writeNonSecureRegisters(a: Assembler): void {
  because(a, 'MMU and caches off: only the Secure copy has a reset value (ARM ARM B3.15; booting.rst)').mcr(
    reg.SCTLR,
    r6,
  );
  because(a, 'Both tables in use once the MMU is on: kernels like 4.0.7 trust PD0 (TRM, TTBCR)').mcr(
    reg.TTBCR,
    r0,
  );
  because(a, 'Non-secure physical timer off (ARM ARM B8.1)').mcr(reg.CNTP_CTL, r0);
  because(a, 'Virtual timer off: left on, as by armstub7, it interrupts a hypervisor without a guest').mcr(
    reg.CNTV_CTL,
    r0,
  );
  because(a, 'HYP timer off (ARM ARM B8.1)').mcr(reg.CNTHP_CTL, r0);
  because(a, 'Unknown at reset, must be alike on all cores (booting.rst; ARM ARM B8.1)').mcrr(
    reg.CNTVOFF,
    r0,
    r0,
  );
  because(a, 'VMID 0: unknown at reset, tags TLB entries even with stage 2 off (ARM ARM B3.9)').mcrr(
    reg.VTTBR,
    r0,
    r0,
  );
  because(a, 'Unknown at reset, as the five below (ARM ARM B4.1); unused until HSCTLR.M').mcrr(
    reg.HTTBR,
    r0,
    r0,
  );
  because(a, '(the same)').mcr(reg.HTCR, r0);
  because(a, 'The same, unused until HCR.VM').mcr(reg.VTCR, r0);
  because(a, 'Unused until HSCTLR.M').mcr(reg.HMAIR0, r0);
  because(a, '(the same)').mcr(reg.HMAIR1, r0);
  because(a, 'HYP vectors at 0, a known place, until the kernel sets its own').mcr(reg.HVBAR, r0);
  because(a, 'Unknown at reset; software only (ARM ARM B4.1)').mcr(reg.HTPIDR, r0);
  because(
    a,
    'Instruction cache on for speed, MMU and data cache off (booting.rst; ARM ARM B4.1, HSCTLR)',
  ).mcr(reg.HSCTLR, r5);
  because(
    a,
    'The returns below go to HYP mode, IRQ, FIQ and asynchronous aborts masked (booting.rst; B1.3.3)',
  ).msr('SPSR_fsxc', r7);
}

/** The number of the core into R10, and whether it is 0 into Z. */
export function writeCoreNumber(a: Assembler): void {
  because(a, 'Affinity level 0 is the number of the core, 0 to 3 (TRM, MPIDR)').mrc(reg.MPIDR, r10);
  because(a, '(the same)').ands(r10, r10, CORES - 1);
}

/** The counter counts at CNTFRQ; one core does it for all. */
export function writeCounter(a: Assembler): void {
  because(a, 'The timers count the crystal, in steps of 1 (QA7 4.2)').str(r0, [r9, LOCAL_CONTROL]);
  because(a, '... undivided, so at CNTFRQ (QA7 3.1)').str(r8, [r9, LOCAL_PRESCALER]);
}

/** This core's mailboxes into R4. */
export function writeMailboxes(a: Assembler): void {
  because(a, "This core's mailboxes (QA7 4.8)").add(r4, r9, r10, lsl(Math.log2(LOCAL_MAILBOX_STRIDE)));
}

/** A core waits in HYP mode, R4 at its mailboxes, until the kernel wants it, and goes there. */
export function writeWait(a: Assembler, wait: Label): void {
  a.at(wait);
  because(
    a,
    'Mailbox 3: 0 until the kernel wants this core (booting.rst; facts of the Raspberry Pi kernels)',
  ).ldr(r3, [r4, LOCAL_MAILBOX3_CLR]);
  because(a, 'Looked at before sleeping: an event from before is no matter').cmp(r3, 0);
  because(a, "Nothing yet: sleep until Linux' SEV (ARM ARM B1.8.13)").wfeeq();
  because(a, 'Whatever woke the core, look again').beq(wait);
  because(a, 'Ones clear it: Raspberry Pi kernels up to 4.4 look whether it was cleared (QA7 4.8)').str(r3, [
    r4,
    LOCAL_MAILBOX3_CLR,
  ]);
  because(a, 'Into the kernel, A32 or T32 by bit 0 (ARM ARM A8.8.27)').bx(r3);
}

/** The tag, the constants and the words of the contract, each at its offset; `constants` begins there. */
export function writeData(
  a: Assembler,
  constants: Label,
  { tree = DEFAULT_TREE_ADDRESS, kernel = KERNEL_OFFSET }: BlockAddresses,
): void {
  a.org(TAG_OFFSET);
  because(a, 'By these words hypberry knows its own work').bytes(ascii(TAG));

  a.org(CONSTANTS);
  a.at(constants);
  const constant = (note: string, value: number): void => {
    because(a, note).word(value);
  };
  constant("r0: zero, for registers and as the kernel's argument", 0);
  constant('r1: machine type, ignored with a tree', MACHINE_TYPE);
  constant('r2: NSACR', bits(reg.NSACR, { cp10: 1, cp11: 1, NS_SMP: 1 }));
  constant('r3: SCR', bits(reg.SCR, { NS: 1, FW: 1, AW: 1, SCD: 1, HCE: 1 }));
  constant('r4: CNTFRQ', CRYSTAL_HZ);
  constant('r5: HSCTLR', (HSCTLR_RESET | bits(reg.HSCTLR, { I: 1 })) >>> 0);
  constant('r6: SCTLR, Non-secure', SCTLR_RESET);
  constant('r7: SPSR', KERNEL_PSR);
  constant('r8: LOCAL_PRESCALER', LOCAL_PRESCALER_BY_1);
  constant('r9: LOCAL_BASE', LOCAL_BASE);
  a.org(CONTRACT.MAGIC_AT);
  constant('magic: a firmware that knows it writes the next two addresses (armstub7)', CONTRACT.MAGIC);
  constant('version of that contract', CONTRACT.VERSION);
  constant('r12: tree or ATAGS', tree);
  constant('lr: kernel', kernel);
}

function writeBlock(a: Assembler, addresses: BlockAddresses): void {
  const constants = a.label('constants');
  const secondary = a.label('secondary');
  const wait = a.label('wait');
  writeCoherency(a);
  writeToMonitor(a);
  because(a, 'The constants stand behind the code; the block runs at 0, where it is loaded').adr(
    r0,
    constants,
  );
  writeLoadConstants(a);
  writeSecureRegisters(a);
  writeNonSecureRegisters(a);
  writeCoreNumber(a);
  because(a, 'Cores 1 to 3 wait for the kernel').bne(secondary);

  writeCounter(a);
  because(a, 'Tree or ATAGS; r0 = 0 and r1 = machine type came with the constants (booting.rst)').mov(
    r2,
    r12,
  );
  because(a, 'Exception return: to HYP mode and into the kernel in one step (ARM ARM B9.3.20, B1.8.3)').movs(
    pc,
    lr,
  );

  a.at(secondary);
  writeMailboxes(a);
  because(a, 'To HYP mode before waiting: the address to come may be Thumb code, which only BX enters').adr(
    lr,
    wait,
  );
  because(a, 'Exception return to the next instruction (ARM ARM B9.3.20)').movs(pc, lr);
  writeWait(a, wait);
  writeData(a, constants, addresses);
}

function assembled(addresses: BlockAddresses): Assembler {
  const a = assembler();
  writeBlock(a, addresses);
  return a;
}

/**
 * The block as a 256-byte stub, for `armstub=`.
 * @param addresses what it hands over where no firmware writes its own addresses in: 0x100 and 0x8000 unless said
 */
export function buildStub(addresses: BlockAddresses = {}): Uint8Array<ArrayBuffer> {
  const stub = new Uint8Array(BLOCK_SIZE);
  stub.set(assembled(addresses).assemble());
  return stub;
}

/**
 * The block padded with zeros to 32 KiB, to be put in front of a kernel under `kernel_old=1` (`bootblk.bin`).
 * @param tree physical address of the device tree or ATAGS; 0x100 unless said
 */
export function buildBootBlock(tree: number = DEFAULT_TREE_ADDRESS): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(KERNEL_OFFSET);
  block.set(buildStub({ tree }));
  return block;
}

/** What the block is made of, in order of address, with the reason of each part; for the listing. */
export function blockItems(): readonly Item[] {
  return assembled({}).items();
}

/**
 * Whether a file begins with our block, of this or another version.
 * @param file at least its first 256 bytes
 */
export function isBootBlock(file: Uint8Array): boolean {
  if (file.length < BLOCK_SIZE) return false;
  return ascii(TAG_STEM).every((byte, i) => file[TAG_OFFSET + i] === byte);
}
