import { type Card, type CardKind } from './card.js';
import { type Disk, partOf, SECTOR_SIZE } from '../ports/disk.js';
import { ascii } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { counted, hexDigits } from '../base/words.js';
import { notFat, truncated } from './errors.js';
import { openFatCard } from './fat.js';
import { endsOutside, type Partition, type PartitionTable, readPartitionTable } from './mbr.js';
import { almostFat, isFatBootSector, readVolume } from './volume.js';

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
  /** Why it is not, where it nearly is: {@link almostFat}. */
  readonly nearlyFat: string | undefined;
  /**
   * What else the medium is, where its first bytes say so: a packed image, and what unpacks it, or what is not FAT, as a part of
   * a sentence.
   */
  readonly other: { readonly kind: 'packed' | 'file system'; readonly name: string } | undefined;
  /**
   * A partition as a card, or the disk as one FAT volume. Closing the card does not close the disk.
   * Throws `card.truncated`, `card.partition-size`, and what `openFatCard` throws.
   */
  open(where: Partition | 'whole'): Promise<Card>;
  /** What a partition is, for a sentence about one that is not FAT: `an ext4 file system (type 0x83)`. */
  describe(partition: Partition): string;
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
    nearlyFat: almostFat(disk.read(0, 1)),
    other: otherContent(disk),
    open: async (where) => {
      const part = where === 'whole' ? disk : partOf(disk, where.start, where.sectors);
      if (where !== 'whole' && where.start + where.sectors > disk.sectors) {
        throw truncated(endsOutside(where, disk.sectors));
      }
      if (where !== 'whole') {
        const { number, start } = where;
        const correct = (total: number): string =>
          `Correct the table ("echo ,${total} | sfdisk -N ${number} ${target}")`;
        refuseCutPart(part, number, disk.sectors - start, correct);
      } else if (partition !== undefined) {
        refuseCutPart(part, partition, Infinity, () => "Correct the card's table");
      }
      return openFatCard({ ...part, close: () => undefined }, kind, target);
    },
    describe: ({ type, start, sectors }) => {
      const inside = Math.min(sectors, disk.sectors - start);
      const name = inside > 0 ? fileSystemOn(partOf(disk, start, inside)) : undefined;
      return `${name ?? 'of a kind that is not known'} (type 0x${hexDigits(type, 2)})`;
    },
  };
}

/**
 * Refuses a partition with a volume that goes on behind its end: then the table is wrong, and not the image short.
 * @param room sectors from its start to the medium's end
 * @param correct says what has it as large as the volume
 * @throws HypberryError `card.partition-size`, `card.not-fat`
 */
function refuseCutPart(part: Disk, number: number, room: number, correct: (total: number) => string): void {
  if (part.sectors === 0) return;
  const { totalSectors } = readVolume(part.read(0, 1));
  if (totalSectors <= part.sectors || totalSectors > room) return;
  throw new HypberryError(
    'card.partition-size',
    `Partition ${number} has ${counted(part.sectors, 'sector')} in the partition table, and the FAT file system on it has ${totalSectors}.`,
    `${correct(totalSectors)}, or write the card anew.`,
  );
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
/**
 * What other file systems have where, by byte: ext2 to ext4 (Linux, fs/ext4/ext4.h), F2FS (include/linux/f2fs_fs.h), Btrfs
 * (fs/btrfs/fs.h), swap (include/linux/swap.h; of pages of 4 KiB), LUKS, exFAT and NTFS (their boot sectors).
 */
const FILE_SYSTEMS: readonly (readonly [string, number, Uint8Array])[] = [
  ['an ext4 file system', 1024 + 0x38, Uint8Array.of(0x53, 0xef)],
  ['an F2FS file system', 1024, Uint8Array.of(0x10, 0x20, 0xf5, 0xf2)],
  ['a Btrfs file system', 0x1_0040, ascii('_BHRfS_M')],
  ['swap space', 4096 - 10, ascii('SWAPSPACE2')],
  ['encrypted (LUKS)', 0, Uint8Array.of(...ascii('LUKS'), 0xba, 0xbe)],
  ['an exFAT file system', 3, ascii('EXFAT   ')],
  ['an NTFS file system', 3, ascii('NTFS    ')],
];

function otherContent(disk: Disk): Medium['other'] {
  const first = disk.read(0, 1);
  const packed = PACKED.find(([, magic]) => magic.every((byte, i) => first[i] === byte));
  if (packed) return { kind: 'packed', name: packed[0] };
  const name = fileSystemOn(disk);
  return name === undefined ? undefined : { kind: 'file system', name };
}

/** The file system that is not FAT on a disk, as a part of a sentence. */
function fileSystemOn(disk: Disk): string | undefined {
  return FILE_SYSTEMS.find(([, at, magic]) => {
    const sector = Math.floor(at / SECTOR_SIZE);
    if (sector + 1 >= disk.sectors) return false;
    const bytes = disk.read(sector, 2).subarray(at % SECTOR_SIZE);
    return magic.every((byte, i) => bytes[i] === byte);
  })?.[0];
}
