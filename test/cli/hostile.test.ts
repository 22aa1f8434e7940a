import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { makeVolume, temporary } from '../card/images.js';
import {
  bootPartition,
  guestFiles,
  guestFilesOf,
  HOST_TREE,
  kernelFile,
  type Files,
} from '../support/boot-files.js';
import { compileTree } from '../support/device-trees.js';
import { unseenIn } from '../support/hostile-text.js';
import { concat, text } from '../support/kernel-files.js';
import { printingPayload } from '../support/payloads.js';
import { hypberry, MAIN } from './run.js';

// Each test starts the program several times.
vi.setConfig({ testTimeout: 120_000 });

/** Orders to a terminal: a colour, where is the cursor?, a title, C1, the other direction, a new line of ours. */
const ORDERS = '\u001b[31m\u001b[6n\u001b]0;title\u0007\u009b2J\u202e\nHYP: all is well';
/** The same without what no name on FAT holds. */
const ORDERS_ON_FAT = '\u009b2J\u009d0;t\u009c\u202e\u200b';

const CONFIG = `kernel=kernel7.img
os_prefix=${ORDERS_ON_FAT}
include \u001b[2J.txt
[\u001b[31m\u202e]
[all]
armstub\u009b=x
initramfs \u001b]0;x\u0007 followkernel
overlay_prefix=\u001b[6n/
dtoverlay=\u001b[5n\u2066
dtparam=\u001b[c=1
\u001b[31mstrange line\u007f
`;

/** A card whose every name and text is hostile, as far as FAT holds it. */
const hostileFiles = (): Files =>
  bootPartition('svc', {
    [`kernel${ORDERS_ON_FAT}.img`]: kernelFile(2, `4.1.13${ORDERS_ON_FAT}`),
    'kernel7.img': kernelFile(1, '4.1.13\u001b[31m\u009b6n\u202e-v7+'),
    'bcm2709-rpi-2-b.dtb': HOST_TREE,
    'bcm2709\u202e.dtb': compileTree(
      '/dts-v1/; / { model = "a \\x1b[31m\\x1b]0;t\\x07 model\\xc2\\x9b6n"; };',
    ),
    'config.txt': CONFIG,
    'cmdline.txt': 'root=/dev/mmcblk0p2 \u001b[6n\u009b6n\n',
  });

/** What a folder holds beside, and FAT cannot. */
function addStrangers(folder: string): void {
  for (const name of [
    'kernel\u001b[31m.img',
    'kernel\nHYP.img',
    'bcm2709\u0007.dtb',
    'kernel:7.img',
    'vmlinuz\\*?',
  ])
    fs.writeFileSync(join(folder, name), 'x');
  for (const name of ['Name: with a colon', '\u001b]0;title\u0007', 'ends with a dot.']) {
    fs.mkdirSync(join(folder, name));
    fs.writeFileSync(join(folder, name, 'hypberry-00000000.img'), '');
  }
  // No text at all.
  const notUtf8 = Buffer.concat([Buffer.from(`${folder}/kernel`), Buffer.of(0xff, 0x9b, 0xc0)]);
  fs.writeFileSync(Buffer.concat([notUtf8, Buffer.from('.img')]), 'x');
  fs.mkdirSync(Buffer.concat([notUtf8, Buffer.from('.d')]));
}

function folderOf(files: Files): string {
  const folder = temporary('boot');
  fs.mkdirSync(folder);
  for (const [path, data] of Object.entries(files)) fs.writeFileSync(join(folder, path), data);
  return folder;
}

describe('a folder with loops of links', () => {
  test('is inspected, installed on, and uninstalled from to the byte', async () => {
    const folder = folderOf(bootPartition('svc'));
    fs.mkdirSync(join(folder, 'overlays'));
    for (const [to, name] of [
      ['.', 'here'],
      ['..', 'overlays/up'],
      ['two', 'one'],
      ['one', 'two'],
      ['itself', 'itself'],
      ['overlays/up/overlays', 'round'],
    ] as const)
      fs.symlinkSync(to, join(folder, name));
    const config = fs.readFileSync(join(folder, 'config.txt'));
    const names = fs.readdirSync(folder).sort();
    for (const [args, words] of [
      [['inspect'], /^This card starts Linux in SVC mode/m],
      [['install'], /^ {2}new file hypberry-/m],
      [['inspect'], /^This card starts Linux in HYP mode/m],
      [['uninstall'], /^ {2}config\.txt, now /m],
    ] as const) {
      const { status, stdout, stderr } = await hypberry([...args, folder]);
      expect([status, stderr], args[0]).toEqual([0, '']);
      expect(stdout).toMatch(words);
    }
    expect(fs.readFileSync(join(folder, 'config.txt')).equals(config)).toBe(true);
    expect(fs.readdirSync(folder).sort()).toEqual(names);
  });
});

/** The short name of a damaged entry holds an order; a long one would be checked by its sum. */
function imageOf(files: Files): string {
  const image = makeVolume(
    { bits: 16, sectorsPerCluster: 1, megabytes: 4 },
    { ...files, 'KERNEL9.IMG': text('x') },
  );
  const bytes = fs.readFileSync(image);
  bytes[bytes.indexOf('KERNEL9 IMG') + 6] = 0x1b;
  fs.writeFileSync(image, bytes);
  return image;
}

/** Runs a command and expects nothing on either output that is an order. */
async function run(...args: readonly string[]) {
  const { status, stdout, stderr } = await hypberry(args);
  expect(unseenIn(stdout + stderr).filter((it) => it !== '\n')).toEqual([]);
  return { status, stdout, stderr };
}

describe('a hostile card: no order reaches the terminal, and no command fails for a name', () => {
  test.each(['folder', 'image'])('%s', async (kind) => {
    const files = hostileFiles();
    const target = kind === 'folder' ? folderOf(files) : imageOf(files);
    if (kind === 'folder') addStrangers(target);

    const seen = await run('inspect', target);
    expect([seen.status, seen.stderr]).toEqual([0, '']);
    expect(seen.stdout).toContain('\\x9b2J');
    expect(seen.stdout).toContain('\\u{202e}');
    const json = await run('inspect', '--json', target);
    const { kernels, config } = JSON.parse(json.stdout) as {
      kernels: { file: string }[];
      config: { settings: { name: string; value: string }[] };
    };
    // Exact for scripts.
    expect(kernels.map(({ file }) => file)).toContain(`kernel${ORDERS_ON_FAT}.img`);
    expect(config.settings.find(({ name }) => name === 'os_prefix')?.value).toBe(ORDERS_ON_FAT);

    for (const args of [
      ['install', '--dry-run'],
      ['install', '--force', '--json'],
      ['guest', 'list'],
      ['uninstall'],
    ]) {
      const { stderr } = await run(...args, target);
      expect(stderr, args.join(' ')).not.toContain('card.');
    }
  });

  test('a folder installs and uninstalls to the byte beside names that FAT cannot hold', async () => {
    const files = bootPartition('svc');
    const folder = folderOf(files);
    addStrangers(folder);
    const before = fs.readdirSync(folder, { encoding: 'buffer' }).length;
    expect(await run('install', folder)).toMatchObject({ status: 0, stderr: '' });
    expect(fs.readdirSync(folder, { encoding: 'buffer' })).toHaveLength(before + 1);
    expect((await run('inspect', folder)).stdout).toContain('by the block that hypberry installed');
    expect(await run('uninstall', folder)).toMatchObject({ status: 0, stderr: '' });
    expect(fs.readdirSync(folder, { encoding: 'buffer' })).toHaveLength(before);
    expect(new Uint8Array(fs.readFileSync(join(folder, 'config.txt')))).toEqual(files['config.txt']);
  });

  test('guests with orders in their command lines', async () => {
    const files = guestFiles('web');
    const kept = JSON.parse(new TextDecoder().decode(files['hypberry-guests.json'])) as {
      guests: { commandLine: string }[];
    };
    kept.guests[0]!.commandLine = ORDERS_ON_FAT;
    const folder = folderOf(
      bootPartition('svc', {
        'bcm2709-rpi-2-b.dtb': HOST_TREE,
        ...files,
        'hypberry-guests.json': JSON.stringify(kept),
      }),
    );
    const { stdout } = await run('guest', 'list', folder);
    await run('inspect', folder);
    await run('install', '--dry-run', folder);
    // Or refused: a guest's command line is ASCII.
    if (stdout !== '') expect(stdout).toContain('\\x9b2J');
    kept.guests[0]!.commandLine = ORDERS;
    fs.writeFileSync(join(folder, 'hypberry-guests.json'), JSON.stringify(kept));
    await run('guest', 'list', folder);
  });

  test('guests with orders in the paths of their disks', async () => {
    const disk = { path: '/srv/\u202e\u200b\u2066.img' };
    const folder = folderOf(
      bootPartition('svc', {
        'bcm2709-rpi-2-b.dtb': HOST_TREE,
        ...guestFilesOf({ disks: [disk] }, 'web'),
      }),
    );
    for (const args of [['guest', 'list'], ['inspect'], ['install', '--dry-run']]) {
      const { status, stdout } = await run(...args, folder);
      expect(status).toBe(0);
      if (args[0] !== 'install') expect(stdout).toContain('/srv/\\u{202e}\\u{200b}\\u{2066}.img');
    }
    const { status, stderr } = await run(
      ...['guest', 'add', '--name', 'db', '--kernel', join(folder, 'kernel7.img')],
      ...['--disk', `/${ORDERS}`, folder],
    );
    expect(status).toBe(2);
    expect(stderr).toContain('(guest.disk)');
  });

  test.each([
    [[ORDERS]],
    [['inspect', ORDERS]],
    [['inspect', `--${ORDERS}`, 'x']],
    [['install', `--method=${ORDERS}`, 'x']],
    [['try', '--timeout', ORDERS, 'x']],
    [['try', '--engine', ORDERS, 'x']],
    [['guest', ORDERS, 'x']],
    [['guest', 'remove', 'x', ORDERS]],
    [['guest', 'set', '.', ORDERS, '--disk', ORDERS]],
    [['guest', 'rename', 'x', ORDERS, ORDERS]],
    [['guest', 'add', '--name', ORDERS, '--kernel', ORDERS, '.']],
    [['build', '--out', `/dev/null/${ORDERS}`]],
  ])('arguments that hold orders: %j', async (args) => {
    const { status, stderr } = await run(...args);
    expect(status).toBe(2);
    expect(stderr).not.toMatch(/^HYP/m);
  });
});

/** What a hostile kernel says: sequences whole and without an end, C1 in UTF-8 and as a byte, a character cut off. */
const SAYS = [
  '~ # \x1b[6n\x1b[Jls\r',
  '\x1b]0;title\x07\x1b[c\xc2\x9b6n\x9b6n\x1b[1;32mgreen\r',
  '\b\b\b\b\b\b\b\b\b\b\b\bover \xe4\xbd',
  '\x1bP$qm',
  'smp: Brought up 1 node, 4 CPUs',
  'CPU: All CPU(s) started in HYP mode.\x1b]',
  '',
].join('\n');

describe('a hostile console', () => {
  const folder = folderOf(bootPartition('svc', { 'kernel7.img': printingPayload(SAYS) }));
  const shownOf = (stdout: string): string[] =>
    stdout.split('\n').flatMap((line) => /^ *\d+\.\d s {2}(.*)$/.exec(line)?.[1] ?? []);

  test('in a pipe: text alone', async () => {
    const { status, stdout, stderr } = await hypberry(['try', '--as-is', folder]);
    expect([status, stderr]).toEqual([0, '']);
    expect(unseenIn(stdout).filter((it) => !'\n\t\b'.includes(it))).toEqual([]);
    expect(shownOf(stdout)).toEqual([
      '~ # ls',
      '\ufffd6ngreen',
      'over \ufffd',
      '',
      'smp: Brought up 1 node, 4 CPUs',
      'CPU: All CPU(s) started in HYP mode.',
    ]);
    const { console: exact } = JSON.parse((await run('try', '--as-is', '--json', folder)).stdout) as {
      console: string;
    };
    expect(exact).toContain('~ # \u001b[6n\u001b[Jls\r\n\u001b]0;title\u0007\u001b[c\u009b6n\ufffd6n');
  });

  test('on a terminal: colours, and nothing that it would answer', () => {
    const command = `stty rows 24 cols 80; exec '${process.execPath}' '${MAIN}' try --as-is '${folder}'`;
    const { status, stdout } = spawnSync('script', ['-qec', command, '/dev/null'], {
      encoding: 'utf8',
      timeout: 60_000,
      input: '',
      env: { ...process.env, TERM: 'xterm', FORCE_COLOR: '1' },
    });
    expect(status).toBe(0);
    expect(stdout).toContain('\u001b[1;32mgreen\u001b[0m\r\n');
    const rest = stdout.replaceAll(/\u001b\[[\d;]*m/g, '').replaceAll('\r\n', '\n');
    expect(unseenIn(rest).filter((it) => it !== '\n')).toEqual([]);
  });
});

test('text of the hostile tests is hostile', () => {
  expect(unseenIn(ORDERS + ORDERS_ON_FAT + CONFIG).length).toBeGreaterThan(20);
  expect(concat(text(SAYS)).length).toBeGreaterThan(SAYS.length);
});
