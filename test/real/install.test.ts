import { describe, expect, it } from 'vitest';
import { openCard } from '../../src/node/open-card.js';
import { planInstall, type Method } from '../../src/setup/install.js';
import { applyPlan } from '../../src/setup/plan.js';
import type { Suite } from '../../scripts/lib/inputs.js';
import { BOOT_SECONDS, bootAsIs, forBoots, hypberry, useBench } from './real-card.js';

const bench = useBench();

const HYP_LINE = 'CPU: All CPU(s) started in HYP mode.';
const VERSION: Record<Suite, string> = { bookworm: 'Linux version 6.1.', trixie: 'Linux version 6.12.' };

async function install(image: string, method: Method): Promise<void> {
  const card = await openCard(image, { write: true });
  try {
    const plan = await planInstall(card, { method });
    expect(plan.method).toBe(method);
    await applyPlan(card, plan, () => undefined);
  } finally {
    await card.close();
  }
}

describe('a card with Debian’s kernel starts in HYP mode by our block', () => {
  it.each([
    ['bookworm', 'armstub'],
    ['bookworm', 'kernel_old'],
    ['trixie', 'armstub'],
  ] as const)(
    '%s, by %s',
    async (suite, method) => {
      const image = await bench.image(suite);
      await install(image, method);
      const { verdict, cores, console, picked } = await bootAsIs(image);
      expect({ verdict, cores }).toEqual({ verdict: 'HYP', cores: 4 });
      expect(console).toContain(HYP_LINE);
      expect(console).toContain(VERSION[suite]);
      // What started the kernel was ours, not the firmware's own stub.
      if (method === 'armstub') {
        expect(picked.stub).toMatchObject({
          from: 'file',
          file: expect.stringMatching(/^hypberry-/) as string,
        });
        expect(picked.kernel).toMatchObject({ file: 'kernel7.img', address: 0x8000 });
      } else {
        expect(picked.stub).toEqual({ from: 'kernel' });
        expect(picked.kernel).toMatchObject({
          file: expect.stringMatching(/^hypberry-/) as string,
          address: 0,
        });
        expect(picked.tree).toMatchObject({ address: 0x0800_0000 });
      }
    },
    forBoots(1),
  );

  it(
    'trixie, by kernel_old, with the built command',
    async () => {
      const image = await bench.image('trixie');
      const installed = await hypberry('install', '--method', 'kernel_old', image);
      expect(installed).toMatchObject({ status: 0, errors: '' });

      const tried = await hypberry('try', '--as-is', '--json', '--timeout', String(BOOT_SECONDS), image);
      expect(tried).toMatchObject({ status: 0, errors: '' });
      const found = JSON.parse(tried.output) as Record<string, unknown>;
      expect(found).toMatchObject({
        verdict: 'HYP',
        engine: 'built-in',
        cores: 4,
        picked: { stub: { from: 'kernel' } },
      });
      expect(found['console']).toContain(HYP_LINE);
      expect(found['console']).toContain(VERSION.trixie);
      expect(found['seconds']).toBeGreaterThan(0.5);
    },
    forBoots(1),
  );
});

describe('today’s firmware', () => {
  it(
    'starts HYP mode by the stub in its own start.elf, and install says so and changes nothing',
    async () => {
      const image = await bench.image('bookworm');
      const installed = await hypberry('install', '--json', image);
      expect(installed).toMatchObject({ status: 0, errors: '' });
      expect(JSON.parse(installed.output)).toMatchObject({ method: null, changed: false, changes: [] });

      const { verdict, cores, picked } = await bootAsIs(image);
      expect({ verdict, cores }).toEqual({ verdict: 'HYP', cores: 4 });
      expect(picked.stub).toMatchObject({ from: 'start.elf', file: 'start.elf' });
    },
    forBoots(1),
  );
});
