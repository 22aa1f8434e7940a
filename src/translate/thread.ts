/**
 * Jump threading: who comes to a branch whose outcome is settled on the way goes where it leads, and who brings a
 * comparison of its own branches by that. `a && b` of functions that were put in place gives such branches: the one
 * side brings 0, the other b.
 */
import { makerFor } from './fold.js';
import type { Block, Graph, Value } from './ir.js';
import {
  constant,
  countUses,
  holds,
  implies,
  inverse,
  isBoolean,
  isConstant,
  neighbour,
  newBlock,
  successors,
  swapped,
} from './ir.js';
import type { Relation } from './ir.js';

/** A block that only asks for one of its phis, compared with a constant, and branches. */
interface Junction {
  readonly block: Block;
  readonly phi: Value;
  readonly yes: Block;
  readonly no: Block;
  /** Whether the branch goes to `yes` for a constant. */
  readonly outcome: (value: number) => boolean;
}

/** What a block's successors' phis get from it. */
const given = (block: Block): Value[] =>
  [...new Set(successors(block))].flatMap((next) =>
    next.phis.flatMap(({ args }) => args.filter((_, i) => next.preds[i] === block)),
  );

/** The junction that a block is, if it is one: whoever goes around it misses nothing that it does or makes. */
function junctionOf(
  block: Block,
  uses: ReadonlyMap<Value, number>,
  dominates: Dominates,
): Junction | undefined {
  const { end, body, phis, preds } = block;
  if (end.kind !== 'branch' || phis.length === 0 || end.yes === end.no) return undefined;
  // Into a loop there is one way.
  if (preds.some((pred) => dominates(block, pred))) return undefined;
  const { condition, yes, no } = end;
  const [a, b] = condition.args;
  const compares = condition.op === 'cmp' && isConstant(b) && body.length === 1 && body[0] === condition;
  const phi = compares ? a! : condition;
  if ((!compares && body.length > 0) || !phis.includes(phi)) return undefined;
  const passed = given(block);
  const usesHere = (value: Value): number =>
    passed.filter((it) => it === value).length + (value === phi ? 1 : 0);
  if (compares && uses.get(condition) !== 1) return undefined;
  if (phis.some((it) => uses.get(it) !== usesHere(it))) return undefined;
  const outcome = (value: number): boolean =>
    compares ? holds(condition.relation!, value, b.imm) : value !== 0;
  return { block, phi, yes, no, outcome };
}

type Dominates = (a: Block, b: Block) => boolean;

/** Makes `from` a block before `to`, whose phis get what the junction's edge gave, as it is on this way. */
function enter(from: Block, to: Block, { block, phi }: Junction, at: number, known: Value | undefined): void {
  const edge = to.preds.indexOf(block);
  to.preds.push(from);
  for (const it of to.phis) {
    const value = it.args[edge]!;
    const own = block.phis.indexOf(value);
    it.args.push(value === phi && known ? known : own < 0 ? value : block.phis[own]!.args[at]!);
  }
}

/** Takes one of the junction's edges away. */
function leave({ block }: Junction, at: number): void {
  block.preds.splice(at, 1);
  for (const phi of block.phis) phi.args.splice(at, 1);
}

/** Sends who comes with a constant where that leads, and has who comes with a comparison branch by it. */
function thread(graph: Graph, junction: Junction, uses: ReadonlyMap<Value, number>): boolean {
  const { block, phi, yes, no, outcome } = junction;
  const brings = (from: Block, value: Value): boolean =>
    from.end.kind === 'jump' && isBoolean(value) && uses.get(value) === 1 && value.block === from;
  let isChanged = false;
  for (let at = block.preds.length - 1; at >= 0; at--) {
    const from = block.preds[at]!;
    const value = phi.args[at]!;
    // Entries of a table that go the same way carry the same values.
    if (from.end.kind === 'table' || block.preds.indexOf(from) !== block.preds.lastIndexOf(from)) continue;
    if (isConstant(value)) {
      const to = outcome(value.imm) ? yes : no;
      enter(from, to, junction, at, value);
      const { end } = from;
      const around = (it: Block): Block => (it === block ? to : it);
      if (end.kind === 'jump') end.to = to;
      else if (end.kind === 'branch') Object.assign(end, { yes: around(end.yes), no: around(end.no) });
    } else if (brings(from, value) && outcome(1) !== outcome(0)) {
      const relation = outcome(1) ? 'ne' : 'eq';
      const condition = makerFor(graph, () => from)('cmp', [value, constant(graph, 0)], { relation });
      for (const to of [yes, no])
        enter(from, to, junction, at, constant(graph, (to === yes) === outcome(1) ? 1 : 0));
      from.end = { kind: 'branch', condition, yes, no };
    } else continue;
    leave(junction, at);
    isChanged = true;
  }
  return isChanged;
}

/**
 * Threads jumps; what is left of junctions that nobody comes to any more is gone with the next analysis.
 * @param dominates as the last analysis found it; it has to be made anew where this gives true
 */
export function threadBranches(graph: Graph, dominates: Dominates): boolean {
  const uses = countUses(graph);
  for (const block of graph.blocks) {
    const junction = junctionOf(block, uses, dominates);
    if (junction && thread(graph, junction, uses)) return true;
  }
  return false;
}

/** The relations by which a comparison can be tested, each by one instruction. */
function relationsOf({ op, relation, args: [, b] }: Value): Relation[] {
  if (op === 'cmp64') return [relation!];
  const other = isConstant(b) ? neighbour(relation!, b.imm)?.[0] : swapped(relation!);
  return other ? [relation!, other] : [relation!];
}

const isComparison = ({ op }: Value): boolean => op === 'cmp' || op === 'cmp64';

/** Whether the second of two comparisons can be made under the first one's condition, so that one branch does for both. */
function isOneTest(op: 'and' | 'or', first: Value, second: Value): boolean {
  if (!isComparison(first) || second.op !== 'cmp') return false;
  const wanted = (it: Value): Relation[] => (op === 'and' ? relationsOf(it) : relationsOf(it).map(inverse));
  return wanted(first).some((a) => wanted(second).some((b) => implies(b, a)));
}

/**
 * Has branches by two conditions that would have to be made numbers first branch by one, then by the other. Needs an
 * analysis afterwards.
 */
export function splitBranches(graph: Graph): void {
  const uses = countUses(graph);
  const work = [...graph.blocks];
  for (let block = work.pop(); block; block = work.pop()) {
    const { end } = block;
    if (end.kind !== 'branch' || uses.get(end.condition) !== 1) continue;
    const { op, args } = end.condition;
    const [a, b] = args as [Value, Value];
    if (op === 'xor' && isBoolean(a) && isConstant(b) && b.imm === 1) {
      block.end = { ...end, condition: a, yes: end.no, no: end.yes };
      work.push(block);
      continue;
    }
    if (op !== 'and' && op !== 'or') continue;
    if (op === 'and' ? !args.every(isBoolean) : !args.some(isBoolean)) continue;
    if (isConstant(b) || isOneTest(op, a, b) || isOneTest(op, b, a)) continue;
    const second = newBlock(graph);
    second.preds = [block];
    second.end = { ...end, condition: b };
    const [shared, other] = op === 'or' ? [end.yes, end.no] : [end.no, end.yes];
    other.preds[other.preds.indexOf(block)] = second;
    const edge = shared.preds.indexOf(block);
    shared.preds.push(second);
    for (const phi of shared.phis) phi.args.push(phi.args[edge]!);
    block.end = op === 'or' ? { ...end, condition: a, no: second } : { ...end, condition: a, yes: second };
    work.push(block, second);
  }
}
