import fs from 'node:fs';
import { HypberryError } from '../base/errors.js';
import { refuseAsOutput } from './outputs.js';
import { onRead } from './system-error.js';

/**
 * Reads a file that the user has named; what it is, and how large, is looked at first.
 * @param most bytes that it can have for what it is wanted for
 * @throws HypberryError `file.unreadable`, `file.not-a-file`, `file.is-input`, `file.too-large`
 */
export function readUserFile(path: string, most: number): Uint8Array {
  return onRead(path, () => {
    refuseAsOutput(path);
    const stat = fs.statSync(path);
    // A pipe may never give anything, and a device never end.
    if (!stat.isFile()) {
      throw new HypberryError(
        'file.not-a-file',
        `"${path}" is ${kindOf(stat)}, and not a file.`,
        'Name the file that was meant; what comes out of a pipe can be saved in one first.',
      );
    }
    if (stat.size > most) {
      throw new HypberryError(
        'file.too-large',
        `"${path}" has ${stat.size} bytes, and there is room for ${most} at most.`,
        'Name the file that was meant.',
      );
    }
    const { buffer, byteOffset, length } = fs.readFileSync(path);
    return new Uint8Array(buffer, byteOffset, length);
  });
}

function kindOf(stat: fs.Stats): string {
  if (stat.isDirectory()) return 'a folder';
  if (stat.isFIFO()) return 'a pipe';
  if (stat.isSocket()) return 'a socket';
  return 'a device';
}
