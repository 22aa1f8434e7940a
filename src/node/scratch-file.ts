import { randomUUID } from 'node:crypto';
import fs from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Scratch } from '../card/disk-overlay.js';
import { openNameless } from './nameless-file.js';
import { onOwnDisk } from './system-error.js';

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
  const nameless = openNameless(folder, 0o600);
  if (nameless !== undefined) return nameless;
  const { O_RDWR, O_CREAT, O_EXCL } = fs.constants;
  const path = join(folder, `hypberry-${randomUUID()}`);
  const fd = fs.openSync(path, O_RDWR | O_CREAT | O_EXCL, 0o600);
  fs.unlinkSync(path);
  return fd;
}
