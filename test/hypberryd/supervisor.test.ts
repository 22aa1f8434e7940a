/** The service itself: its children, its bell, its clock, how it begins and ends. */
import { describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from './wasm.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import type { ChannelImage, Port } from './channel-image.js';
import { BELL, channelImage } from './channel-image.js';
import type { Device, Ended, Machine, Process, World } from './kernel.js';
import { createMachine, FIRST_SECOND, runInNode } from './kernel.js';
import { textOf } from './programs.js';

const [SIGHUP, SIGINT, SIGILL, SIGTERM, SIGCHLD] = [1, 2, 4, 15, 17];
const wasm = hypberrydWasm();
const COUNTER_CHILD = 60;
/** The child of the n-th fork, of which the first is that of the counter. */
const childOf = (n: number): number => COUNTER_CHILD + n;

const ports: Port[] = [
  { kind: C.KIND_UPLINK, name: '' },
  { kind: C.KIND_NETWORK },
  { kind: C.KIND_DISK, path: '/srv/a' },
  { kind: C.KIND_NETWORK, name: 'db' },
  { kind: C.KIND_DISK, path: '/srv/b', name: 'db' },
];
const [NETWORK, DISK_A, DISK_B] = [0, 2, 4];

const machineOf = (
  image: ChannelImage,
  more: Record<string, Device> = {},
  files: Record<string, string> = { '/run/': '' },
): Machine => createMachine({ ...files, ...image.tree }, { ...CHANNEL_DEVICES(image), ...more });

/** Runs the supervisor alone: its children are numbers. */
function supervise(
  machine: Machine,
  { counterEnded = 0, ...world }: World & { counterEnded?: number },
): Ended {
  let counted = false;
  return runInNode(wasm, {
    ...{ args: ['hypberryd', 'run'], end: L.END, machine },
    world: {
      counter: () => 0x1_2345_6789n,
      fork: childOf,
      ...world,
      ended: () => {
        if (counted) return world.ended?.();
        counted = true;
        return { process: COUNTER_CHILD, status: counterEnded };
      },
    },
  });
}
const lines = ({ stderr }: Ended): string[] => textOf(stderr).trimEnd().split('\n');

describe('hypberryd run', () => {
  test.each([SIGTERM, SIGINT, SIGHUP])('has its children end, and ends, by signal %i', (signal) => {
    const image = channelImage(ports);
    const killed: [number, number][] = [];
    const ended = supervise(machineOf(image), {
      idle: (process) => (process.signal(signal), true),
      kill: (process, sent) => killed.push([process, sent]),
      ended: () => {
        // All are waited for, before it ends.
        expect(killed).toHaveLength(3);
        return undefined;
      },
      before: (call) => (call === 'wait4' && killed.length === 3 ? -ERRORS.ECHILD : undefined),
    });
    expect(ended.status).toBe(0);
    expect(killed).toEqual([1, 2, 3].map((n) => [childOf(n), SIGTERM]));
    expect(lines(ended)).toEqual([
      'hypberryd: serving the guests of this card.',
      'hypberryd: ended; guests wait until it is started again.',
    ]);
  });

  test('passes bells on: of disks to their own children, of all network cards to the one of the network', () => {
    const image = channelImage(ports);
    const bytes: number[] = [];
    const bell: Device = {
      read: (into) => {
        const some = bytes.splice(0, into.length);
        into.set(some);
        return some.length || -ERRORS.EAGAIN;
      },
      ioctl: () => 0,
      isReadable: () => bytes.length > 0,
    };
    const rung = (process: Process): bigint[] => [0, 1, 2].map((n) => process.rung(n));
    const seen: bigint[][] = [];
    // Bells of ports that there are none of do nothing; 300 bytes are more than one read takes.
    const batches = [[DISK_A], [1, 3, DISK_B], [NETWORK], [9, 23, 255], Array(300).fill(DISK_A)];
    supervise(machineOf(image, { [`/dev/${BELL}`]: bell }), {
      idle: (process) => {
        seen.push(rung(process));
        const next = batches.shift();
        if (next) bytes.push(...(next as number[]));
        else process.signal(SIGTERM);
        return true;
      },
      before: (call, process) => (call === 'wait4' && process.rung(1) > 0n ? -ERRORS.ECHILD : undefined),
    });
    expect(seen).toEqual([
      [0n, 0n, 0n],
      [0n, 1n, 0n],
      [1n, 1n, 1n],
      [2n, 1n, 1n],
      [2n, 1n, 1n],
      [2n, 2n, 1n],
    ]);
  });

  test('starts a child again, later each time, and says so; its port is not offered meanwhile', () => {
    const image = channelImage(ports.slice(DISK_A, DISK_A + 1));
    const offered = C.CONTROL + C.HOST_CONTROL + C.OFFERED;
    const [starts, ends]: [number[], number[]] = [[], []];
    const buried = new Set<number>();
    let [dead, time, over]: [number | undefined, number, boolean] = [undefined, 0, false];
    const ended = supervise(machineOf(image), {
      fork: (n) => {
        if (n > 0) starts.push(time);
        image.view.setUint32(offered, 1, true);
        return childOf(n);
      },
      idle: (process) => {
        if (starts.length === 15) {
          process.signal(SIGTERM);
          return (over = true);
        }
        // The last one that was started ends at once; one of them lives for long.
        if (dead === childOf(starts.length)) return false;
        if (starts.length === 12 && time - starts[11]! < 70_000) return false;
        process.signal(SIGCHLD);
        ends.push(time);
        dead = childOf(starts.length);
        return true;
      },
      ended: () => {
        const isNew = dead !== undefined && !buried.has(dead);
        if (!isNew) return undefined;
        buried.add(dead!);
        return { process: dead!, status: starts.length % 2 ? 9 : 2 << 8 };
      },
      before: (call) => {
        if (call === 'fork' && starts.length > 0) expect(image.view.getUint32(offered, true)).toBe(0);
        if (call === 'wait4' && over) return -ERRORS.ECHILD;
        return undefined;
      },
      time: (milliseconds) => {
        time = milliseconds;
      },
    });
    expect(ended.status).toBe(0);
    expect(starts.slice(1).map((it, i) => it - ends[i]!)).toEqual([
      ...[100, 200, 400, 800, 1600, 3200, 6400, 12_800, 25_600, 51_200, 60_000, 100, 200, 400],
    ]);
    expect(lines(ended).slice(1, 3)).toEqual([
      'hypberryd: web, disk 0: its process has ended, signal 9. It is started again in 100 ms; its guests wait.',
      'hypberryd: web, disk 0: its process has ended, status 2. It is started again in 200 ms; its guests wait.',
    ]);
  });

  test.each([
    ['an error', -ERRORS.EIO],
    ['its end', 0],
  ])('ends, and has its children end, where the bell gives %s', (_, result) => {
    const image = channelImage(ports);
    const killed: number[] = [];
    let reads = 0;
    const bell: Device = {
      read: () => {
        // Once it has been told, it does not read on.
        if (++reads > 1) throw new Error('it is read again');
        return result;
      },
      ioctl: () => 0,
      isReadable: () => true,
    };
    const ended = supervise(machineOf(image, { [`/dev/${BELL}`]: bell }), {
      kill: (process) => killed.push(process),
      before: (call) => (call === 'wait4' && killed.length === 3 ? -ERRORS.ECHILD : undefined),
    });
    expect([ended.status, killed]).toEqual([2, [1, 2, 3].map(childOf)]);
    expect(lines(ended)[1]).toMatch(/^error: The bell could not be read: .*\. \(run\.system\)$/);
  });

  test('waits for its children on, whatever interrupts that', () => {
    const image = channelImage(ports);
    const results = [-ERRORS.EINTR, childOf(1), childOf(2), -ERRORS.EINTR, childOf(3)];
    let isOver = false;
    const ended = supervise(machineOf(image), {
      idle: (process) => (process.signal(SIGTERM), (isOver = true)),
      before: (call) => (call === 'wait4' && isOver ? (results.shift() ?? -ERRORS.ECHILD) : undefined),
    });
    expect([ended.status, results]).toEqual([0, []]);
  });

  test('has no process while the kernel gives none, and tries again each 100 ms', () => {
    const image = channelImage(ports.slice(DISK_A, DISK_A + 1));
    const tries: number[] = [];
    let [time, isOver] = [0, false];
    const ended = supervise(machineOf(image), {
      fork: (n) => {
        if (n === 0) return childOf(n);
        tries.push(time);
        return tries.length < 4 ? -ERRORS.EAGAIN : childOf(n);
      },
      idle: (process) => {
        if (tries.length < 4) return false;
        process.signal(SIGTERM);
        return (isOver = true);
      },
      before: (call) => (call === 'wait4' && isOver ? -ERRORS.ECHILD : undefined),
      time: (milliseconds) => {
        time = milliseconds;
      },
    });
    expect(ended.status).toBe(0);
    expect(tries.map((it) => it - tries[0]!)).toEqual([0, 100, 200, 300]);
  });

  test('names the network where its process has ended, and no card is offered any more', () => {
    const image = channelImage(ports);
    const offered = (port: number): number =>
      image.view.getUint32(C.CONTROL + port * C.CONTROL_SIZE + C.HOST_CONTROL + C.OFFERED, true);
    let step = 0;
    const ended = supervise(machineOf(image), {
      idle: (process) => {
        if (step++ === 0) {
          for (let port = 0; port < ports.length; port++)
            image.view.setUint32(C.CONTROL + port * C.CONTROL_SIZE + C.HOST_CONTROL + C.OFFERED, 1, true);
          process.signal(SIGCHLD);
          return true;
        }
        process.signal(SIGTERM);
        return true;
      },
      ended: () => (step === 1 ? (step++, { process: childOf(1), status: 1 << 8 }) : undefined),
      before: (call) => (call === 'wait4' && step > 2 ? -ERRORS.ECHILD : undefined),
    });
    expect(ended.status).toBe(0);
    expect(ports.map((_, port) => offered(port))).toEqual([0, 0, 1, 0, 1]);
    expect(lines(ended)[1]).toBe(
      'hypberryd: the network: its process has ended, status 1. It is started again in 100 ms; its guests wait.',
    );
  });

  test('keeps its lock in /var/run where there is no /run', () => {
    const image = channelImage(ports);
    const machine = machineOf(image, {}, { '/var/run/': '' });
    let isOver = false;
    const ended = supervise(machine, {
      idle: (process) => (process.signal(SIGTERM), (isOver = true)),
      before: (call) => (call === 'wait4' && isOver ? -ERRORS.ECHILD : undefined),
    });
    expect(ended.status).toBe(0);
    expect(machine.tree.placeOf('/var/run/hypberryd.lock').node).toBeDefined();
  });

  test.each(['eventfd2', 'signalfd4'])('says what is wrong where the kernel has no %s to give', (refused) => {
    const image = channelImage(ports);
    const ended = supervise(machineOf(image), {
      before: (call) => (call === refused ? -ERRORS.EMFILE : undefined),
    });
    expect(ended.status).toBe(2);
    expect(lines(ended)[0]).toMatch(/^error: The processes could not be prepared: .*\. \(run\.system\)$/);
  });

  test('says version, time, count and random bytes at once, and the time every minute', () => {
    const image = channelImage(ports);
    const host = (at: number): number => image.view.getUint32(C.HOST_PAGE + at, true);
    let naps = 0;
    const [times, turns]: [number[], number[]] = [[], []];
    supervise(machineOf(image), {
      idle: (process) => {
        expect(image.doorbell[C.DOORBELL_HOST]).toBe(1);
        image.doorbell[C.DOORBELL_HOST] = 0;
        times.push(host(C.HOST_SECONDS));
        turns.push(host(C.HOST_TURN));
        if (++naps < 4) return false;
        process.signal(SIGTERM);
        return true;
      },
      before: (call) => (call === 'wait4' && naps === 4 ? -ERRORS.ECHILD : undefined),
    });
    expect(times).toEqual([0, 60, 120, 180].map((it) => FIRST_SECOND + it));
    expect(turns).toEqual([2, 4, 6, 8]);
    expect(host(C.HOST_VERSION)).toBe(C.VERSION);
    expect([host(C.HOST_COUNT), host(C.HOST_COUNT + 4)]).toEqual([0x2345_6789, 1]);
    const random = image.bytes.subarray(C.HOST_PAGE + C.HOST_RANDOM);
    expect([...random.subarray(0, C.RANDOM_SIZE)]).toEqual(
      Array.from({ length: C.RANDOM_SIZE }, (_, i) => (i * 7 + 1) & 0xff),
    );
    expect(random[C.RANDOM_SIZE]).toBe(0);
  });

  test('says the time at once when somebody has set the clock', () => {
    const image = channelImage(ports);
    const times: number[] = [];
    let isOver = false;
    supervise(machineOf(image), {
      idle: (process) => {
        times.push(image.view.getUint32(C.HOST_PAGE + C.HOST_SECONDS, true));
        if (times.length === 1) process.setClock(86_400);
        else if (times.length === 2) process.setClock(-172_800);
        else {
          isOver = true;
          process.signal(SIGTERM);
        }
        return true;
      },
      before: (call) => (call === 'wait4' && isOver ? -ERRORS.ECHILD : undefined),
    });
    expect(times).toEqual([0, 86_400, -86_400].map((it) => FIRST_SECOND + it));
  });

  test('says no count where reading it ends a process', () => {
    const image = channelImage(ports);
    let isOver = false;
    const ended = supervise(machineOf(image), {
      counter: () => {
        throw new Error('it may not be read');
      },
      idle: (process) => (process.signal(SIGTERM), (isOver = true)),
      before: (call) => (call === 'wait4' && isOver ? -ERRORS.ECHILD : undefined),
      counterEnded: SIGILL,
    });
    expect(ended.status).toBe(0);
    expect(image.view.getUint32(C.HOST_PAGE + C.HOST_COUNT, true)).toBe(0);
  });

  test('has the bell raw, and for itself alone', () => {
    const image = channelImage(ports);
    const asked: number[] = [];
    let termios: number[] = [];
    let isOver = false;
    supervise(
      machineOf(image, {
        [`/dev/${BELL}`]: {
          isReadable: () => false,
          ioctl: (request, argument, memory) => {
            asked.push(request);
            if (request === 0x5402) termios = [...new Uint8Array(memory.buffer, argument, 36)];
            return 0;
          },
        },
      }),
      {
        idle: (process) => (process.signal(SIGTERM), (isOver = true)),
        before: (call) => (call === 'wait4' && isOver ? -ERRORS.ECHILD : undefined),
      },
    );
    expect(asked).toEqual([0x5402, 0x540c]);
    // Input: IGNBRK, IGNPAR. Nothing else is changed. 115200 8N1, no modem lines. No echo. VMIN 1, VTIME 0.
    const cflag = 0o10002 | 0o60 | 0o200 | 0o4000;
    expect(termios).toEqual([
      ...[1 | 4, 0, 0, 0],
      ...[0, 0, 0, 0],
      ...[cflag & 0xff, cflag >> 8, 0, 0],
      ...[0, 0, 0, 0],
      ...[0, ...Array.from({ length: 19 }, (_, i) => (i === 6 ? 1 : 0))],
    ]);
  });

  test.each<[string, (image: ChannelImage) => Machine, string]>([
    [
      'of no channel',
      () => createMachine({ '/run/': '', '/proc/device-tree/model': 'Raspberry Pi 2' }),
      'error: No hypervisor with a channel is under this system. (channel.absent)',
    ],
    [
      // As where /sys is not mounted, which it is a link into.
      'of no device tree',
      () => createMachine({ '/run/': '' }),
      'error: The device tree could not be read, /proc/device-tree: it is not there. (channel.tree)',
    ],
    [
      'of a version that it does not know',
      () => machineOf(channelImage(ports, { version: 2 })),
      'error: The image on the card has version 2 of the channel, this program has 1. (channel.version)',
    ],
    [
      'of what is no channel',
      (image) => {
        image.bytes.fill(0, 0, 4);
        return machineOf(image);
      },
      'error: There is no channel where the device tree has one, or not a whole one. (channel.broken)',
    ],
    [
      'of a bell that is no serial port',
      (image) =>
        createMachine(
          { '/run/': '', ...image.tree, '/proc/tty/driver/ttyAMA': 'serinfo:1.0 driver revision:\n' },
          CHANNEL_DEVICES(image),
        ),
      'error: The bell is not among the serial ports, /proc/tty/driver/ttyAMA: it is not there. (run.bell)',
    ],
    [
      'of no /dev/mem',
      (image) => createMachine({ '/run/': '', ...image.tree }),
      'error: The channel could not be opened: it is not there. (channel.open)',
    ],
    [
      'of a bell that is not there',
      (image) =>
        createMachine({ '/run/': '', ...image.tree }, { '/dev/mem': CHANNEL_DEVICES(image)['/dev/mem']! }),
      `error: The bell, /dev/${BELL}, could not be opened: it is not there. (run.bell)`,
    ],
    [
      'of no place for its lock',
      (image) => machineOf(image, {}, {}),
      'error: The lock /run/hypberryd.lock could not be had: it is not there. (run.lock)',
    ],
    [
      'that runs already',
      (image) => {
        const machine = machineOf(image, {}, { '/run/hypberryd.lock': '' });
        machine.locks.lock(machine.tree.placeOf('/run/hypberryd.lock').node!, {}, 2, () => {
          throw new Error('it is free');
        });
        return machine;
      },
      'error: hypberryd runs already. (run.twice)',
    ],
  ])('says what is wrong %s, and what to do', (_, machine, said) => {
    const image = channelImage(ports);
    const ended = supervise(machine(image), {});
    expect(ended.status).toBe(2);
    expect(lines(ended)[0]).toBe(said);
    expect(lines(ended)[1]).toMatch(/^hint: {2}\S.*\.$/);
    expect(lines(ended)).toHaveLength(2);
  });
});
