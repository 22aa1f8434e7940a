import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { makeCardImage } from '../../scripts/lib/card-image.js';
import { partOf, SECTOR_SIZE, type Disk } from '../../src/ports/disk.js';
import { openFatCard } from '../../src/card/fat.js';
import type { Card, CardReader } from '../../src/card/card.js';
import type { Segment } from '../../src/firmware/handover.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { openFolderCard } from '../../src/node/folder-card.js';
import { ourFiles, withoutUnfinished } from '../../src/setup/ours.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { applyPlan, checkPlan, type Method, type Plan } from '../../src/setup/plan.js';
import { fsck, temporary } from '../card/images.js';
import { everyCut } from '../card/power-cut.js';
import { memoryDisk } from '../support/memory-disk.js';
import {
  bootPartition,
  guestFilesOf,
  HOST_TREE,
  hypberrydOf,
  kernelFile,
  type Files,
} from '../support/boot-files.js';

const open = (disk: Disk): Promise<Card> =>
  openFatCard(partOf(disk, BOOT_START, disk.sectors - BOOT_START), 'image', 'cut');

/** Makes a plan's changes as the commands do. */
async function carryOut(card: Card, plan: Plan): Promise<void> {
  await applyPlan(card, await checkPlan(card, await withoutUnfinished(card, plan)), () => undefined);
}

const install =
  (method: Method, diagnostics?: boolean) =>
  async (card: Card): Promise<void> => {
    await carryOut(card, await planInstall(card, { method, diagnostics }));
  };
async function uninstall(card: Card): Promise<void> {
  await carryOut(card, await planUninstall(card));
}

/** What the card puts into a Pi's memory: one text, short where two differ. */
async function memoryOf(card: CardReader): Promise<string> {
  const { memory } = await prepareHandover(card);
  const sum = async ({ address, data }: Segment): Promise<string> => {
    const digest = await crypto.subtle.digest('SHA-256', new Uint8Array(data));
    return `0x${address.toString(16)} ${data.length} ${Buffer.from(digest).toString('hex')}`;
  };
  return (await Promise.all(memory.map(sum))).join('\n');
}

/** Of the sectors of a file one in so many is cut behind; `npm run test:long` does so behind each. */
const STRIDE = process.env['HYPBERRY_KERNELS'] === 'all' ? 1 : 16;

/** First sector of the boot partition and its size, as makeCardImage lays a card out. */
const BOOT_START = 8192;
const SHAPES = [
  { fat: 16, megabytes: 20 },
  { fat: 32, megabytes: 34 },
] as const;

/** What a cut may leave for good: lost space, a long name without a file, a second FAT (that nobody reads) behind the first. */
const HARMLESS = [
  /^fsck\.fat /,
  /^\s*$/,
  /^Reclaimed \d+ unused clusters?/,
  /^Free cluster summary wrong/,
  /^ {2}Auto-correcting\./,
  /^FATs differ but appear to be intact\./,
  /^ {2}Using first FAT\.$/,
  /^\s*Orphaned long file name part/,
  /^ {2}Auto-deleting/,
  /^Leaving filesystem unchanged\./,
  /: \d+ files, \d+\/\d+ clusters$/,
];

/** What fsck.fat finds wrong on a volume, without what is only lost space. */
function harm(volume: string): string[] {
  const report = fsck(volume);
  return report === 'clean'
    ? []
    : report.split('\n').filter((line) => !HARMLESS.some((known) => known.test(line)));
}

/** The disk, with `onWrite` called before each sector that is written. */
const watched = (disk: Disk, onWrite: (sector: number, bytes: Uint8Array) => void): Disk => ({
  ...disk,
  write: (sector, bytes) => {
    for (let at = 0; at < bytes.length; at += SECTOR_SIZE) {
      onWrite(sector + at / SECTOR_SIZE, bytes.slice(at, at + SECTOR_SIZE));
    }
    disk.write(sector, bytes);
  },
});

interface Case {
  readonly name: string;
  readonly files: Files;
  /** What was done to the card before. */
  readonly before: (card: Card) => Promise<void>;
  /** What the power is cut in. */
  readonly action: (card: Card) => Promise<void>;
}

const nothing = async (): Promise<void> => undefined;
const NEW_KERNEL = kernelFile(2);

const withGuests = bootPartition('svc', {
  'bcm2709-rpi-2-b.dtb': HOST_TREE,
  ...guestFilesOf({ disks: [{ path: '/srv/a.img', readOnly: true }] }, 'web', 'db'),
});
const withOldHypberryd = async (card: Card): Promise<void> => {
  await card.create('hypberryd', hypberrydOf('0.0.9'));
};

const cases: Case[] = [
  {
    name: 'install with guests, and hypberryd of an earlier release',
    files: withGuests,
    before: withOldHypberryd,
    action: install('armstub'),
  },
  { name: 'uninstall with guests', files: withGuests, before: install('kernel_old'), action: uninstall },
  {
    name: 'install by kernel_old',
    files: bootPartition('of2015'),
    before: nothing,
    action: install('kernel_old'),
  },
  { name: 'install by armstub', files: bootPartition('svc'), before: nothing, action: install('armstub') },
  {
    name: 'a refresh after a kernel upgrade',
    files: bootPartition('of2015'),
    before: async (card) => {
      await install('kernel_old')(card);
      await card.replace('kernel7.img', NEW_KERNEL);
    },
    action: install('kernel_old'),
  },
  {
    name: 'a switch from kernel_old to armstub',
    files: bootPartition('svc'),
    before: install('kernel_old'),
    action: install('armstub'),
  },
  {
    name: 'a switch from armstub to kernel_old',
    files: bootPartition('svc'),
    before: install('armstub'),
    action: install('kernel_old'),
  },
  {
    name: 'diagnostics put in',
    files: bootPartition('svc'),
    before: install('armstub'),
    action: install('armstub', true),
  },
  {
    name: 'uninstall of kernel_old',
    files: bootPartition('of2015'),
    before: install('kernel_old'),
    action: uninstall,
  },
  {
    name: 'uninstall of armstub, where there was no config.txt',
    files: without(bootPartition('svc'), 'config.txt'),
    before: install('armstub'),
    action: uninstall,
  },
];

function without(files: Files, name: string): Files {
  return Object.fromEntries(Object.entries(files).filter(([path]) => path !== name));
}

describe.each(SHAPES)(
  'FAT$fat: the power cut after every sector that is written, but most within a file, by',
  ({ fat, megabytes }) => {
    test.each(cases)('$name', { timeout: 240_000 }, async ({ files, before, action }) => {
      const file = temporary('card');
      await makeCardImage(file, new Map(Object.entries(files)), { fat, megabytes });
      const image = new Uint8Array(fs.readFileSync(file));
      const start = await open(memoryDisk(image));
      await before(start);
      const kernel = await start.read('kernel7.img');
      const memoryBefore = await memoryOf(start);
      const whole = memoryDisk(image.slice());
      const done = await open(whole);
      await action(done);
      const memoryAfter = await memoryOf(done);
      const filesAfter = await ourFiles(done);
      expect(memoryAfter).not.toBe(memoryBefore);

      // The boot partition as a file of its own, for fsck.fat: in each state like the disk.
      const volume = temporary('volume');
      fs.writeFileSync(volume, image.subarray(BOOT_START * SECTOR_SIZE));
      fs.truncateSync(volume, megabytes << 20);
      const fd = fs.openSync(volume, 'r+');
      const put = ([sector, bytes]: [number, Uint8Array]): void => {
        fs.writeSync(fd, bytes, 0, SECTOR_SIZE, (sector - BOOT_START) * SECTOR_SIZE);
      };
      const writes: [number, Uint8Array][] = [];

      const seen = new Set<string>();
      let arrived = 0;
      const states = await everyCut(
        image,
        async (disk) => {
          await action(await open(watched(disk, (...write) => writes.push(write))));
        },
        async (disk, n) => {
          for (; arrived < n; arrived++) put(writes[arrived]!);
          const old = new Map<number, Uint8Array>();
          const card = await open(
            watched(disk, (sector) => {
              if (!old.has(sector)) old.set(sector, disk.read(sector, 1));
            }),
          );
          const memory = await memoryOf(card);
          expect([memoryBefore, memoryAfter], `state ${n}: the old way or the new`).toContain(memory);
          seen.add(memory);
          expect(Buffer.compare(await card.read('kernel7.img'), kernel), `state ${n}: the kernel`).toBe(0);

          await action(card);
          expect(await memoryOf(card), `state ${n}: finished by the same command`).toBe(memoryAfter);
          expect(await ourFiles(card), `state ${n}: nothing left over`).toEqual(filesAfter);
          await uninstall(card);
          expect(await ourFiles(card), `state ${n}: nothing of ours`).toEqual([]);
          const config = (await card.stat('config.txt')) && (await card.read('config.txt'));
          expect(config, `state ${n}: config.txt to the byte`).toEqual(files['config.txt']);
          for (const sector of old.keys()) put([sector, disk.read(sector, 1)]);
          expect(harm(volume), `state ${n}: fsck.fat`).toEqual([]);
          for (const write of old) put(write);
        },
        STRIDE,
      );
      fs.closeSync(fd);
      expect(states).toBe(writes.length);
      expect(seen.size, 'both the old way and the new were met').toBe(2);
    });
  },
);

/** Runs `action` with the power cut in its change number `n` to the file system; true where it came to its end. */
async function cutAt(n: number, action: () => Promise<void>): Promise<boolean> {
  let left = n;
  const { openSync, writeSync, renameSync, unlinkSync, rmSync } = fs;
  const step = (): void => {
    if (left <= 0) throw new Error('power off');
    left--;
  };
  Object.assign(fs, {
    openSync: (path: string, flags: string) => {
      if (flags !== 'r') step();
      return openSync(path, flags);
    },
    writeSync: (fd: number, data: Uint8Array, offset: number) => {
      // Half of it arrives.
      if (left === 0) writeSync(fd, data, offset, (data.length - offset) >> 1);
      step();
      return writeSync(fd, data, offset);
    },
    renameSync: (from: string, to: string) => {
      step();
      renameSync(from, to);
    },
    unlinkSync: (path: string) => {
      step();
      unlinkSync(path);
    },
    rmSync: (path: string, options: fs.RmOptions) => {
      step();
      rmSync(path, options);
    },
  });
  try {
    await action();
    return true;
  } catch (error) {
    if (!(error instanceof Error) || error.message !== 'power off') throw error;
    return false;
  } finally {
    Object.assign(fs, { openSync, writeSync, renameSync, unlinkSync, rmSync });
  }
}

describe('a mounted boot folder: the power cut in every change to the file system that is made by', () => {
  test.each(cases)('$name', async ({ files, before, action }) => {
    let memoryBefore = '';
    let memoryAfter = '';
    /** The folder as it is before the action. */
    const prepared = async (): Promise<string> => {
      const folder = temporary('boot');
      fs.mkdirSync(folder);
      for (const [path, data] of Object.entries(files)) fs.writeFileSync(join(folder, path), data);
      await before(openFolderCard(folder, { write: true }));
      return folder;
    };
    const reference = openFolderCard(await prepared(), { write: true });
    memoryBefore = await memoryOf(reference);
    await action(reference);
    memoryAfter = await memoryOf(reference);
    const after = fs.readdirSync(reference.target).sort();

    const seen = new Set<string>();
    for (let n = 0, ended = false; !ended; n++) {
      const folder = await prepared();
      const kernel = fs.readFileSync(join(folder, 'kernel7.img'));
      ended = await cutAt(n, () => action(openFolderCard(folder, { write: true })));
      const card = openFolderCard(folder, { write: true });
      const memory = await memoryOf(card);
      expect([memoryBefore, memoryAfter], `cut ${n}: the old way or the new`).toContain(memory);
      seen.add(memory);
      expect(fs.readFileSync(join(folder, 'kernel7.img')).equals(kernel), `cut ${n}: the kernel`).toBe(true);

      await action(card);
      expect(await memoryOf(card), `cut ${n}: finished by the same command`).toBe(memoryAfter);
      expect(fs.readdirSync(folder).sort(), `cut ${n}: nothing left over`).toEqual(after);
      await uninstall(card);
      expect(fs.readdirSync(folder).sort(), `cut ${n}: nothing of ours`).toEqual(Object.keys(files).sort());
      const config = files['config.txt'] && new Uint8Array(fs.readFileSync(join(folder, 'config.txt')));
      expect(config, `cut ${n}: config.txt to the byte`).toEqual(files['config.txt']);
      fs.rmSync(folder, { recursive: true });
    }
    expect(seen.size, 'both the old way and the new were met').toBe(2);
  });
});
