import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, expect, test, vi } from 'vitest';
import { run as runCommand } from '../../src/cli/command.js';
import { randomFrom } from '../board/rig.js';
import { makeDisk, makeVolume, temporary, type VolumeShape } from '../card/images.js';
import { bootPartition, guestFiles, HOST_TREE, kernelFile, type Files } from '../support/boot-files.js';
import { unseenIn } from '../support/hostile-text.js';
import { damage, pick, randomBootFolder, type Random } from '../support/random-boot-folder.js';

/** HYPBERRY_FUZZ=n makes the run n times longer; HYPBERRY_SEED=n starts from another seed. */
const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const RUNS = TIMES === 1 ? 300 : 500 * TIMES;

/** No command may take longer, milliseconds of this process's own time. */
const LONGEST_MS = 10_000;

/** Seconds of a trial: what starts has long shown it by then, or never does. */
const BUDGETS = ['0.01', '0.1', '.2', '1e-1'];

/** What each command's exit status can be. */
const STATUSES: Readonly<Record<string, readonly number[]>> = {
  inspect: [0, 1, 2],
  try: [0, 1, 2],
  doctor: [0, 1, 2],
  'guest list': [0, 1, 2],
};

let folder: string;
/** Images before anything was done to them. */
let sound: readonly Uint8Array[];
/** Paths that are given in place of files. */
let odd: readonly string[];

beforeAll(() => {
  folder = temporary('fuzz');
  fs.mkdirSync(join(folder, 'here'), { recursive: true });
  const random = randomFrom(SEED);
  const volume = (shape: VolumeShape, files: Files): string => makeVolume(shape, files);
  const withGuests = bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles('web', 'db') });
  const fat16 = volume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, withGuests);
  const paths = [
    volume({ bits: 12, sectorsPerCluster: 1, megabytes: 2 }, bootPartition('of2015')),
    volume({ bits: 12, sectorsPerCluster: 8, megabytes: 3 }, onFat(randomBootFolder(random))),
    fat16,
    volume({ bits: 16, sectorsPerCluster: 4, megabytes: 9 }, onFat(randomBootFolder(random))),
    volume({ bits: 32, sectorsPerCluster: 1, megabytes: 34 }, bootPartition('hyp')),
    makeDisk(8, 'label: dos\nstart=2048,size=8192,type=e\nstart=10240,size=2048,type=83\n', fat16),
  ];
  sound = paths.map((path) => new Uint8Array(fs.readFileSync(path)));
  for (const path of paths) fs.rmSync(path);
  const at = (name: string): string => join(folder, name);
  fs.writeFileSync(at('empty'), '');
  fs.writeFileSync(at('text'), 'this is no card\n'.repeat(99));
  fs.writeFileSync(at('kernel'), kernelFile(3));
  fs.writeFileSync(at('packed.img.gz'), Uint8Array.of(0x1f, 0x8b, 8, 0, ...new Uint8Array(1024)));
  fs.mkdirSync(at('no boot folder'));
  execFileSync('mkfifo', [at('pipe')]);
  fs.symlinkSync('nowhere', at('link'));
  odd = [
    ...['empty', 'text', 'kernel', 'packed.img.gz', 'no boot folder', 'pipe', 'link', 'missing'].map(at),
    ...[
      '/dev/null',
      '/dev/zero',
      '/proc/self',
      '/dev/full',
      '',
      '.',
      '\u001b[31m',
      'a\u0000b',
      'x'.repeat(300),
    ],
  ];
});

/** What FAT has names for, as mtools takes them. */
const onFat = (files: Files): Files =>
  Object.fromEntries(Object.entries(files).filter(([path]) => /^[\w./-]+$/.test(path)));

/** An image of which some sectors, or the end, are not as they were; most of it is what all else hangs on. */
function randomImage(random: Random): string {
  const bytes = pick(random, sound).slice();
  const kind = random(4);
  for (let n = kind === 0 ? 0 : random(3 ** kind) + 1; n > 0; n--) {
    // Tables and folders stand in front.
    const size = pick(random, [512, 4096, 64 << 10, bytes.length]);
    const at = random(size - 4);
    switch (random(5)) {
      case 0:
        bytes[at] = random(256);
        break;
      case 1:
        new DataView(bytes.buffer).setUint32(
          at & ~1,
          pick(random, [0, 1, 2, 0xffff_ffff, 0x0fff_fff7, random(2 ** 32)]),
          true,
        );
        break;
      case 2:
        bytes.fill(random(2) * 0xff, at & ~511, (at & ~511) + 512);
        break;
      case 3:
        bytes.copyWithin(at & ~511, random(size) & ~511, (random(size) & ~511) + 512);
        break;
      default:
        bytes[at & ~31] = pick(random, [0, 0xe5, 0x2e, 0x41]);
    }
  }
  const path = join(folder, 'card.img');
  fs.writeFileSync(path, random(12) === 0 ? bytes.subarray(0, random(bytes.length)) : bytes);
  return path;
}

/** A boot folder on the disk. */
function randomFolder(random: Random): string {
  const path = join(folder, 'boot');
  fs.rmSync(path, { recursive: true, force: true });
  fs.mkdirSync(join(path, 'overlays'), { recursive: true });
  for (const [name, data] of Object.entries(randomBootFolder(random)))
    fs.writeFileSync(join(path, name), data);
  return path;
}

function randomTarget(random: Random): string {
  const kind = random(10);
  if (kind === 0) return pick(random, odd);
  return kind < 6 ? randomImage(random) : randomFolder(random);
}

/** A file that a command reads or writes beside its card. */
const randomFile = (random: Random): string => {
  const path = join(folder, 'file');
  fs.writeFileSync(path, damage(random, kernelFile(random(256))));
  return random(3) === 0 ? pick(random, odd) : path;
};

const NUMBERS = [
  '0',
  '1',
  '2',
  '5',
  '-1',
  '+1',
  '1.5',
  '1e3',
  '0x10',
  '256',
  '4096',
  '99999999999999999999',
  'NaN',
  '',
  ' 1',
];
const ADDRESSES = ['0', '0x100', '0x08000000', '0x3f000000', '0xffffffff', '0x1ffffffff', '-4', 'x', ''];
const WORDS = ['host', 'web', 'db', 'Run /init', '0x8000', '0xzz', '', '\u001b[2J', '--', '-', 'é'];

/** Options that each command has, drawn values in them: `undefined` where one is missing. */
function optionsOf(random: Random): Readonly<Record<string, () => string | undefined>> {
  const number = (): string => pick(random, NUMBERS);
  const word = (): string => pick(random, WORDS);
  const file = (): string => randomFile(random);
  return {
    '--partition': number,
    '--whole': () => undefined,
    '--method': () => pick(random, ['auto', 'kernel_old', 'armstub', 'other', '']),
    '--force': () => undefined,
    '--diagnostics': () => undefined,
    '--no-diagnostics': () => undefined,
    '--as-is': () => undefined,
    '--hook': () => undefined,
    '--dry-run': () => undefined,
    '-n': () => undefined,
    '--json': () => undefined,
    '-q': () => undefined,
    '-v': () => undefined,
    '--no-color': () => undefined,
    '--engine': () => pick(random, ['built-in', 'built-in', 'built-in', 'bochs', '']),
    '--until': word,
    '--console': word,
    '--trace': () => (random(3) === 0 ? pick(random, odd) : join(folder, `trace${random(3)}`)),
    '--overwrite': () => undefined,
    '--name': () => pick(random, ['web', 'new', 'A B', '', 'x'.repeat(16)]),
    '--kernel': file,
    '--initramfs': file,
    '--memory': number,
    '--cores': number,
    '--cmdline': () => pick(random, ['', 'quiet', 'x'.repeat(5000), '\u0000', '\n']),
    '--no-initramfs': () => undefined,
    '--disk': () => pick(random, ['/srv/a.img', '/b,size=1G,ro', '/c,size=', 'd', '']),
    '--remove-disk': () => pick(random, ['/srv/a.img', '/b', '', 'c']),
    '--net': () => pick(random, ['host', 'none', 'bridge', '']),
    '--isolated': () => undefined,
    '--no-isolated': () => undefined,
    '--autostart': () => undefined,
    '--no-autostart': () => undefined,
    '--virtio': () => pick(random, ['1', '2', 'auto', '3', '']),
    '--out': () =>
      pick(random, [join(folder, 'out'), join(folder, 'text'), '/dev/null', '/proc/no', '', 'here']),
    '--tree': () => pick(random, ADDRESSES),
    '--listing': () => undefined,
    '--help': () => undefined,
    '-h': () => undefined,
    '--version': () => undefined,
    '--unknown': () => undefined,
  };
}

const SOME: Readonly<Record<string, readonly string[]>> = {
  inspect: ['--partition', '--whole', '--json'],
  try: [
    '--partition',
    '--whole',
    '--json',
    '--as-is',
    '--method',
    '--force',
    '--diagnostics',
    '--engine',
    '--until',
    '--console',
    '--trace',
    '--overwrite',
  ],
  install: [
    '--partition',
    '--whole',
    '--json',
    '--method',
    '--force',
    '--diagnostics',
    '--no-diagnostics',
    '--hook',
    '--dry-run',
    '-n',
  ],
  uninstall: ['--partition', '--whole', '--json', '-n'],
  'guest add': [
    '--partition',
    '--whole',
    '--json',
    '--name',
    '--kernel',
    '--initramfs',
    '--memory',
    '--cores',
    '--cmdline',
    '--disk',
    '--net',
    '--isolated',
    '--virtio',
    '--autostart',
    '--no-autostart',
    '-n',
  ],
  'guest set': [
    '--partition',
    '--whole',
    '--json',
    '--kernel',
    '--initramfs',
    '--no-initramfs',
    '--memory',
    '--cores',
    '--cmdline',
    '--disk',
    '--remove-disk',
    '--net',
    '--isolated',
    '--no-isolated',
    '--virtio',
    '--autostart',
    '--no-autostart',
    '-n',
  ],
  'guest rename': ['--partition', '--whole', '--json', '-n'],
  'guest list': ['--partition', '--whole', '--json'],
  'guest remove': ['--partition', '--whole', '--json', '-n'],
  build: ['--out', '--tree', '--listing', '--json'],
  doctor: ['--json'],
  completion: [],
  version: [],
  help: [],
};
const EVERYWHERE = ['-q', '-v', '--no-color', '--help', '-h', '--version', '--unknown'];

/** A command line: sound as often as not, else with what hands and scripts get wrong. */
function commandLine(random: Random): { readonly command: string; readonly args: string[] } {
  const command = pick(random, [...Object.keys(SOME), 'try', 'install', 'guest add']);
  const values = optionsOf(random);
  const wild = random(2) === 0;
  const given: string[][] = [];
  const add = (name: string): void => {
    const value = values[name]!();
    if (value === undefined) given.push([name]);
    else if (wild && random(12) === 0) given.push([name]);
    else given.push(random(3) === 0 ? [`${name}=${value}`] : [name, value]);
  };
  if (command === 'guest add')
    for (const name of ['--name', '--kernel']) if (!wild || random(6) > 0) add(name);
  for (const name of SOME[command]!) if (random(4) === 0) add(name);
  if (wild) {
    for (let n = random(3); n > 0; n--)
      add(
        pick(
          random,
          random(2) === 0 ? EVERYWHERE : random(2) === 0 ? Object.keys(values) : SOME[command]!.concat('-q'),
        ),
      );
    if (random(3) === 0 && given.length > 0) given.push(pick(random, given));
  }
  if (command === 'try')
    given.push([
      '--timeout',
      wild && random(4) === 0 ? pick(random, ['0', '-1', 'x', '']) : pick(random, BUDGETS),
    ]);
  const plain: string[] = [];
  if (!['build', 'doctor', 'completion', 'version', 'help'].includes(command) && !(wild && random(8) === 0))
    plain.push(randomTarget(random));
  if (['guest remove', 'guest set', 'guest rename'].includes(command) && !(wild && random(8) === 0))
    plain.push(pick(random, ['web', 'db', 'other', '']));
  if (command === 'guest rename' && !(wild && random(8) === 0))
    plain.push(pick(random, ['new', 'web', 'A B', 'host', '']));
  if (command === 'completion') plain.push(pick(random, ['bash', 'zsh', 'fish', 'tcsh', '']));
  if (command === 'help')
    plain.push(
      ...pick(random, [
        [],
        ['try'],
        ['guest', 'add'],
        ['guest', 'rename'],
        ['guest', 'start'],
        ['--help'],
        [''],
      ]),
    );
  if (wild && random(8) === 0) plain.push(pick(random, WORDS));
  const words =
    wild && random(10) === 0 ? [pick(random, ['tyr', 'ls', 'start', 'guest', ''])] : command.split(' ');
  const parts = [...plain.map((it) => [it]), ...given];
  // Options before, between and behind what they belong to.
  for (let i = parts.length - 1; i > 0; i--) {
    const j = random(i + 1);
    if (parts[i]!.length > 1 || parts[j]!.length > 1 || wild) [parts[i], parts[j]] = [parts[j]!, parts[i]!];
  }
  const args = parts.flat();
  const before = wild && random(6) === 0 ? args.splice(0, random(3)) : [];
  if (wild && random(12) === 0) args.splice(random(args.length + 1), 0, '--');
  return { command, args: [...before, ...words, ...args] };
}

const outcomes = new Map<string, number>();
let said = { out: '', err: '' };

beforeEach(() => {
  vi.spyOn(process.stdout, 'write').mockImplementation((text) => ((said.out += String(text)), true));
  vi.spyOn(process.stderr, 'write').mockImplementation((text) => ((said.err += String(text)), true));
});
afterEach(() => {
  vi.restoreAllMocks();
});

/** Runs a command line in this process; gives its status. */
async function status(args: readonly string[]): Promise<number> {
  const { argv } = process;
  const listeners = ['SIGINT', 'SIGTERM', 'SIGHUP'].map(
    (signal) => [signal, process.listeners(signal as 'SIGINT')] as const,
  );
  said = { out: '', err: '' };
  process.argv = [process.execPath, 'hypberry', ...args];
  process.exitCode = 0;
  try {
    await runCommand();
    return process.exitCode;
  } finally {
    process.argv = argv;
    process.exitCode = undefined;
    for (const [signal, before] of listeners)
      for (const one of process.listeners(signal as 'SIGINT'))
        if (!before.includes(one)) process.removeListener(signal, one);
  }
}

test(`${RUNS} random command lines on random cards end as is documented (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const faults: string[] = [];
  const here = process.cwd();
  process.chdir(join(folder, 'here'));
  try {
    for (let i = 0; i < RUNS; i++)
      await oneRun(random, i).catch((fault: unknown) => faults.push(String(fault)));
  } finally {
    process.chdir(here);
  }
  expect(faults).toEqual([]);
  // What there must have been among them, or they were not what they are meant to be.
  for (const outcome of [
    'inspect: 0',
    'inspect: 1',
    'install: 0',
    'try: 2',
    'uninstall: 0',
    'build: 0',
    'doctor: 2',
  ])
    expect(
      [...outcomes.keys()].some((it) => it.startsWith(outcome)),
      outcome,
    ).toBe(true);
}, 7_200_000);

async function oneRun(random: Random, i: number): Promise<void> {
  const { command, args } = commandLine(random);
  const what = `run ${i}: hypberry ${args.map((it) => JSON.stringify(it)).join(' ')}`;
  const begin = process.cpuUsage();
  const ended = await status(args);
  const took = process.cpuUsage(begin).user / 1000;
  const { out, err } = said;
  const shown = `${what}\n${out.slice(-500)}\n${err}`;
  expect(took, shown).toBeLessThan(LONGEST_MS);
  expect(STATUSES[command] ?? [0, 2], shown).toContain(ended);
  expect(err, shown).not.toMatch(/\n {4}at |\(unknown\)|"unknown"|undefined|\[object|Warning/);
  expect(unseenIn(out.replaceAll('\n', '') + err.replaceAll('\n', '')), shown).toEqual([]);
  const code = /\(([a-z0-9]+\.[a-z0-9.-]+)\)\nhint: {2}|"code":"([^"]+)"/.exec(err);
  if (ended === 2 && !/^Usage: /.test(err) && !isVerdict(command, out)) {
    expect(code, shown).not.toBeNull();
    if (args.includes('--json')) {
      expect(out, shown).toBe('');
      for (const line of err.trimEnd().split('\n'))
        expect(() => JSON.parse(line) as unknown, shown).not.toThrow();
    }
  }
  const key = `${command}: ${ended} ${code?.[1] ?? code?.[2] ?? ''}`;
  outcomes.set(key, (outcomes.get(key) ?? 0) + 1);
}

/** Whether 2 is an answer: of a trial that came to no verdict, of a doctor that is not on a Pi. */
const isVerdict = (command: string, out: string): boolean =>
  (command === 'try' || command === 'doctor') && out !== '';

afterAll(() => {
  const lines = [...outcomes].sort(([, a], [, b]) => b - a).map(([what, n]) => `  ${n} ${what}`);
  process.stdout.write(`${lines.join('\n')}\n`);
});
