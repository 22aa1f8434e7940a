import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { gunzipSync } from 'node:zlib';
import { describe, expect, test } from 'vitest';
import { inspectCard } from '../../src/setup/inspect.js';
import { planGuestRename, planGuestSet } from '../../src/setup/guest-set.js';
import { listGuests } from '../../src/setup/guests.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { applyPlan } from '../../src/setup/plan.js';
import { BOOTCODE_2015, BOOTCODE_TODAY } from '../support/bootcode.js';
import type { Files } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { fixupFor } from '../support/fixups.js';

const fixtures = join(import.meta.dirname, '../fixtures');
const releases = readdirSync(fixtures).filter((name) => /^\d/.test(name));
const cards = releases.flatMap((release) =>
  readdirSync(join(fixtures, release)).map((file) => [release, file.replace('.json.gz', '')] as const),
);

function load(release: string, name: string): { before: Files; after: Files } {
  const json = gunzipSync(readFileSync(join(fixtures, release, `${name}.json.gz`))).toString();
  const { before, after } = JSON.parse(json) as Record<'before' | 'after', Record<string, string>>;
  const bytes = (files: Record<string, string>): Files =>
    Object.fromEntries(
      Object.entries(files).map(([path, data]) => [path, new Uint8Array(Buffer.from(data, 'base64'))]),
    );
  // They were made without the two files that the ROM and bootcode.bin look for, which real cards have.
  const whole = (files: Files): Files => ({
    'bootcode.bin': name.startsWith('armstub') ? BOOTCODE_TODAY : BOOTCODE_2015,
    'fixup.dat': fixupFor(files['start.elf']!.length),
    ...files,
  });
  return { before: whole(bytes(before)), after: whole(bytes(after)) };
}

/** Files in a form whose differences are short. */
const inHex = (files: Files): Record<string, string> =>
  Object.fromEntries(
    Object.keys(files)
      .sort()
      .map((path) => [path, Buffer.from(files[path]!).toString('hex')]),
  );

test('each release has its cards: both methods, with and without guests', () => {
  expect(releases).toContain('0.1.0');
  for (const release of releases)
    expect(cards.filter(([it]) => it === release).map(([, name]) => name)).toEqual(
      expect.arrayContaining(['armstub', 'armstub-guests', 'kernel_old', 'kernel_old-guests']),
    );
});

describe.each(cards)('a card of %s, %s', (release, name) => {
  const { before, after } = load(release, name);
  const ours = Object.keys(after).filter((path) => !(path in before));
  const withGuests = name.endsWith('-guests');

  test('inspect says what it is', async () => {
    expect(ours.length).toBeGreaterThan(0);
    const report = await inspectCard(changeableCard({ ...after }));
    expect(report.start.mode).toBe('HYP');
    expect(report.conclusion).toMatch(
      withGuests
        ? /^This card starts hypberry's hypervisor in HYP mode, with guests web, db\./
        : /^This card starts Linux in HYP mode, by the block that hypberry installed\./,
    );
    const { ourFiles, problem } = report.facts as { ourFiles: string[]; problem: unknown };
    expect([[...ourFiles].sort(), problem]).toEqual([[...ours].sort(), null]);
  });

  test('install brings it up to date and leaves what is the user’s', async () => {
    const files = { ...after };
    const card = changeableCard(files);
    const plan = await planInstall(card, { method: 'auto' });
    expect(plan.method).toBe(name.replace('-guests', ''));
    await applyPlan(card, plan, () => undefined);
    expect((await planInstall(card, { method: 'auto' })).changes).toEqual([]);
    const report = await inspectCard(card);
    expect([report.start.mode, report.conclusion]).toEqual([
      'HYP',
      expect.not.stringMatching(/out of date|refuses/) as string,
    ]);
    // Their firmware knows the filter, as all from 12 February 2015 on.
    expect(new TextDecoder().decode(files['config.txt']).split(/\r?\n/)).toContain('[pi2]');
    for (const [path, data] of Object.entries(before))
      if (path !== 'config.txt') expect(files[path], path).toEqual(data);
    // And no file of the old release stays behind.
    await applyPlan(card, await planUninstall(card), () => undefined);
    expect(inHex(files)).toEqual(inHex(before));
  });

  if (withGuests)
    test('its guests can be changed and renamed', async () => {
      const files = { ...after };
      const card = changeableCard(files);
      const was = await listGuests(card);
      for (const plan of [
        () =>
          planGuestSet(card, 'web', { memory: was.guests[0]!.memory + 2, disks: ['/srv/web.img,size=1G'] }),
        () => planGuestRename(card, 'web', 'www'),
        () => planInstall(card, { method: 'auto' }),
      ])
        await applyPlan(card, await plan(), () => undefined);
      const [web, db] = was.guests;
      expect((await listGuests(card)).guests).toMatchObject([
        { name: 'www', memory: web!.memory + 2, commandLine: web!.commandLine, console: web!.console },
        db!,
      ]);
      expect((await inspectCard(card)).conclusion).toMatch(/^This card starts .* with guests www, db\./);
    });

  test('uninstall gives config.txt back to the byte and takes all files of ours', async () => {
    const files = { ...after };
    const card = changeableCard(files);
    await applyPlan(card, await planUninstall(card), () => undefined);
    expect(inHex(files)).toEqual(inHex(before));
  });
});
