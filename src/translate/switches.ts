/**
 * Chains of comparisons of one value with constants, as compilers make of a sparse switch, become jump tables; tables
 * for values from a small one on begin at 0. Where the constants are some number of words apart, as registers of devices
 * are, an entry is for a word.
 */
import { makerFor } from './fold.js';
import type { Block, Graph, Value } from './ir.js';
import { constant, endArguments, isConstant, newBlock } from './ir.js';

/** Comparisons from which on a table is shorter. */
const FEWEST = 4;
/** Words of table for each comparison that are not too many. */
const SPARSEST = 8;
/** Words in front of a table that are not too many for a subtraction less. */
const MOST_IN_FRONT = 4;

/** Log 2 of the bytes of a word. */
const WORD = 2;

interface Case {
  readonly value: number;
  readonly from: Block;
  readonly to: Block;
}

/** A block's end as one comparison with a constant: which value, and where it goes. */
function comparison({
  end,
}: Block): { subject: Value; value: number; equal: Block; other: Block } | undefined {
  if (end.kind !== 'branch' || end.yes === end.no) return undefined;
  const { op, relation, args } = end.condition;
  const [subject, c] = args;
  if (op !== 'cmp' || !isConstant(c) || (relation !== 'eq' && relation !== 'ne')) return undefined;
  const [equal, other] = relation === 'eq' ? [end.yes, end.no] : [end.no, end.yes];
  return { subject: subject!, value: c.imm, equal, other };
}

/** Turns the chains of a graph into tables. */
export function makeTables(graph: Graph): void {
  const uses = new Map<Value, number>();
  for (const block of graph.blocks)
    for (const value of [...block.phis, ...block.body]
      .flatMap(({ args }) => args)
      .concat(endArguments(block)))
      uses.set(value, (uses.get(value) ?? 0) + 1);
  /** Whether a block does nothing but compare. */
  const onlyCompares = (block: Block): boolean =>
    block.preds.length === 1 &&
    block.phis.length === 0 &&
    block.body.every((it) => block.end.kind === 'branch' && it === block.end.condition && uses.get(it) === 1);

  const taken = new Set<Block>();
  for (const head of [...graph.blocks]) {
    const first = comparison(head);
    if (!first || taken.has(head)) continue;
    const cases: Case[] = [];
    let [block, next] = [head, comparison(head)];
    let otherwise = head;
    while (
      next?.subject === first.subject &&
      (cases.length === 0 || (block !== head && onlyCompares(block)))
    ) {
      cases.push({ value: next.value, from: block, to: next.equal });
      otherwise = next.other;
      [block, next] = [otherwise, comparison(otherwise)];
    }
    const last = cases.at(-1)!.from;
    const values = cases.map(({ value }) => value);
    const least = values.reduce((a, b) => Math.min(a, b));
    const distance = values.reduce((a, b) => Math.max(a, b)) - least;
    // Rotated, any other distance is beyond the table's end.
    const step = values.every((it) => ((it - least) & ((1 << WORD) - 1)) === 0) ? WORD : 0;
    const span = (distance >>> step) + 1;
    if (cases.length < FEWEST || span > SPARSEST * cases.length) continue;

    for (const { from } of cases) taken.add(from);
    const targets = new Map<number, Block>();
    for (const { value, from, to } of cases) {
      // A block of its own for each way: phis behind it see where they came from.
      const way = detour(graph, from, to, head);
      // The first comparison with a constant decides.
      if (!targets.has(value)) targets.set(value, way);
    }
    const rest = detour(graph, last, otherwise, head);
    const make = makerFor(graph, () => head);
    const base = make('add', [first.subject, constant(graph, -least)]);
    const index = step === 0 ? base : make('ror', [base, constant(graph, step)]);
    const table = Array.from({ length: span }, (_, i) => targets.get(least + (i << step)) ?? rest);
    head.end = { kind: 'table', index, targets: table, otherwise: rest };
    const ways = [...table, rest];
    for (const way of new Set(ways)) way.preds = ways.filter((it) => it === way).map(() => head);
  }
}

/** Has tables begin at 0 whose index is of a value less a small number. One edge is for all entries that go the same way. */
export function beginTablesAtZero(graph: Graph): void {
  for (const { end } of graph.blocks) {
    if (end.kind !== 'table') continue;
    const rotation = end.index.op === 'ror' ? end.index : undefined;
    const [base, by] = rotation?.args ?? [end.index];
    const [value, c] = base!.args;
    if (base!.op !== 'add' || !isConstant(c) || (by && !isConstant(by))) continue;
    const entries = -c.imm / (1 << (by?.imm ?? 0));
    if (!Number.isInteger(entries) || entries <= 0 || entries > MOST_IN_FRONT) continue;
    if (rotation) rotation.args[0] = value!;
    else end.index = value!;
    end.targets = [...new Array<Block>(entries).fill(end.otherwise), ...end.targets];
  }
}

/** A block on the way from one block to another, to be reached from `head` instead. */
function detour(graph: Graph, from: Block, to: Block, head: Block): Block {
  const way = newBlock(graph);
  way.end = { kind: 'jump', to };
  way.preds = [head];
  to.preds[to.preds.indexOf(from)] = way;
  return way;
}
