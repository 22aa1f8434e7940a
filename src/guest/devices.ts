/** Disks and network cards of guests, as the guests' file and `guest add` have them. */
import * as z from 'zod';
import { HypberryError } from '../base/errors.js';
import { hexDigits } from '../base/words.js';
import { MOST_FORWARDS, MOST_PORTS, PORT_PATH_SIZE } from '../channel/layout.js';
import { planPorts, type ChannelDisk } from '../channel/ports.js';
import type { GuestPlan } from '../hypervisor/image/image.js';
import { channelForwards, checkForwards, forwardsEntry } from './forwards.js';

/** A guest's disks: with a network card and a source of random numbers they fit the places that QEMU's "virt" has. */
export const MOST_DISKS = 8;
/** Bytes of a path on the host, as UTF-8: a 0 stands behind it. */
const LONGEST_PATH = PORT_PATH_SIZE - 1;
/** Bytes of a disk: 2 TiB. */
const MOST_DISK_SIZE = 2 ** 41;

/** Absolute, no control characters, and not what only a folder can be. */
const DISK_PATH = /^\/\P{Cc}*[^\p{Cc}/]$/u;
const DISK_SIZE = /^([1-9]\d{0,9})([KMGT])$/;
/** Of one station (I/G bit 0), given by hand (U/L bit 1; IEEE 802, 8.2). */
const MAC = /^[0-9a-f][26ae](?::[0-9a-f]{2}){5}$/;

const disk = z.strictObject({
  path: z
    .string()
    .regex(DISK_PATH)
    .refine(isPathFit)
    .describe(
      `A file or block device of the host's: an absolute path, at most ${LONGEST_PATH} bytes of UTF-8. No two guests write to the same.`,
    ),
  size: z
    .string()
    .regex(DISK_SIZE)
    .refine((text) => bytesOfSize(text) <= MOST_DISK_SIZE)
    .optional()
    .describe(
      'How large its file is made where it is not there: a whole number and K, M, G or T, at most 2T. Without it the file must be there.',
    ),
  readOnly: z.boolean().optional().describe('The guest may not write to it.'),
});

/** What of a guest's entry is about its devices. */
export const deviceEntries = {
  disks: z.array(disk).max(MOST_DISKS).optional().describe('Its disks: vda, vdb and on.'),
  network: z
    .enum(['host', 'none'])
    .optional()
    .describe('"host": a network card, whose other end is the host; "none", as without it.'),
  isolated: z.boolean().optional().describe('Its network card sees the host alone, no other guest.'),
  forwards: forwardsEntry,
  mac: z
    .string()
    .regex(MAC)
    .optional()
    .describe(
      'Address of its network card, locally administered: six bytes such as 52:54:00:12:34:56. No two guests have the same.',
    ),
  virtio: z
    .literal([1, 2])
    .optional()
    .describe(
      "The version of its devices' registers; unless given, 1 for Linux before 4.0, which knows no other, else 2.",
    ),
};

/** What each of these entries must be, for people. */
export const DEVICES_MUST_BE: Readonly<Record<string, string>> = {
  disks: `a list of at most ${MOST_DISKS} disks`,
  path: `an absolute path on the host, of at most ${LONGEST_PATH} bytes, without control characters`,
  size: 'a whole number with K, M, G or T behind it, at most 2T',
  readOnly: 'true or false',
  network: '"host" or "none"',
  isolated: 'true or false',
  forwards: `a list of at most ${MOST_FORWARDS} ports such as "8080:80" or "53:53/udp"`,
  mac: 'six bytes such as "52:54:00:12:34:56", locally administered and in lower case',
  virtio: '1 or 2',
};

/** A disk in the guests' file. */
export type Disk = z.infer<typeof disk>;

/** What of a guest its devices are made from. */
export interface WithDevices {
  readonly name: string;
  readonly disks?: readonly Disk[] | undefined;
  readonly network?: 'host' | 'none' | undefined;
  readonly isolated?: boolean | undefined;
  readonly forwards?: readonly string[] | undefined;
  readonly mac?: string | undefined;
  readonly virtio?: 1 | 2 | undefined;
}

/** Whether the channel's record has room for a path, which UTF-8 can say. */
function isPathFit(path: string): boolean {
  return !/\p{Surrogate}/u.test(path) && new TextEncoder().encode(path).length <= LONGEST_PATH;
}

/** Bytes: `8G` is 8 GiB. */
function bytesOfSize(text: string): number {
  const [, count, unit] = DISK_SIZE.exec(text)!;
  return Number(count) * 1024 ** (1 + 'KMGT'.indexOf(unit!));
}

/** What the hypervisor is to know of a guest's devices. Its entry is as it should be. */
export function planDevices({
  name,
  disks,
  network,
  isolated,
  forwards,
  mac,
}: WithDevices): Pick<GuestPlan, 'name' | 'disks' | 'network'> {
  return {
    name,
    ...(disks && { disks: disks.map(channelDisk) }),
    ...(network === 'host' && {
      network: {
        mac: Uint8Array.from((mac ?? '').split(':'), (byte) => parseInt(byte, 16)),
        isolated: isolated === true,
        ...(forwards && { forwards: channelForwards(forwards) }),
      },
    }),
  };
}

const channelDisk = ({ path, size, readOnly }: Disk): ChannelDisk => ({
  path,
  size: size === undefined ? 0 : bytesOfSize(size),
  readOnly: readOnly === true,
});

/** Whether a guest has something that hypberryd serves. */
export const needsHypberryd = ({ disks, network }: WithDevices): boolean =>
  network === 'host' || (disks !== undefined && disks.length > 0);

const WRITE_A_DISK =
  'Write PATH[,size=8G][,ro]: an absolute path on the host; a size has it made where it is not there, ro is for one that is only read.';

const refuseDisk = (sentence: string, hint = WRITE_A_DISK): never => {
  throw new HypberryError('guest.disk', sentence, hint);
};

/**
 * A disk as it is written behind `--disk`: `/srv/web.img,size=8G`.
 * @throws HypberryError `guest.disk`
 */
export function parseDisk(text: string): Disk {
  const [path = '', ...words] = text.split(',');
  const refuse = (why: string): never => refuseDisk(`"${text}" cannot be a disk: ${why}.`);
  if (!path.startsWith('/')) return refuse('its path does not begin with "/"');
  if (path.endsWith('/')) return refuse('its path ends with "/", as that of a folder');
  if (!DISK_PATH.test(path)) return refuse('its path has a control character in it');
  if (!isPathFit(path)) return refuse(`its path has more than ${LONGEST_PATH} bytes, or is no UTF-8`);
  let size: string | undefined;
  let readOnly = false;
  for (const word of words) {
    const given = /^size=(.*)$/s.exec(word)?.[1]?.toUpperCase();
    if (word === 'ro' && !readOnly) readOnly = true;
    else if (given !== undefined && size === undefined) size = given;
    else
      return refuse(
        `"${word}" is no setting of one, or is there twice (a path with a comma goes into the guests' file by hand)`,
      );
  }
  if (size !== undefined && !DISK_SIZE.test(size))
    return refuse('its size is to be a whole number with K, M, G or T behind it');
  if (size !== undefined && bytesOfSize(size) > MOST_DISK_SIZE) return refuse('its size is more than 2T');
  return { path, ...(size !== undefined && { size }), ...(readOnly && { readOnly }) };
}

/** A path in the one form that others with the same meaning have, too. */
export function samePath(path: string): string {
  const parts: string[] = [];
  for (const part of path.split('/')) {
    if (part === '..') parts.pop();
    else if (part !== '' && part !== '.') parts.push(part);
  }
  return `/${parts.join('/')}`;
}

/** The disk that a partition is of, by the names that Linux gives them; undefined for another path. */
function diskOfPartition(path: string): string | undefined {
  const [, numbered, lettered] =
    /^(?:(\/dev\/(?:(?:mmcblk|loop|nbd)\d+|nvme\d+n\d+))p\d+|(\/dev\/(?:sd|hd|vd|xvd)[a-z]+)\d+)$/.exec(
      path,
    ) ?? [];
  return numbered ?? lettered;
}

/** Whether two paths are of one disk or file, or of a disk and a partition of it. */
export function haveInCommon(one: string, other: string): boolean {
  const [a, b] = [samePath(one), samePath(other)];
  return a === b || diskOfPartition(a) === b || diskOfPartition(b) === a;
}

/**
 * Refuses devices that cannot be, beside what the schema says of each entry.
 * @param guests all of a card
 * @throws HypberryError `guest.disk`, `guest.network`, `guest.devices`, `guest.forward`
 */
export function checkDevices(guests: readonly WithDevices[]): void {
  const writers = new Map<string, string>();
  const users = new Map<string, string>();
  const addresses = new Map<string, string>();
  for (const { name, disks = [], network, mac } of guests) {
    if (disks.length > MOST_DISKS)
      refuseDisk(
        `${name} has ${disks.length} disks, and ${MOST_DISKS} are as many as there can be.`,
        'Give it fewer.',
      );
    for (const { path, size, readOnly = false } of disks) {
      if (readOnly && size !== undefined)
        refuseDisk(
          `The disk ${path} of ${name} is only read, and has a size to be made with: it would stay empty.`,
          'Leave one of the two out.',
        );
      const key = samePath(path);
      const other = readOnly ? writers.get(key) : users.get(key);
      if (other !== undefined)
        refuseDisk(
          other === name
            ? `${name} has the disk ${path} twice.`
            : `${name} has the disk ${path}, as ${other} has, and one of them writes to it.`,
          'Give each its own file: two that know nothing of each other damage a file system. Only what all read alone (ro) can be shared.',
        );
      users.set(key, name);
      if (!readOnly) writers.set(key, name);
    }
    if (network === 'host' && mac === undefined)
      refuseNetwork(
        `${name} has a network, and its network card no address.`,
        'Give it a mac of its own, such as "52:54:00:12:34:56".',
      );
    if (mac === undefined) continue;
    const taken = addresses.get(mac);
    if (taken !== undefined)
      refuseNetwork(`${name} and ${taken} have the same address, ${mac}.`, 'Give each a mac of its own.');
    addresses.set(mac, name);
  }
  checkForwards(guests);
  const ports = planPorts(guests.map(planDevices)).ports.length;
  if (ports > MOST_PORTS)
    throw new HypberryError(
      'guest.devices',
      `The guests have ${ports} disks and network cards, the host's end of the network counted, and ${MOST_PORTS} are as many as there can be.`,
      'Have fewer of them.',
    );
}

/**
 * Refuses that who has no network is to be isolated, where a user asks for it. An entry may say so all the same: it holds
 * once there is one again.
 * @throws HypberryError `guest.network`
 */
export function refuseIsolatedAlone(name: string, isolated?: boolean, network?: 'host' | 'none'): void {
  if (isolated === true && network !== 'host')
    refuseNetwork(
      `${name} is to be isolated, and has no network.`,
      'Give it one (--net host), or leave that out.',
    );
}

function refuseNetwork(sentence: string, hint: string): never {
  throw new HypberryError('guest.network', sentence, hint);
}

/** Random bytes, so many. */
export type Random = (count: number) => Uint8Array;

export const randomBytes: Random = (count) => crypto.getRandomValues(new Uint8Array(count));

/** What QEMU and its like begin their addresses with: locally administered. */
const MAC_PREFIX = [0x52, 0x54, 0x00];
const MAC_SIZE = 6;

/** An address for a network card that none of these guests has. */
export function newMac(guests: readonly WithDevices[], random: Random): string {
  for (;;) {
    const bytes = [...MAC_PREFIX, ...random(MAC_SIZE - MAC_PREFIX.length)];
    const mac = bytes.map((byte) => hexDigits(byte, 2)).join(':');
    if (guests.every((it) => it.mac !== mac)) return mac;
  }
}

/** A guest's devices in words, and that it does not start with the Pi, each for a list: `disk /srv/web.img (8G)`, `network host (52:54:00:12:34:56)`. */
export function deviceWords({
  disks = [],
  network,
  isolated,
  forwards = [],
  mac,
  virtio,
  autostart,
}: WithDevices & { readonly autostart?: boolean | undefined }): string[] {
  const behind = (...facts: readonly (string | false | undefined)[]): string => {
    const said = facts.filter((it) => typeof it === 'string');
    return said.length > 0 ? ` (${said.join(', ')})` : '';
  };
  return [
    ...disks.map(
      ({ path, size, readOnly }) => `disk ${path}${behind(size, readOnly === true && 'read-only')}`,
    ),
    ...(network === 'host' ? [`network host${behind(mac, isolated === true && 'isolated')}`] : []),
    ...forwards.map((it) => `forward ${it}`),
    ...(virtio === undefined ? [] : [`virtio ${virtio}`]),
    ...(autostart === false ? ['no autostart'] : []),
  ];
}
