/** Tells who listens of what is UNPREDICTABLE by what registers hold; what is so by its encoding, lower.ts tells. */
import { decodeA32, decodeT32 } from '../isa/decoder.js';
import type { Machine } from './state.js';
import { thumb } from './state.js';
import { instructionWord } from './syndrome.js';

/** Tells of the instruction that runs, the state being that before it. */
export function unpredictable(m: Machine): void {
  const tell = m.listener?.unpredictable;
  if (!tell) return;
  const word = instructionWord(m);
  if (word === undefined) return;
  const decoded = thumb(m) ? decodeT32(word) : decodeA32(word);
  if (!decoded) return;
  const { name } = decoded.encoding;
  tell({ core: m.core.index, address: m.address, word, name });
}
