/**
 * A Debian host, and a guest with Debian's own kernel on its own ext4 disk of 2 GiB: a web server with a database in it. While
 * its pages are fetched, hypberryd is killed, the guest is, and the Pi's power is cut: nothing that it acknowledged is lost. The
 * rounds are run in turns by the built-in engine and by QEMU.
 */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { command, LOGIN_LINES } from '../../scripts/lib/debian-session.js';
import { takeRoot } from '../../scripts/lib/debian-root.js';
import { ensureTools } from '../../scripts/lib/tools.js';
import { DISK, HAVE_GET, makeWebCard, SHOW_GUEST, UP } from '../../scripts/lib/web-card.js';
import type { Ran } from '../../src/usecases/run.js';
import { hypberry } from '../cli/run.js';
import { replay, takeFile } from './file-systems.js';
import { inQemu } from './qemu-card.js';
import { everything } from './real-card.js';

/** Rounds that end with the Pi's power, by the engine of each, and visits that each acknowledges at the least. */
const ROUNDS = ['built-in', 'QEMU', 'built-in', 'QEMU'] as const;
const VISITS = 24;
const TIMEOUT = 4 * 3600 * 1000;

/** Words that a visit is asked for until it is acknowledged: each once. */
const load = (round: number): string =>
  `n=0; while [ $n -lt 1000 ]; do n=$((n + 1)); until get "/visit.cgi?r${round}n$n" 2>/dev/null | grep kept; do sleep 1; done; done & sleep 0`;

describe.runIf(everything)('a web server with a database in a guest', () => {
  let folder: string;
  const typed = (round: number): string =>
    [
      ...LOGIN_LINES,
      ...HAVE_GET,
      ...SHOW_GUEST,
      `expect ${UP}`,
      ...command('systemctl is-active hypberryd; set +m', 'active'),
      `send ${load(round)}`,
      `expect kept r${round}n${VISITS / 4}`,
      'send kill -9 $(pidof hypberryd)',
      `expect kept r${round}n${VISITS / 2}`,
      'send get /crash.cgi &',
      `expect ${UP}, ok`,
      // With the script's end the power is gone, in the middle of whatever goes on.
      `expect kept r${round}n${VISITS}`,
    ].join('\n');
  const LAST = [
    ...LOGIN_LINES,
    ...HAVE_GET,
    ...SHOW_GUEST,
    `expect ${UP}, ok`,
    ...command('echo "all: "$(get /visits.cgi)" end of all"', 'end of all'),
  ].join('\n');

  let card: string;
  beforeAll(async () => {
    await ensureTools(['e2fsprogs']);
    folder = await mkdtemp(join(tmpdir(), 'hypberry-web-'));
    card = join(folder, 'card.img');
    await makeWebCard(folder);
  }, TIMEOUT);
  afterAll(() => rm(folder, { recursive: true, force: true }));

  /** Has a session with the card, to its script's end; gives what was said. */
  async function session(engine: (typeof ROUNDS)[number], text: string): Promise<string> {
    if (engine === 'QEMU') {
      const { said, script } = await inQemu(card, text);
      expect([script, script.done ? '' : said.slice(-10_000)]).toEqual([{ done: true }, '']);
      return said;
    }
    const file = join(folder, 'script.txt');
    await writeFile(file, text);
    const { stdout, stderr } = await hypberry(['run', '--json', '--fast', '--write', '--script', file, card]);
    const ran = JSON.parse(stdout) as Ran & { consoles: { host: string } };
    const { host } = ran.consoles;
    expect([stderr, ran.script, ran.script?.done === true ? '' : host.slice(-3000)]).toEqual([
      ...['', { done: true }, ''],
    ]);
    return host;
  }

  it(
    'keeps what it acknowledged, whatever is killed; its disk and the host’s are clean',
    async () => {
      const kept = new Set<string>();
      for (const [round, engine] of ROUNDS.entries())
        for (const [, word] of (await session(engine, typed(round))).matchAll(/kept (r\d+n\d+)\r?\n/g))
          kept.add(word!);
      expect(kept.size).toBeGreaterThanOrEqual(ROUNDS.length * VISITS);
      const [, all = ''] = /all: ([^]*?) end of all/.exec(await session('built-in', LAST)) ?? [];
      const words = new Set(all.split(/\s+/));
      expect(words).toContain('ok');
      expect([...kept].filter((word) => !words.has(word))).toEqual([]);
      const [host, guest] = [join(folder, 'host.ext4'), join(folder, 'guest.ext4')];
      await takeRoot(card, host);
      await replay(host);
      await takeFile(host, DISK, guest);
      await replay(guest);
    },
    TIMEOUT,
  );
});
