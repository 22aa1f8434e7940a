/**
 * Instruction selection. Each block is gone through from its end to its beginning, users before what they use: a
 * value that its users take into their own instructions (as a shifted operand, a condition, an address) is asked for
 * by nobody when its turn comes, and then there is no instruction for it.
 */
import type { Condition } from '../isa/registers.js';
import { argumentPlaces, stackBytes } from './calls.js';
import { intrinsicOf } from './intrinsics.js';
import type { Block, Graph, Op, Relation, Value } from './ir.js';
import { countUses, implies, isBoolean, isConstant, neighbour, swapped } from './ir.js';
import type { Instruction, MachineBlock, MachineEnd, MachineFunction, Operand, Virtual } from './machine.js';
import {
  PC,
  SP,
  call,
  core,
  define,
  defineTwo,
  effect,
  FIRST_VIRTUAL,
  invert,
  isImmediate,
  loadConstant,
  move,
  only,
  twoImmediates,
  update,
  withFlags,
} from './machine.js';
import type { ValueType } from '../wasm/module.js';

/** Instructions that set the flags, and the condition under which a value is not 0. */
interface Test {
  /** Makes the instructions, and with that asks for what they read. */
  readonly code: () => readonly Instruction[];
  readonly condition: Condition;
}

/** A register with a constant, and what puts it there. */
interface Kept {
  readonly register: Virtual;
  readonly code: readonly Instruction[];
}

const SHIFTS: Readonly<Partial<Record<Op, string>>> = { shl: 'lsl', shr: 'lsr', sar: 'asr', ror: 'ror' };
const SIMPLE: Readonly<Partial<Record<Op, string>>> = {
  ...{ mul: 'mul', clz: 'clz', rbit: 'rbit', rev: 'rev', sxtb: 'sxtb', sxth: 'sxth' },
  ...{ udiv: 'udiv', sdiv: 'sdiv' },
};
const ACCESS: Readonly<Partial<Record<Op, string>>> = {
  ...{ load: 'ldr', load8u: 'ldrb', load8s: 'ldrsb', load16u: 'ldrh', load16s: 'ldrsh' },
  ...{ store: 'str', store8: 'strb', store16: 'strh' },
};
/** Loads and stores of words and unsigned bytes reach further, and take a shifted index (A8.8.63). */
const FAR: ReadonlySet<string> = new Set(['ldr', 'ldrb', 'str', 'strb']);

/** Constants that are kept in registers through a function's loops. */
const HOISTED = 4;

const isLowMask = (n: number): boolean => n !== 0 && n !== -1 && (n & (n + 1)) === 0;
const widthOf = (mask: number): number => 32 - Math.clz32(mask);

/** Selects the instructions of a function, whose blocks are in reverse postorder with their edges split. */
export function select(graph: Graph, params: readonly ValueType[]): MachineFunction {
  const result: MachineFunction = {
    name: graph.name,
    blocks: graph.blocks.map((block) => ({
      id: block.id,
      code: [],
      end: { kind: 'trap' },
      depth: block.depth,
    })),
    virtuals: FIRST_VIRTUAL,
    outgoing: 0,
    slots: 0,
  };
  const machineOf = new Map(graph.blocks.map((block, i) => [block, result.blocks[i]!]));
  /** The block whose instructions are selected. */
  let here = graph.blocks[0]!;
  const scratch = (): Virtual => ({ virtual: result.virtuals++ });
  const places = argumentPlaces(params);

  const uses = countUses(graph);
  const usedOnce = (value: Value): boolean => uses.get(value) === 1;

  /** The registers of values that were asked for. */
  const registers = new Map<Value, Virtual>();
  /** Registers with constants, and addresses of symbols, between two calls of one block; by what is in them. */
  let constants = new Map<string, Kept>();

  // Constants that are made before the loops they are used in, a few of them, where no call would cost them their
  // registers.
  const inLoops = graph.blocks.filter(({ depth }) => depth > 0);
  const mayHoist = !inLoops.some(({ body }) => body.some(({ op }) => op === 'call'));
  const hoisted = new Map<Block, Map<string, Kept>>();
  let room = HOISTED;
  const beforeLoops = (block: Block): Block => {
    let it = block;
    while (it.depth > 0) it = it.dominator!;
    return it;
  };

  const cached = (key: string, code: (to: Virtual) => Instruction[]): Virtual => {
    if (mayHoist && here.depth > 0) {
      const target = beforeLoops(here);
      let there = hoisted.get(target);
      if (!there) hoisted.set(target, (there = new Map<string, Kept>()));
      const known = there.get(key);
      if (known) return known.register;
      if (room-- > 0) {
        const register = scratch();
        there.set(key, { register, code: code(register) });
        return register;
      }
    }
    let it = constants.get(key);
    if (!it) {
      const register = scratch();
      constants.set(key, (it = { register, code: code(register) }));
    }
    return it.register;
  };
  const constantIn = (n: number): Virtual => cached(String(n | 0), (to) => loadConstant(to, n));
  const addressIn = (to: Virtual, symbol: string): Instruction[] => [
    define('movw', to, { half: 'low', symbol }),
    update('movt', to, { half: 'high', symbol }),
  ];
  /** The register that holds a value. */
  const at = (value: Value): Virtual => {
    if (isConstant(value)) return constantIn(value.imm);
    if (value.op === 'address') return cached(value.symbol, (to) => addressIn(to, value.symbol));
    let it = registers.get(value);
    if (!it) registers.set(value, (it = scratch()));
    return it;
  };

  /** A value in a given register. */
  const into = (to: Virtual, value: Value): Instruction[] => {
    if (isConstant(value)) return loadConstant(to, value.imm);
    if (value.op === 'address') return addressIn(to, value.symbol);
    return [move(to, at(value))];
  };

  /** Whether a value can be a shifted register in another's operand. */
  const isShifted = (value: Value): boolean =>
    SHIFTS[value.op] !== undefined && !registers.has(value) && (isConstant(value.args[1]) || usedOnce(value));

  /** The flexible second operand (A8.4): an immediate, a register, or a shifted register. */
  const operand2 = (value: Value): Operand[] => {
    if (isConstant(value) && isImmediate(value.imm)) return [value.imm >>> 0];
    if (!isConstant(value) && isShifted(value)) {
      const [x, by] = value.args as [Value, Value];
      return [at(x), { shift: SHIFTS[value.op]!, by: isConstant(by) ? by.imm : at(by) }];
    }
    return [at(value)];
  };

  /** The two arguments of an operation that takes them either way: what can be folded second. */
  const arrange = (a: Value, b: Value): [Value, Value] =>
    isShifted(a) && !isShifted(b) && !isConstant(b) ? [b, a] : [a, b];

  // Arithmetic.

  const addConstant = (to: Virtual, from: Virtual, c: number): Instruction[] => {
    if (isImmediate(c)) return [define('add', to, from, c >>> 0)];
    if (isImmediate(-c)) return [define('sub', to, from, -c >>> 0)];
    for (const [name, n] of [
      ['add', c],
      ['sub', -c],
    ] as const) {
      const two = twoImmediates(n);
      if (two) {
        const middle = scratch();
        return [define(name, middle, from, two[0]), define(name, to, middle, two[1])];
      }
    }
    return [define('add', to, from, constantIn(c))];
  };

  const isProduct = (value: Value): boolean => value.op === 'mul' && usedOnce(value) && !registers.has(value);

  const selectAdd = (to: Virtual, a: Value, b: Value): Instruction[] => {
    if (isConstant(b)) return addConstant(to, at(a), b.imm);
    if (isProduct(a)) return [define('mla', to, at(a.args[0]!), at(a.args[1]!), at(b))];
    if (isProduct(b)) return [define('mla', to, at(b.args[0]!), at(b.args[1]!), at(a))];
    const [x, y] = arrange(a, b);
    return [define('add', to, at(x), ...operand2(y))];
  };

  const selectSub = (to: Virtual, a: Value, b: Value): Instruction[] => {
    if (isProduct(b)) return [define('mls', to, at(b.args[0]!), at(b.args[1]!), at(a))];
    if ((isConstant(a) && isImmediate(a.imm)) || (isShifted(a) && !isShifted(b)))
      return [define('rsb', to, at(b), ...operand2(a))];
    return [define('sub', to, at(a), ...operand2(b))];
  };

  const selectAnd = (to: Virtual, a: Value, b: Value): Instruction[] => {
    if (!isConstant(b)) {
      for (const [x, y] of [
        [a, b],
        [b, a],
      ] as const) {
        const isInverted = y.op === 'xor' && isConstant(y.args[1]) && y.args[1].imm === -1;
        if (isInverted && usedOnce(y) && !registers.has(y))
          return [define('bic', to, at(x), ...operand2(y.args[0]!))];
      }
      const [x, y] = arrange(a, b);
      return [define('and', to, at(x), ...operand2(y))];
    }
    const mask = b.imm;
    const [x, by] = a.args;
    if (a.op === 'shr' && isConstant(by) && isLowMask(mask) && !registers.has(a))
      return [define('ubfx', to, at(x!), by.imm, Math.min(widthOf(mask), 32 - by.imm))];
    if (isImmediate(mask)) return [define('and', to, at(a), mask >>> 0)];
    if (isImmediate(~mask)) return [define('bic', to, at(a), ~mask >>> 0)];
    if (mask === 0xffff) return [define('uxth', to, at(a))];
    if (isLowMask(mask)) return [define('ubfx', to, at(a), 0, widthOf(mask))];
    const low = 31 - Math.clz32(mask & -mask);
    const middle = scratch();
    if (isLowMask(mask >>> low))
      return [define('ubfx', middle, at(a), low, widthOf(mask >>> low)), define('lsl', to, middle, low)];
    const two = twoImmediates(~mask);
    if (two) return [define('bic', middle, at(a), two[0]), define('bic', to, middle, two[1])];
    return [define('and', to, at(a), constantIn(mask))];
  };

  const selectUnion = (name: 'orr' | 'eor', to: Virtual, a: Value, b: Value): Instruction[] => {
    if (isConstant(b)) {
      if (name === 'eor' && b.imm === -1) return [define('mvn', to, ...operand2(a))];
      const two = isImmediate(b.imm) ? undefined : twoImmediates(b.imm);
      if (two) {
        const middle = scratch();
        return [define(name, middle, at(a), two[0]), define(name, to, middle, two[1])];
      }
      return [define(name, to, at(a), ...operand2(b))];
    }
    const [x, y] = arrange(a, b);
    return [define(name, to, at(x), ...operand2(y))];
  };

  // Conditions.

  const compare = (name: string, ...operands: Operand[]): Instruction => withFlags(effect(name, ...operands));

  /** One instruction that compares. */
  const compareTest = (relation: Relation, a: Value, b: Value): Test => {
    if (isConstant(b)) {
      const c = b.imm;
      const code = c === 0 && (relation === 'eq' || relation === 'ne') ? bitsTest(a) : undefined;
      if (code) return { code, condition: relation };
      if (isImmediate(c)) return { code: () => [compare('cmp', at(a), c >>> 0)], condition: relation };
      if (isImmediate(-c)) return { code: () => [compare('cmn', at(a), -c >>> 0)], condition: relation };
      return (
        neighbourTest(relation, a, c) ?? { code: () => [compare('cmp', at(a), at(b))], condition: relation }
      );
    }
    if (isShifted(a) && !isShifted(b))
      return { code: () => [compare('cmp', at(b), ...operand2(a))], condition: swapped(relation) };
    return { code: () => [compare('cmp', at(a), ...operand2(b))], condition: relation };
  };

  /** The same with the next constant: at most 7 for less than 8. */
  const neighbourTest = (relation: Relation, a: Value, c: number): Test | undefined => {
    const other = neighbour(relation, c);
    if (!other || !isImmediate(other[1])) return undefined;
    return { code: () => [compare('cmp', at(a), other[1] >>> 0)], condition: other[0] };
  };

  /** TST, where a value that is compared with 0 is an AND that nobody else wants. */
  const bitsTest = (value: Value): (() => Instruction[]) | undefined => {
    if (value.op !== 'and' || !usedOnce(value) || registers.has(value)) return undefined;
    const [a, b] = value.args as [Value, Value];
    if (!isConstant(b)) {
      const [x, y] = arrange(a, b);
      return () => [compare('tst', at(x), ...operand2(y))];
    }
    const [x, by] = a.args;
    if (a.op === 'shr' && isConstant(by) && !registers.has(a)) {
      const mask = b.imm << by.imm;
      if (mask >>> by.imm === b.imm >>> 0 && isImmediate(mask))
        return () => [compare('tst', at(x!), mask >>> 0)];
    }
    return isImmediate(b.imm) ? () => [compare('tst', at(a), b.imm >>> 0)] : undefined;
  };

  const compare64Test = (relation: Relation, args: readonly Value[]): Test => {
    const [alo, ahi, blo, bhi] = args as [Value, Value, Value, Value];
    if (relation === 'eq' || relation === 'ne') {
      const [first, second] = [compareTest('eq', ahi, bhi), compareTest('eq', alo, blo)];
      return {
        code: () => [...first.code(), ...second.code().map((it) => only('eq', it))],
        condition: relation,
      };
    }
    if (relation === 'hi' || relation === 'ls' || relation === 'gt' || relation === 'le')
      return compare64Test(swapped(relation), [blo, bhi, alo, ahi]);
    const code = (): Instruction[] => [
      compare('cmp', at(alo), ...operand2(blo)),
      withFlags(define('sbcs', scratch(), at(ahi), ...operand2(bhi))),
    ];
    return { code, condition: relation };
  };

  /** A comparison's own test, whoever else wants its value. */
  const comparisonTest = ({ op, relation, args }: Value): Test =>
    op === 'cmp' ? compareTest(relation!, args[0]!, args[1]!) : compare64Test(relation!, args);

  /** Every way to test a comparison with one instruction. */
  const variants = (value: Value): Test[] => {
    if (value.op !== 'cmp') return [];
    const [a, b] = value.args as [Value, Value];
    const tests = [comparisonTest(value)];
    const other = isConstant(b)
      ? neighbourTest(value.relation!, a, b.imm)
      : { code: () => [compare('cmp', at(b), at(a))], condition: swapped(value.relation!) };
    if (other) tests.push(other);
    return tests;
  };

  /** Two conditions that must both hold: the second is only looked at where the first holds. */
  const both = (firsts: readonly Test[], seconds: readonly Test[]): Test | undefined => {
    for (const first of firsts) {
      for (const second of seconds) {
        // Where the first fails, its flags must make the second's condition fail too.
        if (!implies(second.condition as Relation, first.condition as Relation)) continue;
        const code = (): Instruction[] => [
          ...first.code(),
          ...second.code().map((it) => only(first.condition, it)),
        ];
        return { code, condition: second.condition };
      }
    }
    return undefined;
  };
  const invertTest = ({ code, condition }: Test): Test => ({
    code,
    condition: invert(condition),
  });

  const conjunction = (a: Value, b: Value, invert: boolean): Test | undefined => {
    const inverted = (it: Test): Test => (invert ? invertTest(it) : it);
    const [first, second] = [variants(a).map(inverted), variants(b).map(inverted)];
    const whole = (it: Value): Test[] => [inverted(test(it))];
    const found =
      (second.length > 0 ? both(first.length > 0 ? first : whole(a), second) : undefined) ??
      (first.length > 0 ? both(second.length > 0 ? second : whole(b), first) : undefined);
    return found && inverted(found);
  };

  /** Flags that say whether a value is not 0. */
  const test = (value: Value): Test => {
    const { op, args } = value;
    if (!registers.has(value)) {
      if (op === 'cmp' || op === 'cmp64') return comparisonTest(value);
      if ((op === 'and' || op === 'or') && args.every(isBoolean) && usedOnce(value)) {
        const found = conjunction(args[0]!, args[1]!, op === 'or');
        if (found) return found;
      }
      const code = bitsTest(value);
      if (code) return { code, condition: 'ne' };
    }
    return { code: () => [compare('cmp', at(value), 0)], condition: 'ne' };
  };

  /** 0 or 1 by a comparison, in as few instructions as there are. */
  const selectComparison = (to: Virtual, value: Value): Instruction[] => {
    const [a, b] = value.args as [Value, Value];
    if (value.op === 'cmp' && isConstant(b) && b.imm === 0) {
      const middle = scratch();
      if (value.relation === 'eq' && !(a.op === 'and' && usedOnce(a)))
        return [define('clz', middle, at(a)), define('lsr', to, middle, 5)];
      if (value.relation === 'lt') return [define('lsr', to, at(a), 31)];
      if (value.relation === 'ge') return [define('mvn', middle, at(a)), define('lsr', to, middle, 31)];
      // One bit of a word.
      const [x, mask] = a.args;
      if (a.op === 'and' && isConstant(mask) && usedOnce(a) && (mask.imm & (mask.imm - 1)) === 0) {
        const bit = 31 - Math.clz32(mask.imm);
        if (value.relation === 'ne') return [define('ubfx', to, at(x!), bit, 1)];
        return [define('ubfx', middle, at(x!), bit, 1), define('eor', to, middle, 1)];
      }
    }
    return selectTruth(to, comparisonTest(value));
  };

  /** 0 or 1 by a test. */
  const selectTruth = (to: Virtual, { code, condition }: Test): Instruction[] => [
    ...code(),
    only(condition, define('mov', to, 1), false),
    only(invert(condition), define('mov', to, 0)),
  ];

  /** Whether a value is a comparison that nobody else wants as a number. */
  const isFreeComparison = (value: Value): boolean =>
    (value.op === 'cmp' || value.op === 'cmp64') && !registers.has(value);

  /** Two conditions that must both, or not both, hold, as 0 or 1. */
  const selectTruths = (to: Virtual, op: Op, a: Value, b: Value): Instruction[] | undefined => {
    if ((op !== 'and' && op !== 'or') || !isFreeComparison(a) || !isFreeComparison(b)) return undefined;
    const found = conjunction(a, b, op === 'or');
    return found && selectTruth(to, found);
  };

  const selectSelect = (to: Virtual, [condition, yes, no]: readonly Value[]): Instruction[] => {
    const { code, condition: holds } = test(condition!);
    const arm = (value: Value): Instruction[] => into(to, value);
    // The arm that is not a constant and dies here can be in the register already.
    const swap = isConstant(no) || (!usedOnce(no!) && !isConstant(yes) && usedOnce(yes!));
    const [base, other, when]: [Value, Value, Condition] = swap
      ? [yes!, no!, invert(holds)]
      : [no!, yes!, holds];
    return [...code(), ...arm(base), ...arm(other).map((it) => only(when, it))];
  };

  // Memory.

  const address = (name: string, base: Value, offset: number): { code: Instruction[]; memory: Operand[] } => {
    const reach = FAR.has(name) ? 0xfff : 0xff;
    if (isConstant(base)) {
      const whole = (base.imm + offset) >>> 0;
      const low = whole & reach;
      return { code: [], memory: [constantIn(whole - low), low] };
    }
    if (Math.abs(offset) <= reach) {
      const [x, y] = base.args;
      if (offset === 0 && base.op === 'add' && !isConstant(y) && usedOnce(base) && !registers.has(base)) {
        for (const [a, b] of [
          [x!, y!],
          [y!, x!],
        ] as const) {
          if (FAR.has(name) && isShifted(b) && isConstant(b.args[1]))
            return { code: [], memory: [at(a), ...operand2(b)] };
        }
        return { code: [], memory: [at(x!), at(y!)] };
      }
      return { code: [], memory: offset === 0 ? [at(base)] : [at(base), offset] };
    }
    // What is left after the part that an addition takes.
    for (const low of [offset & reach, (offset & reach) - reach - 1]) {
      const high = offset - low;
      if (Math.abs(low) <= reach && (isImmediate(high) || isImmediate(-high))) {
        const middle = scratch();
        return { code: addConstant(middle, at(base), high), memory: low === 0 ? [middle] : [middle, low] };
      }
    }
    return { code: [], memory: [at(base), constantIn(offset)] };
  };

  const selectAccess = (
    name: string,
    base: Value,
    offset: number,
    value?: Value,
    to?: Virtual,
  ): Instruction[] => {
    const stored = value ? at(value) : undefined;
    const { code, memory } = address(name, base, offset);
    return [...code, stored ? effect(name, stored, memory) : define(name, to!, memory)];
  };

  // Calls.

  const selectCall = (value: Value): Instruction[] => {
    const code: Instruction[] = [];
    value.args.forEach((arg, i) => {
      const place = value.places[i]!;
      if ('stack' in place) code.push(effect('str', at(arg), [SP, place.stack]));
    });
    value.args.forEach((arg, i) => {
      const place = value.places[i]!;
      if ('register' in place) code.push(...into(core[place.register]!, arg));
    });
    result.outgoing = Math.max(result.outgoing, stackBytes(value.places));
    code.push(call(value.symbol, value.places));
    const [lo, hi] = [registers.get(value), registers.get(highs.get(value)!)];
    if (lo) code.push(move(lo, core[0]!));
    if (hi) code.push(move(hi, core[1]!));
    return code;
  };

  const selectIntrinsic = (value: Value): Instruction[] => {
    const [module, ...rest] = value.symbol.split(' ');
    const { type, access, select: sequence } = intrinsicOf(module!, rest.join(' '))!;
    const to = type.results.length === 0 ? [] : [registers.get(value) ?? scratch()];
    if (type.results[0] === 'i64') to.push(registers.get(highs.get(value)!) ?? scratch());
    if (access) {
      // An address with a constant in it is the instruction's own offset.
      const [base, stored] = value.args;
      const split = base!.op === 'add' && isConstant(base!.args[1]) && !registers.has(base!);
      const [from, offset] = split ? [base!.args[0]!, base!.args[1]!.imm] : [base!, 0];
      return selectAccess(access.name, from, offset, stored, to[0]);
    }
    return sequence!(to, value.args.map(at), scratch);
  };

  /** The high halves of values that give two words. */
  const highs = new Map<Value, Value>();
  for (const block of graph.blocks)
    for (const value of block.body) if (value.op === 'hi') highs.set(value.args[0]!, value);

  const selectCarried = (value: Value, lo: Virtual, hi: Virtual): Instruction[] => {
    const [alo, ahi, blo, bhi] = value.args as [Value, Value, Value, Value];
    const adds = value.op === 'add64';
    const [opposite, oppositeCarry] = adds ? ['subs', 'sbc'] : ['adds', 'adc'];
    const low =
      isConstant(blo) && !isImmediate(blo.imm) && isImmediate(-blo.imm)
        ? define(opposite, lo, at(alo), -blo.imm >>> 0)
        : define(adds ? 'adds' : 'subs', lo, at(alo), ...operand2(blo));
    const high =
      isConstant(bhi) && !isImmediate(bhi.imm) && isImmediate(~bhi.imm)
        ? define(oppositeCarry, hi, at(ahi), ~bhi.imm >>> 0)
        : define(adds ? 'adc' : 'sbc', hi, at(ahi), ...operand2(bhi));
    return [withFlags(low), high];
  };

  const selectTwo = (value: Value): Instruction[] => {
    const hi = registers.get(highs.get(value)!);
    const [a, b, c] = value.args as [Value, Value, Value];
    const lo = registers.get(value) ?? scratch();
    if (value.op === 'umull' || value.op === 'smull') {
      if (!hi) return [define('mul', lo, at(a), at(b))];
      return [defineTwo(value.op, lo, hi, at(a), at(b))];
    }
    if (!hi) return value.op === 'add64' ? selectAdd(lo, a, c) : selectSub(lo, a, c);
    return selectCarried(value, lo, hi);
  };

  const selectShift = (to: Virtual, op: Op, a: Value, b: Value): Instruction[] => [
    define(SHIFTS[op]!, to, at(a), isConstant(b) ? b.imm : at(b)),
  ];

  /** Instructions of a value without effect whose register is known. */
  const selectPure = (value: Value, to: Virtual): Instruction[] => {
    const { op, args } = value;
    const [a, b] = args as [Value, Value];
    const truths = args.length === 2 ? selectTruths(to, op, a, b) : undefined;
    if (truths) return truths;
    switch (op) {
      case 'add':
        return selectAdd(to, a, b);
      case 'sub':
        return selectSub(to, a, b);
      case 'and':
        return selectAnd(to, a, b);
      case 'or':
        return selectUnion('orr', to, a, b);
      case 'xor':
        return selectUnion('eor', to, a, b);
      case 'shl':
      case 'shr':
      case 'sar':
      case 'ror':
        return selectShift(to, op, a, b);
      case 'cmp':
      case 'cmp64':
        return selectComparison(to, value);
      case 'select':
        return selectSelect(to, args);
      case 'param': {
        const place = places[value.imm]!;
        if ('register' in place) return [move(to, core[place.register]!)];
        return [define('ldr', to, [SP, { frame: 'incoming', offset: place.stack }])];
      }
      default:
        return [define(SIMPLE[op]!, to, ...args.map(at))];
    }
  };

  const selectValue = (value: Value): Instruction[] => {
    const { op, args, imm } = value;
    if (op === 'call') return selectCall(value);
    if (op === 'intrinsic') return selectIntrinsic(value);
    if (op === 'store' || op === 'store8' || op === 'store16')
      return selectAccess(ACCESS[op]!, args[0]!, imm, args[1]);
    if (highs.has(value)) return selectTwo(value);
    const to = registers.get(value);
    if (!to || op === 'hi') return [];
    if (op.startsWith('load')) return selectAccess(ACCESS[op]!, args[0]!, imm, undefined, to);
    if (op === 'umull' || op === 'smull' || op === 'add64' || op === 'sub64') return selectTwo(value);
    return selectPure(value, to);
  };

  // Phis: a register of their own is written at the end of each block before, and read at the beginning.
  const incoming = new Map<Value, Virtual>();
  for (const block of graph.blocks) {
    for (const phi of block.phis) {
      incoming.set(phi, scratch());
      // A loop's phi is asked for from blocks that come after it.
      at(phi);
    }
  }

  const selectEnd = (block: Block, chunks: Instruction[][]): MachineEnd => {
    const { end } = block;
    const machine = (it: Block): MachineBlock => machineOf.get(it)!;
    switch (end.kind) {
      case 'jump': {
        const from = end.to.preds.indexOf(block);
        for (const phi of end.to.phis) chunks.push(into(incoming.get(phi)!, phi.args[from]!));
        return { kind: 'jump', to: machine(end.to) };
      }
      case 'branch': {
        const { code, condition } = test(end.condition);
        chunks.push([...code()]);
        return { kind: 'branch', condition, yes: machine(end.yes), no: machine(end.no) };
      }
      case 'table': {
        const index = at(end.index);
        const count = end.targets.length;
        // PC reads as two instructions on: where the table begins, behind a jump for an index beyond it.
        const dispatch = effect('ldr', PC, [PC, index, { shift: 'lsl', by: 2 }]);
        const known = isImmediate(count) ? count : constantIn(count);
        chunks.push([compare('cmp', index, known), only('lo', dispatch)]);
        return { kind: 'table', targets: end.targets.map(machine), otherwise: machine(end.otherwise) };
      }
      case 'return': {
        const used = end.values.map((_, i) => core[i]!);
        chunks.push(end.values.flatMap((value, i) => into(used[i]!, value)));
        return { kind: 'return', uses: used };
      }
      case 'trap':
        return { kind: 'trap' };
    }
  };

  for (const block of graph.blocks.toReversed()) {
    here = block;
    // From the last to the first.
    const chunks: Instruction[][] = [];
    constants = new Map();
    const flush = (): void => {
      for (const { code } of constants.values()) chunks.push([...code]);
      constants = new Map();
    };
    const machine = machineOf.get(block)!;
    machine.end = selectEnd(block, chunks);
    for (const { code } of hoisted.get(block)?.values() ?? []) chunks.push([...code]);
    for (const value of block.body.toReversed()) {
      // A constant is made anew behind a call: that is cheaper than to keep it.
      if (value.op === 'call') flush();
      if (value.op === 'param') continue;
      chunks.push(selectValue(value));
    }
    flush();
    for (const phi of block.phis) chunks.push([move(at(phi), incoming.get(phi)!)]);
    for (const value of block.body.toReversed()) if (value.op === 'param') chunks.push(selectValue(value));
    machine.code = chunks.reverse().flat();
  }
  return result;
}
