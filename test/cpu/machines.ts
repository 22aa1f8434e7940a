/** Two machines for user-level code: the processor under test, and QEMU's. Both run the same bytes at the same place. */
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { useTools } from '../../scripts/lib/tools.js';
import { Cpu, type CpuOptions } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { setCpsr } from '../../src/cpu/modes.js';
import { contextsChanged } from '../../src/cpu/tlb.js';
import { MODE_USR } from '../../src/isa/program-status.js';
import { steadyCounter } from '../support/counter.js';
import { ramWords } from '../support/ram.js';
import { staticElf } from '../support/static-elf.js';

useTools();

/** Where programs are loaded and started. */
export const LOAD_ADDRESS = 0x100000;
const MIB = 0x100000;

const nothing = (): undefined => undefined;

/** A processor with RAM and nothing else. */
export function bareCpu(options: Partial<CpuOptions> = {}): Promise<Cpu> {
  return Cpu.create({
    ramSize: 64 * MIB,
    bus: { read: () => 0, write: nothing },
    mpidr: [0x80000f00],
    counter: steadyCounter(19_200_000),
    onTimer: nothing,
    onPmu: nothing,
    ...options,
  });
}

/** SVC #0 with R7 as Linux has it: write(1, address, length), then exit(0). */
const LINUX_END = (address: number, length: number): number[] => [
  0xe3a00001, // mov r0, #1
  ...constant(1, address),
  ...constant(2, length),
  0xe3a07004, // mov r7, #4
  0xef000000, // svc #0
  0xe3a00000, // mov r0, #0
  0xe3a07001, // mov r7, #1
  0xef000000, // svc #0
];

/** MOVW and MOVT of a constant to register n. */
export function constant(n: number, value: number): number[] {
  const half = (opcode: number, imm16: number): number =>
    (opcode | ((imm16 & 0xf000) << 4) | (n << 12) | (imm16 & 0xfff)) >>> 0;
  return [half(0xe3000000, value & 0xffff), half(0xe3400000, value >>> 16)];
}

/** A program: code at LOAD_ADDRESS, then data, of which `data` to the end is what both machines must agree on. */
export interface Program {
  readonly image: Uint8Array;
  /** Offset of the data in the image. */
  readonly data: number;
}

/** Puts code and data together; the code ends by writing the data out. */
export function program(code: readonly number[], data: Uint32Array): Program {
  const end = LINUX_END(0, 0).length;
  // The data starts on a page of its own, so that stores to it do not touch the code's.
  const at = Math.ceil(((code.length + end) * 4) / 4096) * 4096;
  const image = new Uint8Array(at + data.byteLength);
  new Uint32Array(image.buffer, 0, at / 4).set([...code, ...LINUX_END(LOAD_ADDRESS + at, data.byteLength)]);
  image.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), at);
  return { image, data: at };
}

/** The same with code in bytes, and the data at a given offset of the image, a multiple of 4096. */
export function programAt(dataAt: number, code: Uint8Array, data: Uint32Array): Program {
  const image = new Uint8Array(dataAt + data.byteLength);
  const end = Math.ceil(code.length / 4) * 4;
  image.set(code);
  new Uint32Array(image.buffer, end, LINUX_END(0, 0).length).set(
    LINUX_END(LOAD_ADDRESS + dataAt, data.byteLength),
  );
  if (end + 4 * LINUX_END(0, 0).length > dataAt) throw new Error('the code is too long for its place');
  image.set(new Uint8Array(data.buffer, data.byteOffset, data.byteLength), dataAt);
  return { image, data: dataAt };
}

/** Runs a program under qemu-arm; gives the data as it was at the end. */
export function runInQemu({ image }: Program): Uint32Array {
  const folder = mkdtempSync(join(tmpdir(), 'hypberry-cpu-'));
  try {
    const file = join(folder, 'program');
    writeFileSync(file, staticElf(image, LOAD_ADDRESS));
    chmodSync(file, 0o755);
    const output = execFileSync('qemu-arm', ['-cpu', 'cortex-a7', file], { maxBuffer: 64 * MIB });
    return new Uint32Array(Uint8Array.from(output).buffer);
  } finally {
    rmSync(folder, { recursive: true });
  }
}

/** Makes a processor that runs in User mode behind a flat translation, as Normal memory. */
export async function userCpu(): Promise<Cpu> {
  const cpu = await bareCpu();
  const { machine: m } = cpu;
  // Sections: Normal memory, read and written by all, domain 0.
  const TABLE = 32 * MIB;
  const SECTION = 0xc0e;
  const table = ramWords(cpu, TABLE, 4096);
  for (let i = 0; i < 4096; i++) table[i] = i * MIB + SECTION;
  const bank = m.core.secure;
  bank.TTBR0 = TABLE;
  bank.DACR = 1;
  // MMU on, SWP allowed; vectors at 0: WFI, then a loop.
  bank.SCTLR |= 1 | (1 << 10);
  m.core.CPACR = 0x00f00000;
  const vectors = ramWords(cpu, 0, 8);
  for (let i = 0; i < 8; i++) vectors[i] = 0xe320f003;
  setCpsr(m, MODE_USR);
  contextsChanged(m);
  return cpu;
}

/** Runs from an address on; gives why it stopped. */
export function runFrom(cpu: Cpu, address: number): ReturnType<Cpu['run']> {
  cpu.machine.u32[L.PC >>> 2] = address;
  return cpu.run(2e9);
}

/** Runs a program here until its first SVC; gives its data. Throws when anything else stops it. */
export async function runHere(
  { image, data }: Program,
  translates: 1 | 'never' = 'never',
): Promise<Uint32Array> {
  const cpu = await userCpu();
  cpu.translates = translates;
  const { machine: m } = cpu;
  cpu.memory.load(LOAD_ADDRESS, image);
  const reason = runFrom(cpu, LOAD_ADDRESS);
  const pc = m.u32[L.PC >>> 2]!;
  // The SVC vector, after its WFI.
  if (reason !== 'idle' || pc !== 0x0c) {
    const lr = m.u32[14]!;
    const at = (lr - (pc === 0x14 ? 8 : 4)) >>> 0;
    const word = ramWords(cpu)[at >>> 2] ?? 0;
    const { DFAR, DFSR } = m.core.secure;
    const where = `${at.toString(16)}: ${word.toString(16)}, DFAR ${DFAR.toString(16)}, DFSR ${DFSR.toString(16)}`;
    throw new Error(`stopped (${reason}) at ${pc.toString(16)}, not at its SVC; by ${where}`);
  }
  return ramWords(cpu, LOAD_ADDRESS + data, (image.length - data) / 4).slice();
}
