/** The uplink: the ring of frames from the host to all guests, and what the host may leave undone in them (CHANNEL.md). */
import {
  BELL_AT,
  KIND_NETWORK,
  KIND_UPLINK,
  MOST_FRAME,
  NET_HEADER_SIZE,
  OFFERED,
  OFFLOADS,
  OFFLOAD_CHECKSUM,
  OFFLOAD_TSO4,
  OFFLOAD_TSO6,
  PUT,
  RECORD_STEP,
  SKIP,
  TAKEN,
} from '../../../../channel/layout.js';
import * as L from '../../../shared/layout.js';
import { fromHost, inOrder, portRecord, toHost } from '../../core/channel.js';
import { lock, unlock } from '../../core/locks.js';
import { copy } from '../../core/memory.js';
import { configuration } from '../../core/vm.js';
import { shared } from '../../intrinsics.js';
import { ringHost } from '../bell.js';
import { deviceAt } from '../virtio/device.js';
import { receivedUndone } from '../virtio/net.js';
import { isDriven } from '../virtio/status.js';
import { DATA_VALID, ETHERNET_HEADER, checkHeader, ownRecord } from './header.js';
import { recordSize } from './host-ring.js';
import { giveToCards } from './switch.js';

// @external('address', 'uplink')
declare function uplinkAddress(): usize;

@unmanaged
class Uplink {
  lock: u32;
  /** Bytes of its ring that were ever taken, modulo 2^32. */
  taken: u32;
  /** What stood in its ring was no frame: nothing is taken until the host offers it again. */
  ended: u32;
  /** OFFLOADS as the host was told. */
  offloads: u32;
}

if (offsetof<Uplink>() > <usize>L.UPLINK_SIZE) ERROR('layout of the uplink');

/** The first of all ports, where there is one. */
const PORT: u32 = 0;
/** Records that are taken at once: a program that puts more than these before it rings finds by TAKEN that it is to ring again. */
const MOST_RECORDS: u32 = 128;
/** Bytes of header and frame. */
const LEAST: u32 = NET_HEADER_SIZE + ETHERNET_HEADER;
const MOST: u32 = MOST_FRAME;
/** All that a host may leave undone. */
const ALL: u32 = OFFLOAD_CHECKSUM | OFFLOAD_TSO4 | OFFLOAD_TSO6;

// @inline
function uplink(): Uplink {
  return changetype<Uplink>(uplinkAddress());
}

// @inline
export function isUplink(port: u32): bool {
  return port == PORT && configuration(L.CONFIG_PORTS) != 0 && portRecord(PORT, L.PORT_KIND) == KIND_UPLINK;
}

/**
 * Takes the next record out of the ring. Its lock is held.
 * @returns bytes of the frame; 0 where there is none
 */
function takeRecord(record: usize): u32 {
  const it = uplink();
  const size = portRecord(PORT, L.PORT_DATA_SIZE);
  const ring = portRecord(PORT, L.PORT_DATA);
  while (!it.ended) {
    const put = fromHost(PORT, PUT);
    const there = put - it.taken;
    if (there == 0) {
      toHost(PORT, BELL_AT, put);
      inOrder();
      if (fromHost(PORT, PUT) == put) return 0;
      continue;
    }
    inOrder();
    const place = it.taken & (size - 1);
    const rest = size - place;
    const length = shared.load32(ring + place);
    const skipped = length == <u32>SKIP;
    const used = skipped ? rest : recordSize(length - NET_HEADER_SIZE);
    const wrong = !skipped && (length < LEAST || length > MOST);
    if (wrong || there > size || used > there || used > rest) {
      it.ended = 1;
      return 0;
    }
    if (!skipped) copy(record, ring + place, used);
    it.taken += used;
    inOrder();
    toHost(PORT, TAKEN, it.taken);
    if (!skipped) return length - NET_HEADER_SIZE;
  }
  return 0;
}

/** Takes what the host has put into the uplink, as much as is done at once. No lock is held. */
export function takeUplink(): void {
  const it = uplink();
  const at = changetype<usize>(it) + offsetof<Uplink>('lock');
  const record = ownRecord();
  let rings = false;
  for (let n: u32 = 0; n < MOST_RECORDS; n++) {
    lock(at);
    const before = it.taken;
    const bytes = takeRecord(record);
    // It may wait for room.
    inOrder();
    if (it.taken - fromHost(PORT, BELL_AT) - 1 < it.taken - before) rings = true;
    unlock(at);
    if (bytes == 0) break;
    if (checkHeader(record, bytes, ALL, DATA_VALID)) giveToCards(record, bytes);
  }
  if (rings) ringHost(PORT);
}

/** The host says that it has begun to serve something, or has ended that: what it has put before is gone where it was none. */
export function lookAtUplink(): void {
  if (!isUplink(PORT)) return;
  const it = uplink();
  const at = changetype<usize>(it) + offsetof<Uplink>('lock');
  lock(at);
  if (it.ended && fromHost(PORT, OFFERED) != 0) {
    it.ended = 0;
    it.taken = fromHost(PORT, PUT) & ~(RECORD_STEP - 1);
    toHost(PORT, TAKEN, it.taken);
    toHost(PORT, BELL_AT, it.taken);
  }
  unlock(at);
}

/** Cards are in use, or are no more: tells the host what all that are take. No lock is held. */
export function updateOffloads(): void {
  if (!isUplink(PORT)) return;
  const it = uplink();
  const at = changetype<usize>(it) + offsetof<Uplink>('lock');
  lock(at);
  let used = false;
  let offloads = ALL;
  for (let port: u32 = 0; port < configuration(L.CONFIG_PORTS); port++) {
    if (portRecord(port, L.PORT_KIND) != KIND_NETWORK) continue;
    const device = deviceAt(port);
    if (!isDriven(device)) continue;
    used = true;
    offloads &= receivedUndone(device);
  }
  if (!used) offloads = 0;
  const changed = offloads != it.offloads;
  it.offloads = offloads;
  if (changed) toHost(PORT, OFFLOADS, offloads);
  unlock(at);
  if (changed) ringHost(PORT);
}
