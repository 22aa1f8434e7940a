/**
 * A bare-metal program that runs prepared cases of memory accesses, the same in QEMU's raspi2b and in the processor
 * under test. A case is a record: words to put into memory first (translation tables, code), what every register of
 * translation is to hold, and a snippet that is entered in some mode with some registers. Whatever ends the snippet
 * comes to Monitor mode by SMC, from a vector or from the snippet itself; there everything that an exception leaves
 * is written down, with translation switched off again.
 */
import { assembler } from '../../src/isa/assembler.js';
import type { BitPlaces, SystemRegister, SystemRegister64 } from '../../src/isa/system-registers.js';
import * as R from '../../src/isa/system-registers.js';
import * as L from '../../src/cpu/layout.js';
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
import type { Handover } from '../../src/firmware/handover.js';
import { hex } from '../support/hex.js';
import type { Gdb } from '../support/gdb.js';
import { withDebuggedMachine } from '../support/debugged-machine.js';
import { bareCpu } from './machines.js';
import { ramWords } from '../support/ram.js';

// Where things lie, physically. Every table that a case uses maps the harness's code and results where they are.
const MONITOR_VECTORS = 0x100;
/** Vectors of PL1 modes and of Hyp mode: each is an SMC. */
export const VECTORS = 0x200;
export const HYP_VECTORS = 0x240;
const SNIPPETS = 0x1000;
const SNIPPETS_END = 0x100000;
const VARIABLES = 0x200000;
const RESULTS = 0x201000;
const RECORDS = 0x400000;
/** Translation tables are put here, up to DATA. */
export const TABLES = 0x800000;
/** What the cases access. */
export const DATA = 0x1000000;
export const DATA_SIZE = 0x200000;

const SCTLR_RESET = 0x00c50878;
/** Bytes of snippet a case may have. */
const SNIPPET_SIZE = 64;
const RESULT_WORDS = 52;
const TEST_REGISTERS = [r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10] as const;
const SCR_NS_HCE = 0x101;

type Wide = readonly [low: number, high: number];

/** The registers of translation that each security state has. */
export interface Banked {
  SCTLR: number;
  TTBCR: number;
  TTBR0: Wide;
  TTBR1: Wide;
  DACR: number;
  /** PRRR and NMRR, or MAIR0 and MAIR1. */
  MAIR0: number;
  MAIR1: number;
  CONTEXTIDR: number;
  VBAR: number;
}

/** Everything that a case sets. */
export interface Setup {
  secure: Banked;
  nonSecure: Banked;
  HCR: number;
  HSCTLR: number;
  HTCR: number;
  HTTBR: Wide;
  HMAIR0: number;
  HMAIR1: number;
  VTCR: number;
  VTTBR: Wide;
  HVBAR: number;
  SCR: number;
}

const off = (): Banked => ({
  SCTLR: SCTLR_RESET,
  TTBCR: 0,
  TTBR0: [0, 0],
  TTBR1: [0, 0],
  DACR: 0,
  MAIR0: 0,
  MAIR1: 0,
  CONTEXTIDR: 0,
  VBAR: VECTORS,
});

/** All translation off, Secure state. */
export function plainSetup(): Setup {
  return {
    secure: off(),
    nonSecure: off(),
    ...{ HCR: 0, HSCTLR: 0x30c50818, HTCR: 0, HTTBR: [0, 0], HMAIR0: 0, HMAIR1: 0, VTCR: 0, VTTBR: [0, 0] },
    ...{ HVBAR: HYP_VECTORS, SCR: 0 },
  };
}

export interface Case {
  /** What it is, for messages. */
  readonly name: string;
  readonly setup: Setup;
  /** Words written before, with translation off. */
  readonly pokes: readonly (readonly [address: number, value: number])[];
  /** Whether all TLBs are invalidated before. */
  readonly flush: boolean;
  readonly cpsr: number;
  /** Bytes of instructions; how they end is theirs. */
  readonly snippet: Uint8Array;
  /** Added to the snippet's address to have the one where it is entered. */
  readonly alias: number;
  /** R0 to R10 at the start. */
  readonly registers: readonly number[];
  /** Physical addresses of eight words each that are written down afterwards. */
  readonly probes: readonly [number, number];
}

/** The words of a result, in their order. */
const RESULT_NAMES = [
  ...['r1', 'r2', 'r3', 'r4', 'r5', 'r6', 'r7', 'r8', 'r9', 'r10', 'r0'],
  ...['monitorVector', 'lr', 'spsr', 'LR_abt', 'SPSR_abt', 'LR_und', 'SPSR_und', 'ELR_hyp', 'SPSR_hyp'],
  ...['DFSR_ns', 'DFAR_ns', 'IFSR_ns', 'IFAR_ns', 'PAR_ns', 'PAR_HIGH_ns', 'HSR', 'HDFAR', 'HIFAR', 'HPFAR'],
  ...['DFSR_s', 'DFAR_s', 'IFSR_s', 'IFAR_s', 'PAR_s', 'PAR_HIGH_s'],
  ...['p0', 'p1', 'p2', 'p3', 'p4', 'p5', 'p6', 'p7', 'q0', 'q1', 'q2', 'q3', 'q4', 'q5', 'q6', 'q7'],
] as const;
export type ResultName = (typeof RESULT_NAMES)[number];
/** What a case left. */
export type Result = Readonly<Record<ResultName, number>>;

type Register32 = SystemRegister<BitPlaces, 'RW'>;
type Step = Register32 | SystemRegister64<BitPlaces, 'RW'>;
const BANKED: readonly (readonly [keyof Banked, Step])[] = [
  ['TTBCR', R.TTBCR],
  ['TTBR0', R.TTBR0_64],
  ['TTBR1', R.TTBR1_64],
  ['DACR', R.DACR],
  ['MAIR0', R.MAIR0],
  ['MAIR1', R.MAIR1],
  ['CONTEXTIDR', R.CONTEXTIDR],
  ['VBAR', R.VBAR],
  ['SCTLR', R.SCTLR],
];
const HYP: readonly (readonly [Exclude<keyof Setup, 'secure' | 'nonSecure'>, Step])[] = [
  ['HSCTLR', R.HSCTLR],
  ['HTCR', R.HTCR],
  ['HTTBR', R.HTTBR],
  ['HMAIR0', R.HMAIR0],
  ['HMAIR1', R.HMAIR1],
  ['VTCR', R.VTCR],
  ['VTTBR', R.VTTBR],
  ['HVBAR', R.HVBAR],
  ['HCR', R.HCR],
];

interface Harness {
  readonly code: Uint8Array;
  readonly done: number;
}

function assembleHarness(): Harness {
  const a = assembler();
  const [start, park, next, done, finish] = ['start', 'park', 'next', 'done', 'finish'].map((it) =>
    a.label(it),
  );
  const [poke, poked, flushed] = ['poke', 'poked', 'flushed'].map((it) => a.label(it));
  const slots = [0, 4, 8, 12, 16, 20, 24, 28].map((offset) => ({ offset, label: a.label(`slot ${offset}`) }));
  a.b(start!);
  a.org(MONITOR_VECTORS);
  for (const { label } of slots) a.b(label);
  a.org(VECTORS);
  for (let i = 0; i < 8; i++) a.smc(0);
  a.org(HYP_VECTORS);
  for (let i = 0; i < 8; i++) a.smc(0);

  const constant = (register: typeof r0 | typeof r1 | typeof r11 | typeof sp, value: number): void => {
    a.movw(register, value & 0xffff);
    a.movt(register, value >>> 16);
  };
  /** Loads the record's next words and writes them. */
  const write = (register: Step): void => {
    if (register.size === 32) {
      a.ldr(r0, [r11], 4);
      a.mcr(register, r0);
    } else {
      a.ldr(r0, [r11], 4);
      a.ldr(r1, [r11], 4);
      a.mcrr(register, r0, r1);
    }
  };
  const clear = (...registers: Register32[]): void => {
    for (const register of registers) a.mcr(register, r0);
  };

  a.org(0x300);
  a.at(start!);
  a.mrc(R.MPIDR, r0);
  a.ands(r0, r0, 3);
  a.bne(park!);
  a.cps(MODE_MON);
  constant(r0, MONITOR_VECTORS);
  a.mcr(R.MVBAR, r0);
  // CP10 and CP11 for everyone.
  constant(r0, 0xc00);
  a.mcr(R.NSACR, r0);
  constant(r0, 0x00f00000);
  a.mcr(R.CPACR, r0);
  constant(r0, SCR_NS_HCE);
  a.mcr(R.SCR, r0);
  a.isb();
  constant(r0, 0x33ff);
  a.mcr(R.HCPTR, r0);
  constant(r0, 0);
  a.mcr(R.HSTR, r0);
  a.mcr(R.SCR, r0);
  a.isb();
  constant(r0, 0x40000000);
  a.vmsr('FPEXC', r0);
  constant(r11, RECORDS);

  // Each case starts here: Secure state, translation off, R11 its record.
  a.at(next!);
  constant(r1, VARIABLES);
  a.ldm(r11, '!', [r2, r3, r4, r5, r6, r7]);
  // Next record, result, probes.
  a.stm(r1, [r2, r3, r4, r5]);
  a.mov(sp, r3);
  a.at(poke!);
  a.cmp(r7, 0);
  a.beq(poked!);
  a.ldm(r11, '!', [r0, r1]);
  a.str(r1, [r0]);
  a.sub(r7, r7, 1);
  a.b(poke!);
  a.at(poked!);
  a.dsb();
  constant(r0, SCR_NS_HCE);
  a.mcr(R.SCR, r0);
  a.isb();
  for (const [, register] of BANKED) write(register);
  for (const [, register] of HYP) write(register);
  constant(r0, 0);
  clear(R.DFSR, R.DFAR, R.IFSR, R.IFAR, R.HSR, R.HDFAR, R.HIFAR, R.HPFAR);
  a.mcrr(R.PAR_64, r0, r0);
  a.cmp(r6, 0);
  a.mcreq(R.TLBIALLNSNH, r0);
  a.mcreq(R.TLBIALLH, r0);
  a.mcr(R.SCR, r0);
  a.isb();
  clear(R.DFSR, R.DFAR, R.IFSR, R.IFAR);
  a.mcrr(R.PAR_64, r0, r0);
  a.cmp(r6, 0);
  a.bne(flushed!);
  a.mcr(R.TLBIALL, r0);
  a.at(flushed!);
  a.mcr(R.ICIALLU, r0);
  a.mcr(R.BPIALL, r0);
  a.clrex();
  for (const [, register] of BANKED.slice(0, -1)) write(register);
  // SCTLR, SCR, CPSR, PC; then R0 to R10.
  a.ldr(r12, [r11], 4);
  a.ldr(r0, [r11], 4);
  a.ldr(r1, [r11], 4);
  a.ldr(lr, [r11], 4);
  a.msr('SPSR_fsxc', r1);
  a.mcr(R.SCR, r0);
  a.dsb();
  a.isb();
  a.ldm(r11, [...TEST_REGISTERS]);
  // With SCR.NS set this is the Non-secure SCTLR, which holds the same already.
  a.mcr(R.SCTLR, r12);
  a.isb();
  a.movs(pc, lr);

  for (const { offset, label } of slots) {
    a.at(label);
    a.setend('LE');
    a.str(r0, [sp, 40]);
    a.mov(r0, offset);
    a.b(finish!);
  }
  a.at(finish!);
  a.stm(sp, '!', TEST_REGISTERS.slice(1));
  a.add(sp, sp, 4);
  a.str(r0, [sp], 4);
  constant(r0, SCTLR_RESET);
  constant(r1, 0);
  a.mcr(R.SCR, r1);
  a.isb();
  a.mcr(R.SCTLR, r0);
  a.isb();
  a.mrs(r2, 'SPSR');
  a.mov(r1, lr);
  const save = (
    ...names: readonly ('LR_abt' | 'SPSR_abt' | 'LR_und' | 'SPSR_und' | 'ELR_hyp' | 'SPSR_hyp')[]
  ): void => {
    for (const name of names) {
      a.mrs(r0, name);
      a.str(r0, [sp], 4);
    }
  };
  const keep = (...registers: Register32[]): void => {
    for (const register of registers) {
      a.mrc(register, r0);
      a.str(r0, [sp], 4);
    }
  };
  const keepPar = (): void => {
    a.mrrc(R.PAR_64, r0, r1);
    a.stm(sp, '!', [r0, r1]);
  };
  a.stm(sp, '!', [r1, r2]);
  constant(r0, SCR_NS_HCE);
  a.mcr(R.SCR, r0);
  a.isb();
  save('LR_abt', 'SPSR_abt', 'LR_und', 'SPSR_und', 'ELR_hyp', 'SPSR_hyp');
  keep(R.DFSR, R.DFAR, R.IFSR, R.IFAR);
  keepPar();
  keep(R.HSR, R.HDFAR, R.HIFAR, R.HPFAR);
  constant(r0, 0);
  a.mcr(R.SCR, r0);
  a.isb();
  keep(R.DFSR, R.DFAR, R.IFSR, R.IFAR);
  keepPar();
  constant(r1, VARIABLES);
  a.ldr(r11, [r1]);
  for (const probe of [8, 12]) {
    constant(r1, VARIABLES);
    a.ldr(r0, [r1, probe]);
    a.ldm(r0, [r2, r3, r4, r5, r6, r7, r8, r9]);
    a.stm(sp, '!', [r2, r3, r4, r5, r6, r7, r8, r9]);
  }
  a.cmp(r11, 0);
  a.bne(next!);
  a.at(done!);
  const doneAt = a.here;
  a.b(done!);
  a.at(park!);
  a.wfi();
  a.b(park!);
  return { code: a.assemble(), done: doneAt };
}

const harness = assembleHarness();

/** Where a case's snippet will lie, by its number in the run. */
export function snippetAddress(number: number): number {
  return SNIPPETS + number * SNIPPET_SIZE;
}

/** The most cases in one run. */
export const MOST_CASES = (SNIPPETS_END - SNIPPETS) / SNIPPET_SIZE;

function makeImage(cases: readonly Case[], tables: Uint32Array): Uint32Array {
  const image = new Uint32Array((DATA + DATA_SIZE) / 4);
  const bytes = new Uint8Array(image.buffer);
  bytes.set(harness.code);
  image.set(tables, TABLES / 4);
  // Every word of the data names its place.
  for (let at = DATA / 4; at < image.length; at++) image[at] = Math.imul(at, 0x9e3779b1) ^ 0x5a000000;
  let at = RECORDS / 4;
  const put = (...words: readonly number[]): void => {
    for (const word of words) image[at++] = word;
  };
  const putAll = (values: readonly (number | Wide)[]): void => {
    for (const value of values) put(...(typeof value === 'number' ? [value] : value));
  };
  if (cases.length > MOST_CASES) throw new Error('too many cases for one run');
  cases.forEach(({ setup, pokes, flush, cpsr, snippet, alias, registers, probes }, number) => {
    const code = snippetAddress(number);
    if (snippet.length > SNIPPET_SIZE) throw new Error('the snippet is too long');
    bytes.set(snippet, code);
    const start = at++;
    put(RESULTS + number * RESULT_WORDS * 4, ...probes, flush ? 0 : 1, pokes.length);
    for (const [address, value] of pokes) put(address, value);
    putAll(BANKED.map(([name]) => setup.nonSecure[name]));
    putAll(HYP.map(([name]) => setup[name]));
    putAll(BANKED.slice(0, -1).map(([name]) => setup.secure[name]));
    const nonSecure = (setup.SCR & 1) !== 0;
    put((nonSecure ? setup.nonSecure : setup.secure).SCTLR, setup.SCR, cpsr, code + alias, ...registers);
    image[start] = number === cases.length - 1 ? 0 : at * 4;
  });
  if (at > TABLES / 4) throw new Error('too many records for one run');
  return image;
}

function readResults(words: Uint32Array, count: number): Result[] {
  return Array.from({ length: count }, (_, n) => {
    const result: Partial<Record<ResultName, number>> = {};
    RESULT_NAMES.forEach((name, i) => (result[name] = words[n * RESULT_WORDS + i]!));
    return result as Result;
  });
}

/** Runs cases in the processor under test. */
async function runImageHere(image: Uint32Array, cases: readonly Case[]): Promise<Result[]> {
  const cpu = await bareCpu();
  ramWords(cpu, 0, image.length).set(image);
  const { machine: m } = cpu;
  const end = cpu.time + cases.length * 1000 + 500_000;
  while (m.u32[L.PC >>> 2] !== harness.done) {
    if (cpu.time > end) {
      const next = ramWords(cpu, VARIABLES, 2);
      const number = (next[1]! - RESULTS) / (RESULT_WORDS * 4);
      const at = m.u32[L.PC >>> 2]!.toString(16);
      throw new Error(`case ${number} does not end here; at ${at}: ${describe(cases[number])}`);
    }
    cpu.run(cpu.time + 100_000);
  }
  const words = ramWords(cpu, RESULTS, cases.length * RESULT_WORDS);
  return readResults(words, cases.length);
}

/** Runs cases in QEMU. */
async function runThere(image: Uint32Array, cases: readonly Case[]): Promise<Result[]> {
  const machine: Handover = {
    memory: [{ name: 'cases', address: 0, data: new Uint8Array(image.buffer) }],
    armMemory: 0x3c000000,
    picked: {
      kernel: { file: '', address: 0, size: 0 },
      stub: { from: 'kernel' },
      tree: undefined,
      initramfs: undefined,
      osPrefix: '',
      commandLine: '',
      notes: [],
      unsure: [],
    },
  };
  const collect = async (gdb: Gdb): Promise<Result[]> => {
    await gdb.setBreakpoint(harness.done);
    const seconds = 60;
    await Promise.race([
      gdb.run(),
      new Promise((_, reject) =>
        setTimeout(() => {
          reject(new Error(`QEMU does not come to the end of ${cases.length} cases`));
        }, seconds * 1000).unref(),
      ),
    ]);
    const bytes = new Uint8Array(cases.length * RESULT_WORDS * 4);
    const CHUNK = 0x600;
    for (let at = 0; at < bytes.length; at += CHUNK)
      bytes.set(await gdb.readMemory(RESULTS + at, Math.min(CHUNK, bytes.length - at)), at);
    return readResults(new Uint32Array(bytes.buffer), cases.length);
  };
  // QEMU 7.2 for 32-bit targets only cuts intermediate physical addresses to 32 bits.
  return withDebuggedMachine(machine, collect, 'qemu-system-aarch64');
}

/** A case in words, for messages. */
export function describe(it: Case | undefined): string {
  if (!it) return 'none';
  const registers = it.registers.map(hex).join(' ');
  const text = JSON.stringify({ ...it.setup, cpsr: it.cpsr }, (_, value: unknown) =>
    typeof value === 'number' ? hex(value) : value,
  ).replaceAll('"', '');
  const pokes = it.pokes.map(([address, value]) => `${hex(address)}=${hex(value)}`).join(' ');
  return `${it.name}\n  registers ${registers}\n  ${text}\n  pokes ${pokes}`;
}

/**
 * Runs cases on both machines.
 * @param tables what stands at TABLES when the first case starts
 */
export async function runBoth(
  cases: readonly Case[],
  tables: Uint32Array,
): Promise<{ here: Result[]; there: Result[] }> {
  const image = makeImage(cases, tables);
  const here = await runImageHere(image, cases);
  return { here, there: await runThere(image, cases) };
}

/** Runs cases in the processor under test only. */
export function runHere(cases: readonly Case[], tables: Uint32Array): Promise<Result[]> {
  return runImageHere(makeImage(cases, tables), cases);
}
