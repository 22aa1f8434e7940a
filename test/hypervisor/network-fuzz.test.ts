/** Hostile guests and a hostile program of the host's at the network, by seed: nobody else's bytes change, and all goes on. */
import { expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { randomFrom } from '../board/rig.js';
import type { CardDriver, Frame } from './models/network.js';
import {
  ALL_FEATURES,
  BROADCAST,
  BUFFERS_OF,
  frameOf,
  HOST_MAC,
  macOf,
  N,
  networkMachine,
  packet,
  TRANSMIT,
} from './models/network.js';
import { R } from './models/virtio.js';

/** HYPBERRY_FUZZ=n makes the runs n times longer; HYPBERRY_SEED=n starts from another seed. */
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const LENGTH = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const STEPS = 1000 * LENGTH;
const PATIENCE = 120_000 * LENGTH;

const WORDS = [0, 1, 12, 13, 26, 32, 64, 0x3_ffe0, 0x4_0000, 0x1_004c, 0x7fff_ffff, 0x8000_0000, 0xffff_ffff];

/** Places of a queue's parts (models/network.ts). */
const QUEUE_PARTS = [0x1_0000, 0x1_2000, 0x1_4000, 0x1_8000, 0x1_a000, 0x1_c000];
const PART = 0x120;
/** Of the guest's memory: what no buffer and no ring is in. */
const [UNTOUCHED, UNTOUCHED_END] = [0x1c_0000, 0x20_0000];

test(
  `noise in the uplink, seed ${SEED}: the hypervisor goes on, and guests have no bytes but their buffers' changed`,
  () => {
    const random = randomFrom(SEED);
    const { machine, cards, program } = networkMachine(2, [1]);
    const { memory, image } = machine;
    for (const card of cards) card.start(ALL_FEATURES & ~N.EVENT_IDX);
    const outside = (n: number): Buffer[] =>
      [
        [0, 0x1_0000],
        [UNTOUCHED, UNTOUCHED_END],
        [BUFFERS_OF(TRANSMIT), UNTOUCHED],
      ].map(([from, to]) =>
        Buffer.from(new Uint8Array(memory.buffer, image.guestMemory[n]! + from!, to! - from!)),
      );
    const before = cards.map((_, n) => outside(n));
    const ring = program.ringOf(0);
    const size = C.UPLINK_RING_SIZE;
    let came = 0;
    const word = (): number => {
      const kind = random(4);
      if (kind === 0) return WORDS[random(WORDS.length)]!;
      if (kind === 1) return random(0x1_0000);
      return kind === 2 ? program.get(0, C.TAKEN) + 32 * random(64) : random(0x1_0000_0000);
    };
    for (let step = 0; step < STEPS; step++) {
      for (const card of cards) while (card.buffersLeft() < 24) card.addBuffer(1 + random(3000));
      switch (random(6)) {
        case 0:
          program.set(0, C.PUT, word());
          break;
        case 1: {
          const at = (program.get(0, C.TAKEN) + 32 * random(4)) % size;
          for (let i = 0; i < 32; i += 4) memory.setUint32(ring + at + i, word(), true);
          break;
        }
        case 2:
          program.set(0, [C.TAKEN, C.BELL_AT, C.OFFERED, 16, 20][random(5)]!, word());
          break;
        case 3: {
          const bytes = 14 + random(2000);
          const frame = frameOf([BROADCAST, macOf(0), macOf(1)][random(3)]!, HOST_MAC, bytes, step);
          const header = {
            flags: random(4),
            gso: random(6),
            headerLength: random(2100),
            gsoSize: random(3000),
          };
          const at = program.get(0, C.TAKEN) % size;
          const record = packet(
            frame,
            random(2) ? {} : { ...header, start: random(2100), offset: random(100) },
          );
          memory.setUint32(ring + at, record.length, true);
          if (at + 4 + record.length <= size)
            new Uint8Array(memory.buffer, ring + at + 4, record.length).set(record);
          const whole = 32 * Math.ceil((4 + record.length) / 32);
          program.set(0, C.PUT, program.get(0, C.TAKEN) + (random(4) ? whole : 32 * (1 + random(80))));
          break;
        }
        case 4:
          machine.store(0, C.DOORBELL + 4 * (2 + random(3)), word());
          break;
      }
      program.ring(0);
      // Half of all begin with a ring that is taken again.
      if (random(2)) {
        if (random(2)) program.set(0, C.PUT, program.get(0, C.TAKEN));
        program.set(0, C.OFFERED, 1);
        machine.store(0, C.DOORBELL + C.DOORBELL_HOST, 1);
      }
      for (const card of cards) came += card.received().length;
    }
    cards.forEach((_, n) => {
      outside(n).forEach((bytes, part) => {
        expect(bytes.equals(before[n]![part]!)).toBe(true);
      });
    });
    expect(came).toBeGreaterThan(STEPS / 20);
    // It goes on.
    program.set(0, C.OFFERED, 1);
    program.set(0, C.PUT, program.get(0, C.TAKEN));
    machine.store(0, C.DOORBELL + C.DOORBELL_HOST, 1);
    program.ring(0);
    cards[1]!.addBuffer(2048);
    program.put(packet(frameOf(macOf(1), HOST_MAC)));
    expect(cards[1]!.received()).toHaveLength(1);
  },
  PATIENCE,
);

test(
  `noise in a guest's queues, seed ${SEED}: others talk on, and hear no other's bytes`,
  () => {
    const random = randomFrom(SEED + 1);
    const { machine, cards, program } = networkMachine(3);
    const { memory } = machine;
    const [bad, good, other] = cards as [CardDriver, CardDriver, CardDriver];
    const features = ALL_FEATURES & ~N.EVENT_IDX;
    for (const card of [good, other]) {
      card.start(features);
      for (let n = 0; n < 64; n++) card.addBuffer(2048);
    }
    // Whoever is bad has a mark in its memory, and in no frame that it may send: its address is not in it.
    const MARK = 0x5a;
    new Uint8Array(memory.buffer, bad.physical(0x4_0000), 0x18_0000).fill(MARK);
    let talked = 0;
    const check = (got: readonly Frame[]): void => {
      for (const { frame } of got)
        if ([6, 7, 8, 9, 10, 11].every((i) => frame[i] === MARK)) throw new Error('a frame of nobody’s');
    };
    for (let step = 0; step < STEPS; step++) {
      const kind = random(8);
      if (kind === 0 || (bad.reg(R.STATUS) & 64) !== 0)
        bad.start(random(2) ? features : random(0x1_0000_0000));
      else if (kind === 1) bad.addBuffer(...Array.from({ length: 1 + random(5) }, () => random(900)));
      else if (kind === 2) {
        const header = {
          flags: random(4),
          gso: random(6),
          gsoSize: random(3000),
          start: random(2100),
          offset: random(99),
        };
        const to = [BROADCAST, macOf(1), macOf(2), HOST_MAC][random(4)]!;
        bad.queue(packet(frameOf(to, macOf(0), 14 + random(3000), step), header));
      } else {
        const at = QUEUE_PARTS[random(QUEUE_PARTS.length)]! + 2 * random(PART / 2);
        const value = random(3) ? random(0x1_0000) : WORDS[random(WORDS.length)]!;
        memory.setUint16(bad.physical(at), value & 0xffff, true);
      }
      for (let again = 0; again < 3; again++) bad.setReg(R.QUEUE_NOTIFY, random(3));
      if (step % 4 !== 0) continue;
      const frame = frameOf(macOf(2), macOf(1), 60 + random(1400), step);
      good.send(frame);
      const got = other.received();
      check(got);
      check(good.received());
      if (got.some(({ frame: it }) => Buffer.compare(it, frame) === 0)) talked++;
      while (other.buffersLeft() < 64) other.addBuffer(2048);
      while (good.buffersLeft() < 64) good.addBuffer(2048);
      good.sent();
      for (const port of [1, 2, 3]) check(program.take(port));
    }
    expect(talked).toBe(Math.ceil(STEPS / 4));
    expect([good, other].map((it) => it.reg(R.STATUS) & 64)).toEqual([0, 0]);
  },
  PATIENCE,
);
