/**
 * A program that runs generated cases of privileged code on a bare Raspberry Pi 2, ours or QEMU's. It lives in Monitor
 * mode: for each case it sets every mode's registers and the system registers that decide what is trapped, goes to
 * the case's code in the case's mode, comes back by whatever exception ends it, and writes down what it finds.
 */
import { assembler } from '../../src/isa/assembler.js';
import type { BankedRegister } from '../../src/isa/operands.js';
import {
  lr,
  pc,
  r0,
  r1,
  r10,
  r11,
  r12,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  r9,
  sp,
} from '../../src/isa/registers.js';
import { MODE_MON } from '../../src/isa/program-status.js';
import * as R from '../../src/isa/system-registers.js';

/** Tables of vectors: exceptions to Secure PL1, to Monitor, to Non-secure PL1 and to Hyp mode, for A32 and T32. */
export const VECTORS = {
  secure: { a32: 0x1800, t32: 0x1840 },
  monitor: { a32: 0x1880, t32: 0x18c0 },
  nonSecure: { a32: 0x1900, t32: 0x1940 },
  hyp: { a32: 0x1980, t32: 0x19c0 },
} as const;

/** The program's variables: within reach of its code, and on another page. */
const VARIABLES = 0x1000;
const SAVED_R0 = VARIABLES;
const SAVED_R1 = VARIABLES + 4;
const SAVED_CPSR = VARIABLES + 8;
const INPUT_POINTER = VARIABLES + 12;
const OUTPUT_POINTER = VARIABLES + 16;
/** How many cases are done. */
export const PROGRESS = VARIABLES + 20;
const COUNT = VARIABLES + 24;

/** A word that ends every case that runs into it: UDF in A32, UDF and a branch to the next halfword in T32. */
export const FILLER = 0xe7ffdeff;

/** The local mailboxes, which make interrupts here (QA7, 4.6 and 4.7): core 0's, routing and mailbox 0. */
const LOCAL_BASE = 0x40000000;
const MAILBOX_ROUTING = 0x50;
const MAILBOX_SET = 0x80;
const MAILBOX_CLEAR = 0xc0;

const NONSECURE_BANK = ['SCTLR', 'VBAR', 'TTBCR', 'DFSR', 'IFSR', 'DFAR', 'IFAR'] as const;
const SHARED = [
  'HSCTLR',
  'HVBAR',
  'HCR',
  'HDCR',
  'HCPTR',
  'HSTR',
  'HSR',
  'HDFAR',
  'HIFAR',
  'HPFAR',
  'CNTHCTL',
  'CNTKCTL',
  'PMUSERENR',
  'TEECR',
] as const;
const SECURE_BANK = [...NONSECURE_BANK, 'MVBAR', 'NSACR'] as const;
const BANKED = [
  ...(['R8_fiq', 'R9_fiq', 'R10_fiq', 'R11_fiq', 'R12_fiq', 'SP_fiq', 'LR_fiq', 'SPSR_fiq'] as const),
  ...(['SP_usr', 'LR_usr', 'SP_irq', 'LR_irq', 'SPSR_irq', 'SP_svc', 'LR_svc', 'SPSR_svc'] as const),
  ...(['SP_abt', 'LR_abt', 'SPSR_abt', 'SP_und', 'LR_und', 'SPSR_und'] as const),
  ...(['SP_hyp', 'ELR_hyp', 'SPSR_hyp'] as const),
] as const satisfies readonly BankedRegister[];
const CORE = ['r0', 'r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'r10', 'r11', 'r12'] as const;

/**
 * What a case starts from, a word each, in this order: system registers, banked registers, and at last what one LDM
 * loads: R0 to R14 as Monitor mode sees them, and the code's address. SPSR_mon becomes CPSR.
 */
export const INPUT_NAMES = [
  'FPEXC',
  'CPACR',
  ...NONSECURE_BANK.map((it) => `${it}_ns` as const),
  ...SHARED,
  ...SECURE_BANK.map((it) => `${it}_s` as const),
  ...BANKED,
  'routing',
  'mailbox',
  'SCR',
  'SPSR_mon',
  ...CORE,
  'SP_mon',
  'LR_mon',
  'pc',
] as const;
export type Inputs = Record<(typeof INPUT_NAMES)[number], number>;

const NONSECURE_FOUND = ['DFSR', 'IFSR', 'DFAR', 'IFAR'] as const;
const HYP_FOUND = ['HCR', 'HSR', 'HDFAR', 'HIFAR', 'HPFAR'] as const;

/**
 * What a case leaves: which vector led to Monitor mode (8 and up: of Monitor mode's own table) and CPSR there, then
 * the registers. R0 is in the byte order of that moment.
 */
export const OUTPUT_NAMES = [
  'vector',
  'CPSR',
  ...CORE,
  'SP_mon',
  'LR_mon',
  'SPSR_mon',
  ...BANKED,
  'SCR',
  ...NONSECURE_FOUND.map((it) => `${it}_ns` as const),
  ...HYP_FOUND,
  ...NONSECURE_FOUND.map((it) => `${it}_s` as const),
] as const;
export type Outputs = Record<(typeof OUTPUT_NAMES)[number], number>;

type SystemName =
  'CPACR' | 'SCR' | (typeof SECURE_BANK)[number] | (typeof SHARED)[number] | (typeof HYP_FOUND)[number];

/** Coprocessor access for everything, to write FPEXC. */
const CPACR_ALL = 0x00f00000;
const NS = 1;
/** VMSR FPEXC, R1. */
const VMSR_FPEXC_R1 = 0xeee81a10;
/** LDM R0, {R0-R12, SP, LR, PC}^: all at once, and the case begins. */
const LDM_ALL_RETURN = 0xe8d0ffff;

/** Of a vector table. */
const VECTOR_COUNT = 8;
/** BX PC and NOP in T32: on in A32 at the next word. */
const TO_A32 = 0xbf004778;
/** SMC #0 in A32 and in T32, its first halfword in the low half. */
const SMC_A32 = 0xe1600070;
const SMC_T32 = 0x8000f7f0;

/** B.W (encoding T4) forwards or backwards within 2 KiB and some; its first halfword in the low half. */
function branchT32(from: number, to: number): number {
  const distance = to - from - 4;
  const sign = distance < 0 ? 1 : 0;
  const first = 0xf000 | (sign << 10) | ((distance >> 12) & 0x3ff);
  // J1 and J2 are 1 for distances this short.
  const second = 0xb800 | ((distance >> 1) & 0x7ff);
  return ((second << 16) | first) >>> 0;
}

/** The program, from address 0 up. */
export function monitorProgram(): Uint8Array {
  const a = assembler(0);
  const [begin, common, nextCase, wait] = [
    a.label('begin'),
    a.label('common'),
    a.label('next case'),
    a.label('wait'),
  ];
  const near = (address: number): [typeof pc, number] => [pc, address - (a.here + 8)];

  // The cores but the first sleep.
  a.mrc(R.MPIDR, r0);
  a.tst(r0, 3);
  a.beq(begin);
  a.at(wait);
  a.wfi();
  a.b(wait);
  a.at(begin);
  a.cpsid('aif', MODE_MON);
  // What has no value at reset gets one.
  a.mov(r0, 0);
  for (const ns of [NS, 0]) {
    a.mov(r1, ns);
    a.mcr(R.SCR, r1);
    for (const register of [R.PRRR, R.NMRR, R.CNTFRQ]) a.mcr(register, r0);
    if (ns) a.mcrr(R.CNTVOFF, r0, r0);
  }
  a.b(nextCase);

  // The vectors that lead here, and how each says which it is: R0, after that was saved.
  const entries: { a32: number; t32: number }[] = [];
  for (let i = 0; i < 2 * VECTOR_COUNT; i++) {
    const t32 = a.here;
    a.word(TO_A32);
    entries.push({ a32: a.here, t32 });
    a.str(r0, near(SAVED_R0));
    a.mrs(r0, 'CPSR');
    a.cpsid('aif', MODE_MON);
    a.setend('LE');
    a.str(r0, near(SAVED_CPSR));
    a.mov(r0, i);
    a.b(common);
  }

  a.at(common);
  a.str(r1, near(SAVED_R1));
  a.mov(r1, r0);
  a.ldr(r0, near(OUTPUT_POINTER));
  const out = (): void => {
    a.str(r1, [r0], 4);
  };
  out();
  for (const saved of [SAVED_CPSR, SAVED_R0, SAVED_R1]) {
    a.ldr(r1, near(saved));
    out();
  }
  a.stm(r0, '!', [r2, r3, r4, r5, r6, r7, r8, r9, r10, r11, r12]);
  a.str(sp, [r0], 4);
  a.str(lr, [r0], 4);
  a.mrs(r1, 'SPSR');
  out();
  for (const register of BANKED) {
    a.mrs(r1, register);
    out();
  }
  a.mrc(R.SCR, r1);
  out();
  const secure = (ns: number): void => {
    a.mov(r1, ns);
    a.mcr(R.SCR, r1);
    a.isb('SY');
  };
  const read = (names: readonly SystemName[]): void => {
    for (const name of names) {
      a.mrc(R[name], r1);
      out();
    }
  };
  secure(NS);
  read([...NONSECURE_FOUND, ...HYP_FOUND]);
  secure(0);
  read(NONSECURE_FOUND);
  a.str(r0, near(OUTPUT_POINTER));
  a.mov(r2, LOCAL_BASE);
  a.mvn(r1, 0);
  a.str(r1, [r2, MAILBOX_CLEAR]);
  a.ldr(r1, near(PROGRESS));
  a.add(r1, r1, 1);
  a.str(r1, near(PROGRESS));

  a.at(nextCase);
  a.ldr(r1, near(PROGRESS));
  a.ldr(r2, near(COUNT));
  a.cmp(r1, r2);
  a.beq(wait);
  a.ldr(r0, near(INPUT_POINTER));
  a.mov(r2, LOCAL_BASE);
  const next = (): void => {
    a.ldr(r1, [r0], 4);
  };
  const write = (names: readonly SystemName[]): void => {
    for (const name of names) {
      next();
      a.mcr(R[name], r1);
    }
  };
  a.mov(r1, CPACR_ALL);
  a.mcr(R.CPACR, r1);
  a.isb('SY');
  next();
  a.word(VMSR_FPEXC_R1);
  write(['CPACR']);
  secure(NS);
  write([...NONSECURE_BANK, ...SHARED]);
  secure(0);
  write(SECURE_BANK);
  for (const register of BANKED) {
    next();
    a.msr(register, r1);
  }
  for (const register of [MAILBOX_ROUTING, MAILBOX_SET]) {
    next();
    a.str(r1, [r2, register]);
  }
  write(['SCR']);
  next();
  a.msr('SPSR_fsxc', r1);
  a.sev();
  a.add(r1, r0, 64);
  a.str(r1, near(INPUT_POINTER));
  a.clrex();
  a.word(LDM_ALL_RETURN);

  a.org(VARIABLES);
  a.word(0, 0, 0, 0, 0, 0, 0);
  for (const [table, first] of [
    [VECTORS.secure, 0],
    [VECTORS.monitor, VECTOR_COUNT],
  ] as const) {
    a.org(table.a32);
    for (let i = 0; i < VECTOR_COUNT; i++) a.b(entries[first + i]!.a32);
    a.org(table.t32);
    for (let i = 0; i < VECTOR_COUNT; i++) a.word(branchT32(a.here, entries[first + i]!.t32));
  }
  for (const table of [VECTORS.nonSecure, VECTORS.hyp]) {
    a.org(table.a32);
    for (let i = 0; i < VECTOR_COUNT; i++) a.word(SMC_A32);
    a.org(table.t32);
    for (let i = 0; i < VECTOR_COUNT; i++) a.word(SMC_T32);
  }
  return a.assemble();
}

/** Tells the program about its cases: how many, where their inputs are, and where their outputs go. */
export function setParameters(image: Uint8Array, count: number, inputs: number, outputs: number): void {
  const view = new DataView(image.buffer, image.byteOffset);
  view.setUint32(COUNT, count, true);
  view.setUint32(INPUT_POINTER, inputs, true);
  view.setUint32(OUTPUT_POINTER, outputs, true);
}
