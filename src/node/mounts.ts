import fs from 'node:fs';
import path from 'node:path';
import { deviceNumbers } from './disk-file.js';

const BLOCK = '/sys/class/block';

/**
 * Where a block device, a partition of it or the disk it is a partition of is mounted, or an image that a loop
 * device shows; undefined where it is not. Linux only: elsewhere there is nothing to read, and the answer is no.
 */
export function mountPoint(target: string): string | undefined {
  const mounts = readMounts();
  const stat = fs.statSync(target);
  const devices = stat.isBlockDevice()
    ? relatives(fs.realpathSync(`/sys/dev/block/${numbers(stat.rdev)}`))
    : loopsOf(stat).flatMap((name) => relatives(fs.realpathSync(path.join(BLOCK, name))));
  return devices.map((device) => mounts.get(device)).find((point) => point !== undefined);
}

/** Mount points by their device's "major:minor" (proc(5), /proc/[pid]/mountinfo). */
function readMounts(): Map<string, string> {
  const lines = readText('/proc/self/mountinfo').split('\n');
  return new Map(
    lines.map((line) => {
      const fields = line.split(' ');
      return [fields[2] ?? '', fields[4] ?? ''];
    }),
  );
}

/** "major:minor" of a block device, given by its folder in /sys, of its partitions and of its disk. */
function relatives(folder: string): string[] {
  const isPartition = (at: string): boolean => fs.existsSync(path.join(at, 'partition'));
  const folders = isPartition(folder)
    ? [folder, path.dirname(folder)]
    : [
        folder,
        ...fs
          .readdirSync(folder)
          .map((name) => path.join(folder, name))
          .filter(isPartition),
      ];
  return folders.map((at) => readText(path.join(at, 'dev')).trim());
}

/** Names of the loop devices that show a file. */
function loopsOf(file: fs.Stats): string[] {
  return list(BLOCK).filter((name) => {
    const backing = readText(path.join(BLOCK, name, 'loop/backing_file')).trimEnd();
    if (backing === '') return false;
    const stat = fs.statSync(backing, { throwIfNoEntry: false });
    return stat?.dev === file.dev && stat.ino === file.ino;
  });
}

function numbers(rdev: number): string {
  const { major, minor } = deviceNumbers(rdev);
  return `${major}:${minor}`;
}

function list(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}

function readText(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}
