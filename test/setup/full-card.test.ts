import fs from 'node:fs';
import { describe, expect, test } from 'vitest';
import type { Card } from '../../src/card/card.js';
import { openFatCard } from '../../src/card/fat.js';
import { openCard } from '../../src/node/open-card.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { splitConfig } from '../../src/setup/config-block.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { ourFiles } from '../../src/setup/ours.js';
import { applyPlan, checkPlan, type Method } from '../../src/setup/plan.js';
import { makeVolume, run } from '../card/images.js';
import { everyCut } from '../card/power-cut.js';
import { bootPartition } from '../support/boot-files.js';
import { memoryDisk } from '../support/memory-disk.js';

const CONFIG = new TextEncoder().encode(`${'# a line of the user\n'.repeat(30)}gpu_mem=64\n`);
const MORE = new TextEncoder().encode('hdmi_force_hotplug=1\n');

const open = (bytes: Uint8Array): Promise<Card> => openFatCard(memoryDisk(bytes), 'image', 'full');

async function install(card: Card, method: Method): Promise<void> {
  await applyPlan(card, await planInstall(card, { method }), () => undefined);
}

async function uninstall(card: Card): Promise<void> {
  await applyPlan(card, await checkPlan(card, await planUninstall(card)), () => undefined);
}

/** What the firmware takes from the card: kernel, tree, stub. */
async function startOf(card: Card): Promise<string> {
  return JSON.stringify((await prepareHandover(card)).picked);
}

/** A card with hypberry installed, without a free cluster. */
async function fullCard(method: Method, sectorsPerCluster: number, addedLater: boolean): Promise<Uint8Array> {
  const shape = { bits: 16, sectorsPerCluster, megabytes: sectorsPerCluster * 4 } as const;
  const files = bootPartition(method === 'armstub' ? 'svc' : 'of2015', { 'config.txt': CONFIG });
  const bytes = new Uint8Array(fs.readFileSync(makeVolume(shape, files)));
  const card = await open(bytes);
  await install(card, method);
  if (addedLater) {
    const config = await card.read('config.txt');
    await card.replace('config.txt', new Uint8Array([...config, ...MORE]));
  }
  await card.create('filler', new Uint8Array(await card.freeBytes()));
  expect(await card.freeBytes()).toBe(0);
  return bytes;
}

describe('uninstall of a card without a free byte: the power cut after every sector', () => {
  test.each([
    ['armstub', 1, false],
    ['kernel_old', 1, false],
    // config.txt does not get shorter at its end, so it has to go into new clusters.
    ['armstub', 4, true],
    ['kernel_old', 4, true],
  ] as const)(
    '%s, clusters of %i sectors, lines behind our block: %s',
    async (method, clusters, addedLater) => {
      const bytes = await fullCard(method, clusters, addedLater);
      const before = await startOf(await open(bytes));
      const whole = bytes.slice();
      const done = await open(whole);
      await uninstall(done);
      const after = await startOf(done);
      expect(after).not.toBe(before);
      const config = addedLater ? new Uint8Array([...CONFIG, ...MORE]) : CONFIG;
      expect(Buffer.compare(await done.read('config.txt'), config)).toBe(0);
      expect(await ourFiles(done)).toEqual([]);

      const seen = new Set<string>();
      let refused = 0;
      await everyCut(
        bytes,
        async (disk) => {
          await uninstall(await openFatCard(disk, 'image', 'full'));
        },
        async (disk, n) => {
          const card = await openFatCard(disk, 'image', 'full');
          const start = await startOf(card);
          expect([before, after], `state ${n}: the old way or the new`).toContain(start);
          seen.add(start);
          const { without } = splitConfig(await card.read('config.txt'));
          expect(Buffer.compare(without!, config), `state ${n}: the user's lines`).toBe(0);
          try {
            await uninstall(card);
          } catch (error) {
            // The name of our file is gone, and its clusters are lost until fsck.fat finds them: the card starts as
            // before install, and what is left of ours are comments.
            expect(error).toMatchObject({ code: 'card.no-room' });
            expect([addedLater, start, await ourFiles(card)], `state ${n}`).toEqual([true, after, []]);
            refused++;
            return;
          }
          expect(Buffer.compare(await card.read('config.txt'), config), `state ${n}: finished`).toBe(0);
          expect(await ourFiles(card), `state ${n}: nothing of ours`).toEqual([]);
        },
      );
      expect(seen.size).toBe(2);
      // From the first sector that has its name to the first one of the file allocation table.
      expect(refused).toBeLessThanOrEqual(addedLater ? 3 : 0);
    },
  );
});

describe('before anything is written', () => {
  test('config.txt that is marked read-only, on an image: the reason, and a hint that fits', async () => {
    const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, bootPartition('of2015'));
    run('mattrib', '+r', '-i', image, '::config.txt');
    const before = fs.readFileSync(image);
    const card = await openCard(image, { write: true });
    await expect(checkPlan(card, await planInstall(card, { method: 'auto' }))).rejects.toMatchObject({
      code: 'card.read-only',
      message: '"config.txt" is marked read-only on the boot partition.',
      hint: expect.stringContaining('mattrib -r') as string,
    });
    await card.close();
    expect(fs.readFileSync(image).equals(before)).toBe(true);
  });

  test('a root folder of FAT16 that has no place for another name', async () => {
    const shape = { bits: 16, sectorsPerCluster: 1, megabytes: 4, rootEntries: 32 } as const;
    const image = makeVolume(shape, bootPartition('of2015'));
    const bytes = new Uint8Array(fs.readFileSync(image));
    const card = await open(bytes);
    for (let i = 0; ; i++) {
      try {
        await card.create(`F${i}`, new Uint8Array(1));
      } catch {
        break;
      }
    }
    const before = bytes.slice();
    await expect(checkPlan(card, await planInstall(card, { method: 'auto' }))).rejects.toMatchObject({
      code: 'card.no-room',
      message: expect.stringContaining('no place for another name') as string,
    });
    expect(Buffer.compare(bytes, before)).toBe(0);
  });

  test('what a change that failed had made new goes again', async () => {
    const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, bootPartition('of2015'));
    const card = await open(new Uint8Array(fs.readFileSync(image)));
    const plan = await planInstall(card, { method: 'auto' });
    const failing: Card = {
      ...card,
      replace: async () => {
        throw new RangeError('no more');
      },
    };
    await expect(applyPlan(failing, plan, () => undefined)).rejects.toThrow('no more');
    expect(await ourFiles(card)).toEqual([]);
  });
});
