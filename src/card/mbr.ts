import { HypberryError } from '../base/errors.js';
import { notFat, truncated } from './errors.js';
import { type Disk, partOf } from './disk.js';
import { hasSignature, isFatBootSector, viewOf } from './volume.js';

// Own code: `mbr` (2018) and `partitioninfo`, which sits on it, need Node's Buffer and cannot run in a browser.

const TABLE_OFFSET = 0x1be;
const ENTRY_SIZE = 16;
const ENTRIES = 4;
const ENTRY = { type: 4, start: 8, sectors: 12 } as const;

const TYPE_GPT = 0xee;
// FAT12, FAT16 below 32 MB, FAT16, FAT32 by CHS, FAT32 by LBA, FAT16 by LBA.
const FAT_TYPES: readonly number[] = [0x01, 0x04, 0x06, 0x0b, 0x0c, 0x0e];

/** A line of the partition table; sectors counted from the disk's start. */
export interface Partition {
  readonly type: number;
  readonly start: number;
  readonly sectors: number;
}

/** The used lines of the partition table in a disk's first sector. */
export function readPartitionTable(sector: Uint8Array): Partition[] {
  const view = viewOf(sector);
  return Array.from({ length: ENTRIES }, (_, i) => {
    const at = TABLE_OFFSET + i * ENTRY_SIZE;
    return {
      type: view.getUint8(at + ENTRY.type),
      start: view.getUint32(at + ENTRY.start, true),
      sectors: view.getUint32(at + ENTRY.sectors, true),
    };
  }).filter((partition) => partition.type !== 0 && partition.sectors !== 0);
}

/**
 * The boot partition of a disk: the first FAT partition of its table, or the whole disk where that is one FAT
 * volume. Throws `card.not-fat`, `card.no-partition`, `card.truncated`.
 */
export function bootPartition(disk: Disk): Disk {
  if (disk.sectors === 0) throw notFat('There is not even one sector to read.');
  const first = disk.read(0, 1);
  if (isFatBootSector(first)) return disk;
  if (!hasSignature(first)) throw notFat('There is neither a partition table nor a FAT file system.');
  const partitions = readPartitionTable(first);
  const boot = partitions.find((partition) => FAT_TYPES.includes(partition.type));
  if (boot === undefined) {
    const gpt = partitions.some((partition) => partition.type === TYPE_GPT);
    throw new HypberryError(
      'card.no-partition',
      gpt ? 'The card has a GPT partition table.' : 'The partition table has no FAT partition.',
      gpt
        ? 'A Raspberry Pi 2 boots from an MBR table only; write the card anew.'
        : 'Write an operating system for the Raspberry Pi to the card first.',
    );
  }
  // Any partition, not only ours: a copy that stopped in the middle must not pass for a whole one.
  for (const { start, sectors, type } of partitions) {
    if (type !== TYPE_GPT && start + sectors > disk.sectors) {
      throw truncated(
        `A partition ends at sector ${start + sectors}, but there are only ${disk.sectors} sectors.`,
      );
    }
  }
  return partOf(disk, boot.start, boot.sectors);
}
