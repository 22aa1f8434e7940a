import fs from 'node:fs';
import { afterEach, describe, expect, it } from 'vitest';
import { openCard } from '../../src/node/open-card.js';
import { onSystem } from '../../src/node/system-error.js';
import { fsck, getFile, makeDisk, makeVolume, pattern, putFile, run, temporary } from '../card/images.js';
import { loopDevice, mountDevice, NO_LOOP } from '../support/loop-device.js';

const FAT16 = { bits: 16, sectorsPerCluster: 1, megabytes: 4 } as const;
const TABLE = 'label: dos\nstart=2048,size=8192,type=c\nstart=12288,type=83\n';

const undo: (() => void)[] = [];
afterEach(() => {
  for (const step of undo.splice(0).reverse()) step();
});

function mount(device: string): void {
  const at = temporary('mount');
  fs.mkdirSync(at);
  mountDevice(device, at);
}

/** A disk with a FAT16 boot partition and an ext4 one, as an image. */
function card(): string {
  const disk = makeDisk(16, TABLE, makeVolume(FAT16, { 'config.txt': pattern(100, 1) }));
  const ext4 = temporary('ext4');
  fs.closeSync(fs.openSync(ext4, 'w'));
  fs.truncateSync(ext4, 10 << 20);
  run('mkfs.ext4', '-q', ext4);
  run('dd', `if=${ext4}`, `of=${disk}`, 'bs=512', 'seek=12288', 'conv=notrunc,sparse', 'status=none');
  return disk;
}

describe('refusals', () => {
  it.each([
    ['card.not-found', () => '/no/such/card'],
    ['card.not-fat', () => '/dev/null'],
    [
      'card.not-fat',
      () => {
        const at = temporary();
        fs.writeFileSync(at, '');
        return at;
      },
    ],
    [
      'card.not-fat',
      () => {
        const at = temporary();
        fs.writeFileSync(at, new Uint8Array(1 << 20));
        return at;
      },
    ],
  ])('%s', async (code, target) => {
    await expect(openCard(target(), { write: true })).rejects.toMatchObject({ code });
  });

  it('card.permission, as a user who may not', () => {
    const image = makeVolume(FAT16);
    fs.chmodSync(image, 0o000);
    if (process.getuid?.() !== 0) {
      return expect(openCard(image, { write: false })).rejects.toMatchObject({ code: 'card.permission' });
    }
    // Root may open anything, so the code is asked for what it makes of the system's answer.
    expect(() =>
      onSystem(image, () => {
        throw Object.assign(new Error('EACCES'), { code: 'EACCES' });
      }),
    ).toThrow(expect.objectContaining({ code: 'card.permission' }));
  });

  it('card.permission names the file below that is meant', () => {
    const denied = (path: string) => () => {
      throw Object.assign(new Error('EACCES'), { code: 'EACCES', path });
    };
    const says = (path: string) =>
      expect.objectContaining({ message: `You may not open or change "${path}".` }) as Error;
    for (const folder of ['/boot', '/boot/'])
      expect(() => onSystem(folder, denied('/boot/config.txt'))).toThrow(says('/boot/config.txt'));
    expect(() => onSystem('boot', denied('boot/a/b'))).toThrow(says('boot/a/b'));
    expect(() => onSystem('/boot', denied('/bootcode'))).toThrow(says('/boot'));
    expect(() => onSystem('/boot', denied('/boot'))).toThrow(says('/boot'));
  });

  it('system.limit: what the system lets nobody have more of is not told as the fault of a card', () => {
    for (const code of ['EMFILE', 'ENFILE', 'EFBIG', 'ENOMEM'])
      expect(() =>
        onSystem('/boot', () => {
          throw Object.assign(new Error(code), { code });
        }),
      ).toThrow(expect.objectContaining({ code: 'system.limit' }));
  });

  it('card.not-found: a name that is too long for any file', async () => {
    await expect(openCard('x'.repeat(5000), { write: false })).rejects.toMatchObject({
      code: 'card.not-found',
    });
  });

  it('card.not-found: a link that leads to itself', async () => {
    const at = temporary();
    fs.symlinkSync(at, at);
    await expect(openCard(at, { write: true })).rejects.toMatchObject({ code: 'card.not-found' });
  });

  it('card.not-fat: a FAT volume whose boot sector is odd is told as that, by itself and in a partition', async () => {
    const odd = async (at: number, change: (bytes: Buffer) => void, image: string): Promise<string> => {
      const bytes = fs.readFileSync(image);
      change(bytes.subarray(at));
      fs.writeFileSync(image, bytes);
      const error: unknown = await openCard(image, { write: false }).catch((it: unknown) => it);
      expect(error).toMatchObject({ code: 'card.not-fat' });
      return (error as Error).message;
    };
    const volume = (): string => makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 });
    const noJump = (bytes: Buffer): void => {
      bytes[0] = 0;
    };
    const threeTables = (bytes: Buffer): void => {
      bytes[16] = 3;
    };
    expect(await odd(0, noJump, volume())).toMatch(/its first byte is 0x00, which is no jump\.$/);
    expect(await odd(0, threeTables, volume())).toMatch(/it has 3 allocation tables, and not one or two\.$/);
    expect(await odd(2048 * 512, threeTables, card())).toMatch(/3 allocation tables/);
    const noSignature = (bytes: Buffer): void => {
      noJump(bytes);
      bytes[510] = 0;
    };
    expect(await odd(0, noSignature, volume())).not.toMatch(/odd/);
  });

  it('leaves no file open', async () => {
    const before = fs.readdirSync('/proc/self/fd').length;
    const image = makeDisk(16, 'label: dos\n');
    await expect(openCard(image, { write: true })).rejects.toThrow();
    expect(fs.readdirSync('/proc/self/fd').length).toBe(before);
  });
});

describe('an image', () => {
  it('opened for reading is never written', async () => {
    const image = card();
    fs.chmodSync(image, 0o444);
    const before = fs.readFileSync(image);
    const one = await openCard(image, { write: false });
    expect(one.kind).toBe('image');
    await one.list('');
    for (const change of [
      one.replace('config.txt', pattern(1, 1)),
      one.remove('config.txt'),
      one.create('x', pattern(1, 1)),
    ]) {
      await expect(change).rejects.toMatchObject({ code: 'card.read-only' });
    }
    await one.close();
    expect(fs.readFileSync(image).equals(before)).toBe(true);
  });

  it('of 8 GB is read and written in place', async () => {
    // The card's whole size as one FAT32 partition: the most that is ever checked.
    const image = makeDisk(8192, 'label: dos\nstart=2048,type=c\n');
    run('mkfs.fat', '-F', '32', '-s', '8', '--offset', '2048', image, String(8191 * 1024));
    putFile(`${image}@@1M`, 'a.txt', pattern(100, 1));
    const before = process.memoryUsage.rss();
    const one = await openCard(image, { write: true });
    await one.create('kernel.img', pattern(1 << 20, 2));
    await one.replace('a.txt', pattern(200, 3));
    const grown = process.memoryUsage.rss() - before;
    await one.close();

    expect(grown).toBeLessThan(64 << 20);
    expect(fs.statSync(image).blocks * 512).toBeLessThan(64 << 20);
    expect(Buffer.compare(getFile(`${image}@@1M`, 'kernel.img'), pattern(1 << 20, 2))).toBe(0);
  });
});

describe('a block device', () => {
  it.each([
    ['darwin', '/Volumes/'],
    ['win32', 'E:\\'],
    ['freebsd', 'mounted at'],
  ])('card.mount-unknown: on %s, where nobody tells whether it is mounted', async (platform, words) => {
    const { platform: here } = process;
    Object.defineProperty(process, 'platform', { value: platform });
    undo.push(() => Object.defineProperty(process, 'platform', { value: here }));
    // A device of characters, as macOS has them of disks, too: no test needs to be root for it.
    for (const target of [
      '/dev/null',
      ...(platform === 'win32' ? ['\\\\.\\PhysicalDrive1', '//./E:'] : []),
    ]) {
      for (const write of [true, false]) {
        await expect(openCard(target, { write })).rejects.toMatchObject({
          code: 'card.mount-unknown',
          hint: expect.stringContaining(words) as string,
        });
      }
    }
    // Images and folders go on.
    await (await openCard(makeVolume(FAT16), { write: true })).close();
  });

  it('is read and written', async ({ skip }) => {
    const image = makeVolume(FAT16, { 'config.txt': pattern(100, 1) });
    const device = loopDevice(image);
    if (device === undefined) return skip(NO_LOOP);
    const link = temporary('by-id');
    fs.symlinkSync(device, link);
    const one = await openCard(link, { write: true });
    expect(one.kind).toBe('device');
    await one.create('new.bin', pattern(30_000, 2));
    await one.replace('config.txt', pattern(700, 3));
    await one.close();
    expect(fsck(device)).toBe('clean');
    expect(Buffer.compare(getFile(device, 'new.bin'), pattern(30_000, 2))).toBe(0);
    expect(Buffer.compare(getFile(image, 'config.txt'), pattern(700, 3))).toBe(0);
  });

  it('can be a partition', async ({ skip }) => {
    const device = loopDevice(card(), { partitions: true });
    if (device === undefined) return skip(NO_LOOP);
    const one = await openCard(`${device}p1`, { write: true });
    await one.replace('config.txt', pattern(700, 3));
    await one.close();
    expect(fsck(`${device}p1`)).toBe('clean');
  });

  it('card.read-only: its lock switch is on', async ({ skip }) => {
    const device = loopDevice(makeVolume(FAT16), { readOnly: true });
    if (device === undefined) return skip(NO_LOOP);
    await expect(openCard(device, { write: true })).rejects.toMatchObject({ code: 'card.read-only' });
    await (await openCard(device, { write: false })).close();
  });

  it('card.mounted: a partition of it is mounted', async ({ skip }) => {
    const image = card();
    const device = loopDevice(image, { partitions: true });
    if (device === undefined) return skip(NO_LOOP);
    mount(`${device}p2`);
    await expect(openCard(device, { write: true })).rejects.toMatchObject({ code: 'card.mounted' });
    await expect(openCard(image, { write: true })).rejects.toMatchObject({ code: 'card.mounted' });
    await expect(openCard(`${device}p2`, { write: true })).rejects.toMatchObject({ code: 'card.mounted' });
    const one = await openCard(device, { write: false });
    expect(await one.read('config.txt')).toEqual(pattern(100, 1));
    await one.close();
    // The boot partition itself is not mounted.
    await (await openCard(`${device}p1`, { write: true })).close();
  });

  it('card.mounted: the kernel has the last word', async ({ skip }) => {
    const device = loopDevice(card(), { partitions: true });
    if (device === undefined) return skip(NO_LOOP);
    mount(`${device}p2`);
    const { openDiskFile } = await import('../../src/node/disk-file.js');
    expect(() => openDiskFile(device, { write: true })).toThrow(
      expect.objectContaining({ code: 'card.mounted' }),
    );
  });
});
