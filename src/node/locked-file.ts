import fs from 'node:fs';
import path from 'node:path';
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

/**
 * Whether nothing can be taken away or renamed in a folder, not even by root, though new files can be made: one with
 * `chattr +a`. A file in it is tried as a folder to be taken away, which is never done: the attribute is looked at first
 * (EPERM), what the file is afterwards (ENOTDIR; Linux, fs/namei.c, may_delete). False where no file is in it that could tell.
 */
export function takesNewNamesOnly(folder: string): boolean {
  const file = fs
    .readdirSync(folder, { withFileTypes: true })
    .filter((it) => it.isFile())
    .map(({ name }) => path.join(folder, name))
    // One with such an attribute of its own gives the same answer.
    .find((it) => !isLocked(it));
  if (file === undefined) return false;
  try {
    fs.rmdirSync(file);
    return false;
  } catch (error) {
    return systemCode(error) === 'EPERM';
  }
}
