import { existsSync } from 'node:fs';
import { join, resolve, sep } from 'node:path';
import { HypberryError } from '../base/errors.js';
import { noRoom, readOnly } from '../card/errors.js';

/** The code of an error from the operating system (`ENOENT`), or undefined for any other error. */
export function systemCode(error: unknown): string | undefined {
  if (!(error instanceof Error) || error instanceof HypberryError || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

/** Whether there is a process of a number, whoever's it is. */
export function isThereProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return systemCode(error) !== 'ESRCH';
  }
}

/** Runs a call of the operating system that reads a file of the user's; its errors come out as `file.unreadable`. */
export function onRead<T>(path: string, action: () => T): T {
  return named(action, (code) => [
    'file.unreadable',
    code === 'ENOENT' ? `"${path}" is not there.` : `"${path}" cannot be read (${code}).`,
    'Check the path, and that you may read the file.',
  ]);
}

/** The same for one that writes; its errors come out as `file.unwritable`. */
export function onWritten<T>(path: string, action: () => T): T {
  return named(action, (code) => [
    'file.unwritable',
    `"${path}" cannot be written (${code}).`,
    'Name a file in a folder that you may write to, on a disk with room.',
  ]);
}

function named<T>(action: () => T, name: (code: string) => readonly [string, string, string]): T {
  try {
    return action();
  } catch (error) {
    const code = systemCode(error);
    if (code === undefined) throw error;
    throw new HypberryError(...name(code), { cause: error });
  }
}

/** What a program may have no more of, by the system's codes. */
const LIMITS = new Map([
  ['EMFILE', 'open files'],
  ['ENFILE', 'open files'],
  ['EFBIG', 'bytes in a file'],
  ['ENOMEM', 'memory'],
]);

/** `system.limit` for an error of the operating system that says so; undefined for any other. */
export function limitError(error: unknown): HypberryError | undefined {
  const code = systemCode(error);
  const what = code === undefined ? undefined : LIMITS.get(code);
  if (what === undefined) return undefined;
  return new HypberryError(
    'system.limit',
    `The system lets this command have no more ${what} (${code}).`,
    'Raise the limit (ulimit), or end other programs, and try again.',
    { cause: error },
  );
}

/**
 * Runs a call of the operating system on `path`; its errors come out as `card.…` where they have such a name, and name what
 * lies below it where that is meant.
 */
export function onSystem<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    throw cardError(path, error);
  }
}

function cardError(path: string, error: unknown): unknown {
  const code = systemCode(error);
  const cause = { cause: error };
  const gone = code === 'ENOENT' ? below(path, error) : undefined;
  // Where the card itself is gone, so is all that was on it.
  if (gone !== undefined && existsSync(path)) {
    return new HypberryError(
      'card.changed',
      `Another program has taken "${gone}" away while this command was at work.`,
      'Run the command again when that has ended.',
      cause,
    );
  }
  switch (code) {
    case undefined:
      return error;
    case 'ENOENT':
    case 'ENOTDIR':
    case 'ENOMEDIUM':
    case 'ENXIO':
    case 'ENAMETOOLONG':
    case 'ELOOP':
      return new HypberryError(
        'card.not-found',
        `"${path}" is not there.`,
        'Check the path, and that the card is in its reader.',
        cause,
      );
    case 'EROFS':
      return readOnly(`"${path}"`, cause);
    case 'EACCES':
    case 'EPERM':
      return new HypberryError(
        'card.permission',
        `You may not open or change "${below(path, error) ?? path}".`,
        'Run the command as a user who may, for a card usually with sudo.',
        cause,
      );
    case 'ENOSPC':
    case 'EDQUOT':
      return noRoom(`There is no room left where "${path}" lies.`, cause);
    case 'EBUSY':
      return mounted(path, 'The system');
    default:
      return (
        limitError(error) ??
        new HypberryError(
          'card.io',
          `"${path}" cannot be read or written (${code}).`,
          'Try again; if it comes back, try another reader or another card.',
          cause,
        )
      );
  }
}

/** What lies below `path` and an error of the operating system names. */
function below(path: string, error: unknown): string | undefined {
  if (!(error instanceof Error) || !('path' in error) || typeof error.path !== 'string') return undefined;
  return resolve(error.path).startsWith(join(resolve(path), sep)) ? error.path : undefined;
}

/** The same for what lies on the computer's own disk: `file.no-room` where that one is full. */
export function onOwnDisk<T>(path: string, action: () => T): T {
  try {
    return action();
  } catch (error) {
    const code = systemCode(error);
    if (code !== 'ENOSPC' && code !== 'EDQUOT') throw cardError(path, error);
    throw new HypberryError(
      'file.no-room',
      `The disk of this computer on which "${path}" lies is full.`,
      'Make room on that disk, or use another one; a sparse image takes its space as it is written.',
      { cause: error },
    );
  }
}

/** `card.mounted`: `by` is in the way of writing to `path`. */
export function mounted(path: string, by: string): HypberryError {
  return new HypberryError(
    'card.mounted',
    `${by} has "${path}" in use, so writing to it would damage it.`,
    'Give the folder it is mounted at instead, or unmount all of the card first.',
  );
}
