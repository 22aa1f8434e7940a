import { HypberryError } from '../base/errors.js';
import { bytesText } from '../base/words.js';
import type { CardReader } from './card.js';

// The refusals that more than one kind of card gives, worded once.

/** `card.no-file`: nothing at `path`, or not what was asked for. */
export function noFile(path: string): HypberryError {
  return new HypberryError(
    'card.no-file',
    `There is no "${path}" on the boot partition.`,
    'Check the name, and that this is the card you meant.',
  );
}

/** `card.no-file`: what is at `path` is no file. */
export function notAFile(path: string): HypberryError {
  return new HypberryError(
    'card.no-file',
    `"${path}" on the boot partition is no file, but a folder or the like.`,
    'Move it away, or put the file that was meant in its place, and try again.',
  );
}

/** The most bytes that are read of a file at once: a Pi 2 has room for no more. */
export const READ_LIMIT = 0x4000_0000;

/** Throws `card.too-large` where `size` bytes of the file at `path` are more than are read at once. */
export function mayRead(path: string, size: number): void {
  if (size <= READ_LIMIT) return;
  throw new HypberryError(
    'card.too-large',
    `"${path}" has ${size} bytes, more than a Pi 2 has memory.`,
    'A damaged file system may say so too: check the card (fsck.vfat), and name another file in config.txt.',
  );
}

/** `card.exists`: a new file was to be made where something already is. */
export function exists(path: string): HypberryError {
  return new HypberryError(
    'card.exists',
    `"${path}" is already on the boot partition.`,
    'Move it away, or choose another name.',
  );
}

/** `card.changed`: the file at `path` is not as it was when this command read it. */
export function changedMeanwhile(path: string): HypberryError {
  return new HypberryError(
    'card.changed',
    `Another program has changed "${path}" while this command was at work.`,
    'Run the command again when that has ended.',
  );
}

/**
 * `card.no-room`: `what` says what does not fit.
 * @param lostBytes those of the card, by which there may be room after a repair
 */
export function noRoom(
  what: string,
  { lostBytes, ...options }: ErrorOptions & Pick<CardReader, 'lostBytes'> = {},
): HypberryError {
  const hint = 'Make room on the boot partition; files that the Pi does not boot from can go.';
  return new HypberryError('card.no-room', what, withLost(hint, lostBytes), options);
}

/** What a part of a card is that belongs to no file, a sentence; undefined where there is none. */
export function lostText(lostBytes: number | undefined): string | undefined {
  if (lostBytes === undefined || lostBytes === 0) return undefined;
  return `${bytesText(lostBytes)} of the boot partition are taken and belong to no file, as after a copy that was cut off: fsck.fat frees them.`;
}

/** A hint on room, with what a repair would make of it. */
export function withLost(hint: string, lostBytes: number | undefined): string {
  return [hint, lostText(lostBytes)].filter((it) => it !== undefined).join(' ');
}

/** `card.read-only`: the medium `what` cannot be written. */
export function readOnly(what: string, options?: ErrorOptions): HypberryError {
  return new HypberryError(
    'card.read-only',
    `${what} is read-only.`,
    "Slide the card's lock switch, or mount it for writing.",
    options,
  );
}

/** `card.read-only`: whoever owns the file at `path` has marked it so. */
export function readOnlyFile(path: string, options?: ErrorOptions): HypberryError {
  return new HypberryError(
    'card.read-only',
    `"${path}" is marked read-only on the boot partition.`,
    'Take that mark off it ("chmod u+w" where the card is mounted, "attrib -r" on Windows, "mattrib -r" in an image) and try again.',
    options,
  );
}

/** `card.link`: a link at `path`, and `where` it leads. */
export function linked(
  path: string,
  where: string,
  hint = 'A card has no links: put what it leads to in its place, and try again.',
): HypberryError {
  return new HypberryError(
    'card.link',
    `"${path}" is a link that leads ${where}, and nothing is changed through it.`,
    hint,
  );
}

/** `card.bad-name`: `path` cannot be a file's name on FAT. */
export function badName(path: string): HypberryError {
  return new HypberryError(
    'card.bad-name',
    `"${path}" cannot be a file's name on a boot partition.`,
    'Use letters, digits, dots, dashes and underscores.',
  );
}

/** `card.not-fat`: `what` says what was found instead. */
export function notFat(what: string): HypberryError {
  return new HypberryError(
    'card.not-fat',
    what,
    'Give the boot folder, an image of the whole card, or the card itself; a Pi boots from FAT12, FAT16 or FAT32.',
  );
}

/** `card.truncated`: `what` says what reaches past the end. */
export function truncated(what: string): HypberryError {
  return new HypberryError(
    'card.truncated',
    what,
    'The image was not copied or unpacked to its end; make it again.',
  );
}

/** `card.bad-chain`: a file's clusters do not hold together. */
export function badChain(what: string): HypberryError {
  return new HypberryError(
    'card.bad-chain',
    what,
    'Copy off what you need, repair the file system (fsck.fat), and try again.',
  );
}
