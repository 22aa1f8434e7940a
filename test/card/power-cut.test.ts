import fs from 'node:fs';
import { describe, expect, it } from 'vitest';
import { type Card } from '../../src/card/card.js';
import { type Disk } from '../../src/ports/disk.js';
import { openFatCard } from '../../src/card/fat.js';
import { fsck, getFile, makeVolume, pattern, run, type VolumeShape } from './images.js';
import { anyOrderCuts, type CutCheck, everyCut } from './power-cut.js';
import { memoryDisk } from '../support/memory-disk.js';

const LONG = 'A kernel whose long name needs more than one sector of entries, padded out '.padEnd(240, 'x');

/** After a cut fsck.fat may find space that is lost, or long names without a file: no harm to any file. */
const HARMLESS = [
  /^fsck\.fat /,
  /^\s*$/,
  /^Reclaimed \d+ unused clusters?/,
  // Behind a file that was cut short.
  /^\/config\.txt$/i,
  /^ {2}File size is \d+ bytes, cluster chain length is > \d+ bytes\./,
  /^ {2}Truncating file to \d+ bytes\./,
  /^Free cluster summary wrong/,
  /^ {2}Auto-correcting\./,
  /^FATs differ but appear to be intact\./,
  /^  Using first FAT\.$/,
  /^\s*Orphaned long file name part/,
  /^ {2}Auto-deleting/,
  /^Leaving filesystem unchanged\./,
  /: \d+ files, \d+\/\d+ clusters$/,
];

function harm(image: string): string[] {
  const text = fsck(image);
  return text === 'clean'
    ? []
    : text.split('\n').filter((line) => !HARMLESS.some((known) => known.test(line)));
}

const others = {
  'start.elf': pattern(2900, 1),
  'config.txt': pattern(700, 2),
  'A long name of a file.txt': pattern(1500, 3),
  'overlays/some-overlay.dtbo': pattern(1000, 4),
};

interface Case {
  readonly name: string;
  readonly shape: VolumeShape;
  readonly files: Record<string, Uint8Array>;
  readonly change: (card: Card) => Promise<void>;
  readonly path: string;
  readonly before: Uint8Array | undefined;
  readonly after: Uint8Array | undefined;
  readonly isFull?: boolean;
}

const FAT12: VolumeShape = { bits: 12, sectorsPerCluster: 1, megabytes: 2 };
const FAT16: VolumeShape = { bits: 16, sectorsPerCluster: 1, megabytes: 4 };
const FAT16_BIG: VolumeShape = { bits: 16, sectorsPerCluster: 4, megabytes: 16 };
const FAT32: VolumeShape = { bits: 32, sectorsPerCluster: 1, megabytes: 40 };

const OLD = pattern(2600, 5);
const NEW = pattern(3333, 6);
const EMPTY = new Uint8Array(0);

function replacing(
  name: string,
  shape: VolumeShape,
  path: string,
  before: Uint8Array,
  after: Uint8Array,
): Case {
  return {
    name,
    shape,
    files: { ...others, [path]: before },
    path,
    before,
    after,
    change: (card) => card.replace(path, after),
  };
}

function creating(
  name: string,
  shape: VolumeShape,
  path: string,
  files: Record<string, Uint8Array> = others,
): Case {
  return {
    name,
    shape,
    files,
    path,
    before: undefined,
    after: NEW,
    change: (card) => card.create(path, NEW),
  };
}

/** A change of a file on a volume that is full to the last cluster. */
function full(name: string, shape: VolumeShape, after: Uint8Array): Case {
  const path = 'config.txt';
  const one = replacing(name, shape, path, OLD, after);
  return { ...one, isFull: true };
}

function withByte(bytes: Uint8Array, at: number): Uint8Array {
  const changed = bytes.slice();
  changed[at]! ^= 0xff;
  return changed;
}

/** Fills a volume to its last cluster. */
async function fill(image: string): Promise<void> {
  const bytes = new Uint8Array(fs.readFileSync(image));
  const card = await open(memoryDisk(bytes));
  await card.create('FILLER', new Uint8Array(await card.freeBytes()));
  expect(await card.freeBytes()).toBe(0);
  await expect(card.create('MORE', EMPTY.slice())).resolves.toBeUndefined();
  await card.remove('MORE');
  fs.writeFileSync(image, bytes);
}

function removing(name: string, shape: VolumeShape, path: string): Case {
  return {
    name,
    shape,
    files: { ...others, [path]: OLD },
    path,
    before: OLD,
    after: undefined,
    change: (card) => card.remove(path),
  };
}

/** As many files as make the next long name start a new cluster of their folder. */
function crowded(folder: string, files: number): Record<string, Uint8Array> {
  const names = Array.from({ length: files }, (_, i) => `${folder}F${i}.TXT`);
  return { ...others, ...Object.fromEntries(names.map((name, i) => [name, pattern(10, i)])) };
}

/** So much that the next file gets cluster 341, whose entry stands in two sectors of FAT12. */
const before341 = { ...others, 'filler.bin': pattern(512 * 322, 7) };

const cases: Case[] = [
  replacing('FAT16: replace', FAT16, 'cmdline.txt', OLD, NEW),
  replacing('FAT16, larger clusters: replace', FAT16_BIG, 'cmdline.txt', OLD, NEW),
  replacing('FAT32: replace', FAT32, 'cmdline.txt', OLD, NEW),
  replacing('FAT32: replace in a folder', FAT32, 'overlays/A second overlay.dtbo', OLD, NEW),
  replacing('FAT16: replace an empty file', FAT16, 'cmdline.txt', EMPTY, NEW),
  replacing('FAT32: replace an empty file', FAT32, 'cmdline.txt', EMPTY, NEW),
  replacing('FAT16: replace by nothing', FAT16, 'cmdline.txt', OLD, EMPTY),
  replacing('FAT32: replace by nothing', FAT32, LONG, OLD, EMPTY),
  creating('FAT16: create', FAT16, 'NEW.BIN'),
  creating('FAT32: create', FAT32, 'A new kernel.img'),
  creating('FAT32: create, name over several sectors', FAT32, LONG),
  creating('FAT32: create, root folder grows', FAT32, 'A new kernel.img', crowded('', 7)),
  creating('FAT32: create, root folder grows, other place', FAT32, LONG, crowded('', 8)),
  creating('FAT16: create, folder grows', FAT16, 'overlays/A new overlay.dtbo', crowded('overlays/', 12)),
  creating('FAT16: create, folder grows in the name', FAT16, `overlays/${LONG}`, crowded('overlays/', 10)),
  {
    ...replacing('FAT12: replace', FAT12, 'cmdline.txt', OLD, NEW),
    files: { ...before341, 'cmdline.txt': OLD },
  },
  creating('FAT12: create', FAT12, 'A new kernel.img', before341),
  creating('FAT12: create, folder grows', FAT12, 'overlays/A new overlay.dtbo', crowded('overlays/', 12)),
  removing('FAT12: remove', FAT12, 'old.bin'),
  full('FAT16: cut short, without a free cluster', FAT16, OLD.subarray(0, 700)),
  full('FAT16: cut short in its last cluster', FAT16, OLD.subarray(0, 2590)),
  full('FAT16: emptied, without a free cluster', FAT16, EMPTY),
  full('FAT32: cut short, without a free cluster', FAT32, OLD.subarray(0, 700)),
  full('FAT16: one sector changed, without a free cluster', FAT16, withByte(OLD, 1030)),
  removing('FAT16: remove', FAT16, 'old.bin'),
  removing('FAT32: remove', FAT32, 'An old kernel.img'),
  removing('FAT32: remove, name over several sectors', FAT32, LONG),
];

/** Not left to `toEqual`, which would print thousands of bytes. */
function same(a: Uint8Array | undefined, b: Uint8Array | undefined): boolean {
  return a === undefined || b === undefined ? a === b : Buffer.compare(a, b) === 0;
}

function open(disk: Disk): Promise<Card> {
  return openFatCard(disk, 'image', 'cut');
}

async function act(disk: Disk, change: Case['change']): Promise<void> {
  await change(await open(disk));
}

/** What must hold in every state: old or new, all else unharmed, and the change can be made again. */
function checker({ path, before, after, files, change }: Case, seen: Set<string>): CutCheck {
  return async (disk, n, file) => {
    const state = `state ${n}`;
    const card = await open(disk);
    const found = (await card.stat(path)) === undefined ? undefined : await card.read(path);
    expect(same(found, before) || same(found, after), `${state}: old or new`).toBe(true);
    seen.add(same(found, after) ? 'after' : 'before');
    for (const [name, data] of Object.entries(files)) {
      if (name !== path) expect(same(await card.read(name), data), `${state}: ${name}`).toBe(true);
    }
    const known = ['FILLER', ...Object.keys(files), path].map((name) => name.split('/').at(-1));
    for (const folder of ['', 'overlays']) {
      for (const { name, isFolder } of await card.list(folder)) {
        if (!isFolder) expect(known, `${state}: no strange name`).toContain(name);
      }
    }
    expect(harm(file), state).toEqual([]);
    if (!same(found, after)) {
      await change(card);
      expect((await card.stat(path))?.size, `${state}: once more`).toBe(after?.length);
    }
  };
}

describe('a power cut after every sector written', () => {
  it.each(cases)('$name', async (one) => {
    const image = makeVolume(one.shape, one.files);
    if (one.isFull) await fill(image);
    expect(fsck(image)).toBe('clean');
    const seen = new Set<string>();
    const count = await everyCut(image, (disk) => act(disk, one.change), checker(one, seen));
    expect(count).toBeGreaterThan(0);
    expect(seen.size, 'old and new state were both seen').toBe(2);
    // The state after the last write, seen by others.
    const done = new Uint8Array(fs.readFileSync(image));
    const disk = memoryDisk(done);
    await act(disk, one.change);
    fs.writeFileSync(image, done);
    expect(fsck(image)).toBe('clean');
    if (one.after === undefined) expect(run('mdir', '-b', '-i', image, '::')).not.toContain(one.path);
    else expect(same(getFile(image, one.path), one.after)).toBe(true);
  });
});

describe('a power cut on a disk that reorders what is not synced', () => {
  it.each(cases)('$name', async (one) => {
    const image = makeVolume(one.shape, one.files);
    if (one.isFull) await fill(image);
    await anyOrderCuts(image, (disk) => act(disk, one.change), checker(one, new Set()));
  });
});
