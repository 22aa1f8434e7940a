import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { diagnosticsPage } from '../../scripts/lib/diagnostics-page.js';
import { markdownTable, rebuiltRows } from '../../scripts/lib/handover-table.js';
import { fillBlocks } from '../../scripts/lib/readme-blocks.js';
import { BLOCK_SIZE, buildStub, KERNEL_OFFSET } from '../../src/boot/block.js';
import { countInstructions } from '../support/entry-state.js';
import { useTools } from '../../scripts/lib/tools.js';

useTools();

const [readme, inside] = ['README.md', 'INSIDE.md'].map((page) =>
  readFileSync(new URL(`../../${page}`, import.meta.url), 'utf8'),
) as [string, string];
/** A row's cells, whatever width the table has. */
const cells = (text: string): string[][] =>
  text
    .split('\n')
    .filter((line) => line.startsWith('|'))
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((it) => it.trim()),
    );

test('the table of handovers says of each boot code that can be built here what is found', async () => {
  const block = /<!-- handover: made by [^]*?<!-- handover: end -->/.exec(inside)?.[0] ?? '';
  const rows = await rebuiltRows();
  expect(rows).toHaveLength(4);
  for (const row of rows) expect(cells(block)).toContainEqual(row);
  // What no script can fetch says by whom and when it was tried.
  expect(block).toMatch(/itself \(notro\/rpi-firmware; by hand, \d+ \w+ 20\d\d\)/);
});

test('what diagnostics say, and the tables of what it means, are those of the source', async () => {
  const page = await diagnosticsPage();
  expect(page).toMatch(/^```\nhypberry: boot block .*\n0 abcdefghi /);
  for (const row of cells(page)) expect(cells(readme)).toContainEqual(row);
  expect(fillBlocks(readme, { diagnostics: page })).toBe(readme);
});

test('the block’s bytes and instructions are those that it has', async () => {
  expect(readme).toMatch(new RegExp(`boot\\s+block of ${BLOCK_SIZE} bytes`));
  const counted = await countInstructions(buildStub(), KERNEL_OFFSET);
  expect(inside).toMatch(
    new RegExp(`Core 0 runs ${counted} instructions from reset to the kernel, against \\d+ in`),
  );
});

test('blocks are filled by their names, and one without a place is refused', () => {
  const text = 'a\n<!-- x: made by y -->\n\nold\n\n<!-- x: end -->\nb\n';
  expect(fillBlocks(text, { x: 'new $1' })).toBe(
    'a\n<!-- x: made by y -->\n\nnew $1\n\n<!-- x: end -->\nb\n',
  );
  expect(() => fillBlocks(text, { z: '' })).toThrow(/no place/);
  expect(
    markdownTable([
      ['a', 'bb'],
      ['ccc', 'd'],
    ]),
  ).toBe('| a   | bb |\n| --- | -- |\n| ccc | d  |');
});
