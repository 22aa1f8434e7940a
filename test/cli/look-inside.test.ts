import fs from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { makeVolume, temporary } from '../card/images.js';
import { bootPartition } from '../support/boot-files.js';
import { printingPayload } from '../support/payloads.js';
import { hypberry } from './run.js';

// Each test starts the program several times.
vi.setConfig({ testTimeout: 120_000 });

const card = makeVolume(
  { bits: 16, sectorsPerCluster: 1, megabytes: 4 },
  bootPartition('svc', { 'kernel7.img': printingPayload('Booting\nand then\n') }),
);
const tryIt = (...args: readonly string[]) =>
  hypberry(['try', '--engine', 'built-in', '--as-is', ...args, card]);

/** Where the firmware puts a kernel; the payload's first instruction reads MPIDR. */
const KERNEL = 0x8000;

describe('try looks inside', () => {
  test('--until an address: where each core is, and exit status 0', async () => {
    const { status, stdout, stderr } = await tryIt('--until', '0x8000');
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /\ncore 0 {2}svc non-secure {2}pc 00008000 {2}cpsr [0-9a-f]{8}\n {2}r0 {2}( ?[0-9a-f]{8}){8}\n/,
    );
    expect(stdout.match(/^core [0-3] {2}(svc|mon|hyp) /gm)).toHaveLength(4);
    expect(stdout).toMatch(
      /\ncore 3[^]*\n {2}unseen +cores [^]*\nREACHED: the run came to where it was to end [^]*\nHandover: .*; not seen: /,
    );
    expect(stdout).not.toMatch(/NONE/);

    const found = JSON.parse((await tryIt('--json', '--until', '0x8000')).stdout) as Record<string, unknown>;
    expect(found).toMatchObject({
      reached: true,
      machine: { reachedBy: 0, cores: [{ pc: KERNEL }, {}, {}, {}] },
    });
  });

  test('--until text: reached or not', async () => {
    const there = await tryIt('--until', 'and th');
    expect([there.status, there.stderr]).toEqual([0, '']);
    expect(there.stdout).toMatch(/Booting\n +\d+\.\d s {2}and th\n[^]*\nREACHED: /);
    const never = await tryIt('--until', 'nowhere');
    expect(never.status).toBe(2);
    expect(never.stdout).toMatch(/\nNOT REACHED: the run did not come to where it was to end /);
    // Core 0 sleeps in WFI behind the text.
    expect(never.stdout).toMatch(
      /NONE: .* The machine came to rest before .*; nothing will happen any more: core 0 waits for an interrupt/,
    );
  });

  test('--trace: the words that the firmware and the card put there', async () => {
    const file = temporary('trace.txt');
    const { status, stdout } = await tryIt('--until', 'Booting', '--trace', file);
    expect(status).toBe(0);
    expect(stdout).toContain(`of trace in ${file}\n`);
    const lines = fs.readFileSync(file, 'utf8').split('\n');
    expect(lines.filter((line) => line.includes(' 00008000 '))).toEqual([
      expect.stringMatching(
        /^0 +\d+ {2}svc NS {2}00008000 {2}ee100fb0 {2}mrc p15, 0, r0, c0, c0, 5 {2}; MPIDR$/,
      ),
    ]);
    const bad = await tryIt('--trace', temporary('no/such/folder'));
    expect(bad.status).toBe(2);
    expect(bad.stderr).toContain('(file.unwritable)');
  });

  test('the timeline is 80 columns wide where there is no terminal, without colours, before the verdict', async () => {
    const { stdout } = await tryIt();
    const rows = stdout.split('\n').filter((line) => /^core [0-3] S\S* *\|/.test(line));
    expect(rows).toHaveLength(4);
    for (const row of rows) expect(row).toHaveLength(80);
    expect(stdout).not.toContain('\u001b');
    expect(stdout.indexOf('NONE:')).toBeGreaterThan(stdout.indexOf(rows[3]!));
  });

  test('QEMU cannot, and says so', async () => {
    for (const option of [
      ['--until', '0x8000'],
      ['--trace', temporary('trace.txt')],
    ]) {
      const { status, stderr } = await hypberry(['try', '--engine', 'qemu', ...option, card]);
      expect(status).toBe(2);
      expect(stderr).toContain('(engine.no-look-inside)');
    }
    expect((await hypberry(['try', '--until', '0xfffffffff', card])).status).toBe(2);
    const seeded = await hypberry(['try', '--engine', 'qemu', '--seed', '1', card]);
    expect([seeded.status, seeded.stderr]).toEqual([2, expect.stringContaining('(engine.no-seed)')]);
  });

  test.each(['-1', '4294967296', '0x10', 'x', ''])(
    'a seed is a number of 32 bits, and not %j',
    async (seed) => {
      const { status, stderr } = await hypberry(['try', `--seed=${seed}`, card]);
      expect([status, stderr]).toEqual([2, expect.stringContaining('(usage.invalid)')]);
    },
  );
});
