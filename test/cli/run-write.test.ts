import { spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, onTestFinished, test, vi } from 'vitest';
import { makeDisk, makeVolume, run as runProgram, temporary } from '../card/images.js';
import { bootPartition } from '../support/boot-files.js';
import { cardPayload, FIRST_WRITTEN } from '../support/card-payload.js';
import { loopDevice, NO_LOOP } from '../support/loop-device.js';
import { hypberry, MAIN, type Outcome } from './run.js';

vi.setConfig({ testTimeout: 120_000 });

/** Sectors of the second partition: what stands there is all ones, and the payload writes there. */
const SECTORS = 4096;

/** A card whose system writes to its second partition. */
function newCard(): string {
  const files = bootPartition('svc', { 'kernel7.img': cardPayload(), 'config.txt': 'kernel_old=1\n' });
  const volume = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, files);
  const table = `label: dos\nstart=2048,size=8192,type=c\nstart=${FIRST_WRITTEN},size=${SECTORS},type=83\n`;
  const card = makeDisk(8, table, volume);
  writeFileSync(
    card,
    Buffer.concat([readFileSync(card).subarray(0, FIRST_WRITTEN * 512), Buffer.alloc(SECTORS * 512, 0xff)]),
  );
  return card;
}

/** How many sectors were written, one after the other; all behind them must be as they were. */
function written(card: string): number {
  const words = new Uint32Array(Uint8Array.from(readFileSync(card).subarray(FIRST_WRITTEN * 512)).buffer);
  let count = 0;
  while (count < SECTORS && words[count * 128] !== 0xffff_ffff) count++;
  const wanted = Uint32Array.from({ length: SECTORS * 128 }, (_, i) =>
    i < count * 128 ? FIRST_WRITTEN + (i >> 7) : 0xffff_ffff,
  );
  expect(Buffer.compare(Buffer.from(words.buffer), Buffer.from(wanted.buffer))).toBe(0);
  return count;
}

function typing(keys: string): string {
  const file = temporary('keys');
  writeFileSync(file, keys);
  return file;
}

const run = (card: string, keys: string, ...args: string[]): Promise<Outcome> =>
  hypberry(['run', ...args, card], {}, () => undefined, typing(keys));

/** Runs a system that writes without end until so many sectors are there, then lets somebody act. */
async function whileWriting(
  card: string,
  act: (child: ChildProcess) => void,
  target = card,
): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await hypberry(
      ['run', '--write', target],
      {},
      (child) => {
        timer = setInterval(() => {
          if (readFileSync(card)[(FIRST_WRITTEN + 20) * 512] === 0xff) return;
          clearInterval(timer);
          act(child);
        }, 20);
      },
      typing('l'),
    );
  } finally {
    clearInterval(timer);
  }
}

describe('hypberry run', () => {
  test('keeps what the system writes with --write, and not without', async () => {
    const card = newCard();
    const before = readFileSync(card);
    const without = await run(card, 'wwrq');
    expect([without.status, without.stderr]).toEqual([0, '']);
    expect(without.stdout).toMatch(/\n> ooo\n\nOFF: /);
    expect(without.stdout).not.toContain('stays');
    expect(readFileSync(card).equals(before)).toBe(true);
    const kept = await run(card, 'wwrq', '--write');
    expect([kept.status, kept.stderr]).toEqual([0, '']);
    expect(kept.stdout).toMatch(/\nWhat its system writes stays on the card\.\n[^]*\n> ooo\n\nOFF: /);
    expect(written(card)).toBe(2);
  });

  test('keeps it over resets', async () => {
    const card = newCard();
    // What is typed before a reset is the first system's.
    const script = typing(
      'expect >\nsend ww\\c\nexpect oo\nsend x\\c\nexpect >\nsend www\\c\nexpect ooo\nsend q\\c\n',
    );
    const { status, stdout } = await hypberry(['run', '-q', '--write', '--reboot', '--script', script, card]);
    expect([status, stdout]).toEqual([0, expect.stringMatching(/^> oo\n?> ooo\nDONE/)]);
    expect(written(card)).toBe(3);
  });

  test.each(['SIGINT', 'SIGTERM', 'SIGKILL'] as const)('leaves all in order at %s', async (signal) => {
    const card = newCard();
    const others = readdirSync(tmpdir());
    const { stderr } = await whileWriting(card, (child) => child.kill(signal));
    expect(written(card)).toBeGreaterThan(20);
    if (signal !== 'SIGKILL')
      expect(stderr).toBe(
        '\nThe run was stopped; what its system has written is on the card, as if that had been pulled.\n',
      );
    const more = readdirSync(tmpdir()).filter((it) => !others.includes(it));
    // As the scratch of an overlay is called; other tests have their own.
    expect(more.filter((it) => /^hypberry-[0-9a-f]{8}-[0-9a-f]{4}-/.test(it))).toEqual([]);
    // The next command finds a card that nobody has.
    const { status } = await hypberry(['inspect', '-q', card]);
    expect(status).toBe(0);
  });

  test('is the only one that has the card meanwhile', async () => {
    const card = newCard();
    let waited: Outcome | undefined;
    await whileWriting(card, (child) => {
      const reader = hypberry(['inspect', card], {}, (it) => {
        it.stderr!.once('data', () => child.kill('SIGTERM'));
      });
      void reader.then((it) => (waited = it));
    });
    await expect.poll(() => waited, { timeout: 20_000 }).toBeDefined();
    expect(waited).toMatchObject({
      status: 0,
      stderr: expect.stringMatching(/^Waiting for another hypberry .* which changes .*\n$/) as string,
    });
  });

  test('gives the system an error where the card cannot be written, tells of it once, and goes on', async () => {
    const card = newCard();
    // No file may grow, or be written, beyond so many KiB: two sectors more than stand before.
    const limit = (FIRST_WRITTEN + 2) / 2;
    const { status, stdout, stderr } = spawnSync(
      'bash',
      ['-c', `ulimit -f ${limit}; exec "$@"`, 'bash', process.execPath, MAIN, 'run', '-q', '--write', card],
      { input: 'wwwwq', encoding: 'utf8' },
    );
    expect(stdout).toMatch(/^> ooee\nOFF/);
    expect(stderr).toMatch(
      /^The card that runs has an error: The system lets this command have no more bytes in a file/,
    );
    expect(stderr.trim().split('\n')).toHaveLength(1);
    expect(status).toBe(0);
    expect(written(card)).toBe(2);
  });

  test('goes on where the image is cut short, and tells of it', async () => {
    const card = newCard();
    const keys = typing('expect >\nsend w\\c\nexpect o\ntimeout 20\nexpect never\n');
    const { stdout, stderr } = await hypberry(
      ['run', '-q', '--write', '--script', keys, card],
      {},
      (child) => {
        child.stdout!.on('data', (text: string) => {
          if (text.includes('o')) truncateSync(card, 4096 * 512);
        });
      },
    );
    expect(stdout).toMatch(/^> o\nNOT DONE/);
    expect(stderr).toMatch(/^".*" became shorter while its system runs: what is gone cannot be read\.\n$/);
  });

  test('keeps it on a device, and tells of one that is taken out', async ({ skip }) => {
    const card = newCard();
    const device = loopDevice(card);
    if (device === undefined) return skip(NO_LOOP);
    const kept = await run(device, 'wwrq', '--write');
    expect([kept.status, kept.stderr]).toEqual([0, '']);
    expect(written(card)).toBe(2);
    const { stderr } = await whileWriting(
      card,
      (child) => {
        child.stderr!.once('data', () => child.kill('SIGTERM'));
        truncateSync(card, 0);
        runProgram('losetup', '-c', device);
      },
      device,
    );
    // A write that comes before the device has another size fails otherwise: test/node has each by itself.
    expect(stderr).toMatch(
      /^The card that runs has an error: "\/dev\/loop\d+" (?:ends before sector \d+\. .*taken out|cannot be read or written \(EIO\)).*\n\nThe run was/,
    );
  });

  test('says at a signal, too, that a device has not kept all', async ({ skip }) => {
    const at = temporary('small');
    mkdirSync(at);
    if (spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=8400k', 'tmpfs', at]).status !== 0)
      return skip('mount makes no file system here (it needs root)');
    onTestFinished(() => {
      runProgram('umount', '-l', at);
    });
    // The second partition has no room behind it.
    const card = join(at, 'card.img');
    const bytes = readFileSync(newCard());
    writeFileSync(card, bytes.subarray(0, FIRST_WRITTEN * 512));
    truncateSync(card, bytes.length);
    spawnSync('sh', ['-c', 'cat /dev/zero > "$1"', 'sh', join(at, 'rest')]);
    const device = loopDevice(card);
    if (device === undefined) return skip(NO_LOOP);
    const { stderr } = await hypberry(
      ['run', '--write', device],
      {},
      (child) => child.stderr!.once('data', () => child.kill('SIGTERM')),
      typing('l'),
    );
    expect(stderr).toMatch(/^The card that runs has an error: .*\(EIO\)/);
    expect(stderr).toMatch(/\n"\/dev\/loop\d+" .* Not all that its system wrote is on it\.\n$/);
  });

  test.each([
    ['--after-install', []],
    ['--from', ['x.snap']],
    ['--save', ['x.snap']],
  ] as const)('does not take --write with %s', async (option, value) => {
    const card = newCard();
    const { status, stderr } = await hypberry(['run', '--write', option, ...value, card]);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/^error: .*'--write' cannot be used with option/),
    ]);
    expect(existsSync('x.snap')).toBe(false);
  });

  test('says that a folder has no slot to write to', async () => {
    const folder = temporary('folder');
    const files = bootPartition('svc', { 'kernel7.img': cardPayload(), 'config.txt': 'kernel_old=1\n' });
    spawnSync('mkdir', [folder]);
    for (const [name, data] of Object.entries(files)) writeFileSync(`${folder}/${name}`, data);
    const { status, stderr } = await hypberry(['run', '--write', folder]);
    expect([status, stderr]).toEqual([2, expect.stringContaining('(card.not-whole)')]);
    rmSync(folder, { recursive: true });
  });
});
