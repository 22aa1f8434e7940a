/** `hypberryd install`, `uninstall` and `status`: what they leave of a system, and what they say. */
import { describe, expect, test } from 'vitest';
import * as C from '../../src/channel/layout.js';
import { hypberrydWasm } from './wasm.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import { CHANNEL_DEVICES } from './channel-devices.js';
import type { ChannelImage } from './channel-image.js';
import { channelImage } from './channel-image.js';
import type { Machine, World } from './kernel.js';
import { createMachine, runInNode } from './kernel.js';
import { textOf } from './programs.js';

const wasm = hypberrydWasm();
const image = channelImage([{ kind: C.KIND_DISK, path: '/srv/web.img' }]);
/** What /proc/self/exe is: longer than one page. */
const OWN = new Uint8Array(9000).map((_, i) => i % 251);

const UNIT = '/etc/systemd/system/hypberryd.service';
const PROGRAM = '/usr/local/sbin/hypberryd';
const SCRIPT = '/storage/.config/autostart.sh';
const BESIDE_SCRIPT = '/storage/.config/hypberryd';

type Files = Readonly<Record<string, string | Uint8Array>>;
const SYSTEMD: Files = { '/run/systemd/system/': '', '/etc/systemd/system/': '', '/usr/local/sbin/': '' };
const LIBREELEC: Files = { '/storage/.config/': '', '/run/systemd/system/': '' };

const system = (files: Files): Machine => createMachine({ '/proc/self/exe': OWN, ...image.tree, ...files });
const contentOf = (machine: Machine, path: string): Uint8Array | undefined => {
  const { node } = machine.tree.placeOf(path);
  if (node?.kind !== 'file') return undefined;
  const bytes = new Uint8Array(node.content.size);
  node.content.read(0, bytes);
  return bytes;
};
const textAt = (machine: Machine, path: string): string | undefined => {
  const bytes = contentOf(machine, path);
  return bytes && textOf(bytes);
};
const modeOf = (machine: Machine, path: string): number | undefined => machine.tree.placeOf(path).node?.mode;

/** Runs a command; systemctl ends with a status each time. */
function run(
  machine: Machine,
  command: string,
  {
    systemctl = 0,
    world = {},
    options = [],
  }: { systemctl?: number; world?: World; options?: readonly string[] } = {},
) {
  let last = 0;
  const ended = runInNode(wasm, {
    ...{ args: ['hypberryd', command, ...options], end: L.END, machine },
    world: {
      ...world,
      fork: (n) => (last = 50 + n),
      ended: () => ({ process: last, status: systemctl << 8 }),
    },
  });
  return { ended };
}

describe('under systemd', () => {
  test('install leaves a unit and the program, and uninstall nothing', () => {
    const machine = system(SYSTEMD);
    const { ended } = run(machine, 'install');
    expect(textOf(ended.stderr)).toBe('');
    expect(ended.status).toBe(0);
    expect(textOf(ended.stdout)).toBe(
      `hypberryd is installed as ${PROGRAM} and runs as a service, hypberryd.service.\n`,
    );
    expect(contentOf(machine, PROGRAM)).toEqual(OWN);
    expect(modeOf(machine, PROGRAM)).toBe(0o755);
    expect(modeOf(machine, UNIT)).toBe(0o644);
    const unit = textAt(machine, UNIT)!;
    expect(unit).toMatch(/^ExecStart=\/usr\/local\/sbin\/hypberryd run$/m);
    expect(unit).toMatch(/^WantedBy=multi-user\.target$/m);
    // Again, as a newer one does.
    expect(run(machine, 'install').ended.status).toBe(0);
    expect(textAt(machine, UNIT)).toBe(unit);
    expect(run(machine, 'uninstall').ended.status).toBe(0);
    expect(textAt(machine, UNIT)).toBeUndefined();
    expect(contentOf(machine, PROGRAM)).toBeUndefined();
    for (const path of [UNIT, PROGRAM]) expect(textAt(machine, `${path}.new`)).toBeUndefined();
    const again = run(machine, 'uninstall').ended;
    expect(again.status).toBe(1);
    expect(textOf(again.stdout)).toBe('hypberryd is not installed here. Nothing was changed.\n');
  });

  test("install --syslog has the service give what guests say to the system's log, until it is installed without", () => {
    for (const [files, path] of [
      [SYSTEMD, UNIT],
      [LIBREELEC, SCRIPT],
    ] as const) {
      const machine = system(files);
      expect(run(machine, 'install', { options: ['--syslog'] }).ended.status).toBe(0);
      expect(textAt(machine, path)).toMatch(/hypberryd run --syslog$/m);
      expect(run(machine, 'install').ended.status).toBe(0);
      expect(textAt(machine, path)).toMatch(/hypberryd run$/m);
      expect(textAt(machine, path)).not.toContain('--syslog');
    }
  });

  test.each([
    ['install', ['daemon-reload'], ['enable', 'hypberryd.service'], ['restart', 'hypberryd.service']],
    ['uninstall', ['stop', 'hypberryd.service'], ['disable', 'hypberryd.service'], ['daemon-reload']],
  ] as [string, ...string[][]][])('%s has systemctl do what is to be done', (command, ...wanted) => {
    const told: string[][] = [];
    wanted.forEach((_, n) => {
      const machine = system(SYSTEMD);
      if (command === 'uninstall') run(machine, 'install');
      // The n-th child is followed; those before it have ended.
      let ended = 0;
      const { status } = runInNode(wasm, {
        ...{ args: ['hypberryd', command], environment: ['PATH=/bin'], end: L.END, machine },
        world: {
          fork: (i) => (i === n ? 0 : 50 + i),
          ended: () => ({ process: 50 + ended++, status: 0 }),
          exec: (path, argv, environment) => {
            expect(environment).toBeGreaterThan(L.END);
            told.push([path, ...argv]);
            return -ERRORS.ENOENT;
          },
        },
      });
      expect(status).toBe(127);
    });
    expect(told).toEqual(
      wanted.flatMap((it) =>
        ['/bin/systemctl', '/usr/bin/systemctl'].map((path) => [path, 'systemctl', ...it]),
      ),
    );
  });

  test.each([
    ['unit', UNIT, '[Unit]\nDescription=mine\n'],
    ['program', PROGRAM, 'mine'],
  ])('a %s that install has not made stays as it is', (_, path, text) => {
    const machine = system({ ...SYSTEMD, [path]: text });
    const { ended } = run(machine, 'install');
    expect(ended.status).toBe(2);
    expect(textOf(ended.stderr)).toContain(
      `error: ${path} is there, and "hypberryd install" has not made it.`,
    );
    expect(run(machine, 'uninstall').ended.status).toBe(1);
    for (const it of [UNIT, PROGRAM]) expect(textAt(machine, it)).toBe(it === path ? text : undefined);
  });

  test('a failure leaves what was there', () => {
    for (const call of ['write', 'fsync', 'rename'] as const) {
      const machine = system(SYSTEMD);
      run(machine, 'install');
      const before = textAt(machine, UNIT);
      const { ended } = run(machine, 'install', {
        world: { before: (it) => (it === call ? -ERRORS.ENOSPC : undefined) },
      });
      // What is to be printed is written, too.
      expect(ended.status).toBe(2);
      expect(textAt(machine, UNIT)).toBe(before);
      expect(textAt(machine, `${UNIT}.new`)).toBeUndefined();
      if (call !== 'write')
        expect(textOf(ended.stderr)).toContain(`${UNIT} could not be read or written: no space`);
    }
    const failed = run(system(SYSTEMD), 'install', { systemctl: 1 }).ended;
    expect(failed.status).toBe(2);
    expect(textOf(failed.stderr)).toContain('error: systemctl has failed. (install.systemctl)');
  });
});

describe('under LibreELEC', () => {
  test.each<[string, string | undefined]>([
    ['none', undefined],
    ['one of its user', '#!/bin/sh\nsleep 1\n(\n ls\n)&'],
    ['one without a first line of that kind', 'sleep 1\n'],
    ['one that is a first line without an end', '#!/bin/sh'],
  ])(
    'install puts lines into autostart.sh where there is %s, and uninstall takes out just them',
    (_, script) => {
      const machine = system({ ...LIBREELEC, ...(script !== undefined && { [SCRIPT]: script }) });
      const { ended } = run(machine, 'install');
      expect(textOf(ended.stderr)).toBe('');
      expect(ended.status).toBe(0);
      const installed = textAt(machine, SCRIPT)!;
      expect(installed).toMatch(/^ {2}\/storage\/\.config\/hypberryd run$/m);
      if (script?.startsWith('#!/bin/sh\n')) expect(installed.startsWith('#!/bin/sh\n')).toBe(true);
      expect(contentOf(machine, BESIDE_SCRIPT)).toEqual(OWN);
      expect(modeOf(machine, SCRIPT)).toBe(script === undefined ? 0o755 : 0o644);
      // Twice is once.
      expect(run(machine, 'install').ended.status).toBe(0);
      expect(textAt(machine, SCRIPT)).toBe(installed);
      expect(run(machine, 'uninstall').ended.status).toBe(0);
      expect(textAt(machine, SCRIPT)).toBe(script);
      expect(textAt(machine, BESIDE_SCRIPT)).toBeUndefined();
    },
  );

  test('what is not as install has left it is refused', () => {
    const half = system({ ...LIBREELEC, [SCRIPT]: 'a\n' });
    run(half, 'install');
    const spoilt = textAt(half, SCRIPT)!.replace('# hypberryd ends.\n', '');
    const machine = system({ ...LIBREELEC, [SCRIPT]: spoilt });
    for (const command of ['install', 'uninstall']) {
      expect(run(machine, command).ended.status).toBe(2);
      expect(textAt(machine, SCRIPT)).toBe(spoilt);
    }
    const own = system({ ...LIBREELEC, [BESIDE_SCRIPT]: 'mine' });
    expect(run(own, 'install').ended.status).toBe(2);
    expect(textAt(own, BESIDE_SCRIPT)).toBe('mine');
    expect(textAt(own, SCRIPT)).toBeUndefined();
  });
});

test('where neither is, install says what to add; others than root are refused', () => {
  const { ended } = run(system({ '/etc/': '' }), 'install');
  expect(ended.status).toBe(1);
  expect(textOf(ended.stdout)).toContain('have the system start it as root: "hypberryd run".');
  for (const command of ['install', 'uninstall']) {
    const refused = run(system(SYSTEMD), command, { world: { user: 1000 } }).ended;
    expect(refused.status).toBe(2);
    expect(textOf(refused.stderr)).toBe(
      'error: Only root may do that. (install.root)\nhint:  Put sudo before it.\n',
    );
  }
});

describe('status', () => {
  const ports = [
    { kind: C.KIND_UPLINK, name: '' },
    { kind: C.KIND_NETWORK },
    { kind: C.KIND_DISK, path: '/srv/web.img' },
    { kind: C.KIND_DISK, path: '/srv/r\u001b[2Jo', name: 'db' },
  ];
  const said = (spoil: (image: ChannelImage) => void, { runs = true, version = C.VERSION } = {}) => {
    const it = channelImage(ports, { version });
    spoil(it);
    const machine = createMachine(
      {
        ...Object.fromEntries(ports.flatMap(({ path }) => (path === undefined ? [] : [[path, '']]))),
        ...it.tree,
        ...(runs && { '/run/hypberryd.lock': '' }),
      },
      CHANNEL_DEVICES(it),
    );
    if (runs)
      machine.locks.lock(machine.tree.placeOf('/run/hypberryd.lock').node!, {}, 2, () => {
        throw new Error('it is free');
      });
    const ended = runInNode(wasm, { args: ['hypberryd', 'status'], end: L.END, machine });
    expect(textOf(ended.stderr)).toBe('');
    return { status: ended.status, lines: textOf(ended.stdout).trimEnd().split('\n') };
  };
  const word = (it: ChannelImage, port: number, at: number, value: number): void => {
    it.view.setUint32(C.CONTROL + port * C.CONTROL_SIZE + at, value, true);
  };
  const served = (it: ChannelImage): void => {
    ports.forEach((_, port) => {
      word(it, port, C.HOST_CONTROL + C.OFFERED, 1);
      word(it, port, C.HOST_CONTROL + C.SECTORS, 0x10_0000);
      word(it, port, C.HOST_CONTROL + C.SECTORS + 4, port === 2 ? 1 : 0);
    });
    word(it, 3, C.HOST_CONTROL + C.DISK_FLAGS, C.FLAG_READ_ONLY);
    it.view.setUint32(C.HOST_PAGE + C.HOST_VERSION, C.VERSION, true);
  };

  test('says what is served, and that all is', () => {
    expect(said(served)).toEqual({
      status: 0,
      lines: [
        'Channel of 2 MiB, bell ttyAMA2, version 1 on the card and 1 here.',
        'hypberryd runs.',
        'uplink, network: served',
        'web, network: served',
        `web, disk 0, /srv/web.img: served, ${2 ** 21 + 512} MiB`,
        'db, disk 0, /srv/r\\x1b[2Jo: served, 512 MiB, read-only',
      ],
    });
  });

  test('says what is not', () => {
    const { status, lines } = said(
      (it) => {
        served(it);
        word(it, 1, C.HOST_CONTROL + C.OFFERED, 0);
        word(it, 2, C.HOST_CONTROL + C.FAILED_GENERATION, 3);
        word(it, 2, C.GENERATION, 3);
        word(it, 3, C.HOST_CONTROL + C.FAILED_GENERATION, 3);
        word(it, 3, C.GENERATION, 4);
      },
      { runs: false },
    );
    expect(status).toBe(1);
    expect(lines[1]).toBe(
      'hypberryd does not run, and guests wait: sudo hypberryd install makes it a service.',
    );
    expect(lines[3]).toBe('web, network: not served');
    expect(lines[4]).toMatch(
      /MiB; its medium has failed, and its guest has errors until it is started again$/,
    );
    expect(lines[5]).toMatch(/MiB, read-only$|MiB$/);
    expect(said(served, { runs: false }).status).toBe(1);
    const other = said(served, { version: 7 });
    expect(other.status).toBe(1);
    expect(other.lines).toHaveLength(2);
    expect(other.lines[0]).toContain('version 7 on the card and 1 here.');
    expect(other.lines[1]).toContain('sudo /boot/firmware/hypberryd install');
  });
});
