/** The channel as the image on the card has it, made from CHANNEL.md by hand; and its device tree node. */
import * as C from '../../src/channel/layout.js';
import type { ChannelMemory } from './disk-client.js';

/** Where tests have it, and where the doorbell is. */
export const CHANNEL_ADDRESS = 0x3a00_0000;
const PAGE = 4096;
const BLOCK = 0x20_0000;
export const BELL = 'ttyAMA2';
const BELL_ADDRESS = 0x4001_8000;
/** What Linux says of its PL011s (drivers/tty/serial/serial_core.c, uart_line_info). */
const PORTS = `serinfo:1.0 driver revision:
0: uart:PL011 rev2 mmio:0x3F201000 irq:83 tx:1234 rx:0 RTS|DTR
1: uart:PL011 rev3 mmio:0x40010000 irq:60 tx:0 rx:0
2: uart:PL011 rev3 mmio:0x40018000 irq:58 tx:0 rx:7 RTS|CTS|DTR|DSR|CD
3: uart:unknown port:00000000 irq:0
`;

/** A port. */
export interface Port {
  readonly kind: number;
  readonly flags?: number;
  readonly name?: string;
  /** A card's address: 6 bytes. */
  readonly mac?: readonly number[];
  readonly path?: string;
  /** Ports that lead to its guest: protocol, the host's, its own. */
  readonly forwards?: readonly (readonly [number, number, number])[];
  /** How large its file is made, bytes. */
  readonly size?: bigint;
  /** A disk's number among its guest's; default: 0. */
  readonly disk?: number;
  /** The number of its guest; default: 1. */
  readonly guest?: number;
}

export interface ChannelImage {
  readonly bytes: Uint8Array;
  readonly view: DataView;
  readonly doorbell: Uint8Array;
  /** Where each port's data begin, and how large they are. */
  readonly data: readonly { at: number; size: number }[];
  /** Files of the device tree. */
  readonly tree: Readonly<Record<string, string | Uint8Array>>;
}

const SIZES: Readonly<Record<number, number>> = {
  [C.KIND_UPLINK]: C.UPLINK_RING_SIZE,
  [C.KIND_NETWORK]: C.NETWORK_RING_SIZE,
  [C.KIND_DISK]: C.DISK_DATA_SIZE,
};

/** A guest. */
export interface Guest {
  readonly name: string;
  /** Bytes of its memory. */
  readonly memory?: number;
  readonly vcpus?: number;
}

export function channelImage(
  ports: readonly Port[],
  { version = C.VERSION, guests = [] as readonly Guest[] } = {},
): ChannelImage {
  let end = C.LOGS + (guests.length + 1) * C.LOG_SIZE;
  const data = ports.map(({ kind }) => {
    const at = end;
    end += SIZES[kind]!;
    return { at, size: SIZES[kind]! };
  });
  const size = Math.ceil(end / BLOCK) * BLOCK;
  const bytes = new Uint8Array(size);
  const view = new DataView(bytes.buffer);
  const words = (at: number, ...all: number[]): void => {
    all.forEach((word, i) => {
      view.setUint32(at + 4 * i, word, true);
    });
  };
  words(0, C.MAGIC, version, size, ports.length, guests.length);
  guests.forEach(({ name, memory = 1 << 28, vcpus = 1 }, i) => {
    const record = C.GUEST_RECORDS + i * C.GUEST_RECORD_SIZE;
    bytes.set(new TextEncoder().encode(name), record + C.GUEST_NAME);
    words(record + C.GUEST_MEMORY, memory, vcpus);
  });
  ports.forEach(
    (
      {
        kind,
        flags = 0,
        guest = 1,
        disk = 0,
        name = 'web',
        mac = [],
        forwards = [],
        path = '',
        size: make = 0n,
      },
      i,
    ) => {
      const record = C.PORT_RECORDS + i * C.PORT_RECORD_SIZE;
      words(record, kind, flags, kind === C.KIND_UPLINK ? 0 : guest, data[i]!.at, data[i]!.size);
      view.setBigUint64(record + C.PORT_DISK_SIZE, make, true);
      bytes.set(mac, record + C.PORT_MAC);
      words(record + C.PORT_DISK_NUMBER, disk);
      forwards.forEach(([protocol, from, to], n) => {
        words(record + C.PORT_FORWARDS + n * C.FORWARD_SIZE, protocol, from * 0x1_0000 + to);
      });
      bytes.set(new TextEncoder().encode(name), record + C.PORT_GUEST_NAME);
      bytes.set(new TextEncoder().encode(path), record + C.PORT_PATH);
    },
  );
  const reg = new DataView(new ArrayBuffer(24));
  [CHANNEL_ADDRESS, size, C.DOORBELL, PAGE, BELL_ADDRESS, PAGE].forEach((cell, i) => {
    reg.setUint32(4 * i, cell);
  });
  const node = '/proc/device-tree/hypberry-channel';
  return {
    ...{ bytes, view, data, doorbell: new Uint8Array(PAGE) },
    tree: { [`${node}/reg`]: new Uint8Array(reg.buffer), '/proc/tty/driver/ttyAMA': PORTS },
  };
}

/** The memory of an image. */
export const memoryOf = ({ bytes, view }: ChannelImage): ChannelMemory => ({
  word: (at) => view.getUint32(at, true),
  setWord: (at, value) => {
    view.setUint32(at, value, true);
  },
  bytes: (at, length) => bytes.slice(at, at + length),
  setBytes: (at, from) => {
    bytes.set(from, at);
  },
});
