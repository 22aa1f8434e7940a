import { assembler } from '../../src/isa/assembler.js';
import { bits } from '../../src/isa/bits.js';
import { MODE_HYP, MODE_MON, PSR } from '../../src/isa/program-status.js';
import { lr, lsl, pc, r0, r1, r2, r3, r4, r5 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { CRYSTAL_HZ, MACHINE_TYPE } from '../../src/board/bcm2836.js';
import { LOCAL_BASE, LOCAL_MAILBOX3_CLR, LOCAL_MAILBOX_STRIDE } from '../../src/board/local-peripherals.js';

/** What boot codes that start HYP mode differ in, as far as a kernel can tell. */
export interface Habits {
  /** Sets the data cache bit of the SCTLR, while the core is Secure. */
  readonly dataCache: boolean;
  readonly clearsCntvoff: boolean;
  /** Clears the mailbox before it goes where that says. */
  readonly clearsMailbox: boolean;
  /** Sleeps between two looks at the mailbox. */
  readonly sleeps: boolean;
  /** r2 for the kernel. */
  readonly tree: number;
}

/** The boot block of 2015, read in its source (slp/rpi2-hyp-boot). */
export const RPI2_HYP_BOOT: Habits = {
  dataCache: true,
  clearsCntvoff: true,
  clearsMailbox: false,
  sleeps: false,
  tree: 0x100,
};

/**
 * Raspberry Pi's own of today, read in its source (raspberrypi/tools, armstubs/armstub7.S).
 * @param tree the address that the firmware writes into it
 */
export const armstub7 = (tree: number): Habits => ({
  dataCache: false,
  clearsCntvoff: false,
  clearsMailbox: true,
  sleeps: true,
  tree,
});

/**
 * A boot code for address 0 that leaves behind what one with these habits does, with what they have in common:
 * instruction cache and SMP on, the virtual timer started, every coprocessor and CNTFRQ for Non-secure state,
 * SCR.NS, FW, AW and HCE, all masked, cores 1 to 3 waiting for mailbox 3. Its instructions are its own.
 * @param kernel physical address of the kernel
 */
export function bootCodeWith(habits: Habits, kernel: number): Uint8Array {
  const a = assembler();
  const leave = a.label('leave');
  const wait = a.label('wait');
  const constants = a.label('constants');
  const machine = a.label('machine');
  const tree = a.label('tree');

  a.mrc(reg.SCTLR, r0);
  a.orr(r0, r0, bits(reg.SCTLR, { I: 1 }));
  if (habits.dataCache) a.orr(r0, r0, bits(reg.SCTLR, { C: 1 }));
  a.mcr(reg.SCTLR, r0);
  a.mrc(reg.ACTLR, r0);
  a.orr(r0, r0, bits(reg.ACTLR, { SMP: 1 }));
  a.mcr(reg.ACTLR, r0);
  a.mov(r0, bits(reg.CNTP_CTL, { ENABLE: 1 }));
  a.mcr(reg.CNTV_CTL, r0);

  a.cps(MODE_MON);
  a.adr(r0, constants);
  a.ldm(r0, [r1, r2, r3, r4, r5, lr]);
  a.mcr(reg.NSACR, r1);
  a.mcr(reg.CNTFRQ, r2);
  a.mcr(reg.SCR, r3);
  a.isb();
  a.mov(r0, 0);
  if (habits.clearsCntvoff) a.mcrr(reg.CNTVOFF, r0, r0);
  a.msr('SPSR_fsxc', r4);
  a.mrc(reg.MPIDR, r3);
  a.ands(r3, r3, 3);
  a.add(r5, r5, r3, lsl(Math.log2(LOCAL_MAILBOX_STRIDE)));
  a.adr(r4, wait);
  a.beq(leave);
  a.mov(lr, r4);
  a.at(leave);
  a.ldr(r1, machine);
  a.ldr(r2, tree);
  a.movs(pc, lr);

  a.at(wait);
  if (habits.sleeps) a.wfe();
  a.ldr(r3, [r5, LOCAL_MAILBOX3_CLR]);
  a.cmp(r3, 0);
  a.beq(wait);
  if (habits.clearsMailbox) a.str(r3, [r5, LOCAL_MAILBOX3_CLR]);
  a.bx(r3);

  a.at(constants);
  a.word(0x6_3fff, CRYSTAL_HZ, bits(reg.SCR, { NS: 1, FW: 1, AW: 1, HCE: 1 }));
  a.word(bits(PSR, { A: 1, I: 1, F: 1, M: MODE_HYP }), LOCAL_BASE, kernel);
  a.at(machine);
  a.word(MACHINE_TYPE);
  a.at(tree);
  a.word(habits.tree);
  return a.assemble();
}
