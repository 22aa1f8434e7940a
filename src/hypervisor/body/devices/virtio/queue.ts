/**
 * Split virtqueues (virtio 1.2, 2.7). All that stands in a guest's memory may be anything, and change at any time: each
 * word is read once, then checked, then used.
 */
import * as L from '../../../shared/layout.js';
import { move } from '../../core/memory.js';
import { barrier, shared } from '../../intrinsics.js';
import { Device, Queue } from './device.js';
import { reach } from './guest-memory.js';
import { EVENT_IDX, INDIRECT_DESC, USED_BUFFER, breakDown, isDriven, setInterrupts } from './status.js';

/** The most entries that a queue has, and descriptors of one chain. */
export const MOST_ENTRIES: u32 = L.MOST_SEGMENTS;
/** A descriptor (2.7.5): two words of address, length, flags and next. */
const DESCRIPTOR_SIZE: u32 = 16;
const NEXT: u32 = 1;
const WRITE: u32 = 2;
const INDIRECT: u32 = 4;
/** The available ring (2.7.6): flags, index, entries of 2 bytes, used_event; the used one: entries of 8 bytes, avail_event. */
const INDEX: usize = 2;
const RING: usize = 4;
const NO_INTERRUPT: u32 = 1;
const NO_NOTIFY: u32 = 1;
const INDEX_MASK: u32 = 0xffff;
/** More bytes than a guest has, of a chain. */
const TOO_MANY: u32 = 0x4000_0000;
export const NONE: u32 = 0xffff_ffff;

// @external('address', 'chains')
declare function chains(): usize;

/** A chain of descriptors as it was read: what of it is to be read, and what behind that to be written. */
@unmanaged
export class Chain {
  readable: u32;
  readableBytes: u32;
  segments: u32;
  writableBytes: u32;
  /** The first descriptor, by which it is given back. */
  head: u32;
  /** Of each segment: where it is, and its bytes. */
  places: u64;
}
const PLACES: usize = 24;
if (offsetof<Chain>('places') != PLACES || PLACES + 8 * L.MOST_SEGMENTS > <usize>L.CHAIN_SIZE)
  ERROR('layout of a chain');

/** Has a queue ready where all its parts are in the guest's memory, else the device is broken. */
export function makeReady(device: Device, queue: Queue): void {
  const size = queue.size;
  const vm = device.vm;
  if (size == 0 || size > MOST_ENTRIES || (size & (size - 1)) != 0) {
    breakDown(device);
    return;
  }
  const aligned =
    (queue.descriptorsLow & (DESCRIPTOR_SIZE - 1)) | (queue.availableLow & 1) | (queue.usedLow & 3);
  queue.descriptors = reach(vm, queue.descriptorsLow, queue.descriptorsHigh, DESCRIPTOR_SIZE * size);
  queue.available = reach(vm, queue.availableLow, queue.availableHigh, 6 + 2 * size);
  queue.used = reach(vm, queue.usedLow, queue.usedHigh, 6 + 8 * size);
  if (aligned != 0 || queue.descriptors == 0 || queue.available == 0 || queue.used == 0) {
    breakDown(device);
    return;
  }
  queue.taken = 0;
  queue.put = 0;
  queue.told = 0;
  queue.ready = 1;
}

// @inline
function usesEvents(device: Device): bool {
  return (device.features & EVENT_IDX) != 0;
}

/** The first descriptor of the next chain, which stays where it is until it is taken; NONE where there is none. */
export function nextHead(device: Device, queue: Queue): u32 {
  const waiting = (shared.load16(queue.available + INDEX) - queue.taken) & INDEX_MASK;
  if (waiting == 0) return NONE;
  // What the entries say is not older than the index.
  barrier.dmbIsh();
  const head = shared.load16(queue.available + RING + 2 * (queue.taken & (queue.size - 1)));
  if (waiting <= queue.size && head < queue.size) return head;
  breakDown(device);
  return NONE;
}

// @inline
export function takeHead(queue: Queue): void {
  queue.taken = (queue.taken + 1) & INDEX_MASK;
}

/** Reads a chain; null where it is broken, and so is the device then. It is so until the next of this machine's is read. */
export function readChain(device: Device, queue: Queue, head: u32): Chain {
  const vm = device.vm;
  const at = chains() + vm.number * L.CHAIN_SIZE;
  const chain = changetype<Chain>(at);
  let table = queue.descriptors;
  let entries = queue.size;
  let left = entries;
  let isIndirect = (device.features & INDIRECT_DESC) == 0;
  let n = head;
  let segments: u32 = 0;
  let readable: u32 = 0;
  let bytes: u32 = 0;
  let readableBytes: u32 = 0;
  while (left-- != 0 && n < entries) {
    const descriptor = table + DESCRIPTOR_SIZE * n;
    const low = shared.load32(descriptor);
    const high = shared.load32(descriptor + 4);
    const length = shared.load32(descriptor + 8);
    const flags = shared.load32(descriptor + 12);
    const place = reach(vm, low, high, length);
    if (place == 0) break;
    if (flags & INDIRECT) {
      // One at the most, behind all others, and not in such a table (2.7.5.3.1).
      if (isIndirect || (flags & NEXT) != 0 || (length & (DESCRIPTOR_SIZE - 1)) != 0) break;
      if ((place & 3) != 0) break;
      isIndirect = true;
      table = place;
      entries = length / DESCRIPTOR_SIZE;
      left = min(entries, MOST_ENTRIES);
      n = 0;
      continue;
    }
    if (segments == L.MOST_SEGMENTS || bytes + length > TOO_MANY) break;
    store<u32>(at + PLACES + 8 * segments, <u32>place);
    store<u32>(at + PLACES + 8 * segments + 4, length);
    segments++;
    bytes += length;
    if ((flags & WRITE) == 0) {
      // What is to be read goes before what is to be written (2.7.4.2).
      if (readable != segments - 1) break;
      readable = segments;
      readableBytes = bytes;
    }
    if ((flags & NEXT) == 0) {
      chain.readable = readable;
      chain.readableBytes = readableBytes;
      chain.segments = segments;
      chain.head = head;
      chain.writableBytes = bytes - readableBytes;
      return chain;
    }
    n = flags >> 16;
  }
  breakDown(device);
  return changetype<Chain>(0);
}

/** Copies bytes of what is to be read, from the nth on, of which there are as many. */
export function readFrom(chain: Chain, skip: u32, to: usize, bytes: u32): void {
  moveSegments(chain, 0, skip, to, bytes, false);
}

/** Copies bytes to what is to be written, to the nth and on. */
export function writeTo(chain: Chain, skip: u32, from: usize, bytes: u32): void {
  moveSegments(chain, chain.readable, skip, from, bytes, true);
}

function moveSegments(chain: Chain, n: u32, skip: u32, other: usize, bytes: u32, out: bool): void {
  let at = changetype<usize>(chain) + PLACES + 8 * n;
  while (bytes != 0) {
    const place = load<u32>(at) + skip;
    const length = load<u32>(at + 4);
    at += 8;
    if (length <= skip) {
      skip -= length;
      continue;
    }
    const now = min(length - skip, bytes);
    if (out) move(place, other, now);
    else move(other, place, now);
    other += now;
    bytes -= now;
    skip = 0;
  }
}

/** Where the last byte is that is to be written, of one at least. */
export function lastByte(chain: Chain): usize {
  let at = changetype<usize>(chain) + PLACES + 8 * chain.segments - 8;
  while (load<u32>(at + 4) == 0) at -= 8;
  return load<u32>(at) + load<u32>(at + 4) - 1;
}

/** Where the nth byte is that is to be written, of more. */
export function placeOf(chain: Chain, n: u32): usize {
  let at = changetype<usize>(chain) + PLACES + 8 * chain.readable;
  for (; load<u32>(at + 4) <= n; at += 8) n -= load<u32>(at + 4);
  return load<u32>(at) + n;
}

/** Gives a chain back, with so many bytes written. */
export function putUsed(queue: Queue, head: u32, written: u32): void {
  addUsed(queue, head, written);
  showUsed(queue);
}

/** The same of one of several that belong together: the driver sees none before they are shown. */
export function addUsed(queue: Queue, head: u32, written: u32): void {
  const at = queue.used + RING + 8 * (queue.put & (queue.size - 1));
  shared.store32(at, head);
  shared.store32(at + 4, written);
  queue.put = (queue.put + 1) & INDEX_MASK;
}

export function showUsed(queue: Queue): void {
  barrier.dmbIsh();
  shared.store16(queue.used + INDEX, queue.put);
}

/** Interrupts the driver where it wants that for what was put since it was told last (2.7.7, 2.7.10). */
export function tellDriver(device: Device, queue: Queue): void {
  const put = queue.put;
  const news = (put - queue.told) & INDEX_MASK;
  if (news == 0) return;
  queue.told = put;
  // It says what it wants, then looks whether there is more.
  barrier.dmbIsh();
  const wanted = usesEvents(device)
    ? ((put - shared.load16(queue.available + RING + 2 * queue.size) - 1) & INDEX_MASK) < news
    : (shared.load16(queue.available) & NO_INTERRUPT) == 0;
  if (wanted) setInterrupts(device, device.interrupts | USED_BUFFER);
}

/** Says whether the driver is to notify of the next chain that it makes available; whoever says so looks again. */
export function wantNotification(device: Device, queue: Queue, wanted: bool): void {
  if (usesEvents(device))
    shared.store16(queue.used + RING + 8 * queue.size, (wanted ? queue.taken : queue.taken - 1) & INDEX_MASK);
  else shared.store16(queue.used, wanted ? 0 : NO_NOTIFY);
  barrier.dmbIsh();
}

/**
 * The next chain, as nextHead gives it, of a queue that its driver has working; where there is none, the driver is to
 * notify of the next.
 */
export function nextOrNotify(device: Device, queue: Queue): u32 {
  if (!isDriven(device) || !queue.ready) return NONE;
  const head = nextHead(device, queue);
  if (head != NONE) return head;
  wantNotification(device, queue, true);
  return nextHead(device, queue);
}
