/** Bounds of the files that are read whole to be looked at; what is larger is hardly what its name says. */
import { HypberryError } from '../base/errors.js';
import type { CardReader } from '../card/card.js';

/**
 * Kinds of files, and the most bytes that one has: many times what any release has had; of a kernel and an initramfs half of a
 * Pi 2's memory, as they are unpacked into what they leave.
 */
const LARGEST = {
  'bootcode.bin': 1 << 20,
  'start.elf': 64 << 20,
  'fixup.dat': 1 << 20,
  'device tree': 4 << 20,
  overlay: 4 << 20,
  'command line': 256 << 10,
  stub: 16 << 20,
  kernel: 512 << 20,
  initramfs: 512 << 20,
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
  requireSize(path, (await card.stat(path))?.size ?? 0, kind);
  return card.read(path);
}

/**
 * Refuses what has more bytes than its kind ever has.
 * @param path one, or several with commas between them
 * @throws HypberryError `firmware.file-size`, of trees and overlays `tree.size`
 */
function requireSize(path: string, size: number, kind: keyof typeof LARGEST): void {
  if (size <= LARGEST[kind]) return;
  const isTree = kind === 'device tree' || kind === 'overlay';
  throw new HypberryError(
    isTree ? 'tree.size' : 'firmware.file-size',
    `${path} has ${size} bytes, and hypberry reads no ${kind} of more than ${LARGEST[kind]}.`,
    `Put a good copy of ${path} on the boot partition; a damaged file system may say so too (fsck.vfat).`,
  );
}

/** Whether a file was refused unread: what the firmware makes of it is not known. */
export function isUnread({ code }: HypberryError): boolean {
  return ['firmware.file-size', 'firmware.config-size', 'tree.size'].includes(code);
}

/**
 * Reads files that count as one, in their order.
 * @returns undefined where one of them is not there, whose path `missing` gets
 * @throws HypberryError as {@link readSized} does, by the sum of their sizes
 */
export async function readSizedTogether(
  card: CardReader,
  paths: readonly string[],
  kind: keyof typeof LARGEST,
  missing: (path: string) => void,
): Promise<Uint8Array[] | undefined> {
  let size = 0;
  for (const path of paths) {
    const entry = await card.stat(path);
    if (entry?.isFolder !== false) {
      missing(path);
      return undefined;
    }
    size += entry.size;
  }
  requireSize(paths.join(','), size, kind);
  const parts: Uint8Array[] = [];
  for (const path of paths) parts.push(await card.read(path));
  return parts;
}

/** The same; undefined where there is no such file. */
export async function readSizedIfThere(
  card: CardReader,
  path: string,
  kind: keyof typeof LARGEST,
): Promise<Uint8Array | undefined> {
  return (await card.stat(path))?.isFolder === false ? readSized(card, path, kind) : undefined;
}
