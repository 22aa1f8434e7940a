/**
 * HYP mode's own translations, in the long format (ARM ARM B3.6): what is the hypervisor's, each at its physical address,
 * the channel to the host, uncached, and nothing else. What is mapped cacheable may come into a cache without anybody
 * reading it (A3.5.7), so the memory of machines is not: it is reached through a window, uncached, but for as long as a guest
 * drives a virtio device. Then its caches are on, and what it says of its memory to a device is so of cacheable memory.
 */
import { ACCESSED, BLOCK, EXECUTE_NEVER, INNER_SHAREABLE, MIB2, PAGE, TABLE } from './descriptors.js';
import { CONTROLLER_PAGE, LOCAL_PAGE } from './pages.js';
import { PERIPHERAL_BASE } from '../generated/board.js';
import { CLO } from '../generated/system-timer.js';
import * as L from '../../shared/layout.js';
import { core, configuration } from './vm.js';
import { TLBIALLHIS, TLBIMVAHIS, barrier, shared } from '../intrinsics.js';

// @external('address', 'vectors')
declare function codeFrom(): usize;
// @external('address', 'zeroFrom')
declare function dataFrom(): usize;
// @external('address', 'zeroTo')
declare function dataTo(): usize;
// @external('address', 'hypTables')
declare function hypTables(): usize;
/** AP[1] reads as one; AP[2]. */
const READ_WRITE: u64 = 1 << 6;
const READ_ONLY: u64 = 3 << 6;
/** AttrIndx: 0 to 2 in HMAIR0 (see vectors.ts). */
const CACHED: u64 = ACCESSED | INNER_SHAREABLE;
const CODE: u64 = CACHED | READ_ONLY;
const CONSTANT: u64 = CACHED | READ_ONLY | EXECUTE_NEVER;
const DATA: u64 = CACHED | READ_WRITE | EXECUTE_NEVER;
const DEVICE: u64 = ACCESSED | (1 << 2) | READ_WRITE | EXECUTE_NEVER;
const UNCACHED: u64 = ACCESSED | (2 << 2) | READ_WRITE | EXECUTE_NEVER;
const PAGE_SIZE: u32 = 0x1000;
const TIMER_PAGE: u32 = (<u32>CLO) & ~(PAGE_SIZE - 1);
/** Where windows are, one for each core, in the gigabyte of the local peripherals. */
const WINDOWS: u32 = 0x41000000;

// @inline
function set(table: usize, index: u32, descriptor: u64): void {
  store<u64>(table + 8 * (index & 511), descriptor);
}

/** Makes them. The MMU is off. Address 0 is nowhere, so that nothing is found there by mistake. */
export function makeHypTables(): void {
  const level1 = hypTables();
  const low = level1 + L.TABLE_SIZE;
  const own = low + L.TABLE_SIZE;
  const peripherals = own + L.TABLE_SIZE;
  const high = highTable();
  const local = high + L.TABLE_SIZE;
  set(level1, 0, low | TABLE);
  const code = <u32>codeFrom();
  for (let at = configuration(L.CONFIG_COPIES); at < code; at += MIB2)
    set(low, at / MIB2, at | CONSTANT | BLOCK);
  const channel = configuration(L.CONFIG_CHANNEL);
  const channelEnd = channel + configuration(L.CONFIG_CHANNEL_SIZE);
  for (let at = channel; at < channelEnd; at += MIB2) set(low, at / MIB2, at | UNCACHED | BLOCK);
  set(low, code / MIB2, own | TABLE);
  const data = <u32>dataFrom();
  for (let at = code; at < <u32>dataTo(); at += PAGE_SIZE)
    set(own, at / PAGE_SIZE, at | (at < data ? CODE : DATA) | PAGE);
  set(low, PERIPHERAL_BASE / MIB2, peripherals | TABLE);
  set(peripherals, CONTROLLER_PAGE / PAGE_SIZE, CONTROLLER_PAGE | DEVICE | PAGE);
  set(peripherals, TIMER_PAGE / PAGE_SIZE, TIMER_PAGE | DEVICE | PAGE);
  set(level1, 1, high | TABLE);
  set(high, 0, local | TABLE);
  set(local, 0, LOCAL_PAGE | DEVICE | PAGE);
}

// @inline
function highTable(): usize {
  return hypTables() + 4 * L.TABLE_SIZE;
}

// @inline
function lowTable(): usize {
  return hypTables() + L.TABLE_SIZE;
}

/** Maps memory of a guest's where it is, as it is for that itself: Normal, written back. In whole blocks of 2 MiB. */
export function mapMemory(from: u32, bytes: u32): void {
  for (let at = from; at < from + bytes; at += MIB2)
    shared.store64(lowTable() + 8 * (at / MIB2), at | DATA | BLOCK);
  barrier.dsbIsh();
  barrier.isb();
}

/** Takes it out again. What was written to it may be in caches; nothing comes there any more. */
export function unmapMemory(from: u32, bytes: u32): void {
  for (let at = from; at < from + bytes; at += MIB2) shared.store64(lowTable() + 8 * (at / MIB2), 0);
  barrier.dsbIsh();
  TLBIALLHIS.write(0);
  barrier.dsbIsh();
  barrier.isb();
}

/** This core's window, and its descriptor. */
// @inline
function windowAt(): u32 {
  return WINDOWS + core().index * MIB2;
}
// @inline
function descriptorOf(window: u32): usize {
  return highTable() + 8 * ((window / MIB2) & 511);
}

/**
 * Opens this core's window on 2 MiB of a machine's memory, uncached: so that nothing of it is in a cache when the machine
 * begins with its own off, whatever is read ahead meanwhile.
 * @param physical any address in these 2 MiB
 * @returns where that address is now
 */
export function openWindow(physical: u32): usize {
  const window = windowAt();
  shared.store64(descriptorOf(window), (physical & ~(MIB2 - 1)) | UNCACHED | BLOCK);
  barrier.dsbIsh();
  barrier.isb();
  return window | (physical & (MIB2 - 1));
}

/** Closes it; what was written through it is in memory. */
export function closeWindow(): void {
  const window = windowAt();
  barrier.dsb();
  shared.store64(descriptorOf(window), 0);
  barrier.dsbIsh();
  TLBIMVAHIS.write(window);
  barrier.dsbIsh();
  barrier.isb();
}
