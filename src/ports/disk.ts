/** Bytes in a sector, here and on every SD card. */
export const SECTOR_SIZE = 512;

/** The most sectors of an SD card: 2 TiB, what the CSD of an SDXC card can say (Physical Layer 3.01, 5.3.3). */
export const MOST_SECTORS = 2 ** 32;

/** Sectors one after the other that were written to a disk. */
export interface WrittenRun {
  readonly sector: number;
  readonly count: number;
  /** What they hold; without it, zeros. */
  readonly bytes?: Uint8Array | undefined;
}

/** A disk as the FAT code sees it: numbered sectors. Synchronous, since FatFs calls back synchronously. */
export interface Disk {
  readonly sectorSize: typeof SECTOR_SIZE;
  /** Number of whole sectors. */
  readonly sectors: number;
  readonly writable: boolean;
  /** `count` sectors from `sector` on, as bytes that the caller may keep. */
  read(sector: number, count: number): Uint8Array;
  /** Writes `bytes`, a multiple of the sector size, from `sector` on. They may be kept back until `sync`. */
  write(sector: number, bytes: Uint8Array): void;
  /** Makes `count` sectors read as zero, for less than writing them would take; a disk without it has them written. */
  erase?(sector: number, count: number): void;
  /** The disk under one that keeps beside it what is written. */
  readonly below?: Disk;
  /** What was written to such a one, in the order of the sectors, as it is when that is read. */
  written?(): Iterable<WrittenRun>;
  /** Makes that be all that was written. Throws RangeError where the disk has no such sectors. */
  restore?(written: Iterable<WrittenRun>): void;
  /** Returns when everything written before is on the medium. */
  sync(): void;
  close(): void;
}

/** The part of a disk from sector `start` on, `sectors` long, as a disk of its own. Closing it closes `disk`. */
export function partOf(disk: Disk, start: number, sectors: number): Disk {
  return {
    sectorSize: SECTOR_SIZE,
    sectors,
    writable: disk.writable,
    read: (sector, count) => {
      requireInside(sector, count, sectors);
      return disk.read(start + sector, count);
    },
    write: (sector, bytes) => {
      requireInside(sector, bytes.length / SECTOR_SIZE, sectors);
      disk.write(start + sector, bytes);
    },
    sync: () => {
      disk.sync();
    },
    close: () => {
      disk.close();
    },
  };
}

function requireInside(sector: number, count: number, sectors: number): void {
  if (sector < 0 || sector + count > sectors) {
    throw new RangeError(`Sectors ${sector}..${sector + count - 1} are outside a part of ${sectors}.`);
  }
}
