import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { randomWords, seed } from '../isa/generate.js';
import { type Case, classes, encodingsOf, makeCase } from './privileged-cases.js';
import { exempt } from './privileged-exemptions.js';
import { planHere, planInQemu } from './privileged-machines.js';
import { OUTPUT_NAMES } from './privileged-monitor.js';
import { hex } from '../support/hex.js';
import { memoryDifferences, outputsOf, placeOf, planOf } from './privileged-plan.js';
import { registerCase, registers } from './privileged-registers.js';
import { Draw } from './privileged-state.js';

beforeAll(() => ensureTools(['qemu-system-arm']), 300_000);

/** Cases for each encoding, and for each system register; PRIVILEGED_CASES asks for more. */
const COUNT = Number(process.env['PRIVILEGED_CASES'] ?? 40);

/** Cases that a class has at least: those of few encodings have more of each. */
const LEAST = 50 * COUNT;

/** For all cases of a class, in milliseconds; a machine that others use too is slow. */
const TIMEOUT = 120_000 + 3000 * COUNT;

/** One case as a line for people. */
function describeCase({ name, words, start }: Case): string {
  const { SPSR_mon: CPSR, SCR, HCR, HDCR, HSTR, HCPTR, pc } = start.inputs;
  const state = Object.entries({ pc, CPSR, SCR, HCR, HDCR, HSTR, HCPTR }).map(
    ([register, value]) => `${register} ${hex(value)}`,
  );
  return `${name} ${words.map(({ word }) => hex(word)).join(' ')} from ${state.join(' ')}`;
}

/** Runs cases here and in QEMU; tells what differs. */
async function compare(cases: readonly Case[], room: number): Promise<string[]> {
  const plan = planOf(cases, room);
  const [here, there] = [await planHere(plan), await planInQemu(plan)];
  const wrong: string[] = [];
  for (const [machine, { done }] of [
    ['here', here],
    ['QEMU', there],
  ] as const) {
    if (done < cases.length) wrong.push(`${machine}: stuck in case ${done}: ${describeCase(cases[done]!)}`);
  }
  for (let n = 0; n < Math.min(here.done, there.done); n++) {
    const one = cases[n]!;
    const [a, b] = [outputsOf(here, n, room), outputsOf(there, n, room)];
    const differs = OUTPUT_NAMES.filter(
      (name) => ((a[name] ^ b[name]) & ~(one.ignore?.[name] ?? 0)) !== 0 && !exempt(one.start, name, a, b),
    ).map((name) => `${name} here ${hex(a[name])}, QEMU ${hex(b[name])}`);
    differs.push(...memoryDifferences(here, there, n));
    if (differs.length) wrong.push(`case ${n}: ${describeCase(one)}: ${differs.join('; ')}`);
  }
  return wrong;
}

describe(`privileged code does what QEMU does (seed ${seed})`, () => {
  classes.forEach((kind, index) => {
    test(
      kind.name,
      async () => {
        const draw = new Draw(randomWords(100 + index));
        const encodings = encodingsOf(kind);
        const rounds = Math.max(COUNT, Math.ceil(LEAST / encodings.length));
        const room = encodings.length * rounds;
        const cases: Case[] = [];
        const reached = new Set<string>();
        for (let round = 0; round < rounds; round++) {
          for (const one of encodings) {
            const made = makeCase(draw, kind, one, placeOf(cases.length, room));
            if (!made) continue;
            reached.add(one.encoding.name);
            cases.push(made);
          }
        }
        const names = encodings.map(({ encoding }) => encoding.name);
        expect(names.filter((name) => !reached.has(name))).toEqual([]);
        const wrong = await compare(cases, room);
        expect(wrong.slice(0, 20), `${wrong.length} of ${cases.length} cases differ`).toEqual([]);
      },
      TIMEOUT,
    );
  });

  test(
    'system registers',
    async () => {
      const draw = new Draw(randomWords(200));
      const cases: Case[] = [];
      for (let round = 0; round < COUNT; round++)
        for (const register of registers) cases.push(registerCase(draw, register));
      const wrong = await compare(cases, cases.length);
      expect(wrong.slice(0, 20), `${wrong.length} of ${cases.length} cases differ`).toEqual([]);
    },
    TIMEOUT,
  );
});
