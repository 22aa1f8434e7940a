/** Who asks the service by /run/hypberryd.sock: users of a group, others, and who asks as none should. */
import { spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import * as C from '../../src/channel/layout.js';
import { randomFrom } from '../board/rig.js';
import { channelImage } from './channel-image.js';
import { createDiskClient, type DiskClient } from './disk-client.js';
import { type HostSystem, mayOpenHost, NO_NAMESPACES, openHost, type User } from './host-system.js';
import { compileSample } from './programs.js';

vi.setConfig({ testTimeout: 120_000, hookTimeout: 300_000 });
const SOON = { timeout: 30_000, interval: 10 };
const [SECTORS, DISK] = [64, 0];
const GROUP = 4711;
const MEMBER: User = { id: 4001, groups: [4002, GROUP] };
const OTHER: User = { id: 4003, groups: [] };
const LOOKS = [['list'], ['list', '--json'], ['info', 'web'], ['log', 'web'], ['status']];

const REQUESTS = 200;
let host: HostSystem;
let client: DiskClient;
let service: ReturnType<HostSystem['serve']>;
const mayOpen = mayOpenHost();
const image = channelImage(
  [{ kind: C.KIND_DISK, path: '/srv/web.img', size: BigInt(SECTORS * C.SECTOR_SIZE) }],
  { guests: [{ name: 'web' }, { name: 'db' }] },
);

beforeAll(async () => {
  if (!mayOpen) return;
  await ensureTools(['qemu-user']);
  host = await openHost(
    image,
    { 1: { does: C.DOES_RUN, log: new Uint8Array(70_000).fill(0x2e) }, 2: { does: C.DOES_OFF } },
    { '/etc/group': `root:x:0:\nviewers:x:${GROUP}:somebody\n` },
  );
  const sample = await compileSample('test/translate/samples/caller.ts');
  writeFileSync(join(host.root, 'srv/caller'), sample.file, { mode: 0o755 });
  client = createDiskClient({
    ...{ memory: host.laid.memory, port: DISK, data: image.data[DISK]!, random: randomFrom(1) },
    disk: new Uint8Array(SECTORS * C.SECTOR_SIZE),
  });
  service = host.serve('--group', 'viewers');
  await vi.waitFor(() => {
    expect(host.laid.memory.word(C.CONTROL + C.HOST_CONTROL + C.OFFERED)).toBe(1);
  }, SOON);
});
afterAll(() => {
  if (mayOpen) host.close();
});

test('users of the group see what root sees', async (context) => {
  if (!mayOpen) context.skip(NO_NAMESPACES);
  for (const look of LOOKS) {
    const [theirs, roots] = [await host.run(look, MEMBER), await host.run(look)];
    expect([look, theirs]).toEqual([look, roots]);
    expect([roots.status, roots.err]).toEqual([0, '']);
    expect(roots.out.length).toBeGreaterThan(40);
  }
  const unknown = await host.run(['info', 'nobody'], MEMBER);
  expect(unknown).toMatchObject({ status: 2, out: '', err: (await host.run(['info', 'nobody'])).err });
});

test('others are told that they may not, and whom to ask', async (context) => {
  if (!mayOpen) context.skip(NO_NAMESPACES);
  for (const look of [['list'], ['status']])
    expect(await host.run(look, OTHER)).toEqual({
      ...{ status: 2, out: '' },
      err: 'error: hypberryd could not be asked: permission denied. (ask.failed)\nhint:  Put sudo before it, or have root allow your group: "hypberryd install --group GROUP".\n',
    });
});

test('neither may change anything, whatever is said to the service', async (context) => {
  if (!mayOpen) context.skip(NO_NAMESPACES);
  for (const user of [MEMBER, OTHER])
    for (const command of ['start', 'stop', 'kill', 'restart', 'console'])
      expect(await host.run([command, 'db'], user)).toMatchObject({
        ...{ status: 2, out: '', err: expect.stringContaining('Only root may do that.') as string },
      });
  for (const [question, answered] of [
    ['start,db,', 'ask.question'],
    ['run,', 'ask.question'],
    ['console,web,', 'ask.question'],
    ['list,--names,', 'web\ndb\n'],
  ] as const) {
    const { out } = await host.call(['qemu-arm', '/srv/caller', '0', `${question.length}`, question], MEMBER);
    expect([question, out]).toEqual([question, expect.stringContaining(answered)]);
  }
  expect(host.played.orders).toEqual([]);
});

test('what cannot be a question is refused in words', async (context) => {
  if (!mayOpen) context.skip(NO_NAMESPACES);
  for (const args of [
    ['info', 'x'.repeat(300)],
    ['list', ...Array<string>(20).fill('--json')],
  ]) {
    const { status, out, err } = await host.run(args, MEMBER);
    expect([status, out]).toEqual([2, '']);
    expect(err).toContain('(ask.question)');
  }
});

/** Has somebody of the group call in a way, while something is done. */
async function whileCalled(args: readonly string[], work: () => Promise<void>): Promise<number> {
  const words = [...host.inside(MEMBER), 'qemu-arm', '/srv/caller', ...args];
  const caller = spawn(words[0]!, words.slice(1), { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  caller.stdout.on('data', (part) => (said += String(part)));
  const isOver = new Promise((resolve) => caller.once('close', resolve));
  await vi.waitFor(() => {
    expect(said).toContain('first');
  }, SOON);
  await work();
  caller.stdin.end();
  await isOver;
  return Number(said.split('\n')[1]);
}

describe.each<[string, string[]]>([
  ['a hundred who ask nothing', ['100', '0', 'x']],
  ['a hundred who ask half a question', ['100', '4', 'list']],
  ['some who ask far too much', ['8', '60000', 'x']],
  ['a hundred who take no answer', ['100', '8', 'log,web,']],
])('%s', (_, args) => {
  test('delay no disk, nor what root asks; others are answered behind them', async (context) => {
    if (!mayOpen) context.skip(NO_NAMESPACES);
    const { memory, doorbell } = host.laid;
    const before = client.answered;
    const made = await whileCalled(args, async () => {
      const began = Date.now();
      while (client.answered < before + REQUESTS) {
        if (doorbell.word(4 * DISK) !== 0) {
          doorbell.setWord(4 * DISK, 0);
          client.takeAnswers();
        }
        if (client.answered + client.underWay < before + REQUESTS && client.ask()) host.ring(DISK);
        await sleep(1);
        expect(Date.now() - began).toBeLessThan(20_000);
      }
      expect((await host.run(['list', '--names'])).out).toBe('web\ndb\n');
    });
    expect(made).toBeGreaterThan(7);
    expect(memory.word(C.CONTROL + C.HOST_CONTROL + C.OFFERED)).toBe(1);
    expect((await host.run(['list', '--names'], MEMBER)).out).toBe('web\ndb\n');
  });
});

test('the service ends in order beside a hundred who ask nothing', async (context) => {
  if (!mayOpen) context.skip(NO_NAMESPACES);
  await whileCalled(['100', '0', 'x'], async () => {
    const ended = new Promise((resolve) => service.process.once('exit', resolve));
    const told = Date.now();
    service.process.kill('SIGTERM');
    expect(await ended).toBe(0);
    // Those that it answers have two seconds to ask.
    expect(Date.now() - told).toBeLessThan(20_000);
  });
  expect(readFileSync(join(host.root, 'srv/web.img'))).toEqual(Buffer.from(client.disk));
  const { err } = await host.run(['list'], MEMBER);
  expect(err).toContain('hypberryd could not be asked: it is not there. (ask.failed)');
});
