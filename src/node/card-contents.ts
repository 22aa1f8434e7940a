import fs from 'node:fs';
import { overlayOf } from '../card/disk-overlay.js';
import type { Disk } from '../ports/disk.js';
import { deviceNumbers, openDiskFile } from './disk-file.js';
import { openScratchFile } from './scratch-file.js';
import { onSystem } from './system-error.js';

/** The most sectors of an SD card: 2 TiB (SDXC). */
const MOST_SECTORS = 2 ** 32;

/**
 * What is on a whole card, for a system that runs: an image or a device is read in place, and never written; what the
 * system writes is kept beside it, in memory and then in a temporary file, until the disk is closed.
 * @returns undefined for a folder, a partition alone, and what is larger than any card
 * @throws HypberryError as {@link openDiskFile}
 */
export function openContents(target: string): Disk | undefined {
  const stat = onSystem(target, () => fs.statSync(target));
  if (!stat.isFile() && !stat.isBlockDevice()) return undefined;
  if (stat.isBlockDevice() && isPartition(stat.rdev)) return undefined;
  const disk = openDiskFile(target, { write: false });
  if (disk.sectors === 0 || disk.sectors > MOST_SECTORS) {
    disk.close();
    return undefined;
  }
  const overlay = overlayOf(disk, { scratch: openScratchFile });
  return {
    ...overlay,
    close: () => {
      overlay.close();
      disk.close();
    },
  };
}

/** Whether a device is a partition of another one. */
function isPartition(rdev: number): boolean {
  const { major, minor } = deviceNumbers(rdev);
  return fs.existsSync(`/sys/dev/block/${major}:${minor}/partition`);
}
