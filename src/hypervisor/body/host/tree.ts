/**
 * The host's device tree (Devicetree Specification 0.4, chapter 5) and its initramfs, as the firmware left them:
 * brought into the host's memory, and changed in place.
 */
import * as L from '../../shared/layout.js';
import { copy, toMemory } from '../core/memory.js';
import { word } from '../intrinsics.js';

const MAGIC: u32 = 0xd00dfeed;
const TOTAL_SIZE: u32 = 4;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
const PAIR: u32 = 8;
const PAGE: u32 = 0x1000;
/** Nodes at the root that are looked for, and properties. */
const MEMORY: u32 = 0;
const CHOSEN: u32 = 1;
const REG: u32 = 0;
const INITRD_START: u32 = 1;
const INITRD_END: u32 = 2;

// @inline
function big(at: usize): u32 {
  return word.rev(load<u32>(at));
}

/** Four bytes, at any address, as a word in the order of the text. */
function text(at: usize): u32 {
  return (
    ((<u32>load<u8>(at)) << 24) |
    ((<u32>load<u8>(at + 1)) << 16) |
    ((<u32>load<u8>(at + 2)) << 8) |
    load<u8>(at + 3)
  );
}

/** Whether a node's name is "memory" or "chosen", with or without an address. */
function isNode(at: usize, node: u32): bool {
  const last = load<u8>(at + 6);
  if (last != 0 && last != 0x40) return false;
  const first: u32 = node == MEMORY ? 0x6d656d6f : 0x63686f73; // memo, chos
  const second: u32 = node == MEMORY ? 0x7279 : 0x656e; // ry, en
  return text(at) == first && text(at + 4) >> 16 == second;
}

/** Whether a property's name is "reg", "linux,initrd-start" or "linux,initrd-end". */
function isProperty(at: usize, property: u32): bool {
  if (property == REG) return text(at) == 0x72656700; // reg
  // linu x,in itrd
  if (text(at) != 0x6c696e75 || text(at + 4) != 0x782c696e || text(at + 8) != 0x69747264) return false;
  if (property == INITRD_END) return text(at + 12) == 0x2d656e64 && load<u8>(at + 16) == 0; // -end
  return text(at + 12) == 0x2d737461 && text(at + 16) >> 8 == 0x727400; // -sta rt
}

/** The length and behind it the value of a property of a node at the root; 0 where there is none. */
function findProperty(tree: usize, node: u32, property: u32): usize {
  const strings = tree + big(tree + 12);
  let at = tree + big(tree + 8);
  let depth: u32 = 0;
  let inside: bool = false;
  do {
    const token = big(at);
    at += 4;
    if (token == BEGIN_NODE) {
      depth++;
      inside = depth == 2 && isNode(at, node);
      while (load<u8>(at) != 0) at++;
      at = (at + 4) & ~3;
    } else if (token == END_NODE) {
      depth--;
      inside = false;
    } else if (token == PROP) {
      if (inside && isProperty(strings + big(at + 4), property)) return at;
      at += 8 + ((big(at) + 3) & ~3);
    } else if (token != NOP) return 0;
  } while (depth != 0);
  return 0;
}

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
  return place;
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
