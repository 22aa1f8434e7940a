/** The channel: where it is, by the device tree; its header, its ports, its doorbell. CHANNEL.md says what all of it means. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { MAP_PAGE, MAP_SHARED, O_SYNC, PROT_READ, PROT_WRITE } from '../../shared/linux.js';
import { kernelPath, openFile, readBeginning } from '../files.js';
import { CHANNEL_PATH } from '../generated/about.js';
import { ENOENT, O_CLOEXEC, O_RDWR, barrier, linux, shared, word } from '../linux.js';

/** `reg`: addresses and sizes of the channel, of the doorbell's page and of the bell's, a cell each. */
const REG_SIZE: i32 = 24;

@unmanaged
class Channel {
  base: usize;
  doorbell: usize;
  /** What the device tree says: physical addresses, bytes. */
  address: u32;
  size: u32;
  doorbellAddress: u32;
  doorbellSize: u32;
  bellAddress: u32;
}

if (offsetof<Channel>() > <usize>L.CHANNEL_STATE_SIZE) ERROR('layout of Channel');

// @inline
function channel(): Channel {
  return changetype<Channel>(<usize>L.CHANNEL);
}

/** What finding the channel can end with, beside errors of system calls, which are positive. */
export const FOUND: i32 = 0;
/** The device tree has no channel. */
export const ABSENT: i32 = -1;
/** The device tree's node is not as CHANNEL.md has it, or no channel is where it says. */
export const BROKEN: i32 = -2;

/** Physical address of the bell. */
export function bellAddress(): u32 {
  return channel().bellAddress;
}

/** Looks up the channel in the device tree: FOUND, ABSENT, BROKEN, or an error. */
export function findChannel(): i32 {
  const it = channel();
  const reg = <usize>L.SCRATCH;
  const count = readBeginning(CHANNEL_PATH, reg, REG_SIZE);
  if (count == -ENOENT) return ABSENT;
  if (count < 0) return -count;
  if (count != REG_SIZE) return BROKEN;
  it.address = word.rev(load<u32>(reg));
  it.size = word.rev(load<u32>(reg, 4));
  it.doorbellAddress = word.rev(load<u32>(reg, 8));
  it.doorbellSize = word.rev(load<u32>(reg, 12));
  it.bellAddress = word.rev(load<u32>(reg, 16));
  const pages: u32 = it.address | it.size | it.doorbellAddress | it.doorbellSize;
  if ((pages & (MAP_PAGE - 1)) != 0 || it.size < <u32>C.LOGS || it.doorbellSize < <u32>MAP_PAGE)
    return BROKEN;
  return FOUND;
}

/** Whether mmap2 gave an error: one of the last 4095 addresses. */
function isError(address: i32): bool {
  return <u32>address > <u32>-MAP_PAGE;
}

/** Maps the channel that was found, and the doorbell: FOUND, BROKEN, or an error. */
export function mapChannel(): i32 {
  const it = channel();
  const file = openFile(kernelPath('/dev/mem'), O_RDWR | O_SYNC | O_CLOEXEC, 0);
  if (file < 0) return -file;
  const both = PROT_READ | PROT_WRITE;
  const base = linux.mmap2(0, it.size, both, MAP_SHARED, file, it.address / MAP_PAGE);
  const doorbell = linux.mmap2(0, it.doorbellSize, both, MAP_SHARED, file, it.doorbellAddress / MAP_PAGE);
  linux.close(file);
  if (isError(base)) return -base;
  if (isError(doorbell)) return -doorbell;
  it.base = base;
  it.doorbell = doorbell;
  if (headerWord(C.HEADER_MAGIC) != <u32>C.MAGIC || headerWord(C.HEADER_SIZE) > it.size) return BROKEN;
  return headerWord(C.HEADER_PORTS) > <u32>C.MOST_PORTS ? BROKEN : FOUND;
}

/** A word of the header. */
export function headerWord(offset: u32): u32 {
  return shared.load32(channel().base + offset);
}

/** Bytes of the channel. */
export function channelSize(): u32 {
  return channel().size;
}

/** How many ports there are. */
export function portCount(): u32 {
  return headerWord(C.HEADER_PORTS);
}

/** How many guests the hypervisor tells of; 0 where it is of a release that tells of none. */
export function guestCount(): u32 {
  const guests = headerWord(C.HEADER_GUESTS);
  return guests < <u32>C.MOST_GUESTS ? guests : C.MOST_GUESTS;
}

/** A word of a guest's record; guests count from 1 on. */
export function guestRecordWord(guest: u32, offset: u32): u32 {
  return headerWord(C.GUEST_RECORDS + (guest - 1) * C.GUEST_RECORD_SIZE + offset);
}

/** A word of the state of a guest, or of its console, as it is now. */
export function stateWord(n: u32, offset: u32): u32 {
  return shared.load32(channel().base + C.STATES + n * C.STATE_SIZE + offset);
}

/** Where a console's log is. */
export function logOf(console: u32): usize {
  return channel().base + C.LOGS + console * C.LOG_SIZE;
}

/** Writes a word of the host's page. */
export function writeHostWord(offset: u32, value: u32): void {
  shared.store32(channel().base + C.HOST_PAGE + offset, value);
}

/** A word of the host's page. */
export function hostWord(offset: u32): u32 {
  return shared.load32(channel().base + C.HOST_PAGE + offset);
}

/** A word of a port's record. */
export function recordWord(port: u32, offset: u32): u32 {
  return shared.load32(channel().base + C.PORT_RECORDS + port * C.PORT_RECORD_SIZE + offset);
}

/** Copies a port's record to where the rest of this program reads it, RECORD; its texts end there. */
export function takeRecord(port: u32): void {
  for (let i: u32 = 0; i < <u32>C.PORT_RECORD_SIZE; i += 4)
    store<u32>(<usize>L.RECORD + i, recordWord(port, i));
  store<u8>(<usize>(L.RECORD + C.PORT_GUEST_NAME + C.PORT_GUEST_NAME_SIZE - 1), 0);
  store<u8>(<usize>(L.RECORD + C.PORT_PATH + C.PORT_PATH_SIZE - 1), 0);
}

/** The control page of a port that the hypervisor alone writes; that of the host is HOST_CONTROL behind it. */
export function controlOf(port: u32): usize {
  return channel().base + C.CONTROL + port * C.CONTROL_SIZE;
}

/** Bytes that are counted in two words (BYTES_SHIFT). */
export function bytesAt(at: usize): u64 {
  let high: u32;
  let low: u32;
  do {
    high = shared.load32(at + 4);
    low = shared.load32(at);
  } while (low >> C.BYTES_SHIFT != (high & 1));
  return ((<u64>high) << C.BYTES_SHIFT) | (<u64>low);
}

/** Counts more bytes so. */
export function countBytes(at: usize, more: u32): void {
  const low = shared.load32(at);
  shared.store32(at, low + more);
  barrier.dmb();
  shared.store32(at + 4, shared.load32(at + 4) + (((low + more) ^ low) >> C.BYTES_SHIFT));
}

/** Where a port's data are; 0 where its record has them elsewhere than in the channel, or not in blocks. */
export function dataOf(port: u32): usize {
  const data = recordWord(port, C.PORT_DATA);
  const size = recordWord(port, C.PORT_DATA_SIZE);
  const end = headerWord(C.HEADER_SIZE);
  if (data > end || size > end - data || ((data | size) & (C.RECORD_STEP - 1)) != 0) return 0;
  return channel().base + data;
}

/** Rings for a port. */
export function ring(port: u32): void {
  ringAt(port * 4);
}

/** Rings at an offset of the doorbell's page; all that was written before is seen then. */
export function ringAt(offset: u32): void {
  ringWith(offset, 1);
}

/** Rings so, and says a word by it. */
export function ringWith(offset: u32, value: u32): void {
  barrier.dmb();
  shared.store32(channel().doorbell + offset, value);
  barrier.dmb();
}

/** Whether a port is offered or not, said to the hypervisor. */
export function offer(port: u32, isOffered: u32): void {
  barrier.dmb();
  shared.store32(controlOf(port) + C.HOST_CONTROL + C.OFFERED, isOffered);
  ringAt(C.DOORBELL_HOST);
}
