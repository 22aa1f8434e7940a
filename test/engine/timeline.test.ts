import { expect, test } from 'vitest';
import { r3 } from '../../src/isa/registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { drawTimeline } from '../../src/engine/draw-timeline.js';
import type { Timeline } from '../../src/engine/machine-report.js';
import { recordTimeline } from '../../src/engine/timeline.js';
import { bareGuest } from '../support/bare-guest.js';
import { handoverOf } from '../support/handover.js';

/** A guest whose core 0 spends `rounds` times two instructions in SVC mode, three times as much in IRQ mode, then sleeps. */
function guest(rounds: number): Uint8Array {
  return bareGuest((a) => {
    const spend = (count: number, name: string): void => {
      const again = a.label(name);
      a.mov(r3, count);
      a.at(again);
      a.subs(r3, r3, 1);
      a.bne(again);
    };
    spend(rounds, 'svc');
    a.cps(18);
    spend(3 * rounds, 'irq');
    const end = a.label('end');
    a.at(end);
    a.wfi();
    a.b(end);
  });
}

/** Nanoseconds in which the other cores may not sleep yet. */
const SHARED = 5000;

const SVC = { mode: 'svc', secure: true };
const IRQ = { mode: 'irq', secure: true };
const WAITING = { mode: 'waiting', secure: true };

test.each([0x1_0000, 0x20_0000])('modes over time, to the resolution: %i rounds', async (rounds) => {
  const pi = await createBuiltInPi(handoverOf([0, guest(rounds)]), () => undefined, [recordTimeline]);
  const life = 10 * rounds;
  pi.run(life);
  const { timeline } = pi.report();
  const { nanoseconds, resolution, activities, cores } = timeline!;
  expect(nanoseconds).toBe(life);
  // 1024 pieces at most, however long it runs.
  expect(resolution).toBeGreaterThanOrEqual(life / 1024);
  expect(resolution).toBeLessThanOrEqual(Math.max(1000, life / 512));
  const [first, second] = [cores[0]!, cores[1]!];
  // An instruction takes a nanosecond once the others sleep; until then they share the time.
  expect(first.first.map(({ activity }) => activities[activity])).toEqual([SVC, IRQ, WAITING]);
  const [, irq, asleep] = first.first.map(({ at }) => at);
  expect(Math.abs(irq! - 2 * rounds)).toBeLessThan(SHARED);
  expect(Math.abs(asleep! - 8 * rounds)).toBeLessThan(SHARED);
  expect(first.spans.map(({ activity }) => activities[activity])).toEqual([SVC, IRQ, WAITING]);
  const from = first.spans.map((span) => span.from);
  expect(from[0]).toBe(0);
  expect(Math.abs(from[1]! - irq!)).toBeLessThanOrEqual(resolution);
  expect(Math.abs(from[2]! - asleep!)).toBeLessThanOrEqual(resolution);
  expect(second.first.map(({ activity }) => activities[activity])).toEqual([SVC, WAITING]);
});

const drawn: Timeline = {
  nanoseconds: 60e6,
  resolution: 1e6,
  activities: [
    { mode: 'svc', secure: true },
    { mode: 'mon', secure: true },
    { mode: 'hyp', secure: false },
    { mode: 'svc', secure: false },
    { mode: 'waiting', secure: false },
  ],
  cores: [
    {
      core: 0,
      first: [0, 1, 2, 3].map((activity, i) => ({ activity, at: i * 20 })),
      spans: [
        { activity: 2, from: 0 },
        { activity: 3, from: 15e6 },
      ],
    },
    {
      core: 1,
      first: [0, 4, 3].map((activity, i) => ({ activity, at: i * 20 })),
      spans: [
        { activity: 4, from: 0 },
        { activity: 3, from: 30e6 },
        { activity: 4, from: 45e6 },
      ],
    },
  ],
};

test('it is drawn as wide as it may be, with an axis and a legend', () => {
  // 13 columns in front of the bar: the name, the path, a line.
  expect(drawTimeline(drawn, 33)).toEqual([
    'core 0 SMhs |hhhhhsssssssssssssss',
    'core 1 S.s  |..........sssss.....',
    '             |0 ms',
    'S svc secure  M mon  h hyp  s svc  . waits',
  ]);
  expect(drawTimeline(drawn, 73).slice(0, 3)).toEqual([
    `core 0 SMhs |${'h'.repeat(15)}${'s'.repeat(45)}`,
    `core 1 S.s  |${'.'.repeat(30)}${'s'.repeat(15)}${'.'.repeat(15)}`,
    `             |0${' '.repeat(18)}|20${' '.repeat(17)}|40 ms`,
  ]);
  for (const columns of [40, 80, 120, 200])
    for (const line of drawTimeline(drawn, columns).slice(0, 3))
      expect(line.length).toBeLessThanOrEqual(columns);
  // However narrow the terminal.
  expect(drawTimeline(drawn, 1)[0]).toBe('core 0 SMhs |hhhsssssss');
});

test('activities are painted, each by itself', () => {
  const [line] = drawTimeline(drawn, 33, ({ mode }, text) => `<${mode} ${text}>`);
  expect(line).toBe('core 0 <svc S><mon M><hyp h><svc s> |<hyp hhhhh><svc sssssssssssssss>');
});
