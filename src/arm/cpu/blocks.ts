/** The cache of decoded code: blocks of micro-ops by physical page, thrown away when the page is written. */
import * as L from './layout.js';
import { decodeBlock, LONGEST_BLOCK } from './lower.js';
import type { Machine } from './state.js';
import { kick } from './state.js';
import { hasCode, watchWrites } from './tlb.js';

/** Room for the largest block: the most micro-ops an instruction is lowered to, and the jump at the end. */
const BLOCK_ROOM = ((LONGEST_BLOCK + 4) * 24 + 8) * L.OP_SIZE;

/** The word of the page directory for a physical page in the running core's instruction set and byte order. */
function directoryAt(page: number, variant: number): number {
  return (L.PAGE_DIRECTORY + page * 16 + variant) >>> 2;
}

/** Forgets all decoded code. The micro-ops that run must not go on. */
export function forgetCode(m: Machine): void {
  const pages = m.ramSize / 0x1000;
  for (let page = 0; page < pages; page++) {
    if (hasCode(m, page * 0x1000)) {
      m.u32.fill(0, directoryAt(page, 0), directoryAt(page + 1, 0));
      m.u8.fill(0, L.CODE_LINES + page * 64, L.CODE_LINES + (page + 1) * 64);
    }
  }
  m.codeTop = L.CODE;
  m.instructions.length = 0;
}

/** Finds the block for the instruction at a physical address, or decodes it. */
export function blockAt(m: Machine, physical: number): number {
  const { u32 } = m;
  const variant = u32[L.VARIANT >>> 2]!;
  const page = physical >>> 12;
  let table = u32[directoryAt(page, variant)]!;
  if (table !== 0) {
    const block = u32[(table >>> 2) + ((physical & 0xffe) >>> 1)]!;
    if (block !== 0) return block;
  }
  if (m.codeTop + L.PAGE_TABLE_SIZE + BLOCK_ROOM > L.CODE_END) {
    forgetCode(m);
    table = 0;
  }
  if (table === 0) {
    if (!hasCode(m, physical)) watchWrites(m, page * 0x1000, true);
    table = m.codeTop;
    m.codeTop += L.PAGE_TABLE_SIZE;
    u32.fill(0, table >>> 2, m.codeTop >>> 2);
    u32[directoryAt(page, variant)] = table;
  }
  const block = m.codeTop;
  const { top, bytes } = decodeBlock(m, physical, block);
  m.codeTop = top;
  u32[(table >>> 2) + ((physical & 0xffe) >>> 1)] = block;
  m.u8.fill(1, L.CODE_LINES + (physical >>> 6), L.CODE_LINES + ((physical + bytes - 1) >>> 6) + 1);
  return block;
}

/**
 * Decodes what cannot be kept by its physical address alone: what starts within an IT block, or a T32 instruction
 * whose second half is in another page (at `second`).
 */
export function passingBlock(m: Machine, physical: number, second?: number): number {
  if (m.codeTop + BLOCK_ROOM > L.CODE_END) forgetCode(m);
  const block = m.codeTop;
  m.codeTop = decodeBlock(m, physical, block, second).top;
  return block;
}

/** Throws away the code of a page. */
function forgetPage(m: Machine, page: number): void {
  m.u32.fill(0, directoryAt(page, 0), directoryAt(page + 1, 0));
  m.u8.fill(0, L.CODE_LINES + page * 64, L.CODE_LINES + (page + 1) * 64);
  watchWrites(m, page * 0x1000, false);
  // The block that runs may be of this page.
  kick(m);
}

/** To be called when bytes of RAM change by other means than the interpreter's stores. */
export function codeWritten(m: Machine, physical: number, size: number): void {
  const lastLine = (physical + size - 1) >>> 6;
  for (let line = physical >>> 6; line <= lastLine; line++) {
    if (m.u8[L.CODE_LINES + line]) forgetPage(m, line >>> 6);
  }
}

/** Stores to RAM, little-endian, and throws away code that was there. */
export function storeWatched(m: Machine, physical: number, size: 1 | 2 | 4, value: number): void {
  codeWritten(m, physical, size);
  const at = L.RAM + physical;
  if (size === 4 && (at & 3) === 0) m.u32[at >>> 2] = value;
  else for (let i = 0; i < size; i++) m.u8[at + i] = (value >>> (8 * i)) & 0xff;
}
