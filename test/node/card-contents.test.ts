import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { openContents } from '../../src/node/card-contents.js';

const folder = mkdtempSync(join(tmpdir(), 'hypberry-contents-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

test('an image is read in place, and what a system writes does not reach it', () => {
  const path = join(folder, 'card.img');
  const image = Uint8Array.from({ length: 4096 * 40 + 100 }, (_, i) => i >> 9);
  writeFileSync(path, image);
  const disk = openContents(path)!;
  // What is no whole sector is not there.
  expect(disk.sectors).toBe(320);
  expect(disk.read(7, 1)[0]).toBe(7);
  disk.write(7, new Uint8Array(512).fill(99));
  disk.write(20, new Uint8Array(2048).fill(98));
  expect([disk.read(7, 1)[0], disk.read(23, 1)[0], disk.read(8, 1)[0]]).toEqual([99, 98, 8]);
  expect(Buffer.compare(readFileSync(path), image)).toBe(0);
  // A file that was cut short meanwhile is an error, where it was not written.
  writeFileSync(path, image.subarray(0, 5 * 512));
  expect(() => disk.read(200, 1)).toThrow(expect.objectContaining({ code: 'card.truncated' }) as Error);
  expect(disk.read(7, 1)[0]).toBe(99);
  disk.close();
  expect(() => disk.read(0, 1)).toThrow();
});

test('a folder, and an empty file, are no card', () => {
  expect(openContents(folder)).toBeUndefined();
  const empty = join(folder, 'empty.img');
  writeFileSync(empty, new Uint8Array(511));
  expect(openContents(empty)).toBeUndefined();
  expect(() => openContents(join(folder, 'nowhere'))).toThrow(
    expect.objectContaining({ code: 'card.not-found' }) as Error,
  );
});
