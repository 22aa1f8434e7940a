import { expect, test } from 'vitest';
import { VideoCoreMemory } from '../../src/board/videocore-memory.js';

const PIECE = 0x4000;
const MS = 1e6;

/** A memory that keeps what is written to it. */
function rig(share: { start: number; end: number }, lent = { start: 0, end: 0 }, seed = 1) {
  const written = new Map<number, number>();
  const memory = {
    size: 0x10_0000,
    read32: (at: number) => written.get(at) ?? 0,
    write32: (at: number, value: number) => void written.set(at, value),
    read: () => new Uint8Array(),
    write: () => undefined,
  };
  return { written, work: new VideoCoreMemory(memory, share, () => lent, seed) };
}

test('writes to a word in each piece of its share and to nothing else', () => {
  const { written, work } = rig({ start: 0x8_0000, end: 0x20_0000 });
  work.run(MS - 1);
  expect(written.size).toBe(0);
  work.run(MS);
  const pieces = [...written.keys()].map((at) => Math.floor(at / PIECE)).sort((a, b) => a - b);
  // No more than there is memory within the ARM's reach.
  expect(pieces).toEqual(Array.from({ length: 32 }, (_, n) => 32 + n));
  expect([...written.keys()].every((at) => at % 4 === 0)).toBe(true);
});

test('writes on and on, what follows from the seed', () => {
  const [one, again, two] = [1, 1, 2].map((seed) => rig({ start: 0, end: 0x10_0000 }, undefined, seed));
  for (const { work } of [one!, again!, two!]) work.run(MS);
  expect(again!.written).toEqual(one!.written);
  expect([...two!.written.keys()]).not.toEqual([...one!.written.keys()]);
  const before = [...one!.written.values()];
  expect(one!.work.due).toBe(2 * MS);
  one!.work.run(2.5 * MS);
  expect(one!.work.due).toBe(3 * MS);
  expect([...one!.written.values()].some((value, n) => value === before[n])).toBe(false);
});

test('spares the framebuffer, and does nothing where it has no memory', () => {
  const lent = { start: 0x4_0000, end: 0x8_0000 };
  const { written, work } = rig({ start: 0, end: 0x10_0000 }, lent);
  work.run(MS);
  expect(written.size).toBe(48);
  expect([...written.keys()].filter((at) => at >= lent.start && at < lent.end)).toEqual([]);
  expect(rig({ start: 0x10_0000, end: 0x20_0000 }).work.due).toBe(Infinity);
});
