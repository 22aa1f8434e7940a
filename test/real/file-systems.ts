/** File systems of disks whose power was cut, looked at from outside. */
import { run } from '../../scripts/lib/run.js';

/**
 * Replays the journal of an image with an ext4, as its kernel would; then it has to be clean.
 * @throws Error what e2fsck says where it is not
 */
export async function replay(image: string): Promise<void> {
  await run('e2fsck', ['-y', '-E', 'journal_only', image]);
  await run('e2fsck', ['-fn', image]);
}

/** Copies a file out of an image with an ext4. */
export async function takeFile(image: string, path: string, to: string): Promise<void> {
  await run('debugfs', ['-R', `dump /${path} ${to}`, image]);
}
