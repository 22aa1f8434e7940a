/** The files that install puts on a card. */
import { HypberryError } from '../base/errors.js';
import { isBootBlock, BLOCK_SIZE } from '../boot/block.js';
import type { CardReader, Entry } from '../card/card.js';
import { pathKey, pathNames } from '../card/path.js';
import { isUnfinished } from '../card/unfinished.js';
import { readConfig } from '../firmware/config.js';
import { isFdt } from '../firmware/fdt.js';
import { LINES_2015, LINES_2021, LINES_TODAY, readLines } from '../firmware/lines.js';
import { UPSTREAM_PREFIX } from '../firmware/load.js';
import { plainPath } from '../firmware/readers.js';
import { HYPBERRYD_BEGIN, HYPBERRYD_FILE, hypberrydRelease } from '../hypberryd/program.js';
import { isHypervisorFile } from '../hypervisor/image/description.js';
import { hexDigits } from '../base/words.js';
import { NOTHING_TO_DO, type Plan } from './plan.js';

/**
 * The names we give, perhaps behind an `os_prefix`: the sum of the content is in them, so that a new content never
 * takes an old one's place.
 */
export const OUR_NAME = /hypberry-[0-9a-f]{8}\.(?:img|bin|dtb)$/;

/** Files that we make for guests; a guest of the user's own hand may have others. */
export const GUEST_FILE = /^hypberry-guest-[a-z0-9-]+\.(?:kernel|firmware|initramfs)$/;

/** What a file of ours is: a combined kernel, a stub, or the host's device tree. */
export type Extension = 'img' | 'bin' | 'dtb';

/** Characters of the sum in a name. */
const SUM_LENGTH = 8;

/** The name for a file of ours. */
export async function nameFor(data: Uint8Array, extension: Extension): Promise<string> {
  const sum = new Uint8Array(await crypto.subtle.digest('SHA-256', new Uint8Array(data)));
  const digits = [...sum].map((byte) => hexDigits(byte, 2)).join('');
  return `hypberry-${digits.slice(0, SUM_LENGTH)}.${extension}`;
}

/** Whether a path is that of hypberryd on a card: at its root, in whatever case. */
export const isHypberrydPath = (path: string): boolean => pathKey(path) === pathKey(HYPBERRYD_FILE);

/** Whether a path is that of a file that we alone make, and put in the place of what is there: by its name. */
export const isMadeByUs = (path: string): boolean =>
  isHypberrydPath(path) || [OUR_NAME, GUEST_FILE].some((name) => name.test(nameOf(path).toLowerCase()));

/**
 * Whether a file at the card's root, by the name that hypberryd has there, is it: the name alone would not do, as anybody may
 * choose it. One that a cut of the power left empty or all zeros is no loss.
 */
export async function isOurHypberryd(card: CardReader): Promise<boolean> {
  const begin = await card.read(HYPBERRYD_FILE, 0, HYPBERRYD_BEGIN);
  return begin.every((byte) => byte === 0) || hypberrydRelease(begin) !== undefined;
}

/** Whether a file begins as ours do. */
function beginsAsOurs(begin: Uint8Array): boolean {
  // One that a cut of the power left without its bytes is ours by its name alone.
  if (begin.every((byte) => byte === 0)) return true;
  return isBootBlock(begin) || isHypervisorFile(begin) || isFdt(begin);
}

/**
 * What a folder of a card holds. In a folder of the system's own there may be names that FAT has no way to hold, and on a
 * damaged card, too: these are not the card's, and nothing could be done with them.
 */
export async function cardEntries(card: CardReader, folder = ''): Promise<Entry[]> {
  return (await card.list(folder)).filter(({ name }) => pathNames(name)?.length === 1);
}

/** The firmware's files that every boot folder has, in lower case. */
export const FIRMWARE_FILES: readonly string[] = ['bootcode.bin', 'start.elf'];
/** Files that make a folder a boot folder, in lower case: the firmware's, or what it reads first. */
const BOOT_FILES = [...FIRMWARE_FILES, 'config.txt'];

/**
 * Paths of the files in a card's folders, but not in those that are somebody else's: links to folders, and folders within
 * that are boot folders themselves, a copy of a card or another card's mount, unless an `os_prefix` of this card leads there.
 * Where this user may not look (lost+found, for one) nothing can be said, and what went meanwhile is not there.
 */
async function* filesOn(card: CardReader): AsyncGenerator<string> {
  let prefixes: readonly string[] | undefined;
  const isOurs = async (inside: string): Promise<boolean> => {
    prefixes ??= await prefixesOf(card);
    return prefixes.some((it) => it.startsWith(inside.toLowerCase()));
  };
  const folders = [''];
  // Outer ones first: what is left out of too many lies deepest.
  for (const folder of folders) {
    const inside = folder === '' ? '' : `${folder}/`;
    const entries = await cardEntries(card, folder).catch((error: unknown) => {
      const isNoMatter =
        error instanceof HypberryError && ['card.permission', 'card.no-file'].includes(error.code);
      if (folder === '' || !isNoMatter) throw error;
      return [];
    });
    const isBoot = entries.some(({ name, isFolder }) => !isFolder && BOOT_FILES.includes(name.toLowerCase()));
    if (isBoot && folder !== '' && !(await isOurs(inside))) continue;
    for (const { name, isFolder, isLink } of entries) {
      if (!isFolder) yield inside + name;
      else if (!isLink && folders.length < MOST_FOLDERS) folders.push(inside + name);
    }
  }
}

/** More folders than a boot partition has; a computer's whole system has hundreds of times as many. */
const MOST_FOLDERS = 1000;

/** How different releases of the firmware read lines: one of them may be the card's. */
const LINE_READINGS = [LINES_TODAY, LINES_2021, LINES_2015];

/**
 * What the lines of config.txt, and of files that it includes, set `os_prefix` to for whichever board or start, in lower case:
 * install puts files behind it.
 * @throws HypberryError `firmware.config-size`, and what the card throws
 */
export async function prefixesOf(card: CardReader): Promise<string[]> {
  const found = new Set<string>();
  for (const file of (await readConfig(card)).files) {
    const bytes = await card.read(file);
    for (const { text } of LINE_READINGS.flatMap((how) => [...readLines(bytes, how)])) {
      const [, name, value = ''] = /^(os_prefix|upstream_kernel)[= \t][ \t]*(.*)$/s.exec(text) ?? [];
      if (name === 'os_prefix') found.add(plainPath(value).toLowerCase());
      else if (name !== undefined) found.add(UPSTREAM_PREFIX);
    }
  }
  return [...found];
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('/') + 1);

/** Paths of the files that install put on the card, hypberryd among them: by their names, and what they begin with. */
export async function ourFiles(card: CardReader): Promise<string[]> {
  const found: string[] = [];
  for await (const path of filesOn(card)) {
    if (isHypberrydPath(path) && (await isOurHypberryd(card))) found.push(path);
    if (OUR_NAME.test(nameOf(path)) && beginsAsOurs(await card.read(path, 0, BLOCK_SIZE))) found.push(path);
  }
  return found;
}

/** Paths of files that commands were interrupted at, and left. */
export async function unfinishedFiles(card: CardReader): Promise<string[]> {
  const found: string[] = [];
  for await (const path of filesOn(card)) if (isUnfinished(nameOf(path))) found.push(path);
  return found;
}

/** A plan that also takes away, first, what interrupted commands left. */
export async function withoutUnfinished(card: CardReader, plan: Plan): Promise<Plan> {
  const left = await unfinishedFiles(card);
  if (left.length === 0) return plan;
  const removals = left.map((path) => ({ kind: 'remove', path }) as const);
  return {
    ...plan,
    summary: plan.summary.replace(new RegExp(`^${NOTHING_TO_DO}`), 'Nothing else to do'),
    notes: [...plan.notes, ...left.map((path) => `${path} goes: a command that was interrupted left it.`)],
    changes: [...removals, ...plan.changes],
    ...(plan.changesWithoutRoom && { changesWithoutRoom: [...removals, ...plan.changesWithoutRoom] }),
  };
}
