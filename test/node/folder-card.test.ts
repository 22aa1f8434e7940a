import fs from 'node:fs';
import path from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { type Card } from '../../src/card/card.js';
import { openCard } from '../../src/node/open-card.js';
import { pattern, run, temporary } from '../card/images.js';

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

function mountTmpfs(at: string, options: string): void {
  run('mount', '-t', 'tmpfs', '-o', options, 'tmpfs', at);
  mountedAt = at;
}

async function opened(at: string, write = true): Promise<Card> {
  return openCard(at, { write });
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

  it('is rid of what an interrupted change left', async () => {
    const at = folder(files);
    fs.writeFileSync(path.join(at, '.hypberry-unfinished'), pattern(1000, 1));
    await (await opened(at)).replace('config.txt', pattern(5, 5));
    expect(fs.readdirSync(at).sort()).toEqual(['Config.txt', 'overlays']);
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
