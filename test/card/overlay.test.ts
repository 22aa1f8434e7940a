import fs from 'node:fs';
import { expect, it } from 'vitest';
import { type CardReader } from '../../src/card/card.js';
import { openFatCard } from '../../src/card/fat.js';
import { overlayCard } from '../../src/card/overlay.js';
import { makeVolume, pattern } from './images.js';
import { memoryDisk } from '../support/memory-disk.js';

const files = {
  'config.txt': pattern(10, 1),
  'kernel7.img': pattern(20, 2),
  'overlays/a.dtbo': pattern(30, 3),
};
const image = new Uint8Array(
  fs.readFileSync(makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, files)),
);

async function everything(card: CardReader): Promise<unknown> {
  const found: Record<string, unknown> = {};
  for (const folder of ['', 'overlays/']) {
    for (const entry of await card.list(folder)) {
      const path = folder + entry.name;
      expect(await card.stat(path.toLowerCase())).toEqual(entry);
      if (!entry.isFolder) found[path] = [entry.size, await card.read(path.toLowerCase())];
    }
  }
  return found;
}

it('shows a card as it is after the same changes', async () => {
  const before = image.slice();
  const base = await openFatCard(memoryDisk(before), 'image', 'x');
  const write = new Map([
    ['CONFIG.txt', pattern(11, 4)],
    ['hypberry.bin', pattern(12, 5)],
    ['overlays/b.dtbo', pattern(13, 6)],
  ]);
  const remove = new Set(['Kernel7.img', 'OVERLAYS/A.dtbo']);
  const over = overlayCard(base, { write, remove });

  const changedImage = image.slice();
  const changed = await openFatCard(memoryDisk(changedImage), 'image', 'x');
  for (const name of remove) await changed.remove(name);
  for (const [name, data] of write) await changed.replace(name, data);

  expect(await everything(over)).toEqual(await everything(changed));
  expect(Buffer.compare(before, image)).toBe(0);
});

it('reads parts, and says what is not there', async () => {
  const base = await openFatCard(memoryDisk(image), 'image', 'x');
  const over = overlayCard(base, {
    write: new Map([['new', pattern(100, 1)]]),
    remove: new Set(['config.txt']),
  });
  expect(await over.read('NEW', 90, 50)).toEqual(pattern(100, 1).slice(90));
  expect(await over.read('kernel7.img', 5, 2)).toEqual(pattern(20, 2).slice(5, 7));
  expect(await over.stat('CONFIG.TXT')).toBeUndefined();
  await expect(over.read('config.txt')).rejects.toMatchObject({ code: 'card.no-file' });
  await expect(over.list('nowhere')).rejects.toMatchObject({ code: 'card.no-file' });
});
