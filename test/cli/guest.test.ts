import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { getFile, makeVolume, temporary } from '../card/images.js';
import { bootPartition, HOST_TREE, kernelFile, type Files } from '../support/boot-files.js';
import { concat, text } from '../support/kernel-files.js';
import { hypberry, type Outcome } from './run.js';

// Each test starts the program several times.
vi.setConfig({ testTimeout: 120_000 });

const partition = (): Files => bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE });

/** A boot folder with these files. */
function bootFolder(files = partition()): string {
  const folder = temporary('boot');
  fs.mkdirSync(folder);
  for (const [path, data] of Object.entries(files)) fs.writeFileSync(join(folder, path), data);
  return folder;
}

/** A folder's files and their bytes, in hexadecimal. */
const contents = (folder: string): Record<string, string> =>
  Object.fromEntries(
    fs
      .readdirSync(folder)
      .sort()
      .map((name) => [name, fs.readFileSync(join(folder, name)).toString('hex')]),
  );

function userFile(name: string, data: Uint8Array): string {
  const folder = temporary('files');
  fs.mkdirSync(folder);
  fs.writeFileSync(join(folder, name), data);
  return join(folder, name);
}

const kernel = userFile('vmlinuz-6.1', kernelFile(9));
const initramfs = userFile('web.cpio', text('070701'));

const guest = (command: string, ...args: readonly string[]): Promise<Outcome> =>
  hypberry(['guest', command, ...args]);
async function done(outcome: Promise<Outcome>): Promise<string> {
  const { status, stdout, stderr } = await outcome;
  expect([status, stderr]).toEqual([0, '']);
  return stdout;
}

describe('guest --help', () => {
  test('names them all', async () => {
    const help = await done(hypberry(['guest', '--help']));
    for (const command of ['add', 'set', 'rename', 'list', 'remove'])
      expect(help).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(await done(hypberry(['--help']))).toMatch(/^ {2}guest /m);
  });

  test.each(['add', 'set', 'rename', 'list', 'remove'])(
    '%s has an example of it and the exit status',
    async (command) => {
      const help = await done(guest(command, '--help'));
      expect(help).toMatch(new RegExp(`Example:\n {2}hypberry guest ${command} .*sdcard\\.img`));
      expect(help).toMatch(/Exit status:\n {2}0 .*guests: [^]*\n {2}1 [^]*\n {2}2 /);
    },
  );
});

test.each([
  [['guest', 'add', 'boot', '--kernel', kernel], '--name'],
  [['guest', 'add', 'boot', '--name', 'web'], '--kernel'],
  [['guest', 'add', 'boot', '--name', 'web', '--kernel', kernel, '--memory', 'much'], '--memory'],
  [['guest', 'add', 'boot', '--name', 'web', '--kernel', kernel, '--memory', '0x100'], '--memory'],
  [['guest', 'add', 'boot', '--name', 'web', '--kernel', kernel, '--cores', '0'], '--cores'],
  [['guest', 'remove', 'boot'], 'name'],
  [['guest', 'set', 'boot'], 'name'],
  [['guest', 'set', 'boot', 'web'], 'what is to be set'],
  [['guest', 'set', 'boot', 'web', '--remove-disk'], '--remove-disk'],
  [['guest', 'rename', 'boot', 'web'], 'new-name'],
  [['guest', 'start', 'boot'], 'start'],
])('a usage error has exit status 2 and two lines: %j', async (args, what) => {
  const { status, stdout, stderr } = await hypberry(args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(
    /^error: .+ \(usage\.[a-z-]+\)\nhint: {2}.*"hypberry guest(?: [a-z]+)? --help" .+\n$/,
  );
  expect(stderr).toContain(what);
});

test('a guest from add to remove; a dry run changes nothing', async () => {
  const boot = bootFolder();
  const before = contents(boot);
  const add = ['add', boot, '--name', 'web', '--kernel', kernel, '--initramfs', initramfs, '--memory', '32'];

  const dry = await done(guest(add[0]!, ...add.slice(1), '--dry-run'));
  expect(dry).toMatch(/^Guest web: vmlinuz-6\.1, 32 MiB of memory, 1 core\.\n[^]*nothing was written\.\n$/);
  expect(contents(boot)).toEqual(before);

  const said = await done(guest(add[0]!, ...add.slice(1)));
  expect(said).toBe(dry.replace(/A dry run.*\n$/, ''));
  expect(contents(boot)).toEqual({
    ...before,
    'hypberry-guest-web.kernel': Buffer.from(kernelFile(9)).toString('hex'),
    'hypberry-guest-web.initramfs': Buffer.from('070701').toString('hex'),
    'hypberry-guests.json': expect.any(String) as string,
  });
  expect(JSON.parse(fs.readFileSync(join(boot, 'hypberry-guests.json'), 'utf8'))).toEqual({
    version: 1,
    guests: [
      {
        name: 'web',
        kernel: 'hypberry-guest-web.kernel',
        initramfs: 'hypberry-guest-web.initramfs',
        memory: 32,
        cores: 1,
        commandLine: 'console=ttyAMA0 panic=10',
      },
    ],
  });

  const second = ['--name', 'db', '--kernel', kernel, '--cores', '2', '--cmdline', 'quiet'];
  const added = JSON.parse(await done(guest('add', boot, ...second, '--json'))) as Record<string, unknown>;
  expect(added).toMatchObject({ method: null, changed: true });
  expect(Object.keys(added).sort()).toEqual([
    'bootPartition',
    'changed',
    'changes',
    'method',
    'notes',
    'summary',
  ]);
  // It has nothing that its kernel could take as its root.
  expect(added['notes']).toEqual([
    expect.stringMatching(/^db has neither an initramfs nor a disk/),
    expect.stringMatching(/^vmlinuz-6.1 looks like a kernel that Raspberry Pi built for its own boards/),
    expect.stringContaining('install'),
  ]);

  const list = await done(guest('list', boot));
  expect(list.split('\n').map((line) => line.split(/ {2,}/)[0])).toEqual([
    'web',
    'db',
    'The host keeps cores 0 and 1.',
    expect.stringMatching(/^The host keeps \d+ MiB of 960 MiB: the guests have 288 MiB/),
    expect.stringMatching(/^The numbers of the consoles may be others: .* as kernel7\.img is one/),
    '',
  ]);
  expect(list).toMatch(
    /^web +32 MiB, core 3, console \/dev\/ttyAMA3, hypberry-guest-web\.kernel, hypberry-guest-web\.initramfs, "console=ttyAMA0 panic=10"$/m,
  );
  // Unless told otherwise it has 256 MiB.
  expect(list).toMatch(/^db +256 MiB, cores 2 and 3, .*"quiet"$/m);
  expect(JSON.parse(await done(guest('list', '--json', boot)))).toMatchObject({
    hostCores: 2,
    guests: [
      { name: 'web', memory: 32, cores: 1, runsOn: [3] },
      { name: 'db', memory: 256, cores: 2, runsOn: [2, 3], commandLine: 'quiet' },
    ],
  });

  // The card's tree has serial0 and serial1; the next ones are the hypervisor's and, in their order, the guests'.
  const withGuests = contents(boot);
  const install = await done(hypberry(['install', '--dry-run', boot]));
  expect(install).toMatch(/^ {2}note: web: core 3, 32 MiB; its console is \/dev\/ttyAMA3 on the Pi\.$/m);
  expect(install).toMatch(
    /^ {2}note: db: cores 2 and 3, 256 MiB; its console is \/dev\/ttyAMA4 on the Pi\.$/m,
  );
  expect(install).toMatch(/^ {2}note: hypberry: .* \/dev\/ttyAMA2 on the Pi\.$/m);
  expect(install).toMatch(/^ {2}new file hypberry-\S+\.img, /m);
  expect(install).toMatch(/^ {2}new file hypberry-\S+\.dtb, /m);
  expect(contents(boot)).toEqual(withGuests);

  expect(await done(guest('remove', boot, 'web', '--dry-run'))).toContain('nothing was written');
  expect(contents(boot)).toEqual(withGuests);
  const removed = JSON.parse(await done(guest('remove', boot, 'web', '--json'))) as Record<string, unknown>;
  const [first, ...others] = removed['changes'] as { kind: string; path: string }[];
  // First it is no more on the list: what is interrupted then leaves files, and no guest without them.
  expect(first).toMatchObject({ kind: 'replace', path: 'hypberry-guests.json' });
  expect(others.map(({ kind, path }) => `${kind} ${path}`).sort()).toEqual([
    'remove hypberry-guest-web.initramfs',
    'remove hypberry-guest-web.kernel',
  ]);
  expect(await done(guest('list', boot))).toMatch(
    /^db .*\nThe host keeps cores 0 and 1\.\nThe host keeps .*\nThe numbers of the consoles may be others: .*\n$/,
  );
  await done(guest('remove', boot, 'db'));
  expect(contents(boot)).toEqual(before);
  expect(await done(guest('list', boot))).toContain('no guests');
  expect(JSON.parse(await done(guest('list', boot, '--json')))).toEqual({
    hostCores: 4,
    guests: [],
    unusedFiles: [],
  });
});

test('a guest with disks and a network', async () => {
  const boot = bootFolder();
  const devices = [
    '--disk',
    '/srv/web.img,size=8g',
    '--disk',
    '/dev/sda1,ro',
    '--net',
    'host',
    ...['--virtio', '1', '--forward', '8080:80', '--forward', '53:5353/udp'],
  ];
  const add = ['add', boot, '--name', 'web', '--kernel', kernel, '--memory', '32', ...devices, '--isolated'];
  const said = await done(guest(add[0]!, ...add.slice(1)));
  expect(said).toMatch(
    /^Guest web: vmlinuz-6\.1, 32 MiB of memory, 1 core, disk \/srv\/web\.img \(8G\), disk \/dev\/sda1 \(read-only\), network host \(52:54:00:[0-9a-f:]{8}, isolated\), forward 8080:80, forward 53:5353\/udp, virtio 1\.\n/,
  );
  const { guests } = JSON.parse(await done(guest('list', boot, '--json'))) as { guests: object[] };
  expect(guests).toMatchObject([
    {
      disks: [
        { path: '/srv/web.img', size: '8G' },
        { path: '/dev/sda1', readOnly: true },
      ],
      ...{ network: 'host', isolated: true, forwards: ['8080:80', '53:5353/udp'], virtio: 1 },
      mac: expect.stringMatching(/^52:54:00(?::[0-9a-f]{2}){3}$/) as string,
    },
  ]);
  expect(await done(guest('list', boot))).toMatch(
    /disk \/srv\/web\.img \(8G\).*\n.*\n.*their consoles, disks and network take 2 MiB/,
  );
});

test('a guest that is changed, by every option, and renamed', async () => {
  const boot = bootFolder();
  await done(
    guest('add', boot, '--name', 'web', '--kernel', kernel, '--initramfs', initramfs, '--memory', '32'),
  );
  const before = contents(boot);
  const shown = async (): Promise<Record<string, unknown>> =>
    (JSON.parse(await done(guest('list', boot, '--json'))) as { guests: Record<string, unknown>[] })
      .guests[0]!;
  const first = await shown();

  const files = ['--kernel', userFile('vmlinuz-6.12', kernelFile(8)), '--no-initramfs'];
  const devices = [
    '--disk',
    '/srv/a.img,size=1G',
    '--disk',
    '/b,ro',
    '--net',
    'host',
    '--isolated',
    '--virtio',
    '1',
  ];
  const all = [...files, '--memory', '64', '--cores', '2', '--cmdline', 'root=/dev/vda', ...devices];
  const dry = await done(guest('set', boot, 'web', ...all, '-n'));
  expect(dry).toMatch(
    /^Guest web becomes: vmlinuz-6\.12, 64 MiB of memory, 2 cores, "root=\/dev\/vda", disk .*, virtio 1\.\n/,
  );
  expect(contents(boot)).toEqual(before);
  await done(guest('set', boot, 'web', ...all));
  expect(await shown()).toMatchObject({
    ...{ memory: 64, cores: 2, commandLine: 'root=/dev/vda', network: 'host', isolated: true, virtio: 1 },
    disks: [
      { path: '/srv/a.img', size: '1G' },
      { path: '/b', readOnly: true },
    ],
  });
  expect(contents(boot)['hypberry-guest-web.initramfs']).toBeUndefined();
  // The same again is nothing to do, and no failure.
  const set = contents(boot);
  const again = JSON.parse(await done(guest('set', boot, 'web', ...all, '--json'))) as object;
  expect(again).toMatchObject({ method: null, changed: false, changes: [] });
  expect(contents(boot)).toEqual(set);

  const renamed = JSON.parse(await done(guest('rename', boot, 'web', 'www', '--json'))) as {
    changes: object[];
  };
  expect(renamed).toMatchObject({ changed: true, summary: 'Guest web is called www from now on.' });
  expect(renamed.changes).toHaveLength(3);
  await done(guest('rename', boot, 'www', 'web'));
  expect(contents(boot)).toEqual(set);

  // And all of it back.
  const back = [
    '--kernel',
    kernel,
    '--initramfs',
    initramfs,
    '--memory',
    '32',
    '--cores',
    '1',
    '--net',
    'none',
  ];
  const without = ['--remove-disk', '/srv/a.img', '--remove-disk', '/b', '--virtio', 'auto', '--no-isolated'];
  await done(guest('set', boot, 'web', ...back, ...without, '--cmdline', 'console=ttyAMA0 panic=10'));
  const { mac, ...rest } = await shown();
  expect(rest).toEqual(first);
  expect(mac).toMatch(/^52:54:00/);
});

test('the same on an image', async () => {
  const card = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, partition());
  await done(guest('add', card, '--name', 'web', '--kernel', kernel, '--memory', '32'));
  expect(getFile(card, 'hypberry-guest-web.kernel')).toEqual(kernelFile(9));
  expect(await done(guest('list', card))).toMatch(/^web +32 MiB/);
  await done(guest('remove', card, 'web'));
  expect(() => getFile(card, 'hypberry-guests.json')).toThrow();
});

describe('refused is', () => {
  const arm64 = userFile('Image', concat(new Uint8Array(56).fill(1), text('ARM\x64'), new Uint8Array(100)));
  const elf = userFile('vmlinux', concat(text('\x7fELF'), Uint8Array.of(1, 1, 1), new Uint8Array(100)));
  const notes = userFile('notes.txt', text('A kernel is what I would like to have here.\n'));
  const base = { '--name': 'new', '--kernel': kernel, '--memory': '32', '--cores': '1' };

  // One folder for all: it stays as it is.
  const boot = bootFolder({
    ...partition(),
    'hypberry-guest-old.kernel': kernelFile(5),
    'hypberry-guests.json': text(
      JSON.stringify({
        version: 1,
        guests: [{ name: 'old', kernel: 'hypberry-guest-old.kernel', memory: 32, cores: 1, commandLine: '' }],
      }),
    ),
  });
  const before = contents(boot);

  async function expectRefusal(code: string, args: readonly string[], what: string): Promise<void> {
    const { status, stdout, stderr } = await hypberry(args);
    expect(stderr).toMatch(/^error: [^\n]+\.\s\([a-z0-9.-]+\)\nhint: {2}[^\n]+\n$/);
    expect(stderr).toContain(`(${code})`);
    expect(stderr.split('\n')[0]).toContain(what);
    expect([status, stdout]).toEqual([2, '']);
    expect(contents(boot), 'the card is as it was').toEqual(before);
  }

  test.each<[code: string, what: Partial<Record<keyof typeof base, string>>, says: string]>([
    ['guest.name', { '--name': 'Web' }, '"Web"'],
    ['guest.name', { '--name': 'host' }, '"host"'],
    ['guest.name', { '--name': '../config' }, '"../config"'],
    ['guest.exists', { '--name': 'old' }, 'old'],
    ['guest.memory', { '--memory': '33' }, '33 MiB'],
    // Of 960 MiB (gpu_mem=64) that would leave the host less than it needs.
    ['guest.memory', { '--memory': '896' }, '960 MiB'],
    ['guest.cores', { '--cores': '4' }, '4 cores'],
    ['guest.kernel', { '--kernel': arm64 }, 'Image cannot be'],
    ['guest.kernel', { '--kernel': elf }, 'vmlinux cannot be'],
    ['guest.kernel', { '--kernel': notes }, 'notes.txt cannot be'],
    ['file.unreadable', { '--kernel': '/no/such/kernel' }, '/no/such/kernel'],
  ])('%s: %j', async (code, what, says) => {
    const args = Object.entries({ ...base, ...what }).flat();
    await expectRefusal(code, ['guest', 'add', ...args, boot], says);
  });

  test('an initramfs that is not there, a command line that Linux would not take', async () => {
    const args = Object.entries(base).flat();
    const add = ['guest', 'add', ...args, boot];
    await expectRefusal('file.unreadable', [...add, '--initramfs', '/no/such/file'], '/no/such/file');
    await expectRefusal('guest.command-line', [...add, '--cmdline', 'a\nb'], 'command line');
  });

  test.each([
    ['guest.disk', 'web.img', ['--disk', 'web.img']],
    ['guest.disk', 'a whole number with K, M', ['--disk', '/a,size=8']],
    ['guest.disk', 'twice', ['--disk', '/a', '--disk', '/a']],
    ['guest.network', 'isolated', ['--isolated']],
    ['guest.forward', 'there is no port 0', ['--net', 'host', '--forward', '0:80']],
    ['guest.forward', 'has no network', ['--forward', '80:80']],
    ['guest.forward', 'twice', ['--net', 'host', '--forward', '80:80', '--forward', '80:81']],
    ['usage.invalid', 'host, none', ['--net', 'bridge']],
    ['usage.invalid', '1, 2', ['--virtio', '3']],
    ['usage.missing-value', '--disk', ['--disk']],
  ])('%s of %s', async (code, says, devices) => {
    await expectRefusal(code, ['guest', 'add', boot, ...Object.entries(base).flat(), ...devices], says);
  });

  test('to remove a guest that is not there', async () => {
    await expectRefusal(
      'guest.unknown',
      ['guest', 'remove', boot, 'web'],
      'no guest web on this card, but old',
    );
  });

  test.each([
    ['guest.unknown', 'no guest web on this card, but old', ['set', boot, 'web', '--memory', '32']],
    ['guest.memory', '33 MiB', ['set', boot, 'old', '--memory', '33']],
    ['guest.network', 'isolated', ['set', boot, 'old', '--isolated']],
    ['guest.forward', 'names no forward', ['set', boot, 'old', '--remove-forward', 'web']],
    ['file.unreadable', '/no/such/file', ['set', boot, 'old', '--initramfs', '/no/such/file']],
    ['guest.unknown', 'no guest web', ['rename', boot, 'web', 'www']],
    ['guest.name', '"host"', ['rename', boot, 'old', 'host']],
  ])('%s: %s', async (code, says, args) => {
    await expectRefusal(code, ['guest', ...args], says);
  });

  test('what is no card', async () => {
    await expectRefusal('card.not-found', ['guest', 'list', '/no/such/card'], '/no/such/card');
  });

  test('a file of guests that is damaged', async () => {
    const damaged = bootFolder({
      ...partition(),
      'hypberry-guests.json': text('{"version":1,"guests":[{}]}'),
    });
    for (const args of [
      ['guest', 'list', damaged],
      ['install', damaged],
    ])
      await expectRefusal('guest.file-damaged', args, 'hypberry-guests.json');
  });
});
