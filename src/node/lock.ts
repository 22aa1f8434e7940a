/**
 * One lock for each card, for all that read or write it: a writer is alone, readers may be many. It is kept outside the card,
 * in files whose names say which card is meant, in the folder where all users of the system may make files.
 *
 * Such a file says which process made it. Nothing is ever written through a name that somebody else may have put there: each
 * file is made under a name of chance and then linked (link(2)) to the one that counts, which fails where that one is there.
 *
 * A writer's file is `KEY.lock`. Where its process is dead the next writer's is `KEY.TOKEN.lock`, TOKEN being that of the dead
 * one: so no one ever takes a file away that might just have become another's, and one of several heirs wins. Who holds the
 * last file of such a row has the lock; it ends when that process takes the first file away, or where it may not, its own.
 */
import { execFileSync } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { HypberryError } from '../base/errors.js';
import { diskOf, isFileSystemRoot, loopFile, numbers } from './mounts.js';
import { isThereProcess, onSystem, systemCode } from './system-error.js';

/** What a command does with a card. */
export type Use = 'read' | 'write';

export interface Lock {
  release(): void;
}

/** Who made a file of a lock. */
interface Holder {
  readonly pid: number;
  /** When that process started, as the system says it: another one may have its number later. */
  readonly started: string;
  /** The system's boot, and the space of process numbers, in which this holds; empty where it does not tell. */
  readonly boot: string;
  readonly space: string;
  /** Tells this file from all others. */
  readonly token: string;
  /** When the card was made, where it is a file: another one may have its number later. Of 0.1.0 there is none. */
  readonly born?: string | undefined;
}

/** Folders in which all users may make files and no one may take away another's; Linux empties the first at its start. */
const FOLDERS = ['/dev/shm', '/tmp'];

const TOKEN_BYTES = 8;
const TOKEN = /^[0-9a-f]{16}$/;
/** More than a file of a lock holds. */
const LONGEST = 4096;

/** Milliseconds between two looks at a lock that others have, and until it is given up. */
const LOOK_AGAIN = 50;
const PATIENCE = 60_000;

/**
 * Takes the lock of a card, waiting for others that have it.
 *
 * Without the lock goes on who only reads, where the card is on a medium that nobody can write, or the system has no place
 * for locks.
 * @param target the card, as a command takes it: an image and the loop device that shows it are one card, a disk and its
 *   partitions are, and so is the folder that one of them is mounted at
 * @param say is told a sentence where it waits, or takes over the lock of a writer that was killed
 * @throws HypberryError `card.in-use` after a minute, `card.lock`, `card.not-found`, `card.permission`
 */
export async function lockTarget(
  target: string,
  use: Use,
  say: (sentence: string) => void = () => undefined,
): Promise<Lock> {
  const base = onSystem(target, () => path.join(lockFolder(), `hypberry-${keyOf(target)}`));
  if (use === 'read' && isReadOnly(target)) return { release: () => undefined };
  const own = me(bornAt(target));
  const end = Date.now() + PATIENCE;
  for (let told = false; ; told = true) {
    const found = use === 'read' ? readerLock(base, own, target) : writerLock(base, own, target, say);
    if ('release' in found) return untilProcessEnds(found);
    if (Date.now() > end) throw inUse(target, found);
    if (!told) {
      const does = found.use === 'read' ? 'reads' : 'changes';
      say(`Waiting for ${named(found)}, which ${does} "${target}" …`);
    }
    await sleep(LOOK_AGAIN);
  }
}

/** Somebody else who has the lock. */
interface Blocker {
  readonly use: Use;
  /** The file that says so. */
  readonly file: string;
  /** Undefined where that file cannot be read. */
  readonly holder: Holder | undefined;
}

const named = ({ holder }: Blocker): string =>
  holder ? `another hypberry (process ${holder.pid})` : 'what may be another hypberry';

function inUse(target: string, blocker: Blocker): HypberryError {
  return new HypberryError(
    'card.in-use',
    `${named(blocker)[0]!.toUpperCase()}${named(blocker).slice(1)} has been using "${target}" for a minute${blocker.holder ? '' : `: ${blocker.file} does not tell`}.`,
    `Wait until it has ended, or end it. If there surely is none, remove ${blocker.file}, and try again.`,
  );
}

function lockFolder(): string {
  const found = FOLDERS.find((folder) => fs.statSync(folder, { throwIfNoEntry: false })?.isDirectory());
  return found ?? os.tmpdir();
}

/** What makes two names of one card equal. */
function keyOf(target: string): string {
  const stat = fs.statSync(target, { bigint: true });
  const device = stat.isBlockDevice()
    ? stat.rdev
    : stat.isDirectory() && isFileSystemRoot(target)
      ? stat.dev
      : undefined;
  const backing = device === undefined ? undefined : loopFile(Number(device));
  const file =
    backing === undefined ? undefined : fs.statSync(backing, { bigint: true, throwIfNoEntry: false });
  if (file) return fileKey(file);
  const disk = device === undefined ? undefined : diskOf(Number(device));
  if (disk !== undefined) return `disk-${disk.replace(':', '-')}`;
  return stat.isBlockDevice() ? `disk-${numbers(Number(stat.rdev)).replace(':', '-')}` : fileKey(stat);
}

/** When a file or folder was made, as its file system says; of a device, which has none, nothing. */
const bornAt = (target: string): string =>
  onSystem(target, () => {
    const stat = fs.statSync(target, { bigint: true });
    return stat.isBlockDevice() ? '' : String(stat.birthtimeNs);
  });

const fileKey = ({ dev, ino }: fs.BigIntStats): string => `file-${dev}-${ino}`;

/** Whether nobody can write to the medium that a card is on. */
function isReadOnly(target: string): boolean {
  try {
    fs.accessSync(target, fs.constants.W_OK);
    return false;
  } catch (error) {
    return systemCode(error) === 'EROFS';
  }
}

function writerLock(
  base: string,
  own: Holder,
  target: string,
  say: (sentence: string) => void,
): Lock | Blocker {
  const head = `${base}.lock`;
  const dead: Holder[] = [];
  for (let file = head; ;) {
    if (place(file, own, 'write', target)) {
      // The row may have ended, and another begun, before ours was in it.
      if (dead[0] && readHolder(head)?.token !== dead[0].token) {
        fs.rmSync(file, { force: true });
        return writerLock(base, own, target, say);
      }
      return alone(base, own, target, file, dead, say);
    }
    const found = look(file);
    if (found === 'gone') return writerLock(base, own, target, say);
    if (found === 'unreadable' || isRunning(found)) {
      return { use: 'write', file, holder: found === 'unreadable' ? undefined : found };
    }
    // Made by hand: a row that leads back into itself has no end.
    if (dead.some(({ token }) => token === found.token)) return { use: 'write', file, holder: undefined };
    dead.push(found);
    file = `${base}.${found.token}.lock`;
  }
}

/** The lock of a writer whose file is in its place: once the readers have gone. */
function alone(
  base: string,
  own: Holder,
  target: string,
  file: string,
  dead: readonly Holder[],
  say: (sentence: string) => void,
): Lock | Blocker {
  const release = (): void => {
    const row = [`${base}.lock`, ...dead.map(({ token }) => `${base}.${token}.lock`)];
    if (readHolder(row[0]!)?.token === (dead[0] ?? own).token && !remove(row[0]!)) remove(file);
    else for (const one of row) if (one !== row[0]) remove(one);
  };
  const reader = readerThere(base);
  if (reader) {
    release();
    return reader;
  }
  const last = dead.at(-1);
  if (last && (!last.born || !own.born || last.born === own.born)) {
    say(
      `note: An earlier hypberry (process ${last.pid}) was killed while it changed "${target}"; its lock is taken over.`,
    );
  }
  return { release };
}

/** Somebody who reads; files of those that were ended go. */
function readerThere(base: string): Blocker | undefined {
  let there: Blocker | undefined;
  for (const name of fs.readdirSync(path.dirname(base))) {
    const file = path.join(path.dirname(base), name);
    if (!file.startsWith(`${base}.`) || !file.endsWith('.reader')) continue;
    const found = look(file);
    if (found === 'gone') continue;
    if (found === 'unreadable') there ??= { use: 'read', file, holder: undefined };
    else if (isRunning(found)) there ??= { use: 'read', file, holder: found };
    else remove(file);
  }
  return there;
}

/** Says that it reads, then looks whether anybody writes: a writer does the same the other way round. */
function readerLock(base: string, own: Holder, target: string): Lock | Blocker {
  const file = `${base}.${own.token}.reader`;
  const placed = place(file, own, 'read', target);
  if (placed) readerThere(base);
  const release = (): void => {
    if (placed) remove(file);
  };
  const dead = new Set<string>();
  for (let writer = `${base}.lock`; ;) {
    const found = look(writer);
    if (found === 'gone') return { release };
    // One that is in the row already was made by hand: that row has no end.
    if (found === 'unreadable' || dead.has(found.token) || isRunning(found)) {
      release();
      return { use: 'write', file: writer, holder: found === 'unreadable' ? undefined : found };
    }
    dead.add(found.token);
    writer = `${base}.${found.token}.lock`;
  }
}

/**
 * Makes a file of a lock; false where one of its name is there already, and for a reader where none can be made.
 * @throws HypberryError `card.lock`
 */
function place(file: string, own: Holder, use: Use, target: string): boolean {
  const made = `${file}.${randomBytes(TOKEN_BYTES).toString('hex')}.new`;
  try {
    const fd = fs.openSync(made, 'wx');
    try {
      fs.writeSync(fd, JSON.stringify(own));
      // Whoever comes reads it.
      fs.fchmodSync(fd, 0o644);
    } finally {
      fs.closeSync(fd);
    }
    fs.linkSync(made, file);
    return true;
  } catch (error) {
    if (systemCode(error) === 'EEXIST' || (use === 'read' && systemCode(error) !== undefined)) return false;
    if (systemCode(error) === undefined) throw error;
    throw new HypberryError(
      'card.lock',
      `The file that keeps other commands off "${target}" meanwhile cannot be made in ${path.dirname(file)} (${systemCode(error)!}).`,
      'Make room there, or see that you may make files there.',
      { cause: error },
    );
  } finally {
    remove(made);
  }
}

/** Takes a file away; false where it is another user's. */
function remove(file: string): boolean {
  try {
    fs.rmSync(file, { force: true });
    return true;
  } catch {
    return false;
  }
}

/** Who made a file of a lock. */
function look(file: string): Holder | 'gone' | 'unreadable' {
  const { O_RDONLY, O_NOFOLLOW, O_NONBLOCK } = fs.constants;
  try {
    // Windows has only the first of these; the others are undefined there, and count as 0.
    const fd = fs.openSync(file, O_RDONLY | O_NOFOLLOW | O_NONBLOCK);
    try {
      const { size } = fs.fstatSync(fd);
      if (size === 0 || size > LONGEST) return 'unreadable';
      const text = Buffer.alloc(size);
      fs.readSync(fd, text);
      return asHolder(JSON.parse(text.toString('utf8'))) ?? 'unreadable';
    } finally {
      fs.closeSync(fd);
    }
  } catch (error) {
    return systemCode(error) === 'ENOENT' ? 'gone' : 'unreadable';
  }
}

function readHolder(file: string): Holder | undefined {
  const found = look(file);
  return typeof found === 'string' ? undefined : found;
}

/** What somebody may have made by hand, as a holder. */
function asHolder(value: unknown): Holder | undefined {
  if (typeof value !== 'object' || value === null) return undefined;
  const { pid, started, boot, space, token, born } = value as Record<keyof Holder, unknown>;
  const isHolder =
    Number.isInteger(pid) &&
    (pid as number) > 0 &&
    [started, boot, space, born ?? ''].every((it) => typeof it === 'string') &&
    typeof token === 'string' &&
    TOKEN.test(token);
  return isHolder ? (value as Holder) : undefined;
}

const spaceHere = (): string => readLink('/proc/self/ns/pid');
const bootHere = (): string => readText('/proc/sys/kernel/random/boot_id').trim();

function me(born: string): Holder {
  return {
    pid: process.pid,
    started: startOf(process.pid),
    boot: bootHere(),
    space: spaceHere(),
    token: randomBytes(TOKEN_BYTES).toString('hex'),
    born,
  };
}

/** Whether the process that made a file still runs; one that cannot be seen from here counts as running. */
function isRunning({ pid, started, boot, space }: Holder): boolean {
  if (boot !== bootHere()) return false;
  if (space !== spaceHere()) return true;
  if (!isThereProcess(pid)) return false;
  const now = startOf(pid);
  return now === '' || started === '' || now === started;
}

/** What the state of a process that has ended is called, as long as its parent has not asked for it. */
const ENDED = ['Z', 'X'];

/** When a process started; empty where the system does not tell. */
function startOf(pid: number): string {
  if (process.platform === 'linux') {
    // proc(5), /proc/[pid]/stat: fields 3, the state, and 22, the start; what stands before is the name in brackets.
    const fields = readText(`/proc/${pid}/stat`)
      .replace(/^.*\) /s, '')
      .split(' ');
    return ENDED.includes(fields[0]!) ? 'ended' : (fields[22 - 3] ?? '');
  }
  if (process.platform === 'win32') return '';
  try {
    return execFileSync('ps', ['-o', 'lstart=', '-p', String(pid)], { encoding: 'utf8' }).trim();
  } catch {
    return '';
  }
}

function readText(file: string): string {
  try {
    return fs.readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}

function readLink(file: string): string {
  try {
    return fs.readlinkSync(file);
  } catch {
    return '';
  }
}

/** Locks that this process has. */
const held = new Set<Lock>();

function releaseAll(): void {
  for (const one of [...held]) one.release();
}

/**
 * The lock, given back at the latest when this process exits. A signal ends it at once, whatever it is doing, as no
 * listener waits for its turn: whoever comes next takes over the file that is left.
 */
function untilProcessEnds(taken: Lock): Lock {
  const lock: Lock = {
    release() {
      if (!held.delete(lock)) return;
      taken.release();
      if (held.size === 0) process.removeListener('exit', releaseAll);
    },
  };
  if (held.size === 0) process.once('exit', releaseAll);
  held.add(lock);
  return lock;
}
