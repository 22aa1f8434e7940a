import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { beforeAll, expect, test, vi } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { makeDisk, makeVolume } from '../card/images.js';
import { print, smallGuest } from '../hypervisor/payloads.js';
import { bootPartition, HOST_TREE } from '../support/boot-files.js';
import { zImage } from '../support/kernel-files.js';
import { printingPayload } from '../support/payloads.js';
import { bundle } from './bundle.js';
import { openPage, PROFILE } from './chromium.js';
import type { Posted } from './page.js';
import { walk } from './walk.js';

vi.setConfig({ testTimeout: 60_000 });
beforeAll(() => ensureTools(['chromium-headless-shell']), 300_000);

const page = bundle('test/browser/page.ts');
const root = new URL('../..', import.meta.url);
/** What does not run in a browser: commands and adapters of Node, and what AssemblyScript's compiler reads. */
const ELSEWHERE = [
  ...['src/cli/', 'src/node/', 'src/hypervisor/body/', 'src/hypberryd/body/', 'src/cpu/interpreter/'],
];
const modules = readdirSync(new URL('src', root), { recursive: true, encoding: 'utf8' })
  .map((name) => `src/${name.replaceAll('\\', '/')}`)
  .filter((name) => name.endsWith('.ts') && !ELSEWHERE.some((folder) => name.startsWith(folder)));

const SHAPE = { bits: 16, sectorsPerCluster: 1, megabytes: 4 } as const;
const TABLE = 'label: dos\nstart=2048, size=8192, type=6\n';
const lines = (...all: readonly string[]): string => all.map((it) => `${it}\n`).join('');
const HOST = lines('smp: Brought up 1 node, 3 CPUs', 'Run /init as init process');
const WEB = lines('smp: Brought up 1 node, 1 CPU', 'Run /sbin/web as init process');
const GUEST_KERNEL = 'hypberry-guest-web.kernel';

/** The cards, made by programs that share nothing with ours. */
const CARDS: Readonly<Record<string, () => string>> = {
  /** A volume whose kernel says what Linux says of its mode, and with firmware of 2015. */
  alone: () =>
    makeVolume(
      SHAPE,
      bootPartition('of2015', {
        'kernel7.img': printingPayload(lines('Brought up 4 CPUs', 'CPU: All CPU(s) started in HYP mode.')),
      }),
    ),
  /** A card with a partition table, a guest, and beside them a kernel packed with xz. */
  guests: () =>
    makeDisk(
      8,
      TABLE,
      makeVolume(
        SHAPE,
        bootPartition('svc', {
          'bcm2709-rpi-2-b.dtb': HOST_TREE,
          'kernel7.img': printingPayload(HOST),
          'kernel-packed.img': zImage({ packed: xz('Linux version 6.6.0-v7+ (a)\n\0') }),
          'hypberry-guests.json': JSON.stringify({
            version: 1,
            guests: [{ name: 'web', kernel: GUEST_KERNEL, memory: 16, cores: 1, commandLine: '' }],
          }),
          [GUEST_KERNEL]: smallGuest((a) => {
            print(a, WEB);
            const end = a.label('end');
            a.at(end);
            a.wfi();
            a.b(end);
          }),
        }),
      ),
    ),
};

/** Packs as Linux' scripts/xz_wrap.sh does for Arm. */
function xz(data: string): Uint8Array {
  return execFileSync('xz', ['--check=crc32', '--arm', '--lzma2=dict=1MiB', '--stdout'], { input: data });
}

/** Process ids of the browsers that this process has started. */
function chromiums(): string[] {
  return readdirSync('/proc').filter((id) => {
    try {
      return /^\d+$/.test(id) && readFileSync(`/proc/${id}/cmdline`, 'utf8').includes(PROFILE);
    } catch {
      // It has ended meanwhile.
      return false;
    }
  });
}

test('all but cli and node runs in a browser: a card is inspected, tried, installed and uninstalled', async ({
  signal,
}) => {
  const images = Object.fromEntries(
    Object.entries(CARDS).map(([name, make]) => [name, new Uint8Array(readFileSync(make()))]),
  );
  const served = {
    '/cards': JSON.stringify(Object.keys(images)),
    ...Object.fromEntries(Object.entries(images).map(([name, image]) => [`/cards/${name}`, image])),
  };
  const text = await openPage(await page, served, signal);
  const { error, walks, modules: loaded } = JSON.parse(text) as Posted;
  expect(error).toBeUndefined();
  expect(loaded.map((path) => path.slice(1)).sort()).toEqual(modules.sort());

  const { alone, guests } = walks;
  // The program leaves the other cores where they wait, which is no fault.
  expect(alone).toMatchObject({ verdict: 'HYP', handover: [] });
  expect(alone!.changes).toEqual([
    expect.stringMatching(/^create hypberry-[0-9a-f]{8}\.img$/),
    'replace config.txt',
  ]);
  expect(alone!.consoles['host']).toContain('started in HYP mode');
  expect(guests).toMatchObject({ verdict: 'UP' });
  expect(guests!.consoles).toMatchObject({ host: HOST, web: WEB });
  expect(JSON.stringify(guests!.kernels)).toContain('Linux version 6.6.0-v7+');
  for (const [name, image] of Object.entries(images)) {
    const here = await walk(image);
    expect(walks[name], `${name} as in Node`).toEqual(here);
  }
});

test('a module that uses what only Node has is told by name', async ({ signal }) => {
  const { entry, files } = await page;
  const text = `process.uptime();\n${String(files.get(entry))}`;
  const { error } = JSON.parse(
    await openPage({ entry, files: new Map([...files, [entry, text]]) }, { '/cards': '[]' }, signal),
  ) as Posted;
  expect(error).toMatch(/process is not defined/);
  const imports = { '/test/browser/page.ts': "import 'node:fs';" };
  await expect(bundle('test/browser/page.ts', imports)).rejects.toThrow(/page\.ts imports node:fs/);
});

test('a page that posts nothing ends with the time of its test, and Chromium with it', async () => {
  const silent = { entry: 'silent.js', files: new Map([['silent.js', 'for (;;) {}']]) };
  const before = chromiums();
  await expect(openPage(silent, {}, AbortSignal.timeout(1000))).rejects.toThrow(/when its time was over/);
  expect(chromiums()).toEqual(before);
});
