/** The process of the network: frames between guests' rings, the uplink and the TAP device. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { copyBlocks } from '../channel/copy.js';
import { controlOf, countBytes, dataOf, offer, portCount, recordWord, ring } from '../channel/channel.js';
import { barrier, linux, shared } from '../linux.js';
import { beginMessage, endMessage, print } from '../output.js';
import { DONE, FAILED } from '../statuses.js';
import {
  FOR_EVER,
  OTHER_READABLE,
  RUNG,
  TOLD_TO_END,
  takeBell,
  wait,
  waitForFile,
  waitForOther,
} from '../waiting.js';
import { answer } from './answers.js';
import { cardOf, macOf, takeCards } from './cards.js';
import { relayAnswers, resolverFile } from './resolver.js';
import { isHostsAddress, openTap, sayNoTap, setOffloads } from './tap.js';
import { openWays } from './ways.js';
import { DOWN_FRAME, UP_FRAME, isWanted, network, putRecord, recordSize, showRecords } from './uplink.js';

/** Of a virtio_net_hdr: num_buffers, which the kernel leaves as it was. */
const NUM_BUFFERS: usize = 10;
/** Frames that go one way before the other way has its turn; and bytes, behind which the hypervisor has its turn at them. */
const MOST_AT_ONCE: u32 = 64;
const MOST_BYTES: u32 = 0x1_0000;
/** Milliseconds between tries to open the TAP device, the first and the longest. */
const FIRST_DELAY: i32 = 50;
const LONGEST_DELAY: i32 = 2000;

function isPowerOf2(n: u32): bool {
  return n != 0 && (n & (n - 1)) == 0;
}

/** Whether a port's ring is one that a record fits into. */
function isRing(port: u32): bool {
  return dataOf(port) != 0 && isPowerOf2(recordWord(port, C.PORT_DATA_SIZE));
}

/**
 * Takes frames from a guest's ring.
 * @returns how many, at most MOST_AT_ONCE; -1 where the ring holds what is none
 */
function takeFrames(port: u32): i32 {
  const theirs = controlOf(port);
  const ours = theirs + C.HOST_CONTROL;
  const data = dataOf(port);
  const size = recordWord(port, C.PORT_DATA_SIZE);
  const put = shared.load32(theirs + C.PUT);
  const first = shared.load32(ours + C.TAKEN);
  let taken = first;
  let count: u32 = 0;
  barrier.dmb();
  while (taken != put && count < MOST_AT_ONCE) {
    const place = taken & (size - 1);
    const rest = size - place;
    const length = shared.load32(data + place);
    const isSkip = length == <u32>C.SKIP;
    if (!isSkip && (length < <u32>C.NET_HEADER_SIZE || length > <u32>C.MOST_FRAME)) return -1;
    const used = isSkip ? rest : recordSize(length);
    if (used > rest || used > put - taken) return -1;
    if (!isSkip) {
      copyBlocks(<usize>L.UP, data + place, used);
      countBytes(ours + C.BYTES_SENT, length - C.NET_HEADER_SIZE);
      // What the kernel does not take is lost, as on a wire.
      if (!answer(port, UP_FRAME, length)) linux.write(network().tap, UP_FRAME, length);
      count++;
    }
    taken += used;
    barrier.dmb();
    shared.store32(ours + C.TAKEN, taken);
  }
  barrier.dmb();
  if (taken != first && isWanted(shared.load32(theirs + C.BELL_AT), first, taken)) ring(port);
  return count;
}

/** Counts the frame at DOWN_FRAME for the card whose address it has; those for several count for none. */
function countReceived(length: u32): void {
  const to = DOWN_FRAME + C.NET_HEADER_SIZE;
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    const mac = macOf(cardOf(port));
    if (cardOf(port).address == 0 || load<u32>(mac) != load<u32>(to) || load<u16>(mac, 4) != load<u16>(to, 4))
      continue;
    countBytes(controlOf(port) + C.HOST_CONTROL + C.BYTES_RECEIVED, length - C.NET_HEADER_SIZE);
  }
}

/** Puts frames from the TAP device into the uplink; gives how many, at most MOST_AT_ONCE, and no new one behind MOST_BYTES. */
function putFrames(): u32 {
  const it = network();
  const first = shared.load32(controlOf(it.uplink) + C.HOST_CONTROL + C.PUT);
  let put = first;
  let count: u32 = 0;
  while (count < MOST_AT_ONCE && put - first < MOST_BYTES) {
    if (it.pending == 0) {
      const length = linux.read(it.tap, DOWN_FRAME, C.MOST_FRAME);
      if (length <= C.NET_HEADER_SIZE) break;
      store<u16>(DOWN_FRAME + NUM_BUFFERS, 0);
      it.pending = length;
    }
    const next = putRecord(<usize>L.DOWN, put, it.pending);
    if (next == put) break;
    countReceived(it.pending);
    it.pending = 0;
    put = next;
    count++;
  }
  showRecords(put);
  return count;
}

/** Asks for bells, and looks whether all is still as it was: there is nothing to do until one comes. */
function isIdle(): bool {
  const it = network();
  const ports = portCount();
  let idle = true;
  for (let port: u32 = 0; port < ports; port++) {
    const isUplink = port == it.uplink;
    if (!isUplink && recordWord(port, C.PORT_KIND) != <u32>C.KIND_NETWORK) continue;
    const theirs = controlOf(port);
    const ours = theirs + C.HOST_CONTROL;
    const count = theirs + (isUplink ? C.TAKEN : C.PUT);
    const seen = isUplink ? shared.load32(count) : shared.load32(ours + C.TAKEN);
    shared.store32(ours + C.BELL_AT, seen);
    barrier.dmb();
    if (shared.load32(count) != seen) idle = false;
  }
  // There may have been room before the bell was asked for.
  if (it.pending != 0 && putFrames() != 0) idle = false;
  return idle;
}

/** Has the TAP device leave undone what all guests take. */
function followOffloads(): void {
  const it = network();
  const offloads = shared.load32(controlOf(it.uplink) + C.OFFLOADS);
  if (offloads == it.offloads) return;
  setOffloads(it.tap, offloads);
  it.offloads = offloads;
}

/** Opens the TAP device, and says why not where that is not what it said before; gives whether it is open. */
function tryTap(): bool {
  const it = network();
  const tap = openTap();
  if (tap < 0 && -tap != it.said) sayNoTap(-tap);
  it.said = tap < 0 ? -tap : 0;
  it.tap = tap;
  return tap >= 0;
}

/** Opens the TAP device, however long it takes; gives whether it is open, or this is told to end. */
function openInTime(bell: i32): bool {
  let delay = FIRST_DELAY;
  while (!tryTap()) {
    const there = wait(delay);
    if ((there & TOLD_TO_END) != 0) return false;
    if ((there & RUNG) != 0) takeBell(bell);
    delay = delay * 2 < LONGEST_DELAY ? delay * 2 : LONGEST_DELAY;
  }
  return true;
}

/** Whether uplink and network cards are offered, said to the hypervisor. */
export function offerNetwork(isOffered: u32): void {
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    const kind = recordWord(port, C.PORT_KIND);
    if (kind != <u32>C.KIND_NETWORK && kind != <u32>C.KIND_UPLINK) continue;
    offer(port, isOffered);
    // Whoever served it before may have ended before it rang.
    if (isOffered != 0) ring(port);
  }
}

function sayBroken(): i32 {
  beginMessage();
  print(
    "the network: what a ring holds is no frame. That is a fault of the hypervisor's: install a newer one on the card.",
  );
  endMessage();
  return FAILED;
}

/** Moves frames both ways, what there is; gives how many, or -1 where a ring holds what is none. */
function moveFrames(): i32 {
  const ports = portCount();
  let moved: i32 = putFrames();
  for (let port: u32 = 0; port < ports; port++) {
    if (recordWord(port, C.PORT_KIND) != <u32>C.KIND_NETWORK) continue;
    const count = takeFrames(port);
    if (count < 0) return count;
    moved += count;
  }
  return moved;
}

/** Serves until it is told to end; gives the exit status. */
function serveFrames(bell: i32): i32 {
  const it = network();
  let there: u32 = 0;
  while ((there & TOLD_TO_END) == 0) {
    followOffloads();
    const moved = moveFrames();
    if (moved < 0) return sayBroken();
    const sleeps = moved == 0 && isIdle();
    waitForFile(it.pending == 0 ? it.tap : -1);
    waitForOther(resolverFile());
    there = wait(sleeps ? FOR_EVER : 0);
    if ((there & RUNG) != 0) takeBell(bell);
    if ((there & OTHER_READABLE) != 0) relayAnswers();
  }
  return DONE;
}

/**
 * Serves the network: the uplink and all guests' network cards.
 * @param uplink its port
 * @param bell what is readable when one of them has rung
 * @returns the exit status
 */
export function serveNetwork(uplink: u32, bell: i32): i32 {
  const ports = portCount();
  network().uplink = uplink;
  for (let port: u32 = 0; port < ports; port++) {
    const kind = recordWord(port, C.PORT_KIND);
    if ((kind == <u32>C.KIND_NETWORK || kind == <u32>C.KIND_UPLINK) && !isRing(port)) return sayBroken();
  }
  takeCards();
  if (!openInTime(bell)) return DONE;
  if (isHostsAddress()) openWays();
  offerNetwork(1);
  const status = serveFrames(bell);
  offerNetwork(0);
  return status;
}
