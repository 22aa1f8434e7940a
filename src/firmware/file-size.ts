/** Bounds of the files that are read whole to be looked at: what is larger is not what its name says. */
import { HypberryError } from '../base/errors.js';
import type { CardReader } from '../card/card.js';

/** Kinds of files, and the most bytes that one has: many times what any release has had. */
const LARGEST = {
  'bootcode.bin': 1 << 20,
  'start.elf': 64 << 20,
  'fixup.dat': 1 << 20,
  'device tree': 4 << 20,
  overlay: 4 << 20,
  'command line': 256 << 10,
} as const;

/**
 * Reads a file of the firmware's, or one that it reads, whole.
 * @throws HypberryError `firmware.file-size` before anything is read, of trees and overlays `tree.size`; what the card throws
 */
export async function readSized(
  card: CardReader,
  path: string,
  kind: keyof typeof LARGEST,
): Promise<Uint8Array> {
  const size = (await card.stat(path))?.size ?? 0;
  if (size > LARGEST[kind]) {
    const isTree = kind === 'device tree' || kind === 'overlay';
    throw new HypberryError(
      isTree ? 'tree.size' : 'firmware.file-size',
      `${path} has ${size} bytes, which no ${kind} has.`,
      `Put a good copy of ${path} on the boot partition; a damaged file system may say so too (fsck.vfat).`,
    );
  }
  return card.read(path);
}

/** The same; undefined where there is no such file. */
export async function readSizedIfThere(
  card: CardReader,
  path: string,
  kind: keyof typeof LARGEST,
): Promise<Uint8Array | undefined> {
  return (await card.stat(path))?.isFolder === false ? readSized(card, path, kind) : undefined;
}
