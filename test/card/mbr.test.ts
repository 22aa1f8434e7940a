import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { bootPartition, readPartitionTable } from '../../src/card/mbr.js';
import { openDiskFile } from '../../src/node/disk-file.js';
import { openCard } from '../../src/node/open-card.js';
import { makeDisk, makeVolume, pattern } from './images.js';

const volume = makeVolume(
  { bits: 16, sectorsPerCluster: 1, megabytes: 4 },
  { 'config.txt': pattern(100, 1) },
);

describe('the partition table that sfdisk wrote', () => {
  it.each(['1', '4', '6', 'b', 'c', 'e'])('finds a boot partition of type %s', async (type) => {
    const disk = makeDisk(
      16,
      `label: dos\nstart=4096,size=8192,type=${type}\nstart=12288,type=83\n`,
      volume,
      4096,
    );
    const card = await openCard(disk, { write: false });
    expect(await card.list('')).toEqual([{ name: 'config.txt', size: 100, isFolder: false }]);
    await card.close();
    const table = readPartitionTable(new Uint8Array(fs.readFileSync(disk).subarray(0, 512)));
    expect(table).toEqual([
      { type: parseInt(type, 16), start: 4096, sectors: 8192 },
      { type: 0x83, start: 12288, sectors: 20480 },
    ]);
  });

  it('takes the first FAT partition, wherever it stands', () => {
    const disk = openDiskFile(
      makeDisk(
        16,
        'label: dos\nstart=2048,size=2048,type=83\nstart=8192,size=8192,type=c\nstart=20000,type=c\n',
      ),
      { write: false },
    );
    expect(bootPartition(disk).sectors).toBe(8192);
    disk.close();
  });

  it('takes an image that is one FAT volume', async () => {
    const card = await openCard(volume, { write: false });
    expect(await card.read('config.txt')).toEqual(pattern(100, 1));
    await card.close();
  });

  it.each([
    ['card.no-partition', 'label: dos\nstart=2048,type=83\n'],
    ['card.no-partition', 'label: dos\n'],
    ['card.no-partition', 'label: gpt\nstart=2048,size=4096\n'],
    ['card.not-fat', 'label: dos\nstart=2048,type=c\n'],
  ])('%s: %j', async (code, script) => {
    await expect(openCard(makeDisk(16, script), { write: false })).rejects.toMatchObject({ code });
  });

  it.each([
    ['the boot partition', 'label: dos\nstart=2048,type=c\n'],
    ['another partition', 'label: dos\nstart=2048,size=8192,type=c\nstart=12288,type=83\n'],
  ])('card.truncated: %s', async (_, script) => {
    const disk = makeDisk(16, script, volume);
    fs.truncateSync(disk, 10 << 20);
    await expect(openCard(disk, { write: false })).rejects.toMatchObject({ code: 'card.truncated' });
  });
});
