import fs from 'node:fs';
import path from 'node:path';
import { HypberryError } from '../base/errors.js';
import { type Card, type Change, type Entry } from '../card/card.js';
import {
  badName,
  changedMeanwhile,
  exists,
  linked,
  mayRead,
  noFile,
  noRoom,
  notAFile,
  readOnly,
  readOnlyFile,
} from '../card/errors.js';
import { changeInPlace } from '../card/in-place.js';
import { foldCase, pathKey, pathNames } from '../card/path.js';
import { unfinishedName } from '../card/unfinished.js';
import { FIRMWARE_FILES, isMadeByUs } from '../setup/ours.js';
import { removeUnfinished, syncFolder, writeDurably } from './durable-file.js';
import { isLocked, takesNewNamesOnly } from './locked-file.js';
import { isMountPoint } from './mounts.js';
import { onSystem, systemCode } from './system-error.js';

/** Bytes that several new files may take beside their data, in folders. */
const OVERHEAD = 64 * 1024;

/** Permission bits that let anybody write, and all that a file keeps. */
const WRITABLE = 0o222;
const PERMISSIONS = 0o7777;
/** Set of a folder whose group its new files get. */
const SET_GROUP = 0o2000;
/** Set of a folder in which no one takes away what is another's. */
const STICKY = 0o1000;

/**
 * A mounted boot partition, or a copy of one, as a card. What lies on another file system is not on it. A file that is a link
 * is read through it, wherever it leads, and written only where that is in the folder and in no other boot folder within it,
 * and where it is not in the place of a file that we alone make; within a folder that is a link nothing is changed. A file that is replaced keeps its mode and owner, and where it has another
 * name (a hard link) that keeps the old bytes. What another program has changed since it was read is refused with
 * `card.changed`, not written over.
 * Throws `card.read-only` at once where `write` is set.
 */
export function openFolderCard(folder: string, options: { write: boolean }): Card {
  const { dev } = onSystem(folder, () => fs.statSync(folder));
  if (options.write) {
    changing(() => {
      requireWritable(folder, fs.constants.W_OK);
    });
  }

  /** Files as they were when they were first read. */
  const asRead = new Map<string, { readonly path: string; readonly stat: fs.Stats | undefined }>();

  function requireAsRead(cardPath: string): void {
    const was = asRead.get(pathKey(cardPath));
    if (was === undefined) return;
    const at = find(cardPath);
    const now = at === undefined ? undefined : statOf(at);
    // Not by their numbers: FAT has none, and the system may give a file another one at any time.
    if (now?.size !== was.stat?.size || now?.mtimeMs !== was.stat?.mtimeMs) throw changedMeanwhile(was.path);
  }

  const isOwnFolder = (at: string): boolean => {
    const stat = statOf(at);
    return stat?.isDirectory() === true && stat.dev === dev;
  };

  /** Where a card's path lies on the system, its names spelt as they are there; undefined where nothing is. */
  function find(cardPath: string): string | undefined {
    return pathNames(cardPath)?.reduce<string | undefined>(
      (at, name) => (at !== undefined && isOwnFolder(at) ? findName(at, name) : undefined),
      folder,
    );
  }

  /** Where a card's path lies or would lie, for a change; no link is on the way there. */
  function place(cardPath: string): string {
    const names = pathNames(cardPath) ?? [];
    const name = names.pop();
    if (name === undefined) throw badName(cardPath);
    let at = folder;
    for (const above of names) {
      const next = findName(at, above);
      if (next === undefined || !isOwnFolder(next)) throw noFile(cardPath);
      if (fs.lstatSync(next).isSymbolicLink()) throw linked(above, 'to another folder');
      at = next;
    }
    return findName(at, name) ?? path.join(at, name);
  }

  /** The same, of a file that may be a link, unless it is one that we alone make: what its link leads to is somebody's. */
  function placeOfBytes(cardPath: string): string {
    const at = place(cardPath);
    if (fs.lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() !== true) return at;
    if (isMadeByUs(cardPath)) throw linked(cardPath, 'to another file', 'Take the link away, and try again.');
    if (statOf(at) === undefined) throw linked(cardPath, 'nowhere');
    const real = fs.realpathSync(at);
    const inside = path.relative(fs.realpathSync(folder), real);
    if (isOutside(inside) || fs.statSync(path.dirname(real)).dev !== dev)
      throw linked(cardPath, 'out of the folder');
    const other = firmwareFolderWithin(folder, path.dirname(inside));
    if (other !== undefined) throw linkedToOtherCard(cardPath, path.join(folder, other));
    return real;
  }

  function statNow(cardPath: string): Entry | undefined {
    const at = find(cardPath);
    const entry = at === undefined ? undefined : entryAt(at, at === folder ? '' : path.basename(at));
    if (at === undefined || !entry || entry.isFolder) return entry;
    const root = fs.realpathSync(folder);
    const places = wayTo(at).map((it) => path.relative(root, it));
    const way = places.filter((it) => !isOutside(it)).map((it) => it.split(path.sep).join('/'));
    return places.length > 1 || places[0] !== path.relative(folder, at) ? { ...entry, way } : entry;
  }

  function entryAt(at: string, name: string): Entry | undefined {
    const stat = statOf(at);
    if (stat?.isFile() === true) return { name, size: stat.size, isFolder: false };
    if (!isOwnFolder(at)) return undefined;
    const isLink = at !== folder && fs.lstatSync(at).isSymbolicLink();
    return { name, size: 0, isFolder: true, ...(isLink && { isLink }) };
  }

  function requireFile(cardPath: string): string {
    const at = find(cardPath);
    const there = at === undefined ? undefined : statOf(at);
    if (at === undefined || there === undefined) throw noFile(cardPath);
    if (!there.isFile()) throw notAFile(cardPath);
    return at;
  }

  function refuseReading(): void {
    if (!options.write) throw readOnly(`"${folder}"`);
  }

  /** Where a change goes, once it is known that nothing is in its way there but, perhaps, room. */
  function placeOf(change: Change): { at: string; there: fs.Stats | undefined } {
    const { kind, path: cardPath } = change;
    requireAsRead(cardPath);
    const at = kind === 'remove' ? place(cardPath) : placeOfBytes(cardPath);
    const there = statOf(at);
    if (kind === 'create' && there !== undefined) throw exists(cardPath);
    if (kind === 'remove' && there === undefined) throw noFile(cardPath);
    if (there !== undefined) {
      if (!there.isFile()) throw notAFile(cardPath);
      if ((there.mode & WRITABLE) === 0) throw readOnlyFile(cardPath);
      if (isMountPoint(fs.realpathSync(at))) throw mountedFile(cardPath);
    }
    // For a look at what would be changed nobody needs to be allowed to.
    if (!options.write) return { at, there };
    // Also of root's, who may do everything else.
    if (there !== undefined && isLocked(at)) throw lockedFile(cardPath);
    const parent = path.dirname(at);
    requireWritable(parent, fs.constants.W_OK | fs.constants.X_OK);
    const above = fs.statSync(parent);
    if (there !== undefined) refuseOthers(cardPath, kind, there, above);
    if (!keepsOthers(above) && takesNewNamesOnly(parent)) throw lockedFolder(parent);
    if (kind === 'replace' && there !== undefined) fs.accessSync(at, fs.constants.W_OK);
    return { at, there };
  }

  function put(change: Change & { readonly data: Uint8Array }): void {
    changing(() => {
      refuseReading();
      const { at, there } = placeOf(change);
      const parent = path.dirname(at);
      const temporary = path.join(parent, unfinishedName());
      try {
        writeDurably(temporary, change.data, (fd) => {
          if (there) keep(fd, there);
        });
        fs.renameSync(temporary, at);
      } catch (error) {
        removeUnfinished(temporary);
        if (!isNoRoom(error) || !there || !putInPlace(at, there, change.data)) throw error;
      }
      asRead.delete(pathKey(change.path));
      syncFolder(parent);
    });
  }

  /** Runs a change; what the system forbids in a folder is told as such. */
  function changing(action: () => void): void {
    onSystem(folder, () => {
      try {
        action();
      } catch (error) {
        if (systemCode(error) !== 'EACCES' && systemCode(error) !== 'EPERM') throw error;
        throw new HypberryError(
          'card.read-only',
          `"${folder}" is read-only for you.`,
          'Run the command as a user who may write there, usually with sudo, or change the permissions.',
          { cause: error },
        );
      }
    });
  }

  function checkNow(changes: readonly Change[]): void {
    for (const { path: cardPath } of asRead.values()) requireAsRead(cardPath);
    const { bavail, bsize, files, ffree } = fs.statfsSync(folder);
    const rounded = (size: number): number => Math.ceil(size / bsize) * bsize;
    const news = changes.filter(({ kind }) => kind === 'create').length;
    let free = bavail * bsize - (news > 1 ? OVERHEAD : 0);
    // File systems without a limit for files say 0 of both.
    let freeFiles = files > 0 ? ffree : Infinity;
    for (const change of changes) {
      const { at, there } = placeOf(change);
      const before = there === undefined || there.nlink > 1 ? 0 : rounded(there.size);
      if (change.kind === 'remove') {
        free += before;
        if (there?.nlink === 1) freeFiles++;
        continue;
      }
      const needed = rounded(change.data.length);
      // The new file stands beside the old one for a moment.
      if (freeFiles < 1) {
        if (!there || !inPlace(at, there, change.data))
          throw noRoom(`No more files can be made in "${folder}".`);
        continue;
      }
      if (!there || there.nlink > 1) freeFiles--;
      if (needed <= free) free += before - needed;
      else if (!there || !inPlace(at, there, change.data)) {
        throw noRoom(`"${change.path}" needs ${needed} bytes, and ${Math.max(0, free)} are free.`);
      }
    }
  }

  return {
    kind: 'folder',
    target: folder,
    list: async (cardPath) =>
      onSystem(folder, () => {
        const at = find(cardPath);
        if (at === undefined || !isOwnFolder(at)) throw noFile(cardPath);
        return namesIn(at)
          .map((name) => entryAt(path.join(at, name), name))
          .filter((entry) => entry !== undefined);
      }),
    stat: async (cardPath) => onSystem(folder, () => statNow(cardPath)),
    read: async (cardPath, offset = 0, length = Infinity) =>
      onSystem(folder, () => {
        const at = requireFile(cardPath);
        const key = pathKey(cardPath);
        if (!asRead.has(key)) asRead.set(key, { path: cardPath, stat: statOf(at) });
        return readPart(at, offset, length);
      }),
    freeBytes: async () =>
      onSystem(folder, () => {
        const { bavail, bsize } = fs.statfsSync(folder);
        return bavail * bsize;
      }),
    check: async (changes) => {
      changing(() => {
        checkNow(changes);
      });
    },
    create: async (cardPath, data) => {
      put({ kind: 'create', path: cardPath, data });
    },
    replace: async (cardPath, data) => {
      put({ kind: 'replace', path: cardPath, data });
    },
    remove: async (cardPath) => {
      changing(() => {
        refuseReading();
        const { at } = placeOf({ kind: 'remove', path: cardPath });
        fs.unlinkSync(at);
        asRead.delete(pathKey(cardPath));
        syncFolder(path.dirname(at));
      });
    },
    close: async () => undefined,
  };
}

/** What a path leads to; undefined where that is nothing, as of a link to nowhere or to itself. */
function statOf(at: string): fs.Stats | undefined {
  try {
    return fs.statSync(at, { throwIfNoEntry: false });
  } catch (error) {
    if (systemCode(error) === 'ELOOP' || systemCode(error) === 'ENOTDIR') return undefined;
    throw error;
  }
}

/** Where the links stand that lead to a file, which is there, and the file itself: the folders of each without links. */
function wayTo(at: string): string[] {
  const here = path.join(fs.realpathSync(path.dirname(at)), path.basename(at));
  if (!fs.lstatSync(here).isSymbolicLink()) return [here];
  return [here, ...wayTo(path.resolve(path.dirname(here), fs.readlinkSync(here)))];
}

/** Whether a path from a folder leads out of it. */
const isOutside = (inside: string): boolean => path.isAbsolute(inside) || inside.split(path.sep)[0] === '..';

/**
 * The first folder on the way to one within a card that holds a firmware of its own, and so is another card's, mounted or
 * copied there; undefined where there is none.
 * @param inside from the card's folder, `.` for itself
 */
function firmwareFolderWithin(folder: string, inside: string): string | undefined {
  const names = inside.split(path.sep).filter((name) => name !== '.');
  return names
    .map((_, i) => path.join(...names.slice(0, i + 1)))
    .find((at) => FIRMWARE_FILES.some((name) => findName(path.join(folder, at), name) !== undefined));
}

/** `card.link` of a file that is read here, but is another card's. */
function linkedToOtherCard(cardPath: string, other: string): HypberryError {
  const hint = `Give "${other}" as the target; or put what it leads to in its place, and try again.`;
  return linked(cardPath, 'to another boot folder', hint);
}

/** `card.mounted` of a file by itself: no other can be put in its place. */
function mountedFile(cardPath: string): HypberryError {
  return new HypberryError(
    'card.mounted',
    `Another file is mounted in the place of "${cardPath}", which cannot be changed so.`,
    'Unmount that file, or run the command where the boot partition is mounted as a whole.',
  );
}

/** `card.read-only` of a file that nobody may change. */
function lockedFile(cardPath: string): HypberryError {
  return new HypberryError(
    'card.read-only',
    `"${cardPath}" may not be changed or taken away by anybody.`,
    'Take that attribute off it (lsattr shows it, "chattr -i -a" takes it off), and try again.',
  );
}

/** The same of a folder. */
function lockedFolder(folder: string): HypberryError {
  return new HypberryError(
    'card.read-only',
    `Nothing in "${folder}" may be replaced or taken away by anybody.`,
    'Take that attribute off the folder (lsattr -d shows it, "chattr -i -a" takes it off), and try again.',
  );
}

/** Refuses a folder with the attribute that keeps even root from making files there, and throws what the system says of others. */
function requireWritable(folder: string, mode: number): void {
  try {
    fs.accessSync(folder, mode);
  } catch (error) {
    throw systemCode(error) === 'EPERM' ? lockedFolder(folder) : error;
  }
}

/** Whether this user cannot take away what is another's in a folder: one such as /tmp. */
function keepsOthers(folder: fs.Stats): boolean {
  const user = process.geteuid?.() ?? 0;
  return (folder.mode & STICKY) !== 0 && user !== 0 && folder.uid !== user;
}

/** Refuses what would not be its owner's any more, or may not be taken away by anybody else. */
function refuseOthers(cardPath: string, kind: Change['kind'], file: fs.Stats, parent: fs.Stats): void {
  const user = process.geteuid?.() ?? 0;
  if (user === 0) return;
  if (file.uid === user) {
    if (kind !== 'replace' || mayGive(file.gid, parent)) return;
    throw new HypberryError(
      'card.permission',
      `"${cardPath}" belongs to a group that you are not in, and would not any more.`,
      'Run the command with sudo, or give the file another group.',
    );
  }
  if (kind !== 'replace' && !keepsOthers(parent)) return;
  throw new HypberryError(
    'card.permission',
    `"${cardPath}" belongs to another user, and would not any more.`,
    'Run the command as that user, or with sudo.',
  );
}

/** Whether a new file in a folder can be given to a group. */
function mayGive(group: number, parent: fs.Stats): boolean {
  const groups = [process.getegid?.(), ...(process.getgroups?.() ?? [])];
  return groups.includes(group) || ((parent.mode & SET_GROUP) !== 0 && parent.gid === group);
}

/** Gives a new file the mode and the owner of the one that it will replace. */
function keep(fd: number, { uid, gid, mode }: fs.Stats): void {
  const own = fs.fstatSync(fd);
  if (own.uid !== uid || own.gid !== gid) fs.fchownSync(fd, uid, gid);
  if ((fs.fstatSync(fd).mode & PERMISSIONS) !== (mode & PERMISSIONS)) fs.fchmodSync(fd, mode & PERMISSIONS);
}

const isNoRoom = (error: unknown): boolean => ['ENOSPC', 'EDQUOT'].includes(systemCode(error) ?? '');

/** How a file's bytes can be changed where there is no room beside them; one with another name keeps that as it is. */
function inPlace(at: string, { nlink }: fs.Stats, data: Uint8Array): ReturnType<typeof changeInPlace> {
  return nlink > 1 ? undefined : changeInPlace(fs.readFileSync(at), data);
}

/** Changes a file's bytes where they are; false where that could not be done in one step. */
function putInPlace(at: string, stat: fs.Stats, data: Uint8Array): boolean {
  const change = inPlace(at, stat, data);
  if (!change) return false;
  const fd = fs.openSync(at, 'r+');
  try {
    if (change.kind === 'shorten') fs.ftruncateSync(fd, data.length);
    else fs.writeSync(fd, change.bytes, 0, change.bytes.length, change.offset);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
  return true;
}

/** The names in a folder in the order of the medium, which readdirSync would sort. */
function namesIn(folder: string): string[] {
  const names: string[] = [];
  const dir = fs.opendirSync(folder);
  try {
    for (let entry = dir.readSync(); entry !== null; entry = dir.readSync()) names.push(entry.name);
  } finally {
    dir.closeSync();
  }
  return names;
}

/** `name` in `folder`: spelt the same where there is such a one, else in other case. */
function findName(folder: string, name: string): string | undefined {
  const exact = path.join(folder, name);
  if (fs.lstatSync(exact, { throwIfNoEntry: false })) return exact;
  if (!fs.statSync(folder).isDirectory()) return undefined;
  const found = namesIn(folder).find((other) => foldCase(other) === foldCase(name));
  return found === undefined ? undefined : path.join(folder, found);
}

function readPart(file: string, offset: number, length: number): Uint8Array {
  const fd = fs.openSync(file, 'r');
  try {
    const count = Math.max(0, Math.min(length, fs.fstatSync(fd).size - offset));
    mayRead(file, count);
    const bytes = new Uint8Array(count);
    let done = 0;
    while (done < bytes.length) {
      const n = fs.readSync(fd, bytes, done, bytes.length - done, offset + done);
      if (n === 0) break;
      done += n;
    }
    return bytes.subarray(0, done);
  } finally {
    fs.closeSync(fd);
  }
}
