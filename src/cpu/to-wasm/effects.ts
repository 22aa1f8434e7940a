/** What micro-ops read and write of what a unit holds in locals, as bits by the locals' numbers. */
import * as L from '../layout.js';
import { Op } from '../micro-ops.js';
import { Code } from './code.js';
import type { Graph, Node } from './graph.js';
import { localOf, locals, WORDS } from './locals.js';
import { loadedBy } from './accesses.js';
import { type Effects, isBranch, isByRegister, isFar, isLinking, isSkip, type MicroOp } from './micro-op.js';
import { pushHolds, wordsOf, writeOperation } from './operations.js';
import type { Writer } from './writer.js';

export const bit = (local: number): number => 1 << local;
const bits = (numbers: Iterable<number>): number => [...numbers].reduce((all, it) => all | bit(it), 0);

const { N, Z, C, V } = locals.flags;
export const FLAGS = bits([N, Z, C, V]);
/** What means nothing between instructions. */
export const TEMPORARIES = bits([L.TEMP, L.TEMP2, L.TEMP3, L.TRASH].map((it) => localOf(it)!));
const HELD = bits(WORDS.keys());

/** What a micro-op reads and writes, found once. */
export const effectsOf = (op: MicroOp): Effects => (op.effects ??= findEffects(op));

/** What is written for no other end than to see what that reads and writes. */
const tried = new Code();
const nothing = (): void => undefined;

/** Found by writing it. */
function findEffects(op: MicroOp): Effects {
  if (isBranch(op.op)) return effectsOfBranch(op);
  tried.clear();
  const w: Writer = { code: tried, flags: 'words', needCarry: nothing, needWords: nothing, leave: nothing };
  if (isSkip(op.op)) pushHolds(w, op);
  else if (writeOperation(w, op)) wordsOf(w);
  const { reads, writes } = tried.effects;
  return {
    reads: reads & HELD & ~FLAGS,
    writes: writes & FLAGS ? (writes & HELD) | FLAGS : writes & HELD,
  };
}

function effectsOfBranch(op: MicroOp): Effects {
  const page = bit(locals.page);
  const register = isByRegister(op.op) ? bit(localOf(op.a)!) : 0;
  const writes = (isLinking(op) ? bit(localOf(L.LR)!) : 0) | (isFar(op.op) ? page : 0);
  return { reads: page | register, writes: op.op === Op.LDM_PC ? writes | bits(loadedBy(op)) : writes };
}

/** What was written, on any way from where the unit is entered, or on all of them. */
export interface Written {
  readonly maybe: number;
  readonly surely: number;
}

/** What was written where each node of a graph begins. */
export function startsOf({ nodes, edges, dominators }: Graph): readonly Written[] {
  const starts: Written[] = nodes.map((_, i) =>
    i === 0 ? { maybe: 0, surely: 0 } : { maybe: 0, surely: HELD },
  );
  const ways = nodes.map((node, i) => (dominators[i]! < 0 ? [] : waysOut(node, edges[i]!)));
  for (let changed = true; changed;) {
    changed = false;
    ways.forEach((out, from) => {
      for (const { to, maybe, surely } of out) {
        const { maybe: knownMaybe, surely: knownSurely } = starts[to]!;
        const now = {
          maybe: knownMaybe | starts[from]!.maybe | maybe,
          surely: knownSurely & (starts[from]!.surely | surely),
        };
        if (now.maybe === knownMaybe && now.surely === knownSurely) continue;
        starts[to] = now;
        changed = true;
      }
    });
  }
  return starts;
}

/** Where a node's branches lead, and what was written from its beginning to there. */
function waysOut({ microOps }: Node, edges: ReadonlyMap<number, number>): (Written & { to: number })[] {
  const ways: (Written & { to: number })[] = [];
  let [maybe, surely, skippedTo] = [0, 0, 0];
  for (const op of microOps) {
    const { writes } = effectsOf(op);
    const isSure = op.at >= skippedTo;
    if (isSkip(op.op)) skippedTo = Math.max(skippedTo, op.at + L.OP_SIZE + op.imm);
    const to = edges.get(op.at);
    if (to !== undefined) ways.push({ to, maybe: maybe | writes, surely: surely | writes });
    // What a branch writes is not written where it is not made.
    if (isBranch(op.op)) continue;
    maybe |= writes;
    if (isSure) surely |= writes;
  }
  return ways;
}
