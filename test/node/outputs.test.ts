import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from 'vitest';
import { buildBootBlock, buildStub } from '../../src/boot/block.js';
import { createTextFile } from '../../src/node/text-file.js';
import { hypberry, MAIN } from '../cli/run.js';
import { makeDisk, makeVolume, run, temporary } from '../card/images.js';
import { bootPartition } from '../support/boot-files.js';
import { loopDevice, mountDevice, NO_LOOP } from '../support/loop-device.js';

const image = (): string =>
  makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, bootPartition('svc'));
function folder(files: Record<string, string> = {}): string {
  const at = temporary('folder');
  fs.mkdirSync(at);
  for (const [name, text] of Object.entries(files)) fs.writeFileSync(path.join(at, name), text);
  return at;
}
function linkTo(target: string): string {
  const at = temporary('link');
  fs.symlinkSync(target, at);
  return at;
}

describe('a trace', () => {
  const write = (file: string, card: string, overwrite = false): void => {
    const trace = createTextFile(file, { card, overwrite });
    trace.write('traced');
    trace.close();
  };

  test.each<[string, (card: string) => string]>([
    ['by its name', (card) => card],
    ['by another spelling', (card) => path.join(path.dirname(card), '.', path.basename(card))],
    ['through a link', linkTo],
    ['through a link in its folder', (card) => path.join(linkTo(path.dirname(card)), path.basename(card))],
    [
      'under its other name',
      (card) => {
        const at = temporary('hard');
        fs.linkSync(card, at);
        return at;
      },
    ],
  ])('never goes to the image that is tried: %s', (_, name) => {
    const card = image();
    const before = fs.readFileSync(card);
    for (const overwrite of [false, true]) {
      expect(() => {
        write(name(card), card, overwrite);
      }).toThrow(expect.objectContaining({ code: 'file.is-input' }));
    }
    expect(fs.readFileSync(card).equals(before)).toBe(true);
  });

  test('never goes to a device that shows the image, or the image that a device shows', ({ skip }) => {
    const card = image();
    const device = loopDevice(card);
    if (device === undefined) return skip(NO_LOOP);
    expect(() => {
      write(card, device, true);
    }).toThrow(expect.objectContaining({ code: 'file.is-input' }));
    expect(() => {
      write(device, image(), true);
    }).toThrow(expect.objectContaining({ code: 'file.exists' }));
  });

  test('never goes to the image behind a row of devices that show one another, or behind a folder', ({
    skip,
  }) => {
    const card = makeDisk(16, 'label: dos\nstart=2048,type=83\n');
    const first = loopDevice(card, { partitions: true });
    if (first === undefined) return skip(NO_LOOP);
    const second = loopDevice(first);
    const third = second && loopDevice(second);
    const ofPartition = loopDevice(`${first}p1`);
    if (third === undefined || ofPartition === undefined) return skip(NO_LOOP);
    run('mkfs.ext4', '-q', ofPartition);
    const boot = folder();
    mountDevice(ofPartition, boot);
    for (const target of [second!, third, ofPartition, boot]) {
      expect(() => {
        write(card, target, true);
      }).toThrow(expect.objectContaining({ code: 'file.is-input' }));
    }
    // What is mounted is seen from every device and image below it.
    for (const target of [card, first, `${first}p1`, ofPartition]) {
      expect(() => {
        write(path.join(boot, 'new.txt'), target);
      }).toThrow(expect.objectContaining({ code: 'file.is-input' }));
    }
  });

  test('never goes into the folder that is tried: there or not there yet, deeper, through a link', () => {
    const card = folder({ 'config.txt': 'mine' });
    fs.mkdirSync(path.join(card, 'overlays'));
    for (const file of [
      path.join(card, 'config.txt'),
      path.join(card, 'new.txt'),
      path.join(card, 'overlays/../overlays/new.txt'),
      path.join(linkTo(card), 'new.txt'),
      path.join(linkTo(path.join(card, 'overlays')), 'new.txt'),
      linkTo(path.join(card, 'config.txt')),
    ]) {
      expect(() => {
        write(file, card, true);
      }).toThrow(expect.objectContaining({ code: 'file.is-input' }));
    }
    expect(fs.readdirSync(card).sort()).toEqual(['config.txt', 'overlays']);
    expect(fs.readFileSync(path.join(card, 'config.txt'), 'utf8')).toBe('mine');
  });

  test('never goes to a file system that the tried device or image is mounted as', ({ skip }) => {
    const card = temporary('ext4');
    fs.writeFileSync(card, '');
    fs.truncateSync(card, 8 << 20);
    run('mkfs.ext4', '-q', card);
    const device = loopDevice(card);
    if (device === undefined) return skip(NO_LOOP);
    const at = folder();
    mountDevice(device, at);
    for (const target of [device, card, at]) {
      expect(() => {
        write(path.join(at, 'new.txt'), target);
      }).toThrow(expect.objectContaining({ code: 'file.is-input' }));
    }
  });

  test('takes a new name, or with overwrite the place of a file; never that of what has another name, too', () => {
    const at = folder({ old: 'a text that is longer than the trace', kept: 'kept' });
    const card = image();
    const old = path.join(at, 'old');
    expect(() => {
      write(old, card);
    }).toThrow(
      expect.objectContaining({
        code: 'file.exists',
        hint: expect.stringContaining('--overwrite') as string,
      }),
    );
    expect(fs.readFileSync(old, 'utf8')).toContain('longer');
    write(path.join(at, 'new'), card);
    write(old, card, true);
    for (const name of ['new', 'old']) expect(fs.readFileSync(path.join(at, name), 'utf8')).toBe('traced');
    fs.linkSync(path.join(at, 'kept'), path.join(at, 'again'));
    fs.symlinkSync('nowhere', path.join(at, 'dangling'));
    for (const name of ['again', 'dangling']) {
      expect(() => {
        write(path.join(at, name), card, true);
      }).toThrow(expect.objectContaining({ code: 'file.exists' }));
    }
    expect(fs.readFileSync(path.join(at, 'kept'), 'utf8')).toBe('kept');
    expect(fs.existsSync(path.join(at, 'nowhere'))).toBe(false);
  });

  test('goes to a device or a pipe without more ado', async () => {
    write('/dev/null', image());
    const pipe = temporary('pipe');
    run('mkfifo', pipe);
    // Opened for both, so that neither end waits.
    const fd = fs.openSync(pipe, 'r+');
    write(pipe, image());
    const got = Buffer.alloc(6);
    fs.readSync(fd, got);
    fs.closeSync(fd);
    expect(got.toString()).toBe('traced');
  });

  test('of the command: refused before anything is run', { timeout: 60_000 }, async () => {
    const card = image();
    const before = fs.readFileSync(card);
    const { status, stdout, stderr } = await hypberry([
      'try',
      '--as-is',
      '--until',
      '0x8000',
      '--trace',
      card,
      card,
    ]);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toContain('(file.is-input)');
    expect(fs.readFileSync(card).equals(before)).toBe(true);
  });
});

describe('standard output or standard error that goes into the card is refused, and nothing is written there', () => {
  const refused = (card: string, file: string, streams: string): string => {
    const script = `"$1" "$2" inspect "$3" ${streams.replaceAll('FILE', '"$4"')}`;
    const args = ['-c', script, 'sh', process.execPath, MAIN, card, file];
    const { status, stdout, stderr } = spawnSync('sh', args, { encoding: 'utf8', timeout: 60_000 });
    expect(status).toBe(2);
    return stdout + stderr;
  };

  test.each<[string, RegExp]>([
    ['>>FILE', /^error: Standard output .*\(file\.is-input\)\nhint: /],
    ['2>>FILE', /^error: Standard error .*\(file\.is-input\)\nhint: /],
    ['2<>FILE', /^error: Standard error .*\(file\.is-input\)\nhint: /],
    ['>>FILE 2>&1', /^$/],
  ])('%s', { timeout: 60_000 }, (streams, said) => {
    const card = image();
    const before = fs.readFileSync(card);
    expect(refused(card, card, streams)).toMatch(said);
    expect(fs.readFileSync(card).equals(before)).toBe(true);

    const boot = folder({ 'config.txt': 'mine' });
    expect(refused(boot, path.join(boot, 'config.txt'), streams)).toMatch(said);
    expect(fs.readFileSync(path.join(boot, 'config.txt'), 'utf8')).toBe('mine');
  });

  test('into the image behind devices', { timeout: 60_000 }, ({ skip }) => {
    const card = image();
    const before = fs.readFileSync(card);
    const first = loopDevice(card);
    const second = first && loopDevice(first);
    if (second === undefined) return skip(NO_LOOP);
    for (const target of [first!, second]) {
      expect(refused(target, card, '>>FILE')).toMatch(/^error: Standard output .*\(file\.is-input\)/);
    }
    expect(fs.readFileSync(card).equals(before)).toBe(true);
  });
});

describe('build --out', () => {
  test('replaces its own two files, and no others; whole or not at all', { timeout: 60_000 }, async () => {
    const at = folder({ 'notes.txt': 'mine' });
    expect((await hypberry(['build', '--out', at, '--tree', '0x100'])).status).toBe(0);
    expect((await hypberry(['build', '--out', at])).status).toBe(0);
    const block = fs.readFileSync(path.join(at, 'bootblk.bin'));
    expect(block.equals(buildBootBlock())).toBe(true);
    expect(fs.readFileSync(path.join(at, 'hypberry-stub.bin')).equals(buildStub())).toBe(true);
    expect(fs.readdirSync(at).sort()).toEqual(['bootblk.bin', 'hypberry-stub.bin', 'notes.txt']);

    fs.rmSync(path.join(at, 'bootblk.bin'));
    const victim = temporary('victim');
    fs.writeFileSync(victim, block);
    const stub = path.join(at, 'hypberry-stub.bin');
    for (const makeForeign of [
      () => {
        fs.writeFileSync(stub, 'a stub of somebody else');
      },
      () => {
        // Ours with a kernel behind it, which is the user's work.
        fs.writeFileSync(stub, Buffer.concat([buildStub(), Buffer.from('kernel')]));
      },
      () => {
        fs.symlinkSync(victim, stub);
      },
      () => {
        fs.mkdirSync(stub);
      },
    ]) {
      fs.rmSync(stub, { recursive: true });
      makeForeign();
      const { status, stderr } = await hypberry(['build', '--out', at]);
      expect(status).toBe(2);
      expect(stderr).toContain('(file.exists)');
      expect(fs.readdirSync(at).sort()).toEqual(['hypberry-stub.bin', 'notes.txt']);
    }
    expect(fs.readFileSync(victim).equals(block)).toBe(true);
  });
});
