/** Finds decoded code in its cache, or decodes it. */
import { isWideT32 } from '../isa/decoder.js';
import { directoryAt, dropPage, forgetCode, noteAcross } from './code-cache.js';
import * as L from './layout.js';
import { decodeBlock, LAST_HALFWORD, LONGEST_BLOCK } from './lower.js';
import { Op } from './micro-ops.js';
import { fetchHalfword } from './physical-memory.js';
import { type Machine, thumb } from './state.js';
import { hasCode, watchWrites } from './tlb.js';

/** Room for the largest block: the most micro-ops an instruction is lowered to, the one before it, and the jump at the end. */
const BLOCK_ROOM = ((LONGEST_BLOCK + 4) * 24 + 9) * L.OP_SIZE;

/** The block for the instruction at a physical address, where it was decoded; else 0. */
export function knownBlock({ u32 }: Machine, physical: number, variant = u32[L.VARIANT >>> 2]!): number {
  const table = u32[directoryAt(physical >>> 12, variant)]!;
  return table === 0 ? 0 : u32[(table >>> 2) + ((physical & 0xffe) >>> 1)]!;
}

/**
 * Finds the block for the instruction at a physical address, or decodes it. Where its second half is in another page that
 * was not come to yet, that is a block that is not kept and has TypeScript look for it.
 */
export function blockAt(m: Machine, physical: number): number {
  const known = knownBlock(m, physical);
  if (known !== 0) return known;
  return liesAcross(m, physical) ? passingBlock(m, physical) : keepBlock(m, physical);
}

/** The same of a T32 instruction whose second half is in another page, at `second`. */
export function blockAcross(m: Machine, physical: number, second: number): number {
  const known = knownBlock(m, physical);
  if (known !== 0) {
    if (m.u32[(known + L.OP_IMM) >>> 2] === (second & ~0xfff) >>> 0) return known;
    // The page behind is another one here, or now.
    dropPage(m, physical >>> 12);
  }
  const block = keepBlock(m, physical, second);
  m.u8[L.CODE_LINES + (second >>> 6)] = 1;
  noteAcross(m, physical >>> 12, second >>> 12);
  return block;
}

/** Whether the instruction at a physical address is T32 with its second half in another page. */
export const liesAcross = (m: Machine, physical: number): boolean =>
  (physical & 0xfff) === LAST_HALFWORD && thumb(m) && isWideT32(fetchHalfword(m, physical));

/** Decodes a block, and keeps it by its physical address. */
function keepBlock(m: Machine, physical: number, second?: number): number {
  if (m.codeTop + 2 * L.PAGE_TABLE_SIZE + BLOCK_ROOM > L.CODE_END) forgetCode(m);
  const table = tableOf(m, physical >>> 12);
  // What is written there is looked at, too.
  if (second !== undefined) tableOf(m, second >>> 12);
  const block = beginBlock(m, physical, m.comings);
  const { top, bytes } = decodeBlock(m, physical, block, second);
  m.codeTop = top;
  m.u32[(table >>> 2) + ((physical & 0xffe) >>> 1)] = block;
  m.u8.fill(1, L.CODE_LINES + (physical >>> 6), L.CODE_LINES + ((physical + bytes - 1) >>> 6) + 1);
  return block;
}

/** The table of blocks of a page, made where there is none. */
function tableOf(m: Machine, page: number): number {
  const { u32 } = m;
  const directory = directoryAt(page, u32[L.VARIANT >>> 2]!);
  const known = u32[directory]!;
  if (known !== 0) return known;
  if (!hasCode(m, page * 0x1000)) watchWrites(m, page * 0x1000, true);
  const table = m.codeTop;
  m.codeTop += L.PAGE_TABLE_SIZE;
  u32.fill(0, table >>> 2, m.codeTop >>> 2);
  u32[directory] = table;
  return table;
}

/** Writes what stands before a block, and gives the block's place. */
function beginBlock({ u32, codeTop }: Machine, physical: number, comings: number): number {
  u32.set([Op.TRANSLATED, comings, 0, physical], codeTop >>> 2);
  return codeTop + L.OP_SIZE;
}

/**
 * Decodes what is not kept: what starts within an IT block.
 * @param second of a T32 instruction with its second half in another page, where that is
 * @param alone the first instruction alone, behind a look at breakpoints
 */
export function passingBlock(m: Machine, physical: number, second?: number, alone = false): number {
  if (m.codeTop + BLOCK_ROOM > L.CODE_END) forgetCode(m);
  const block = beginBlock(m, physical, 0);
  m.codeTop = decodeBlock(m, physical, block, second, alone).top;
  return block;
}
