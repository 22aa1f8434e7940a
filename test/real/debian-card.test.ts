/** A Debian system on a card's second partition: booted, worked on, switched off, and the same card again. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { createReadStream, existsSync } from 'node:fs';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { besideCards, debianCard, MORE_PACKAGE, takeRoot } from '../../scripts/lib/debian-root.js';
import type { CardPath } from '../../scripts/lib/card-tree.js';
import { AT_LOGIN, command, LOGIN_LINES, POWEROFF } from '../../scripts/lib/debian-session.js';
import { busyboxArchive } from '../../scripts/lib/initramfs.js';
import { inputs, type Suite } from '../../scripts/lib/inputs.js';
import { run } from '../../scripts/lib/run.js';
import { ensureTools } from '../../scripts/lib/tools.js';
import { HOST, type SystemsVerdict } from '../../src/engine/systems.js';
import type { Ran } from '../../src/usecases/run.js';
import { hypberry, MAIN, type Outcome } from '../cli/run.js';
import { inQemu } from './qemu-card.js';
import { everything } from './real-card.js';

/** Where all has to be made first, on a busy machine. */
const SECONDS = everything ? 3600 : 1800;

let folder: string;
beforeAll(async () => {
  await ensureTools(['e2fsprogs']);
  folder = await mkdtemp(join(tmpdir(), 'hypberry-debian-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

async function hashOf(file: string): Promise<string> {
  const hash = createHash('sha256');
  for await (const part of createReadStream(file)) hash.update(part as Uint8Array);
  return hash.digest('hex');
}

/**
 * Work as of a compiler: short programs, many at once, small files, and large ones packed and unpacked. It prints sums of
 * all that it made; any shell makes the same.
 */
const WORK = [
  'mkdir -p work; cd work',
  'for i in 1 2 3 4; do seq $i 60000 >$i.txt; gzip -9n <$i.txt >$i.gz & done; wait',
  'for i in 1 2 3 4; do gunzip <$i.gz | cmp - $i.txt || echo differs; done',
  'for i in $(seq 60); do (echo "int f$i(void) { return $i; }" | sed "s/f/g/" | tr a-z A-Z >$i.c; cksum $i.c >$i.o) & [ $((i % 4)) = 0 ] && wait; done; wait',
  'cat *.txt *.gz *.c *.o | sha256sum; cd ..; rm -r work',
].join('\n');

/** The sum that the work ends with, made here. */
async function workedOut(): Promise<string> {
  const said = await run('bash', ['-c', `LC_ALL=C; export LC_ALL; ${WORK}`], { cwd: folder });
  expect(said).toMatch(/^[0-9a-f]{64} {2}-\n$/);
  return said.slice(0, 64);
}

/** How the kernels, and the drivers of the card's controllers, call themselves. */
const KERNELS: Readonly<Record<Suite, string>> = { bookworm: '6.1.', trixie: '6.12.' };
const HOSTS = { sdhost: 'sdhost-bcm2835', emmc: 'sdhci-iproc' } as const;

/** A session of somebody who installs a package, works, and keeps a file. */
const session = (sum: string, kernel: string, host: string): string =>
  [
    ...LOGIN_LINES,
    ...command('uname -r; readlink -f /sys/class/mmc_host/mmc0/device/driver', kernel, host),
    ...command(`dpkg -i /root/${MORE_PACKAGE}.deb`, `Setting up ${MORE_PACKAGE}`),
    ...command('update-alternatives --query pager', `Value: /usr/bin/${MORE_PACKAGE}`),
    ...command(`set +m; export LC_ALL=C; ${WORK.replaceAll('\n', '; ')}`, `${sum}  -`),
    ...command('systemctl is-system-running --wait', 'running'),
    ...command(
      'echo kept >/root/kept.txt; dmesg | grep -iE "mmc.*(error|timeout)|I/O error|ext4.*error" || echo no errors',
      'no errors',
    ),
    ...POWEROFF,
  ].join('\n');

/** A session on the same card, later. */
const LATER = [
  ...LOGIN_LINES,
  ...command('cat /root/kept.txt', 'kept'),
  ...command(`dpkg -s ${MORE_PACKAGE} | grep Status`, 'Status: install ok installed'),
  ...command('rm /root/kept.txt; echo later >/root/later.txt; sync; echo synced', 'synced'),
  ...POWEROFF,
].join('\n');

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

/** What stands in a file of a card's root file system, which must be clean. */
async function fileOf(card: string, path: string): Promise<string> {
  const root = join(folder, 'root.ext4');
  await takeRoot(card, root);
  await run('e2fsck', ['-fn', root]);
  return run('debugfs', ['-R', `cat ${path}`, root]);
}

/** A snapshot at the login prompt of a card that stays as it is; made anew where it is not there, or told to. */
async function atLogin(card: string, anew = false): Promise<string> {
  const snapshot = besideCards('login.snapshot');
  // Another run of these tests may be making it too: a snapshot is there whole or not at all.
  if (existsSync(snapshot) && !anew) return snapshot;
  const { status, stderr } = await hypberry([
    ...['run', '-q', '--fast', '--until', AT_LOGIN, '--save', snapshot, '--overwrite', card],
  ]);
  expect([status, stderr]).toEqual([0, '']);
  return snapshot;
}

it(
  'from a snapshot at its login prompt, Debian lets somebody log in, works and powers off; the card stays as it is',
  async () => {
    const card = await debianCard('bookworm', 'sdhost');
    const before = await hashOf(card);
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
    let ran = await withScript(script, card, '--from', await atLogin(card));
    // One that an older hypberry has made.
    if (ran.stdout.includes('"snapshot.'))
      ran = await withScript(script, card, '--from', await atLogin(card, true));
    expectOff(ran);
    expect(await hashOf(card)).toBe(before);
  },
  SECONDS * 1000,
);

it.runIf(everything)(
  'a minute behind its login prompt Debian takes under 3 % of a core, while its time is that of the wall',
  async () => {
    const card = await debianCard('bookworm', 'sdhost');
    const snapshot = await atLogin(card, true);
    const child = spawn(process.execPath, [MAIN, 'run', '--from', snapshot, card], {
      stdio: ['pipe', 'ignore', 'inherit'],
    });
    try {
      /** Clock ticks that it used: utime and stime of proc(5). */
      const used = async (): Promise<number> => {
        const fields = (await readFile(`/proc/${child.pid}/stat`, 'utf8')).replace(/^.*\) /, '').split(' ');
        return Number(fields[11]) + Number(fields[12]);
      };
      await sleep(60_000);
      const [before, begin] = [await used(), performance.now()];
      await sleep(20_000);
      const seconds = (performance.now() - begin) / 1000;
      const ticks = Number(await run('getconf', ['CLK_TCK']));
      expect((await used()) - before).toBeLessThan(0.03 * seconds * ticks);
      expect(child.exitCode).toBeNull();
    } finally {
      child.kill();
    }
  },
  SECONDS * 1000,
);

describe.runIf(everything)('a card of its own', () => {
  /** A card of its own, to be written. */
  async function newCard(suite: Suite = 'bookworm', path: CardPath = 'sdhost'): Promise<string> {
    const card = join(folder, 'card.img');
    await run('cp', ['--sparse=always', await debianCard(suite, path), card]);
    return card;
  }

  it(
    'try has it come to its login; with a guest beside, after install, host and guest are up, and one logs in',
    async () => {
      const card = await newCard();
      const until = ['--timeout', String(SECONDS), '--until', AT_LOGIN];
      const alone = await hypberry(['try', '--json', ...until, card]);
      expect([alone.status, alone.stderr]).toEqual([0, '']);
      expect(JSON.parse(alone.stdout)).toMatchObject({ verdict: 'HYP', reached: true });

      const found = await inputs();
      const initramfs = join(folder, 'guest.cpio');
      await writeFile(initramfs, busyboxArchive(await readFile(found.busybox), 'echo "guest is" here'));
      const kernel = found.bookworm.vmlinuz;
      const guest = ['--name', 'web', '--kernel', kernel, '--initramfs', initramfs, '--memory', '96'];
      for (const made of [['guest', 'add', ...guest], ['install']]) {
        const { status, stderr } = await hypberry([...made, card]);
        expect([status, stderr]).toEqual([0, '']);
      }
      const both = await hypberry(['try', '--json', '--timeout', String(SECONDS), card]);
      const { verdict, systems } = JSON.parse(both.stdout) as SystemsVerdict;
      expect([both.status, verdict, systems.map(({ name, state, reason }) => [name, state, reason])]).toEqual(
        [...[0, 'UP', [HOST, 'web'].map((name) => [name, 'UP', undefined])]],
      );
      const script = [...LOGIN_LINES, ...command('nproc; findmnt -n -o SOURCE /', '3', '/dev/mmcblk0p2')];
      expectOff(await withScript([...script, ...POWEROFF].join('\n'), card));
    },
    SECONDS * 1000,
  );

  describe.each<[Suite, keyof typeof HOSTS]>([
    ['bookworm', 'sdhost'],
    ['bookworm', 'emmc'],
    ['trixie', 'sdhost'],
    ['trixie', 'emmc'],
  ])('with the kernel of %s, by %s', (suite, path) => {
    /** Installs, works and keeps a file by `act`; then the card is clean, and has it all in a later run, which changes nothing. */
    async function worksWith(act: (card: string, script: string) => Promise<void>): Promise<void> {
      const card = await newCard(suite, path);
      await act(card, session(await workedOut(), KERNELS[suite], HOSTS[path]));
      expect(await fileOf(card, '/root/kept.txt')).toBe('kept\n');
      const after = await hashOf(card);
      expectOff(await withScript(LATER, card));
      expect(await hashOf(card)).toBe(after);
    }

    it(
      'a package is installed, work done and a file kept with --write; the card is clean and has them in a later run',
      () =>
        worksWith(async (card, script) => {
          expectOff(await withScript(script, card, '--write'));
        }),
      SECONDS * 1000,
    );

    // QEMU's time is the wall's: each of these wants a machine without other work.
    it.runIf(suite === 'bookworm' && path === 'sdhost')(
      "QEMU's raspi2b does the same with the same card, and leaves one that goes on here",
      () =>
        worksWith(async (card, script) => {
          const { said, script: end } = await inQemu(card, script);
          expect([end, said]).toEqual([{ done: true }, expect.stringContaining('reboot: Power down')]);
        }),
      SECONDS * 1000,
    );
  });
});
