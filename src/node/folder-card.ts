import fs from 'node:fs';
import path from 'node:path';
import { type Card, type Entry } from '../card/card.js';
import { badName, exists, mayRead, noFile, readOnly } from '../card/errors.js';
import { foldCase, pathNames } from '../card/path.js';
import { syncFolder, writeDurably } from './durable-file.js';
import { onSystem, systemCode } from './system-error.js';

// Holds a change until it is whole. No one else uses the name, so what an interrupted run left there can go.
const TEMPORARY = '.hypberry-unfinished';

/** A mounted boot partition, or a copy of one, as a card. Throws `card.read-only` at once where `write` is set. */
export function openFolderCard(folder: string, options: { write: boolean }): Card {
  if (options.write) {
    changing(() => {
      fs.accessSync(folder, fs.constants.W_OK);
    });
  }

  /** Where a card's path lies on the system, its names spelt as they are there; undefined where nothing is. */
  function find(cardPath: string): string | undefined {
    return pathNames(cardPath)?.reduce<string | undefined>((at, name) => at && findName(at, name), folder);
  }

  /** Where a card's path lies or would lie. */
  function place(cardPath: string): string {
    const names = pathNames(cardPath) ?? [];
    const name = names.pop();
    if (name === undefined) throw badName(cardPath);
    const parent = find(names.join('/'));
    if (parent === undefined || !fs.statSync(parent).isDirectory()) throw noFile(cardPath);
    return findName(parent, name) ?? path.join(parent, name);
  }

  function statNow(cardPath: string): Entry | undefined {
    const at = find(cardPath);
    return at === undefined ? undefined : entryAt(at, at === folder ? '' : path.basename(at));
  }

  function requireFile(cardPath: string): string {
    const at = find(cardPath);
    if (at === undefined || !fs.statSync(at).isFile()) throw noFile(cardPath);
    return at;
  }

  /** Writes a file that `mayReplace` says may be there or not. */
  function put(cardPath: string, data: Uint8Array, mayReplace: boolean): void {
    changing(() => {
      if (!options.write) throw readOnly(`"${folder}"`);
      const at = place(cardPath);
      const there = statNow(cardPath);
      if (there !== undefined && !mayReplace) throw exists(cardPath);
      if (there?.isFolder === true) throw noFile(cardPath);
      const parent = path.dirname(at);
      const temporary = path.join(parent, TEMPORARY);
      fs.rmSync(temporary, { force: true });
      try {
        writeDurably(temporary, data);
        fs.renameSync(temporary, at);
      } catch (error) {
        fs.rmSync(temporary, { force: true });
        throw error;
      }
      syncFolder(parent);
    });
  }

  /** Runs a change; what the system forbids in a folder is told as the card being read-only. */
  function changing(action: () => void): void {
    onSystem(folder, () => {
      try {
        action();
      } catch (error) {
        if (systemCode(error) !== 'EACCES' && systemCode(error) !== 'EPERM') throw error;
        throw readOnly(`"${folder}"`, { cause: error });
      }
    });
  }

  return {
    kind: 'folder',
    target: folder,
    list: async (cardPath) =>
      onSystem(folder, () => {
        const at = find(cardPath);
        if (at === undefined || !fs.statSync(at).isDirectory()) throw noFile(cardPath);
        return namesIn(at)
          .map((name) => entryAt(path.join(at, name), name))
          .filter((entry) => entry !== undefined);
      }),
    stat: async (cardPath) => onSystem(folder, () => statNow(cardPath)),
    read: async (cardPath, offset = 0, length = Infinity) =>
      onSystem(folder, () => readPart(requireFile(cardPath), offset, length)),
    freeBytes: async () =>
      onSystem(folder, () => {
        const { bavail, bsize } = fs.statfsSync(folder);
        return bavail * bsize;
      }),
    create: async (cardPath, data) => {
      put(cardPath, data, false);
    },
    replace: async (cardPath, data) => {
      put(cardPath, data, true);
    },
    remove: async (cardPath) => {
      changing(() => {
        if (!options.write) throw readOnly(`"${folder}"`);
        const at = requireFile(cardPath);
        fs.unlinkSync(at);
        syncFolder(path.dirname(at));
      });
    },
    close: async () => undefined,
  };
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
  if (fs.existsSync(exact)) return exact;
  if (!fs.statSync(folder).isDirectory()) return undefined;
  const found = namesIn(folder).find((other) => foldCase(other) === foldCase(name));
  return found === undefined ? undefined : path.join(folder, found);
}

function entryAt(at: string, name: string): Entry | undefined {
  const stat = fs.statSync(at, { throwIfNoEntry: false });
  if (stat === undefined) return undefined;
  return { name, size: stat.isDirectory() ? 0 : stat.size, isFolder: stat.isDirectory() };
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
