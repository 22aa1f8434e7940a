import fs from 'node:fs';
import { type Card } from '../card/card.js';
import { notFat, readOnly } from '../card/errors.js';
import { openFatCard } from '../card/fat.js';
import { deviceNumbers, openDiskFile } from './disk-file.js';
import { openFolderCard } from './folder-card.js';
import { lockTarget } from './lock.js';
import { mountPoint } from './mounts.js';
import { refuseAsOutput } from './outputs.js';
import { mounted, onSystem } from './system-error.js';

/**
 * Opens a boot folder, a card image, or a card or partition by its device file (or a link to one).
 *
 * Without `write` nothing is ever written, and a mounted device may be read. Until the card is closed nobody else writes to
 * it, or with `write` reads it: see {@link lockTarget}.
 * Throws `card.in-use`, `file.is-input`, `card.not-found`, `card.permission`, `card.read-only`, `card.mounted`, and what `openFatCard` throws.
 */
export async function openCard(target: string, options: { write: boolean }): Promise<Card> {
  onSystem(target, () => {
    refuseAsOutput(target);
  });
  const lock = await lockTarget(target, options.write ? 'write' : 'read');
  try {
    const card = await openLocked(target, options);
    let isOpen = true;
    return {
      ...card,
      close: async () => {
        if (isOpen) await card.close();
        isOpen = false;
        lock.release();
      },
    };
  } catch (error) {
    lock.release();
    throw error;
  }
}

async function openLocked(target: string, options: { write: boolean }): Promise<Card> {
  const stat = onSystem(target, () => fs.statSync(target));
  if (stat.isDirectory()) return openFolderCard(target, options);
  if (!stat.isFile() && !stat.isBlockDevice()) {
    throw notFat(`"${target}" is neither a folder nor an image nor a card.`);
  }
  if (options.write) {
    if (stat.isBlockDevice() && isReadOnlyDevice(stat.rdev)) throw readOnly(`"${target}"`);
    const point = onSystem(target, () => mountPoint(target));
    if (point !== undefined) throw mounted(target, `The mount at ${point}`);
  }
  const disk = openDiskFile(target, options);
  try {
    return await openFatCard(disk, stat.isFile() ? 'image' : 'device', target);
  } catch (error) {
    disk.close();
    throw error;
  }
}

/** True where the kernel lets no one write to a block device: a card whose lock switch is on. */
function isReadOnlyDevice(rdev: number): boolean {
  const { major, minor } = deviceNumbers(rdev);
  const file = `/sys/dev/block/${major}:${minor}/ro`;
  return fs.existsSync(file) && fs.readFileSync(file, 'latin1').trim() === '1';
}
