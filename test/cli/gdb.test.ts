/** `--gdb` as it is typed: a trial of a card with a guest, and a run that the debugger ends. */
import { spawn } from 'node:child_process';
import { randomInt } from 'node:crypto';
import { createServer } from 'node:net';
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
import { hypberry, type Outcome } from './run.js';

useTools();
vi.setConfig({ testTimeout: 100_000 });

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

/** A port that nobody has, of those that the system gives to none who asks for any. */
async function freePort(): Promise<number> {
  for (;;) {
    const port = randomInt(10_000, 32_768);
    const server = createServer();
    const free = await new Promise<boolean>((resolve) => {
      server.once('error', () => {
        resolve(false);
      });
      server.listen(port, '127.0.0.1', () => {
        resolve(true);
      });
    });
    if (!free) continue;
    await new Promise((resolve) => server.close(resolve));
    return port;
  }
}

/** Milliseconds in which a command whose debugger is gone has ended, or it is ended. */
const GRACE = 30_000;

/**
 * Runs a command with --gdb, and has gdb-multiarch work as soon as it waits for a debugger.
 * @returns what that said, and what came of the command
 */
async function debugged(
  [command, ...args]: readonly string[],
  orders: readonly string[],
): Promise<Outcome & { readonly said: string; readonly port: number }> {
  const port = await freePort();
  const connect = ['set remotetimeout 20', `target extended-remote localhost:${port}`];
  let said = '';
  const outcome = await hypberry([command!, '--gdb', String(port), ...args], {}, (child) => {
    const waits = (text: string): void => {
      if (!text.includes('waits for a debugger')) return;
      child.stdout!.off('data', waits);
      const all = [...connect, ...orders].flatMap((order) => ['-ex', order]);
      const gdb = spawn('gdb-multiarch', ['-nx', '-batch', ...all], { stdio: ['ignore', 'pipe', 'pipe'] });
      for (const stream of [gdb.stdout, gdb.stderr]) {
        stream.setEncoding('utf8').on('data', (piece: string) => (said += piece));
      }
      gdb.once('close', () => {
        const late = setTimeout(() => child.kill(), GRACE);
        child.once('close', () => {
          clearTimeout(late);
        });
      });
    };
    child.stdout!.on('data', waits);
  });
  return { ...outcome, said, port };
}

const card = bootFolder();

test('try: a debugger stops in a guest, and when it is gone the trial comes to its verdict', async () => {
  const { said, port, stdout, stderr, status } = await debugged(
    ['try', '--force', card],
    [
      ...['set schedule-multiple on', 'add-inferior', 'inferior 2', 'attach 3'],
      ...['hbreak *0x40008000', 'continue', 'printf "mode %x\\n", $cpsr & 0x1f'],
    ],
  );
  expect(said).toMatch(/Thread 2\.1 "web, CPU 0" hit Breakpoint 1, 0x40008000/);
  expect(said).toContain('mode 13\n');
  expect([status, stderr]).toEqual([0, '']);
  expect(stdout).toContain(`It waits for a debugger: gdb-multiarch -ex 'target remote localhost:${port}'`);
  expect(stdout).toMatch(/^UP/m);
});

test('run: the machine stands still until a debugger has it go on, or is gone', async () => {
  const { said, stdout, status } = await debugged(
    ['run', '--after-install', '--force', '--fast', '--until', 'as init process', card],
    ['info threads', 'monitor physical', 'x/1xw 0'],
  );
  expect(said).toMatch(/Thread 1\.4 "core 3" \(in Secure state\) +0x00000000/);
  expect(stdout).toMatch(/REACHED: /);
  expect(status).toBe(0);
});

test('run: points stay where the system resets the board, and the machine goes on to them', async () => {
  const files = bootPartition('svc', { 'kernel7.img': cardPayload(), 'config.txt': 'kernel_old=1\n' });
  const image = makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, files);
  const script = temporary('script');
  writeFileSync(script, 'expect >\nsend wx\\c\nexpect >\nsend q\\c\n');
  const { said, stdout, stderr, status } = await debugged(
    ['run', '--fast', '--reboot', '--script', script, image],
    [
      // Core 0 alone comes there, and in R5 there is nothing yet.
      ...['hbreak *0xc', 'continue', 'set $r5 = 7', 'continue'],
      ...['printf "again pc %x r5 %x\\n", $pc, $r5', 'info threads', 'delete', 'continue'],
    ],
  );
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
  const { said, stdout, status } = await debugged(
    [...run, '--from', snapshot, '--script', script],
    [
      ...['set schedule-multiple on', 'add-inferior', 'inferior 2', 'attach 3', 'hbreak *0x40008000'],
      ...['continue', 'continue', 'printf "mode %x\\n", $cpsr & 0x1f', 'info threads'],
      ...['delete', 'disconnect'],
    ],
  );
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
