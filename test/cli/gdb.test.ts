/** `--gdb` as it is typed: a trial of a card with a guest, and a run that the debugger ends. */
import { spawn } from 'node:child_process';
import { createServer, type AddressInfo } from 'node:net';
import { writeFileSync } from 'node:fs';
import { expect, test, vi } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { makeVolume, temporary } from '../card/images.js';
import { load } from '../hypervisor/payloads.js';
import { r0 } from '../../src/isa/registers.js';
import { bootPartition } from '../support/boot-files.js';
import { cardPayload } from '../support/card-payload.js';
import { guestsFolder, says } from '../support/guests-folder.js';
import { printingPayload } from '../support/payloads.js';
import { hypberry } from './run.js';

useTools();
vi.setConfig({ testTimeout: 50_000 });

const WEB = 'smp: Brought up 1 node, 1 CPU\nRun /sbin/web as init process\n';
const HOST = 'smp: Brought up 1 node, 3 CPUs\nRun /init as init process\n';

/** PSCI's SYSTEM_RESET (DEN 0022, 5.1). */
const SYSTEM_RESET = 0x8400_0009;

/** A boot folder with a host and a guest that say what Linux would; then the guest sleeps, or starts anew, without end. */
const bootFolder = (then: 'sleeps' | 'restarts' = 'sleeps'): string =>
  guestsFolder(printingPayload(HOST), {
    web: says(WEB, (a) => {
      if (then === 'sleeps') return;
      load(a, r0, SYSTEM_RESET);
      a.hvc(0);
    }),
  });

/** A port that nobody has. */
async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  await new Promise((resolve) => server.close(resolve));
  return port;
}

/** Has gdb-multiarch wait until it can connect, and work. @returns what it said */
async function gdb(port: number, orders: readonly string[]): Promise<string> {
  const all = ['set tcp connect-timeout 60', `target extended-remote localhost:${port}`, ...orders];
  const child = spawn('gdb-multiarch', ['-nx', '-batch', ...all.flatMap((order) => ['-ex', order])]);
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (said += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (said += text));
  await new Promise((resolve) => child.once('close', resolve));
  return said;
}

const card = bootFolder();

test('try: a debugger stops in a guest, and when it is gone the trial comes to its verdict', async () => {
  const port = await freePort();
  const [said, { stdout, stderr, status }] = await Promise.all([
    gdb(port, [
      ...['set schedule-multiple on', 'add-inferior', 'inferior 2', 'attach 3'],
      ...['hbreak *0x40008000', 'continue', 'printf "mode %x\\n", $cpsr & 0x1f'],
    ]),
    hypberry(['try', '--force', '--gdb', String(port), card]),
  ]);
  expect(said).toMatch(/Thread 2\.1 "web, CPU 0" hit Breakpoint 1, 0x40008000/);
  expect(said).toContain('mode 13\n');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`It waits for a debugger: gdb-multiarch -ex 'target remote localhost:${port}'`);
  expect(stdout).toMatch(/^UP/m);
});

test('run: the machine stands still until a debugger has it go on, or is gone', async () => {
  const port = await freePort();
  const [said, { stdout, status }] = await Promise.all([
    gdb(port, ['info threads', 'monitor physical', 'x/1xw 0']),
    hypberry([
      'run',
      '--after-install',
      '--force',
      '--fast',
      '--gdb',
      String(port),
      '--until',
      'as init process',
      card,
    ]),
  ]);
  expect(said).toMatch(/Thread 1\.4 "core 3" \(in Secure state\) +0x00000000/);
  expect(stdout).toMatch(/REACHED: /);
  expect(status).toBe(0);
});

test('run: points stay where the system resets the board, and the machine goes on to them', async () => {
  const files = bootPartition('svc', { 'kernel7.img': cardPayload(), 'config.txt': 'kernel_old=1\n' });
  const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, files);
  const script = temporary('script');
  writeFileSync(script, 'expect >\nsend wx\\c\nexpect >\nsend q\\c\n');
  const port = await freePort();
  const [said, { stdout, stderr, status }] = await Promise.all([
    gdb(port, [
      // Core 0 alone comes there, and in R5 there is nothing yet.
      ...['hbreak *0xc', 'continue', 'set $r5 = 7', 'continue'],
      ...['printf "again pc %x r5 %x\\n", $pc, $r5', 'info threads', 'delete', 'continue'],
    ]),
    hypberry(['run', '--fast', '--reboot', '--gdb', String(port), '--script', script, image]),
  ]);
  expect(said.match(/Thread 1 "core 0" hit Breakpoint 1, 0x0000000c/g)).toHaveLength(2);
  expect(said).toMatch(/^again pc c r5 (?!7$)/m);
  expect(said).toMatch(/"core 3" \(in Secure state\) +0x000000/);
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toMatch(/1 reset[^]*DONE: /);
});

test('run: a debugger has what a snapshot goes on with, and a guest that starts anew is the same inferior', async () => {
  const its = bootFolder('restarts');
  const snapshot = temporary('snapshot');
  const run = ['run', '--fast', its];
  const made = await hypberry([
    ...run,
    ...['--after-install', '--force', '--save', snapshot, '--until', 'as init process'],
  ]);
  expect([made.status, made.stderr]).toEqual([0, '']);
  const script = temporary('script');
  writeFileSync(script, 'timeout 0.01\nexpect never\n');
  const port = await freePort();
  const [said, { stdout, status }] = await Promise.all([
    gdb(port, [
      ...['set schedule-multiple on', 'add-inferior', 'inferior 2', 'attach 3', 'hbreak *0x40008000'],
      ...['continue', 'continue', 'printf "mode %x\\n", $cpsr & 0x1f', 'info threads'],
      ...['delete', 'disconnect'],
    ]),
    hypberry([...run, ...['--gdb', String(port), '--from', snapshot], ...['--script', script]]),
  ]);
  expect(said.match(/Thread 2\.1 "web, CPU 0" hit Breakpoint 1, 0x40008000/g)).toHaveLength(2);
  expect(said).toContain('mode 13\n');
  expect(said).toMatch(/ 1\.4 +Thread 1\.4 "core 3" \(runs web, CPU 0\)/);
  expect(stdout).toContain('NOT DONE: line 2');
  expect(status).toBe(1);
});

test('try: QEMU shows nothing to a debugger', async () => {
  const { stderr, status } = await hypberry(['try', '--engine', 'qemu', '--gdb', '2345', card]);
  expect(status).toBe(2);
  expect(stderr).toMatch(/engine\.no-look-inside/);
});
