/** The files that install puts on a card. */
import { isBootBlock, BLOCK_SIZE } from '../boot/block.js';
import type { CardReader, Entry } from '../card/card.js';
import { pathNames } from '../card/path.js';
import { isFdt } from '../firmware/fdt.js';
import { isHypervisorFile } from '../hypervisor/image/description.js';

/**
 * The names we give, perhaps behind an `os_prefix`: the sum of the content is in them, so that a new content never
 * takes an old one's place.
 */
export const OUR_NAME = /hypberry-[0-9a-f]{8}\.(?:img|bin|dtb)$/;

/** What a file of ours is: a combined kernel, a stub, or the host's device tree. */
export type Extension = 'img' | 'bin' | 'dtb';

/** Characters of the sum in a name. */
const SUM_LENGTH = 8;

/** The name for a file of ours. */
export async function nameFor(data: Uint8Array, extension: Extension): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(data)));
  const digits = [...sum].map((byte) => byte.toString(16).padStart(2, '0')).join('');
  return `hypberry-${digits.slice(0, SUM_LENGTH)}.${extension}`;
}

/** Whether a file begins as ours do. */
function beginsAsOurs(begin: Uint8Array): boolean {
  // One that a cut of the power left half written is ours by its name alone.
  if (begin.length < BLOCK_SIZE || begin.every((byte) => byte === 0)) return true;
  return isBootBlock(begin) || isHypervisorFile(begin) || isFdt(begin);
}

/**
 * What a folder of a card holds. In a folder of the system's own there may be names that FAT has no way to hold, and on a
 * damaged card, too: these are not the card's, and nothing could be done with them.
 */
export async function cardEntries(card: CardReader, folder = ''): Promise<Entry[]> {
  return (await card.list(folder)).filter(({ name }) => pathNames(name)?.length === 1);
}

/** Paths of the files that install put on the card: by their names, and what they begin with. */
export async function ourFiles(card: CardReader, folder = ''): Promise<string[]> {
  const found: string[] = [];
  for (const entry of await cardEntries(card, folder)) {
    const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
    if (entry.isFolder) {
      found.push(...(await ourFiles(card, path)));
    } else if (OUR_NAME.test(entry.name)) {
      if (beginsAsOurs(await card.read(path, 0, BLOCK_SIZE))) found.push(path);
    }
  }
  return found;
}
