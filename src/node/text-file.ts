import fs from 'node:fs';
import { HypberryError } from '../base/errors.js';
import { systemCode } from './system-error.js';

/** A file of text that is being written. */
export interface TextFile {
  /** Bytes written so far. */
  readonly size: number;
  /** Writes at once: nothing is kept in memory. */
  write(text: string): void;
  close(): void;
}

/**
 * Creates a file, or empties it.
 * @throws HypberryError `file.unwritable`, also from `write`
 */
export function createTextFile(path: string): TextFile {
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
  const file = onFile(() => fs.openSync(path, 'w'));
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
