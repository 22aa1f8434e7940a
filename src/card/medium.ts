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
    open: async (where) => {
      const part = where === 'whole' ? disk : partOf(disk, where.start, where.sectors);
      if (where !== 'whole' && where.start + where.sectors > disk.sectors) {
        throw truncated(endsOutside(where, disk.sectors));
      }
      return openFatCard({ ...part, close: () => undefined }, kind, target);
    },
  };
}
