import * as FatFs from 'js-fatfs';
import { type Disk, SECTOR_SIZE } from '../ports/disk.js';
import { type CheckedVolume } from './fat-check.js';
import { fatEntries, FIRST_CLUSTER, viewOf } from './volume.js';

// FatFs says what to write, this file when. FatFs links a folder to a new cluster before it has cleared it, and
// updates a file's entry without waiting for its data: cut in the wrong moment, that harms what was there
// before. So its writes to anything in use are held here, where FatFs itself sees them, until the operation is
// done, and then go to the medium in an order in which every prefix is sound.

const MAX_RUN = 1 << 20;

// FSInfo sector: offset of the number of free clusters.
const INFO_FREE_COUNT = 488;

type Order = 'as written' | 'backwards';

/** FatFs's disk, and the writes it has made there that the medium does not have yet. */
export interface FatWrites {
  readonly io: FatFs.DiskIO;
  /** Bytes in free clusters. */
  freeBytes(): number;
  /**
   * True where the held writes change a link whose FAT entry stands in two sectors, as one in 512 does on FAT12: half of
   * it would lead elsewhere, so it cannot be changed in one step.
   */
  hasSplitLink(): boolean;
  /**
   * Brings the held writes to the medium; folder sectors in the given order.
   * @param linksInOrder whether links that go must go in the order in which FatFs wrote them
   */
  flush(folders: Order, linksInOrder: boolean): void;
  /** Forgets the held writes. FatFs has to be mounted anew afterwards. */
  discard(): void;
  /** Holds only the writes to folders on, and gives what the medium has in their place. */
  keepFolders(): ReadonlyMap<number, Uint8Array>;
  /** Shows FatFs these sectors in place of the medium's. */
  hold(sectors: ReadonlyMap<number, Uint8Array>): void;
  /** Forgets the held writes to folders, keeps those to the FAT. */
  dropFolders(): void;
  /** Throws what the disk threw while FatFs called it, if it did. */
  rethrow(): void;
}

/** @param disk the volume's own disk, boot sector first */
export function fatWrites(disk: Disk, { volume, used }: CheckedVolume): FatWrites {
  let free = countFree(used);
  let failure: unknown;
  const held = new Map<number, Uint8Array>();
  // Data for free clusters, collected so that neighbours go out in one write.
  const run = { bytes: new Uint8Array(MAX_RUN), start: 0, sectors: 0 };

  const fatEnd = volume.fatStart + volume.fats * volume.fatSectors;
  const isFat = (sector: number): boolean => sector >= volume.fatStart && sector < fatEnd;
  const isInfo = (sector: number): boolean => volume.infoSector !== 0 && sector === volume.infoSector;
  const clusterOf = (sector: number): number =>
    Math.floor((sector - volume.dataStart) / volume.sectorsPerCluster) + FIRST_CLUSTER;
  const isFree = (sector: number): boolean => sector >= volume.dataStart && used[clusterOf(sector)] === 0;
  function writeRun(): void {
    if (run.sectors === 0) return;
    disk.write(run.start, run.bytes.subarray(0, run.sectors * SECTOR_SIZE));
    run.sectors = 0;
  }

  function write(sector: number, bytes: Uint8Array): void {
    // One call stays within a cluster: FatFs splits at cluster ends.
    if (!isFree(sector)) {
      for (let at = 0; at < bytes.length; at += SECTOR_SIZE) {
        held.set(sector + at / SECTOR_SIZE, bytes.slice(at, at + SECTOR_SIZE));
      }
      return;
    }
    const sectors = bytes.length / SECTOR_SIZE;
    if (sector !== run.start + run.sectors || (run.sectors + sectors) * SECTOR_SIZE > MAX_RUN) writeRun();
    if (run.sectors === 0) run.start = sector;
    run.bytes.set(bytes, run.sectors * SECTOR_SIZE);
    run.sectors += sectors;
  }

  function read(sector: number, count: number): Uint8Array {
    if (sector < run.start + run.sectors && sector + count > run.start) writeRun();
    const bytes = disk.read(sector, count);
    for (let i = 0; i < count; i++) {
      const own = held.get(sector + i);
      if (own !== undefined) bytes.set(own, i * SECTOR_SIZE);
      // What others left there may be wrong; the count taken from the FAT is right.
      else if (isInfo(sector + i)) viewOf(bytes).setUint32(i * SECTOR_SIZE + INFO_FREE_COUNT, free, true);
    }
    return bytes;
  }

  /**
   * The entries that have a bit in a FAT sector, and the number of the first.
   * @param from what to read the FAT with: as the medium has it, or as FatFs sees it
   */
  function entriesIn(sector: number, from: typeof read): { first: number; entries: Uint32Array } {
    const index = (sector - volume.fatStart) % volume.fatSectors;
    const perSector = (SECTOR_SIZE * 8) / volume.bits;
    const first = Math.floor(index * perSector);
    if (volume.bits !== 12) return { first, entries: fatEntries(volume, from(sector, 1)) };
    // An entry may stand in two sectors: read from the beginning, which is a dozen of them.
    const sectors = Math.min(index + 2, volume.fatSectors);
    const entries = fatEntries(volume, from(sector - index, sectors));
    return { first, entries: entries.subarray(first, Math.ceil((index + 1) * perSector)) };
  }

  /** How a FAT sector as it is held changes an entry that was in use: a link from something that was there before. */
  function changesUsed(sector: number): 'no' | 'yes' | 'in two sectors' {
    const { first, entries: before } = entriesIn(sector, (at, count) => disk.read(at, count));
    const { entries } = entriesIn(sector, read);
    const changed = [...entries.keys()].filter((i) => before[i] !== 0 && before[i] !== entries[i]);
    if (changed.length === 0) return 'no';
    const isSplit = (i: number): boolean => {
      const bit = (first + i) * volume.bits;
      const inSector = SECTOR_SIZE * 8;
      return Math.floor(bit / inSector) !== Math.floor((bit + volume.bits - 1) / inSector);
    };
    return changed.some((i) => entries[i] !== 0 && isSplit(i)) ? 'in two sectors' : 'yes';
  }

  function writeFat(sectors: readonly (readonly [number, Uint8Array])[]): void {
    for (const [sector, bytes] of sectors) disk.write(sector, bytes);
    if (sectors.length > 0) disk.sync();
    for (const [sector] of sectors) {
      const { first, entries } = entriesIn(sector, (at, count) => disk.read(at, count));
      entries.forEach((entry, i) => {
        const cluster = first + i;
        if (cluster < FIRST_CLUSTER || cluster >= used.length) return;
        const taken = entry === 0 ? 0 : 1;
        free += used[cluster]! - taken;
        used[cluster] = taken;
      });
    }
  }

  function flush(order: Order, linksInOrder: boolean): void {
    const all = [...held];
    const fat = all.filter(([sector]) => isFat(sector));
    const folders = all.filter(([sector]) => !isFat(sector) && !isInfo(sector));
    const info = all.filter(([sector]) => isInfo(sector));
    const links = fat.filter(([sector]) => changesUsed(sector) !== 'no');
    const chains = fat.filter((entry) => !links.includes(entry));
    // New data and new chains first: nothing leads to them yet.
    writeRun();
    writeFat(chains);
    // Then what leads to them, or no longer leads to the old ones.
    for (const [sector, bytes] of order === 'backwards' ? folders.reverse() : folders) {
      disk.write(sector, bytes);
      disk.sync();
    }
    // Then the old chains, which nothing leads to any more, or the link to a folder's new cluster.
    if (linksInOrder) for (const link of links) writeFat([link]);
    else writeFat(links);
    for (const [sector, bytes] of info) disk.write(sector, bytes);
    if (info.length > 0) disk.sync();
    held.clear();
  }

  /** A callback for FatFs, through which no exception may pass: the C code under it would not be unwound. */
  function guarded(action: () => void): number {
    try {
      action();
      return FatFs.RES_OK;
    } catch (error) {
      failure ??= error;
      return FatFs.RES_ERROR;
    }
  }

  return {
    io: {
      initialize: () => (disk.writable ? 0 : FatFs.STA_PROTECT),
      status: () => (disk.writable ? 0 : FatFs.STA_PROTECT),
      read: (ff, _drive, buffer, sector, count) =>
        guarded(() => {
          ff.HEAPU8.set(read(sector >>> 0, count), buffer);
        }),
      write: (ff, _drive, buffer, sector, count) =>
        guarded(() => {
          write(sector >>> 0, ff.HEAPU8.subarray(buffer, buffer + count * SECTOR_SIZE));
        }),
      ioctl: (ff, _drive, command, buffer) => {
        if (command === FatFs.GET_SECTOR_SIZE) ff.setValue(buffer, SECTOR_SIZE, 'i16');
        else if (command !== FatFs.CTRL_SYNC) return FatFs.RES_PARERR;
        return FatFs.RES_OK;
      },
    },
    hasSplitLink: () =>
      // The first FAT is the one that is read; what a cut left in the others may be anything.
      [...held.keys()].some(
        (sector) =>
          isFat(sector) &&
          sector < volume.fatStart + volume.fatSectors &&
          changesUsed(sector) === 'in two sectors',
      ),
    freeBytes: () => free * volume.sectorsPerCluster * SECTOR_SIZE,
    flush,
    discard() {
      held.clear();
      run.sectors = 0;
    },
    keepFolders() {
      for (const sector of [...held.keys()]) if (isFat(sector) || isInfo(sector)) held.delete(sector);
      return new Map([...held.keys()].map((sector) => [sector, disk.read(sector, 1)]));
    },
    hold(sectors) {
      for (const [sector, bytes] of sectors) held.set(sector, bytes);
    },
    dropFolders() {
      for (const sector of [...held.keys()]) if (!isFat(sector) && !isInfo(sector)) held.delete(sector);
    },
    rethrow() {
      const error = failure;
      failure = undefined;
      if (error !== undefined) throw error as Error;
    },
  };
}

function countFree(used: Uint8Array): number {
  let free = 0;
  for (let cluster = FIRST_CLUSTER; cluster < used.length; cluster++) free += 1 - used[cluster]!;
  return free;
}
