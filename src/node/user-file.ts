import fs from 'node:fs';
import { HypberryError } from '../base/errors.js';
import { READ_LIMIT } from '../card/errors.js';
import { refuseAsOutput } from './outputs.js';
import { systemCode } from './system-error.js';

/**
 * Reads a file that the user has named.
 * @throws HypberryError `file.unreadable`, `file.is-input`, `file.too-large`
 */
export function readUserFile(path: string): Uint8Array {
  try {
    refuseAsOutput(path);
    return readWhole(path);
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new HypberryError(
      'file.unreadable',
      code === 'ENOENT' ? `"${path}" is not there.` : `"${path}" cannot be read (${code}).`,
      'Check the path, and that you may read the file.',
      { cause: error },
    );
  }
}

/** Bytes that are read at once. */
const PIECE = 1 << 20;

/** All that a file, a pipe or a device gives, as far as a Pi 2 could have use for it: /dev/zero has no end. */
function readWhole(path: string): Uint8Array {
  const pieces: Uint8Array[] = [];
  const fd = fs.openSync(path, 'r');
  try {
    for (let size = 0; ;) {
      const piece = new Uint8Array(PIECE);
      const count = fs.readSync(fd, piece);
      if (count === 0) return new Uint8Array(Buffer.concat(pieces, size));
      pieces.push(piece.subarray(0, count));
      size += count;
      if (size > READ_LIMIT) {
        throw new HypberryError(
          'file.too-large',
          `"${path}" has more bytes than a Pi 2 has memory.`,
          'Name the file that was meant.',
        );
      }
    }
  } finally {
    fs.closeSync(fd);
  }
}
