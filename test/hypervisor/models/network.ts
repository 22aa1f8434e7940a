/**
 * The two sides of guests' network cards in the models' machine: a driver, which is in the guest's memory and at the device's
 * registers (virtio 1.2, 5.1), and the host's program, which is in the channel (CHANNEL.md).
 */
import * as C from '../../../src/channel/layout.js';
import type { GuestPlan } from '../../../src/hypervisor/image/image.js';
import { GUEST_RAM } from '../../../src/hypervisor/shared/layout.js';
import type { Machine } from './machine.js';
import { createMachineOfGuests } from './machine.js';
import type { Hands } from './virtio.js';
import { ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEXT, R, SLOTS_BASE, WRITE } from './virtio.js';

/** Features (5.1.3, 6). */
export const N = {
  ...{ CSUM: 1 << 0, GUEST_CSUM: 1 << 1, MTU: 1 << 3, MAC: 1 << 5, GUEST_TSO4: 1 << 7, GUEST_TSO6: 1 << 8 },
  ...{ HOST_TSO4: 1 << 11, HOST_TSO6: 1 << 12, MRG_RXBUF: 1 << 15, STATUS: 1 << 16 },
  ...{ INDIRECT: 1 << 28, EVENT_IDX: 1 << 29 },
} as const;
export const ALL_FEATURES = Object.values(N).reduce((all, bit) => all | bit, 0);
/** Flags and kinds of segments of a header (5.1.6). */
export const [NEEDS_CSUM, DATA_VALID] = [1, 2];
export const [TCPV4, UDP, TCPV6, ECN] = [1, 3, 4, 0x80];
export const [RECEIVE, TRANSMIT] = [0, 1];
export const ENTRIES = 128;
/** Of the used ring, which says that the driver need not notify (2.7.10). */
const NO_NOTIFY = 1;

/** What of a machine a driver and a program need. */
type DriverMachine = Hands & Pick<Machine, 'pc'>;

/** What stands before a frame; 0 what is not said. */
export interface Header {
  readonly flags?: number;
  readonly gso?: number;
  readonly headerLength?: number;
  readonly gsoSize?: number;
  readonly start?: number;
  readonly offset?: number;
  readonly buffers?: number;
}

export interface Frame {
  readonly header: Required<Header>;
  readonly frame: Uint8Array;
}

function writeHeader(view: DataView, at: number, header: Header): void {
  view.setUint8(at, header.flags ?? 0);
  view.setUint8(at + 1, header.gso ?? 0);
  [header.headerLength, header.gsoSize, header.start, header.offset, header.buffers].forEach((it, i) => {
    view.setUint16(at + 2 + 2 * i, it ?? 0, true);
  });
}

function readHeader(view: DataView): Required<Header> {
  const half = (at: number): number => (at < view.byteLength ? view.getUint16(at, true) : 0);
  return {
    ...{ flags: view.getUint8(0), gso: view.getUint8(1), headerLength: half(2), gsoSize: half(4) },
    ...{ start: half(6), offset: half(8), buffers: half(10) },
  };
}

/** Header and frame as they go over a queue or a ring: 12 bytes of the one unless told otherwise. */
export function packet(frame: Uint8Array, header: Header = {}, size = 12): Uint8Array {
  const bytes = new Uint8Array(12 + frame.length);
  writeHeader(new DataView(bytes.buffer), 0, header);
  bytes.copyWithin(size, 12);
  bytes.set(frame, size);
  return bytes.slice(0, size + frame.length);
}

const unpack = (bytes: Uint8Array, size = 12): Frame => ({
  header: readHeader(new DataView(bytes.buffer, bytes.byteOffset, size)),
  frame: bytes.slice(size),
});

/** The address of the nth guest's card. */
export const macOf = (n: number): Uint8Array => Uint8Array.of(0x52, 0x54, 0, 0xa1, 0xb2, 0xc0 + n);
export const BROADCAST = new Uint8Array(6).fill(0xff);
/** One of the host's, or of whoever is behind it. */
export const HOST_MAC = Uint8Array.of(2, 0, 0, 0, 0, 1);

/** An Ethernet frame of so many bytes, told from others by its seed. */
export function frameOf(to: Uint8Array, from: Uint8Array, bytes = 64, seed = 1): Uint8Array {
  const frame = Uint8Array.from(
    { length: Math.max(bytes, 12) },
    (_, i) => (seed * 37 + i * 11 + (i >> 7)) & 0xff,
  );
  frame.set(to);
  frame.set(from, 6);
  return frame.slice(0, bytes);
}

/** A driver of a network card. */
export interface CardDriver {
  readonly reg: (offset: number) => number;
  readonly setReg: (offset: number, value: number) => void;
  readonly physical: (offset: number) => number;
  /** Brings the card up; gives Status. */
  readonly start: (features?: number) => number;
  /** Puts a buffer there for frames, of one chain of pieces. */
  readonly addBuffer: (...pieces: readonly number[]) => void;
  /** Has a frame to be sent in as many pieces as are told, the last with what is left; without a notification. */
  readonly queue: (packet: Uint8Array, ...pieces: readonly number[]) => void;
  /** Notifies of what is to be sent, again and again until it is done; gives how often the store was executed. */
  readonly kick: () => number;
  readonly send: (frame: Uint8Array, header?: Header) => void;
  /** Notifies where the device wants it, as a driver without EVENT_IDX looks. */
  readonly wantsKick: (queue: number) => boolean;
  /** How many chains of the queue of frames to be sent were given back since it was asked last. */
  readonly sent: () => number;
  /** Frames that have come; throws where what stands in used ring and headers does not go together. */
  readonly received: () => Frame[];
  /** Buffers that are in no used ring yet. */
  readonly buffersLeft: () => number;
}

/** Where in the guest's memory queue n is, and its parts; from where on its buffers are, and how large a place each has. */
const QUEUE = (n: number): number => 0x1_0000 + 0x8000 * n;
const [AVAILABLE, USED] = [0x2000, 0x4000];
export const BUFFERS_OF = (n: number): number => (n === RECEIVE ? 0x4_0000 : 0x10_0000);
const BUFFERS_END = (n: number): number => (n === RECEIVE ? 0x10_0000 : 0x1c_0000);
/** Of a legacy queue: the used ring's place with pages of 4 KiB. */
const LEGACY = { available: 16 * ENTRIES, used: 0x1000 } as const;

interface QueueState {
  added: number;
  seen: number;
  descriptor: number;
  buffer: number;
  /** Pieces by the chain's first descriptor. */
  readonly chains: Map<number, readonly { at: number; bytes: number }[]>;
}

export function cardOf(machine: DriverMachine, core: number, n: number, slot = 0): CardDriver {
  const { memory, image } = machine;
  const base = SLOTS_BASE + 0x200 * slot;
  const physical = (offset: number): number => image.guestMemory[n]! + offset;
  const reg = (offset: number): number => machine.load(core, base + offset);
  const setReg = (offset: number, value: number): void => {
    machine.store(core, base + offset, value);
  };
  const fresh = (queue: number): QueueState => ({
    ...{ added: 0, seen: 0, descriptor: 0, buffer: BUFFERS_OF(queue), chains: new Map() },
  });
  const queues = [fresh(0), fresh(1)];
  let legacy = false;
  let headerSize = 12;
  let placed = (queue: number): { available: number; used: number } => ({
    available: QUEUE(queue) + AVAILABLE,
    used: QUEUE(queue) + USED,
  });
  const bytesAt = (offset: number, bytes: number): Uint8Array =>
    new Uint8Array(memory.buffer, memory.byteOffset + physical(offset), bytes);
  const add = (queue: number, pieces: readonly number[], write: boolean): number[] => {
    const it = queues[queue]!;
    const first = it.descriptor;
    const places = pieces.map((bytes, i) => {
      if (it.buffer + bytes > BUFFERS_END(queue)) it.buffer = BUFFERS_OF(queue);
      const at = it.buffer;
      it.buffer += bytes;
      const n = it.descriptor;
      it.descriptor = (it.descriptor + 1) % ENTRIES;
      const descriptor = physical(QUEUE(queue) + 16 * n);
      const last = i + 1 === pieces.length;
      memory.setUint32(descriptor, GUEST_RAM + at, true);
      memory.setUint32(descriptor + 4, 0, true);
      memory.setUint32(descriptor + 8, bytes, true);
      const flags = (last ? 0 : NEXT) | (write ? WRITE : 0);
      memory.setUint32(descriptor + 12, flags | (last ? 0 : it.descriptor << 16), true);
      return at;
    });
    it.chains.set(
      first,
      places.map((at, i) => ({ at, bytes: pieces[i]! })),
    );
    const { available } = placed(queue);
    memory.setUint16(physical(available + 4 + 2 * (it.added % ENTRIES)), first, true);
    it.added = (it.added + 1) & 0xffff;
    memory.setUint16(physical(available + 2), it.added, true);
    return places;
  };
  /** Chains that were given back: their pieces, and bytes that were written. */
  const takeUsed = (
    queue: number,
  ): { pieces: readonly { at: number; bytes: number }[]; written: number }[] => {
    const it = queues[queue]!;
    const { used } = placed(queue);
    const put = memory.getUint16(physical(used + 2), true);
    const news = [];
    for (; it.seen !== put; it.seen = (it.seen + 1) & 0xffff) {
      const entry = physical(used + 4 + 8 * (it.seen % ENTRIES));
      const head = memory.getUint32(entry, true);
      const pieces = it.chains.get(head);
      if (!pieces) throw new Error(`chain ${head} was given back and is none`);
      it.chains.delete(head);
      news.push({ pieces, written: memory.getUint32(entry + 4, true) });
    }
    return news;
  };
  const gather = (pieces: readonly { at: number; bytes: number }[], written: number): Uint8Array =>
    Uint8Array.from(pieces.flatMap(({ at, bytes }) => [...bytesAt(at, bytes)])).slice(0, written);
  const kick = (): number => {
    for (let times = 1; ; times++) {
      const before = machine.pc(core);
      setReg(R.QUEUE_NOTIFY, TRANSMIT);
      if (machine.pc(core) !== before) return times;
      if (times > 1000) throw new Error('a notification is never done');
    }
  };
  const queuePacket = (bytes: Uint8Array, ...pieces: readonly number[]): void => {
    const told = pieces.reduce((sum, it) => sum + it, 0);
    const sizes = [...pieces, bytes.length - told];
    const places = add(TRANSMIT, sizes, false);
    let from = 0;
    places.forEach((at, i) => {
      bytesAt(at, sizes[i]!).set(bytes.subarray(from, from + sizes[i]!));
      from += sizes[i]!;
    });
  };
  return {
    ...{ reg, setReg, physical, kick, queue: queuePacket },
    start: (features = 0) => {
      legacy = reg(R.VERSION) === 1;
      headerSize = legacy && (features & N.MRG_RXBUF) === 0 ? 10 : 12;
      if (legacy)
        placed = (queue) => ({
          available: QUEUE(queue) + LEGACY.available,
          used: QUEUE(queue) + LEGACY.used,
        });
      setReg(R.STATUS, 0);
      bytesAt(QUEUE(0), 0x1_0000).fill(0);
      [queues[0], queues[1]] = [fresh(0), fresh(1)];
      setReg(R.STATUS, ACKNOWLEDGE | DRIVER);
      setReg(R.DRIVER_FEATURES_SEL, 0);
      setReg(R.DRIVER_FEATURES, features);
      if (legacy) setReg(R.GUEST_PAGE_SIZE, 0x1000);
      else {
        setReg(R.DRIVER_FEATURES_SEL, 1);
        setReg(R.DRIVER_FEATURES, 1);
        setReg(R.STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
      }
      for (const queue of [RECEIVE, TRANSMIT]) {
        setReg(R.QUEUE_SEL, queue);
        setReg(R.QUEUE_NUM, ENTRIES);
        if (legacy) {
          setReg(R.QUEUE_ALIGN, 0x1000);
          setReg(R.QUEUE_PFN, (GUEST_RAM + QUEUE(queue)) / 0x1000);
        } else {
          setReg(R.DESC, GUEST_RAM + QUEUE(queue));
          setReg(R.DRIVER, GUEST_RAM + QUEUE(queue) + AVAILABLE);
          setReg(R.DEVICE, GUEST_RAM + QUEUE(queue) + USED);
          setReg(R.QUEUE_READY, 1);
        }
      }
      setReg(R.STATUS, reg(R.STATUS) | DRIVER_OK);
      return reg(R.STATUS);
    },
    addBuffer: (...pieces) => {
      add(RECEIVE, pieces, true);
    },
    send: (frame, header = {}) => {
      queuePacket(packet(frame, header, headerSize));
      kick();
    },
    wantsKick: (queue) => (memory.getUint16(physical(placed(queue).used), true) & NO_NOTIFY) === 0,
    sent: () => {
      const news = takeUsed(TRANSMIT);
      if (news.some(({ written }) => written !== 0)) throw new Error('bytes were written to what is sent');
      return news.length;
    },
    received: () => {
      const news = takeUsed(RECEIVE).map(({ pieces, written }) => gather(pieces, written));
      const frames: Frame[] = [];
      while (news.length > 0) {
        const { header, frame } = unpack(news.shift()!, headerSize);
        const more = headerSize === 12 ? header.buffers - 1 : 0;
        if (more < 0 || more > news.length) throw new Error(`a frame in ${header.buffers} buffers`);
        frames.push({
          header,
          frame: Uint8Array.from([frame, ...news.splice(0, more)].flatMap((it) => [...it])),
        });
      }
      return frames;
    },
    buffersLeft: () => queues[RECEIVE]!.chains.size,
  };
}

/** The host's program. */
export interface NetworkProgram {
  /** What stands in a port's page of the host's, and in the hypervisor's. */
  readonly set: (port: number, offset: number, value: number) => void;
  readonly get: (port: number, offset: number) => number;
  readonly ring: (port: number) => void;
  /** Puts frames into the uplink; rings where that is wanted. Gives whether it was. */
  readonly put: (...packets: readonly Uint8Array[]) => boolean;
  /** Frames of a card that have come into its ring; they are taken unless told otherwise. */
  readonly take: (port: number, keep?: boolean) => Frame[];
  /** Address of a port's ring. */
  readonly ringOf: (port: number) => number;
}

export function networkProgram(machine: Hands): NetworkProgram {
  const { memory, image } = machine;
  const channel = image.channel;
  const own = (port: number): number => channel.address + C.CONTROL + port * C.CONTROL_SIZE;
  const get = (port: number, offset: number): number => memory.getUint32(own(port) + offset, true);
  const set = (port: number, offset: number, value: number): void => {
    memory.setUint32(own(port) + C.HOST_CONTROL + offset, value >>> 0, true);
  };
  const ours = (port: number, offset: number): number =>
    memory.getUint32(own(port) + C.HOST_CONTROL + offset, true);
  const ring = (port: number): void => {
    machine.store(0, C.DOORBELL + 4 * port, 1);
  };
  const bytesAt = (at: number, bytes: number): Uint8Array =>
    new Uint8Array(memory.buffer, memory.byteOffset + at, bytes);
  const ringOf = (port: number): number => channel.address + channel.ports[port]!.data;
  const sizeOf = (bytes: number): number => Math.ceil((4 + bytes) / 32) * 32;
  return {
    ...{ get, set, ring, ringOf },
    put: (...packets) => {
      const size = channel.ports[0]!.dataSize;
      const old = ours(0, C.PUT);
      let put = old;
      for (const bytes of packets) {
        const rest = size - (put % size);
        if (rest < sizeOf(bytes.length)) {
          memory.setUint32(ringOf(0) + (put % size), C.SKIP, true);
          put = (put + rest) >>> 0;
        }
        memory.setUint32(ringOf(0) + (put % size), bytes.length, true);
        bytesAt(ringOf(0) + (put % size) + 4, bytes.length).set(bytes);
        put = (put + sizeOf(bytes.length)) >>> 0;
      }
      set(0, C.PUT, put);
      const wanted = (put - get(0, C.BELL_AT) - 1) >>> 0 < (put - old) >>> 0;
      if (wanted) ring(0);
      return wanted;
    },
    take: (port, keep = false) => {
      const size = channel.ports[port]!.dataSize;
      const put = get(port, C.PUT);
      const frames: Frame[] = [];
      let taken = ours(port, C.TAKEN);
      while (taken !== put) {
        const at = ringOf(port) + (taken % size);
        const length = memory.getUint32(at, true);
        if (length === C.SKIP) taken = (taken + size - (taken % size)) >>> 0;
        else {
          if (length < 12 + 14 || length > C.MOST_FRAME || (taken % size) + sizeOf(length) > size)
            throw new Error(`a record of ${length} bytes`);
          frames.push(unpack(bytesAt(at + 4, length).slice()));
          taken = (taken + sizeOf(length)) >>> 0;
        }
        if ((put - taken) >>> 0 > size) throw new Error('a record is not all there');
      }
      if (!keep) {
        set(port, C.TAKEN, taken);
        set(port, C.BELL_AT, taken);
      }
      return frames;
    },
  };
}

/** A machine of guests with network cards, each on a core of its own, 1 and on. Guest n's card is port n + 1. */
export function networkMachine(
  count: number,
  isolated: readonly number[] = [],
  plan: Partial<GuestPlan> = {},
): { readonly machine: Machine; readonly cards: CardDriver[]; readonly program: NetworkProgram } {
  const machine = createMachineOfGuests(
    Array.from({ length: count }, (_, n) => ({
      ...plan,
      cores: [1 + n],
      network: { mac: macOf(n), isolated: isolated.includes(n) },
    })),
  );
  const cards = Array.from({ length: count }, (_, n) => cardOf(machine, 1 + n, n));
  return { machine, cards, program: networkProgram(machine) };
}
