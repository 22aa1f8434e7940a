/** hypberryd's commands for guests, in Node, over a channel whose hypervisor is played here from CHANNEL.md. */
import { describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from '../../src/hypberryd/program.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import { channelImage } from './channel-image.js';
import { createMachine, runInNode } from './kernel.js';
import { textOf } from './programs.js';

const wasm = hypberrydWasm();
const TICKS_PER_SECOND = 19_200_000;
const [WEB, DB] = [1, 2];

interface State {
  does: number;
  on?: number;
  crashes?: number;
  /** Hundredths of a second. */
  busy?: number;
  seconds?: number;
  unread?: number;
  log?: Uint8Array;
}

interface Options {
  readonly states?: Record<number, State>;
  readonly stdin?: string;
  readonly guests?: readonly { name: string }[];
  readonly user?: number;
  /** What guests make of orders; default: power keys and nonsense are ignored, all else is done. */
  readonly obey?: (what: number, guest: number, states: Record<number, State>) => void;
}

const sayings = (text: string): Uint8Array => new TextEncoder().encode(text);

/** Runs a command beside guests web and db. */
function run(
  args: readonly string[],
  { states = {}, stdin = '', guests = [{ name: 'web' }, { name: 'db' }], user = 0, obey }: Options = {},
) {
  const image = channelImage(
    [
      { kind: C.KIND_UPLINK },
      { kind: C.KIND_NETWORK, guest: WEB },
      { kind: C.KIND_DISK, guest: WEB, path: '/srv/web.img' },
      { kind: C.KIND_DISK, guest: WEB, path: '/srv/"ö\u{1f600}\u0007.img', flags: C.FLAG_READ_ONLY },
    ],
    { guests },
  );
  image.view.setUint32(C.CONTROL + 2 * C.CONTROL_SIZE + C.HOST_CONTROL + C.OFFERED, 1, true);
  const orders: [what: number, guest: number, byte: number][] = [];
  let milliseconds = 0;
  const doorbell = new DataView(image.doorbell.buffer, image.doorbell.byteOffset);
  const take = (offset: number): number => {
    const word = doorbell.getUint32(offset, true);
    doorbell.setUint32(offset, 0, true);
    return word;
  };
  const turns = new Map<number, number>();
  const show = (
    n: number,
    { does, on = 1, crashes = 0, busy = 0, seconds = 0, unread = 0, log }: State,
  ): void => {
    const at = C.STATES + n * C.STATE_SIZE;
    turns.set(n, (turns.get(n) ?? 0) + 2);
    const ticks = seconds * TICKS_PER_SECOND;
    for (const [offset, value] of [
      [C.STATE_LOGGED, log?.length ?? 0],
      [C.STATE_UNREAD, unread],
      [C.STATE_TURN, turns.get(n)!],
      [C.STATE_DOES, does],
      [C.STATE_ON, on],
      [C.STATE_CRASHES, crashes],
      [C.STATE_BUSY, busy],
      [C.STATE_TICKS, ticks % 2 ** 32],
      [C.STATE_TICKS + 4, Math.floor(ticks / 2 ** 32)],
    ] as const)
      image.view.setUint32(at + offset, value, true);
    log?.slice(-C.LOG_SIZE).forEach((byte, i) => {
      const count = Math.max(0, log.length - C.LOG_SIZE) + i;
      image.bytes[C.LOGS + n * C.LOG_SIZE + (count % C.LOG_SIZE)] = byte;
    });
  };
  const done = (what: number, guest: number): void => {
    if (what === C.ORDER_START) states[guest]!.does = C.DOES_RUN;
    if (what === C.ORDER_OFF) states[guest]!.does = C.DOES_OFF;
  };
  const act = (): void => {
    const order = take(C.DOORBELL_GUEST);
    if (order !== 0) {
      const guest = (order >> C.ORDER_GUEST_SHIFT) & 0xff;
      orders.push([order & 0xff_0000, guest, order & 0xff]);
      (obey ?? done)(order & 0xff_0000, guest, states);
    }
    if (take(C.DOORBELL_STATES) !== 0)
      for (const [n, state] of Object.entries(states)) show(Number(n), state);
  };
  const ended = runInNode(wasm, {
    ...{ args: ['hypberryd', ...args], end: L.END, stdin: sayings(stdin) },
    machine: createMachine({ '/run/': '', ...image.tree }, CHANNEL_DEVICES(image)),
    world: {
      user,
      // The doorbell has been written when the next access comes.
      before: () => {
        act();
        return undefined;
      },
      time: (now) => {
        milliseconds = now;
      },
    },
  });
  act();
  return {
    status: ended.status,
    out: textOf(ended.stdout),
    bytes: ended.stdout,
    err: textOf(ended.stderr),
    orders,
    milliseconds,
  };
}

const running = (): Record<number, State> => ({
  [WEB]: { does: C.DOES_RUN, on: 1, crashes: 3, busy: 1234, seconds: 7323 },
  [DB]: { does: C.DOES_OFF, on: 0 },
});

describe('list', () => {
  test('shows state, address, CPUs, share of a core, memory and disks', () => {
    const { status, out, err } = run(['list'], { states: running() });
    expect([status, err]).toEqual([0, '']);
    // 12.34 s of 7323 s are 0.168 %.
    expect(out.split('\n').map((line) => line.split(/ {2,}/))).toEqual([
      ['Name', 'State', 'IPv4', 'CPUs', 'CPU', 'Memory', 'Disks'],
      ['web', 'running', '192.168.77.11', '1', '0.1%', '256 MiB', '2'],
      ['db', 'off', '-', '1', '-', '256 MiB', '0'],
      [''],
    ]);
    const [header, ...rows] = out.trimEnd().split('\n');
    for (const row of rows)
      for (const word of ['State', 'CPUs', 'Memory'])
        expect(row[header!.indexOf(word) - 1]! + row[header!.indexOf(word)]!).toMatch(/ [^ ]/);
  });

  test.each([
    [C.DOES_OFF, 'off'],
    [C.DOES_WAIT, 'waits for host'],
    [C.DOES_BEGIN, 'begins'],
    [C.DOES_RUN, 'running'],
    [C.DOES_PAUSE, 'crashed'],
  ])('has a word for state %i: %s', (does, word) => {
    const { out } = run(['info', 'web'], { states: { [WEB]: { does }, [DB]: { does } } });
    expect(out).toMatch(new RegExp(`^State: +${word}$`, 'm'));
  });

  test('as JSON has exact values', () => {
    const { status, out } = run(['list', '--json'], { states: running() });
    expect(status).toBe(0);

    expect(out).not.toMatch(/[^\n\x20-\x7e]/);
    const web = {
      ...{ name: 'web', state: 'running', vcpus: 1, vcpusOn: 1, memory: 2 ** 28, crashes: 3 },
      ...{ cpuTimeMs: 12_340, upTimeMs: 7_323_000, ipv4: '192.168.77.11' },
      // The kernel of the tests has no port there.
      console: null,
      disks: [
        { path: '/srv/web.img', readOnly: false, served: true },
        { path: '/srv/"ö\u{1f600}\u0007.img', readOnly: true, served: false },
      ],
    };
    const [first, second] = JSON.parse(out) as [object, object];
    expect(first).toEqual(web);
    expect(second).toMatchObject({ name: 'db', state: 'off', ipv4: null, disks: [], cpuTimeMs: 0 });
    expect(JSON.parse(run(['info', '--json', 'web'], { states: running() }).out)).toEqual(web);
  });

  test('has names alone, for completion', () => {
    expect(run(['list', '--names'])).toMatchObject({ status: 0, out: 'web\ndb\n', err: '' });
  });

  test('says where the hypervisor is too old to tell', () => {
    const { status, err } = run(['list'], { guests: [] });
    expect([status, err]).toEqual([2, expect.stringMatching(/\(guests\.old\)\nhint: .*hypberry install/)]);
  });
});

test('info says all of one', () => {
  const { out } = run(['info', 'web'], { states: running() });
  expect(out.split('\n')).toEqual([
    'Name:       web',
    'State:      running',
    'IPv4:       192.168.77.11',
    'CPUs:       1, 1 on',
    'CPU time:   12.3 s, 0.1% of a core since it was started, 2 h 2 min ago',
    'Memory:     256 MiB',
    'Crashes:    3',
    'Disk 0:     /srv/web.img, served',
    'Disk 0:     /srv/"\\xc3\\xb6\\xf0\\x9f\\x98\\x80\\x07.img, not served, read-only',
    'Console:    hypberryd console web',
    '',
  ]);
});

describe('start, stop, kill and restart', () => {
  const { ORDER_START, ORDER_POWER_KEY, ORDER_OFF } = C;
  /** Its system shuts down when it sees the key. */
  const heeds = (what: number, guest: number, states: Record<number, State>): void => {
    states[guest]!.does = what === ORDER_START ? C.DOES_RUN : C.DOES_OFF;
  };

  test('start those that are off, and no other', () => {
    expect(run(['start', 'db', 'web'], { states: running() })).toMatchObject({
      ...{ status: 0, out: 'web: is on already\ndb: started\n', err: '' },
      orders: [[ORDER_START, DB, 0]],
    });
  });

  test('stop presses the power key, and is done when the guest is off', () => {
    expect(run(['stop', 'web'], { states: running(), obey: heeds })).toMatchObject({
      status: 0,
      out: 'web: power key pressed; it is switched off in 30 s unless it has shut itself down\nweb: off\n',
      ...{ err: '', orders: [[ORDER_POWER_KEY, WEB, 0]] },
    });
  });

  test('one that does not heed it is switched off in the time that was said', () => {
    const ended = run(['stop', '--timeout', '7', 'web'], { states: running() });
    expect(ended.out).toMatch(/^web: power key pressed; it is switched off in 7 s unless .*\nweb: off\n$/);
    expect([ended.status, ended.orders]).toEqual([
      0,
      [
        [ORDER_POWER_KEY, WEB, 0],
        [ORDER_OFF, WEB, 0],
      ],
    ]);
    expect(ended.milliseconds).toBeGreaterThanOrEqual(7000);
    expect(ended.milliseconds).toBeLessThan(7500);
  });

  test('one that has not begun sees no key, and is switched off at once', () => {
    const ended = run(['stop', 'web'], {
      states: { [WEB]: { does: C.DOES_WAIT }, [DB]: { does: C.DOES_RUN } },
    });
    expect(ended).toMatchObject({ status: 0, out: 'web: off\n', orders: [[ORDER_OFF, WEB, 0]] });
  });

  test('said twice, stop and kill have nothing to do', () => {
    for (const command of ['stop', 'kill'])
      expect(run([command, 'db'], { states: running() })).toMatchObject({ status: 0, out: 'db: off\n' });
  });

  test('kill asks no guest; one that is not off in time is a failure', () => {
    expect(run(['kill', 'web'], { states: running() })).toMatchObject({
      ...{ status: 0, out: 'web: off\n', orders: [[ORDER_OFF, WEB, 0]] },
    });
    const { status, err } = run(['kill', 'web'], { states: running(), obey: () => undefined });
    expect([status, err]).toEqual([2, expect.stringMatching(/\(guests\.not-off\)/)]);
  });

  test('restart stops and starts, one that is off too', () => {
    const ended = run(['restart', 'web', 'db'], { states: running(), obey: heeds });
    expect([ended.status, ended.orders]).toEqual([
      0,
      [
        [ORDER_POWER_KEY, WEB, 0],
        [ORDER_OFF, DB, 0],
        [ORDER_START, WEB, 0],
        [ORDER_START, DB, 0],
      ],
    ]);
  });

  test.each<[string[], string]>([
    [['stop'], 'usage.no-name'],
    [['start', 'nobody'], 'guests.unknown'],
    [['stop', 'web', '--timeout'], 'usage.value'],
    [['stop', 'web', '--timeout', '-1'], 'usage.value'],
    [['stop', 'web', '--timeout', '86401'], 'usage.value'],
    [['kill', 'web', '--timeout', '1'], 'usage.too-many'],
    [['info', 'web', 'db'], 'usage.too-many'],
    [['list', 'web'], 'usage.too-many'],
    [['console', 'web', '--json'], 'usage.too-many'],
  ])('%j is refused: %s', (args, code) => {
    const { status, out, err, orders } = run(args, { states: running() });
    expect([status, out, orders]).toEqual([2, '', []]);
    expect(err).toContain(`(${code})`);
  });

  test('all of it is for root', () => {
    for (const command of ['start', 'stop', 'kill', 'restart', 'console']) {
      const { status, err, orders } = run([command, 'web'], { states: running(), user: 1000 });
      expect([status, orders]).toEqual([2, []]);
      expect(err).toContain('Only root may do that.');
    }
    const { status, err } = run(['list'], { states: running(), user: 1000 });
    expect([status, err]).toEqual([2, expect.stringContaining('(ask.failed)')]);
  });
});

describe('log and console', () => {
  test('log gives the last 64 KiB as they are', () => {
    const log = new Uint8Array(C.LOG_SIZE + 777).map((_, i) => (i * 7) % 251);
    const states = {
      [WEB]: { does: C.DOES_RUN, log },
      [DB]: { does: C.DOES_RUN, log: sayings('short\u001b]0;x') },
    };
    const { status, bytes } = run(['log', 'web'], { states });
    expect(status).toBe(0);
    expect(Buffer.compare(bytes, log.slice(777))).toBe(0);
    expect(run(['log', 'db'], { states }).out).toBe('short\u001b]0;x');
  });

  test('console shows the last line, sends what is typed, and shows what comes of it', () => {
    const states = {
      [WEB]: { does: C.DOES_RUN, log: sayings('before\r\nlogin: ') },
      [DB]: { does: C.DOES_RUN },
    };
    const { status, out, orders, err } = run(['console', 'web'], {
      ...{ states, stdin: 'root\n' },
      obey: (what, guest, all) => {
        if (what === C.ORDER_SEND) all[guest]!.log = new Uint8Array([...all[guest]!.log!, 0x2e]);
      },
    });
    expect([status, err, out]).toEqual([0, '', 'login: .....']);
    expect(orders).toEqual([...sayings('root\n')].map((byte) => [C.ORDER_SEND, WEB, byte]));
  });
});
