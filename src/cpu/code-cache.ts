/** The cache of decoded code: blocks of micro-ops by physical page, thrown away when the page is written. */
import * as L from './layout.js';
import { kick, type Machine } from './state.js';
import { hasCode, watchWrites } from './tlb.js';

/** The word of the page directory for a physical page in the running core's instruction set and byte order. */
export function directoryAt(page: number, variant: number): number {
  return (L.PAGE_DIRECTORY + page * L.PAGE_DIRECTORY_ENTRY + variant) >>> 2;
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
  m.across.clear();
  m.slots.forgetAll();
  m.codeTop = L.CODE;
  m.instructions.length = 0;
  m.codeForgotten++;
  m.forgotten++;
}

/**
 * Has code be decoded with a look at breakpoints at these places of pages from now on, and forgets what was decoded
 * without. They stay when the breakpoints go, which come back with each switch of context, until a machine is saved.
 */
export function breakAtOffsets(m: Machine, offsets: readonly number[]): void {
  if (offsets.every((it) => m.breakOffsets?.has(it))) return;
  m.breakOffsets = new Set([...(m.breakOffsets ?? []), ...offsets]);
  forgetCode(m);
}

/** Notes that an instruction at the end of a page reaches into another. */
export function noteAcross({ across }: Machine, page: number, next: number): void {
  const pages = across.get(next);
  if (pages) pages.add(page);
  else across.set(next, new Set([page]));
}

/** Throws away the code of a page, while none runs; and of those with an instruction that reaches into it. */
export function dropPage(m: Machine, page: number): void {
  const across = m.across.get(page);
  m.across.delete(page);
  m.u32.fill(0, directoryAt(page, 0), directoryAt(page + 1, 0));
  m.u8.fill(0, L.CODE_LINES + page * 64, L.CODE_LINES + (page + 1) * 64);
  // Those blocks may be of other pages, and stay.
  for (const block of m.slots.forgetPage(page))
    m.u32[(block + L.TO_TRANSLATION + L.OP_IMM) >>> 2] = m.comings;
  watchWrites(m, page * 0x1000, false);
  m.forgotten++;
  for (const before of across ?? []) dropPage(m, before);
}

/** To be called when bytes of RAM change by other means than the interpreter's stores. */
export function codeWritten(m: Machine, physical: number, size: number): void {
  const lastLine = (physical + size - 1) >>> 6;
  for (let line = physical >>> 6; line <= lastLine; line++) {
    if (!m.u8[L.CODE_LINES + line]) continue;
    dropPage(m, line >>> 6);
    // The block that runs may be of it.
    kick(m);
  }
}
