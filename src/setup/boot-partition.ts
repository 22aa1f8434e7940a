/** Which of a medium's partitions is the one that a Pi 2 starts from, or that the user named. */
import { attempt, HypberryError } from '../base/errors.js';
import { hexDigits } from '../base/words.js';
import type { Card, CardReader, Place } from '../card/card.js';
import { lostText, notFat, truncated } from '../card/errors.js';
import { isFatType, TYPE_EXTENDED_LBA, type Partition, type PartitionTable } from '../card/mbr.js';
import type { Medium } from '../card/medium.js';
import { AUTOBOOT, readBootPartition, type Unsure } from '../firmware/autoboot.js';
import { CONFIG } from '../firmware/config.js';
import { BOOTCODE } from '../firmware/bootcode.js';
import { readSizedIfThere } from '../firmware/file-size.js';
import { findBootcode } from '../firmware/readers.js';

/** The part of a medium that the user named. */
export interface Named {
  /** As Linux numbers them. */
  readonly partition?: number | undefined;
  /** The medium as one FAT volume, whatever table is in its first sector. */
  readonly whole?: boolean | undefined;
}

const TRYBOOT = 'tryboot.txt';
/** What the default partition must have to be one (documentation, "autoboot.txt", boot_partition). */
const START = 'start.elf';
/** What bootcode.bin loads in place of start.elf where it is there: NOOBS and PINN are started by it. */
const RECOVERY = 'recovery.elf';
/** Their kernels and root file system (strings in recovery.elf; raspberrypi/noobs, BUILDME.sh). */
const RECOVERY_FILE = /^recovery(?:7|7l|8|8-32)?\.(?:img|rfs)$/i;
/** What tells a boot partition from another FAT one. */
const BOOT_FILE = /^(?:bootcode\.bin|start.*\.elf|config\.txt|kernel.*\.img|recovery\.elf)$/i;

/** Highest number of a primary partition. The ROM looks for bootcode.bin on these. */
const LAST_PRIMARY = 4;

/**
 * Opens the partition that the user named, else the one that the firmware of a Pi 2 starts from: the first FAT
 * partition, or where autoboot.txt or config.txt on it send bootcode.bin. A table with valid entries goes before a FAT
 * boot sector in the same first sector, which is what is left of an earlier use.
 *
 * Where the firmware is sent to what it cannot start from, the card is the one that sends it, and its place has the
 * problem.
 * @param changes it is opened for a change, be it one that is only shown: what can be read as two things is refused
 * @throws HypberryError `card.not-fat`, `card.packed`, `card.no-partition`, `card.partition-type`, `card.truncated`,
 *   `card.ambiguous`, and what opening a
 *   FAT volume throws
 */
export async function openBootPartition(medium: Medium, named: Named, changes: boolean): Promise<Card> {
  if (!medium.table && !medium.beginsWithFat && medium.other) throw notAnImage(medium.target, medium.other);
  if (named.whole) return openWhole(medium);
  if (named.partition !== undefined) return openNamed(medium, named.partition);
  const table = tableOf(medium);
  if (!table) return openVolume(medium, changes);
  const { fault } = table;
  if (fault?.kind === 'outside') throw truncated(fault.text);
  if (fault && changes) throw ambiguous(fault.text, 'Say which partition you mean with --partition.');

  const first = await firstOf(medium, table);
  const other = await otherReading(medium);
  if (other !== undefined && changes) {
    throw ambiguous(
      `The card can be read as two things. It has a partition table with a boot partition. ${other}`,
      `Say which one you mean: --partition ${first.partition.number}, or --whole.`,
    );
  }
  const { partition, reason, notes, problem } = await routeFrom(medium, table, first);
  return open(medium, partition, {
    reason,
    bootcode: await bootcodeFor(medium, first, partition),
    notable: partition !== first.partition || other !== undefined,
    other: other && `${other} --whole takes that.`,
    notes: fault ? [...notes, fault.text] : notes,
    problem,
  });
}

/**
 * The place of what is a single partition by itself: a folder where one is mounted, the device of one, or a copy.
 * @param number its number, where that is known
 */
export async function placeOfOne(
  card: CardReader,
  reason: string,
  number: number | undefined,
): Promise<Place> {
  const bootcode = await findBootcode(card, []);
  const sent =
    bootcode?.knowsAutoboot === false ? undefined : await readBootPartition(card, AUTOBOOT, bootcode);
  const elsewhere = sent && 'partition' in sent && sent.partition !== 0 && sent.partition !== number;
  return {
    partition: number,
    reason,
    notable: false,
    other: undefined,
    notes: await notesOf(card),
    problem: elsewhere
      ? new HypberryError(
          'setup.boots-elsewhere',
          `The firmware goes on with partition ${sent.partition} of the card (${sent.line}), and reads nothing else here.`,
          `Give the folder where partition ${sent.partition} is mounted, or the whole card; if the Pi is to start from here, take that line out.`,
        )
      : ((sent && 'unsure' in sent ? unsure(sent) : undefined) ??
        (await rootProblem(card)) ??
        (await noobsProblem(
          card,
          async () => 'Give the folder of a system that it starts, or the whole card with --partition.',
        ))),
  };
}

/**
 * Refuses a card from which a Pi does not start.
 * @throws HypberryError the problem of its place
 */
export function refuseProblem({ place }: CardReader): void {
  if (place?.problem) throw place.problem;
}

/** A place as plain data, for scripts. */
export function placeFacts(place: Place | undefined): unknown {
  if (!place) return null;
  const { partition, reason, other, notes, problem } = place;
  return {
    partition: partition ?? null,
    reason,
    other: other ?? null,
    notes,
    problem: problem ? { code: problem.code, message: problem.message, hint: problem.hint } : null,
  };
}

/** The table that counts; undefined where the medium is one FAT volume. */
function tableOf({ table, beginsWithFat, nearlyFat }: Medium): PartitionTable | undefined {
  // What a volume has in the table's place may be zeros.
  if (nearlyFat !== undefined && !table?.partitions.length) throw notFat(nearlyFat);
  if (!table && !beginsWithFat) throw notFat('There is neither a partition table nor a FAT file system.');
  if (!table || !beginsWithFat) return table;
  // mkfs.fat can put a table into its boot sector, with the volume itself as its partition.
  const others = table.partitions.filter(({ start }) => start !== 0);
  return table.fault || (others.length === 0 && !table.gpt) ? undefined : table;
}

/** What is given in place of an image, and what to do about it. */
function notAnImage(target: string, { kind, name }: NonNullable<Medium['other']>): HypberryError {
  return kind === 'packed'
    ? new HypberryError(
        'card.packed',
        `"${target}" is a packed file, and not an image of a card.`,
        `Unpack it first (${name}), and give the .img that comes out.`,
      )
    : new HypberryError(
        'card.not-fat',
        `"${target}" is ${name}, as root file systems may be, and not a boot partition, which is FAT.`,
        'Give the boot partition, mostly the first one of the card, or the card as a whole.',
      );
}

/** The medium as one volume, as it has no table, or none whose entries are valid. */
async function openVolume(medium: Medium, changes: boolean): Promise<Card> {
  const fault = medium.table?.partitions.some(({ start }) => start !== 0) ? medium.table.fault : undefined;
  const other = fault && `Its first sector may also hold a partition table. ${fault.text}`;
  if (other !== undefined && changes) {
    throw ambiguous(
      `The card can be read as two things. It is a FAT volume. ${other}`,
      'Say which one you mean: --whole, or --partition; if this is a copy that was cut short, make it again.',
    );
  }
  const card = await medium.open('whole');
  const place = await placeOfOne(card, 'One FAT volume, without a partition table.', medium.partition);
  return {
    ...card,
    place: {
      ...place,
      notable: other !== undefined,
      other: other && `${other} --partition takes a part of it.`,
    },
  };
}

async function openWhole(medium: Medium): Promise<Card> {
  if (!medium.beginsWithFat) {
    throw new HypberryError(
      'card.not-fat',
      `"${medium.target}" as a whole is no FAT file system.`,
      await hintWithoutWhole(medium),
    );
  }
  const table = tableOf(medium);
  return open(medium, 'whole', {
    reason: 'The whole medium as one FAT volume: --whole says so.',
    notable: true,
    other: table && `It has a partition table with valid entries, too; --partition takes a part of it.`,
    notes: [],
    problem: undefined,
  });
}

/** What to do where the medium is no volume: what finds its boot partition, or what is said to that. */
async function hintWithoutWhole(medium: Medium): Promise<string> {
  const { table } = medium;
  if (!table) return notFat('').hint;
  const first = await attempt(() => firstOf(medium, table));
  return first instanceof HypberryError
    ? first.hint
    : 'Leave --whole out: the boot partition is found by the partition table.';
}

async function openNamed(medium: Medium, number: number): Promise<Card> {
  const { table } = medium;
  const partition = table?.partitions.find((it) => it.number === number);
  if (!table || !partition) throw noSuchPartition(medium, number);
  const other = partition.start === 0 ? undefined : await otherReading(medium);
  let card: PlacedCard;
  try {
    card = await open(medium, partition, {
      reason: `Partition ${number}: --partition names it.`,
      notable: true,
      other: other && `${other} --whole takes that.`,
      notes: table.fault ? [table.fault.text] : [],
      problem: undefined,
    });
  } catch (error) {
    if (!isCode(error, 'card.not-fat')) throw error;
    throw new HypberryError(
      'card.not-fat',
      isFatType(partition)
        ? `Partition ${number} holds no FAT file system that a Pi starts from: ${error.message}`
        : `Partition ${number} is ${medium.describe(partition)}, and a Pi starts from FAT alone.`,
      table.partitions.some(isStart)
        ? `Without --partition the one that a Pi starts from is found; ${whatIsThere(table)}`
        : hintWithoutStart(table),
      { cause: error },
    );
  }
  const started = await startedFrom(medium, table);
  if (!started) return card;
  const place = { ...card.place, bootcode: await bootcodeFor(medium, started.first, partition) };
  if (started.partition === partition)
    return { ...card, place: { ...place, notes: [...started.first.notes, ...place.notes] } };
  const note = `Switched on, a Pi starts from another one. ${started.reason}`;
  return { ...card, place: { ...place, notes: [note, ...place.notes] } };
}

/** The bootcode.bin of the partition where a start begins, for another one that it goes on with. */
async function bootcodeFor(
  medium: Medium,
  first: First,
  partition: Partition,
): Promise<Uint8Array | undefined> {
  if (partition === first.partition) return undefined;
  return using(medium, first.partition, async (card) => readSizedIfThere(card, BOOTCODE, BOOTCODE));
}

/** What the firmware would start from, where that can be told. */
async function startedFrom(
  medium: Medium,
  table: PartitionTable,
): Promise<(Route & { readonly first: First }) | undefined> {
  try {
    const first = await firstOf(medium, table);
    return { first, ...(await routeFrom(medium, table, first)) };
  } catch (error) {
    if (error instanceof HypberryError) return undefined;
    throw error;
  }
}

/** A card whose place is known. */
type PlacedCard = Card & { readonly place: Place };

/** Opens a part of a medium; the place gets what its files say. */
async function open(
  medium: Medium,
  where: Partition | 'whole',
  place: Omit<Place, 'partition'>,
): Promise<PlacedCard> {
  const card = await medium.open(where);
  const problem = place.problem ?? (await noobsProblem(card, () => systemsHint(medium, where)));
  return {
    ...card,
    place: {
      ...place,
      partition: where === 'whole' ? undefined : where.number,
      notes: [...place.notes, ...(await notesOf(card))],
      problem,
    },
  };
}

/** Uses a part of a medium as a card, and lets go of it. */
async function using<T>(
  medium: Medium,
  where: Partition | 'whole',
  use: (card: Card) => Promise<T>,
): Promise<T> {
  const card = await medium.open(where);
  try {
    return await use(card);
  } finally {
    await card.close();
  }
}

/** The same; undefined where the part is no FAT volume. */
async function usingFat<T>(
  medium: Medium,
  where: Partition | 'whole',
  use: (card: Card) => Promise<T>,
): Promise<T | undefined> {
  try {
    return await using(medium, where, use);
  } catch (error) {
    if (isCode(error, 'card.not-fat')) return undefined;
    throw error;
  }
}

/** A FAT volume with a boot partition's files that begins in the sector where the table is: a sentence. */
async function otherReading(medium: Medium): Promise<string | undefined> {
  if (!medium.beginsWithFat) return undefined;
  try {
    if (!(await using(medium, 'whole', isBootPartition))) return undefined;
  } catch (error) {
    // Written over by the partitions.
    if (error instanceof HypberryError) return undefined;
    throw error;
  }
  return 'Its first sector is also that of a FAT volume with the files of a boot partition, from before it got the table.';
}

async function isBootPartition(card: CardReader): Promise<boolean> {
  return (await card.list('')).some(({ name, isFolder }) => !isFolder && BOOT_FILE.test(name));
}

/** Whether the ROM looks for its files on a partition. */
const isStart = (partition: Partition): boolean => isFatType(partition) && partition.number <= LAST_PRIMARY;

/** Where the ROM begins, and why. */
interface First {
  readonly partition: Partition;
  readonly reason: string;
  /** What is not known of that, a sentence each. */
  readonly notes: readonly string[];
}

/**
 * The partition where a start begins: the first FAT one with a bootcode.bin, which the ROM looks for, else with a
 * start.elf, else the first.
 */
async function firstOf(medium: Medium, table: PartitionTable): Promise<First> {
  const candidates = table.partitions.filter(isStart);
  const [only] = candidates;
  if (!only) throw (await passedBy(medium, table)) ?? noFatPartition(medium, table);
  const reason = `Partition ${only.number}: the first FAT partition.`;
  const notes = behindAnother(only);
  if (candidates.length === 1) return { partition: only, reason, notes };
  for (const file of [BOOTCODE, START]) {
    for (const partition of candidates) {
      if (!(await usingFat(medium, partition, (card) => card.stat(file)))) continue;
      return {
        partition,
        reason:
          partition === only
            ? reason
            : `Partition ${partition.number}: the first FAT partition with a ${file}.`,
        notes,
      };
    }
  }
  return { partition: only, reason, notes };
}

/**
 * The first entry of a table is FAT on every card that was seen to start, those with a GPT beside it as well (Home Assistant's
 * for a Pi 2). Of others sources say both (raspberrypi/documentation, issue 1291, of a Pi 3B; firmware, issues 1465 and 1628).
 */
function behindAnother({ number }: Partition): string[] {
  if (number === 1) return [];
  return [
    `Whether a Pi 2 finds partition ${number} is not known: the first entry of the partition table is empty or no FAT partition, and some sources say that a Pi looks no further.`,
  ];
}

/** Where the firmware goes on, and why there. */
interface Route {
  readonly partition: Partition;
  readonly reason: string;
  readonly notes: readonly string[];
  readonly problem: HypberryError | undefined;
}

/** Follows bootcode.bin from the partition where it is: by autoboot.txt there, then by config.txt where it came to. */
async function routeFrom(medium: Medium, table: PartitionTable, first: First): Promise<Route> {
  const notes: string[] = [...first.notes];
  const bootcode = await using(medium, first.partition, (card) => findBootcode(card, []));
  const stay = { ...first, notes, problem: undefined };
  const send = async (from: Partition, file: string): Promise<Hop | undefined> => {
    const sent = await using(medium, from, (card) => readBootPartition(card, file, bootcode));
    if (sent && 'unsure' in sent)
      return bootcode?.knowsAutoboot === false ? undefined : { because: '', problem: unsure(sent) };
    if (!sent || sent.partition === 0 || sent.partition === from.number) return undefined;
    if (bootcode && !(file === AUTOBOOT ? bootcode.knowsAutoboot : bootcode.knowsBootPartition)) {
      notes.push(
        `The bootcode.bin on this card does not know ${file === AUTOBOOT ? AUTOBOOT : 'boot_partition'}: "${sent.line}" does nothing.`,
      );
      return undefined;
    }
    notes.push(...sent.notes);
    if (sent.tryboot !== undefined)
      notes.push(`A start asked for by reboot "0 tryboot" is from partition ${sent.tryboot}.`);
    const because = `${sent.line} on partition ${from.number}`;
    const to = table.partitions.find(({ number }) => number === sent.partition);
    if (!to) return { because, problem: missing(because, sent.partition) };
    if ((await usingFat(medium, to, async () => true)) === undefined)
      return { because, problem: notBootable(because, sent.partition) };
    if (to.extendedType === TYPE_EXTENDED_LBA) {
      notes.push(
        `Partition ${to.number} lies in an extended partition of type 0x0f, in which firmware was seen to find none (raspberrypi/documentation, issue 1659); with type 0x05 it does.`,
      );
    }
    return { because, to };
  };

  const byAutoboot = await send(first.partition, AUTOBOOT);
  if (byAutoboot?.problem) return { ...stay, problem: byAutoboot.problem };
  const second = byAutoboot?.to ?? first.partition;
  const byConfig = await send(second, CONFIG);
  if (byConfig?.problem) return { ...stay, partition: second, problem: byConfig.problem };
  const last = byConfig?.to ?? second;
  const problem = byConfig?.to && (await onceMore(last, [first.partition, second], byConfig.because));
  const because = [byAutoboot, byConfig].flatMap((it) => (it ? [it.because] : [])).join(', then ');
  return {
    partition: last,
    reason: because === '' ? first.reason : `Partition ${last.number}: ${because}.`,
    notes,
    problem,
  };

  /** The firmware reads config.txt where it was sent, too: what it does when that sends it on is not known. */
  async function onceMore(
    from: Partition,
    been: readonly Partition[],
    because: string,
  ): Promise<HypberryError | undefined> {
    const sent = await using(medium, from, (card) => readBootPartition(card, CONFIG, bootcode));
    if (!sent || 'unsure' in sent || sent.partition === 0 || sent.partition === from.number) return undefined;
    const circle = been.some(({ number }) => number === sent.partition);
    return new HypberryError(
      circle ? 'setup.boot-partition-circle' : 'setup.boot-partition-chain',
      `${because} sends the firmware to partition ${from.number}, and ${sent.line} there ${circle ? 'back' : 'on'} to partition ${sent.partition}: what it does then is not known.`,
      'Leave boot_partition in one config.txt only, or name the partition with --partition.',
    );
  }
}

/** One step from partition to partition. */
interface Hop {
  readonly because: string;
  readonly to?: Partition;
  readonly problem?: HypberryError;
}

function unsure({ unsure: why }: Unsure): HypberryError {
  return new HypberryError(
    'setup.boot-partition-unsure',
    `Which partition the firmware goes on with is not known. ${why}`,
    'Write it in a way that leaves no doubt; until then, name a partition with --partition.',
  );
}

function missing(because: string, number: number): HypberryError {
  return new HypberryError(
    'setup.boot-partition-missing',
    `${because} sends the firmware to partition ${number}, which is not there.`,
    'Correct the number there; until then, name a partition with --partition.',
  );
}

function notBootable(because: string, number: number): HypberryError {
  return new HypberryError(
    'setup.boot-partition-not-fat',
    `${because} sends the firmware to partition ${number}, which is no FAT file system that a Pi starts from.`,
    'Correct the number there; until then, name a partition with --partition.',
  );
}

async function notesOf(card: CardReader): Promise<string[]> {
  const lost = lostText(card.lostBytes);
  return [
    ...((await card.stat(TRYBOOT))
      ? [
          `A start asked for by reboot "0 tryboot" reads ${TRYBOOT} in place of config.txt; hypberry looks at config.txt alone.`,
        ]
      : []),
    ...(lost === undefined ? [] : [lost]),
  ];
}

/** What to do about NOOBS, where other partitions may have systems. */
async function systemsHint(medium: Medium, where: Partition | 'whole'): Promise<string> {
  const found: number[] = [];
  for (const partition of medium.table?.partitions ?? []) {
    if (where === 'whole' || partition === where || !isFatType(partition)) continue;
    if (await usingFat(medium, partition, isBootPartition)) found.push(partition.number);
  }
  return found.length === 0
    ? 'It has no system installed yet: start it in a Pi and choose one, then come back.'
    : `Name the boot partition of the system that you mean: ${found.map((number) => `--partition ${number}`).join(' or ')}.`;
}

/** Folders that every root file system of Linux has. */
const ROOT_FOLDERS = ['etc', 'usr', 'var'];

async function rootProblem(card: CardReader): Promise<HypberryError | undefined> {
  if (await isBootPartition(card)) return undefined;
  const folders = (await card.list('')).filter(({ isFolder }) => isFolder).map(({ name }) => name);
  if (!ROOT_FOLDERS.every((name) => folders.includes(name))) return undefined;
  return new HypberryError(
    'setup.root-file-system',
    'This looks like a root file system, and a Pi starts from the boot partition.',
    'Give the folder where that is mounted: boot/firmware in here, with older systems boot; or the card itself (/dev/…), not mounted.',
  );
}

async function noobsProblem(
  card: CardReader,
  hint: () => Promise<string>,
): Promise<HypberryError | undefined> {
  const names = (await card.list('')).filter(({ isFolder }) => !isFolder).map(({ name }) => name);
  const isNoobs =
    names.some((name) => name.toLowerCase() === RECOVERY) && names.some((name) => RECOVERY_FILE.test(name));
  if (!isNoobs) return undefined;
  return new HypberryError(
    'setup.noobs',
    'This is the partition of NOOBS or PINN, which starts systems that are on other partitions.',
    await hint(),
  );
}

function isCode(error: unknown, code: string): error is HypberryError {
  return error instanceof HypberryError && error.code === code;
}

function ambiguous(what: string, hint: string): HypberryError {
  return new HypberryError('card.ambiguous', what, hint);
}

function noFatPartition(medium: Medium, table: PartitionTable): HypberryError {
  if (table.gpt) {
    return new HypberryError(
      'card.no-partition',
      'The card has a GPT partition table.',
      'A Raspberry Pi 2 boots from an MBR table only; write the card anew.',
    );
  }
  return new HypberryError(
    'card.no-partition',
    'The partition table has no FAT partition among its first four.',
    medium.beginsWithFat
      ? 'The first sector is that of a FAT volume, too: --whole takes it, and may write over the partitions.'
      : hintWithoutStart(table),
  );
}

/** What to do where the ROM has nothing to start from: logical partitions are taken where they are named. */
function hintWithoutStart({ partitions }: PartitionTable): string {
  const named = partitions.filter(isFatType).map(({ number }) => `--partition ${number}`);
  return named.length === 0
    ? 'Write an operating system for the Raspberry Pi to the card first; none of its partitions is FAT.'
    : `A Pi 2's ROM starts from primary partitions (1 to ${LAST_PRIMARY}) alone; what is on a logical one is taken with ${named.join(' or ')}.`;
}

/** A boot partition whose type says that it is something else, as of disks that start PCs (0xef). */
async function passedBy(medium: Medium, table: PartitionTable): Promise<HypberryError | undefined> {
  for (const partition of table.partitions.filter(({ number }) => number <= LAST_PRIMARY)) {
    // What cannot be read as FAT is what its type says.
    if ((await attempt(() => using(medium, partition, isBootPartition))) !== true) continue;
    const { number, type } = partition;
    return new HypberryError(
      'card.partition-type',
      `Partition ${number} has the files of a boot partition, but its type is 0x${hexDigits(type, 2)}, and a Pi 2 starts from FAT types alone.`,
      `Give it the type 0x0c ("sfdisk --part-type ${medium.target} ${number} c"); until then, --partition ${number} takes it.`,
    );
  }
  return undefined;
}

function noSuchPartition(medium: Medium, number: number): HypberryError {
  const { table } = medium;
  if (table?.gpt && table.partitions.length === 0) return noFatPartition(medium, table);
  if (!table) {
    return new HypberryError(
      'card.no-partition',
      `There is no partition ${number}: "${medium.target}" has no partition table.`,
      medium.beginsWithFat
        ? 'It is one FAT volume: leave --partition out.'
        : 'Give an image of the whole card, or the card itself.',
    );
  }
  return new HypberryError(
    'card.no-partition',
    table.extended.includes(number)
      ? `Partition ${number} is an extended one, which holds others from number 5 on.`
      : `There is no partition ${number}.`,
    `Name another; ${whatIsThere(table)}`,
  );
}

/** The end of a hint. */
function whatIsThere({ partitions }: PartitionTable): string {
  const fat = partitions.filter(isFatType).map(({ number }) => number);
  return fat.length === 0 ? 'none is FAT.' : `FAT are: ${fat.join(', ')}.`;
}
