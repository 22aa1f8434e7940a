import { HypberryError } from '../base/errors.js';
import { counted } from '../base/words.js';
import { badChain, truncated } from './errors.js';
import { butOnly } from './mbr.js';
import { type Disk, SECTOR_SIZE } from '../ports/disk.js';
import {
  badCluster,
  clusterSector,
  ENTRY_SIZE,
  fatEntries,
  FIRST_CLUSTER,
  readVolume,
  viewOf,
  type Volume,
} from './volume.js';

const CHUNK_SECTORS = 2048;

const ENTRY = { attributes: 11, clusterHigh: 20, clusterLow: 26, size: 28 } as const;
const ENTRY_END = 0x00;
const ENTRY_DELETED = 0xe5;
const ATTR_VOLUME_ID = 0x08;
const ATTR_DIRECTORY = 0x10;
/** All bits that are attributes, and those that a part of a long name has of them. */
const ATTR_MASK = 0x3f;
const ATTR_LONG_NAME = 0x0f;
const NAME_LENGTH = 8;
const EXTENSION_LENGTH = 3;
const DOT = 0x2e;

/** A volume whose structure was found sound. */
export interface CheckedVolume {
  readonly volume: Volume;
  /** For every cluster number, 1 where it is taken and 0 where it is free. */
  readonly used: Uint8Array;
  /** How many clusters are taken and belong to no file or folder. */
  readonly lost: number;
  /** The volume's name in its root directory; undefined where there is none. */
  readonly label: string | undefined;
  /** A short name is there that {@link isLookedFor} says no of, and that is not found perhaps. */
  readonly hasOddNames: boolean;
}

/** Folders one in the other: the longest path that Windows takes, 260 characters, has no more names. */
const DEEPEST = 128;

interface Folder {
  readonly path: string;
  /** How many folders it lies in. */
  readonly depth: number;
  /** The sectors it lies in, as runs of [first sector, count]. */
  readonly runs: readonly (readonly [number, number])[];
}

/**
 * Reads the file allocation table once and follows every chain on it, from the root directory down.
 *
 * Throws `card.not-fat`; `card.truncated` where the volume reaches past the disk's end; `card.cluster-loop`
 * where a chain comes back to itself or two files share a cluster; `card.bad-chain` where a chain runs into a
 * free, bad or missing cluster or is too short for its file; `card.too-deep` where folders lie more than 128 deep.
 */
export function checkVolume(disk: Disk): CheckedVolume {
  const volume = readVolume(disk.read(0, 1));
  if (volume.totalSectors > disk.sectors) {
    throw truncated(`The FAT file system has ${volume.totalSectors} sectors, ${butOnly(disk.sectors)}`);
  }
  const fat = readFat(disk, volume);
  const seen = new Uint8Array(fat.length);
  const follow = (first: number, path: string): number[] => followChain(volume, fat, seen, first, path);
  const runsOf = (clusters: number[]): [number, number][] =>
    clusters.map((cluster) => [clusterSector(volume, cluster), volume.sectorsPerCluster]);

  const root: Folder = {
    path: '',
    depth: 0,
    runs:
      volume.bits === 32
        ? runsOf(follow(volume.rootCluster, 'the root folder'))
        : [[volume.rootStart, volume.rootSectors]],
  };
  const folders = [root];
  let hasOddNames = false;
  for (let folder = folders.pop(); folder !== undefined; folder = folders.pop()) {
    for (const entry of folderEntries(disk, volume, folder)) {
      hasOddNames ||= !isLookedFor(entry.name);
      const path = folder.path === '' ? entry.name : `${folder.path}/${entry.name}`;
      if (entry.isFolder) {
        if (folder.depth === DEEPEST) throw tooDeep();
        folders.push({ path, depth: folder.depth + 1, runs: runsOf(follow(entry.cluster, path)) });
        continue;
      }
      const clusters = entry.cluster === 0 ? 0 : follow(entry.cluster, path).length;
      if (clusters * volume.sectorsPerCluster * SECTOR_SIZE < entry.size) {
        throw badChain(`"${path}" has ${entry.size} bytes but only ${counted(clusters, 'cluster')}.`);
      }
    }
  }
  const used = new Uint8Array(fat.length);
  const bad = badCluster(volume);
  let lost = 0;
  for (let cluster = 0; cluster < fat.length; cluster++) {
    used[cluster] = fat[cluster] === 0 ? 0 : 1;
    // The first two entries are no clusters'.
    if (cluster >= FIRST_CLUSTER && used[cluster] !== 0 && seen[cluster] === 0 && fat[cluster] !== bad)
      lost++;
  }
  return { volume, used, lost, label: labelIn(disk, root), hasOddNames };
}

/** Whether a short name is as lookups have it: in capitals, and of characters that all code pages have and names may have. */
function isLookedFor(name: string): boolean {
  return /^[A-Z\d!#$%&'()@^_`{}~-]+(?:\.[A-Z\d!#$%&'()@^_`{}~-]+)?$/.test(name);
}

function tooDeep(): HypberryError {
  return new HypberryError(
    'card.too-deep',
    `The file system has more than ${DEEPEST} folders one in the other.`,
    'Take them off the boot partition; a damaged file system may look so too (fsck.vfat).',
  );
}

function readFat(disk: Disk, volume: Volume): Uint32Array {
  const fat = new Uint32Array(volume.clusters + FIRST_CLUSTER);
  // No whole number on FAT12, whose FAT is never more than one chunk.
  const perSector = (SECTOR_SIZE * 8) / volume.bits;
  const sectors = Math.ceil(fat.length / perSector);
  for (let sector = 0; sector < sectors; sector += CHUNK_SECTORS) {
    const count = Math.min(CHUNK_SECTORS, sectors - sector);
    const entries = fatEntries(volume, disk.read(volume.fatStart + sector, count));
    fat.set(entries.subarray(0, fat.length - sector * perSector), sector * perSector);
  }
  return fat;
}

/** The clusters of the chain that starts at `first`; marks them as seen. */
function followChain(
  volume: Volume,
  fat: Uint32Array,
  seen: Uint8Array,
  first: number,
  path: string,
): number[] {
  const bad = badCluster(volume);
  const chain: number[] = [];
  let cluster = first;
  do {
    if (cluster < FIRST_CLUSTER || cluster >= fat.length) {
      throw badChain(`The cluster chain of "${path}" runs into cluster ${cluster}, which does not exist.`);
    }
    if (seen[cluster] === 1) {
      throw new HypberryError(
        'card.cluster-loop',
        `The cluster chain of "${path}" comes to cluster ${cluster}, which is in use already: ` +
          'a loop, or two files in one place.',
        'Copy off what you need, repair the file system (fsck.fat), and try again.',
      );
    }
    seen[cluster] = 1;
    chain.push(cluster);
    const next = fat[cluster]!;
    if (next === 0 || next === bad) {
      throw badChain(`The cluster chain of "${path}" runs into cluster ${cluster}, which is free or bad.`);
    }
    cluster = next;
  } while (cluster < bad);
  return chain;
}

interface RawEntry {
  readonly name: string;
  readonly isFolder: boolean;
  readonly cluster: number;
  readonly size: number;
}

/** A folder's files and folders, by their short names; long names, labels, "." and ".." left out. */
function* folderEntries(disk: Disk, volume: Volume, folder: Folder): Generator<RawEntry> {
  for (const [sector, count] of folder.runs) {
    const bytes = disk.read(sector, count);
    const view = viewOf(bytes);
    for (let at = 0; at < bytes.length; at += ENTRY_SIZE) {
      if (bytes[at] === ENTRY_END) return;
      const attributes = bytes[at + ENTRY.attributes]!;
      // A part of a long name has this bit too.
      if (bytes[at] === ENTRY_DELETED || bytes[at] === DOT || (attributes & ATTR_VOLUME_ID) !== 0) continue;
      yield {
        name: shortName(bytes.subarray(at, at + NAME_LENGTH + EXTENSION_LENGTH)),
        isFolder: (attributes & ATTR_DIRECTORY) !== 0,
        // FAT12 and FAT16 leave the upper half to others.
        cluster:
          (volume.bits === 32 ? view.getUint16(at + ENTRY.clusterHigh, true) * 0x10000 : 0) +
          view.getUint16(at + ENTRY.clusterLow, true),
        size: view.getUint32(at + ENTRY.size, true),
      };
    }
  }
}

/** The first label in a folder: 11 characters, blanks behind them left out. */
function labelIn(disk: Disk, { runs }: Folder): string | undefined {
  for (const [sector, count] of runs) {
    const bytes = disk.read(sector, count);
    for (let at = 0; at < bytes.length; at += ENTRY_SIZE) {
      if (bytes[at] === ENTRY_END) return undefined;
      const attributes = bytes[at + ENTRY.attributes]! & ATTR_MASK;
      if (bytes[at] === ENTRY_DELETED || attributes === ATTR_LONG_NAME || !(attributes & ATTR_VOLUME_ID))
        continue;
      const name = bytes.subarray(at, at + NAME_LENGTH + EXTENSION_LENGTH);
      return (
        Array.from(name, (byte) => String.fromCharCode(byte))
          .join('')
          .trimEnd() || undefined
      );
    }
  }
  return undefined;
}

/** A short name for a message: the eight and three characters, joined by a dot. */
function shortName(bytes: Uint8Array): string {
  const text = Array.from(bytes, (byte) => String.fromCharCode(byte)).join('');
  const extension = text.slice(NAME_LENGTH).trimEnd();
  return text.slice(0, NAME_LENGTH).trimEnd() + (extension === '' ? '' : `.${extension}`);
}
