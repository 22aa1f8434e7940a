/** The host's device tree (Devicetree Specification 0.4, chapter 5), as far as the start changes it: in place. */
import { word } from './intrinsics';

const MAGIC: u32 = 0xd00dfeed;
const BEGIN_NODE: u32 = 1;
const END_NODE: u32 = 2;
const PROP: u32 = 3;
const NOP: u32 = 4;
/** "memo", "ry" with NUL or "@" behind; "reg" with its NUL, as words in order of the text. */
const MEMO: u32 = 0x6d656d6f;
const RY: u32 = 0x7279;
const REG: u32 = 0x72656700;
const PAIR: u32 = 8;

// @ts-ignore: decorator
@inline
function big(at: usize): u32 {
  return word.rev(load<u32>(at));
}

/** Bytes, at any address. */
function text(at: usize): u32 {
  return (<u32>load<u8>(at) << 24) | (<u32>load<u8>(at + 1) << 16) | (<u32>load<u8>(at + 2) << 8) | load<u8>(at + 3);
}

/** Ends the memory in the tree's /memory at `end`: one cell of address and one of size, as on every 32-bit Pi. */
export function endMemoryAt(tree: usize, end: u32): void {
  if (big(tree) != MAGIC) return;
  const strings = tree + big(tree + 12);
  let at = tree + big(tree + 8);
  let depth: u32 = 0;
  let inMemory = false;
  for (;;) {
    const token = big(at);
    at += 4;
    if (token == BEGIN_NODE) {
      depth++;
      const last = load<u8>(at + 6);
      inMemory = depth == 2 && text(at) == MEMO && text(at + 4) >> 16 == RY && (last == 0 || last == 0x40);
      while (load<u8>(at) != 0) at++;
      at = (at + 4) & ~3;
    } else if (token == END_NODE) {
      if (--depth == 0) return;
      inMemory = false;
    } else if (token == PROP) {
      const size = big(at);
      if (inMemory && text(strings + big(at + 4)) == REG) limit(at + 8, size, end);
      at += 8 + ((size + 3) & ~3);
    } else if (token != NOP) return;
  }
}

/** Cuts each pair of address and size off at `end`. */
function limit(at: usize, bytes: u32, end: u32): void {
  for (let i: u32 = 0; i + PAIR <= bytes; i += PAIR) {
    const from = big(at + i);
    const size = big(at + i + 4);
    if (from >= end) store<u32>(at + i + 4, 0);
    else if (size > end - from) store<u32>(at + i + 4, word.rev(end - from));
  }
}
