/** Translated code does what the interpreter does, to the same instruction: loops and branches of all kinds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { blockAt } from '../../src/cpu/blocks.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { assembler } from '../../src/isa/assembler.js';
import { FZ, IXC, RMODE_LOW } from '../../src/isa/fpscr-masks.js';
import { d, s } from '../../src/isa/extension-registers.js';
import { type Label, r0, r1, r2, r3, r4, r5, r6, r7, r10 } from '../../src/isa/registers.js';
import '../support/seed.js';
import { ramWords } from '../support/ram.js';
import { bareCpu, constant } from './machines.js';
import { acts, names, stateOf } from './to-wasm-acts.js';

const RAM_SIZE = 0x3_0000;
const CODE = 0x8000;
const DATA = 0x2_0000;
const BLOCKS = 8;
/** After an exception it goes on behind the instruction: nothing; MOVS PC, LR; the same; SUBS PC, LR, #4; of those four. */
const VECTORS = Uint8Array.from(
  new Uint8Array(Uint32Array.of(0, 0xe1b0f00e, 0xe1b0f00e, 0xe25ef004, 0xe25ef004).buffer),
);

/** Of doubles, and two singles each: numbers of all kinds. */
const NUMBERS = [
  1,
  -1.5,
  0,
  -0,
  3e-310,
  1e308,
  -1e308,
  1 / 3,
  2 ** 60,
  NaN,
  Infinity,
  1e-300,
  0x7f7f_ffff,
  1e-38,
];
const FLAG_V = 1 << 28;
const FPSCRS = [IXC, IXC, IXC, 0, IXC | FZ, IXC | (1 << RMODE_LOW), IXC | FLAG_V];
const FPEXC_EN = 1 << 30;
const CPACR_ALL = 0x00f0_0000;

const conditions = [
  'beq',
  'bne',
  'bhs',
  'blo',
  'bmi',
  'bpl',
  'bvs',
  'bvc',
  'bhi',
  'bls',
  'bge',
  'blt',
  'bgt',
  'ble',
] as const;
const registers = [r0, r1, r2, r3, r4, r5, r6, r7] as const;

interface ActOf {
  readonly kind: number;
  readonly n: number;
  readonly d: number;
  readonly s: number;
}
interface Block {
  readonly acts: readonly ActOf[];
  readonly condition: number;
  /** Where it goes where the condition holds, and where not. */
  readonly to: number;
  readonly or: number;
  readonly isCall: boolean;
}

const act = fc.record({ kind: fc.nat(999), n: fc.nat(255), d: fc.nat(999), s: fc.nat(999) });
const block = fc.record({
  acts: fc.array(act, { minLength: 1, maxLength: 6 }),
  condition: fc.nat(999),
  to: fc.nat(BLOCKS - 1),
  or: fc.nat(BLOCKS - 1),
  isCall: fc.boolean(),
});

/** Blocks that branch to one another for ever. */
function programOf(blocks: readonly Block[]): { code: Uint8Array; starts: readonly number[] } {
  const a = assembler(CODE);
  const patched = a.label('patched');
  for (const [n, address] of [DATA, CODE + 0x100].entries()) a.word(...constant(8 + n, address));
  while (a.here < CODE + 0x100) a.add(r10, r10, 1);
  a.at(patched);
  for (let i = 0; i < 4; i++) a.add(r5, r5, 1 + i);
  const labels = blocks.map((_, i) => a.label(`block ${i}`));
  const starts: number[] = [];
  for (const [i, { acts: them, condition, to, or, isCall }] of blocks.entries()) {
    a.at(labels[i]!);
    starts.push(a.here);
    for (const { kind, n, d, s } of them)
      acts[kind % acts.length]!(a, n, registers[d % registers.length]!, registers[s % registers.length]!);
    a[conditions[condition % conditions.length]!](labels[to]!);
    if (isCall) a.bl(or % 2 ? patched : labels[or]!);
    else a.b(labels[or]!);
  }
  a.b(patched);
  return { code: a.assemble(), starts };
}

const programs = fc.array(block, { minLength: BLOCKS, maxLength: BLOCKS });
const numbers = fc.array(fc.constantFrom(...NUMBERS), { minLength: 16, maxLength: 16 });
const STRETCHES = [1, 97, 4999, 5000, 5001, 20_011, 3, 30_000];

test('programs of loops and branches, that change themselves, end each stretch in the same state', async () => {
  await fc.assert(
    fc.asyncProperty(
      programs,
      fc.constantFrom(...FPSCRS),
      numbers,
      fc.constantFrom(1, 2, 3, 5),
      async (blocks, fpscr, values, comings) => {
        const { code, starts } = programOf(blocks);
        const make = async (translates: number | 'never'): Promise<Cpu> => {
          const cpu = await bareCpu({ ramSize: RAM_SIZE });
          cpu.translates = translates;
          cpu.memory.load(0, VECTORS);
          cpu.memory.load(CODE, code);
          const { u8, u32, core } = cpu.machine;
          core.CPACR = CPACR_ALL;
          u32[L.PC / 4] = CODE;
          u32[L.FPEXC / 4] = FPEXC_EN;
          u32[L.FPSCR / 4] = fpscr;
          new Float64Array(u8.buffer, L.D0, 16).set(values);
          // All blocks are known, and become parts of units, whether they were come to or not.
          for (const start of starts) blockAt(cpu.machine, start);
          return cpu;
        };
        const [translated, interpreted] = [await make(comings), await make('never')];
        for (const stretch of STRETCHES) {
          for (const cpu of [translated, interpreted]) cpu.run(cpu.time + stretch);
          const state = stateOf(interpreted, ramWords(interpreted));
          expect(stateOf(translated, ramWords(translated))).toEqual(state);
        }
      },
    ),
    { numRuns: Number(process.env['CPU_PROGRAMS'] ?? 30), endOnFailure: true },
  );
}, 120_000);

/** A program where what is hot is translated, beside the same interpreted: both run for as many instructions, and are compared. */
async function beside(
  code: Uint8Array,
): Promise<{ readonly translated: Cpu; readonly run: (instructions: number) => void }> {
  const make = async (translates: 'hot' | 'never'): Promise<Cpu> => {
    const cpu = await bareCpu({ ramSize: RAM_SIZE });
    cpu.translates = translates;
    cpu.memory.load(CODE, code);
    cpu.machine.u32[L.PC / 4] = CODE;
    return cpu;
  };
  const [translated, interpreted] = [await make('hot'), await make('never')];
  return {
    translated,
    run: (instructions) => {
      for (const cpu of [translated, interpreted]) cpu.run(cpu.time + instructions);
      expect(stateOf(translated, ramWords(translated))).toEqual(stateOf(interpreted, ramWords(interpreted)));
    },
  };
}

test('a unit that is left by a way that was not known is translated again, with that way', async () => {
  const a = assembler(CODE);
  const [again, other] = ['again', 'other'].map((name) => a.label(name)) as [Label, Label];
  const FIRST = 1 << 20;
  a.at(again);
  const head = a.here;
  a.add(r0, r0, 1);
  a.cmp(r0, FIRST);
  a.bhi(other);
  a.add(r1, r1, 3);
  a.b(again);
  a.at(other);
  a.eor(r1, r1, r0);
  a.b(again);
  const { translated, run } = await beside(a.assemble());
  const both = (instructions: number): number | undefined => {
    run(instructions);
    return translated.machine.slots.waysOf(blockAt(translated.machine, head));
  };
  // Back to its head; then to the other block, and back from there, too.
  expect(both(5 * (FIRST - 100))).toBe(1);
  expect(both(5 * (L.STALE - 100))).toBe(1);
  expect(both(5 * FIRST)).toBe(3);
}, 60_000);

test('a long way that is no loop of its own, as a unit does not do all of it, becomes one unit', async () => {
  const a = assembler(CODE);
  const again = a.label('again');
  a.at(again);
  const head = a.here;
  const LENGTH = 400;
  for (let i = 0; i < LENGTH / 4; i++) {
    a.add(r0, r0, i);
    a.eor(r1, r1, r0);
    a.adds(r2, r2, r1);
    a.adc(r3, r3, r2);
  }
  const last = a.here;
  a.sev();
  a.b(again);
  const { translated, run } = await beside(a.assemble());
  const { slots } = translated.machine;
  const rounds = (count: number): (number | undefined)[] => {
    run(count * (LENGTH + 2));
    return [head, last].map((at) => slots.waysOf(blockAt(translated.machine, at)));
  };
  expect(rounds(2500)).toEqual([undefined, undefined]);
  const [ways] = rounds(40_000);
  expect(ways).toBeGreaterThanOrEqual(Math.ceil(LENGTH / 128) - 1);
  // Its blocks are not translated once more, each with those behind it.
  const units = Array.from({ length: 16 }, (_, i) => slots.table.get(i)).filter((it) => it !== null);
  expect(units).toHaveLength(1);
  rounds(100);
}, 60_000);

test('sums and products of all kinds of numbers raise what they raise in the interpreter', async () => {
  const some = [...NUMBERS, 2 ** -1022, 2 ** -537, 1e-20, -(2 ** 1000)];
  const singles = new Float32Array([
    1,
    -1.5,
    0,
    1e-45,
    3e38,
    1 / 3,
    NaN,
    -Infinity,
    2 ** -126,
    2 ** -75,
    1e-19,
  ]);
  for (const size of ['f64', 'f32'] as const) {
    const a = assembler(CODE);
    const starts = names.map((name) => {
      const at = a.label(name);
      a.at(at);
      const start = a.here;
      if (size === 'f64') a[`${name}.f64`](d(0), d(1), d(2));
      else a[`${name}.f32`](s(0), s(2), s(4));
      a.b(at);
      return start;
    });
    const code = a.assemble();
    const make = async (translates: 1 | 'never'): Promise<Cpu> => {
      const cpu = await bareCpu({ ramSize: RAM_SIZE });
      cpu.translates = translates;
      cpu.memory.load(CODE, code);
      cpu.machine.core.CPACR = CPACR_ALL;
      cpu.machine.u32[L.FPEXC / 4] = FPEXC_EN;
      return cpu;
    };
    const cpus = [await make(1), await make('never')];
    const values = size === 'f64' ? some : [...singles];
    const run = (cpu: Cpu, start: number, fpscr: number, numbersOf: readonly number[]): unknown => {
      const { u8, u32 } = cpu.machine;
      numbersOf.forEach((it, i) => {
        if (size === 'f64') new Float64Array(u8.buffer, L.D0, 3)[i] = it;
        else new Float32Array(u8.buffer, L.D0, 5)[2 * i] = it;
      });
      u32[L.FPSCR / 4] = fpscr;
      u32[L.PC / 4] = start;
      cpu.run(cpu.time + 1);
      return [u32[L.D0 / 4], u32[L.D0 / 4 + 1], u32[L.FPSCR / 4]];
    };
    for (const start of starts)
      for (const fpscr of new Set(FPSCRS))
        for (const x of values)
          for (const y of values)
            for (const addend of values.slice(0, 6)) {
              const [translated, interpreted] = cpus.map((it) => run(it, start, fpscr, [addend, x, y]));
              if (JSON.stringify(translated) !== JSON.stringify(interpreted))
                expect([start, fpscr, addend, x, y, translated]).toEqual([
                  start,
                  fpscr,
                  addend,
                  x,
                  y,
                  interpreted,
                ]);
            }
  }
}, 120_000);
