/**
 * A unit: some blocks of a page in one function of WebAssembly, from micro-ops to operators. Registers and flags are
 * locals, read where it is entered and written where it is left. It is left for the interpreter with a micro-op that is to
 * be done next, of which nothing was done yet; so whatever a unit does not do, the interpreter does, as it always did.
 * At each branch that is made the budget is counted down, as there: the slice ends at the same instruction.
 */
import { concatBytes } from '../../base/bytes.js';
import * as L from '../layout.js';
import { writeBranch } from './branches.js';
import { HOT } from './calls.js';
import { Code, type Label } from './code.js';
import { bit, effectsOf, FLAGS, startsOf, TEMPORARIES, type Written } from './effects.js';
import { Exits } from './exits.js';
import type { FlagsKind } from './flags.js';
import { askFloatingPoint } from './floating-point.js';
import { type Blocks, type Graph, graphOf, type Most } from './graph.js';
import { locals, NARROW, WORDS } from './locals.js';
import { type Effects, isAlways, isBranch, isSkip, type MicroOp } from './micro-op.js';
import { pushHolds, setsFlags, writeOperation, wordsOf } from './operations.js';
import { askVectors } from './vectors.js';
import { type NodeWriter, Ways } from './ways.js';
import type { Writer } from './writer.js';

const { budget, context, contextPlace, next, place, mayMove, mayCalculate, mayVectors } = locals;

/** What a function returns where the slice is over, with the address to go on at in R15. */
const SLICE_OVER = 0;

/** The function of a unit. */
export interface Unit {
  /** Types of its locals. */
  readonly locals: readonly ('i32' | 'i64')[];
  readonly code: Uint8Array;
  /** Physical pages that its instructions are from, by their numbers. */
  readonly pages: ReadonlySet<number>;
  /** Its blocks, the one that it is entered at among them. */
  readonly blocks: ReadonlySet<number>;
  /** Ways from block to block within it. */
  readonly ways: number;
}

/**
 * Translates the unit that begins with a hot block; undefined where that begins no loop
 * and was not wanted without.
 */
export function translateUnit(
  all: Blocks,
  head: number,
  withoutLoops: boolean,
  most: Most,
): Unit | undefined {
  const graph = graphOf(all, head, withoutLoops, most);
  if (!graph) return undefined;
  const code = new UnitWriter(graph, (all.variant & L.VARIANT_T) !== 0).writeAll();
  const pages = new Set(graph.nodes.map(({ physical }) => physical >>> 12));
  const blocks = new Set(graph.nodes.map(({ block }) => block));
  const ways = graph.edges.reduce((sum, { size }) => sum + size, 0);
  return { locals: [...Array<'i32'>(NARROW).fill('i32'), 'i64'], code, pages, blocks, ways };
}

/** Micro-ops of a node, one after the other. */
class Cursor {
  private index = 0;

  constructor(private readonly microOps: readonly MicroOp[]) {}

  /** The next one before an address. */
  next(end: number): MicroOp | undefined {
    const op = this.microOps[this.index];
    if (op === undefined || op.at >= end) return undefined;
    this.index++;
    return op;
  }

  /** Whether the one that {@link next} gave is the first of its instruction. */
  get begins(): boolean {
    return this.microOps[this.index - 2]?.position !== this.microOps[this.index - 1]!.position;
  }

  /** Whether one of those to come before an address sets flags. */
  setsFlags(end: number): boolean {
    return this.microOps.slice(this.index).some((it) => it.at < end && setsFlags(it));
  }

  /** What stands behind a branch that is made always is never come to. */
  passOver(end: number): void {
    while (this.next(end));
  }
}

/** Writes the function of a graph. */
class UnitWriter implements Writer, NodeWriter {
  readonly code = new Code();
  flags: FlagsKind = 'words';
  private readonly starts: readonly Written[];
  private readonly ways: Ways;
  private readonly exits = new Exits(this.code);
  /** The way to those exits that have a number. */
  private readonly cold: Label;
  /** What was written where it is written now, on any way there, or on all of them. */
  private maybe = 0;
  private surely = 0;
  /** What has to be read where the unit is entered. */
  private needed = 0;

  constructor(
    private readonly graph: Graph,
    private readonly isThumb: boolean,
  ) {
    this.starts = startsOf(graph);
    this.cold = this.code.open('block');
    this.ways = new Ways(graph, this.code, this);
  }

  /** The function's operators. */
  writeAll(): Uint8Array {
    const { code } = this;
    this.begin(0);
    this.ways.write(0);
    code.op('unreachable').end();
    this.exits.writeRare();
    code.op('unreachable', 'end');
    return concatBytes(this.entry().bytes, code.bytes);
  }

  needCarry(): void {
    if (this.flags !== 'result') wordsOf(this);
  }

  needWords(): void {
    wordsOf(this);
  }

  /** In the middle of an instruction, or seldom. */
  leave(at: number): void {
    const { code } = this;
    this.needed |= this.maybe & ~this.surely;
    code.constant(at).set(next).constant(this.exits.number(this.flags, this.maybe)).set(place);
    code.branch(this.cold);
  }

  begin(node: number): void {
    this.flags = 'words';
    ({ maybe: this.maybe, surely: this.surely } = this.starts[node]!);
  }

  meet(): void {
    wordsOf(this);
  }

  write(node: number): void {
    this.writeTo(node, new Cursor(this.graph.nodes[node]!.microOps), Infinity);
  }

  /** Writes micro-ops up to an address; false where nothing goes on behind them. */
  private writeTo(node: number, cursor: Cursor, end: number): boolean {
    for (let op = cursor.next(end); op; op = cursor.next(end)) {
      if (isSkip(op.op)) this.writeSkip(node, cursor, op);
      else if (isBranch(op.op) && !isAlways(op.op)) this.writeCondition(node, op);
      else if (isBranch(op.op)) {
        this.writeBranch(node, op, cursor.begins);
        cursor.passOver(end);
        return false;
      } else if (!this.writeOperation(op)) {
        this.leaveOften(op.at, cursor.begins);
        cursor.passOver(end);
        return false;
      }
    }
    return true;
  }

  /** What a condition goes past. */
  private writeSkip(node: number, cursor: Cursor, op: MicroOp): void {
    const skipped = op.at + L.OP_SIZE + op.imm;
    this.note(effectsOf(op));
    pushHolds(this, op);
    if (cursor.setsFlags(skipped)) wordsOf(this);
    const { flags, maybe, surely } = this;
    this.code.open('if');
    const goesOn = this.writeTo(node, cursor, skipped);
    if (goesOn && this.flags !== flags) wordsOf(this);
    this.code.end();
    this.flags = flags;
    this.maybe = goesOn ? this.maybe | maybe : maybe;
    this.surely = surely;
  }

  /** A branch that is made by its own condition. */
  private writeCondition(node: number, op: MicroOp): void {
    this.note({ ...effectsOf(op), writes: 0 });
    pushHolds(this, op);
    const { flags, maybe, surely } = this;
    this.code.open('if');
    this.writeBranch(node, op, true);
    this.code.end();
    this.flags = flags;
    this.maybe = maybe;
    this.surely = surely;
  }

  private writeBranch(from: number, op: MicroOp, begins: boolean): void {
    const to = this.graph.edges[from]!.get(op.at);
    if (to === undefined) {
      this.countLeaving();
      this.leaveOften(op.at, begins);
      return;
    }
    const { reads, writes } = effectsOf(op);
    this.note({ reads, writes: 0 });
    writeBranch(this, op, this.isThumb, this.graph.nodes[to]!.physical, () => {
      this.note({ reads: 0, writes });
      this.leave(SLICE_OVER);
    });
    this.ways.goTo(from, to);
  }

  /** Writes what is no branch. @returns false where it is none that a unit does by itself */
  private writeOperation(op: MicroOp): boolean {
    // It is left, if at all, before anything was written.
    const { reads, writes } = effectsOf(op);
    this.note({ reads, writes: 0 });
    const isDone = writeOperation(this, op);
    this.note({ reads: 0, writes });
    return isDone;
  }

  /** Counts that it is left by a branch that may have become known since. */
  private countLeaving(): void {
    const { code, graph } = this;
    const head = graph.nodes[0]!.block;
    const left = head + L.TO_TRANSLATION + L.OP_A;
    code.constant(0).access('i32.load16_u', left).tee(place);
    code.open('if');
    code.constant(0).get(place).constant(1).op('i32.sub').tee(place).access('i32.store16', left);
    code.get(place).op('i32.eqz').open('if');
    code.constant(head).call(HOT);
    code.end().end();
  }

  /** Where an instruction begins, temporaries mean nothing. */
  private leaveOften(at: number, begins: boolean): void {
    const written = begins ? this.maybe & ~TEMPORARIES : this.maybe;
    this.needed |= written & ~this.surely;
    this.code.constant(at).set(next);
    this.exits.write(this.flags, written);
  }

  private note({ reads, writes }: Effects): void {
    this.needed |= reads & ~this.surely;
    this.maybe |= writes;
    this.surely |= writes;
  }

  /** Reads what the function needs. */
  private entry(): Code {
    const { code, needed } = this;
    const entry = new Code();
    const read = (word: number, local: number): void => {
      entry.constant(0).access('i32.load', word).set(local);
    };
    for (const [i, word] of WORDS.entries())
      if (bit(i) & FLAGS ? code.reads(i) : bit(i) & needed) read(word, i);
    read(L.BUDGET, budget);
    if (code.reads(mayMove) || code.reads(mayCalculate)) askFloatingPoint(entry);
    if (code.reads(mayVectors)) askVectors(entry);
    if (code.reads(context)) {
      entry.constant(0).access('i32.load', L.CONTEXT).tee(context).constant(L.TLB_CONTEXT_SHIFT);
      entry.op('i32.shl').set(contextPlace);
    }
    return entry;
  }
}
