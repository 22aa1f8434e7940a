import { spawn } from 'node:child_process';
import { mkdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** The project's cache folder: fetched inputs, tools and built images. Never committed. */
export const cacheFolder = fileURLToPath(new URL('../../.cache', import.meta.url));

/**
 * Runs `work` while no other process that asks for the same lock does.
 *
 * The lock is held by util-linux's `flock`, so that the system lets go of it however this process ends.
 * @param name the lock's name
 * @throws Error where `flock` cannot be run
 */
export async function withLock<T>(name: string, work: () => Promise<T>): Promise<T> {
  await mkdir(cacheFolder, { recursive: true });
  // The held command says that it has the lock, then waits until its standard input ends.
  const holder = spawn(
    'flock',
    [join(cacheFolder, `${name}.lock`), 'sh', '-c', 'echo held; cat >/dev/null'],
    {
      stdio: ['pipe', 'pipe', 'inherit'],
    },
  );
  await new Promise<void>((resolve, reject) => {
    holder.once('error', reject);
    holder.once('exit', (code) => {
      reject(new Error(`flock ended with status ${String(code)}`));
    });
    holder.stdout.once('data', () => {
      resolve();
    });
  });
  try {
    return await work();
  } finally {
    holder.stdin.end();
  }
}

/**
 * Works in a folder that is empty at the beginning, and gone at the end. To be called under the lock of what is made there:
 * a folder that is there already was left by a process that was killed.
 */
export async function inWorkFolder<T>(folder: string, work: () => Promise<T>): Promise<T> {
  await rm(folder, { recursive: true, force: true });
  await mkdir(folder, { recursive: true });
  try {
    return await work();
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** When a file was last written, milliseconds; 0 where there is none. */
export async function written(file: string): Promise<number> {
  return stat(file).then(
    ({ mtimeMs }) => mtimeMs,
    () => 0,
  );
}
