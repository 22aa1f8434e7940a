import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { openDiskFile } from '../../src/node/disk-file.js';
import { openCard } from '../../src/node/open-card.js';
import { writeOwnFiles } from '../../src/node/own-files.js';
import { refuseProblem } from '../../src/setup/boot-partition.js';
import { makeVolume, run, temporary } from '../card/images.js';
import { bootPartition } from '../support/boot-files.js';

afterEach(() => vi.restoreAllMocks());

const refusal = async (target: string, partition?: number): Promise<unknown> =>
  openCard(target, { write: false, partition }).then(
    (card) => card.close(),
    (error: unknown) => error,
  );

describe('what is given in place of an image is called what it is', () => {
  test.each([
    ['xz', (file: string) => spawnSync('xz', ['-c', file], { maxBuffer: 1 << 26 }).stdout],
    ['gunzip', (file: string) => gzipSync(fs.readFileSync(file))],
    ['unzip', () => Buffer.concat([Buffer.from('PK\u0003\u0004'), Buffer.alloc(2000)])],
  ])('a packed one: %s', async (program, pack) => {
    const image = temporary('image');
    fs.writeFileSync(image, Buffer.alloc(1 << 20, crypto.getRandomValues(new Uint8Array(4096))));
    const packed = temporary('card.img.packed');
    fs.writeFileSync(packed, pack(image));
    for (const partition of [undefined, 1]) {
      expect(await refusal(packed, partition)).toMatchObject({
        code: 'card.packed',
        hint: expect.stringContaining(`(${program})`) as string,
      });
    }
  });

  test('a root file system as an image', async () => {
    const image = temporary('root.img');
    fs.writeFileSync(image, Buffer.alloc(4 << 20));
    run('mkfs.ext4', '-q', '-F', image);
    expect(await refusal(image)).toMatchObject({
      code: 'card.not-fat',
      message: expect.stringContaining('root file system') as string,
    });
  });

  test('a root file system as a folder: nothing is installed, and where to look is said', async () => {
    const root = temporary('root');
    for (const name of ['etc', 'usr', 'var', 'boot']) fs.mkdirSync(join(root, name), { recursive: true });
    const card = await openCard(root, { write: false });
    expect(() => {
      refuseProblem(card);
    }).toThrow(
      expect.objectContaining({
        code: 'setup.root-file-system',
        hint: expect.stringContaining('boot/firmware') as string,
      }),
    );
    await card.close();
  });

  test.each(['ef', '83'])('a boot partition of type %s', async (type) => {
    const volume = fs.readFileSync(
      makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, bootPartition('svc')),
    );
    const image = temporary('card');
    fs.writeFileSync(image, Buffer.concat([Buffer.alloc(1 << 20), volume]));
    const table = `label: dos\nstart=2048, type=${type}\n`;
    expect(spawnSync('/usr/sbin/sfdisk', ['-q', image], { input: table }).status).toBe(0);
    expect(await refusal(image)).toMatchObject({
      code: 'card.partition-type',
      message: expect.stringContaining(`0x${type}`) as string,
      hint: expect.stringContaining('--partition 1') as string,
    });
    expect(await refusal(image, 1)).toBeUndefined();
  });
});

describe("a full disk that is the computer's own", () => {
  const full = (): void => {
    const write = fs.writeSync.bind(fs) as (...args: readonly unknown[]) => number;
    vi.spyOn(fs, 'writeSync').mockImplementation((...args: readonly unknown[]) => {
      // The file of locks lies somewhere else.
      if (!(args[1] instanceof Uint8Array && args[1].length >= 256)) return write(...args);
      throw Object.assign(new Error('ENOSPC: no space left on device'), { code: 'ENOSPC' });
    });
  };

  test('under an image is told as such', () => {
    const image = temporary('image');
    fs.writeFileSync(image, Buffer.alloc(4096));
    const disk = openDiskFile(image, { write: true });
    full();
    expect(() => {
      disk.write(0, new Uint8Array(512));
    }).toThrow(expect.objectContaining({ code: 'file.no-room' }));
    disk.close();
  });

  test('under new files is told as such, and leaves none of them', async () => {
    const folder = temporary('out');
    full();
    const files = [{ name: 'bootblk.bin', data: new Uint8Array(256) }];
    await expect(writeOwnFiles(folder, files, () => true)).rejects.toMatchObject({ code: 'file.no-room' });
    expect(fs.readdirSync(folder)).toEqual([]);
  });
});

test('a folder in which nothing may be renamed gets no file of ours', async ({ skip }) => {
  const folder = temporary('out');
  fs.mkdirSync(folder);
  fs.writeFileSync(`${folder}/other`, '');
  const { status } = spawnSync('chattr', ['+a', folder]);
  if (status !== 0) skip('chattr does not work here: such a folder was not tried');
  try {
    const files = [{ name: 'bootblk.bin', data: new Uint8Array(256) }];
    await expect(writeOwnFiles(folder, files, () => true)).rejects.toMatchObject({ code: 'file.unwritable' });
    expect(fs.readdirSync(folder)).toEqual(['other']);
  } finally {
    spawnSync('chattr', ['-a', folder]);
  }
});
