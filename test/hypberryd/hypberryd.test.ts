/** hypberryd in Node, over the kernel of the tests, and under qemu-arm: the same words, the same exit statuses. */
import { execFileSync } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { consoleNode } from '../../src/guest/host-tree.js';
import {
  hypberrydFile,
  HYPBERRYD_BEGIN,
  HYPBERRYD_LIMIT,
  hypberrydRelease,
} from '../../src/hypberryd/program.js';
import * as L from '../../src/hypberryd/shared/layout.js';
import { ERRORS } from '../../src/translate/linux/constants.js';
import type { Start } from './kernel.js';
import { runInNode } from './kernel.js';
import { runUnderQemu, textOf } from './programs.js';
import { hypberrydWasm } from './wasm.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

const file = hypberrydFile();
const { version } = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
) as { version: string };

interface Said {
  readonly status: number | null;
  readonly out: string;
  readonly err: string;
}
function inNode(args: readonly string[], more: Partial<Start> = {}): Said {
  const { status, stdout, stderr } = runInNode(hypberrydWasm(), {
    ...{ args: ['hypberryd', ...args], end: L.END },
    ...more,
  });
  return { status, out: textOf(stdout), err: textOf(stderr) };
}
function underQemu(args: readonly string[], stdout?: number): Said {
  const ended = runUnderQemu(file, args, stdout === undefined ? {} : { stdout });
  return { status: ended.status, out: textOf(ended.stdout), err: textOf(ended.stderr) };
}

const HINT = 'hint:  "hypberryd --help" says what there is.\n';
const TREE = '/proc/device-tree';
const CONSOLE = `${TREE}/${consoleNode(0)}/`;

describe('hypberryd', () => {
  test('is smaller than 64 KiB', () => {
    expect(HYPBERRYD_LIMIT).toBe(64 * 1024);
    expect(file.length).toBeLessThan(HYPBERRYD_LIMIT);
  });

  test('has no gaps: data behind the headers, code behind the data', () => {
    const view = new DataView(file.buffer, file.byteOffset);
    // Offset and bytes in the file, of the first two program headers.
    const [code, data] = [52, 84].map((at) => [view.getUint32(at + 4, true), view.getUint32(at + 16, true)]);
    expect(data![0]).toBe(0x100);
    expect(code![0]! - (data![0]! + data![1]!)).toBeLessThan(4);
    expect(code![0]! + code![1]!).toBe(file.length);
  });

  test('is known by its beginning, with its release', () => {
    expect(hypberrydRelease(file.subarray(0, HYPBERRYD_BEGIN))).toBe(version);
    expect(hypberrydRelease(Uint8Array.of(0x7f, 0x45, 0x4c, 0x46, 1, 1, 1))).toBeUndefined();
    expect(hypberrydRelease(new Uint8Array(HYPBERRYD_BEGIN))).toBeUndefined();
  });

  test.each<[string[], Said]>([
    [['--version'], { status: 0, out: `${version}\n`, err: '' }],
    [[], { status: 2, out: '', err: `error: There is no command. (usage.no-command)\n${HINT}` }],
    [
      ['frob'],
      { status: 2, out: '', err: `error: There is no command "frob". (usage.unknown-command)\n${HINT}` },
    ],
    [
      ['statu'],
      { status: 2, out: '', err: `error: There is no command "statu". (usage.unknown-command)\n${HINT}` },
    ],
    [[''], { status: 2, out: '', err: `error: There is no command "". (usage.unknown-command)\n${HINT}` }],
    [
      ['status', 'x'],
      { status: 2, out: '', err: `error: There is no use for "x". (usage.too-many)\n${HINT}` },
    ],
    [
      ['a\u001b[31m\u00e9\n'],
      {
        ...{ status: 2, out: '' },
        err: `error: There is no command "a\\x1b[31m\\xc3\\xa9\\x0a". (usage.unknown-command)\n${HINT}`,
      },
    ],
    [
      ['x'.repeat(9000)],
      {
        status: 2,
        out: '',
        err: `error: There is no command "${'x'.repeat(9000)}". (usage.unknown-command)\n${HINT}`,
      },
    ],
  ])('%j says the same in Node and under qemu-arm', (args, said) => {
    expect(inNode(args)).toEqual(said);
    expect(underQemu(args)).toEqual(said);
  });

  test('--help names every command and exit status', () => {
    const said = underQemu(['--help']);
    expect(said).toEqual(inNode(['--help']));
    expect(said).toMatchObject({ status: 0, err: '' });
    expect(said.out).toMatch(/^Usage: hypberryd COMMAND\n/);
    for (const word of ['install', 'uninstall', 'status', 'run', '--version', '--help'])
      expect(said.out).toMatch(new RegExp(`^  ${word} +\\w`, 'm'));
    expect(said.out).toMatch(
      /^Exit status: 0 done, or all is served; 1 the answer is no; 2 refused or failed\.\n$/m,
    );
  });

  test('status tells a hypervisor without a channel from none', () => {
    const under = inNode(['status'], { files: { [CONSOLE]: '' } });
    expect(under).toMatchObject({ status: 1, err: '' });
    expect(under.out).toMatch(/^The hypervisor under this system has no channel to it\.\n.*\n$/);
    const none = inNode(['status'], { files: { [`${TREE}/model`]: 'Raspberry Pi 2 Model B\0' } });
    expect(none).toMatchObject({ status: 1, err: '' });
    expect(none.out).toMatch(/^No hypervisor with a channel is under this system\.\n.*\n$/);
  });

  test('status says when it cannot tell', () => {
    const said = {
      ...{ status: 2, out: '' },
      err:
        'error: The device tree could not be read, /proc/device-tree: it is not there. (channel.tree)\n' +
        'hint:  Have /proc and /sys mounted, and a kernel that was started with a device tree.\n',
    };
    expect(inNode(['status'])).toEqual(said);
    // What Linux runs the tests has none.
    expect(underQemu(['status'])).toEqual(said);
    const why = (error: number): string =>
      inNode(['status'], { forced: { open: [-ERRORS.ENOENT, -error] } }).err.split('\n')[0]!;
    expect(why(ERRORS.EACCES)).toBe(
      'error: The device tree could not be read, /proc/device-tree: permission denied. (channel.tree)',
    );
    expect(why(ERRORS.EMFILE)).toBe(
      'error: The device tree could not be read, /proc/device-tree: error 24. (channel.tree)',
    );
  });

  test('what a signal interrupts is done again, what is written in part goes on', () => {
    const files = { [`${TREE}/`]: '' };
    const whole = inNode(['status'], { files });
    expect(
      inNode(['status'], { files, forced: { open: [-ERRORS.EINTR, undefined, -ERRORS.EINTR] } }),
    ).toEqual(whole);
    expect(inNode(['status'], { files, forced: { write: [-ERRORS.EINTR] } })).toEqual(whole);
    // The kernel says that it has taken 7 bytes.
    expect(inNode(['status'], { files, forced: { write: [7] } }).out).toBe(whole.out.slice(7));
  });

  test('results that cannot be written are a failure', () => {
    const said = {
      ...{ status: 2, out: '' },
      err:
        'error: The output could not be written, error 28. (output.failed)\n' +
        'hint:  See that what it goes to is there and has room.\n',
    };
    expect(inNode(['--help'], { forced: { write: [-ERRORS.ENOSPC] } })).toEqual(said);
    const full = openSync('/dev/full', 'w');
    expect(underQemu(['--help'], full)).toEqual(said);
    closeSync(full);
  });

  test('the build puts it beside the command, to be run', () => {
    const built = fileURLToPath(new URL('../../dist/hypberryd', import.meta.url));
    expect(readFileSync(built).equals(file)).toBe(true);
    expect(execFileSync('qemu-arm', [built, '--version']).toString()).toBe(`${version}\n`);
  });
});
