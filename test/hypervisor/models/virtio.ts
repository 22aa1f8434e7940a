/**
 * The two sides of a virtio disk in the models' machine: a driver, which is in the guest's memory and at the device's
 * registers (virtio 1.2), and the host's program, which is in the channel (CHANNEL.md).
 */
import * as C from '../../../src/channel/layout.js';
import type { GuestPlan } from '../../../src/hypervisor/image/image.js';
import { BELL, GUEST_RAM, NEAR_UARTS } from '../../../src/hypervisor/shared/layout.js';
import type { Machine } from './machine.js';
import { createMachineOfGuests } from './machine.js';

export const SLOTS_BASE = 0x0a00_0000;
/** Registers (4.2.2), and those of the legacy interface (4.2.4). */
export const R = {
  ...{ MAGIC: 0, VERSION: 4, DEVICE_ID: 8, VENDOR_ID: 0xc, FEATURES: 0x10, FEATURES_SEL: 0x14 },
  ...{ DRIVER_FEATURES: 0x20, DRIVER_FEATURES_SEL: 0x24, GUEST_PAGE_SIZE: 0x28, QUEUE_SEL: 0x30 },
  ...{ QUEUE_NUM_MAX: 0x34, QUEUE_NUM: 0x38, QUEUE_ALIGN: 0x3c, QUEUE_PFN: 0x40, QUEUE_READY: 0x44 },
  ...{ QUEUE_NOTIFY: 0x50, INTERRUPT_STATUS: 0x60, INTERRUPT_ACK: 0x64, STATUS: 0x70 },
  ...{ DESC: 0x80, DRIVER: 0x90, DEVICE: 0xa0, SHM_LEN: 0xb0, GENERATION: 0xfc, CONFIG: 0x100 },
} as const;
/** Status (2.1). */
export const [ACKNOWLEDGE, DRIVER, DRIVER_OK, FEATURES_OK, NEEDS_RESET] = [1, 2, 4, 8, 64];
/** Features (5.2.3, 6). */
export const F = {
  ...{ SIZE_MAX: 1 << 1, SEG_MAX: 1 << 2, RO: 1 << 5, BLK_SIZE: 1 << 6, FLUSH: 1 << 9 },
  ...{ DISCARD: 1 << 13, WRITE_ZEROES: 1 << 14, INDIRECT: 1 << 28, EVENT_IDX: 1 << 29 },
} as const;
/** Flags of descriptors (2.7.5). */
export const [NEXT, WRITE, INDIRECT] = [1, 2, 4];
/** Types of requests, and what comes of them (5.2.6). */
export const T = { IN: 0, OUT: 1, FLUSH: 4, GET_ID: 8, DISCARD: 11, WRITE_ZEROES: 13 } as const;
export const [OK, IOERR, UNSUPP] = [0, 1, 2];
/** The disk's size unless told otherwise. */
export const SECTORS = 2048n;

/** Where the driver has its queue in the guest's memory, and from where on its buffers are. */
export const [DESCRIPTORS, AVAILABLE, USED, BUFFERS] = [0x1_0000, 0x1_2000, 0x1_4000, 0x4_0000];
export const QUEUE_SIZE = 128;
/** With indirect descriptors: where the tables of chains are, of 64 segments each at the most. */
const TABLES = 0x2_0000;
const TABLE_SIZE = 0x400;
/** A legacy queue of that size, at the page of DESCRIPTORS. */
export const LEGACY = {
  available: DESCRIPTORS + 16 * QUEUE_SIZE,
  used: DESCRIPTORS + 0x1000,
} as const;

export const disk = (readOnly = false) => ({ path: '/srv/disk', size: 1 << 20, readOnly });

/** A descriptor of a chain: where, how long, and whether the device writes it. */
export interface Segment {
  readonly at: number;
  readonly bytes: number;
  readonly write?: boolean;
}

/** The host's program, of a port. */
export interface Program {
  readonly offer: (sectors?: bigint, flags?: number) => void;
  /** How many requests were ever put. */
  readonly put: () => number;
  /** Request n's words. */
  readonly request: (n: number) => {
    readonly type: number;
    readonly sector: bigint;
    readonly sectors: number;
    /** Address of its data. */
    readonly data: number;
    readonly generation: number;
  };
  /** Says that requests up to one are done, and rings where that is wanted. Gives whether it was. */
  readonly done: (taken: number, status?: number) => boolean;
  /** Sets the status of a request alone. */
  readonly setStatus: (n: number, status: number) => void;
  readonly set: (offset: number, value: number) => void;
  readonly get: (offset: number) => number;
  readonly ring: () => void;
}

/** What both sides want of a machine: the models' one, or another. */
export type Hands = Pick<Machine, 'memory' | 'image' | 'load' | 'store'>;

export function programOf(machine: Hands, port: number): Program {
  const { memory, image } = machine;
  const channel = image.channel;
  const own = channel.address + C.CONTROL + port * C.CONTROL_SIZE;
  const host = own + C.HOST_CONTROL;
  const get = (offset: number): number => memory.getUint32(own + offset, true);
  const set = (offset: number, value: number): void => {
    memory.setUint32(host + offset, value, true);
  };
  const setStatus = (n: number, status: number): void => {
    set(C.STATUSES + 4 * (n % C.SLOTS), status);
  };
  const ring = (): void => {
    machine.store(0, C.DOORBELL + 4 * port, 1);
  };
  let taken = 0;
  return {
    ...{ get, set, setStatus, ring },
    offer: (sectors = SECTORS, flags = 0) => {
      set(C.SECTORS, Number(sectors & 0xffff_ffffn));
      set(C.SECTORS + 4, Number(sectors >> 32n));
      set(C.DISK_FLAGS, flags);
      set(C.OFFERED, 1);
      machine.store(0, C.DOORBELL + C.DOORBELL_HOST, 1);
    },
    put: () => get(C.PUT),
    request: (n) => {
      const at = C.REQUESTS + (n % C.SLOTS) * C.REQUEST_SIZE;
      return {
        type: get(at + C.REQUEST_TYPE),
        sector: BigInt(get(at + C.REQUEST_SECTOR)) | (BigInt(get(at + C.REQUEST_SECTOR + 4)) << 32n),
        sectors: get(at + C.REQUEST_SECTORS),
        data: channel.address + channel.ports[port]!.data + get(at + C.REQUEST_DATA),
        generation: get(at + C.REQUEST_GENERATION),
      };
    },
    done: (until, status) => {
      for (let n = taken; status !== undefined && n < until; n++) setStatus(n, status);
      const before = taken;
      taken = until;
      set(C.TAKEN, until);
      // virtio 1.2, 2.7.10.
      const wanted = (until - get(C.BELL_AT) - 1) >>> 0 < until - before;
      if (wanted) ring();
      return wanted;
    },
  };
}

/** A driver of a guest's device. */
export interface Driver {
  /** Says at which entry of the used ring it wants an interrupt. */
  readonly wantInterruptAt: (index: number) => void;
  readonly reg: (offset: number) => number;
  readonly setReg: (offset: number, value: number) => void;
  /** Brings the device up with these features and its queue. Gives Status then. */
  readonly start: (features?: number) => number;
  /** Makes a chain available, by the descriptors from one on; kicks where the device wants that, or is told to. */
  readonly add: (segments: readonly Segment[], first?: number, kick?: boolean) => void;
  /** A request's chain at a place of the buffers: header, data in pieces, status. */
  readonly request: (
    type: number,
    sector: bigint | number,
    data: readonly Segment[],
    at?: number,
    first?: number,
  ) => number;
  /** What was put into the used ring since it was looked at last. */
  readonly used: () => { readonly head: number; readonly written: number }[];
  /** Address of the guest's memory in the machine's. */
  readonly physical: (offset: number) => number;
  readonly byte: (offset: number) => number;
  readonly kick: () => void;
}

/**
 * @param core of the guest's CPU
 * @param n number of the guest among all, from 0
 */
export function driverOf(machine: Hands, core: number, n = 0, slot = 0): Driver {
  const { memory, image } = machine;
  const base = SLOTS_BASE + 0x200 * slot;
  const physical = (offset: number): number => image.guestMemory[n]! + offset;
  const reg = (offset: number): number => machine.load(core, base + offset);
  const setReg = (offset: number, value: number): void => {
    machine.store(core, base + offset, value);
  };
  let [features, added, seen, kicked] = [0, 0, 0, 0];
  let parts = { available: AVAILABLE, used: USED };
  const kick = (): void => {
    kicked = added;
    setReg(R.QUEUE_NOTIFY, 0);
  };
  const add: Driver['add'] = (segments, first = 0, mustKick = false) => {
    const put = (to: number, at: number, bytes: number, flags: number): void => {
      memory.setUint32(physical(to), GUEST_RAM + at, true);
      memory.setUint32(physical(to + 4), 0, true);
      memory.setUint32(physical(to + 8), bytes, true);
      memory.setUint32(physical(to + 12), flags, true);
    };
    const isIndirect = (features & F.INDIRECT) !== 0 && segments.length > 0;
    const [table, from] = isIndirect ? [TABLES + TABLE_SIZE * first, 0] : [DESCRIPTORS, first];
    segments.forEach(({ at, bytes, write }, i) => {
      const n = from + i;
      const next = i + 1 < segments.length ? NEXT | ((n + 1) << 16) : 0;
      put(table + 16 * n, at, bytes, next | (write ? WRITE : 0));
    });
    if (isIndirect) put(DESCRIPTORS + 16 * first, table, 16 * segments.length, INDIRECT);
    memory.setUint16(physical(parts.available + 4 + 2 * (added % QUEUE_SIZE)), first, true);
    added = (added + 1) & 0xffff;
    memory.setUint16(physical(parts.available + 2), added, true);
    const wanted =
      features & F.EVENT_IDX
        ? ((added - memory.getUint16(physical(parts.used + 4 + 8 * QUEUE_SIZE), true) - 1) & 0xffff) <
          ((added - kicked) & 0xffff)
        : (memory.getUint16(physical(parts.used), true) & 1) === 0;
    if (wanted || mustKick) kick();
  };
  return {
    ...{ reg, setReg, physical, add, kick },
    start: (wanted = 0) => {
      const legacy = reg(R.VERSION) === 1;
      [features, added, seen, kicked] = [wanted, 0, 0, 0];
      parts = legacy ? LEGACY : { available: AVAILABLE, used: USED };
      new Uint8Array(memory.buffer, memory.byteOffset + physical(DESCRIPTORS), 0x8000).fill(0);
      setReg(R.STATUS, 0);
      setReg(R.STATUS, ACKNOWLEDGE | DRIVER);
      setReg(R.DRIVER_FEATURES_SEL, 0);
      setReg(R.DRIVER_FEATURES, wanted);
      if (legacy) setReg(R.GUEST_PAGE_SIZE, 0x1000);
      else {
        setReg(R.DRIVER_FEATURES_SEL, 1);
        setReg(R.DRIVER_FEATURES, 1);
        setReg(R.STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
      }
      setReg(R.QUEUE_SEL, 0);
      setReg(R.QUEUE_NUM, QUEUE_SIZE);
      if (legacy) {
        setReg(R.QUEUE_ALIGN, 0x1000);
        setReg(R.QUEUE_PFN, (GUEST_RAM + DESCRIPTORS) / 0x1000);
      } else {
        setReg(R.DESC, GUEST_RAM + DESCRIPTORS);
        setReg(R.DRIVER, GUEST_RAM + AVAILABLE);
        setReg(R.DEVICE, GUEST_RAM + USED);
        setReg(R.QUEUE_READY, 1);
      }
      setReg(R.STATUS, reg(R.STATUS) | DRIVER_OK);
      return reg(R.STATUS);
    },
    request: (type, sector, data, at = BUFFERS, first = 0) => {
      memory.setUint32(physical(at), type, true);
      memory.setUint32(physical(at + 4), 0, true);
      memory.setBigUint64(physical(at + 8), BigInt(sector), true);
      memory.setUint8(physical(at + 16), 0xff);
      add([{ at, bytes: 16 }, ...data, { at: at + 16, bytes: 1, write: true }], first);
      return at + 16;
    },
    used: () => {
      const put = memory.getUint16(physical(parts.used + 2), true);
      const news = [];
      for (; seen !== put; seen = (seen + 1) & 0xffff) {
        const entry = physical(parts.used + 4 + 8 * (seen % QUEUE_SIZE));
        news.push({ head: memory.getUint32(entry, true), written: memory.getUint32(entry + 4, true) });
      }
      return news;
    },
    wantInterruptAt: (index) => {
      memory.setUint16(physical(parts.available + 4 + 2 * QUEUE_SIZE), index, true);
    },
    byte: (offset) => memory.getUint8(physical(offset)),
  };
}

/** The host's end of the bell: the numbers of ports that have rung, until there are no more. */
export function takeBell(machine: Hands): number[] {
  const bell = NEAR_UARTS + 0x1000 * BELL;
  const ports: number[] = [];
  while ((machine.load(0, bell + 0x18) & 0x10) === 0) ports.push(machine.load(0, bell));
  return ports;
}

/** A guest with a disk on core 1, started, and both its sides. */
export function diskMachine(plan: Partial<GuestPlan> = {}): {
  readonly machine: Machine;
  readonly program: Program;
  readonly driver: Driver;
} {
  const machine = createMachineOfGuests([{ disks: [disk()], cores: [1], ...plan }]);
  const program = programOf(machine, 0);
  program.offer();
  return { machine, program, driver: driverOf(machine, 1) };
}
