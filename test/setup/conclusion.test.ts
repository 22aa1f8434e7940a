import '../support/seed.js';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall } from '../../src/setup/install.js';
import { applyPlan, checkPlan, type Plan } from '../../src/setup/plan.js';
import { surveyCard } from '../../src/setup/survey.js';
import { BOOTCODE_TODAY, bootcodeOf } from '../support/bootcode.js';
import {
  BIG_TREE,
  bootPartition,
  FIRMWARE,
  foreignCombined,
  guestFiles,
  guestFilesOf,
  HOST_TREE,
  kernelFile,
  TREE,
  type Files,
} from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { fixupFor } from '../support/fixups.js';
import { ARMV7_CODE, concat, entry, text, trailer, u32, zImage } from '../support/kernel-files.js';
import { HYP_STUB, startElfOf, stubOf2015 } from '../support/stub-sources.js';

const PAGE = text('<!DOCTYPE html>\n<html><body>Not found</body></html>\n');
const linux = (...texts: string[]): Uint8Array =>
  concat(
    zImage({ packed: gzipSync(text(`${texts.join('\0')}\0Linux version 4.9.0 (a@b)\n`)) }),
    trailer(entry('DTOK', u32(1))),
  );
const V6 = linux('ARMv6-compatible processor');

/** `undefined` takes the file away. */
type Change = Record<string, Uint8Array | undefined>;

const CONFIG_LINES = [
  'gpu_mem=16',
  'start_x=1',
  'kernel=kernel.img',
  'kernel=gone.img',
  'kernel_old=1',
  'kernel_address=0x208000',
  'armstub=mine.bin',
  'device_tree=',
  'device_tree_address=0x100',
  'initramfs rd followkernel',
  'include more.txt',
  '[pi3]',
  '[all]',
  '[none]',
];

const change = (...changes: readonly Change[]): fc.Arbitrary<Change> => fc.constantFrom({}, {}, ...changes);

/** Boot folders by what may be right and wrong with each of their files. */
const folders: fc.Arbitrary<Files> = fc
  .record({
    firmware: fc.constantFrom<keyof typeof FIRMWARE>(
      'hyp',
      'svc',
      'svc',
      'of2015',
      'of2015',
      'withoutFilters',
    ),
    bootcode: change(
      { 'bootcode.bin': undefined },
      { 'bootcode.bin': PAGE },
      { 'bootcode.bin': bootcodeOf(['x']) },
    ),
    start: change(
      { 'start.elf': undefined },
      { 'start.elf': PAGE },
      { 'start.elf': startElfOf(['nothing'], [stubOf2015({ ...HYP_STUB, hyp: false })]) },
      { 'start.elf': startElfOf(['armstub'], []) },
      { 'start_x.elf': FIRMWARE.svc, 'fixup_x.dat': fixupFor(FIRMWARE.svc.length) },
    ),
    fixup: change({ 'fixup.dat': undefined }, { 'fixup.dat': fixupFor(5000) }, { 'fixup.dat': PAGE }),
    kernel: change(
      { 'kernel7.img': undefined },
      { 'kernel7.img': undefined, 'kernel.img': V6 },
      { 'kernel7.img': V6 },
      { 'kernel7.img': linux('ARMv7 Processor', 'Hyp mode initialized successfully') },
      { 'kernel7.img': zImage({ size: 100_000 }) },
      { 'kernel7.img': ARMV7_CODE },
      { 'kernel7.img': PAGE },
      { 'kernel7.img': new Uint8Array(0) },
      { 'kernel7.img': foreignCombined(kernelFile()) },
      { 'kernel.img': kernelFile(3) },
    ),
    tree: change(
      { 'bcm2709-rpi-2-b.dtb': HOST_TREE },
      { 'bcm2709-rpi-2-b.dtb': HOST_TREE },
      { 'bcm2709-rpi-2-b.dtb': BIG_TREE },
      { 'bcm2709-rpi-2-b.dtb': undefined },
      { 'bcm2709-rpi-2-b.dtb': PAGE },
      { 'bcm2709-rpi-2-b.dtb': TREE.subarray(0, 90) },
    ),
    guests: change(guestFiles('web'), { 'hypberry-guests.json': text('{') }),
    config: fc.array(fc.constantFrom(...CONFIG_LINES), { maxLength: 3 }),
    // Rarely there, so that what it hides is found as well.
    keep: fc.subarray(['bootcode', 'start', 'fixup', 'kernel', 'tree', 'guests'] as const),
  })
  .map(({ firmware, config, keep, ...changes }) => {
    const files: Files = bootPartition(firmware, {
      'config.txt': `${config.join('\n')}\n`,
      'more.txt': 'gpu_mem=32\n',
      'mine.bin': ARMV7_CODE,
      rd: 'ramdisk',
    });
    for (const name of keep) {
      for (const [path, data] of Object.entries(changes[name])) {
        if (data) files[path] = data;
        else Reflect.deleteProperty(files, path);
      }
    }
    return files;
  });

/** What a sentence says that install would do. */
const PROMISE =
  /"hypberry install" (?:changes that|mends that|brings it|makes it so|has it start|has the card start)/;

const sums = (files: Files): string[] =>
  Object.entries(files).map(([path, data]) => `${path} ${createHash('sha1').update(data).digest('hex')}`);

interface Facts {
  readonly install: { readonly needed: boolean; readonly refusal: { readonly code: string } | null };
}

async function outcomeOf(files: Files, force = false): Promise<Plan | HypberryError> {
  const card = changeableCard(files);
  try {
    const plan = await planInstall(card, { method: 'auto', force });
    await checkPlan(card, plan);
    return plan;
  } catch (error) {
    if (error instanceof HypberryError) return error;
    throw error;
  }
}

/** What inspect says of a folder, and that install does not say anything else. */
async function agreeing(files: Files): Promise<Plan | HypberryError> {
  const before = sums(files);
  const { conclusion, start, facts, refusal } = await inspectCard(changeableCard(files));
  const { install } = facts as Facts;
  const outcome = await outcomeOf(files);
  expect(sums(files)).toEqual(before);
  if (outcome instanceof HypberryError) {
    expect(install).toMatchObject({ needed: true, refusal: { code: outcome.code } });
    expect(refusal?.message).toBe(outcome.message);
    expect(conclusion).toContain(outcome.message);
    expect(conclusion).not.toMatch(PROMISE);
    expect(conclusion).not.toContain('not needed');
    return outcome;
  }
  expect(install).toMatchObject({ needed: outcome.changes.length > 0, refusal: null });
  expect(refusal).toBeUndefined();
  if (outcome.changes.length > 0) expect(conclusion).toMatch(PROMISE);
  else {
    expect(conclusion).not.toMatch(PROMISE);
    expect(start.mode).toBe('HYP');
  }
  return outcome;
}

const RUNS = process.env['FC_SEED'] === undefined ? 80 : 1000;

test(`inspect and install say the same of ${RUNS} boot folders`, { timeout: 600_000 }, async () => {
  const seen = new Map<string, number>();
  await fc.assert(
    fc.asyncProperty(folders, fc.nat(), async (files, pick) => {
      const outcome = await agreeing(files);
      const kind =
        outcome instanceof HypberryError ? outcome.code : outcome.changes.length > 0 ? 'changes' : 'nothing';
      seen.set(kind, (seen.get(kind) ?? 0) + 1);
      if (outcome instanceof HypberryError || outcome.changes.length === 0) return;

      const card = changeableCard(files);
      await applyPlan(card, outcome, () => undefined);
      expect((await surveyCard(card)).start.mode).toBe('HYP');
      const after = await agreeing(files);
      expect(after).toMatchObject({ changes: [] });
      // What then happens to it.
      const names = Object.keys(files);
      Reflect.deleteProperty(files, names[pick % names.length]!);
      await agreeing(files);
    }),
    { numRuns: RUNS },
  );
  // The folders are what they are meant to be.
  for (const kind of [
    'changes',
    'nothing',
    'setup.no-bootcode',
    'setup.armv6-kernel',
    'firmware.not-start-elf',
  ])
    expect([...seen.keys()]).toContain(kind);
});

const inspected = async (files: Files): Promise<{ conclusion: string; rows: string[] }> => {
  const { conclusion, sections } = await inspectCard(changeableCard(files));
  return { conclusion, rows: sections.flatMap(({ rows }) => rows.map((row) => row.join(': '))) };
};
const without = (files: Files, ...names: readonly string[]): Files =>
  Object.fromEntries(Object.entries(files).filter(([name]) => !names.includes(name)));

test('a card without bootcode.bin does not start; what a Pi loads by another way is installed with --force', async () => {
  const files = without(bootPartition('svc'), 'bootcode.bin');
  const { conclusion, rows } = await inspected(files);
  expect(conclusion).toMatch(/^This card does not start a Pi 2 as it is\. There is no bootcode\.bin/);
  expect(rows).toContain('bootcode.bin: not there: a Pi 2 does not start from a card without it');
  const card = changeableCard(files);
  await expect(planInstall(card, { method: 'auto' })).rejects.toMatchObject({ code: 'setup.no-bootcode' });
  expect(await planInstall(card, { method: 'auto', force: true })).toMatchObject({ method: 'armstub' });
  // All of the firmware comes from elsewhere.
  const bare = changeableCard(without(files, 'start.elf', 'fixup.dat'));
  await expect(planInstall(bare, { method: 'auto' })).rejects.toMatchObject({ code: 'setup.no-firmware' });
  expect(await planInstall(bare, { method: 'kernel_old' })).toMatchObject({ method: 'kernel_old' });
});

test('what was installed with --force without bootcode.bin is no problem any more, and is said to be without it', async () => {
  const card = changeableCard(without(bootPartition('svc'), 'bootcode.bin'));
  await applyPlan(card, await planInstall(card, { method: 'auto', force: true }), () => undefined);
  const { conclusion, start, isWell, refusal } = await inspectCard(card);
  expect(start.mode).toBe('HYP');
  expect(isWell).toBe(true);
  expect(conclusion).toMatch(
    /^There is no bootcode\.bin: where a Pi loads what is here by another way, this card starts Linux in HYP mode/,
  );
  expect(conclusion).toContain('The block is up to date; "hypberry install" wants --force for this card: ');
  expect(refusal?.code).toBe('setup.no-bootcode');
  // Nor is its hypervisor, with guests.
  const host = changeableCard(
    without(bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles('web') }), 'bootcode.bin'),
  );
  await applyPlan(host, await planInstall(host, { method: 'auto', force: true }), () => undefined);
  expect((await inspectCard(host)).conclusion).toMatch(
    /^There is no bootcode\.bin: .* this card starts hypberry's hypervisor in HYP mode, with guest web\./,
  );
});

test.each([
  [3900, 0],
  [4000, 1],
  [4202, 1],
])('lines of ours behind what the network gives of config.txt are said: %s bytes', async (size, said) => {
  // raspberrypi/firmware, issues 1012 and 1575.
  const files = bootPartition('svc', { 'config.txt': `${'#'.repeat(70)}\n`.repeat(60).slice(0, size) });
  const notesOf = async (card: Files): Promise<string[]> => {
    const { notes } = await planInstall(changeableCard(card), { method: 'auto', force: true });
    return notes.filter((note) => note.includes('the first 4096 alone'));
  };
  expect(await notesOf(files)).toEqual([]);
  const bare = without(files, 'bootcode.bin');
  expect(await notesOf(bare)).toHaveLength(said);
  // What the user wrote themselves.
  const { rows } = await inspected(bare);
  const own = rows.filter((row) => row.includes('config.txt has 4202 bytes'));
  expect(own).toHaveLength(size > 4096 ? 1 : 0);
});

describe('bootcode.bin alone', () => {
  // Documentation, "Special bootcode.bin-only boot mode" and "Network booting".
  const OTHERS = { 'bootcode.bin': BOOTCODE_TODAY };

  test('is said to start what is elsewhere, and nothing is installed beside it', async () => {
    const { conclusion, rows } = await inspected(OTHERS);
    expect(conclusion).toMatch(
      /^Whether this card starts a Pi 2 is not known\. There is bootcode\.bin and no system/,
    );
    expect(rows).toContain('start.elf: not there: bootcode.bin goes on to USB and the network');
    expect(rows.filter((row) => row.startsWith('problem'))).toHaveLength(1);
    for (const method of ['auto', 'kernel_old'] as const) {
      await expect(planInstall(changeableCard(OTHERS), { method, force: true })).rejects.toMatchObject({
        code: 'setup.bootcode-alone',
        hint: expect.stringContaining('the folder that the network has it from') as string,
      });
    }
  });

  test("in a TFTP server's root: folders with a system, named by serial numbers, are named", async () => {
    const folders = {
      '1A2b3c4d/start.elf': FIRMWARE.svc,
      '0badc0de/other': PAGE,
      'overlays/start.elf': PAGE,
    };
    await expect(
      planInstall(changeableCard({ ...OTHERS, ...folders }), { method: 'auto' }),
    ).rejects.toMatchObject({
      code: 'setup.bootcode-alone',
      hint: expect.stringMatching(/serial number for a name: 1A2b3c4d\.$/) as string,
    });
    await expect(planInstall(changeableCard(folders), { method: 'auto' })).rejects.toMatchObject({
      code: 'setup.no-firmware',
      hint: expect.stringMatching(/: 1A2b3c4d\.$/) as string,
    });
  });

  test('of 2015 starts nothing, and beside a kernel it is start.elf that is missing', async () => {
    const old = without(bootPartition('of2015'), 'start.elf', 'fixup.dat', 'kernel7.img');
    expect((await inspected(old)).conclusion).toMatch(
      /^This card does not start a Pi 2 as it is\. There is no start\.elf/,
    );
    const { conclusion, rows } = await inspected(without(bootPartition('svc'), 'start.elf'));
    expect(conclusion).toMatch(/^This card does not start a Pi 2 as it is\. There is no start\.elf/);
    expect(rows.join('\n')).toContain('so its bootcode.bin goes on to USB and the network');
  });
});

test('start.elf that is a web page is called that, once, and bootcode.bin beside it is not', async () => {
  const { conclusion, rows } = await inspected(bootPartition('svc', { 'start.elf': PAGE }));
  expect(conclusion).toMatch(/start\.elf is not the VideoCore's firmware: it is a web page/);
  expect(rows.filter((row) => row.includes('start.elf'))).toHaveLength(2);
  expect(rows.join('\n')).not.toContain('not there');
  expect(rows.find((row) => row.startsWith('bootcode.bin'))).toMatch(/\d+ bytes/);
});

test.each<[string, Change, RegExp]>([
  ['missing', { 'fixup.dat': undefined }, /There is no fixup\.dat, which belongs to start\.elf/],
  ['of another release', { 'fixup.dat': fixupFor(5000) }, /belongs to another release/],
  ['a page', { 'fixup.dat': PAGE }, /it is a web page/],
])(
  'fixup.dat that is %s is said, and refused where the memory has to be known',
  async (_, changes, words) => {
    const broken = (files: Files): Files => {
      const all = Object.entries({ ...files, ...changes }).filter(([, data]) => data !== undefined);
      return Object.fromEntries(all) as Files;
    };
    const refusal = { code: 'setup.no-fixup', message: expect.stringMatching(words) as string };
    const svc = broken(bootPartition('svc'));
    expect((await inspected(svc)).rows.find((row) => row.startsWith('fixup.dat'))).toMatch(words);
    const plan = await planInstall(changeableCard(svc), { method: 'auto' });
    expect([plan.method, plan.notes.join()]).toEqual(['armstub', expect.stringMatching(words)]);
    const old = changeableCard(broken(bootPartition('of2015')));
    await expect(planInstall(old, { method: 'auto' })).rejects.toMatchObject(refusal);
    expect(await planInstall(old, { method: 'auto', force: true })).toMatchObject({ method: 'kernel_old' });
    const guests = { ...guestFiles('web'), 'bcm2709-rpi-2-b.dtb': HOST_TREE };
    const host = changeableCard(broken(bootPartition('svc', guests)));
    await expect(planInstall(host, { method: 'auto', force: true })).rejects.toMatchObject(refusal);
  },
);

test('the fixup file is that of the start.elf in use', async () => {
  const extended = { 'start_x.elf': FIRMWARE.svc, 'config.txt': 'start_x=1\n' };
  const row = async (more: Files): Promise<string | undefined> =>
    (await inspected(bootPartition('svc', { ...extended, ...more }))).rows.find((it) =>
      it.startsWith('fixup'),
    );
  expect(await row({})).toMatch(/^fixup_x\.dat: There is no fixup_x\.dat, which belongs to start_x\.elf/);
  expect(await row({ 'fixup_x.dat': fixupFor(FIRMWARE.svc.length) })).toBe(
    'fixup_x.dat: belongs to start_x.elf',
  );
});

test('what nobody knows of a card is said, and installed over with --force alone', async () => {
  const files = bootPartition('hyp', { 'config.txt': 'kernel=kernel7.img\0.old\n' });
  const { conclusion, rows } = await inspected(files);
  expect(conclusion).toMatch(
    /cannot be told from its files.*refuses it as it is: What the firmware makes of this card is not known/,
  );
  expect(rows.filter((row) => row.startsWith('not known: config.txt, line 1'))).toHaveLength(1);
  const card = changeableCard(files);
  await expect(planInstall(card, { method: 'auto' })).rejects.toMatchObject({ code: 'setup.unsure' });
  await expect(planInstall(card, { method: 'armstub' })).rejects.toMatchObject({ code: 'setup.unsure' });
  expect((await planInstall(card, { method: 'auto', force: true })).changes).not.toEqual([]);
});

test.each([
  ['a program', bootPartition('of2015', { 'kernel7.img': ARMV7_CODE })],
  ['a program, by armstub', bootPartition('svc', { 'kernel7.img': ARMV7_CODE })],
])('what --force has installed is not at once refused: %s', async (_, files) => {
  const card = changeableCard(files);
  await applyPlan(card, await planInstall(card, { method: 'auto', force: true }), () => undefined);
  const message = 'kernel7.img is not a kernel that hypberry knows';
  const { conclusion, facts, sections } = await inspectCard(card);
  expect(conclusion).toContain(
    `by the block that hypberry installed. The block is up to date; "hypberry install" wants --force for this card: ${message}`,
  );
  expect(sections.flatMap(({ rows }) => rows).filter(([name]) => name === 'problem')).toEqual([]);
  expect((facts as Facts).install).toMatchObject({ refusal: { code: 'setup.not-a-kernel' } });
  // Not as install makes it.
  const ours = Object.keys(files).find((name) => name.startsWith('hypberry-'));
  files[ours!] = concat(files[ours!]!, text('x'));
  expect((await inspectCard(card)).conclusion).toContain(
    `The block is out of date; "hypberry install" wants --force to renew it: ${message}`,
  );
});

test.each(['KERNEL7.IMG', 'Config.txt', 'START.ELF', 'Bootcode.bin', 'BCM2709-rpi-2-b.dtb'])(
  'which of two files the firmware reads whose names are one on FAT is not known: %s',
  async (twin) => {
    const files = bootPartition('svc', { 'config.txt': 'a=1\n' });
    const { conclusion, rows } = await inspected({ ...files, [twin]: text('x') });
    expect(conclusion).toContain('cannot be told from its files');
    expect(rows).toContainEqual(expect.stringMatching(new RegExp(`^not known: .*${twin} are one name`)));
    expect(
      (await inspected({ ...files, 'README.TXT': text('x'), 'readme.txt': text('y') })).conclusion,
    ).not.toContain('cannot be told');
  },
);

test('Linux that kernel_old=1 of the user starts without a block is not said to start', async () => {
  const files = bootPartition('svc', { 'config.txt': 'kernel_old=1\n' });
  const { conclusion, rows } = await inspected(files);
  expect(conclusion).toMatch(/^This card does not start a Pi 2 as it is\. config\.txt sets kernel_old=1/);
  expect(conclusion).not.toContain('SVC mode');
  expect(rows).toContainEqual(expect.stringMatching(/^mode: none: .*all four cores would start it at once/));
  for (const force of [false, true])
    expect(await outcomeOf(files, force)).toMatchObject({ code: 'setup.kernel-old-in-use' });
});

test("a program of nobody's knowledge that kernel_old=1 starts in the secure state may go to HYP mode", async () => {
  const files = bootPartition('svc', { 'config.txt': 'kernel_old=1\n', 'kernel7.img': ARMV7_CODE });
  const { conclusion, rows } = await inspected(files);
  expect(conclusion).toMatch(/^Which mode this card starts its kernel in cannot be told/);
  expect(rows).toContainEqual(expect.stringMatching(/^mode: unknown: .*secure state/));
  // No word of --force, which changes nothing.
  for (const force of [false, true]) {
    const outcome = await outcomeOf(files, force);
    expect(outcome).toMatchObject({ code: 'setup.kernel-old-in-use' });
    expect((outcome as HypberryError).hint).not.toContain('--force');
  }
});

test("a program of nobody's knowledge that starts in HYP mode by itself is left alone", async () => {
  const plan = await planInstall(changeableCard(bootPartition('hyp', { 'kernel7.img': ARMV7_CODE })), {
    method: 'auto',
  });
  expect(plan.changes).toEqual([]);
});

test("the kernel's command line is shown, with where it comes from", async () => {
  const { rows } = await inspected(
    bootPartition('svc', { 'cmdline.txt': 'console=tty1 root=/dev/sda2 quiet\n' }),
  );
  expect(rows.find((row) => row.startsWith('command line'))).toMatch(/console=tty1 root=\/dev\/sda2 quiet$/);
  expect(rows).toContain('root file system: /dev/sda2');
  expect(rows).toContain('from: cmdline.txt and the firmware');
  const own = bootPartition('svc', { 'config.txt': 'cmdline=mine.txt\n', 'mine.txt': 'root=/dev/sdb1' });
  expect((await inspected(own)).rows).toContain('from: mine.txt and the firmware');
  expect((await inspected(without(own, 'mine.txt'))).rows).toContain(
    'from: the firmware: mine.txt is not there',
  );
});

test('guests beside KVM or Xvisor: the one is told, the other refused', async () => {
  const tree = { 'bcm2709-rpi-2-b.dtb': HOST_TREE };
  const notes = async (kernel: Uint8Array, guests = true): Promise<string> => {
    const files = bootPartition('svc', { ...tree, ...(guests && guestFiles('web')), 'kernel7.img': kernel });
    return (await planInstall(changeableCard(files), { method: 'auto', force: true })).notes.join('\n');
  };
  const [V7, LONG, KVM] = [
    'ARMv7 Processor',
    'level 1 translation fault',
    'Hyp mode initialized successfully',
  ];
  expect(await notes(linux(V7, LONG, KVM))).toMatch(/kernel7\.img has KVM, which does not start beside/);
  expect(await notes(linux(V7, LONG, KVM), false)).not.toContain('KVM');
  expect(await notes(linux(V7, LONG))).not.toContain('KVM');
  expect(await notes(ARMV7_CODE)).toMatch(/could not be seen: KVM and Xvisor/);
  const xvisor = concat(ARMV7_CODE, text('\0Xvisor\0'));
  await expect(notes(xvisor)).rejects.toMatchObject({ code: 'setup.host-hypervisor' });
  expect(await notes(xvisor, false)).toBe('');
  const uBoot = concat(ARMV7_CODE, text('\0U-Boot 2025.01 (Jan 06 2025)\0'));
  await expect(notes(uBoot)).rejects.toMatchObject({ code: 'setup.host-u-boot' });
  expect(await notes(uBoot, false)).toBe('');
});

// Linux, arch/arm/kernel/setup.c, early_mem: what the first one says is all the memory that there is.
test.each([
  ['mem=768M', false],
  ['MEM=768M quiet', true],
  ['console=tty1 mem=0x30000000', false],
  ['mem=128M mem=64m@0x38000000', false],
  ['mem=1G', false],
  ['mem=512M', true],
  ['mem=524288K quiet', true],
  ['mem=64m@0x4000000', true],
  ['crashkernel=1G vmem=1G mem=x', true],
])('a host whose command line has %s is taken: %s', async (line, isTaken) => {
  const guests = guestFilesOf({ memory: 256 }, 'web');
  const tree = { 'bcm2709-rpi-2-b.dtb': HOST_TREE };
  const files = bootPartition('svc', { ...tree, ...guests, 'cmdline.txt': `${line}\n` });
  const plan = planInstall(changeableCard(files), { method: 'auto' });
  if (isTaken) await expect(plan).resolves.toMatchObject({ method: 'armstub' });
  else await expect(plan).rejects.toMatchObject({ code: 'hypervisor.host-memory' });
});

test('start.elf is read once for a report', async () => {
  const files = bootPartition('svc');
  const card = changeableCard(files);
  const reads: string[] = [];
  await inspectCard({
    ...card,
    read: async (path, offset, length) => {
      if (offset === undefined) reads.push(path);
      return card.read(path, offset, length);
    },
  });
  for (const name of ['start.elf', 'kernel7.img']) expect(reads.filter((it) => it === name)).toHaveLength(1);
});

test('a ramdisk that ramfsfile names has no row of a line that is not there', async () => {
  const files = { ...bootPartition('svc'), 'rd.gz': text('ramdisk') };
  const settings = 'ramfsfile=rd.gz\nramfsaddr=0x00a00000\n';
  const old = (await inspected({ ...files, 'config.txt': text(settings) })).rows;
  expect(old).toContain('ramfsaddr=0x00a00000: config.txt, line 2');
  expect(old).toContain('initramfs: rd.gz at 0xa00000');
  expect(old.join('\n')).not.toContain('initramfs rd.gz');
  const { rows } = await inspected({ ...files, 'config.txt': text('initramfs rd.gz\n') });
  expect(rows).toContain('initramfs rd.gz followkernel: config.txt, line 1');
  const placed = await inspected({ ...files, 'config.txt': text('initramfs rd.gz 0x800000\n') });
  expect(placed.rows).toContain('initramfs rd.gz 0x800000: config.txt, line 1');
});

test('a kernel without a tree is not said to get ATAGS where they are turned off', async () => {
  const row = async (config: string): Promise<string | undefined> =>
    (await inspected({ ...bootPartition('svc'), 'config.txt': text(config) })).rows.find((line) =>
      line.startsWith('device tree: '),
    );
  expect(await row('device_tree=\n')).toBe('device tree: none, the kernel gets ATAGS');
  expect(await row('device_tree=\ndisable_commandline_tags=1\n')).toBe(
    'device tree: none, the kernel gets no ATAGS either (disable_commandline_tags)',
  );
});

test.each([
  ['Linux', kernelFile()],
  ['U-Boot', concat(ARMV7_CODE, text('\0U-Boot 2020.01 (Jan 01 2020 - 00:00:00 +0000)\0'))],
  ['its kernel', concat(ARMV7_CODE, new Uint8Array(0x1000).fill(0x5a))],
])('what the card starts is called %s', async (name, kernel) => {
  for (const mode of ['hyp', 'svc'] as const) {
    const { conclusion } = await inspected(bootPartition(mode, { 'kernel7.img': kernel }));
    expect(conclusion).toContain(`This card starts ${name} in ${mode.toUpperCase()} mode`);
  }
});

test('a folder that is /boot of a newer system is told where the boot partition is', async () => {
  const moved = text('DO NOT EDIT THIS FILE\n');
  const { refusal } = await inspectCard(changeableCard({ 'config.txt': moved, 'cmdline.txt': moved }));
  expect(refusal).toMatchObject({
    code: 'setup.no-firmware',
    hint: expect.stringContaining('/boot/firmware') as string,
  });
});

test('settings that no table knows are named once, those of known names with a port are not', async () => {
  const config = 'fast=true\nfast=false\nhdmi_mode:0=4\ngpu_mem=64\n';
  const { sections } = await inspectCard(
    changeableCard({ ...bootPartition('svc'), 'config.txt': text(config) }),
  );
  const notes = sections.flatMap(({ rows }) =>
    rows.filter(([what]) => what === 'note').map(([, note]) => note),
  );
  expect(notes.filter((note) => note.startsWith('not known to hypberry'))).toEqual([
    "not known to hypberry as the firmware's: fast",
  ]);
});

test.each(['bootcode.bin', 'config.txt', 'start.elf', 'fixup.dat', 'kernel7.img', 'hypberry-guests.json'])(
  'that this user may not read %s says nothing of the card',
  async (name) => {
    const files = bootPartition('svc', { ...guestFiles('web'), 'config.txt': text('') });
    const card = changeableCard(files);
    const refusal = new HypberryError('card.permission', `You may not open "${name}".`, 'Use sudo.');
    const closed = {
      ...card,
      read: async (path: string, ...part: number[]) => {
        if (path.toLowerCase() === name) throw refusal;
        return card.read(path, ...part);
      },
    };
    await expect(inspectCard(card)).resolves.toMatchObject({ sections: expect.any(Array) as unknown });
    await expect(inspectCard(closed)).rejects.toBe(refusal);
  },
);

test('a card with a stub and no kernel, as one with UEFI for a Pi 3, is not said to start nothing', async () => {
  const files = bootPartition('svc', {
    'config.txt': text('armstub=RPI_EFI.fd\nkernel_address=0x400000\n'),
    'RPI_EFI.fd': ARMV7_CODE,
  });
  delete files['kernel7.img'];
  const { start, conclusion, isWell } = await inspectCard(changeableCard(files));
  expect(start.mode).toBe('unknown');
  expect(conclusion).toMatch(/^Whether this card starts a Pi 2 is not known\. .*RPI_EFI\.fd/);
  expect(isWell).toBe(false);
  expect(await outcomeOf(files)).toMatchObject({ code: 'firmware.stub-alone' });
  // Under kernel_old no stub counts, and one that is not there neither.
  for (const config of ['armstub=RPI_EFI.fd\nkernel_old=1\n', 'armstub=gone.bin\n', '']) {
    const report = await inspectCard(changeableCard({ ...files, 'config.txt': text(config) }));
    expect(report.start.mode, config).toBe('none');
  }
});

test('a system in boot.img: not known, and install refuses', async () => {
  const bootcode = concat(BOOTCODE_TODAY, text('boot_ramdisk\0'));
  const files = bootPartition('hyp', { 'config.txt': text('boot_ramdisk=1\n'), 'bootcode.bin': bootcode });
  const { start, conclusion, isWell } = await inspectCard(changeableCard(files));
  expect(start.mode).toBe('unknown');
  expect(conclusion).toMatch(/^Whether this card starts a Pi 2 is not known\. .*boot\.img/);
  expect(isWell).toBe(false);
  expect(await outcomeOf(files)).toMatchObject({ code: 'firmware.boot-ramdisk' });
});

test('a kernel that starts at 0, where the ATAGS would be, as that of Windows 10 IoT Core: not known', async () => {
  const program = new Uint8Array(2000).fill(0x5a);
  program.set(ARMV7_CODE);
  const files = bootPartition('of2015', {
    'config.txt': text('init_uart_clock=16000000    # set uart clock\nkernel_old=1       # at 0\n'),
    'kernel7.img': program,
  });
  delete files['bcm2709-rpi-2-b.dtb'];
  const { start, conclusion } = await inspectCard(changeableCard(files));
  expect(start.mode).toBe('unknown');
  expect(start.because).toMatch(
    /kernel7\.img at 0, where the firmware's ATAGS would be too, from 0x100 to 0x/,
  );
  expect(conclusion).not.toContain('does not start');
  expect(await outcomeOf(files)).toMatchObject({ code: 'setup.unsure' });
  const without = { ...files, 'config.txt': text('kernel_old=1\ndisable_commandline_tags=1\n') };
  const { start: plain } = await inspectCard(changeableCard(without));
  expect(plain.because).not.toContain('ATAGS');
});

test('a tree that reaches beyond device_tree_end: not known', async () => {
  const files = bootPartition('svc', { 'bcm2709-rpi-2-b.dtb': BIG_TREE });
  const lines = 'device_tree_address=0x100\ndevice_tree_end=';
  const { start } = await inspectCard(changeableCard({ ...files, 'config.txt': text(`${lines}0x4000\n`) }));
  expect(start.mode).toBe('unknown');
  expect(start.because).toMatch(
    /beyond device_tree_end \(0x4000\), and what the firmware does then is not known/,
  );
  const fits = await inspectCard(changeableCard({ ...files, 'config.txt': text(`${lines}0x80000\n`) }));
  expect(fits.start.because).not.toContain('device_tree_end');
});

// Cards of Ubuntu 16.04, whose kernel grew out of them: Launchpad, bug 1652270.
test('a tree that config.txt has put into the page tables does not reach Linux: a card that does not start', async () => {
  for (const firmware of ['svc', 'hyp'] as const) {
    const lines = text('device_tree_address=0x100\ndevice_tree_end=0x8000\n');
    const files = bootPartition(firmware, { 'bcm2709-rpi-2-b.dtb': BIG_TREE, 'config.txt': lines });
    const { start, conclusion } = await inspectCard(changeableCard(files));
    expect(start).toMatchObject({ mode: 'none' });
    expect(conclusion).toMatch(/^This card does not start a Pi 2 as it is\. The device tree reaches to 0x/);
    expect(await outcomeOf(files)).toMatchObject({ code: 'setup.tree-lost' });
    const small = bootPartition(firmware, { 'config.txt': lines });
    expect((await inspectCard(changeableCard(small))).start.mode).toBe(firmware.toUpperCase());
  }
});

// raspberrypi/linux, pull 1178; Hexxeh/rpi-firmware, issue 150.
test('Linux that starts by a device tree alone, and gets none, does not start', async () => {
  const svc = (more: Files): Files => bootPartition('svc', more);
  const without = (files: Files): Files =>
    Object.fromEntries(Object.entries(files).filter(([path]) => !path.endsWith('.dtb')));
  const empty = text('device_tree=\n');
  const mainline = kernelFile(1, '6.1.0-50-armmp');
  const withTrailer = (...parts: Uint8Array[]): Uint8Array =>
    concat(...parts, trailer(entry('DTOK', u32(1)), entry('KVer', text('Linux version 6.1.0 (a)\0'))));
  for (const [files, mode] of [
    [svc({ 'config.txt': empty, 'kernel7.img': mainline }), 'none'],
    [without(svc({ 'kernel7.img': mainline })), 'none'],
    [svc({ 'config.txt': empty, 'kernel7.img': kernelFile(1, '4.4.0-v7+') }), 'none'],
    // That firmware wants to be told that a kernel takes one.
    [
      bootPartition('of2015', {
        'kernel7.img': zImage({ packed: gzipSync(text('Linux version 4.14.71-v7+ (a)\n'.padEnd(600))) }),
      }),
      'none',
    ],
    // Up to the end of 2015 they had both.
    [svc({ 'config.txt': empty, 'kernel7.img': kernelFile(1, '4.1.13-v7+') }), 'SVC'],
    [svc({ 'config.txt': empty, 'kernel7.img': kernelFile(1, '4.3.3-v7+') }), 'SVC'],
    [svc({ 'kernel7.img': mainline }), 'SVC'],
    // It has one of its own.
    [svc({ 'config.txt': empty, 'kernel7.img': withTrailer(zImage(), TREE) }), 'SVC'],
    [svc({ 'config.txt': empty, 'kernel7.img': withTrailer(zImage(), new Uint8Array(TREE.length)) }), 'none'],
    // Whether the firmware takes a damaged one for none is not known.
    [svc({ 'bcm2709-rpi-2-b.dtb': TREE.slice(0, 40), 'kernel7.img': mainline }), 'unknown'],
  ] as const) {
    const { start, conclusion } = await inspectCard(changeableCard(files));
    expect([start.mode, conclusion]).toEqual([mode, expect.any(String)]);
    const outcome = await agreeing(files);
    if (mode !== 'none') continue;
    expect(conclusion).toMatch(
      /^This card does not start a Pi 2 as it is\. kernel7\.img is Linux \S+, which starts with a device tree alone/,
    );
    expect(outcome).toMatchObject({ code: 'setup.needs-tree' });
  }
});

// Firmware of 2015 has no other place for it; what it does with one that is too large is not known of all.
test('a tree that the firmware itself puts into the page tables: install puts it elsewhere', async () => {
  for (const [version, mode] of [
    ['4.1.13-v7+', 'unknown'],
    ['4.9.31-v7+', 'none'],
  ] as const) {
    const files = bootPartition('of2015', {
      'bcm2709-rpi-2-b.dtb': BIG_TREE,
      'kernel7.img': kernelFile(1, version),
    });
    const { start } = await inspectCard(changeableCard(files));
    expect(start).toMatchObject({
      mode,
      because: expect.stringContaining('it is destroyed there') as string,
    });
    expect(await agreeing(files)).toMatchObject({ method: 'kernel_old' });
  }
});

test('two things in one place: which of them stays is not known', async () => {
  for (const line of ['device_tree_address=0x8100', 'device_tree_address=0x80', 'initramfs rd 0x8080']) {
    const files = bootPartition('svc', { 'config.txt': text(`${line}\n`), rd: text('ramdisk') });
    const { start, conclusion } = await inspectCard(changeableCard(files));
    expect(start.mode).toBe('unknown');
    expect(conclusion).toMatch(/^Whether this card starts a Pi 2 is not known\. The .* would overwrite the /);
    expect(await outcomeOf(files)).toMatchObject({ code: 'firmware.overlap' });
  }
});

test('under os_prefix, files are named by where they are', async () => {
  const { 'kernel7.img': kernel, 'bcm2709-rpi-2-b.dtb': tree, ...rest } = bootPartition('svc');
  const files: Files = {
    ...rest,
    'config.txt': text('os_prefix=new/\ninitramfs rd,/more followkernel\n'),
    'cmdline.txt': text('root=/dev/sda2'),
    'new/kernel7.img': kernel!,
    'new/bcm2709-rpi-2-b.dtb': tree!,
    'new/rd': text('ramdisk'),
    more: text('more'),
  };
  const rowsOf = async (card: Files): Promise<string> => (await inspected(card)).rows.join('\n');
  const rows = await rowsOf(files);
  expect(rows).toContain('from: cmdline.txt and the firmware');
  expect(rows).toMatch(/initramfs: new\/rd,more at 0x/);
  const both = await rowsOf({ ...files, 'new/cmdline.txt': text('root=/dev/sdb1') });
  expect(both).toContain('from: new/cmdline.txt and the firmware');
});

test.each<[string, RegExp, Files]>([
  ['[gpio4=1]\nkernel=gone.img\n', /^Whether this card starts a Pi 2 is not known\. .*gone\.img/, {}],
  [
    '[EDID=ABC]\nkernel=there.img\n',
    /^Whether this card starts a Pi 2 is not known\. kernel7\.img/,
    { 'kernel7.img': V6, 'there.img': kernelFile() },
  ],
  ['[pi2]\nkernel=gone.img\n', /^This card does not start a Pi 2 as it is\. .*gone\.img/, {}],
])('a kernel that is missing, or not, with what is connected: %j', async (config, says, more) => {
  const card = changeableCard(bootPartition('svc', { 'config.txt': config, ...more }));
  expect((await inspectCard(card)).conclusion).toMatch(says);
  await expect(planInstall(card, { method: 'auto' })).rejects.toBeInstanceOf(HypberryError);
});
