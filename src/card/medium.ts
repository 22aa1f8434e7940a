import { type Card, type CardKind } from './card.js';
import { type Disk, partOf } from '../ports/disk.js';
import { notFat, truncated } from './errors.js';
import { openFatCard } from './fat.js';
import { endsOutside, type Partition, type PartitionTable, readPartitionTable } from './mbr.js';
import { isFatBootSector } from './volume.js';

/** A disk that may hold a boot partition, as what its first sector says. */
export interface Medium {
  readonly kind: CardKind;
  /** The target as the user named it. */
  readonly target: string;
  /** Its number where the medium is itself a partition of another, and the system says which. */
  readonly partition: number | undefined;
  /** Undefined where the first sector holds none. */
  readonly table: PartitionTable | undefined;
  /**
   * The first sector is that of a FAT volume: the disk is one volume, or was one before it got the table. Both can be
   * true, as a table and a boot sector do not take the same bytes.
   */
  readonly beginsWithFat: boolean;
  /** What else the medium is, where its first bytes say so: a packed image, or a file system that is not FAT. */
  readonly other: { readonly kind: 'packed' | 'file system'; readonly name: string } | undefined;
  /**
   * A partition as a card, or the disk as one FAT volume. Closing the card does not close the disk.
   * Throws `card.truncated`, and what `openFatCard` throws.
   */
  open(where: Partition | 'whole'): Promise<Card>;
}

/**
 * Throws `card.not-fat` where there is nothing to read.
 * @param partition its number where the disk is a partition of another, and that is known
 */
export function readMedium(disk: Disk, kind: CardKind, target: string, partition?: number): Medium {
  if (disk.sectors === 0) throw notFat('There is not even one sector to read.');
  return {
    kind,
    target,
    partition,
    table: readPartitionTable(disk),
    beginsWithFat: isFatBootSector(disk.read(0, 1)),
    other: otherContent(disk),
    open: async (where) => {
      const part = where === 'whole' ? disk : partOf(disk, where.start, where.sectors);
      if (where !== 'whole' && where.start + where.sectors > disk.sectors) {
        throw truncated(endsOutside(where, disk.sectors));
      }
      return openFatCard({ ...part, close: () => undefined }, kind, target);
    },
  };
}

/** How packed files begin, and what unpacks them. */
const PACKED: readonly (readonly [string, readonly number[]])[] = [
  ['xz', [0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00]],
  ['gunzip', [0x1f, 0x8b, 0x08]],
  ['unzip', [0x50, 0x4b, 0x03, 0x04]],
  ['zstd', [0x28, 0xb5, 0x2f, 0xfd]],
  ['bunzip2', [0x42, 0x5a, 0x68]],
  ['7z', [0x37, 0x7a, 0xbc, 0xaf, 0x27, 0x1c]],
];
/** The superblock of ext2 to ext4 (Linux, fs/ext4/ext4.h): it begins at byte 1024, and has its magic there. */
const EXT = { SECTOR: 2, MAGIC_AT: 0x38, MAGIC: [0x53, 0xef] } as const;

function otherContent(disk: Disk): Medium['other'] {
  const first = disk.read(0, 1);
  const packed = PACKED.find(([, magic]) => magic.every((byte, i) => first[i] === byte));
  if (packed) return { kind: 'packed', name: packed[0] };
  if (disk.sectors <= EXT.SECTOR) return undefined;
  const block = disk.read(EXT.SECTOR, 1);
  const isExt = EXT.MAGIC.every((byte, i) => block[EXT.MAGIC_AT + i] === byte);
  return isExt ? { kind: 'file system', name: 'ext4' } : undefined;
}
