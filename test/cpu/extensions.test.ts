import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import * as L from '../../src/cpu/layout.js';
import { slowInstructions } from '../../src/cpu/slow/index.js';
import { t32Encodings } from '../../src/isa/t32/index.js';
import { decodeA32 } from '../../src/isa/decoder.js';
import type { Encoding } from '../../src/isa/encoding.js';
import { neon } from '../../src/isa/neon/index.js';
import { vfp } from '../../src/isa/vfp/index.js';
import { seed } from '../isa/generate.js';
import { hex } from '../support/hex.js';
import {
  differences,
  extensionEncodings,
  extensionOperations,
  FPSCR_AT,
  makeCases,
  runCase,
} from './extension-cases.js';
import type { Program } from './machines.js';
import { LOAD_ADDRESS, runInQemu, userCpu } from './machines.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

/** Cases for each encoding; CPU_CASES asks for more. */
const COUNT = Number(process.env['CPU_CASES'] ?? 200);
/** Cases in one program. */
const BATCH = 40;

const FPEXC_EN = 1 << 30;

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
      const differs = differences(it, here, there.subarray(at, at + here.length), 'QEMU');
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
async function runInCpu({ image, data }: Program, translates: 1 | 'never' = 'never'): Promise<Uint32Array> {
  const cpu = await userCpu();
  cpu.translates = translates;
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
      expect(await runInCpu(built, 1)).toEqual(here);
      const start = LOAD_ADDRESS + built.data;
      for (const it of cases) {
        const at = (it.address - start) / 4;
        const [ours, theirs] = [here, there].map((data) => data.subarray(at, at + it.state.length));
        const differs = differences(it, ours!, theirs!, 'QEMU');
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
