import fs from 'node:fs';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { type Card } from '../../src/card/card.js';
import { openFatCard } from '../../src/card/fat.js';
import { openDiskFile } from '../../src/node/disk-file.js';
import { fsck, getFile, makeVolume, pattern, putFile, run, type VolumeShape } from './images.js';
import { memoryDisk } from '../support/memory-disk.js';

const SHAPES: VolumeShape[] = [
  { bits: 12, sectorsPerCluster: 4, megabytes: 4 },
  { bits: 12, sectorsPerCluster: 16, megabytes: 31 },
  { bits: 16, sectorsPerCluster: 1, megabytes: 4 },
  { bits: 16, sectorsPerCluster: 4, megabytes: 16 },
  { bits: 16, sectorsPerCluster: 64, megabytes: 256 },
  { bits: 32, sectorsPerCluster: 1, megabytes: 40 },
  { bits: 32, sectorsPerCluster: 8, megabytes: 300 },
];
const SMALL: VolumeShape = { bits: 16, sectorsPerCluster: 1, megabytes: 4 };
const LONG = `${'long '.repeat(49)}name.bin`;
const EMPTY = new Uint8Array(0);

function same(a: Uint8Array, b: Uint8Array): boolean {
  return Buffer.compare(a, b) === 0;
}

async function withCard<T>(image: string, use: (card: Card) => Promise<T>): Promise<T> {
  const card = await openFatCard(openDiskFile(image, { write: true }), 'image', image);
  try {
    return await use(card);
  } finally {
    await card.close();
  }
}

function freeByMtools(image: string): number {
  return Number(/([\d ]+) bytes free/.exec(run('mdir', '-i', image, '::'))![1]!.replaceAll(' ', ''));
}

it.each(SHAPES)('tells its name: FAT$bits, $megabytes MB', async (shape) => {
  const image = makeVolume(shape, { 'other/x': EMPTY });
  await withCard(image, async (card) => {
    expect(card.label).toBeUndefined();
  });
  run('mlabel', '-i', image, '::BOOT');
  await withCard(image, async (card) => {
    expect(card.label).toBe('BOOT');
  });
});

it('a clock that FAT cannot write down, as of a computer without a battery, is its first day', async () => {
  const image = makeVolume(SMALL, { 'config.txt': pattern(9, 1) });
  vi.setSystemTime(new Date('1970-01-01T00:01:00Z'));
  try {
    await withCard(image, async (card) => {
      await card.create('new', pattern(9, 2));
      await card.replace('config.txt', pattern(9, 3));
    });
    expect(new Date().getFullYear()).toBe(1970);
  } finally {
    vi.useRealTimers();
  }
  const listed = run('mdir', '-i', image, '::');
  expect(listed).toMatch(/^config +txt +9 1980-01-0[123] /m);
  expect(listed).toMatch(/^new +9 1980-01-0[123] /m);
  expect(fsck(image)).toBe('clean');
});

it.each(SHAPES.filter(({ megabytes }) => megabytes < 100))(
  'a file that is replaced keeps its attributes and when it was made: FAT$bits, $megabytes MB',
  async (shape) => {
    const image = makeVolume(shape, { 'config.txt': pattern(9000, 1) });
    const entryIn = (bytes: Buffer): Buffer => {
      const at = bytes.indexOf('CONFIG  TXT', 0, 'latin1');
      return bytes.subarray(at, at + 32);
    };
    const bytes = fs.readFileSync(image);
    // FAT specification, "Directory Structure": hidden and system; the time and the date when it was made.
    const made = [100, 0x21, 0x43, 0x65, 0x3a];
    entryIn(bytes)[11] = 0x06;
    entryIn(bytes).set(made, 13);
    fs.writeFileSync(image, bytes);
    await withCard(image, async (card) => {
      for (const size of [20_000, 3000, 512]) await card.replace('config.txt', pattern(size, size));
      // Where there is no room beside it, too.
      await card.create('full', new Uint8Array(await card.freeBytes()));
      await card.replace('config.txt', pattern(512, 512).subarray(0, 100));
    });
    expect(fsck(image)).toBe('clean');
    const entry = entryIn(fs.readFileSync(image));
    // And changed since the last copy.
    expect(entry[11]).toBe(0x26);
    expect([...entry.subarray(13, 18)]).toEqual(made);
    expect(same(getFile(image, 'config.txt'), pattern(512, 512).subarray(0, 100))).toBe(true);
  },
);

describe.each(SHAPES)('FAT$bits with $sectorsPerCluster sectors a cluster', (shape) => {
  const files = {
    'config.txt': pattern(1234, 1),
    'A long name.with dots.TXT': pattern(100_000, 2),
    'Grüne, 世界.txt': pattern(10, 3),
    'overlays/vc4-kms-v3d.dtbo': pattern(5000, 4),
    'overlays/deep/er/file': pattern(512, 5),
    empty: EMPTY,
  };

  it('reads what mtools wrote', async () => {
    const image = makeVolume(shape, files);
    await withCard(image, async (card) => {
      const names = (await card.list('')).map(({ name }) => name.toLowerCase());
      expect(names.sort()).toEqual(
        ['a long name.with dots.txt', 'config.txt', 'empty', 'grüne, 世界.txt', 'overlays'].sort(),
      );
      for (const [name, data] of Object.entries(files)) {
        expect(same(await card.read(name), data), name).toBe(true);
        expect(same(await card.read(name.toUpperCase()), data), name).toBe(true);
        expect((await card.stat(name))?.size).toBe(data.length);
      }
      expect(await card.read('config.txt', 1230, 100)).toEqual(files['config.txt'].slice(1230));
      expect(await card.read('/overlays//deep/er/file', 10, 2)).toHaveLength(2);
      expect(await card.stat('overlays')).toEqual({ name: 'overlays', size: 0, isFolder: true });
      expect(await card.freeBytes()).toBe(freeByMtools(image));
    });
  });

  it('writes what mtools reads', async () => {
    const image = makeVolume(shape, files);
    const big = pattern(1_500_001, 9);
    await withCard(image, async (card) => {
      await card.create(LONG, big);
      await card.create('overlays/deep/er/SHORT.BIN', pattern(3, 6));
      await card.create('nothing.txt', EMPTY);
      await card.replace('CONFIG.TXT', pattern(40_000, 7));
      await card.replace('empty', pattern(600, 8));
      await card.replace('A LONG name.with dots.txt', EMPTY);
      await card.replace('made by replace', pattern(77, 10));
      await card.remove('overlays/VC4-kms-v3d.dtbo');
    });
    expect(fsck(image)).toBe('clean');
    expect(same(getFile(image, LONG), big)).toBe(true);
    expect(same(getFile(image, 'overlays/deep/er/SHORT.BIN'), pattern(3, 6))).toBe(true);
    expect(same(getFile(image, 'nothing.txt'), EMPTY)).toBe(true);
    expect(same(getFile(image, 'config.txt'), pattern(40_000, 7))).toBe(true);
    expect(same(getFile(image, 'empty'), pattern(600, 8))).toBe(true);
    expect(same(getFile(image, 'A long name.with dots.TXT'), EMPTY)).toBe(true);
    expect(same(getFile(image, 'made by replace'), pattern(77, 10))).toBe(true);
    expect(same(getFile(image, 'Grüne, 世界.txt'), files['Grüne, 世界.txt'])).toBe(true);
    expect(run('mdir', '-b', '-i', image, '::overlays')).not.toContain('vc4');
    await withCard(image, async (card) => {
      expect(await card.freeBytes()).toBe(freeByMtools(image));
    });
  });
});

describe('refusals', () => {
  it.each([
    ['card.exists', (card: Card) => card.create('CONFIG.TXT', EMPTY)],
    ['card.exists', (card: Card) => card.create('overlays', EMPTY)],
    ['card.no-file', (card: Card) => card.create('no such folder/file', EMPTY)],
    ['card.no-file', (card: Card) => card.read('nothing')],
    ['card.no-file', (card: Card) => card.read('overlays')],
    ['card.no-file', (card: Card) => card.read('a:b')],
    ['card.no-file', (card: Card) => card.list('config.txt')],
    ['card.no-file', (card: Card) => card.list('nothing')],
    ['card.no-file', (card: Card) => card.remove('nothing')],
    ['card.no-file', (card: Card) => card.remove('overlays')],
    ['card.no-file', (card: Card) => card.replace('overlays', EMPTY)],
    ['card.bad-name', (card: Card) => card.create('a:b', EMPTY)],
    ['card.bad-name', (card: Card) => card.create('name.', EMPTY)],
    ['card.bad-name', (card: Card) => card.create('../name', EMPTY)],
    ['card.bad-name', (card: Card) => card.create('', EMPTY)],
    ['card.no-room', (card: Card) => card.create('big', new Uint8Array(5 << 20))],
    ['card.no-room', (card: Card) => card.replace('config.txt', new Uint8Array(5 << 20))],
    ['card.read-only', (card: Card) => card.replace('locked.txt', EMPTY)],
    ['card.read-only', (card: Card) => card.remove('locked.txt')],
  ] as const)('%s and nothing written: %s', async (code, action) => {
    const image = makeVolume(SMALL, {
      'config.txt': pattern(10, 1),
      'locked.txt': pattern(10, 2),
      'overlays/x': EMPTY,
    });
    run('mattrib', '+r', '-i', image, '::locked.txt');
    const before = fs.readFileSync(image);
    await withCard(image, async (card) => {
      await expect(action(card)).rejects.toMatchObject({ name: 'HypberryError', code });
    });
    expect(fs.readFileSync(image).equals(before)).toBe(true);
  });

  it('a name that FAT cannot hold is not there', async () => {
    const image = makeVolume(SMALL);
    await withCard(image, async (card) => {
      expect(await card.stat('a:b')).toBeUndefined();
    });
  });

  it('a damaged entry, which cannot be found by its own name, is not listed', async () => {
    const image = makeVolume(SMALL, { 'KERNEL8.IMG': pattern(5, 1), 'Config.txt': pattern(5, 2) });
    const bytes = fs.readFileSync(image);
    bytes.write('kernel8 img', bytes.indexOf('KERNEL8 IMG'), 'latin1');
    fs.writeFileSync(image, bytes);
    await withCard(image, async (card) => {
      expect((await card.list('')).map(({ name }) => name)).toEqual(['Config.txt']);
      expect(await card.stat('kernel8.img')).toBeUndefined();
    });
  });

  // A name is looked for from the folder's begin on: for each of its names that is the square of them.
  it.each([
    ['names as most are', 'F', 3],
    ['damaged ones', 'f', 600],
  ])('a folder of thousands of %s is listed in so many reads of it', async (_, first, passes) => {
    const image = fs.readFileSync(makeVolume({ ...SMALL, rootEntries: 4096 }, { 'Long name.txt': EMPTY }));
    const root = image.indexOf('LONGNA~1TXT') + 32;
    const count = 3000;
    for (let i = 0; i < count; i++) {
      image.write(`${first}${String(i).padStart(7, '0')}DAT\x20`, root + 32 * i, 'latin1');
    }
    const disk = memoryDisk(new Uint8Array(image));
    let reads = 0;
    const card = await openFatCard(
      {
        ...disk,
        read: (sector, length) => {
          reads++;
          return disk.read(sector, length);
        },
      },
      'image',
      'many',
    );
    reads = 0;
    const names = (await card.list('')).map(({ name }) => name);
    expect(names.slice(0, 2)).toEqual(['Long name.txt', ...(first === 'F' ? ['F0000000.DAT'] : [])]);
    expect(names).toHaveLength(first === 'F' ? count + 1 : 1);
    expect(reads).toBeLessThan(passes * ((count + 4) / 16));
  });

  it('card.no-room where the root folder of FAT16 is full', async () => {
    const image = makeVolume({ ...SMALL, rootEntries: 16 }, { 'config.txt': pattern(10, 1) });
    await withCard(image, async (card) => {
      for (let i = 0; i < 15; i++) await card.create(`F${i}`, pattern(600, i));
      await expect(card.create('ONEMORE', EMPTY)).rejects.toMatchObject({ code: 'card.no-room' });
      await expect(card.create('A long name', EMPTY)).rejects.toMatchObject({ code: 'card.no-room' });
      // What is there can still be replaced: that takes no entry.
      await card.replace('config.txt', pattern(2000, 2));
    });
    expect(fsck(image)).toBe('clean');
    expect(same(getFile(image, 'config.txt'), pattern(2000, 2))).toBe(true);
  });

  it('card.no-room where a folder of FAT12 would grow by a link that stands in two sectors', async () => {
    // The folder has cluster 2, the filler 3 to 340, so that the folder's next one is 341: its entry has 4 bits in the first
    // sector of the FAT and 8 in the second.
    const names = (from: number, to: number): string[] =>
      Array.from({ length: to - from }, (_, i) => `D/F${from + i}`);
    const image = makeVolume(
      { bits: 12, sectorsPerCluster: 1, megabytes: 2 },
      { 'D/F0': EMPTY, filler: pattern(512 * 338, 1) },
    );
    for (const name of names(1, 15)) putFile(image, name, EMPTY);
    await withCard(image, async (card) => {
      for (const name of names(15, 30)) await card.create(name, EMPTY);
      await expect(card.create('D/ONEMORE', EMPTY)).rejects.toMatchObject({ code: 'card.no-room' });
      expect(await card.stat('D/ONEMORE')).toBeUndefined();
      await card.create('ONEMORE', pattern(2000, 2));
    });
    expect(fsck(image)).toBe('clean');
    expect(same(getFile(image, 'filler'), pattern(512 * 338, 1))).toBe(true);
    expect(same(getFile(image, 'ONEMORE'), pattern(2000, 2))).toBe(true);
  });

  it('card.no-room where a folder needs a cluster and none is left', async () => {
    const image = makeVolume(SMALL, Object.fromEntries([...Array(14).keys()].map((i) => [`D/${i}`, EMPTY])));
    await withCard(image, async (card) => {
      await card.create('fill', new Uint8Array(await card.freeBytes()));
      expect(await card.freeBytes()).toBe(0);
      await expect(card.create('D/MORE', EMPTY)).rejects.toMatchObject({ code: 'card.no-room' });
      await expect(card.create('MORE', pattern(1, 1))).rejects.toMatchObject({ code: 'card.no-room' });
      await card.create('MORE', EMPTY);
    });
    expect(fsck(image)).toBe('clean');
  });
});

describe('a fragmented card', () => {
  it('takes a file in every second cluster', async () => {
    const image = makeVolume({ bits: 16, sectorsPerCluster: 4, megabytes: 16 });
    const data = pattern(900_000, 1);
    await withCard(image, async (card) => {
      for (let i = 0; i < 480; i++) await card.create(`P${i}`, pattern(2048, i));
      await card.create('fill', new Uint8Array(await card.freeBytes()));
      for (let i = 0; i < 480; i += 2) await card.remove(`P${i}`);
      await expect(card.create('frag', data)).rejects.toMatchObject({ code: 'card.no-room' });
      await card.create('frag', data.subarray(0, 480_000));
      await card.replace('P1', EMPTY);
    });
    expect(fsck(image)).toBe('clean');
    expect(same(getFile(image, 'frag'), data.subarray(0, 480_000))).toBe(true);
    expect(same(getFile(image, 'P479'), pattern(2048, 479))).toBe(true);
  });

  it('corrects a wrong count of free clusters', async () => {
    const image = makeVolume({ bits: 32, sectorsPerCluster: 1, megabytes: 40 });
    const free = freeByMtools(image);
    const fd = fs.openSync(image, 'r+');
    fs.writeSync(fd, new Uint8Array([1, 0, 0, 0]), 0, 4, 512 + 488);
    fs.closeSync(fd);
    await withCard(image, async (card) => {
      expect(await card.freeBytes()).toBe(free);
      await card.create('file', pattern(100_000, 1));
    });
    expect(fsck(image)).toBe('clean');
  });
});

describe('any sequence of changes', () => {
  const names = [
    'A.TXT',
    'b.txt',
    'Some long name.txt',
    'overlays/x.dtbo',
    'overlays/Another long one',
    LONG,
  ];
  const step = fc.record({
    kind: fc.constantFrom('create', 'replace', 'remove', 'replace', 'create'),
    name: fc.constantFrom(...names),
    upper: fc.boolean(),
    size: fc.oneof(fc.constantFrom(0, 1, 511, 512, 513, 2048), fc.integer({ min: 0, max: 200_000 })),
  });

  it.each([
    { bits: 12, sectorsPerCluster: 2, megabytes: 4 },
    { bits: 16, sectorsPerCluster: 1, megabytes: 4 },
    { bits: 16, sectorsPerCluster: 4, megabytes: 16 },
    { bits: 32, sectorsPerCluster: 1, megabytes: 40 },
  ] as VolumeShape[])(
    'leaves what a map would hold: FAT$bits, $sectorsPerCluster',
    async (shape) => {
      const base = new Uint8Array(fs.readFileSync(makeVolume(shape, { 'overlays/keep': pattern(700, 1) })));
      const image = makeVolume(shape);
      await fc.assert(
        fc.asyncProperty(fc.array(step, { minLength: 1, maxLength: 25 }), async (steps) => {
          const bytes = base.slice();
          const card = await openFatCard(memoryDisk(bytes), 'image', 'model');
          const model = new Map<string, Uint8Array>();
          for (const [i, { kind, name, upper, size }] of steps.entries()) {
            const path = upper ? name.toUpperCase() : name;
            const data = pattern(size, i);
            const there = model.has(name);
            if (kind === 'remove') {
              if (there) await card.remove(path);
              else await expect(card.remove(path)).rejects.toMatchObject({ code: 'card.no-file' });
              model.delete(name);
            } else if (kind === 'create' && there) {
              await expect(card.create(path, data)).rejects.toMatchObject({ code: 'card.exists' });
            } else {
              await (kind === 'create' ? card.create(path, data) : card.replace(path, data));
              model.set(name, data);
            }
            for (const other of names) {
              expect((await card.stat(other))?.size, other).toBe(model.get(other)?.length);
            }
          }
          fs.writeFileSync(image, bytes);
          expect(fsck(image)).toBe('clean');
          for (const [name, data] of model) expect(same(getFile(image, name), data), name).toBe(true);
          expect(same(await card.read('overlays/keep'), pattern(700, 1))).toBe(true);
          expect(await card.freeBytes()).toBe(freeByMtools(image));
        }),
        { numRuns: 12 },
      );
    },
    120_000,
  );

  it('goes on where mtools went on', async () => {
    const image = makeVolume(SMALL, { 'a.txt': pattern(5000, 1) });
    await withCard(image, (card) => card.replace('a.txt', pattern(4000, 2)));
    putFile(image, 'b.txt', pattern(3000, 3));
    await withCard(image, (card) => card.replace('b.txt', pattern(9000, 4)));
    putFile(image, 'a.txt', pattern(100, 5));
    expect(fsck(image)).toBe('clean');
    expect(same(getFile(image, 'b.txt'), pattern(9000, 4))).toBe(true);
  });
});
