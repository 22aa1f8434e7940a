import { describe, expect, it } from 'vitest';
import { hypberry } from '../cli/run.js';
import { BOOT_SECONDS, bootAsIs, forBoots, install, quick, useBench } from './real-card.js';

// That today's firmware needs nothing of ours, and bookworm's kernel behind our stub, are in kernels.test.ts; our block
// by kernel_old in front of bookworm's in built-in.test.ts: those boots serve other tests, too.

const bench = useBench();

const HYP_LINE = 'CPU: All CPU(s) started in HYP mode.';

describe('a card with Debian’s kernel starts in HYP mode by our block', () => {
  it(
    'trixie, by armstub',
    async () => {
      const image = await bench.image(await quick(bench.found.trixie));
      await install(image, 'armstub');
      const { verdict, cores, console, picked } = await bootAsIs(image);
      expect({ verdict, cores }).toEqual({ verdict: 'HYP', cores: 4 });
      expect(console).toContain(HYP_LINE);
      expect(console).toContain('Linux version 6.12.');
      // What started the kernel was ours, not the firmware's own stub.
      expect(picked.stub).toMatchObject({
        from: 'file',
        file: expect.stringMatching(/^hypberry-/) as string,
      });
      expect(picked.kernel).toMatchObject({ file: 'kernel7.img', address: 0x8000 });
    },
    forBoots(1),
  );

  it(
    'trixie, by kernel_old, with the built command',
    async () => {
      // As on Raspberry Pi OS: nothing to read there but for what try adds.
      const commandLine = 'console=tty1 root=PARTUUID=1234-02 rootwait quiet';
      const image = await bench.image(await quick(bench.found.trixie), { commandLine });
      const installed = await hypberry(['install', '--method', 'kernel_old', image]);
      expect(installed).toMatchObject({ status: 0, stderr: '' });

      const tried = await hypberry(['try', '--as-is', '--json', '--timeout', String(BOOT_SECONDS), image]);
      expect(tried).toMatchObject({ status: 0, stderr: '' });
      const found = JSON.parse(tried.stdout) as Record<string, unknown>;
      expect(found).toMatchObject({
        verdict: 'HYP',
        engine: 'built-in',
        cores: 4,
        picked: { stub: { from: 'kernel' } },
      });
      expect(found['console']).toContain(HYP_LINE);
      expect(found['console']).toContain('Linux version 6.12.');
      expect(found['seconds']).toBeGreaterThan(0.5);
    },
    forBoots(1),
  );
});
