import { expect, test } from 'vitest';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { guest, handoverOf, quietHost, smallImage } from './payloads.js';
import { ROUNDS, WRONG, witness, wrongs } from './witness.js';
import { HYP, watchWorlds } from './worlds.js';
import { steadyCounter } from '../support/counter.js';
import { ramView } from '../support/ram.js';

const PREEMPTIONS = 1000;
/** Instructions between two looks at all registers: two in a slice and more. */
const SPIN = 16_000;
/** The system counter of this machine, so much faster than the board's: a slice is 50 µs of virtual time. */
const COUNTER = 1_920_000_000;
const CORE = 3;

test('a thousand preemptions: both guests keep every register, and half of the core', async () => {
  const image = smallImage(quietHost, [guest(witness(1, SPIN)), guest(witness(2, SPIN))]);
  const worlds = watchWorlds();
  const pi = await createBuiltInPi(handoverOf(image), () => undefined, [worlds.observe]);
  Object.assign(pi.cpu.machine, { counter: steadyCounter(COUNTER) });
  while (worlds.switches(CORE) < PREEMPTIONS && pi.cpu.time < 200_000_000) pi.run(pi.cpu.time + 1_000_000);
  expect(worlds.switches(CORE)).toBeGreaterThanOrEqual(PREEMPTIONS);
  const view = ramView(pi.cpu);
  const word = (n: number, at: number): number => view.getUint32(image.guestMemory[n]! + at, true);
  expect([0, 1].map((n) => wrongs[word(n, WRONG)])).toEqual(['nothing', 'nothing']);
  // Each has looked at least as often as it was preempted.
  for (const n of [0, 1]) expect(word(n, ROUNDS)).toBeGreaterThan(PREEMPTIONS / 2);
  const [first, second] = [worlds.instructions(CORE, 1), worlds.instructions(CORE, 2)];
  expect(first / (first + second)).toBeGreaterThan(0.48);
  expect(first / (first + second)).toBeLessThan(0.52);
  expect(worlds.instructions(CORE, HYP) / (first + second)).toBeLessThan(0.2);
  expect(worlds.wrong).toEqual([]);
}, 120_000);
