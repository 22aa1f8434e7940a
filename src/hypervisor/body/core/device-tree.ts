/** Flattened device trees (Devicetree Specification 0.4, chapter 5), as far as nodes at their root are looked at. */
import { word } from '../intrinsics.js';

export const MAGIC: u32 = 0xd00dfeed;
export const TOTAL_SIZE: u32 = 4;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
export const NOP: u32 = 4;
/** Nodes at the root that are looked for, and properties. */
export const MEMORY: u32 = 0;
export const CHOSEN: u32 = 1;
export const REG: u32 = 0;
export const INITRD_START: u32 = 1;
export const INITRD_END: u32 = 2;
export const RNG_SEED: u32 = 3;

// @inline
export function big(at: usize): u32 {
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

/** Whether a property's name is "reg", "rng-seed", "linux,initrd-start" or "linux,initrd-end". */
function isProperty(at: usize, property: u32): bool {
  if (property == REG) return text(at) == 0x72656700; // reg
  // rng- seed
  if (property == RNG_SEED)
    return text(at) == 0x726e672d && text(at + 4) == 0x73656564 && load<u8>(at + 8) == 0;
  // linu x,in itrd
  if (text(at) != 0x6c696e75 || text(at + 4) != 0x782c696e || text(at + 8) != 0x69747264) return false;
  if (property == INITRD_END) return text(at + 12) == 0x2d656e64 && load<u8>(at + 16) == 0; // -end
  return text(at + 12) == 0x2d737461 && text(at + 16) >> 8 == 0x727400; // -sta rt
}

/** The length and behind it the value of a property of a node at the root; 0 where there is none. */
export function findProperty(tree: usize, node: u32, property: u32): usize {
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
