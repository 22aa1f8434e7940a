/** Translated code does what the interpreter does, to the same instruction: loops and branches of all kinds. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { lsl, r0, r1, r2, r3, r4, r5, r6, r7, r8, r9, r10, type Register } from '../../src/isa/registers.js';
import '../support/seed.js';
import { ramWords } from '../support/ram.js';
import { bareCpu, constant } from './machines.js';

const RAM_SIZE = 0x3_0000;
const CODE = 0x8000;
const DATA = 0x2_0000;
const BLOCKS = 8;
/** After an exception it goes on behind the instruction: nothing; MOVS PC, LR; the same; SUBS PC, LR, #4; of those four. */
const VECTORS = Uint8Array.from(
  new Uint8Array(Uint32Array.of(0, 0xe1b0f00e, 0xe1b0f00e, 0xe25ef004, 0xe25ef004).buffer),
);

/** What a block may do with the registers R0 to R7; R8 is where data are, R9 where code is. */
const acts: readonly ((a: Assembler, n: number, d: Register, s: Register) => void)[] = [
  (a, n, d, s) => {
    a.add(d, s, n);
  },
  (a, n, d, s) => {
    a.subs(d, s, n);
  },
  (a, n, d, s) => {
    a.adds(d, d, s);
  },
  (a, n, d, s) => {
    a.adc(d, d, s);
  },
  (a, n, d, s) => {
    a.sbcs(d, s, n);
  },
  (a, n, d, s) => {
    a.rscs(d, d, s);
  },
  (a, n, d, s) => {
    a.eor(d, d, s, lsl(1 + (n % 31)));
  },
  (a, n, d, s) => {
    a.ands(d, s, n);
  },
  (a, n, d, s) => {
    a.lsrs(d, s, 1 + (n % 31));
  },
  (a, n, d, s) => {
    a.cmp(d, s);
  },
  (a, n, d) => {
    a.cmn(d, n);
  },
  (a, n, d, s) => {
    a.tst(d, s);
  },
  // Conditional, with flags set meanwhile.
  (a, n, d, s) => {
    a.cmp(d, n);
    a.cmpne(s, 3);
    a.addlt(d, d, 7);
    a.movhi(s, n);
  },
  (a, n, d, s) => {
    a.subsge(d, s, n);
    a.orrvs(d, d, 1);
    a.rsbpl(s, d, n);
  },
  (a, n, d, s) => {
    a.mul(d, d, s);
  },
  (a, n, d, s) => {
    a.umull(r6, r7, d, s);
  },
  (a, n, d, s) => {
    a.udiv(d, s, d);
  },
  (a, n, d) => {
    a.str(d, [r8, (n * 4) % 64]);
  },
  (a, n, d) => {
    a.ldr(d, [r8, (n * 4) % 64]);
  },
  (a, n, d) => {
    a.strb(d, [r8, n]);
  },
  (a, n, d) => {
    a.ldrsb(d, [r8, n]);
  },
  (a, n, d) => {
    a.ldrh(d, [r8, (n * 2) % 128]);
  },
  // Not aligned, and up to the end of the page and beyond.
  (a, n, d) => {
    a.ldr(d, [r8, n]);
  },
  (a, n, d) => {
    a.str(d, [r8, 0xe00 + n * 2]);
  },
  (a) => {
    a.stm(r8, [r0, r1, r2, r3]);
    a.ldm(r8, [r4, r5]);
  },
  // Over the code that runs: what is there already, and an instruction that was another.
  (a, n, d) => {
    a.ldr(d, [r9, (n % 4) * 4]);
    a.str(d, [r9, (n % 4) * 4]);
  },
  (a, n, d) => {
    a.ldr(d, [r9, 4]);
    a.eor(d, d, 1);
    a.str(d, [r9, 4]);
  },
  // What only the interpreter does.
  (a, n, d, s) => {
    a.uadd8(d, d, s);
  },
  (a, n, d) => {
    a.clz(d, d);
  },
];

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

interface Act {
  readonly kind: number;
  readonly n: number;
  readonly d: number;
  readonly s: number;
}
interface Block {
  readonly acts: readonly Act[];
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
function programOf(blocks: readonly Block[]): Uint8Array {
  const a = assembler(CODE);
  const patched = a.label('patched');
  for (const [n, address] of [DATA, CODE + 0x100].entries()) a.word(...constant(8 + n, address));
  while (a.here < CODE + 0x100) a.add(r10, r10, 1);
  a.at(patched);
  for (let i = 0; i < 4; i++) a.add(r5, r5, 1 + i);
  const labels = blocks.map((_, i) => a.label(`block ${i}`));
  for (const [i, { acts: them, condition, to, or, isCall }] of blocks.entries()) {
    a.at(labels[i]!);
    for (const { kind, n, d, s } of them)
      acts[kind % acts.length]!(a, n, registers[d % registers.length]!, registers[s % registers.length]!);
    a[conditions[condition % conditions.length]!](labels[to]!);
    if (isCall) a.bl(or % 2 ? patched : labels[or]!);
    else a.b(labels[or]!);
  }
  a.b(patched);
  return a.assemble();
}

/** Of words, FNV-1a. */
const hashOf = (words: Uint32Array): number =>
  words.reduce((hash, it) => Math.imul(hash ^ it, 0x0100_0193), 0);

/** A core's registers, as far as they mean something between instructions. */
function stateOf(cpu: Cpu): object {
  const { u32 } = cpu.machine;
  const words = [...u32.subarray(0, L.TEMP / 4), ...u32.subarray(L.N / 4, L.PAGE / 4)];
  return { time: cpu.reached, words, budget: u32[L.BUDGET / 4], ram: hashOf(ramWords(cpu)) };
}

const STRETCHES = [1, 97, 4999, 5000, 5001, 20_011, 3, 30_000];

test('programs of loops and branches, that change themselves, end each stretch in the same state', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(block, { minLength: BLOCKS, maxLength: BLOCKS }), async (blocks) => {
      const code = programOf(blocks);
      const make = async (translates: 'always' | 'never'): Promise<Cpu> => {
        const cpu = await bareCpu({ ramSize: RAM_SIZE });
        cpu.translates = translates;
        cpu.memory.load(0, VECTORS);
        cpu.memory.load(CODE, code);
        cpu.machine.u32[L.PC / 4] = CODE;
        return cpu;
      };
      const [translated, interpreted] = [await make('always'), await make('never')];
      for (const stretch of STRETCHES) {
        for (const cpu of [translated, interpreted]) cpu.run(cpu.time + stretch);
        const state = stateOf(interpreted);
        expect(stateOf(translated)).toEqual(state);
      }
    }),
    { numRuns: Number(process.env['CPU_PROGRAMS'] ?? 12), endOnFailure: true },
  );
}, 120_000);
