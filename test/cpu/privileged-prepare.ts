/** Draws the fields of privileged instructions, and makes them and the state that they start from fit each other. */
import { bitCount } from '../../src/isa/bits.js';
import type { Encoding } from '../../src/isa/encoding.js';
import { accepts, isUnpredictable } from '../../src/isa/encoding.js';
import { readFields, writeFields } from '../../src/isa/pattern.js';
import { MODE_HYP, MODE_MON, MODE_SYS, MODE_USR } from '../../src/isa/program-status.js';
import { fitRoutes, hvcInQemu, returnsInQemu, listInQemu, spsrHypInQemu } from './privileged-exemptions.js';
import { type Draw, HCR_TGE, PL1_MODES, SCR_FIQ, SCR_IRQ, type Start } from './privileged-state.js';

/** A machine instruction; T32 ones of four bytes have the first halfword on top. */
export interface Word {
  readonly word: number;
  readonly size: 2 | 4;
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
function remember({ memory, start }: Making, address: number, value: number): void {
  memory.set(address, start.bigEndian ? swap(value) : value >>> 0);
}

/** Where a branch or return leads, without the bit for T32. */
const landing = (place: Place, thumb: boolean): number => place.code + (thumb ? LANDING_T32 : LANDING_A32);

/** The immediate of A32's data processing. */
function expand(imm12: number): number {
  const [value, by] = [imm12 & 0xff, (imm12 >>> 8) * 2];
  return ((value >>> by) | (by ? value << (32 - by) : 0)) >>> 0;
}

const REGISTERS = ['Rd', 'Rn', 'Rm', 'Rs', 'Rt', 'Rt2', 'Ra'];

/** Random fields that the encoding takes, mostly plain ones; undefined where none were found. */
export function drawFields(draw: Draw, encoding: Encoding): FieldValues | undefined {
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

/** Whether an encoding takes fields, and what it does with them is not UNPREDICTABLE. */
export function isGood(encoding: Encoding, fields: FieldValues): boolean {
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

const RESERVED_STATUS = 0x00f00000;

/** Registers and fields of MSR and MRS. */
export function prepareStatus(it: Making): boolean {
  const { draw, operation, fields, start } = it;
  if (operation === 'SETEND') return true;
  if (operation === 'CPS') {
    if (fields['M'] !== 0) fields['mode'] = draw.of(modesToSet(start));
    return true;
  }
  if (/banked/.test(operation)) {
    if (operation.startsWith('MSR')) start.setRegister(fields['Rn']!, draw.value() & ~RESERVED_STATUS);
    // What a mode may not reach is UNPREDICTABLE (B9.2.3), here and in QEMU Undefined, and compared like all else.
    return spsrHypInQemu(start, fields);
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

/** Sets the base register of a list of `count` words to the case's memory; gives the address of the first word. */
function aimList({ fields, start, place }: Making, count: number, P: number, U: number): number {
  const base = place.memory + MEMORY_SIZE / 2;
  start.setRegister(fields['Rn']!, base);
  if (U) return base + (P ? 4 : 0);
  return base - 4 * count + (P ? 0 : 4);
}

/** Exception returns: what is returned to is a mode and a place that can be. */
export function prepareReturn(it: Making): boolean {
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

/** SRS, and LDM and STM of User mode's registers: their addresses are the case's own memory. */
export function prepareTransfer(it: Making): boolean {
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

/** Hints, barriers and exclusives: a WFI has something that ends it. */
export function prepareHint(it: Making): boolean {
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

/** All that writes PC: it leads to where the case goes on. */
export function prepareBranch(it: Making): boolean {
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

/** Traps of HYP mode by chance. */
export function generalTraps(draw: Draw, start: Start): void {
  const { inputs } = start;
  inputs.HCR = draw.bits(HCR_TRAPS & ~HCR_TWE, 5);
  inputs.HDCR = draw.bits(0x60, 6) | 4;
  start.trapDebugAndAll(draw, 3);
  inputs.HSTR = draw.bits(0x2bfef, 8);
}

/** SVC and its like need nothing, but for HVC where QEMU is wrong. */
export const prepareCall = ({ operation, start }: Making): boolean => operation !== 'HVC' || hvcInQemu(start);

const HCR_ROUTES = 0x38;
const HCR_VIRTUAL = [0x40, 0x80, 0x100] as const;
/** An IRQ and an FIQ out of mailbox 0. */
const ROUTE_IRQ = 1;
const ROUTE_FIQ = 0x10;

/** Interrupts that are pending when the case begins, physical or virtual, with routes and masks by chance. */
export function pendInterrupts(draw: Draw, start: Start): void {
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
