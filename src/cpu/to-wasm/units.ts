/** Translates hot blocks, some at once, and puts their functions where the interpreter finds them. */
import { knownBlock } from '../blocks.js';
import { IMPORTS } from './calls.js';
import { Blocks, type Most, physicalOf } from './graph.js';
import * as L from '../layout.js';
import type { Machine } from '../state.js';
import { moduleBytes } from '../../wasm/write.js';
import { webAssembly } from '../../wasm/webassembly.js';
import { translateUnit } from './unit.js';

/** Blocks that wait for others before they are translated, and how long, in nanoseconds of virtual time. */
const BATCH = 32;
const PATIENCE = 4_000_000;
/** What a unit may have; where it is often left, or there was none with so little, more. */
const MOST: Most = { blocks: 48, microOps: 800 };
const MOST_AGAIN: Most = { blocks: 128, microOps: 6000 };
/**
 * Micro-ops of a block that is long: behind so many, to enter a unit and to leave it takes less than it saves, loop or not;
 * and how often such a one is come to before it is looked at again.
 */
const LONG = 100;
const LONG_AGAIN = 2000;
/** What stands where units count how often they are left, of a block that begins none of {@link MOST}. */
const TRIED = 1;
/** A module's memory is the processor's, which has at least so many pages of 64 KiB. */
const PAGES = 1;

/** Has a block be translated soon. */
export function isHot(m: Machine, block: number): void {
  const variant = m.u32[L.VARIANT >>> 2]!;
  m.hot.push({ block, variant, codeForgotten: m.codeForgotten, time: m.sliceStart });
  if (m.eager || m.hot.length >= BATCH) translateHot(m);
}

/** Where a block is entered: at itself, or before it where it was translated. */
export function enter(m: Machine, block: number): number {
  const comings = (block + L.TO_TRANSLATION + L.OP_IMM) >>> 2;
  if (m.eager && m.i32[comings] === 1) isHot(m, block);
  return block + Math.min(0, m.i32[comings]!);
}

/** Whether hot blocks have waited long enough. */
export const isDue = ({ hot }: Machine, time: number): boolean =>
  hot.length > 0 && time - hot[0]!.time > PATIENCE;

/** Translates the hot blocks that there are. */
export function translateHot(m: Machine): void {
  const { u32, slots } = m;
  const isSteady = (block: number): boolean => slots.isSteady(physicalOf(m, block) >>> 12);
  const blocks = m.hot.filter(
    ({ block, variant, codeForgotten }) =>
      codeForgotten === m.codeForgotten && knownBlock(m, physicalOf(m, block), variant) === block,
  );
  m.hot.length = 0;
  if (blocks.length === 0) return;
  const read = new Map<number, Blocks>();
  /** Blocks of the units of this batch. */
  const within = new Set<number>();
  const units = blocks.flatMap(({ block, variant }) => {
    const known = read.get(variant) ?? new Blocks(m, variant);
    read.set(variant, known);
    const ways = slots.waysOf(block);
    const tried = (block + L.TO_TRANSLATION + L.OP_A) >>> 1;
    const isAgain = ways !== undefined || m.u16[tried] === TRIED;
    const most = isAgain ? MOST_AGAIN : MOST;
    const isLong = known.get(block).microOps.length >= LONG;
    const isStraight = isLong && isAgain && !within.has(block) && !slots.isWithin(block);
    // Without loops a large one would take longer to be compiled than it saves.
    const unit = isSteady(block)
      ? (translateUnit(known, block, m.eager, most) ??
        (isStraight ? translateUnit(known, block, true, MOST) : undefined))
      : undefined;
    if (unit && [...unit.pages].every((page) => slots.isSteady(page)) && unit.ways > (ways ?? -1)) {
      for (const it of unit.blocks) within.add(it);
      return [{ block, unit }];
    }
    // Where there is a unit that would become no other, it stays; else what is come to often is looked at once again, for a
    // loop of more blocks.
    if (ways === undefined) {
      u32[(block + L.TO_TRANSLATION + L.OP_IMM) >>> 2] = isAgain ? 0 : isLong ? LONG_AGAIN : L.STALE;
      m.u16[tried] = isAgain ? 0 : TRIED;
    }
    return [];
  });
  if (units.length === 0) return;
  const type = { params: [], results: ['i32' as const] };
  const functions = units.map(({ unit }, i) => ({ ...unit, type, name: String(i) }));
  const module = new webAssembly.Module(moduleBytes(IMPORTS, functions, PAGES));
  const hot = (block: number): void => {
    isHot(m, block);
  };
  const env = { memory: m.wasmMemory, extension: m.extension, hot };
  const { exports } = new webAssembly.Instance(module, { env });
  for (const [i, { block, unit }] of units.entries()) {
    const slot = slots.take(block, unit);
    const before = (block + L.TO_TRANSLATION) >>> 2;
    u32[before + (L.OP_IMM >>> 2)] = slot === undefined ? 0 : L.TO_TRANSLATION;
    if (slot === undefined) continue;
    m.u16[(block + L.TO_TRANSLATION + L.OP_A) >>> 1] = L.STALE;
    slots.table.set(slot, exports[String(i)]);
    u32[before + (L.OP_EXT >>> 2)] = slot;
  }
}
