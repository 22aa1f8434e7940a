/** A card that fails in the middle of a change: it starts, the old way or the new, and nothing is left that is of no use. */
import { describe, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import type { Card } from '../../src/card/card.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { planInstall } from '../../src/setup/install.js';
import { applyPlan, type Plan } from '../../src/setup/plan.js';
import { bootPartition, guestFiles, HOST_TREE } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';

type Files = Record<string, Uint8Array>;

/** Fails at change n: before it has come into effect, or after, as where the wait for the medium fails. */
function failing(files: Files, n: number, when: 'before' | 'after'): Card {
  const card = changeableCard(files);
  let left = n;
  const at = async (change: () => Promise<void>): Promise<void> => {
    const fails = left-- === 0;
    if (!fails || when === 'after') await change();
    if (fails) throw new HypberryError('card.io', 'It cannot be written.', 'Try again.');
  };
  return {
    ...card,
    create: (path, data) => at(() => card.create(path, data)),
    replace: (path, data) => at(() => card.replace(path, data)),
    remove: (path) => at(() => card.remove(path)),
  };
}

const cases: [string, () => Files, (card: Card) => Promise<Plan>][] = [
  ['install by armstub', () => bootPartition('svc'), (card) => planInstall(card, { method: 'armstub' })],
  [
    'install by kernel_old',
    () => bootPartition('of2015'),
    (card) => planInstall(card, { method: 'kernel_old' }),
  ],
  [
    'install with guests',
    () => bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles('web') }),
    (card) => planInstall(card, { method: 'armstub' }),
  ],
];

describe.each(cases)('%s', (_, make, planFor) => {
  const named = (files: Files): string => new TextDecoder().decode(files['config.txt'] ?? new Uint8Array(0));

  test.each(['before', 'after'] as const)('a change that fails %s it has come into effect', async (when) => {
    const { changes } = await planFor(changeableCard(make()));
    expect(changes.length).toBeGreaterThan(1);
    for (const [n, change] of changes.entries()) {
      const files = make();
      const before = Object.keys(files).sort();
      const card = failing(files, n, when);
      const plan = await planFor(card);
      await expect(applyPlan(card, plan, () => undefined)).rejects.toMatchObject({ code: 'card.io' });
      // Whatever config.txt names is there.
      const { picked } = await prepareHandover(card);
      expect(files[picked.kernel.file], change.path).toBeDefined();
      for (const name of named(files).match(/hypberry-[0-9a-f]{8}\.\w+/g) ?? [])
        expect(files[name], name).toBeDefined();
      if (named(files) === named(make())) expect(Object.keys(files).sort(), change.path).toEqual(before);
    }
  });
});
