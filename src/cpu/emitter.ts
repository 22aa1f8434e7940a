/** Writes micro-ops. */
import type { Encoding } from '../isa/encoding.js';
import type { Fields } from '../isa/pattern.js';
import { ALWAYS } from '../isa/registers.js';
import type { Execute } from './instruction.js';
import * as L from './layout.js';
import { Op } from './micro-ops.js';
import type { Machine } from './state.js';

/** The parts of a micro-op whose instruction TypeScript runs where the interpreter does not: see micro-ops.ts. */
export interface ExtensionOp {
  readonly op: number;
  readonly a?: number;
  readonly b?: number;
  readonly imm?: number;
}

const BL: number = Op.BL;

/** One instruction on its way to micro-ops, and the block they go to. */
export class Emitter {
  /** Where the next micro-op goes. */
  top: number;
  /** Place of the instruction in its page, and its size. */
  offset = 0;
  size: 2 | 4 = 4;
  /** Its number in the block, from 1. */
  position = 0;
  it = 0;
  word = 0;
  encoding: Encoding | undefined;
  /** Set when nothing after this instruction is reached from before it. */
  ended = false;
  /** The condition under which it runs, 14 for always. */
  condition = ALWAYS;
  /** Kinds of events that are counted when it was executed, and more of them where it goes on elsewhere. */
  events = 0;
  branchEvents = 0;

  constructor(
    readonly m: Machine,
    readonly thumb: boolean,
    readonly bigEndian: boolean,
    /** Whether events are counted. */
    readonly counted: boolean,
    /** Physical page that the block is of. */
    readonly page: number,
    start: number,
  ) {
    this.top = start;
  }

  /** Writes a micro-op and gives its address. `a`, `b` are addresses of registers. */
  emit(op: number, a = 0, b = 0, imm = 0, ext = 0): number {
    const at = this.top >>> 2;
    const { u32 } = this.m;
    u32[at] = op | (a << 16) | (b << 24);
    u32[at + 1] = imm;
    u32[at + 2] = ext;
    u32[at + 3] = this.offset | (this.size === 4 ? L.OP_WIDE : 0) | (this.position << 16) | (this.it << 24);
    this.top += L.OP_SIZE;
    return at << 2;
  }

  /** Address of register n as a source; the PC goes through a temporary. */
  source(n: number, temporary = L.TEMP2): number {
    if (n !== 15) return n * 4;
    this.emit(Op.PAGE_ADD, temporary, 0, this.offset + (this.thumb ? 4 : 8));
    return temporary;
  }

  /** What is not worth a micro-op: runs in TypeScript. */
  slow(execute: Execute<Fields>, fields: Fields): void {
    this.extension({ op: Op.SLOW }, execute, fields);
  }

  /** A micro-op that the interpreter may decline: then TypeScript runs the instruction. */
  extension({ op, a = 0, b = 0, imm = 0 }: ExtensionOp, execute: Execute<Fields>, fields: Fields): void {
    const { instructions } = this.m;
    this.emit(op, a, b, imm, instructions.length);
    const events = this.events | this.branchEvents;
    instructions.push({ word: this.word, encoding: this.encoding, fields, execute, events });
  }

  /** A branch by a distance from the instruction's page, conditional by itself if it is in the page. */
  branch(target: number, op: number = Op.B): void {
    const condition = this.condition;
    const isNear = target >= 0 && target < 0x1000;
    if (this.branchEvents !== 0) {
      if (isNear && condition !== ALWAYS) this.emit(Op.SKIP_EQ + condition, 0, 0, L.OP_SIZE);
      this.countBranch();
    }
    if (isNear) {
      // The page's number stands where the block will: odd, so that it is not taken for one.
      this.emit(condition === ALWAYS ? op : Op.B_EQ + condition, 0, 0, target, (this.page << 1) | 1);
    } else this.emit(op === BL ? Op.BL_FAR : Op.B_FAR, 0, 0, target);
    if (condition === ALWAYS) this.ended = true;
  }

  /** BL to a distance from the page. LR is set only when it is made, so its condition stands in front of it. */
  call(target: number): void {
    const { condition } = this;
    this.condition = ALWAYS;
    this.branch(target, BL);
    this.condition = condition;
    this.ended = condition === ALWAYS;
  }

  /** Counts the instruction's events where it was executed. */
  count(): void {
    if (this.events !== 0) this.emit(Op.COUNT, 0, 0, this.events);
    this.events = this.branchEvents = 0;
  }

  /** The same before it goes on elsewhere. */
  private countBranch(): void {
    this.events |= this.branchEvents;
    this.count();
  }

  /** A branch to the address in a register, whose bit 0 selects the instruction set. */
  exchange(register: number): void {
    this.countBranch();
    this.emit(Op.BX, register);
    if (this.condition === ALWAYS) this.ended = true;
  }

  /** BranchWritePC (A2.3.1): in the same instruction set. */
  jump(register: number): void {
    this.countBranch();
    this.emit(Op.AND_IMM, L.TEMP3, register, this.thumb ? 0xfffffffe : 0xfffffffc);
    this.emit(Op.B_REG, L.TEMP3);
    if (this.condition === ALWAYS) this.ended = true;
  }

  /** ALUWritePC: BX in A32, a plain branch in T32. */
  aluWritePc(register: number): void {
    if (this.thumb) this.jump(register);
    else this.exchange(register);
  }
}

/** Emits the micro-ops of an operation, from the fields that it needs. */
export type Lower<F = object> = (e: Emitter, f: F) => true;

/** The same; false where these fields are for the slow path. */
export type LowerSome<F = object> = (e: Emitter, f: F) => boolean;

/** What an operation with these fields becomes; undefined where it is for TypeScript alone. */
export type LowerExtension<F = object> = (e: Emitter, f: F) => ExtensionOp | undefined;
