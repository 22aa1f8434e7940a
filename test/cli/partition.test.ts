import fs from 'node:fs';
import { describe, expect, test, vi } from 'vitest';
import { fsck, getFile, makeDisk, makeVolume, putVolume, run, temporary } from '../card/images.js';
import { bootPartition } from '../support/boot-files.js';
import { hypberry, type Outcome } from './run.js';

vi.setConfig({ testTimeout: 60_000 });

const SHAPE = { bits: 16, sectorsPerCluster: 1, megabytes: 4 } as const;
const TODAYS_BOOTCODE = 'gpu_mem\0boot_partition\0autoboot.txt\0tryboot.txt\0all\0pi2\0tryboot\0';

/** A card with a boot partition at 2048 and another at 12288, logical where `extended` is set. */
function twoSystems(first: Record<string, string>, extended = false): string {
  const second = extended
    ? 'start=10240,type=5\nstart=12288,size=8192,type=c\n'
    : 'start=12288,size=8192,type=c\n';
  const disk = makeDisk(16, `label: dos\nstart=2048,size=8192,type=c\n${second}`);
  putVolume(disk, makeVolume(SHAPE, bootPartition('svc', first)), 2048);
  putVolume(disk, makeVolume(SHAPE, bootPartition('svc')), 12288);
  return disk;
}

/** config.txt of the volume at a sector of a disk. */
const configAt = (disk: string, sector: number): string =>
  Buffer.from(getFile(`${disk}@@${sector * 512}`, 'config.txt')).toString();

function refused({ status, stdout, stderr }: Outcome, code: string): string {
  expect(stderr).toMatch(/^error: [^\n]+\.\s\([a-z0-9.-]+\)\nhint: {2}[^\n]+\n$/);
  expect(stderr).toContain(`(${code})`);
  expect([status, stdout]).toEqual([2, '']);
  return stderr;
}

describe('a stale FAT boot sector before a partition table', () => {
  /** A card that was one FAT volume, and then was given a table and a boot partition, as fdisk and Linux see it. */
  function stale(): string {
    const disk = makeVolume({ ...SHAPE, megabytes: 16, sectorsPerCluster: 4 }, bootPartition('svc'));
    const script = temporary('script');
    fs.writeFileSync(script, 'label: dos\nstart=16384,size=8192,type=c\nstart=24576,type=83\n');
    run('sh', '-c', `sfdisk -q --wipe never --force "${disk}" < "${script}"`);
    putVolume(disk, makeVolume(SHAPE, bootPartition('svc', { 'config.txt': 'gpu_mem=32\n' })), 16384);
    return disk;
  }

  test('inspect takes the table and says so, install asks which, and writes there alone', async () => {
    const disk = stale();
    const before = fs.readFileSync(disk);
    const report = await hypberry(['inspect', '--json', disk]);
    expect(JSON.parse(report.stdout)).toMatchObject({
      bootPartition: { partition: 1, reason: 'Partition 1: the first FAT partition.' },
      config: { settings: [{ name: 'gpu_mem', value: '32' }] },
    });
    expect((await hypberry(['inspect', disk])).stdout).toMatch(/also +Its first sector .*--whole/);
    for (const command of [['install'], ['install', '--dry-run'], ['uninstall']]) {
      const text = refused(await hypberry([...command, disk]), 'card.ambiguous');
      expect(text).toContain('--partition 1, or --whole');
    }
    expect(fs.readFileSync(disk).equals(before)).toBe(true);

    const done = await hypberry(['install', '--json', '--partition', '1', disk]);
    expect(JSON.parse(done.stdout)).toMatchObject({ changed: true, bootPartition: { partition: 1 } });
    const after = fs.readFileSync(disk);
    const [from, to] = [16384 * 512, 24576 * 512];
    expect(after.subarray(0, from).equals(before.subarray(0, from))).toBe(true);
    expect(after.subarray(to).equals(before.subarray(to))).toBe(true);
    expect(configAt(disk, 16384)).toContain('hypberry');

    expect((await hypberry(['install', '--whole', disk])).status).toBe(0);
    expect(configAt(disk, 0)).toContain('hypberry');
    expect(fs.readFileSync(disk).subarray(from, to).equals(after.subarray(from, to))).toBe(true);
  });
});

describe('the partition that autoboot.txt names', () => {
  test('is inspected and installed on, and named', async () => {
    const disk = twoSystems({ 'bootcode.bin': TODAYS_BOOTCODE, 'autoboot.txt': '[all]\nboot_partition=2\n' });
    const reason = 'Partition 2: autoboot.txt, line 2: boot_partition=2 on partition 1.';
    expect((await hypberry(['inspect', disk])).stdout).toContain(reason);
    const { stdout } = await hypberry(['install', disk]);
    expect(stdout.split('\n')[0]).toBe(reason);
    expect(configAt(disk, 2048)).not.toContain('hypberry');
    expect(configAt(disk, 12288)).toContain('hypberry');
    expect((await hypberry(['uninstall', disk])).status).toBe(0);
    expect(configAt(disk, 12288)).toBe('# mine\ngpu_mem=64\n');
  });
});

describe('a card of NOOBS', () => {
  test('names its systems; a logical one is installed on', async () => {
    const disk = twoSystems({ 'recovery.elf': '', 'recovery7.img': '', 'recovery.rfs': '' }, true);
    const { status, stdout } = await hypberry(['inspect', disk]);
    // What it starts by itself is NOOBS.
    expect(status).toBe(1);
    expect(stdout.trimEnd().split('\n').at(-1)).toMatch(/NOOBS or PINN.*--partition 5\.$/);
    refused(await hypberry(['install', disk]), 'setup.noobs');
    refused(await hypberry(['try', disk]), 'setup.noobs');
    expect((await hypberry(['install', '--partition', '5', disk])).status).toBe(0);
    expect(configAt(disk, 12288)).toContain('hypberry');
    run('dd', `if=${disk}`, `of=${disk}.part`, 'bs=512', 'skip=12288', 'count=8192', 'status=none');
    expect(fsck(`${disk}.part`)).toBe('clean');
    fs.rmSync(`${disk}.part`);
  });
});

describe('--partition and --whole are refused', () => {
  const folder = temporary('folder');
  fs.mkdirSync(folder);
  const disk = twoSystems({});

  test.each<[string, readonly string[]]>([
    ['card.folder-partition', ['inspect', '--partition', '1', folder]],
    ['card.folder-partition', ['install', '--whole', folder]],
    ['card.no-partition', ['guest', 'list', '--partition', '7', disk]],
    ['card.no-partition', ['try', '--partition', '7', disk]],
    ['card.not-fat', ['uninstall', '--whole', disk]],
    ['card.no-partition', ['guest', 'remove', '--partition', '3', disk, 'web']],
  ])('%s: %j', async (code, args) => {
    refused(await hypberry(args), code);
  });

  test.each<[string, (file: string) => void, RegExp]>([
    ['ext4', (file) => run('mkfs.ext4', '-q', '-F', file), /is an ext4 file system \(type 0x83\), and a Pi/],
    ['swap', (file) => run('mkswap', file), /is swap space \(type 0x83\), and a Pi/],
    ['nothing', () => undefined, /is of a kind that is not known \(type 0x83\), and a Pi/],
  ])('a partition that is not FAT, and what it is: %s', async (_, make, what) => {
    const file = temporary('partition');
    fs.writeFileSync(file, new Uint8Array(4 << 20));
    make(file);
    const target = makeDisk(16, 'label: dos\nstart=2048,size=8192,type=c\nstart=12288,size=8192,type=83\n');
    putVolume(target, makeVolume(SHAPE, bootPartition('svc')), 2048);
    putVolume(target, file, 12288);
    const said = refused(await hypberry(['inspect', '--partition', '2', target]), 'card.not-fat');
    expect(said).toMatch(what);
    expect(said).toMatch(/\nhint: {2}Without --partition [^\n]*; FAT are: 1\.\n/);
  });

  test('an extended partition, which holds others', async () => {
    const target = twoSystems({}, true);
    expect(refused(await hypberry(['inspect', '--partition', '2', target]), 'card.no-partition')).toMatch(
      /Partition 2 is an extended one, which holds others from number 5 on\..*FAT are: 1, 5\./s,
    );
  });

  test('both at once, and what is no number', async () => {
    for (const args of [
      ['--partition', '1', '--whole'],
      ['--partition', '0'],
      ['--partition', 'one'],
    ]) {
      const { status, stderr } = await hypberry(['inspect', ...args, disk]);
      expect(status).toBe(2);
      expect(stderr).toContain('--partition');
    }
  });

  test('a folder that sends the firmware away', async () => {
    fs.writeFileSync(`${folder}/autoboot.txt`, 'boot_partition=3\n');
    refused(await hypberry(['install', folder]), 'setup.boots-elsewhere');
    expect((await hypberry(['uninstall', folder])).status).toBe(0);
  });
});
