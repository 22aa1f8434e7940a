import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import { createHash } from 'node:crypto';
import { once } from 'node:events';
import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { getFile, makeVolume, run, temporary } from '../card/images.js';
import { bootPartition, FIRMWARE, kernelFile } from '../support/boot-files.js';
import { assembleSource } from '../support/stub-sources.js';
import { hypberry, MAIN } from './run.js';

// Each test starts the program several times.
vi.setConfig({ testTimeout: 120_000 });

const COMMANDS = ['inspect', 'try', 'run', 'install', 'uninstall', 'build', 'doctor'];
const SHAPE = { bits: 16, sectorsPerCluster: 1, megabytes: 4 } as const;

const image = (firmware: keyof typeof FIRMWARE, more: Record<string, string | Uint8Array> = {}): string =>
  makeVolume(SHAPE, bootPartition(firmware, more));
const sum = (file: string): string => createHash('sha256').update(fs.readFileSync(file)).digest('hex');
const json = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>;

describe('--help', () => {
  test('names every command, an example and the exit status', async () => {
    const { status, stdout, stderr } = await hypberry(['--help']);
    expect([status, stderr]).toEqual([0, '']);
    for (const command of COMMANDS) expect(stdout).toMatch(new RegExp(`^  ${command} `, 'm'));
    expect(stdout).toMatch(/Example:\n {2}hypberry /);
    expect(stdout).toContain('Exit status:');
  });

  test.each(COMMANDS)('%s --help has an example of it and the exit status', async (command) => {
    const { status, stdout, stderr } = await hypberry([command, '--help']);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(new RegExp(`Example:\n {2}hypberry ${command}`));
    expect(stdout).toMatch(/Exit status:\n {2}0 [^]*\n {2}1 [^]*\n {2}2 /);
  });

  test('--version is that of the package', async () => {
    const { version } = json(fs.readFileSync(new URL('../../package.json', import.meta.url), 'utf8'));
    expect((await hypberry(['--version'])).stdout).toBe(`${String(version)}\n`);
  });
});

test.each([
  [[]],
  [['frob']],
  [['install']],
  [['install', '--method', 'x', 'card.img']],
  [['install', '--frob', 'card.img']],
  [['inspect', 'a', 'b']],
  [['try', '--timeout', '0', 'card.img']],
  [['try', '--timeout', 'soon', 'card.img']],
  [['build', '--tree', 'here']],
  [['build', '--tree', '3']],
  [['build', '--tree', '0x3f000000']],
])('a usage error has exit status 2 and says why on standard error: %j', async (args) => {
  const { status, stdout, stderr } = await hypberry(args);
  expect([status, stdout]).toEqual([2, '']);
  expect(stderr).toMatch(
    args.length === 0
      ? /^Usage: hypberry/
      : /^error: .+ \(usage\.[a-z-]+\)\nhint: {2}.*"hypberry(?: [a-z]+)? --help" .+\n$/,
  );
});

describe('a card, from the first look to uninstall', () => {
  test.each([
    ['armstub', 'svc'],
    ['kernel_old', 'of2015'],
  ] as const)('by %s, on an image', async (method, firmware) => {
    const card = image(firmware);
    const config = getFile(card, 'config.txt');
    const original = sum(card);

    const seen = await hypberry(['inspect', card]);
    expect([seen.status, seen.stderr]).toEqual([0, '']);
    expect(seen.stdout).toContain('starts Linux in SVC mode');

    const dry = await hypberry(['install', '--dry-run', card]);
    expect(dry.stdout).toMatch(new RegExp(`method ${method}[^]*new file hypberry-[^]*nothing was written`));
    expect(sum(card)).toBe(original);

    const installed = json((await hypberry(['install', '--json', card])).stdout);
    expect(installed).toMatchObject({ method, changed: true, notes: [] });
    const files = (installed['changes'] as { kind: string; path: string }[]).map(({ kind, path }) => [
      kind,
      path,
    ]);
    expect(files).toEqual([
      ['create', expect.stringMatching(/^hypberry-/) as string],
      ['replace', 'config.txt'],
    ]);
    expect(run('mdir', '-b', '-i', card, '::')).toContain(files[0]![1]);
    expect((await hypberry(['inspect', card])).stdout).toContain('by the block that hypberry installed');

    const again = await hypberry(['install', card]);
    expect(again).toMatchObject({ status: 0, stderr: '' });
    expect(again.stdout).toMatch(/^Nothing to do: .*up to date/);

    expect(await hypberry(['uninstall', card])).toMatchObject({ status: 0, stderr: '' });
    expect(getFile(card, 'config.txt')).toEqual(config);
    expect(getFile(card, 'kernel7.img')).toEqual(kernelFile());
    expect(run('mdir', '-b', '-i', card, '::')).not.toContain('hypberry');
  });

  test('on a folder', async () => {
    const folder = temporary('boot');
    fs.mkdirSync(folder);
    const files = bootPartition('svc');
    for (const [path, data] of Object.entries(files)) fs.writeFileSync(join(folder, path), data);
    expect(await hypberry(['install', folder])).toMatchObject({ status: 0, stderr: '' });
    expect(fs.readdirSync(folder)).toHaveLength(Object.keys(files).length + 1);
    expect(await hypberry(['uninstall', folder])).toMatchObject({ status: 0, stderr: '' });
    expect(fs.readdirSync(folder).sort()).toEqual(Object.keys(files).sort());
    expect(new Uint8Array(fs.readFileSync(join(folder, 'config.txt')))).toEqual(files['config.txt']);
  });

  test('with diagnostics, which later installs keep until one is told not to', async () => {
    const folder = temporary('boot');
    fs.mkdirSync(folder);
    const files = bootPartition('svc');
    for (const [path, data] of Object.entries(files)) fs.writeFileSync(join(folder, path), data);
    const tried = await hypberry(['try', '--diagnostics', '--until', 'jkl tree', folder]);
    expect([tried.status, tried.stderr]).toEqual([0, '']);
    expect(tried.stdout).toMatch(/ s {2}0 abcdefghi in HYP mode\n.* s {2}1 abcdefgi in HYP mode, waits/);

    const installed = await hypberry(['install', '--diagnostics', folder]);
    expect(installed.stdout).toMatch(/\+ # diagnostics: on .*\n[^]*note: The block says on the serial port/);
    expect((await hypberry(['install', folder])).stdout).toMatch(/^Nothing to do: /);
    expect((await hypberry(['inspect', folder])).stdout).toMatch(/^ {2}diagnostics +on: /m);
    expect((await hypberry(['install', '--no-diagnostics', folder])).stdout).not.toContain('diagnostics');
    expect(await hypberry(['uninstall', folder])).toMatchObject({ status: 0, stderr: '' });
    expect(fs.readdirSync(folder).sort()).toEqual(Object.keys(files).sort());
    expect(new Uint8Array(fs.readFileSync(join(folder, 'config.txt')))).toEqual(files['config.txt']);
  });

  test('install says so where there is nothing to do', async () => {
    const card = image('hyp');
    const before = sum(card);
    expect((await hypberry(['install', card])).stdout).toMatch(/^Nothing to do: .*HYP mode as it is/);
    expect(sum(card)).toBe(before);
  });
});

describe('--json is one object with these keys:', () => {
  test.each<[string[], string[]]>([
    [
      ['inspect'],
      [
        'bootPartition',
        'start',
        'installed',
        'diagnostics',
        'ourFiles',
        'hypberryd',
        'upgrade',
        'firmware',
        'kernels',
        'guests',
        'install',
        'trees',
        'config',
        'picked',
        'problem',
        'problems',
      ],
    ],
    [['install'], ['method', 'bootPartition', 'summary', 'notes', 'changed', 'changes']],
    [
      ['install', '--dry-run'],
      ['method', 'bootPartition', 'summary', 'notes', 'changed', 'changes'],
    ],
    [['uninstall'], ['method', 'bootPartition', 'summary', 'notes', 'changed', 'changes']],
  ])('%j', async (args, keys) => {
    const { status, stdout, stderr } = await hypberry([...args, '--json', image('svc')]);
    expect([status, stderr]).toEqual([0, '']);
    expect(Object.keys(json(stdout)).sort()).toEqual(keys.sort());
  });

  test('inspect of a card that starts nothing', async () => {
    const card = makeVolume(SHAPE, { 'config.txt': kernelFile() });
    const { status, stdout } = await hypberry(['inspect', '--json', card]);
    expect(status).toBe(1);
    expect(json(stdout)).toMatchObject({
      picked: null,
      problem: { code: 'setup.no-firmware' },
      problems: [{ code: 'setup.no-firmware' }, { code: 'firmware.no-kernel' }],
    });
  });

  test('build', async () => {
    const out = json((await hypberry(['build', '--json'])).stdout);
    expect(Object.keys(out).sort()).toEqual(['files', 'folder']);
    const withListing = json((await hypberry(['build', '--json', '--listing'])).stdout);
    expect((withListing['listing'] as string[]).length).toBeGreaterThan(30);
  });

  test('doctor, on a machine that is no Pi', async () => {
    const { status, stdout } = await hypberry(['doctor', '--json']);
    expect(Object.keys(json(stdout)).sort()).toEqual(
      [
        'model',
        'revision',
        'soc',
        'kernel',
        'mode',
        'underHypervisor',
        'startedAlone',
        'hasChannel',
        'bootFolder',
        'card',
        'cardKernel',
        'advice',
      ].sort(),
    );
    expect([0, 1, 2]).toContain(status);
  });
});

describe('build --out', () => {
  test('writes the same bytes every time, with the sum that it prints', async () => {
    const [one, two] = [temporary('out'), join(temporary('out'), 'deeper')];
    const { status, stdout } = await hypberry(['build', '--out', one]);
    expect(status).toBe(0);
    await hypberry(['build', '--out', two]);
    expect(fs.readdirSync(one).sort()).toEqual(['bootblk.bin', 'hypberry-stub.bin']);
    for (const [name, size] of [
      ['bootblk.bin', 32_768],
      ['hypberry-stub.bin', 256],
    ] as const) {
      const [sha256] = execFileSync('sha256sum', [join(one, name)], { encoding: 'utf8' }).split(' ');
      expect(stdout).toMatch(new RegExp(`^${name}: .*\n  sha256 ${sha256!}$`, 'm'));
      expect(sum(join(two, name))).toBe(sha256);
      expect(fs.statSync(join(one, name)).size).toBe(size);
    }
  });

  test('by hand, as in 2015: cat bootblk.bin kernel > file', async () => {
    const out = temporary('out');
    await hypberry(['build', '--out', out]);
    const combined = Buffer.concat([fs.readFileSync(join(out, 'bootblk.bin')), kernelFile()]);
    const card = image('of2015', { 'hyp.img': combined, 'config.txt': 'kernel=hyp.img\nkernel_old=1\n' });
    const { stdout } = await hypberry(['inspect', card]);
    expect(stdout).toContain("hypberry's boot block in front of: zImage for ARMv7");
    expect(stdout).toContain('starts Linux in HYP mode');
    expect((await hypberry(['install', card])).stdout).toMatch(/^Nothing to do/);
  });

  test.each([
    ['/proc/x', 'in /proc, which takes none'],
    ['/proc/x/y', 'below such a one'],
    [join(MAIN, 'x'), 'below a file'],
    [MAIN, 'a file'],
  ])('%s is refused at once: %s', async (out) => {
    const refused = await hypberry(['build', '--out', out], {}, (child) => {
      setTimeout(() => child.kill('SIGKILL'), 20_000).unref();
    });
    expect(refused).toMatchObject({ status: 2, stdout: '' });
    expect(refused.stderr).toContain(`"${out}" cannot be made a folder`);
  });
});

describe('output', () => {
  test('has no colours in a pipe, whatever CI is', async () => {
    for (const env of [{}, { CI: '1' }]) {
      const bad = await hypberry(['inspect', '/no/such/card'], env);
      expect(bad.stdout + bad.stderr + (await hypberry(['inspect', image('svc')], env)).stdout).not.toContain(
        '\x1b',
      );
    }
  });

  test('may be cut off by its reader: quiet', () => {
    const script = `"$1" "$2" build --listing | head -n 1; "$1" "$2" inspect "$3" | head -c 1`;
    const card = image('svc');
    const text = execFileSync('sh', ['-c', `exec 2>&1; ${script}`, 'sh', process.execPath, MAIN, card], {
      encoding: 'utf8',
    });
    expect(text).toMatch(/^[^\n]+\nF$/);
  });

  test.each<[string, (card: string) => Promise<number | null>]>([
    [
      'pipe',
      async (card) => {
        const script = `"$1" "$2" try --as-is --timeout 100 "$3" | head -n 1 >&2; exit "\${PIPESTATUS[0]}"`;
        const child = spawn('bash', ['-c', script, 'bash', process.execPath, MAIN, card], {
          stdio: ['ignore', 'ignore', 'pipe'],
        });
        let text = '';
        child.stderr.setEncoding('utf8').on('data', (more: string) => (text += more));
        const [status] = (await once(child, 'close')) as [number | null];
        expect(text, 'no word beside what head prints').toBe('The card as it is now:\n');
        return status;
      },
    ],
    [
      'socket',
      async (card) => {
        const { status, stderr } = await hypberry(
          ['try', '--as-is', '--timeout', '100', card],
          {},
          (child) => {
            child.stdout!.once('data', () => child.stdout!.destroy());
          },
        );
        expect(stderr).toBe('');
        return status;
      },
    ],
  ])('goes into a %s whose reader goes while nothing is said: try ends at once', async (_, run) => {
    const begin = performance.now();
    expect(await run(image('svc', { 'kernel7.img': printing('Booting\n') }))).toBe(2);
    expect(performance.now() - begin).toBeLessThan(20_000);
  });

  test('may have no reader of its errors: the exit status is the same', async () => {
    const closeErrors = (child: ChildProcess): void => {
      child.stderr?.destroy();
    };
    expect((await hypberry(['try', '/no/such/card'], {}, closeErrors)).status).toBe(2);
  });
});

/** A program at 0x8000 that writes a text to the PL011, and then nothing more. */
function printing(text: string): Uint8Array {
  return assembleSource(`
    adr r0, text
    ldr r1, uart
next: ldrb r2, [r0], #1
    cmp r2, #0
stop: beq stop
full: ldr r3, [r1, #0x18]
    tst r3, #0x20
    bne full
    str r2, [r1]
    b next
uart: .word 0x3f201000
text: .asciz "${text.replaceAll('\n', '\\n')}"
    .balign 4`);
}

describe('try', () => {
  const lines = (mode: string): string =>
    `Booting\nsmp: Brought up 1 node, 4 CPUs\nCPU: All CPU(s) started in ${mode} mode.\nVFP support v`;
  const card = (mode: string): string => image('svc', { 'kernel7.img': printing(lines(mode)) });

  test('HYP: exit status 0, and nothing behind the line that settled it', async () => {
    const target = card('HYP');
    const before = sum(target);
    const { status, stdout, stderr } = await hypberry(['try', '--force', target]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^After install: /);
    expect(stdout).toMatch(
      /\n *\d+\.\d s {2}CPU: All CPU\(s\) started in HYP mode\.\n\nModes of the cores: .*\ncore 0 [^]*\nHYP: all 4 cores started in HYP mode \(after \d+\.\d s\)\.\nHandover: /,
    );
    expect(sum(target), 'the card is as it was').toBe(before);
  });

  test('SVC: exit status 1, with --as-is and as JSON', async () => {
    const { status, stdout, stderr } = await hypberry(['try', '--as-is', '--json', card('SVC')]);
    expect([status, stderr]).toEqual([1, '']);
    expect(json(stdout)).toMatchObject({
      verdict: 'SVC',
      engine: 'built-in',
      seconds: expect.any(Number) as number,
      cores: 4,
      console: expect.stringContaining('started in SVC mode.') as string,
      picked: { kernel: { file: 'kernel7.img' } },
    });
  });

  test('no verdict: exit status 2, with the reason and the line that had only begun', async () => {
    const target = image('svc', { 'kernel7.img': printing('Booting\nand then') });
    const { status, stdout } = await hypberry(['try', '--as-is', '--timeout', '6', target]);
    expect(status).toBe(2);
    expect(stdout).toMatch(
      /and then\n\nModes of the cores: .*\ncore 0 [^]*\nNONE: no verdict .*Time was up \(6 s\) before a kernel said its mode/,
    );
  });

  test('says so where there is nothing to install', async () => {
    const { stdout } = await hypberry(['try', '--timeout', '1', image('hyp')]);
    expect(stdout).toMatch(/^Nothing to do: .* It is booted as it is:\n/);
  });

  test.each([
    ['SIGINT', 130],
    ['SIGTERM', 143],
  ] as const)('%s ends it: a sentence, no QEMU, no files', async (signal, expected) => {
    const scratch = temporary('tmp');
    fs.mkdirSync(scratch);
    const target = image('svc', { 'kernel7.img': printing('Booting\n') });
    let engine: string[] = [];
    let said = '';
    const outcome = await hypberry(
      ['try', '--as-is', '--engine', 'qemu', target],
      { TMPDIR: scratch },
      (child) => {
        // By now the console has spoken, so QEMU runs.
        child.stdout!.on('data', (text: string) => {
          // It comes in pieces of any length.
          said += text;
          if (!said.includes('Booting') || engine.length > 0) return;
          engine = execFileSync('ps', ['--ppid', String(child.pid), '-o', 'pid='], { encoding: 'utf8' })
            .trim()
            .split(/\s+/);
          child.kill(signal);
        });
      },
    );
    expect(outcome.status).toBe(expected);
    expect(outcome.stderr).toBe('\nStopped before there was a verdict; the card is unchanged.\n');
    expect(engine).toHaveLength(1);
    await expect
      .poll(() => fs.existsSync(`/proc/${engine[0]!}`) && isAlive(engine[0]!), { timeout: 5000 })
      .toBe(false);
    expect(fs.readdirSync(scratch)).toEqual([]);
  });
});

/** A process that ended stays as a zombie until somebody waits for it. */
function isAlive(pid: string): boolean {
  return !/^State:\s+[ZX]/m.test(fs.readFileSync(`/proc/${pid}/status`, 'utf8'));
}
