/** Guests' disks: what a driver sees (virtio 1.2), and the host's program (CHANNEL.md). */
import { beforeEach, describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { LOG_SIZE } from '../../src/channel/layout.js';
import { TABLE_SIZE } from '../../src/hypervisor/shared/layout.js';
import type { Machine } from './models/machine.js';
import { createMachineOfGuests } from './models/machine.js';
import type { Driver, Program, Segment } from './models/virtio.js';
import {
  ACKNOWLEDGE,
  AVAILABLE,
  BUFFERS,
  DESCRIPTORS,
  disk,
  diskMachine,
  DRIVER,
  DRIVER_OK,
  driverOf,
  F,
  FEATURES_OK,
  INDIRECT,
  IOERR,
  LEGACY,
  NEEDS_RESET,
  NEXT,
  OK,
  programOf,
  QUEUE_SIZE,
  R,
  SECTORS,
  T,
  takeBell,
  UNSUPP,
  USED,
  WRITE,
} from './models/virtio.js';
import { GICC, GICD, GUEST_RAM } from './payloads.js';

const SYSTEM_RESET = 0x8400_0009;
/** Of slot 0: QEMU's virt has SPI 16 there. */
const SPI = 48;
const GUEST = 1;

let machine: Machine;
let program: Program;
let driver: Driver;
const text = (of: Machine): string => {
  const { log } = of.image.description.consoles[0]!;
  return new TextDecoder('latin1').decode(new Uint8Array(of.memory.buffer, log, LOG_SIZE)).replace(/\0/g, '');
};
const fill = (offset: number, bytes: number, seed: number): Uint8Array => {
  const it = new Uint8Array(machine.memory.buffer, driver.physical(offset), bytes);
  it.forEach((_, i) => (it[i] = (seed + 31 * i) ^ (i >> 8)));
  return it.slice();
};
const bytesAt = (address: number, bytes: number): Uint8Array =>
  new Uint8Array(machine.memory.buffer, address, bytes).slice();
const DATA = BUFFERS + 0x1000;
const sector = (bytes: number, write = false): Segment[] => [{ at: DATA, bytes, write }];
/** Blocks of the guest's memory that HYP mode has mapped. */
const mapped = (): number => {
  const table = machine.symbol('hypTables') + TABLE_SIZE;
  const from = machine.image.guestMemory[0]! / 0x20_0000;
  return Number(machine.memory.getBigUint64(table + 8 * from, true) & 3n);
};

describe('a guest with disks', () => {
  test('begins when the host serves all of them, and says once that it waits', () => {
    machine = createMachineOfGuests([{ disks: [disk(), disk()], cores: [1] }, { cores: [2] }]);
    expect([machine.asleep(1), machine.asleep(2)]).toEqual([true, false]);
    const [first, second] = [programOf(machine, 0), programOf(machine, 1)];
    first.offer();
    machine.advance(100_000_000);
    expect(machine.asleep(1)).toBe(true);
    expect(text(machine).match(/guest-0: waits for the host/g)).toHaveLength(1);
    expect(text(machine)).not.toContain('guest-0: started');
    const asleep = machine.interrupts(1);
    machine.advance(100_000_000);
    expect(machine.interrupts(1)).toBe(asleep);
    for (const byte of [...new TextEncoder().encode('state\n')]) machine.store(0, 0x4001_0000, byte);
    expect(text(machine).match(/guest-0: waits for the host/g)).toHaveLength(2);
    second.offer();
    expect(machine.asleep(1)).toBe(false);
    expect(text(machine)).toContain('guest-0: started');
  });

  test('waits again where the host has withdrawn them, when it is started again', () => {
    ({ machine, program, driver } = diskMachine());
    program.set(C.OFFERED, 0);
    machine.hvc(GUEST, SYSTEM_RESET);
    expect(machine.asleep(GUEST)).toBe(true);
    program.offer();
    expect(machine.asleep(GUEST)).toBe(false);
    expect(program.get(C.GENERATION)).toBe(2);
  });

  test('sees it where the host serves it between its look and its saying that it waits', () => {
    ({ machine, program, driver } = diskMachine());
    program.set(C.OFFERED, 0);
    // The doorbell has come before there was anybody who waits.
    machine.meanwhile('dmb', () => {
      program.set(C.OFFERED, 1);
    });
    machine.hvc(GUEST, SYSTEM_RESET);
    expect(machine.asleep(GUEST)).toBe(false);
  });
});

describe('registers (4.2.2)', () => {
  beforeEach(() => {
    ({ machine, program, driver } = diskMachine());
  });

  test('say what the device is; of an empty slot they are 0', () => {
    expect([R.MAGIC, R.VERSION, R.DEVICE_ID].map(driver.reg)).toEqual([0x7472_6976, 2, 2]);
    const features = F.SIZE_MAX | F.SEG_MAX | F.BLK_SIZE | F.FLUSH | F.DISCARD | F.WRITE_ZEROES;
    expect(driver.reg(R.FEATURES)).toBe(features | F.INDIRECT | F.EVENT_IDX);
    driver.setReg(R.FEATURES_SEL, 1);
    expect(driver.reg(R.FEATURES)).toBe(1);
    driver.setReg(R.FEATURES_SEL, 2);
    expect(driver.reg(R.FEATURES)).toBe(0);
    expect(driver.reg(R.QUEUE_NUM_MAX)).toBe(128);
    driver.setReg(R.QUEUE_SEL, 1);
    expect(driver.reg(R.QUEUE_NUM_MAX)).toBe(0);
    expect(driver.reg(R.SHM_LEN)).toBe(0xffff_ffff);
    const empty = driverOf(machine, GUEST, 0, 2);
    empty.setReg(R.STATUS, 1);
    expect([R.MAGIC, R.VERSION, R.DEVICE_ID, R.STATUS].map(empty.reg)).toEqual([0, 0, 0, 0]);
    for (const slot of [15, 16, 31]) expect(driverOf(machine, GUEST, 0, slot).reg(R.MAGIC)).toBe(0);
  });

  test('configuration: size, segments, blocks, ranges (5.2.4); by bytes, too', () => {
    const config = (offset: number): number => driver.reg(R.CONFIG + offset);
    expect([0, 4, 8, 12, 20].map(config)).toEqual([Number(SECTORS), 0, 4096, 64, 512]);
    expect([36, 40, 48, 52].map(config)).toEqual([0x40_0000, 1, 0x8000, 1]);
    expect(machine.load(GUEST, 0x0a00_0000 + R.CONFIG + 1, 1)).toBe(Number(SECTORS) >> 8);
  });

  test('the size is as it was when the guest began', () => {
    program.offer(5n << 32n);
    expect(driver.reg(R.CONFIG)).toBe(Number(SECTORS));
    machine.hvc(GUEST, SYSTEM_RESET);
    expect([0, 4].map((at) => driver.reg(R.CONFIG + at))).toEqual([0, 5]);
  });

  test.each([
    ['by the card', true, 0],
    ['by the host', false, C.FLAG_READ_ONLY],
  ])('a disk is read-only %s', (_, readOnly, flags) => {
    machine = createMachineOfGuests([{ disks: [disk(readOnly)], cores: [1] }]);
    program = programOf(machine, 0);
    program.offer(SECTORS, flags);
    driver = driverOf(machine, GUEST);
    expect(driver.reg(R.FEATURES) & (F.RO | F.DISCARD | F.WRITE_ZEROES)).toBe(F.RO);
    driver.start(F.RO);
    const status = driver.request(T.OUT, 0, sector(512));
    expect([driver.byte(status), program.put()]).toEqual([IOERR, 0]);
    const range = driver.request(T.DISCARD, 0, sector(16));
    expect([driver.byte(range), program.put()]).toEqual([IOERR, 0]);
  });

  test('FEATURES_OK stays for features that there are, with VERSION_1', () => {
    const agree = (low: number, high: number): number => {
      driver.setReg(R.STATUS, 0);
      driver.setReg(R.STATUS, ACKNOWLEDGE | DRIVER);
      driver.setReg(R.DRIVER_FEATURES_SEL, 0);
      driver.setReg(R.DRIVER_FEATURES, low);
      driver.setReg(R.DRIVER_FEATURES_SEL, 1);
      driver.setReg(R.DRIVER_FEATURES, high);
      driver.setReg(R.STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK);
      return driver.reg(R.STATUS) & FEATURES_OK;
    };
    expect(agree(F.FLUSH, 1)).toBe(FEATURES_OK);
    expect(agree(F.FLUSH, 0)).toBe(0);
    expect(agree(F.RO, 1)).toBe(0);
    expect(agree(0, 3)).toBe(0);
    driver.setReg(R.STATUS, ACKNOWLEDGE | DRIVER | DRIVER_OK);
    expect(driver.reg(R.STATUS) & DRIVER_OK).toBe(0);
    expect(mapped()).toBe(0);
  });

  test('its memory is mapped while it is driven, and no longer', () => {
    expect(mapped()).toBe(0);
    expect(driver.start()).toBe(ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    expect(mapped()).toBe(1);
    driver.setReg(R.STATUS, 0);
    expect(mapped()).toBe(0);
    driver.start();
    machine.hvc(GUEST, SYSTEM_RESET);
    expect(mapped()).toBe(0);
    expect(driver.reg(R.STATUS)).toBe(0);
    driver.start();
    machine.hvc(GUEST, 0x8400_0008);
    expect(mapped()).toBe(0);
  });
});

describe.each([1, 2] as const)('requests (5.2.6), version %i', (virtio) => {
  beforeEach(() => {
    ({ machine, program, driver } = diskMachine({ virtio }));
    expect(driver.reg(R.VERSION)).toBe(virtio);
    expect(driver.start() & DRIVER_OK).toBe(DRIVER_OK);
  });

  test('a read: as the host has it, in the pieces of the chain', () => {
    const pieces = [
      { at: DATA + 1, bytes: 515, write: true },
      { at: DATA + 0x1000, bytes: 509, write: true },
    ];
    const status = driver.request(T.IN, 3, pieces);
    expect(program.put()).toBe(1);
    expect(takeBell(machine)).toEqual([0]);
    const it = program.request(0);
    expect([it.type, it.sector, it.sectors, it.generation]).toEqual([C.TYPE_READ, 3n, 2, 1]);
    const data = Uint8Array.from({ length: 1024 }, (_, i) => (7 * i) ^ (i >> 7));
    new Uint8Array(machine.memory.buffer, it.data, 1024).set(data);
    expect([driver.used(), driver.byte(status)]).toEqual([[], 0xff]);
    program.done(1, OK);
    expect([driver.used(), driver.byte(status)]).toEqual([[{ head: 0, written: 1025 }], OK]);
    expect(bytesAt(driver.physical(DATA + 1), 515)).toEqual(data.slice(0, 515));
    expect(bytesAt(driver.physical(DATA + 0x1000), 509)).toEqual(data.slice(515));
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(1);
    driver.setReg(R.INTERRUPT_ACK, 1);
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(0);
  });

  test('a write: its data are in the channel before the host is told', () => {
    const data = fill(DATA, 4096, 5);
    const status = driver.request(T.OUT, 8n, [
      { at: DATA, bytes: 1000 },
      { at: DATA + 1000, bytes: 3096 },
    ]);
    const it = program.request(0);
    expect([it.type, it.sector, it.sectors]).toEqual([C.TYPE_WRITE, 8n, 8]);
    expect(bytesAt(it.data, 4096)).toEqual(data);
    program.done(1, OK);
    expect([driver.used(), driver.byte(status)]).toEqual([[{ head: 0, written: 1 }], OK]);
  });

  test('flush, and ranges', () => {
    const range = (sectors: number, flags: number): void => {
      machine.memory.setBigUint64(driver.physical(DATA), 16n, true);
      machine.memory.setUint32(driver.physical(DATA + 8), sectors, true);
      machine.memory.setUint32(driver.physical(DATA + 12), flags, true);
    };
    const given: unknown[] = [];
    const ask = (type: number, data: readonly Segment[]): number => {
      const before = program.put();
      const status = driver.request(type, 0, data);
      if (program.put() === before) return driver.byte(status);
      const { type: kind, sector: from, sectors } = program.request(before);
      given.push([kind, from, sectors]);
      program.done(before + 1, OK);
      return driver.byte(status);
    };
    expect(ask(T.FLUSH, [])).toBe(OK);
    range(32, 0);
    expect(ask(T.DISCARD, sector(16))).toBe(OK);
    range(32, 1);
    expect(ask(T.DISCARD, sector(16))).toBe(UNSUPP);
    expect(ask(T.WRITE_ZEROES, sector(16))).toBe(OK);
    range(32, 2);
    expect(ask(T.WRITE_ZEROES, sector(16))).toBe(UNSUPP);
    range(Number(SECTORS), 0);
    expect(ask(T.WRITE_ZEROES, sector(16))).toBe(IOERR);
    expect(ask(T.DISCARD, sector(32))).toBe(UNSUPP);
    expect(given).toEqual([
      [C.TYPE_FLUSH, 0n, 0],
      [C.TYPE_DISCARD, 16n, 32],
      [C.TYPE_WRITE_ZEROES, 16n, 32],
    ]);
  });

  test('its name; a type that there is not', () => {
    fill(DATA, 32, 9);
    expect(driver.byte(driver.request(T.GET_ID, 0, sector(20, true)))).toBe(OK);
    expect(driver.used()).toEqual([{ head: 0, written: 21 }]);
    expect(new TextDecoder().decode(bytesAt(driver.physical(DATA), 20))).toBe('hypberry-00'.padEnd(20, '\0'));
    expect(driver.byte(driver.request(T.GET_ID, 0, sector(19, true)))).toBe(IOERR);
    expect(driver.byte(driver.request(2, 0, []))).toBe(UNSUPP);
    expect(program.put()).toBe(0);
  });

  test.each([
    ['behind the disk', T.IN, SECTORS, 512],
    ['over its end', T.OUT, SECTORS - 1n, 1024],
    ['at a number that wraps', T.IN, 0xffff_ffff_ffff_ffffn, 1024],
    ['of no sector', T.IN, 0, 0],
    ['of a part of one', T.OUT, 0, 513],
  ])('one %s is an error at once', (_, type, from, bytes) => {
    const status = driver.request(type, from, sector(bytes, type === T.IN));
    expect([driver.byte(status), program.put()]).toEqual([IOERR, 0]);
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(1);
    expect(driver.byte(driver.request(T.IN, SECTORS - 1n, sector(512, true)))).toBe(0xff);
    expect(program.put()).toBe(1);
  });

  describe('of a driver that does not keep to the sizes of segments (5.2.6.1): in parts', () => {
    /** More than the channel has for all data of a disk, and than a whole number of the largest parts. */
    const ALL = 0xd_0000 - 512;
    const PARTS = [0x4_0000, 0x4_0000, 0x4_0000, 0x1_0000 - 512];

    test('a read', () => {
      const status = driver.request(T.IN, 5n, sector(ALL, true));
      const behind = driver.request(
        T.IN,
        1n,
        [{ at: DATA - 0x800, bytes: 512, write: true }],
        BUFFERS + 64,
        8,
      );
      const disk = new Uint8Array(ALL).map((_, i) => (7 * i) ^ (i >> 9));
      let at = 0;
      for (const [n, bytes] of PARTS.entries()) {
        expect(program.put()).toBeGreaterThan(n);
        const it = program.request(n);
        expect([it.type, it.sector, it.sectors]).toEqual([C.TYPE_READ, 5n + BigInt(at / 512), bytes / 512]);
        new Uint8Array(machine.memory.buffer, it.data, bytes).set(disk.subarray(at, at + bytes));
        at += bytes;
        expect([driver.used(), driver.byte(status)]).toEqual([[], 0xff]);
        program.done(n + 1, OK);
      }
      expect([driver.used(), driver.byte(status)]).toEqual([[{ head: 0, written: ALL + 1 }], OK]);
      expect(Buffer.compare(bytesAt(driver.physical(DATA), ALL), disk)).toBe(0);
      program.done(PARTS.length + 1, OK);
      expect([driver.used(), driver.byte(behind)]).toEqual([[{ head: 8, written: 513 }], OK]);
    });

    test('a write', () => {
      const data = fill(DATA, ALL, 5);
      const status = driver.request(T.OUT, 5n, [
        { at: DATA, bytes: 0x4_1000 },
        { at: DATA + 0x4_1000, bytes: ALL - 0x4_1000 },
      ]);
      let at = 0;
      for (const [n, bytes] of PARTS.entries()) {
        const it = program.request(n);
        expect([it.type, it.sector, it.sectors]).toEqual([C.TYPE_WRITE, 5n + BigInt(at / 512), bytes / 512]);
        expect(Buffer.compare(bytesAt(it.data, bytes), data.subarray(at, at + bytes))).toBe(0);
        at += bytes;
        program.done(n + 1, OK);
      }
      expect(program.put()).toBe(PARTS.length);
      expect([driver.used(), driver.byte(status)]).toEqual([[{ head: 0, written: 1 }], OK]);
    });

    test.each([0, 2, 3])('has failed where part %i has, and the next has not', (wrong) => {
      const status = driver.request(T.OUT, 0n, sector(ALL));
      for (const n of PARTS.keys()) program.done(n + 1, n === wrong ? C.STATUS_ERROR : OK);
      expect([driver.used(), driver.byte(status)]).toEqual([[{ head: 0, written: 1 }], IOERR]);
      const next = driver.request(T.OUT, 0n, sector(512), BUFFERS + 64, 8);
      program.done(PARTS.length + 1, OK);
      expect(driver.byte(next)).toBe(OK);
    });

    test('is over the disk’s end as a whole', () => {
      const status = driver.request(T.IN, SECTORS - 1000n, sector(ALL, true));
      expect([driver.byte(status), program.put()]).toEqual([IOERR, 0]);
    });

    test('is forgotten by a reset', () => {
      driver.request(T.IN, 0n, sector(ALL, true));
      expect(program.put()).toBe(2);
      driver.start();
      program.done(2, OK);
      const status = driver.request(T.IN, 3n, sector(512, true));
      expect(program.request(2)).toMatchObject({ sector: 3n, sectors: 1 });
      program.done(3, OK);
      expect([driver.used(), driver.byte(status)]).toEqual([[{ head: 0, written: 513 }], OK]);
    });

    test.each<[string, () => void]>([
      [
        'its type',
        () => {
          machine.memory.setUint32(driver.physical(BUFFERS), T.FLUSH, true);
        },
      ],
      [
        'its chain',
        () => {
          for (const at of [AVAILABLE, LEGACY.available])
            machine.memory.setUint16(driver.physical(at + 4), 4, true);
        },
      ],
    ])('breaks the device where %s is another in the midst of it', (_, change) => {
      driver.request(T.IN, 0n, sector(ALL, true));
      change();
      program.done(1, OK);
      expect(driver.reg(R.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
      expect(driver.used()).toEqual([]);
    });

    test('is an error where it has become smaller than what is done, or not whole sectors', () => {
      const status = driver.request(T.IN, 0n, sector(ALL, true));
      machine.memory.setUint32(driver.physical(DESCRIPTORS + 16 + 8), 0x4_0000, true);
      program.done(1, OK);
      expect(driver.byte(status) === IOERR || (driver.reg(R.STATUS) & NEEDS_RESET) !== 0).toBe(true);
    });
  });

  test('what the host says of a request is its status, and of none else an error', () => {
    for (const [n, [said, is]] of [
      [C.STATUS_ERROR, IOERR],
      [C.STATUS_UNSUPPORTED, UNSUPP],
      [3, IOERR],
      [0xffff_ffff, IOERR],
    ].entries()) {
      const status = driver.request(T.FLUSH, 0, []);
      program.done(n + 1, said);
      expect(driver.byte(status)).toBe(is);
    }
  });

  test('of an error nothing is given that was read', () => {
    const before = fill(DATA, 512, 3);
    driver.request(T.IN, 0, sector(512, true));
    program.done(1, C.STATUS_ERROR);
    expect(driver.used()).toEqual([{ head: 0, written: 1 }]);
    expect(bytesAt(driver.physical(DATA), 512)).toEqual(before);
  });
});

describe('the queue (2.7)', () => {
  beforeEach(() => {
    ({ machine, program, driver } = diskMachine());
  });

  test('tables of descriptors', () => {
    driver.start(F.INDIRECT);
    const TABLE = BUFFERS + 0x800;
    const put = (n: number, at: number, bytes: number, flags: number): void => {
      const to = driver.physical(TABLE + 16 * n);
      machine.memory.setUint32(to, GUEST_RAM + at, true);
      machine.memory.setUint32(to + 8, bytes, true);
      machine.memory.setUint32(to + 12, flags, true);
    };
    const data = fill(DATA, 512, 1);
    new Uint8Array(machine.memory.buffer, driver.physical(BUFFERS), 32).fill(0);
    machine.memory.setUint32(driver.physical(BUFFERS), T.OUT, true);
    put(0, BUFFERS, 16, NEXT | (1 << 16));
    put(1, DATA, 512, NEXT | (2 << 16));
    put(2, BUFFERS + 16, 1, WRITE);
    const chain = driver.physical(DESCRIPTORS);
    machine.memory.setUint32(chain, GUEST_RAM + TABLE, true);
    machine.memory.setUint32(chain + 8, 48, true);
    machine.memory.setUint32(chain + 12, INDIRECT, true);
    driver.add([]);
    expect(program.put()).toBe(1);
    expect(bytesAt(program.request(0).data, 512)).toEqual(data);
  });

  test('without event index: flags say who wants to be told', () => {
    driver.start();
    machine.memory.setUint16(driver.physical(AVAILABLE), 1, true);
    driver.request(T.FLUSH, 0, []);
    program.done(1, OK);
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(0);
    machine.memory.setUint16(driver.physical(AVAILABLE), 0, true);
    driver.request(T.FLUSH, 0, []);
    program.done(2, OK);
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(1);
  });

  test('with event index the driver is told when the used ring goes past what it says', () => {
    driver.start(F.EVENT_IDX);
    const usedEvent = driver.physical(AVAILABLE + 4 + 2 * QUEUE_SIZE);
    machine.memory.setUint16(usedEvent, 1, true);
    driver.request(T.FLUSH, 0, []);
    program.done(1, OK);
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(0);
    driver.request(T.FLUSH, 0, []);
    program.done(2, OK);
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(1);
  });

  test.each([0, F.EVENT_IDX])(
    'while much is under way nobody is told for each, and nothing is left (%i)',
    (features) => {
      driver.start(features);
      let kicks = 0;
      const kicked = { ...driver };
      for (let n = 0; n < 30; n++) {
        const before = program.put();
        kicked.request(T.FLUSH, 0, [], BUFFERS + 32 * n, 2 * n);
        if (program.put() !== before) kicks++;
      }
      expect(kicks).toBe(8);
      let rung = 0;
      for (let n = 1; n <= 30; n++) {
        if (n > program.put()) break;
        if (program.done(n, OK)) rung++;
      }
      expect(program.put()).toBe(30);
      expect(driver.used()).toHaveLength(30);
      expect(rung).toBeLessThan(20);
    },
  );

  test('the host is told once until it wants that again', () => {
    driver.start();
    driver.request(T.FLUSH, 0, []);
    driver.request(T.FLUSH, 0, [], BUFFERS + 64, 4);
    expect(takeBell(machine)).toEqual([0]);
    driver.request(T.FLUSH, 0, [], BUFFERS + 128, 8);
    expect(takeBell(machine)).toEqual([]);
    program.set(C.BELL_AT, 3);
    driver.request(T.FLUSH, 0, [], BUFFERS + 192, 12);
    expect(takeBell(machine)).toEqual([0]);
  });

  test('interrupts come by the slot’s line', () => {
    machine.store(GUEST, GICD, 1);
    machine.store(GUEST, GICD + 0x104, 1 << (SPI - 32));
    machine.store(GUEST, GICD + 0x800 + SPI, 1, 1);
    machine.store(GUEST, GICC + 4, 0xf0);
    machine.store(GUEST, GICC, 1);
    driver.start();
    driver.request(T.FLUSH, 0, []);
    expect(machine.line(GUEST)).toBe(false);
    program.done(1, OK);
    expect(machine.line(GUEST)).toBe(true);
    expect(machine.load(GUEST, GICC + 0xc)).toBe(SPI);
    driver.setReg(R.INTERRUPT_ACK, 1);
    machine.store(GUEST, GICC + 0x10, SPI);
    expect(machine.line(GUEST)).toBe(false);
  });

  test('more requests than the channel has slots wait, and are not lost', () => {
    driver.start(F.INDIRECT | F.EVENT_IDX);
    for (let n = 0; n < 128; n++) driver.request(T.FLUSH, 0, [], BUFFERS + 32 * n, n);
    for (let done = 0; done < 128; done = Math.min(done + 7, program.put())) {
      expect(program.put() - done).toBeLessThanOrEqual(C.SLOTS);
      program.done(Math.min(done + 7, program.put()), OK);
    }
    expect([program.put(), driver.used().length]).toEqual([128, 128]);
  });

  test.each([
    ['ahead of what was put', 3],
    ['far ahead', 0x8000_0002],
    ['behind what it was', 0xffff_ffff],
  ])('a count of what is done that is %s is not taken', (_, count) => {
    driver.start();
    for (let n = 0; n < 2; n++) driver.request(T.FLUSH, 0, [], BUFFERS + 64 * n, 4 * n);
    program.setStatus(0, OK);
    program.setStatus(1, OK);
    program.set(C.TAKEN, count);
    program.ring();
    expect(driver.used()).toEqual([]);
    program.set(C.TAKEN, 2);
    program.ring();
    expect(driver.used()).toEqual([0, 4].map((head) => ({ head, written: 1 })));
  });

  test('of a guest that begins again nothing is answered, and new requests stand behind', () => {
    driver.start();
    const before = fill(DATA, 512, 3);
    driver.request(T.IN, 0, sector(512, true));
    driver.setReg(R.STATUS, 0);
    driver.start();
    const data = program.request(0).data;
    driver.request(T.IN, 4, [{ at: DATA + 512, bytes: 512, write: true }]);
    expect(program.request(1).data).not.toBe(data);
    new Uint8Array(machine.memory.buffer, data, 512).fill(0xee);
    program.done(1, OK);
    expect(driver.used()).toEqual([]);
    expect(bytesAt(driver.physical(DATA), 512)).toEqual(before);
    program.done(2, OK);
    expect(driver.used()).toEqual([{ head: 0, written: 513 }]);
  });

  const descriptor = (n: number, at: number, bytes: number, flags: number): void => {
    const to = driver.physical(DESCRIPTORS + 16 * n);
    machine.memory.setUint32(to, at, true);
    machine.memory.setUint32(to + 4, 0, true);
    machine.memory.setUint32(to + 8, bytes, true);
    machine.memory.setUint32(to + 12, flags, true);
  };
  const END = GUEST_RAM + 0x20_0000;
  /** A request's chain that is right but for where its header is. */
  const withHeaderAt = (at: number, bytes = 16): void => {
    descriptor(0, at, bytes, NEXT | (1 << 16));
    descriptor(1, GUEST_RAM + BUFFERS + 16, 1, WRITE);
  };
  test.each<[string, () => void]>([
    [
      'a chain that loops',
      () => {
        descriptor(0, GUEST_RAM + BUFFERS, 16, NEXT);
      },
    ],
    [
      'one that goes over the table',
      () => {
        descriptor(0, GUEST_RAM + BUFFERS, 16, NEXT | (QUEUE_SIZE << 16));
      },
    ],
    [
      'a buffer over the memory’s end',
      () => {
        withHeaderAt(END - 15);
      },
    ],
    [
      'a buffer behind it',
      () => {
        withHeaderAt(END + 0x1000);
      },
    ],
    [
      'a buffer before it',
      () => {
        withHeaderAt(GUEST_RAM - 8);
      },
    ],
    [
      'a length that wraps',
      () => {
        withHeaderAt(GUEST_RAM + BUFFERS, 0xffff_fff0);
      },
    ],
    [
      'an address of more than 32 bits',
      () => {
        withHeaderAt(GUEST_RAM + BUFFERS);
        machine.memory.setUint32(driver.physical(DESCRIPTORS + 4), 1, true);
      },
    ],
    [
      'no place for a status',
      () => {
        descriptor(0, GUEST_RAM + BUFFERS, 16, 0);
      },
    ],
    [
      'half a header',
      () => {
        descriptor(0, GUEST_RAM + BUFFERS, 15, NEXT | (1 << 16));
        descriptor(1, GUEST_RAM + BUFFERS, 1, WRITE);
      },
    ],
    [
      'what is written before what is read',
      () => {
        descriptor(0, GUEST_RAM + BUFFERS, 16, WRITE | NEXT | (1 << 16));
        descriptor(1, GUEST_RAM + BUFFERS, 16, 0);
      },
    ],
    [
      'a table that was not agreed upon',
      () => {
        // Of a right chain: another one's descriptors.
        descriptor(0, GUEST_RAM + DESCRIPTORS + 16 * 2, 32, INDIRECT);
        descriptor(2, GUEST_RAM + BUFFERS, 16, NEXT | (1 << 16));
        descriptor(3, GUEST_RAM + BUFFERS + 16, 1, WRITE);
      },
    ],
    [
      'an index that runs',
      () => {
        machine.memory.setUint16(driver.physical(AVAILABLE + 2), QUEUE_SIZE + 1, true);
      },
    ],
  ])('%s: the device wants a reset, and does nothing until then', (_, breakIt) => {
    driver.start();
    breakIt();
    const notify = (): void => {
      driver.setReg(R.QUEUE_NOTIFY, 0);
    };
    if (machine.memory.getUint16(driver.physical(AVAILABLE + 2), true) === 0) driver.add([], 0, true);
    else notify();
    expect(driver.reg(R.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
    expect(driver.reg(R.INTERRUPT_STATUS)).toBe(2);
    driver.setReg(R.STATUS, ACKNOWLEDGE | DRIVER | FEATURES_OK | DRIVER_OK);
    expect(driver.reg(R.STATUS) & NEEDS_RESET).toBe(NEEDS_RESET);
    notify();
    expect([program.put(), driver.used()]).toEqual([0, []]);
    driver.start();
    expect(driver.reg(R.STATUS) & NEEDS_RESET).toBe(0);
    driver.request(T.FLUSH, 0, []);
    expect(program.put()).toBe(1);
  });

  test.each([
    ['no power of 2', { size: 48 }],
    ['more than there is', { size: 256 }],
    ['empty', { size: 0 }],
    ['over the memory’s end', { desc: END - 16 }],
    ['no multiple', { used: GUEST_RAM + USED + 2 }],
    ['outside', { driver: 0x1000 }],
  ])(
    'a queue that is %s breaks the device',
    (_, wrong: Partial<Record<'size' | 'desc' | 'driver' | 'used', number>>) => {
      driver.setReg(R.QUEUE_NUM, wrong.size ?? QUEUE_SIZE);
      driver.setReg(R.DESC, wrong.desc ?? GUEST_RAM + DESCRIPTORS);
      driver.setReg(R.DRIVER, wrong.driver ?? GUEST_RAM + AVAILABLE);
      driver.setReg(R.DEVICE, wrong.used ?? GUEST_RAM + USED);
      driver.setReg(R.QUEUE_READY, 1);
      expect([driver.reg(R.QUEUE_READY), driver.reg(R.STATUS)]).toEqual([0, NEEDS_RESET]);
    },
  );
});
