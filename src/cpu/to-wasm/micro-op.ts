/** A micro-op as it stands in memory, for who reads it to translate it. */
import * as L from '../layout.js';
import { Op } from '../micro-ops.js';
import type { Machine } from '../state.js';

/** What a micro-op reads and writes of what a unit holds in locals, as bits by the locals' numbers. The flags are written all or none. */
export interface Effects {
  readonly reads: number;
  readonly writes: number;
}

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
  /** Found when they are asked for: see effects.ts. */
  effects: Effects | undefined;
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
    effects: undefined,
  };
}

const within = (op: Op, first: Op, last: Op): boolean => op >= first && op <= last;

/** A branch within the page, whose ext is the block there where that was found. */
export const isNear = (op: Op): boolean => within(op, Op.B_EQ, Op.BL);
/** One that looks for its target in the TLB. */
export const isFar = (op: Op): boolean => within(op, Op.B_FAR, Op.B_REG) || op === Op.LDM_PC;
/** One to where [a] says, or what is loaded from there. */
export const isByRegister = (op: Op): boolean => op === Op.BX || op === Op.B_REG || op === Op.LDM_PC;
export const isBranch = (op: Op): boolean => isNear(op) || isFar(op);
/** One that is made always. */
export const isAlways = (op: Op): boolean => within(op, Op.B, Op.B_REG) || op === Op.LDM_PC;
/** What goes past micro-ops unless a condition holds. */
export const isSkip = (op: Op): boolean => within(op, Op.SKIP_EQ, Op.SKIP_IF_NOT_ZERO);
/** A branch that writes LR by itself. */
export const isLinking = ({ op }: MicroOp): boolean => op === Op.BL || op === Op.BL_FAR;

/** Bytes of an instruction whose OP_OFFSET has OP_WIDE, and of another. */
const WIDE_BYTES = 4;
const NARROW_BYTES = 2;

/** Where the next instruction stands, from the start of the page. */
export const behind = ({ offset }: MicroOp): number =>
  (offset & (L.OP_WIDE - 1)) + (offset & L.OP_WIDE ? WIDE_BYTES : NARROW_BYTES);

/** Whether the last of an instruction's micro-ops is a branch that calls a function. */
export function isCall(instruction: readonly MicroOp[]): boolean {
  const last = instruction.at(-1)!;
  return (
    isLinking(last) ||
    (last.op === Op.BX && instruction.some(({ op, a }) => op === Op.PAGE_ADD && a === L.LR))
  );
}

/** Whether the last one is a branch by which functions return: to LR, or to what is loaded from the stack. */
export function isReturn(instruction: readonly MicroOp[]): boolean {
  const last = instruction.at(-1)!;
  if (last.op === Op.LDM_PC) return true;
  if (last.op !== Op.BX) return false;
  return (
    last.a === L.LR ||
    instruction.some(
      ({ op, a, b, imm }) =>
        a === last.a && ((op === Op.MOV_REG && imm === L.LR) || (op === Op.LDR && b === L.SP)),
    )
  );
}
