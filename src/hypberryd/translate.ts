/** Makes hypberryd's file out of its body. */
import { linuxProgram } from '../translate/linux/program.js';
import { RELEASE } from './generated/release.js';
import { RELEASE_NOTE } from './note.js';
import * as L from './shared/layout.js';

/**
 * A static executable for Linux on Arm.
 * @param body the body as WebAssembly
 * @throws HypberryError `translate.*`
 */
export function translateHypberryd(body: Uint8Array): Uint8Array {
  const places = { text: L.TEXT, data: L.DATA, end: L.END };
  return linuxProgram(body, places, { ...RELEASE_NOTE, text: RELEASE }).file;
}
