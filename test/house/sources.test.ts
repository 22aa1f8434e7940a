import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

const root = join(import.meta.dirname, '../..');
/** Bytes of the largest file that somebody writes; what is larger was made, such as a core dump or an image. */
const LARGEST = 200_000;

const filesOf = (...under: readonly string[]): string[] =>
  execFileSync('git', ['ls-files', '-z', ...under], { cwd: root, encoding: 'utf8' })
    .split('\0')
    .filter(Boolean);

test('no file of the project is one that was made and left behind', () => {
  const files = filesOf();
  expect(files).toContain('package.json');
  expect(
    files.filter((file) => (statSync(join(root, file), { throwIfNoEntry: false })?.size ?? 0) > LARGEST),
  ).toEqual([]);
});

test('apostrophes in what is said are straight', () => {
  const curly = filesOf('src', 'scripts', 'schema', '*.md').filter((file) =>
    readFileSync(join(root, file), 'utf8').includes('\u2019'),
  );
  expect(curly).toEqual([]);
});
