/** Adds guests to a card, and takes them away. */
import { sameBytes } from '../base/bytes.js';
import { counted } from '../base/words.js';
import type { Card, CardReader, Change } from '../card/card.js';
import { HypberryError } from '../base/errors.js';
import {
  deviceWords,
  newMac,
  parseDisk,
  randomBytes,
  refuseIsolatedAlone,
  type Random,
} from '../guest/devices.js';
import { parseForward } from '../guest/forwards.js';
import {
  checkGuest,
  GUESTS_FILE,
  MOST_GUESTS,
  MOST_MEMORY,
  readGuestsFile,
  writeGuests,
  type Guest,
  type GuestsFile,
} from '../guest/guests.js';
import { kernelImage } from '../guest/kernel-image.js';
import { loadAddressOf } from '../guest/plan.js';
import { refuseProblem } from './boot-partition.js';
import {
  fileFor,
  guestNamed,
  INSTALL_NEXT,
  plainAddress,
  planGuestFiles,
  refuseTaken,
  unusedFiles,
  type UserFile,
} from './guest-plan.js';
import { ourFiles } from './ours.js';
import { ROOM_FOR_GUESTS, type Plan } from './plan.js';

/** What is to be added. */
export interface NewGuest {
  readonly name: string;
  /** One of the two. */
  readonly kernel?: UserFile | undefined;
  readonly firmware?: UserFile | undefined;
  /** As the user has written it; undefined for the kernel's own. */
  readonly loadAddress?: string | undefined;
  readonly initramfs?: UserFile | undefined;
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
  /** Each as `--forward` has it: `8080:80`. */
  readonly forwards?: readonly string[] | undefined;
  /** Undefined for the one that suits its kernel. */
  readonly virtio?: 1 | 2 | undefined;
  /** Whether it starts with the Pi; it does unless told otherwise. */
  readonly autostart?: boolean | undefined;
}

/** Bytes that a kernel or an initramfs can have: no guest has more memory. */
export const LARGEST_GUEST_FILE = MOST_MEMORY << 20;

/** A console, and an end to panics, which the hypervisor answers with a restart. */
const LINUX_COMMAND_LINE = 'console=ttyAMA0 panic=10';

/** What is to be said where no guest is left. */
const NO_GUESTS_NEXT =
  '"hypberry install" has the card start without guests, "hypberry uninstall" as it did before install.';

/**
 * Plans to add a guest. Reads the card, changes nothing.
 * @throws HypberryError `guest.name`, `guest.exists`, `guest.too-many`, `guest.memory`, `guest.cores`,
 *   `guest.command-line`, `guest.kernel`, `guest.firmware`, `guest.load-address`, `guest.initramfs`, `guest.file-in-use`,
 *   `guest.file-damaged`, `guest.disk`, `guest.network`, `guest.forward`, `guest.devices`, `guest.no-file` of another guest's, and what the card throws
 */
export async function planGuestAdd(
  card: Card,
  wanted: NewGuest,
  random: Random = randomBytes,
): Promise<Plan> {
  refuseProblem(card);
  const { name, kernel, firmware, initramfs, memory, cores, loadAddress } = wanted;
  const before = await readGuestsFile(card);
  refuseIsolatedAlone(name, wanted.isolated, wanted.network);
  const guest = checkGuest({
    name,
    ...(kernel && { kernel: fileFor(name, 'kernel') }),
    ...(loadAddress !== undefined && { loadAddress: plainAddress(loadAddress) }),
    ...(firmware && { firmware: fileFor(name, 'firmware') }),
    ...(initramfs && { initramfs: fileFor(name, 'initramfs') }),
    memory,
    cores,
    commandLine: wanted.commandLine ?? '',
    ...newDevices(wanted, before.guests, random),
    ...(wanted.autostart === false && { autostart: false }),
  });
  const { isLinux } = kernel
    ? kernelImage(kernel.name, kernel.data, loadAddressOf(guest))
    : { isLinux: false };
  if (wanted.commandLine === undefined && isLinux) guest.commandLine = LINUX_COMMAND_LINE;
  const program = kernel ?? firmware;
  const facts = [
    program?.name ?? '',
    `${memory} MiB of memory`,
    counted(cores, 'core'),
    ...deviceWords(guest),
  ];
  const same = await planSame(card, before, guest, { program, initramfs });
  if (same)
    return { ...same, method: undefined, summary: `Guest ${name} is so already: ${facts.join(', ')}.` };
  refuseTaken(
    before.guests,
    name,
    `Choose another name, change that one ("hypberry guest set … ${name}"), or take it away first: "hypberry guest remove … ${name}".`,
  );
  if (before.guests.length === MOST_GUESTS) {
    throw new HypberryError(
      'guest.too-many',
      `There are ${MOST_GUESTS} guests on this card, as many as there can be.`,
      'Remove one first.',
    );
  }
  const guests = [...before.guests, guest];
  return {
    ...(await planGuestFiles(card, {
      ...{ before, guests, changed: guest, initramfs, strict: true },
      program,
    })),
    method: undefined,
    summary: `Guest ${name}: ${facts.join(', ')}.`,
    room: ROOM_FOR_GUESTS,
  };
}

/** The plan for a guest that is on the card already as it is to be, whose network card keeps its address: no changes; else undefined. */
async function planSame(
  card: Card,
  before: GuestsFile,
  guest: Guest,
  files: { readonly program: UserFile | undefined; readonly initramfs: UserFile | undefined },
): Promise<Pick<Plan, 'notes' | 'changes'> | undefined> {
  const there = before.guests.find((it) => it.name === guest.name);
  if (!there) return undefined;
  const same = { ...guest, ...(guest.mac !== undefined && { mac: there.mac }) };
  if (!sameBytes(writeGuests([same]), writeGuests([there]))) return undefined;
  const plan = await planGuestFiles(card, {
    ...{ before, guests: before.guests, changed: there, strict: false },
    ...files,
  });
  return plan.changes.length === 0 ? plan : undefined;
}

/** The entries of a new guest's devices: those that were asked for. */
function newDevices(
  { disks, network, isolated, forwards, virtio }: NewGuest,
  others: readonly Guest[],
  random: Random,
): Pick<Guest, 'disks' | 'network' | 'isolated' | 'forwards' | 'mac' | 'virtio'> {
  return {
    ...(disks && disks.length > 0 && { disks: disks.map(parseDisk) }),
    ...(network === 'host' && { network, mac: newMac(others, random) }),
    ...(isolated === true && { isolated }),
    ...(forwards && forwards.length > 0 && { forwards: forwards.map(parseForward) }),
    ...(virtio !== undefined && { virtio }),
  };
}

/**
 * Plans to remove a guest.
 * @throws HypberryError `guest.unknown`, `guest.file-damaged`, and what the card throws
 */
export async function planGuestRemove(card: CardReader, name: string): Promise<Plan> {
  const { guests, $schema } = await readGuestsFile(card);
  const gone = guestNamed(guests, name);
  const after = guests.filter((it) => it !== gone);
  const list: Change =
    after.length > 0
      ? { kind: 'replace', path: GUESTS_FILE, data: writeGuests(after, $schema) }
      : { kind: 'remove', path: GUESTS_FILE };
  const files = await unusedFiles(card, after);
  return {
    method: undefined,
    summary: `Guest ${name} goes.`,
    notes: after.length > 0 ? [INSTALL_NEXT] : (await ourFiles(card)).length > 0 ? [NO_GUESTS_NEXT] : [],
    changes: [list, ...files],
    // Cut in between, the guest has lost its files and is still there to be removed; what starts the Pi has copies of them.
    changesWithoutRoom: [...files, list],
  };
}
