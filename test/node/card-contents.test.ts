import { spawnSync } from 'node:child_process';
import fs, { mkdtempSync, readFileSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, onTestFinished, test, vi } from 'vitest';
import { openContents } from '../../src/node/card-contents.js';
import { openCard } from '../../src/node/open-card.js';
import { run } from '../card/images.js';
import { loopDevice, mountDevice, NO_LOOP } from '../support/loop-device.js';

const folder = mkdtempSync(join(tmpdir(), 'hypberry-contents-'));
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});
beforeEach(() => {
  vi.useFakeTimers({ toFake: ['setInterval', 'clearInterval'] });
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
});
/** A second goes by for what looks at the file, and what that began comes to its end. */
async function aSecond(): Promise<void> {
  vi.advanceTimersByTime(1000);
  await new Promise((resolve) => setTimeout(resolve, 20));
}

const SECTORS = 320;
let count = 0;
/** A new image whose bytes say in which sector they are. */
function newImage(): string {
  const path = join(folder, `card-${count++}.img`);
  writeFileSync(
    path,
    Uint8Array.from({ length: SECTORS * 512 + 100 }, (_, i) => i >> 9),
  );
  return path;
}
const code = (wanted: string): unknown => expect.objectContaining({ code: wanted });

test('an image is read in place, and what a system writes does not reach it', async () => {
  const path = newImage();
  const image = readFileSync(path);
  const disk = (await openContents(path))!;
  // What is no whole sector is not there.
  expect(disk.sectors).toBe(SECTORS);
  expect(disk.read(7, 1)[0]).toBe(7);
  disk.write(7, new Uint8Array(512).fill(99));
  disk.write(20, new Uint8Array(2048).fill(98));
  expect([disk.read(7, 1)[0], disk.read(23, 1)[0], disk.read(8, 1)[0]]).toEqual([99, 98, 8]);
  expect(Buffer.compare(readFileSync(path), image)).toBe(0);
  // A file that was cut short meanwhile is an error, where it was not written.
  writeFileSync(path, image.subarray(0, 5 * 512));
  expect(() => disk.read(200, 1)).toThrow(code('card.truncated'));
  // Sector 4 is there, though those behind it that are read ahead are not.
  expect([disk.read(3, 1)[0], disk.read(4, 1)[0], disk.read(7, 1)[0]]).toEqual([3, 4, 99]);
  disk.close();
  expect(() => disk.read(0, 1)).toThrow();
});

test('a folder, and an empty file, are no card, and refused where a system would write to it', async () => {
  expect(await openContents(folder)).toBeUndefined();
  const empty = join(folder, 'empty.img');
  writeFileSync(empty, new Uint8Array(511));
  expect(await openContents(empty)).toBeUndefined();
  for (const target of [folder, empty])
    await expect(openContents(target, { write: true })).rejects.toEqual(code('card.not-whole'));
  await expect(openContents(join(folder, 'nowhere'))).rejects.toEqual(code('card.not-found'));
  // Nothing of the lock stays.
  await (await openCard(folder, { write: true })).close();
});

describe('an image that a system writes to', () => {
  test('has each sector at once, and reads as it was written', async () => {
    const path = newImage();
    const disk = (await openContents(path, { write: true }))!;
    for (let sector = 30; sector < 34; sector++) expect(disk.read(sector, 1)[0]).toBe(sector);
    disk.write(35, new Uint8Array(512).fill(200));
    // One that was read ahead before.
    expect(disk.read(34, 1)[0]).toBe(34);
    expect(disk.read(35, 1)[0]).toBe(200);
    const now = readFileSync(path);
    expect([now[34 * 512], now[35 * 512], now[35 * 512 + 511], now[36 * 512]]).toEqual([34, 200, 200, 36]);
    expect('save' in disk).toBe(false);
    disk.close();
    expect(statSync(path).size).toBe(SECTORS * 512 + 100);
  });

  test('is zero where it is erased, and takes no room for what was zero before', async () => {
    const path = join(folder, 'sparse.img');
    const size = 64 << 20;
    writeFileSync(path, Uint8Array.of(1, 2, 3));
    truncateSync(path, size);
    const disk = (await openContents(path, { write: true }))!;
    disk.erase!(0, size / 512);
    disk.close();
    // A MiB at most, in blocks of 512 bytes.
    expect(statSync(path).blocks).toBeLessThanOrEqual(2048);
    expect(readFileSync(path).equals(Buffer.alloc(size))).toBe(true);
  });

  test("is nobody else's meanwhile", async () => {
    const path = newImage();
    const disk = (await openContents(path, { write: true }))!;
    const said: string[] = [];
    const other = openContents(path, { say: (it) => said.push(it) });
    await expect
      .poll(() => said)
      .toEqual([expect.stringMatching(/^Waiting for another hypberry .* changes /)]);
    disk.close();
    (await other)!.close();
  });

  test('is on the medium a second later, and when it is closed', async () => {
    const disk = (await openContents(newImage(), { write: true }))!;
    const soon = vi.spyOn(fs, 'fdatasync');
    const end = vi.spyOn(fs, 'fsyncSync');
    disk.write(1, new Uint8Array(512));
    expect(soon).not.toHaveBeenCalled();
    await aSecond();
    expect(soon).toHaveBeenCalledTimes(1);
    await aSecond();
    expect(soon).toHaveBeenCalledTimes(1);
    disk.write(2, new Uint8Array(512));
    disk.close();
    expect(end).toHaveBeenCalledTimes(1);
  });

  const failing = (name: 'EIO' | 'ENOSPC') => Object.assign(new Error(name), { code: name });

  test('says that the disk is full, and goes on where it is not', async () => {
    const path = newImage();
    const disk = (await openContents(path, { write: true }))!;
    const write = vi.spyOn(fs, 'writeSync').mockImplementation(() => {
      throw failing('ENOSPC');
    });
    expect(() => {
      disk.write(9, new Uint8Array(512));
    }).toThrow(code('file.no-room'));
    expect(disk.read(9, 1)[0]).toBe(9);
    write.mockRestore();
    disk.write(9, new Uint8Array(512));
    expect(disk.read(9, 1)[0]).toBe(0);
    disk.close();
  });

  test('says at the next write, or at the end, that the medium refused what was written', async () => {
    const disk = (await openContents(newImage(), { write: true }))!;
    vi.spyOn(fs, 'fdatasync').mockImplementation((_, done) => {
      done(failing('EIO'));
    });
    disk.write(9, new Uint8Array(512));
    await aSecond();
    expect(() => {
      disk.write(10, new Uint8Array(512));
    }).toThrow(code('card.io'));
    vi.spyOn(fs, 'fsyncSync').mockImplementation(() => {
      throw failing('EIO');
    });
    expect(() => {
      disk.close();
    }).toThrow(
      expect.objectContaining({
        code: 'card.io',
        message: expect.stringMatching(/Not all that its system wrote is on it\.$/) as string,
      }),
    );
  });

  test('asks at the end for all, and by a file that was not asked before', async () => {
    const disk = (await openContents(newImage(), { write: true }))!;
    const soon = vi.spyOn(fs, 'fdatasync');
    const end = vi.spyOn(fs, 'fsyncSync');
    disk.write(9, new Uint8Array(512));
    await aSecond();
    disk.close();
    expect(soon).toHaveBeenCalledTimes(1);
    expect(end).toHaveBeenCalledTimes(1);
    expect(end.mock.calls[0]![0]).not.toBe(soon.mock.calls[0]![0]);
  });

  test('is not asked again while it has not answered', async () => {
    const disk = (await openContents(newImage(), { write: true }))!;
    const answers: ((error: NodeJS.ErrnoException | null) => void)[] = [];
    vi.spyOn(fs, 'fdatasync').mockImplementation((_, done) => {
      answers.push(done);
    });
    const asked = async (): Promise<number> => {
      await aSecond();
      return answers.length;
    };
    disk.write(9, new Uint8Array(512));
    expect(await asked()).toBe(1);
    disk.write(10, new Uint8Array(512));
    expect(await asked()).toBe(1);
    answers[0]!(null);
    // Sector 10 was not asked for.
    expect(await asked()).toBe(2);
    answers[1]!(null);
    expect(await asked()).toBe(2);
    disk.close();
  });
});

describe('a device', () => {
  test('is written in place, and one that was taken out is no full disk', async ({ skip }) => {
    const path = newImage();
    const device = loopDevice(path);
    if (device === undefined) return skip(NO_LOOP);
    const disk = (await openContents(device, { write: true }))!;
    expect(disk.sectors).toBe(SECTORS);
    disk.write(7, new Uint8Array(512).fill(99));
    disk.sync();
    expect(readFileSync(path)[7 * 512]).toBe(99);
    // What the system does to a device that is gone: it has no sector any more.
    truncateSync(path, 0);
    run('losetup', '-c', device);
    for (const act of [
      () => {
        disk.write(8, new Uint8Array(512));
      },
      () => void disk.read(200, 1),
    ])
      expect(act).toThrow(
        expect.objectContaining({
          code: 'card.truncated',
          hint: expect.stringContaining('the card was taken out') as string,
        }),
      );
    disk.close();
  });

  test('says at the end that the medium did not take what it seemed to take', async ({ skip }) => {
    const at = join(folder, 'small');
    fs.mkdirSync(at);
    const { status } = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs', at]);
    if (status !== 0) return skip('mount makes no file system here (it needs root)');
    onTestFinished(() => {
      run('umount', '-l', at);
    });
    const path = join(at, 'card.img');
    writeFileSync(path, '');
    truncateSync(path, SECTORS * 512);
    // No byte more: the loop device takes part of a write for all of it.
    writeFileSync(join(at, 'rest'), new Uint8Array(64 << 10));
    const device = loopDevice(path);
    if (device === undefined) return skip(NO_LOOP);
    const disk = (await openContents(device, { write: true }))!;
    disk.write(0, new Uint8Array(512).fill(1));
    await aSecond();
    const refusal = (): unknown => {
      try {
        disk.write(0, new Uint8Array(512).fill(2));
      } catch (error) {
        return error;
      }
      return undefined;
    };
    await expect.poll(refusal, { timeout: 10_000 }).toEqual(code('card.io'));
    expect(() => {
      disk.close();
    }).toThrow(code('card.io'));
  });

  test('that is mounted is read, and that is said', async ({ skip }) => {
    const path = join(folder, 'ext4.img');
    writeFileSync(path, '');
    truncateSync(path, 1 << 20);
    run('mkfs.ext4', '-q', path);
    const device = loopDevice(path);
    if (device === undefined) return skip(NO_LOOP);
    const at = join(folder, 'mounted');
    fs.mkdirSync(at);
    mountDevice(device, at);
    const said: string[] = [];
    for (const target of [device, path]) {
      (await openContents(target, { say: (it) => said.push(it) }))!.close();
      await expect(openContents(target, { write: true })).rejects.toEqual(code('card.mounted'));
    }
    const sentence = (it: string): string =>
      `"${it}" is mounted at ${at}: what is changed there meanwhile, its system sees, too.`;
    expect(said).toEqual([sentence(device), sentence(path)]);
  });
});

describe('a file that others change while its system runs is told of, once', () => {
  test.each<[string, boolean, (path: string) => void, RegExp]>([
    [
      'removed',
      false,
      (path) => {
        rmSync(path);
      },
      /was removed/,
    ],
    [
      'replaced',
      true,
      (path) => {
        fs.renameSync(newImage(), path);
      },
      /another was put in its place/,
    ],
    [
      'cut short',
      true,
      (path) => {
        truncateSync(path, 700);
      },
      /became shorter/,
    ],
    [
      'written',
      false,
      (path) => {
        writeFileSync(path, 'x', { flag: 'r+' });
      },
      /changed by another program/,
    ],
  ])('%s', async (_, write, change, words) => {
    const path = newImage();
    const told: string[] = [];
    const disk = (await openContents(path, { write, onTrouble: (it) => told.push(it) }))!;
    change(path);
    await aSecond();
    expect(told).toEqual([expect.stringMatching(words)]);
    if (fs.existsSync(path)) fs.utimesSync(path, 1, 1);
    await aSecond();
    expect(told).toHaveLength(1);
    disk.close();
  });

  test('and what is written by us is none of that', async () => {
    const told: string[] = [];
    const disk = (await openContents(newImage(), { write: true, onTrouble: (it) => told.push(it) }))!;
    for (const sectors of [[1], [2, 3], [], []]) {
      for (const sector of sectors) disk.write(sector, new Uint8Array(512));
      await aSecond();
    }
    expect(told).toEqual([]);
    disk.close();
  });
});
