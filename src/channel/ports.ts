/** Which ports a channel has, and where the data of each are. The order of the ports is that of their numbers. */
import {
  DISK_DATA_SIZE,
  FLAG_ISOLATED,
  FLAG_READ_ONLY,
  type FORWARD_TCP,
  type FORWARD_UDP,
  KIND_DISK,
  KIND_NETWORK,
  KIND_UPLINK,
  LOGS,
  LOG_SIZE,
  NETWORK_RING_SIZE,
  UPLINK_RING_SIZE,
} from './layout.js';

/** A disk of a guest's: a file or block device of the host's. */
export interface ChannelDisk {
  /** Where it is on the host. */
  readonly path: string;
  /** Bytes that it is made with where it is not there; 0: it must be there. */
  readonly size: number;
  readonly readOnly: boolean;
}

/** A port of the host's that leads to a guest. */
export interface ChannelForward {
  readonly protocol: typeof FORWARD_TCP | typeof FORWARD_UDP;
  readonly hostPort: number;
  readonly guestPort: number;
}

/** A guest's network card. */
export interface ChannelNetwork {
  /** Its address, 6 bytes. */
  readonly mac: Uint8Array;
  /** It sees the host alone, no other guest. */
  readonly isolated: boolean;
  readonly forwards?: readonly ChannelForward[];
}

/** A guest's disks and network card. */
export interface GuestDevices {
  readonly name: string;
  readonly disks?: readonly ChannelDisk[] | undefined;
  readonly network?: ChannelNetwork | undefined;
}

/** What of a guest stands in the channel. */
export interface ChannelGuest extends GuestDevices {
  /** Bytes of its memory, and the core of each of its virtual CPUs. */
  readonly memory: number;
  readonly cores: readonly number[];
  /** Whether it begins with the hypervisor; it does unless told otherwise. */
  readonly autostart?: boolean | undefined;
}

export interface ChannelPort {
  readonly kind: typeof KIND_UPLINK | typeof KIND_NETWORK | typeof KIND_DISK;
  /** The number of its guest, 1 and on, and its name; 0 and '' of the uplink. */
  readonly guest: number;
  readonly guestName: string;
  /** {@link FLAG_READ_ONLY}, {@link FLAG_ISOLATED} or 0. */
  readonly flags: number;
  /** Offset of its ring, or of the data of its requests, in the channel; bytes of that. */
  readonly data: number;
  readonly dataSize: number;
  /** Of a disk: its number among its guest's, and what {@link ChannelDisk} has. */
  readonly disk?: number;
  readonly path?: string;
  readonly diskSize?: number;
  /** Of a network card. */
  readonly mac?: Uint8Array;
  readonly forwards?: readonly ChannelForward[];
}

export interface ChannelPlan {
  /** Bytes, a multiple of {@link CHANNEL_STEP}. */
  readonly size: number;
  /** By number: the uplink where there is a network, then guest by guest its network card and its disks. */
  readonly ports: readonly ChannelPort[];
  readonly guests: readonly ChannelGuest[];
}

/** Its node in the host's tree, below the root. */
export const CHANNEL_NODE = 'hypberry-channel';

/** What a channel's size is a multiple of: blocks that second stages map at once. */
export const CHANNEL_STEP = 0x20_0000;

/** What the record of a network card has of it. */
const cardOf = ({ mac, forwards }: ChannelNetwork): Pick<ChannelPort, 'mac' | 'forwards'> => ({
  mac,
  ...(forwards && { forwards }),
});

/**
 * The ports of some guests, and where the data of the last one end. There may be more than MOST_PORTS, which is for the
 * caller to refuse.
 */
export function planPorts(guests: readonly GuestDevices[]): { readonly ports: ChannelPort[]; end: number } {
  const ports: ChannelPort[] = [];
  // The hypervisor has a console, too.
  let end = LOGS + (guests.length + 1) * LOG_SIZE;
  const add = (port: Omit<ChannelPort, 'data'>): void => {
    ports.push({ ...port, data: end });
    end += port.dataSize;
  };
  if (guests.some(({ network }) => network))
    add({ kind: KIND_UPLINK, guest: 0, guestName: '', flags: 0, dataSize: UPLINK_RING_SIZE });
  guests.forEach(({ name, disks, network }, i) => {
    const of = { guest: i + 1, guestName: name };
    if (network) {
      const flags = network.isolated ? FLAG_ISOLATED : 0;
      add({ ...of, kind: KIND_NETWORK, flags, dataSize: NETWORK_RING_SIZE, ...cardOf(network) });
    }
    disks?.forEach(({ path, size, readOnly }, disk) => {
      const flags = readOnly ? FLAG_READ_ONLY : 0;
      add({ ...of, kind: KIND_DISK, flags, dataSize: DISK_DATA_SIZE, disk, path, diskSize: size });
    });
  });
  return { ports, end };
}

/** The channel of some guests, with {@link planPorts}. */
export function planChannel(guests: readonly ChannelGuest[]): ChannelPlan {
  const { ports, end } = planPorts(guests);
  return { size: Math.ceil(end / CHANNEL_STEP) * CHANNEL_STEP, ports, guests };
}
