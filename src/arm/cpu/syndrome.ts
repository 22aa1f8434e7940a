/** The syndrome of a load or store that HSR holds after a fault of stage 2 (B3.13.6): what a hypervisor emulates by. */
import { decodeA32 } from '../decoder.js';
import * as L from './layout.js';
import type { Machine } from './state.js';
import { thumb } from './state.js';
import { lookupCode } from './tlb.js';

const ISV = 1 << 24;
const SSE = 1 << 21;
const sizes: Record<string, number> = { '': 2, B: 0, H: 1, SB: 0, SH: 1 };

/** HSR's ISS<24:16> for the instruction at m.address; 0 where there is none: lists, pairs, write-back. */
export function accessSyndrome(m: Machine): number {
  const physical = lookupCode(m, m.address);
  if (physical < 0 || thumb(m)) return 0;
  const decoded = decodeA32(m.u32[(L.RAM + physical) >>> 2]!);
  const match = /^(?:LDR|STR)(B|H|SB|SH)?_(?:imm|reg|lit)$/.exec(decoded?.encoding.operation ?? '');
  if (!decoded || !match) return 0;
  const fields: Record<string, number> = decoded.fields;
  if (fields['P'] === 0 || fields['W'] === 1) return 0;
  const kind = match[1] ?? '';
  return ISV | (sizes[kind]! << 22) | (kind.startsWith('S') ? SSE : 0) | (fields['Rt']! << 16);
}
