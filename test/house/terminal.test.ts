import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';

/** The one that makes text from outside harmless on its way to the terminal. */
const WAY_OUT = 'src/cli/output.ts';

const root = join(import.meta.dirname, '../..');

/** Ways to a terminal: streams by any spelling, the console, the files 1 and 2. */
const WAYS = [
  /\bstd(?:out|err)\b(?!-path)/,
  /\bconsole\.(?:log|error|warn|info|debug|table|dir|trace)\b/,
  /node:(?:tty|readline|console)/,
  /\b(?:writeSync|writeFileSync|createWriteStream)\(\s*(?:[12]\b|'\/dev\/(?:std|tty|fd))/,
];
const waysIn = (text: string): string[] => WAYS.flatMap((way) => way.exec(text)?.[0] ?? []);

test('src writes to the terminal by one way only', () => {
  const files = readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .map((name) => `src/${name.replaceAll('\\', '/')}`)
    .filter((name) => name.endsWith('.ts') && name !== WAY_OUT);
  const others = files.flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8')
      // A child's own outputs are pipes.
      .replaceAll(/\b(?:child|qemu)\.std(?:out|err)\b/g, '');
    return waysIn(text).map((way) => `${file}: ${way}`);
  });
  expect(others).toEqual([]);
  expect(waysIn(readFileSync(join(root, WAY_OUT), 'utf8'))).not.toEqual([]);
});

test('the check sees each of them', () => {
  for (const text of [
    'process.stdout.write(x)',
    "process['stderr'].write(x)",
    'const { stdout } = process;',
    'console.log(x)',
    "import tty from 'node:tty'",
    'fs.writeSync(2, x)',
    "fs.writeFileSync('/dev/tty', x)",
  ])
    expect(waysIn(text), text).toHaveLength(1);
});
