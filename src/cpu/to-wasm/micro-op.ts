/** A micro-op as it stands in memory, for who reads it to translate it. */
import * as L from '../layout.js';
import { Op } from '../micro-ops.js';
import type { Machine } from '../state.js';

/** Its address and its parts; which of them mean something is said in micro-ops.ts. */
export interface MicroOp {
  readonly at: number;
  readonly op: Op;
  readonly a: number;
  readonly b: number;
  readonly imm: number;
  readonly ext: number;
  readonly offset: number;
  readonly position: number;
}

const ops = Object.values(Op).filter((it) => typeof it !== 'string');
const opAt = (u16: Uint16Array, at: number): Op => ops[u16[at >>> 1]!]!;

/** Reads the micro-op at an address. */
export function microOpAt({ u8, u16, u32 }: Machine, at: number): MicroOp {
  return {
    at,
    op: opAt(u16, at),
    a: u8[at + L.OP_A]!,
    b: u8[at + L.OP_B]!,
    imm: u32[(at + L.OP_IMM) >>> 2]!,
    ext: u32[(at + L.OP_EXT) >>> 2]!,
    offset: u16[(at + L.OP_OFFSET) >>> 1]!,
    position: u8[at + L.OP_POSITION]!,
  };
}

const within = (op: Op, first: Op, last: Op): boolean => op >= first && op <= last;

/** A branch within the page, whose ext is the block there where that was found. */
export const isNear = (op: Op): boolean => within(op, Op.B_EQ, Op.BL);
/** One that is made always. */
export const isAlways = (op: Op): boolean => within(op, Op.B, Op.B_REG) || op === Op.LDM_PC;
/** What goes past micro-ops unless a condition holds. */
export const isSkip = (op: Op): boolean => within(op, Op.SKIP_EQ, Op.SKIP_IF_NOT_ZERO);
/** A near branch that writes LR. */
export const isCall = ({ op }: MicroOp): boolean => op === Op.BL;
