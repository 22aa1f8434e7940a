/** Files that this program owns: read whole, and put in place whole, so that a cut of the power leaves the old or the new. */
import * as L from '../../shared/layout.js';
import { STAT_MODE } from '../../shared/linux.js';
import { kernelPath, openFile } from '../files.js';
import {
  EFBIG,
  EINTR,
  O_CLOEXEC,
  O_CREAT,
  O_NOFOLLOW,
  O_RDONLY,
  O_TRUNC,
  O_WRONLY,
  linux,
} from '../linux.js';
import { putText } from '../texts.js';

/** Where a file's bytes are, and how many there may be: room is left for what is put into it. */
export const CONTENT: usize = <usize>L.BUFFER;
const MOST: u32 = L.BUFFER_SIZE - 0x1000;
/** The bits of a mode that fchmod takes. */
const PERMISSIONS: i32 = 0o7777;

/**
 * Reads a file into CONTENT.
 * @param more flags of open
 * @returns how long it is, or the error, negated; EFBIG where there is no room for it
 */
export function readWhole(path: string, more: i32): i32 {
  const file = openFile(kernelPath(path), O_RDONLY | O_CLOEXEC | more, 0);
  if (file < 0) return file;
  let length: u32 = 0;
  let count: i32 = -EINTR;
  while ((count > 0 || count == -EINTR) && length < MOST) {
    count = linux.read(file, CONTENT + length, <i32>(MOST - length));
    if (count > 0) length += count;
  }
  linux.close(file);
  if (length == MOST) return -EFBIG;
  return count < 0 ? count : length;
}

/** This program's own file. */
export const OWN: string = '/proc/self/exe';

/** Who may do what with a file; `otherwise` where there is none. */
export function modeOf(path: string, otherwise: i32): i32 {
  const file = openFile(kernelPath(path), O_RDONLY | O_CLOEXEC, 0);
  if (file < 0) return otherwise;
  const result = linux.fstat64(file, <usize>L.SCRATCH);
  linux.close(file);
  return result < 0 ? otherwise : load<i32>(<usize>L.SCRATCH, STAT_MODE) & PERMISSIONS;
}

function writeAll(file: i32, from: usize, length: u32): i32 {
  let done: u32 = 0;
  while (done < length) {
    const count = linux.write(file, from + done, <i32>(length - done));
    if (count < 0 && count != -EINTR) return count;
    if (count > 0) done += count;
  }
  return 0;
}

/** The second path that a call takes, as the kernel takes it. */
function secondPath(path: string): usize {
  const at = <usize>(L.PATH + L.PATH_SIZE / 2);
  store<u8>(putText(at, path), 0);
  return at;
}

/**
 * Makes a file of bytes, in the place of what was there.
 * @param beside a path in the same folder, where it is written first
 * @returns 0 or the error
 */
export function replace(path: string, beside: string, from: usize, length: u32, mode: i32): i32 {
  const flags = O_WRONLY | O_CREAT | O_TRUNC | O_NOFOLLOW | O_CLOEXEC;
  const file = openFile(kernelPath(beside), flags, mode);
  if (file < 0) return -file;
  let result = writeAll(file, from, length);
  if (result == 0) result = linux.fchmod(file, mode);
  if (result == 0) result = linux.fsync(file);
  linux.close(file);
  if (result == 0) result = linux.rename(kernelPath(beside), secondPath(path));
  if (result < 0) linux.unlink(kernelPath(beside));
  return -result;
}
