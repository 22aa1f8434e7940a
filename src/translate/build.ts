/**
 * From a function of WebAssembly to the intermediate form. Locals and the results of blocks become values as Braun
 * and others do it ("Simple and Efficient Construction of Static Single Assignment Form", 2013).
 */
import { argumentPlaces, wordsOf } from './calls.js';
import type { Make } from './fold.js';
import { makerFor } from './fold.js';
import { intrinsicOf } from './intrinsics.js';
import type { Block, Graph, LoadOp, Op, Relation, StoreOp, Value } from './ir.js';
import { constant, newBlock, newValue, resolve } from './ir.js';
import { DIVISIONS, MEMORY_COPY, MEMORY_FILL } from './runtime.js';
import type {
  DefinedFunction,
  ImportedFunction,
  Module,
  Operation,
  Signature,
  ValueType,
} from '../wasm/module.js';
import type { Pair, Wide } from './wide.js';
import { populationCount, wide } from './wide.js';

const LOADS: Readonly<Record<string, LoadOp>> = {
  ...{ load: 'load', load8_u: 'load8u', load8_s: 'load8s', load16_u: 'load16u', load16_s: 'load16s' },
  ...{ load32_u: 'load', load32_s: 'load' },
};
const STORES: Readonly<Record<string, StoreOp>> = {
  ...{ store: 'store', store8: 'store8', store16: 'store16', store32: 'store' },
};
const RELATIONS: Readonly<Record<string, Relation>> = {
  ...{ eq: 'eq', ne: 'ne', lt_s: 'lt', gt_s: 'gt', le_s: 'le', ge_s: 'ge' },
  ...{ lt_u: 'lo', gt_u: 'hi', le_u: 'ls', ge_u: 'hs' },
};
const ALU: Readonly<Record<string, Op>> = {
  ...{ add: 'add', sub: 'sub', mul: 'mul', and: 'and', or: 'or', xor: 'xor' },
};
const SHIFTS: Readonly<Record<string, Op>> = { shl: 'shl', shr_u: 'shr', shr_s: 'sar' };

/** An open block of WebAssembly. */
interface Frame {
  /** Where a branch to it goes, and the variables that carry values there. */
  readonly target: Block;
  readonly carried: readonly number[];
  readonly carriedTypes: readonly ValueType[];
  /** What its end continues with, and the variables of its results. */
  readonly after: Block;
  readonly results: readonly number[];
  readonly resultTypes: readonly ValueType[];
  /** Values under it on the stack. */
  readonly height: number;
  /** The branch of an `if` that is taken where the condition is 0, until `else` is seen; and its parameters. */
  otherwise: Block | undefined;
  readonly parameters: readonly Value[][];
}

/** Turns a function into a graph. Throws nothing: what it cannot translate has been refused before. */
export function buildGraph(module: Module, { name, type, locals, code }: DefinedFunction): Graph {
  const graph: Graph = { name, blocks: [], constants: new Map(), ids: 0 };
  const entry = newBlock(graph);
  let current: Block = entry;
  /** Whether what follows can be reached; what cannot is skipped. */
  let live = true;
  const isLive = (): boolean => live;
  const make: Make = makerFor(graph, () => current);
  const number = (n: number): Value => constant(graph, n);
  const pairs: Wide = wide(graph, make);

  // Variables: each word of each local, then those of blocks' results as they come.
  let variables = 0;
  const newVariables = (types: readonly ValueType[]): number[] => {
    const first = variables;
    variables += types.reduce((sum, it) => sum + wordsOf(it), 0);
    return Array.from({ length: variables - first }, (_, i) => first + i);
  };
  const localVariables = locals.map((it) => newVariables([it]));

  // Braun's algorithm: definitions by variable and block, phis of blocks whose predecessors are not all known.
  const definitions = new Map<Block, Map<number, Value>>();
  const incomplete = new Map<Block, Map<number, Value>>();
  const sealed = new Set<Block>();
  const write = (variable: number, block: Block, value: Value): void => {
    let of = definitions.get(block);
    if (!of) definitions.set(block, (of = new Map<number, Value>()));
    of.set(variable, value);
  };
  const newPhi = (block: Block): Value => {
    const phi = newValue(graph, 'phi', [], { block });
    block.phis.push(phi);
    return phi;
  };
  const read = (variable: number, block: Block): Value => {
    const known = definitions.get(block)?.get(variable);
    if (known) return resolve(known);
    let value: Value;
    if (!sealed.has(block)) {
      value = newPhi(block);
      let waiting = incomplete.get(block);
      if (!waiting) incomplete.set(block, (waiting = new Map<number, Value>()));
      waiting.set(variable, value);
    } else if (block.preds.length === 1) {
      value = read(variable, block.preds[0]!);
    } else {
      value = newPhi(block);
      // Written before its arguments are read: a loop may come back to it.
      write(variable, block, value);
      value = complete(variable, value);
    }
    write(variable, block, value);
    return value;
  };
  const complete = (variable: number, phi: Value): Value => {
    phi.args = phi.block!.preds.map((pred) => read(variable, pred));
    return withoutTrivial(phi);
  };
  const withoutTrivial = (phi: Value): Value => {
    const others = new Set(phi.args.map(resolve).filter((it) => it !== phi));
    if (others.size !== 1) return phi;
    const [same] = others;
    phi.same = same;
    phi.block!.phis = phi.block!.phis.filter((it) => it !== phi);
    return same!;
  };
  const seal = (block: Block): void => {
    for (const [variable, phi] of incomplete.get(block) ?? []) complete(variable, phi);
    incomplete.delete(block);
    sealed.add(block);
  };

  const link = (from: Block, to: Block): Block => {
    to.preds.push(from);
    return to;
  };
  const finish = (end: Block['end']): void => {
    current.end = end;
    live = false;
  };
  const jump = (to: Block): void => {
    finish({ kind: 'jump', to: link(current, to) });
  };
  const branch = (condition: Value, yes: Block, no: Block): void => {
    const from = current;
    finish({ kind: 'branch', condition, yes: link(from, yes), no: link(from, no) });
  };
  const start = (block: Block): void => {
    current = block;
    live = true;
  };

  // The stack holds each value as its words.
  const stack: Value[][] = [];
  const popWords = (): Value[] => stack.pop()!.map(resolve);
  const pop = (): Value => popWords()[0]!;
  const popPair = (): Pair => popWords() as unknown as Pair;
  const push = (...values: Value[]): void => {
    stack.push(values);
  };
  const carry = (names: readonly number[], types: readonly ValueType[]): void => {
    const words = stack.slice(stack.length - types.length).flat();
    names.forEach((variable, i) => {
      write(variable, current, resolve(words[i]!));
    });
  };
  const uncarry = (names: readonly number[], types: readonly ValueType[]): void => {
    let at = 0;
    for (const it of types) {
      push(...names.slice(at, at + wordsOf(it)).map((variable) => read(variable, current)));
      at += wordsOf(it);
    }
  };

  // Parameters.
  sealed.add(entry);
  let parameter = 0;
  for (const [i, names] of localVariables.entries()) {
    for (const variable of names) {
      const value = i < type.params.length ? make('param', [], { imm: parameter++ }) : number(0);
      write(variable, entry, value);
    }
  }

  const frames: Frame[] = [];
  const outermost = newBlock(graph);
  const results = newVariables(type.results);
  frames.push({
    ...{ target: outermost, carried: results, carriedTypes: type.results },
    ...{ after: outermost, results, resultTypes: type.results },
    ...{ height: 0, otherwise: undefined, parameters: [] },
  });

  const open = (operation: Operation): void => {
    const { params, results: blockResults } = operation.block!;
    const after = newBlock(graph);
    const resultVariables = newVariables(blockResults);
    const condition = operation.name === 'if' ? pop() : undefined;
    const parameters = stack.slice(stack.length - params.length);
    const common = { after, results: resultVariables, resultTypes: blockResults, parameters };
    const height = stack.length - params.length;
    if (operation.name === 'loop') {
      const header = newBlock(graph);
      const carried = newVariables(params);
      carry(carried, params);
      jump(header);
      start(header);
      stack.length = height;
      uncarry(carried, params);
      frames.push({ ...common, target: header, carried, carriedTypes: params, height, otherwise: undefined });
      return;
    }
    let otherwise: Block | undefined;
    if (condition) {
      const yes = newBlock(graph);
      otherwise = newBlock(graph);
      branch(condition, yes, otherwise);
      seal(yes);
      seal(otherwise);
      start(yes);
    }
    frames.push({
      ...common,
      ...{ target: after, carried: resultVariables, carriedTypes: blockResults, height, otherwise },
    });
  };

  const endBranch = (frame: Frame): void => {
    if (live) {
      carry(frame.results, frame.resultTypes);
      jump(frame.after);
    }
    stack.length = frame.height;
  };

  const turnToElse = (frame: Frame): void => {
    endBranch(frame);
    start(frame.otherwise!);
    frame.otherwise = undefined;
    stack.push(...frame.parameters);
  };

  const close = (): void => {
    const frame = frames.at(-1)!;
    if (frame.otherwise) turnToElse(frame);
    endBranch(frame);
    frames.pop();
    if (frame.target !== frame.after) seal(frame.target);
    seal(frame.after);
    start(frame.after);
    live = frame.after.preds.length > 0;
    if (live) uncarry(frame.results, frame.resultTypes);
  };

  const frameAt = (depth: number): Frame => frames[frames.length - 1 - depth]!;
  const branchTo = (depth: number): Block => {
    const frame = frameAt(depth);
    carry(frame.carried, frame.carriedTypes);
    return frame.target;
  };

  const branchIf = (depth: number): void => {
    const condition = pop();
    const next = newBlock(graph);
    branch(condition, branchTo(depth), next);
    seal(next);
    start(next);
  };

  const branchTable = (labels: readonly number[]): void => {
    const index = pop();
    // Frames with variables of their own for the same values each get them.
    const blocks = labels.map(branchTo);
    const from = current;
    for (const block of blocks) link(from, block);
    finish({ kind: 'table', index, targets: blocks.slice(0, -1), otherwise: blocks.at(-1)! });
  };

  const trapWhere = (condition: Value): void => {
    if (condition.op === 'const' && condition.imm === 0) return;
    const [trap, next] = [newBlock(graph), newBlock(graph)];
    branch(condition, trap, next);
    seal(trap);
    seal(next);
    start(next);
  };

  const callSymbol = (symbol: string, signature: Signature, args: readonly Value[]): void => {
    const places = argumentPlaces(signature.params);
    const call = make('call', args, { symbol, places });
    const [result] = signature.results;
    if (result === 'i64') push(call, make('hi', [call]));
    else if (result) push(call);
  };

  const callImport = (imported: ImportedFunction, args: readonly Value[]): void => {
    const { module: from, name: what, type: signature } = imported;
    if (from === 'assembly') {
      callSymbol(what, signature, args);
    } else if (from === 'address') {
      push(make('address', [], { symbol: what }));
    } else {
      const intrinsic = intrinsicOf(from, what)!;
      const value = intrinsic.pure
        ? make(intrinsic.pure, args)
        : make('intrinsic', args, { symbol: `${from} ${what}` });
      const [result] = signature.results;
      if (result === 'i64') push(value, make('hi', [value]));
      else if (result) push(value);
    }
  };

  const call = (index: number): void => {
    const imported = module.imports[index];
    const callee = imported ?? module.functions[index - module.imports.length]!;
    const signature = callee.type;
    const args = stack.splice(stack.length - signature.params.length).flatMap((it) => it.map(resolve));
    if (imported) callImport(imported, args);
    else callSymbol(callee.name, signature, args);
  };

  const divide = (name: string): void => {
    const [b, a] = [pop(), pop()];
    const signed = name.endsWith('_s');
    trapWhere(make('cmp', [b, number(0)], { relation: 'eq' }));
    if (name === 'div_s' && !(b.op === 'const' && b.imm !== -1)) {
      const least = make('cmp', [a, number(-0x80000000)], { relation: 'eq' });
      trapWhere(make('and', [least, make('cmp', [b, number(-1)], { relation: 'eq' })]));
    }
    const quotient = make(signed ? 'sdiv' : 'udiv', [a, b]);
    push(name.startsWith('div') ? quotient : make('sub', [a, make('mul', [quotient, b])]));
  };

  const binary32 = (name: string): void => {
    if (name in DIVISIONS) {
      divide(name);
      return;
    }
    const [b, a] = [pop(), pop()];
    const relation = RELATIONS[name];
    if (relation) push(make('cmp', [a, b], { relation }));
    else if (SHIFTS[name]) push(make(SHIFTS[name], [a, make('and', [b, number(31)])]));
    else if (name === 'rotr') push(make('ror', [a, b]));
    else if (name === 'rotl') push(make('ror', [a, make('sub', [number(0), b])]));
    else push(make(ALU[name]!, [a, b]));
  };

  const unary32 = (name: string): Value => {
    const a = pop();
    switch (name) {
      case 'eqz':
        return make('cmp', [a, number(0)], { relation: 'eq' });
      case 'clz':
        return make('clz', [a]);
      case 'ctz':
        return make('clz', [make('rbit', [a])]);
      case 'popcnt':
        return populationCount(graph, make, a);
      case 'extend8_s':
        return make('sxtb', [a]);
      default:
        return make('sxth', [a]);
    }
  };

  const binary64 = (name: string): void => {
    if (name in DIVISIONS) {
      const [b, a] = [popPair(), popPair()];
      callSymbol(DIVISIONS[name]!, { params: ['i64', 'i64'], results: ['i64'] }, [...a, ...b]);
      return;
    }
    const [b, a] = [popPair(), popPair()];
    const relation = RELATIONS[name];
    if (relation) push(pairs.compare(relation, a, b));
    else push(...pairs.binary(name, a, b));
  };

  const memory = (wideType: boolean, name: string, offset: number): void => {
    const load = LOADS[name];
    if (load) {
      const address = pop();
      if (!wideType) push(make(load, [address], { imm: offset | 0 }));
      else {
        const extension = name === 'load' ? 'none' : name.endsWith('_s') ? 'signed' : 'unsigned';
        push(...pairs.load(load, address, offset | 0, extension));
      }
      return;
    }
    const [lo, hi] = popWords();
    const address = pop();
    make(STORES[name]!, [address, lo!], { imm: offset | 0 });
    if (wideType && name === 'store') make('store', [address, hi!], { imm: (offset + 4) | 0 });
  };

  const UNARY = new Set(['eqz', 'clz', 'ctz', 'popcnt', 'extend8_s', 'extend16_s', 'extend32_s']);

  const numeric = (operation: Operation): void => {
    const [type0, name] = operation.name.split('.') as [string, string];
    const is64 = type0 === 'i64';
    if (name === 'const') {
      if (is64) push(...pairs.constant(operation.value as bigint));
      else push(number(operation.value as number));
    } else if (operation.offset !== undefined) memory(is64, name, operation.offset);
    else if (name === 'extend_i32_s' || name === 'extend_i32_u')
      push(...pairs.extend(pop(), name === 'extend_i32_s'));
    else if (name === 'wrap_i64') push(popWords()[0]!);
    else if (!UNARY.has(name)) (is64 ? binary64 : binary32)(name);
    else if (!is64) push(unary32(name));
    else if (name === 'eqz') push(pairs.compare('eq', popPair(), pairs.constant(0n)));
    else push(...pairs.unary(name, popPair()));
  };

  const step = (operation: Operation): void => {
    const { index = 0 } = operation;
    switch (operation.name) {
      case 'unreachable':
        finish({ kind: 'trap' });
        return;
      case 'nop':
        return;
      case 'block':
      case 'loop':
      case 'if':
        open(operation);
        return;
      case 'br':
        jump(branchTo(index));
        return;
      case 'br_if':
        branchIf(index);
        return;
      case 'br_table':
        branchTable(operation.labels!);
        return;
      case 'return':
        jump(branchTo(frames.length - 1));
        return;
      case 'call':
        call(index);
        return;
      case 'drop':
        stack.pop();
        return;
      case 'select': {
        const condition = pop();
        const [b, a] = [popWords(), popWords()];
        push(...a.map((word, i) => make('select', [condition, word, b[i]!])));
        return;
      }
      case 'local.get':
        push(...localVariables[index]!.map((variable) => read(variable, current)));
        return;
      case 'local.set':
      case 'local.tee': {
        const words = popWords();
        localVariables[index]!.forEach((variable, i) => {
          write(variable, current, words[i]!);
        });
        if (operation.name === 'local.tee') push(...words);
        return;
      }
      case 'global.get': {
        const { type: globalType, value } = module.globals[index]!;
        const words = pairs.constant(value);
        push(...words.slice(0, wordsOf(globalType)));
        return;
      }
      case 'memory.copy':
      case 'memory.fill': {
        const [c, b, a] = [pop(), pop(), pop()];
        const symbol = operation.name === 'memory.copy' ? MEMORY_COPY : MEMORY_FILL;
        callSymbol(symbol, { params: ['i32', 'i32', 'i32'], results: [] }, [a, b, c]);
        return;
      }
      default:
        numeric(operation);
    }
  };

  /** Blocks opened where nothing is reached: their ends are not ours. */
  let skipped = 0;
  const skip = (name: string): void => {
    if (name === 'block' || name === 'loop' || name === 'if') skipped++;
    else if (name === 'end' && skipped > 0) skipped--;
    else if (name === 'end') close();
    else if (name === 'else' && skipped === 0) turnToElse(frames.at(-1)!);
  };
  for (const operation of code) {
    if (!isLive()) skip(operation.name);
    else if (operation.name === 'end') close();
    else if (operation.name === 'else') turnToElse(frames.at(-1)!);
    else step(operation);
  }
  if (isLive()) current.end = { kind: 'return', values: stack.flat().map(resolve) };
  return graph;
}
