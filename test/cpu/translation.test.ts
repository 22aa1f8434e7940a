/**
 * Address translation, its faults and what they leave, the ATS operations and TLB maintenance: generated cases, run
 * here and in QEMU (ARM ARM chapter B3).
 */
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { seed } from '../isa/generate.js';
import { type Format, type GeneratedCase, type Regime, TranslationCases } from './translation-cases.js';
import { differences, landing } from './translation-compare.js';
import { exemptions } from './translation-exemptions.js';
import { describe as inWords, MOST_CASES, runBoth } from './translation-harness.js';

beforeAll(() => ensureTools(['qemu-system-arm']), 300_000);

/** Cases for each way of translating in each class; CPU_CASES asks for more. */
const COUNT = Math.round(Number(process.env['CPU_CASES'] ?? 60) * 2.5);

type Scene = readonly [regime: Regime, format: Format, stage2: boolean];
const SCENES: readonly Scene[] = [
  ['secure', 'off', false],
  ['secure', 'short', false],
  ['secure', 'long', false],
  ['non-secure', 'off', true],
  ['non-secure', 'short', false],
  ['non-secure', 'short', true],
  ['non-secure', 'long', false],
  ['non-secure', 'long', true],
  ['hyp', 'off', false],
  ['hyp', 'long', false],
];
const shown = ([regime, format, stage2]: Scene): string =>
  `${regime}, ${format}${stage2 ? ' and stage 2' : ''}`;

/** Runs cases, COUNT times those that `make` gives for each scene; every difference must have its exemption. */
async function compare(
  salt: number,
  scenes: readonly Scene[],
  make: (maker: TranslationCases, scene: Scene) => GeneratedCase[],
): Promise<void> {
  const maker = new TranslationCases(salt);
  const most = Math.min(4000, MOST_CASES);
  const wrong: string[] = [];
  /** How often each scene's snippet came to its end, and how often it faulted. */
  const outcomes = new Map(scenes.map((scene) => [shown(scene), { went: 0, faulted: 0 }]));
  let excused = 0;
  let total = 0;
  for (let round = 0; round < COUNT;) {
    const tables = maker.memory.words.slice();
    const cases: GeneratedCase[] = [];
    const sceneOf: string[] = [];
    for (; round < COUNT && cases.length < most - 4 * scenes.length; round++) {
      for (const scene of scenes) {
        const made = make(maker, scene);
        cases.push(...made);
        for (let i = 0; i < made.length; i++) sceneOf.push(shown(scene));
      }
    }
    total += cases.length;
    const { here, there } = await runBoth(cases, tables);
    // Memory that an exempt case left different: what later cases find there says nothing.
    const left = new Set<number>();
    cases.forEach((it, i) => {
      const [mine, theirs] = [here[i]!, there[i]!];
      const { vector } = landing(mine);
      const outcome = outcomes.get(sceneOf[i]!)!;
      // From User mode the end is an SVC.
      if (mine.monitorVector === 8 && (vector === -1 || vector === 8)) outcome.went++;
      else outcome.faulted++;
      const found = differences(it, mine, theirs);
      if (found.size === 0) return;
      const lines = it.probes.flatMap((probe) => [probe, probe + 32]);
      if (lines.some((line) => left.has(line))) excused++;
      else if (exemptions.some(({ explains }) => explains(it, mine, theirs, new Set(found.keys())))) {
        excused++;
        for (const line of lines) left.add(line);
      } else wrong.push(`${[...found.values()].join('; ')}\n  ${inWords(it)}`);
    });
  }
  expect(wrong.slice(0, 10)).toEqual([]);
  // A comparison in which next to nothing happens, or much is exempt, shows little.
  expect(excused / total).toBeLessThan(0.08);
  for (const [scene, { went, faulted }] of outcomes) {
    expect(went, `${scene}: went through`).toBeGreaterThan(COUNT / 20);
    if (make !== ats) expect(faulted, `${scene}: faulted`).toBeGreaterThan(0);
  }
}

const ats = (maker: TranslationCases, scene: Scene): GeneratedCase[] => [maker.translation(...scene)];
const translated = SCENES.filter(([, format]) => format !== 'off');

describe(`as QEMU's raspi2b does it (seed ${seed})`, () => {
  test('loads and stores of A32 and T32', async () => {
    await compare(11, SCENES, (maker, scene) => [maker.access(...scene)]);
  }, 1_200_000);

  test('fetches of instructions', async () => {
    // Without translation there is nothing to refuse a fetch.
    await compare(12, translated, (maker, scene) => [maker.fetch(...scene)]);
  }, 1_200_000);

  test('the ATS operations', async () => {
    await compare(13, SCENES, ats);
  }, 1_200_000);

  test('after TLB maintenance, with other ASIDs and VMIDs, and where a fault was mended', async () => {
    await compare(14, translated, (maker, [regime, format, stage2]) =>
      maker.change(regime, format === 'short' ? 'short' : 'long', stage2),
    );
  }, 1_200_000);
});
