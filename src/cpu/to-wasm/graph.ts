/**
 * The blocks of a unit and the ways between them. A function that is called is a part of it for each call by itself, so
 * that it is known where it returns to.
 */
import { knownBlock } from '../blocks.js';
import * as L from '../layout.js';
import { Op } from '../micro-ops.js';
import type { Machine } from '../state.js';
import {
  behind,
  isAlways,
  isBranch,
  isCall,
  isFar,
  isReturn,
  isSkip,
  microOpAt,
  type MicroOp,
} from './micro-op.js';
import { isTranslated } from './operations.js';

/** What a unit has at most. */
export interface Most {
  readonly blocks: number;
  readonly microOps: number;
}
/** How deep functions that are called are part of a unit. */
const DEEPEST = 4;
const PAGE_BYTES = 0x1000;

/** A call that a block is a part of. */
class Frame {
  private readonly calls = new Map<number, Frame>();

  constructor(
    /** The block that the function returns to; 0 where it is not known. */
    readonly back: number,
    /** What called has a frame, too. */
    readonly caller?: Frame,
    readonly depth = 0,
  ) {}

  /** The frame of a call by the branch at an address. */
  call(at: number, back: number): Frame {
    let frame = this.calls.get(at);
    if (!frame) this.calls.set(at, (frame = new Frame(back, this, this.depth + 1)));
    return frame;
  }
}

/** A block as it is reached. */
interface Place {
  readonly block: number;
  readonly frame: Frame;
}

/** A block as it is decoded, for a VARIANT. */
interface Block {
  /** The physical address of its first instruction. */
  readonly physical: number;
  /** What is translated of it, in order: the last one is a branch that is made always, or not translated. */
  readonly microOps: readonly MicroOp[];
  readonly branches: readonly Branch[];
}

/** A branch, where it was found before where it leads. */
interface Branch {
  /** Its address. */
  readonly at: number;
  readonly kind: 'jump' | 'call' | 'return';
  /** The block that it leads to, and of a call the one behind it; 0 where that is not known. */
  readonly target: number;
  readonly back: number;
}

/** A block in a unit. */
export interface Node extends Place, Block {
  /** Where its branches lead, by the branch's address. */
  readonly targets: ReadonlyMap<number, Place>;
}

/** A unit: the node that it is entered at first, the others in reverse postorder. */
export interface Graph {
  readonly nodes: readonly Node[];
  /** By node, where branches go that stay in the unit: by the branch's address, the number of a node. */
  readonly edges: readonly ReadonlyMap<number, number>[];
  /** The node that each one can be reached through alone, of the nearest; the first node's is itself. */
  readonly dominators: readonly number[];
}

/** The physical address of a block's first instruction. */
export const physicalOf = ({ u32 }: Machine, block: number): number =>
  u32[(block + L.TO_TRANSLATION + L.OP_OFFSET) >>> 2]!;

/** The block that a branch led to last; 0 where that is not known, or is not decoded so any more. */
function lastTarget(m: Machine, { op, ext }: MicroOp, variant: number): number {
  if (ext === 0 || op === Op.LDM_PC) return 0;
  const block = microOpAt(m, ext).op === Op.TRANSLATED ? ext - L.TO_TRANSLATION : ext;
  return knownBlock(m, physicalOf(m, block), variant) === block ? block : 0;
}

/** Where the branch leads that is the last micro-op of an instruction in a physical page. */
function branchOf(m: Machine, page: number, instruction: readonly MicroOp[], variant: number): Branch {
  const branch = instruction.at(-1)!;
  const { at, ext, imm } = branch;
  if (isReturn(instruction)) return { at, kind: 'return', target: 0, back: 0 };
  let target = 0;
  if (isFar(branch.op)) target = lastTarget(m, branch, variant);
  else target = ext % 2 === 0 ? ext : knownBlock(m, (ext >>> 1) * PAGE_BYTES + imm, variant);
  if (!isCall(instruction)) return { at, kind: 'jump', target, back: 0 };
  const next = behind(branch);
  const back = next < PAGE_BYTES ? knownBlock(m, page + next, variant) : 0;
  return { at, kind: 'call', target, back };
}

/** Reads a block up to where the translation of it ends. */
function readBlock(m: Machine, block: number, variant: number): Block {
  const physical = physicalOf(m, block);
  const page = physical - (physical % PAGE_BYTES);
  const microOps: MicroOp[] = [];
  const branches: Branch[] = [];
  let [skippedTo, begins] = [0, 0];
  for (let at = block; ; at += L.OP_SIZE) {
    const it = microOpAt(m, at);
    if (it.position !== microOps.at(-1)?.position) begins = microOps.length;
    microOps.push(it);
    const isSkipped = at < skippedTo;
    if (isSkip(it.op)) skippedTo = Math.max(skippedTo, at + L.OP_SIZE + it.imm);
    else if (isBranch(it.op)) branches.push(branchOf(m, page, microOps.slice(begins), variant));
    else if (isTranslated(it)) continue;
    else if (!isSkipped) break;
    if (isAlways(it.op) && !isSkipped) break;
  }
  return { physical, microOps, branches };
}

/** Blocks of a VARIANT that units are made of, each read once. */
export class Blocks {
  private readonly read = new Map<number, Block>();

  constructor(
    private readonly m: Machine,
    readonly variant: number,
  ) {}

  get(block: number): Block {
    let found = this.read.get(block);
    if (!found) this.read.set(block, (found = readBlock(this.m, block, this.variant)));
    return found;
  }
}

/** Where a branch of a block leads; undefined where that is not known. */
function placeOf({ at, kind, target, back }: Branch, frame: Frame): Place | undefined {
  if (kind === 'return')
    return frame.caller && frame.back !== 0 ? { block: frame.back, frame: frame.caller } : undefined;
  if (target === 0) return undefined;
  if (kind === 'jump') return { block: target, frame };
  return frame.depth === DEEPEST ? undefined : { block: target, frame: frame.call(at, back) };
}

function nodeOf(blocks: Blocks, { block, frame }: Place): Node {
  const found = blocks.get(block);
  const targets = new Map<number, Place>();
  for (const branch of found.branches) {
    const place = placeOf(branch, frame);
    if (place) targets.set(branch.at, place);
  }
  return { ...found, block, frame, targets };
}

/**
 * The blocks of the loop that begins with one, but for what it calls, by what leads to what; none where it is not what
 * a branch further down leads back to.
 */
function outlineOf(blocks: Blocks, head: number, most: Most): Set<number> {
  const sources = new Map<number, number[]>([[head, []]]);
  const first = blocks.get(head).physical;
  let isLoop = false;
  for (const block of sources.keys()) {
    const { physical, branches } = blocks.get(block);
    for (const { kind, target, back } of branches) {
      const to = kind === 'call' ? back : target;
      if (to === 0 || (sources.size >= most.blocks && !sources.has(to))) continue;
      if (to === head && physical >= first) isLoop = true;
      const known = sources.get(to);
      if (known) known.push(block);
      else sources.set(to, [block]);
    }
  }
  const outline = new Set<number>();
  if (!isLoop) return outline;
  outline.add(head);
  for (const block of outline) for (const source of sources.get(block)!) outline.add(source);
  return outline;
}

/** Nodes by their blocks and frames. */
class Nodes {
  private readonly byFrame = new Map<Frame, Map<number, Node>>();
  size = 0;

  list(): Node[] {
    return [...this.byFrame.values()].flatMap((it) => [...it.values()]);
  }

  get({ block, frame }: Place): Node | undefined {
    return this.byFrame.get(frame)?.get(block);
  }

  add(node: Node): void {
    const { block, frame } = node;
    const known = this.byFrame.get(frame);
    if (known) known.set(block, node);
    else this.byFrame.set(frame, new Map([[block, node]]));
    this.size++;
  }
}

/** Finds the blocks that a block leads to, nearest first. @param outline those that are not called, which come first */
function collect(blocks: Blocks, head: Place, most: Most, outline?: ReadonlySet<number>): Nodes {
  const { frame } = head;
  const nodes = new Nodes();
  const found = [head, ...[...(outline ?? [])].map((block): Place => ({ block, frame }))];
  let microOps = 0;
  for (const place of found) {
    if (nodes.size >= most.blocks || microOps >= most.microOps) break;
    if (nodes.get(place) || (outline && place.frame === frame && !outline.has(place.block))) continue;
    const node = nodeOf(blocks, place);
    nodes.add(node);
    microOps += node.microOps.length;
    found.push(...node.targets.values());
  }
  return nodes;
}

/** Those that lead to the head, as far as they are known. */
function loopOf(all: Nodes, head: Place): Nodes {
  const sources = new Map<Node, Node[]>(all.list().map((node) => [node, []]));
  for (const node of sources.keys())
    for (const target of node.targets.values()) {
      const to = all.get(target);
      if (to) sources.get(to)!.push(node);
    }
  const loop = new Nodes();
  const found = [...sources.get(all.get(head)!)!];
  for (const node of found) {
    if (loop.get(node)) continue;
    loop.add(node);
    found.push(...sources.get(node)!);
  }
  return loop;
}

/**
 * The unit of a hot block: a loop that begins with it; undefined where it begins none, unless it is wanted without: to
 * enter a unit and to leave it would take longer than the interpreter.
 */
export function graphOf(blocks: Blocks, head: number, withoutLoops: boolean, most: Most): Graph | undefined {
  const first: Place = { block: head, frame: new Frame(0) };
  if (withoutLoops) return graphOfNodes(collect(blocks, first, most), first);
  const outline = outlineOf(blocks, head, most);
  if (outline.size === 0) return undefined;
  const graph = graphOfNodes(loopOf(collect(blocks, first, most, outline), first), first);
  return graph.edges.some((of) => [...of.values()].includes(0)) ? graph : undefined;
}

function graphOfNodes(collected: Nodes, first: Place): Graph {
  const nodes = reversePostorder(collected, first);
  const numbers = new Map(nodes.map((node, i) => [node, i]));
  const edges = nodes.map(
    ({ targets }) =>
      new Map(
        [...targets].flatMap(([at, target]) => {
          const node = collected.get(target);
          return node ? [[at, numbers.get(node)!]] : [];
        }),
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

function reversePostorder(nodes: Nodes, head: Place): Node[] {
  const order: Node[] = [];
  const seen = new Set<Node>();
  const visit = (place: Place): void => {
    const node = nodes.get(place);
    if (!node || seen.has(node)) return;
    seen.add(node);
    for (const target of [...node.targets.values()].reverse()) visit(target);
    order.push(node);
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
