/** Files that are there whole or not at all. */
import fs from 'node:fs';
import { systemCode } from './system-error.js';

/** Writes a new file, and returns when it is on the medium. Throws the system's errors, `EEXIST` among them. */
export function writeDurably(file: string, data: Uint8Array, finish?: (fd: number) => void): void {
  const fd = fs.openSync(file, 'wx');
  try {
    for (let done = 0; done < data.length;) done += fs.writeSync(fd, data, done);
    finish?.(fd);
    fs.fsyncSync(fd);
  } finally {
    fs.closeSync(fd);
  }
}

/** Returns when a folder's names are on the medium. */
export function syncFolder(folder: string): void {
  const fd = fs.openSync(folder, 'r');
  try {
    fs.fsyncSync(fd);
  } catch (error) {
    // Some file systems over a network or in user space cannot sync a folder.
    if (systemCode(error) !== 'EINVAL') throw error;
  } finally {
    fs.closeSync(fd);
  }
}

/** Takes away a file that was not finished, if it is there; where that cannot be, what went wrong before is what counts. */
export function removeUnfinished(file: string): void {
  try {
    fs.unlinkSync(file);
  } catch {
    // The next command that writes there takes it away.
  }
}
