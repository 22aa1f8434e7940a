/**
 * A unit: some blocks of a page in one function of WebAssembly, from micro-ops to operators. Registers and flags are
 * locals, read where it is entered and written where it is left. It is left for the interpreter with a micro-op that is to
 * be done next, of which nothing was done yet; so whatever a unit does not do, the interpreter does, as it always did.
 * At each branch that is made the budget is counted down, as there: the slice ends at the same instruction.
 */
import * as L from '../layout.js';
import type { Machine } from '../state.js';
import { Code, type Label } from './code.js';
import { type FlagsKind, makeWords } from './flags.js';
import { bit, type Effects, effectsOf, FLAGS, startsOf, TEMPORARIES } from './effects.js';
import { askFloatingPoint } from './floating-point.js';
import { type Graph, graphOf, hasLoop } from './graph.js';
import { localOf, locals, NARROW, WORDS } from './locals.js';
import { isAlways, isCall, isNear, isSkip, type MicroOp } from './micro-op.js';
import { pushHolds, setsFlags, writeOperation, wordsOf } from './operations.js';
import type { Writer } from './writer.js';

const { budget, context, contextPlace, page, next, place, mayMove, mayCalculate } = locals;

/** Bytes of an instruction whose OP_OFFSET has OP_WIDE, and of another. */
const WIDE_BYTES = 4;
const NARROW_BYTES = 2;
/** What a function returns where the slice is over, with the address to go on at in R15. */
const SLICE_OVER = 0;

/** The function of a unit. */
export interface Unit {
  /** Types of its locals. */
  readonly locals: readonly ('i32' | 'i64')[];
  readonly code: readonly number[];
}

/**
 * Translates the unit that begins with a hot block, which was decoded for a VARIANT; undefined where it has no loop and
 * was not wanted without: to enter it and to leave it would take longer than the interpreter.
 */
export function translateUnit(
  m: Machine,
  head: number,
  variant: number,
  withoutLoops: boolean,
): Unit | undefined {
  const graph = graphOf(m, head, variant);
  if (!withoutLoops && !hasLoop(graph)) return undefined;
  const code = writeUnit(graph, (variant & L.VARIANT_T) !== 0);
  return { locals: [...Array<'i32'>(NARROW).fill('i32'), 'i64'], code };
}

/** Writes the function of a graph. */
function writeUnit(graph: Graph, isThumb: boolean): number[] {
  const { nodes, edges, dominators } = graph;
  const code = new Code();
  const starts = startsOf(graph);
  let { maybe, surely } = starts[0]!;
  /** What has to be read where the unit is entered. */
  let needed = 0;
  const exits = new Exits(code);
  const cold = code.open('block');

  const w: Writer = {
    code,
    flags: 'words',
    needCarry: () => {
      if (w.flags !== 'result') wordsOf(w);
    },
    needWords: () => {
      wordsOf(w);
    },
    leave: (at) => {
      leaveRarely(at);
    },
  };
  /** In the middle of an instruction, or seldom. */
  const leaveRarely = (at: number): void => {
    needed |= maybe & ~surely;
    code.constant(at).set(next).constant(exits.number(w.flags, maybe)).set(place).branch(cold);
  };
  /** Where an instruction begins, temporaries mean nothing. */
  const leaveOften = (at: number, begins: boolean): void => {
    const written = begins ? maybe & ~TEMPORARIES : maybe;
    needed |= written & ~surely;
    code.constant(at).set(next);
    exits.write(w.flags, written);
  };
  const note = ({ reads, writes }: Effects, isSure: boolean): void => {
    needed |= reads & ~surely;
    maybe |= writes;
    if (isSure) surely |= writes;
  };

  // The ways within the unit as blocks and loops (Ramsey: Beyond Relooper, 2022).
  const children = nodes.map((): number[] => []);
  dominators.forEach((of, node) => {
    if (node > 0 && of >= 0) children[of]!.push(node);
  });
  const entries = nodes.map(() => 0);
  const isLoop = nodes.map(() => false);
  edges.forEach((of, from) => {
    if (dominators[from]! < 0) return;
    for (const to of of.values()) {
      if (to <= from) isLoop[to] = true;
      else entries[to]!++;
    }
  });
  const isMerge = (node: number): boolean => entries[node]! > 1;
  const labels = new Map<number, Label>();
  const loops = new Map<number, Label>();
  const begin = (node: number): void => {
    w.flags = 'words';
    ({ maybe, surely } = starts[node]!);
  };

  const writeTree = (node: number): void => {
    const merges = children[node]!.filter(isMerge);
    if (!isLoop[node]) {
      writeMerges(node, merges);
      return;
    }
    wordsOf(w);
    loops.set(node, code.open('loop'));
    begin(node);
    writeMerges(node, merges);
    code.end();
  };
  /** Those that come last are outermost. */
  const writeMerges = (node: number, merges: readonly number[]): void => {
    const last = merges.at(-1);
    if (last === undefined) {
      writeNode(node);
      return;
    }
    labels.set(last, code.open('block'));
    writeMerges(node, merges.slice(0, -1));
    code.end();
    begin(last);
    writeTree(last);
  };
  const goTo = (from: number, to: number): void => {
    if (to > from && !isMerge(to)) {
      writeTree(to);
      return;
    }
    wordsOf(w);
    code.branch((to <= from ? loops : labels).get(to)!);
  };

  const writeBranch = (from: number, op: MicroOp): void => {
    const to = edges[from]!.get(op.at);
    if (to === undefined) {
      leaveOften(op.at, true);
      return;
    }
    if (isCall(op)) {
      const size = op.offset & L.OP_WIDE ? WIDE_BYTES : NARROW_BYTES;
      code
        .get(page)
        .constant((op.offset & (L.OP_WIDE - 1)) + size + (isThumb ? 1 : 0))
        .op('i32.add');
      code.set(localOf(L.LR)!);
    }
    note(effectsOf(op), true);
    code.get(budget).constant(op.position).op('i32.sub').tee(budget).constant(0).op('i32.lt_s');
    code.open('if');
    code.constant(L.PC).get(page).constant(op.imm).op('i32.add').access('i32.store', 0);
    leaveRarely(SLICE_OVER);
    code.end();
    goTo(from, to);
  };

  const writeNode = (node: number): void => {
    const { microOps } = nodes[node]!;
    let i = 0;
    /** Writes micro-ops up to an address; false where nothing goes on behind them. */
    const writeTo = (end: number, isSure: boolean): boolean => {
      for (let op = microOps[i]; op !== undefined && op.at < end; op = microOps[i]) {
        i++;
        if (isSkip(op.op) || (isNear(op.op) && !isAlways(op.op))) {
          const skipped = isSkip(op.op) ? op.at + L.OP_SIZE + op.imm : 0;
          note(effectsOf(op), isSure);
          pushHolds(w, op);
          if (microOps.slice(i).some((it) => it.at < skipped && setsFlags(it))) wordsOf(w);
          const before = { flags: w.flags, maybe, surely };
          code.open('if');
          const goesOn = isSkip(op.op) ? writeTo(skipped, isSure) : false;
          if (isNear(op.op)) writeBranch(node, op);
          if (goesOn && w.flags !== before.flags) wordsOf(w);
          code.end();
          w.flags = before.flags;
          maybe = goesOn ? maybe | before.maybe : before.maybe;
          ({ surely } = before);
        } else if (isNear(op.op)) {
          writeBranch(node, op);
          return passOver(end);
        } else {
          // It is left, if at all, before anything was written.
          const { reads, writes } = effectsOf(op);
          note({ reads, writes: 0 }, isSure);
          const isDone = writeOperation(w, op);
          note({ reads: 0, writes }, isSure);
          if (isDone) continue;
          leaveOften(op.at, microOps[i - 2]?.position !== op.position);
          return passOver(end);
        }
      }
      return true;
    };
    /** What stands behind a branch that is made always is never come to. */
    const passOver = (end: number): false => {
      while (microOps[i] !== undefined && microOps[i]!.at < end) i++;
      return false;
    };
    writeTo(Infinity, true);
  };

  writeTree(0);
  code.op('unreachable').end();
  exits.writeRare();
  code.op('unreachable', 'end');

  const start = new Code();
  const read = (word: number, local: number): void => {
    start.constant(0).access('i32.load', word).set(local);
  };
  for (const [i, word] of WORDS.entries())
    if (bit(i) & FLAGS ? code.read.has(i) : bit(i) & needed) read(word, i);
  read(L.BUDGET, budget);
  if (code.read.has(page)) read(L.PAGE, page);
  if (code.read.has(mayMove) || code.read.has(mayCalculate)) askFloatingPoint(start);
  if (code.read.has(context)) {
    start.constant(0).access('i32.load', L.CONTEXT).tee(context).constant(L.TLB_CONTEXT_SHIFT);
    start.op('i32.shl').set(contextPlace);
  }
  return [...start.bytes, ...code.bytes];
}

/** The ways out of a unit: what was written is put where it stands. */
class Exits {
  private readonly rare: { readonly kind: FlagsKind; readonly written: number }[] = [];

  constructor(private readonly code: Code) {}

  /** The number of a way out, by where the flags stand and what was written. */
  number(kind: FlagsKind, written: number): number {
    const known = this.rare.findIndex((it) => it.kind === kind && it.written === written);
    return known >= 0 ? known : this.rare.push({ kind, written }) - 1;
  }

  /** Writes a way out. */
  write(kind: FlagsKind, written: number): void {
    const { code } = this;
    if (written & FLAGS) makeWords(code, locals, kind);
    for (const [i, word] of WORDS.entries())
      if (bit(i) & FLAGS ? written & FLAGS : bit(i) & written)
        code.constant(0).get(i).access('i32.store', word);
    code.constant(0).get(budget).access('i32.store', L.BUDGET);
    code.get(next).op('return');
  }

  /** Writes those that have a number, by `place`. */
  writeRare(): void {
    const { code } = this;
    if (this.rare.length === 0) return;
    const labels = this.rare.map(() => code.open('block')).reverse();
    code.get(place).branchTable(labels);
    for (const { kind, written } of this.rare) {
      code.end();
      this.write(kind, written);
    }
  }
}
