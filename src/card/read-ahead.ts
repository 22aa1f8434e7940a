/** A disk that is read sector by sector, as an SD card is, in larger pieces. */
import { HypberryError } from '../base/errors.js';
import { type Disk, SECTOR_SIZE } from '../ports/disk.js';

/** Sectors that are read at once where one is read behind another. */
const AHEAD = 64;

/**
 * A disk that reads ahead of who reads it one sector after the other. What is written through it is seen; what somebody else
 * changes meanwhile may be read as it was, in one piece at most.
 */
export function readAheadOf(disk: Disk): Disk {
  let ahead: { readonly start: number; readonly bytes: Uint8Array } = { start: 0, bytes: new Uint8Array(0) };
  let lastEnd = -1;
  const forget = (): void => {
    ahead = { start: 0, bytes: new Uint8Array(0) };
  };
  return {
    ...disk,
    read: (sector, count) => {
      if (count > 1) return disk.read(sector, count);
      const goesOn = sector === lastEnd;
      lastEnd = sector + 1;
      const at = (sector - ahead.start) * SECTOR_SIZE;
      if (at >= 0 && at < ahead.bytes.length) return ahead.bytes.slice(at, at + SECTOR_SIZE);
      if (!goesOn) return disk.read(sector, 1);
      try {
        ahead = { start: sector, bytes: disk.read(sector, Math.min(AHEAD, disk.sectors - sector)) };
      } catch (error) {
        // One behind it may be what cannot be read.
        if (!(error instanceof HypberryError)) throw error;
        return disk.read(sector, 1);
      }
      return ahead.bytes.slice(0, SECTOR_SIZE);
    },
    write: (sector, bytes) => {
      forget();
      disk.write(sector, bytes);
    },
    ...(disk.erase && {
      erase: (sector: number, count: number) => {
        forget();
        disk.erase!(sector, count);
      },
    }),
  };
}
