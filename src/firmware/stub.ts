import { readU16LE, readU32LE, writeU32LE } from '../base/bytes.js';
import { parsePattern, readFields, type Pattern } from '../arm/pattern.js';
import { MODE_HYP } from '../arm/program-status.js';
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

/** The words at the end of a stub that the firmware fills in (raspberrypi/tools, armstubs/armstub7.S). */
export const CONTRACT = { MAGIC_AT: 0xf0, MAGIC: 0x5afe_570b, TREE_AT: 0xf8, KERNEL_AT: 0xfc } as const;

/** Offset of the vector an SMC takes, when MVBAR is the stub's own address (ARM ARM, B1.8.1). */
const SMC_VECTOR = 0x08;
/** Mode bits of a PSR (ARM ARM, table B1-1). */
const MODE_MASK = 0x1f;

/** The instructions that stubs consist of, as far as they tell something (ARM ARM, A8.8 and B9.3). */
const A32 = {
  movImmediate: parsePattern('1110 00 1 1101 0 0000 Rd:4 rotate:4 imm8:8'),
  movw: parsePattern('1110 0011 0000 imm:4 Rd:4 imm:12'),
  orrImmediate: parsePattern('1110 00 1 1100 0 Rn:4 Rd:4 rotate:4 imm8:8'),
  bicImmediate: parsePattern('1110 00 1 1110 0 Rn:4 Rd:4 rotate:4 imm8:8'),
  addImmediate: parsePattern('1110 00 1 0100 0 Rn:4 Rd:4 rotate:4 imm8:8'),
  subImmediate: parsePattern('1110 00 1 0010 0 Rn:4 Rd:4 rotate:4 imm8:8'),
  movRegister: parsePattern('1110 00 0 1101 0 0000 Rd:4 00000 00 0 Rm:4'),
  ldrImmediate: parsePattern('1110 010 1 U 0 0 1 Rn:4 Rt:4 imm:12'),
  ldrRegister: parsePattern('1110 011 1 1 0 0 1 Rn:4 Rt:4 shift:7 0 Rm:4'),
  strImmediate: parsePattern('1110 010 1 U 0 0 0 Rn:4 Rt:4 imm:12'),
  strRegister: parsePattern('1110 011 1 1 0 0 0 Rn:4 Rt:4 shift:7 0 Rm:4'),
  ldrd: parsePattern('1110 000 1 U 1 0 0 Rn:4 Rt:4 imm:4 1101 imm:4'),
  bx: parsePattern('1110 0001 0010 1111 1111 1111 0001 Rm:4'),
  branch: parsePattern('1110 1010 imm24:24'),
  msrSpsrRegister: parsePattern('1110 00010 1 10 mask:4 1111 0000 0000 Rn:4'),
  msrSpsrImmediate: parsePattern('1110 00110 1 10 mask:4 1111 rotate:4 imm8:8'),
  movsPcLr: parsePattern('1110 0001 1011 0000 1111 0000 0000 1110'),
  subsPcLr: parsePattern('1110 0010 0101 1110 1111 0000 0000 0000'),
  rfe: parsePattern('1111 100 P U 0 W 1 Rn:4 0000 1010 0000 0000'),
  eret: parsePattern('1110 0001 0110 0000 0000 0000 0110 1110'),
  smc: parsePattern('1110 0001 0110 0000 0000 0000 0111 imm4:4'),
  mrrcCpuectlr: parsePattern('1110 1100 0101 Rt2:4 Rt:4 1111 0001 1111'),
  blx: parsePattern('1111 101 H imm24:24'),
} as const;
const T32 = {
  movw: parsePattern('11110 imm_i 10 0 1 0 0 imm4:4 0 imm3:3 Rd:4 imm8:8'),
  movImmediate: parsePattern('11110 imm_i 0 0010 0 1111 0 imm3:3 Rd:4 imm8:8'),
  movImmediate8: parsePattern('001 00 Rd:3 imm8:8'),
  addImmediate8: parsePattern('001 10 Rdn:3 imm8:8'),
  ldrLiteral: parsePattern('01001 Rt:3 imm8:8'),
  ldrdLiteral: parsePattern('1110 100 1 U 1 W 1 1111 Rt:4 Rt2:4 imm8:8'),
  ldrRegister: parsePattern('0101 100 Rm:3 Rn:3 Rt:3'),
  strRegister: parsePattern('0101 000 Rm:3 Rn:3 Rt:3'),
  bx: parsePattern('010001 11 0 Rm:4 000'),
  smc: parsePattern('11110 1111111 imm4:4 1000 000000000000'),
  mrrcCpuectlr: parsePattern('1110 1100 0101 Rt2:4 Rt:4 1111 0001 1111'),
} as const;

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

/** The code that every core runs, from where the first branch leads to. */
function readMainCode(stub: Uint8Array): MainCode | undefined {
  for (const at of [0, 4]) {
    const word = readU32LE(stub, at);
    const b = match(A32.branch, word);
    if (b) return inside(at + 8 + signed24(b['imm24']!) * 4, (start) => readA32(stub, start));
    const blx = match(A32.blx, word);
    if (blx)
      return inside(at + 8 + signed24(blx['imm24']!) * 4 + blx['H']! * 2, (start) => readT32(stub, start));
  }
  return undefined;
}

function inside<T>(start: number, read: (start: number) => T): T | undefined {
  return start > 0 && start < STUB_SIZE ? read(start) : undefined;
}

function readA32(stub: Uint8Array, start: number): MainCode | undefined {
  const registers = new Registers();
  let [hasSmc, newerCore, waits, clears] = [false, false, false, false];
  let [tree, kernel]: (AddressSource | undefined)[] = [];
  for (let at = start; at + 4 <= STUB_SIZE; at += 4) {
    const word = readU32LE(stub, at);
    const f = decoder(word);
    let m: Fields | undefined;
    if (f(A32.smc)) hasSmc = true;
    else if (f(A32.mrrcCpuectlr)) newerCore = true;
    else if ((m = f(A32.ldrImmediate) ?? f(A32.ldrRegister))) {
      const base = registers.get(m['Rn']!).number;
      const offset = (m['imm'] ?? 0) * (m['U'] === 0 ? -1 : 1);
      if (m['Rn'] === PC && m['imm'] !== undefined) registers.load(m['Rt']!, stub, at + 8 + offset);
      else {
        if (isMailbox(base, offset)) waits = true;
        // What came out of the mailbox is no address that the firmware filled in.
        if (!isMailbox(base, offset)) registers.set(m['Rt']!, UNKNOWN);
      }
    } else if ((m = f(A32.ldrd))) {
      const from = at + 8 + m['imm']! * (m['U'] === 0 ? -1 : 1);
      for (const i of [0, 1]) registers.load(m['Rt']! + i, stub, m['Rn'] === PC ? from + 4 * i : -1);
    } else if ((m = f(A32.strImmediate) ?? f(A32.strRegister))) {
      const offset = (m['imm'] ?? 0) * (m['U'] === 0 ? -1 : 1);
      if (waits && isMailbox(registers.get(m['Rn']!).number, offset)) clears = true;
    } else if ((m = f(A32.bx))) {
      kernel = source(registers.get(m['Rm']!));
      tree = source(registers.get(2));
      break;
    } else computeA32(registers, word);
    // A jump by writing the program counter: MOV PC or LDR PC.
    if (registers.get(PC) !== UNKNOWN) {
      kernel = source(registers.get(PC));
      tree = source(registers.get(2));
      break;
    }
  }
  if (!hasSmc) return undefined;
  return {
    instructionSet: 'A32',
    waitsOnMailbox: waits,
    clearsMailbox: clears,
    forNewerCore: newerCore,
    tree,
    kernel,
  };
}

function readT32(stub: Uint8Array, start: number): MainCode | undefined {
  const registers = new Registers();
  let [hasSmc, newerCore, waits, clears] = [false, false, false, false];
  let [tree, kernel]: (AddressSource | undefined)[] = [];
  for (let at = start; at + 2 <= STUB_SIZE;) {
    const first = readU16LE(stub, at);
    // Three prefixes begin an instruction of two halfwords, the first one first (ARM ARM, A6.1).
    const wide = first >>> 11 >= 0x1d;
    if (wide && at + 4 > STUB_SIZE) break;
    const word = wide ? first * 0x1_0000 + readU16LE(stub, at + 2) : first;
    const f = decoder(word, wide ? 32 : 16);
    const pc = (at + 4) & ~3;
    let m: Fields | undefined;
    if (f(T32.smc)) hasSmc = true;
    else if (f(T32.mrrcCpuectlr)) newerCore = true;
    else if ((m = f(T32.ldrLiteral))) registers.load(m['Rt']!, stub, pc + m['imm8']! * 4);
    else if ((m = f(T32.ldrdLiteral))) {
      const from = pc + m['imm8']! * 4 * (m['U'] === 0 ? -1 : 1);
      registers.load(m['Rt']!, stub, from);
      registers.load(m['Rt2']!, stub, from + 4);
    } else if ((m = f(T32.movw))) {
      registers.set(m['Rd']!, {
        number: (m['imm4']! << 12) | (m['imm_i']! << 11) | (m['imm3']! << 8) | m['imm8']!,
      });
    } else if ((m = f(T32.movImmediate))) {
      registers.set(m['Rd']!, { number: expandT32((m['imm_i']! << 11) | (m['imm3']! << 8) | m['imm8']!) });
    } else if ((m = f(T32.movImmediate8))) registers.set(m['Rd']!, { number: m['imm8']! });
    else if ((m = f(T32.addImmediate8))) registers.offsets.set(m['Rdn']!, m['imm8']!);
    else if ((m = f(T32.ldrRegister))) {
      waits ||= isMailbox(registers.get(m['Rn']!).number, registers.offsets.get(m['Rm']!) ?? 0);
    } else if ((m = f(T32.strRegister))) {
      clears ||= waits && isMailbox(registers.get(m['Rn']!).number, registers.offsets.get(m['Rm']!) ?? 0);
    } else if ((m = f(T32.bx))) {
      kernel = source(registers.get(m['Rm']!));
      tree = source(registers.get(2));
      break;
    }
    at += wide ? 4 : 2;
  }
  if (!hasSmc) return undefined;
  return {
    instructionSet: 'T32',
    waitsOnMailbox: waits,
    clearsMailbox: clears,
    forNewerCore: newerCore,
    tree,
    kernel,
  };
}

/** The mode that the code behind the SMC vector returns to. It is A32 in every stub known. */
function readMonitorCode(stub: Uint8Array): StubBehaviour['mode'] {
  const registers = new Registers();
  let at = SMC_VECTOR;
  const vector = readU32LE(stub, at);
  const adr = match(A32.addImmediate, vector);
  const b = match(A32.branch, vector);
  if (adr?.['Rn'] === PC && adr['Rd'] === PC) at += 8 + expandA32(adr['rotate']!, adr['imm8']!);
  else if (b) at += 8 + signed24(b['imm24']!) * 4;
  let spsr: number | undefined;
  let written = false;
  for (; at >= SMC_VECTOR && at + 4 <= STUB_SIZE; at += 4) {
    const word = readU32LE(stub, at);
    const f = decoder(word);
    let m: Fields | undefined;
    if ((m = f(A32.msrSpsrRegister))) [written, spsr] = [true, registers.get(m['Rn']!).number];
    else if ((m = f(A32.msrSpsrImmediate))) [written, spsr] = [true, expandA32(m['rotate']!, m['imm8']!)];
    else if (f(A32.movsPcLr) ?? f(A32.subsPcLr) ?? f(A32.eret)) {
      // Without a write, SPSR_mon holds the mode of the SMC: Supervisor.
      if (!written) return 'SVC';
      if (spsr === undefined) return 'unknown';
      return (spsr & MODE_MASK) === MODE_HYP ? 'HYP' : 'SVC';
    } else if (f(A32.rfe)) return 'unknown';
    else computeA32(registers, word);
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
function computeA32(registers: Registers, word: number): void {
  const f = decoder(word);
  let m: Fields | undefined;
  const operate = (fields: Fields, operation: (a: number, b: number) => number): void => {
    const a = registers.get(fields['Rn']!).number;
    const b = expandA32(fields['rotate']!, fields['imm8']!);
    registers.set(fields['Rd']!, a === undefined ? UNKNOWN : { number: operation(a, b) >>> 0 });
  };
  if ((m = f(A32.movImmediate))) registers.set(m['Rd']!, { number: expandA32(m['rotate']!, m['imm8']!) });
  else if ((m = f(A32.movw))) registers.set(m['Rd']!, { number: m['imm']! });
  else if ((m = f(A32.movRegister))) registers.set(m['Rd']!, registers.get(m['Rm']!));
  else if ((m = f(A32.orrImmediate))) operate(m, (a, b) => a | b);
  else if ((m = f(A32.bicImmediate))) operate(m, (a, b) => a & ~b);
  else if ((m = f(A32.addImmediate))) operate(m, (a, b) => a + b);
  else if ((m = f(A32.subImmediate))) operate(m, (a, b) => a - b);
}

type Fields = Record<string, number>;

function match(pattern: Pattern, word: number): Fields | undefined {
  return (word & pattern.mask) >>> 0 === pattern.value ? readFields(pattern, word) : undefined;
}

function decoder(word: number, width = 32): (pattern: Pattern) => Fields | undefined {
  return (pattern) => (pattern.width === width ? match(pattern, word) : undefined);
}

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

const signed24 = (value: number): number => (value << 8) >> 8;

const rotateRight = (value: number, by: number): number => ((value >>> by) | (value << (32 - by))) >>> 0;

/** ARMExpandImm (ARM ARM, A5.2.4). */
const expandA32 = (rotate: number, imm8: number): number => rotateRight(imm8, rotate * 2);

/** ThumbExpandImm (ARM ARM, A6.3.2). */
function expandT32(imm12: number): number {
  const imm8 = imm12 & 0xff;
  if (imm12 >>> 10 === 0) return (imm8 * [0x1, 0x1_0001, 0x100_0100, 0x101_0101][imm12 >>> 8]!) >>> 0;
  return rotateRight(0x80 | (imm12 & 0x7f), imm12 >>> 7);
}
