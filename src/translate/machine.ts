/** Instructions of the processor before their registers are chosen. */
import type { Assembler } from '../isa/assembler.js';
import type { Condition, Register } from '../isa/registers.js';
import { coreRegisters } from '../isa/registers.js';
import type { Place } from './ir.js';

/** A register to be chosen; 0 to 15 are R0 to R15 themselves. */
export interface Virtual {
  readonly virtual: number;
}

/** Numbers from here on are registers to be chosen. */
export const FIRST_VIRTUAL = 16;

/** The core registers as operands. */
export const core: readonly Virtual[] = Array.from({ length: FIRST_VIRTUAL }, (_, virtual) => ({ virtual }));
export const SP = core[13]!;
export const PC = core[15]!;

/** A byte offset from SP that is known when the frame is: of a spilled word or of an argument. */
export interface FrameOffset {
  readonly frame: 'slot' | 'incoming';
  readonly offset: number;
}

/** One half of a symbol's address. */
export interface AddressHalf {
  readonly half: 'low' | 'high';
  readonly symbol: string;
}

/** What an instruction can have as operand: what the assembler takes, with registers and frame offsets open. */
export type Operand =
  | Virtual
  | FrameOffset
  | AddressHalf
  | { readonly shift: string; readonly by: number | Virtual }
  | { readonly symbol: string }
  | number
  | string
  | object
  | readonly Operand[];

/** One instruction. */
export interface Instruction {
  /** The assembler's method, without a condition. */
  readonly name: string;
  condition: Condition | undefined;
  readonly operands: readonly Operand[];
  /** The registers that it writes, and those it reads; with a condition, the ones written are read as well. */
  readonly defs: readonly Virtual[];
  readonly uses: readonly Virtual[];
  /** Whether it only copies one register to another, so that both may be the same. */
  move?: true;
  /** Whether what it writes is written before all it reads has been read. */
  readonly early?: true;
  /** Whether it writes the flags. */
  readonly flags?: true;
  /** A sequence of its own instead of one instruction: gets the registers of its operands. */
  readonly inline?: (a: Assembler, ...registers: Register[]) => void;
}

export type MachineEnd =
  | { kind: 'jump'; to: MachineBlock }
  | { kind: 'branch'; condition: Condition; yes: MachineBlock; no: MachineBlock }
  /** Its last instruction loads PC from the table behind it, where the index is in it. */
  | { kind: 'table'; targets: MachineBlock[]; otherwise: MachineBlock }
  | { kind: 'return'; uses: readonly Virtual[] }
  | { kind: 'tail'; symbol: string; uses: readonly Virtual[] }
  | { kind: 'trap' };

/** A basic block of instructions. */
export interface MachineBlock {
  readonly id: number;
  code: Instruction[];
  end: MachineEnd;
  /** How many loops it is in. */
  readonly depth: number;
}

/** A function of instructions; the first block is the entry. */
export interface MachineFunction {
  readonly name: string;
  blocks: MachineBlock[];
  /** Registers asked for so far, core registers included. */
  virtuals: number;
  /** Bytes for arguments of calls on the stack, and spilled words. */
  outgoing: number;
  slots: number;
}

const INVERSE: Readonly<Record<Condition, Condition>> = {
  ...{ eq: 'ne', ne: 'eq', cs: 'cc', cc: 'cs', hs: 'lo', lo: 'hs', mi: 'pl', pl: 'mi', vs: 'vc', vc: 'vs' },
  ...{ hi: 'ls', ls: 'hi', ge: 'lt', lt: 'ge', gt: 'le', le: 'gt' },
};

/** The condition that holds where this one does not. */
export const invert = (condition: Condition): Condition => INVERSE[condition];

/** Where a block can go to. */
export function machineSuccessors({ end }: MachineBlock): MachineBlock[] {
  if (end.kind === 'jump') return [end.to];
  if (end.kind === 'branch') return [end.yes, end.no];
  if (end.kind === 'table') return [...end.targets, end.otherwise];
  return [];
}

/** The registers that a block's end reads. */
export function endUses(end: MachineEnd): readonly Virtual[] {
  return end.kind === 'return' || end.kind === 'tail' ? end.uses : [];
}

export const isVirtual = (operand: unknown): operand is Virtual =>
  typeof operand === 'object' && operand !== null && 'virtual' in operand;

/** The registers in operands, those in shifts and memory operands included. */
function registersIn(operands: readonly Operand[]): Virtual[] {
  return operands.flatMap((it) => {
    if (isVirtual(it)) return [it];
    if (Array.isArray(it)) return registersIn(it as Operand[]);
    if (typeof it === 'object' && 'by' in it && isVirtual(it.by)) return [it.by];
    return [];
  });
}

/** An instruction that writes its first operand and reads the others. */
export function define(name: string, to: Virtual, ...operands: readonly Operand[]): Instruction {
  return { name, condition: undefined, operands: [to, ...operands], defs: [to], uses: registersIn(operands) };
}

/** An instruction that writes its first operand, keeping a part of it, and reads the others. */
export function update(name: string, to: Virtual, ...operands: readonly Operand[]): Instruction {
  return { ...define(name, to, ...operands), uses: [to, ...registersIn(operands)] };
}

/** An instruction that only reads its operands. */
export function effect(name: string, ...operands: readonly Operand[]): Instruction {
  return { name, condition: undefined, operands, defs: [], uses: registersIn(operands) };
}

/** An instruction that writes its first two operands and reads the others. */
export function defineTwo(
  name: string,
  lo: Virtual,
  hi: Virtual,
  ...operands: readonly Operand[]
): Instruction {
  const uses = registersIn(operands);
  return { name, condition: undefined, operands: [lo, hi, ...operands], defs: [lo, hi], uses };
}

/** The same, writing the flags too. */
export const withFlags = (instruction: Instruction): Instruction => ({ ...instruction, flags: true });

/** A copy that may vanish. */
export function move(to: Virtual, from: Virtual): Instruction {
  return { ...define('mov', to, from), move: true };
}

/** An instruction done only where a condition holds; what it writes keeps its value elsewhere. */
export function only(condition: Condition, instruction: Instruction, keeps = true): Instruction {
  const conditional = { ...instruction, condition };
  delete conditional.move;
  return keeps ? { ...conditional, uses: [...instruction.uses, ...instruction.defs] } : conditional;
}

/** A call: writes what the procedure call standard lets functions write. */
export function call(symbol: string, places: readonly Place[]): Instruction {
  const uses = places.flatMap((place) => ('register' in place ? [core[place.register]!] : []));
  const defs = [0, 1, 2, 3, 12, 14].map((n) => core[n]!);
  return { name: 'bl', condition: undefined, operands: [{ symbol }], defs, uses, flags: true };
}

/** Several instructions in one, among them loops of their own; `written` are its results and scratch registers. */
export function inline(
  emit: (a: Assembler, ...registers: Register[]) => void,
  written: readonly Virtual[],
  read: readonly Virtual[],
): Instruction {
  const operands = [...written, ...read];
  const common = { name: 'inline', condition: undefined, operands, defs: written, uses: read };
  return { ...common, early: true, flags: true, inline: emit };
}

/** Puts other registers into operands. */
function mapOperand(operand: Operand, map: (register: Virtual) => Virtual): Operand {
  if (isVirtual(operand)) return map(operand);
  if (Array.isArray(operand)) return (operand as Operand[]).map((it) => mapOperand(it, map));
  if (typeof operand === 'object' && 'by' in operand && isVirtual(operand.by))
    return { ...operand, by: map(operand.by) };
  return operand;
}

/** An instruction with other registers. */
export function mapInstruction(instruction: Instruction, map: (register: Virtual) => Virtual): Instruction {
  return {
    ...instruction,
    operands: instruction.operands.map((it) => mapOperand(it, map)),
    defs: instruction.defs.map(map),
    uses: instruction.uses.map(map),
  };
}

/** The core register that a register was given. */
export const physical = ({ virtual }: Virtual): Register => coreRegisters[virtual]!;

const rotateLeft = (value: number, by: number): number => ((value << by) | (value >>> (-by & 31))) >>> 0;

/** Whether a constant can be an operand of data processing: 8 bits rotated right by an even number (A5.2.4). */
export function isImmediate(value: number): boolean {
  for (let by = 0; by < 32; by += 2) if (rotateLeft(value >>> 0, by) < 256) return true;
  return false;
}

/** A constant as the sum, and the union, of two operands of data processing; undefined where it is none. */
export function twoImmediates(value: number): readonly [number, number] | undefined {
  for (let by = 0; by < 32; by += 2) {
    const part = (value & rotateLeft(0xff, by)) >>> 0;
    const rest = (value & ~part) >>> 0;
    if (part !== 0 && isImmediate(rest)) return [rest, part];
  }
  return undefined;
}

/** Instructions that put a constant into a register, and leave the flags alone. */
export function loadConstant(to: Virtual, value: number): Instruction[] {
  const unsigned = value >>> 0;
  if (isImmediate(unsigned)) return [define('mov', to, unsigned)];
  if (isImmediate(~value)) return [define('mvn', to, ~value >>> 0)];
  const low = define('movw', to, unsigned & 0xffff);
  return unsigned < 0x10000 ? [low] : [low, update('movt', to, unsigned >>> 16)];
}
