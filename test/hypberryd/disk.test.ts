/** A disk's process against the hypervisor's side of CHANNEL.md: at random, killed at random, with media that fail. */
import { describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from './wasm.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { randomFrom } from '../board/rig.js';
import type { ChannelImage, Port } from './channel-image.js';
import { channelImage, memoryOf } from './channel-image.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import type { DiskClient } from './disk-client.js';
import { createDiskClient } from './disk-client.js';
import type { Ended, Machine, World } from './kernel.js';
import { createMachine, runInNode } from './kernel.js';
import { textOf } from './programs.js';

const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const FUZZ = Number(process.env['HYPBERRY_FUZZ'] ?? 1);

const SIGTERM = 15;
const PATH = '/srv/web.img';
const SECTORS = 4096;
const COUNTER_CHILD = 60;
const wasm = hypberrydWasm();

const port = (more: Partial<Port> = {}): Port => ({ kind: C.KIND_DISK, path: PATH, ...more });
const machineOf = (image: ChannelImage, files: Readonly<Record<string, string | Uint8Array>>): Machine =>
  createMachine({ '/run/': '', ...image.tree, ...files }, CHANNEL_DEVICES(image));

/** Runs the process of port 0: the first fork tries the counter, the second is the child's. */
const runDisk = (machine: Machine, world: World): Ended =>
  runInNode(wasm, {
    ...{ args: ['hypberryd', 'run'], end: L.END, machine },
    world: {
      ended: () => ({ process: COUNTER_CHILD, status: 0 }),
      counter: () => 0n,
      ...world,
      fork: (n) => (n === 0 ? COUNTER_CHILD : 0),
    },
  });

const clientOf = (image: ChannelImage, random: (below: number) => number, disk: Uint8Array): DiskClient =>
  createDiskClient({ memory: memoryOf(image), port: 0, data: image.data[0]!, random, disk });

/** Whether a port has rung; takes that. */
function takeRing(image: ChannelImage, at: number): boolean {
  const rung = image.doorbell[at] !== 0;
  image.doorbell[at] = 0;
  return rung;
}

const contentOf = (machine: Machine, length: number): Uint8Array => {
  const { node } = machine.tree.placeOf(PATH);
  const bytes = new Uint8Array(length);
  if (node?.kind === 'file') node.content.read(0, bytes);
  return bytes;
};

interface Wanted {
  readonly type: number;
  readonly first?: number;
  readonly sectors: number;
  readonly generation: number;
  readonly place?: number;
}

/** Requests one after the other, each put when the one before is answered. */
function createScript({ view, doorbell }: ChannelImage, all: readonly Wanted[]) {
  const host = C.CONTROL + C.HOST_CONTROL;
  const statuses: number[] = [];
  let put = 0;
  const ask = (): void => {
    const { type, first = 0, sectors, generation, place = 0 } = all[put]!;
    const slot = C.CONTROL + C.REQUESTS + (put % C.SLOTS) * C.REQUEST_SIZE;
    view.setUint32(slot + C.REQUEST_TYPE, type, true);
    view.setBigUint64(slot + C.REQUEST_SECTOR, BigInt(first), true);
    view.setUint32(slot + C.REQUEST_SECTORS, sectors, true);
    view.setUint32(slot + C.REQUEST_DATA, place, true);
    view.setUint32(slot + C.REQUEST_GENERATION, generation, true);
    view.setUint32(C.CONTROL + C.PUT, ++put, true);
  };
  return {
    /** The statuses of so many answers. */
    statuses: (count: number): number[] => {
      expect(statuses).toHaveLength(count);
      return statuses;
    },
    /** Asks until so many are answered, then has the process end. */
    world: (count: number): World => ({
      idle(process) {
        if (view.getUint32(host + C.OFFERED, true) !== 1) return false;
        if (put > statuses.length) {
          expect(doorbell[0]).toBe(1);
          expect(view.getUint32(host + C.TAKEN, true)).toBe(put);
          statuses.push(view.getUint32(host + C.STATUSES + ((put - 1) % C.SLOTS) * 4, true));
          view.setUint32(C.CONTROL + C.BELL_AT, put, true);
        }
        doorbell[0] = 0;
        if (statuses.length === count) process.signal(SIGTERM);
        else {
          ask();
          process.ring(0);
        }
        return true;
      },
    }),
  };
}

/** Has the first of a call give a result instead. */
function once(name: string, result: number): NonNullable<World['before']> {
  let done = false;
  return (call) => {
    if (call !== name || done) return undefined;
    done = true;
    return result;
  };
}

interface Play {
  readonly random: (below: number) => number;
  readonly requests: number;
  /** Once in how many calls and accesses the process is killed; 0: never. */
  readonly kills: number;
  readonly before?: World['before'];
}

/** Asks for `requests` at random, whatever happens to the process; ends when all are answered. */
function play(
  machine: Machine,
  image: ChannelImage,
  client: DiskClient,
  { random, requests, kills, before }: Play,
) {
  let died = 0;
  for (;;) {
    let [isBlocked, isServing, isEnded] = [false, false, false];
    const ended = runDisk(machine, {
      before(call, process) {
        if (takeRing(image, 0)) client.takeAnswers();
        // Before that it holds its parent's lock, too.
        if (process.isChild && call === 'prctl') isServing = true;
        if (kills > 0 && isServing && random(kills) === 0) return random(2) === 0 ? 'killed' : 'killed in it';
        // What the last process had under way when it was killed may be done at any time.
        if (machine.late.length > 0 && random(300) === 0) machine.settle();
        if (client.answered + client.underWay < requests && random(8) === 0 && client.ask()) process.ring(0);
        return before?.(call, process);
      },
      idle(process) {
        if (takeRing(image, 0)) client.takeAnswers();
        if (machine.late.length > 0) {
          machine.settle();
          return false;
        }
        if (!client.offered) return false;
        if (client.answered + client.underWay < requests) {
          const before = client.underWay;
          if (client.ask()) process.ring(0);
          if (client.underWay > before) return true;
        }
        if (client.underWay > 0) {
          // A bell of the channel that was not passed on: it is in the serial port, for whoever comes.
          if (isBlocked) throw new Error(`nobody was told of ${client.underWay} requests`);
          isBlocked = true;
          return true;
        }
        process.signal(SIGTERM);
        isEnded = true;
        return true;
      },
    });
    expect(textOf(ended.stdout)).toBe('');
    if (ended.signal === null) {
      expect(ended.status).toBe(0);
      expect(isEnded).toBe(true);
      return died;
    }
    expect(ended.signal).toBe('SIGKILL');
    died++;
  }
}

describe('a disk', () => {
  test.each([SEED, SEED + 1, SEED + 2])(
    'answers what is asked at random, in its order, as a disk in memory does (seed %i)',
    (seed) => {
      const random = randomFrom(seed);
      const disk = new Uint8Array(SECTORS * C.SECTOR_SIZE).map(() => random(256));
      const image = channelImage([port()]);
      const machine = machineOf(image, { [PATH]: disk.slice() });
      const client = clientOf(image, random, disk);
      expect(play(machine, image, client, { random, requests: FUZZ * 1500, kills: 0 })).toBe(0);
      expect(client.byType.slice(0, 6).every((it) => it > 20)).toBe(true);
      expect(Buffer.compare(contentOf(machine, disk.length), disk)).toBe(0);
      expect(client.offered).toBe(false);
    },
    FUZZ * 60_000,
  );

  test.each([SEED, SEED + 1, SEED + 2])(
    'is killed anywhere and served by the next one: nothing is lost, nothing is answered twice (seed %i)',
    (seed) => {
      const random = randomFrom(1000 + seed);
      const disk = new Uint8Array(SECTORS * C.SECTOR_SIZE).map(() => random(256));
      const image = channelImage([port()]);
      const machine = machineOf(image, { [PATH]: disk.slice() });
      const client = clientOf(image, random, disk);
      const died = play(machine, image, client, { random, requests: FUZZ * 1500, kills: 200 });
      expect(died).toBeGreaterThan(FUZZ * 30);
      expect(Buffer.compare(contentOf(machine, disk.length), disk)).toBe(0);
    },
    FUZZ * 60_000,
  );

  test('has errors until its guest is started again when its medium has failed, whoever serves it', () => {
    for (const [call, first] of [
      ['fdatasync', C.TYPE_WRITE],
      ['pwrite64', C.TYPE_WRITE],
      ['fallocate', C.TYPE_DISCARD],
      ['fallocate', C.TYPE_WRITE_ZEROES],
    ] as const) {
      const image = channelImage([port()]);
      const machine = machineOf(image, { [PATH]: new Uint8Array(SECTORS * C.SECTOR_SIZE) });
      const script = createScript(image, [
        { type: first, sectors: 1, generation: 7 },
        { type: C.TYPE_FLUSH, sectors: 0, generation: 7 },
        { type: C.TYPE_READ, sectors: 1, generation: 7 },
        { type: C.TYPE_READ, sectors: 1, generation: 8 },
        { type: C.TYPE_FLUSH, sectors: 0, generation: 8 },
        { type: C.TYPE_READ, sectors: 1, generation: 7 },
      ]);
      const failing = runDisk(machine, { ...script.world(3), before: once(call, -ERRORS.EIO) });
      const wanted = call === 'fdatasync' ? C.STATUS_OK : C.STATUS_ERROR;
      expect(script.statuses(3)).toEqual([wanted, C.STATUS_ERROR, C.STATUS_ERROR]);
      expect(textOf(failing.stderr)).toMatch(
        /^hypberryd: web, disk 0, \/srv\/web\.img: writing to its medium has failed: .*\.$/m,
      );
      // Its successor, with requests of the next generation behind those of the failed one.
      expect(runDisk(machine, script.world(6)).status).toBe(0);
      expect(script.statuses(6).slice(3)).toEqual([C.STATUS_OK, C.STATUS_OK, C.STATUS_ERROR]);
    }
  });

  test('has an error, and no more, where no space is left', () => {
    const image = channelImage([port()]);
    const machine = machineOf(image, { [PATH]: new Uint8Array(SECTORS * C.SECTOR_SIZE) });
    const script = createScript(image, [
      { type: C.TYPE_WRITE, sectors: 1, generation: 1 },
      { type: C.TYPE_WRITE, sectors: 1, generation: 1 },
      { type: C.TYPE_FLUSH, sectors: 0, generation: 1 },
    ]);
    runDisk(machine, { ...script.world(3), before: once('pwrite64', -ERRORS.ENOSPC) });
    expect(script.statuses(3)).toEqual([C.STATUS_ERROR, C.STATUS_OK, C.STATUS_OK]);
  });

  test('goes on where a call does a part, or a signal interrupts it', () => {
    const [random, disk] = [randomFrom(SEED), new Uint8Array(SECTORS * C.SECTOR_SIZE)];
    const image = channelImage([port()]);
    const machine = machineOf(image, { [PATH]: disk.slice() });
    const client = clientOf(image, random, disk);
    const calls = ['pread64', 'pwrite64', 'fdatasync', 'fallocate', 'open'];
    play(machine, image, client, {
      ...{ random, requests: 300, kills: 0 },
      before: (call) => (calls.includes(call) && random(3) === 0 ? -ERRORS.EINTR : undefined),
    });
    expect(Buffer.compare(contentOf(machine, disk.length), disk)).toBe(0);
  });

  test('that its file system has no holes for is written with zeros', () => {
    const disk = new Uint8Array(SECTORS * C.SECTOR_SIZE).fill(0x55);
    for (const error of [ERRORS.EOPNOTSUPP, ERRORS.EINVAL, ERRORS.ENODEV]) {
      const image = channelImage([port()]);
      const machine = machineOf(image, { [PATH]: disk.slice() });
      const script = createScript(image, [
        { type: C.TYPE_WRITE_ZEROES, first: 1, sectors: 1200, generation: 1 },
        { type: C.TYPE_DISCARD, first: 2000, sectors: 8, generation: 1 },
        { type: C.TYPE_WRITE_ZEROES, first: 3000, sectors: 0, generation: 1 },
      ]);
      runDisk(machine, {
        ...script.world(3),
        before: (call) => (call === 'fallocate' ? -error : undefined),
      });
      expect(script.statuses(3)).toEqual([C.STATUS_OK, C.STATUS_OK, C.STATUS_OK]);
      const wanted = disk.slice();
      wanted.fill(0, C.SECTOR_SIZE, 1201 * C.SECTOR_SIZE);
      expect(Buffer.compare(contentOf(machine, disk.length), wanted)).toBe(0);
    }
  });

  test('counts the sectors that it has read and written, on from where it was, and no others', () => {
    const image = channelImage([port()]);
    const machine = machineOf(image, { [PATH]: new Uint8Array(SECTORS * C.SECTOR_SIZE) });
    const host = C.CONTROL + C.HOST_CONTROL;
    image.view.setUint32(host + C.SECTORS_READ, 1000, true);
    const script = createScript(
      image,
      [
        ...[
          { type: C.TYPE_READ, sectors: 3 },
          { type: C.TYPE_WRITE, sectors: 5 },
        ],
        ...[
          { type: C.TYPE_READ, sectors: 7 },
          { type: C.TYPE_DISCARD, sectors: 11 },
        ],
        ...[
          { type: C.TYPE_FLUSH, sectors: 0 },
          { type: C.TYPE_WRITE_ZEROES, sectors: 13 },
        ],
        // Behind its end.
        { type: C.TYPE_READ, sectors: 17, first: SECTORS },
      ].map((it) => ({ ...it, generation: 1 })),
    );
    runDisk(machine, script.world(7));
    expect(script.statuses(7)[6]).toBe(C.STATUS_ERROR);
    const count = (at: number): number => image.view.getUint32(host + at, true);
    expect([count(C.SECTORS_READ), count(C.SECTORS_WRITTEN)]).toEqual([1010, 5]);
  });

  test('that is read-only is not written', () => {
    const disk = new Uint8Array(SECTORS * C.SECTOR_SIZE).fill(0x55);
    const image = channelImage([port({ flags: C.FLAG_READ_ONLY })]);
    const machine = machineOf(image, { [PATH]: disk.slice() });
    const types = [C.TYPE_READ, C.TYPE_WRITE, C.TYPE_FLUSH, C.TYPE_DISCARD, C.TYPE_WRITE_ZEROES];
    const script = createScript(
      image,
      types.map((type) => ({ type, sectors: type === C.TYPE_FLUSH ? 0 : 1, generation: 1 })),
    );
    runDisk(machine, script.world(5));
    const { STATUS_OK: ok, STATUS_ERROR: error } = C;
    expect(script.statuses(5)).toEqual([ok, error, ok, error, error]);
    expect(Buffer.compare(contentOf(machine, disk.length), disk)).toBe(0);
    const host = C.CONTROL + C.HOST_CONTROL;
    expect(image.view.getUint32(host + C.DISK_FLAGS, true)).toBe(C.FLAG_READ_ONLY);
    expect(image.view.getUint32(host + C.SECTORS, true)).toBe(SECTORS);
  });

  test('that is not there is made, where a size is given: owned by its user alone, without its folder', () => {
    const size = 0x1_4000_0000n;
    const image = channelImage([port({ size })]);
    const machine = machineOf(image, { '/srv/': '' });
    const script = createScript(image, [
      { type: C.TYPE_WRITE, first: Number(size / 512n) - 1, sectors: 1, generation: 1 },
    ]);
    runDisk(machine, script.world(1));
    expect(script.statuses(1)).toEqual([C.STATUS_OK]);
    const { node } = machine.tree.placeOf(PATH);
    expect(node).toMatchObject({ kind: 'file', mode: 0o600 });
    expect(node?.kind === 'file' && node.content.size).toBe(Number(size));
    const host = C.CONTROL + C.HOST_CONTROL;
    expect(image.view.getBigUint64(host + C.SECTORS, true)).toBe(size / 512n);
  });

  test.each<[string, Partial<Port>, Record<string, string | Uint8Array>, RegExp]>([
    ['not there', {}, {}, /it could not be opened: it is not there\. Put it there, or give the disk a size/],
    ['in no folder', { size: 4096n }, {}, /it could not be opened: it is not there\. Make its folder\./],
    ['a folder', {}, { [`${PATH}/`]: '' }, /it could not be opened: it is a folder/],
    ['read-only and a folder', { flags: C.FLAG_READ_ONLY }, { [`${PATH}/`]: '' }, /it is neither a file nor/],
    ['empty', {}, { [PATH]: '' }, /it has no sector\./],
    [
      'hostile',
      { path: '/a\u001b[2J', name: '\u00e9\n' },
      {},
      /^hypberryd: \\xc3\\xa9\\x0a, disk 0, \/a\\x1b\[2J: /m,
    ],
  ])('that is %s is said to be so, once, and tried again', (_, more, files, said) => {
    const image = channelImage([port(more)]);
    let naps = 0;
    const ended = runDisk(machineOf(image, files), {
      idle: (process) => {
        if (++naps === 10) process.signal(SIGTERM);
        return naps === 10;
      },
    });
    expect(ended.status).toBe(0);
    const lines = textOf(ended.stderr).trimEnd().split('\n');
    expect(lines[1]).toMatch(said);
    expect(lines).toHaveLength(2);
    expect(image.view.getUint32(C.CONTROL + C.HOST_CONTROL + C.OFFERED, true)).toBe(0);
  });

  test('that another has locked is waited for; what nobody writes has several readers', () => {
    for (const [flags, kind, waits] of [
      [0, 1, true],
      [0, 2, true],
      [C.FLAG_READ_ONLY, 2, true],
      [C.FLAG_READ_ONLY, 1, false],
    ] as const) {
      const image = channelImage([port({ flags })]);
      const machine = machineOf(image, { [PATH]: new Uint8Array(4096) });
      const other = {};
      machine.locks.lock(machine.tree.placeOf(PATH).node!, other, kind, () => {
        throw new Error('it is free');
      });
      let naps = 0;
      const ended = runDisk(machine, {
        idle: (process) => {
          naps++;
          const offered = image.view.getUint32(C.CONTROL + C.HOST_CONTROL + C.OFFERED, true);
          expect(offered).toBe(waits && naps < 4 ? 0 : 1);
          if (naps === 3) machine.locks.release(other);
          if (naps === 4) process.signal(SIGTERM);
          return !waits || naps === 4;
        },
      });
      expect(ended.status).toBe(0);
      expect(textOf(ended.stderr).includes('it is locked. This waits')).toBe(waits);
    }
  });

  test('of a channel that is not as it should be ends its process, and says so', () => {
    const broken = (spoil: (image: ChannelImage) => void): Ended => {
      const image = channelImage([port()]);
      spoil(image);
      return runDisk(machineOf(image, { [PATH]: new Uint8Array(4096) }), {});
    };
    const many = broken(({ view }) => {
      view.setUint32(C.CONTROL + C.PUT, C.SLOTS + 1, true);
    });
    expect(many.status).toBe(2);
    expect(textOf(many.stderr)).toContain('more requests are under way than there are slots.');
    const outside = broken(({ view, bytes }) => {
      view.setUint32(C.PORT_RECORDS + C.PORT_DATA, bytes.length - 32, true);
    });
    expect(outside.status).toBe(2);
    expect(textOf(outside.stderr)).toContain('its data are outside the channel.');
  });

  test('does no request outside its data, whatever stands there', () => {
    const [random, image] = [randomFrom(SEED + 9), channelImage([port()])];
    const machine = machineOf(image, { [PATH]: new Uint8Array(SECTORS * C.SECTOR_SIZE) });
    // The kernel of the tests ends the test at an access outside.
    const noise = Array.from({ length: FUZZ * 2000 }, () => ({
      type: random(7),
      first: random(4) === 0 ? random(0x1_0000_0000) : random(SECTORS),
      sectors: [random(513), random(0x1_0000), random(0x1_0000_0000), 1][random(4)]!,
      generation: 1,
      place: [random(C.DISK_DATA_SIZE), C.DISK_DATA_SIZE - 32, 0, 0xffff_ffe0, random(0x1_0000_0000)][
        random(5)
      ]!,
    }));
    const script = createScript(image, noise);
    expect(runDisk(machine, script.world(noise.length)).status).toBe(0);
  });
});
