import * as FatFs from 'js-fatfs';
import { HypberryError } from '../base/errors.js';
import { type Card, type CardKind, type Change, type Entry } from './card.js';
import {
  badChain,
  badName,
  exists,
  mayRead,
  noFile,
  noRoom,
  notAFile,
  notFat,
  readOnly,
  readOnlyFile,
} from './errors.js';
import { type Disk, SECTOR_SIZE } from '../ports/disk.js';
import { overlayOf } from './disk-overlay.js';
import { checkVolume } from './fat-check.js';
import { fatWrites } from './fat-writes.js';
import { changeInPlace, type InPlaceChange } from './in-place.js';
import { pathNames } from './path.js';
import { readAheadOf } from './read-ahead.js';

const DRIVE = '0:';
const CODE_PAGE = 437; // Short names; Linux's default too.
const CHUNK = 1 << 20;
const MAX_FILE = 0xffffffff;
const MOST_LOOKED_FOR = 500;

/** An entry of a folder, and whether it has no long name. */
interface Listed {
  readonly entry: Entry;
  readonly isShort: boolean;
}

/**
 * A FAT volume as a card.
 *
 * Checks the volume's structure first, and writes nothing before the first change. Closing the card closes the
 * disk; where this throws, the disk is left open.
 * Throws `card.not-fat`, `card.truncated`, `card.cluster-loop`, `card.bad-chain`.
 * @param volume its first sector is the boot sector; nobody else writes to it meanwhile
 */
export async function openFatCard(volume: Disk, kind: CardKind, target: string): Promise<Card> {
  const disk = readAheadOf(volume);
  const checked = checkVolume(disk);
  const clusterBytes = checked.volume.sectorsPerCluster * SECTOR_SIZE;
  const lostBytes = checked.lost * clusterBytes;
  const writes = fatWrites(disk, checked);
  const ff = await FatFs.create({ diskio: writes.io, codepage: CODE_PAGE });
  const fs = allocate(FatFs.sizeof_FATFS);
  // Set when a change failed after it had begun to write: what FatFs and we believe may be wrong then.
  let broken = false;

  function allocate(size: number): number {
    const pointer = ff.malloc(size);
    if (pointer === 0) throw new RangeError(`No memory for ${size} bytes.`);
    return pointer;
  }

  function withMemory<T>(size: number, use: (pointer: number) => T): T {
    const pointer = allocate(size);
    try {
      return use(pointer);
    } finally {
      ff.free(pointer);
    }
  }

  /** Passes on FatFs's good results and throws its bad ones. */
  function ok(result: number, path: string): void {
    writes.rethrow();
    if (result !== FatFs.FR_OK) throw fatError(result, path);
  }

  function mount(): void {
    ok(ff.f_mount(fs, DRIVE, 1), '');
  }

  function withFile<T>(path: string, mode: number, use: (file: number) => T): T {
    return withMemory(FatFs.sizeof_FIL, (file) => {
      const opened = ff.f_open(file, fatPath(path), mode);
      // A full root directory of FAT12 or FAT16, or no cluster left for a longer folder.
      if (opened === FatFs.FR_DENIED && (mode & FatFs.FA_CREATE_NEW) !== 0) {
        throw noRoom(`The folder of "${path}" has no place for another name.`);
      }
      ok(opened, path);
      let result: T;
      try {
        result = use(file);
      } catch (error) {
        ff.f_close(file);
        throw error;
      }
      ok(ff.f_close(file), path);
      return result;
    });
  }

  function entryAt(info: number): Entry {
    const isFolder = (ff.FILINFO_fattrib(info) & FatFs.AM_DIR) !== 0;
    return { name: ff.FILINFO_fname(info), size: isFolder ? 0 : ff.FILINFO_fsize(info), isFolder };
  }

  function statNow(path: string): Entry | undefined {
    const names = pathNames(path);
    if (names === undefined) return undefined;
    if (names.length === 0) return { name: '', size: 0, isFolder: true };
    return withMemory(FatFs.sizeof_FILINFO, (info) => {
      const result = ff.f_stat(fatPath(path), info);
      if (result === FatFs.FR_NO_FILE || result === FatFs.FR_NO_PATH) return undefined;
      ok(result, path);
      return entryAt(info);
    });
  }

  function requireFile(path: string): Entry {
    const entry = statNow(path);
    if (entry === undefined) throw noFile(path);
    if (entry.isFolder) throw notAFile(path);
    return entry;
  }

  /**
   * Without what cannot be found by the name that it is listed with: a damaged entry, such as a short name in small letters.
   * Looking for a name takes as long as its folder is: it is done where there may be such entries, and not for thousands.
   */
  function listNow(folder: string): Entry[] {
    const all = listAll(folder);
    if (!checked.hasOddNames) return all.map(({ entry }) => entry);
    let looked = 0;
    const isFound = ({ entry: { name }, isShort }: Listed): boolean =>
      !isShort ||
      pathNames(name)?.length !== 1 ||
      (looked++ < MOST_LOOKED_FOR && statNow(`${folder}/${name}`) !== undefined);
    return all.filter(isFound).map(({ entry }) => entry);
  }

  function listAll(folder: string): Listed[] {
    if (statNow(folder)?.isFolder !== true) throw noFile(folder);
    return withMemory(FatFs.sizeof_DIR, (dir) =>
      withMemory(FatFs.sizeof_FILINFO, (info) => {
        const entries: Listed[] = [];
        ok(ff.f_opendir(dir, fatPath(folder)), folder);
        try {
          for (;;) {
            ok(ff.f_readdir(dir, info), folder);
            const entry = entryAt(info);
            if (entry.name === '') return entries;
            entries.push({ entry, isShort: ff.FILINFO_altname(info) === '' });
          }
        } finally {
          ff.f_closedir(dir);
        }
      }),
    );
  }

  /** Calls `step` with FatFs's buffer, the place of a count, and each part of `length` bytes. */
  function inChunks(
    length: number,
    step: (buffer: number, done: number, at: number, n: number) => void,
  ): void {
    const size = Math.min(length, CHUNK);
    withMemory(size + 8, (memory) => {
      for (let at = 0; at < length; at += size) step(memory + 8, memory, at, Math.min(size, length - at));
    });
  }

  function readNow(path: string, offset = 0, length = Infinity): Uint8Array {
    const { size } = requireFile(path);
    const count = Math.max(0, Math.min(length, size - offset));
    mayRead(path, count);
    const bytes = new Uint8Array(count);
    if (bytes.length === 0) return bytes;
    withFile(path, FatFs.FA_READ, (file) => {
      ok(ff.f_lseek(file, offset), path);
      inChunks(bytes.length, (buffer, done, at, n) => {
        ok(ff.f_read(file, buffer, n, done), path);
        bytes.set(ff.HEAPU8.subarray(buffer, buffer + n), at);
      });
    });
    return bytes;
  }

  function writeFile(path: string, mode: number, data: Uint8Array): void {
    withFile(path, FatFs.FA_WRITE | mode, (file) => {
      inChunks(data.length, (buffer, done, at, n) => {
        ff.HEAPU8.set(data.subarray(at, at + n), buffer);
        ok(ff.f_write(file, buffer, n, done), path);
        if (ff.getValue(done, 'i32') !== n) throw tooLittleRoom(path, data.length);
      });
    });
  }

  /** Unlike one that FatFs makes in a file's place, the file keeps its attributes and when it was made. */
  function shortenFile(path: string, length: number): void {
    withFile(path, FatFs.FA_WRITE | FatFs.FA_OPEN_EXISTING, (file) => {
      ok(ff.f_lseek(file, length), path);
      ok(ff.f_truncate(file), path);
    });
  }

  function tooLittleRoom(path: string, size: number): HypberryError {
    return noRoom(`"${path}" needs ${size} bytes, and ${writes.freeBytes()} are free.`, { lostBytes });
  }

  /** Runs one change. Until `flush` in it, nothing that was there before is touched. */
  function change(path: string, action: () => void): void {
    if (!disk.writable) throw readOnly(target);
    if (broken) {
      throw new HypberryError(
        'card.io',
        'An earlier change of this card failed in the middle.',
        'Open the card again, so that it is checked.',
      );
    }
    if (fatPath(path) === DRIVE) throw badName(path);
    try {
      withFatTime(action);
    } finally {
      writes.discard();
      mount();
    }
  }

  /** Throws `card.no-room` where a folder would grow by a link that cannot be written in one step. */
  function flush(order: 'as written' | 'backwards' = 'as written', linksInOrder = false): void {
    if (writes.hasSplitLink()) throw noRoom('FAT12 lets the folder of the new file not grow safely.');
    broken = true;
    writes.flush(order, linksInOrder);
    broken = false;
  }

  function hasRoom(data: Uint8Array): boolean {
    return (
      data.length <= MAX_FILE && Math.ceil(data.length / clusterBytes) * clusterBytes <= writes.freeBytes()
    );
  }

  function requireRoom(path: string, data: Uint8Array): void {
    if (!hasRoom(data)) throw tooLittleRoom(path, data.length);
  }

  function createNow(path: string, data: Uint8Array): void {
    change(path, () => {
      if (statNow(path) !== undefined) throw exists(path);
      requireRoom(path, data);
      writeFile(path, FatFs.FA_CREATE_NEW, data);
      flush();
    });
  }

  /**
   * The old file's chain stays taken while the new one is written; then one sector, the one with the file's
   * entry, changes over; then the old chain is freed. FatFs can do neither by itself, so it empties the file
   * twice: once for the entry without a chain, once for the FAT without the chain.
   */
  function replaceNow(path: string, data: Uint8Array): void {
    if (statNow(path) === undefined) {
      createNow(path, data);
      return;
    }
    const inPlace = hasRoom(data) ? undefined : changeInPlace(readNow(path), data);
    if (inPlace) {
      changeNow(path, data, inPlace);
      return;
    }
    change(path, () => {
      const { size } = requireFile(path);
      requireRoom(path, data);
      // One without a byte may have a chain all the same (of a system that failed), which shortening leaves.
      const empty = (): void => {
        if (size > 0) shortenFile(path, 0);
        else writeFile(path, FatFs.FA_CREATE_ALWAYS, new Uint8Array(0));
      };
      empty();
      const oldEntry = writes.keepFolders();
      mount();
      writeFile(path, FatFs.FA_OPEN_EXISTING, data);
      flush();
      writes.hold(oldEntry);
      mount();
      empty();
      writes.dropFolders();
      flush();
    });
  }

  /**
   * One sector changes over: the one with the file's entry where it is cut short, else that of its data; the entry's new time is
   * another. Behind a shorter entry the rest of the chain is freed, its new end first.
   */
  function changeNow(path: string, data: Uint8Array, inPlace: InPlaceChange): void {
    change(path, () => {
      if (inPlace.kind === 'shorten') shortenFile(path, data.length);
      else
        withFile(path, FatFs.FA_WRITE | FatFs.FA_OPEN_EXISTING, (file) => {
          ok(ff.f_lseek(file, inPlace.offset), path);
          inChunks(inPlace.bytes.length, (buffer, done, at, n) => {
            ff.HEAPU8.set(inPlace.bytes.subarray(at, at + n), buffer);
            ok(ff.f_write(file, buffer, n, done), path);
          });
        });
      flush('as written', true);
    });
  }

  function removeNow(path: string): void {
    change(path, () => {
      requireFile(path);
      ok(ff.f_unlink(fatPath(path)), path);
      // The short entry goes before parts of its long name that stand in an earlier sector.
      flush('backwards');
    });
  }

  mount();
  return {
    kind,
    target,
    label: checked.label,
    lostBytes,
    list: async (folder) => listNow(folder),
    stat: async (path) => statNow(path),
    read: async (path, offset, length) => readNow(path, offset, length),
    freeBytes: async () => writes.freeBytes(),
    check: async (changes) => {
      if (changes.length > 0)
        await rehearse(
          await openFatCard(overlayOf(disk, { memory: Infinity, most: Infinity }), kind, target),
          changes,
        );
    },
    create: async (path, data) => {
      createNow(path, data);
    },
    replace: async (path, data) => {
      replaceNow(path, data);
    },
    remove: async (path) => {
      removeNow(path);
    },
    close: async () => {
      ff.f_unmount(DRIVE);
      ff.free(fs);
      disk.close();
    },
  };
}

/** Makes changes to a copy of a card: what it would refuse comes out, for whatever reason. */
async function rehearse(copy: Card, changes: readonly Change[]): Promise<void> {
  for (const change of changes) {
    if (change.kind === 'create') await copy.create(change.path, change.data);
    else if (change.kind === 'replace') await copy.replace(change.path, change.data);
    else await copy.remove(change.path);
  }
  await copy.close();
}

/** The first time that FAT has, wherever this is; FatFs would take an earlier one for one of 2098 and later. */
const FIRST_TIME = Date.UTC(1980, 0, 2);

/** Runs FatFs with a clock that FAT can write down: that of a computer without a battery says 1970. */
function withFatTime(action: () => void): void {
  const { now } = Date;
  if (now() >= FIRST_TIME) {
    action();
    return;
  }
  // The only way to its clock.
  Date.now = () => FIRST_TIME;
  try {
    action();
  } finally {
    Date.now = now;
  }
}

/** A path as FatFs takes it. Throws `card.bad-name`. */
function fatPath(path: string): string {
  const names = pathNames(path);
  if (names === undefined) throw badName(path);
  return DRIVE + names.join('/');
}

/** FatFs's result as an error; the ones that a caller has to expect are named, the rest is damage. */
function fatError(result: number, path: string): HypberryError {
  switch (result) {
    case FatFs.FR_NO_FILE:
    case FatFs.FR_NO_PATH:
      return noFile(path);
    case FatFs.FR_INVALID_NAME:
    case FatFs.FR_INVALID_DRIVE:
      return badName(path);
    case FatFs.FR_EXIST:
      return exists(path);
    case FatFs.FR_DENIED:
      return readOnlyFile(path);
    case FatFs.FR_WRITE_PROTECTED:
      return readOnly('The card');
    case FatFs.FR_NO_FILESYSTEM:
      return notFat('FatFs finds no FAT file system in the boot partition.');
    case FatFs.FR_INT_ERR:
      return badChain(`The cluster chain of "${path}" is broken.`);
    default:
      return new HypberryError(
        'card.io',
        `"${path}" cannot be read or written (FatFs result ${result}).`,
        'Try again; if it comes back, try another reader or another card.',
      );
  }
}
