import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scratch } from '../card/disk-overlay.js';
import { onOwnDisk, systemCode } from './system-error.js';

/** Linux' open(2): a file without a name, which goes with the one who has it open. Node has no name for the flag. */
const TMPFILE = 0o20000000;

/**
 * Room in a temporary file that has no name: nothing stays of it, however this process ends.
 * Throws `file.no-room` where the disk under the system's folder for such files is full.
 */
export function openScratchFile(): Scratch {
  const folder = tmpdir();
  const fd = onOwnDisk(folder, () => open(folder));
  return {
    read: (offset, length) =>
      onOwnDisk(folder, () => {
        const bytes = new Uint8Array(length);
        for (let done = 0; done < length;) {
          const count = fs.readSync(fd, bytes, done, length - done, offset + done);
          if (count === 0) throw new RangeError(`Nothing was written at ${offset + done}.`);
          done += count;
        }
        return bytes;
      }),
    write: (offset, bytes) => {
      onOwnDisk(folder, () => {
        for (let done = 0; done < bytes.length;)
          done += fs.writeSync(fd, bytes, done, bytes.length - done, offset + done);
      });
    },
    close: () => {
      fs.closeSync(fd);
    },
  };
}

function open(folder: string): number {
  const { O_RDWR, O_CREAT, O_EXCL, O_DIRECTORY } = fs.constants;
  try {
    return fs.openSync(folder, TMPFILE | O_DIRECTORY | O_RDWR, 0o600);
  } catch (error) {
    // A file system, or a kernel, that has no such files.
    if (!['EISDIR', 'EOPNOTSUPP', 'ENOENT', 'EINVAL'].includes(systemCode(error) ?? '')) throw error;
  }
  const path = join(folder, `hypberry-${randomUUID()}`);
  const fd = fs.openSync(path, O_RDWR | O_CREAT | O_EXCL, 0o600);
  fs.unlinkSync(path);
  return fd;
}
