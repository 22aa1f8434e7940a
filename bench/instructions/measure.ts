/** What instructions cost on the built-in Pi 2: a row's code in a loop, on a processor alone. */
import { hex } from '../../src/base/words.js';
import { CRYSTAL_HZ } from '../../src/board/bcm2836.js';
import { Cpu, type CpuState } from '../../src/cpu/cpu.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { MODE_USR } from '../../src/isa/program-status.js';
import { c, lr, p15, r0, r1, r12, sp, type Register } from '../../src/isa/registers.js';
import { steadyCounter } from '../../test/support/counter.js';
import { ALU, rows, type Row } from './rows.js';

/** What a row came to. */
export interface Cost {
  readonly name: string;
  /** Nanoseconds an instruction, of the fastest round. */
  readonly nanoseconds: number;
  /** The same, an instruction of the ALU's row as the unit. */
  readonly relative: number;
  /** Instructions that one round executed. */
  readonly instructions: number;
}

const MIB = 0x10_0000;
const FIRST_MPIDR = 0x8000_0f00;
const VECTORS = 0x1000;
const VECTORS_SIZE = 0x20;
const START = 0x8000;
const TABLE = 4 * MIB;
const DATA = 8 * MIB;
const HOLE = 12 * MIB;
const STACK = 10 * MIB;
const RAM = 16 * MIB;
/** A section that all may read and write, of Normal memory, cached, shareable, in domain 0 (short descriptors, B3.5.1). */
const SECTION = 0x1_0c0e;
const SECTIONS = 4096;

/** Milliseconds that a round takes about, and the rounds of a row. */
const ROUND = 20;
const ROUNDS = 5;
/** Instructions of the round that tells how long one takes. */
const FIRST = 100_000;

function set(a: Assembler, register: Register, value: number): void {
  a.movw(register, value & 0xffff);
  a.movt(register, value >>> 16);
}

/** Code that runs a row in a loop and then waits; R12 counts. */
function codeOf({ mode = MODE_USR, prepare, body, copies }: Row, times: number): Assembler {
  const a = assembler(START);
  const places = { data: DATA, hole: HOLE };
  a.mov(r0, 1 << 6);
  a.mcr(p15, 0, r0, c(1), c(0), 1); // ACTLR: SMP
  set(a, r0, TABLE);
  a.mcr(p15, 0, r0, c(2), c(0), 0); // TTBR0
  a.mov(r0, 1);
  a.mcr(p15, 0, r0, c(3), c(0), 0); // DACR: domain 0 is a client
  set(a, r0, VECTORS);
  a.mcr(p15, 0, r0, c(12), c(0), 0); // VBAR
  set(a, r0, 0xf << 20);
  a.mcr(p15, 0, r0, c(1), c(0), 2); // CPACR: CP10 and CP11 for all
  a.isb();
  set(a, r0, 1 << 30);
  a.vmsr('FPEXC', r0); // EN
  a.mrc(p15, 0, r0, c(1), c(0), 0);
  a.orr(r0, r0, 1);
  a.mcr(p15, 0, r0, c(1), c(0), 0); // SCTLR.M
  a.isb();
  set(a, sp, STACK);
  set(a, r1, DATA);
  set(a, r12, times);
  prepare?.(a, places);
  a.mov(lr, 0);
  a.cps(mode);
  // The loop stands on a page of its own.
  a.org(START + 0x1000);
  const loop = a.label('loop');
  a.at(loop);
  for (let copy = 0; copy < copies; copy++) body(a, places);
  a.subs(r12, r12, 1);
  a.bne(loop);
  a.wfi();
  return a;
}

/** Tables, vectors and code of a row, put into memory. @returns where the code ends */
function load(cpu: Cpu, row: Row, times: number): number {
  const table = Uint32Array.from({ length: SECTIONS }, (_, i) => (i * MIB === HOLE ? 0 : i * MIB + SECTION));
  cpu.memory.load(TABLE, new Uint8Array(table.buffer));
  const vectors = assembler(VECTORS);
  for (let offset = 0; offset < VECTORS_SIZE; offset += 4) {
    // One that is longer than a word reaches over the next.
    if (vectors.here > VECTORS + offset) continue;
    const body = row.vectors?.[offset];
    if (body) body(vectors);
    else vectors.wfi();
  }
  cpu.memory.load(VECTORS, vectors.assemble());
  const code = codeOf(row, times);
  cpu.memory.load(START, code.assemble());
  return code.here;
}

/** Runs a row from reset to its end: how many milliseconds of the processor that takes, and how many instructions. */
function run(cpu: Cpu, reset: CpuState, row: Row, times: number): Round {
  cpu.restore(reset);
  const end = load(cpu, row, times);
  const core = cpu.cores[0]!;
  core.setRegister(15, START);
  const before = process.cpuUsage();
  cpu.run(Infinity);
  const { user, system } = process.cpuUsage(before);
  const milliseconds = (user + system) / 1000;
  if (core.register(15) !== end)
    throw new Error(`${row.name} ended at ${hex(core.register(15))}, not at ${hex(end)}`);
  return { milliseconds, instructions: core.executed };
}

interface Round {
  readonly milliseconds: number;
  readonly instructions: number;
}

/** The fastest round of a row, and how many instructions it had. */
function measure(cpu: Cpu, reset: CpuState, row: Row): Round {
  let times = Math.ceil(FIRST / row.copies);
  // The host compiles what the row needs.
  run(cpu, reset, row, times);
  let fastest = run(cpu, reset, row, times);
  // Until what is measured is long enough.
  while (fastest.milliseconds < ROUND) {
    times = Math.ceil(times * Math.min(8, Math.max(1.2, (1.1 * ROUND) / fastest.milliseconds)));
    fastest = run(cpu, reset, row, times);
  }
  for (let round = 1; round < ROUNDS; round++) {
    const next = run(cpu, reset, row, times);
    if (next.milliseconds / next.instructions < fastest.milliseconds / fastest.instructions) fastest = next;
  }
  return fastest;
}

/**
 * Measures every row, or those whose name holds a text.
 * @returns the ALU's row first
 */
export async function measureInstructions(wanted = ''): Promise<Cost[]> {
  const cpu = await Cpu.create({
    ramSize: RAM,
    bus: { read: () => 0, write: () => undefined },
    mpidr: [FIRST_MPIDR],
    counter: steadyCounter(CRYSTAL_HZ),
    onTimer: () => undefined,
    onPmu: () => undefined,
  });
  const reset = cpu.save();
  const cost = ({ milliseconds, instructions }: Round): number => (milliseconds * 1e6) / instructions;
  const alu = rows.find(({ name }) => name === ALU)!;
  measure(cpu, reset, alu);
  const unit = cost(measure(cpu, reset, alu));
  return rows
    .filter((row) => row === alu || row.name.includes(wanted))
    .map((row) => {
      const round = measure(cpu, reset, row);
      const nanoseconds = cost(round);
      const { instructions } = round;
      return { name: row.name, nanoseconds, relative: nanoseconds / unit, instructions };
    });
}

/** A line a row. */
export function costLines(costs: readonly Cost[]): string[] {
  const width = Math.max(...costs.map(({ name }) => name.length));
  return costs.map(
    ({ name, nanoseconds, relative, instructions }) =>
      `  ${name.padEnd(width)}  ${nanoseconds.toFixed(1).padStart(7)} ns  ` +
      `${relative.toFixed(1).padStart(6)} × ${ALU}  ${(instructions / 1e6).toFixed(2).padStart(6)} million instructions`,
  );
}
