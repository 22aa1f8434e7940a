import { bitsOf } from '../isa/bits.js';
import { decodeA32, decodeT32, isWideT32 } from '../isa/decoder.js';
import { coderOf } from '../isa/encoding.js';
import type { Rotated } from '../isa/operands.js';
import type { Fields } from '../isa/pattern.js';
import { MODE_HYP, PSR } from '../isa/program-status.js';
import { ALWAYS } from '../isa/registers.js';
import { readU16LE, readU32LE, writeU32LE } from '../base/bytes.js';
import { CONTRACT } from '../boot/block.js';
import { CORES } from '../board/bcm2836.js';
import { LOCAL_BASE, LOCAL_MAILBOX3_CLR, LOCAL_MAILBOX_STRIDE } from '../board/local-peripherals.js';

/** Where a stub takes an address from: a word in itself that the firmware fills in, or a number in its code. */
export type AddressSource =
  { readonly from: 'word'; readonly offset: number } | { readonly from: 'code'; readonly address: number };

/** What a stub does, told from its instructions. */
export interface StubBehaviour {
  /** `T32` where most of it is Thumb-2, as since about 2017. */
  readonly instructionSet: 'A32' | 'T32';
  /**
   * The mode the kernel is entered in: `HYP` where SPSR is set to it before the return from Monitor mode, `SVC` where
   * Monitor mode returns to where it came from; `unknown` where neither could be seen.
   */
  readonly mode: 'HYP' | 'SVC' | 'unknown';
  /** Cores 1 to 3 wait for an address in their mailbox 3 (without, they never start). */
  readonly waitsOnMailbox: boolean;
  /** They clear the mailbox before they jump: kernels up to 4.4 look at that. */
  readonly clearsMailbox: boolean;
  /** It reaches CPUECTLR, a register of 64-bit capable cores: a stub for BCM2837 or BCM2711. */
  readonly forNewerCore: boolean;
  /** Where r2, the address of the tree or the ATAGS, comes from. */
  readonly tree: AddressSource | undefined;
  /** Where core 0's jump goes. */
  readonly kernel: AddressSource | undefined;
  /** The word 5afe570b at +0xf0: the firmware writes the tree's address at +0xf8 and the kernel's at +0xfc. */
  readonly hasContract: boolean;
}

/** The program counter's number. */
const PC = 15;

/** Bytes of every stub. */
export const STUB_SIZE = 0x100;

/** Offset of the vector an SMC takes, when MVBAR is the stub's own address (ARM ARM, B1.8.1). */
const SMC_VECTOR = 0x08;
/** A value in a register while a stub is read through: the number, where it is known, and the word it was loaded from. */
interface Value {
  readonly number: number | undefined;
  readonly loadedFrom?: number;
}
const UNKNOWN: Value = { number: undefined };

/**
 * Says what a stub does, by reading its instructions from the top and keeping track of the constants in registers.
 * Undefined where the bytes do not begin like a stub with a way to non-secure state.
 * @param stub 256 bytes, as they are put at address 0
 */
export function readStub(stub: Uint8Array): StubBehaviour | undefined {
  if (stub.length < STUB_SIZE) return undefined;
  const main = readMainCode(stub);
  if (!main) return undefined;
  return {
    ...main,
    mode: readMonitorCode(stub),
    hasContract: readU32LE(stub, CONTRACT.MAGIC_AT) === CONTRACT.MAGIC,
  };
}

/** The bytes with the tree's and the kernel's address filled in where this stub keeps them. */
export function patchStub(
  stub: Uint8Array,
  behaviour: Pick<StubBehaviour, 'tree' | 'kernel' | 'hasContract'>,
  tree: number,
  kernel: number,
): Uint8Array {
  // A copy in any case: slice() of a Node Buffer is a view.
  const patched = new Uint8Array(stub);
  if (behaviour.hasContract) {
    writeU32LE(patched, CONTRACT.TREE_AT, tree);
    writeU32LE(patched, CONTRACT.KERNEL_AT, kernel);
    return patched;
  }
  if (behaviour.tree?.from === 'word') writeU32LE(patched, behaviour.tree.offset, tree);
  if (behaviour.kernel?.from === 'word') writeU32LE(patched, behaviour.kernel.offset, kernel);
  return patched;
}

type MainCode = Omit<StubBehaviour, 'mode' | 'hasContract'>;
type A32 = NonNullable<ReturnType<typeof decodeA32>>;

/** The A32 instruction at an offset; undefined where it is none, or not always executed. */
function a32At(stub: Uint8Array, at: number): A32 | undefined {
  const decoded = decodeA32(readU32LE(stub, at));
  return (
    decoded && (('cond' in decoded.fields ? decoded.fields.cond : ALWAYS) === ALWAYS ? decoded : undefined)
  );
}

/** The code that every core runs, from where the first branch leads to. */
function readMainCode(stub: Uint8Array): MainCode | undefined {
  for (const at of [0, 4]) {
    const first = a32At(stub, at);
    if (first?.name === 'B_A1')
      return inside(target(at, first.fields.imm24), (start) => readA32(stub, start));
    if (first?.name === 'BLX_imm_A2') {
      return inside(target(at, first.fields.imm24) + first.fields.H * 2, (start) => readT32(stub, start));
    }
  }
  return undefined;
}

/** Where a branch at `at` goes: PC is two instructions ahead (ARM ARM, A2.3). */
function target(at: number, imm24: number): number {
  return at + 8 + ((imm24 << 8) >> 8) * 4;
}

function inside<T>(start: number, read: (start: number) => T): T | undefined {
  return start > 0 && start < STUB_SIZE ? read(start) : undefined;
}

/** What the code of one instruction set was seen to do so far. */
interface Seen {
  readonly registers: Registers;
  hasSmc: boolean;
  newerCore: boolean;
  waits: boolean;
  clears: boolean;
  /** The jump to the kernel: the register with its address, once it was found. */
  jump: number | undefined;
}

const seenNothing = (): Seen => ({
  registers: new Registers(),
  hasSmc: false,
  newerCore: false,
  waits: false,
  clears: false,
  jump: undefined,
});

function mainCode(instructionSet: 'A32' | 'T32', seen: Seen): MainCode | undefined {
  if (!seen.hasSmc) return undefined;
  const { registers, jump } = seen;
  return {
    instructionSet,
    waitsOnMailbox: seen.waits,
    clearsMailbox: seen.clears,
    forNewerCore: seen.newerCore,
    tree: jump === undefined ? undefined : source(registers.get(2)),
    kernel: jump === undefined ? undefined : source(registers.get(jump)),
  };
}

/** CPUECTLR, which only 64-bit capable cores have (Cortex-A53 TRM, 4.5.77). */
const isCpuectlr = ({ coproc, opc1, CRm }: { coproc: number; opc1: number; CRm: number }): boolean =>
  coproc === 15 && opc1 === 1 && CRm === 15;

function readA32(stub: Uint8Array, start: number): MainCode | undefined {
  const seen = seenNothing();
  for (let at = start; at + 4 <= STUB_SIZE && seen.jump === undefined; at += 4) {
    const decoded = a32At(stub, at);
    if (!decoded) continue;
    followA32(seen, stub, at, decoded);
    // A jump by writing the program counter: MOV PC or LDR PC.
    if (seen.registers.get(PC) !== UNKNOWN) seen.jump = PC;
  }
  return mainCode('A32', seen);
}

function followA32(seen: Seen, stub: Uint8Array, at: number, decoded: A32): void {
  const { registers } = seen;
  const { name, fields } = decoded;
  const signed = (offset: number, U: number): number => (U === 1 ? offset : -offset);
  switch (name) {
    case 'SMC_A1':
      seen.hasSmc = true;
      break;
    case 'MRRC_A1':
      seen.newerCore ||= isCpuectlr(fields);
      break;
    case 'LDR_lit_A1':
      registers.load(fields.Rt, stub, at + 8 + signed(fields.imm12, fields.U));
      break;
    case 'LDR_imm_A1':
    case 'LDR_reg_A1': {
      const offset = name === 'LDR_imm_A1' ? signed(fields.imm12, fields.U) : 0;
      // What comes out of the mailbox is no address that the firmware filled in.
      if (isMailbox(registers.get(fields.Rn).number, offset)) seen.waits = true;
      else registers.set(fields.Rt, UNKNOWN);
      break;
    }
    case 'LDRD_lit_A1':
    case 'LDRD_imm_A1': {
      const from = name === 'LDRD_lit_A1' ? at + 8 + signed(fields.imm8, fields.U) : -1;
      registers.load(fields.Rt, stub, from);
      registers.load(fields.Rt + 1, stub, from < 0 ? from : from + 4);
      break;
    }
    case 'STR_imm_A1':
    case 'STR_reg_A1': {
      const offset = name === 'STR_imm_A1' ? signed(fields.imm12, fields.U) : 0;
      seen.clears ||= seen.waits && isMailbox(registers.get(fields.Rn).number, offset);
      break;
    }
    case 'BX_A1':
      seen.jump = fields.Rm;
      break;
    default:
      computeA32(registers, decoded);
  }
}

function readT32(stub: Uint8Array, start: number): MainCode | undefined {
  const seen = seenNothing();
  for (let at = start; at + 2 <= STUB_SIZE && seen.jump === undefined;) {
    const first = readU16LE(stub, at);
    const wide = isWideT32(first);
    if (wide && at + 4 > STUB_SIZE) break;
    followT32(seen, stub, at, wide ? first * 0x1_0000 + readU16LE(stub, at + 2) : first);
    at += wide ? 4 : 2;
  }
  return mainCode('T32', seen);
}

function followT32(seen: Seen, stub: Uint8Array, at: number, word: number): void {
  const decoded = decodeT32(word);
  if (!decoded) return;
  const { registers } = seen;
  const { name, fields } = decoded;
  // PC is four bytes ahead, rounded down for literals (ARM ARM, A2.3).
  const pc = (at + 4) & ~3;
  const mailbox = (Rn: number, Rm: number): boolean =>
    isMailbox(registers.get(Rn).number, registers.offsets.get(Rm) ?? 0);
  switch (name) {
    case 'SMC_T1':
      seen.hasSmc = true;
      break;
    case 'MRRC_T1':
      seen.newerCore ||= isCpuectlr(fields);
      break;
    case 'LDR_lit_T1':
      registers.load(fields.Rt, stub, pc + fields.imm8 * 4);
      break;
    case 'LDRD_lit_T1': {
      const from = pc + fields.imm8 * 4 * (fields.U === 1 ? 1 : -1);
      registers.load(fields.Rt, stub, from);
      registers.load(fields.Rt2, stub, from + 4);
      break;
    }
    case 'MOV_imm_T1':
      registers.set(fields.Rd, { number: fields.imm8 });
      break;
    case 'MOV_imm_T2':
      registers.set(fields.Rd, { number: constantOf('constT', fields) });
      break;
    case 'MOV_imm_T3':
      registers.set(fields.Rd, { number: fields.imm16 });
      break;
    case 'ADD_imm_T2':
      registers.offsets.set(fields.Rdn, fields.imm8);
      break;
    case 'LDR_reg_T1':
      seen.waits ||= mailbox(fields.Rn, fields.Rm);
      break;
    case 'STR_reg_T1':
      seen.clears ||= seen.waits && mailbox(fields.Rn, fields.Rm);
      break;
    case 'BX_T1':
      seen.jump = fields.Rm;
      break;
  }
}

/** The mode that the code behind the SMC vector returns to. It is A32 in every stub known. */
function readMonitorCode(stub: Uint8Array): StubBehaviour['mode'] {
  const registers = new Registers();
  let at = SMC_VECTOR;
  const vector = a32At(stub, at);
  if (vector?.name === 'ADR_A1' && vector.fields.Rd === PC) at += 8 + constantOf('const', vector.fields);
  else if (vector?.name === 'B_A1') at = target(at, vector.fields.imm24);
  let spsr: number | undefined;
  let written = false;
  for (; at >= SMC_VECTOR && at + 4 <= STUB_SIZE; at += 4) {
    const decoded = a32At(stub, at);
    if (!decoded) continue;
    const { name, fields } = decoded;
    if (name === 'MSR_reg_A1' && fields.R === 1) [written, spsr] = [true, registers.get(fields.Rn).number];
    else if (name === 'MSR_imm_A1' && fields.R === 1) [written, spsr] = [true, constantOf('const', fields)];
    else if (name.startsWith('SUBS_PC_LR') || name === 'ERET_A1') {
      // Without a write, SPSR_mon holds the mode of the SMC: Supervisor.
      if (!written) return 'SVC';
      if (spsr === undefined) return 'unknown';
      return bitsOf(PSR, 'M', spsr) === MODE_HYP ? 'HYP' : 'SVC';
    } else if (name === 'RFE_A1') return 'unknown';
    else computeA32(registers, decoded);
  }
  return 'unknown';
}

/** What a linear reading knows of the registers. */
class Registers {
  private readonly values = new Map<number, Value>();
  /** What was added to a register whose value is not known (the core's number, shifted). */
  readonly offsets = new Map<number, number>();

  get(n: number): Value {
    return this.values.get(n) ?? UNKNOWN;
  }

  set(n: number, value: Value): void {
    this.values.set(n, value);
    this.offsets.delete(n);
  }

  /** LDR of a literal at `offset`. */
  load(n: number, stub: Uint8Array, offset: number): void {
    if (offset < 0 || offset + 4 > stub.length) this.set(n, UNKNOWN);
    else this.set(n, { number: readU32LE(stub, offset), loadedFrom: offset });
  }
}

/** The A32 instructions that move constants about. */
function computeA32(registers: Registers, { name, fields }: A32): void {
  const operate = (at: { Rn: number; Rd: number }, operation: (a: number, b: number) => number): void => {
    const a = registers.get(at.Rn).number;
    registers.set(
      at.Rd,
      a === undefined ? UNKNOWN : { number: operation(a, constantOf('const', fields)) >>> 0 },
    );
  };
  switch (name) {
    case 'MOV_imm_A1':
      registers.set(fields.Rd, { number: constantOf('const', fields) });
      break;
    case 'MOV_imm_A2':
      registers.set(fields.Rd, { number: fields.imm16 });
      break;
    case 'MOV_reg_A1':
      registers.set(fields.Rd, registers.get(fields.Rm));
      break;
    case 'ORR_imm_A1':
      operate(fields, (a, b) => a | b);
      break;
    case 'BIC_imm_A1':
      operate(fields, (a, b) => a & ~b);
      break;
    case 'ADD_imm_A1':
      operate(fields, (a, b) => a + b);
      break;
    case 'SUB_imm_A1':
      operate(fields, (a, b) => a - b);
      break;
  }
}

/** A modified immediate constant (ARM ARM, A5.2.4 and A6.3.2). */
function constantOf(operand: 'const' | 'constT', fields: Fields): number {
  const value = coderOf(operand).decode(fields, { address: 0, pcAhead: 0, locate: () => 0 });
  return typeof value === 'number' ? value : rotateRight(value as Rotated);
}

const rotateRight = ({ imm8, rotation }: Rotated): number =>
  ((imm8 >>> rotation) | (imm8 << (32 - rotation))) >>> 0;

/** Some core's mailbox 3 as it is read and cleared; which core's is often an index that is not known here. */
function isMailbox(base: number | undefined, offset: number): boolean {
  if (base === undefined) return false;
  const fromFirst = base + offset - (LOCAL_BASE + LOCAL_MAILBOX3_CLR);
  return fromFirst % LOCAL_MAILBOX_STRIDE === 0 && fromFirst >= 0 && fromFirst < CORES * LOCAL_MAILBOX_STRIDE;
}

function source(value: Value): AddressSource | undefined {
  if (value.loadedFrom !== undefined) return { from: 'word', offset: value.loadedFrom };
  return value.number === undefined ? undefined : { from: 'code', address: value.number };
}
