/** What is done to a graph between its making and the selection of instructions. */
import { makerFor } from './fold.js';
import { splitBranches, threadBranches } from './thread.js';
import { beginTablesAtZero, makeTables } from './switches.js';
import type { Block, Graph, Value } from './ir.js';
import { endArguments, isPure, isRemovable, newBlock, resolve, successors } from './ir.js';

function mapEnd(block: Block, map: (value: Value) => Value): void {
  const { end } = block;
  if (end.kind === 'branch') end.condition = map(end.condition);
  else if (end.kind === 'table') end.index = map(end.index);
  else if (end.kind === 'return') end.values = end.values.map(map);
}

/** Brings the blocks into reverse postorder, without those that cannot be reached; finds dominators and loops. */
function analyse(graph: Graph): void {
  const entry = graph.blocks[0]!;
  const seen = new Set<Block>([entry]);
  const postorder: Block[] = [];
  const visit = (block: Block): void => {
    // The last successor first: the first then follows its block.
    for (const next of successors(block).reverse()) {
      if (seen.has(next)) continue;
      seen.add(next);
      visit(next);
    }
    postorder.push(block);
  };
  visit(entry);
  const order = postorder.reverse();
  order.forEach((block, i) => {
    block.order = i;
    block.dominator = undefined;
    block.depth = 0;
    const kept = block.preds.map((pred) => seen.has(pred));
    for (const phi of block.phis) phi.args = phi.args.filter((_, n) => kept[n]);
    block.preds = block.preds.filter((_, n) => kept[n]);
  });
  graph.blocks = order;

  // Cooper, Harvey, Kennedy: "A Simple, Fast Dominance Algorithm".
  const meet = (a: Block, b: Block): Block => {
    let [x, y] = [a, b];
    while (x !== y) {
      while (x.order > y.order) x = x.dominator!;
      while (y.order > x.order) y = y.dominator!;
    }
    return x;
  };
  entry.dominator = entry;
  for (let changed = true; changed;) {
    changed = false;
    for (const block of order.slice(1)) {
      const nearest = block.preds.filter((pred) => pred.dominator).reduce(meet);
      if (block.dominator !== nearest) changed = true;
      block.dominator = nearest;
    }
  }

  // Natural loops: back edges go to a block that dominates. Those of one head are one loop.
  for (const head of order) {
    const inside = new Set<Block>([head]);
    const work = head.preds.filter((pred) => dominates(head, pred));
    if (work.length === 0) continue;
    for (let block = work.pop(); block; block = work.pop()) {
      if (inside.has(block)) continue;
      inside.add(block);
      work.push(...block.preds);
    }
    for (const block of inside) block.depth++;
  }
}

/** Whether every way to `b` passes `a`. */
function dominates(a: Block, b: Block): boolean {
  let it = b;
  while (it.order > a.order) it = it.dominator!;
  return it === a;
}

/** Turns branches whose condition is known into jumps, and tables whose index is. */
function settleEnds(graph: Graph): void {
  const drop = (from: Block, to: Block): void => {
    const at = to.preds.indexOf(from);
    to.preds.splice(at, 1);
    for (const phi of to.phis) phi.args.splice(at, 1);
  };
  for (const block of graph.blocks) {
    const { end } = block;
    if (end.kind === 'branch' && end.condition.op === 'const') {
      const [to, other] = end.condition.imm !== 0 ? [end.yes, end.no] : [end.no, end.yes];
      drop(block, other);
      block.end = { kind: 'jump', to };
    } else if (end.kind === 'table' && end.index.op === 'const') {
      const to = end.targets[end.index.imm >>> 0] ?? end.otherwise;
      const all = successors(block);
      all.splice(all.indexOf(to), 1);
      for (const other of all) drop(block, other);
      block.end = { kind: 'jump', to };
    }
  }
}

/** Joins a block with the only one that jumps to it. */
function joinBlocks(graph: Graph): void {
  for (const block of graph.blocks) {
    while (block.end.kind === 'jump' && block.end.to.preds.length === 1 && block.end.to !== block) {
      const next = block.end.to;
      if (next.phis.length > 0) break;
      for (const value of next.body) value.block = block;
      block.body.push(...next.body);
      block.end = next.end;
      for (const after of new Set(successors(next)))
        after.preds = after.preds.map((pred) => (pred === next ? block : pred));
      next.body = [];
      next.end = { kind: 'trap' };
      next.preds = [];
    }
  }
}

/** Makes every value anew from what its arguments became, and one of those that are equal. */
function simplify(graph: Graph): void {
  const equal = new Map<string, Value[]>();
  let changedPhis = true;
  while (changedPhis) {
    changedPhis = false;
    for (const block of graph.blocks) {
      block.phis = block.phis.filter((phi) => {
        phi.args = phi.args.map(resolve);
        const others = new Set(phi.args.filter((it) => it !== phi));
        if (others.size !== 1) return true;
        [phi.same] = others;
        changedPhis = true;
        return false;
      });
    }
  }
  for (const block of graph.blocks) {
    const before = block.body;
    const body: Value[] = [];
    block.body = body;
    const make = makerFor(graph, () => block);
    for (const value of before) {
      value.args = value.args.map(resolve);
      const put = body.length;
      const { op, args, imm, relation, symbol, places } = value;
      const made = make(op, args, { imm, relation, symbol, places });
      value.same = made;
      reuse(body, put);
    }
  }
  for (const block of graph.blocks) {
    for (const value of [...block.phis, ...block.body]) value.args = value.args.map(resolve);
    mapEnd(block, resolve);
  }

  /** Takes an equal value that was there before, for each of those just made. */
  function reuse(body: Value[], put: number): void {
    for (let i = put; i < body.length; i++) {
      const value = body[i]!;
      if (!isPure(value)) continue;
      value.args = value.args.map(resolve);
      const key = [
        value.op,
        value.imm,
        value.relation,
        value.symbol,
        ...value.args.map(({ id }) => id),
      ].join();
      const others = equal.get(key);
      const other = others?.find((it) => dominates(it.block!, value.block!));
      if (other) {
        value.same = other;
        body.splice(i--, 1);
      } else if (others) others.push(value);
      else equal.set(key, [value]);
    }
  }
}

/** Leaves out values that nothing uses. */
function removeUnused(graph: Graph): void {
  const used = new Set<Value>();
  const work: Value[] = [];
  const use = (value: Value): void => {
    if (used.has(value)) return;
    used.add(value);
    work.push(value);
  };
  for (const block of graph.blocks) {
    for (const value of block.body) if (!isRemovable(value)) use(value);
    endArguments(block).forEach(use);
  }
  for (let value = work.pop(); value; value = work.pop()) value.args.forEach(use);
  for (const block of graph.blocks) {
    block.phis = block.phis.filter((it) => used.has(it));
    block.body = block.body.filter((it) => used.has(it));
  }
}

/** Puts a block on each edge from where there are several ways to where several come together. */
function splitEdges(graph: Graph): void {
  for (const block of [...graph.blocks]) {
    if (successors(block).length < 2) continue;
    const between = (to: Block): Block => {
      if (to.preds.length < 2) return to;
      const middle = newBlock(graph);
      middle.end = { kind: 'jump', to };
      middle.preds = [block];
      to.preds[to.preds.indexOf(block)] = middle;
      return middle;
    };
    const { end } = block;
    if (end.kind === 'branch') {
      end.yes = between(end.yes);
      end.no = between(end.no);
    } else if (end.kind === 'table') {
      // One edge for all entries that go the same way: they carry the same values.
      const ways = new Map<Block, Block>();
      for (const to of new Set([...end.targets, end.otherwise])) {
        for (
          let at = to.preds.lastIndexOf(block);
          at !== to.preds.indexOf(block);
          at = to.preds.lastIndexOf(block)
        ) {
          to.preds.splice(at, 1);
          for (const phi of to.phis) phi.args.splice(at, 1);
        }
        ways.set(to, between(to));
      }
      end.targets = end.targets.map((to) => ways.get(to)!);
      end.otherwise = ways.get(end.otherwise)!;
    }
  }
}

const PINNED: ReadonlySet<string> = new Set(['param', 'hi', 'add64', 'sub64', 'umull', 'smull']);

/**
 * Moves what has no effect out of loops, and down to where alone it is used (Click: "Global Code Motion, Global Value
 * Numbering").
 */
function place(graph: Graph): void {
  const usesOf = new Map<Value, Block[]>();
  const addUse = (value: Value, block: Block): void => {
    const list = usesOf.get(value);
    if (list) list.push(block);
    else usesOf.set(value, [block]);
  };
  const movable = (value: Value): boolean => isPure(value) && !PINNED.has(value.op) && value.op !== 'phi';
  for (const block of graph.blocks) {
    for (const phi of block.phis) {
      phi.args.forEach((arg, i) => {
        addUse(arg, block.preds[i]!);
      });
    }
    for (const arg of endArguments(block)) addUse(arg, block);
  }

  // The first block where a value's arguments are all there.
  const earliest = new Map<Value, Block>();
  const entry = graph.blocks[0]!;
  const early = (value: Value): Block => {
    if (!value.block) return entry;
    if (!movable(value)) return value.block;
    let block = earliest.get(value);
    if (!block) {
      block = value.args.map(early).reduce((a, b) => (dominates(a, b) ? b : a), entry);
      earliest.set(value, block);
    }
    return block;
  };
  const best = (value: Value): Block => {
    const users = usesOf.get(value);
    if (!users || !movable(value)) return value.block!;
    const first = early(value);
    let lowest = users[0]!;
    for (const user of users) while (!dominates(lowest, user)) lowest = lowest.dominator!;
    let found = lowest;
    for (let it = lowest; it !== first; it = it.dominator!)
      if (it.dominator!.depth < found.depth) found = it.dominator!;
    return found;
  };

  const arrivals = new Map<Block, Value[]>();
  // Users before what they use: the last block first, and each from its end; what arrived there is used the latest.
  for (const block of [...graph.blocks].reverse()) {
    const arrived = arrivals.get(block) ?? [];
    arrivals.delete(block);
    const kept: Value[] = [];
    for (const value of [...arrived, ...block.body.toReversed()]) {
      const target = best(value);
      value.block = target;
      if (target === block) kept.push(value);
      else arrivals.set(target, [...(arrivals.get(target) ?? []), value]);
      for (const arg of value.args) addUse(arg, target);
    }
    block.body = kept.reverse();
  }
  for (const [block, arrived] of arrivals) block.body.push(...arrived);
  for (const block of graph.blocks) block.body = ordered(block.body);
}

/** Brings values of one block into an order in which each stands behind its arguments. */
function ordered(values: readonly Value[]): Value[] {
  const here = new Set(values);
  const done = new Set<Value>();
  const result: Value[] = [];
  const visit = (value: Value): void => {
    if (done.has(value) || !here.has(value)) return;
    done.add(value);
    value.args.forEach(visit);
    result.push(value);
  };
  values.forEach(visit);
  return result;
}

/** Times that everything is done: what threading leaves is simplified by the next one. */
const ROUNDS = 4;

/** Makes a graph as simple as it gets, and ready for selection: blocks in order, edges split. */
export function optimise(graph: Graph): void {
  for (let round = 0; round < ROUNDS; round++) {
    analyse(graph);
    simplify(graph);
    settleEnds(graph);
    analyse(graph);
    joinBlocks(graph);
    removeUnused(graph);
    if (round === 0) makeTables(graph);
    if (round === ROUNDS - 1) break;
    analyse(graph);
    while (threadBranches(graph, dominates)) analyse(graph);
  }
  splitBranches(graph);
  analyse(graph);
  splitEdges(graph);
  beginTablesAtZero(graph);
  removeUnused(graph);
  analyse(graph);
  place(graph);
}
