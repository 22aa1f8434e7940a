import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { lockTarget } from '../../src/node/lock.js';
import { temporary } from '../card/images.js';
import { bootPartition, guestFiles, HOST_TREE, type Files } from '../support/boot-files.js';
import { text } from '../support/kernel-files.js';
import { hypberry, MAIN } from './run.js';

// Each test starts the program several times.
vi.setConfig({ testTimeout: 120_000 });

function folderWith(files: Files): string {
  const folder = temporary('boot');
  fs.mkdirSync(folder);
  for (const [path, data] of Object.entries(files)) fs.writeFileSync(join(folder, path), data);
  return folder;
}
const withGuests = (...names: readonly string[]): Files =>
  bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles(...names) });
const without = (files: Files, ...paths: readonly string[]): Files =>
  Object.fromEntries(Object.entries(files).filter(([path]) => !paths.includes(path)));

test('usage.not-utf8: a card is not taken for another whose name Node would read the same', ({ skip }) => {
  skip(process.platform !== 'linux', 'needs Linux: not tried here');
  const folder = folderWith({ 'card\ufffd.img': text('mine') });
  const script = 'exec "$0" "$1" uninstall "$2/card$(printf "\\377").img"';
  const { status, stderr } = spawnSync('sh', ['-c', script, process.execPath, MAIN, folder], {
    encoding: 'utf8',
  });
  expect(stderr).toMatch(/^error: .*\(usage\.not-utf8\)\nhint: /);
  expect(status).toBe(2);
});

describe('a usage error names what is wrong, and the help of the command', () => {
  test.each([
    [['guest', 'add'], 'usage.missing', /lacks --name <name> and <target>/, 'hypberry guest add'],
    [['guest', 'add', 'x.img'], 'usage.missing', /lacks --name <name>/, 'hypberry guest add'],
    [
      ['guest', 'add', 'x.img', '--name', 'a'],
      'usage.missing',
      /lacks --kernel <file> or --firmware <file>/,
      'hypberry guest add',
    ],
    [['guest', 'remove', 'x.img'], 'usage.missing', /lacks <name>/, 'hypberry guest remove'],
    [['guest', 'set', 'x.img', 'a'], 'usage.missing', /lacks what is to be set/, 'hypberry guest set'],
    [['guest', 'rename', 'x.img', 'a'], 'usage.missing', /lacks <new-name>/, 'hypberry guest rename'],
    [
      ['guest', 'migrate', 'x', 'a', 'b'],
      'usage.unknown-command',
      /"hypberry guest migrate"/,
      'hypberry guest',
    ],
    [['help', 'guest', 'frob'], 'usage.unknown-command', /"hypberry guest frob"/, 'hypberry guest'],
    [['install', '--metod', 'x', 'y'], 'usage.unknown-option', /'--metod'/, 'hypberry install'],
    [['inspect', 'a', 'b'], 'usage.too-many', /Too many arguments/, 'hypberry inspect'],
    [['try', '--timeout'], 'usage.missing-value', /--timeout/, 'hypberry try'],
    [['try', '--whole', '--partition', '1', 'x'], 'usage.conflict', /--whole/, 'hypberry try'],
    // What would do nothing beside another.
    [['try', '--as-is', '--method', 'armstub', 'x'], 'usage.conflict', /--method/, 'hypberry try'],
    [['try', '--as-is', '--force', 'x'], 'usage.conflict', /--force/, 'hypberry try'],
    [['try', '--as-is', '--diagnostics', 'x'], 'usage.conflict', /--diagnostics/, 'hypberry try'],
    [['try', '--as-is', '--no-diagnostics', 'x'], 'usage.conflict', /--no-diagnostics/, 'hypberry try'],
    [['run', '--from', 'y', '--seed', '1', 'x'], 'usage.conflict', /--seed/, 'hypberry run'],
    [['run', '--from', 'y', '--method', 'armstub', 'x'], 'usage.conflict', /--from/, 'hypberry run'],
    [['run', '--write', '--force', 'x'], 'usage.conflict', /--write/, 'hypberry run'],
    // What every line has, no file, and a number that is another one as it is read.
    [['run', '--until', '', 'x'], 'usage.invalid', /--until/, 'hypberry run'],
    [['try', '--until', '', 'x'], 'usage.invalid', /--until/, 'hypberry try'],
    [['run', '--script', '', 'x'], 'usage.invalid', /--script/, 'hypberry run'],
    [['build', '--out', ''], 'usage.invalid', /--out/, 'hypberry build'],
    [['doctor', '--report', ''], 'usage.invalid', /--report/, 'hypberry doctor'],
    [['guest', 'add', '--kernel', '', 'x'], 'usage.invalid', /--kernel/, 'hypberry guest add'],
    [
      ['inspect', '--partition', '99999999999999999999', 'x'],
      'usage.invalid',
      /'99999999999999999999'/,
      'hypberry inspect',
    ],
    [['try', '--what=a\nhint: b\u001b[2J', 'x'], 'usage.unknown-option', /a\\nhint: b\\x1b/, 'hypberry try'],
  ])('%j', async (args, code, what, command) => {
    const { status, stdout, stderr } = await hypberry(args);
    expect([status, stdout]).toEqual([2, '']);
    const [error = '', hint, ...rest] = stderr.split('\n');
    expect(error).toMatch(what);
    expect(error).toMatch(/^error: /);
    expect(error.endsWith(` (${code})`)).toBe(true);
    expect(hint).toMatch(/^hint: {2}/);
    expect(hint).toContain(`"${command} --help"`);
    expect(rest).toEqual(['']);
    // What takes something away is not offered for a word that is not known.
    expect(stderr).not.toMatch(/Did you mean|Is remove/);
  });

  test('a mistyped option is told the one that is near', async () => {
    expect((await hypberry(['install', '--metod', 'x', 'y'])).stderr).toContain('Is --method meant?');
  });

  test.each([[['help', 'guest', 'add']], [['guest', 'help', 'add']], [['guest', 'add', '--help']]])(
    '%j is the help of guest add',
    async (args) => {
      const { status, stdout, stderr } = await hypberry(args);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^Usage: hypberry guest add /);
    },
  );

  test('version is that of the package', async () => {
    const about = JSON.parse(
      fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8'),
    ) as Record<string, unknown>;
    expect((await hypberry(['version'])).stdout).toBe(`${String(about['version'])}\n`);
  });
});

describe('under --json an error is one object on standard error, standard output empty', () => {
  test.each([
    ['card.not-found', ['inspect', '--json', '/no/such']],
    ['card.not-found', ['install', '--json', '/no/such']],
    ['card.not-found', ['try', '/no/such', '--json']],
    ['usage.missing', ['install', '--json']],
    ['usage.unknown-option', ['inspect', '--json', '--frob', 'x']],
  ])('%s: %j', async (code, args) => {
    const { status, stdout, stderr } = await hypberry(args);
    expect([status, stdout]).toEqual([2, '']);
    expect(stderr.split('\n')).toHaveLength(2);
    expect(JSON.parse(stderr)).toEqual({
      error: { code, message: expect.any(String) as string, hint: expect.any(String) as string },
    });
  });
});

describe('the exit status of inspect', () => {
  test.each<[string, number, Files]>([
    ['a card that starts SVC mode', 0, bootPartition('svc')],
    ['one that starts HYP mode', 0, bootPartition('hyp')],
    ['guests that are whole', 0, withGuests('web', 'db')],
    ['an empty folder', 1, {}],
    ['no kernel', 1, without(bootPartition('svc'), 'kernel7.img')],
    ['no bootcode.bin', 1, without(bootPartition('svc'), 'bootcode.bin')],
    ['a broken guests’ file', 1, { ...bootPartition('svc'), 'hypberry-guests.json': text('{') }],
    ['a guest whose kernel is gone', 1, without(withGuests('web', 'db'), 'hypberry-guest-db.kernel')],
    [
      'the end of our lines in config.txt without their beginning',
      1,
      { ...bootPartition('svc'), 'config.txt': text('# hypberry: end\n') },
    ],
  ])('%s: %i', async (_, expected, files) => {
    const folder = folderWith(files);
    expect((await hypberry(['inspect', folder])).status).toBe(expected);
    const { status, stdout, stderr } = await hypberry(['inspect', '--json', folder]);
    expect([status, stderr]).toEqual([expected, '']);
    expect(typeof JSON.parse(stdout)).toBe('object');
  });

  test('what is not there: 2', async () => {
    expect((await hypberry(['inspect', '/no/such'])).status).toBe(2);
  });
});

describe('guest list', () => {
  test('shows the others where the kernel of one is missing, and marks it', async () => {
    const folder = folderWith(without(withGuests('web', 'db'), 'hypberry-guest-db.kernel'));
    const { status, stdout, stderr } = await hypberry(['guest', 'list', folder]);
    expect([status, stderr]).toEqual([1, '']);
    expect(stdout).toMatch(/^web {2}32 MiB, core 3/);
    expect(stdout).toMatch(/^db {3}32 MiB, core 3/m);
    expect(stdout).toMatch(/^db does not start: hypberry-guest-db\.kernel, .* \(guest\.no-file\)$/m);
    expect(stdout).not.toContain('web does not start');
    const listed = JSON.parse((await hypberry(['guest', 'list', '--json', folder])).stdout) as {
      guests: { name: string; problem?: { code: string } }[];
    };
    expect(listed.guests.map(({ name, problem }) => [name, problem?.code])).toEqual([
      ['web', undefined],
      ['db', 'guest.no-file'],
    ]);
  });

  /** A card with one guest of so much memory. */
  const withMemory = (memory: number): string => {
    const files = withGuests('web');
    const json = new TextDecoder().decode(files['hypberry-guests.json']);
    const kept = JSON.parse(json) as { guests: { memory: number }[] };
    const guests = kept.guests.map((it) => ({ ...it, memory }));
    return folderWith({ ...files, 'hypberry-guests.json': text(JSON.stringify({ ...kept, guests })) });
  };

  test.each([
    [
      100,
      /^The host keeps 8\d\d MiB of 9\d\d MiB: the guests have 100 MiB, their consoles take 2 MiB and copies of .* 4 MiB\.$/,
    ],
    // Its memory would end less than 64 MiB above 760.
    [
      160,
      /^The host keeps 760 MiB of 9\d\d MiB: the guests have 160 MiB, .* 4 MiB and \d+ MiB stay unused because Linux .*\(CMA\) of 64 MiB/,
    ],
  ])(
    'with %i MiB says what memory the host keeps, and why; install says it too',
    async (memory, expected) => {
      const folder = withMemory(memory);
      const line = /^The host keeps \d+ MiB .*$/m.exec(
        (await hypberry(['guest', 'list', folder])).stdout,
      )?.[0];
      expect(line).toMatch(expected);
      expect((await hypberry(['install', '-n', '--force', folder])).stdout).toContain(
        `  note: ${line ?? ''}`,
      );
    },
  );
});

test.each([
  [['ps'], 'Is "hypberry guest list" meant?'],
  [['guest', 'ls', 'x.img'], 'Is "hypberry guest list" meant?'],
  [['info', 'x.img'], 'Is "hypberry inspect" meant?'],
  [['launch'], 'Is "hypberry guest add" meant?'],
  [['guest', 'rm', 'x.img', 'web'], 'Is "hypberry guest remove" meant?'],
  [['guest', 'start', 'x.img', 'web'], 'Virtual machines start with the Pi, and run as long as it does.'],
])('what other tools call it: %j', async (args, hint) => {
  const { status, stdout, stderr } = await hypberry(args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toContain(`(usage.unknown-command)\nhint:  ${hint} There are `);
});

describe('how much is said', () => {
  const folder = folderWith(bootPartition('svc'));

  test('-q: results and errors alone', async () => {
    const seen = await hypberry(['inspect', '-q', folder]);
    expect(seen.stdout).toMatch(/^This card starts [^\n]*\n$/);
    const would = await hypberry(['-q', 'install', '-n', folder]);
    expect(would.stdout).toMatch(/^The firmware will run [^\n]*\n$/);
    const refused = await hypberry(['inspect', '-q', '/no/such']);
    expect([refused.status, refused.stdout]).toEqual([2, '']);
    expect(refused.stderr).toContain('(card.not-found)');
  });

  test('-v: what is read and decided, on standard error', async () => {
    const { stderr } = await hypberry(['install', '-v', '--dry-run', folder]);
    const asJson = await hypberry(['install', '-v', '--dry-run', '--json', folder]);
    expect(JSON.parse(asJson.stdout)).toMatchObject({ method: 'armstub' });
    const objects = asJson.stderr.trimEnd().split('\n');
    expect(objects.map((line) => `${(JSON.parse(line) as { detail: string }).detail}\n`).join('')).toBe(
      stderr,
    );
    expect(stderr).toMatch(/^card: The folder as it is\.\n/);
    for (const file of ['config.txt', 'start.elf', 'kernel7.img'])
      expect(stderr).toMatch(new RegExp(`^read: ${file}, \\d`, 'm'));
    expect(stderr).toMatch(/^decided: method armstub$/m);
    expect((await hypberry(['inspect', '--verbose', folder])).stderr).toMatch(/^decided: SVC: /m);
  });

  test.each<[string, (target: string) => Promise<() => void>, RegExp]>([
    [
      'it waits',
      async (target) => {
        const lock = await lockTarget(target, 'write');
        return () => {
          lock.release();
        };
      },
      /^Waiting for another hypberry \(process \d+\), which changes /,
    ],
    [
      'it takes over what a killed one left',
      async (target) => {
        const { dev, ino } = fs.statSync(target, { bigint: true });
        const file = `/dev/shm/hypberry-file-${dev}-${ino}.lock`;
        const lock = await lockTarget(target, 'write');
        const holder = JSON.parse(fs.readFileSync(file, 'utf8')) as object;
        lock.release();
        fs.writeFileSync(file, JSON.stringify({ ...holder, token: '0123456789abcdef', pid: 0x3fffffff }));
        return () => {
          fs.rmSync(file, { force: true });
        };
      },
      /^note: An earlier hypberry \(process \d+\) was killed /,
    ],
  ])('that %s is an aside, which neither -q nor --json has', async (name, prepare, words) => {
    for (const args of [
      ['uninstall', folder],
      ['build', '--out', folderWith({})],
    ]) {
      const target = args.at(-1)!;
      for (const [option, said] of [
        ['-q', /^$/],
        ['--json', /^$/],
        ['--no-color', words],
      ] as const) {
        const undo = await prepare(target);
        const { status, stderr } = await hypberry([...args, option], {}, (child) => {
          if (name !== 'it waits') return;
          // However long it takes to start: it goes on once it has said so, or might have.
          if (option === '--no-color') child.stderr!.once('data', undo);
          else setTimeout(undo, 1500);
        });
        undo();
        expect(stderr, option).toMatch(said);
        expect(status).toBe(0);
      }
    }
  });

  test('-n writes nothing', async () => {
    const before = fs.readdirSync(folder).sort();
    expect((await hypberry(['install', '-n', folder])).stdout).toContain('nothing was written');
    expect(fs.readdirSync(folder).sort()).toEqual(before);
  });

  test('--no-color is taken by every command', async () => {
    expect((await hypberry(['inspect', '--no-color', folder])).status).toBe(0);
    expect((await hypberry(['--no-color', 'guest', 'list', folder])).status).toBe(0);
  });
});
