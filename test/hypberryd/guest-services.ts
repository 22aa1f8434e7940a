/** A network with three guests, of which one is isolated, and what they are answered. */
import * as C from '../../src/channel/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import type { ChannelImage, Port } from './channel-image.js';
import { channelImage } from './channel-image.js';
import type { Device, Ended, Process } from './kernel.js';
import { createRings, createTap, runNetwork } from './network-rig.js';

const [SIOCGIFADDR, SIOCGIFHWADDR] = [0x8915, 0x8927];
const SIGTERM = 15;
export const HOST = '192.168.77.1';
export const HOST_MAC = [0x0a, 0, 0x77, 0, 0, 1];

export interface TestGuest {
  readonly name: string;
  readonly card: number;
  readonly number: number;
  readonly mac: readonly number[];
  readonly address: string;
}
/** Guests 2, 3 and 5 of a card: the others have no network. */
export const [WEB, DB, ALONE] = [
  { name: 'web', card: 1, number: 2, mac: [0x52, 0x54, 0, 1, 2, 3], address: '192.168.77.12' },
  { name: 'db', card: 2, number: 3, mac: [0x52, 0x54, 0, 1, 2, 4], address: '192.168.77.13' },
  { name: 'alone', card: 3, number: 5, mac: [0x52, 0x54, 0, 1, 2, 5], address: '192.168.77.15' },
] as const satisfies TestGuest[];
export const GUEST_PORTS: Port[] = [
  { kind: C.KIND_UPLINK, name: '' },
  ...[WEB, DB, ALONE].map(({ name, number, mac }) => ({
    ...{ kind: C.KIND_NETWORK, name, guest: number, mac },
    flags: name === 'alone' ? C.FLAG_ISOLATED : 0,
  })),
];

/** The host's resolver, as a socket reaches it. */
export interface Resolver {
  /** What it has been asked, and by which address. */
  readonly asked: { readonly server: string; readonly message: Uint8Array }[];
  /** What is to be read from the socket: messages, or errors. */
  readonly answers: (Uint8Array | number)[];
  /** What asking it fails by, if it does. */
  readonly refuses?: number;
}

export interface Talk {
  readonly ended: Ended;
  /** Frames for guests, and those that have gone on to the TAP device. */
  readonly frames: Uint8Array[];
  readonly passedOn: Uint8Array[];
}

/**
 * Runs the network's process while guests send frames: each round those of that round, the next when there is nothing to do.
 * @param rounds called one after the other, with what has come to guests until then; each gives frames and whose they are
 * @param address the one that the interface has
 */
export function talk(
  rounds: readonly ((
    got: readonly Uint8Array[],
    process: Process,
  ) => readonly (readonly [TestGuest, Uint8Array])[])[],
  {
    address = HOST,
    resolver = { asked: [], answers: [] },
    files = {},
    image = channelImage(GUEST_PORTS),
  }: {
    address?: string;
    resolver?: Resolver;
    files?: Readonly<Record<string, string>>;
    image?: ChannelImage;
  } = {},
): Talk {
  const tap = createTap({ isThere: true });
  const rings = createRings(image, [WEB.card, DB.card, ALONE.card]);
  const frames: Uint8Array[] = [];
  let round = 0;
  let server = '';
  const says = (request: number, argument: number, memory: DataView): number | undefined => {
    const put = (at: number, bytes: readonly number[]): number => {
      bytes.forEach((byte, i) => {
        memory.setUint8(argument + at + i, byte);
      });
      return 0;
    };
    if (request === SIOCGIFADDR) return put(16, [2, 0, 0, 0, ...address.split('.').map(Number)]);
    return request === SIOCGIFHWADDR ? put(16, [1, 0, ...HOST_MAC]) : undefined;
  };
  const withAnswers = (device: Device): Device => ({
    ...device,
    ioctl: (...all) => says(...all) ?? device.ioctl!(...all),
  });
  const socket: Device = {
    ...withAnswers(tap.devices['socket']!),
    connect(to) {
      server = `${to.slice(4, 8).join('.')}:${to[2]! * 256 + to[3]!}`;
      return 0;
    },
    write(bytes) {
      resolver.asked.push({ server, message: bytes.slice() });
      return resolver.refuses === undefined ? bytes.length : -resolver.refuses;
    },
    isReadable: () => resolver.answers.length > 0,
    read(into) {
      const answer = resolver.answers.shift();
      if (answer === undefined) return -ERRORS.EAGAIN;
      if (typeof answer === 'number') return -answer;
      into.set(answer.subarray(0, into.length));
      return Math.min(answer.length, into.length);
    },
  };
  const devices = { '/dev/net/tun': withAnswers(tap.devices['/dev/net/tun']!), socket };
  const idle = (process: Process): boolean => {
    frames.push(...rings.take(1000));
    const next = rounds[round];
    if (!next) {
      process.signal(SIGTERM);
      return true;
    }
    round++;
    for (const [{ card }, frame] of next(frames, process)) rings.put(card, frame);
    process.ring(0);
    return true;
  };
  const ended = runNetwork(image, devices, { idle }, files);
  return { ended, frames, passedOn: tap.written };
}
