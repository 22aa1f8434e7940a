/** The image that tests a board, in both machines: what it prints, and that what stands beside it is so. */
import { beforeAll, describe, expect, test, vi } from 'vitest';
import fs from 'node:fs';
import { join } from 'node:path';
import { useTools } from '../../scripts/lib/tools.js';
import { runSelftest, selftestHandover } from '../../scripts/lib/selftest.js';
import { readU32LE } from '../../src/base/bytes.js';
import { buildBootBlock } from '../../src/boot/block.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { EMULATOR } from '../../src/selftest/emulator.js';
import { buildSelftest, isSelftest } from '../../src/selftest/image.js';
import { readTable, type PrintedRow } from '../../src/selftest/table.js';
import { temporary } from '../card/images.js';
import { hypberry } from '../cli/run.js';
import { LAST_LINE } from '../../src/selftest/under-hypervisor.js';

vi.setConfig({ testTimeout: 240_000, hookTimeout: 240_000 });

const image = buildSelftest();
/** Costs: what they are to the instruction is of no interest here, and changes with the hypervisor. */
const IS_COST = /, (?:cycles|ticks)(?: of \d+)?$| in 10 ms of the system timer$/;
const MOST_OFF = 0.25;

/** What must be so, from the manuals; the rest is what the machine that runs it makes of it. */
const KNOWN: Readonly<Record<string, number>> = {
  // booting.rst: HYP mode, all masked. M is 0b11010, F, I and A are bits 6 to 8 (ARM ARM B1.3.3).
  ...Object.fromEntries([0, 1, 2, 3].map((core) => [`core ${core}: CPSR`, 0x1da])),
  ...Object.fromEntries([0, 1, 2, 3].map((core) => [`core ${core}: CNTHP_CTL`, 0])),
  // 19.2 MHz, the crystal of the board (QA7 3.1).
  ...Object.fromEntries([0, 1, 2, 3].map((core) => [`core ${core}: CNTFRQ`, 19_200_000])),
  ...Object.fromEntries([0, 1, 2, 3].map((core) => [`core ${core}: MPIDR`, 0x8000_0f00 + core])),
  // SVC mode, all masked, for who runs under the hypervisor.
  'host: CPSR': 0x1d3,
  'guest: CPSR': 0x1d3,
  // DEN 0022D, 5.1.1: version 1.1.
  'guest: PSCI_VERSION': 0x1_0001,
};

const valueOf = (rows: readonly PrintedRow[], name: string): number | undefined =>
  rows.find((row) => row.name === name)?.value.value;

describe('in the built-in Pi 2', () => {
  let text = '';
  let rows: PrintedRow[] = [];
  beforeAll(async () => {
    text = await runSelftest(image);
    rows = readTable(text);
  });

  test('it comes to its end, through the hypervisor, whose state it shows', () => {
    expect(text.trimEnd().split('\r\n').at(-1)).toBe(LAST_LINE);
    expect(text).toContain('hypberry: 4 cores in HYP mode, host on cores 0 to 2');
    expect(text).toContain('hypberry: selftest: powered off');
    expect(text).toContain('hypberry: end of state');
  });

  test('it prints what is so', () => {
    for (const [name, value] of Object.entries(KNOWN)) expect(valueOf(rows, name), name).toBe(value);
    // 19.2 ticks a microsecond, within one of the system timer's.
    expect(valueOf(rows, 'timers: CNTPCT in 10 ms of the system timer')! / 192_000).toBeCloseTo(1, 2);
    // A cycle an instruction, and three that measure.
    expect(valueOf(rows, 'NOP, cycles of 64')).toBeGreaterThanOrEqual(64);
  });

  test('it prints beside each row what this machine shows: else run npx tsx scripts/selftest.ts', () => {
    expect(rows.map(({ name }) => name)).toEqual([...EMULATOR.keys()]);
    for (const { name, value, marked } of rows) {
      const expected = EMULATOR.get(name)!;
      expect(marked, name).toBe(false);
      if (IS_COST.test(name)) {
        expect(Math.abs(value.value - expected.value), name).toBeLessThanOrEqual(
          expected.value * MOST_OFF + 4,
        );
      } else expect(value, name).toEqual(expected);
    }
  });

  test('a board that shows another value has it marked', async () => {
    const other = new Map([...EMULATOR, ['core 0: MPIDR', { aborted: false, value: 1 }]]);
    const text = await runSelftest(buildSelftest(other), 'core 0: ACTLR');
    const printed = readTable(text.split('core 0: ACTLR')[0]!);
    expect(printed.map(({ name, marked }) => [name, marked])).toEqual([
      ['core 0: CPSR', false],
      ['core 0: MPIDR', true],
    ]);
  });
});

/** Rows of which QEMU 7.2 knows nothing: it keeps no ACTLR, has no local prescaler, and counts no cycles in HYP mode. */
const NOT_IN_QEMU = /: ACTLR$|^timers: local prescaler$|^read where nothing is/;

describe('in QEMU', () => {
  test('it prints the same, but for costs and for what QEMU does not model', async () => {
    useTools();
    const stop = new AbortController();
    let text = '';
    await qemuEngine({ threadPerCore: true }).run(
      selftestHandover(image),
      (bytes) => {
        text += Buffer.from(bytes).toString('latin1');
        if (text.includes(LAST_LINE)) stop.abort();
      },
      stop.signal,
    );
    const rows = readTable(text);
    expect(rows.map(({ name }) => name)).toEqual([...EMULATOR.keys()]);
    const others = rows.filter(({ name }) => !IS_COST.test(name) && !NOT_IN_QEMU.test(name));
    for (const { name, value, marked } of others) {
      expect([value, marked], name).toEqual([EMULATOR.get(name), false]);
    }
    // The mark is seen where it must be.
    expect(rows.filter(({ marked }) => marked).map(({ name }) => name)).toEqual([
      ...[0, 1, 2, 3].map((core) => `core ${core}: ACTLR`),
      'timers: local prescaler',
    ]);
  });
});

test('the file is known again, and nothing else is taken for it', () => {
  expect(isSelftest(image)).toBe(true);
  const kernel = new Uint8Array(image.length);
  kernel.set(buildBootBlock());
  expect(isSelftest(kernel)).toBe(false);
  expect(isSelftest(image.subarray(0, 0x8000))).toBe(false);
  // The block, and behind it what it starts as a kernel.
  expect(readU32LE(image, 0xfc)).toBe(0x8000);
});

test('build --selftest --out writes it, over one of its own alone, and says how it is started', async () => {
  const folder = temporary('out');
  const args = ['build', '--selftest', '--out', folder];
  const { status, stdout } = await hypberry(args);
  expect(status).toBe(0);
  expect(stdout).toContain('kernel=hypberry-selftest.img, kernel_old=1, device_tree_address=0x08000000');
  expect(fs.readdirSync(folder)).toEqual(['hypberry-selftest.img']);
  const file = join(folder, 'hypberry-selftest.img');
  expect(Buffer.compare(fs.readFileSync(file), image)).toBe(0);
  expect((await hypberry(args)).status).toBe(0);
  fs.writeFileSync(file, new Uint8Array(image.length));
  const refused = await hypberry(args);
  expect(refused.status).toBe(2);
  expect(refused.stderr).toContain('file.exists');
});
