import { readFile } from 'node:fs/promises';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { inputs } from '../../scripts/lib/inputs.js';
import { HypberryError } from '../../src/base/errors.js';
import { doubtKernelOld, reportOnBuild } from '../../src/firmware/builds.js';
import { buildPlainStub } from '../../src/firmware/plain-stub.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { describeStartElf, knowsFilter, readsSections, readStartElf } from '../../src/firmware/start-elf.js';
import { patchStub, readStub } from '../../src/firmware/stub.js';
import { readU32LE } from '../../src/base/bytes.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, type InstallOptions } from '../../src/setup/install.js';
import { applyPlan } from '../../src/setup/plan.js';
import {
  bootPartition,
  foreignCombined,
  guestFiles,
  HOST_TREE,
  kernelFile,
  type Files,
} from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { fixupFor } from '../support/fixups.js';
import { zImage } from '../support/kernel-files.js';
import {
  HYP_STUB,
  startElfOf,
  stubOf2015,
  stubWithContract,
  TEXTS_2015,
  TEXTS_TODAY,
} from '../support/stub-sources.js';

const flags = [false, true];

describe('a stub', () => {
  const all = flags.flatMap((hyp) =>
    flags.flatMap((waits) =>
      (waits ? flags : [false]).flatMap((clears) =>
        flags.map((newerCore) => ({ hyp, waits, clears, newerCore })),
      ),
    ),
  );

  test.each(all)('of 2015 with %o is told by what it does', (traits) => {
    expect(readStub(stubOf2015(traits))).toEqual({
      instructionSet: 'A32',
      mode: traits.hyp ? 'HYP' : 'SVC',
      waitsOnMailbox: traits.waits,
      clearsMailbox: traits.clears,
      forNewerCore: traits.newerCore,
      tree: { from: 'word', offset: 0x14 },
      kernel: { from: 'code', address: 0x8000 },
      hasContract: false,
    });
  });

  test.each(all)('with the contract and %o is told by what it does', (traits) => {
    expect(readStub(stubWithContract(traits))).toEqual({
      instructionSet: 'T32',
      mode: traits.hyp ? 'HYP' : 'SVC',
      waitsOnMailbox: traits.waits,
      clearsMailbox: traits.clears,
      forNewerCore: traits.newerCore,
      tree: { from: 'word', offset: 0xf8 },
      kernel: { from: 'word', offset: 0xfc },
      hasContract: true,
    });
  });

  test('gets the addresses where it keeps them, and nowhere else', () => {
    const old = stubOf2015(HYP_STUB);
    const patched = patchStub(old, readStub(old)!, 0x1234_5600, 0x8000);
    expect(readU32LE(patched, 0x14)).toBe(0x1234_5600);
    expect(patched.filter((byte, i) => byte !== old[i] && (i < 0x14 || i >= 0x18))).toHaveLength(0);

    const today = stubWithContract(HYP_STUB);
    const filled = patchStub(today, readStub(today)!, 0x2eff_0000, 0x20_8000);
    expect([readU32LE(filled, 0xf8), readU32LE(filled, 0xfc)]).toEqual([0x2eff_0000, 0x20_8000]);
    expect(filled.subarray(0, 0xf8)).toEqual(today.subarray(0, 0xf8));
  });

  test('is nothing else: zeros, text, any bytes without a Secure Monitor Call', () => {
    expect(readStub(new Uint8Array(256))).toBeUndefined();
    expect(readStub(new TextEncoder().encode('All work and no play. '.repeat(20)))).toBeUndefined();
    expect(readStub(new Uint8Array(10))).toBeUndefined();
    // Ours goes through Monitor mode by CPS; it is known by other means.
    expect(readStub(buildPlainStub(0x100, 0x8000))).toBeUndefined();
  });

  test('of any bytes ends without a fault', () => {
    fc.assert(
      fc.property(fc.uint8Array({ minLength: 0, maxLength: 300 }), fc.boolean(), (bytes, likely) => {
        if (likely && bytes.length >= 8) bytes.set([0xb0, 0x6f, 0x10, 0xee, 0x04, 0, 0, 0xfa]);
        readStub(bytes);
      }),
      { numRuns: 500 },
    );
  });
});

describe('reports on firmware that did not start a Pi 2', () => {
  test.each([
    ['Oct 12 2019', undefined],
    ['Oct 21 2019', '1277'],
    ['Jun  1 2020', undefined],
    ['Jul 17 2020', '1453'],
    ['Jul 23 2020', '1453'],
    ['Jul 24 2020', undefined],
    ['Dec  7 2020', undefined],
    ['Dec 14 2020', '1511'],
    ['Dec 15 2020', undefined],
    ['Nov 18 2021', undefined],
    ['Jan 18 2022', '1686'],
    ['Jan 20 2022', undefined],
    [undefined, undefined],
  ])('%s: issue %s', (date, issue) => {
    const report = reportOnBuild(date);
    if (issue === undefined) expect(report).toBeUndefined();
    else expect(report).toContain(`issue ${issue})`);
  });

  test('are told by inspect and install', async () => {
    const texts = TEXTS_TODAY.map((it) => it.replace('Apr 17 2024', 'Dec 14 2020'));
    const startElf = startElfOf(texts, [stubWithContract({ ...HYP_STUB, hyp: false })]);
    const files = bootPartition('svc', { 'start.elf': startElf, 'fixup.dat': fixupFor(startElf.length) });
    const report = reportOnBuild('Dec 14 2020');
    const { sections } = await inspectCard(changeableCard(files));
    const rows = sections.flatMap((it) => it.rows).filter(([, text]) => text === report);
    expect(rows).toEqual([['note', report]]);
    expect((await planInstall(changeableCard(files), { method: 'auto' })).notes).toContain(report);
  });
});

describe('kernel_old=1 with firmware of 2025 and later', () => {
  const LARGE = new Uint8Array(600_000).fill(7);
  const dated = (date: string): Uint8Array =>
    startElfOf(
      TEXTS_TODAY.map((it) => it.replace('Apr 17 2024', date)),
      [stubWithContract({ ...HYP_STUB, hyp: false })],
    );
  const cardOf = (date: string, more: Readonly<Record<string, string | Uint8Array>> = {}): Files => {
    const startElf = dated(date);
    const large = { 'kernel7.img': zImage({ packed: LARGE }) };
    return bootPartition('svc', {
      'start.elf': startElf,
      'fixup.dat': fixupFor(startElf.length),
      ...large,
      ...more,
    });
  };
  const code = async (files: Files, options: InstallOptions): Promise<string> =>
    planInstall(changeableCard(files), options).then(
      ({ method }) => method ?? 'nothing',
      (error: unknown) => (error as HypberryError).code,
    );

  test.each([
    ['Dec 31 2024', 600_000, false],
    ['Jan  1 2025', 600_000, true],
    ['Feb  3 2026', 600_000, true],
    // Nothing below 512 KiB was seen to be damaged.
    ['Jan  1 2025', 0x8_0008, false],
    [undefined, 600_000, false],
  ])('built %s, a file of %d bytes: in doubt %s', (date, size, expected) => {
    expect(doubtKernelOld(date, size) !== undefined).toBe(expected);
  });

  test('is not chosen, and refused where it is asked for', async () => {
    expect(await code(cardOf('Dec 31 2024'), { method: 'kernel_old' })).toBe('kernel_old');
    const files = cardOf('Jul  1 2025');
    expect(await code(files, { method: 'kernel_old' })).toBe('setup.kernel-old-unsure');
    expect(await code(files, { method: 'kernel_old', force: true })).toBe('kernel_old');
    expect(await code(files, { method: 'auto' })).toBe('armstub');
    expect(await code(cardOf('Jul  1 2025', { 'kernel7.img': kernelFile() }), { method: 'kernel_old' })).toBe(
      'kernel_old',
    );
    // With guests the file is large in any case.
    const guests = cardOf('Jul  1 2025', { 'bcm2709-rpi-2-b.dtb': HOST_TREE, ...guestFiles('web') });
    expect(await code({ ...guests, 'kernel7.img': kernelFile() }, { method: 'kernel_old' })).toBe(
      'setup.kernel-old-unsure',
    );
  });

  test('is left for armstub where new firmware came to a card', async () => {
    const card = changeableCard(cardOf('Dec 31 2024'));
    await applyPlan(card, await planInstall(card, { method: 'kernel_old' }), () => undefined);
    const newer = dated('Jul  1 2025');
    await card.replace('start.elf', newer);
    await card.replace('fixup.dat', fixupFor(newer.length));
    const report = await inspectCard(card);
    expect(report.sections.flatMap((it) => it.rows)).toContainEqual([
      'not known',
      expect.stringContaining('issue 1979'),
    ]);
    expect(report.conclusion).toContain('"hypberry install" brings it up to date');
    expect((await prepareHandover(card)).picked.notes).toContainEqual(expect.stringContaining('issue 1979'));
    const plan = await planInstall(card, { method: 'auto' });
    expect(plan.method).toBe('armstub');
  });

  test("a user's own card with it is not known, and not changed", async () => {
    const own = cardOf('Jul  1 2025', {
      'kernel7.img': foreignCombined(zImage({ packed: LARGE })),
      'config.txt': 'kernel_old=1\n',
    });
    expect(await code(own, { method: 'auto' })).toBe('setup.unsure');
    const { conclusion } = await inspectCard(changeableCard(own));
    expect(conclusion).toContain('cannot be told from its files');
    expect(conclusion).toContain('issue 1979');
  });
});

describe('start.elf', () => {
  const newer = { ...HYP_STUB, newerCore: true };
  const parked = { ...HYP_STUB, waits: false, clears: false };

  test('of 2015 tells its date, what it knows and its stub', () => {
    const file = startElfOf(TEXTS_2015, [stubOf2015({ ...HYP_STUB, hyp: false, clears: false })]);
    const firmware = readStartElf(file);
    expect(firmware).toMatchObject({
      buildDate: 'Nov 25 2015',
      buildTime: '17:48:48',
      version: undefined,
      knowsArmstub: false,
      knowsArmstub7File: false,
      knowsKernelOld: true,
      knowsDeviceTreeAddress: true,
      filters: ['all', 'pi1', 'pi2', 'edid'],
      treeNeeds: 'trailer',
      placesHigh: false,
      stub: {
        mode: 'SVC',
        waitsOnMailbox: true,
        clearsMailbox: false,
        offset: file.length - 0x200,
        length: 0x100,
      },
    });
    expect(describeStartElf(firmware)).toMatch(/Nov 25 2015.*SVC mode/);
  });

  test('tells its filters by the words around the form of a section', () => {
    const filtersOf = (texts: readonly string[]): unknown => readStartElf(startElfOf(texts, [])).filters;
    expect(filtersOf(TEXTS_2015)).toEqual(['all', 'pi1', 'pi2', 'edid']);
    expect(filtersOf(TEXTS_2015.filter((text) => text !== 'pi2'))).toEqual(['all', 'pi1', 'edid']);
    expect(filtersOf(TEXTS_TODAY)).toEqual(expect.arrayContaining(['pi3+', 'none', 'tryboot', 'board-type']));
    expect(filtersOf(['kernel_old'])).toEqual([]);
    // Where they stand somewhere else, nothing is said of them.
    expect(filtersOf(['pi2', 'x'.repeat(8), ' ', 'kernel_old', '[%60c]'])).toBeUndefined();
    // Firmware of December 2012 has the form, and pi2 nowhere.
    expect(filtersOf(['kernel_old', '[%60c]'])).toEqual(['all']);
    // Names of a pin's functions, which stand in firmware of 2014, too.
    expect(filtersOf(['spi1', 'spi2', 'x'.repeat(8), ' ', 'kernel_old', '[%60c]'])).toEqual(['all']);
  });

  test.each([
    ['of today', TEXTS_TODAY, true, true],
    ['of 2015', TEXTS_2015, true, true],
    ['of before 12 February 2015', TEXTS_2015.filter((text) => text !== 'pi2'), true, false],
    ['of 2012', ['kernel_old', '[%60c]'], true, false],
    ['older than filters', ['kernel_old'], false, false],
    ['whose words stand elsewhere', ['pi2', 'x'.repeat(8), ' ', 'kernel_old', '[%60c]'], true, true],
  ])('%s is asked for one', (_, texts, reads, pi2) => {
    const firmware = readStartElf(startElfOf(texts, []));
    expect([readsSections(firmware), knowsFilter(firmware, 'pi2')]).toEqual([reads, pi2]);
  });

  test('of today: of several stubs the one for this board', () => {
    const stubs = [newer, parked, HYP_STUB, { ...newer, waits: false, clears: false }].map(stubWithContract);
    const file = startElfOf(TEXTS_TODAY, stubs);
    const firmware = readStartElf(file);
    expect(firmware.stubs.map((stub) => stub.offset)).toEqual(
      [0, 1, 2, 3].map((i) => file.length - 0x500 + i * 0x100),
    );
    expect(firmware.stub).toBe(firmware.stubs[2]);
    expect(firmware).toMatchObject({
      buildDate: 'Apr 17 2024',
      version: '86cc'.repeat(10),
      knowsArmstub: true,
      knowsArmstub7File: true,
      treeNeeds: 'nothing',
      placesHigh: true,
    });
  });

  // start_cd.elf of 25 November 2015, 16 August 2016, 15 April 2020 and 26 August 2022: the names of settings are those of
  // start.elf of the same day, and no message is in it. That one logs what is expected here.
  test.each<[string, readonly string[], object]>([
    ['of 2015', TEXTS_2015, { treeNeeds: 'trailer', placesHigh: false }],
    ['of 2016', [...TEXTS_TODAY, 'RPTL'], { treeNeeds: 'nothing', placesHigh: true }],
    ['of today', TEXTS_TODAY, { treeNeeds: 'nothing', placesHigh: true }],
  ])('cut down, without messages, %s does with a tree as the whole one', (_, texts, expected) => {
    const silent = texts.filter((it) => !it.startsWith('Device tree loaded') && !it.includes('assuming'));
    expect(silent.length).toBeLessThan(texts.length);
    expect(readStartElf(startElfOf(silent, []))).toMatchObject(expected);
  });

  test('without a stub for this board says so', () => {
    const firmware = readStartElf(startElfOf(TEXTS_TODAY, [stubWithContract(newer)]));
    expect(firmware.stub).toBeUndefined();
    expect(describeStartElf(firmware)).toContain('no stub for the Pi 2');
  });

  test('armstub as a part of another word is not the setting', () => {
    expect(readStartElf(startElfOf(['armstub8.bin'], [])).knowsArmstub).toBe(false);
  });

  test('that is something else is refused', () => {
    for (const file of [
      new Uint8Array(0),
      new Uint8Array(4096),
      new TextEncoder().encode('\x7fELF'.repeat(99)),
    ]) {
      expect(() => readStartElf(file)).toThrow(
        expect.objectContaining({ code: 'firmware.not-start-elf' }) as Error,
      );
    }
  });

  test('damaged or cut short is read or refused, nothing else', () => {
    const whole = startElfOf(TEXTS_TODAY, [stubWithContract(HYP_STUB), stubOf2015(HYP_STUB)]);
    fc.assert(
      fc.property(
        fc.nat(whole.length),
        fc.array(fc.tuple(fc.nat(whole.length - 1), fc.nat(255)), { maxLength: 40 }),
        (length, changes) => {
          const file = whole.slice(0, length);
          for (const [at, byte] of changes) if (at < length) file[at] = byte;
          try {
            readStartElf(file);
          } catch (error) {
            expect(error).toBeInstanceOf(HypberryError);
          }
        },
      ),
      { numRuns: 300 },
    );
  });

  test(
    "Debian's: starts HYP mode on a Pi 2, knows armstub and kernel_old",
    { timeout: 300_000 },
    async () => {
      const firmware = readStartElf(await readFile((await inputs()).firmware.startElf));
      // What raspberrypi/tools, armstubs/armstub7.S says the stub does.
      expect(firmware.stub).toMatchObject({
        instructionSet: 'T32',
        mode: 'HYP',
        waitsOnMailbox: true,
        clearsMailbox: true,
        hasContract: true,
        tree: { from: 'word', offset: 0xf8 },
        kernel: { from: 'word', offset: 0xfc },
      });
      expect(firmware).toMatchObject({
        knowsArmstub: true,
        knowsKernelOld: true,
        filters: expect.arrayContaining(['pi2', 'pi3+', 'none']) as string[],
        treeNeeds: 'nothing',
      });
      expect(firmware.buildDate).toMatch(/^[A-Z][a-z]{2} [ \d]\d 20\d\d$/);
    },
  );
});
