/**
 * The intermediate form: a control-flow graph of basic blocks in static single assignment. Every value is one 32-bit
 * word; a 64-bit number is two of them, and operations that give two have the second taken out by `hi`.
 */

/** A relation as the processor's condition codes have it: hs, lo, hi, ls are unsigned; ge, lt, gt, le signed. */
export type Relation = 'eq' | 'ne' | 'hs' | 'lo' | 'hi' | 'ls' | 'ge' | 'lt' | 'gt' | 'le';

/** Operations without effect: the same arguments give the same value. */
export type PureOp =
  /** A constant, `imm`, as a signed number. */
  | 'const'
  /** The address of the symbol `symbol`. */
  | 'address'
  /** The function's word `imm`, counted as the procedure call standard places them. */
  | 'param'
  | 'phi'
  | 'add'
  | 'sub'
  | 'mul'
  | 'and'
  | 'or'
  | 'xor'
  /** Shifts by the low byte of the amount, as the processor has them: 32 and more shift everything out. */
  | 'shl'
  | 'shr'
  | 'sar'
  /** Rotation right by the amount modulo 32. */
  | 'ror'
  | 'clz'
  | 'rbit'
  | 'rev'
  | 'sxtb'
  | 'sxth'
  /** Quotients as the processor has them: 0 where the divisor is 0. */
  | 'udiv'
  | 'sdiv'
  /** 1 where the relation holds, else 0. */
  | 'cmp'
  /** The same of two 64-bit numbers: low, high, low, high. */
  | 'cmp64'
  /** The second argument where the first is not 0, else the third. */
  | 'select'
  /** 64-bit results: products of two words; sum and difference of low, high, low, high. */
  | 'umull'
  | 'smull'
  | 'add64'
  | 'sub64'
  /** The high half of what the argument gives. */
  | 'hi';

export type LoadOp = 'load' | 'load8u' | 'load8s' | 'load16u' | 'load16s';
export type StoreOp = 'store' | 'store8' | 'store16';

/** Loads have an address and a constant offset `imm`; stores the value behind the address. */
export type EffectOp = LoadOp | StoreOp | 'call' | 'intrinsic';

export type Op = PureOp | EffectOp;

/** A value, and the operation that gives it. */
export interface Value {
  readonly id: number;
  op: Op;
  args: Value[];
  imm: number;
  relation: Relation | undefined;
  /** Of calls: where each argument goes. Of calls, intrinsics and addresses: the name. */
  symbol: string;
  places: readonly Place[];
  block: Block | undefined;
  /** The value it was found to equal; see `resolve`. */
  same: Value | undefined;
}

/** Where the procedure call standard puts a word: in a core register, or on the stack at an offset from SP. */
export type Place = { readonly register: number } | { readonly stack: number };

export type Terminator =
  | { kind: 'jump'; to: Block }
  | { kind: 'branch'; condition: Value; yes: Block; no: Block }
  | { kind: 'table'; index: Value; targets: Block[]; otherwise: Block }
  | { kind: 'return'; values: Value[] }
  | { kind: 'trap' };

/** A basic block. */
export interface Block {
  readonly id: number;
  phis: Value[];
  body: Value[];
  end: Terminator;
  preds: Block[];
  /** The nearest block that every way here passes, and how many loops it is in; see `analyse`. */
  dominator: Block | undefined;
  order: number;
  depth: number;
}

/** A function under translation. */
export interface Graph {
  readonly name: string;
  /** Blocks in no order until `analyse`; the first is the entry. */
  blocks: Block[];
  readonly constants: Map<number, Value>;
  ids: number;
}

/** What a value really is, after replacements. */
export function resolve(value: Value): Value {
  let it = value;
  while (it.same) it = it.same;
  return it;
}

/** What a new value can be given. */
export type NewValue = Partial<Pick<Value, 'imm' | 'relation' | 'symbol' | 'places' | 'block'>>;

/** Makes a value, in no block yet unless one is given. */
export function newValue(
  graph: Graph,
  op: Op,
  args: Value[],
  { imm = 0, relation, symbol = '', places = [], block }: NewValue = {},
): Value {
  return { id: graph.ids++, op, args, imm, relation, symbol, places, block, same: undefined };
}

/** The constant `value`, any number of which the low 32 bits count. */
export function constant(graph: Graph, value: number): Value {
  const imm = value | 0;
  let it = graph.constants.get(imm);
  if (!it) graph.constants.set(imm, (it = newValue(graph, 'const', [], { imm })));
  return it;
}

/** Makes a block, which ends in a trap until it is given an end. */
export function newBlock(graph: Graph): Block {
  const block: Block = {
    id: graph.ids++,
    phis: [],
    body: [],
    end: { kind: 'trap' },
    preds: [],
    dominator: undefined,
    order: -1,
    depth: 0,
  };
  graph.blocks.push(block);
  return block;
}

/** Where a block can go to, each as often as it can be gone to. */
export function successors({ end }: Block): Block[] {
  if (end.kind === 'jump') return [end.to];
  if (end.kind === 'branch') return [end.yes, end.no];
  if (end.kind === 'table') return [...end.targets, end.otherwise];
  return [];
}

/** The arguments of a block's end. */
export function endArguments({ end }: Block): Value[] {
  if (end.kind === 'branch') return [end.condition];
  if (end.kind === 'table') return [end.index];
  return end.kind === 'return' ? end.values : [];
}

/** How often each value is an argument, of values and of blocks' ends. */
export function countUses(graph: Graph): Map<Value, number> {
  const uses = new Map<Value, number>();
  const use = (value: Value): void => void uses.set(value, (uses.get(value) ?? 0) + 1);
  for (const block of graph.blocks) {
    for (const { args } of [...block.phis, ...block.body]) args.forEach(use);
    endArguments(block).forEach(use);
  }
  return uses;
}

const EFFECTS: ReadonlySet<Op> = new Set<Op>([
  ...['load', 'load8u', 'load8s', 'load16u', 'load16s', 'store', 'store8', 'store16'],
  ...['call', 'intrinsic'],
] as Op[]);

/** Whether a value may be moved, merged with an equal one, and left out where it is not used. */
export function isPure(value: Value): boolean {
  return !EFFECTS.has(value.op);
}

/** Whether a value may be left out where it is not used: loads besides what is pure. */
export function isRemovable(value: Value): boolean {
  return isPure(value) || value.op.startsWith('load');
}

/** A value that is a constant. */
export type Constant = Value & { op: 'const' };

export const isConstant = (value: Value | undefined): value is Constant => value?.op === 'const';

/** Whether a value is 0 or 1. */
export function isBoolean(value: Value): boolean {
  if (value.op === 'const') return value.imm === 0 || value.imm === 1;
  if (value.op === 'and') return value.args.some(isBoolean);
  if (value.op === 'or' || value.op === 'xor') return value.args.every(isBoolean);
  return value.op === 'cmp' || value.op === 'cmp64';
}

const INVERSE: Readonly<Record<Relation, Relation>> = {
  ...{ eq: 'ne', ne: 'eq', hs: 'lo', lo: 'hs', hi: 'ls', ls: 'hi' },
  ...{ ge: 'lt', lt: 'ge', gt: 'le', le: 'gt' },
};
const SWAPPED: Readonly<Record<Relation, Relation>> = {
  ...{ eq: 'eq', ne: 'ne', hs: 'ls', lo: 'hi', hi: 'lo', ls: 'hs' },
  ...{ ge: 'le', lt: 'gt', gt: 'lt', le: 'ge' },
};

/** The relation that holds where this one does not. */
export const inverse = (relation: Relation): Relation => INVERSE[relation];
/** The relation of b to a, for one of a to b. */
export const swapped = (relation: Relation): Relation => SWAPPED[relation];

/** Whether a relation of two 32-bit numbers holds. */
export function holds(relation: Relation, a: number, b: number): boolean {
  const unsigned = relation === 'hs' || relation === 'lo' || relation === 'hi' || relation === 'ls';
  const [x, y] = unsigned ? [a >>> 0, b >>> 0] : [a | 0, b | 0];
  switch (relation) {
    case 'eq':
      return x === y;
    case 'ne':
      return x !== y;
    case 'hs':
    case 'ge':
      return x >= y;
    case 'lo':
    case 'lt':
      return x < y;
    case 'hi':
    case 'gt':
      return x > y;
    case 'ls':
    case 'le':
      return x <= y;
  }
}

/**
 * The relations that hold wherever another does, by the flags alone: whatever instruction set them. (Equal is also not
 * less after CMP, but not after TST; less is also not equal after CMP, but not after SBCS.)
 */
const IMPLIED: Readonly<Partial<Record<Relation, readonly Relation[]>>> = {
  ...{ eq: ['ls', 'le'], lo: ['ls'], hi: ['hs', 'ne'], lt: ['le'], gt: ['ge', 'ne'] },
};

/** Whether condition `b` holds wherever `a` does, with the same flags. */
export const implies = (a: Relation, b: Relation): boolean => a === b || (IMPLIED[a]?.includes(b) ?? false);

/** For each relation the one to the constant before or after, and the constant that has none. */
const NEIGHBOURS: Readonly<Partial<Record<Relation, readonly [Relation, number, number]>>> = {
  ...{ lt: ['le', -1, -0x80000000], ge: ['gt', -1, -0x80000000] },
  ...{ le: ['lt', 1, 0x7fffffff], gt: ['ge', 1, 0x7fffffff] },
  ...{ lo: ['ls', -1, 0], hs: ['hi', -1, 0], ls: ['lo', 1, -1], hi: ['hs', 1, -1] },
};

/** A relation to a constant as one to the next constant: less than 8 is at most 7. Undefined where there is none. */
export function neighbour(relation: Relation, c: number): readonly [Relation, number] | undefined {
  const found = NEIGHBOURS[relation];
  if (!found || found[2] === c) return undefined;
  return [found[0], (c + found[1]) | 0];
}
