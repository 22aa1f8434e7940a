/** What a frame of 1500 bytes costs, in instructions executed in HYP mode, copying included. */
import { expect, test } from 'vitest';
import { DOORBELL } from '../../src/channel/layout.js';
import type { CardDriver, NetworkProgram } from './models/network.js';
import {
  ALL_FEATURES,
  cardOf,
  frameOf,
  HOST_MAC,
  macOf,
  networkProgram,
  packet,
  TRANSMIT,
} from './models/network.js';
import { createPuppets, type Puppets } from './models/puppets.js';
import { R, SLOTS_BASE } from './models/virtio.js';
import type { Visit } from './worlds.js';
import { isAccess } from './worlds.js';

/** The goals of the issue: instructions, and exits of a row of so many frames, for each of them. */
const [INSTRUCTIONS, EXITS, DEPTH] = [3000, 0.5, 32];
const BYTES = 1500;

let puppets: Puppets;
let [a, b] = [] as unknown as [CardDriver, CardDriver];
let program: NetworkProgram;

/** Instructions and exits for each of some frames. */
function costOf(count: number, address: number, what: () => void): { instructions: number; exits: number } {
  const { visits } = puppets.worlds;
  const before = visits.length;
  what();
  const mine: Visit[] = visits.slice(before).filter((it) => isAccess(it, address, true));
  return {
    instructions: mine.reduce((sum, it) => sum + it.instructions, 0) / count,
    exits: mine.length / count,
  };
}
const NOTIFY = SLOTS_BASE + R.QUEUE_NOTIFY;

/** Frames behind each other, as Linux has them: the header is 2 bytes behind a multiple of 4. */
function send(card: CardDriver, frame: Uint8Array, count: number): { instructions: number; exits: number } {
  for (let n = 0; n < count; n++) card.queue(packet(frame));
  return costOf(count, NOTIFY, () => {
    card.setReg(R.QUEUE_NOTIFY, TRANSMIT);
  });
}

test('a frame of 1500 bytes is under 3000 instructions, each way, and under half an exit at depth 32', async () => {
  puppets = await createPuppets([0, 1].map((n) => ({ network: { mac: macOf(n), isolated: false } })));
  [a, b] = [0, 1].map((n) => cardOf(puppets, n + 1, n)) as [CardDriver, CardDriver];
  program = networkProgram(puppets);
  for (const card of [a, b]) {
    card.start(ALL_FEATURES);
    for (let n = 0; n < 100; n++) card.addBuffer(1536);
    // What is no frame, so that the next ones are where they are in Linux.
    card.queue(new Uint8Array(2));
    card.kick();
  }
  const toHost = frameOf(HOST_MAC, macOf(0), BYTES);
  const toGuest = frameOf(macOf(1), macOf(0), BYTES);
  const fromHost = packet(frameOf(macOf(0), HOST_MAC, BYTES));
  const costs = {
    'guest to host, alone': send(a, toHost, 1),
    'guest to host, 32': send(a, toHost, DEPTH),
    'guest to guest, alone': send(a, toGuest, 1),
    'guest to guest, 32': send(a, toGuest, DEPTH),
    'host to guest, alone': costOf(1, DOORBELL, () => {
      program.put(fromHost);
    }),
    'host to guest, 32': costOf(DEPTH, DOORBELL, () => {
      program.put(...new Array<Uint8Array>(DEPTH).fill(fromHost));
    }),
  };
  expect(program.take(1)).toHaveLength(1 + DEPTH);
  expect([a, b].map((card) => card.received().length)).toEqual([1 + DEPTH, 1 + DEPTH]);
  for (const [what, { instructions, exits }] of Object.entries(costs)) {
    expect(instructions, what).toBeGreaterThan(0);
    expect(instructions, what).toBeLessThan(
      what.startsWith('guest to guest') ? 2 * INSTRUCTIONS : INSTRUCTIONS,
    );
    if (what.endsWith('32')) expect(exits, what).toBeLessThan(EXITS);
  }
  expect(puppets.worlds.wrong).toEqual([]);
}, 120_000);
