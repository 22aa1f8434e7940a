import { counted } from '../base/words.js';
import { type Disk } from '../ports/disk.js';
import { hasSignature, viewOf } from './volume.js';

// Own code: `mbr` (2018) and `partitioninfo`, which sits on it, need Node's Buffer and cannot run in a browser.

const TABLE_OFFSET = 0x1be;
const ENTRY_SIZE = 16;
const ENTRIES = 4;
const ENTRY = { bootIndicator: 0, type: 4, start: 8, sectors: 12 } as const;

const NOT_ACTIVE = 0x00;
const ACTIVE = 0x80;

const TYPE_UNUSED = 0x00;
const TYPE_GPT = 0xee;
/** Extended partitions: by CHS, by LBA, Linux's own. */
export const TYPE_EXTENDED_LBA = 0x0f;
const EXTENDED_TYPES: readonly number[] = [0x05, TYPE_EXTENDED_LBA, 0x85];
// FAT12, FAT16 below 32 MB, FAT16, FAT32 by CHS, FAT32 by LBA, FAT16 by LBA.
const FAT_TYPES: readonly number[] = [0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e];

/** Number of the first logical partition, however many primary ones there are. */
const FIRST_LOGICAL = 5;
/** In an extended boot record, the entries from this one on count only where they lie in the record's own part. */
const CHECKED_ENTRY = 2;
/** Logical partitions, and extended boot records, that are followed at most: Linux gives no more than 256 numbers. */
const MOST_RECORDS = 256;

/** A partition, numbered as Linux does: 1 to 4 by its line in the table, logical ones from 5 in their order. */
export interface Partition {
  readonly number: number;
  readonly type: number;
  /** First sector, from the disk's start. */
  readonly start: number;
  readonly sectors: number;
  /** Of a logical one, the type of the extended partition that it lies in. */
  readonly extendedType?: number;
}

/** A partition table with its logical partitions. */
export interface PartitionTable {
  /** Those in use, extended ones left out, by their numbers. */
  readonly partitions: readonly Partition[];
  /** Numbers of the extended ones. */
  readonly extended: readonly number[];
  /** It is there to protect a GPT, which holds the partitions. */
  readonly gpt: boolean;
  /** What does not fit together; undefined where all does. */
  readonly fault: TableFault | undefined;
}

/** A primary partition that reaches past the disk's end, or two that overlap; with a sentence that says which. */
export interface TableFault {
  readonly kind: 'outside' | 'overlap';
  readonly text: string;
}

/** True where a partition says of itself that it is FAT. */
export function isFatType({ type }: Partition): boolean {
  return FAT_TYPES.includes(type);
}

/**
 * The partition table in a disk's first sector, and the logical partitions in its extended ones; undefined where that
 * sector holds none: no signature, or a boot indicator that is neither 0x00 nor 0x80, by which Linux and fdisk tell
 * the boot code of a FAT volume from a table (Linux, block/partitions/msdos.c).
 * @throws what the disk throws
 */
export function readPartitionTable(disk: Disk): PartitionTable | undefined {
  const sector = disk.read(0, 1);
  const entries = entriesOf(sector);
  const sound = ({ bootIndicator }: Entry): boolean =>
    bootIndicator === NOT_ACTIVE || bootIndicator === ACTIVE;
  if (!hasSignature(sector) || !entries.every(sound)) return undefined;

  const primary = entries.flatMap(({ type, start, sectors }, i) =>
    type !== TYPE_UNUSED && sectors !== 0 ? [{ number: i + 1, type, start, sectors }] : [],
  );
  // A protective entry may say more than the disk has.
  const real = primary.filter(({ type }) => type !== TYPE_GPT);
  const isExtended = ({ type }: Partition): boolean => EXTENDED_TYPES.includes(type);
  return {
    partitions: [
      ...real.filter((it) => !isExtended(it)),
      ...logicalPartitions(disk, real.filter(isExtended)),
    ],
    extended: real.filter(isExtended).map(({ number }) => number),
    gpt: real.length !== primary.length,
    fault: faultIn(real, disk.sectors),
  };
}

interface Entry {
  readonly bootIndicator: number;
  readonly type: number;
  readonly start: number;
  readonly sectors: number;
}

/** The four lines of a partition table or an extended boot record, used or not; starts as they stand there. */
function entriesOf(sector: Uint8Array): Entry[] {
  const view = viewOf(sector);
  return Array.from({ length: ENTRIES }, (_, i) => {
    const at = TABLE_OFFSET + i * ENTRY_SIZE;
    return {
      bootIndicator: view.getUint8(at + ENTRY.bootIndicator),
      type: view.getUint8(at + ENTRY.type),
      start: view.getUint32(at + ENTRY.start, true),
      sectors: view.getUint32(at + ENTRY.sectors, true),
    };
  });
}

/** The end of a sentence about what reaches past so many sectors. */
export const butOnly = (sectors: number): string =>
  `but there ${sectors === 1 ? 'is' : 'are'} only ${counted(sectors, 'sector')}.`;

/** Says of a partition that it reaches past the end of a disk of so many sectors. */
export function endsOutside({ number, start, sectors }: Partition, diskSectors: number): string {
  return `Partition ${number} ends at sector ${start + sectors}, ${butOnly(diskSectors)}`;
}

function faultIn(partitions: readonly Partition[], sectors: number): TableFault | undefined {
  const outside = partitions.find((it) => it.start + it.sectors > sectors);
  if (outside) {
    return { kind: 'outside', text: endsOutside(outside, sectors) };
  }
  const inOrder = [...partitions].sort((a, b) => a.start - b.start);
  for (const [i, next] of inOrder.entries()) {
    const before = inOrder[i - 1];
    if (before && before.start + before.sectors > next.start)
      return { kind: 'overlap', text: `Partitions ${before.number} and ${next.number} overlap.` };
  }
  return undefined;
}

/**
 * The logical partitions: each extended boot record names one by its distance from the record, and the next record by
 * its distance from the extended partition. Numbered as Linux does, which counts what is in use, whatever its type.
 */
function logicalPartitions(disk: Disk, extended: readonly Partition[]): Partition[] {
  const found: Partition[] = [];
  const seen = new Set<number>();
  for (const { start: first, sectors: whole, type: extendedType } of extended) {
    let [record, size] = [first, whole];
    while (record < disk.sectors && !seen.has(record) && seen.size < MOST_RECORDS) {
      seen.add(record);
      const sector = disk.read(record, 1);
      if (!hasSignature(sector)) break;
      let next: Entry | undefined;
      for (const [i, entry] of entriesOf(sector).entries()) {
        if (entry.sectors === 0) continue;
        if (EXTENDED_TYPES.includes(entry.type)) {
          next ??= entry;
          continue;
        }
        const start = record + entry.start;
        const inside = start >= first && start + entry.sectors <= first + whole;
        if (i >= CHECKED_ENTRY && (entry.start + entry.sectors > size || !inside)) continue;
        if (found.length >= MOST_RECORDS) break;
        found.push({
          number: FIRST_LOGICAL + found.length,
          type: entry.type,
          start,
          sectors: entry.sectors,
          extendedType,
        });
      }
      if (!next) break;
      [record, size] = [first + next.start, next.sectors];
    }
  }
  return found;
}
