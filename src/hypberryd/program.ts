/** hypberryd, the host's end of guests' disks and network: the program that the host runs. */
import { readNote } from '../translate/linux/elf.js';
import { linuxProgram } from '../translate/linux/program.js';
import { RELEASE } from './generated/release.js';
import { hypberrydBase64 } from './hypberryd-binary.js';
import * as L from './shared/layout.js';

/** Its name where it is kept. */
export const HYPBERRYD_FILE = 'hypberryd';
/** Bytes that the file is smaller than. */
export const HYPBERRYD_LIMIT = 0x1_0000;

/** Its WebAssembly, which tests run as it is. */
export const hypberrydWasm = (): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(hypberrydBase64), (it) => it.charCodeAt(0));

/** By this note every release knows the program again; its text is the release. */
const RELEASE_NOTE = { owner: 'hypberry', type: 1 } as const;
/** Bytes from the file's beginning that have the note in them. */
export const HYPBERRYD_BEGIN = 512;

/** The program, once made: that takes the best part of a second. */
let made: Uint8Array | undefined;

/** Makes the program: a static executable for Linux on Arm. */
export function buildHypberryd(): Uint8Array {
  const places = { text: L.TEXT, data: L.DATA, end: L.END };
  made ??= linuxProgram(hypberrydWasm(), places, { ...RELEASE_NOTE, text: RELEASE }).file;
  return made.slice();
}

/**
 * The release that a file is hypberryd of; undefined where it is none.
 * @param begin its first {@link HYPBERRYD_BEGIN} bytes
 */
export function hypberrydRelease(begin: Uint8Array): string | undefined {
  return readNote(begin, RELEASE_NOTE);
}
