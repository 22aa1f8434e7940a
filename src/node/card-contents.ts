/** What is on a whole card, for a system that runs. */
import fs from 'node:fs';
import { overlayOf } from '../card/disk-overlay.js';
import { readAheadOf } from '../card/read-ahead.js';
import { HypberryError } from '../base/errors.js';
import { type Disk, MOST_SECTORS, SECTOR_SIZE } from '../ports/disk.js';
import { deviceNumbers, type DiskFile, openDiskFile } from './disk-file.js';
import { lockTarget } from './lock.js';
import { mountPoint } from './mounts.js';
import { refuseTarget, refuseUnwritable } from './open-card.js';
import { openScratchFile } from './scratch-file.js';
import { onOwnDisk, onSystem } from './system-error.js';

/** Milliseconds between two looks at the file, after which what was written is on its way to the medium. */
const LOOK_EVERY = 1000;
/** Sectors that are erased at once. */
const ERASE_PIECE = 2048;

export interface ContentsOptions {
  /** What the system writes stays on the card. */
  readonly write?: boolean | undefined;
  /** Is told what `lockTarget` has to say, and that the card is mounted. */
  readonly say?: ((sentence: string) => void) | undefined;
  /** Is told in a sentence, once, that others change the file meanwhile, and at a sudden end that not all was kept. */
  readonly onTrouble?: ((sentence: string) => void) | undefined;
}

/**
 * What is on a whole card, for a system that runs: an image or a device is read in place. What the system writes is kept
 * beside it, in memory and then in a temporary file, until the disk is closed.
 *
 * With `write` it goes to the card itself: sector by sector, in the order in which the system writes. When this process is
 * killed, all that was written is there, and nothing of it is out of order. At most a second later it is on its way to the
 * medium (fdatasync(2)), and there when the disk has been closed: what a power cut of the computer leaves of the last seconds is its
 * file system's matter. What the medium refused then, the next write throws.
 *
 * Until it is closed, nobody else writes to the card, or with `write` reads it: see {@link lockTarget}.
 * @returns undefined for a folder, a partition alone, and what is larger than any card
 * @throws HypberryError `card.not-whole` for these with `write`; what {@link refuseTarget}, {@link lockTarget},
 *   {@link refuseUnwritable} and {@link openDiskFile} throw
 */
export async function openContents(
  target: string,
  { write = false, say, onTrouble }: ContentsOptions = {},
): Promise<Disk | undefined> {
  refuseTarget(target);
  const stat = onSystem(target, () => fs.statSync(target));
  const isWhole = stat.isFile() || (stat.isBlockDevice() && !isPartition(stat.rdev));
  if (!isWhole) return write ? refuseParts(target) : undefined;
  const lock = await lockTarget(target, write ? 'write' : 'read', say);
  try {
    if (write) refuseUnwritable(target, stat);
    else sayMounted(target, say);
    const file = openDiskFile(target, { write });
    if (file.sectors === 0 || file.sectors > MOST_SECTORS) {
      file.close();
      lock.release();
      return write ? refuseParts(target) : undefined;
    }
    const disk = write ? inPlace(target, file, onTrouble) : beside(file);
    const stopLooking = lookAt(target, file, disk, onTrouble);
    return {
      ...disk,
      close: () => {
        stopLooking();
        try {
          disk.close();
        } finally {
          lock.release();
        }
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

function refuseParts(target: string): never {
  throw new HypberryError(
    'card.not-whole',
    `"${target}" is no whole card: the system that runs has nothing of it in its slot, and writes nothing to it.`,
    'Give the card itself (/dev/…), not mounted, or its image, or leave out --write.',
  );
}

function sayMounted(target: string, say: ContentsOptions['say']): void {
  const point = mountPoint(target);
  if (point !== undefined)
    say?.(`"${target}" is mounted at ${point}: what is changed there meanwhile, its system sees, too.`);
}

/** A card's contents, and what is to be done with them now and then. */
interface Contents extends Disk {
  /** Called every second. */
  look(): void;
  /** Whether the file's time may have changed by what is written here since the last look. */
  changedIt(): boolean;
}

function beside(file: DiskFile): Contents {
  const overlay = overlayOf(file, { scratch: openScratchFile });
  return {
    ...overlay,
    changedIt: () => false,
    look: () => undefined,
    close: () => {
      overlay.close();
      file.close();
    },
  };
}

function inPlace(target: string, file: DiskFile, onTrouble: ContentsOptions['onTrouble']): Contents {
  // The system tells each open file once what the medium refused: `file` is asked at the end alone, and then of all.
  const looking = onSystem(target, () => fs.openSync(target, 'r+'));
  /** How often something was written, and of these, what is on the medium, and what was at the last look. */
  let writes = 0;
  let synced = 0;
  let settled = 0;
  let failure: Error | undefined;
  let isSyncing = false;
  const sync = (): void => {
    if (writes === 0) return;
    try {
      file.sync();
    } catch (error) {
      if (!(error instanceof HypberryError)) throw error;
      const { code, message, hint } = error;
      throw new HypberryError(code, `${message} Not all that its system wrote is on it.`, hint, {
        cause: error,
      });
    }
  };
  // A signal ends the program by this way, too.
  process.once('exit', onExit);
  function onExit(): void {
    try {
      sync();
    } catch (error) {
      onTrouble?.((error as Error).message);
    }
  }
  const disk = readAheadOf({
    ...file,
    write: (sector, bytes) => {
      if (failure !== undefined) {
        const thrown = failure;
        failure = undefined;
        onOwnDisk(target, () => {
          throw thrown;
        });
      }
      writes++;
      file.write(sector, bytes);
    },
    erase: (sector, count) => {
      // What is zero already takes no space in a sparse image.
      const zeros = Buffer.alloc(ERASE_PIECE * SECTOR_SIZE);
      for (let at = sector; at < sector + count; at += ERASE_PIECE) {
        const length = Math.min(ERASE_PIECE, sector + count - at);
        const zero = zeros.subarray(0, length * SECTOR_SIZE);
        if (zero.equals(file.read(at, length))) continue;
        writes++;
        file.write(at, zero);
      }
    },
  });
  return {
    ...disk,
    changedIt: () => writes > settled,
    look: () => {
      if (synced === writes) {
        settled = writes;
        return;
      }
      // A slow card may take longer for one than it is to the next look.
      if (isSyncing) return;
      isSyncing = true;
      const upTo = writes;
      fs.fdatasync(looking, (error) => {
        isSyncing = false;
        if (error) failure ??= error;
        else synced = Math.max(synced, upTo);
      });
    },
    sync,
    close: () => {
      process.removeListener('exit', onExit);
      try {
        sync();
      } finally {
        // Behind what was begun on it.
        fs.close(looking);
        file.close();
      }
    },
  };
}

/**
 * Looks at a card's file every second while its system runs.
 * @returns ends that
 */
function lookAt(
  target: string,
  { fd }: DiskFile,
  contents: Contents,
  onTrouble: (sentence: string) => void = () => undefined,
): () => void {
  const opened = fs.fstatSync(fd, { bigint: true });
  let known = opened.mtimeNs;
  const changeOf = (ours: boolean): string | undefined => {
    const { nlink, size, mtimeNs } = fs.fstatSync(fd, { bigint: true });
    const isNew = mtimeNs !== known && !ours;
    known = mtimeNs;
    if (nlink === 0n)
      return 'was removed, or another was put in its place, while its system runs: that goes on with the old one';
    if (size < opened.size) return 'became shorter while its system runs: what is gone cannot be read';
    return isNew
      ? 'was changed by another program while its system runs, which now has parts of both'
      : undefined;
  };
  // Of a device only the size could be told, and it is not.
  let told = !opened.isFile();
  const timer = setInterval(() => {
    const ours = contents.changedIt();
    contents.look();
    const change = told ? undefined : changeOf(ours);
    if (change === undefined) return;
    told = true;
    onTrouble(`"${target}" ${change}.`);
  }, LOOK_EVERY);
  timer.unref();
  return () => {
    clearInterval(timer);
  };
}

/** Whether a device is a partition of another one. */
function isPartition(rdev: number): boolean {
  const { major, minor } = deviceNumbers(rdev);
  return fs.existsSync(`/sys/dev/block/${major}:${minor}/partition`);
}
