/**
 * What is done to blocks when their registers are known: jumps to jumps go, short branches become conditional
 * instructions, loops are tested at their end, calls at the end of a function become jumps.
 */
import type { Condition } from '../isa/registers.js';
import { implies, neighbour } from './ir.js';
import type { Relation } from './ir.js';
import type { Instruction, MachineBlock, MachineEnd, MachineFunction } from './machine.js';
import { invert, isImmediate, isVirtual, machineSuccessors, mapInstruction, only } from './machine.js';

function predecessors(fn: MachineFunction): Map<MachineBlock, MachineBlock[]> {
  const found = new Map<MachineBlock, MachineBlock[]>(fn.blocks.map((block) => [block, []]));
  for (const block of fn.blocks) for (const next of machineSuccessors(block)) found.get(next)!.push(block);
  return found;
}

function redirect(end: MachineEnd, map: (to: MachineBlock) => MachineBlock): MachineEnd {
  switch (end.kind) {
    case 'jump':
      return { kind: 'jump', to: map(end.to) };
    case 'branch': {
      const [yes, no] = [map(end.yes), map(end.no)];
      return yes === no ? { kind: 'jump', to: yes } : { ...end, yes, no };
    }
    case 'table':
      return { ...end, targets: end.targets.map(map), otherwise: map(end.otherwise) };
    default:
      return end;
  }
}

/** Goes past blocks that only jump. */
function threadJumps(fn: MachineFunction): void {
  const final = (block: MachineBlock): MachineBlock => {
    const seen = new Set<MachineBlock>();
    let it = block;
    while (it.code.length === 0 && it.end.kind === 'jump' && !seen.has(it)) {
      seen.add(it);
      it = it.end.to;
    }
    return it;
  };
  for (const block of fn.blocks) block.end = redirect(block.end, final);
}

/** Drops blocks that nothing goes to, and joins those with one way between them. */
function mergeBlocks(fn: MachineFunction): void {
  const reached = new Set<MachineBlock>();
  const work = [fn.blocks[0]!];
  for (let block = work.pop(); block; block = work.pop()) {
    if (reached.has(block)) continue;
    reached.add(block);
    work.push(...machineSuccessors(block));
  }
  fn.blocks = fn.blocks.filter((it) => reached.has(it));
  const before = predecessors(fn);
  const gone = new Set<MachineBlock>();
  for (const block of fn.blocks) {
    if (gone.has(block)) continue;
    while (block.end.kind === 'jump' && block.end.to !== block && before.get(block.end.to)!.length === 1) {
      const next = block.end.to;
      block.code.push(...next.code);
      block.end = next.end;
      gone.add(next);
    }
  }
  fn.blocks = fn.blocks.filter((it) => !gone.has(it));
}

/** Operations whose flag-setting form says of the result what a comparison with 0 would say: N and Z. */
const SETS_FLAGS: ReadonlySet<string> = new Set([
  ...['and', 'orr', 'eor', 'bic', 'add', 'sub', 'rsb', 'mvn', 'lsl', 'lsr', 'asr', 'mul', 'mla'],
]);
const BY_SIGN: Readonly<Partial<Record<Condition, Condition>>> = { eq: 'eq', ne: 'ne', lt: 'mi', ge: 'pl' };

/** Lets an operation set the flags itself where its result is compared with 0 next. */
function fuseFlags({ blocks }: MachineFunction): void {
  for (const block of blocks) {
    for (let i = block.code.length - 1; i > 0; i--) {
      const { name, operands, condition } = block.code[i]!;
      const before = block.code[i - 1]!;
      if (name !== 'cmp' || operands[1] !== 0 || condition || before.condition) continue;
      if (!SETS_FLAGS.has(before.name) || before.operands[0] !== operands[0]) continue;
      // Everyone who looks at the flags, up to the next who sets them.
      const rest = block.code.slice(i + 1);
      const end = rest.findIndex((it) => it.flags && !it.condition);
      const readers = (end < 0 ? rest : rest.slice(0, end)).filter((it) => it.condition);
      const last = end < 0 && block.end.kind === 'branch' ? block.end : undefined;
      const conditions = [...readers.map((it) => it.condition!), ...(last ? [last.condition] : [])];
      if (!conditions.every((it) => BY_SIGN[it]) || readers.some((it) => it.flags)) continue;
      for (const it of readers) it.condition = BY_SIGN[it.condition!];
      if (last) last.condition = BY_SIGN[last.condition]!;
      block.code.splice(i - 1, 2, { ...before, name: `${before.name}s`, flags: true });
    }
  }
}

const isComparison = ({ name, condition }: Instruction): boolean =>
  !condition && (name === 'cmp' || name === 'cmn' || name === 'tst');

/** The way from a branch to one of its targets, as a condition. */
const conditionTo = (end: MachineEnd & { kind: 'branch' }, to: MachineBlock): Condition =>
  end.yes === to ? end.condition : invert(end.condition);

/** Two comparisons one after the other that can go to the same place become one branch: the second is conditional. */
function mergeComparisons(fn: MachineFunction): boolean {
  const before = predecessors(fn);
  for (const block of fn.blocks) {
    const { end } = block;
    if (end.kind !== 'branch') continue;
    for (const second of [end.no, end.yes]) {
      const shared = second === end.no ? end.yes : end.no;
      const [comparison, ...more] = second.code;
      if (!comparison || more.length > 0 || !isComparison(comparison) || before.get(second)!.length > 1)
        continue;
      if (second.end.kind !== 'branch' || (second.end.yes !== shared && second.end.no !== shared)) continue;
      const [first, wanted] = [conditionTo(end, shared), conditionTo(second.end, shared)];
      const other = second.end.yes === shared ? second.end.no : second.end.yes;
      const found = alternatives(comparison, wanted).find(([, condition]) =>
        implies(first as Relation, condition as Relation),
      );
      if (!found) continue;
      block.code.push({ ...found[0], condition: invert(first) });
      block.end = { kind: 'branch', condition: found[1], yes: shared, no: other };
      return true;
    }
  }
  return false;
}

/** A comparison and its condition, also as one with the next constant. */
function alternatives(comparison: Instruction, condition: Condition): [Instruction, Condition][] {
  const [register, constant] = comparison.operands;
  const found: [Instruction, Condition][] = [[comparison, condition]];
  if (comparison.name !== 'cmp' || typeof constant !== 'number') return found;
  const other = neighbour(condition as Relation, constant | 0);
  if (other && isImmediate(other[1]))
    found.push([{ ...comparison, operands: [register!, other[1] >>> 0] }, other[0]]);
  return found;
}

/** Instructions that have no condition, or that change the flags under those that follow. */
const UNCONDITIONAL: ReadonlySet<string> = new Set([
  ...['dsb', 'dmb', 'isb', 'cpsid', 'cpsie', 'clrex', 'bl', 'wfe', 'wfi'],
]);
const canBeConditional = (code: readonly Instruction[]): boolean =>
  code.every((it) => !it.flags && !it.condition && !it.inline && !UNCONDITIONAL.has(it.name));

/** Instructions that are cheaper to be passed over one by one than by a branch. */
const SHORT = 2;
/** Instructions of both sides together that are cheaper than a branch and a jump. */
const SHORT_BOTH = 3;

/** Makes the instructions of short branches conditional. */
function predicate(fn: MachineFunction): boolean {
  const before = predecessors(fn);
  const under = (code: readonly Instruction[], condition: Condition): Instruction[] =>
    code.map((it) => only(condition, it));
  for (const block of fn.blocks) {
    const { end } = block;
    if (end.kind !== 'branch') continue;
    const { yes, no, condition } = end;
    /** Where a side goes on to, if its instructions can be conditional. */
    const after = (it: MachineBlock): MachineBlock | undefined => {
      const simple = it !== block && before.get(it)!.length === 1 && canBeConditional(it.code);
      return simple && it.end.kind === 'jump' ? it.end.to : undefined;
    };
    for (const [side, other, when] of [
      [yes, no, condition],
      [no, yes, invert(condition)],
    ] as const) {
      if (after(side) !== other || side.code.length > SHORT) continue;
      block.code.push(...under(side.code, when));
      block.end = { kind: 'jump', to: other };
      return true;
    }
    const join = after(yes);
    if (!join || after(no) !== join || yes.code.length + no.code.length > SHORT_BOTH) continue;
    block.code.push(...under(yes.code, condition), ...under(no.code, invert(condition)));
    block.end = { kind: 'jump', to: join };
    return true;
  }
  return false;
}

/** Instructions that are worth having twice to save a jump. */
const COPIED = 4;

/** Puts a copy of what is jumped to in the jump's place: the test of a loop at its end, a return where it is reached. */
function copyEnds(fn: MachineFunction): void {
  const order = new Map(fn.blocks.map((block, i) => [block, i]));
  const before = predecessors(fn);
  for (const block of fn.blocks) {
    if (block.end.kind !== 'jump') continue;
    const { to } = block.end;
    if (to === block || to.code.length > COPIED || before.get(to)!.length < 2) continue;
    const backwards = order.get(to)! <= order.get(block)!;
    const copied =
      (to.end.kind === 'branch' && backwards) || to.end.kind === 'return' || to.end.kind === 'tail';
    if (!copied || to.code.some((it) => it.inline)) continue;
    block.code.push(...to.code);
    block.end = { ...to.end };
  }
}

/** Makes a call that a function ends with a jump: the callee returns for it. */
function tailCalls(fn: MachineFunction): void {
  if (fn.outgoing > 0) return;
  for (const block of fn.blocks) {
    const last = block.code.at(-1);
    if (block.end.kind !== 'return' || last?.name !== 'bl' || last.condition !== undefined) continue;
    const { symbol } = last.operands[0] as { symbol: string };
    block.code.pop();
    block.end = { kind: 'tail', symbol, uses: last.uses };
  }
}

/** Brings blocks into an order in which as many as can be follow those that go to them; traps come last. */
function arrange(fn: MachineFunction): void {
  const placed = new Set<MachineBlock>();
  const order: MachineBlock[] = [];
  const before = predecessors(fn);
  // Into loops first; what others go to as well is left to them.
  const rank = (block: MachineBlock): number => 2 * block.depth + (before.get(block)!.length === 1 ? 1 : 0);
  const rest = [...fn.blocks.filter(({ end }) => end.kind !== 'trap'), ...fn.blocks];
  for (const start of [fn.blocks[0]!, ...rest]) {
    let block: MachineBlock | undefined = placed.has(start) ? undefined : start;
    while (block) {
      placed.add(block);
      order.push(block);
      const nexts: MachineBlock[] = block.end.kind === 'table' ? [] : machineSuccessors(block);
      block = nexts
        .filter((it) => !placed.has(it) && it.end.kind !== 'trap')
        .sort((a, b) => rank(b) - rank(a))[0];
    }
  }
  fn.blocks = order;
}

/** Instructions that read registers which are not among their operands, or cannot be others. */
const FIXED: ReadonlySet<string> = new Set(['bl', 'svc', 'ldrd', 'strd']);

const copiesToItself = ({ name, operands: [to, from, shift] }: Instruction): boolean =>
  name === 'mov' && shift === undefined && isVirtual(to) && isVirtual(from) && to.virtual === from.virtual;

/** Copies made before a block's end to registers that only the block's own later instructions read are read through. */
function readThroughCopies({ blocks }: MachineFunction): void {
  for (const block of blocks) {
    block.code.forEach((copy, i) => {
      if (copy.name !== 'mov' || copy.condition || copy.operands.length !== 2) return;
      const [to, from] = copy.operands;
      if (!isVirtual(to) || !isVirtual(from)) return;
      for (let n = i + 1; n < block.code.length; n++) {
        const it = block.code[n]!;
        const fixed = it.defs.includes(to) || it.inline || FIXED.has(it.name);
        if (!fixed && it.uses.includes(to))
          block.code[n] = mapInstruction(it, (register) => (register === to ? from : register));
        if (it.defs.includes(to) || it.defs.includes(from)) return;
      }
    });
    block.code = block.code.filter((it) => !copiesToItself(it));
  }
}

/** Improves and orders the blocks of a function whose registers are chosen. */
export function layOut(fn: MachineFunction): void {
  const tidy = (): void => {
    threadJumps(fn);
    mergeBlocks(fn);
  };
  tidy();
  readThroughCopies(fn);
  fuseFlags(fn);
  while (mergeComparisons(fn) || predicate(fn)) tidy();
  tailCalls(fn);
  copyEnds(fn);
  tidy();
  arrange(fn);
}
