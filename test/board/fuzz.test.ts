import { describe, expect, test } from 'vitest';
import { LOCAL_BASE } from '../../src/board/local-peripherals.js';
import { namesByOffset } from '../../src/board/register.js';
import { RAM_SIZE, randomFrom, testBoard } from './rig.js';

/** HYPBERRY_FUZZ=n makes the runs n times longer; HYPBERRY_SEED=n starts from another seed. */
const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);

/** Values that find edges: small, all ones, single bits, passwords, addresses in and out of RAM, anything. */
function value(random: (below: number) => number): number {
  switch (random(8)) {
    case 0:
      return random(4);
    case 1:
      return 0xffff_ffff - random(2);
    case 2:
      return 2 ** random(32);
    case 3:
      return 0x5a00_0000 + random(0x100_0000);
    case 4:
      return random(4) * 0x4000_0000 + (random(RAM_SIZE) & ~0xf) + random(16);
    case 5:
      return 0x7e00_0000 + random(0x100_0000);
    default:
      return random(0x1_0000_0000);
  }
}

/** No access with the events after it may take longer than this, milliseconds of this process's own time. */
const LONGEST_STEP_MS = 500;

/** Milliseconds this process has run: another one's load does not count. */
const cpuTime = (): number => process.cpuUsage().user / 1000;

const counts = new Map<string, number>();
const count = (what: string, by = 1): void => {
  counts.set(what, (counts.get(what) ?? 0) + by);
};

describe(`random guests (seed ${SEED}, ${TIMES} times)`, () => {
  /** Makes `accesses` to addresses from `pick`, checks that reads are 32-bit numbers and nothing throws or stalls. */
  function fuzz(
    name: string,
    seed: number,
    accesses: number,
    pick: (random: (below: number) => number) => number,
  ) {
    const random = randomFrom(seed);
    const rig = testBoard();
    for (let i = 0; i < RAM_SIZE; i += 64) rig.setWords(i, value(random), value(random), value(random));
    let slowest = 0;
    for (let i = 0; i < accesses; i++) {
      const address = pick(random);
      const size = ([4, 4, 4, 1, 2] as const)[random(5)]!;
      const at = (address & ~(size - 1)) >>> 0;
      const before = cpuTime();
      if (random(2) === 0) {
        const got = rig.board.bus.read(random(4), at, size);
        // Without expect(), which is slower than the access.
        if (!Number.isInteger(got) || got < 0 || got >= 2 ** (8 * size)) {
          throw new Error(`${at.toString(16)} reads as ${got}`);
        }
        count(`${name}: reads`);
      } else {
        rig.board.bus.write(
          random(4),
          at,
          size,
          size === 4 ? value(random) : value(random) % 2 ** (8 * size),
        );
        count(`${name}: writes`);
      }
      if (random(16) === 0) {
        rig.time.advance(random(20_000));
        count(`${name}: events run`);
      }
      if (random(64) === 0) rig.board.uart.receive(new Uint8Array(random(40)));
      slowest = Math.max(slowest, cpuTime() - before);
    }
    expect(slowest).toBeLessThan(LONGEST_STEP_MS);
    expect(rig.told.log.length).toBeLessThan(2_000);
  }

  test('at every register of every device', () => {
    const addresses = testBoard().board.bus.parts.flatMap(({ base, device }) =>
      [...namesByOffset(device.registers).keys()].map((offset) => base + offset),
    );
    const reached = new Set<number>();
    fuzz('registers', SEED, 60_000 * TIMES, (random) => {
      const address = addresses[random(addresses.length)]!;
      reached.add(address);
      return address;
    });
    count('registers: different ones', reached.size);
    expect(reached.size).toBe(addresses.length);
  });

  test('at any address of the peripherals, and beyond', () => {
    fuzz('addresses', SEED + 1, 40_000 * TIMES, (random) => {
      const where = random(4);
      if (where === 0) return LOCAL_BASE + random(0x200);
      if (where === 1) return random(0x1_0000_0000);
      return 0x3f00_0000 + random(0x100_0000);
    });
  });

  test('each device alone, hammered', () => {
    const { parts } = testBoard().board.bus;
    parts.forEach(({ base, device }, i) => {
      const offsets = [...namesByOffset(device.registers).keys()];
      fuzz('hammered', SEED + 10 + i, 2_000 * TIMES, (random) => base + offsets[random(offsets.length)]!);
    });
    count('hammered: devices', parts.length);
  });

  test('property buffers of random tags and lengths', () => {
    const random = randomFrom(SEED + 2);
    const rig = testBoard();
    const groups = [
      0, 0x8000, 0x1_0000, 0x2_0000, 0x2_8000, 0x3_0000, 0x3_8000, 0x4_0000, 0x4_4000, 0x4_8000,
    ];
    groups.push(0x5_0000, 0x6_0000);
    for (let i = 0; i < 4_000 * TIMES; i++) {
      const at = random(RAM_SIZE / 16) * 16;
      const words = [random(4) === 0 ? value(random) : random(2_000), 0];
      for (let tag = 0; tag < random(12); tag++) {
        const length = random(3) === 0 ? value(random) : random(10) * 4;
        words.push(groups[random(groups.length)]! + random(0x70), length, random(2) * length);
        for (let j = 0; j < Math.min(length / 4, 12); j++) words.push(value(random));
      }
      if (at + words.length * 4 <= RAM_SIZE) rig.setWords(at, ...words);
      rig.write(0x3f00_b8a0, at + 8);
      expect(rig.read(0x3f00_b880)).toBe(at + 8);
      count('property buffers');
      if (rig.word(at + 4) === 0x8000_0000) count('property buffers answered without error');
    }
    expect(counts.get('property buffers answered without error')).toBeGreaterThan(100);
  });

  test('DMA with random control blocks, all channels at once', () => {
    const random = randomFrom(SEED + 3);
    const rig = testBoard();
    for (let round = 0; round < 40 * TIMES; round++) {
      for (let channel = 0; channel < 15; channel++) {
        const block = random(RAM_SIZE / 32) * 32;
        const address = (): number => (random(3) === 0 ? 0x7e00_0000 + random(0x100_0000) : random(RAM_SIZE));
        const length = random(2) === 0 ? random(5_000) : value(random);
        const next = random(RAM_SIZE / 32) * 32;
        rig.setWords(block, value(random), address(), address(), length, value(random), next);
        rig.write(0x3f00_7004 + 0x100 * channel, block);
        rig.write(0x3f00_7000 + 0x100 * channel, 1);
        count('DMA chains started');
      }
      const before = cpuTime();
      rig.time.advance(100_000);
      expect(cpuTime() - before).toBeLessThan(10 * LONGEST_STEP_MS);
      for (let channel = 0; channel < 15; channel++) rig.write(0x3f00_7000 + 0x100 * channel, 0x8000_0000);
    }
  });

  test('the counts', () => {
    for (const [what, number] of counts) console.log(`${String(number).padStart(9)}  ${what}`);
    expect(counts.get('registers: writes')).toBeGreaterThan(10_000);
  });
});
