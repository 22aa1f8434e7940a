/** Has the built-in Pi 2 run the test image, and writes what it shows into src/selftest/emulator.ts. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { format, resolveConfig } from 'prettier';
import { runSelftest } from './lib/selftest.js';
import { buildSelftest } from '../src/selftest/image.js';
import { readTable } from '../src/selftest/table.js';

const file = join(import.meta.dirname, '../src/selftest/emulator.ts');

const rows = readTable(await runSelftest(buildSelftest()));
const entries = rows.map(
  ({ name, value: { aborted, value } }) =>
    `  [${JSON.stringify(name)}, { aborted: ${aborted}, value: ${value} }],`,
);
const text = [
  '/** What the built-in Pi 2 prints for each row. Made by scripts/selftest.ts. */',
  "import type { Value } from './table.js';\n",
  'export const EMULATOR: ReadonlyMap<string, Value> = new Map([',
  ...entries,
  ']);',
  '',
].join('\n');
await writeFile(file, await format(text, { ...(await resolveConfig(file)), filepath: file }));
