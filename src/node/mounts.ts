import fs from 'node:fs';
import path from 'node:path';
import { HypberryError } from '../base/errors.js';
import { deviceNumbers } from './disk-file.js';

// Block devices as Linux shows them in /sys (Documentation/ABI/testing/sysfs-block). Elsewhere there is nothing to read,
// and every answer is empty.

const BLOCK = '/sys/class/block';

/** Names of devices on Windows, of disks and of what is on them. */
const WINDOWS_DEVICE = /^[\\/]{2}(?:\.|\?(?=[\\/](?:PhysicalDrive|Volume)))[\\/]/i;

/**
 * Refuses a device on a system of which it is not known how to ask whether the device is in use.
 * @param target a card, as a command takes it
 * @throws HypberryError `card.mount-unknown`
 */
export function refuseUnknowable(target: string): void {
  const { platform } = process;
  if (platform === 'linux') return;
  const stat = fs.statSync(target, { throwIfNoEntry: false });
  const isDevice =
    stat?.isBlockDevice() === true ||
    stat?.isCharacterDevice() === true ||
    (platform === 'win32' && WINDOWS_DEVICE.test(target));
  if (!isDevice) return;
  const folder =
    platform === 'darwin'
      ? 'the folder that the card is mounted at, /Volumes/…'
      : platform === 'win32'
        ? 'the drive that the card is shown as, such as E:\\'
        : 'the folder that the card is mounted at';
  throw new HypberryError(
    'card.mount-unknown',
    `Whether "${target}" is mounted is not known on this system, and writing to a mounted card would damage it.`,
    `Give ${folder}, or an image of the card.`,
  );
}

/**
 * Where a block device, a partition of it or the disk it is a partition of is mounted, or an image that a loop
 * device shows; undefined where it is not.
 */
export function mountPoint(target: string): string | undefined {
  const mounts = readMounts();
  return devicesShowing(target)
    .map((device) => mounts.get(device))
    .find((point) => point !== undefined);
}

/**
 * "major:minor" of the block devices through which a card is reached: of a block device itself, the disk it is on and that
 * disk's partitions; of an image the loop devices that show it, and theirs. Loop devices may show one another.
 */
export function devicesShowing(target: string): string[] {
  const stat = fs.statSync(target);
  const loops = loopDevices();
  const found = new Set<string>();
  if (stat.isBlockDevice()) {
    const folder = folderOf(stat.rdev);
    if (folder === undefined) return [];
    const below = foldersBelow(folder);
    // What one of them shows, another loop device may show beside it.
    for (const it of below) for (const beside of loopsBeside(it, loops)) addAbove(beside, loops, found);
    for (const at of below) found.add(at);
    found.delete(folder);
    addAbove(folder, loops, found);
  } else {
    for (const loop of loops) if (loop.shows(stat)) addAbove(loop.folder, loops, found);
  }
  return [...found].map((at) => readText(path.join(at, 'dev')).trim());
}

/**
 * The file that a block device, or the disk it is a partition of, shows as a loop device, be it through others; undefined where
 * there is none.
 */
export function loopFile(rdev: number): string | undefined {
  const folder = lowestFolder(rdev);
  return folder === undefined ? undefined : backingFile(folder);
}

/**
 * "major:minor" of the disk that a block device is, is a partition of or shows as a loop device; undefined where it is no block
 * device.
 */
export function diskOf(rdev: number): string | undefined {
  const folder = lowestFolder(rdev);
  return folder === undefined ? undefined : readText(path.join(folder, 'dev')).trim();
}

/** The folder of the disk that is left when partitions and loop devices are followed down. */
function lowestFolder(rdev: number): string | undefined {
  const folder = folderOf(rdev);
  return folder === undefined ? undefined : foldersBelow(folder).at(-1);
}

/** A device's folder, the disk's that it is a partition of, and so on with the device that this shows, if it is a loop device. */
function foldersBelow(folder: string): string[] {
  const found = new Set<string>();
  for (let at: string | undefined = folder; at !== undefined && !found.has(at); at = deviceBehind(at)) {
    found.add(at);
    at = diskFolder(at);
    found.add(at);
  }
  return [...found];
}

/** The folder of the block device that a loop device shows; undefined where it shows a file. */
function deviceBehind(folder: string): string | undefined {
  const backing = backingFile(folder);
  const stat = backing === undefined ? undefined : fs.statSync(backing, { throwIfNoEntry: false });
  return stat?.isBlockDevice() === true ? folderOf(stat.rdev) : undefined;
}

/** Adds the folders of a device, of its partitions and of the loop devices that show one of these, and theirs. */
function addAbove(folder: string, loops: readonly LoopDevice[], found: Set<string>): void {
  for (const at of [folder, ...partitionFolders(folder)]) {
    if (found.has(at)) continue;
    found.add(at);
    const device = { rdev: readText(path.join(at, 'dev')).trim() };
    for (const loop of loops) if (loop.shows(device)) addAbove(loop.folder, loops, found);
  }
}

/** A block device's folder in /sys. */
function folderOf(rdev: number): string | undefined {
  const link = `/sys/dev/block/${numbers(rdev)}`;
  return fs.existsSync(link) ? fs.realpathSync(link) : undefined;
}

const isPartition = (folder: string): boolean => fs.existsSync(path.join(folder, 'partition'));

/** The folder of the disk itself. */
const diskFolder = (folder: string): string => (isPartition(folder) ? path.dirname(folder) : folder);

/** Whether something is mounted at a path, given without links in it. */
export function isMountPoint(at: string): boolean {
  return mountLines().some(({ point }) => point === at);
}

/**
 * Whether a folder is the root of a file system, so that all that lies on that lies in it. A part of one that is mounted by
 * itself (`mount --bind`) is not. Where the system has no list of its mounts, each folder that is mounted counts.
 */
export function isFileSystemRoot(folder: string): boolean {
  const at = fs.realpathSync(folder);
  const lines = mountLines();
  if (lines.length > 0) return lines.findLast(({ point }) => point === at)?.root === '/';
  return fs.statSync(path.join(at, '..')).dev !== fs.statSync(at).dev;
}

/** Where udev shows volumes by their names (systemd, rules.d/60-persistent-storage.rules). */
const BY_LABEL = '/dev/disk/by-label';

/**
 * The name of the volume that is mounted at a folder, as udev has it; undefined where nothing is mounted there, where the
 * volume has no name, and without udev.
 * @param at without links in it
 */
export function labelOfMounted(at: string, byLabel = BY_LABEL): string | undefined {
  if (!isMountPoint(at)) return undefined;
  const { dev } = fs.statSync(at);
  const link = list(byLabel).find((name) => {
    const device = fs.statSync(path.join(byLabel, name), { throwIfNoEntry: false });
    return device?.isBlockDevice() === true && device.rdev === dev;
  });
  // Other bytes than letters, digits and some signs stand there as hexadecimal escapes (libblkid, blkid_encode_string).
  return link?.replace(/(?:\\x[0-9a-f]{2})+/gi, (escapes) =>
    Buffer.from(escapes.replaceAll('\\x', ''), 'hex').toString('utf8'),
  );
}

/** Mount points by their device's "major:minor". */
function readMounts(): Map<string, string> {
  return new Map(mountLines().map(({ device, point }) => [device, point]));
}

/** What is mounted, where, and from which folder of its file system on (proc(5), /proc/[pid]/mountinfo). */
function mountLines(): { device: string; root: string; point: string }[] {
  const lines = readText('/proc/self/mountinfo').split('\n');
  return lines
    .filter((line) => line !== '')
    .map((line) => {
      const [, , device = '', root = '', place = ''] = line.split(' ');
      // Blanks in a path stand there as octal escapes.
      const point = place.replace(/\\([0-7]{3})/g, (_, digits: string) =>
        String.fromCharCode(parseInt(digits, 8)),
      );
      return { device, root, point };
    });
}

/** Folders of a disk's partitions. */
function partitionFolders(folder: string): string[] {
  return fs
    .readdirSync(folder)
    .map((name) => path.join(folder, name))
    .filter(isPartition);
}

/** Folders of the loop devices that show what the one with this folder shows. */
function loopsBeside(folder: string, loops: readonly LoopDevice[]): string[] {
  const shown = loops.find((loop) => loop.folder === folder)?.shown;
  if (shown === undefined) return [];
  return loops.filter((loop) => loop.folder !== folder && loop.shows(shown)).map((loop) => loop.folder);
}

/** A file, or the device with a "major:minor". */
type Shown = fs.Stats | { readonly rdev: string };

interface LoopDevice {
  readonly folder: string;
  readonly shown: Shown;
  shows(what: Shown): boolean;
}

/** The loop devices that show what can be found. */
function loopDevices(): LoopDevice[] {
  return list(BLOCK).flatMap((name) => {
    const folder = path.join(BLOCK, name);
    const backing = backingFile(folder);
    const stat = backing === undefined ? undefined : fs.statSync(backing, { throwIfNoEntry: false });
    if (stat === undefined) return [];
    return {
      folder: fs.realpathSync(folder),
      shown: stat.isBlockDevice() ? { rdev: numbers(stat.rdev) } : stat,
      shows: (what) =>
        'dev' in what
          ? stat.dev === what.dev && stat.ino === what.ino
          : stat.isBlockDevice() && numbers(stat.rdev) === what.rdev,
    };
  });
}

/** The file behind a loop device, given by its folder in /sys. */
function backingFile(folder: string): string | undefined {
  return readText(path.join(folder, 'loop/backing_file')).trimEnd() || undefined;
}

/** A device number as "major:minor". */
export function numbers(rdev: number): string {
  const { major, minor } = deviceNumbers(rdev);
  return `${major}:${minor}`;
}

function list(folder: string): string[] {
  return fs.existsSync(folder) ? fs.readdirSync(folder) : [];
}

function readText(file: string): string {
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : '';
}
