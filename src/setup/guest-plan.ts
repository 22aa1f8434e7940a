/** What changes to a card's guests have in common: their files, the file that keeps them, and what install will say. */
import { sameBytes } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { comparedBytes } from '../base/words.js';
import type { Card, CardReader, Change } from '../card/card.js';
import { overlayCard } from '../card/overlay.js';
import { pathKey } from '../card/path.js';
import { checkDevices, haveInCommon, samePath } from '../guest/devices.js';
import { GUESTS_FILE, programOf, writeGuests, type Guest, type GuestsFile } from '../guest/guests.js';
import { firmwareImage, kernelImage } from '../guest/kernel-image.js';
import { checkInitramfs, loadAddressOf } from '../guest/plan.js';
import { bytesOfFiles, type GuestPlan } from '../hypervisor/image/image.js';
import { hostOf, neededBy, unusedGuestFiles } from './guests.js';
import { attemptGuests, refuseMemory } from './hypervisor.js';
import { ROOM_FOR_GUESTS, type Plan } from './plan.js';
import type { CardSystem } from './survey.js';

/** A file of the user's, and what it was called, for refusals. */
export interface UserFile {
  readonly name: string;
  readonly data: Uint8Array;
}

/** What is to be said behind a change of guests. */
export const INSTALL_NEXT =
  '"hypberry install" has the card start with its guests as they are now; "hypberry try" shows it before.';

/** Where a guest's files are on the card; one of the user's own hand may have others. */
export const fileFor = (name: string, file: 'kernel' | 'firmware' | 'initramfs'): string =>
  `hypberry-guest-${name}.${file}`;

/** A load address as the guests' file has it, where what the user has written is a number. */
export const plainAddress = (text: string): string =>
  /^(?:0x[0-9a-f]+|[0-9]+)$/i.test(text) ? `0x${BigInt(text).toString(16)}` : text;

/**
 * The guest of a name.
 * @throws HypberryError `guest.unknown`
 */
export function guestNamed(guests: readonly Guest[], name: string): Guest {
  const found = guests.find((it) => it.name === name);
  if (found) return found;
  throw new HypberryError(
    'guest.unknown',
    `There is no guest ${name} on this card${guests.length > 0 ? `, but ${guests.map((it) => it.name).join(', ')}` : ''}.`,
    '"hypberry guest list" shows the guests of a card.',
  );
}

/**
 * Refuses a name that a guest has.
 * @param hint what else can be done
 * @throws HypberryError `guest.exists`
 */
export function refuseTaken(guests: readonly Guest[], name: string, hint: string): void {
  if (guests.some((it) => it.name === name))
    throw new HypberryError('guest.exists', `There is a guest ${name} on this card already.`, hint);
}

/**
 * Refuses files of a guest that would take the place of another guest's: one of the user's own hand may name any, and reach it
 * through a link.
 * @throws HypberryError `guest.file-in-use`, and what the card throws
 */
export async function refuseFilesInUse(
  card: CardReader,
  name: string,
  paths: readonly string[],
  others: readonly Guest[],
): Promise<void> {
  for (const other of others) {
    const needed = await neededBy(card, other);
    const path = paths.find((it) => needed.has(pathKey(it)));
    if (path === undefined) continue;
    throw new HypberryError(
      'guest.file-in-use',
      `Guest ${name} would have the file ${path}, from which guest ${other.name} starts.`,
      `Choose another name, or give that file another one, and change it in ${GUESTS_FILE} too.`,
    );
  }
}

/** A file of a card's, by its path; undefined where it is not there. */
const fileOn = async (card: CardReader, path: string): Promise<UserFile | undefined> =>
  (await card.stat(path)) && { name: path, data: await card.read(path) };

/** The guests of a card, changed. */
export interface GuestsAfter {
  readonly before: GuestsFile;
  readonly guests: readonly Guest[];
  /** The one of them that is added or changed. */
  readonly changed: Guest;
  /** New contents of its files: kernel or firmware, initramfs. */
  readonly program?: UserFile | undefined;
  readonly initramfs?: UserFile | undefined;
  /** What is wrong with another guest is a refusal, not a note. */
  readonly strict: boolean;
}

/**
 * Plans what is to be written when one guest is added or changed. Files that are as they should be are left alone.
 * @throws HypberryError `guest.kernel`, `guest.firmware`, `guest.load-address`, `guest.initramfs`, `guest.file-in-use`,
 *   `guest.disk`, `guest.network`, `guest.devices`, `guest.cores`, `guest.memory`, `guest.no-file`, and what the card throws
 */
export async function planGuestFiles(
  card: Card,
  { before, guests, changed, program, initramfs, strict }: GuestsAfter,
): Promise<Pick<Plan, 'notes' | 'changes'>> {
  const { path, is } = programOf(changed);
  const starts = program ?? (await fileOn(card, path));
  const kernel =
    starts && is === 'kernel' ? kernelImage(starts.name, starts.data, loadAddressOf(changed)) : undefined;
  if (starts && is === 'firmware') firmwareImage(starts.name, starts.data);
  const ofKernel = program && kernel?.note;
  const isLinux = is === 'kernel' && (kernel?.isLinux ?? true);
  const ofInitramfs = initramfs && checkInitramfs(initramfs.name, initramfs.data, isLinux);
  const files = new Map<string, Uint8Array>();
  if (program) files.set(path, program.data);
  if (initramfs && changed.initramfs !== undefined) files.set(changed.initramfs, initramfs.data);
  await refuseFilesInUse(
    card,
    changed.name,
    [...files.keys()],
    guests.filter((it) => it !== changed),
  );
  checkDevices(guests);

  const { attempts } = await attemptGuests(overlayCard(card, { write: files, remove: new Set() }), guests);
  const plans: GuestPlan[] = [];
  let planned: GuestPlan | undefined;
  const broken: HypberryError[] = [];
  for (const [i, { plan }] of attempts.entries()) {
    if (!(plan instanceof HypberryError)) {
      plans.push(plan);
      if (guests[i] === changed) planned = plan;
    } else if (strict || guests[i] === changed) throw plan;
    else broken.push(plan);
  }

  const changes: Change[] = [];
  for (const [path, data] of files) {
    const there = await card.stat(path);
    if (there?.size === data.length && sameBytes(await card.read(path), data)) files.delete(path);
    else changes.push({ kind: there ? 'replace' : 'create', path, data });
  }
  const data = writeGuests(guests, before.$schema);
  if (!sameBytes(data, writeGuests(before.guests, before.$schema)))
    changes.push({ kind: (await card.stat(GUESTS_FILE)) ? 'replace' : 'create', path: GUESTS_FILE, data });
  changes.push(...(await unusedFiles(card, guests)));
  const host = await hostOf(card);
  const ofInstall =
    broken.length > 0
      ? broken.map(({ message }) => `"hypberry install" refuses the guests as they are: ${message}`)
      : await installNotes(card, host, plans, planned, bytesOf([...files.values()]));
  return {
    notes:
      changes.length === 0
        ? []
        : [
            ...(isLinux && changed.initramfs === undefined && !/\broot=/.test(changed.commandLine)
              ? [rootNote(changed)]
              : []),
            ...(is === 'firmware' && !changed.disks ? [diskNote(changed)] : []),
            ...diskNotes(changed, guests, host),
            ...[ofKernel, ofInitramfs].filter((it) => it !== undefined),
            ...ofInstall,
          ],
    changes,
  };
}

/** Why a Linux without an initramfs, whose command line says nothing of a root, will not get far. */
function rootNote({ name, disks }: Guest): string {
  return disks
    ? `${name} has no initramfs, and its command line has no root= (/dev/vda is its first disk): its kernel finds no root file system.`
    : `${name} has neither an initramfs nor a disk: its kernel finds no root file system.`;
}

/** The Pi's card, as its own system has it. */
const CARD_DEVICE = '/dev/mmcblk0';

/** What is to be said of disks that the card's own system has in use, or that are a part of another guest's or hold it. */
function diskNotes(changed: Guest, guests: readonly Guest[], host: CardSystem | HypberryError): string[] {
  const commandLine = host instanceof HypberryError ? '' : host.picked.commandLine;
  const root = /(?:^|\s)root=(\/dev\/\S+)/.exec(commandLine)?.[1];
  const disks = guests.flatMap((of) => (of.disks ?? []).map((disk) => ({ of, disk })));
  const own = disks.filter(({ of }) => of === changed);
  const notes: string[] = [];
  for (const [i, { disk }] of own.entries()) {
    const isRoot = root !== undefined && haveInCommon(disk.path, root);
    if (!disk.readOnly && (isRoot || samePath(disk.path) === CARD_DEVICE))
      notes.push(
        `${changed.name} does not get its disk ${disk.path}: the Pi's own system has ${isRoot ? `its root file system (${root})` : 'its boot partition'} there.`,
      );
    for (const other of [...own.slice(0, i), ...disks.filter(({ of }) => of !== changed)]) {
      if ((disk.readOnly && other.disk.readOnly) || !haveInCommon(disk.path, other.disk.path)) continue;
      notes.push(
        `The disks ${disk.path} of ${changed.name} and ${other.disk.path} of ${other.of.name} are partly one, and one of them is written to: each guest needs its own.`,
      );
    }
  }
  return notes;
}

/** Why firmware without a disk does not boot anything. */
const diskNote = ({ name }: Guest): string =>
  `${name} has no disk for its firmware to boot from: "hypberry guest set … ${name} --disk /srv/${name}.img" gives it one.`;

/**
 * What is to be said of install when a guest is added or changed, and whether its files' copies will have room then.
 * @param host the card's own system, or why it does not start
 * @param plans all guests
 * @param changed the one of them that is added or changed
 * @param added bytes that its files take more on the card
 * @throws HypberryError `guest.memory`, and what the card throws
 */
async function installNotes(
  card: Card,
  host: CardSystem | HypberryError,
  plans: readonly GuestPlan[],
  changed: GuestPlan | undefined,
  added: number,
): Promise<string[]> {
  if (host instanceof HypberryError)
    return [`"hypberry install" refuses this card as it is: ${host.message}`];
  const { picked, armMemory } = host;
  refuseMemory(armMemory, picked.kernel.size + (picked.initramfs?.size ?? 0), plans, changed);
  const left = (await card.freeBytes()) - added;
  const needed = picked.kernel.size + plans.reduce((sum, it) => sum + bytesOfFiles(it), 0);
  if (left < 0 || left >= needed) return [INSTALL_NEXT];
  const [needs, has] = comparedBytes(needed, left);
  return [
    `"hypberry install" needs ${needs} more on the card, and ${has} are left: remove files that you do not need, ${ROOM_FOR_GUESTS}.`,
    INSTALL_NEXT,
  ];
}

const bytesOf = (parts: readonly (Uint8Array | undefined)[]): number =>
  parts.reduce((sum, part) => sum + (part?.length ?? 0), 0);

/**
 * Removals of guests' files that no guest needs.
 * @throws HypberryError what the card throws
 */
export async function unusedFiles(card: CardReader, guests: readonly Guest[]): Promise<Change[]> {
  return (await unusedGuestFiles(card, guests)).map((path) => ({ kind: 'remove', path }));
}
