/** What keeps a command's output from its inputs, and from what others made. */
import fs from 'node:fs';
import path from 'node:path';
import { HypberryError } from '../base/errors.js';
import { devicesShowing, isFileSystemRoot, loopFile, numbers } from './mounts.js';

/** `file.is-input`: what would be written to `output` would end in `input`. */
function isInput(output: string, input: string): HypberryError {
  return new HypberryError(
    'file.is-input',
    `${output} would be written into "${input}", which this command reads.`,
    'Name a file somewhere else.',
  );
}

/** `file.exists`: something else is there. */
export function fileExists(file: string, what: string, hint: string): HypberryError {
  return new HypberryError('file.exists', `"${file}" ${what}.`, hint);
}

/** Standard output (1) and standard error (2), where they go into an input: nothing may be said there, not even that. */
export const intoInput = new Set<1 | 2>();

/**
 * Refuses an input that standard output or standard error goes into, as `hypberry inspect card.img >> card.img` would have it:
 * a file, or a folder with the file in it, where the system says how an open file is called (proc(5), /proc/[pid]/fd).
 * @throws HypberryError `file.is-input`
 */
export function refuseAsOutput(input: string): void {
  const stat = fs.statSync(input, { bigint: true, throwIfNoEntry: false });
  if (stat === undefined) return;
  const streams = [
    [1, 'Standard output'],
    [2, 'Standard error'],
  ] as const;
  const found = streams.filter(([fd]) => goesInto(fd, stat));
  for (const [fd] of found) intoInput.add(fd);
  if (found[0]) throw isInput(found[0][1], input);
}

function goesInto(fd: number, input: fs.BigIntStats): boolean {
  const open = statOpen(fd);
  if (open?.isFile() !== true) return false;
  if (isSame(open, fileBehind(input))) return true;
  if (!input.isDirectory()) return isSame(open, input);
  try {
    const folder = path.dirname(fs.realpathSync(`/proc/self/fd/${fd}`));
    return foldersUpFrom(folder).some((it) => isSame(fs.statSync(it, { bigint: true }), input));
  } catch {
    // Removed since it was opened, or a system without such names.
    return false;
  }
}

function statOpen(fd: number): fs.BigIntStats | undefined {
  try {
    return fs.fstatSync(fd, { bigint: true });
  } catch {
    // Closed.
    return undefined;
  }
}

const isSame = (a: fs.BigIntStats | undefined, b: fs.BigIntStats | undefined): boolean =>
  a !== undefined && b !== undefined && a.dev === b.dev && a.ino === b.ino;

/** The file that a loop device shows, or one that a folder is mounted from. */
function fileBehind(input: fs.BigIntStats): fs.BigIntStats | undefined {
  const device = input.isBlockDevice() ? input.rdev : input.isDirectory() ? input.dev : undefined;
  const file = device === undefined ? undefined : loopFile(Number(device));
  return file === undefined ? undefined : fs.statSync(file, { bigint: true, throwIfNoEntry: false });
}

/**
 * Refuses to write a file that is a card, or lies on it: in its folder or on a file system that it is mounted as, by
 * whatever name. A card that is not there is somebody else's to refuse.
 * @param file where something would be written; need not exist, its folder must
 * @param target the card, as a command takes it
 * @throws HypberryError `file.is-input`; the system's errors where the file's folder is not there
 */
export function refuseOnCard(file: string, target: string): void {
  const card = fs.statSync(target, { bigint: true, throwIfNoEntry: false });
  if (card === undefined) return;
  const there = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  // Devices and pipes keep nothing; a disk does, and is refused by whoever opens it.
  if (there !== undefined && !there.isFile()) return;
  const folder = path.dirname(
    there ? fs.realpathSync(file) : path.join(fs.realpathSync(path.dirname(file)), '_'),
  );
  const shown = card.isDirectory() ? mountedAs(target, card) : devicesShowing(target);
  const isOnCard =
    isSame(there, card) ||
    isSame(there, fileBehind(card)) ||
    (card.isDirectory() &&
      foldersUpFrom(folder).some((it) => isSame(fs.statSync(it, { bigint: true }), card))) ||
    shown.includes(numbers(fs.statSync(folder).dev));
  if (isOnCard) throw isInput(`"${file}"`, target);
}

/**
 * Refuses to write a file that a command reads as well, by whatever name.
 * @param file where something would be written; need not exist
 * @param inputs files that are read
 * @throws HypberryError `file.is-input`
 */
export function refuseOnInputs(file: string, inputs: readonly string[]): void {
  const there = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
  const input = inputs.find((it) => isSame(there, fs.statSync(it, { bigint: true, throwIfNoEntry: false })));
  if (input !== undefined) throw isInput(`"${file}"`, input);
}

/**
 * Whether two outputs would go to one file, which may not be there yet.
 * Throws the system's errors where the folder of one is not there.
 */
export function isOnePlace(a: string, b: string): boolean {
  const placeOf = (file: string): string => {
    const stat = fs.statSync(file, { bigint: true, throwIfNoEntry: false });
    if (stat) return `${stat.dev}:${stat.ino}`;
    return path.join(fs.realpathSync(path.dirname(file)), path.basename(file));
  };
  return placeOf(a) === placeOf(b);
}

/** The device of a folder that is the root of a file system: all that lies on it lies on the card. */
function mountedAs(folder: string, { dev }: fs.BigIntStats): string[] {
  return isFileSystemRoot(folder) ? [numbers(Number(dev))] : [];
}

function foldersUpFrom(folder: string): string[] {
  const above = path.dirname(folder);
  return above === folder ? [folder] : [folder, ...foldersUpFrom(above)];
}
