/** What each operation of the tables becomes: data processing, multiplies, loads, stores, branches. */
import { bitCount } from '../isa/bits.js';
import { ALWAYS } from '../isa/registers.js';
import type { Emitter, Lower, LowerSome } from './emitter.js';
import * as L from './layout.js';
import { Op } from './micro-ops.js';
import type { A32Fields, Needs, Operation as OperationName, OperationFields } from './operation-fields.js';
import type { Machine } from './state.js';
import { immediateOf, type thumbLowerings } from './thumb.js';

/** The sixteen operations of data processing, by what they do to flags and operands. */
interface Operation {
  readonly imm: Op;
  readonly reg: Op;
  readonly immS: Op;
  readonly regS: Op;
  /** Logical operations take C from the shifter. */
  readonly logical: boolean;
  /** The same with a shifted operand: LSL, LSR, ASR, ROR. */
  readonly shifted?: readonly (Op | undefined)[];
}

const AND: Operation = {
  imm: Op.AND_IMM,
  reg: Op.AND_REG,
  immS: Op.ANDS_IMM,
  regS: Op.ANDS_REG,
  logical: true,
  shifted: [Op.AND_LSL, Op.AND_LSR],
};
const EOR: Operation = {
  imm: Op.EOR_IMM,
  reg: Op.EOR_REG,
  immS: Op.EORS_IMM,
  regS: Op.EORS_REG,
  logical: true,
  shifted: [Op.EOR_LSL, Op.EOR_LSR, undefined, Op.EOR_ROR],
};
/** SUB and BIC with a constant are ADD and AND with another one. */
const SUB: Operation = {
  imm: Op.ADD_IMM,
  reg: Op.SUB_REG,
  immS: Op.SUBS_IMM,
  regS: Op.SUBS_REG,
  logical: false,
  shifted: [Op.SUB_LSL, Op.SUB_LSR, Op.SUB_ASR],
};
const RSB: Operation = {
  imm: Op.RSB_IMM,
  reg: Op.RSB_REG,
  immS: Op.RSBS_IMM,
  regS: Op.RSBS_REG,
  logical: false,
  shifted: [Op.RSB_LSL],
};
const ADD: Operation = {
  imm: Op.ADD_IMM,
  reg: Op.ADD_REG,
  immS: Op.ADDS_IMM,
  regS: Op.ADDS_REG,
  logical: false,
  shifted: [Op.ADD_LSL, Op.ADD_LSR, Op.ADD_ASR, Op.ADD_ROR],
};
const ADC: Operation = {
  imm: Op.ADC_IMM,
  reg: Op.ADC_REG,
  immS: Op.ADCS_IMM,
  regS: Op.ADCS_REG,
  logical: false,
};
const SBC: Operation = {
  imm: Op.SBC_IMM,
  reg: Op.SBC_REG,
  immS: Op.SBCS_IMM,
  regS: Op.SBCS_REG,
  logical: false,
};
const RSC: Operation = {
  imm: Op.RSC_IMM,
  reg: Op.RSC_REG,
  immS: Op.RSCS_IMM,
  regS: Op.RSCS_REG,
  logical: false,
};
const ORR: Operation = {
  imm: Op.ORR_IMM,
  reg: Op.ORR_REG,
  immS: Op.ORRS_IMM,
  regS: Op.ORRS_REG,
  logical: true,
  shifted: [Op.ORR_LSL, Op.ORR_LSR, Op.ORR_ASR],
};
const ORN: Operation = {
  imm: Op.ORR_IMM,
  reg: Op.ORN_REG,
  immS: Op.ORRS_IMM,
  regS: Op.ORNS_REG,
  logical: true,
};
const BIC: Operation = {
  imm: Op.AND_IMM,
  reg: Op.BIC_REG,
  immS: Op.ANDS_IMM,
  regS: Op.BICS_REG,
  logical: true,
  shifted: [Op.BIC_LSL, Op.BIC_LSR],
};
const MOV: Operation = {
  imm: Op.MOV_IMM,
  reg: Op.MOV_REG,
  immS: Op.MOVS_IMM,
  regS: Op.MOVS_REG,
  logical: true,
};
const MVN: Operation = {
  imm: Op.MOV_IMM,
  reg: Op.MVN_REG,
  immS: Op.MOVS_IMM,
  regS: Op.MVNS_REG,
  logical: true,
};

/** What a constant has to be for the operation's micro-op. */
function constant(operation: Operation, value: number, sets: boolean): number {
  if (operation === SUB && !sets) return -value >>> 0;
  if (operation === BIC || operation === MVN || operation === ORN) return ~value >>> 0;
  return value;
}

const SHIFTS = [Op.LSL_IMM, Op.LSR_IMM, Op.ASR_IMM, Op.ROR_IMM];
const SHIFTS_CARRY = [Op.LSLC_IMM, Op.LSRC_IMM, Op.ASRC_IMM, Op.RORC_IMM];
const REGISTER_SHIFTS = [Op.LSL_REG, Op.LSR_REG, Op.ASR_REG, Op.ROR_REG];
const REGISTER_SHIFTS_CARRY = [Op.LSLC_REG, Op.LSRC_REG, Op.ASRC_REG, Op.RORC_REG];
const [LSL, LSR, ASR, ROR] = [0, 1, 2, 3];

/** Emits [a] = [b] shifted by a constant as type and imm5 have it; with C where `carry` is set. */
function shiftByConstant(e: Emitter, a: number, b: number, type: number, imm5: number, carry: boolean): void {
  if (type === ROR && imm5 === 0) {
    e.emit(carry ? Op.RRXC : Op.RRX, a, b);
    return;
  }
  const by = imm5 === 0 && type !== LSL ? 32 : imm5;
  if (by === 0) e.emit(Op.MOV_REG, a, 0, b);
  else if (carry) e.emit(SHIFTS_CARRY[type]!, a, b, by);
  else if (by < 32) e.emit(SHIFTS[type]!, a, b, by);
  else if (type === LSR) e.emit(Op.MOV_IMM, a, 0, 0);
  else e.emit(Op.ASR_IMM, a, b, 31);
}

/** The value of A32's imm12, and the carry it leaves (undefined: C stays). */
export function expandA32(imm12: number): { value: number; carry: number | undefined } {
  const rotation = (imm12 >>> 8) * 2;
  const imm8 = imm12 & 0xff;
  if (rotation === 0) return { value: imm8, carry: undefined };
  const value = ((imm8 >>> rotation) | (imm8 << (32 - rotation))) >>> 0;
  return { value, carry: value >>> 31 };
}

/** Writes the result of data processing: where, and how it goes on if that is PC. */
function destination(e: Emitter, rd: number, body: (a: number) => void): void {
  if (rd !== 15) {
    body(rd * 4);
    return;
  }
  body(L.TEMP3);
  e.aluWritePc(L.TEMP3);
}

export function byImmediate(
  e: Emitter,
  operation: Operation,
  sets: boolean,
  rd: number,
  rn: number | undefined,
  { value, carry }: { value: number; carry: number | undefined },
): void {
  const b = rn === undefined ? 0 : e.source(rn);
  destination(e, rd, (a) => {
    const imm = constant(operation, value, sets);
    e.emit(sets ? operation.immS : operation.imm, a, b, imm);
    if (sets && operation.logical && carry !== undefined) e.emit(Op.SET_C, 0, 0, carry);
  });
}

export function byRegister(
  e: Emitter,
  operation: Operation,
  sets: boolean,
  rd: number,
  rn: number | undefined,
  rm: number,
  type: number,
  imm5: number,
): void {
  const b = rn === undefined ? 0 : e.source(rn);
  const m = e.source(rm, L.TEMP3);
  destination(e, rd, (a) => {
    const plain = type === LSL && imm5 === 0;
    const fused = operation.shifted?.[type];
    if (!plain && !sets && fused !== undefined && imm5 !== 0) {
      e.emit(fused, a, b, m, imm5);
      return;
    }
    let operand = m;
    if (!plain) {
      if (operation === MOV && !sets) {
        shiftByConstant(e, a, m, type, imm5, false);
        return;
      }
      shiftByConstant(e, L.TEMP, m, type, imm5, sets && operation.logical);
      operand = L.TEMP;
    }
    e.emit(sets ? operation.regS : operation.reg, a, b, operand);
  });
}

export function byRegisterShift(
  e: Emitter,
  operation: Operation,
  sets: boolean,
  rd: number,
  rn: number | undefined,
  rm: number,
  type: number,
  rs: number,
): void {
  const b = rn === undefined ? 0 : e.source(rn);
  const carry = sets && operation.logical;
  const m = e.source(rm, L.TEMP);
  const s = e.source(rs, L.TEMP3);
  if (operation === MOV && !sets && rd !== 15) {
    e.emit(REGISTER_SHIFTS[type]!, rd * 4, m, s);
    return;
  }
  e.emit((carry ? REGISTER_SHIFTS_CARRY : REGISTER_SHIFTS)[type]!, L.TEMP, m, s);
  destination(e, rd, (a) => {
    e.emit(sets ? operation.regS : operation.reg, a, b, L.TEMP);
  });
}

type Constant = Needs<never, 'imm12' | 'imm16' | 'imm3' | 'imm8' | 'imm7'>;

/** The constant of an instruction, and the carry it leaves. MOVW has 16 plain bits. */
function constantOf(e: Emitter, f: Constant): ReturnType<typeof expandA32> {
  if (e.thumb) return immediateOf(e.encoding!.name, f);
  const { imm12 = 0, imm16 } = f;
  return imm16 === undefined ? expandA32(imm12) : { value: imm16, carry: undefined };
}

type WithConstant = Needs<'Rd', 'S'> & Constant;
type WithRegister = Needs<'Rd' | 'Rm', 'S' | 'type' | 'imm5'>;
type WithShift = Needs<'Rd' | 'Rm' | 'type' | 'Rs', 'S'>;

/** A data processing operation with a constant, and with a register. */
function dataProcessing<const Name extends string>(
  name: Name,
  operation: Operation,
): Named<Name, { imm: Lower<Needs<'Rn'> & WithConstant>; reg: Lower<Needs<'Rn'> & WithRegister> }> {
  return named(name, {
    imm: (e, f) => {
      byImmediate(e, operation, f.S === 1, f.Rd, f.Rn, constantOf(e, f));
      return true;
    },
    reg: (e, f) => {
      byRegister(e, operation, f.S === 1, f.Rd, f.Rn, f.Rm, f.type ?? 0, f.imm5 ?? 0);
      return true;
    },
  });
}

/** The same operation with a register that is shifted by another. */
function dataProcessingByShift(operation: Operation): Lower<Needs<'Rn'> & WithShift> {
  return (e, f) => {
    byRegisterShift(e, operation, f.S === 1, f.Rd, f.Rn, f.Rm, f.type, f.Rs);
    return true;
  };
}

/** MOV and MVN, which have one operand. */
function move<const Name extends string>(
  name: Name,
  operation: Operation,
): Named<Name, { imm: Lower<WithConstant>; reg: Lower<WithRegister> }> {
  return named(name, {
    imm: (e, f) => {
      byImmediate(e, operation, f.S === 1, f.Rd, undefined, constantOf(e, f));
      return true;
    },
    reg: (e, f) => {
      byRegister(e, operation, f.S === 1, f.Rd, undefined, f.Rm, f.type ?? 0, f.imm5 ?? 0);
      return true;
    },
  });
}

type Named<Name extends string, Forms> = {
  [Form in keyof Forms & string as `${Name}_${Form}`]: Forms[Form];
};

/** Puts an operation's name in front of its forms'. */
function named<Name extends string, Forms extends object>(name: Name, forms: Forms): Named<Name, Forms> {
  return Object.fromEntries(
    Object.entries(forms).map(([form, lower]) => [`${name}_${form}`, lower]),
  ) as never;
}

/** TST, TEQ, CMP, CMN: an operation whose result nobody wants. */
function comparison<const Name extends string>(
  name: Name,
  operation: Operation,
  imm?: Op,
  reg?: Op,
): Named<
  Name,
  {
    imm: Lower<Needs<'Rn'> & Constant>;
    reg: Lower<Needs<'Rn' | 'Rm', 'type' | 'imm5'>>;
    rsr: Lower<Needs<'Rn' | 'Rm' | 'type' | 'Rs'>>;
  }
> {
  return named(name, {
    imm: (e, f) => {
      const { value, carry } = constantOf(e, f);
      const b = e.source(f.Rn);
      if (imm !== undefined) e.emit(imm, b, 0, value);
      else e.emit(operation.immS, L.TRASH, b, value);
      if (operation.logical && carry !== undefined) e.emit(Op.SET_C, 0, 0, carry);
      return true;
    },
    reg: (e, f) => {
      const b = e.source(f.Rn);
      let m = e.source(f.Rm, L.TEMP3);
      const { type = LSL, imm5 = 0 } = f;
      if (type !== LSL || imm5 !== 0) {
        shiftByConstant(e, L.TEMP, m, type, imm5, operation.logical);
        m = L.TEMP;
      }
      if (reg !== undefined) e.emit(reg, b, 0, m);
      else e.emit(operation.regS, L.TRASH, b, m);
      return true;
    },
    rsr: (e, f) => {
      const b = e.source(f.Rn);
      const shifts = operation.logical ? REGISTER_SHIFTS_CARRY : REGISTER_SHIFTS;
      const m = e.source(f.Rm, L.TEMP);
      e.emit(shifts[f.type]!, L.TEMP, m, e.source(f.Rs, L.TEMP3));
      if (reg !== undefined) e.emit(reg, b, 0, L.TEMP);
      else e.emit(operation.regS, L.TRASH, b, L.TEMP);
      return true;
    },
  });
}

/** LSL, LSR, ASR, ROR by a constant or a register. */
function shift<const Name extends string>(
  name: Name,
  type: number,
): Named<Name, { imm: Lower<Needs<'Rd' | 'Rm' | 'imm5', 'S'>>; reg: Lower<Needs<'Rd' | 'Rm' | 'Rs', 'S'>> }> {
  return named(name, {
    imm: (e, f) => {
      byRegister(e, MOV, f.S === 1, f.Rd, undefined, f.Rm, type, f.imm5);
      return true;
    },
    reg: (e, f) => {
      byRegisterShift(e, MOV, f.S === 1, f.Rd, undefined, f.Rm, type, f.Rs);
      return true;
    },
  });
}

/** [a] = [b] op [imm], without PC. */
const three =
  (op: Op): LowerSome<Needs<'Rd' | 'Rn' | 'Rm'>> =>
  (e, f) => {
    if (f.Rd === 15) return false;
    const first = e.source(f.Rn);
    e.emit(op, f.Rd * 4, first, e.source(f.Rm, L.TEMP3));
    return true;
  };
const unary =
  (op: Op): LowerSome<Needs<'Rd' | 'Rm'>> =>
  (e, f) => {
    if (f.Rd === 15) return false;
    e.emit(op, f.Rd * 4, e.source(f.Rm));
    return true;
  };
const long =
  (op: Op): LowerSome<Needs<'RdLo' | 'RdHi' | 'Rn' | 'Rm', 'S'>> =>
  (e, f) => {
    const { RdLo, RdHi, Rn, Rm } = f;
    if (RdLo === 15 || RdHi === 15 || Rn === 15 || Rm === 15) return false;
    e.emit(op, RdLo * 4, Rn * 4, Rm * 4, RdHi * 4);
    if (f.S) e.emit(Op.FLAGS64, RdHi * 4, RdLo * 4);
    return true;
  };
const accumulate =
  (op: Op): LowerSome<Needs<'Rd' | 'Rn' | 'Rm' | 'Ra', 'S'>> =>
  (e, f) => {
    const { Rd, Rn, Rm, Ra } = f;
    if (Rd === 15 || Rn === 15 || Rm === 15 || Ra === 15) return false;
    e.emit(op, Rd * 4, Rn * 4, Rm * 4, Ra * 4);
    if (f.S) e.emit(Op.MOVS_REG, Rd * 4, 0, Rd * 4);
    return true;
  };
/** What has Rn adds it. */
const extend =
  (op: Op): LowerSome<Needs<'Rd' | 'Rm', 'rotate' | 'Rn'>> =>
  (e, f) => {
    if (f.Rd === 15) return false;
    const m = e.source(f.Rm);
    if (f.Rn === undefined) {
      e.emit(op, f.Rd * 4, m, (f.rotate ?? 0) * 8);
      return true;
    }
    e.emit(op, L.TEMP, m, (f.rotate ?? 0) * 8);
    e.emit(Op.ADD_REG, f.Rd * 4, e.source(f.Rn), L.TEMP);
    return true;
  };

/** Loads and stores of one register: the micro-ops by size, and by kind of address. */
interface Transfer {
  readonly load: boolean;
  readonly base: Op;
  /** How to bring a big-endian value round. */
  readonly reverse?: Op;
}
const FORM_PRE = Op.LDR_PRE;
const FORM_POST = Op.LDR_POST;
const FORM_REG = Op.LDR_REG;
/** Distance of an access's micro-op in the groups of the other forms: STRICT ones stand between. */
const formOf = (base: Op, form: Op): number => form + (base - Op.LDR);

type TransferName = `${'LDR' | 'STR'}${'' | 'B' | 'H'}` | 'LDRSB' | 'LDRSH';
const TRANSFERS: Record<TransferName, Transfer> = {
  LDR: { load: true, base: Op.LDR, reverse: Op.REV },
  LDRB: { load: true, base: Op.LDRB },
  LDRH: { load: true, base: Op.LDRH, reverse: Op.REV16 },
  LDRSB: { load: true, base: Op.LDRSB },
  LDRSH: { load: true, base: Op.LDRSH, reverse: Op.REVSH },
  STR: { load: false, base: Op.STR, reverse: Op.REV },
  STRB: { load: false, base: Op.STRB },
  STRH: { load: false, base: Op.STRH, reverse: Op.REV16 },
};

/** One register at an address held in a register, plus a constant. No write-back; rt may be PC for a word. */
function access(e: Emitter, transfer: Transfer, rt: number, b: number, offset: number): void {
  const { load, base, reverse } = transfer;
  if (!load) {
    let value = e.source(rt, L.TEMP3);
    if (e.bigEndian && reverse !== undefined) {
      e.emit(reverse, L.TEMP3, value);
      value = L.TEMP3;
    }
    e.emit(base, value, b, offset);
    return;
  }
  const a = rt === 15 ? L.TEMP3 : rt * 4;
  e.emit(base, a, b, offset);
  if (e.bigEndian && reverse !== undefined) e.emit(reverse, a, a);
}

/** Goes on at a loaded PC. */
function loadedPc(e: Emitter, transfer: Transfer, rt: number): void {
  if (transfer.load && rt === 15) e.exchange(L.TEMP3);
}

function transferImmediate(
  name: TransferName,
): Lower<Needs<'Rn' | 'Rt', 'P' | 'U' | 'W' | 'imm12' | 'imm8'>> {
  const transfer = TRANSFERS[name];
  return (e, f) => {
    const { P = 1, U = 1, W = 0, Rn, Rt } = f;
    const size = f.imm12 ?? f.imm8 ?? 0;
    const offset = (U ? size : -size) >>> 0;
    const writeBack = P === 0 || W === 1;
    const simple = Rn !== 15 && Rt !== 15 && !(e.bigEndian && transfer.reverse !== undefined);
    if (writeBack && simple && (!transfer.load || Rt !== Rn)) {
      e.emit(formOf(transfer.base, P ? FORM_PRE : FORM_POST), Rt * 4, Rn * 4, offset);
      return true;
    }
    const b = e.source(Rn);
    if (!writeBack) access(e, transfer, Rt, b, offset);
    else {
      e.emit(Op.ADD_IMM, L.TEMP, b, offset);
      access(e, transfer, Rt, P ? L.TEMP : b, 0);
      if (Rn !== 15) e.emit(Op.MOV_REG, Rn * 4, 0, L.TEMP);
    }
    loadedPc(e, transfer, Rt);
    return true;
  };
}

function transferRegister(
  name: TransferName,
): Lower<Needs<'Rn' | 'Rt' | 'Rm', 'P' | 'U' | 'W' | 'type' | 'imm5'>> {
  const transfer = TRANSFERS[name];
  return (e, f) => {
    const { P = 1, U = 1, W = 0, Rn, Rt, Rm, type = 0, imm5 = 0 } = f;
    const writeBack = P === 0 || W === 1;
    const reversed = e.bigEndian && transfer.reverse !== undefined;
    if (!writeBack && U === 1 && type === LSL && Rn !== 15 && Rt !== 15 && Rm !== 15 && !reversed) {
      e.emit(formOf(transfer.base, FORM_REG), Rt * 4, Rn * 4, Rm * 4, imm5);
      return true;
    }
    const b = e.source(Rn);
    let m = e.source(Rm, L.TEMP3);
    if (type !== LSL || imm5 !== 0) {
      shiftByConstant(e, L.TEMP, m, type, imm5, false);
      m = L.TEMP;
    }
    e.emit(U ? Op.ADD_REG : Op.SUB_REG, L.TEMP, b, m);
    access(e, transfer, Rt, P ? L.TEMP : b, 0);
    if (writeBack && Rn !== 15) e.emit(Op.MOV_REG, Rn * 4, 0, L.TEMP);
    loadedPc(e, transfer, Rt);
    return true;
  };
}

function transferLiteral(name: TransferName): Lower<Needs<'Rt', 'U' | 'imm12' | 'imm8'>> {
  const transfer = TRANSFERS[name];
  return (e, f) => {
    const size = f.imm12 ?? f.imm8 ?? 0;
    const place = (e.offset + (e.thumb ? 4 : 8)) & ~3;
    const target = (place + (f.U === 0 ? -size : size)) >>> 0;
    const rt = f.Rt;
    if (name === 'LDR' && !e.bigEndian) {
      e.emit(Op.LDR_LITERAL, rt === 15 ? L.TEMP3 : rt * 4, 0, target);
    } else {
      e.emit(Op.PAGE_ADD, L.TEMP2, 0, target);
      access(e, transfer, rt, L.TEMP2, 0);
    }
    loadedPc(e, transfer, rt);
    return true;
  };
}

/** Two words at [TEMP], which must be aligned. The second register is loaded first, as an abort may come between. */
function transferTwo(e: Emitter, load: boolean, rt: number, rt2: number): void {
  if (load) {
    e.emit(Op.LDR_STRICT, L.TEMP3, L.TEMP, 0);
    e.emit(Op.LDR_STRICT, rt2 * 4, L.TEMP, 4);
    e.emit(e.bigEndian ? Op.REV : Op.MOV_REG, rt * 4, L.TEMP3, L.TEMP3);
    if (e.bigEndian) e.emit(Op.REV, rt2 * 4, rt2 * 4);
    return;
  }
  for (const [i, r] of [rt, rt2].entries()) {
    if (e.bigEndian) e.emit(Op.REV, L.TEMP3, r * 4);
    e.emit(Op.STR_STRICT, e.bigEndian ? L.TEMP3 : r * 4, L.TEMP, 4 * i);
  }
}

/** LDRD and STRD: `Rt2` where the encoding names it, else the register after Rt. */
function transferDouble(
  load: boolean,
  kind: 'imm' | 'lit' | 'reg',
): LowerSome<Needs<'Rt', 'P' | 'U' | 'W' | 'Rn' | 'Rt2' | 'Rm' | 'imm8'>> {
  return (e, f) => {
    const { P = 1, U = 1, W = 0, Rn = 15, Rm = 15, Rt } = f;
    const rt2 = f.Rt2 ?? Rt + 1;
    if (Rt >= 15 || rt2 >= 15 || (kind === 'reg' && Rm === 15)) return false;
    const writeBack = kind !== 'lit' && (P === 0 || W === 1);
    if (writeBack && Rn === 15) return false;
    const imm = kind === 'reg' ? 0 : (f.imm8 ?? 0);
    const offset = (U ? imm : -imm) >>> 0;
    if (Rn === 15 || kind === 'lit') {
      const place = (e.offset + (e.thumb ? 4 : 8)) & ~3;
      e.emit(Op.PAGE_ADD, L.TEMP, 0, (place + (kind === 'reg' ? 0 : offset)) >>> 0);
      if (kind === 'reg') e.emit(U ? Op.ADD_REG : Op.SUB_REG, L.TEMP, L.TEMP, Rm * 4);
    } else if (kind === 'reg') e.emit(U ? Op.ADD_REG : Op.SUB_REG, L.TEMP, Rn * 4, Rm * 4);
    else e.emit(Op.ADD_IMM, L.TEMP, Rn * 4, offset);
    if (writeBack) e.emit(Op.MOV_REG, L.TEMP2, 0, L.TEMP);
    if (P === 0) e.emit(Op.MOV_REG, L.TEMP, 0, Rn * 4);
    // Where the base is the second register, it is overwritten before the second access could abort no more.
    transferTwo(e, load, Rt, rt2);
    if (writeBack) e.emit(Op.MOV_REG, Rn * 4, 0, L.TEMP2);
    return true;
  };
}

/** LDM and STM; `before` and `up` as the P and U bits of the encoding. */
function transferMany(
  load: boolean,
  up: boolean,
  before: boolean,
): LowerSome<Needs<'Rn' | 'W' | 'registers'>> {
  return (e, f) => {
    const { W, Rn, registers } = f;
    const count = bitCount(registers);
    if (Rn === 15 || count === 0 || e.bigEndian) return false;
    const hasPc = (registers & 0x8000) !== 0;
    const hasBase = ((registers >>> Rn) & 1) !== 0;
    // A base that is loaded and written back (UNPREDICTABLE) is left to the slow path, and PC stored in T32 as well.
    if ((load && W && hasBase) || (!load && hasPc && e.thumb)) return false;
    const start = up ? (before ? 4 : 0) : (before ? 0 : 4) - 4 * count;
    const delta = W ? (up ? 4 * count : -4 * count) : 0;
    const ext = (start & 0xffff) | ((delta & 0xffff) << 16);
    if (load && hasPc && e.counted) {
      // What is counted stands between the load and the branch.
      e.emit(Op.LDM, Rn * 4, 0, registers, ext);
      e.exchange(L.PC);
      return true;
    }
    if (load && hasPc) {
      e.emit(Op.LDM_PC, Rn * 4, 0, registers, ext);
      if (e.condition === ALWAYS) e.ended = true;
      return true;
    }
    // In a block nothing else looks at PC's place.
    if (hasPc) e.emit(Op.PAGE_ADD, L.PC, 0, e.offset + 8);
    e.emit(load ? Op.LDM : Op.STM, Rn * 4, 0, registers, ext);
    return true;
  };
}

const nothing: Lower = () => true;

/** What T32 has otherwise is lowered from A32's fields alone. */
type LoweredFields<Op extends OperationName> = Op extends keyof typeof thumbLowerings
  ? A32Fields<Op>
  : OperationFields<Op>;

export const lowerings = {
  ...dataProcessing('AND', AND),
  AND_rsr: dataProcessingByShift(AND),
  ...dataProcessing('EOR', EOR),
  EOR_rsr: dataProcessingByShift(EOR),
  ...dataProcessing('SUB', SUB),
  SUB_rsr: dataProcessingByShift(SUB),
  ...dataProcessing('RSB', RSB),
  RSB_rsr: dataProcessingByShift(RSB),
  ...dataProcessing('ADD', ADD),
  ADD_rsr: dataProcessingByShift(ADD),
  ...dataProcessing('ADC', ADC),
  ADC_rsr: dataProcessingByShift(ADC),
  ...dataProcessing('SBC', SBC),
  SBC_rsr: dataProcessingByShift(SBC),
  ...dataProcessing('RSC', RSC),
  RSC_rsr: dataProcessingByShift(RSC),
  ...dataProcessing('ORR', ORR),
  ORR_rsr: dataProcessingByShift(ORR),
  ...dataProcessing('ORN', ORN),
  ...dataProcessing('BIC', BIC),
  BIC_rsr: dataProcessingByShift(BIC),
  ...move('MOV', MOV),
  ...move('MVN', MVN),
  MVN_rsr: (e, f) => {
    byRegisterShift(e, MVN, f.S === 1, f.Rd, undefined, f.Rm, f.type, f.Rs);
    return true;
  },
  ...comparison('TST', AND, Op.TST_IMM, Op.TST_REG),
  ...comparison('TEQ', EOR),
  ...comparison('CMP', SUB, Op.CMP_IMM, Op.CMP_REG),
  ...comparison('CMN', ADD),
  ...shift('LSL', LSL),
  ...shift('LSR', LSR),
  ...shift('ASR', ASR),
  ...shift('ROR', ROR),
  RRX: (e, f) => {
    byRegister(e, MOV, f.S === 1, f.Rd, undefined, f.Rm, ROR, 0);
    return true;
  },

  MUL: (e, f) => {
    if (f.Rd === 15 || f.Rn === 15 || f.Rm === 15) return false;
    e.emit(Op.MUL, f.Rd * 4, f.Rn * 4, f.Rm * 4);
    if (f.S) e.emit(Op.MOVS_REG, f.Rd * 4, 0, f.Rd * 4);
    return true;
  },
  MLA: accumulate(Op.MLA),
  MLS: accumulate(Op.MLS),
  UMULL: long(Op.UMULL),
  SMULL: long(Op.SMULL),
  UMLAL: long(Op.UMLAL),
  SMLAL: long(Op.SMLAL),
  UMAAL: long(Op.UMAAL),
  SDIV: three(Op.SDIV),
  UDIV: three(Op.UDIV),
  CLZ: unary(Op.CLZ),
  RBIT: unary(Op.RBIT),
  REV: unary(Op.REV),
  REV16: unary(Op.REV16),
  REVSH: unary(Op.REVSH),
  UXTB: extend(Op.UXTB),
  UXTH: extend(Op.UXTH),
  SXTB: extend(Op.SXTB),
  SXTH: extend(Op.SXTH),
  UXTAB: extend(Op.UXTB),
  UXTAH: extend(Op.UXTH),
  SXTAB: extend(Op.SXTB),
  SXTAH: extend(Op.SXTH),
  UBFX: (e, f) => bitField(e, f, Op.UBFX),
  SBFX: (e, f) => bitField(e, f, Op.SBFX),
  BFI: (e, f) => bitFieldInsert(e, f, false),
  BFC: (e, f) => bitFieldInsert(e, f, true),

  LDR_imm: transferImmediate('LDR'),
  LDRB_imm: transferImmediate('LDRB'),
  LDRH_imm: transferImmediate('LDRH'),
  LDRSB_imm: transferImmediate('LDRSB'),
  LDRSH_imm: transferImmediate('LDRSH'),
  STR_imm: transferImmediate('STR'),
  STRB_imm: transferImmediate('STRB'),
  STRH_imm: transferImmediate('STRH'),
  LDR_reg: transferRegister('LDR'),
  LDRB_reg: transferRegister('LDRB'),
  LDRH_reg: transferRegister('LDRH'),
  LDRSB_reg: transferRegister('LDRSB'),
  LDRSH_reg: transferRegister('LDRSH'),
  STR_reg: transferRegister('STR'),
  STRB_reg: transferRegister('STRB'),
  STRH_reg: transferRegister('STRH'),
  LDR_lit: transferLiteral('LDR'),
  LDRB_lit: transferLiteral('LDRB'),
  LDRH_lit: transferLiteral('LDRH'),
  LDRSB_lit: transferLiteral('LDRSB'),
  LDRSH_lit: transferLiteral('LDRSH'),
  LDRD_imm: transferDouble(true, 'imm'),
  LDRD_lit: transferDouble(true, 'lit'),
  LDRD_reg: transferDouble(true, 'reg'),
  STRD_imm: transferDouble(false, 'imm'),
  STRD_reg: transferDouble(false, 'reg'),
  PUSH: transferMany(false, false, true),
  POP: transferMany(true, true, false),
  LDM: transferMany(true, true, false),
  LDMDA: transferMany(true, false, false),
  LDMDB: transferMany(true, false, true),
  LDMIB: transferMany(true, true, true),
  STM: transferMany(false, true, false),
  STMDA: transferMany(false, false, false),
  STMDB: transferMany(false, false, true),
  STMIB: transferMany(false, true, true),
  CLREX: (e) => {
    e.emit(Op.CLREX);
    return true;
  },

  BL_imm: (e, f) => {
    e.call(e.offset + 8 + ((f.imm24 << 8) >> 6));
    return true;
  },
  BLX_imm: (e, f) => {
    // To T32: the halfword bit is H.
    const target = e.offset + 8 + ((f.imm24 << 8) >> 6) + f.H * 2;
    e.emit(Op.PAGE_ADD, L.LR, 0, e.offset + 4);
    e.emit(Op.PAGE_ADD, L.TEMP, 0, target | 1);
    e.exchange(L.TEMP);
    return true;
  },
  BX: (e, f) => {
    e.exchange(e.source(f.Rm));
    return true;
  },
  BLX_reg: (e, f) => {
    e.emit(Op.MOV_REG, L.TEMP, 0, e.source(f.Rm));
    e.emit(Op.PAGE_ADD, L.LR, 0, e.thumb ? (e.offset + 2) | 1 : e.offset + 4);
    e.exchange(L.TEMP);
    return true;
  },

  ADR: (e, f) => {
    const { value } = expandA32(f.imm12);
    // A1 adds, A2 subtracts.
    const offset = e.encoding!.name === 'ADR_A1' ? value : -value;
    destination(e, f.Rd, (a) => {
      e.emit(Op.PAGE_ADD, a, 0, (e.offset + 8 + offset) >>> 0);
    });
    return true;
  },
  MOVT: (e, f) => {
    if (f.Rd === 15) return false;
    e.emit(Op.MOVT, f.Rd * 4, 0, (f.imm16 << 16) >>> 0);
    return true;
  },

  NOP: nothing,
  YIELD: nothing,
  HINT: nothing,
  DBG: nothing,
  HINT_memory_imm: nothing,
  HINT_memory_reg: nothing,
  HINT_memory_lit: nothing,
  PLDW_imm: nothing,
  PLDW_lit: nothing,
  PLDW_reg: nothing,
  PLD_imm: nothing,
  PLD_lit: nothing,
  PLD_reg: nothing,
  PLI_imm: nothing,
  PLI_lit: nothing,
  PLI_reg: nothing,
  DMB: nothing,
  DSB: nothing,
  // What was decoded before it does not count after it.
  ISB: (e) => {
    // In an IT block a branch would lose ITSTATE.
    if (e.it) e.slow(leaveBlock, {});
    else e.branch(e.offset + e.size);
    return true;
  },
} satisfies { readonly [Op in OperationName]?: LowerSome<LoweredFields<Op>> };

function leaveBlock(m: Machine): void {
  m.leave = true;
}

function bitField(e: Emitter, f: Needs<'Rd' | 'Rn' | 'lsb' | 'widthm1'>, op: Op): boolean {
  const { Rd, Rn, lsb, widthm1 } = f;
  if (Rd === 15 || Rn === 15 || lsb + widthm1 > 31) return false;
  e.emit(op, Rd * 4, Rn * 4, 31 - lsb - widthm1, 31 - widthm1);
  return true;
}

function bitFieldInsert(e: Emitter, f: Needs<'Rd' | 'lsb' | 'msb', 'Rn'>, clear: boolean): boolean {
  const { Rd, Rn = 15, lsb, msb } = f;
  if (Rd === 15 || msb < lsb || (!clear && Rn === 15)) return false;
  const mask = ((0xffffffff >>> (31 - (msb - lsb))) << lsb) >>> 0;
  if (clear) e.emit(Op.AND_IMM, Rd * 4, Rd * 4, ~mask >>> 0);
  else e.emit(Op.BFI, Rd * 4, Rn * 4, lsb, mask);
  return true;
}
