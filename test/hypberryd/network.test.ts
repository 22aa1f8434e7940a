/** The network's process: frames between rings and a TAP device, at random, killed at random; how the device is set up. */
import { describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { randomFrom } from '../board/rig.js';
import { channelImage } from './channel-image.js';
import type { Device } from './kernel.js';
import {
  CARDS,
  createRings,
  createTap,
  isOffered,
  PORTS,
  runNetwork,
  SIOCGIFINDEX,
  TUNSETIFF,
  TUNSETOFFLOAD,
  TUNSETPERSIST,
  TUNSETVNETHDRSZ,
  UPLINK,
} from './network-rig.js';
import { textOf } from './programs.js';

const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const FUZZ = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SIGTERM = 15;

const sum = (frame: Uint8Array): string =>
  Buffer.from(frame).toString('base64').slice(0, 64) + String(frame.length);

describe('the network', () => {
  test.each([SEED, SEED + 1, SEED + 2])(
    'carries frames both ways, each once and in its order (seed %i)',
    (seed) => {
      const random = randomFrom(seed);
      const image = channelImage(PORTS);
      const tap = createTap();
      const rings = createRings(image);
      const frame = (): Uint8Array => {
        const length = random(8) === 0 ? C.MOST_FRAME - random(3000) : 26 + random(1500);
        const it = new Uint8Array(length);
        for (let i = 0; i < Math.min(length, 64); i++) it[i] = random(256);
        it.fill(0, 10, 12);
        return it;
      };
      const [sent, got]: [string[][], string[]] = [CARDS.map(() => []), []];
      const down: string[] = [];
      const most = FUZZ * 400;
      let made = 0;
      const act = (process: { ring(n: number): void }): boolean => {
        if (made < most) {
          made++;
          const it = frame();
          if (random(2) === 0) {
            tap.toRead.push(it);
            down.push(sum(it));
          } else {
            const card = random(CARDS.length);
            // Of which card it is, for the order.
            it[20] = card;
            const what = rings.put(CARDS[card]!, it);
            if (what !== 'no room') sent[card]!.push(sum(it));
            if (what === 'ring') process.ring(0);
          }
          return true;
        }
        return false;
      };
      const ended = runNetwork(image, tap.devices, {
        before(_, process) {
          if (image.doorbell[4 * UPLINK] !== 0 && random(3) === 0) {
            image.doorbell[4 * UPLINK] = 0;
            got.push(...rings.take(1000).map(sum));
          }
          if (isOffered(image, UPLINK) && random(6) === 0) act(process);
          return undefined;
        },
        idle(process) {
          if (act(process)) return true;
          const was = image.doorbell[4 * UPLINK] !== 0;
          image.doorbell[4 * UPLINK] = 0;
          const frames = rings.take(3);
          got.push(...frames.map(sum));
          if (frames.length > 0 || was) {
            // Who waits for room is told of it; who does not does no harm by looking.
            process.ring(0);
            return true;
          }
          process.signal(SIGTERM);
          return true;
        },
      });
      expect(ended.status).toBe(0);
      expect(got).toEqual(down);
      CARDS.forEach((_, card) => {
        expect(tap.written.filter((it) => it[20] === card).map(sum)).toEqual(sent[card]);
      });
      expect(got.length + tap.written.length).toBeGreaterThan(most / 2);
      for (const port of [UPLINK, ...CARDS]) expect(isOffered(image, port)).toBe(false);
    },
    FUZZ * 60_000,
  );

  test('counts the bytes of frames from each card, and of those to its address alone', () => {
    const macs = [
      [0x52, 0x54, 0, 1, 2, 3],
      [0x52, 0x54, 0, 1, 2, 4],
    ] as const;
    const image = channelImage(PORTS.map((it, i) => ({ ...it, mac: macs[i - 1] ?? [] })));
    const [tap, rings] = [createTap(), createRings(image)];
    const words = (card: number, at: number): readonly [low: number, high: number] => {
      const place = C.CONTROL + card * C.CONTROL_SIZE + C.HOST_CONTROL + at;
      return [image.view.getUint32(place, true), image.view.getUint32(place + 4, true)];
    };
    const set = (card: number, at: number, count: bigint): void => {
      const place = C.CONTROL + card * C.CONTROL_SIZE + C.HOST_CONTROL + at;
      image.view.setUint32(place, Number(count & 0xffff_ffffn), true);
      image.view.setUint32(place + 4, Number(count >> 31n), true);
    };
    const count = (card: number, at: number): bigint => {
      const [low, high] = words(card, at);
      expect(high & 1).toBe(low >>> 31);
      return (BigInt(high) << 31n) | BigInt(low);
    };
    // Counts go on from where they were, over the end of either word.
    set(1, C.BYTES_SENT, 2n ** 32n - 100n);
    set(2, C.BYTES_RECEIVED, 2n ** 31n - 1n);
    const to = (mac: readonly number[], bytes: number): Uint8Array => {
      const frame = new Uint8Array(C.NET_HEADER_SIZE + bytes);
      frame.set(mac, C.NET_HEADER_SIZE);
      return frame;
    };
    const broadcast = Array<number>(6).fill(0xff);
    tap.toRead.push(to(macs[1], 200), to(broadcast, 64), to([0x52, 0x54, 0, 1, 9, 9], 80), to(macs[1], 300));
    for (const bytes of [60, 70]) rings.put(1, to([2, 0, 0, 0, 0, 1], bytes));
    let isOver = false;
    const ended = runNetwork(image, tap.devices, {
      idle(process) {
        if (isOver) process.signal(SIGTERM);
        else process.ring(0);
        return (isOver = true);
      },
    });
    expect(ended.status).toBe(0);
    expect(count(1, C.BYTES_SENT)).toBe(2n ** 32n + 30n);
    expect(count(2, C.BYTES_RECEIVED)).toBe(2n ** 31n + 499n);
    expect([count(1, C.BYTES_RECEIVED), count(2, C.BYTES_SENT)]).toEqual([0n, 0n]);
  });

  test('says that it waits for room, and goes on when it is rung', () => {
    const image = channelImage(PORTS);
    const [tap, rings] = [createTap(), createRings(image)];
    const frames = Array.from({ length: 8 }, (_, i) => new Uint8Array(C.MOST_FRAME).fill(i + 1));
    frames.forEach((it) => it.fill(0, 10, 12));
    tap.toRead.push(...frames);
    const got: Uint8Array[] = [];
    let naps = 0;
    runNetwork(image, tap.devices, {
      idle(process) {
        if (!isOffered(image, UPLINK)) return false;
        if (++naps > 20) throw new Error('it waits for what has come');
        if (got.length === frames.length) process.signal(SIGTERM);
        else {
          const bellAt = image.view.getUint32(rings.control(UPLINK) + C.HOST_CONTROL + C.BELL_AT, true);
          const before = image.view.getUint32(rings.control(UPLINK) + C.TAKEN, true);
          got.push(...rings.take(1));
          // What guests send meanwhile is not what waits.
          rings.put(CARDS[0]!, new Uint8Array(1000).fill(0xee, 12));
          expect(bellAt).toBe(before);
          process.ring(0);
        }
        return true;
      },
    });
    expect(got.map(sum)).toEqual(frames.map(sum));
  });

  test('rings once for all frames that are there, up to 64, and 64 KiB', () => {
    for (const [count, bytes, rings] of [
      [1, 1514, 1],
      [32, 1514, 1],
      [64, 64, 1],
      [65, 64, 2],
      // The frame that passes 64 KiB is the last of its batch: here the second.
      [4, 40_000, 2],
    ] as const) {
      const image = channelImage(PORTS);
      const [tap, hypervisor] = [createTap(), createRings(image)];
      let [taken, rung, naps] = [0, 0, 0];
      runNetwork(image, tap.devices, {
        before() {
          if (image.doorbell[4 * UPLINK] === 0) return undefined;
          // As the hypervisor does, it takes all when it is rung for, and asks for a bell at the next.
          image.doorbell[4 * UPLINK] = 0;
          const there = hypervisor.take(1000).length;
          taken += there;
          if (there > 0) rung++;
          return undefined;
        },
        idle(process) {
          if (++naps === 1)
            for (let i = 0; i < count; i++) tap.toRead.push(new Uint8Array(bytes).fill(i, 16));
          else process.signal(SIGTERM);
          return true;
        },
      });
      expect([taken, rung]).toEqual([count, rings]);
    }
  });

  test('sets its interface up: a TAP device with headers of 12 bytes, where it is new an address, and that it stays', () => {
    for (const isThere of [false, true]) {
      const image = channelImage(PORTS);
      const tap = createTap({ isThere });
      let naps = 0;
      const rings = createRings(image);
      const ended = runNetwork(image, tap.devices, {
        idle(process) {
          naps++;
          if (naps === 1)
            rings.write(rings.control(UPLINK) + C.OFFLOADS, C.OFFLOAD_CHECKSUM | C.OFFLOAD_TSO4);
          process.ring(0);
          if (naps === 3) process.signal(SIGTERM);
          return true;
        },
      });
      expect(ended.status).toBe(0);
      const name = [...new Uint32Array(new TextEncoder().encode('hypberry0\0\0\0\0\0\0\0').buffer)];
      const address = (...of: number[]): number[] => [
        2,
        new Uint32Array(Uint8Array.from(of).buffer)[0]!,
        0,
        0,
      ];
      expect(tap.asked).toEqual([
        [SIOCGIFINDEX, ...name, 0, 0, 0, 0],
        [TUNSETIFF, ...name, 0x2 | 0x1000 | 0x4000, 0, 0, 0],
        [TUNSETVNETHDRSZ, 12],
        ...(isThere
          ? []
          : [
              [0x8916, ...name, ...address(192, 168, 77, 1)],
              [0x891c, ...name, ...address(255, 255, 255, 0)],
            ]),
        [0x8913, ...name, 0, 0, 0, 0],
        [0x8914, ...name, 1, 0, 0, 0],
        ...(isThere ? [] : [[TUNSETPERSIST, 1]]),
        // Whether the address is the one that the rest is for.
        [0x8915, ...name, 0, 0, 0, 0],
        [TUNSETOFFLOAD, 3],
      ]);
    }
  });

  test.each<[string, () => Record<string, Device>, RegExp]>([
    ['is not there', () => ({}), /: it is not there\. Load the module: sudo modprobe tun\.$/],
    [
      'belongs to another process',
      () => createTap({ fails: { [TUNSETIFF]: ERRORS.EBUSY } }).devices,
      /: it is in use\. This waits until the program that has it/,
    ],
  ])('says once that its device %s, and tries again', (_, devices, said) => {
    const image = channelImage(PORTS);
    let naps = 0;
    const ended = runNetwork(image, devices(), {
      idle(process) {
        if (++naps < 10) return false;
        process.signal(SIGTERM);
        return true;
      },
    });
    expect(ended.status).toBe(0);
    const lines = textOf(ended.stderr).trimEnd().split('\n');
    expect(lines).toHaveLength(2);
    expect(lines[1]).toMatch(/^hypberryd: the network: \/dev\/net\/tun, hypberry0: /);
    expect(lines[1]).toMatch(said);
    expect(isOffered(image, UPLINK)).toBe(false);
  });

  test.each<[string, number, number]>([
    ['goes beyond the end of its ring', C.NETWORK_RING_SIZE - C.RECORD_STEP, 100],
    ['is longer than what was put', 0, 200],
    ['is shorter than its header', 0, C.NET_HEADER_SIZE - 1],
    ['is longer than any frame', 0, C.MOST_FRAME + 1],
  ])('ends where a record %s', (_, place, length) => {
    const image = channelImage(PORTS);
    const [tap, rings] = [createTap(), createRings(image)];
    rings.write(rings.control(1) + C.HOST_CONTROL + C.TAKEN, place);
    rings.write(rings.control(1) + C.PUT, place + 128);
    rings.write(image.data[1]!.at + place, length);
    const ended = runNetwork(image, tap.devices, { idle: (process) => (process.signal(SIGTERM), true) });
    expect(ended.status).toBe(2);
    expect(tap.written).toEqual([]);
  });

  test('ends where a ring holds what is no frame, and reads nothing outside it', () => {
    const random = randomFrom(SEED + 3);
    let ends = 0;
    for (let round = 0; round < FUZZ * 100; round++) {
      const image = channelImage(PORTS);
      const [tap, rings] = [createTap(), createRings(image)];
      const { at, size } = image.data[1]!;
      for (let i = 0; i < 40; i++)
        rings.write(
          at + random(size / 32) * 32,
          [random(0x1_0000), 0xffff_ffff, random(0x1_0000_0000), 13][random(4)]!,
        );
      rings.write(rings.control(1) + C.PUT, (0xffff_0000 + random(size / 32 + 1) * 32) >>> 0);
      const ended = runNetwork(image, tap.devices, { idle: (process) => (process.signal(SIGTERM), true) });
      if (ended.status === 2) {
        ends++;
        expect(textOf(ended.stderr)).toContain('what a ring holds is no frame.');
      }
    }
    expect(ends).toBeGreaterThan(0);
  });
});
