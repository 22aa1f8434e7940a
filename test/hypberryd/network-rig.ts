/** The network's process alone: its TAP device, its ports, and the hypervisor's side of the rings, played by tests. */
import { expect } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from './wasm.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import type { ChannelImage, Port } from './channel-image.js';
import type { Device, Ended, World } from './kernel.js';
import { createMachine, runInNode } from './kernel.js';

const COUNTER_CHILD = 60;
const wasm = hypberrydWasm();

export const UPLINK = 0;
export const CARDS = [1, 2];
export const PORTS: Port[] = [
  { kind: C.KIND_UPLINK, name: '' },
  { kind: C.KIND_NETWORK },
  { kind: C.KIND_NETWORK, name: 'db' },
];

/** The requests that the device is set up by (include/uapi/linux/if_tun.h, sockios.h), by their numbers on Arm. */
export const [TUNSETIFF, TUNSETPERSIST, TUNSETOFFLOAD, TUNSETVNETHDRSZ] = [
  0x4004_54ca, 0x4004_54cb, 0x4004_54d0, 0x4004_54d8,
];
export const SIOCGIFINDEX = 0x8933;

export interface Tap {
  readonly devices: Record<string, Device>;
  /** Frames with their headers: to be read from it, written to it. */
  readonly toRead: Uint8Array[];
  readonly written: Uint8Array[];
  /** What it was asked for: the request, and the words at its argument. */
  readonly asked: [number, ...number[]][];
}

export function createTap({
  isThere = false,
  fails = {},
}: { isThere?: boolean; fails?: Readonly<Record<number, number>> } = {}): Tap {
  const [toRead, written]: [Uint8Array[], Uint8Array[]] = [[], []];
  const asked: Tap['asked'] = [];
  const ioctl = (request: number, argument: number, memory: DataView): number => {
    const words = [TUNSETOFFLOAD, TUNSETPERSIST].includes(request)
      ? [argument]
      : Array.from({ length: request === TUNSETVNETHDRSZ ? 1 : 8 }, (_, i) =>
          memory.getUint32(argument + 4 * i, true),
        );
    asked.push([request, ...words]);
    if (request === SIOCGIFINDEX && !isThere) return -ERRORS.ENODEV;
    return fails[request] ? -fails[request] : 0;
  };
  const device: Device = {
    ioctl,
    isReadable: () => toRead.length > 0,
    read(into) {
      const frame = toRead.shift();
      if (!frame) return -ERRORS.EAGAIN;
      into.set(frame);
      // The kernel has no bytes for what a header has beyond its own 10.
      into.fill(0xaa, 10, 12);
      return frame.length;
    },
    write: (bytes) => (written.push(bytes.slice()), bytes.length),
  };
  return { devices: { '/dev/net/tun': device, socket: { ioctl } }, toRead, written, asked };
}

/** Runs the process of the network: the first fork tries the counter, the second is the child's. */
export const runNetwork = (
  image: ChannelImage,
  devices: Record<string, Device>,
  world: World,
  files: Readonly<Record<string, string>> = {},
): Ended =>
  runInNode(wasm, {
    ...{ args: ['hypberryd', 'run'], end: L.END },
    machine: createMachine(
      { '/run/': '', ...files, ...image.tree },
      { ...CHANNEL_DEVICES(image), ...devices },
    ),
    world: {
      ended: () => ({ process: COUNTER_CHILD, status: 0 }),
      counter: () => 0n,
      ...world,
      fork: (n) => (n === 0 ? COUNTER_CHILD : n === 1 ? 0 : (world.fork?.(n) ?? 0)),
    },
  });

export const isOffered = (image: ChannelImage, port: number): boolean =>
  image.view.getUint32(C.CONTROL + port * C.CONTROL_SIZE + C.HOST_CONTROL + C.OFFERED, true) === 1;

/** The hypervisor's side of the rings: what CHANNEL.md says of them, once more. */
export function createRings({ bytes, view, data }: ChannelImage, cards: readonly number[] = CARDS) {
  const control = (port: number): number => C.CONTROL + port * C.CONTROL_SIZE;
  const word = (at: number): number => view.getUint32(at, true);
  const write = (at: number, value: number): void => {
    view.setUint32(at, value, true);
  };
  /** Rings begin shortly before their counts pass 2^32. */
  const counts = [0, ...cards].map(() => 0xffff_0000);
  counts.forEach((count, port) => {
    for (const page of [control(port), control(port) + C.HOST_CONTROL])
      for (const place of [C.PUT, C.TAKEN, C.BELL_AT]) write(page + place, count);
  });
  const stepped = (length: number): number =>
    Math.ceil((C.RECORD_HEADER + length) / C.RECORD_STEP) * C.RECORD_STEP;
  return {
    /** Puts a guest's frame; gives whether there was room, and whether the bell is to be rung. */
    put(port: number, frame: Uint8Array): 'no room' | 'ring' | 'quiet' {
      const { at, size } = data[port]!;
      const old = counts[port]!;
      const rest = size - (old % size);
      const used = stepped(frame.length);
      const skipped = used > rest ? rest : 0;
      const taken = word(control(port) + C.HOST_CONTROL + C.TAKEN);
      if (skipped + used > size - ((old - taken) >>> 0)) return 'no room';
      if (skipped > 0) write(at + (old % size), C.SKIP);
      const place = at + ((old + skipped) % size);
      write(place, frame.length);
      bytes.set(frame, place + C.RECORD_HEADER);
      const now = (old + skipped + used) >>> 0;
      counts[port] = now;
      write(control(port) + C.PUT, now);
      const bellAt = word(control(port) + C.HOST_CONTROL + C.BELL_AT);
      return (now - bellAt - 1) >>> 0 < (now - old) >>> 0 ? 'ring' : 'quiet';
    },
    /** Takes what is in the uplink, at most so many records, and asks for a bell at the next. */
    take(most: number): Uint8Array[] {
      const { at, size } = data[UPLINK]!;
      const frames: Uint8Array[] = [];
      const put = word(control(UPLINK) + C.HOST_CONTROL + C.PUT);
      let taken = counts[UPLINK]!;
      while (taken !== put && frames.length < most) {
        const place = at + (taken % size);
        const length = word(place);
        if (length === C.SKIP) taken = (taken + size - (taken % size)) >>> 0;
        else {
          expect(length).toBeGreaterThan(C.NET_HEADER_SIZE);
          expect((taken % size) + stepped(length)).toBeLessThanOrEqual(size);
          frames.push(bytes.slice(place + C.RECORD_HEADER, place + C.RECORD_HEADER + length));
          taken = (taken + stepped(length)) >>> 0;
        }
        expect((put - taken) >>> 0).toBeLessThanOrEqual(size);
      }
      counts[UPLINK] = taken;
      write(control(UPLINK) + C.TAKEN, taken);
      write(control(UPLINK) + C.BELL_AT, taken);
      return frames;
    },
    control,
    write,
  };
}
