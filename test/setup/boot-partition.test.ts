import { describe, expect, test } from 'vitest';
import { HypberryError } from '../../src/base/errors.js';
import type { Card, Place } from '../../src/card/card.js';
import { notFat } from '../../src/card/errors.js';
import type { Partition, PartitionTable, TableFault } from '../../src/card/mbr.js';
import type { Medium } from '../../src/card/medium.js';
import { PI2 } from '../../src/firmware/config.js';
import { readFirmware } from '../../src/firmware/readers.js';
import { openBootPartition, placeOfOne, type Named } from '../../src/setup/boot-partition.js';
import { planGuestAdd } from '../../src/setup/guest-add.js';
import { inspectCard } from '../../src/setup/inspect.js';
import { planInstall, planUninstall } from '../../src/setup/install.js';
import { bootPartition, kernelFile } from '../support/boot-files.js';
import { changeableCard } from '../support/changeable-card.js';
import { text } from '../support/kernel-files.js';

type Contents = Record<string, string>;

/** Programs before start.elf, by the strings that tell them apart. */
const BOOTCODE = {
  /** As of 2024. */
  today:
    'gpu_mem\0start_file\0boot_partition\0tryboot_a_b\0tryboot.txt\0autoboot.txt\0recovery.elf\0all\0pi2\0none\0tryboot\0',
  /** As of 2015: short names, no filters. */
  of2015: 'gpu_mem\0start_file\0boot_partition\0autoboottxt\0recoveryelf\0',
  /** As of 2012: knows neither. */
  of2012: 'gpu_mem\0start_file\0config  txt\0',
} as const;

const NOT_FAT = 'not FAT';

interface Shape {
  /** Files of each partition by its number; `NOT_FAT` for another file system. */
  readonly partitions?: Readonly<Record<number, Contents | typeof NOT_FAT>>;
  /** Files of the volume that the first sector says is there. */
  readonly whole?: Contents;
  readonly fault?: TableFault;
  readonly gpt?: boolean;
  /** Where the partition with this number begins, if not where others do. */
  readonly startOf?: Readonly<Record<number, number>>;
  readonly partition?: number;
  /** Type of the extended partition around those from 5 on. */
  readonly extendedType?: number;
}

const cardOf = (files: Contents): Card =>
  changeableCard(Object.fromEntries(Object.entries(files).map(([name, data]) => [name, text(data)])));

/** A medium in memory. */
function medium({
  partitions,
  whole,
  fault,
  gpt = false,
  startOf = {},
  partition,
  extendedType = 0x05,
}: Shape): Medium {
  const table: PartitionTable | undefined = partitions && {
    partitions: Object.entries(partitions).map(([number, files]): Partition => ({
      number: Number(number),
      type: files === NOT_FAT ? 0x83 : 0x0c,
      start: startOf[Number(number)] ?? 2048 * Number(number),
      sectors: 2048,
      ...(Number(number) > 4 && { extendedType }),
    })),
    extended: [],
    gpt,
    fault,
  };
  return {
    kind: 'image',
    target: 'card.img',
    partition,
    table,
    nearlyFat: undefined,
    beginsWithFat: whole !== undefined,
    other: undefined,
    open: async (where) => {
      const files = where === 'whole' || where.start === 0 ? whole : partitions?.[where.number];
      if (files === undefined || files === NOT_FAT) throw notFat('It holds no FAT file system.');
      return cardOf(files);
    },
    describe: () => 'something else',
  };
}

/** What was opened: the text of `which` on it, and its place. */
async function opened(shape: Shape, named: Named = {}, changes = false): Promise<Place & { which: string }> {
  const card = await openBootPartition(medium(shape), named, changes);
  const which = (await card.stat('which')) ? new TextDecoder().decode(await card.read('which')) : '';
  return { ...card.place!, which };
}

const refusal = async (what: Promise<unknown>): Promise<HypberryError> => {
  const error: unknown = await what.then(
    () => undefined,
    (it: unknown) => it,
  );
  if (error instanceof HypberryError) return error;
  throw new Error(`not refused: ${String(error)}`);
};

const one = { 'config.txt': '', 'start.elf': '', which: 'one' };
const two = { ...one, which: 'two' };
const six = { ...one, which: 'six' };

describe('a table with valid entries goes before a FAT boot sector in front of it', () => {
  const ghost = { ...one, which: 'ghost' };
  const both: Shape = { whole: ghost, partitions: { 1: one, 2: NOT_FAT } };

  test('reading takes the table, and says that there is the other', async () => {
    const place = await opened(both);
    expect(place).toMatchObject({ which: 'one', partition: 1, notable: true });
    expect(place.other).toMatch(/FAT volume.*--whole/);
  });

  test('changing is refused until it is said which', async () => {
    const error = await refusal(opened(both, {}, true));
    expect([error.code, error.hint]).toEqual([
      'card.ambiguous',
      'Say which one you mean: --partition 1, or --whole.',
    ]);
    expect(await opened(both, { partition: 1 }, true)).toMatchObject({ which: 'one', partition: 1 });
    expect(await opened(both, { whole: true }, true)).toMatchObject({ which: 'ghost', partition: undefined });
    expect((await opened(both, { whole: true }, true)).other).toContain('--partition');
  });

  test.each<[string, Shape]>([
    ['without the files of a boot partition', { ...both, whole: { 'DCIM.txt': '' } }],
    ['that does not hold together any more', { ...both, whole: undefined as never }],
  ])('a volume in front %s is no other reading', async (_, shape) => {
    const it = medium(shape);
    const card = await openBootPartition({ ...it, beginsWithFat: true }, {}, true);
    expect(card.place).toMatchObject({ partition: 1, other: undefined });
  });

  test('a table without a boot partition is not passed over for the volume', async () => {
    const error = await refusal(opened({ whole: ghost, partitions: { 1: NOT_FAT } }));
    expect(error.code).toBe('card.no-partition');
    expect(error.hint).toContain('--whole');
  });

  test.each(['outside', 'overlap'] as const)('a table with a fault (%s) does not win', async (kind) => {
    const shape = { ...both, fault: { kind, text: 'It does not fit.' } };
    expect(await opened(shape)).toMatchObject({ which: 'ghost', partition: undefined });
    expect((await opened(shape)).other).toContain('It does not fit.');
    expect((await refusal(opened(shape, {}, true))).code).toBe('card.ambiguous');
    expect(await opened(shape, { whole: true }, true)).toMatchObject({ which: 'ghost' });
    expect(await opened(shape, { partition: 1 }, true)).toMatchObject({ which: 'one' });
  });

  test('a table of which the volume itself is the partition is no second reading', async () => {
    const shape = { whole: one, partitions: { 1: one }, startOf: { 1: 0 } };
    expect(await opened(shape, {}, true)).toMatchObject({ which: 'one', other: undefined });
    expect(await opened(shape, { partition: 1 }, true)).toMatchObject({ which: 'one', other: undefined });
  });

  test('without a volume in front, a fault is refused: of the end always, of overlaps for changes', async () => {
    const faulty = (kind: TableFault['kind']): Shape => ({
      partitions: { 1: one },
      fault: { kind, text: 'Bad.' },
    });
    expect((await refusal(opened(faulty('outside')))).code).toBe('card.truncated');
    expect((await refusal(opened(faulty('overlap'), {}, true))).code).toBe('card.ambiguous');
    expect((await opened(faulty('overlap'))).notes).toContain('Bad.');
    expect(await opened(faulty('overlap'), { partition: 1 }, true)).toMatchObject({ which: 'one' });
  });
});

describe('--partition and --whole', () => {
  const shape: Shape = { partitions: { 1: one, 2: NOT_FAT, 6: six } };
  const logical: Shape = { partitions: { 1: NOT_FAT, 6: six } };

  test('take a logical partition', async () => {
    const place = await opened(shape, { partition: 6 }, true);
    expect(place).toMatchObject({ which: 'six', partition: 6, notable: true, problem: undefined });
    expect(place.notes[0]).toContain('a Pi starts from another one. Partition 1');
  });

  test('say nothing of another where it is the one anyway', async () => {
    expect((await opened(shape, { partition: 1 })).notes).toEqual([]);
  });

  test.each<[string, string, Shape, Named, RegExp]>([
    ['card.no-partition', 'a number that is not there', shape, { partition: 3 }, /FAT are: 1, 6\./],
    ['card.not-fat', 'one that is not FAT', shape, { partition: 2 }, /FAT are: 1, 6\./],
    [
      'card.no-partition',
      'a number of one volume',
      { whole: one },
      { partition: 1 },
      /leave --partition out/,
    ],
    ['card.no-partition', 'a number of a GPT', { partitions: {}, gpt: true }, { partition: 1 }, /MBR/],
    ['card.not-fat', 'all of what is none', shape, { whole: true }, /Leave --whole out/],
    ['card.not-fat', 'all of what has no table', {}, { whole: true }, /^Give the boot folder, an image/],
    [
      'card.not-fat',
      'all of a GPT',
      { partitions: {}, gpt: true },
      { whole: true },
      /from an MBR table only/,
    ],
    ['card.not-fat', 'all with a logical one', logical, { whole: true }, /--partition 6\.$/],
    ['card.no-partition', 'none, of one with a logical one', logical, {}, /primary .* with --partition 6\.$/],
    [
      'card.no-partition',
      'none, where none is FAT',
      { partitions: { 1: NOT_FAT } },
      {},
      /none of .* is FAT\.$/,
    ],
    ['card.not-fat', 'what is not FAT beside a logical one', logical, { partition: 1 }, /--partition 6\.$/],
    [
      'card.no-partition',
      'a card with logical FAT partitions only',
      { partitions: { 6: six } },
      {},
      /--partition 6\.$/,
    ],
  ])('%s: %s', async (code, _, it, named, hint) => {
    const error = await refusal(opened(it, named));
    expect(error.code).toBe(code);
    expect(error.hint).toMatch(hint);
  });
});

describe('where a start begins', () => {
  test.each<[string, Record<number, Contents | typeof NOT_FAT>, string, boolean]>([
    ['the first FAT partition', { 1: NOT_FAT, 2: two, 3: one }, 'two', false],
    ['the first with a bootcode.bin', { 1: one, 2: { ...two, 'bootcode.bin': '' } }, 'two', true],
    ['the first with a start.elf', { 1: { which: 'data' }, 2: two }, 'two', true],
    ['the first of those without either', { 1: { which: 'data' }, 2: { which: 'more' } }, 'data', false],
    ['not a logical one', { 1: { which: 'data' }, 6: six }, 'data', false],
  ])('%s', async (_, partitions, which) => {
    expect(await opened({ partitions })).toMatchObject({ which });
  });
});

describe('a first entry of the table that is no FAT partition', () => {
  const note = 'Whether a Pi 2 finds partition 2 is not known: ';

  // raspberrypi/documentation, issue 1291; raspberrypi/firmware, issues 1457, 1465 and 1628.
  test.each<[string, Shape]>([
    ['another file system', { partitions: { 1: NOT_FAT, 2: two } }],
    ['nothing', { partitions: { 2: two } }],
    ['what protects a GPT', { partitions: { 2: two }, gpt: true }],
  ])('%s: whether a Pi 2 looks further is not known, and that is said', async (_, shape) => {
    for (const named of [{}, { partition: 2 }]) {
      const place = await opened(shape, named, true);
      expect(place).toMatchObject({ which: 'two', problem: undefined });
      expect(place.notes).toEqual([expect.stringContaining(note)]);
    }
  });

  test.each<[string, Shape]>([
    ['one partition', { partitions: { 1: one, 2: NOT_FAT } }],
    ['a GPT beside it, as Home Assistant has for a Pi 2', { partitions: { 1: one }, gpt: true }],
    ['FAT without a system', { partitions: { 1: { which: 'data' }, 2: two } }],
  ])('is not what is there: %s', async (_, shape) => {
    expect((await opened(shape)).notes).toEqual([]);
  });
});

describe('autoboot.txt and boot_partition in config.txt', () => {
  const sent = (autoboot: string, bootcode: string = BOOTCODE.today): Contents => ({
    ...one,
    'bootcode.bin': bootcode,
    'autoboot.txt': autoboot,
  });

  test.each<[string, Contents, string]>([
    ['boot_partition=2', sent('boot_partition=2\n'), 'two'],
    ['a logical partition', sent('boot_partition=6\n'), 'six'],
    [
      'A and B: the ordinary start',
      sent('[all]\ntryboot_a_b=1\nboot_partition=2\n[tryboot]\nboot_partition=6\n'),
      'two',
    ],
    ['[none]', sent('[none]\nboot_partition=2\n'), 'one'],
    ['0 is the default', sent('boot_partition=0\n'), 'one'],
    ['itself', sent('boot_partition=1\n'), 'one'],
    ['short names of 2015', sent('boot_partition=2\n', BOOTCODE.of2015), 'two'],
    [
      'without filters, the last line',
      sent('boot_partition=2\n[tryboot]\nboot_partition=6\n', BOOTCODE.of2015),
      'six',
    ],
    ['a bootcode.bin that does not know it', sent('boot_partition=2\n', BOOTCODE.of2012), 'one'],
    ['that, and a filter', sent('[0x1234]\nboot_partition=2\n', BOOTCODE.of2012), 'one'],
    ['a filter with nothing that decides', sent('boot_partition=2\n[0x1234]\n'), 'two'],
    ['behind 512 bytes', sent(`${'#'.repeat(520)}\nboot_partition=2\n`), 'one'],
    ['config.txt', { ...one, 'bootcode.bin': BOOTCODE.of2015, 'config.txt': 'boot_partition=2\n' }, 'two'],
    [
      'config.txt, not known',
      { ...one, 'bootcode.bin': BOOTCODE.of2012, 'config.txt': 'boot_partition=2\n' },
      'one',
    ],
    [
      'not what config.txt includes',
      {
        ...one,
        'bootcode.bin': BOOTCODE.today,
        'config.txt': 'include more.txt\n',
        'more.txt': 'boot_partition=2\n',
      },
      'one',
    ],
    [
      'autoboot.txt before config.txt',
      { ...sent('boot_partition=2\n'), 'config.txt': 'boot_partition=6\n' },
      'two',
    ],
  ])('%s', async (_, first, which) => {
    const place = await opened({ partitions: { 1: first, 2: two, 6: six } });
    expect(place).toMatchObject({ which, problem: undefined, notable: which !== 'one' });
    if (which !== 'one')
      expect(place.reason).toMatch(
        /^Partition [26]: \w+\.txt, line \d+: boot_partition=[26] on partition 1\.$/,
      );
  });

  test('says what is worth knowing', async () => {
    const notes = async (first: Contents): Promise<string> =>
      (await opened({ partitions: { 1: first, 2: two, 6: six } })).notes.join('\n');
    expect(await notes(sent('boot_partition=2\n', BOOTCODE.of2012))).toContain('does not know autoboot.txt');
    expect(await notes(sent('boot_partition=2\n[tryboot]\nboot_partition=6\n'))).toMatch(
      /"0 tryboot" is from partition 6/,
    );
    expect(await notes(sent('boot_partition=6\n[tryboot]\nboot_partition=2\n', BOOTCODE.of2015))).toContain(
      'older than filters',
    );
    expect(await notes(sent(`boot_partition=2\n${'#'.repeat(600)}`))).toContain('512');
    expect(await notes({ ...one, 'tryboot.txt': '' })).toContain('tryboot.txt');
    expect(await notes(one)).toBe('');
  });

  test('says what is known of extended partitions by LBA', async () => {
    const partitions = { 1: sent('boot_partition=6\n'), 6: six };
    expect((await opened({ partitions, extendedType: 0x0f })).notes.join()).toContain('type 0x0f');
    expect((await opened({ partitions, extendedType: 0x05 })).notes).toEqual([]);
  });

  test.each<[string, Record<number, Contents | typeof NOT_FAT>, string]>([
    ['setup.boot-partition-missing', { 1: sent('boot_partition=5\n'), 2: two }, 'one'],
    ['setup.boot-partition-not-fat', { 1: sent('boot_partition=2\n'), 2: NOT_FAT }, 'one'],
    // Whose Pi has that number is not known.
    ['setup.boot-partition-unsure', { 1: sent('[0x1234]\nboot_partition=2\n'), 2: two }, 'one'],
    [
      'setup.boot-partition-circle',
      {
        1: { ...one, 'config.txt': 'boot_partition=2\n' },
        2: { ...two, 'config.txt': 'boot_partition=1\n' },
      },
      'two',
    ],
    [
      'setup.boot-partition-chain',
      {
        1: { ...one, 'config.txt': 'boot_partition=2\n' },
        2: { ...two, 'config.txt': 'boot_partition=6\n' },
        6: six,
      },
      'two',
    ],
  ])('%s: reading says so, install refuses, --partition goes on', async (code, partitions, which) => {
    const shape = { partitions };
    expect(await opened(shape)).toMatchObject({ which, problem: { code } });
    const card = await openBootPartition(medium(shape), {}, true);
    expect((await refusal(planInstall(card, { method: 'auto' }))).code).toBe(code);
    expect(await opened(shape, { partition: 1 }, true)).toMatchObject({ which: 'one', problem: undefined });
    expect((await planUninstall(card)).changes).toEqual([]);
  });
});

describe('what is one partition by itself', () => {
  const elsewhere = { ...one, 'autoboot.txt': 'boot_partition=2\n', 'bootcode.bin': BOOTCODE.today };

  test('a folder or a copy that sends the firmware away: install refuses', async () => {
    const { problem } = await placeOfOne(cardOf(elsewhere), 'The folder as it is.', undefined);
    expect(problem?.code).toBe('setup.boots-elsewhere');
    expect((await opened({ whole: elsewhere })).problem?.code).toBe('setup.boots-elsewhere');
    const unsure = { ...elsewhere, 'autoboot.txt': '[0x1234]\nboot_partition=2\n' };
    const place = await placeOfOne(cardOf(unsure), 'The folder as it is.', undefined);
    expect(place.problem?.code).toBe('setup.boot-partition-unsure');
    const card = { ...cardOf(elsewhere), place: await placeOfOne(cardOf(elsewhere), '', undefined) };
    expect((await refusal(planInstall(card, { method: 'auto' }))).code).toBe('setup.boots-elsewhere');
    expect((await inspectCard(card)).conclusion).toContain('partition 2');
  });

  test.each([
    ['it is that partition', elsewhere, 2],
    ['autoboot.txt names the default', { ...elsewhere, 'autoboot.txt': 'boot_partition=0\n' }, undefined],
    ['its bootcode.bin does not know', { ...elsewhere, 'bootcode.bin': BOOTCODE.of2012 }, undefined],
    ['there is none', one, undefined],
  ])('nothing where %s', async (_, files, number) => {
    expect((await placeOfOne(cardOf(files), '', number)).problem).toBeUndefined();
  });
});

describe('a card of NOOBS or PINN', () => {
  const noobs: Contents = {
    'bootcode.bin': BOOTCODE.of2015,
    'recovery.elf': '',
    'recovery7.img': '',
    'recovery.rfs': '',
    which: 'noobs',
  };
  const shape: Shape = {
    partitions: { 1: noobs, 5: NOT_FAT, 6: six, 7: NOT_FAT, 8: two, 9: { which: 'data' } },
  };

  test('is recognised, and its systems are named', async () => {
    const place = await opened(shape);
    expect(place).toMatchObject({ which: 'noobs', partition: 1 });
    expect(place.problem).toMatchObject({ code: 'setup.noobs' });
    expect(place.problem?.hint).toContain('--partition 6 or --partition 8.');
    const card = await openBootPartition(medium(shape), {}, false);
    const report = await inspectCard(card);
    expect(report.conclusion).toMatch(/NOOBS or PINN.*--partition 6/);
    expect(report.conclusion).not.toContain('does not start');
    expect(report.facts).toMatchObject({ bootPartition: { partition: 1, problem: { code: 'setup.noobs' } } });
  });

  test('install and guest add on its own partition are refused, on a system they are not', async () => {
    const own = await openBootPartition(medium(shape), { partition: 1 }, true);
    expect((await refusal(planInstall(own, { method: 'auto' }))).code).toBe('setup.noobs');
    const guest = { name: 'web', kernel: { name: 'k', data: kernelFile() }, memory: 32, cores: 1 };
    expect((await refusal(planGuestAdd(own, guest as never))).code).toBe('setup.noobs');
    expect(await opened(shape, { partition: 8 }, true)).toMatchObject({ which: 'two', problem: undefined });
  });

  test('with autoboot.txt it is the system that starts', async () => {
    const straight = {
      ...shape,
      partitions: { ...shape.partitions, 1: { ...noobs, 'autoboot.txt': 'boot_partition=8\n' } },
    };
    expect(await opened(straight, {}, true)).toMatchObject({
      which: 'two',
      partition: 8,
      problem: undefined,
    });
  });

  test('without a system it says what to do first', async () => {
    const fresh = { partitions: { 1: noobs } };
    expect((await opened(fresh)).problem?.hint).toContain('start it in a Pi');
  });

  test('recovery.elf alone does not make one', async () => {
    expect((await opened({ partitions: { 1: { ...one, 'recovery.elf': '' } } })).problem).toBeUndefined();
  });
});

test('install treats the partition that the firmware goes to', async () => {
  const first = { ...one, 'bootcode.bin': BOOTCODE.today, 'autoboot.txt': 'boot_partition=2\n' };
  const it = medium({ partitions: { 1: first, 2: {} } });
  const card = await openBootPartition(
    {
      ...it,
      open: async (where) =>
        where !== 'whole' && where.number === 2 ? changeableCard(bootPartition('svc')) : it.open(where),
    },
    {},
    true,
  );
  expect(card.place).toMatchObject({ partition: 2 });
  // The bootcode.bin that reads its config.txt is the one on partition 1.
  expect((await readFirmware(card, PI2, [])).bootcode?.knowsAutoboot).toBe(true);
  expect((await planInstall(card, { method: 'auto' })).changes.map(({ path }) => path)).toContain(
    'config.txt',
  );
  const { sections } = await inspectCard(card);
  expect(sections[0]).toEqual({
    title: 'Boot partition',
    rows: [['this is', 'Partition 2: autoboot.txt, line 1: boot_partition=2 on partition 1.']],
  });
});
