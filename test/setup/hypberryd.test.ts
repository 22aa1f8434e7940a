import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';
import type { HypberryError } from '../../src/base/errors.js';
import type { Card } from '../../src/card/card.js';
import type { Guest } from '../../src/guest/guests.js';
import { hypberrydFile } from '../../src/hypberryd/program.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { planGuestRemove } from '../../src/setup/guest-add.js';
import { applyPlan, type Plan } from '../../src/setup/plan.js';
import {
  bootPartition,
  guestFilesOf,
  HOST_TREE,
  hypberrydOf,
  kernelFile,
  type Files,
} from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { text } from '../support/kernel-files.js';

const { version } = JSON.parse(
  readFileSync(fileURLToPath(new URL('../../package.json', import.meta.url)), 'utf8'),
) as { version: string };
const code = (it: string): HypberryError => expect.objectContaining({ code: it }) as HypberryError;
const DISK: Partial<Guest> = { disks: [{ path: '/srv/web.img', size: '8G' }] };
const NETWORK: Partial<Guest> = { network: 'host', mac: '52:54:00:12:34:56' };
const program = hypberrydFile();

const partition = (entries: Partial<Guest>, more: Files = {}): Files =>
  bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFilesOf(entries, 'web'), ...more });
const carryOut = async (card: Card, plan: Plan): Promise<Plan> => {
  await applyPlan(card, plan, () => undefined);
  return plan;
};
const install = async (files: Files): Promise<Plan> => {
  const card = changeableCard(files);
  return carryOut(card, await planInstall(card, { method: 'auto' }));
};
const uninstall = async (files: Files): Promise<Plan> => {
  const card = changeableCard(files);
  return carryOut(card, await planUninstall(card));
};
const rowsOf = async (files: Files): Promise<unknown> =>
  (await inspectCard(changeableCard(files))).sections
    .find(({ title }) => title === 'Guests')
    ?.rows.find(([name]) => name === 'hypberryd')?.[1];

describe('install', () => {
  test.each([
    ['a disk', DISK],
    ['a network', NETWORK],
  ])(
    'puts hypberryd on the card of a guest with %s, before config.txt; uninstall takes it away',
    async (_, entries) => {
      const files = partition(entries);
      const before = { ...files };
      const { changes } = await install(files);
      expect(changes[0]).toMatchObject({ kind: 'create', path: 'hypberryd' });
      expect(changes.at(-1)).toMatchObject({ path: 'config.txt' });
      expect(files['hypberryd']).toEqual(program);
      expect((await install(files)).changes).toEqual([]);
      const { notes } = await uninstall(files);
      expect(notes).toEqual([expect.stringMatching(/^hypberryd goes .*"sudo hypberryd uninstall"/)]);
      expect(files).toEqual(before);
    },
  );

  test.each<[string, Partial<Guest>]>([
    ['neither', {}],
    ['no disk in its list, and no network', { disks: [], network: 'none' }],
  ])('on that of one with %s, to see and direct it', async (_, entries) => {
    const files = partition(entries);
    const { notes } = await install(files);
    expect(files['hypberryd']).toEqual(program);
    expect(notes.join()).toContain('by that program you list the guests');
    expect(notes.join()).not.toContain('disks and network of');
  });

  test('takes the place of another release’s, and of what a cut of the power left', async () => {
    for (const there of [
      hypberrydOf('0.0.9'),
      hypberrydOf('99.0.0'),
      new Uint8Array(8192),
      new Uint8Array(0),
    ]) {
      const files = partition(DISK, { hypberryd: there });
      expect((await install(files)).changes[0]).toMatchObject({ kind: 'replace', path: 'hypberryd' });
      expect(files['hypberryd']).toEqual(program);
    }
  });

  test.each<[string, Uint8Array]>([
    ['a script', text('#!/bin/sh\n')],
    ['another program', text('\x7fELF\x01\x01\x01'.padEnd(600, '\0'))],
    ['one byte', text('x')],
  ])(
    'is refused where the user has a file of that name: %s; which stays, whatever is done',
    async (_, own) => {
      const files = partition(DISK, { hypberryd: own });
      const before = { ...files };
      await expect(install(files)).rejects.toThrow(code('setup.hypberryd-file'));
      expect((await inspectCard(changeableCard(files))).refusal).toMatchObject({
        code: 'setup.hypberryd-file',
      });
      expect(await rowsOf(files)).toMatch(/^not there/);
      expect((await uninstall(files)).changes).toEqual([]);
      expect(files).toEqual(before);
    },
  );

  test('takes it away again where no guest needs it, whatever config.txt has to say of it', async () => {
    const files = partition(DISK, { 'config.txt': text('# I have a hypberryd.\n') });
    await install(files);
    const card = changeableCard(files);
    await carryOut(card, await planGuestRemove(card, 'web'));
    await install(files);
    expect(files['hypberryd']).toBeUndefined();
  });

  test.each<[string, string, string]>([
    ['6.12.6-armmp', 'root=x', '"sudo /boot/firmware/hypberryd install"'],
    ['6.1.0-13-armmp-lpae', 'root=x', '"sudo /boot/firmware/hypberryd install"'],
    ['6.6.20+rpt-rpi-v7', 'root=x', '"sudo /boot/firmware/hypberryd install"'],
    ['6.8.0-1018-raspi', 'root=x', '"sudo /boot/firmware/hypberryd install"'],
    ['6.1.21-v7+', 'root=x', '"sudo /boot/hypberryd install"'],
    ['4.19.122-2-osmc', 'root=x', '"sudo /boot/hypberryd install"'],
    ['6.12.56', 'boot=UUID=2004-1234 disk=UUID=1 quiet', '"sudo /flash/hypberryd install"'],
    ['6.6.51-v7+', 'root=x', '(/boot/firmware or /boot): "sudo ./hypberryd install"'],
  ])('says what is next, with a kernel %s and "%s"', async (release, commandLine, next) => {
    const files = partition(DISK, {
      'kernel7.img': kernelFile(1, release),
      'cmdline.txt': text(`${commandLine}\n`),
    });
    const { notes } = await install(files);
    const note = notes.find((it) => it.startsWith('On the Pi, once, '))!;
    expect(note).toContain(next);
    expect(note).toMatch(/serves the disks and network of web, and web waits for it\.$/);
  });

  test('says that it is to be done once more after another release', async () => {
    const { notes } = await install(partition(DISK, { hypberryd: hypberrydOf('0.0.9') }));
    expect(notes.join('\n')).toContain('On the Pi, once more, as it had release 0.0.9, ');
  });

  test('says that nobody waits for a network alone', async () => {
    const { notes } = await install(partition(NETWORK));
    expect(notes.find((it) => it.startsWith('On the Pi, once, '))).toMatch(/network of web\.$/);
  });
});

describe('inspect', () => {
  test('says whether it is there, and of which release', async () => {
    const files = partition(DISK);
    expect(await rowsOf(files)).toMatch(/^not there: "hypberry install"/);
    await install(files);
    expect(await rowsOf(files)).toBe(`release ${version}, for the guests on the Pi`);
    const report = await inspectCard(changeableCard(files));
    expect(report.facts).toMatchObject({
      hypberryd: version,
      ourFiles: expect.arrayContaining(['hypberryd']) as string[],
    });
    files['hypberryd'] = hypberrydOf('0.0.9');
    expect(await rowsOf(files)).toMatch(/^release 0\.0\.9,/);
    expect((await inspectCard(changeableCard(files))).conclusion).toMatch(/It is out of date/);
  });

  test('has no word of it where there are no guests', async () => {
    const without = partition({});
    delete without['hypberry-guests.json'];
    expect(await rowsOf(without)).toBeUndefined();
    expect((await inspectCard(changeableCard(without))).facts).toMatchObject({ hypberryd: null });
  });
});
