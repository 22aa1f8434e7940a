/** Files without a name, which go with the process that has them open, however that ends. */
import { spawnSync } from 'node:child_process';
import fs from 'node:fs';
import { systemCode } from './system-error.js';

/** Linux' open(2), O_TMPFILE. Node has no name for the flag. */
const TMPFILE = 0o20000000;

/**
 * Opens a new one, to read and write; undefined where the kernel, or the file system of the folder, has no such files.
 * Throws the system's errors.
 * @param mode as of open(2): without what the umask takes away
 */
export function openNameless(folder: string, mode: number): number | undefined {
  const { O_RDWR, O_DIRECTORY } = fs.constants;
  try {
    return fs.openSync(folder, TMPFILE | O_DIRECTORY | O_RDWR, mode);
  } catch (error) {
    if (!['EISDIR', 'EOPNOTSUPP', 'ENOENT', 'EINVAL'].includes(systemCode(error) ?? '')) throw error;
    return undefined;
  }
}

/**
 * Gives such a file a name. Only linkat(2) can, which Node has not; GNU ln has it.
 * @param replaces whether what has that name goes, in the same moment
 * @returns whether it has that name now: not where another has it, and not where there is no such ln
 */
export function nameFile(fd: number, path: string, replaces: boolean): boolean {
  // The child has it as its descriptor 3.
  const args = [replaces ? '-LfT' : '-LT', '--', '/proc/self/fd/3', path];
  return spawnSync('ln', args, { stdio: ['ignore', 'ignore', 'ignore', fd] }).status === 0;
}
