import fs from 'node:fs';
import { dirname } from 'node:path';
import { fileExists, refuseOnCard, refuseOnInputs } from './outputs.js';
import { onWritten } from './system-error.js';

/** A file of text that is being written. */
export interface TextFile {
  /** Bytes written so far. */
  readonly size: number;
  /** Writes at once: nothing is kept in memory. Where it throws, a file keeps nothing of the text. */
  write(text: string): void;
  close(): void;
}

/** Where a file of text may be written. */
export interface TextFileOptions {
  /** The card that the command reads, where it does: nothing is written to it. */
  readonly card: string | undefined;
  /** Files that it reads beside: nothing is written to them. */
  readonly inputs?: readonly string[];
  /** Whether a file that is there already may be emptied. */
  readonly overwrite: boolean;
}

/**
 * Refuses a place where a file of text may not be written.
 * @throws HypberryError `file.unwritable`, `file.exists`, `file.is-input`
 */
export function checkTextFile(path: string, options: TextFileOptions): void {
  onWritten(path, () => {
    const there = checkForText(path, options);
    if (there === undefined) fs.accessSync(dirname(path), fs.constants.W_OK);
    else if (there.isFile()) fs.accessSync(path, fs.constants.W_OK);
  });
}

/**
 * Creates a file, or opens a device or a pipe, which are not emptied.
 * @throws HypberryError `file.unwritable`, also from `write`; `file.exists`, `file.is-input`
 */
export function createTextFile(path: string, options: TextFileOptions): TextFile {
  const file = onWritten(path, () => openForText(path, options));
  let size = 0;
  return {
    get size() {
      return size;
    },
    write(text) {
      const bytes = Buffer.from(text);
      onWritten(path, () => {
        try {
          for (let at = 0; at < bytes.length;) at += fs.writeSync(file, bytes, at);
        } catch (error) {
          if (fs.fstatSync(file).isFile()) fs.ftruncateSync(file, size);
          throw error;
        }
      });
      size += bytes.length;
    },
    close() {
      fs.closeSync(file);
    },
  };
}

const NEW_NAME = 'Name a new file.';

/** @returns what is there, which may be written; undefined where nothing is */
function checkForText(path: string, { card, inputs = [], overwrite }: TextFileOptions): fs.Stats | undefined {
  if (card !== undefined) refuseOnCard(path, card);
  refuseOnInputs(path, inputs);
  const there = fs.statSync(path, { throwIfNoEntry: false });
  if (there === undefined) {
    // A link that leads to nothing is something, too.
    if (fs.lstatSync(path, { throwIfNoEntry: false }))
      throw fileExists(path, 'is a link to a file that is not there', NEW_NAME);
    return undefined;
  }
  if (there.isBlockDevice()) throw fileExists(path, 'is a disk', NEW_NAME);
  if (!there.isFile()) return there;
  if (!overwrite) throw fileExists(path, 'is there already', `${NEW_NAME.slice(0, -1)}, or use --overwrite.`);
  if (there.nlink > 1) throw fileExists(path, 'is there under another name, too (a hard link)', NEW_NAME);
  return there;
}

function openForText(path: string, options: TextFileOptions): number {
  const there = checkForText(path, options);
  if (there === undefined) return fs.openSync(path, 'wx');
  const fd = fs.openSync(path, fs.constants.O_WRONLY);
  if (there.isFile()) fs.ftruncateSync(fd);
  return fd;
}
