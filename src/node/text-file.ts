import fs from 'node:fs';
import { HypberryError } from '../base/errors.js';
import { fileExists, refuseOnCard } from './outputs.js';
import { systemCode } from './system-error.js';

/** A file of text that is being written. */
export interface TextFile {
  /** Bytes written so far. */
  readonly size: number;
  /** Writes at once: nothing is kept in memory. */
  write(text: string): void;
  close(): void;
}

/** Where a file of text may be written. */
export interface TextFileOptions {
  /** The card that the command reads, where it does: nothing is written to it. */
  readonly card: string | undefined;
  /** Whether a file that is there already may be emptied. */
  readonly overwrite: boolean;
}

/**
 * Creates a file, or opens a device or a pipe, which are not emptied.
 * @throws HypberryError `file.unwritable`, also from `write`; `file.exists`, `file.is-input`
 */
export function createTextFile(path: string, options: TextFileOptions): TextFile {
  const onFile = <T>(action: () => T): T => {
    try {
      return action();
    } catch (error) {
      const code = systemCode(error);
      if (code === undefined) throw error;
      throw new HypberryError(
        'file.unwritable',
        `"${path}" cannot be written (${code}).`,
        'Name a file in a folder that you may write to, on a disk with room.',
        { cause: error },
      );
    }
  };
  const file = onFile(() => openForText(path, options));
  let size = 0;
  return {
    get size() {
      return size;
    },
    write(text) {
      const bytes = Buffer.from(text);
      onFile(() => {
        for (let at = 0; at < bytes.length;) at += fs.writeSync(file, bytes, at);
      });
      size += bytes.length;
    },
    close() {
      fs.closeSync(file);
    },
  };
}

const NEW_NAME = 'Name a new file.';

function openForText(path: string, { card, overwrite }: TextFileOptions): number {
  if (card !== undefined) refuseOnCard(path, card);
  const there = fs.statSync(path, { throwIfNoEntry: false });
  if (there === undefined) {
    // A link that leads to nothing is something, too.
    if (fs.lstatSync(path, { throwIfNoEntry: false }))
      throw fileExists(path, 'is a link to a file that is not there', NEW_NAME);
    return fs.openSync(path, 'wx');
  }
  if (there.isBlockDevice()) throw fileExists(path, 'is a disk', NEW_NAME);
  if (!there.isFile()) return fs.openSync(path, fs.constants.O_WRONLY);
  if (!overwrite) throw fileExists(path, 'is there already', `${NEW_NAME.slice(0, -1)}, or use --overwrite.`);
  if (there.nlink > 1) throw fileExists(path, 'is there under another name, too (a hard link)', NEW_NAME);
  const fd = fs.openSync(path, fs.constants.O_WRONLY);
  fs.ftruncateSync(fd);
  return fd;
}
