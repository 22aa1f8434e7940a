/**
 * T32: what is its own, and how the rest becomes the fields that the A32 forms of the same operations have, so that
 * both are lowered and run by the same code.
 */
import type { Emitter } from './emitter.js';
import * as L from './layout.js';
import type { Lower } from './lowerings.js';
import { Op } from './micro-ops.js';

type Fields = Readonly<Record<string, number>>;

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

/** 16-bit data processing sets the flags outside an IT block: encodings without an S of their own. */
const SETS_OUTSIDE_IT = new Set([
  ...['LSL_imm_T1', 'LSR_imm_T1', 'ASR_imm_T1', 'ADD_reg_T1', 'ADD_imm_T1', 'ADD_imm_T2', 'SUB_reg_T1'],
  ...['SUB_imm_T1', 'SUB_imm_T2', 'MOV_imm_T1', 'AND_reg_T1', 'EOR_reg_T1', 'LSL_reg_T1', 'LSR_reg_T1'],
  ...['ASR_reg_T1', 'ADC_reg_T1', 'SBC_reg_T1', 'ROR_reg_T1', 'ORR_reg_T1', 'BIC_reg_T1', 'MVN_reg_T1'],
  ...['RSB_imm_T1', 'MUL_T1'],
]);
/** MOV (register) of T2 always does: it is LSL by 0. */
const ALWAYS_SETS = new Set(['MOV_reg_T2']);

/** Constants of loads and stores of 16 bits count in units of the access. */
const SCALE: Readonly<Record<string, number>> = {
  ...{ LDR_imm_T1: 4, STR_imm_T1: 4, LDRH_imm_T1: 2, STRH_imm_T1: 2, LDRB_imm_T1: 1, STRB_imm_T1: 1 },
  ...{ LDR_imm_T2: 4, STR_imm_T2: 4 },
};

/** Fields as the A32 form of the operation has them. */
export function likeA32(name: string, f: Fields, inIt: boolean): Fields {
  const fields: Record<string, number> = { ...f };
  const { Rdn, Rdm } = f;
  if (Rdn !== undefined) [fields['Rd'], fields['Rn']] = [Rdn, Rdn];
  if (Rdm !== undefined) [fields['Rd'], fields['Rm']] = [Rdm, Rdm];
  if (SETS_OUTSIDE_IT.has(name)) fields['S'] = inIt ? 0 : 1;
  if (ALWAYS_SETS.has(name)) fields['S'] = 1;
  // Shifts by a register: the amount is Rs there.
  if (/^(LSL|LSR|ASR|ROR)_reg_T1$/.test(name)) [fields['Rm'], fields['Rs']] = [Rdn!, f['Rm']!];
  if (/^(LDR|STR)/.test(name)) transfer(name, f, fields);
  if (/^(LDRD|STRD|LDREX|STREX)/.test(name) && f['imm8'] !== undefined) fields['imm8'] = f['imm8'] * 4;
  if (/^(RFE|SRS)_T/.test(name)) [fields['P'], fields['U']] = name.endsWith('1') ? [1, 0] : [0, 1];
  if (name === 'STM_T1') fields['W'] = 1;
  if (name === 'LDM_T1') fields['W'] = (f['registers']! >>> f['Rn']!) & 1 ? 0 : 1;
  if (name === 'PUSH_T1' || name === 'POP_T1') [fields['Rn'], fields['W']] = [13, 1];
  if (name === 'CPS_T1') [fields['imod'], fields['M'], fields['mode']] = [f['im'] ? 3 : 2, 0, 0];
  return fields;
}

function transfer(name: string, f: Fields, fields: Record<string, number>): void {
  const scale = SCALE[name];
  if (scale !== undefined) {
    fields['imm12'] = (f['imm5'] ?? f['imm8']!) * scale;
    delete fields['imm5'];
    delete fields['imm8'];
    fields['Rn'] ??= 13;
  }
  if (name === 'LDR_lit_T1') fields['imm12'] = f['imm8']! * 4;
  if (f['imm2'] !== undefined) [fields['type'], fields['imm5']] = [0, f['imm2']];
}

/** The constant of data processing with one, as value and carry; undefined where the A32 way of reading holds. */
export function immediateOf(name: string, f: Fields): { value: number; carry: number | undefined } {
  const { imm12, imm16 } = f;
  const plain = f['imm3'] ?? f['imm8'] ?? f['imm7'] ?? imm16;
  if (plain !== undefined) return { value: plain, carry: undefined };
  if (imm12 === undefined) return { value: 0, carry: undefined };
  // ADDW and SUBW have twelve plain bits.
  return name.endsWith('_T4') ? { value: imm12, carry: undefined } : expandT32(imm12);
}

const signExtend = (value: number, bits: number): number => (value << (32 - bits)) >> (32 - bits);

/** The distance of B, BL and BLX from PC. */
function distance(name: string, f: Fields): number {
  const { S = 0, J1 = 0, J2 = 0, imm6 = 0, imm8 = 0, imm10 = 0, imm11 = 0 } = f;
  if (name === 'B_T1') return signExtend(imm8 << 1, 9);
  if (name === 'B_T2') return signExtend(imm11 << 1, 12);
  if (name === 'B_T3')
    return signExtend((S << 20) | (J2 << 19) | (J1 << 18) | (imm6 << 12) | (imm11 << 1), 21);
  const [i1, i2] = [1 ^ J1 ^ S, 1 ^ J2 ^ S];
  return signExtend((S << 24) | (i1 << 23) | (i2 << 22) | (imm10 << 12) | (imm11 << 1), 25);
}

/** Where a branch goes, from the start of the instruction's page. */
export function branchTarget(e: Emitter, f: Fields): number {
  return e.offset + 4 + distance(e.encoding!.name, f);
}

const aligned = (e: Emitter): number => (e.offset + 4) & ~3;

/** Compare with 0 and branch, forwards, without flags. */
function compareBranch(zero: boolean): Lower {
  return (e, f) => {
    const target = e.offset + 4 + f['imm6']! * 2;
    const skip = e.emit(zero ? Op.SKIP_IF_NOT_ZERO : Op.SKIP_IF_ZERO, f['Rn']! * 4);
    e.branch(target);
    e.ended = false;
    e.m.u32[(skip + L.OP_IMM) >>> 2] = e.top - skip - L.OP_SIZE;
    return true;
  };
}

/** ADR: PC, rounded down to a word, and a constant. */
const adr: Lower = (e, f) => {
  const amount = f['imm8'] === undefined ? f['imm12']! : f['imm8'] * 4;
  const offset = e.encoding!.name === 'ADR_T2' ? -amount : amount;
  e.emit(Op.PAGE_ADD, f['Rd']! * 4, 0, (aligned(e) + offset) >>> 0);
  return true;
};

/** TBB and TBH: a table of distances. */
const tableBranch: Lower = (e, f) => {
  const { Rn = 15, Rm = 0, H = 0 } = f;
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
export const thumbLowerings: Readonly<Record<string, Lower>> = {
  // What follows it is conditional; the block's decoding sees to that.
  IT: () => true,
  CBZ: compareBranch(true),
  CBNZ: compareBranch(false),
  ADR: adr,
  TBB: tableBranch,
  ADD_SP_imm: (e, f) => {
    const amount = (f['imm8'] ?? f['imm7']!) * 4;
    e.emit(Op.ADD_IMM, (f['Rd'] ?? 13) * 4, L.SP, amount);
    return true;
  },
  SUB_SP_imm: (e, f) => {
    e.emit(Op.ADD_IMM, L.SP, L.SP, -f['imm7']! * 4);
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
};
