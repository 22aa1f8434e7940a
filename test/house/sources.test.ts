import { execFileSync } from 'node:child_process';
import { statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** Bytes of the largest file that somebody writes; what is larger was made, such as a core dump or an image. */
const LARGEST = 200_000;

test('no file of the project is one that was made and left behind', () => {
  const files = execFileSync('git', ['ls-files', '-z'], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean);
  expect(files).toContain('package.json');
  expect(
    files.filter((file) => (statSync(join(root, file), { throwIfNoEntry: false })?.size ?? 0) > LARGEST),
  ).toEqual([]);
});
