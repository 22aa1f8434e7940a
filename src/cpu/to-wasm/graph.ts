/** The blocks of a unit and the ways between them. */
import { knownBlock } from '../blocks.js';
import * as L from '../layout.js';
import type { Machine } from '../state.js';
import { isAlways, isNear, isSkip, microOpAt, type MicroOp } from './micro-op.js';
import { isTranslated } from './operations.js';

/** Blocks of a unit and their micro-ops, at most. */
const MOST_BLOCKS = 24;
const MOST_MICRO_OPS = 600;

/** A block of micro-ops. */
export interface Node {
  readonly block: number;
  /** What is translated of it, in order: the last one is a branch that is made always, or not translated. */
  readonly microOps: readonly MicroOp[];
  /** The blocks that its branches within the page lead to, by the branch's address, where they were found before. */
  readonly targets: ReadonlyMap<number, number>;
}

/** A unit: the node that it is entered at first, the others in reverse postorder. */
export interface Graph {
  readonly nodes: readonly Node[];
  /** By node, where branches go that stay in the unit: by the branch's address, the number of a node. */
  readonly edges: readonly ReadonlyMap<number, number>[];
  /** The node that each one can be reached through alone, of the nearest; the first node's is itself. */
  readonly dominators: readonly number[];
}

/** The block that a near branch leads to; 0 where it was not found yet. */
function targetOf(m: Machine, { ext, imm }: MicroOp, variant: number): number {
  return ext % 2 === 0 ? ext : knownBlock(m, (ext >>> 1) * 0x1000 + imm, variant);
}

/** Reads a block up to where the translation of it ends. */
function readNode(m: Machine, block: number, variant: number): Node {
  const microOps: MicroOp[] = [];
  const targets = new Map<number, number>();
  let skippedTo = 0;
  for (let at = block; ; at += L.OP_SIZE) {
    const it = microOpAt(m, at);
    microOps.push(it);
    const isSkipped = at < skippedTo;
    if (isSkip(it.op)) skippedTo = Math.max(skippedTo, at + L.OP_SIZE + it.imm);
    else if (isNear(it.op)) {
      const target = targetOf(m, it, variant);
      if (target !== 0) targets.set(at, target);
    } else if (isTranslated(it)) continue;
    else if (!isSkipped) break;
    if (isAlways(it.op) && !isSkipped) break;
  }
  return { block, microOps, targets };
}

/** Finds the blocks that a block leads to within its page, nearest first, and reads them. */
function collect(m: Machine, head: number, variant: number): Map<number, Node> {
  const nodes = new Map<number, Node>();
  const found = [head];
  let microOps = 0;
  for (const block of found) {
    if (nodes.size >= MOST_BLOCKS || microOps >= MOST_MICRO_OPS) break;
    const node = readNode(m, block, variant);
    nodes.set(block, node);
    microOps += node.microOps.length;
    for (const target of node.targets.values()) if (!found.includes(target)) found.push(target);
  }
  return nodes;
}

/** The unit of a hot block, which was decoded for a VARIANT. */
export function graphOf(m: Machine, head: number, variant: number): Graph {
  const collected = collect(m, head, variant);
  const order = reversePostorder(collected, head);
  const nodes = order.map((block) => collected.get(block)!);
  const numbers = new Map(order.map((block, i) => [block, i]));
  const edges = nodes.map(
    ({ targets }) =>
      new Map(
        [...targets].flatMap(([at, target]) => (numbers.has(target) ? [[at, numbers.get(target)!]] : [])),
      ),
  );
  for (;;) {
    const dominators = dominatorsOf(edges);
    // A way back to where the loop was not entered is none within the unit.
    const bad = edges.flatMap((of, from) =>
      [...of]
        .filter(([, to]) => to <= from && !dominates(dominators, to, from))
        .map(([at]) => [from, at] as const),
    );
    if (bad.length === 0) return { nodes, edges, dominators };
    for (const [from, at] of bad) edges[from]!.delete(at);
  }
}

/** Whether a graph has a way back. */
export const hasLoop = ({ edges, dominators }: Graph): boolean =>
  edges.some((of, from) => dominators[from]! >= 0 && [...of.values()].some((to) => to <= from));

function reversePostorder(nodes: ReadonlyMap<number, Node>, head: number): number[] {
  const order: number[] = [];
  const seen = new Set<number>();
  const visit = (block: number): void => {
    seen.add(block);
    for (const target of [...nodes.get(block)!.targets.values()].reverse())
      if (nodes.has(target) && !seen.has(target)) visit(target);
    order.push(block);
  };
  visit(head);
  return order.reverse();
}

/** Whether all ways from the first node to another lead through one. */
function dominates(dominators: readonly number[], one: number, other: number): boolean {
  let at = other;
  while (at > one) at = dominators[at]!;
  return at === one;
}

/** Immediate dominators by the nodes' numbers (Cooper, Harvey, Kennedy: A Simple, Fast Dominance Algorithm, figure 3). */
function dominatorsOf(edges: readonly ReadonlyMap<number, number>[]): number[] {
  const predecessors = edges.map((): number[] => []);
  edges.forEach((of, from) => {
    for (const to of of.values()) predecessors[to]!.push(from);
  });
  const dominators = edges.map(() => -1);
  dominators[0] = 0;
  const meet = (one: number, other: number): number => {
    let [p, q] = [one, other];
    while (p !== q) {
      while (p > q) p = dominators[p]!;
      while (q > p) q = dominators[q]!;
    }
    return p;
  };
  for (let changed = true; changed;) {
    changed = false;
    for (let node = 1; node < edges.length; node++) {
      const known = predecessors[node]!.filter((it) => dominators[it]! >= 0);
      if (known.length === 0) continue;
      const nearest = known.reduce(meet);
      if (dominators[node] !== nearest) {
        dominators[node] = nearest;
        changed = true;
      }
    }
  }
  return dominators;
}
