import fs from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test, vi } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { temporary } from '../card/images.js';
import { print, smallGuest } from '../hypervisor/payloads.js';
import { bootPartition, HOST_TREE } from '../support/boot-files.js';
import { crashingKernel, printingPayload } from '../support/payloads.js';
import { hypberry } from './run.js';

useTools();

// Each test boots machines.
vi.setConfig({ testTimeout: 120_000 });

const KERNEL_AT = 0x8000;
const SAYS = 'SMP: Total of 4 processors activated\nCPU: All CPU(s) started in SVC mode.\n';

function boot(kernel: Uint8Array, more: Record<string, string | Uint8Array> = {}): string {
  const folder = temporary('boot');
  fs.mkdirSync(folder);
  const files = bootPartition('svc', { 'kernel7.img': kernel, 'cmdline.txt': 'quiet\n', ...more });
  for (const [name, data] of Object.entries(files)) fs.writeFileSync(join(folder, name), data);
  return folder;
}

interface Tried {
  verdict: string;
  added: string;
  retried: { added: string; crash: string }[];
  console: string;
  crash?: string;
  reason?: string;
  picked: { commandLine: string };
}

async function tried(folder: string, engine: string): Promise<Tried> {
  const { stdout, stderr } = await hypberry(['try', '--as-is', '--json', '--engine', engine, folder]);
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Tried;
}

const EARLY = 'loglevel=7 earlycon=pl011,0x3f201000 console=ttyAMA0,115200';
const CONSOLE = 'loglevel=7 console=ttyAMA0,115200';

describe.each(['built-in', 'qemu'])('a crash after something was added, by engine %s', (engine) => {
  const crash = expect.stringMatching(/^core 0 .*again and again$/) as string;

  test('is tried again without that, before it becomes a verdict', async () => {
    const found = await tried(boot(crashingKernel(KERNEL_AT, 'earl', SAYS)), engine);
    expect(found).toMatchObject({
      verdict: 'SVC',
      added: CONSOLE,
      retried: [{ added: EARLY, crash }],
      picked: { commandLine: expect.stringMatching(/ quiet loglevel=7 console=ttyAMA0,115200$/) as string },
    });
    expect(found).not.toHaveProperty('crash');
  });

  // QEMU is looked at once a second.
  if (engine === 'qemu') return;

  test('is tried with nothing added at the last', async () => {
    const { verdict, added, retried, picked } = await tried(
      boot(crashingKernel(KERNEL_AT, 'logl', SAYS)),
      engine,
    );
    expect([verdict, added, retried.map((it) => it.added)]).toEqual(['SVC', '', [EARLY, CONSOLE]]);
    expect(picked.commandLine).toMatch(/ quiet$/);
  });

  test('is a verdict, and the card’s own, where it comes all the same', async () => {
    const found = await tried(boot(crashingKernel(KERNEL_AT, 'quie', SAYS)), engine);
    expect(found).toMatchObject({ verdict: 'NONE', added: '', retried: [{ added: EARLY }, {}], crash });
    expect(found.reason).toMatch(/^The card's system crashed before a kernel said its mode: core 0 /);
  });
});

test('people are told in a line what was left out and why, and only what was added is said to be', async () => {
  const folder = boot(crashingKernel(KERNEL_AT, 'earl', SAYS));
  const { status, stdout } = await hypberry(['try', '--as-is', folder]);
  expect(status).toBe(1);
  expect(stdout).toContain(`\n  added to the kernel's command line, to see it start: ${EARLY}\n`);
  const line =
    /It crashed \(core 0 took an Undefined Instruction .*\), for which what was added may be to blame; once more without earlycon=pl011,0x3f201000\./g;
  expect(stdout.match(line)).toHaveLength(1);
  expect(stdout).toMatch(/\nSVC: the cores started in SVC mode/);

  const bare = await hypberry(['try', '--as-is', boot(printingPayload(SAYS))]);
  expect(bare.stdout).toMatch(/\nSVC: /);
  expect(bare.stdout).not.toContain('added');
});

const webKernel = smallGuest((a) => {
  print(a, 'smp: Brought up 1 node, 1 CPU\nRun /init as init process\n');
  const end = a.label('end');
  a.at(end);
  a.wfi();
  a.b(end);
});

test('a host with guests, too', async () => {
  const guests = [
    { name: 'web', kernel: 'hypberry-guest-web.kernel', memory: 16, cores: 1, commandLine: '' },
  ];
  const folder = boot(
    crashingKernel(KERNEL_AT, 'earl', 'smp: Brought up 1 node, 3 CPUs\nRun /init as init process\n'),
    {
      'bcm2709-rpi-2-b.dtb': HOST_TREE,
      'hypberry-guests.json': JSON.stringify({ version: 1, guests }),
      'hypberry-guest-web.kernel': webKernel,
    },
  );
  const { stdout, stderr } = await hypberry(['try', '--json', folder]);
  expect(stderr).toBe('');
  expect(JSON.parse(stdout)).toMatchObject({
    verdict: 'UP',
    added: CONSOLE,
    retried: [{ added: EARLY }],
    systems: [{ name: 'host', state: 'UP' }, { name: 'web' }],
  });
});
