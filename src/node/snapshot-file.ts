/** Snapshots as files. */
import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { HypberryError } from '../base/errors.js';
import type { SnapshotSource } from '../engine/snapshot.js';
import { removeUnfinished } from './durable-file.js';
import { fileExists, refuseOnCard } from './outputs.js';
import { onProcessEnd } from './process-end.js';
import { systemCode } from './system-error.js';

/** A snapshot that is open for reading. */
export interface OpenSnapshot extends SnapshotSource {
  close(): void;
}

/**
 * Opens a snapshot.
 * @throws HypberryError `file.unreadable`, also from `read`; `file.not-a-file`
 */
export function openSnapshot(path: string): OpenSnapshot {
  const reading = <T>(action: () => T): T =>
    named(action, (code) => [
      'file.unreadable',
      code === 'ENOENT' ? `"${path}" is not there.` : `"${path}" cannot be read (${code}).`,
      'Check the path, and that you may read the file.',
    ]);
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
  /** Whether a file that is there already may be replaced. */
  readonly overwrite: boolean;
}

/**
 * Refuses a place where a snapshot may not be written.
 * @throws HypberryError `file.exists`, `file.is-input`, `file.unwritable`
 */
export function checkSnapshotPlace(path: string, { card, overwrite }: SnapshotFileOptions): void {
  writing(path, () => {
    refuseOnCard(path, card);
    const there = fs.lstatSync(path, { throwIfNoEntry: false });
    if (there === undefined) return;
    if (!there.isFile()) throw fileExists(path, 'is there already, and is no file', 'Name a new file.');
    if (!overwrite) throw fileExists(path, 'is there already', 'Name a new file, or use --overwrite.');
  });
}

/**
 * Writes a snapshot: it is there whole, or what was there before is.
 * @param pieces its bytes; each is written before the next one is asked for
 * @returns its size in bytes
 * @throws HypberryError `file.unwritable`
 */
export function saveSnapshot(path: string, pieces: Iterable<Uint8Array>): number {
  const unfinished = `${path}.${randomUUID()}.unfinished`;
  const release = onProcessEnd(() => {
    removeUnfinished(unfinished);
  });
  try {
    return writing(path, () => {
      const fd = fs.openSync(unfinished, 'wx');
      let size = 0;
      try {
        for (const piece of pieces) {
          for (let done = 0; done < piece.length;) done += fs.writeSync(fd, piece, done);
          size += piece.length;
        }
        fs.fsyncSync(fd);
      } finally {
        fs.closeSync(fd);
      }
      fs.renameSync(unfinished, path);
      return size;
    });
  } catch (error) {
    removeUnfinished(unfinished);
    throw error;
  } finally {
    release();
  }
}

const writing = <T>(path: string, action: () => T): T =>
  named(action, (code) => [
    'file.unwritable',
    `"${path}" cannot be written (${code}).`,
    'Name a file in a folder that you may write to, on a disk with room.',
  ]);

/** Has the system's errors named. */
function named<T>(action: () => T, name: (code: string) => readonly [string, string, string]): T {
  try {
    return action();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new HypberryError(...name(code), { cause: error });
  }
}
