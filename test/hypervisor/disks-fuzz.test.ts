/** Many requests at once against a model of a disk; and guests and hosts that write anything anywhere. By seed. */
import { expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { randomFrom } from '../board/rig.js';
import { createMachineOfGuests } from './models/machine.js';
import type { Segment } from './models/virtio.js';
import {
  AVAILABLE,
  DESCRIPTORS,
  disk,
  diskMachine,
  driverOf,
  F,
  IOERR,
  NEEDS_RESET,
  OK,
  programOf,
  QUEUE_SIZE,
  R,
  SECTORS,
  T,
  takeBell,
  USED,
} from './models/virtio.js';
import { GUEST_RAM } from './payloads.js';

/** HYPBERRY_FUZZ=n makes the runs n times longer; HYPBERRY_SEED=n starts from another seed. */
const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const SECTOR = 512;
/** Where a request's buffers are: its header, then its data. */
const [AREA, HEADERS, AREA_SIZE] = [0x8_0000, 0x4_0000, 0x4_0000];
/** That many requests at once, each with an area of its own; the guest has 2 MiB. */
const AREAS = 5;

test.each([
  [1, 0],
  [2, 0],
  [2, F.EVENT_IDX],
  [2, F.INDIRECT],
  [2, F.EVENT_IDX | F.INDIRECT],
] as const)('what is written is read, version %i, features %i', (virtio, features) => {
  const random = randomFrom(SEED + features + virtio);
  const { machine, program, driver } = diskMachine({ virtio });
  const { memory } = machine;
  const file = new Uint8Array(Number(SECTORS) * SECTOR);
  /** What the guest believes; requests do not overlap in time where they would overlap in place. */
  const believed = new Uint8Array(file.length);
  driver.start(features);
  const bytes = (address: number, length: number): Uint8Array =>
    new Uint8Array(memory.buffer, address, length);
  interface UnderWay {
    readonly area: number;
    readonly head: number;
    readonly type: number;
    readonly from: number;
    readonly length: number;
    readonly pieces: readonly Segment[];
    readonly status: number;
  }
  const underWay = new Map<number, UnderWay>();
  let [taken, awake, answered, seen] = [0, true, 0, 0];
  const ask = (): void => {
    const area = [...Array(AREAS).keys()].find(
      (it) => ![...underWay.values()].some((one) => one.area === it),
    );
    if (area === undefined) return;
    const type = [T.IN, T.OUT, T.FLUSH][random(3)]!;
    const sectors = type === T.FLUSH ? 0 : 1 + random(random(4) ? 16 : 512);
    const from = random(Number(SECTORS) - sectors);
    const overlaps = ({ from: at, length, type: other }: UnderWay): boolean =>
      from * SECTOR < at + length && at < (from + sectors) * SECTOR && (type === T.OUT || other === T.OUT);
    if ([...underWay.values()].some(overlaps)) return;
    const pieces: Segment[] = [];
    const length = sectors * SECTOR;
    const most = Math.ceil(length / 20);
    for (let at = 0; at < length;) {
      const size = Math.min(length - at, 1 + most + random(0x4000));
      pieces.push({ at: AREA + area * AREA_SIZE + at, bytes: size, write: type === T.IN });
      at += size;
    }
    for (const { at, bytes: size } of pieces) {
      const it = bytes(driver.physical(at), size);
      for (let i = 0; i < size; i++) it[i] = random(256);
    }
    const head = area * 24;
    const status = driver.request(type, from, pieces, HEADERS + 64 * area, head);
    underWay.set(head, { area, head, type, from: from * SECTOR, length, pieces, status });
  };
  /** The program, as CHANNEL.md has it: awake until there is nothing, then until it is rung. */
  const serve = (): void => {
    if (takeBell(machine).includes(0)) awake = true;
    for (let n = 1 + random(4); awake && n > 0; n--) {
      if (program.put() === taken) {
        program.set(C.BELL_AT, taken);
        awake = false;
        return;
      }
      const { type, sector, sectors, data } = program.request(taken);
      const [at, length] = [Number(sector) * SECTOR, sectors * SECTOR];
      if (type === C.TYPE_READ) bytes(data, length).set(file.subarray(at, at + length));
      if (type === C.TYPE_WRITE) file.set(bytes(data, length), at);
      program.done(++taken, OK);
    }
  };
  const take = (): void => {
    if (driver.reg(R.INTERRUPT_STATUS) === 0) return;
    driver.setReg(R.INTERRUPT_ACK, 1);
    for (let news = driver.used(); news.length > 0; news = driver.used()) {
      for (const { head, written } of news) {
        const { type, from, length, pieces, status } = underWay.get(head)!;
        underWay.delete(head);
        answered++;
        expect(driver.byte(status)).toBe(OK);
        expect(written).toBe(type === T.IN ? length + 1 : 1);
        const whole = Buffer.concat(pieces.map((it) => bytes(driver.physical(it.at), it.bytes)));
        if (type === T.OUT) believed.set(whole, from);
        if (type === T.IN) expect(whole.equals(believed.subarray(from, from + length))).toBe(true);
      }
      seen += news.length;
      driver.wantInterruptAt(seen & 0xffff);
    }
  };
  for (let step = 0; step < 2000 * TIMES; step++) [ask, serve, take][random(3)]!();
  for (let rest = 0; underWay.size > 0 && rest < 1000; rest++) {
    serve();
    take();
  }
  expect(underWay.size).toBe(0);
  expect(answered).toBeGreaterThan(100);
  expect(Buffer.compare(file, believed)).toBe(0);
});

/** What nobody but its owner may change: a fingerprint of some memory. */
function fingerprint(memory: DataView, from: number, bytes: number): string {
  const words = new Uint32Array(memory.buffer, from, bytes / 4);
  let sum = 0;
  for (let i = 0; i < words.length; i++) sum = (Math.imul(sum, 31) + words[i]!) | 0;
  return `${from.toString(16)} ${sum}`;
}

test('a guest and a host that write anything reach nothing else, and others’ disks go on', () => {
  const random = randomFrom(SEED);
  const any = (): number => (random(0x1_0000) * 0x1_0000 + random(0x1_0000)) >>> 0;
  const machine = createMachineOfGuests([
    { disks: [disk(), disk(true)], cores: [1] },
    { disks: [disk()], cores: [2] },
    { cores: [3] },
  ]);
  const { memory, image } = machine;
  const programs = [0, 1, 2].map((port) => programOf(machine, port));
  for (const it of programs) it.offer();
  const hostile = driverOf(machine, 1, 0);
  const other = driverOf(machine, 2, 1);
  other.start(F.EVENT_IDX);
  const { channel } = image;
  const channelData = channel.address + channel.ports[2]!.data;
  const witness = (): string[] => [
    fingerprint(memory, image.guestMemory[1]!, 0x20_0000),
    fingerprint(memory, image.guestMemory[2]!, 0x20_0000),
    fingerprint(memory, 0x10_0000, 0x10_0000),
    fingerprint(memory, channelData, C.DISK_DATA_SIZE),
    fingerprint(memory, channel.address, C.CONTROL),
    fingerprint(memory, channel.address + C.CONTROL + 2 * C.CONTROL_SIZE, C.CONTROL_SIZE),
    fingerprint(memory, image.copies, image.hypervisor.symbols.get('zeroFrom')! - image.copies),
  ];
  /** A number that may mean something where it is written. */
  const value = (): number => {
    switch (random(6)) {
      case 0:
        return random(8);
      case 1:
        return GUEST_RAM + random(0x21_0000);
      case 2:
        return [F.EVENT_IDX, F.INDIRECT, 0xffff_ffff, 0x8000_0000][random(4)]!;
      case 3:
        return (random(QUEUE_SIZE) << 16) | random(8);
      case 4:
        return 1 << random(20);
    }
    return any();
  };
  const places = [DESCRIPTORS, AVAILABLE, USED, 0x2_0000, 0x4_0000];
  const registers = Object.values(R);
  const steps: (() => void)[] = [
    () => {
      hostile.start([0, F.EVENT_IDX, F.INDIRECT, F.EVENT_IDX | F.INDIRECT][random(4)]);
    },
    () => {
      const segments = Array.from({ length: random(6) }, (_, i) => ({
        at: random(16) ? 0x4_0000 + random(0x1_0000) : any(),
        bytes: [16, 512, 1, 4096, random(0x2000)][random(5)]!,
        write: i > random(4),
      }));
      hostile.add(segments, random(100), random(2) === 0);
    },
    () => {
      const [data, from] = [[{ at: 0x5_0000, bytes: 512 * random(9), write: random(2) === 0 }], random(2100)];
      hostile.request(
        [0, 1, 4, 8, 11, 13, 2][random(7)]!,
        from,
        data,
        0x4_0000 + 32 * random(64),
        4 * random(24),
      );
    },
    () => {
      for (let n = random(20); n >= 0; n--)
        memory.setUint32(hostile.physical(places[random(5)]! + 4 * random(0x200)), value(), true);
    },
    () => {
      driverOf(machine, 1, 0, random(3)).setReg(
        random(3) ? registers[random(registers.length)]! : 4 * random(0x80),
        value(),
      );
    },
    () => {
      driverOf(machine, 1, 0, random(3)).reg(random(0x200));
    },
    () => {
      hostile.kick();
    },
    () => {
      if (random(50) === 0) machine.hvc(1, 0x8400_0009);
      for (const it of programs.slice(0, 2)) if (random(2)) it.set(C.OFFERED, 1);
      machine.store(0, C.DOORBELL + C.DOORBELL_HOST, 1);
    },
    () => {
      // The host's program for the hostile guest's disks: any word, a likely count, or what is right.
      const it = programs[random(2)]!;
      const words = [
        C.TAKEN,
        C.BELL_AT,
        C.OFFERED,
        C.SECTORS,
        C.DISK_FLAGS,
        C.STATUSES + 4 * random(C.SLOTS),
      ];
      if (random(2)) it.set(words[random(words.length)]!, value());
      else it.set(C.TAKEN, it.put() - random(4));
      it.ring();
    },
    () => {
      machine.store(0, C.DOORBELL + 4 * random(0x400), value());
      takeBell(machine);
    },
  ];
  let [rounds, broken] = [0, 0];
  for (let step = 0; step < 3000 * TIMES; step++) {
    const before = step % 100 === 0 ? witness() : undefined;
    // Something is changed while the hypervisor is in the middle of it.
    if (random(3) === 0)
      machine.meanwhile('dmbIsh', () => {
        memory.setUint32(hostile.physical(places[random(5)]! + 4 * random(0x40)), value(), true);
      });
    if (!machine.asleep(1)) steps[random(steps.length)]!();
    else steps[7]!();
    if (before) expect(witness()).toEqual(before);
    if (!machine.asleep(1) && hostile.reg(R.STATUS) & NEEDS_RESET) broken++;
    if (step % 50 !== 0) continue;
    // The other guest's disk does what it is for.
    const head = other.used().length;
    expect(head).toBe(0);
    const status = other.request(T.IN, rounds % Number(SECTORS), [{ at: 0x5_0000, bytes: 512, write: true }]);
    programs[2]!.done(++rounds, OK);
    expect([other.byte(status), other.used()]).toEqual([OK, [{ head: 0, written: 513 }]]);
    other.wantInterruptAt(rounds & 0xffff);
  }
  expect(broken).toBeGreaterThan(10);
  // The guest itself, too, once it begins anew.
  for (const it of programs) it.offer();
  if (!machine.asleep(1)) machine.hvc(1, 0x8400_0009);
  hostile.start();
  const [mine] = programs;
  mine!.set(C.TAKEN, mine!.put());
  mine!.ring();
  const status = hostile.request(T.OUT, 0, [{ at: 0x5_0000, bytes: 512 }]);
  mine!.set(C.STATUSES + 4 * ((mine!.put() - 1) % C.SLOTS), OK);
  mine!.set(C.TAKEN, mine!.put());
  mine!.ring();
  expect([OK, IOERR]).toContain(hostile.byte(status));
  expect(hostile.used()).toEqual([{ head: 0, written: 1 }]);
});
