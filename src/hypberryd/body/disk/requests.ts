/** What a disk does when it is asked to. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { FALLOC_FL_KEEP_SIZE, FALLOC_FL_PUNCH_HOLE, FALLOC_FL_ZERO_RANGE } from '../../shared/linux.js';
import { copyBlocks } from '../channel/copy.js';
import { EINTR, EINVAL, EIO, ENODEV, ENOSPC, ENOSYS, EOPNOTSUPP, linux, shared } from '../linux.js';
import { endMessage, print } from '../output.js';
import { printReason } from '../reasons.js';
import { beginDiskMessage, disk } from './disk.js';

if (<u32>C.MOST_REQUEST > <u32>L.BUFFER_SIZE) ERROR('a request is larger than the buffer');

/** Reads or writes all of a range, through the buffer; gives 0 or the error. */
function transfer(isWrite: bool, length: u32, offset: u64): i32 {
  const file = disk().file;
  let done: u32 = 0;
  while (done < length) {
    const at = <usize>L.BUFFER + done;
    const rest = <i32>(length - done);
    const count = isWrite
      ? linux.pwrite64(file, at, rest, offset + done)
      : linux.pread64(file, at, rest, offset + done);
    if (count == -EINTR) continue;
    if (count < 0) return -count;
    // A file that somebody has made shorter.
    if (count == 0) return EIO;
    done += count;
  }
  return 0;
}

function isUnsupported(error: i32): bool {
  return error == EOPNOTSUPP || error == EINVAL || error == ENODEV || error == ENOSYS;
}

function allocate(mode: i32, offset: u64, length: u64): i32 {
  let result: i32;
  do result = linux.fallocate(disk().file, mode | FALLOC_FL_KEEP_SIZE, offset, length);
  while (result == -EINTR);
  return -result;
}

/** Has a range read as zeros: by what its file system offers for that, else by writing them. */
function writeZeroes(offset: u64, length: u64): i32 {
  let error = allocate(FALLOC_FL_ZERO_RANGE, offset, length);
  if (isUnsupported(error)) error = allocate(FALLOC_FL_PUNCH_HOLE, offset, length);
  if (!isUnsupported(error)) return error;
  const part: u64 = length < <u64>C.MOST_REQUEST ? length : <u64>C.MOST_REQUEST;
  memory.fill(<usize>L.BUFFER, 0, <usize>part);
  for (let done: u64 = 0; done < length; done += part) {
    const rest: u64 = length - done;
    error = transfer(true, <u32>(rest < part ? rest : part), offset + done);
    if (error != 0) return error;
  }
  return 0;
}

/** Says that a medium has failed, and that its guest has errors until it is started again. */
function fail(generation: u32, error: i32): void {
  shared.store32(disk().ours + C.FAILED_GENERATION, generation);
  beginDiskMessage();
  print('writing to its medium has failed: ');
  printReason(error);
  print('. The guest has errors of it until it is started again; look at what the kernel says.');
  endMessage();
}

function flush(generation: u32): i32 {
  let error: i32;
  do error = -linux.fdatasync(disk().file);
  while (error == EINTR);
  if (error != 0) fail(generation, error);
  return error;
}

/** The result of a request, by its error. */
function statusOf(error: i32): u32 {
  return error == 0 ? C.STATUS_OK : C.STATUS_ERROR;
}

/** A request for data that lie in the port's: reads, or writes; gives 0 or the error. */
function move(isWrite: bool, offset: u64, sectors: u32, place: u32): i32 {
  const it = disk();
  if (sectors > <u32>(C.MOST_REQUEST / C.SECTOR_SIZE)) return EINVAL;
  const length = sectors * C.SECTOR_SIZE;
  if (length == 0) return 0;
  if (place > it.dataSize || length > it.dataSize - place || (place & (C.RECORD_STEP - 1)) != 0)
    return EINVAL;
  const data = it.data + place;
  if (isWrite) copyBlocks(<usize>L.BUFFER, data, length);
  const error = transfer(isWrite, length, offset);
  if (error != 0) return error;
  if (!isWrite) copyBlocks(data, <usize>L.BUFFER, length);
  const count = it.ours + (isWrite ? C.SECTORS_WRITTEN : C.SECTORS_READ);
  shared.store32(count, shared.load32(count) + sectors);
  return 0;
}

/** What may stay as it is: who cannot give it back keeps it. */
function discard(offset: u64, length: u64): i32 {
  const error = allocate(FALLOC_FL_PUNCH_HOLE, offset, length);
  return isUnsupported(error) ? 0 : error;
}

/** A request that changes the disk: 0 or the error. */
function change(type: u32, offset: u64, sectors: u32, place: u32): i32 {
  if (type == <u32>C.TYPE_WRITE) return move(true, offset, sectors, place);
  const length = <u64>sectors * C.SECTOR_SIZE;
  if (length == 0) return 0;
  return type == <u32>C.TYPE_DISCARD ? discard(offset, length) : writeZeroes(offset, length);
}

/**
 * Does a request.
 * @param request where it stands in the channel
 * @returns its result, STATUS_…
 */
export function perform(request: usize): u32 {
  const it = disk();
  const type = shared.load32(request + C.REQUEST_TYPE);
  const generation = shared.load32(request + C.REQUEST_GENERATION);
  // Once a medium has failed, nothing is what this guest believes it to be.
  const failed = shared.load32(it.ours + C.FAILED_GENERATION);
  if (failed != 0 && generation == failed) return C.STATUS_ERROR;
  if (type == <u32>C.TYPE_FLUSH) return it.isReadOnly ? C.STATUS_OK : statusOf(flush(generation));
  if (type > <u32>C.TYPE_WRITE_ZEROES) return C.STATUS_UNSUPPORTED;
  if (it.isReadOnly && type != <u32>C.TYPE_READ) return C.STATUS_ERROR;
  const low = shared.load32(request + C.REQUEST_SECTOR);
  const high = shared.load32(request + C.REQUEST_SECTOR + 4);
  const first: u64 = ((<u64>high) << 32) | (<u64>low);
  const sectors = shared.load32(request + C.REQUEST_SECTORS);
  if (first > it.sectors || <u64>sectors > it.sectors - first) return C.STATUS_ERROR;
  const offset = first * C.SECTOR_SIZE;
  const place = shared.load32(request + C.REQUEST_DATA);
  if (type == <u32>C.TYPE_READ) return statusOf(move(false, offset, sectors, place));
  const error = change(type, offset, sectors, place);
  if (error == EIO) fail(generation, error);
  // Once: what has its place already is still written, in between.
  if (error == ENOSPC && it.said != ENOSPC) {
    it.said = ENOSPC;
    beginDiskMessage();
    print('no space is left: its guest has errors of what it writes until there is.');
    endMessage();
  }
  return statusOf(error);
}
