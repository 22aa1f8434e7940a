/** Adds guests to a card, and takes them away: their files, and the file that keeps them. */
import { HypberryError } from '../base/errors.js';
import { counted, listed } from '../base/words.js';
import type { CardReader } from '../card/card.js';
import { overlayCard } from '../card/overlay.js';
import { pathKey } from '../card/path.js';
import {
  checkGuest,
  GUESTS_FILE,
  MOST_GUESTS,
  readGuests,
  writeGuests,
  type Guest,
} from '../guest/guests.js';
import { checkGuestKernel, checkInitramfs } from '../guest/plan.js';
import { planGuests, refuseMemory } from './hypervisor.js';
import type { Change, Plan } from './plan.js';
import { surveyCard } from './survey.js';

/** What is to be added. */
export interface NewGuest {
  readonly name: string;
  /** Its kernel and initramfs, and what they were called, for refusals. */
  readonly kernel: { readonly name: string; readonly data: Uint8Array };
  readonly initramfs?: { readonly name: string; readonly data: Uint8Array };
  /** MiB. */
  readonly memory: number;
  readonly cores: number;
  /** Undefined for one that suits its kernel. */
  readonly commandLine: string | undefined;
}

/** Files that we make for guests; a guest of the user's own hand may have others. */
const GUEST_FILE = /^hypberry-guest-[a-z0-9-]+\.(?:kernel|initramfs)$/;

/** A console, and an end to panics, which the hypervisor answers with a restart. */
const LINUX_COMMAND_LINE = 'console=ttyAMA0 panic=10';

/** What is to be said behind a change of guests. */
const INSTALL_NEXT =
  '"hypberry install" has the card start with its guests as they are now; "hypberry try" shows it before.';

/**
 * Plans to add a guest. Reads the card, changes nothing.
 * @throws HypberryError `guest.name`, `guest.exists`, `guest.too-many`, `guest.memory`, `guest.cores`,
 *   `guest.command-line`, `guest.kernel`, `guest.initramfs`, `guest.file-in-use`, `guest.file-damaged`,
 *   `guest.no-file` of another guest's, and what the card throws
 */
export async function planGuestAdd(card: CardReader, wanted: NewGuest): Promise<Plan> {
  const { name, kernel, initramfs, memory, cores } = wanted;
  const guests = await readGuests(card);
  const { isLinux } = checkGuestKernel(kernel.name, kernel.data);
  const ofInitramfs = initramfs && checkInitramfs(initramfs.name, initramfs.data, isLinux);
  const guest = checkGuest({
    name,
    kernel: `hypberry-guest-${name}.kernel`,
    ...(initramfs && { initramfs: `hypberry-guest-${name}.initramfs` }),
    memory,
    cores,
    commandLine: wanted.commandLine ?? (isLinux ? LINUX_COMMAND_LINE : ''),
  });
  if (guests.some((it) => it.name === name)) {
    throw new HypberryError(
      'guest.exists',
      `There is a guest ${name} on this card already.`,
      `Choose another name, or take it away first: "hypberry guest remove … ${name}".`,
    );
  }
  if (guests.length === MOST_GUESTS) {
    throw new HypberryError(
      'guest.too-many',
      `There are ${MOST_GUESTS} guests on this card, as many as there can be.`,
      'Remove one first.',
    );
  }
  refuseFilesInUse(guest, guests);
  const after = [...guests, guest];
  const files: [string, Uint8Array][] = [[guest.kernel, kernel.data]];
  if (initramfs) files.push([guest.initramfs!, initramfs.data]);
  await refuseWhatCannotBe(overlayCard(card, { write: new Map(files), remove: new Set() }), after);

  const changes: Change[] = [];
  for (const [path, data] of files)
    changes.push({ kind: (await card.stat(path)) ? 'replace' : 'create', path, data });
  changes.push({ kind: 'replace', path: GUESTS_FILE, data: writeGuests(after) });
  changes.push(...(await unused(card, after)));
  return {
    method: undefined,
    summary: `Guest ${name}: ${kernel.name}, ${memory} MiB of memory, ${counted(cores, 'core')}.`,
    notes: [
      ...(isLinux && !initramfs && !/\broot=/.test(guest.commandLine)
        ? [`${name} has no initramfs, and so far a guest has no disk: its kernel finds no root file system.`]
        : []),
      ...(ofInitramfs === undefined ? [] : [ofInitramfs]),
      INSTALL_NEXT,
    ],
    changes,
  };
}

/** Paths of a guest's files. */
function filesOf({ kernel, initramfs }: Guest): string[] {
  return [kernel, ...(initramfs === undefined ? [] : [initramfs])];
}

/** Refuses a guest whose files would take the place of another guest's: one of the user's own hand may name any. */
function refuseFilesInUse(guest: Guest, others: readonly Guest[]): void {
  for (const path of filesOf(guest)) {
    const other = others.find((it) => filesOf(it).some((file) => pathKey(file) === pathKey(path)));
    if (!other) continue;
    throw new HypberryError(
      'guest.file-in-use',
      `Guest ${guest.name} would have the file ${path}, from which guest ${other.name} starts.`,
      `Choose another name, or give that file another one, and change it in ${GUESTS_FILE} too.`,
    );
  }
}

/** Refuses, when a guest is added, what install would refuse of the guests. */
async function refuseWhatCannotBe(card: CardReader, guests: readonly Guest[]): Promise<void> {
  const { plans } = await planGuests(card, guests);
  const { picked, armMemory } = await surveyCard(card);
  // Of a card that does not start as it is, install says what there is to say.
  if (picked) refuseMemory(armMemory!, picked.kernel.size + (picked.initramfs?.size ?? 0), plans);
}

/**
 * Plans to remove a guest.
 * @throws HypberryError `guest.unknown`, `guest.file-damaged`, and what the card throws
 */
export async function planGuestRemove(card: CardReader, name: string): Promise<Plan> {
  const guests = await readGuests(card);
  const after = guests.filter((it) => it.name !== name);
  if (after.length === guests.length) {
    throw new HypberryError(
      'guest.unknown',
      `There is no guest ${name} on this card${guests.length > 0 ? `, but ${guests.map((it) => it.name).join(', ')}` : ''}.`,
      '"hypberry guest list" shows the guests of a card.',
    );
  }
  return {
    method: undefined,
    summary: `Guest ${name} is no more.`,
    notes: [INSTALL_NEXT],
    changes: [
      after.length > 0
        ? { kind: 'replace', path: GUESTS_FILE, data: writeGuests(after) }
        : { kind: 'remove', path: GUESTS_FILE },
      ...(await unused(card, after)),
    ],
  };
}

/**
 * Guests' files that no guest needs: a removed one's, and what an interrupted command left.
 * @throws HypberryError what the card throws
 */
export async function unusedGuestFiles(card: CardReader, guests: readonly Guest[]): Promise<string[]> {
  const needed = new Set(guests.flatMap(filesOf).map(pathKey));
  return (await card.list(''))
    .filter(({ name, isFolder }) => !isFolder && GUEST_FILE.test(name) && !needed.has(pathKey(name)))
    .map(({ name }) => name);
}

/** Removals of them. */
async function unused(card: CardReader, guests: readonly Guest[]): Promise<Change[]> {
  return (await unusedGuestFiles(card, guests)).map((path) => ({ kind: 'remove', path }));
}

/** A guest, for people and scripts. */
export interface ListedGuest extends Guest {
  /** The cores of the Pi that its virtual CPUs run on. */
  readonly runsOn: readonly number[];
}

/**
 * The guests of a card, each as the next install takes it.
 * @throws HypberryError `guest.file-damaged`, what {@link planGuests} and the card throw
 */
export async function listGuests(card: CardReader): Promise<{ hostCores: number; guests: ListedGuest[] }> {
  const guests = await readGuests(card);
  const { hostCores, plans } = await planGuests(card, guests);
  return { hostCores, guests: guests.map((it, i) => ({ ...it, runsOn: plans[i]!.cores })) };
}

/** One line for people. */
export function describeGuest({ memory, runsOn, kernel, initramfs, commandLine }: ListedGuest): string {
  return [
    `${memory} MiB`,
    `core ${listed(runsOn)}`,
    kernel,
    ...(initramfs === undefined ? [] : [initramfs]),
    `"${commandLine}"`,
  ].join(', ');
}
