/**
 * The host's device tree and its initramfs, as the firmware left them:
 * brought into the host's memory, and changed in place.
 */
import * as L from '../../shared/layout.js';
import {
  CHOSEN,
  INITRD_END,
  INITRD_START,
  MAGIC,
  MEMORY,
  REG,
  TOTAL_SIZE,
  big,
  findProperty,
} from '../core/device-tree.js';
import { copy, toMemory } from '../core/memory.js';
import { word } from '../intrinsics.js';

const PAIR: u32 = 8;
const PAGE: u32 = 0x1000;

/** Ends the memory in the tree's /memory at `end`: one cell of address and one of size, as on every 32-bit Pi. */
function endMemoryAt(tree: usize, end: u32): void {
  const reg = findProperty(tree, MEMORY, REG);
  if (reg == 0) return;
  const bytes = big(reg);
  const at = reg + 8;
  for (let i: u32 = 0; i + PAIR <= bytes; i += PAIR) {
    const from = big(at + i);
    const size = big(at + i + 4);
    if (from >= end) store<u32>(at + i + 4, 0);
    else if (size > end - from) store<u32>(at + i + 4, word.rev(end - from));
  }
}

/** The highest page that has room for some bytes below `limit`. */
function pageBelow(limit: u32, bytes: u32): u32 {
  return (limit - ((bytes + <u32>L.COPY_STEP - 1) & ~(<u32>L.COPY_STEP - 1))) & ~(PAGE - 1);
}

/** The last cell of a property's value: an address, which may have a cell of zero in front. */
// @inline
function lastCell(property: usize): usize {
  return property + 4 + big(property);
}

/** Brings what the firmware put above `end` below it: the initramfs, and the tree, which goes below the initramfs. */
function relocateBelow(tree: usize, end: u32): u32 {
  const size = big(tree + TOTAL_SIZE);
  const startAt = findProperty(tree, CHOSEN, INITRD_START);
  const endAt = findProperty(tree, CHOSEN, INITRD_END);
  const from = startAt != 0 && endAt != 0 ? big(lastCell(startAt)) : 0;
  const bytes = from != 0 ? big(lastCell(endAt)) - from : 0;
  const moves = from + bytes > end;
  const to = moves ? pageBelow(end, bytes) : from;
  if (moves) {
    store<u32>(lastCell(startAt), word.rev(to));
    store<u32>(lastCell(endAt), word.rev(to + bytes));
  }
  const limit = moves ? to : end;
  let place = <u32>tree;
  if (tree + size > limit) {
    place = pageBelow(limit, size);
    if (!moves && place + size > from && place < from + bytes) place = pageBelow(from, size);
    copy(place, tree, size);
  }
  // After the tree, which may lie where it goes.
  if (moves) {
    copy(to, from, bytes);
    toMemory(to, bytes);
  }
  if (bytes != 0) fillPage(lastCell(place + (endAt - tree)), to + bytes, place);
  return place;
}

/**
 * Has an initramfs go on, with zeros, to the end of its last page where the tree is not there. Kernels of 2016 keep what
 * is behind it from nobody, and free whole pages when it is unpacked (seen with Raspberry Pi's 4.4).
 * @param cell of the tree, its end
 */
function fillPage(cell: usize, end: u32, tree: u32): void {
  const full = (end + PAGE - 1) & ~(PAGE - 1);
  if (tree >= end && tree < full) return;
  for (let at = end; at < full; at++) store<u8>(at, 0);
  toMemory(end, full - end);
  store<u32>(cell, word.rev(full));
}

/**
 * Gives the host its memory below `end`, with everything that the firmware left for it.
 * @param tree where the firmware left the tree; anything else, as ATAGS, stays as it is
 * @returns where the tree is now
 */
export function relocateForHost(tree: u32, end: u32): u32 {
  if (tree == 0 || (tree & 3) != 0 || big(tree) != MAGIC) return tree;
  const place = relocateBelow(tree, end);
  endMemoryAt(place, end);
  toMemory(place, big(place + TOTAL_SIZE));
  return place;
}
