import fs from 'node:fs';
import { HypberryError } from '../base/errors.js';
import { type Disk, SECTOR_SIZE } from '../ports/disk.js';
import { onOwnDisk, onSystem, systemCode } from './system-error.js';

/** Linux: size of a block device in units of 512 bytes, whatever its own sectors are. */
const sizeFile = (major: number, minor: number): string => `/sys/dev/block/${major}:${minor}/size`;

/** A disk that is a file or a device. */
export interface DiskFile extends Disk {
  /** Its descriptor, open until the disk is closed. */
  readonly fd: number;
}

/**
 * An image file or a block device as a disk, read and written in place.
 *
 * Open for writing, a block device is taken with O_EXCL, which Linux refuses while any of it is mounted.
 * Throws `card.not-found`, `card.permission`, `card.read-only`, `card.mounted`; reading and writing throw `card.truncated`
 * behind what is there now, `card.io`, and writing an image `file.no-room`.
 */
export function openDiskFile(path: string, options: { write: boolean }): DiskFile {
  const stat = onSystem(path, () => fs.statSync(path));
  const { O_RDONLY, O_RDWR, O_EXCL } = fs.constants;
  const mode = options.write ? O_RDWR | (stat.isBlockDevice() ? O_EXCL : 0) : O_RDONLY;
  const fd = onSystem(path, () => fs.openSync(path, mode));
  let sectors: number;
  try {
    sectors = stat.isBlockDevice() ? deviceSectors(path, stat.rdev) : Math.floor(stat.size / SECTOR_SIZE);
  } catch (error) {
    fs.closeSync(fd);
    throw error;
  }
  const endsBefore = (sector: number): HypberryError =>
    new HypberryError(
      'card.truncated',
      `"${path}" ends before sector ${sector}.`,
      'The image became shorter, or the card was taken out; try again.',
    );
  // Of a device the system has no room behind its end alone, and a card that was taken out has no room at all (Linux,
  // block/fops.c, blkdev_write_iter; block/genhd.c, blk_mark_disk_dead).
  const whileWriting = (end: number, action: () => void): void => {
    if (!stat.isBlockDevice()) onOwnDisk(path, action);
    else
      onSystem(path, () => {
        try {
          action();
        } catch (error) {
          throw systemCode(error) === 'ENOSPC' ? endsBefore(end) : error;
        }
      });
  };
  return {
    fd,
    sectorSize: SECTOR_SIZE,
    sectors,
    writable: options.write,
    read: (sector, count) =>
      onSystem(path, () => {
        const bytes = new Uint8Array(count * SECTOR_SIZE);
        for (let done = 0; done < bytes.length;) {
          const n = fs.readSync(fd, bytes, done, bytes.length - done, sector * SECTOR_SIZE + done);
          if (n === 0) throw endsBefore(sector + count);
          done += n;
        }
        return bytes;
      }),
    write: (sector, bytes) => {
      whileWriting(sector + bytes.length / SECTOR_SIZE, () => {
        for (let done = 0; done < bytes.length;) {
          done += fs.writeSync(fd, bytes, done, bytes.length - done, sector * SECTOR_SIZE + done);
        }
      });
    },
    sync: () => {
      onOwnDisk(path, () => {
        fs.fsyncSync(fd);
      });
    },
    close: () => {
      fs.closeSync(fd);
    },
  };
}

/** Major and minor number of a device, taken apart as glibc's gnu_dev_major and gnu_dev_minor do. */
export function deviceNumbers(dev: number): { major: number; minor: number } {
  const [high, low] = [Math.floor(dev / 2 ** 32), dev >>> 0];
  return {
    major: ((low >>> 8) & 0xfff) + (high & 0xfffff000),
    minor: (low & 0xff) + ((low >>> 12) & 0xfff00) + (high & 0xfff) * 2 ** 20,
  };
}

function deviceSectors(path: string, rdev: number): number {
  const { major, minor } = deviceNumbers(rdev);
  return Number(onSystem(path, () => fs.readFileSync(sizeFile(major, minor), 'latin1')));
}
