import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { expect, test } from 'vitest';
import { openScratchFile } from '../../src/node/scratch-file.js';

test('a scratch file gives back what was written, and has no name anybody could leave behind', () => {
  const names = (): string[] =>
    fs.readdirSync(tmpdir()).filter((name) => /^hypberry-[0-9a-f]{8}-/.test(name));
  const before = names();
  const open = (): string[] =>
    fs.readdirSync('/proc/self/fd').map((fd) => {
      try {
        return fs.readlinkSync(`/proc/self/fd/${fd}`);
      } catch {
        return '';
      }
    });
  const file = openScratchFile();
  file.write(5000, Uint8Array.of(1, 2, 3));
  file.write(0, Uint8Array.of(9));
  expect(file.read(4999, 4)).toEqual(Uint8Array.of(0, 1, 2, 3));
  expect(names()).toEqual(before);
  const own = open().filter((it) => it.startsWith(tmpdir()) && it.endsWith('(deleted)'));
  expect(own.length).toBe(1);
  file.close();
  expect(open().filter((it) => own.includes(it))).toEqual([]);
});
