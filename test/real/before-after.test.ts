import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { hypberry, type Outcome } from '../cli/run.js';
import { HYP_STUB, stubWithContract } from '../support/stub-sources.js';
import { BOOT_SECONDS, forBoots, quick, useBench } from './real-card.js';

const bench = useBench();

const timeout = ['--timeout', String(BOOT_SECONDS)];

/** Runs `hypberry try` and takes its JSON apart. */
async function tryIt(...args: readonly string[]): Promise<Outcome & { found: Record<string, unknown> }> {
  const ended = await hypberry(['try', '--json', ...timeout, ...args]);
  expect(ended.stderr).toBe('');
  return { ...ended, found: JSON.parse(ended.stdout) as Record<string, unknown> };
}

const SVC = { verdict: 'SVC', cores: 4, console: expect.stringContaining('started in SVC mode.') as string };
const HYP = { verdict: 'HYP', cores: 4, console: expect.stringContaining('started in HYP mode.') as string };

describe('a card whose stub leaves the cores in SVC mode', () => {
  it(
    'is SVC before and HYP after, and trying it changes nothing',
    async () => {
      // What the firmware's own stub does less: everything but the step to HYP mode.
      const svc = stubWithContract({ ...HYP_STUB, hyp: false });
      const image = await bench.image(await quick(bench.found.bookworm), {
        config: 'armstub=svc.bin\n',
        more: new Map([['svc.bin', svc]]),
      });
      const bytes = await readFile(image);

      const before = await tryIt('--as-is', image);
      expect(before.found).toMatchObject({ ...SVC, picked: { stub: { from: 'file', file: 'svc.bin' } } });
      expect(before.status).toBe(1);

      const after = await tryIt(image);
      expect(after.found).toMatchObject(HYP);
      expect(after.status).toBe(0);
      expect((await readFile(image)).equals(bytes)).toBe(true);
    },
    forBoots(2),
  );
});

describe('a card without a start.elf', () => {
  it(
    'is SVC by the plainest stub, refused without a method, and HYP by ours',
    async () => {
      const image = await bench.image(await quick(bench.found.trixie), {}, [
        'start.elf',
        'fixup.dat',
        'bootcode.bin',
      ]);
      const before = await tryIt('--as-is', image);
      expect(before.found).toMatchObject({ ...SVC, picked: { stub: { from: 'none' } } });
      expect(before.status).toBe(1);

      const refused = await hypberry(['try', ...timeout, image]);
      expect(refused.status).toBe(2);
      expect(refused.stderr).toContain('(setup.no-firmware)');

      const after = await tryIt('--method', 'kernel_old', image);
      expect(after.found).toMatchObject({ ...HYP, picked: { stub: { from: 'kernel' } } });
      expect(after.status).toBe(0);
    },
    forBoots(2),
  );
});

describe('a trial that comes to no verdict', () => {
  it(
    'ends with status 2 and the reason',
    async () => {
      const image = await bench.image(bench.found.bookworm);
      const { status, found } = await tryIt('--timeout', '0.5', image);
      expect(found).toMatchObject({
        verdict: 'NONE',
        reason: expect.stringMatching(/^Time was up \(0\.5 s\)/) as string,
      });
      expect(status).toBe(2);
    },
    forBoots(1),
  );
});
