/** Finds decoded code in its cache, or decodes it. */
import { directoryAt, forgetCode } from './code-cache.js';
import * as L from './layout.js';
import { decodeBlock, LONGEST_BLOCK } from './lower.js';
import { Op } from './micro-ops.js';
import type { Machine } from './state.js';
import { hasCode, watchWrites } from './tlb.js';

/** Room for the largest block: the most micro-ops an instruction is lowered to, the one before it, and the jump at the end. */
const BLOCK_ROOM = ((LONGEST_BLOCK + 4) * 24 + 9) * L.OP_SIZE;

/** The block for the instruction at a physical address, where it was decoded; else 0. */
export function knownBlock({ u32 }: Machine, physical: number, variant = u32[L.VARIANT >>> 2]!): number {
  const table = u32[directoryAt(physical >>> 12, variant)]!;
  return table === 0 ? 0 : u32[(table >>> 2) + ((physical & 0xffe) >>> 1)]!;
}

/** Finds the block for the instruction at a physical address, or decodes it. */
export function blockAt(m: Machine, physical: number): number {
  const { u32 } = m;
  const known = knownBlock(m, physical);
  if (known !== 0) return known;
  const variant = u32[L.VARIANT >>> 2]!;
  const page = physical >>> 12;
  let table = u32[directoryAt(page, variant)]!;
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
  const block = beginBlock(m, physical, m.comings);
  const { top, bytes } = decodeBlock(m, physical, block);
  m.codeTop = top;
  u32[(table >>> 2) + ((physical & 0xffe) >>> 1)] = block;
  m.u8.fill(1, L.CODE_LINES + (physical >>> 6), L.CODE_LINES + ((physical + bytes - 1) >>> 6) + 1);
  return block;
}

/** Writes what stands before a block, and gives the block's place. */
function beginBlock({ u32, codeTop }: Machine, physical: number, comings: number): number {
  u32.set([Op.TRANSLATED, comings, 0, physical], codeTop >>> 2);
  return codeTop + L.OP_SIZE;
}

/**
 * Decodes what cannot be kept by its physical address alone: what starts within an IT block, or a T32 instruction
 * whose second half is in another page (at `second`).
 * @param alone the first instruction alone, behind a look at breakpoints
 */
export function passingBlock(m: Machine, physical: number, second?: number, alone = false): number {
  if (m.codeTop + BLOCK_ROOM > L.CODE_END) forgetCode(m);
  const block = beginBlock(m, physical, 0);
  m.codeTop = decodeBlock(m, physical, block, second, alone).top;
  return block;
}
