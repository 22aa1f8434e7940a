import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { expect, test } from 'vitest';
import { readUserFile } from '../../src/node/user-file.js';
import { pattern, temporary } from '../card/images.js';

const MOST = 64 << 20;
const withCode = (code: string, message: RegExp): unknown =>
  expect.objectContaining({ code, message: expect.stringMatching(message) as string });

test('a file is read whole, a device without an end is refused', () => {
  const file = temporary('kernel');
  fs.writeFileSync(file, pattern(3_000_001, 1));
  expect(Buffer.from(readUserFile(file, MOST)).equals(pattern(3_000_001, 1))).toBe(true);
  expect(() => readUserFile('/dev/zero', MOST)).toThrow(withCode('file.not-a-file', /is a device/));
});

test('a pipe that nobody writes to, and a folder, are called what they are', () => {
  const pipe = temporary('pipe');
  spawnSync('mkfifo', [pipe]);
  expect(() => readUserFile(pipe, MOST)).toThrow(withCode('file.not-a-file', /is a pipe/));
  expect(() => readUserFile('/', MOST)).toThrow(withCode('file.not-a-file', /is a folder/));
});

test('a file that has no room is refused by its size, before any of it is read', () => {
  const file = temporary('sparse');
  fs.closeSync(fs.openSync(file, 'w'));
  fs.truncateSync(file, 1900 << 20);
  const before = process.memoryUsage().rss;
  expect(() => readUserFile(file, MOST)).toThrow(withCode('file.too-large', /1992294400 bytes/));
  expect(process.memoryUsage().rss - before).toBeLessThan(MOST);
});
