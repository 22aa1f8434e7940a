import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import * as L from '../../src/cpu/layout.js';
import { readCpsr, setFlags } from '../../src/cpu/modes.js';
import { slowInstruction, slowInstructions } from '../../src/cpu/slow/index.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import { decodeA32 } from '../../src/isa/decoder.js';
import type { Encoding } from '../../src/isa/encoding.js';
import { neon } from '../../src/isa/neon/index.js';
import { vfp } from '../../src/isa/vfp/index.js';
import { seed } from '../isa/generate.js';
import { hex } from '../support/hex.js';
import type { Case } from './extension-cases.js';
import {
  CORE_AT,
  extensionEncodings,
  extensionOperations,
  FLAGS_AT,
  FPSCR_AT,
  makeCases,
  STATE_WORDS,
} from './extension-cases.js';
import type { Program } from './machines.js';
import { ramWords } from '../support/ram.js';
import { LOAD_ADDRESS, runInQemu, userCpu } from './machines.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

/** Cases for each encoding; CPU_CASES asks for more. */
const COUNT = Number(process.env['CPU_CASES'] ?? 200);
/** Cases in one program. */
const BATCH = 40;

const FLAGS = 0xf0000000;
const FPEXC_EN = 1 << 30;

/** Does a case with the function of its operation; gives the state after it. */
function runCase(cpu: Cpu, { word, state, address }: Case): Uint32Array {
  const { machine: m } = cpu;
  const memory = ramWords(cpu, address, state.length);
  memory.set(state);
  m.u32.set(state.subarray(0, 64), L.D0 >>> 2);
  m.u32[L.FPSCR >>> 2] = state[FPSCR_AT]!;
  setFlags(m, state[FLAGS_AT]!);
  for (let r = 0; r < 13; r++) m.u32[r] = state[CORE_AT + r]!;
  m.u32[14] = state[CORE_AT + 13]!;
  const { encoding, fields } = decodeA32(word)!;
  const execute = slowInstruction(encoding.operation)!;
  execute(m, fields, { word, encoding, fields, execute });
  memory.set(m.u32.subarray(L.D0 >>> 2, (L.D0 >>> 2) + 64));
  memory[FPSCR_AT] = m.u32[L.FPSCR >>> 2]!;
  memory[FLAGS_AT] = readCpsr(m);
  for (let r = 0; r < 13; r++) memory[CORE_AT + r] = m.u32[r]!;
  memory[CORE_AT + 13] = m.u32[14]!;
  return memory.slice();
}

function differences({ state }: Case, here: Uint32Array, there: Uint32Array): string[] {
  const result: string[] = [];
  for (let i = 0; i < here.length; i++) {
    const mask = i === FLAGS_AT ? FLAGS : 0xffffffff;
    if (((here[i]! ^ there[i]!) & mask) === 0) continue;
    const name =
      i < 64
        ? `d${i >> 1}[${i & 1}]`
        : i === FPSCR_AT
          ? 'FPSCR'
          : i === FLAGS_AT
            ? 'flags'
            : i < STATE_WORDS
              ? `r${i - CORE_AT}`
              : `memory+${(i - STATE_WORDS) * 4}`;
    result.push(`${name} was ${hex(state[i]!)}, here ${hex(here[i]!)}, QEMU ${hex(there[i]!)}`);
  }
  return result;
}

async function wrongCases(encodings: readonly Encoding[], salt: number): Promise<string[]> {
  const cpu = await userCpu();
  cpu.machine.u32[L.FPEXC >>> 2] = FPEXC_EN;
  const wrong: string[] = [];
  for (let i = 0; i < encodings.length; i += BATCH) {
    const { cases, built } = makeCases(encodings.slice(i, i + BATCH), COUNT, salt + i);
    const reached = new Set(cases.map(({ encoding }) => encoding));
    for (const encoding of encodings.slice(i, i + BATCH))
      if (!reached.has(encoding)) wrong.push(`${encoding.name} was not reached`);
    const there = runInQemu(built);
    const start = LOAD_ADDRESS + built.data;
    for (const it of cases) {
      const at = (it.address - start) / 4;
      const here = runCase(cpu, it);
      const differs = differences(it, here, there.subarray(at, at + here.length));
      if (differs.length) {
        const fields = JSON.stringify(decodeA32(it.word)!.fields);
        const before = `FPSCR ${hex(it.state[FPSCR_AT]!)}`;
        wrong.push(`${it.encoding.name} ${hex(it.word)} ${fields} ${before}: ${differs.join('; ')}`);
      }
    }
  }
  return wrong;
}

/** Runs a program in the processor itself, up to its first SVC. */
async function runInCpu({ image, data }: Program): Promise<Uint32Array> {
  const cpu = await userCpu();
  const { machine: m } = cpu;
  m.u32[L.FPEXC >>> 2] = FPEXC_EN;
  cpu.memory.load(LOAD_ADDRESS, image);
  m.u32[L.PC >>> 2] = LOAD_ADDRESS;
  expect(cpu.run(2e9)).toBe('idle');
  // Behind the WFI of the SVC vector.
  expect(m.u32[L.PC >>> 2]).toBe(0x0c);
  return new Uint32Array(cpu.memory.observe(LOAD_ADDRESS + data, image.length - data).slice().buffer);
}

/** Cases for each T32 encoding: they run as whole programs, which takes longer. */
const T32_COUNT = Math.ceil(COUNT / 10);

test.each([
  ['A32', 'a32' as const, extensionEncodings, 4],
  [
    'T32',
    't32' as const,
    t32Encodings.filter(({ operation }) => extensionOperations.has(operation)),
    T32_COUNT,
  ],
])(
  'whole programs in %s end alike, run by the processor and by qemu-arm',
  async (_, set, encodings, count) => {
    const wrong: string[] = [];
    for (let i = 0; i < encodings.length; i += BATCH) {
      const batch = encodings.slice(i, i + BATCH);
      const { cases, built } = makeCases(batch, count, 33 + i, set);
      const reached = new Set(cases.map(({ encoding }) => encoding));
      for (const encoding of batch)
        if (!reached.has(encoding)) wrong.push(`${encoding.name} was not reached`);
      const [here, there] = [await runInCpu(built), runInQemu(built)];
      const start = LOAD_ADDRESS + built.data;
      for (const it of cases) {
        const at = (it.address - start) / 4;
        const [ours, theirs] = [here, there].map((data) => data.subarray(at, at + it.state.length));
        const differs = differences(it, ours!, theirs!);
        if (differs.length) wrong.push(`${it.encoding.name} ${hex(it.word)}: ${differs.join('; ')}`);
      }
    }
    expect(wrong.slice(0, 20)).toEqual([]);
  },
  300_000,
);

describe(`what qemu-arm does (ARM_SEED=${seed})`, () => {
  test.each([
    ['floating-point', vfp, 31],
    ['Advanced SIMD', neon, 32],
  ])(
    '%s does the same',
    async (_, table, salt) => {
      const encodings = extensionEncodings.filter(({ name }) => name in table);
      expect(
        encodings.filter(({ operation }) => !(operation in slowInstructions)).map(({ name }) => name),
      ).toEqual([]);
      const wrong = await wrongCases(encodings, salt);
      expect(wrong.slice(0, Number(process.env['SHOWN'] ?? 20))).toEqual([]);
      expect(wrong.length).toBe(0);
    },
    300_000,
  );
});
