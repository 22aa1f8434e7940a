/** A Debian system on a card's second partition: booted, worked on, switched off. */
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { besideCards, debianCard, LOGIN } from '../../scripts/lib/debian-root.js';
import type { Ran } from '../../src/usecases/run.js';
import { hypberry, type Outcome } from '../cli/run.js';

/** Where all has to be made first, on a busy machine. */
const SECONDS = 1800;

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'hypberry-debian-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part as Uint8Array);
  return hash.digest('hex');
}

const AT_LOGIN = 'card login:';
/** Commands that say nothing of themselves, so that what they say is told from what is typed. */
const LOGIN_LINES = [
  'timeout 600',
  `expect ${AT_LOGIN}`,
  `send ${LOGIN.user}`,
  'expect assword',
  `send ${LOGIN.password}`,
  'expect #',
  `send stty -echo; PS1='rea''dy '; TERM=dumb`,
  'expect ready',
];
const command = (typed: string, ...expected: readonly string[]): string[] => [
  `send ${typed}`,
  ...[...expected, 'ready'].map((it) => `expect ${it}`),
];
const POWEROFF = ['timeout 120', 'send poweroff'];

async function withScript(script: string, card: string, ...args: string[]): Promise<Outcome> {
  const file = join(folder, 'script.txt');
  await writeFile(file, script);
  return hypberry(['run', '--json', '--fast', '--script', file, ...args, card]);
}

/** Expects that a script came to its end and the system powered off; else what it said at last is shown. */
function expectOff({ stdout, stderr }: Outcome): void {
  const { ended, script, consoles } = JSON.parse(stdout) as Ran & { consoles: { host: string } };
  const isOff = ended === 'power-off' && script?.done === true;
  expect([stderr, ended, script, isOff ? '' : consoles.host.slice(-2000)]).toEqual([
    ...['', 'power-off', { done: true }, ''],
  ]);
}

it(
  'from a snapshot at its login prompt, Debian lets somebody log in, works and powers off; the card stays as it is',
  async () => {
    const card = await debianCard('bookworm', 'sdhost');
    const before = await hashOf(card);
    const snapshot = besideCards('login.snapshot');
    const make = async (): Promise<void> => {
      const { status, stderr } = await hypberry([
        ...['run', '-q', '--fast', '--until', AT_LOGIN, '--save', snapshot, '--overwrite', card],
      ]);
      expect([status, stderr]).toEqual([0, '']);
    };
    // Another run of these tests may be making it too: a snapshot is there whole or not at all.
    if (!existsSync(snapshot)) await make();
    const script = [
      'timeout 600',
      ...LOGIN_LINES.filter((it) => !it.includes(AT_LOGIN)),
      ...command('cat /etc/debian_version', '12.'),
      ...command(
        'echo written >/root/written.txt; sync; echo 3 >/proc/sys/vm/drop_caches; cat /root/written.txt',
        'written',
      ),
      ...POWEROFF,
    ].join('\n');
    let ran = await withScript(script, card, '--from', snapshot);
    // One that an older hypberry has made.
    if (ran.stdout.includes('"snapshot.')) {
      await make();
      ran = await withScript(script, card, '--from', snapshot);
    }
    expectOff(ran);
    expect(await hashOf(card)).toBe(before);
  },
  SECONDS * 1000,
);
