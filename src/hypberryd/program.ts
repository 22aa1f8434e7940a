/** hypberryd, the host's end of guests' disks and network: the program that the host runs. */
import { linuxProgram } from '../translate/linux/program.js';
import { hypberrydBase64 } from './hypberryd-binary.js';
import * as L from './shared/layout.js';

/** Its name where it is kept. */
export const HYPBERRYD_FILE = 'hypberryd';
/** Bytes that the file is smaller than. */
export const HYPBERRYD_LIMIT = 0x1_0000;

/** Its WebAssembly, which tests run as it is. */
export const hypberrydWasm = (): Uint8Array<ArrayBuffer> =>
  Uint8Array.from(atob(hypberrydBase64), (it) => it.charCodeAt(0));

/** Makes the program: a static executable for Linux on Arm. */
export function buildHypberryd(): Uint8Array {
  return linuxProgram(hypberrydWasm(), { text: L.TEXT, data: L.DATA, end: L.END }).file;
}
