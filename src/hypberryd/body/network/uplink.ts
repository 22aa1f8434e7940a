/** The uplink: records for guests, put into its ring. Where the network's process keeps what it works with. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { controlOf, dataOf, recordWord, ring } from '../channel/channel.js';
import { copyBlocks } from '../channel/copy.js';
import { barrier, shared } from '../linux.js';

@unmanaged
export class Network {
  tap: i32;
  /** The uplink's port, and the bits that its TAP device was told last. */
  uplink: u32;
  offloads: u32;
  /** Bytes of a frame with its header that is in the buffer and not in the uplink yet; 0 for none. */
  pending: u32;
  /** Why the TAP device could not be opened, as it was said last. */
  said: i32;
  /** The socket by which the host's resolver is asked, and the address that it asks; 0 for none. */
  resolver: i32;
  nameServer: u32;
  /** How often another one was turned to. */
  turns: u32;
}

if (<usize>L.SERVED + offsetof<Network>() > <usize>L.DATAGRAM) ERROR('layout of Network');

// @inline
export function network(): Network {
  return changetype<Network>(<usize>L.SERVED);
}

/** Frames with their headers, each behind the length that a ring has before it: for guests, of a guest's, an answer. */
export const DOWN_FRAME: usize = <usize>(L.DOWN + C.RECORD_HEADER);
export const UP_FRAME: usize = <usize>(L.UP + C.RECORD_HEADER);
export const REPLY_FRAME: usize = <usize>(L.REPLY + C.RECORD_HEADER);

const MOST_RECORD: i32 = C.RECORD_HEADER + C.MOST_FRAME + C.RECORD_STEP;
if (L.DOWN + MOST_RECORD > L.UP || L.UP + MOST_RECORD > L.REPLY) ERROR('a frame is larger than its buffer');

/** Bytes of a record with a frame, in whole steps. */
export function recordSize(frame: u32): u32 {
  return (C.RECORD_HEADER + frame + (C.RECORD_STEP - 1)) & -C.RECORD_STEP;
}

/** Whether the other side wants a bell: its BELL_AT lies between what a count was and what it is (CHANNEL.md). */
export function isWanted(bellAt: u32, old: u32, now: u32): bool {
  return now - bellAt - 1 < now - old;
}

/**
 * Puts a record into the uplink, behind what was put and is not shown yet.
 * @param record where it stands, but for its length, which is put before it
 * @param put how far that is
 * @returns how far it is then; the same where there was no room
 */
export function putRecord(record: usize, put: u32, length: u32): u32 {
  const port = network().uplink;
  const data = dataOf(port);
  const size = recordWord(port, C.PORT_DATA_SIZE);
  const used = recordSize(length);
  const taken = shared.load32(controlOf(port) + C.TAKEN);
  const rest = size - (put & (size - 1));
  const skipped = used > rest ? rest : 0;
  if (skipped + used > size - (put - taken)) return put;
  // What was there has been taken before it is written over.
  barrier.dmb();
  if (skipped != 0) {
    shared.store32(data + (put & (size - 1)), C.SKIP);
    put += skipped;
  }
  store<u32>(record, length);
  copyBlocks(data + (put & (size - 1)), record, used);
  return put + used;
}

/** Shows the hypervisor what was put into the uplink, and rings where that is wanted: once for all of it. */
export function showRecords(put: u32): void {
  const port = network().uplink;
  const theirs = controlOf(port);
  const ours = theirs + C.HOST_CONTROL;
  const old = shared.load32(ours + C.PUT);
  if (put == old) return;
  barrier.dmb();
  shared.store32(ours + C.PUT, put);
  barrier.dmb();
  if (isWanted(shared.load32(theirs + C.BELL_AT), old, put)) ring(port);
}

/**
 * Puts the answer at REPLY_FRAME into the uplink; where there is no room, it is lost, as on a wire.
 * @param length bytes with its virtio_net_hdr
 */
export function sendReply(length: u32): void {
  const put = shared.load32(controlOf(network().uplink) + C.HOST_CONTROL + C.PUT);
  showRecords(putRecord(<usize>L.REPLY, put, length));
}
