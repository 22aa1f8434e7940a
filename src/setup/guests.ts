/** The guests of a card, and their files. */
import { HypberryError } from '../base/errors.js';
import { cores as coresText } from '../base/words.js';
import { zip } from '../base/zip.js';
import type { CardReader } from '../card/card.js';
import { pathKey } from '../card/path.js';
import { deviceWords } from '../guest/devices.js';
import { programOf, readGuests, type Guest } from '../guest/guests.js';
import { GUEST_FILE } from './ours.js';
import { attemptGuests, consolesNote, consolesOf, hostMemoryText } from './hypervisor.js';
import type { CardSystem } from './survey.js';
import { readUsersCard } from './users-card.js';

/** Paths of a guest's files. */
function filesOf(guest: Guest): string[] {
  return [programOf(guest).path, ...(guest.initramfs === undefined ? [] : [guest.initramfs])];
}

/**
 * The files that a guest needs, as {@link pathKey} has them: where one of its paths is a link, what that leads to, too.
 * @throws HypberryError what the card throws
 */
export async function neededBy(card: CardReader, guest: Guest): Promise<Set<string>> {
  const needed = new Set<string>();
  for (const path of filesOf(guest))
    for (const it of [path, ...((await card.stat(path))?.way ?? [])]) needed.add(pathKey(it));
  return needed;
}

/**
 * Guests' files that no guest needs: a removed one's, and what an interrupted command left.
 * @throws HypberryError what the card throws
 */
export async function unusedGuestFiles(card: CardReader, guests: readonly Guest[]): Promise<string[]> {
  const needed = new Set<string>();
  for (const guest of guests) for (const key of await neededBy(card, guest)) needed.add(key);
  return (await card.list(''))
    .filter(({ name, isFolder }) => !isFolder && GUEST_FILE.test(name) && !needed.has(pathKey(name)))
    .map(({ name }) => name);
}

/** What is said of a file of no guest. */
export const unusedText = (file: string): string =>
  `${file} is of no guest: the next change of the guests takes it away.`;

/** The host of a card as its user made it, or why it does not start, which install has to say. */
export async function hostOf(card: CardReader): Promise<CardSystem | HypberryError> {
  try {
    const { survey } = await readUsersCard(card);
    return survey.problems[0] ?? survey.system ?? survey.stop;
  } catch (error) {
    if (error instanceof HypberryError && error.code === 'setup.config-damaged') return error;
    throw error;
  }
}

/** A guest, for people and scripts. */
export interface ListedGuest extends Guest {
  /** The cores of the Pi that its virtual CPUs run on. */
  readonly runsOn: readonly number[];
  /** The device on the Pi that is its console; undefined where the card's device tree does not tell. */
  readonly console: string | undefined;
  /** Why it does not start. */
  readonly problem?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** The guests of a card, each as the next install takes it. */
export interface GuestList {
  readonly hostCores: number;
  readonly guests: readonly ListedGuest[];
  /** Files that we make for guests and that no guest needs. */
  readonly unusedFiles: readonly string[];
  /** What memory the host keeps, and why, a sentence; undefined where that cannot be told, or there are no guests. */
  readonly hostMemory?: string;
  /** Why the consoles may have other names on the Pi, a sentence; undefined where nothing speaks for it. */
  readonly consolesNote?: string;
}

/**
 * The guests of a card, those too that do not start.
 * @throws HypberryError `guest.file-damaged`, `guest.cores`, and what the card throws
 */
export async function listGuests(card: CardReader): Promise<GuestList> {
  const guests = await readGuests(card);
  const { hostCores, attempts } = await attemptGuests(card, guests);
  const host = await hostOf(card);
  const consoles = findConsoles(host, guests.length);
  const ofConsoles =
    host instanceof HypberryError || consoles.length === 0 ? undefined : consolesNote(host.kernel);
  const plans = attempts.flatMap(({ plan }) => (plan instanceof HypberryError ? [] : [plan]));
  const isWhole = plans.length === guests.length && plans.length > 0;
  return {
    hostCores,
    guests: zip(guests, attempts).map(([guest, { cores, plan }], i) => ({
      ...guest,
      runsOn: cores,
      console: consoles[i],
      ...(plan instanceof HypberryError && {
        problem: { code: plan.code, message: plan.message, hint: plan.hint },
      }),
    })),
    unusedFiles: await unusedGuestFiles(card, guests),
    ...(isWhole && !(host instanceof HypberryError) && { hostMemory: hostMemoryText(host.armMemory, plans) }),
    ...(ofConsoles !== undefined && { consolesNote: ofConsoles }),
  };
}

/** The guests' consoles; none where there is no tree for them, of which install says what there is to say. */
function findConsoles(host: CardSystem | HypberryError, guests: number): string[] {
  if (host instanceof HypberryError || !host.loaded.tree) return [];
  try {
    return consolesOf(host.loaded.tree.data, guests);
  } catch (error) {
    if (error instanceof HypberryError && /^(?:guest|tree)\./.test(error.code)) return [];
    throw error;
  }
}

/** The names of a card's guests. */
export async function namesOfGuests(card: CardReader): Promise<string[]> {
  return (await readGuests(card)).map(({ name }) => name);
}

/** What a guest begins in, as it is printed. */
export function programWords(guest: Guest): string[] {
  const { path, is } = programOf(guest);
  return [
    is === 'kernel' ? path : `firmware ${path}`,
    ...(guest.loadAddress === undefined ? [] : [`at ${guest.loadAddress}`]),
  ];
}

/** One line for people. */
export function describeGuest(guest: ListedGuest): string {
  const { memory, runsOn, console, initramfs, commandLine } = guest;
  return [
    `${memory} MiB`,
    coresText(runsOn),
    ...(console === undefined ? [] : [`console ${console}`]),
    ...programWords(guest),
    ...(initramfs === undefined ? [] : [initramfs]),
    `"${commandLine}"`,
    ...deviceWords(guest),
  ].join(', ');
}
