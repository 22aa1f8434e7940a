import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, test, vi } from 'vitest';
import type { CardReader } from '../../src/card/card.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { lockTarget as lockWith, type Use } from '../../src/node/lock.js';
import { isFileSystemRoot } from '../../src/node/mounts.js';
import { openCard as openWith } from '../../src/node/open-card.js';
import { refuseOnCard } from '../../src/node/outputs.js';
import { ourFiles } from '../../src/setup/ours.js';
import { fsck, makeDisk, makeVolume, run, temporary } from '../card/images.js';
import { bootPartition } from '../support/boot-files.js';
import { loopDevice, NO_LOOP } from '../support/loop-device.js';

const src = path.join(import.meta.dirname, '../../src');
const LOCKS = '/dev/shm';

const undo: (() => void)[] = [];
let said = '';
afterEach(() => {
  vi.restoreAllMocks();
  for (const step of undo.splice(0).reverse()) step();
});

/** Collects what is said from now on. */
function listen(): void {
  said = '';
}
const say = (sentence: string): void => void (said += `${sentence}\n`);
const lockTarget = (target: string, use: Use) => lockWith(target, use, say);
const openCard = (target: string, options: { readonly write: boolean }) =>
  openWith(target, { ...options, say });

/** Files of a card's locks: others run at the same time, and have theirs. */
function locks(target: string): string[] {
  const { dev, ino } = fs.statSync(target, { bigint: true });
  return fs.readdirSync(LOCKS).filter((name) => name.startsWith(`hypberry-file-${dev}-${ino}.`));
}

/** An image and a folder with a card that starts SVC mode. */
const image = (): string =>
  makeVolume({ bits: 16, sectorsPerCluster: 1, megabytes: 4 }, bootPartition('svc'));
function folder(): string {
  const at = temporary('boot');
  fs.mkdirSync(at);
  for (const [name, data] of Object.entries(bootPartition('svc')))
    fs.writeFileSync(path.join(at, name), data);
  return at;
}

/** A process of its own that runs a script, with hypberry's own parts. */
function other(script: string, target: string): ChildProcess {
  const text = `
    import { openCard } from '${src}/node/open-card.ts';
    import { planInstall, planUninstall } from '${src}/setup/install.ts';
    import { applyPlan } from '${src}/setup/plan.ts';
    const target = ${JSON.stringify(target)};
    async function change(plan) {
      const card = await openCard(target, { write: true });
      await applyPlan(card, await plan(card), () => undefined);
      await card.close();
    }
    const install = (method) => change((card) => planInstall(card, { method }));
    const uninstall = () => change(planUninstall);
    ${script}`;
  const child = spawn(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', text], {
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  undo.push(() => child.kill('SIGKILL'));
  return child;
}

/** Waits until a process has said something. */
async function heard(child: ChildProcess): Promise<void> {
  await once(child.stdout!, 'data');
}

const HOLDS = `await openCard(target, { write: true }); console.log('holds'); process.stdin.resume();`;
const READS = `await openCard(target, { write: false }); console.log('reads'); process.stdin.resume();`;

/** What a Pi would have in its memory at the kernel's start. */
async function startOf(card: CardReader): Promise<string> {
  const { picked } = await prepareHandover(card);
  return JSON.stringify(picked);
}

describe.each([
  ['an image', image],
  ['a folder', folder],
] as const)('%s', (_, make) => {
  test(
    'two processes that change it again and again leave a card that starts',
    { timeout: 60_000 },
    async () => {
      const target = make();
      const script = (method: string): string =>
        `for (let i = 0; i < 6; i++) { await install('${method}'); await uninstall(); } await install('${method}');`;
      const both = ['armstub', 'kernel_old'].map((method) => other(script(method), target));
      const errors = both.map((child) => {
        let text = '';
        child.stderr!.on('data', (bytes) => (text += String(bytes)));
        return () => text;
      });
      // Meanwhile a reader finds a card that starts: the old way or the new.
      const ends = both.map((child) => once(child, 'exit'));
      const running = (): boolean => both.some((child) => child.exitCode === null);
      listen();
      while (running()) {
        const card = await openCard(target, { write: false });
        expect(await startOf(card)).toContain('kernel');
        await card.close();
        await new Promise((resolve) => setTimeout(resolve, 20));
      }
      await Promise.all(ends);
      expect(
        both.map(({ exitCode }) => exitCode),
        errors.map((text) => text()).join('\n'),
      ).toEqual([0, 0]);
      const card = await openCard(target, { write: false });
      const used = JSON.parse(await startOf(card)) as { stub: { file?: string }; kernel: { file: string } };
      const [file, ...more] = await ourFiles(card);
      expect(more).toEqual([]);
      expect([used.stub.file, used.kernel.file]).toContain(file);
      await card.close();
      if (fs.statSync(target).isFile()) expect(fsck(target)).toBe('clean');
    },
  );

  test(
    'a process that was killed in the middle: its lock is taken over, in words',
    { timeout: 60_000 },
    async () => {
      const target = make();
      for (const milliseconds of [0, 20]) {
        const child = other(
          `console.log('on'); for (;;) { await install('kernel_old'); await uninstall(); }`,
          target,
        );
        await heard(child);
        await new Promise((resolve) => setTimeout(resolve, 100 + milliseconds));
        child.kill('SIGKILL');
        await once(child, 'exit');
        const card = await openCard(target, { write: true });
        expect(await startOf(card)).toContain('kernel');
        await card.close();
      }
      const child = other(HOLDS, target);
      await heard(child);
      child.kill('SIGKILL');
      await once(child, 'exit');
      listen();
      await (await openCard(target, { write: true })).close();
      expect(said).toBe(
        `note: An earlier hypberry (process ${child.pid!}) was killed while it changed "${target}"; its lock is taken over.\n`,
      );
      said = '';
      await (await openCard(target, { write: true })).close();
      expect(said).toBe('');
    },
  );
});

test('a folder and a part of another file system where it is mounted have one lock', async ({ skip }) => {
  if (process.getuid?.() !== 0) return skip('needs root: not tried here');
  const at = folder();
  const elsewhere = temporary('elsewhere');
  fs.mkdirSync(elsewhere);
  run('mount', '-t', 'tmpfs', '-o', 'size=100k', 'tmpfs', elsewhere);
  undo.push(() => run('umount', elsewhere));
  const [other, sub] = [path.join(elsewhere, 'a folder'), path.join(at, 'sub')];
  fs.mkdirSync(other);
  fs.mkdirSync(sub);
  run('mount', '--bind', at, other);
  undo.push(() => run('umount', other));
  expect(isFileSystemRoot(elsewhere)).toBe(true);
  for (const one of [at, other, sub]) expect(isFileSystemRoot(one)).toBe(false);
  for (const [one, another] of [
    [at, other],
    [other, at],
  ] as const) {
    const lock = await lockTarget(one, 'write');
    expect(locks(another)).toHaveLength(1);
    lock.release();
    expect(locks(another)).toEqual([]);
  }
  // What lies beside the part on its file system does not lie on it.
  const beside = temporary('beside');
  expect(() => {
    refuseOnCard(beside, other);
  }).not.toThrow();
  for (const file of [path.join(at, 'new'), path.join(other, 'new')])
    expect(() => {
      refuseOnCard(file, other);
    }).toThrow(expect.objectContaining({ code: 'file.is-input' }));
});

test('who waits says so, and for whom', { timeout: 60_000 }, async () => {
  const target = image();
  for (const [script, write, does] of [
    [HOLDS, true, 'changes'],
    [HOLDS, false, 'changes'],
    [READS, true, 'reads'],
  ] as const) {
    const child = other(script, target);
    await heard(child);
    listen();
    const opening = openCard(target, { write });
    await vi.waitFor(() => {
      expect(said).toBe(
        `Waiting for another hypberry (process ${child.pid!}), which ${does} "${target}" …\n`,
      );
    });
    child.stdin!.end();
    child.kill('SIGTERM');
    await (await opening).close();
  }
  const child = other(READS, target);
  await heard(child);
  said = '';
  await (await openCard(target, { write: false })).close();
  expect(said, 'two readers do not wait for each other').toBe('');
});

test.each([
  [HOLDS, true],
  [READS, false],
])('a command that a signal ended leaves nothing that the next one minds: %#', async (script, changed) => {
  const target = image();
  const child = other(script, target);
  await heard(child);
  expect(locks(target)).toHaveLength(1);
  child.kill('SIGTERM');
  await once(child, 'exit');
  listen();
  await (await openCard(target, { write: false })).close();
  await (await openCard(target, { write: true })).close();
  expect(said).toBe(
    changed
      ? `note: An earlier hypberry (process ${child.pid!}) was killed while it changed "${target}"; its lock is taken over.\n`
      : '',
  );
  expect(locks(target)).toEqual([]);
});

test('a reader takes away what ended readers left', async () => {
  const target = image();
  for (let i = 0; i < 2; i++) {
    const child = other(READS, target);
    await heard(child);
    child.kill('SIGKILL');
    await once(child, 'exit');
  }
  const reading = await openCard(target, { write: false });
  expect(locks(target)).toHaveLength(1);
  await reading.close();
  expect(locks(target)).toEqual([]);
});

test('a signal ends a command in the middle of work that lets nothing else run', async () => {
  const target = image();
  const child = other(`${HOLDS}; for (;;);`, target);
  await heard(child);
  child.kill('SIGINT');
  const [, signal] = (await once(child, 'exit')) as [number | null, string | null];
  expect(signal).toBe('SIGINT');
});

test('other spellings of a card are the same card', async ({ skip }) => {
  const target = makeDisk(16, 'label: dos\nstart=2048,size=8192,type=e\n', image());
  const link = temporary('link');
  fs.symlinkSync(target, link);
  const hard = temporary('hard');
  fs.linkSync(target, hard);
  const loop = loopDevice(target, { partitions: true });
  // Devices that show others, or a part of one, are the same card, too.
  const second = loop && loopDevice(loop);
  const third = second && loopDevice(second);
  const ofPartition = loop && loopDevice(`${loop}p1`);
  const devices = loop === undefined ? [] : [loop, `${loop}p1`, second!, third!, ofPartition!];
  const lock = await lockTarget(target, 'write');
  for (const name of [link, hard, ...devices]) {
    listen();
    const waiting = lockTarget(name, 'read');
    await vi.waitFor(() => {
      expect(said).toContain(`which changes "${name}"`);
    });
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
    await expect(waiting).rejects.toMatchObject({ code: 'card.in-use' });
    vi.restoreAllMocks();
  }
  lock.release();
  if (loop === undefined) skip(NO_LOOP);
});

describe('a file of a lock that another process left', () => {
  /** Makes one, as if it were of this process but for `changes`. */
  async function left(target: string, changes: Record<string, unknown>): Promise<string> {
    const lock = await lockTarget(target, 'write');
    const name = locks(target)[0]!;
    const text = fs.readFileSync(path.join(LOCKS, name), 'utf8');
    lock.release();
    const file = path.join(LOCKS, name);
    fs.writeFileSync(
      file,
      JSON.stringify({ ...(JSON.parse(text) as object), token: '0123456789abcdef', ...changes }),
    );
    undo.push(() => {
      fs.rmSync(file, { force: true });
    });
    return file;
  }

  test.each([
    ['whose number another one has now', { started: '1' }],
    ['of before the system started', { boot: 'another' }],
    ['whose number nobody has', { pid: 0x3fffffff }],
  ])('%s: is dead', async (_, changes) => {
    const target = image();
    const file = await left(target, changes);
    listen();
    (await lockTarget(target, 'write')).release();
    expect(said).toContain('was killed while it changed');
    expect(fs.existsSync(file)).toBe(false);
  });

  test('of a file that is gone, whose number the card has now: is no matter', async () => {
    const target = image();
    const file = await left(target, { pid: 0x3fffffff, born: '1' });
    listen();
    (await lockTarget(target, 'write')).release();
    expect([said, fs.existsSync(file)]).toEqual(['', false]);
  });

  test.each([
    ['of another space of process numbers, where it cannot be seen', { space: 'pid:[1]' }],
    ['that says nothing of use', { pid: 'none' }],
    ['that runs', {}],
  ])('%s: counts', async (_, changes) => {
    const target = image();
    const file = await left(target, changes);
    listen();
    const opening = lockTarget(target, 'write');
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
    await expect(opening).rejects.toMatchObject({
      code: 'card.in-use',
      hint: expect.stringContaining(`remove ${file}`) as string,
    });
  });

  test.each(['read', 'write'] as const)(
    'in a row that leads back into itself: counts, for who would %s',
    async (use) => {
      const target = image();
      const file = await left(target, { pid: 0x3fffffff });
      const again = file.replace(/lock$/, '0123456789abcdef.lock');
      fs.copyFileSync(file, again);
      undo.push(() => {
        fs.rmSync(again, { force: true });
      });
      listen();
      const opening = lockTarget(target, use);
      vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
      await expect(opening).rejects.toMatchObject({
        code: 'card.in-use',
        hint: expect.stringContaining(`remove ${again}`) as string,
      });
    },
  );

  test('is not followed where it is a link, and nothing is written through it', async () => {
    const target = image();
    const file = await left(target, {});
    fs.rmSync(file);
    const victim = temporary('victim');
    fs.writeFileSync(victim, 'mine');
    fs.symlinkSync(victim, file);
    listen();
    const opening = lockTarget(target, 'write');
    vi.spyOn(Date, 'now').mockReturnValue(Date.now() + 61_000);
    await expect(opening).rejects.toMatchObject({
      code: 'card.in-use',
      message: `What may be another hypberry has been using "${target}" for a minute: ${file} does not tell.`,
    });
    expect(fs.readFileSync(victim, 'utf8')).toBe('mine');
  });

  test("of one user is taken over by another's command, who may not take it away", async ({ skip }) => {
    if (process.getuid?.() !== 0) skip('needs root: another user');
    const target = image();
    fs.chmodSync(path.dirname(target), 0o755);
    fs.chmodSync(target, 0o666);
    const file = await left(target, { pid: 0x3fffffff });
    const script = `import { lockTarget } from '${src}/node/lock.ts'; process.setgid(65534); process.setuid(65534);
      for (let i = 0; i < 2; i++) (await lockTarget(${JSON.stringify(target)}, 'write', console.error)).release();`;
    const { status, stderr } = spawnSync(
      process.execPath,
      ['--import', 'tsx', '--input-type=module', '-e', script],
      {
        encoding: 'utf8',
      },
    );
    expect([status, stderr.match(/is taken over/g)?.length], stderr).toEqual([0, 2]);
    expect(fs.existsSync(file)).toBe(true);
    expect(locks(target).filter((name) => name.includes('0123456789abcdef'))).toEqual([]);
  });
});

test('a card on a medium that nobody can write needs no lock', async ({ skip }) => {
  if (process.getuid?.() !== 0) skip('needs root: a mount');
  const at = temporary('mount');
  fs.mkdirSync(at);
  run('mount', '-t', 'tmpfs', '-o', 'size=1m,ro', 'tmpfs', at);
  undo.push(() => run('umount', at));
  const lock = await lockTarget(at, 'read');
  expect(locks(at)).toEqual([]);
  lock.release();
});
