import { spawnSync, type ChildProcess } from 'node:child_process';
import {
  existsSync,
  linkSync,
  mkdtempSync,
  openSync,
  readdirSync,
  readFileSync,
  rmSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { hashOf } from '../../src/base/random.js';
import { readRecord } from '../../src/engine/typed-record.js';
import { makeVolume } from '../card/images.js';
import { bootPartition } from '../support/boot-files.js';
import { promptPayload } from '../support/payloads.js';
import { openTerminal } from '../support/terminal.js';
import { hypberry, MAIN, type Outcome } from './run.js';

// Each test starts the program, several a terminal too. The machine may be busy.
vi.setConfig({ testTimeout: 120_000 });

/** How often a run is killed while it is saved. */
const KILLS = 6;
const seed = Number(process.env['HYPBERRY_SEED'] ?? 2015);

let folder: string;
let card: string;

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'hypberry-run-'));
  card = mkdtempSync(join(folder, 'card-'));
  // A kernel at 0, without Linux: what stands there takes all cores.
  const files = bootPartition('svc', {
    'kernel7.img': promptPayload({ busy: false }),
    'config.txt': 'kernel_old=1\n',
  });
  for (const [name, data] of Object.entries(files)) writeFileSync(join(card, name), data);
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

const run = (...args: string[]): Promise<Outcome> => hypberry(['run', ...args, card]);
const file = (name: string, text: string): string => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

describe('hypberry run with a script', () => {
  test('talks to the console, and ends with 0 where the system powers off', async () => {
    const record = join(folder, 'typed.txt');
    const script = file('off.txt', 'expect >\nsend ab\\c\nexpect b\nsend q\\c\n');
    const { stdout, stderr, status } = await run('--fast', '--script', script, '--record', record);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(
      /^The card as it is now:\n[^]*\n> abq\n\nDONE: the script came to its end \(after 0\.0 s /,
    );
    const again = await run('--fast', '--repeat', record);
    expect([again.status, again.stderr]).toEqual([0, '']);
    expect(again.stdout).toMatch(/\n> abq\n\nOFF: the card's system switched the board off \(after /);
    expect(readFileSync(record, 'utf8').split('\n')).toHaveLength(4);
  });

  test('ends with 1 and the line where a text does not come', async () => {
    const script = file('vain.txt', 'timeout 3\nexpect >\nsend a\\c\nexpect b\n');
    const { stdout, status } = await run('--fast', '--script', script, '-q');
    expect([status, stdout]).toEqual([
      1,
      '> a\nNOT DONE: line 4 of the script waits for "b": it did not come in 3 s of the machine\'s time ' +
        "(after 3.0 s of the machine's time).\n",
    ]);
  });

  test('is refused with the line that is wrong, before anything runs', async () => {
    const { stdout, stderr, status } = await run('--script', file('wrong.txt', 'expect >\nsay hello\n'));
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr).toMatch(/^error: Line 2 of the script: "say" is none of .* \(script\.invalid\)\nhint: /);
  });

  test('gives the same to scripts of others', async () => {
    const script = file('reset.txt', 'expect >\nsend r\\c\nexpect >\nsend aq\\c\n');
    const once = await run('--json', '--fast', '--script', script);
    expect(once.status).toBe(1);
    expect(JSON.parse(once.stdout)).toMatchObject({
      ended: 'reset',
      resets: 0,
      script: { done: false, line: 3 },
      consoles: { host: '> r' },
    });
    const twice = await run('--json', '--fast', '--reboot', '--script', script);
    expect(twice.status).toBe(0);
    expect(JSON.parse(twice.stdout)).toMatchObject({
      ended: 'power-off',
      resets: 1,
      script: { done: true },
      consoles: { host: '> r> aq' },
    });
  });
});

describe('a snapshot', () => {
  const snapshot = (): string => join(folder, 'saved.snap');

  test('is saved where the run ends, and goes on from there', async () => {
    const typed = file('ab.txt', 'ab');
    const first = await hypberry(
      ['run', '-q', '--fast', '--until', '> a', '--save', snapshot(), card],
      {},
      () => undefined,
      typed,
    );
    expect([first.status, first.stderr]).toEqual([0, '']);
    expect(first.stdout).toMatch(/^> a.*\nREACHED: the text that the run was to end at came \(after 0\.0 s /);
    const goOn = (...args: string[]): Promise<Outcome> =>
      hypberry(['run', '-q', '--from', snapshot(), ...args, card], {}, () => undefined, file('cq.txt', 'cq'));
    const again = await goOn();
    expect([again.status, again.stderr]).toEqual([0, '']);
    expect(again.stdout).toMatch(/^b?cq\nOFF: the card's system switched the board off/);
    const { status, stdout } = await goOn('--until', 'never');
    expect([status, stdout]).toEqual([
      1,
      expect.stringMatching(
        /cq\nNOT REACHED: .* did not come \(the card's system switched the board off, after /,
      ),
    ]);
  });

  test('goes on with the largest card that there is', async () => {
    const files = bootPartition('svc', {
      'kernel7.img': promptPayload({ busy: false }),
      'config.txt': 'kernel_old=1\n',
    });
    const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 8 }, files);
    truncateSync(image, 2 ** 41);
    const ofImage = (typed: string, ...args: string[]): Promise<Outcome> =>
      hypberry(['run', '-q', '--fast', ...args, image], {}, () => undefined, file('typed.txt', typed));
    const path = join(folder, 'largest.snap');
    expect((await ofImage('ab', '--until', '> a', '--save', path)).status).toBe(0);
    const { status, stderr, stdout } = await ofImage('q', '--from', path);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/\nOFF: /);
  });

  test('is refused with an image that was changed anywhere that is looked at', async () => {
    const files = bootPartition('svc', {
      'kernel7.img': promptPayload({ busy: false }),
      'config.txt': 'kernel_old=1\n',
    });
    const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 8 }, files);
    const ofImage = (typed: string, ...args: string[]): Promise<Outcome> =>
      hypberry(['run', '-q', '--fast', ...args, image], {}, () => undefined, file('typed.txt', typed));
    const path = join(folder, 'image.snap');
    expect((await ofImage('ab', '--until', '> a', '--save', path)).status).toBe(0);
    expect((await ofImage('q', '--from', path)).stdout).toMatch(/\nOFF: /);
    // In the part of the file system that is empty.
    const bytes = readFileSync(image);
    bytes[6 << 20]! ^= 1;
    writeFileSync(image, bytes);
    const { status, stderr } = await ofImage('q', '--from', path);
    expect([status, stderr]).toEqual([
      2,
      expect.stringMatching(/it had 8\.0 MiB .*\(snapshot\.other-card\)/),
    ]);
  });

  test('leaves no other file and no part of one where the run is killed while it is saved', async () => {
    const place = mkdtempSync(join(folder, 'killed-'));
    const path = join(place, 'x.snap');
    const args = ['run', '-q', '--fast', '--until', '> a', '--save', path, '--overwrite', card];
    const typed = file('a.txt', 'a');
    /** Runs it until it is killed, milliseconds after it came where it is saved; gives how long it ran from there on. */
    const killed = async (after: number): Promise<number> => {
      let begin = 0;
      let timer: NodeJS.Timeout | undefined;
      const kill = (child: ChildProcess): void => {
        child.stdout!.once('data', () => {
          begin = performance.now();
          timer = setTimeout(() => child.kill('SIGKILL'), after);
        });
      };
      await hypberry(args, {}, kill, typed);
      clearTimeout(timer);
      return performance.now() - begin;
    };
    const whole = await killed(60_000);
    rmSync(path);
    const left: string[][] = [];
    for (let n = 0; n < KILLS; n++) {
      await killed(hashOf(seed, n) % Math.ceil(whole));
      left.push(readdirSync(place));
      if (!existsSync(path)) continue;
      const { status, stderr } = await hypberry(
        ['run', '-q', '--from', path, card],
        {},
        () => undefined,
        file('q.txt', 'q'),
      );
      expect([status, stderr]).toEqual([0, '']);
    }
    expect(left.flat().filter((it) => it !== 'x.snap')).toEqual([]);
  });

  test('is saved where there is no program that gives a file its name', async () => {
    const path = join(folder, 'no-ln.snap');
    const save = (): Promise<Outcome> =>
      hypberry(
        ['run', '-q', '--fast', '--until', '> a', '--save', path, '--overwrite', card],
        { PATH: '/nowhere' },
        () => undefined,
        file('a.txt', 'a'),
      );
    for (let n = 0; n < 2; n++) expect(await save()).toMatchObject({ status: 0, stderr: '' });
    expect(readdirSync(folder).filter((it) => it.startsWith('no-ln'))).toEqual(['no-ln.snap']);
    const { status } = await hypberry(
      ['run', '-q', '--from', path, card],
      {},
      () => undefined,
      file('q.txt', 'q'),
    );
    expect(status).toBe(0);
  });

  test('is refused with another card, cut, and over a file that is there', async () => {
    const commandLine = readFileSync(join(card, 'cmdline.txt'));
    writeFileSync(join(card, 'cmdline.txt'), 'other\n');
    const other = await run('--from', snapshot());
    writeFileSync(join(card, 'cmdline.txt'), commandLine);
    expect([other.status, other.stderr]).toEqual([2, expect.stringContaining('(snapshot.other-card)')]);
    const cut = file('cut.snap', '');
    writeFileSync(cut, readFileSync(snapshot()).subarray(0, -1));
    const { status, stderr } = await run('--from', cut);
    expect([status, stderr]).toEqual([2, expect.stringContaining('(snapshot.damaged)')]);
    const over = await run('--save', snapshot());
    expect([over.status, over.stderr]).toEqual([2, expect.stringContaining('(file.exists)')]);
    const none = await run('--from', join(folder, 'none.snap'));
    expect([none.status, none.stderr]).toEqual([2, expect.stringContaining('(file.unreadable)')]);
    const onCard = await run('--save', join(card, 'x.snap'));
    expect([onCard.status, onCard.stderr]).toEqual([2, expect.stringContaining('(file.is-input)')]);
  });
});

describe('what a run reads is not what it writes', () => {
  const SCRIPT = 'expect >\nsend ab\\c\nexpect b\n';
  const kept = (path: string, before: Uint8Array | string): void => {
    expect(readFileSync(path).equals(Buffer.from(before))).toBe(true);
  };

  test.each(['--record', '--save'])('its script, by %s and --overwrite', async (output) => {
    const script = file('both.txt', SCRIPT);
    const link = join(folder, `hard${output}`);
    linkSync(script, link);
    for (const name of [script, link]) {
      const { stderr, status } = await run('--overwrite', '--script', script, output, name);
      expect([status, stderr]).toEqual([2, expect.stringContaining('(file.is-input)')]);
    }
    kept(script, SCRIPT);
  });

  test('a record or a snapshot, by --overwrite or by standard output', async () => {
    const header = '{"hypberry":"typed","version":1}\n';
    const record = file('again.txt', header);
    const repeat = await run('--overwrite', '--repeat', record, '--record', record);
    expect([repeat.status, repeat.stderr]).toEqual([2, expect.stringContaining('(file.is-input)')]);
    kept(record, header);
    const snapshot = file('foreign.snap', 'no snapshot');
    const { status, stderr } = spawnSync(process.execPath, [MAIN, 'run', '--from', snapshot, card], {
      stdio: ['ignore', openSync(snapshot, 'a'), 'pipe'],
      encoding: 'utf8',
    });
    expect([status, stderr]).toEqual([2, expect.stringContaining('(file.is-input)')]);
    kept(snapshot, 'no snapshot');
  });

  test('one file for record and snapshot is refused, and an old record stays where the card is none', async () => {
    const both = join(folder, 'both');
    const one = await run('--record', both, '--save', join(folder, '.', 'both'));
    expect([one.status, one.stderr]).toEqual([2, expect.stringContaining('(file.exists)')]);
    expect(existsSync(both)).toBe(false);
    const old = file('old.txt', 'old');
    const none = await hypberry(['run', '--overwrite', '--record', old, join(folder, 'no-card')]);
    expect(none.status).toBe(2);
    kept(old, 'old');
  });
});

test('what comes by a pipe is typed, and the end of the pipe is not the end of the run', async () => {
  const typed = file('keys.txt', 'xyq');
  const { stdout, status } = await hypberry(['run', '-q', card], {}, () => undefined, typed);
  expect([status, stdout]).toEqual([
    0,
    "> xyq\nOFF: the card's system switched the board off (after 0.0 s of the machine's time).\n",
  ]);
});

test('where the record finds no more room, the run says so once and goes on', () => {
  const rounds = 60;
  const script = file('long.txt', `expect >\n${'send a\\c\nexpect a\n'.repeat(rounds)}send q\\c\n`);
  const record = join(folder, 'full.txt');
  // A file may have 1 KiB: as on a full disk, a part of the last line still finds room.
  const { status, stdout, stderr } = spawnSync(
    'bash',
    ['-c', 'ulimit -f 1; exec "$@"', 'bash', process.execPath, MAIN, 'run', '-q', '--fast'].concat(
      '--script',
      script,
      '--record',
      record,
      card,
    ),
    { encoding: 'utf8' },
  );
  expect(stdout).toContain(`> ${'a'.repeat(rounds)}q\n`);
  expect(status).toBe(0);
  expect(stderr.match(/full\.txt/g)).toHaveLength(1);
  expect(stderr).toContain('the run goes on, and nothing more of it is recorded');
  const kept = readFileSync(record, 'utf8');
  const typed = readRecord(kept);
  expect(kept.endsWith('\n')).toBe(true);
  expect(typed.length).toBeGreaterThan(2);
  expect(typed.length).toBeLessThan(rounds);
});

test('the record goes to no file of the card, and over none that is there', async () => {
  const script = file('empty.txt', '');
  const { stderr, status } = await run('--script', script, '--record', join(card, 'typed.txt'));
  expect([status, stderr]).toEqual([2, expect.stringContaining('(file.is-input)')]);
  const there = await run('--script', script, '--record', file('there.txt', ''));
  expect([there.status, there.stderr]).toEqual([2, expect.stringContaining('(file.exists)')]);
});

describe('questions to the terminal', () => {
  /** Four: where is the cursor, and what is the terminal; then off. */
  const ASKS = 'expect >\nsend \\e[6n\\e[c\\e[6n\\e[6nq\\c\n';
  const ended = async (command: string): Promise<string> => {
    const terminal = openTerminal(100, 30);
    try {
      terminal.run(`${command}; sleep 1; read -r -t 1 -n 1 && echo REST; echo EN''D`);
      await expect.poll(() => terminal.all().join('\n'), { timeout: 40_000 }).toMatch(/^END$/m);
      return terminal.all().join('\n');
    } finally {
      terminal.close();
    }
  };
  const asking = (): string =>
    `'${process.execPath}' '${MAIN}' run --fast --script '${file('asks.txt', ASKS)}' '${card}'`;

  test('leave nothing for the shell', async () => {
    const shown = await ended(asking());
    expect(shown).toMatch(/^DONE: /m);
    expect(shown).not.toMatch(/\^\[|^REST$/m);
  });

  test('do not reach one whose answers go elsewhere', async () => {
    const shown = await ended(`${asking()} < /dev/null`);
    expect(shown).toMatch(/^DONE: /m);
    expect(shown).not.toMatch(/\^\[|^REST$/m);
  });
});

test('a run that is ended by a signal gives the screen back as it was', async () => {
  const terminal = openTerminal(100, 30);
  const pid = join(folder, 'pid');
  const script = file('screen.txt', 'expect >\nsend \\e[?1049h\\e[?25lhidden\\c\nexpect never\n');
  try {
    terminal.run(
      `sh -c 'echo $$ > ${pid}; exec "${process.execPath}" "${MAIN}" run --script ${script} ${card}'`,
    );
    await expect.poll(() => terminal.screen().join('\n'), { timeout: 40_000 }).toContain('hidden');
    expect(terminal.cursorShown()).toBe(false);
    process.kill(Number(readFileSync(pid, 'utf8')), 'SIGTERM');
    await expect
      .poll(() => terminal.screen().join('\n'), { timeout: 40_000 })
      .toContain('The run was stopped');
    expect(terminal.cursorShown()).toBe(true);
    expect(terminal.screen().join('\n')).toContain('The card as it is now:');
  } finally {
    terminal.close();
  }
});

test('on a terminal each key goes to the Pi, and the escape key leaves it as it was', async () => {
  const terminal = openTerminal(100, 30);
  const shows = (pattern: RegExp): Promise<void> =>
    expect.poll(() => terminal.all().join('\n'), { timeout: 20_000, interval: 100 }).toMatch(pattern);
  try {
    terminal.run(
      `stty -a | grep -o -- '-\\?echo \\|-\\?icanon ' | tr -d '\\n'; '${process.execPath}' '${MAIN}' run '${card}'`,
    );
    await shows(/^>$/m);
    terminal.press('a');
    // Not an end: the Pi gets it.
    terminal.press('C-c');
    terminal.press('C-]');
    terminal.press('b');
    await shows(/^> a!/m);
    terminal.press('C-]');
    terminal.press('?');
    await shows(/Ctrl-\] q {2}leave/);
    terminal.press('C-]');
    terminal.press('n');
    await shows(/There is no other console/);
    terminal.press('C-]');
    terminal.press('s');
    await shows(/A snapshot has its place by --save FILE/);
    terminal.press('C-]');
    terminal.press('q');
    await shows(/LEFT: it was left/);
    terminal.run(`echo "status $?"; stty -a | grep -o -- '-\\?echo \\|-\\?icanon ' | tr -d '\\n'`);
    await shows(/status 2\n/);
    expect(terminal.all().filter((line) => line.startsWith('icanon echo '))).toHaveLength(2);
  } finally {
    terminal.close();
  }
});
