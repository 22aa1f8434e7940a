import { describe, expect, it } from 'vitest';
import { hasProgram } from '../../scripts/lib/run.js';
import { hypberry } from '../cli/run.js';
import { BOOT_SECONDS, forBoots, install, useBench } from './real-card.js';

const bench = useBench();

describe('the built-in Pi 2', () => {
  it(
    "starts Debian's 6.1 kernel behind our block in HYP mode on all four cores, the same way before install and after",
    async () => {
      const image = await bench.image(bench.found.bookworm);
      const run = async (...options: readonly string[]): Promise<Record<string, unknown>> => {
        const ended = await hypberry(['try', '--json', '--timeout', String(BOOT_SECONDS), ...options, image]);
        expect(ended.stderr).toBe('');
        expect(ended.status).toBe(0);
        return JSON.parse(ended.stdout) as Record<string, unknown>;
      };
      const first = await run('--method', 'kernel_old');
      expect(first).toMatchObject({ verdict: 'HYP', engine: 'built-in', cores: 4 });
      expect(first['console']).toContain('Linux version 6.1.');
      expect(first['console']).toContain('CPU: All CPU(s) started in HYP mode.');
      // By then every core has come to the kernel, and was seen.
      const { handover } = first['machine'] as { handover: { point: string; ok: boolean | null }[] };
      expect(handover.length).toBeGreaterThan(0);
      expect(handover.filter(({ ok }) => ok !== true)).toEqual([]);

      await install(image, 'kernel_old');
      const [second, theirs] = await Promise.all([
        run('--as-is'),
        (await hasProgram('qemu-system-arm')) ? run('--as-is', '--engine', 'qemu') : undefined,
      ]);
      // What started the kernel was ours, not the firmware's own stub.
      expect(second['picked']).toMatchObject({
        stub: { from: 'kernel' },
        kernel: { file: expect.stringMatching(/^hypberry-/) as string, address: 0 },
        tree: { address: 0x0800_0000 },
      });
      // Time is counted in instructions: the kernel's time stamps are the same in every run.
      expect(second['console']).toBe(first['console']);
      if (theirs) expect(theirs).toMatchObject({ verdict: 'HYP', engine: 'qemu', cores: 4 });
    },
    forBoots(2),
  );
});
