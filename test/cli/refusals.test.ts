import { createHash } from 'node:crypto';
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { afterEach, describe, expect, test, vi, type TestContext } from 'vitest';
import { makeDisk, makeVolume, run, temporary } from '../card/images.js';
import { BOOTCODE_TODAY } from '../support/bootcode.js';
import { BIG_TREE, bootPartition, FIRMWARE, kernelFile, type Files } from '../support/boot-files.js';
import { concat, text, zImage } from '../support/kernel-files.js';
import { hypberry, MAIN } from './run.js';

vi.setConfig({ testTimeout: 60_000 });

const SHAPE = { bits: 16, sectorsPerCluster: 1, megabytes: 4 } as const;
/** Where a volume of this shape has its first FAT: mkfs.fat's reserved sectors. */
const sectorsBeforeFat = (volume: Uint8Array): number => new DataView(volume.buffer).getUint16(14, true);

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

const sum = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
const image = (firmware: keyof typeof FIRMWARE, more: Record<string, string | Uint8Array> = {}): string =>
  makeVolume(SHAPE, bootPartition(firmware, more));
const without = (name: string): string => {
  const files: Files = bootPartition('svc');
  return makeVolume(SHAPE, Object.fromEntries(Object.entries(files).filter(([path]) => path !== name)));
};

/** A loop device that shows an image; the test is skipped where the system gives none, which takes root. */
function loop({ skip }: TestContext, file: string, ...flags: string[]): string {
  const { status, stdout } = spawnSync('losetup', ['-f', '--show', ...flags, file], { encoding: 'utf8' });
  if (status !== 0) skip('losetup gives no loop device here (it needs root)');
  undo.push(() => run('losetup', '-d', stdout.trim()));
  return stdout.trim();
}

/** Runs the command and sees that it refuses as it should: status 2, two lines, nothing written. */
async function expectRefusal(code: string, args: readonly string[], medium?: string): Promise<void> {
  const before = medium && sum(medium);
  const { status, stdout, stderr } = await hypberry(args);
  expect(stderr).toMatch(/^error: [^\n]+\.\s\([a-z0-9.-]+\)\nhint: {2}[^\n]+\n$/);
  expect(stderr).toContain(`(${code})`);
  expect([status, stdout]).toEqual([2, '']);
  if (medium) expect(sum(medium), 'the card is as it was').toBe(before);
}

const arm64 = concat(new Uint8Array(56).fill(1), text('ARM\x64'), new Uint8Array(100));

describe('install refuses', () => {
  test.each<[string, string, () => string, string[]]>([
    ['card.no-room', 'a full card', () => image('of2015', { filler: new Uint8Array(4_110_000) }), []],
    [
      'card.not-fat',
      'what is no card',
      () => {
        const at = temporary();
        fs.writeFileSync(at, new Uint8Array(1 << 20));
        return at;
      },
      [],
    ],
    [
      'card.truncated',
      'an image cut short',
      () => {
        const disk = makeDisk(16, 'label: dos\nstart=2048,size=8192,type=e\n', image('svc'));
        fs.truncateSync(disk, 3 << 20);
        return disk;
      },
      [],
    ],
    [
      'card.cluster-loop',
      'a file that comes back to its start',
      () => {
        const at = image('svc');
        const volume = new Uint8Array(fs.readFileSync(at));
        const view = new DataView(volume.buffer);
        const sectors = view.getUint16(22, true);
        const fat = sectorsBeforeFat(volume) * 512;
        // The directory entry of the kernel names its first cluster; the next one leads back to it.
        const entry = Buffer.from(volume.buffer).indexOf('KERNEL7 IMG', 0, 'latin1');
        const first = view.getUint16(entry + 26, true);
        for (const copy of [fat, fat + sectors * 512]) view.setUint16(copy + (first + 1) * 2, first, true);
        fs.writeFileSync(at, volume);
        return at;
      },
      [],
    ],
    ['firmware.no-kernel', 'a card without a kernel', () => without('kernel7.img'), []],
    ['firmware.arm64-kernel', 'a 64-bit kernel', () => image('svc', { 'kernel7.img': arm64 }), []],
    [
      'setup.armv6-kernel',
      "a Pi 1's kernel",
      () => image('svc', { 'kernel7.img': kernelFile(1, '6.6.20+rpt-rpi-v6') }),
      [],
    ],
    [
      'setup.truncated-kernel',
      'a kernel cut short',
      () => image('svc', { 'kernel7.img': zImage({ size: 100_000 }) }),
      [],
    ],
    ['setup.no-firmware', 'a card without firmware', () => without('start.elf'), []],
    [
      'setup.bootcode-alone',
      'a card that starts what is elsewhere',
      () => makeVolume(SHAPE, { 'bootcode.bin': BOOTCODE_TODAY }),
      [],
    ],
    ['setup.armstub-unknown', 'armstub for old firmware', () => image('of2015'), ['--method', 'armstub']],
    [
      'setup.tree-overlap',
      "a tree that reaches into the kernel's page tables",
      () =>
        image('of2015', {
          'bcm2709-rpi-2-b.dtb': BIG_TREE,
          'config.txt': 'initramfs rd followkernel\n',
          rd: 'ramdisk',
        }),
      ['--method', 'kernel_old'],
    ],
    [
      'setup.waiting-cores',
      'cores that stay in the first page of memory',
      () => image('of2015', { 'cmdline.txt': 'maxcpus=1' }),
      ['--method', 'kernel_old'],
    ],
    [
      'setup.config-damaged',
      'a block in config.txt that is damaged',
      () => image('svc', { 'config.txt': '# hypberry: end\n' }),
      [],
    ],
  ])('%s: %s', async (code, _, make, args) => {
    const target = make();
    await expectRefusal(code, ['install', ...args, target], target);
    // What cannot be installed for lack of room can be tried all the same.
    if (code !== 'card.no-room') await expectRefusal(code, ['try', ...args, target], target);
  });

  test('card.not-found: a wrong path', async () => {
    await expectRefusal('card.not-found', ['install', '/no/such/card']);
  });

  test('card.read-only: a card whose lock switch is on', async (context) => {
    const file = image('svc');
    await expectRefusal('card.read-only', ['install', loop(context, file, '-r')], file);
  });

  test('card.read-only: a folder mounted so', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root');
    const at = temporary('mount');
    fs.mkdirSync(at);
    run('mount', '-t', 'tmpfs', '-o', 'size=1m,ro', 'tmpfs', at);
    undo.push(() => run('umount', at));
    await expectRefusal('card.read-only', ['install', at]);
    await expectRefusal('card.read-only', ['uninstall', at]);
  });

  test('card.no-room: a full folder', async ({ skip }) => {
    skip(process.getuid?.() !== 0, 'needs root');
    const at = temporary('mount');
    fs.mkdirSync(at);
    run('mount', '-t', 'tmpfs', '-o', 'size=128k', 'tmpfs', at);
    undo.push(() => run('umount', at));
    for (const [name, data] of Object.entries(bootPartition('of2015')))
      fs.writeFileSync(`${at}/${name}`, data);
    fs.writeFileSync(`${at}/filler`, new Uint8Array(80 << 10));
    const before = fs.readdirSync(at).map((name) => [name, sum(`${at}/${name}`)]);
    await expectRefusal('card.no-room', ['install', at]);
    expect(fs.readdirSync(at).map((name) => [name, sum(`${at}/${name}`)])).toEqual(before);
  });

  test('card.mounted: a card in use, by its device and by its image', async (context) => {
    // Its second partition is mounted: an ext4 one, as not every kernel that tests run under knows FAT.
    const disk = makeDisk(16, 'label: dos\nstart=2048,size=8192,type=e\nstart=12288,type=83\n', image('svc'));
    run('mkfs.ext4', '-q', '-E', `offset=${12_288 * 512}`, disk, '10M');
    const device = loop(context, disk);
    run('partx', '-a', device);
    undo.push(() => run('partx', '-d', device));
    const at = temporary('mount');
    fs.mkdirSync(at);
    run('mount', '-o', 'ro', `${device}p2`, at);
    undo.push(() => run('umount', at));
    await expectRefusal('card.mounted', ['install', device], disk);
    await expectRefusal('card.mounted', ['install', disk], disk);
    await expectRefusal('card.mounted', ['uninstall', device], disk);
    // Another loop device shows the same card, and nothing of it is mounted.
    await expectRefusal('card.mounted', ['install', loop(context, disk)], disk);
    // To look at it, and to try it, is no harm.
    expect((await hypberry(['install', '--dry-run', device])).status).toBe(0);
  });
});

test('inspect tells of a damaged block, and does not stop there', async () => {
  const { status, stdout } = await hypberry(['inspect', image('svc', { 'config.txt': '# hypberry: end\n' })]);
  expect(status).toBe(1);
  expect(stdout).toContain('(setup.config-damaged)');
  expect(stdout).toContain('starts Linux in SVC mode');
});

test.runIf(fs.existsSync('/dev/full'))('standard output on a full disk is said on standard error', () => {
  const { status, stderr } = spawnSync('sh', ['-c', '"$0" "$1" build > /dev/full', process.execPath, MAIN], {
    encoding: 'utf8',
  });
  expect(status).toBe(2);
  expect(stderr).toMatch(
    /^error: Standard output cannot be written \(ENOSPC\)\. \(file\.unwritable\)\nhint: .* with room\.\n$/,
  );
  // What was changed before that is not taken back.
  const script = '"$0" "$1" install "$2" > /dev/full';
  const target = image('svc');
  const installed = spawnSync('sh', ['-c', script, process.execPath, MAIN, target], { encoding: 'utf8' });
  expect(installed.status).toBe(2);
  expect(installed.stderr).toMatch(/\nhint: .* may have been changed all the same\.\n$/);
});

test('what is no file, or has no room in a guest, is no kernel of one', async () => {
  const volume = makeVolume(SHAPE, bootPartition('svc'));
  const sparse = temporary('sparse');
  fs.closeSync(fs.openSync(sparse, 'w'));
  fs.truncateSync(sparse, 1900 << 20);
  for (const [kernel, code] of [
    ['/dev/zero', 'file.not-a-file'],
    [sparse, 'file.too-large'],
  ] as const) {
    const { status, stderr } = await hypberry(['guest', 'add', '--name', 'a', '--kernel', kernel, volume]);
    expect([status, stderr.includes(`(${code})`)], stderr).toEqual([2, true]);
  }
});
