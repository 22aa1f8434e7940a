/** Changes guests of a card: what was said when they were added, and their names. */
import { counted } from '../base/words.js';
import type { Card, Change } from '../card/card.js';
import { pathKey } from '../card/path.js';
import {
  deviceWords,
  newMac,
  parseDisk,
  randomBytes,
  refuseIsolatedAlone,
  samePath,
  type Disk,
  type Random,
} from '../guest/devices.js';
import { hostSide, parseForward, parseHostSide } from '../guest/forwards.js';
import { checkGuest, GUESTS_FILE, readGuestsFile, writeGuests, type Guest } from '../guest/guests.js';
import { refuseProblem } from './boot-partition.js';
import {
  fileFor,
  guestNamed,
  INSTALL_NEXT,
  plainAddress,
  planGuestFiles,
  refuseFilesInUse,
  refuseTaken,
  unusedFiles,
  type UserFile,
} from './guest-plan.js';
import { ROOM_FOR_GUESTS, type Plan } from './plan.js';

/** What is to be set of a guest; what is not there, or undefined, stays as it is. */
export interface GuestSettings {
  readonly kernel?: UserFile | undefined;
  /** `none` for the kernel's own. */
  readonly loadAddress?: string | undefined;
  /** Instead of a kernel; a kernel is instead of it. */
  readonly firmware?: UserFile | undefined;
  /** `none` takes away the one that it has. */
  readonly initramfs?: UserFile | 'none' | undefined;
  /** MiB. */
  readonly memory?: number | undefined;
  readonly cores?: number | undefined;
  readonly commandLine?: string | undefined;
  /** Paths of disks that are taken away, before any is given. */
  readonly disksGone?: readonly string[] | undefined;
  /** Each as `--disk` has it: in the place of the one with its path, else behind all. */
  readonly disks?: readonly string[] | undefined;
  /** `none` takes the card away, and ports that lead to it; its address, and that it is isolated, are kept for another time. */
  readonly network?: 'host' | 'none' | undefined;
  readonly isolated?: boolean | undefined;
  /** Ports of the host that lead to it no more, before any is given: `8080`, `53/udp`. */
  readonly forwardsGone?: readonly string[] | undefined;
  /** Each as `--forward` has it: in the place of the one with the host's port, else behind all. */
  readonly forwards?: readonly string[] | undefined;
  /** `auto` for the one that suits its kernel. */
  readonly virtio?: 1 | 2 | 'auto' | undefined;
  readonly autostart?: boolean | undefined;
}

/**
 * Plans to change a guest; set twice, it is as it was set once. What is wrong with other guests is a note.
 * @throws HypberryError `guest.unknown`, `guest.memory`, `guest.cores`, `guest.command-line`, `guest.kernel`,
 *   `guest.firmware`, `guest.load-address`, `guest.initramfs`, `guest.file-in-use`, `guest.file-damaged`, `guest.disk`, `guest.network`, `guest.forward`, `guest.devices`,
 *   `guest.no-file`, and what the card throws
 */
export async function planGuestSet(
  card: Card,
  name: string,
  wanted: GuestSettings,
  random: Random = randomBytes,
): Promise<Plan> {
  refuseProblem(card);
  const before = await readGuestsFile(card);
  const was = guestNamed(before.guests, name);
  const { kernel, firmware, initramfs } = wanted;
  const changed = checkGuest({
    ...was,
    // One takes the other's place.
    kernel: kernel ? fileFor(name, 'kernel') : firmware ? undefined : was.kernel,
    firmware: firmware ? fileFor(name, 'firmware') : kernel ? undefined : was.firmware,
    loadAddress: changedAddress(was, wanted),
    ...(initramfs && { initramfs: initramfs === 'none' ? undefined : fileFor(name, 'initramfs') }),
    memory: wanted.memory ?? was.memory,
    cores: wanted.cores ?? was.cores,
    commandLine: wanted.commandLine ?? was.commandLine,
    ...changedDevices(was, wanted, before.guests, random),
    autostart: (wanted.autostart ?? was.autostart) === false ? false : undefined,
  });
  const guests = before.guests.map((it) => (it === was ? changed : it));
  const { changes, notes } = await planGuestFiles(card, {
    ...{ before, guests, changed, program: kernel ?? firmware, strict: false },
    initramfs: initramfs === 'none' ? undefined : initramfs,
  });
  const facts = [
    ...[(kernel ?? firmware)?.name].filter((it) => it !== undefined),
    ...(changed.loadAddress === undefined ? [] : [`at ${changed.loadAddress}`]),
    `${changed.memory} MiB of memory`,
    counted(changed.cores, 'core'),
    `"${changed.commandLine}"`,
    ...deviceWords(changed),
  ];
  return {
    method: undefined,
    summary: `Guest ${name} ${changes.length > 0 ? 'becomes' : 'is so already'}: ${facts.join(', ')}.`,
    notes: [...deviceNotes(was, changed, wanted), ...notes],
    changes,
    room: ROOM_FOR_GUESTS,
  };
}

/** Where a flat image is to stand; firmware says that itself. */
function changedAddress(was: Guest, { firmware, loadAddress }: GuestSettings): string | undefined {
  if (loadAddress === undefined) return firmware ? undefined : was.loadAddress;
  return loadAddress === 'none' ? undefined : plainAddress(loadAddress);
}

type Devices = Pick<Guest, 'disks' | 'network' | 'isolated' | 'forwards' | 'mac' | 'virtio'>;

/** The entries of a guest's devices, changed; undefined for those that it has no more. */
function changedDevices(
  was: Guest,
  settings: GuestSettings,
  guests: readonly Guest[],
  random: Random,
): Devices {
  const { disks = [], disksGone = [], network = was.network, isolated, virtio } = settings;
  const gone = new Set(disksGone.map(samePath));
  const kept: Disk[] = (was.disks ?? []).filter(({ path }) => !gone.has(samePath(path)));
  // A path that is given twice is a mistake, which is refused behind.
  const places = new Map(kept.map(({ path }, i) => [samePath(path), i]));
  for (const disk of disks.map(parseDisk)) {
    const place = places.get(samePath(disk.path));
    if (place === undefined) kept.push(disk);
    else kept[place] = disk;
    places.delete(samePath(disk.path));
  }
  refuseIsolatedAlone(was.name, isolated, network);
  const hasNetwork = network === 'host';
  return {
    disks: kept.length > 0 ? kept : undefined,
    network: hasNetwork ? network : undefined,
    // Kept without a card, too: who gives it one again is not to find it less isolated than it was.
    isolated: (isolated ?? was.isolated) || undefined,
    forwards: changedForwards(hasNetwork ? (was.forwards ?? []) : [], settings),
    mac: was.mac ?? (hasNetwork ? newMac(guests, random) : undefined),
    virtio: virtio === undefined ? was.virtio : virtio === 'auto' ? undefined : virtio,
  };
}

/** Ports that lead to it, changed; undefined for none. */
function changedForwards(
  was: readonly string[],
  { forwards = [], forwardsGone = [] }: GuestSettings,
): string[] | undefined {
  const gone = new Set(forwardsGone.map(parseHostSide));
  const kept = was.filter((it) => !gone.has(hostSide(it)));
  // A port that is given twice is a mistake, which is refused behind.
  const places = new Map(kept.map((it, i) => [hostSide(it), i]));
  for (const forward of forwards.map(parseForward)) {
    const place = places.get(hostSide(forward));
    if (place === undefined) kept.push(forward);
    else kept[place] = forward;
    places.delete(hostSide(forward));
  }
  return kept.length > 0 ? kept : undefined;
}

/** What the user should know of changed disks. */
function deviceNotes(was: Guest, now: Guest, { disksGone = [], forwardsGone = [] }: GuestSettings): string[] {
  const [had = [], has = []] = [was.disks, now.disks];
  const find = (disks: readonly Disk[], path: string): Disk | undefined =>
    disks.find((it) => samePath(it.path) === samePath(path));
  const unknown = disksGone.filter((path) => !find(had, path));
  const resized = has.filter(({ path, size }) => {
    const before = find(had, path);
    return before !== undefined && size !== undefined && size !== before.size;
  });
  const moved = has.some((it, i) => {
    const before = had.findIndex(({ path }) => samePath(path) === samePath(it.path));
    return before >= 0 && before !== i;
  });
  return [
    ...unknown.map((path) => `${was.name} had no disk ${path}.`),
    ...(was.network === 'host' && now.network !== 'host' && was.forwards
      ? [
          `With its network ${was.name} loses what leads to it: ${was.forwards.map((it) => `--forward ${it}`).join(' ')}.`,
        ]
      : []),
    ...forwardsGone
      .map(parseHostSide)
      .filter((side) => !was.forwards?.some((it) => hostSide(it) === side))
      .map((side) => `No port ${side} of the host led to ${was.name}.`),
    ...resized.map(
      ({ path }) =>
        `A size is what ${path} is made with where it is not there: a file that is there keeps its own.`,
    ),
    ...(moved
      ? [
          `Its disks stand in another order: vda, vdb and on are now ${has.map(({ path }) => path).join(', ')}.`,
        ]
      : []),
  ];
}

/**
 * Plans to give a guest another name. Its place among the guests, and with it its console, and the address of its network
 * card stay. Files of its that we named after it get its new name, unless the card has no room for copies: then they keep
 * theirs.
 * @throws HypberryError `guest.unknown`, `guest.exists`, `guest.name`, `guest.file-in-use`, `guest.file-damaged`, and what
 *   the card throws
 */
export async function planGuestRename(card: Card, name: string, newName: string): Promise<Plan> {
  refuseProblem(card);
  const { guests, $schema } = await readGuestsFile(card);
  const was = guestNamed(guests, name);
  const summary = `Guest ${name} is called ${newName} ${name === newName ? 'already' : 'from now on'}.`;
  if (name === newName)
    return { method: undefined, summary, notes: [], changes: await unusedFiles(card, guests) };
  refuseTaken(guests, newName, 'Choose another name.');
  const copies: Change[] = [];
  const renamed = async (path: string, file: 'kernel' | 'firmware' | 'initramfs'): Promise<string> => {
    if (pathKey(path) !== pathKey(fileFor(name, file)) || !(await card.stat(path))) return path;
    const to = fileFor(newName, file);
    await refuseFilesInUse(
      card,
      newName,
      [to],
      guests.filter((it) => it !== was),
    );
    copies.push({
      kind: (await card.stat(to)) ? 'replace' : 'create',
      path: to,
      data: await card.read(path),
    });
    return to;
  };
  const keepingFiles = checkGuest({ ...was, name: newName });
  const changed: Guest = {
    ...keepingFiles,
    kernel: was.kernel && (await renamed(was.kernel, 'kernel')),
    firmware: was.firmware && (await renamed(was.firmware, 'firmware')),
    initramfs: was.initramfs && (await renamed(was.initramfs, 'initramfs')),
  };
  const changesTo = async (guest: Guest, files: readonly Change[]): Promise<Change[]> => {
    const after = guests.map((it) => (it === was ? guest : it));
    const list = { kind: 'replace', path: GUESTS_FILE, data: writeGuests(after, $schema) } as const;
    return [...files, list, ...(await unusedFiles(card, after))];
  };
  return {
    method: undefined,
    summary,
    notes: [INSTALL_NEXT],
    changes: await changesTo(changed, copies),
    changesWithoutRoom: await changesTo(keepingFiles, []),
    room: ROOM_FOR_GUESTS,
  };
}
