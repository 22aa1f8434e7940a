/** The syndrome of a load or store that HSR holds after a fault of stage 2 (B3.13.6): what a hypervisor emulates by. */
import { bits } from '../isa/bits.js';
import { decodeA32, decodeT32, isWideT32 } from '../isa/decoder.js';
import type { Encoding } from '../isa/encoding.js';
import { DATA_ABORT_ISS } from '../isa/fault-status.js';
import type { Fields } from '../isa/pattern.js';
import type { Needs } from './operation-fields.js';
import { currentRegime, EXECUTE, faultOf, walk } from './mmu.js';
import { isPrivileged } from './current-mode.js';
import { fetchHalfword, fetchWord } from './physical-memory.js';
import type { Machine } from './state.js';
import { thumb } from './state.js';
import { lookupCode } from './tlb.js';

const ISV = bits(DATA_ABORT_ISS, { ISV: 1 });
const SSE = bits(DATA_ABORT_ISS, { SSE: 1 });
const [SAS, SRT] = [DATA_ABORT_ISS.bits.SAS[1], DATA_ABORT_ISS.bits.SRT[1]];
/** SAS: a word, a byte, a halfword. */
const sizes: Record<string, number> = { '': 2, B: 0, H: 1, SB: 0, SH: 1 };

/**
 * Where an instruction of the running core is in memory, or -1 where it may not be executed. The TLB need not know its
 * page: it may have lost it to that of the instruction's data.
 */
export function codeAt(m: Machine, address: number): number {
  const known = lookupCode(m, address);
  if (known >= 0) return known;
  const found = walk(m, currentRegime(m), address, isPrivileged(m));
  return faultOf(found, EXECUTE) || found.physical >= m.ramSize ? -1 : found.physical;
}

/**
 * The running instruction's word, of 16 bits or 32, the first halfword of T32 in front; undefined where another core
 * has unmapped it meanwhile.
 */
export function instructionWord(m: Machine): number | undefined {
  const physical = codeAt(m, m.address);
  if (physical < 0) return undefined;
  if (!thumb(m)) return fetchWord(m, physical);
  const first = fetchHalfword(m, physical);
  if (!isWideT32(first)) return first;
  const second = codeAt(m, (m.address + 2) >>> 0);
  return second < 0 ? undefined : first * 0x10000 + fetchHalfword(m, second);
}

/** The running instruction, decoded; undefined where it is not there any more. */
function instruction(m: Machine): { encoding: Encoding; fields: Fields } | undefined {
  const word = instructionWord(m);
  if (word === undefined) return undefined;
  return thumb(m) ? decodeT32(word) : decodeA32(word);
}

/**
 * HSR's ISS<24:16> for the instruction at m.address. It is there for loads and stores of one core register without
 * write-back; 0 for all others: lists, pairs, exclusives, floating point.
 */
export function accessSyndrome(m: Machine): number {
  const decoded = instruction(m);
  const match = /^(?:LDR|STR)(B|H|SB|SH)?(?:T|_imm|_reg|_lit)$/.exec(decoded?.encoding.operation ?? '');
  if (!decoded || !match) return 0;
  const { P, W, Rt = 15 }: Needs<never, 'P' | 'W' | 'Rt'> = decoded.fields;
  // In A32, LDRT and its like are always post-indexed.
  const unprivileged = decoded.encoding.operation.endsWith('T');
  if ((unprivileged && !thumb(m)) || P === 0 || W === 1) return 0;
  // A load of the PC is a branch.
  if (Rt === 15) return 0;
  const kind = match[1] ?? '';
  return ISV | (sizes[kind]! << SAS) | (kind.startsWith('S') ? SSE : 0) | (Rt << SRT);
}
