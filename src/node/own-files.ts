import fs from 'node:fs';
import path from 'node:path';
import { HypberryError } from '../base/errors.js';
import { isUnfinished, unfinishedName } from '../card/unfinished.js';
import { removeUnfinished, syncFolder, writeDurably } from './durable-file.js';
import { lockTarget } from './lock.js';
import { takesNewNamesOnly } from './locked-file.js';
import { fileExists } from './outputs.js';
import { onOwnDisk, systemCode } from './system-error.js';

/** A file that hypberry makes. */
interface OwnFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/**
 * Writes files into a folder, which is made where it is missing: all of them whole, or where one is refused none. What is
 * there under their names already goes where hypberry made it.
 * @param isOwn whether what is there is of the kind that is put in its place
 * @param say is told what {@link lockTarget} has to say
 * @throws HypberryError `file.exists`, `file.unwritable`, `card.in-use`, and what {@link onOwnDisk} makes of the system's refusals
 */
export async function writeOwnFiles(
  folder: string,
  files: readonly OwnFile[],
  isOwn: (there: Uint8Array, data: Uint8Array) => boolean,
  say?: (sentence: string) => void,
): Promise<void> {
  makeFolder(folder);
  const lock = await lockTarget(folder, 'write', say);
  try {
    onOwnDisk(folder, () => {
      if (takesNewNamesOnly(folder)) throw notReplaceable(folder);
      for (const file of files) refuseForeign(path.join(folder, file.name), file.data, isOwn);
      for (const name of fs.readdirSync(folder)) if (isUnfinished(name)) fs.rmSync(path.join(folder, name));
      const whole = files.map(({ name, data }) => ({ name, data, at: path.join(folder, unfinishedName()) }));
      try {
        for (const { at, data } of whole) writeDurably(at, data);
        for (const { at, name } of whole) fs.renameSync(at, path.join(folder, name));
      } finally {
        for (const { at } of whole) removeUnfinished(at);
      }
      syncFolder(folder);
    });
  } finally {
    lock.release();
  }
}

/** A file in it could be made, and not be given its name. */
function notReplaceable(folder: string): HypberryError {
  return new HypberryError(
    'file.unwritable',
    `Nothing in "${folder}" may be renamed or taken away by anybody.`,
    'Take that attribute off the folder ("chattr -a"), or name another one.',
  );
}

/** Makes a folder, and those above it, where they are missing. */
function makeFolder(folder: string): void {
  try {
    makeFolders(path.resolve(folder));
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new HypberryError(
      'file.unwritable',
      `"${folder}" cannot be made a folder (${code}).`,
      'Name a folder that is there, or a new one where you may make it.',
      { cause: error },
    );
  }
}

/** One by one: for a folder in /proc, which takes none, the `recursive` of mkdirSync tries for ever (Node 20). */
function makeFolders(folder: string): void {
  if (fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) return;
  const above = path.dirname(folder);
  if (above !== folder) makeFolders(above);
  try {
    fs.mkdirSync(folder);
  } catch (error) {
    // Another command may have made it meanwhile.
    if (!fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory()) throw error;
  }
}

function refuseForeign(
  file: string,
  data: Uint8Array,
  isOwn: (there: Uint8Array, data: Uint8Array) => boolean,
): void {
  const there = fs.lstatSync(file, { throwIfNoEntry: false });
  if (there === undefined) return;
  // One that is much larger need not be read.
  if (there.isFile() && there.size === data.length && isOwn(fs.readFileSync(file), data)) return;
  throw fileExists(
    file,
    'is there already, and "hypberry build" did not make it',
    'Move it away, or name another folder.',
  );
}
