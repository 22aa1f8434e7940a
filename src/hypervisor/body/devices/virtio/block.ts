/**
 * Disks (virtio 1.2, 5.2): requests are put into the channel, in which the host's program does them in their order
 * (CHANNEL.md). Of what the host writes there each word is read once and checked; nothing is read back of what is written here.
 */
import {
  BELL_AT,
  DISK_DATA_SIZE,
  DISK_FLAGS,
  FLAG_READ_ONLY,
  GENERATION,
  MOST_REQUEST,
  OFFERED,
  REQUESTS,
  REQUEST_DATA,
  REQUEST_GENERATION,
  REQUEST_SECTOR,
  REQUEST_SECTORS,
  REQUEST_SIZE,
  REQUEST_TYPE,
  SECTORS,
  SECTOR_SIZE,
  SLOTS,
  STATUSES,
  STATUS_ERROR,
  STATUS_OK,
  STATUS_UNSUPPORTED,
  TAKEN,
  TYPE_DISCARD,
  TYPE_FLUSH,
  TYPE_READ,
  TYPE_WRITE,
  TYPE_WRITE_ZEROES,
} from '../../../../channel/layout.js';
import * as L from '../../../shared/layout.js';
import { fromHost, inOrder, portRecord, showPut, toHost } from '../../core/channel.js';
import { textSerial } from '../../generated/messages.js';
import { shared } from '../../intrinsics.js';
import { Device, Queue, queueOf } from './device.js';
import {
  Chain,
  MOST_ENTRIES,
  NONE,
  lastByte,
  nextHead,
  putUsed,
  readChain,
  readFrom,
  takeHead,
  tellDriver,
  wantNotification,
  writeTo,
} from './queue.js';
import { breakDown, isDriven } from './status.js';

// @external('address', 'requests')
declare function requests(): usize;

/** Features (5.2.3). */
const SIZE_MAX: u32 = 1 << 1;
const SEG_MAX: u32 = 1 << 2;
const RO: u32 = 1 << 5;
const BLK_SIZE: u32 = 1 << 6;
const FLUSH: u32 = 1 << 9;
const DISCARD: u32 = 1 << 13;
const WRITE_ZEROES: u32 = 1 << 14;
/** Types of requests (5.2.6). */
const T_IN: u32 = 0;
const T_OUT: u32 = 1;
const T_FLUSH: u32 = 4;
const T_GET_ID: u32 = 8;
const T_DISCARD: u32 = 11;
const T_WRITE_ZEROES: u32 = 13;
/** type, reserved, sector. */
const HEADER_SIZE: u32 = 16;
/** struct virtio_blk_discard_write_zeroes: sector, how many, flags, of which the first is "unmap". */
const RANGE_SIZE: u32 = 16;
const UNMAP: u32 = 1;
const ID_SIZE: u32 = 20;
/** Of the channel, whose constants have no type. */
const SECTOR: u32 = SECTOR_SIZE;
const RING_SIZE: u32 = DISK_DATA_SIZE;
const MOST_BYTES: u32 = MOST_REQUEST;
const LAST_STATUS: u32 = STATUS_UNSUPPORTED;
/**
 * Bytes of a segment, and how many: what a request has together is MOST_REQUEST, and Linux keeps to both. Of a driver that does
 * not, as U-Boot's, a request is given to the host in parts.
 */
const SEGMENT_SIZE: u32 = 0x1000;
const MOST_DATA_SEGMENTS: u32 = MOST_BYTES / SEGMENT_SIZE;
/** 2 GiB, which takes nothing but a hole; 16 MiB, which the host may have to write. */
const MOST_DISCARD: u32 = 0x40_0000;
const MOST_ZEROES: u32 = 0x8000;
/** Requests under way from which on the driver need not say that there are more: those that are done bring it. */
const BUSY: u32 = 8;
/** Requests that are taken from the host in one exit, at the most, so that one that says so without end is left. */
const MOST_DONE: u32 = 16 * SLOTS;

/** What is kept of a request that is under way. */
@unmanaged
class Request {
  /** Its chain's head; NONE where nobody waits for it any more. */
  head: u32;
  type: u32;
  /** Where its data are in the channel, their bytes, and the count of data up to behind them. */
  data: usize;
  bytes: u32;
  dataEnd: u32;
  /** Where its status goes. */
  status: usize;
  /** Bytes of its chain's data before these, and behind them: it is a part of a request. */
  before: u32;
  behind: u32;
}
if (offsetof<Request>() > <usize>L.REQUEST_STATE_SIZE) ERROR('layout of a request');

// @inline
function requestOf(device: Device, n: u32): Request {
  return changetype<Request>(requests() + (device.port * SLOTS + (n & (SLOTS - 1))) * L.REQUEST_STATE_SIZE);
}

/** Whether the host serves a disk. */
export function isOffered(port: u32): bool {
  return fromHost(port, OFFERED) == 1;
}

/** Its guest is started: how large the disk is now holds until it is started again. */
export function beginDisk(device: Device): void {
  const low = fromHost(device.port, SECTORS);
  const high = fromHost(device.port, SECTORS + 4);
  device.sectors = ((<u64>high) << 32) | low;
  const flags = portRecord(device.port, L.PORT_FLAGS) | fromHost(device.port, DISK_FLAGS);
  device.readOnly = flags & FLAG_READ_ONLY;
  device.generation++;
  toHost(device.port, GENERATION, device.generation);
}

/** Nobody waits any more for what is under way. */
export function dropRequests(device: Device): void {
  device.partAt = 0;
  for (let n = device.requestsDone; n != device.requestsPut; n++) requestOf(device, n).head = NONE;
}

export function diskFeatures(device: Device): u32 {
  const features = SIZE_MAX | SEG_MAX | BLK_SIZE | FLUSH;
  return features | (device.readOnly ? RO : DISCARD | WRITE_ZEROES);
}

/** A word of its configuration (5.2.4). */
export function diskConfiguration(device: Device, offset: u32): u32 {
  switch (offset) {
    case 0:
      return <u32>device.sectors;
    case 4:
      return <u32>(device.sectors >> 32);
    case 8:
      return SEGMENT_SIZE;
    case 12:
      return MOST_DATA_SEGMENTS;
    case 20:
      return SECTOR;
    case 36:
      return MOST_DISCARD;
    case 44:
      return SEGMENT_SIZE / SECTOR;
    case 48:
      return MOST_ZEROES;
    case 40:
    case 52:
    case 56:
      return 1;
  }
  return 0;
}

/** The driver has made requests available. Gives whether the host is to be told of what was put into the channel. */
export function serveDisk(device: Device): bool {
  const queue = queueOf(device, 0);
  if (!isDriven(device) || !queue.ready) return false;
  const before = device.requestsPut;
  // A driver that keeps to its queue makes no more available meanwhile.
  for (let n: u32 = 0; n < 2 * MOST_ENTRIES; n++) {
    let head = nextHead(device, queue);
    if (head == NONE) {
      wantNotification(device, queue, device.requestsPut - device.requestsDone < BUSY);
      head = nextHead(device, queue);
      if (head == NONE) break;
    }
    if (!submit(device, queue, head)) break;
  }
  if (isDriven(device)) tellDriver(device, queue);
  return showPut(device.port, before, device.requestsPut);
}

/** Takes a chain, and gives it to the host or answers it; not where there is no room for it yet, or it is broken. */
function submit(device: Device, queue: Queue, head: u32): bool {
  if (device.requestsPut - device.requestsDone == SLOTS) {
    wantNotification(device, queue, false);
    return false;
  }
  const chain = readChain(device, queue, head);
  if (changetype<usize>(chain) == 0) return false;
  if (chain.readableBytes < HEADER_SIZE || chain.writableBytes == 0) {
    breakDown(device);
    return false;
  }
  const header = changetype<usize>(device) + offsetof<Device>('header0');
  readFrom(chain, 0, header, HEADER_SIZE);
  const out = chain.readableBytes - HEADER_SIZE;
  const sector = load<u64>(header + 8);
  const type = load<u32>(header);
  // What is given to the host in parts stays what it is until the last.
  if (device.partAt != 0 && (head != device.partHead || type > T_OUT)) {
    breakDown(device);
    return false;
  }
  switch (type) {
    case T_IN:
      return transfer(device, chain, TYPE_READ, sector, chain.writableBytes - 1);
    case T_OUT:
      return transfer(device, chain, TYPE_WRITE, sector, out);
    case T_FLUSH:
      give(device, chain, TYPE_FLUSH, 0, 0);
      return true;
    case T_DISCARD:
      range(device, chain, TYPE_DISCARD, out);
      return true;
    case T_WRITE_ZEROES:
      range(device, chain, TYPE_WRITE_ZEROES, out);
      return true;
    case T_GET_ID:
      identify(device, chain);
      return true;
  }
  answer(device, chain, STATUS_UNSUPPORTED, 0);
  return true;
}

/** Answers a chain at once, with so many bytes written before its status. */
function answer(device: Device, chain: Chain, status: u32, written: u32): void {
  const queue = queueOf(device, 0);
  takeHead(queue);
  shared.store8(lastByte(chain), status);
  putUsed(queue, chain.head, written + 1);
}

/** Whether sectors are the disk's. */
// @inline
function isInside(device: Device, sector: u64, sectors: u32): bool {
  return sector <= device.sectors && sectors <= device.sectors - sector;
}

/** A request with data, in whole sectors, or the next part of one; gives whether there was room for them. */
function transfer(device: Device, chain: Chain, type: u32, sector: u64, all: u32): bool {
  const before = device.partAt;
  const wrong = all <= before || (all & (SECTOR - 1)) != 0;
  const forbidden = type == TYPE_WRITE && device.readOnly != 0;
  if (wrong || forbidden || !isInside(device, sector, all / SECTOR)) {
    device.partAt = 0;
    answer(device, chain, STATUS_ERROR, 0);
    return true;
  }
  const bytes = min(all - before, MOST_BYTES);
  // In one piece: where the ring's end comes first, they are at its beginning.
  const left = RING_SIZE - (device.dataPut & (RING_SIZE - 1));
  const skipped = left < bytes ? left : 0;
  const end = device.dataPut + skipped + bytes;
  if (end - device.dataTaken > RING_SIZE) {
    wantNotification(device, queueOf(device, 0), false);
    return false;
  }
  device.dataPut += skipped;
  const data = device.dataPut & (RING_SIZE - 1);
  if (type == TYPE_WRITE) readFrom(chain, HEADER_SIZE + before, dataOf(device) + data, bytes);
  device.dataPut += bytes;
  const behind = all - before - bytes;
  device.partHead = chain.head;
  device.partAt = behind == 0 ? 0 : before + bytes;
  const request = give(device, chain, type, sector + before / SECTOR, bytes / SECTOR);
  request.data = dataOf(device) + data;
  request.bytes = bytes;
  request.before = before;
  request.behind = behind;
  toHost(device.port, requestAt(device.requestsPut - 1) + REQUEST_DATA, data);
  return true;
}

// @inline
function dataOf(device: Device): usize {
  return portRecord(device.port, L.PORT_DATA);
}

/** A range of sectors, which the request has as its data. */
function range(device: Device, chain: Chain, type: u32, out: u32): void {
  const at = changetype<usize>(device) + offsetof<Device>('header0');
  let status: u32 = STATUS_ERROR;
  if (out == RANGE_SIZE && device.readOnly == 0) {
    readFrom(chain, HEADER_SIZE, at, RANGE_SIZE);
    const sector = load<u64>(at);
    const sectors = load<u32>(at + 8);
    const flags = load<u32>(at + 12);
    if ((flags & (type == TYPE_DISCARD ? 0xffff_ffff : ~UNMAP)) != 0) status = STATUS_UNSUPPORTED;
    else if (isInside(device, sector, sectors)) {
      give(device, chain, type, sector, sectors);
      return;
    }
  } else if (out != RANGE_SIZE) status = STATUS_UNSUPPORTED;
  answer(device, chain, status, 0);
}

function identify(device: Device, chain: Chain): void {
  if (chain.writableBytes != ID_SIZE + 1) {
    answer(device, chain, STATUS_ERROR, 0);
    return;
  }
  const text = textSerial();
  const at = changetype<usize>(device) + offsetof<Device>('header0');
  let length: u32 = 0;
  while (load<u8>(text + length) != 0) length++;
  writeTo(chain, 0, text, length);
  // Two digits of its number, and NUL up to the end.
  store<u64>(at, 0x3030 + device.number / 10 + ((device.number % 10) << 8));
  store<u64>(at + 8, 0);
  writeTo(chain, length, at, ID_SIZE - length);
  answer(device, chain, STATUS_OK, ID_SIZE);
}

/** Where request n is in the hypervisor's page. */
// @inline
function requestAt(n: u32): u32 {
  return REQUESTS + (n & (SLOTS - 1)) * REQUEST_SIZE;
}

/** Gives a request to the host, without data so far. Its chain is taken with its last part. */
function give(device: Device, chain: Chain, type: u32, sector: u64, sectors: u32): Request {
  if (device.partAt == 0) takeHead(queueOf(device, 0));
  const port = device.port;
  const n = device.requestsPut++;
  const request = requestOf(device, n);
  request.head = chain.head;
  request.type = type;
  request.bytes = 0;
  request.before = 0;
  request.behind = 0;
  request.dataEnd = device.dataPut;
  request.status = lastByte(chain);
  const at = requestAt(n);
  toHost(port, at + REQUEST_TYPE, type);
  toHost(port, at + REQUEST_SECTOR, <u32>sector);
  toHost(port, at + REQUEST_SECTOR + 4, <u32>(sector >> 32));
  toHost(port, at + REQUEST_SECTORS, sectors);
  toHost(port, at + REQUEST_DATA, 0);
  toHost(port, at + REQUEST_GENERATION, device.generation);
  return request;
}

/** The host has done requests of a disk, or says so. Gives whether it is to be told of new ones. */
export function takeDone(device: Device): bool {
  const queue = queueOf(device, 0);
  const port = device.port;
  let rings = false;
  let most = MOST_DONE;
  while (true) {
    const done = fromHost(port, TAKEN) - device.requestsDone;
    if (done > device.requestsPut - device.requestsDone || done > most) return rings;
    most -= done;
    inOrder();
    for (let n: u32 = 0; n < done; n++) finish(device, queue);
    if (serveDisk(device)) rings = true;
    // It is to ring when some of what is under way is done, else at the next.
    const until = device.requestsDone + ((device.requestsPut - device.requestsDone) >> 2);
    toHost(port, BELL_AT, until);
    inOrder();
    if (<i32>(fromHost(port, TAKEN) - until) <= 0) return rings;
  }
}

/** The first request under way is done. */
function finish(device: Device, queue: Queue): void {
  const n = device.requestsDone;
  const request = requestOf(device, n);
  const head = request.head;
  let status = fromHost(device.port, STATUSES + 4 * (n & (SLOTS - 1)));
  if (status > LAST_STATUS) status = STATUS_ERROR;
  if (request.before != 0 && device.partStatus != STATUS_OK) status = device.partStatus;
  device.partStatus = status;
  if (head != NONE && isDriven(device)) {
    let place = request.status;
    let written: u32 = 1;
    if (request.type == TYPE_READ && status == STATUS_OK) {
      const chain = readChain(device, queue, head);
      if (changetype<usize>(chain) != 0) {
        const end = request.before + request.bytes;
        if (chain.writableBytes == end + request.behind + 1) {
          writeTo(chain, request.before, request.data, request.bytes);
          written += end;
          place = lastByte(chain);
        } else breakDown(device);
      }
    }
    if (request.behind == 0 && isDriven(device)) {
      shared.store8(place, status);
      putUsed(queue, head, written);
    }
  }
  device.dataTaken = request.dataEnd;
  device.requestsDone = n + 1;
}
