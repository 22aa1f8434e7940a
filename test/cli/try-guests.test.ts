import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { beforeAll, describe, expect, test, vi } from 'vitest';
import { r0 } from '../../src/isa/registers.js';
import { VBAR } from '../../src/isa/system-registers.js';
import { load } from '../hypervisor/payloads.js';
import { guestsFolder, says } from '../support/guests-folder.js';
import { printingPayload } from '../support/payloads.js';
import { hypberry, MAIN } from './run.js';

// Each test boots a card in small: a host and guests that say what Linux would.
vi.setConfig({ testTimeout: 60_000 });

const WEB = ['smp: Brought up 1 node, 1 CPU', 'Run /sbin/web as init process'];
const HOST = ['smp: Brought up 1 node, 3 CPUs', 'Run /init as init process'];
const PSCI_SYSTEM_OFF = 0x8400_0008;
const PANIC = 'Kernel panic - not syncing: no more';
const lines = (all: readonly string[]): string => all.map((it) => `${it}\n`).join('');

const bootFolder = (kernels: Record<string, Uint8Array>): string =>
  guestsFolder(printingPayload(lines(HOST)), kernels);

/** What is shown of consoles, without the time. */
const consoleLines = (stdout: string): string[] =>
  stdout.split('\n').flatMap((line) => /^ *\d+\.\d s {2}(.*)$/.exec(line)?.[1] ?? []);

describe('try with guests', () => {
  const boot = bootFolder({ web: says(lines(WEB)) });
  const before = fs.readdirSync(boot).sort();
  let after: string[];
  // The kernel is a program of ours: only --force takes it.
  test('as it would be after install: lines with names, a verdict for each, exit status 0', async () => {
    const { status, stdout, stderr } = await hypberry(['try', '--force', boot]);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toMatch(/^After install: .*hypervisor, kernel7\.img on 3 cores .* 1 guest/);
    // A program that is not known gets nothing.
    expect(stdout).not.toContain('added to');
    const shown = consoleLines(stdout);
    expect(shown.filter((it) => it.startsWith('host'))).toEqual(HOST.map((it) => `host      ${it}`));
    expect(shown.filter((it) => it.startsWith('web'))).toEqual(WEB.map((it) => `web       ${it}`));
    expect(shown.filter((it) => it.startsWith('hypberry'))).toEqual([
      'hypberry  hypberry: 4 cores in HYP mode, host on cores 0 to 2',
      'hypberry  hypberry: web: started',
    ]);
    expect(shown).toHaveLength(6);
    expect(stdout).toMatch(
      /\nhost {2}UP \(3 cores, after \d+\.\d s\)\nweb {3}UP \(1 core, after \d+\.\d s\)\nUP: The host and its guests are up \(after \d+\.\d s\)\.\nHandover: /,
    );
    expect(fs.readdirSync(boot).sort(), 'the card is as it was').toEqual(before);
  });

  describe('as it is after install', () => {
    beforeAll(async () => {
      expect(await hypberry(['install', '--force', boot])).toMatchObject({ status: 0, stderr: '' });
      after = fs.readdirSync(boot).sort();
    });
    const tried = (...args: readonly string[]) => hypberry(['try', '--as-is', ...args, boot]);

    test.each(['built-in', 'qemu'])('one JSON object, by engine %s', async (engine) => {
      const { status, stdout, stderr } = await tried('--json', '--engine', engine);
      expect([status, stderr]).toEqual([0, '']);
      const verdict = JSON.parse(stdout) as Record<string, unknown>;
      expect(verdict).toMatchObject({
        verdict: 'UP',
        engine,
        hypervisor: 'hypberry: 4 cores in HYP mode, host on cores 0 to 2\r\nhypberry: web: started\r\n',
        picked: { kernel: { file: expect.stringMatching(/^hypberry-.*\.img$/) as string } },
      });
      const seconds = expect.any(Number) as number;
      expect(verdict['systems']).toEqual([
        {
          name: 'host',
          state: 'UP',
          cores: 3,
          seconds,
          console: expect.stringContaining(lines(HOST).trim()) as string,
        },
        { name: 'web', state: 'UP', cores: 1, seconds, console: lines(WEB) },
      ]);
      expect(verdict).not.toHaveProperty('reached');
      expect('machine' in verdict).toBe(engine === 'built-in');
    });

    test('--console: that one alone, without its name', async () => {
      const { status, stdout } = await tried('--console', 'web');
      expect(status).toBe(0);
      expect(consoleLines(stdout)).toEqual(WEB);
      expect(stdout).toMatch(/\nhost {2}UP .*\nweb {3}UP /);
    });

    test('--console of none: refused, with the names that there are', async () => {
      const { status, stdout, stderr } = await tried('--console', 'nope');
      expect([status, stdout]).toEqual([2, '']);
      expect(stderr).toMatch(/^error: .*nope.*\(engine\.no-console\)\nhint: {2}.*host, hypberry, web\.\n$/);
    });

    test('--until a text, on that console only', async () => {
      const there = await tried('--until', 'Run /sbin/w', '--console', 'web');
      expect([there.status, there.stderr]).toEqual([0, '']);
      // All are up long before that; it is not said there. How many seconds that takes depends on what else the computer does.
      let verdict: unknown;
      for (let seconds = 2; seconds <= 16 && verdict !== 'UP'; seconds *= 2) {
        const limit = ['--timeout', String(seconds), '--json'];
        const elsewhere = await tried('--until', 'Run /sbin/w', '--console', 'host', ...limit);
        expect(elsewhere.status).toBe(2);
        const said = JSON.parse(elsewhere.stdout) as Record<string, unknown>;
        expect(said).toMatchObject({ reached: false });
        verdict = said['verdict'];
      }
      expect(verdict).toBe('UP');
    });

    test('panes on a terminal; without QEMU it ends with the error', () => {
      const command = `stty rows 24 cols 60; PATH=/nowhere exec '${process.execPath}' '${MAIN}' try --as-is`;
      const onTerminal = (...args: readonly string[]) =>
        spawnSync('script', ['-qec', [command, ...args, `'${boot}'`].join(' '), '/dev/null'], {
          encoding: 'utf8',
          timeout: 30_000,
          input: '',
        });
      const shown = onTerminal();
      expect(shown.status).toBe(0);
      // The last draw, which ends with erasing what is below it.
      const screen = shown.stdout
        .split('\u001b[J')
        .at(-2)!
        .replace(/\u001b\[\d*[AKm]|\r/g, '');
      expect(
        screen
          .split('\n')
          .filter((it) => it !== '')
          .slice(0, 9),
      ).toEqual([
        expect.stringMatching(/^── host ─{51}$/),
        ...HOST,
        expect.stringMatching(/^── hypberry ─{47}$/),
        'hypberry: 4 cores in HYP mode, host on cores 0 to 2',
        'hypberry: web: started',
        expect.stringMatching(/^── web ─{52}$/),
        ...WEB,
      ]);
      const failed = onTerminal('--engine', 'qemu');
      expect([failed.error, failed.status]).toEqual([undefined, 2]);
      expect(failed.stdout).toContain('(engine.missing)');
    });

    test('never writes', () => {
      expect(fs.readdirSync(boot).sort()).toEqual(after);
    });
  });

  test('one panics, one crashes: exit status 1, with the reasons; the host and the others are up', async () => {
    const crash = says('going\n', (a) => {
      // Its vectors where nothing is, then what is UNDEFINED.
      load(a, r0, 0x2000_0000);
      a.mcr(VBAR, r0);
      a.smc(0);
    });
    // Up, and away at once: the hypervisor's word of that is not the first.
    const off = says(lines(WEB), (a) => {
      load(a, r0, PSCI_SYSTEM_OFF);
      a.hvc(0);
    });
    const bad = bootFolder({ off, panic: says(`${WEB[0]!}\n${PANIC}\n`), crash, web: says(lines(WEB)) });
    const { status, stdout, stderr } = await hypberry(['try', '--force', '--json', bad]);
    expect([status, stderr]).toEqual([1, '']);
    const verdict = JSON.parse(stdout) as { verdict: string; systems: Record<string, unknown>[] };
    expect(verdict.verdict).toBe('FAILED');
    expect(verdict.systems).toMatchObject([
      { name: 'host', state: 'UP' },
      { name: 'off', state: 'UP', console: lines(WEB) },
      { name: 'panic', state: 'FAILED', cores: 1, reason: `${PANIC}.` },
      {
        name: 'crash',
        state: 'FAILED',
        reason: expect.stringMatching(
          /^The guest crashed: no exception vectors, pc 0x\S+, .*; restarts\.$/,
        ) as string,
        console: expect.stringMatching(/^going\n/) as string,
      },
      { name: 'web', state: 'UP', cores: 1 },
    ]);
  });
});
