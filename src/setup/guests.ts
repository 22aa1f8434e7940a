/** Adds guests to a card, and takes them away: their files, and the file that keeps them. */
import { HypberryError } from '../base/errors.js';
import { cores as coresText, counted } from '../base/words.js';
import { zip } from '../base/zip.js';
import type { Card, CardReader, Change } from '../card/card.js';
import { overlayCard } from '../card/overlay.js';
import { pathKey } from '../card/path.js';
import { checkDevices, deviceWords, newMac, parseDisk, randomBytes, type Random } from '../guest/devices.js';
import {
  checkGuest,
  GUESTS_FILE,
  MOST_GUESTS,
  MOST_MEMORY,
  readGuests,
  readGuestsFile,
  writeGuests,
  type Guest,
} from '../guest/guests.js';
import { checkGuestKernel, checkInitramfs } from '../guest/plan.js';
import type { GuestPlan } from '../hypervisor/image/image.js';
import { refuseProblem } from './boot-partition.js';
import {
  attemptGuests,
  consolesNote,
  consolesOf,
  hostMemoryText,
  planGuests,
  refuseMemory,
} from './hypervisor.js';
import { ourFiles } from './ours.js';
import { mebibytes, ROOM_FOR_GUESTS, type Plan } from './plan.js';
import type { CardSystem } from './survey.js';
import { readUsersCard } from './users-card.js';

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
  /** Each as `--disk` has it: `/srv/web.img,size=8G`. */
  readonly disks?: readonly string[] | undefined;
  /** A network card whose other end is the host; none unless asked for. */
  readonly network?: 'host' | 'none' | undefined;
  readonly isolated?: boolean | undefined;
  /** Undefined for the one that suits its kernel. */
  readonly virtio?: 1 | 2 | undefined;
}

/** Files that we make for guests; a guest of the user's own hand may have others. */
const GUEST_FILE = /^hypberry-guest-[a-z0-9-]+\.(?:kernel|initramfs)$/;

/** Bytes that a kernel or an initramfs can have: no guest has more memory. */
export const LARGEST_GUEST_FILE = MOST_MEMORY << 20;

/** A console, and an end to panics, which the hypervisor answers with a restart. */
const LINUX_COMMAND_LINE = 'console=ttyAMA0 panic=10';

/** What is to be said behind a change of guests. */
const INSTALL_NEXT =
  '"hypberry install" has the card start with its guests as they are now; "hypberry try" shows it before.';

/** The same, where no guest is left. */
const NO_GUESTS_NEXT =
  '"hypberry install" has the card start without guests, "hypberry uninstall" as it did before install.';

/**
 * Plans to add a guest. Reads the card, changes nothing.
 * @throws HypberryError `guest.name`, `guest.exists`, `guest.too-many`, `guest.memory`, `guest.cores`,
 *   `guest.command-line`, `guest.kernel`, `guest.initramfs`, `guest.file-in-use`, `guest.file-damaged`,
 *   `guest.disk`, `guest.network`, `guest.devices`, `guest.no-file` of another guest's, and what the card throws
 */
export async function planGuestAdd(
  card: Card,
  wanted: NewGuest,
  random: Random = randomBytes,
): Promise<Plan> {
  refuseProblem(card);
  const { name, kernel, initramfs, memory, cores } = wanted;
  const { guests, $schema } = await readGuestsFile(card);
  const { isLinux, note: ofKernel } = checkGuestKernel(kernel.name, kernel.data);
  const ofInitramfs = initramfs && checkInitramfs(initramfs.name, initramfs.data, isLinux);
  const guest = checkGuest({
    name,
    kernel: `hypberry-guest-${name}.kernel`,
    ...(initramfs && { initramfs: `hypberry-guest-${name}.initramfs` }),
    memory,
    cores,
    commandLine: wanted.commandLine ?? (isLinux ? LINUX_COMMAND_LINE : ''),
    ...newDevices(wanted, guests, random),
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
  checkDevices(after);
  const files: [string, Uint8Array][] = [[guest.kernel, kernel.data]];
  if (initramfs && guest.initramfs !== undefined) files.push([guest.initramfs, initramfs.data]);
  const { plans } = await planGuests(overlayCard(card, { write: new Map(files), remove: new Set() }), after);
  const ofInstall = await installNotes(card, plans, bytesOf(files.map(([, data]) => data)));

  const changes: Change[] = [];
  for (const [path, data] of files)
    changes.push({ kind: (await card.stat(path)) ? 'replace' : 'create', path, data });
  changes.push({
    kind: (await card.stat(GUESTS_FILE)) ? 'replace' : 'create',
    path: GUESTS_FILE,
    data: writeGuests(after, $schema),
  });
  changes.push(...(await unused(card, after)));
  return {
    method: undefined,
    summary: `Guest ${name}: ${[kernel.name, `${memory} MiB of memory`, counted(cores, 'core'), ...deviceWords(guest)].join(', ')}.`,
    notes: [
      ...(isLinux && !initramfs && !/\broot=/.test(guest.commandLine) ? [rootNote(guest)] : []),
      ...(ofKernel === undefined ? [] : [ofKernel]),
      ...(ofInitramfs === undefined ? [] : [ofInitramfs]),
      ...ofInstall,
    ],
    changes,
    room: ROOM_FOR_GUESTS,
  };
}

/** The entries of a new guest's devices: those that were asked for. */
function newDevices(
  { disks, network, isolated, virtio }: NewGuest,
  others: readonly Guest[],
  random: Random,
): Pick<Guest, 'disks' | 'network' | 'isolated' | 'mac' | 'virtio'> {
  return {
    ...(disks && disks.length > 0 && { disks: disks.map(parseDisk) }),
    ...(network === 'host' && { network, mac: newMac(others, random) }),
    ...(isolated === true && { isolated }),
    ...(virtio !== undefined && { virtio }),
  };
}

/** Why a Linux without an initramfs, whose command line says nothing of a root, will not get far. */
function rootNote({ name, disks }: Guest): string {
  return disks
    ? `${name} has no initramfs, and its command line has no root= (/dev/vda is its first disk): its kernel finds no root file system.`
    : `${name} has neither an initramfs nor a disk: its kernel finds no root file system.`;
}

/**
 * What is to be said of install when a guest is added, and whether its files' copies will have room then.
 * @param plans all guests, the new one last
 * @param added bytes that its files take on the card
 * @throws HypberryError `guest.memory`, and what the card throws
 */
async function installNotes(card: Card, plans: readonly GuestPlan[], added: number): Promise<string[]> {
  const host = await hostOf(card);
  if (host instanceof HypberryError)
    return [`"hypberry install" refuses this card as it is: ${host.message}`];
  const { picked, armMemory } = host;
  refuseMemory(armMemory, picked.kernel.size + (picked.initramfs?.size ?? 0), plans, plans.at(-1));
  const left = (await card.freeBytes()) - added;
  const needed = picked.kernel.size + bytesOf(plans.flatMap((it) => [it.kernel.data, it.initramfs?.data]));
  if (left < 0 || left >= needed) return [INSTALL_NEXT];
  return [
    `"hypberry install" needs ${mebibytes(needed)} more on the card, and ${mebibytes(left)} are left: remove files that you do not need, ${ROOM_FOR_GUESTS}.`,
    INSTALL_NEXT,
  ];
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

const bytesOf = (parts: readonly (Uint8Array | undefined)[]): number =>
  parts.reduce((sum, part) => sum + (part?.length ?? 0), 0);

/** The host of a card as its user made it, or why it does not start, which install has to say. */
async function hostOf(card: CardReader): Promise<CardSystem | HypberryError> {
  try {
    const { survey } = await readUsersCard(card);
    return survey.problems[0] ?? survey.system ?? survey.stop;
  } catch (error) {
    if (error instanceof HypberryError && error.code === 'setup.config-damaged') return error;
    throw error;
  }
}

/**
 * Plans to remove a guest.
 * @throws HypberryError `guest.unknown`, `guest.file-damaged`, and what the card throws
 */
export async function planGuestRemove(card: CardReader, name: string): Promise<Plan> {
  const { guests, $schema } = await readGuestsFile(card);
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
    summary: `Guest ${name} goes.`,
    notes: after.length > 0 ? [INSTALL_NEXT] : (await ourFiles(card)).length > 0 ? [NO_GUESTS_NEXT] : [],
    changes: [
      after.length > 0
        ? { kind: 'replace', path: GUESTS_FILE, data: writeGuests(after, $schema) }
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
  /** The device on the Pi that is its console; undefined where the card's device tree does not tell. */
  readonly console: string | undefined;
  /** Why it does not start. */
  readonly problem?: { readonly code: string; readonly message: string; readonly hint: string };
}

/** The guests of a card, each as the next install takes it. */
export interface GuestList {
  readonly hostCores: number;
  readonly guests: readonly ListedGuest[];
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

/** One line for people. */
export function describeGuest(guest: ListedGuest): string {
  const { memory, runsOn, console, kernel, initramfs, commandLine } = guest;
  return [
    `${memory} MiB`,
    coresText(runsOn),
    ...(console === undefined ? [] : [`console ${console}`]),
    kernel,
    ...(initramfs === undefined ? [] : [initramfs]),
    `"${commandLine}"`,
    ...deviceWords(guest),
  ].join(', ');
}
