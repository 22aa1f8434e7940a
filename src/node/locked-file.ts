import fs from 'node:fs';
import { systemCode } from './system-error.js';

/**
 * Whether the system lets nobody change, replace or take away a file, not even root: one with an attribute of `chattr +i` or
 * `+a`. It is opened for writing, which such a file refuses by EPERM (open(2), "The file is append-only"), and nothing is
 * written. False of a file that is not there, of a link, and where this user may not write it anyway.
 */
export function isLocked(file: string): boolean {
  try {
    fs.closeSync(fs.openSync(file, fs.constants.O_WRONLY | fs.constants.O_NOFOLLOW));
    return false;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
