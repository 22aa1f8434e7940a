/** hypberryd's commands for guests, in Node, over a channel whose hypervisor is played here from CHANNEL.md. */
import { describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from './wasm.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import { channelImage, memoryOf } from './channel-image.js';
import { createMachine, type Device, runInNode } from './kernel.js';
import { type GuestStates, type Obey, playGuests } from './played-guests.js';
import { textOf } from './programs.js';

const wasm = hypberrydWasm();
const [WEB, DB] = [1, 2];

interface Options {
  readonly states?: GuestStates;
  /** What is typed, or read; where it is a terminal, so much at once. */
  readonly stdin?: string;
  readonly terminal?: number;
  /** When time has passed. */
  readonly time?: () => void;
  readonly guests?: readonly { name: string }[];
  readonly user?: number;
  /** Words of the host's control pages: port, offset, value. */
  readonly words?: readonly (readonly [port: number, offset: number, value: number])[];
  readonly files?: Readonly<Record<string, string>>;
  readonly before?: (call: string) => number | undefined;
  /** What guests make of orders; default: power keys and nonsense are ignored, all else is done. */
  readonly obey?: Obey;
}

const sayings = (text: string): Uint8Array => new TextEncoder().encode(text);

/** A terminal at which something is typed, so many bytes at once; then nothing more. */
function terminalOf(text: string, atOnce: number): Device {
  const typed = [...sayings(text)];
  return {
    ioctl: () => 0,
    isReadable: () => typed.length > 0,
    read(into) {
      const bytes = typed.splice(0, Math.min(atOnce, into.length));
      into.set(bytes);
      return bytes.length;
    },
  };
}

/** Runs a command beside guests web and db. */
function run(
  args: readonly string[],
  {
    states = {},
    stdin = '',
    terminal = 0,
    time,
    guests = [{ name: 'web' }, { name: 'db' }],
    user = 0,
    words = [],
    files = {},
    before,
    obey,
  }: Options = {},
) {
  const image = channelImage(
    [
      { kind: C.KIND_UPLINK },
      { kind: C.KIND_NETWORK, guest: WEB },
      { kind: C.KIND_DISK, guest: WEB, path: '/srv/web.img' },
      { kind: C.KIND_DISK, guest: WEB, disk: 1, path: '/srv/"ö\u{1f600}\u0007.img', flags: C.FLAG_READ_ONLY },
    ],
    { guests },
  );
  for (const [port, offset, value] of [[2, C.OFFERED, 1] as const, ...words])
    image.view.setUint32(C.CONTROL + port * C.CONTROL_SIZE + C.HOST_CONTROL + offset, value, true);
  const played = playGuests(
    memoryOf(image),
    memoryOf({ ...image, bytes: image.doorbell, view: new DataView(image.doorbell.buffer) }),
    states,
    obey,
  );
  let milliseconds = 0;
  const machine = createMachine({ '/run/': '', ...files, ...image.tree }, CHANNEL_DEVICES(image));
  const ended = runInNode(wasm, {
    ...{ args: ['hypberryd', ...args], end: L.END, machine },
    stdin: terminal > 0 ? terminalOf(stdin, terminal) : sayings(stdin),
    world: {
      user,
      // The doorbell has been written when the next access comes.
      before: (call) => {
        played.act();
        return before?.(call);
      },
      time: (now) => {
        milliseconds = now;
        time?.();
      },
    },
  });
  played.act();
  return {
    status: ended.status,
    out: textOf(ended.stdout),
    bytes: ended.stdout,
    err: textOf(ended.stderr),
    orders: played.orders,
    milliseconds,
    fileAt: (path: string): { text: string; mode: number } | undefined => {
      const { node } = machine.tree.placeOf(path);
      if (node?.kind !== 'file') return undefined;
      const bytes = new Uint8Array(node.content.size);
      node.content.read(0, bytes);
      return { text: textOf(bytes), mode: node.mode };
    },
  };
}

const running = (): GuestStates => ({
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
      ...{ cpuTimeMs: 12_340, upTimeMs: 7_323_000, ipv4: '192.168.77.11', autostart: true },
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
    'Autostart:  yes',
    'Crashes:    3',
    'Disk 0:     /srv/web.img, served',
    'Disk 1:     /srv/"\\xc3\\xb6\\xf0\\x9f\\x98\\x80\\x07.img, not served, read-only',
    'Console:    hypberryd console web',
    '',
  ]);
});

describe('metrics', () => {
  /** The uplink's port, web's network card and its first disk. */
  const [CARD, DISK] = [1, 2];
  const words = [
    [DISK, C.TAKEN, 4_000_000_000],
    [DISK, C.SECTORS_READ, 2 ** 32 - 1],
    [DISK, C.SECTORS_WRITTEN, 3],
    [CARD, C.OFFERED, 1],
    // 2^33 + 5, and 2^31 + 1: bit 31 stands in both words.
    [CARD, C.BYTES_RECEIVED, 5],
    [CARD, C.BYTES_RECEIVED + 4, 4],
    [CARD, C.BYTES_SENT, 2 ** 31 + 1],
    [CARD, C.BYTES_SENT + 4, 1],
  ] as const;
  const wanted = `# HELP hypberry_guest_state Whether it is in that state.
# TYPE hypberry_guest_state gauge
hypberry_guest_state{guest="web",state="off"} 0
hypberry_guest_state{guest="web",state="waits for host"} 0
hypberry_guest_state{guest="web",state="begins"} 0
hypberry_guest_state{guest="web",state="running"} 1
hypberry_guest_state{guest="web",state="crashed"} 0
hypberry_guest_state{guest="db",state="off"} 1
hypberry_guest_state{guest="db",state="waits for host"} 0
hypberry_guest_state{guest="db",state="begins"} 0
hypberry_guest_state{guest="db",state="running"} 0
hypberry_guest_state{guest="db",state="crashed"} 0
# HELP hypberry_guest_vcpus Its virtual CPUs.
# TYPE hypberry_guest_vcpus gauge
hypberry_guest_vcpus{guest="web"} 1
hypberry_guest_vcpus{guest="db"} 1
# HELP hypberry_guest_memory_bytes Its memory.
# TYPE hypberry_guest_memory_bytes gauge
hypberry_guest_memory_bytes{guest="web"} 268435456
hypberry_guest_memory_bytes{guest="db"} 268435456
# HELP hypberry_guest_crashes_total Its crashes.
# TYPE hypberry_guest_crashes_total counter
hypberry_guest_crashes_total{guest="web"} 3
hypberry_guest_crashes_total{guest="db"} 0
# HELP hypberry_guest_cpu_seconds_total Time of cores since its start.
# TYPE hypberry_guest_cpu_seconds_total counter
hypberry_guest_cpu_seconds_total{guest="web"} 12.34
hypberry_guest_cpu_seconds_total{guest="db"} 0.00
# HELP hypberry_guest_uptime_seconds Time since its start.
# TYPE hypberry_guest_uptime_seconds gauge
hypberry_guest_uptime_seconds{guest="web"} 7323.00
hypberry_guest_uptime_seconds{guest="db"} 0.00
# HELP hypberry_guest_disk_served Whether it is served.
# TYPE hypberry_guest_disk_served gauge
hypberry_guest_disk_served{guest="web",disk="0"} 1
hypberry_guest_disk_served{guest="web",disk="1"} 0
# HELP hypberry_guest_disk_requests_total Requests that are done.
# TYPE hypberry_guest_disk_requests_total counter
hypberry_guest_disk_requests_total{guest="web",disk="0"} 4000000000
hypberry_guest_disk_requests_total{guest="web",disk="1"} 0
# HELP hypberry_guest_disk_read_bytes_total Bytes read.
# TYPE hypberry_guest_disk_read_bytes_total counter
hypberry_guest_disk_read_bytes_total{guest="web",disk="0"} ${(2 ** 32 - 1) * 512}
hypberry_guest_disk_read_bytes_total{guest="web",disk="1"} 0
# HELP hypberry_guest_disk_written_bytes_total Bytes written.
# TYPE hypberry_guest_disk_written_bytes_total counter
hypberry_guest_disk_written_bytes_total{guest="web",disk="0"} 1536
hypberry_guest_disk_written_bytes_total{guest="web",disk="1"} 0
# HELP hypberry_guest_network_served Whether it is served.
# TYPE hypberry_guest_network_served gauge
hypberry_guest_network_served{guest="web"} 1
# HELP hypberry_guest_network_receive_bytes_total Bytes from the host.
# TYPE hypberry_guest_network_receive_bytes_total counter
hypberry_guest_network_receive_bytes_total{guest="web"} ${2 ** 33 + 5}
# HELP hypberry_guest_network_transmit_bytes_total Bytes to the host.
# TYPE hypberry_guest_network_transmit_bytes_total counter
hypberry_guest_network_transmit_bytes_total{guest="web"} ${2 ** 31 + 1}
`;
  const FILE = '/srv/hypberry.prom';

  test('has all that guests do and have had, as Prometheus reads it', () => {
    const { status, out, err } = run(['metrics'], { states: running(), words });
    expect([status, err, out.split('\n')]).toEqual([0, '', wanted.split('\n')]);
  });

  test.each([undefined, 'old\n'])('--file puts it there whole, where there was %j', (old) => {
    const files = { '/srv/': '', ...(old !== undefined && { [FILE]: old }) };
    const ended = run(['metrics', '--file', FILE], { states: running(), words, files });
    expect(ended).toMatchObject({ status: 0, out: '', err: '' });
    expect(ended.fileAt(FILE)).toEqual({ text: wanted, mode: 0o644 });
    expect(ended.fileAt(`${FILE}.new`)).toBeUndefined();
  });

  test('what was there stays where it cannot be put there', () => {
    const files = { [FILE]: 'old\n' };
    const left = ({ fileAt }: ReturnType<typeof run>) => [fileAt(FILE)?.text, fileAt(`${FILE}.new`)];
    for (const [call, code] of [
      ['write', 'output.failed'],
      ['rename', 'metrics.file'],
      ['open', 'metrics.file'],
    ] as const) {
      let hasFailed = false;
      const ended = run(['metrics', '--file', FILE], {
        ...{ states: running(), files },
        // The first such call, not those that say so.
        before: (it) => {
          if (it !== call || hasFailed) return undefined;
          hasFailed = true;
          return -ERRORS.ENOSPC;
        },
      });
      expect(ended.status).toBe(2);
      expect(ended.err).toContain(`(${code})`);
      expect(left(ended)).toEqual(['old\n', undefined]);
    }
    const old = run(['metrics', '--file', FILE], { files, guests: [] });
    expect([old.status, old.err]).toEqual([2, expect.stringContaining('(guests.old)')]);
    expect(left(old)).toEqual(['old\n', undefined]);
    const long = run(['metrics', '--file', `/${'a'.repeat(5000)}`]);
    expect([long.status, long.err]).toEqual([2, expect.stringContaining('(metrics.file)')]);
  });
});

describe('start, stop, kill and restart', () => {
  const { ORDER_START, ORDER_POWER_KEY, ORDER_OFF } = C;
  /** Its system shuts down when it sees the key. */
  const heeds = (what: number, guest: number, states: GuestStates): void => {
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
    [['metrics', 'web'], 'usage.too-many'],
    [['list', '--file', 'x'], 'usage.too-many'],
    [['metrics', '--file'], 'usage.value'],
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

  /** One that has read nothing of what it was sent. */
  const stuck = (): GuestStates => ({
    [WEB]: { does: C.DOES_RUN, unread: 0, log: sayings('') },
    [DB]: { does: C.DOES_OFF },
  });
  const take: Obey = (_, guest, states) => {
    states[guest]!.unread!++;
  };

  test('console loses nothing of a file, however slowly the guest reads it', () => {
    const states = stuck();
    const stdin = Array.from({ length: 3 * C.UNREAD_SIZE }, (_, i) => String.fromCharCode(i % 128)).join('');
    const { status, orders } = run(['console', 'web'], {
      ...{ states, stdin, obey: take },
      time: () => (states[WEB]!.unread = Math.max(0, states[WEB]!.unread! - 100)),
    });
    expect(status).toBe(0);
    expect(orders.map(([what, guest, byte]) => [what, guest, String.fromCharCode(byte)])).toEqual(
      Array.from(stdin, (it) => [C.ORDER_SEND, WEB, it]),
    );
  });

  test('console rings where what is typed has no room, and is left all the same', () => {
    const text = 'x'.repeat(C.UNREAD_SIZE);
    const { status, out, orders } = run(['console', 'web'], {
      ...{ states: stuck(), stdin: `${text}lost\u001dnever read`, terminal: 4, obey: take },
    });
    expect([status, orders.length]).toEqual([0, C.UNREAD_SIZE]);
    expect(out).toBe('Console of web; Ctrl-] leaves it.\n\u0007');
  });

  test('what is said while a log is copied ends no command', () => {
    for (const command of ['log', 'console']) {
      let logged = 100;
      const states = {
        ...stuck(),
        [WEB]: {
          does: C.DOES_RUN,
          // More than a log has, between two looks.
          get log() {
            const log = new Uint8Array(logged).fill(0x2e);
            logged = Math.min(logged + 100_000, 500_000);
            return log;
          },
        },
      };
      const { status, out } = run([command, 'web'], { states });
      expect([status, /[^.]/.test(out)]).toEqual([0, false]);
    }
  });
});
