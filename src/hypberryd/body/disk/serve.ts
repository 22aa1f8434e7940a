/** The process of a disk: offers it, does its requests in their order, until it is told to end. */
import * as C from '../../../channel/layout.js';
import { controlOf, dataOf, offer, recordWord, ring, takeRecord } from '../channel/channel.js';
import { barrier, linux, shared } from '../linux.js';
import { endMessage, print } from '../output.js';
import { DONE, FAILED } from '../statuses.js';
import { FOR_EVER, RUNG, TOLD_TO_END, takeBell, wait } from '../waiting.js';
import { beginDiskMessage, disk, openDisk } from './disk.js';
import { perform } from './requests.js';

/** Milliseconds between tries to open a disk, the first and the longest. */
const FIRST_DELAY: i32 = 50;
const LONGEST_DELAY: i32 = 2000;

/** Opens the disk, however long it takes; gives whether it is open, or this is told to end. */
function openInTime(bell: i32): bool {
  let delay = FIRST_DELAY;
  while (!openDisk()) {
    const there = wait(delay);
    if ((there & TOLD_TO_END) != 0) return false;
    if ((there & RUNG) != 0) takeBell(bell);
    delay = delay * 2 < LONGEST_DELAY ? delay * 2 : LONGEST_DELAY;
  }
  return true;
}

/** Does the next request, and says so. */
function serveNext(taken: u32): void {
  const it = disk();
  const slot = taken & (C.SLOTS - 1);
  const status = perform(it.theirs + C.REQUESTS + slot * C.REQUEST_SIZE);
  shared.store32(it.ours + C.STATUSES + slot * 4, status);
  barrier.dmb();
  shared.store32(it.ours + C.TAKEN, taken + 1);
  barrier.dmb();
  if (shared.load32(it.theirs + C.BELL_AT) == taken) ring(it.port);
}

function sayBroken(sentence: string): i32 {
  beginDiskMessage();
  print(sentence);
  print(" That is a fault of the hypervisor's: install a newer one on the card.");
  endMessage();
  return FAILED;
}

/** Serves until there is nothing to do and it is told to end; gives the exit status. */
function serveRequests(bell: i32): i32 {
  const it = disk();
  let taken = shared.load32(it.ours + C.TAKEN);
  let there: u32 = 0;
  while ((there & TOLD_TO_END) == 0) {
    const put = shared.load32(it.theirs + C.PUT);
    barrier.dmb();
    if (put - taken > <u32>C.SLOTS) return sayBroken('more requests are under way than there are slots.');
    const isIdle = put == taken;
    for (; taken != put; taken++) serveNext(taken);
    let most: i32 = 0;
    if (isIdle) {
      shared.store32(it.ours + C.BELL_AT, taken);
      barrier.dmb();
      if (shared.load32(it.theirs + C.PUT) == taken) most = FOR_EVER;
    }
    there = wait(most);
    if ((there & RUNG) != 0) takeBell(bell);
  }
  return DONE;
}

/**
 * Serves a disk's port.
 * @param bell what is readable when the port has rung
 * @returns the exit status
 */
export function serveDisk(port: u32, bell: i32): i32 {
  const it = disk();
  takeRecord(port);
  it.port = port;
  it.isReadOnly = (recordWord(port, C.PORT_FLAGS) & C.FLAG_READ_ONLY) != 0;
  it.theirs = controlOf(port);
  it.ours = it.theirs + C.HOST_CONTROL;
  it.data = dataOf(port);
  it.dataSize = recordWord(port, C.PORT_DATA_SIZE);
  if (it.data == 0) return sayBroken('its data are outside the channel.');
  if (!openInTime(bell)) return DONE;
  shared.store32(it.ours + C.SECTORS, <u32>it.sectors);
  shared.store32(it.ours + C.SECTORS + 4, <u32>(it.sectors >> 32));
  shared.store32(it.ours + C.DISK_FLAGS, it.isReadOnly ? C.FLAG_READ_ONLY : 0);
  offer(port, 1);
  // Whoever served it before may have ended before it rang.
  ring(port);
  const status = serveRequests(bell);
  offer(port, 0);
  linux.close(it.file);
  return status;
}
