import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { bootPartition } from '../support/boot-files.js';
import { releasingKernel } from '../support/payloads.js';
import { armstub7, bootCodeWith } from '../support/yardsticks.js';
import { hypberry } from './run.js';

const KERNEL_AT = 0x8000;
const says = 'SMP: Total of 4 processors activated\nCPU: All CPU(s) started in HYP mode.\n';
let folder: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hypberry-handover-'));
  const files = bootPartition('hyp', {
    'kernel7.img': releasingKernel(KERNEL_AT, { says }).image,
    'config.txt': 'device_tree_address=0x08000000\narmstub=other.bin\n',
    'other.bin': bootCodeWith(armstub7(0x0800_0000), KERNEL_AT),
  });
  for (const [name, data] of Object.entries(files)) writeFileSync(join(folder, name), data);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const tried = (...more: string[]) => hypberry(['try', '--as-is', '--engine', 'built-in', ...more, folder]);

describe('try with the built-in engine', () => {
  test('prints every point of the handover, then the verdict, then how many hold', async () => {
    const { stdout, stderr, status } = await tried();
    expect([status, stderr]).toEqual([0, '']);
    const lines = stdout.split('\n');
    const table = lines.slice(lines.indexOf('Handover to the kernel:'));
    expect(table[1]).toMatch(/^ {2}ok {6}mode {2,}HYP mode, Non-secure, on every core \[booting\.rst/);
    const timers = table.findIndex((line) => line.startsWith('  NOT OK  timers '));
    expect(table[timers + 1]).toBe('          found: every core: virtual timer on');
    const points = table.filter((line) => /^ {2}(ok|NOT OK|unseen) /.test(line)).length;
    expect(stdout).toMatch(
      new RegExp(
        `HYP: all 4 cores started in HYP mode \\(after .* s\\)\\.\\nHandover: ${points - 4} of ${points} points hold; these do not: counter, CNTVOFF, SMC, timers\\.\\n$`,
      ),
    );
  });

  test('gives the same to scripts', async () => {
    const { stdout, status } = await tried('--json');
    expect(status).toBe(0);
    const { machine } = JSON.parse(stdout) as { machine: { handover: { point: string; ok: boolean }[] } };
    expect(machine.handover.filter(({ ok }) => !ok)).toEqual([
      // Linux sets the prescaler itself (irq-bcm2836.c); Raspberry Pi's stub for the Pi 2 does not.
      expect.objectContaining({ point: 'counter', found: 'the prescaler is 0x0' }),
      expect.objectContaining({ point: 'CNTVOFF', found: 'every core: 0xffffffff00000000' }),
      expect.objectContaining({ point: 'SMC', found: 'every core: SCR.SCD is 0' }),
      expect.objectContaining({ point: 'timers', found: 'every core: virtual timer on' }),
    ]);
  });
});
