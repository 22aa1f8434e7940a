import { hexDigits } from '../base/words.js';
import { notFat } from './errors.js';
import { SECTOR_SIZE } from '../ports/disk.js';

// Layout and rules: Microsoft "FAT: General Overview of On-Disk Format" 1.03 (fatgen103).

const BPB = {
  jump: 0,
  bytesPerSector: 11,
  sectorsPerCluster: 13,
  reservedSectors: 14,
  fats: 16,
  rootEntries: 17,
  totalSectors16: 19,
  media: 21,
  fatSectors16: 22,
  totalSectors32: 32,
  fatSectors32: 36,
  extFlags32: 40,
  rootCluster32: 44,
  fsInfo32: 48,
} as const;

/** The least value of BPB_Media, and the most of BPB_BytsPerSec. */
const FIRST_MEDIA = 0xf0;
const MOST_PER_SECTOR = 4096;

/** Offset of the 0x55, 0xaa that end a boot sector and a partition table. */
const SIGNATURE_OFFSET = 510;

/** Bytes of a directory entry. */
export const ENTRY_SIZE = 32;

/** Number of the first data cluster. */
export const FIRST_CLUSTER = 2;

// Cluster counts below these make a volume FAT12, FAT16. At these themselves, FatFs counts one more to the smaller kind
// than the specification and Linux do (fs/fat/inode.c, MAX_FAT12), so such volumes are refused.
const FAT16_CLUSTERS = 4085;
const FAT32_CLUSTERS = 65525;

// BPB_ExtFlags: set where the FATs are not mirrored, and the low bits say which one counts.
const EXT_FLAGS_NOT_MIRRORED = 0x80;

/** Where the parts of a FAT volume lie, in sectors from its start. */
export interface Volume {
  readonly bits: 12 | 16 | 32;
  readonly totalSectors: number;
  readonly sectorsPerCluster: number;
  /** Number of data clusters; the last one's number is `clusters + 1`. */
  readonly clusters: number;
  readonly fatStart: number;
  /** Sectors of one FAT. */
  readonly fatSectors: number;
  /** Number of FATs. */
  readonly fats: number;
  /** The fixed root directory of FAT12 and FAT16; none on FAT32. */
  readonly rootStart: number;
  readonly rootSectors: number;
  /** The root directory's first cluster on FAT32; else 0. */
  readonly rootCluster: number;
  /** The FSInfo sector on FAT32; 0 where there is none. */
  readonly infoSector: number;
  readonly dataStart: number;
}

/** True where a sector ends in 0x55, 0xaa. */
export function hasSignature(sector: Uint8Array): boolean {
  return sector[SIGNATURE_OFFSET] === 0x55 && sector[SIGNATURE_OFFSET + 1] === 0xaa;
}

/** True where a sector is a FAT volume's boot sector rather than a partition table or something else. */
export function isFatBootSector(sector: Uint8Array): boolean {
  return hasLayout(sector) && oddityOf(sector) === undefined;
}

/** The same but for what {@link oddityOf} tells. */
function hasLayout(sector: Uint8Array): boolean {
  const view = viewOf(sector);
  const bytesPerSector = view.getUint16(BPB.bytesPerSector, true);
  return (
    hasSignature(sector) &&
    bytesPerSector >= SECTOR_SIZE &&
    isPowerOfTwo(bytesPerSector) &&
    isPowerOfTwo(sector[BPB.sectorsPerCluster]!) &&
    view.getUint16(BPB.reservedSectors, true) > 0
  );
}

/** What a boot sector has otherwise than FAT's, by which FatFs knows them. */
function oddityOf(sector: Uint8Array): string | undefined {
  const jump = sector[BPB.jump]!;
  const fats = sector[BPB.fats]!;
  if (jump !== 0xeb && jump !== 0xe9) return `its first byte is 0x${hexDigits(jump, 2)}, which is no jump`;
  if (fats !== 1 && fats !== 2) return `it has ${fats} allocation tables, and not one or two`;
  return undefined;
}

/**
 * Why what looks like a FAT volume to Linux (fs/fat/inode.c, which asks for less) is not taken for one, a sentence; undefined
 * of anything else.
 */
export function almostFat(sector: Uint8Array): string | undefined {
  const view = viewOf(sector);
  const isMedia = sector[BPB.media]! >= FIRST_MEDIA;
  const hasFats = sector[BPB.fats] !== 0;
  if (
    !hasLayout(sector) ||
    !isMedia ||
    !hasFats ||
    view.getUint16(BPB.bytesPerSector, true) > MOST_PER_SECTOR
  )
    return undefined;
  const oddity = oddityOf(sector);
  return oddity && `There is a FAT file system, and its boot sector is odd: ${oddity}.`;
}

/**
 * Reads a FAT volume's layout from its boot sector.
 * Throws `card.not-fat` where it is none, or one of a kind that the Pi's boot partition is not.
 */
export function readVolume(sector: Uint8Array): Volume {
  if (!isFatBootSector(sector))
    throw notFat(almostFat(sector) ?? 'The boot partition holds no FAT file system.');
  const view = viewOf(sector);
  const bytesPerSector = view.getUint16(BPB.bytesPerSector, true);
  if (bytesPerSector !== SECTOR_SIZE) {
    throw notFat(
      `The FAT file system counts in sectors of ${bytesPerSector} bytes, a card's have ${SECTOR_SIZE}.`,
    );
  }
  const sectorsPerCluster = sector[BPB.sectorsPerCluster]!;
  const fatStart = view.getUint16(BPB.reservedSectors, true);
  const fats = sector[BPB.fats]!;
  const rootEntries = view.getUint16(BPB.rootEntries, true);
  const fatSectors16 = view.getUint16(BPB.fatSectors16, true);
  const fatSectors = fatSectors16 !== 0 ? fatSectors16 : view.getUint32(BPB.fatSectors32, true);
  const total16 = view.getUint16(BPB.totalSectors16, true);
  const totalSectors = total16 !== 0 ? total16 : view.getUint32(BPB.totalSectors32, true);
  const rootStart = fatStart + fats * fatSectors;
  const rootSectors = Math.ceil((rootEntries * ENTRY_SIZE) / SECTOR_SIZE);
  const dataStart = rootStart + rootSectors;
  const clusters = Math.floor((totalSectors - dataStart) / sectorsPerCluster);
  if (clusters < 1) throw notFat('The file system has no room for a file: its boot sector is damaged.');
  if (clusters === FAT16_CLUSTERS || clusters === FAT32_CLUSTERS) {
    throw notFat(
      `The file system has ${clusters} clusters, with which some take it for FAT${clusters === FAT16_CLUSTERS ? '12' : '16'} and others not.`,
    );
  }
  const bits = clusters < FAT16_CLUSTERS ? 12 : clusters < FAT32_CLUSTERS ? 16 : 32;
  // mkfs.fat -F 32 makes such volumes when told to; what else reads them, and how, is not agreed on.
  if (bits !== 32 && rootEntries === 0) {
    throw notFat(`The file system calls itself FAT32 but has ${clusters} clusters, too few to be one.`);
  }
  if ((clusters + FIRST_CLUSTER) * (bits / 8) > fatSectors * SECTOR_SIZE) {
    throw notFat('The file allocation table is too small for its volume: the boot sector is damaged.');
  }
  if (bits === 32 && (view.getUint16(BPB.extFlags32, true) & EXT_FLAGS_NOT_MIRRORED) !== 0) {
    throw notFat('The file system keeps its two allocation tables apart, which no card for a Pi does.');
  }
  return {
    bits,
    totalSectors,
    sectorsPerCluster,
    clusters,
    fatStart,
    fatSectors,
    fats,
    rootStart,
    rootSectors,
    rootCluster: bits === 32 ? view.getUint32(BPB.rootCluster32, true) : 0,
    // FatFs keeps FSInfo only where it stands right behind the boot sector, as everyone puts it.
    infoSector: bits === 32 && view.getUint16(BPB.fsInfo32, true) === 1 ? 1 : 0,
    dataStart,
  };
}

/** First sector of a cluster. */
export function clusterSector(volume: Volume, cluster: number): number {
  return volume.dataStart + (cluster - FIRST_CLUSTER) * volume.sectorsPerCluster;
}

/**
 * The FAT entries in `bytes`, as cluster numbers (FAT32's reserved upper four bits taken off).
 * @param bytes begin with an entry: of FAT12, whose entries of three to two bytes run on from sector to sector, this is so
 *   at the beginning of the FAT
 */
export function fatEntries(volume: Volume, bytes: Uint8Array): Uint32Array {
  const view = viewOf(bytes);
  const entries = new Uint32Array(Math.floor((bytes.length * 8) / volume.bits));
  for (let i = 0; i < entries.length; i++) entries[i] = fatEntry(volume.bits, view, i);
  return entries;
}

function fatEntry(bits: Volume['bits'], view: DataView, i: number): number {
  switch (bits) {
    case 12: {
      const two = view.getUint16(i + (i >> 1), true);
      return (i & 1) === 0 ? two & 0xfff : two >> 4;
    }
    case 16:
      return view.getUint16(i * 2, true);
    case 32:
      return view.getUint32(i * 4, true) & 0x0fffffff;
  }
}

/** The value of a FAT entry that marks a bad cluster; the greater ones end a chain. */
export function badCluster({ bits }: Volume): number {
  return { 12: 0xff7, 16: 0xfff7, 32: 0x0fff_fff7 }[bits];
}

/** A DataView on exactly these bytes. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}

function isPowerOfTwo(n: number): boolean {
  return n > 0 && (n & (n - 1)) === 0;
}
