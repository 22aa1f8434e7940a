/** T32: what is its own. The rest gets the fields that the A32 forms have (t32-fields.ts), and is lowered as those are. */
import type { Emitter, Lower } from './emitter.js';
import * as L from './layout.js';
import { Op } from './micro-ops.js';
import type { Needs, T32Fields, T32Operation } from './operation-fields.js';

/** ITSTATE of the next instruction (ITAdvance, A2.5.2). */
export function advanceIt(it: number): number {
  return it & 7 ? (it & 0xe0) | ((it << 1) & 0x1f) : 0;
}

/** The value of a T32 modified immediate, and the carry it leaves (A6.3.2). */
function expandT32(imm12: number): { value: number; carry: number | undefined } {
  const imm8 = imm12 & 0xff;
  if (imm12 >>> 10 === 0) {
    const kind = (imm12 >>> 8) & 3;
    const value = [imm8, imm8 * 0x10001, imm8 * 0x1000100, imm8 * 0x1010101][kind]!;
    return { value: value >>> 0, carry: undefined };
  }
  const rotation = imm12 >>> 7;
  const unrotated = 0x80 | (imm12 & 0x7f);
  const value = ((unrotated >>> rotation) | (unrotated << (32 - rotation))) >>> 0;
  return { value, carry: value >>> 31 };
}

/** The constant of data processing with one, as value and carry; undefined where the A32 way of reading holds. */
export function immediateOf(
  name: string,
  f: Needs<never, 'imm12' | 'imm16' | 'imm3' | 'imm8' | 'imm7'>,
): { value: number; carry: number | undefined } {
  const { imm12, imm16 } = f;
  const plain = f.imm3 ?? f.imm8 ?? f.imm7 ?? imm16;
  if (plain !== undefined) return { value: plain, carry: undefined };
  if (imm12 === undefined) return { value: 0, carry: undefined };
  // ADDW and SUBW have twelve plain bits.
  return name.endsWith('_T4') ? { value: imm12, carry: undefined } : expandT32(imm12);
}

const signExtend = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

type Branch = Needs<never, 'S' | 'J1' | 'J2' | 'imm6' | 'imm8' | 'imm10' | 'imm11'>;

/** The distance of B, BL and BLX from PC. */
function distance(name: string, f: Branch): number {
  const { S = 0, J1 = 0, J2 = 0, imm6 = 0, imm8 = 0, imm10 = 0, imm11 = 0 } = f;
  if (name === 'B_T1') return signExtend(imm8 << 1, 9);
  if (name === 'B_T2') return signExtend(imm11 << 1, 12);
  if (name === 'B_T3')
    return signExtend((S << 20) | (J2 << 19) | (J1 << 18) | (imm6 << 12) | (imm11 << 1), 21);
  const [i1, i2] = [1 ^ J1 ^ S, 1 ^ J2 ^ S];
  return signExtend((S << 24) | (i1 << 23) | (i2 << 22) | (imm10 << 12) | (imm11 << 1), 25);
}

/** Where a branch goes, from the start of the instruction's page. */
export function branchTarget(e: Emitter, f: Branch): number {
  return e.offset + 4 + distance(e.encoding!.name, f);
}

const aligned = (e: Emitter): number => (e.offset + 4) & ~3;

/** Compare with 0 and branch, forwards, without flags. */
function compareBranch(zero: boolean): Lower<Needs<'imm6' | 'Rn'>> {
  return (e, f) => {
    const target = e.offset + 4 + f.imm6 * 2;
    const skip = e.emit(zero ? Op.SKIP_IF_NOT_ZERO : Op.SKIP_IF_ZERO, f.Rn * 4);
    e.branch(target);
    e.ended = false;
    e.m.u32[(skip + L.OP_IMM) >>> 2] = e.top - skip - L.OP_SIZE;
    return true;
  };
}

/** ADR: PC, rounded down to a word, and a constant. */
const adr: Lower<T32Fields<'ADR'>> = (e, f) => {
  const amount = f.imm8 === undefined ? (f.imm12 ?? 0) : f.imm8 * 4;
  const offset = e.encoding!.name === 'ADR_T2' ? -amount : amount;
  e.emit(Op.PAGE_ADD, f.Rd * 4, 0, (aligned(e) + offset) >>> 0);
  return true;
};

/** TBB and TBH: a table of distances. */
const tableBranch: Lower<T32Fields<'TBB'>> = (e, f) => {
  const { Rn, Rm, H } = f;
  const base = e.source(Rn);
  e.emit(Op.ADD_LSL, L.TEMP, base, Rm * 4, H);
  e.emit(H ? Op.LDRH : Op.LDRB, L.TEMP, L.TEMP, 0);
  if (H && e.bigEndian) e.emit(Op.REV16, L.TEMP, L.TEMP);
  e.emit(Op.PAGE_ADD, L.TEMP2, 0, e.offset + 4);
  e.emit(Op.ADD_LSL, L.TEMP, L.TEMP2, L.TEMP, 1);
  e.jump(L.TEMP);
  return true;
};

/** Operations that only T32 has, or has in a form of its own. */
export const thumbLowerings = {
  // What follows it is conditional; the block's decoding sees to that.
  IT: () => true,
  CBZ: compareBranch(true),
  CBNZ: compareBranch(false),
  ADR: adr,
  TBB: tableBranch,
  ADD_SP_imm: (e, f) => {
    const amount = (f.imm8 ?? f.imm7 ?? 0) * 4;
    e.emit(Op.ADD_IMM, (f.Rd ?? 13) * 4, L.SP, amount);
    return true;
  },
  SUB_SP_imm: (e, f) => {
    e.emit(Op.ADD_IMM, L.SP, L.SP, -f.imm7 * 4);
    return true;
  },
  BL_imm: (e, f) => {
    e.call(branchTarget(e, f));
    return true;
  },
  BLX_imm: (e, f) => {
    // To A32: a word's address.
    const target = aligned(e) + distance(e.encoding!.name, f);
    e.emit(Op.PAGE_ADD, L.LR, 0, (e.offset + 4) | 1);
    e.emit(Op.PAGE_ADD, L.TEMP, 0, target & ~3);
    e.exchange(L.TEMP);
    return true;
  },
} satisfies { readonly [Op in T32Operation]?: Lower<T32Fields<Op>> };
