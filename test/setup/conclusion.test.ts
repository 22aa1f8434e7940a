import '../support/seed.js';
import { createHash } from 'node:crypto';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall } from '../../src/setup/install.js';
import { applyPlan, checkRoom, type Plan } from '../../src/setup/plan.js';
import { surveyCard } from '../../src/setup/survey.js';
import { bootcodeOf, BOOTCODE_2015, BOOTCODE_TODAY } from '../support/bootcode.js';
import {
  BIG_TREE,
  bootPartition,
  FIRMWARE,
  foreignCombined,
  guestFiles,
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
  /"hypberry install" (?:changes that|mends that|brings it|makes it so|has it start)|which "hypberry install" has/;

const sums = (files: Files): string[] =>
  Object.entries(files).map(([path, data]) => `${path} ${createHash('sha1').update(data).digest('hex')}`);

interface Facts {
  readonly install: { readonly needed: boolean; readonly refusal: { readonly code: string } | null };
}

async function outcomeOf(files: Files): Promise<Plan | HypberryError> {
  const card = changeableCard(files);
  try {
    const plan = await planInstall(card, { method: 'auto' });
    await checkRoom(card, plan);
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

const RUNS = Number(process.env['FC_SEED'] === undefined ? 80 : 1000);

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
