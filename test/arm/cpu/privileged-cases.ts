/** Generated cases of privileged instructions: exceptions, returns, status registers, hints, branches, coprocessors. */
import { a32Encodings } from '../../../src/arm/a32/index.js';
import type { Encoding } from '../../../src/arm/encoding.js';
import { accepts, isUnpredictable } from '../../../src/arm/encoding.js';
import { readFields, writeFields } from '../../../src/arm/pattern.js';
import { MODE_FIQ, MODE_HYP, MODE_MON, MODE_SYS, MODE_USR } from '../../../src/arm/program-status.js';
import { t32Encodings } from '../../../src/arm/t32/index.js';
import {
  ABSENT_IN_QEMU,
  fitRoutes,
  hvcInQemu,
  itInQemu,
  returnsInQemu,
  listInQemu,
} from './privileged-exemptions.js';
import { FILLER, type Outputs } from './privileged-monitor.js';
import { anyStart, type Draw, HCR_TGE, PL1_MODES, SCR_FIQ, SCR_IRQ, type Start } from './privileged-state.js';

/** A machine instruction; T32 ones of four bytes have the first halfword on top. */
export interface Word {
  readonly word: number;
  readonly size: 2 | 4;
}

/** A case: where it starts, what it runs, and the words that its own memory holds before. */
export interface Case {
  readonly name: string;
  readonly start: Start;
  readonly words: readonly Word[];
  readonly memory: ReadonlyMap<number, number>;
  /** Bits of outputs that are not compared. */
  readonly ignore?: Partial<Outputs>;
}

/** Where a case's code and its own memory are. */
export interface Place {
  readonly code: number;
  readonly memory: number;
}

/** Bytes of code of a case: the instructions in the first half, then where branches and returns lead. */
export const CODE_SIZE = 64;
export const MEMORY_SIZE = 256;
const LANDING_A32 = 32;
const LANDING_T32 = 44;

type FieldValues = Record<string, number>;

/** What a class of instructions is made of. */
export interface Class {
  readonly name: string;
  /** Operations of the tables. */
  readonly operations: RegExp;
  /** Only these encodings of the operations. */
  readonly when?: (encoding: Encoding) => boolean;
  /** Makes fields and start fit each other. False: try again. May put words in front of the instruction. */
  readonly prepare: (it: Making) => boolean;
  /** What is trapped, beside the class's own needs. */
  readonly traps?: (draw: Draw, start: Start) => void;
}

/** A case in the making. */
export interface Making {
  readonly draw: Draw;
  readonly operation: string;
  readonly encoding: Encoding;
  readonly fields: FieldValues;
  readonly start: Start;
  readonly place: Place;
  readonly before: Word[];
  readonly memory: Map<number, number>;
}

const swap = (value: number): number =>
  ((value << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24)) >>> 0;

/** Puts a word into the case's memory, as its byte order reads it. */
export function remember({ memory, start }: Making, address: number, value: number): void {
  memory.set(address, start.bigEndian ? swap(value) : value >>> 0);
}

/** Where a branch or return leads, without the bit for T32. */
export const landing = (place: Place, thumb: boolean): number =>
  place.code + (thumb ? LANDING_T32 : LANDING_A32);

/** The immediate of A32's data processing. */
function expand(imm12: number): number {
  const [value, by] = [imm12 & 0xff, (imm12 >>> 8) * 2];
  return ((value >>> by) | (by ? value << (32 - by) : 0)) >>> 0;
}

const REGISTERS = ['Rd', 'Rn', 'Rm', 'Rs', 'Rt', 'Rt2', 'Ra'];

function drawFields(draw: Draw, encoding: Encoding): FieldValues | undefined {
  for (let tries = 0; tries < 300; tries++) {
    const fields: FieldValues = {};
    for (const [name, { width }] of encoding.pattern.fields) {
      if (name === 'cond' && width === 4) fields[name] = draw.once(4) ? draw.below(15) : 14;
      else if (REGISTERS.includes(name)) fields[name] = draw.below(Math.min(15, 2 ** width));
      else fields[name] = draw.once(8) ? (draw.once(2) ? 2 ** width - 1 : 0) : draw.below(2 ** width);
    }
    // A field in pieces may have bits that no piece holds.
    const read = readFields(encoding.pattern, writeFields(encoding.pattern, fields));
    if (isGood(encoding, read)) return read;
  }
  return undefined;
}

function isGood(encoding: Encoding, fields: FieldValues): boolean {
  const word = writeFields(encoding.pattern, fields);
  const read = readFields(encoding.pattern, word);
  return accepts(encoding, read) && !isUnpredictable(encoding, word, read);
}

/** Modes that MSR and CPS may change to. */
function modesToSet(start: Start): number[] {
  if (start.mode === MODE_HYP) return [MODE_HYP];
  const modes: number[] = [...PL1_MODES, MODE_USR];
  if (start.mode === MODE_MON || !start.nonSecure) modes.push(MODE_MON);
  return modes;
}

/** Whether MRS and MSR (banked) may reach a register from a mode; elsewhere UNPREDICTABLE (B9.2.3). */
function mayReach(start: Start, { R = 0, M = 0, M1 = 0 }: FieldValues): boolean {
  const { mode } = start;
  const sysm = (M << 4) | M1;
  if (mode === MODE_USR) return false;
  if (R === 0 && sysm < 8) {
    if (sysm < 5) return mode === MODE_FIQ;
    if (sysm === 5) return mode !== MODE_SYS;
    return mode !== MODE_SYS && mode !== MODE_HYP;
  }
  const owner: Record<number, number> = { 0: 0x12, 1: 0x13, 2: 0x17, 3: 0x1b, 6: MODE_MON, 7: MODE_HYP };
  const of = sysm < 16 ? MODE_FIQ : owner[(sysm >>> 1) & 7];
  if (of === MODE_MON) return mode !== MODE_MON && !start.nonSecure;
  if (of === MODE_HYP) return mode === MODE_MON || (mode === MODE_HYP && R === 0 && sysm === 0b11110);
  return mode !== of;
}

const RESERVED_STATUS = 0x00f00000;

/** Registers and fields of MSR and MRS. */
function prepareStatus(it: Making): boolean {
  const { draw, operation, fields, start } = it;
  if (operation === 'SETEND') return true;
  if (operation === 'CPS') {
    if (fields['M'] !== 0) fields['mode'] = draw.of(modesToSet(start));
    return true;
  }
  if (/banked/.test(operation)) {
    if (operation.startsWith('MSR')) start.setRegister(fields['Rn']!, draw.value() & ~RESERVED_STATUS);
    return mayReach(start, fields);
  }
  if (fields['R'] && !start.hasSpsr) return false;
  if (operation === 'MRS') return true;
  const { mask = 0, R = 0 } = fields;
  const setsMode = R === 0 && (mask & 1) !== 0;
  const mode = draw.of(modesToSet(start));
  if (operation === 'MSR_imm') {
    if (setsMode) fields['imm12'] = (draw.word() & 0xc0) | mode;
    return (expand(fields['imm12']!) & RESERVED_STATUS) === 0;
  }
  let value = draw.word() & ~RESERVED_STATUS;
  if (setsMode) value = (value & ~0x1f) | mode;
  start.setRegister(fields['Rn']!, value);
  return true;
}

/** The operation of a data-processing instruction on `n` and `operand`; `carry` is 0 or 1. */
function operate(opcode: number, n: number, operand: number, carry: number): number {
  const results = [
    n & operand,
    n ^ operand,
    n - operand,
    operand - n,
    n + operand,
    n + operand + carry,
    n - operand - 1 + carry,
    operand - n - 1 + carry,
  ];
  const last = [n | operand, operand, n & ~operand, ~operand];
  return (opcode < 8 ? results[opcode]! : last[opcode - 12]!) >>> 0;
}

/** The first operand that has an operation give `target`. */
function inverse(opcode: number, target: number, operand: number, carry: number): number {
  const values: Record<number, number> = {
    1: target ^ operand,
    2: target + operand,
    3: operand - target,
    4: target - operand,
    5: target - operand - carry,
    6: target + operand + 1 - carry,
    7: operand - target - 1 + carry,
  };
  return (values[opcode] ?? target) >>> 0;
}

/** Opcodes of data processing. */
const [AND, MOV, MVN] = [0, 13, 15];
/** Filler where immediates can point: 0x8000 to 0x8f00, and at 0x00ffffff, which is MVN of 0xff000000. */
export const LOW_FILLER = { address: 0x8000, size: 0x1000 } as const;
export const HIGH_FILLER = { address: 0xfffff0, size: 0x20 } as const;
const IMM12_LOW = 0xc80;
const IMM12_HIGH = 0x4ff;

/** Gives AND, MOV and MVN a constant that leads to filler: few others can. False where it is another instruction. */
function aimImmediate({ draw, fields, start }: Making, opcode: number): boolean {
  if (fields['imm12'] === undefined || ![AND, MOV, MVN].includes(opcode)) return false;
  fields['imm12'] = opcode === MVN ? IMM12_HIGH : IMM12_LOW | draw.below(16);
  const value = expand(fields['imm12']);
  if (opcode === AND) start.setRegister(fields['Rn']!, value | (draw.word() & ~value));
  return opcode !== AND || fields['Rn'] !== 15;
}

/** Sets the registers of a data-processing instruction so that its result is `target`. */
function aimOperation({ draw, fields, start }: Making, opcode: number, target: number): boolean {
  const { Rn, Rm, imm12, type = 0, imm5 = 0 } = fields;
  const carry = (start.inputs.SPSR_mon >>> 29) & 1;
  let operand: number;
  if (Rm === undefined) operand = expand(imm12!);
  else {
    if (Rm === Rn || Rm === 15) return false;
    const alone = opcode === 13 || opcode === 15;
    const wanted = opcode === 15 ? ~target >>> 0 : target;
    let value = alone ? wanted : draw.once(2) ? 0xffffffff : draw.word();
    if (alone && type === 0) value = wanted >>> imm5;
    if (alone && type === 3) value = ((wanted << imm5) | (imm5 ? wanted >>> (32 - imm5) : 0)) >>> 0;
    if (alone && (type === 1 || type === 2)) value = (wanted << imm5) >>> 0;
    start.setRegister(Rm, value);
    if (type === 0) operand = value << imm5;
    else if (type === 1) operand = imm5 ? value >>> imm5 : 0;
    else if (type === 2) operand = (value | 0) >> (imm5 || 31);
    else if (imm5) operand = (value >>> imm5) | (value << (32 - imm5));
    else operand = (value >>> 1) | (carry << 31);
    operand >>>= 0;
  }
  let n = 0;
  if (Rn !== undefined && opcode !== 13 && opcode !== 15) {
    if (Rn === 15) return false;
    n = inverse(opcode, target, operand, carry);
    start.setRegister(Rn, n);
  }
  return operate(opcode, n, operand, carry) === target;
}

const bitCount = (mask: number): number => {
  let count = 0;
  for (let rest = mask; rest; rest &= rest - 1) count++;
  return count;
};

/** Sets the base register of a list of `count` words to the case's memory; gives the address of the first word. */
function aimList({ fields, start, place }: Making, count: number, P: number, U: number): number {
  const base = place.memory + MEMORY_SIZE / 2;
  start.setRegister(fields['Rn']!, base);
  if (U) return base + (P ? 4 : 0);
  return base - 4 * count + (P ? 0 : 4);
}

function prepareReturn(it: Making): boolean {
  const { draw, operation, fields, start, place, before } = it;
  const thumb = draw.once(2);
  const target = (landing(place, thumb) | (draw.once(3) ? draw.below(thumb ? 2 : 4) : 0)) >>> 0;
  const status = start.returnStatus(draw, thumb);
  const { P = 0, U = 1 } = fields;
  const inHyp = start.mode === MODE_HYP;
  const opcode = operation === 'SUBS_PC_LR_move' ? (fields['N'] ? MVN : MOV) : fields['opcode'];
  if (opcode !== undefined && !returnsInQemu(opcode)) return false;
  if (/^(RFE|LDM_exception)$/.test(operation) && !listInQemu(start)) return false;
  if (operation === 'RFE') {
    // T32 has the forms DB and IA.
    const [p, u] = it.encoding.name.endsWith('T1')
      ? [1, 0]
      : it.encoding.name.endsWith('T2')
        ? [0, 1]
        : [P, U];
    if (start.mode === MODE_USR) return false;
    const first = aimList(it, 2, p, u);
    remember(it, first, target);
    remember(it, first + 4, status);
    return true;
  }
  if (!start.hasSpsr) return false;
  if (start.mode === MODE_MON && operation !== 'RFE') {
    // MSR SPSR_fsxc, R12: what SPSR_mon was has become CPSR.
    before.push({ word: start.thumb ? 0xf39c8f00 : 0xe16ff00c, size: 4 });
    if (fields['Rn'] === 12 || fields['Rm'] === 12) return false;
    start.setRegister(12, status);
  } else start.setSpsr(status);
  if (operation === 'LDM_exception') {
    const { registers = 0 } = fields;
    const count = bitCount(registers) + 1;
    const first = aimList(it, count, P, U);
    for (let i = 0; i < count - 1; i++) remember(it, first + 4 * i, draw.value());
    remember(it, first + 4 * (count - 1), target);
    return true;
  }
  if (operation === 'ERET' || (inHyp && fields['imm8'] === 0)) {
    if (inHyp) start.inputs.ELR_hyp = target;
    else start.setRegister(14, target);
    return true;
  }
  if (fields['imm8'] !== undefined) {
    start.setRegister(14, target + fields['imm8']);
    return true;
  }
  if (inHyp) return true;
  return opcode !== undefined && (aimImmediate(it, opcode) || aimOperation(it, opcode, target));
}

function prepareTransfer(it: Making): boolean {
  const { draw, operation, fields, start, place } = it;
  const { P = 0, U = 0, registers = 0 } = fields;
  if (start.mode === MODE_USR || start.mode === MODE_SYS) return false;
  if (operation === 'SRS') {
    const modes = [...PL1_MODES, MODE_USR, ...(start.nonSecure && start.mode !== MODE_MON ? [] : [MODE_MON])];
    fields['mode'] = draw.of(modes);
    start.setStack(fields['mode'], place.memory + MEMORY_SIZE / 2);
    return true;
  }
  if (!listInQemu(start)) return false;
  const count = bitCount(registers);
  const first = aimList(it, count, P, U);
  for (let i = 0; i < count; i++) remember(it, first + 4 * i, draw.value());
  return true;
}

const HCR_IMO = 1 << 4;
const HCR_TWI = 1 << 13;

/** An interrupt that is pending and masked, so that WFI does not wait. */
function wake(start: Start): void {
  const { inputs } = start;
  inputs.mailbox = 1;
  inputs.routing = 1;
  // With TGE or IMO it would not be masked.
  inputs.HCR &= ~(HCR_TGE | HCR_IMO);
  inputs.SPSR_mon |= 1 << 7;
}

function prepareHint(it: Making): boolean {
  const { operation, fields, start, place, draw } = it;
  // Trapped it does not wait either.
  if (operation === 'WFI' && start.guest && draw.once(2)) start.inputs.HCR |= HCR_TWI;
  else if (operation === 'WFI') wake(start);
  if (operation === 'HINT' && [0, 1, 2, 3, 4].includes(fields['hint']!)) return false;
  // Hints that later architectures gave a meaning, as SEVL, are left alone.
  if (/REX/.test(operation) && operation !== 'CLREX') {
    const { Rn = 0, Rt = 0, Rt2 = Rt + 1, Rd } = fields;
    if ([Rt, Rt2, Rd].includes(Rn) || Rt2 > 14) return false;
    const offset = 4 * (fields['imm8'] ?? 0);
    if (offset > 64) return false;
    start.setRegister(Rn, place.memory + 64);
    for (let at = 64; at < 144; at += 4) remember(it, place.memory + at, draw.value());
  }
  return true;
}

/** Fields of a branch by `distance` bytes from what PC reads as. */
function aimBranch({ encoding, fields }: Making, distance: number): boolean {
  const { name } = encoding;
  if (name === 'B_A1' || name === 'BL_imm_A1') fields['imm24'] = (distance >> 2) & 0xffffff;
  else if (name === 'BLX_imm_A2')
    [fields['imm24'], fields['H']] = [(distance >> 2) & 0xffffff, (distance >> 1) & 1];
  else if (name === 'B_T1') fields['imm8'] = (distance >> 1) & 0xff;
  else if (name === 'B_T2') fields['imm11'] = (distance >> 1) & 0x7ff;
  else if (name.startsWith('CB')) fields['imm6'] = (distance >> 1) & 0x3f;
  else {
    [fields['S'], fields['J1'], fields['J2']] = [0, 1, 1];
    if (name === 'B_T3') [fields['J1'], fields['J2']] = [0, 0];
    if (fields['imm10'] !== undefined) fields['imm10'] = 0;
    if (fields['imm6'] !== undefined) fields['imm6'] = 0;
    fields['imm11'] = (distance >> 1) & 0x7ff;
  }
  return true;
}

function prepareBranch(it: Making): boolean {
  const { draw, operation, fields, start, place } = it;
  const other = draw.once(2);
  const target = landing(place, other) + (other ? 1 : 0);
  if (/^(BX|BLX_reg|BXJ)$/.test(operation)) {
    if (fields['Rm'] === 15) return false;
    start.setRegister(fields['Rm']!, target);
    return true;
  }
  const pc = place.code + (start.thumb ? 4 : 8);
  if (operation === 'BLX_imm') {
    const from = start.thumb ? pc & ~3 : pc;
    return aimBranch(it, landing(place, !start.thumb) - from);
  }
  if (/^(B|BL_imm|CBN?Z)$/.test(operation)) {
    if (operation.startsWith('C') && draw.once(2)) start.setRegister(fields['Rn']!, 0);
    return aimBranch(it, landing(place, start.thumb) - pc);
  }
  if (operation === 'TBB') {
    const { Rn = 0, Rm = 0, H = 0 } = fields;
    if (Rn === 15 || Rn === Rm) return false;
    const half = (landing(place, true) - pc) / 2;
    start.setRegister(Rn, place.memory);
    const index = draw.below(16);
    start.setRegister(Rm, index);
    // Every entry is the same, so byte order is none.
    const entry = H ? (half | (half << 16)) >>> 0 : Math.imul(half, 0x01010101) >>> 0;
    for (let at = 0; at < 64; at += 4)
      it.memory.set(place.memory + at, H && start.bigEndian ? swap(entry) : entry);
    return true;
  }
  if (/^(LDM|LDMDA|LDMDB|LDMIB|POP)$/.test(operation)) {
    if (fields['registers'] !== undefined) {
      fields['registers'] |= 0x8000;
      if (start.thumb) fields['registers'] &= 0x9fff;
    } else fields['Rt'] = 15;
    if (fields['Rn'] === undefined) fields['Rn'] = 13;
    const mask = fields['registers'] ?? 1;
    const count = bitCount(mask);
    const [p, u] = { LDM: [0, 1], POP: [0, 1], LDMDA: [0, 0], LDMDB: [1, 0], LDMIB: [1, 1] }[operation]!;
    const first = aimList(it, count, p!, u!);
    for (let i = 0; i < count - 1; i++) remember(it, first + 4 * i, draw.value());
    remember(it, first + 4 * (count - 1), target);
    return true;
  }
  if (/^LDR_(imm|reg)$/.test(operation)) {
    fields['Rt'] = 15;
    const { Rn = 15, Rm } = fields;
    if (Rn === 15 || Rm === Rn) return false;
    if (fields['imm12'] !== undefined) fields['imm12'] &= 0x1c;
    if (fields['imm8'] !== undefined) fields['imm8'] &= 0x1c;
    if (Rm !== undefined) {
      if (Rm === 15) return false;
      start.setRegister(Rm, 0);
      // RRX of anything, and ROR, of zero: the carry goes in.
      if (fields['type'] === 3 && fields['imm5'] === 0) return false;
    }
    start.setRegister(Rn, place.memory + 128);
    for (let at = 0; at < MEMORY_SIZE; at += 4) remember(it, place.memory + at, target);
    return true;
  }
  // Data processing with PC as its result.
  if (fields['S'] !== undefined) fields['S'] = 0;
  fields['Rd'] = 15;
  const opcode = DATA_OPCODES.indexOf(operation.replace(/_.*/, '').toLowerCase());
  return opcode >= 0 && (aimImmediate(it, opcode) || aimOperation(it, opcode, target));
}

const DATA_OPCODES = 'and eor sub rsb add adc sbc rsc tst teq cmp cmn orr mov bic mvn'.split(' ');

/** Bits of HCR that trap or do nothing here; translation, TGE and virtual interrupts are set elsewhere. */
const HCR_TRAPS = 0x07ff_ee3a;
/** TWE traps in QEMU never: WFE is no wait there. */
const HCR_TWE = 1 << 14;

function generalTraps(draw: Draw, start: Start): void {
  const { inputs } = start;
  inputs.HCR = draw.bits(HCR_TRAPS & ~HCR_TWE, 5);
  inputs.HDCR = draw.bits(0x60, 6) | 4;
  start.trapDebugAndAll(draw, 3);
  inputs.HSTR = draw.bits(0x2bfef, 8);
}

/** SVC and its like need nothing, but for HVC where QEMU is wrong. */
const prepareCall = ({ operation, start }: Making): boolean => operation !== 'HVC' || hvcInQemu(start);

const HCR_ROUTES = 0x38;
const HCR_VIRTUAL = [0x40, 0x80, 0x100] as const;
/** An IRQ and an FIQ out of mailbox 0. */
const ROUTE_IRQ = 1;
const ROUTE_FIQ = 0x10;

/** Interrupts that are pending when the case begins, physical or virtual, with routes and masks by chance. */
function pendInterrupts(draw: Draw, start: Start): void {
  const { inputs } = start;
  inputs.HCR = draw.bits(HCR_ROUTES, 2);
  inputs.SCR |= draw.bits(SCR_IRQ | SCR_FIQ, 2);
  const kind = draw.below(5);
  if (kind < 2) {
    // One virtual one: in which order several come is the implementation's own.
    inputs.HCR |= draw.of(HCR_VIRTUAL);
    return;
  }
  inputs.mailbox = 1;
  inputs.routing = kind === 2 ? ROUTE_FIQ : ROUTE_IRQ;
  fitRoutes(start);
}

/** The classes of instructions, each with what its cases need. */
export const classes: readonly Class[] = [
  { name: 'exceptions', operations: /^(SVC|HVC|SMC|BKPT|UDF)$/, prepare: prepareCall },
  {
    name: 'returns',
    operations: /^(ERET|SUBS_PC_LR|SUBS_PC_LR_move|RFE|LDM_exception)$/,
    prepare: prepareReturn,
  },
  { name: 'transfers', operations: /^(SRS|LDM_user|STM_user)$/, prepare: prepareTransfer },
  {
    name: 'status',
    operations: /^(CPS|SETEND|MRS|MSR_reg|MSR_imm|MRS_banked|MSR_banked)$/,
    prepare: prepareStatus,
  },
  {
    name: 'hints',
    operations: /^(NOP|YIELD|WFE|WFI|SEV|DBG|HINT|CLREX|DSB|DMB|ISB|LDREX[BHD]?|STREX[BHD]?)$/,
    prepare: prepareHint,
  },
  {
    name: 'absent coprocessors',
    operations: /^(CDP|LDC|LDC_lit|STC|MCR|MRC|MCRR|MRRC)$/,
    prepare: ({ draw, fields }) => {
      fields['coproc'] = draw.of(ABSENT_IN_QEMU);
      return true;
    },
  },
  {
    name: 'interrupts',
    operations: /^(NOP|CPS|SETEND|MSR_reg|MSR_imm|MRS|ERET|SUBS_PC_LR|RFE|LDM_exception|SVC|SMC|HVC|UDF)$/,
    prepare: (it) => {
      if (/^(ERET|SUBS_PC_LR|RFE|LDM_exception)$/.test(it.operation)) return prepareReturn(it);
      return /^M|^CPS|^SET/.test(it.operation) ? prepareStatus(it) : prepareCall(it);
    },
    traps: pendInterrupts,
  },
  {
    name: 'branches',
    operations:
      /^(B|BL_imm|BLX_imm|BX|BLX_reg|BXJ|TBB|CBN?Z|POP|LDM|LDMDA|LDMDB|LDMIB|LDR_imm|LDR_reg|(AND|EOR|SUB|RSB|ADD|ADC|SBC|RSC|ORR|MOV|BIC|MVN)_(imm|reg))$/,
    when: ({ pattern, operation, name }) =>
      name !== 'MOV_imm_A2' &&
      (!/_T[1234]$/.test(name) ||
        /^(B|BL_imm|BLX_imm|BX|BLX_reg|BXJ|TBB|CBN?Z|POP)$/.test(operation) ||
        (['LDM', 'LDMDB', 'LDR_imm', 'LDR_reg'].includes(operation) && pattern.width === 32)),
    prepare: prepareBranch,
  },
];

/** The encodings of a class, in both instruction sets. */
export function encodingsOf({
  operations,
  when = () => true,
}: Class): { encoding: Encoding; thumb: boolean }[] {
  return [a32Encodings, t32Encodings].flatMap((table, i) =>
    table
      .filter((encoding) => operations.test(encoding.operation) && when(encoding))
      .map((encoding) => ({ encoding, thumb: i === 1 })),
  );
}

/** The instruction that ends a case, where it goes on behind what is tested; in A32 and T32. HVC is last. */
const ENDS: readonly (readonly [a32: number, t32: Word])[] = [
  [FILLER, { word: 0xdeff, size: 2 }],
  [0xef000055, { word: 0xdf55, size: 2 }],
  [0xe1200070, { word: 0xbe00, size: 2 }],
  [0xe1600070, { word: 0xf7f08000, size: 4 }],
  [0xe1401171, { word: 0xf7e08111, size: 4 }],
];

/** Puts an IT block of one instruction around it: SPSR brings ITSTATE. */
function inIt(it: Making): void {
  const { draw, encoding, start, before } = it;
  const allowed =
    encoding.entry.inIT !== 'never' && !/^(UDF|BKPT)$/.test(it.operation) && itInQemu(it.operation);
  if (!start.thumb || !allowed || before.length > 0 || !draw.once(4)) return;
  const state = (draw.below(14) << 4) | 8;
  start.inputs.SPSR_mon = (start.inputs.SPSR_mon | ((state & 0xfc) << 8) | ((state & 3) << 25)) >>> 0;
}

/** Makes a case of an encoding; undefined where none was found. */
export function makeCase(
  draw: Draw,
  kind: Class,
  { encoding, thumb }: { encoding: Encoding; thumb: boolean },
  place: Place,
): Case | undefined {
  for (let tries = 0; tries < 400; tries++) {
    const fields = drawFields(draw, encoding);
    if (!fields) return undefined;
    const start = anyStart(draw, thumb, () => true);
    (kind.traps ?? generalTraps)(draw, start);
    const it: Making = {
      draw,
      operation: encoding.operation,
      encoding,
      fields,
      start,
      place,
      before: [],
      memory: new Map(),
    };
    if (!kind.prepare(it)) continue;
    if (!isGood(encoding, fields)) continue;
    inIt(it);
    const word: Word = {
      word: writeFields(encoding.pattern, fields),
      size: encoding.pattern.width === 16 ? 2 : 4,
    };
    return {
      name: encoding.name,
      start,
      words: withEnd(draw, start, [...it.before, word]),
      memory: it.memory,
    };
  }
  return undefined;
}

/** Instructions with one that ends the case behind them. */
export function withEnd(draw: Draw, start: Start, words: readonly Word[]): Word[] {
  const [a32, t32] = draw.of(hvcInQemu(start) ? ENDS : ENDS.slice(0, -1));
  return [...words, start.thumb ? t32 : { word: a32, size: 4 }];
}
