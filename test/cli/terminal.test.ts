import fs from 'node:fs';
import { dirname, join } from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { r4 } from '../../src/isa/registers.js';
import { fsck, makeVolume, temporary } from '../card/images.js';
import { print, smallGuest } from '../hypervisor/payloads.js';
import { bootPartition, HOST_TREE } from '../support/boot-files.js';
import { printingPayload } from '../support/payloads.js';
import { openTerminal, type Terminal } from '../support/terminal.js';
import { hypberry, MAIN } from './run.js';

// In a real terminal. The machine may be busy.
vi.setConfig({ testTimeout: 120_000 });
const SOON = { timeout: 40_000, interval: 100 };

let opened: Terminal[] = [];
afterEach(() => {
  for (const terminal of opened) terminal.close();
  opened = [];
});
function terminal(columns: number, rows: number, env: Record<string, string | undefined> = {}): Terminal {
  const it = openTerminal(columns, rows, { NO_COLOR: undefined, FORCE_COLOR: undefined, ...env });
  opened.push(it);
  return it;
}

function folderWith(files: Record<string, Uint8Array>): string {
  const folder = temporary('boot');
  fs.mkdirSync(folder);
  for (const [path, data] of Object.entries(files)) fs.writeFileSync(join(folder, path), data);
  return folder;
}

/** A guest that talks, and then never comes to rest. */
const restless = smallGuest((a) => {
  print(a, Array.from({ length: 100 }, (_, i) => `web's line ${i}, of some length\n`).join(''));
  const again = a.label('again');
  a.at(again);
  a.add(r4, r4, 1);
  a.b(again);
});

const withGuest = (): string =>
  folderWith(
    bootPartition('svc', {
      'bcm2709-rpi-2-b.dtb': HOST_TREE,
      'kernel7.img': printingPayload('Booting\n'),
      'hypberry-guest-web.kernel': restless,
      'hypberry-guests.json': JSON.stringify({
        version: 1,
        guests: [{ name: 'web', kernel: 'hypberry-guest-web.kernel', memory: 16, cores: 1, commandLine: '' }],
      }),
    }),
  );
const command = (...args: readonly string[]): string =>
  `'${process.execPath}' '${MAIN}' ${args.map((it) => `'${it}'`).join(' ')}`;

const titles = (lines: readonly string[]): number => lines.filter((it) => it.startsWith('── ')).length;
const count = (lines: readonly string[], text: string): number =>
  lines.filter((it) => it.includes(text)).length;
/** The panes' seconds: they are drawn again. */
const secondsOn = (it: Terminal): number =>
  Number(
    [
      ...it
        .screen()
        .join('\n')
        .matchAll(/^(\d+) s; Ctrl-C/gm),
    ].at(-1)?.[1] ?? -1,
  );

describe('panes', () => {
  const start = async (columns: number, rows: number, env?: Record<string, string>): Promise<Terminal> => {
    const it = terminal(columns, rows, env);
    it.run('echo mine');
    it.run(command('try', '--force', '--timeout', '100', withGuest()));
    await expect.poll(() => it.screen().join('\n'), SOON).toContain("web's line 99");
    return it;
  };
  /** Waits until they were drawn some ten times more. */
  const aSecond = async (it: Terminal): Promise<void> => {
    const from = secondsOn(it);
    expect(from).toBeGreaterThanOrEqual(0);
    await expect.poll(() => secondsOn(it), SOON).toBeGreaterThan(from);
  };

  test.each([
    [80, 50],
    [80, 24],
    [100, 14],
    [40, 12],
  ])('on %i columns and %i rows leave the scrollback as it is', async (columns, rows) => {
    const it = await start(columns, rows);
    const before = it.scrolled();
    await aSecond(it);
    expect(it.scrolled()).toBe(before);
    const lines = it.all();
    // What stood there, the prompts and what was said first are all there, once.
    expect([titles(lines), count(lines, 'mine'), count(lines, 'After install:')]).toEqual([3, 2, 1]);
    expect(it.screen().length).toBeLessThan(rows);
    it.press('C-c');
    await expect.poll(() => it.screen().at(-1), SOON).toBe('$');
    expect(it.cursorShown()).toBe(true);
    expect(it.all().join('\n')).toContain('Stopped before there was a verdict');
    expect(titles(it.all())).toBe(3);
  });

  /** What is to be so after a change of the window's size: nothing is scrolled out any more. */
  const resized = async (it: Terminal, columns: number, rows: number): Promise<void> => {
    it.resize(columns, rows);
    await aSecond(it);
    const before = it.scrolled();
    await aSecond(it);
    expect(it.scrolled(), `${columns} columns, ${rows} rows`).toBe(before);
    const screen = it.screen();
    expect(screen.length).toBeLessThan(rows);
    expect(screen.at(-1)).toMatch(/s; Ctrl-C ends it$/);
    // The terminal's own part: it has moved what was wrapped, or did not fit any more.
    for (const name of ['host', 'hypberry', 'web'])
      expect(screen.filter((line) => line.startsWith(`── ${name} `)).length).toBeGreaterThanOrEqual(1);
  };

  // What is on its way to the terminal while it changes was made for its old size, and no program can know: then a part of
  // that picture scrolls out, once. Rare, except on a busy machine.
  test('stay one picture when the window is made lower and higher', { retry: 3 }, async () => {
    const it = await start(80, 30);
    for (const rows of [18, 30, 13, 40]) await resized(it, 80, rows);
    const lines = it.all();
    expect([titles(lines), count(lines, 'mine'), count(lines, 'After install:')]).toEqual([3, 2, 1]);
  });

  test('leave at most themselves behind when it is made narrower and wider', async () => {
    const it = await start(80, 30);
    const sizes = [
      [60, 30],
      [100, 34],
      [50, 16],
      [90, 40],
    ] as const;
    for (const [columns, rows] of sizes) await resized(it, columns, rows);
    const lines = it.all();
    expect(titles(lines)).toBeLessThanOrEqual(3 * (1 + sizes.length));
    expect([count(lines, 'mine'), count(lines, 'After install:')]).toEqual([2, 1]);
  });

  /** On a busy machine SIGCONT may reach Node behind a drawing. */
  const deaf = 'data:text/javascript,const{on}=process;process.on=(s,f)=>s===`SIGCONT`||on.call(process,s,f)';
  test.each([
    ['at once', {}],
    ['late', { NODE_OPTIONS: `--import=${deaf}` }],
  ])('go on below what was written while the job was stopped (Ctrl-Z, fg), SIGCONT %s', async (_, env) => {
    const it = await start(80, 30, env);
    it.press('C-z');
    // The shell shows the whole command, over as many rows as its paths need.
    await expect.poll(() => it.screen().join(''), SOON).toMatch(/Stopped .*'try'/);
    it.run('echo between');
    it.run('fg');
    await expect.poll(() => secondsOn(it), SOON).toBeGreaterThanOrEqual(0);
    await aSecond(it);
    expect([count(it.all(), 'between'), titles(it.all())]).toEqual([2, 6]);
  });

  test.each([{ NO_COLOR: '1' }, { TERM: 'dumb' }])(
    'are lines where no escapes are wanted: %j',
    async (env) => {
      const it = await start(80, 24, env);
      expect(count(it.all(), "web       web's line 50")).toBe(1);
      expect(titles(it.all())).toBe(0);
    },
  );
});

describe('while the progress line turns', () => {
  test.each([
    ['Ctrl-C', 130],
    ['SIGTERM', 143],
    ['SIGKILL', 137],
  ])('%s ends it, and the terminal is as before', async (how, status) => {
    const folder = temporary('here');
    fs.mkdirSync(folder);
    const it = terminal(80, 24);
    it.run(`cd '${folder}'; stty -a > before`);
    it.run(`${command('try', '--json', '--force', '--timeout', '100', withGuest())} & echo $! > pid; fg`);
    await expect.poll(() => it.screen().join('\n'), SOON).toMatch(/[-|/\\] Booting/);
    expect(it.cursorShown()).toBe(true);
    if (how === 'Ctrl-C') it.press('C-c');
    else process.kill(Number(fs.readFileSync(join(folder, 'pid'), 'utf8')), how);
    it.run('echo status $?; stty -a > after');
    await expect.poll(() => fs.existsSync(join(folder, 'after')), SOON).toBe(true);
    await expect.poll(() => it.screen().join('\n'), SOON).toContain(`status ${status}`);
    expect(fs.readFileSync(join(folder, 'after'), 'utf8')).toBe(
      fs.readFileSync(join(folder, 'before'), 'utf8'),
    );
    expect(it.cursorShown()).toBe(true);
  });
});

describe('an install that is stopped while it writes', () => {
  /** Has every write to a disk take time. */
  const slow = join(temporary('slow'), 'slow.mjs');
  fs.mkdirSync(dirname(slow));
  fs.writeFileSync(
    slow,
    `import fs from 'node:fs';
    const { writeSync } = fs;
    fs.writeSync = (fd, ...rest) => {
      fs.appendFileSync(process.env.WRITES, 'w');
      Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 500);
      return writeSync(fd, ...rest);
    };`,
  );

  test.each([
    ['Ctrl-C', 1],
    ['Ctrl-C', 4],
    ['Ctrl-C', 7],
    ['SIGTERM', 3],
    ['Ctrl-Z and SIGKILL', 5],
  ])('by %s leaves a card that starts, and that the next install takes (write %i)', async (how, write) => {
    const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, bootPartition('of2015'));
    const it = terminal(80, 24);
    const writes = temporary('writes');
    const written = (): number => fs.statSync(writes, { throwIfNoEntry: false })?.size ?? 0;
    it.run(`export WRITES='${writes}' NODE_OPTIONS='--import ${slow}'; clear`);
    it.run(`${command('install', image)}; echo status $?`);
    await expect.poll(written, SOON).toBeGreaterThanOrEqual(write);
    await expect.poll(() => it.screen().join('\n'), SOON).toMatch(/[-|/\\] Writing/);
    it.press(how === 'Ctrl-C' ? 'C-c' : 'C-z');
    if (how !== 'Ctrl-C') {
      await expect.poll(() => it.screen().join('\n'), SOON).toContain('Stopped');
      it.run(how === 'SIGTERM' ? 'kill %1; fg' : 'kill -9 %1');
    }
    await expect.poll(() => it.screen().at(-1), SOON).toBe('$');
    expect(it.screen().join('\n')).not.toMatch(/^status 0$/m);
    const seen = await hypberry(['inspect', image]);
    expect(seen).toMatchObject({ status: 0, stderr: '' });
    expect(seen.stdout).toMatch(/This card starts Linux in (?:SVC mode|HYP mode, by the block)/);
    expect((await hypberry(['install', image])).status).toBe(0);
    expect((await hypberry(['inspect', image])).stdout).toContain('in HYP mode, by the block');
    expect(fsck(image)).not.toMatch(/orphan|lost|cross/i);
  });
});

test('run shows one console after the other, and saves at the key', async () => {
  const it = terminal(100, 40);
  const snapshot = temporary('key.snap');
  const card = withGuest();
  const shows = (pattern: RegExp): Promise<void> =>
    expect.poll(() => it.all().join('\n'), SOON).toMatch(pattern);
  const press = (...keys: readonly string[]): void => {
    for (const key of keys) it.press(key);
  };
  it.run(command('run', '--after-install', '--force', '--save', snapshot, card));
  await shows(/^Booting$/m);
  press('C-]', 'n');
  await shows(/^\[console hypberry\]$/m);
  press('C-]', 'n');
  await shows(/^\[console web\]\n(?:web's line|$)/m);
  await shows(/^web's line 99, of some length$/m);
  press('a');
  await shows(/^\[What is typed goes to the host: Ctrl-\] n shows it\.\]$/m);
  expect(fs.existsSync(snapshot)).toBe(false);
  press('C-]', 's');
  await shows(/^\[snapshot saved: .*key\.snap, /m);
  const first = fs.statSync(snapshot).ino;
  press('C-]', 's');
  // The one that was saved before is replaced.
  await expect.poll(() => fs.statSync(snapshot).ino, SOON).not.toBe(first);
  press('C-]', 'n');
  await shows(/^\[console host\]$/m);
  press('C-]', 'q');
  await shows(/^LEFT: it was left/m);
  // Whole, and of this card.
  const script = temporary('script');
  fs.writeFileSync(script, 'timeout 0.001\nexpect never\n');
  const { stdout, stderr } = await hypberry(['run', '-q', '--from', snapshot, '--script', script, card]);
  expect([stdout, stderr]).toEqual([expect.stringContaining('NOT DONE: line 2'), '']);
});
