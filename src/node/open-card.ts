import fs from 'node:fs';
import { type Card } from '../card/card.js';
import { notFat, readOnly } from '../card/errors.js';
import { readMedium } from '../card/medium.js';
import { HypberryError } from '../base/errors.js';
import { openBootPartition, placeOfOne, type Named } from '../setup/boot-partition.js';
import { deviceNumbers, openDiskFile } from './disk-file.js';
import { openFolderCard } from './folder-card.js';
import { lockTarget } from './lock.js';
import { labelOfMounted, mountPoint, refuseUnknowable } from './mounts.js';
import { refuseAsOutput } from './outputs.js';
import { mounted, onSystem } from './system-error.js';

export interface OpenOptions extends Named {
  /** The card can be changed. */
  readonly write: boolean;
  /** It is opened for a change, be it one that is only shown; default as `write`. */
  readonly changes?: boolean | undefined;
  /** Is told what {@link lockTarget} has to say. */
  readonly say?: (sentence: string) => void;
}

/**
 * Opens a boot folder, a card image, or a card or partition by its device file (or a link to one).
 *
 * Without `write` nothing is ever written, and a mounted device may be read. Until the card is closed nobody else writes to
 * it, or with `write` reads it: see {@link lockTarget}.
 * Throws `card.in-use`, `file.is-input`, `card.not-found`, `card.permission`, `card.read-only`, `card.mounted`,
 * `card.mount-unknown`, `card.folder-partition`, and what `openBootPartition` throws.
 */
export async function openCard(target: string, options: OpenOptions): Promise<Card> {
  refuseTarget(target);
  const lock = await lockTarget(target, options.write ? 'write' : 'read', options.say);
  try {
    const card = await openLocked(target, options);
    let isOpen = true;
    return {
      ...card,
      close: async () => {
        if (isOpen) await card.close();
        isOpen = false;
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

/**
 * Refuses what no command takes as a card, before anything is known of it.
 * @throws HypberryError `card.mount-unknown`, `file.is-input`, and what {@link onSystem} throws
 */
export function refuseTarget(target: string): void {
  onSystem(target, () => {
    refuseUnknowable(target);
    refuseAsOutput(target);
  });
}

/**
 * Refuses an image or a device that nobody may write to as a whole now.
 * @throws HypberryError `card.read-only`, `card.mounted`
 */
export function refuseUnwritable(target: string, stat: fs.Stats): void {
  if (stat.isBlockDevice() && isReadOnlyDevice(stat.rdev)) throw readOnly(`"${target}"`);
  const point = onSystem(target, () => mountPoint(target));
  if (point !== undefined) throw mounted(target, `The mount at ${point}`);
}

async function openLocked(target: string, options: OpenOptions): Promise<Card> {
  const stat = onSystem(target, () => fs.statSync(target));
  if (stat.isDirectory()) {
    refusePartition(target, options);
    const label = labelOfMounted(fs.realpathSync(target));
    const card = { ...openFolderCard(target, options), label };
    return { ...card, place: await placeOfOne(card, 'The folder as it is.', partitionNumber(stat.dev)) };
  }
  if (!stat.isFile() && !stat.isBlockDevice()) {
    throw notFat(`"${target}" is neither a folder nor an image nor a card.`);
  }
  if (options.write) refuseUnwritable(target, stat);
  const disk = openDiskFile(target, options);
  try {
    const medium = stat.isFile()
      ? readMedium(disk, 'image', target)
      : readMedium(disk, 'device', target, partitionNumber(stat.rdev));
    const card = await openBootPartition(medium, options, options.changes ?? options.write);
    return {
      ...card,
      close: async () => {
        await card.close();
        disk.close();
      },
    };
  } catch (error) {
    disk.close();
    throw error;
  }
}

function refusePartition(target: string, { partition, whole }: Named): void {
  if (partition === undefined && !whole) return;
  throw new HypberryError(
    'card.folder-partition',
    `"${target}" is a folder, which is one partition already: ${whole ? '--whole' : '--partition'} is for images and cards.`,
    'Leave it out, or give the card itself (/dev/…), not mounted, or its image.',
  );
}

/** The number that Linux gives to a partition, by its device number; undefined for what is none, or elsewhere. */
function partitionNumber(dev: number): number | undefined {
  const { major, minor } = deviceNumbers(dev);
  const file = `/sys/dev/block/${major}:${minor}/partition`;
  return fs.existsSync(file) ? Number(fs.readFileSync(file, 'latin1')) : undefined;
}

/** True where the kernel lets no one write to a block device: a card whose lock switch is on. */
function isReadOnlyDevice(rdev: number): boolean {
  const { major, minor } = deviceNumbers(rdev);
  const file = `/sys/dev/block/${major}:${minor}/ro`;
  return fs.existsSync(file) && fs.readFileSync(file, 'latin1').trim() === '1';
}
