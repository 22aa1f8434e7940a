/** Snapshots as files. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { HypberryError } from '../base/errors.js';
import type { SnapshotSource } from '../engine/snapshot.js';
import { removeUnfinished } from './durable-file.js';
import { nameFile, openNameless } from './nameless-file.js';
import { fileExists, refuseAsOutput, refuseOnCard, refuseOnInputs } from './outputs.js';
import { onProcessEnd } from './process-end.js';
import { isThereProcess, onRead, onWritten, systemCode } from './system-error.js';

/** A snapshot that is open for reading. */
export interface OpenSnapshot extends SnapshotSource {
  close(): void;
}

/**
 * Opens a snapshot.
 * @throws HypberryError `file.unreadable`, also from `read`; `file.not-a-file`, `file.is-input`
 */
export function openSnapshot(path: string): OpenSnapshot {
  const reading = <T>(action: () => T): T => onRead(path, action);
  reading(() => {
    refuseAsOutput(path);
  });
  const fd = reading(() => fs.openSync(path, fs.constants.O_RDONLY | fs.constants.O_NONBLOCK));
  const stat = reading(() => fs.fstatSync(fd));
  if (!stat.isFile()) {
    fs.closeSync(fd);
    throw new HypberryError('file.not-a-file', `"${path}" is no file.`, 'Name the snapshot that was meant.');
  }
  return {
    size: stat.size,
    read(offset, length) {
      const bytes = new Uint8Array(Math.min(length, Math.max(0, stat.size - offset)));
      let done = 0;
      for (let got = -1; done < bytes.length && got !== 0; done += got)
        got = reading(() => fs.readSync(fd, bytes, done, bytes.length - done, offset + done));
      return bytes.subarray(0, done);
    },
    close() {
      fs.closeSync(fd);
    },
  };
}

/** Where a snapshot may be written. */
export interface SnapshotFileOptions {
  /** The card of the run: nothing is written to it. */
  readonly card: string;
  /** Files that the run reads beside: nothing is written to them. */
  readonly inputs: readonly string[];
  /** Whether a file that is there already may be replaced. */
  readonly overwrite: boolean;
}

/** A place for snapshots, each of which replaces the one before. */
export interface SnapshotPlace {
  /**
   * Writes a snapshot: it is there whole, or what was there before is.
   * @param pieces its bytes; each is written before the next one is asked for
   * @returns its size in bytes
   * @throws HypberryError `file.unwritable`, and what {@link snapshotPlace} throws, for what has come there since
   */
  save(pieces: Iterable<Uint8Array>): number;
}

/**
 * A place where a snapshot may be written; nothing is, until one is saved.
 * @throws HypberryError `file.exists`, `file.is-input`, `file.unwritable`
 */
export function snapshotPlace(path: string, options: SnapshotFileOptions): SnapshotPlace {
  /** The last one that was saved. */
  let own: fs.BigIntStats | undefined;
  onWritten(path, () => check(path, options, own));
  return {
    save: (pieces) =>
      onWritten(path, () => {
        const there = check(path, options, own);
        removeAbandoned(path);
        const saved = write(path, pieces, there);
        own = saved;
        return Number(saved.size);
      }),
  };
}

/** @returns what is there, and may be replaced */
function check(
  path: string,
  { card, inputs, overwrite }: SnapshotFileOptions,
  own: fs.BigIntStats | undefined,
): fs.BigIntStats | undefined {
  refuseOnCard(path, card);
  refuseOnInputs(path, inputs);
  const there = fs.lstatSync(path, { bigint: true, throwIfNoEntry: false });
  fs.accessSync(dirname(path), fs.constants.W_OK);
  if (there === undefined) return undefined;
  if (!there.isFile()) throw fileExists(path, 'is there already, and is no file', 'Name a new file.');
  if (!overwrite && !(own && own.dev === there.dev && own.ino === there.ino)) throw isThere(path);
  return there;
}

const isThere = (path: string): HypberryError =>
  fileExists(path, 'is there already', 'Name a new file, or use --overwrite.');

/** Mode of a new file, before the umask. */
const NEW_FILE = 0o666;
const UNFINISHED = /^\.(\d+)-[0-9a-f-]+\.unfinished$/;

/** Takes away what processes that were killed have left of snapshots for this place. */
function removeAbandoned(path: string): void {
  const folder = dirname(path);
  for (const name of fs.readdirSync(folder)) {
    if (!name.startsWith(basename(path))) continue;
    const pid = UNFINISHED.exec(name.slice(basename(path).length))?.[1];
    if (pid !== undefined && !isThereProcess(Number(pid))) removeUnfinished(join(folder, name));
  }
}

/** Writes it without a name, where the system has that: nothing stays of it where the process is killed meanwhile. */
function write(
  path: string,
  pieces: Iterable<Uint8Array>,
  replaces: fs.BigIntStats | undefined,
): fs.BigIntStats {
  const unfinished = `${path}.${process.pid}-${randomUUID()}.unfinished`;
  const release = onProcessEnd(() => {
    removeUnfinished(unfinished);
  });
  try {
    const nameless = openNameless(dirname(path), NEW_FILE);
    const fd = nameless ?? fs.openSync(unfinished, 'wx+', NEW_FILE);
    try {
      if (replaces) fs.fchmodSync(fd, Number(replaces.mode & 0o7777n));
      for (const piece of pieces)
        for (let done = 0; done < piece.length;) done += fs.writeSync(fd, piece, done);
      fs.fsyncSync(fd);
      if (nameless !== undefined) {
        if (nameFile(fd, path, replaces !== undefined)) return fs.fstatSync(fd, { bigint: true });
        copyOpen(fd, unfinished);
      }
    } finally {
      fs.closeSync(fd);
    }
    const saved = fs.lstatSync(unfinished, { bigint: true });
    if (replaces) fs.renameSync(unfinished, path);
    else renameToNew(unfinished, path);
    return saved;
  } catch (error) {
    removeUnfinished(unfinished);
    throw error;
  } finally {
    release();
  }
}

/** Copies an open file to a new one, with its mode. */
function copyOpen(from: number, to: string): void {
  fs.copyFileSync(`/proc/self/fd/${from}`, to, fs.constants.COPYFILE_EXCL);
  const fd = fs.openSync(to, 'r');
  try {
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Gives a file a name that nobody has; another command may just have taken it. */
function renameToNew(from: string, to: string): void {
  try {
    fs.closeSync(fs.openSync(to, 'wx'));
  } catch (error) {
    if (systemCode(error) === 'EEXIST') throw isThere(to);
    throw error;
  }
  try {
    fs.renameSync(from, to);
  } catch (error) {
    removeUnfinished(to);
    throw error;
  }
}
