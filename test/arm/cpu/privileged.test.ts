import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../../scripts/lib/tools.js';
import { randomWords, seed } from '../generate.js';
import { type Case, classes, encodingsOf, makeCase } from './privileged-cases.js';
import { planHere, planInQemu } from './privileged-machines.js';
import { hex, memoryDifferences, outputsOf, placeOf, planOf } from './privileged-plan.js';
import { exempt } from './privileged-exemptions.js';
import { OUTPUT_NAMES } from './privileged-monitor.js';
import { Draw } from './privileged-state.js';

beforeAll(() => ensureTools(['qemu-system-arm']), 300_000);

/** Cases for each encoding; PRIVILEGED_CASES asks for more. */
const COUNT = Number(process.env['PRIVILEGED_CASES'] ?? 40);

/** One case as a line for people. */
function describeCase({ name, words, start }: Case): string {
  const state = `${start.nonSecure ? 'Non-secure' : 'Secure'} mode ${start.mode.toString(16)}`;
  return `${name} ${words.map(({ word }) => word.toString(16)).join(' ')} in ${state}`;
}

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
    const differs = OUTPUT_NAMES.filter((name) => a[name] !== b[name] && !exempt(name, a, b)).map(
      (name) => `${name} here ${hex(a[name])}, QEMU ${hex(b[name])}`,
    );
    differs.push(...memoryDifferences(here, there, n));
    if (differs.length)
      wrong.push(
        `${n}: ${describeCase(one)}: ${differs.join('; ')}; inputs ${JSON.stringify(one.start.inputs, (_, value: unknown) => (typeof value === 'number' ? hex(value) : value))}`,
      );
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
        const room = encodings.length * COUNT;
        const cases: Case[] = [];
        const reached = new Set<string>();
        for (let round = 0; round < COUNT; round++) {
          for (const one of encodings) {
            const made = makeCase(draw, kind, one, placeOf(cases.length, room));
            if (!made) continue;
            reached.add(one.encoding.name);
            cases.push(made);
          }
        }
        expect(
          encodings.filter(({ encoding }) => !reached.has(encoding.name)).map((it) => it.encoding.name),
        ).toEqual([]);
        const wrong = await compare(cases, room);
        expect(wrong.slice(0, 20), `${wrong.length} of ${cases.length} cases differ`).toEqual([]);
      },
      120_000,
    );
  });
});
