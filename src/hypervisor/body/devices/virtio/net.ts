/** A guest's network card (virtio 1.2, 5.1): what its driver is told, its frames out of its queues and into them. */
import { NET_HEADER_SIZE, OFFLOAD_CHECKSUM, OFFLOAD_TSO4, OFFLOAD_TSO6 } from '../../../../channel/layout.js';
import * as L from '../../../shared/layout.js';
import { portRecord } from '../../core/channel.js';
import { lock, unlock } from '../../core/locks.js';
import { shared } from '../../intrinsics.js';
import { FRAME, HEADER, MOST_FRAME_BYTES, MTU, NUM_BUFFERS, checkHeader, suit } from '../network/header.js';
import { Device, Queue, lockOf, queueOf } from './device.js';
import {
  NONE,
  addUsed,
  nextHead,
  placeOf,
  putUsed,
  readChain,
  readFrom,
  showUsed,
  takeHead,
  tellDriver,
  wantNotification,
  writeTo,
} from './queue.js';
import { VERSION_1, isDriven } from './status.js';

/** Its queues (5.1.2). */
export const RECEIVE_QUEUE: u32 = 0;
export const TRANSMIT_QUEUE: u32 = 1;

/** Feature bits (5.1.3). */
const CSUM: u32 = 1 << 0;
const GUEST_CSUM: u32 = 1 << 1;
const HAS_MTU: u32 = 1 << 3;
const MAC: u32 = 1 << 5;
const GUEST_TSO4: u32 = 1 << 7;
const GUEST_TSO6: u32 = 1 << 8;
const HOST_TSO4: u32 = 1 << 11;
const HOST_TSO6: u32 = 1 << 12;
const MRG_RXBUF: u32 = 1 << 15;
const HAS_STATUS: u32 = 1 << 16;
export const NETWORK_FEATURES: u32 =
  CSUM |
  GUEST_CSUM |
  HAS_MTU |
  MAC |
  (GUEST_TSO4 | GUEST_TSO6) |
  (HOST_TSO4 | HOST_TSO6) |
  MRG_RXBUF |
  HAS_STATUS;

/** Its configuration (5.1.4): the address, status, how many pairs of queues (which says nothing here), MTU. */
const CONFIGURATION_MAC: u32 = 0;
const CONFIGURATION_STATUS: u32 = 4;
const CONFIGURATION_MTU: u32 = 8;
const LINK_UP: u32 = 1;
/** Bytes of the header before a frame of a legacy driver that takes no mergeable buffers (5.1.6.1). */
const SHORT_HEADER: u32 = NET_HEADER_SIZE - 2;

/** A word of its configuration, at a multiple of 4. */
export function networkConfiguration(device: Device, offset: u32): u32 {
  switch (offset) {
    case CONFIGURATION_MAC:
      return portRecord(device.port, L.PORT_MAC);
    case CONFIGURATION_STATUS:
      return portRecord(device.port, L.PORT_MAC + 1) | (LINK_UP << 16);
    case CONFIGURATION_MTU:
      return MTU << 16;
  }
  return 0;
}

/** What of features means, bits as OFFLOADS has them; no segments without checksums (5.1.3.1). */
function undone(checksum: u32, tso4: u32, tso6: u32): u32 {
  if (checksum == 0) return 0;
  return OFFLOAD_CHECKSUM | (tso4 != 0 ? OFFLOAD_TSO4 : 0) | (tso6 != 0 ? OFFLOAD_TSO6 : 0);
}

/** What its driver takes undone, bits as OFFLOADS has them. */
export function receivedUndone(device: Device): u32 {
  const features = device.features;
  return undone(features & GUEST_CSUM, features & GUEST_TSO4, features & GUEST_TSO6);
}

/** What its driver may leave undone. */
function sentUndone(device: Device): u32 {
  const features = device.features;
  return undone(features & CSUM, features & HOST_TSO4, features & HOST_TSO6);
}

function headerSize(device: Device): u32 {
  const long = (device.featuresHigh & VERSION_1) != 0 || (device.features & MRG_RXBUF) != 0;
  return long ? NET_HEADER_SIZE : SHORT_HEADER;
}

/** A driver has put buffers for frames to it there: none waits for them, so it need not say so again. */
export function refill(device: Device): void {
  const at = lockOf(device.vm);
  const queue = queueOf(device, RECEIVE_QUEUE);
  lock(at);
  if (isDriven(device) && queue.ready) wantNotification(device, queue, false);
  unlock(at);
}

/**
 * Takes a frame that a card's driver sends, of a chain that begins with a descriptor, into a record.
 * @returns bytes of the frame; 0 where it is none that can be
 */
export function takeFrame(device: Device, queue: Queue, head: u32, record: usize): u32 {
  takeHead(queue);
  const chain = readChain(device, queue, head);
  if (changetype<usize>(chain) == 0) return 0;
  const size = headerSize(device);
  const bytes = chain.readableBytes - size;
  // Of less than a header it is more.
  let good: bool = bytes <= MOST_FRAME_BYTES;
  if (good) {
    if (size == <u32>NET_HEADER_SIZE) readFrom(chain, 0, record + HEADER, size + bytes);
    else {
      readFrom(chain, 0, record + HEADER, size);
      readFrom(chain, size, record + FRAME, bytes);
    }
    good = checkHeader(record, bytes, sentUndone(device), 0);
  }
  putUsed(queue, head, 0);
  return good ? bytes : 0;
}

/**
 * Gives a frame of so many bytes to a card's driver. It is lost where that has no room for it, or cannot take it as it is.
 * No lock is held.
 */
export function receive(device: Device, record: usize, bytes: u32): void {
  const at = lockOf(device.vm);
  lock(at);
  const queue = queueOf(device, RECEIVE_QUEUE);
  if (isDriven(device) && queue.ready && suit(record, bytes, receivedUndone(device))) {
    const taken = queue.taken;
    const put = queue.put;
    if (fill(device, queue, record, bytes)) {
      showUsed(queue);
      tellDriver(device, queue);
    } else {
      // Its buffers are as they were.
      queue.taken = taken;
      queue.put = put;
    }
  }
  unlock(at);
}

/** Fills buffers with header and frame, those of several chains where the driver takes that. Gives whether there was room. */
function fill(device: Device, queue: Queue, record: usize, bytes: u32): bool {
  const size = headerSize(device);
  const total = size + bytes;
  const header = record + HEADER;
  let filled: u32 = 0;
  let buffers: u32 = 0;
  // Where the lower byte of num_buffers is in the guest's memory: a queue has no more entries than that can say.
  let low: usize = 0;
  store<u16>(header + NUM_BUFFERS, 1);
  while (filled < total) {
    const head = nextHead(device, queue);
    if (head == NONE || buffers == queue.size) return false;
    takeHead(queue);
    const chain = readChain(device, queue, head);
    if (changetype<usize>(chain) == 0) return false;
    const now = min(chain.writableBytes, total - filled);
    if (now != total && buffers == 0) {
      if ((device.features & MRG_RXBUF) == 0 || now < size) return false;
      low = placeOf(chain, <u32>NUM_BUFFERS);
    }
    if (size == <u32>NET_HEADER_SIZE) writeTo(chain, 0, header + filled, now);
    else {
      writeTo(chain, 0, header, size);
      writeTo(chain, size, record + FRAME, bytes);
    }
    addUsed(queue, head, now);
    filled += now;
    buffers++;
  }
  if (buffers > 1) shared.store8(low, buffers);
  return true;
}
