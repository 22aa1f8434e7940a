import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import { readPartitionTable, type PartitionTable } from '../../src/card/mbr.js';
import { openDiskFile } from '../../src/node/disk-file.js';
import { openCard } from '../../src/node/open-card.js';
import { makeDisk, makeVolume, pattern, run } from './images.js';
import { loopDevice, NO_LOOP } from '../support/loop-device.js';
import { memoryDisk } from '../support/memory-disk.js';

const volume = makeVolume(
  { bits: 16, sectorsPerCluster: 1, megabytes: 4 },
  { 'config.txt': pattern(100, 1) },
);

function tableOf(image: string | Uint8Array): PartitionTable | undefined {
  return readPartitionTable(
    typeof image === 'string' ? openDiskFile(image, { write: false }) : memoryDisk(image),
  );
}

/** What sfdisk itself says of an image: the numbers, starts and sizes of all but extended partitions. */
function bySfdisk(image: string): unknown {
  const { partitiontable } = JSON.parse(run('sfdisk', '--json', image)) as {
    partitiontable: { partitions: { node: string; start: number; size: number; type: string }[] };
  };
  return partitiontable.partitions
    .filter(({ type }) => !['5', 'f', '85'].includes(type))
    .map(({ node, start, size, type }) => ({
      number: Number(node.slice(image.length)),
      type: parseInt(type, 16),
      start,
      sectors: size,
    }));
}

/** A disk of `sectors` sectors in memory whose first one has these lines: [boot indicator, type, start, sectors]. */
function disk(sectors: number, ...lines: readonly (readonly [number, number, number, number])[]): Uint8Array {
  const image = new Uint8Array(sectors * 512);
  putRecord(image, 0, ...lines);
  return image;
}

function putRecord(
  image: Uint8Array,
  sector: number,
  ...lines: readonly (readonly [number, number, number, number])[]
): void {
  const view = new DataView(image.buffer, sector * 512);
  for (const [i, [indicator, type, start, size]] of lines.entries()) {
    view.setUint8(0x1be + i * 16, indicator);
    view.setUint8(0x1be + i * 16 + 4, type);
    view.setUint32(0x1be + i * 16 + 8, start, true);
    view.setUint32(0x1be + i * 16 + 12, size, true);
  }
  view.setUint16(510, 0xaa55, true);
}

describe('the partition table that sfdisk wrote', () => {
  it.each(['1', '4', '6', 'b', 'c', 'e'])('finds a boot partition of type %s', async (type) => {
    const image = makeDisk(
      16,
      `label: dos\nstart=4096,size=8192,type=${type}\nstart=12288,type=83\n`,
      volume,
      4096,
    );
    const card = await openCard(image, { write: false });
    expect(await card.list('')).toEqual([{ name: 'config.txt', size: 100, isFolder: false }]);
    await card.close();
    expect(tableOf(image)).toEqual({
      partitions: [
        { number: 1, type: parseInt(type, 16), start: 4096, sectors: 8192 },
        { number: 2, type: 0x83, start: 12288, sectors: 20480 },
      ],
      extended: [],
      gpt: false,
      fault: undefined,
    });
  });

  it('takes the first FAT partition, wherever it stands', async () => {
    const image = makeDisk(
      16,
      'label: dos\nstart=2048,size=2048,type=83\nstart=8192,size=8192,type=c\nstart=20000,type=c\n',
      volume,
      8192,
    );
    const card = await openCard(image, { write: false });
    expect(card.place).toMatchObject({
      partition: 2,
      notes: [expect.stringContaining('Whether a Pi 2 finds partition 2 is not known')],
    });
    await card.close();
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
    const image = makeDisk(16, script, volume);
    fs.truncateSync(image, 10 << 20);
    await expect(openCard(image, { write: false })).rejects.toMatchObject({ code: 'card.truncated' });
  });
});

describe('a partition that is smaller than the volume on it', () => {
  const script = 'label: dos\nstart=2048,size=2000,type=c\n';

  it('card.partition-size: the table is wrong', async () => {
    const image = makeDisk(16, script, volume);
    const opened = openCard(image, { write: false });
    await expect(opened).rejects.toMatchObject({
      code: 'card.partition-size',
      message: expect.stringMatching(/^Partition 1 has 2000 sectors in the partition table, /) as string,
    });
    const { hint } = (await opened.catch((error: unknown) => error)) as HypberryError;
    run('sh', '-c', /"(echo [^"]*)"/.exec(hint)![1]!);
    await (await openCard(image, { write: false })).close();
  });

  it('card.partition-size: of a device that is the partition', async ({ skip }) => {
    const device = loopDevice(makeDisk(16, script, volume), { partitions: true });
    if (device === undefined) return skip(NO_LOOP);
    await expect(openCard(`${device}p1`, { write: false })).rejects.toMatchObject({
      code: 'card.partition-size',
      hint: "Correct the card's table, or write the card anew.",
    });
  });

  it('card.truncated: the image ends there, too', async () => {
    const image = makeDisk(16, script, volume);
    fs.truncateSync(image, (2048 + 2000) * 512);
    await expect(openCard(image, { write: false })).rejects.toMatchObject({ code: 'card.truncated' });
  });

  it('card.truncated: one sector is one', async () => {
    const image = makeDisk(16, script, volume);
    fs.truncateSync(image, 512);
    await expect(openCard(image, { write: false })).rejects.toMatchObject({
      message: 'Partition 1 ends at sector 4048, but there is only 1 sector.',
    });
  });
});

describe('logical partitions have the numbers that others give them', () => {
  it.each([
    [
      'as NOOBS makes them: one primary, the rest in an extended one',
      'start=2048,size=4096,type=e\nstart=8192,type=5\nstart=10240,size=2048,type=83\nstart=14336,size=4096,type=c\nstart=20480,type=83\n',
    ],
    [
      'behind three primary ones, in one by LBA',
      'start=2048,size=2048,type=c\nstart=4096,size=2048,type=83\nstart=6144,size=2048,type=83\nstart=8192,type=f\nstart=10240,size=2048,type=c\n',
    ],
    ['none, in an empty one', 'start=2048,size=2048,type=c\nstart=8192,type=85\n'],
    [
      'primary ones out of order, with a line unused',
      '3 : start=2048,size=2048,type=c\n2 : start=8192,type=83\n',
    ],
  ])('%s', (_, script) => {
    const image = makeDisk(16, `label: dos\n${script}`);
    const table = tableOf(image);
    expect(table?.partitions.length).toBeGreaterThan(0);
    const found = table!.partitions.map(({ number, type, start, sectors }) => ({
      number,
      type,
      start,
      sectors,
    }));
    expect(found.sort((a, b) => a.start - b.start)).toEqual(
      (bySfdisk(image) as { start: number }[]).sort((a, b) => a.start - b.start),
    );
    expect(table?.fault).toBeUndefined();
  });

  const EXTENDED = [0, 0x05, 100, 800] as const;
  const chain = (...records: readonly (readonly [number, number | undefined])[]): Uint8Array => {
    const image = disk(1000, EXTENDED);
    for (const [sector, next] of records) {
      putRecord(
        image,
        sector,
        [0, 0x0c, 10, 20],
        next === undefined ? [0, 0, 0, 0] : [0, 0x05, next - 100, 50],
      );
    }
    return image;
  };

  it.each([
    ['a record that leads to itself', chain([100, 150], [150, 150]), [5, 6]],
    ['records that lead in a circle', chain([100, 150], [150, 200], [200, 100]), [5, 6, 7]],
    ['a record behind the disk', chain([100, 150], [150, 5000]), [5, 6]],
    ['a record without a signature', chain([100, 150], [150, 300]), [5, 6]],
    [
      'a chain without end',
      chain(...Array.from({ length: 800 }, (_, i) => [100 + i, 101 + i] as const)),
      undefined,
    ],
  ])('%s comes to an end', (_, image, numbers) => {
    const found = tableOf(image)!.partitions.map(({ number }) => number);
    if (numbers) expect(found).toEqual(numbers);
    else expect(found.length).toBe(256);
  });

  it('a type of 0 takes a number, a size of 0 none', () => {
    const image = disk(1000, EXTENDED);
    putRecord(image, 100, [0, 0x00, 10, 20], [0, 0x05, 50, 50]);
    putRecord(image, 150, [0, 0x0c, 10, 0], [0, 0x05, 100, 50]);
    putRecord(image, 200, [0, 0x0c, 10, 20]);
    expect(tableOf(image)!.partitions).toEqual([
      { number: 5, type: 0, start: 110, sectors: 20, extendedType: 0x05 },
      { number: 6, type: 0x0c, start: 210, sectors: 20, extendedType: 0x05 },
    ]);
  });
});

describe('what is no table, and what is one with a fault', () => {
  it.each([
    ['a boot indicator of neither kind', [0x41, 0x0c, 100, 100]],
    ['another', [0x81, 0x0c, 100, 100]],
  ] as const)('%s: no table', (_, line) => {
    expect(tableOf(disk(1000, line))).toBeUndefined();
    expect(tableOf(disk(1000, [0x80, 0x0c, 100, 100], [0, 0, 0, 0], line))).toBeUndefined();
  });

  it('the boot code of a FAT volume is none', () => {
    // mkfs.fat leaves zeros there; Windows and DOS have text up to the end.
    const text = 'IO      SYSMSDOS   SYS'.padStart(64, 'Replace and press any key when ready');
    const image = new Uint8Array(fs.readFileSync(volume));
    expect(tableOf(image)?.partitions).toEqual([]);
    image.set(Buffer.from(text, 'latin1'), 0x1be);
    expect(tableOf(image)).toBeUndefined();
  });

  it.each([
    ['outside', [[0, 0x0c, 100, 901]]],
    [
      'outside',
      [
        [0, 0x0c, 100, 100],
        [0, 0x05, 300, 800],
      ],
    ],
    [
      'overlap',
      [
        [0, 0x0c, 100, 100],
        [0, 0x83, 199, 100],
      ],
    ],
    [
      'overlap',
      [
        [0, 0x0c, 100, 100],
        [0, 0x05, 50, 400],
      ],
    ],
    [
      undefined,
      [
        [0x80, 0x0c, 100, 100],
        [0, 0x83, 200, 800],
      ],
    ],
    [
      undefined,
      [
        [0, 0xee, 1, 0xffff_ffff],
        [0, 0x0c, 100, 900],
      ],
    ],
  ] as [string | undefined, [number, number, number, number][]][])('%s: %j', (kind, lines) => {
    expect(tableOf(disk(1000, ...lines))?.fault?.kind).toBe(kind);
  });
});
