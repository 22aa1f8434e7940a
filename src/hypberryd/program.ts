/** hypberryd, the host's end of guests' disks and network: the program that the host runs. */
import { readNote } from '../translate/linux/elf.js';
import { hypberrydFileBase64 } from './hypberryd-file.js';
import { RELEASE_NOTE } from './note.js';

/** Its name where it is kept. */
export const HYPBERRYD_FILE = 'hypberryd';
/** Bytes that the file is smaller than. */
export const HYPBERRYD_LIMIT = 0x1_0000;

/** Bytes from the file's beginning that have the note in them. */
export const HYPBERRYD_BEGIN = 512;

/** The program: a static executable for Linux on Arm, which the build has translated. */
export function hypberrydFile(): Uint8Array {
  return Uint8Array.from(atob(hypberrydFileBase64), (it) => it.charCodeAt(0));
}

/**
 * The release that a file is hypberryd of; undefined where it is none.
 * @param begin its first {@link HYPBERRYD_BEGIN} bytes
 */
export function hypberrydRelease(begin: Uint8Array): string | undefined {
  return readNote(begin, RELEASE_NOTE);
}
