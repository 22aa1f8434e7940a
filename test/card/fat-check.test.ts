import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { openFatCard } from '../../src/card/fat.js';
import { checkVolume } from '../../src/card/fat-check.js';
import { placeOfOne } from '../../src/setup/boot-partition.js';
import { checkPlan } from '../../src/setup/plan.js';
import { clusterSector, type Volume } from '../../src/card/volume.js';
import { makeVolume, pattern, run, type VolumeShape } from './images.js';
import { memoryDisk } from '../support/memory-disk.js';

const SHAPES: VolumeShape[] = [
  { bits: 12, sectorsPerCluster: 1, megabytes: 2 },
  { bits: 16, sectorsPerCluster: 1, megabytes: 4 },
  { bits: 32, sectorsPerCluster: 1, megabytes: 40 },
];

interface Damage {
  readonly image: Uint8Array;
  readonly volume: Volume;
  /** Number of the first cluster that holds these bytes. */
  clusterOf(bytes: Uint8Array): number;
  /** Writes a FAT entry in every copy. */
  link(cluster: number, next: number): void;
}

function damaged(shape: VolumeShape, files: Record<string, Uint8Array>): Damage {
  const image = new Uint8Array(fs.readFileSync(makeVolume(shape, files)));
  const { volume } = checkVolume(memoryDisk(image));
  const view = new DataView(image.buffer);
  return {
    image,
    volume,
    clusterOf(bytes) {
      const at = Buffer.from(image).indexOf(bytes.slice(0, 512));
      const cluster = (at / 512 - volume.dataStart) / volume.sectorsPerCluster + 2;
      expect(clusterSector(volume, cluster) * 512).toBe(at);
      return cluster;
    },
    link(cluster, next) {
      for (let copy = 0; copy < volume.fats; copy++) {
        const fat = (volume.fatStart + copy * volume.fatSectors) * 512;
        if (volume.bits === 12) {
          const at = fat + Math.floor(cluster * 1.5);
          const [shift, keep] = cluster % 2 === 0 ? [0, 0xf000] : [4, 0x000f];
          view.setUint16(at, (view.getUint16(at, true) & keep) | (next << shift), true);
        } else if (volume.bits === 16) view.setUint16(fat + cluster * 2, next, true);
        else view.setUint32(fat + cluster * 4, next, true);
      }
    },
  };
}

const A = pattern(3000, 1);
const B = pattern(3000, 2);

describe.each(SHAPES)('a damaged FAT$bits', (shape) => {
  const end = { 12: 0xfff, 16: 0xffff, 32: 0x0fffffff }[shape.bits];
  const bad = { 12: 0xff7, 16: 0xfff7, 32: 0x0ffffff7 }[shape.bits];
  const cases: [string, string, (damage: Damage) => void][] = [
    [
      'card.cluster-loop',
      'a file that comes back to its start',
      (d) => {
        d.link(d.clusterOf(A) + 2, d.clusterOf(A));
      },
    ],
    [
      'card.cluster-loop',
      'a cluster that leads to itself',
      (d) => {
        d.link(d.clusterOf(A), d.clusterOf(A));
      },
    ],
    [
      'card.cluster-loop',
      'a file that runs into another',
      (d) => {
        d.link(d.clusterOf(A) + 1, d.clusterOf(B) + 1);
      },
    ],
    [
      'card.bad-chain',
      'a chain that runs into a free cluster',
      (d) => {
        d.link(d.clusterOf(A) + 1, 0);
      },
    ],
    [
      'card.bad-chain',
      'a chain that runs into a bad cluster',
      (d) => {
        d.link(d.clusterOf(A) + 1, bad);
      },
    ],
    [
      'card.bad-chain',
      'a chain that leaves the volume',
      (d) => {
        d.link(d.clusterOf(A) + 1, d.volume.clusters + 2);
      },
    ],
    [
      'card.bad-chain',
      'a chain that ends too early',
      (d) => {
        d.link(d.clusterOf(A) + 1, end);
      },
    ],
  ];

  it.each(cases)('%s: %s', async (code, _, damage) => {
    const one = damaged(shape, { 'a.bin': A, 'folder/b.bin': B });
    damage(one);
    await expect(openFatCard(memoryDisk(one.image), 'image', 'x')).rejects.toMatchObject({ code });
  });

  it('card.cluster-loop: a folder that holds itself', async () => {
    const one = damaged(shape, { 'folder/b.bin': B });
    // The entry of folder/b.bin becomes one of its own folder.
    const image = Buffer.from(one.image.buffer);
    const folder = image.indexOf('FOLDER     ', 0, 'latin1');
    const file = image.indexOf('B       BIN', 0, 'latin1');
    image[file + 11] = 0x10;
    image.copy(image, file + 26, folder + 26, folder + 28);
    image.copy(image, file + 20, folder + 20, folder + 22);
    await expect(openFatCard(memoryDisk(one.image), 'image', 'x')).rejects.toMatchObject({
      code: 'card.cluster-loop',
    });
  });

  it('takes a chain that is longer than its file, and one that no file has', async () => {
    const one = damaged(shape, { 'a.bin': A });
    const last = one.clusterOf(A) + 5;
    one.link(last, last + 1);
    one.link(last + 1, end);
    one.link(last + 10, end);
    const card = await openFatCard(memoryDisk(one.image), 'image', 'x');
    expect(Buffer.compare(await card.read('a.bin'), A)).toBe(0);
  });

  it('says what belongs to no file, and that a repair makes room', async () => {
    const one = damaged(shape, { 'a.bin': A });
    const whole = await openFatCard(memoryDisk(one.image.slice()), 'image', 'x');
    expect(whole.lostBytes).toBe(0);
    const free = await whole.freeBytes();
    const first = one.clusterOf(A) + 10;
    one.link(first, first + 1);
    one.link(first + 1, end);
    one.link(first + 3, bad);
    const card = await openFatCard(memoryDisk(one.image), 'image', 'x');
    expect(card.lostBytes).toBe(2 * 512);
    expect((await placeOfOne(card, 'An image.', undefined)).notes).toEqual([
      expect.stringMatching(/^1 KiB of the boot partition are taken and belong to no file.*fsck\.fat/),
    ]);
    const big = new Uint8Array(free);
    await expect(card.create('big', big)).rejects.toMatchObject({
      code: 'card.no-room',
      hint: expect.stringContaining('1 KiB of the boot partition are taken and belong to no file') as string,
    });
    const created = { kind: 'create', path: 'big', data: big } as const;
    const plan = { method: undefined, summary: '', notes: [], changes: [created] };
    await expect(checkPlan(card, plan)).rejects.toMatchObject({
      code: 'card.no-room',
      hint: expect.stringContaining('1 KiB of the boot partition are taken') as string,
    });
  });
});

describe('what is no boot partition', () => {
  const volume = new Uint8Array(fs.readFileSync(makeVolume(SHAPES[2]!)));

  function changed(offset: number, ...bytes: number[]): Promise<unknown> {
    const image = volume.slice();
    image.set(bytes, offset);
    return openFatCard(memoryDisk(image), 'image', 'x');
  }

  it.each([
    ['card.not-fat', 'no signature', 510, [0, 0]],
    ['card.not-fat', 'sectors of 4096 bytes', 11, [0x00, 0x10]],
    ['card.not-fat', 'too few clusters for FAT32', 13, [64]],
    ['card.not-fat', 'FATs that are not mirrored', 40, [0x81]],
    ['card.not-fat', 'a FAT too small for the volume', 36, [1, 0]],
  ] as const)('%s: %s', async (code, _, offset, bytes) => {
    await expect(changed(offset, ...bytes)).rejects.toMatchObject({ code });
  });

  it('card.truncated: the image ends before the volume', async () => {
    const disk = memoryDisk(volume.slice(0, volume.length - 512));
    await expect(openFatCard(disk, 'image', 'x')).rejects.toMatchObject({ code: 'card.truncated' });
  });

  // FatFs and Linux take such volumes for different kinds; mkfs.fat makes none.
  it.each([
    [16, 4085],
    [32, 65525],
  ] as const)('card.not-fat: FAT%i with %i clusters', async (bits, clusters) => {
    const shape = bits === 16 ? SHAPES[1]! : SHAPES[2]!;
    const image = new Uint8Array(fs.readFileSync(makeVolume(shape)));
    const { dataStart, sectorsPerCluster } = checkVolume(memoryDisk(image)).volume;
    const sectors = dataStart + clusters * sectorsPerCluster;
    const view = new DataView(image.buffer);
    view.setUint16(19, sectors < 0x10000 ? sectors : 0, true);
    view.setUint32(32, sectors < 0x10000 ? 0 : sectors, true);
    await expect(openFatCard(memoryDisk(image), 'image', 'x')).rejects.toMatchObject({
      code: 'card.not-fat',
    });
    // One cluster more is what mkfs.fat could have made.
    view.setUint16(19, sectors < 0x10000 ? sectors + sectorsPerCluster : 0, true);
    view.setUint32(32, sectors < 0x10000 ? 0 : sectors + sectorsPerCluster, true);
    expect(checkVolume(memoryDisk(image)).volume.bits).toBe(bits);
  });
});

describe('folders one in the other', () => {
  /** A volume with so many, each called "a", made by mtools. */
  const nested = (depth: number): Uint8Array => {
    const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 });
    const paths = Array.from({ length: depth }, (_, i) => `::${'a/'.repeat(i)}a`);
    run('mmd', '-i', image, ...paths);
    return new Uint8Array(fs.readFileSync(image));
  };

  it('are taken as deep as paths go, and refused where they go on', () => {
    expect(() => checkVolume(memoryDisk(nested(128)))).not.toThrow();
    expect(() => checkVolume(memoryDisk(nested(129)))).toThrow(
      expect.objectContaining({ code: 'card.too-deep' }),
    );
  });
});
