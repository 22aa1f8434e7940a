import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { openFatCard } from '../../src/card/fat.js';
import { readAheadOf } from '../../src/card/read-ahead.js';
import { SECTOR_SIZE, type Disk } from '../../src/ports/disk.js';
import { memoryDisk } from '../support/memory-disk.js';
import { makeVolume, pattern } from './images.js';

/** Says what was read. */
function counted(disk: Disk): { disk: Disk; reads: [sector: number, count: number][] } {
  const reads: [number, number][] = [];
  return {
    reads,
    disk: {
      ...disk,
      read: (sector, count) => {
        reads.push([sector, count]);
        return disk.read(sector, count);
      },
    },
  };
}

const SECTORS = 400;
const contents = (): Uint8Array =>
  Uint8Array.from({ length: SECTORS * SECTOR_SIZE }, (_, i) => (i * 31 + (i >> 9)) & 0xff);

test('whatever is read, written and erased, it is the disk', () => {
  const place = fc.record({ sector: fc.nat(SECTORS - 1), count: fc.integer({ min: 1, max: 5 }) });
  const step = fc.record({ what: fc.constantFrom('read', 'on', 'on', 'on', 'write', 'erase'), place });
  fc.assert(
    fc.property(fc.array(step, { maxLength: 80 }), (steps) => {
      const erase =
        (bytes: Uint8Array) =>
        (sector: number, count: number): void => {
          bytes.fill(0, sector * SECTOR_SIZE, (sector + count) * SECTOR_SIZE);
        };
      const [plain, under] = [contents(), contents()];
      const disk = { ...memoryDisk(plain), erase: erase(plain) };
      const ahead = readAheadOf({ ...memoryDisk(under), erase: erase(under) });
      let next = 0;
      for (const [n, { what, place }] of steps.entries()) {
        const sector = what === 'on' ? next : place.sector;
        const count = Math.min(place.count, SECTORS - sector);
        if (count <= 0) continue;
        next = sector + count;
        if (what === 'write') {
          const bytes = new Uint8Array(count * SECTOR_SIZE).fill(n);
          disk.write(sector, bytes);
          ahead.write(sector, bytes);
        } else if (what === 'erase') {
          disk.erase(sector, count);
          ahead.erase!(sector, count);
        } else expect(ahead.read(sector, count)).toEqual(disk.read(sector, count));
      }
    }),
  );
});

test('what follows is read in runs, up to the end', () => {
  const { disk, reads } = counted(memoryDisk(contents()));
  const ahead = readAheadOf(disk);
  for (let sector = 100; sector < SECTORS; sector++) ahead.read(sector, 1);
  expect(reads).toEqual([
    [100, 1],
    [101, 64],
    [165, 64],
    [229, 64],
    [293, 64],
    [357, 43],
  ]);
});

test('a sector that cannot be read is nobody’s matter who does not ask for it', () => {
  const bad = 120;
  const disk = memoryDisk(contents());
  const ahead = readAheadOf({
    ...disk,
    read: (sector, count) => {
      if (sector <= bad && sector + count > bad)
        throw new HypberryError('card.unreadable', 'bad sector', 'None.');
      return disk.read(sector, count);
    },
  });
  for (let sector = 100; sector < bad; sector++) expect(ahead.read(sector, 1)).toEqual(disk.read(sector, 1));
  expect(() => ahead.read(bad, 1)).toThrow('bad sector');
  expect(ahead.read(bad + 1, 1)).toEqual(disk.read(bad + 1, 1));
});

test('a file on a volume with clusters of one sector is read in runs', async () => {
  const data = pattern(2 ** 20, 1);
  const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, { 'kernel.img': data });
  const { disk, reads } = counted(memoryDisk(new Uint8Array(readFileSync(image))));
  const card = await openFatCard(disk, 'image', image);
  reads.length = 0;
  expect(await card.read('kernel.img')).toEqual(data);
  // 32 runs, and what leads to the file: its entry, and a sector of the FAT for each 256 clusters.
  expect(reads.length).toBeLessThan(70);
});
