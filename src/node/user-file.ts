import fs from 'node:fs';
import { HypberryError } from '../base/errors.js';
import { refuseAsOutput } from './outputs.js';
import { systemCode } from './system-error.js';

/**
 * Reads a file that the user has named.
 * @throws HypberryError `file.unreadable`, `file.is-input`
 */
export function readUserFile(path: string): Uint8Array {
  try {
    refuseAsOutput(path);
    return new Uint8Array(fs.readFileSync(path));
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
