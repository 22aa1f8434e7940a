import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it, vi } from 'vitest';
import { type Card } from '../../src/card/card.js';
import { labelOfMounted, numbers } from '../../src/node/mounts.js';
import { openCard } from '../../src/node/open-card.js';
import { planGuestRemove } from '../../src/setup/guest-add.js';
import { planGuestSet } from '../../src/setup/guest-set.js';
import { listGuests } from '../../src/setup/guests.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { ourFiles, unfinishedFiles, withoutUnfinished } from '../../src/setup/ours.js';
import { applyPlan, checkPlan } from '../../src/setup/plan.js';
import { pattern, run, temporary } from '../card/images.js';
import { bootPartition, HOST_TREE, kernelFile } from '../support/boot-files.js';
import { text as bytesOf } from '../support/kernel-files.js';

const isRoot = process.getuid?.() === 0;
const needsRoot = 'needs root: not tried here';

let mountedAt: string | undefined;
afterEach(() => {
  if (mountedAt !== undefined) run('umount', mountedAt);
  mountedAt = undefined;
});

function folder(files: Record<string, Uint8Array> = {}): string {
  const at = temporary('boot');
  fs.mkdirSync(at);
  for (const [name, data] of Object.entries(files)) {
    fs.mkdirSync(path.dirname(path.join(at, name)), { recursive: true });
    fs.writeFileSync(path.join(at, name), data);
  }
  return at;
}

/** The files in a folder, each with its bytes, or where its link leads. */
const contentsOf = (at: string): Record<string, string> =>
  Object.fromEntries(
    fs.readdirSync(at).map((name) => {
      const file = path.join(at, name);
      const isLink = fs.lstatSync(file).isSymbolicLink();
      return [name, isLink ? fs.readlinkSync(file) : fs.readFileSync(file, 'latin1')];
    }),
  );

function mountTmpfs(at: string, options: string): void {
  run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', at);
  mountedAt = at;
}

const cards: Card[] = [];
afterEach(async () => {
  for (const card of cards.splice(0)) await card.close();
});

async function opened(at: string, write = true): Promise<Card> {
  const card = await openCard(at, { write });
  cards.push(card);
  return card;
}

describe('a boot folder', () => {
  const files = { 'Config.txt': pattern(100, 1), 'overlays/A.dtbo': pattern(50, 2) };

  it('a file larger than a Pi 2 has memory is not read', async () => {
    const at = folder(files);
    // Sparse: it takes no room.
    fs.truncateSync(path.join(at, 'Config.txt'), 0x4000_0001);
    const card = await opened(at, false);
    await expect(card.read('config.txt')).rejects.toMatchObject({ code: 'card.too-large' });
    expect(await card.read('config.txt', 0, 2)).toEqual(pattern(100, 1).subarray(0, 2));
  });

  it('is read without regard to case', async () => {
    const card = await opened(folder(files), false);
    expect(card.kind).toBe('folder');
    expect(await card.stat('CONFIG.TXT')).toEqual({ name: 'Config.txt', size: 100, isFolder: false });
    expect(new Uint8Array(await card.read('OVERLAYS/a.DTBO', 45, 20))).toEqual(pattern(50, 2).slice(45));
    expect(await card.list('Overlays')).toEqual([{ name: 'A.dtbo', size: 50, isFolder: false }]);
    expect(await card.stat('')).toMatchObject({ isFolder: true });
    expect(await card.stat('nothing/there')).toBeUndefined();
    expect(await card.stat('config.txt/there')).toBeUndefined();
    expect(await card.stat('../boot')).toBeUndefined();
  });

  it('is changed in place, in the spelling that is there', async () => {
    const at = folder(files);
    const card = await opened(at);
    await card.replace('CONFIG.TXT', pattern(200, 3));
    await card.create('overlays/New file.dtbo', pattern(10, 4));
    await card.replace('cmdline.txt', pattern(5, 5));
    await card.remove('OVERLAYS/a.dtbo');
    await card.close();
    expect(fs.readdirSync(at).sort()).toEqual(['Config.txt', 'cmdline.txt', 'overlays']);
    expect(fs.readdirSync(path.join(at, 'overlays'))).toEqual(['New file.dtbo']);
    expect(Buffer.compare(fs.readFileSync(path.join(at, 'Config.txt')), pattern(200, 3))).toBe(0);
    const { bavail, bsize } = fs.statfsSync(at);
    expect(Math.abs((await card.freeBytes()) - bavail * bsize)).toBeLessThan(1 << 28);
  });

  it('is rid of what an interrupted change left, by the next plan, and of nothing else', async () => {
    const names = [
      '.hypberry-unfinished',
      '.hypberry-unfinished-0123abcd',
      'overlays/.hypberry-unfinished-00000000',
    ];
    const others = [
      '.hypberry-unfinished-mine',
      'my.hypberry-unfinished',
      '.hypberry-unfinished-0123abcd.txt',
    ];
    const at = folder({
      ...files,
      ...Object.fromEntries([...names, ...others].map((it) => [it, pattern(9, 1)])),
    });
    const card = await opened(at);
    expect((await unfinishedFiles(card)).sort()).toEqual([...names].sort());
    const { sections } = await inspectCard(card);
    expect(sections.flatMap(({ rows }) => rows).filter(([title]) => title === 'left over')).toHaveLength(3);
    const plan = await withoutUnfinished(card, { method: undefined, summary: '', notes: [], changes: [] });
    await applyPlan(card, plan, () => undefined);
    expect(fs.readdirSync(at).sort()).toEqual([...others, 'Config.txt', 'overlays'].sort());
    expect(fs.readdirSync(path.join(at, 'overlays'))).toEqual(['A.dtbo']);
    await card.close();
  });

  it.each([
    ['card.exists', (card: Card) => card.create('config.TXT', pattern(1, 1))],
    ['card.no-file', (card: Card) => card.replace('overlays', pattern(1, 1))],
    ['card.no-file', (card: Card) => card.create('nowhere/new', pattern(1, 1))],
    ['card.no-file', (card: Card) => card.create('config.txt/new', pattern(1, 1))],
    ['card.no-file', (card: Card) => card.read('nothing')],
    ['card.no-file', (card: Card) => card.read('overlays')],
    ['card.no-file', (card: Card) => card.list('config.txt')],
    ['card.no-file', (card: Card) => card.remove('overlays')],
    ['card.no-file', (card: Card) => card.remove('nothing')],
    ['card.bad-name', (card: Card) => card.create('a:b', pattern(1, 1))],
    ['card.bad-name', (card: Card) => card.create('', pattern(1, 1))],
  ] as const)('%s: %s', async (code, action) => {
    const card = await opened(folder(files));
    await expect(action(card)).rejects.toMatchObject({ name: 'HypberryError', code });
  });

  it('what is there and no file is called that', async () => {
    const at = folder(files);
    run('mkfifo', path.join(at, 'cmdline.txt'));
    const card = await opened(at);
    const message = expect.stringContaining('is no file') as string;
    for (const name of ['overlays', 'cmdline.txt']) {
      await expect(card.read(name)).rejects.toMatchObject({ message });
      await expect(card.check([{ kind: 'replace', path: name, data: pattern(1, 1) }])).rejects.toMatchObject({
        message,
      });
    }
  });

  it('card.read-only: opened for reading', async () => {
    const card = await opened(folder(files), false);
    await expect(card.replace('config.txt', pattern(1, 1))).rejects.toMatchObject({ code: 'card.read-only' });
    await expect(card.remove('config.txt')).rejects.toMatchObject({ code: 'card.read-only' });
  });

  it('card.read-only: a file system mounted read-only', async ({ skip }) => {
    skip(!isRoot, needsRoot);
    const at = folder();
    mountTmpfs(at, 'size=1m,ro');
    await expect(opened(at)).rejects.toMatchObject({ code: 'card.read-only' });
    await (await opened(at, false)).list('');
  });

  it('card.no-room: so many files that the one to stand beside an old one has no place', async ({ skip }) => {
    skip(!isRoot, needsRoot);
    const at = folder();
    // The folder itself, config.txt, and one more.
    mountTmpfs(at, 'size=1m,nr_inodes=3');
    const old = pattern(5000, 1);
    fs.writeFileSync(path.join(at, 'config.txt'), old);
    const card = await opened(at);
    const create = { kind: 'create', path: 'a', data: pattern(9, 1) } as const;
    const replace = { kind: 'replace', path: 'config.txt', data: pattern(6000, 2) } as const;
    await card.check([create]);
    await card.check([replace]);
    await expect(card.check([create, replace])).rejects.toMatchObject({ code: 'card.no-room' });
    await card.check([create, { ...replace, data: old.subarray(0, 4000) }]);
    await card.create('a', create.data);
    await card.check([{ kind: 'remove', path: 'a' }, replace]);
    await card.close();
  });

  it('card.mounted: another file in the place of one of its own', async ({ skip }) => {
    skip(!isRoot, needsRoot);
    const at = folder({ 'config.txt': pattern(100, 1), 'other file': pattern(50, 2) });
    const config = path.join(at, 'config.txt');
    run('mount', '--bind', path.join(at, 'other file'), config);
    mountedAt = config;
    const card = await opened(at);
    for (const kind of ['replace', 'remove'] as const)
      await expect(card.check([{ kind, path: 'CONFIG.TXT', data: pattern(1, 1) }])).rejects.toMatchObject({
        code: 'card.mounted',
        message: expect.stringContaining('CONFIG.TXT') as string,
      });
    await card.check([{ kind: 'replace', path: 'other file', data: pattern(1, 1) }]);
    expect(fs.readdirSync(at)).toHaveLength(2);
    await card.close();
  });

  it('card.no-room: nothing is changed, nothing is left', async ({ skip }) => {
    skip(!isRoot, needsRoot);
    const at = folder();
    mountTmpfs(at, 'size=1m');
    fs.writeFileSync(path.join(at, 'config.txt'), pattern(100, 1));
    const card = await opened(at);
    const big = pattern(2 << 20, 1);
    await expect(card.replace('config.txt', big)).rejects.toMatchObject({ code: 'card.no-room' });
    await expect(card.create('big', big)).rejects.toMatchObject({ code: 'card.no-room' });
    expect(fs.readdirSync(at)).toEqual(['config.txt']);
    expect(Buffer.compare(fs.readFileSync(path.join(at, 'config.txt')), pattern(100, 1))).toBe(0);
  });
});

describe('a boot folder keeps what it was', () => {
  const text = (at: string): string => fs.readFileSync(at, 'utf8');
  const NEW = new TextEncoder().encode('new');
  const make = (): { at: string; config: string } => {
    const at = folder({ 'config.txt': new TextEncoder().encode('old'), 'overlays/a.dtbo': pattern(5, 1) });
    return { at, config: path.join(at, 'config.txt') };
  };

  it('mode and owner of a file that is replaced; times of what is not', async () => {
    const { at, config } = make();
    fs.chmodSync(config, 0o640);
    if (isRoot) fs.chownSync(config, 1234, 4321);
    const neighbour = path.join(at, 'overlays/a.dtbo');
    fs.utimesSync(neighbour, 1000, 2000);
    const { uid, gid, mode } = fs.statSync(config);
    const card = await opened(at);
    await card.replace('config.txt', NEW);
    await card.close();
    expect(fs.statSync(config)).toMatchObject({ uid, gid, mode });
    expect(fs.statSync(neighbour).mtimeMs).toBe(2000_000);
    expect(text(config)).toBe('new');
  });

  it('a link in the folder stays one, and what it leads to is changed', async () => {
    const { at, config } = make();
    fs.renameSync(config, path.join(at, 'overlays/real.txt'));
    fs.symlinkSync('overlays/real.txt', config);
    const card = await opened(at);
    await card.replace('CONFIG.txt', NEW);
    const way = ['config.txt', 'overlays/real.txt'];
    expect(await card.stat('config.txt')).toEqual({ name: 'config.txt', size: 3, isFolder: false, way });
    await card.close();
    expect(fs.readlinkSync(config)).toBe('overlays/real.txt');
    expect(text(path.join(at, 'overlays/real.txt'))).toBe('new');
  });

  it('nothing goes through a link out of the folder, to nowhere, or into another folder', async () => {
    const { at, config } = make();
    const outside = temporary('outside');
    fs.writeFileSync(outside, 'outside');
    fs.rmSync(config);
    fs.symlinkSync(outside, config);
    fs.symlinkSync('nothing', path.join(at, 'dangling'));
    fs.symlinkSync('round', path.join(at, 'round'));
    fs.symlinkSync('overlays', path.join(at, 'current'));
    const before = fs.readdirSync(at);
    const card = await opened(at);
    for (const name of ['config.txt', 'dangling', 'round', 'current/new']) {
      for (const change of [
        card.check([{ kind: 'replace', path: name, data: NEW }]),
        card.replace(name, NEW),
        card.create(name === 'config.txt' ? 'dangling' : name, NEW),
      ]) {
        await expect(change, name).rejects.toMatchObject({ code: 'card.link' });
      }
    }
    expect(new TextDecoder().decode(await card.read('config.txt'))).toBe('outside');
    await card.close();
    expect(text(outside)).toBe('outside');
    expect(fs.readdirSync(at)).toEqual(before);
  });

  it('a boot folder within is not changed through links to its files, be it a folder deeper', async () => {
    for (const [firmware, inner] of [
      ['START.ELF', 'firmware/config.txt'],
      ['bootcode.bin', 'firmware/sets/config.txt'],
    ] as const) {
      const { at, config } = make();
      const real = path.join(at, inner);
      fs.mkdirSync(path.dirname(real), { recursive: true });
      fs.renameSync(config, real);
      fs.writeFileSync(path.join(at, 'firmware', firmware), '');
      fs.symlinkSync(inner, config);
      const card = await opened(at);
      for (const change of [
        card.check([{ kind: 'replace', path: 'config.txt', data: NEW }]),
        card.replace('config.txt', NEW),
      ]) {
        await expect(change, inner).rejects.toMatchObject({
          code: 'card.link',
          message: expect.stringContaining('to another boot folder') as string,
          hint: expect.stringContaining(path.join(at, 'firmware')) as string,
        });
      }
      await card.close();
      expect(text(real)).toBe('old');
    }
  });

  it('the way to a file is told: links in a row, in a folder, through a folder; what is outside is left out', async () => {
    const { at } = make();
    const outside = temporary('outside');
    fs.writeFileSync(outside, 'outside');
    for (const [name, target] of [
      ['one', 'overlays/two'],
      ['overlays/two', '../current/a.dtbo'],
      ['current', 'overlays'],
      ['here', '.'],
      ['out', outside],
    ] as const)
      fs.symlinkSync(target, path.join(at, name));
    // The folder itself may be reached through a link, too.
    const link = temporary('link');
    fs.symlinkSync(at, link);
    for (const folder of [at, link]) {
      const card = await opened(folder, false);
      const way = async (name: string) => (await card.stat(name))?.way;
      expect(await way('config.txt')).toBeUndefined();
      expect(await way('overlays/A.DTBO')).toBeUndefined();
      expect(await way('ONE')).toEqual(['one', 'overlays/two', 'overlays/a.dtbo']);
      expect(await way('here/here/config.txt')).toEqual(['config.txt']);
      expect(await way('current/two')).toEqual(['overlays/two', 'overlays/a.dtbo']);
      expect(await way('out')).toEqual(['out']);
      await card.close();
    }
  });

  it.each([
    'hypberry-guest-a.kernel',
    'HYPBERRY-GUEST-A.initramfs',
    'overlays/hypberry-0123abcd.img',
    'hypberry-0123abcd.dtb',
    'hypberryd',
  ])('%s is never written through a link: what that leads to is somebody else’s', async (name) => {
    const { at, config } = make();
    fs.symlinkSync(config, path.join(at, name));
    const card = await opened(at);
    for (const change of [
      card.check([{ kind: 'replace', path: name, data: NEW }]),
      card.replace(name, NEW),
    ]) {
      await expect(change).rejects.toMatchObject({
        code: 'card.link',
        hint: expect.stringContaining('Take the link away') as string,
      });
    }
    await card.remove(name);
    await card.create(name, NEW);
    await card.close();
    expect([text(config), text(path.join(at, name))]).toEqual(['old', 'new']);
  });

  it('another name of a file (a hard link) keeps the old bytes', async () => {
    const { at, config } = make();
    const other = temporary('other-name');
    fs.linkSync(config, other);
    const card = await opened(at);
    await card.replace('config.txt', NEW);
    await card.close();
    expect([text(config), text(other)]).toEqual(['new', 'old']);
  });

  it('links in a circle, pipes and links to folders do not make commands fail', async () => {
    const { at } = make();
    fs.symlinkSync('..', path.join(at, 'overlays/up'));
    fs.symlinkSync('b', path.join(at, 'a'));
    fs.symlinkSync('a', path.join(at, 'b'));
    run('mkfifo', path.join(at, 'kernel7.img'));
    const ours = 'hypberry-00000000.bin';
    fs.writeFileSync(path.join(at, 'overlays', ours), '');
    fs.symlinkSync('overlays', path.join(at, 'current'));
    const card = await opened(at, false);
    expect((await card.list('')).map(({ name }) => name).sort()).toEqual([
      'config.txt',
      'current',
      'overlays',
    ]);
    expect(await card.stat('a')).toBeUndefined();
    expect(await card.stat('kernel7.img')).toBeUndefined();
    expect(await ourFiles(card)).toEqual([`overlays/${ours}`]);
    await inspectCard(card);
    await card.close();
  });

  it('what is another card in it is not touched: a mount, a boot folder', async ({ skip }) => {
    const ours = 'hypberry-00000000.bin';
    const { at } = make();
    for (const name of ['firmware', 'backup', 'os', 'mine']) fs.mkdirSync(path.join(at, name));
    if (isRoot) mountTmpfs(path.join(at, 'firmware'), 'size=1m');
    for (const name of ['firmware', 'backup', 'os', 'mine']) fs.writeFileSync(path.join(at, name, ours), '');
    fs.writeFileSync(path.join(at, 'backup/start.elf'), '');
    fs.writeFileSync(path.join(at, 'os/Config.txt'), '');
    // This one holds firmware, too, and is where config.txt has the kernel looked for.
    fs.writeFileSync(path.join(at, 'mine/start.elf'), '');
    fs.writeFileSync(path.join(at, 'config.txt'), 'os_prefix=mine/\n');
    const card = await opened(at);
    const { changes } = await planUninstall(card);
    expect(changes).toEqual([{ kind: 'remove', path: `mine/${ours}` }]);
    if (!isRoot) skip('needs root: the mount was not tried');
    expect((await card.list('')).map(({ name }) => name)).not.toContain('firmware');
    expect(await card.stat('firmware')).toBeUndefined();
    expect(await card.stat(`firmware/${ours}`)).toBeUndefined();
    await expect(card.read(`firmware/${ours}`)).rejects.toMatchObject({ code: 'card.no-file' });
    await expect(card.create('firmware/new', NEW)).rejects.toMatchObject({ code: 'card.no-file' });
    await card.close();
  });
});

describe("guests' files that are links", () => {
  const GUESTS = 'hypberry-guests.json';
  const [A, B] = ['hypberry-guest-a.kernel', 'hypberry-guest-b.kernel'];
  /** A folder with guests that start from these files, some of which are links. */
  function guestsFolder(kernels: Readonly<Record<string, string>>, links: Readonly<Record<string, string>>) {
    const guests = Object.entries(kernels).map(([name, kernel]) => ({
      ...{ name, kernel, memory: 32, cores: 1, commandLine: '' },
    }));
    const at = folder(
      bootPartition('svc', {
        'bcm2709-rpi-2-b.dtb': HOST_TREE,
        [GUESTS]: bytesOf(JSON.stringify({ version: 1, guests })),
      }),
    );
    for (const [name, target] of Object.entries(links)) fs.symlinkSync(target, path.join(at, name));
    // Through the links.
    for (const file of Object.values(kernels)) fs.writeFileSync(path.join(at, file), kernelFile(7));
    return at;
  }

  it.each([
    [{ a: A }, { [A]: 'kernel7.img' }, 'a', 'card.link'],
    [{ a: A, b: B }, { [B]: A }, 'b', 'card.link'],
    [{ a: A, b: B }, { [B]: A }, 'a', 'guest.file-in-use'],
    [{ a: A, b: 'common.img' }, { 'common.img': A }, 'a', 'guest.file-in-use'],
    [{ a: A, b: `here/${A}` }, { here: '.', [A]: 'common.img' }, 'a', 'guest.file-in-use'],
  ])(
    'guests %j with the links %j: a new kernel of %s is refused (%s)',
    async (kernels, links, name, code) => {
      const at = guestsFolder(kernels, links);
      const before = contentsOf(at);
      const card = await opened(at);
      const kernel = { name: 'vmlinuz', data: kernelFile(9) };
      const set = async (): Promise<unknown> => checkPlan(card, await planGuestSet(card, name, { kernel }));
      await expect(set()).rejects.toMatchObject({ code });
      expect(contentsOf(at)).toEqual(before);
    },
  );

  it.each([
    [{ a: 'common.img' }, { 'common.img': A }],
    [{ a: 'one.img' }, { 'one.img': B, [B]: A }],
    [{ a: `here/${A}` }, { here: '.', [A]: 'common.img' }],
  ])('guests %j with the links %j: what these lead to is needed', async (kernels, links) => {
    const at = guestsFolder(kernels, links);
    const before = Object.keys(contentsOf(at));
    const card = await opened(at);
    expect((await listGuests(card)).unusedFiles).toEqual([]);
    expect((await planUninstall(card)).changes).toEqual([]);
    await applyPlan(card, await planGuestSet(card, 'a', { memory: 64 }), () => undefined);
    expect(Object.keys(contentsOf(at))).toEqual(before);
  });

  it('one of two guests goes with its link, or its name alone', async () => {
    for (const [name, gone] of [
      ['b', [B]],
      ['a', []],
    ] as const) {
      const card = await opened(guestsFolder({ a: A, b: B }, { [B]: A }));
      const { changes } = await planGuestRemove(card, name);
      expect(changes.slice(1)).toEqual(gone.map((path) => ({ kind: 'remove', path })));
    }
  });

  it('a file of ours that a link of the user’s leads to stays when the rest is uninstalled', async () => {
    const at = folder(bootPartition('svc'));
    const card = await opened(at);
    const plan = await planInstall(card, { method: 'kernel_old' });
    await applyPlan(card, plan, () => undefined);
    const [combined] = await ourFiles(card);
    fs.symlinkSync(combined!, path.join(at, 'mine.img'));
    const { changes, notes } = await planUninstall(card);
    expect(changes.map((it) => [it.kind, it.path])).toEqual([['replace', 'config.txt']]);
    expect(notes).toEqual([`${combined!} stays, because mine.img, a link, leads to it.`]);
  });
});

describe('what another program changes while a command is at work', () => {
  const files = { 'config.txt': pattern(100, 1), 'kernel7.img': pattern(50, 2) };

  it.each(['replace', 'remove'] as const)('is not lost by %s', async (kind) => {
    const at = folder(files);
    const card = await opened(at);
    await card.read('CONFIG.TXT');
    const others = pattern(101, 3);
    fs.writeFileSync(path.join(at, 'config.txt'), others);
    const change = { kind, path: 'config.txt', data: pattern(9, 4) } as const;
    const changed = { code: 'card.changed' };
    await expect(card.check([change])).rejects.toMatchObject(changed);
    await expect(
      kind === 'replace' ? card.replace('config.txt', change.data) : card.remove('config.txt'),
    ).rejects.toMatchObject(changed);
    expect(new Uint8Array(fs.readFileSync(path.join(at, 'config.txt')))).toEqual(others);
    expect(fs.readdirSync(at).sort()).toEqual(Object.keys(files));
  });

  it('of the same length is told by its time', async () => {
    const at = folder(files);
    const card = await opened(at);
    await card.read('config.txt');
    fs.writeFileSync(path.join(at, 'config.txt'), pattern(100, 3));
    fs.utimesSync(path.join(at, 'config.txt'), 1e9, 1e9);
    await expect(card.replace('config.txt', pattern(9, 4))).rejects.toMatchObject({ code: 'card.changed' });
  });

  it('of a file that was only read is told before the first write', async () => {
    const at = folder(files);
    const card = await opened(at);
    await card.read('kernel7.img');
    fs.rmSync(path.join(at, 'kernel7.img'));
    const change = { kind: 'create', path: 'new', data: pattern(9, 4) } as const;
    await expect(card.check([change])).rejects.toMatchObject({ code: 'card.changed' });
  });

  it('a file that is being written and is taken away is told by its name, and not as the card', async () => {
    const at = folder(files);
    const card = await opened(at);
    const rename = fs.renameSync;
    vi.spyOn(fs, 'renameSync').mockImplementation((from, to) => {
      fs.rmSync(from);
      rename(from, to);
    });
    try {
      await expect(card.replace('config.txt', pattern(9, 4))).rejects.toMatchObject({
        code: 'card.changed',
        message: expect.stringContaining('.hypberry-unfinished-') as string,
      });
    } finally {
      vi.restoreAllMocks();
    }
    expect(new Uint8Array(fs.readFileSync(path.join(at, 'config.txt')))).toEqual(files['config.txt']);
    fs.rmSync(at, { recursive: true });
    await expect(card.freeBytes()).rejects.toMatchObject({ code: 'card.not-found' });
  });

  it('is no change of its own', async () => {
    const at = folder(files);
    const card = await opened(at);
    await card.read('config.txt');
    await card.replace('config.txt', pattern(9, 4));
    await card.replace('config.txt', pattern(10, 5));
    await card.read('config.txt');
    await card.remove('config.txt');
    await card.create('config.txt', pattern(11, 6));
    await card.replace('config.txt', pattern(12, 7));
    expect(new Uint8Array(fs.readFileSync(path.join(at, 'config.txt')))).toEqual(pattern(12, 7));
  });
});

describe("a mounted volume's name", () => {
  it.skipIf(!isRoot)(`is that of its device (${needsRoot})`, () => {
    const at = folder();
    const byLabel = folder();
    mountTmpfs(at, 'size=100k');
    const { dev } = fs.statSync(at);
    const node = path.join(byLabel, 'node');
    run('mknod', node, 'b', ...numbers(dev).split(':'));
    fs.mkdirSync(path.join(at, 'inner'));
    expect(labelOfMounted(at, byLabel)).toBe('node');
    fs.renameSync(node, path.join(byLabel, 'MY\\x20B\\xc3\\x96\\xc3\\x96T'));
    fs.symlinkSync('/dev/null', path.join(byLabel, 'OTHER'));
    fs.symlinkSync('nowhere', path.join(byLabel, 'GONE'));
    expect(labelOfMounted(at, byLabel)).toBe('MY BÖÖT');
    // What lies in it is no volume by itself.
    expect(labelOfMounted(path.join(at, 'inner'), byLabel)).toBeUndefined();
    expect(labelOfMounted(at, path.join(byLabel, 'none'))).toBeUndefined();
  });
});

describe('before the first write is known', () => {
  const big = { kind: 'create', path: 'big', data: pattern(1000, 1) } as const;
  const change = { kind: 'replace', path: 'config.txt', data: pattern(5, 5) } as const;

  it('that a file is marked read-only, or may not be changed by anyone', async ({ skip }) => {
    const at = folder({ 'config.txt': pattern(9, 1) });
    const config = path.join(at, 'config.txt');
    const card = await opened(at);
    fs.chmodSync(config, 0o444);
    await expect(card.check([big, change])).rejects.toMatchObject({
      code: 'card.read-only',
      hint: expect.stringMatching(/^Take that mark off it/) as string,
    });
    fs.chmodSync(config, 0o644);
    await card.check([big, change]);
    const { status } = spawnSync('chattr', ['+i', config]);
    if (status !== 0) skip('chattr does not work here: a file that may not be changed was not tried');
    run('chattr', '-i', config);
    for (const attribute of ['i', 'a']) {
      run('chattr', `+${attribute}`, config);
      try {
        for (const one of [change, { kind: 'remove', path: 'config.txt' } as const]) {
          await expect(card.check([big, one])).rejects.toMatchObject({
            code: 'card.read-only',
            message: '"config.txt" may not be changed or taken away by anybody.',
          });
        }
      } finally {
        run('chattr', `-${attribute}`, config);
      }
    }
    await card.close();
  });

  it('that nothing in a folder may be replaced or taken away by anyone, before anything is made in it', async ({
    skip,
  }) => {
    const at = folder({ 'config.txt': pattern(9, 1), 'overlays/a.dtbo': pattern(9, 2) });
    const card = await opened(at);
    for (const [attribute, where, one] of [
      ['a', at, big],
      ['a', at, change],
      ['a', at, { kind: 'remove', path: 'config.txt' }],
      ['a', path.join(at, 'overlays'), { ...change, path: 'overlays/a.dtbo' }],
      ['i', at, big],
    ] as const) {
      const { status } = spawnSync('chattr', [`+${attribute}`, where]);
      if (status !== 0) skip('chattr does not work here: a folder that may not be changed was not tried');
      try {
        const refusal = {
          code: 'card.read-only',
          message: `Nothing in "${where}" may be replaced or taken away by anybody.`,
        };
        await expect(card.check([one])).rejects.toMatchObject(refusal);
        if (one.kind === 'create') await expect(card.create('big', big.data)).rejects.toMatchObject(refusal);
      } finally {
        run('chattr', `-${attribute}`, where);
      }
      expect(fs.readdirSync(at).sort()).toEqual(['config.txt', 'overlays']);
      expect(fs.readdirSync(path.join(at, 'overlays'))).toEqual(['a.dtbo']);
      await card.check([one]);
    }
    // A file of which that is true does not speak for the folder.
    fs.writeFileSync(path.join(at, 'other'), '');
    run('chattr', '+i', path.join(at, 'other'));
    try {
      await card.check([big, change]);
    } finally {
      run('chattr', '-i', path.join(at, 'other'));
    }
    await card.close();
  });

  it('that a file is of a group that this user is not in', async () => {
    const at = folder({ 'config.txt': pattern(9, 1) });
    const card = await opened(at);
    const config = path.join(at, 'config.txt');
    if (process.getuid?.() === 0) fs.chownSync(config, 4321, 4323);
    const { uid, gid } = fs.statSync(config);
    vi.spyOn(process, 'geteuid').mockReturnValue(uid);
    vi.spyOn(process, 'getegid').mockReturnValue(4321);
    const groups = vi.spyOn(process, 'getgroups').mockReturnValue([4322]);
    await expect(card.check([change])).rejects.toMatchObject({
      code: 'card.permission',
      message: expect.stringContaining('group') as string,
    });
    groups.mockReturnValue([4322, gid]);
    await card.check([change]);
    vi.restoreAllMocks();
    await card.close();
  });

  it("that a file is another user's", async () => {
    const at = folder({ 'config.txt': pattern(9, 1) });
    const card = await opened(at);
    const geteuid = vi.spyOn(process, 'geteuid').mockReturnValue(4321);
    await expect(card.check([big, change])).rejects.toMatchObject({ code: 'card.permission' });
    geteuid.mockRestore();
    await card.close();
  });

  it('that there is no room; what only gets shorter, or changes in one sector, needs none', async ({
    skip,
  }) => {
    skip(!isRoot, needsRoot);
    const at = folder();
    mountTmpfs(at, 'size=64k');
    const old = pattern(5000, 1);
    fs.writeFileSync(path.join(at, 'config.txt'), old);
    fs.writeFileSync(path.join(at, 'kernel.img'), new Uint8Array(10_000));
    try {
      fs.writeFileSync(path.join(at, 'filler'), new Uint8Array(1 << 20));
    } catch {
      // Full, as wanted.
    }
    expect(fs.statfsSync(at).bavail).toBe(0);
    const card = await opened(at);
    const commented = old.slice();
    commented.set([1, 2, 3], 600);
    for (const data of [commented, commented.subarray(0, 4200)]) {
      await card.check([{ kind: 'replace', path: 'config.txt', data }]);
      await card.replace('config.txt', data);
      expect(Buffer.compare(fs.readFileSync(path.join(at, 'config.txt')), data)).toBe(0);
    }
    const otherwise = commented.slice(0, 4200);
    otherwise.set([1], 0);
    otherwise.set([1], 3000);
    for (const bad of [{ ...change, data: otherwise }, big]) {
      await expect(card.check([bad])).rejects.toMatchObject({ code: 'card.no-room' });
    }
    await card.check([
      { kind: 'remove', path: 'kernel.img' },
      { ...change, data: otherwise },
    ]);
    expect(fs.readdirSync(at).sort()).toEqual(['config.txt', 'filler', 'kernel.img']);
    await card.close();
  });
});
