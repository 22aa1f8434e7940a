/** The disk that a process serves, and how it opens it. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import {
  BLKGETSIZE64,
  LOCK_EX,
  LOCK_NB,
  LOCK_SH,
  S_IFBLK,
  S_IFMT,
  S_IFREG,
  STAT_MODE,
  STAT_SIZE,
} from '../../shared/linux.js';
import { openFile } from '../files.js';
import {
  EAGAIN,
  EBUSY,
  EIO,
  ENOENT,
  EROFS,
  EACCES,
  O_CLOEXEC,
  O_CREAT,
  O_DIRECTORY,
  O_EXCL,
  O_LARGEFILE,
  O_NONBLOCK,
  O_RDONLY,
  O_RDWR,
  linux,
} from '../linux.js';
import { beginMessage, endMessage, print, printForeign, printNumber } from '../output.js';
import { printReason } from '../reasons.js';

@unmanaged
export class Disk {
  port: u32;
  file: i32;
  isReadOnly: bool;
  /** How large it is. */
  sectors: u64;
  /** The control pages of its port, and its data. */
  theirs: usize;
  ours: usize;
  data: usize;
  dataSize: u32;
  /** Why it could not be opened, or written, as it was said last. */
  said: i32;
}

if (<usize>L.SERVED + offsetof<Disk>() > <usize>L.WAITING) ERROR('layout of Disk');

// @inline
export function disk(): Disk {
  return changetype<Disk>(<usize>L.SERVED);
}

/** What opening can end with beside errors of system calls, which are positive. */
export const OPENED: i32 = 0;
const LOCKED: i32 = -1;
const NO_DISK: i32 = -2;
const EMPTY: i32 = -3;

/** Of a new file: its owner, root, alone. */
const MODE: i32 = 0o600;
const SLASH: u8 = 0x2f;

function path(): usize {
  return <usize>(L.RECORD + C.PORT_PATH);
}

/** Bytes that a file is made with which is not there; 0 where it must be. */
function sizeToMake(): u64 {
  const at = <usize>(L.RECORD + C.PORT_DISK_SIZE);
  return ((<u64>load<u32>(at, 4)) << 32) | (<u64>load<u32>(at));
}

/** Begins a line about the disk. */
export function beginDiskMessage(): void {
  beginMessage();
  printForeign(<usize>(L.RECORD + C.PORT_GUEST_NAME));
  print(', disk ');
  printNumber(load<u32>(<usize>(L.RECORD + C.PORT_DISK_NUMBER)));
  print(', ');
  printForeign(path());
  print(': ');
}

/** Brings the name of a new file to its medium: that of its folder, which a path in the record says. */
function syncFolder(): void {
  let slash = path();
  for (let at = slash; load<u8>(at) != 0; at++) if (load<u8>(at) == SLASH) slash = at;
  // The folder of /name is /.
  const end = slash == path() ? slash + 1 : slash;
  const kept = load<u8>(end);
  store<u8>(end, 0);
  const folder = openFile(path(), O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  store<u8>(end, kept);
  if (folder < 0) return;
  linux.fsync(folder);
  linux.close(folder);
}

/** Takes the lock of what is open, and its size; a file without a byte gets the size that the record has. */
function lockAndMeasure(file: i32): i32 {
  const it = disk();
  // What nobody writes may be read by several.
  const locked = linux.flock(file, (it.isReadOnly ? LOCK_SH : LOCK_EX) | LOCK_NB);
  if (locked == -EAGAIN) return LOCKED;
  if (locked < 0) return -locked;
  const stat = <usize>L.SCRATCH;
  const measured = linux.fstat64(file, stat);
  if (measured < 0) return -measured;
  const kind = load<u32>(stat, STAT_MODE) & S_IFMT;
  let size = load<u64>(stat, STAT_SIZE);
  if (kind == S_IFBLK) {
    const asked = linux.ioctl(file, <i32>BLKGETSIZE64, <i32>stat);
    if (asked < 0) return -asked;
    size = load<u64>(stat);
  } else if (kind != S_IFREG) return NO_DISK;
  else if (size == 0 && !it.isReadOnly && sizeToMake() != 0) {
    size = sizeToMake();
    const made = linux.ftruncate64(file, size);
    if (made < 0) return -made;
    const synced = linux.fsync(file);
    if (synced < 0) return -synced;
    syncFolder();
    beginDiskMessage();
    print('it is made, empty.');
    endMessage();
  }
  it.sectors = size / C.SECTOR_SIZE;
  return it.sectors == 0 ? EMPTY : OPENED;
}

/** Tries once: OPENED, or why not. */
function tryToOpen(): i32 {
  const it = disk();
  // O_EXCL without O_CREAT: a block device that is mounted is not opened, files are (man 2 open).
  const access = it.isReadOnly ? O_RDONLY : O_RDWR | O_EXCL;
  const flags = access | O_LARGEFILE | O_CLOEXEC | O_NONBLOCK;
  let file = openFile(path(), flags, 0);
  if (file == -ENOENT && !it.isReadOnly && sizeToMake() != 0) file = openFile(path(), flags | O_CREAT, MODE);
  if (file < 0) return -file;
  const reason = lockAndMeasure(file);
  if (reason == OPENED) it.file = file;
  else linux.close(file);
  return reason;
}

function sayWhyNot(reason: i32): void {
  beginDiskMessage();
  if (reason == LOCKED)
    print('it is locked. This waits until who has it is done: another guest, or an earlier hypberryd.');
  else if (reason == NO_DISK) print('it is neither a file nor a block device. Give the guest another path.');
  else if (reason == EMPTY) print('it has no sector. Give the file a size, or the disk one on the card.');
  else {
    print('it could not be opened: ');
    printReason(reason);
    if (reason == ENOENT && sizeToMake() == 0)
      print('. Put it there, or give the disk a size on the card: then it is made.');
    else if (reason == ENOENT) print('. Make its folder.');
    else if (reason == EBUSY) print('. Unmount it.');
    else if (reason == EROFS || reason == EACCES) print('. Give it to the guest read-only, or elsewhere.');
    else if (reason == EIO) print('. Look at what the kernel says of its medium.');
    else print('. It is tried again.');
  }
  endMessage();
}

/** Opens the disk of the record, and says why not where that is not what it said before; gives whether it is open. */
export function openDisk(): bool {
  const it = disk();
  const reason = tryToOpen();
  if (reason != OPENED && reason != it.said) sayWhyNot(reason);
  it.said = reason;
  return reason == OPENED;
}
