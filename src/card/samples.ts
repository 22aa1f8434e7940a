/** Whether a disk is the one that it was, told by a look at some of it. */
import { checkOf } from '../base/check.js';
import { type Disk } from '../ports/disk.js';
import { readPartitionTable } from './mbr.js';

/** What tells one disk from another: its sectors, and a check over samples of them. */
export interface Samples {
  readonly sectors: number;
  readonly check: number;
}

/** Samples that lie evenly over the disk. */
const SAMPLES = 256;
/** Sectors of a sample: of a file system's start they hold what each mount changes. */
const SAMPLE_SECTORS = 8;

/** Looks at the start of a disk, of each of its partitions, and at places all over it. */
export function samplesOf(disk: Disk): Samples {
  const { sectors } = disk;
  const starts = readPartitionTable(disk)?.partitions.map(({ start }) => start) ?? [];
  const evenly = Array.from({ length: SAMPLES }, (_, i) => Math.floor((sectors * i) / SAMPLES));
  const checks = [...starts, ...evenly].map((start) => {
    const count = Math.min(SAMPLE_SECTORS, sectors - start);
    return count > 0 ? checkOf(disk.read(start, count)) : 0;
  });
  return { sectors, check: checkOf(new Uint8Array(Uint32Array.from(checks).buffer)) };
}
