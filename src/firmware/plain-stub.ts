import { assembler } from '../isa/assembler.js';
import { bits } from '../isa/bits.js';
import { MODE_MON, MODE_SVC, PSR } from '../isa/program-status.js';
import { lr, lsl, pc, r0, r1, r2, r3, r4, r5 } from '../isa/registers.js';
import * as reg from '../isa/system-registers.js';
import { CRYSTAL_HZ, MACHINE_TYPE } from '../board/bcm2836.js';
import { LOCAL_BASE, LOCAL_MAILBOX3_CLR, LOCAL_MAILBOX_STRIDE } from '../board/local-peripherals.js';
import { STUB_SIZE } from './stub.js';

/**
 * A stub for cards without start.elf, that leaves behind what the one in start.elf of 8 July 2015 does, read there
 * instruction by instruction: Non-secure state, Supervisor mode kept, HVC on, CNTVOFF 0, the caches' bits set in Secure
 * SCTLR, the virtual timer on; core 0 to the kernel, cores 1 to 3 to their mailbox, which is cleared, and on. Other than
 * that one they sleep between two looks, which no kernel can tell.
 * @param tree physical address of the tree or the ATAGS, for r2
 * @param kernel physical address of the kernel
 */
export function buildPlainStub(tree: number, kernel: number): Uint8Array<ArrayBuffer> {
  const a = assembler();
  const secondary = a.label('secondary');
  const wait = a.label('wait');
  const nsacr = a.label('nsacr');
  const frequency = a.label('frequency');
  const scr = a.label('scr');
  const machine = a.label('machine');
  const treeWord = a.label('tree');
  const kernelWord = a.label('kernel');

  a.mrc(reg.SCTLR, r0);
  a.orr(r0, r0, bits(reg.SCTLR, { C: 1 }));
  a.orr(r0, r0, bits(reg.SCTLR, { I: 1 }));
  a.mcr(reg.SCTLR, r0);
  a.mov(r0, bits(reg.CNTP_CTL, { ENABLE: 1 }));
  a.mcr(reg.CNTV_CTL, r0);
  a.mrc(reg.ACTLR, r0);
  a.orr(r0, r0, bits(reg.ACTLR, { SMP: 1 }));
  a.mcr(reg.ACTLR, r0);
  a.ldr(r0, nsacr);
  a.mcr(reg.NSACR, r0);
  a.ldr(r0, frequency);
  a.mcr(reg.CNTFRQ, r0);
  a.cps(MODE_MON);
  a.ldr(r0, scr);
  a.mcr(reg.SCR, r0);
  a.isb();
  a.mov(r0, 0);
  a.mcrr(reg.CNTVOFF, r0, r0);
  a.mrc(reg.MPIDR, r3);
  a.ands(r3, r3, 3);
  a.mov(r0, bits(PSR, { A: 1, I: 1, F: 1, M: MODE_SVC }));
  a.msr('SPSR_fsxc', r0);
  a.mov(r0, 0);
  a.ldr(r1, machine);
  a.ldr(r2, treeWord);
  a.ldr(lr, kernelWord);
  a.bne(secondary);
  a.movs(pc, lr);

  a.at(secondary);
  a.adr(lr, wait);
  a.movs(pc, lr);
  a.at(wait);
  a.mov(r4, LOCAL_BASE);
  a.add(r4, r4, r3, lsl(Math.log2(LOCAL_MAILBOX_STRIDE)));
  a.ldr(r5, [r4, LOCAL_MAILBOX3_CLR]);
  a.cmp(r5, 0);
  a.wfeeq();
  a.beq(wait);
  a.str(r5, [r4, LOCAL_MAILBOX3_CLR]);
  a.bx(r5);

  a.at(nsacr);
  a.word(bits(reg.NSACR, { cp10: 1, cp11: 1, NS_SMP: 1 }));
  a.at(frequency);
  a.word(CRYSTAL_HZ);
  a.at(scr);
  a.word(bits(reg.SCR, { NS: 1, FW: 1, AW: 1, HCE: 1 }));
  a.at(machine);
  a.word(MACHINE_TYPE);
  a.at(treeWord);
  a.word(tree);
  a.at(kernelWord);
  a.word(kernel);

  const stub = new Uint8Array(STUB_SIZE);
  stub.set(a.assemble());
  return stub;
}
