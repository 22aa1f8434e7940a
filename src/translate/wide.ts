/** 64-bit arithmetic as operations on pairs of words. */
import type { Graph, LoadOp, Relation, Value } from './ir.js';
import { constant } from './ir.js';
import type { Make } from './fold.js';

/** A 64-bit number: its low and its high word. */
export type Pair = readonly [lo: Value, hi: Value];

/** The 64-bit operations of one function. */
export interface Wide {
  constant(value: bigint): Pair;
  /** i64.extend_i32_s and _u. */
  extend(value: Value, signed: boolean): Pair;
  /** An operator with two operands, by the name behind `i64.`: add, sub, mul, and, or, xor, shl … rotr. */
  binary(name: string, a: Pair, b: Pair): Pair;
  /** clz, ctz, popcnt, extend8_s, extend16_s, extend32_s. */
  unary(name: string, a: Pair): Pair;
  compare(relation: Relation, a: Pair, b: Pair): Value;
  load(op: LoadOp, address: Value, offset: number, extension: 'none' | 'signed' | 'unsigned'): Pair;
}

const isConstant = (value: Value, n: number): boolean => value.op === 'const' && value.imm === n;

/** The number of ones in a word: pairs, fours, bytes, then all four bytes summed by a product. */
export function populationCount(graph: Graph, make: Make, x: Value): Value {
  const number = (n: number): Value => constant(graph, n);
  const masked = (value: Value, mask: number): Value => make('and', [value, number(mask)]);
  const shifted = (value: Value, by: number): Value => make('shr', [value, number(by)]);
  const twos = make('sub', [x, masked(shifted(x, 1), 0x55555555)]);
  const fours = make('add', [masked(twos, 0x33333333), masked(shifted(twos, 2), 0x33333333)]);
  const bytes = masked(make('add', [fours, shifted(fours, 4)]), 0x0f0f0f0f);
  return shifted(make('mul', [bytes, number(0x01010101)]), 24);
}

/** The 64-bit operations, made through a function's maker of values. */
export function wide(graph: Graph, make: Make): Wide {
  const number = (n: number): Value => constant(graph, n);
  const zero = number(0);
  const or = (a: Value, b: Value): Value => make('or', [a, b]);
  const shift = (op: 'shl' | 'shr' | 'sar', a: Value, by: Value): Value => make(op, [a, by]);
  const sign = (value: Value): Value => shift('sar', value, number(31));
  const isSignOf = (hi: Value, lo: Value): boolean =>
    hi.op === 'sar' && hi.args[0] === lo && isConstant(hi.args[1]!, 31);

  const two = (op: 'add64' | 'sub64' | 'umull' | 'smull', args: Value[]): Pair => {
    const lo = make(op, args);
    return [lo, make('hi', [lo])];
  };

  const add = ([alo, ahi]: Pair, [blo, bhi]: Pair): Pair => {
    if (isConstant(blo, 0)) return [alo, make('add', [ahi, bhi])];
    if (isConstant(alo, 0)) return [blo, make('add', [ahi, bhi])];
    return two('add64', [alo, ahi, blo, bhi]);
  };
  const subtract = ([alo, ahi]: Pair, [blo, bhi]: Pair): Pair =>
    isConstant(blo, 0) ? [alo, make('sub', [ahi, bhi])] : two('sub64', [alo, ahi, blo, bhi]);

  const multiply = ([alo, ahi]: Pair, [blo, bhi]: Pair): Pair => {
    if (isSignOf(ahi, alo) && isSignOf(bhi, blo)) return two('smull', [alo, blo]);
    if (isConstant(alo, 0) || isConstant(blo, 0)) {
      return [zero, make('add', [make('mul', [alo, bhi]), make('mul', [ahi, blo])])];
    }
    const [lo, hi] = two('umull', [alo, blo]);
    return [lo, make('add', [make('add', [hi, make('mul', [alo, bhi])]), make('mul', [ahi, blo])])];
  };

  /** Shift left or right by a constant from 0 to 63. */
  const shiftBy = (name: 'shl' | 'shr_u' | 'shr_s', [lo, hi]: Pair, by: number): Pair => {
    if (by === 0) return [lo, hi];
    const right = name === 'shr_s' ? 'sar' : 'shr';
    if (by >= 32) {
      const rest = number(by - 32);
      if (name === 'shl') return [zero, shift('shl', lo, rest)];
      return [shift(right, hi, rest), name === 'shr_s' ? sign(hi) : zero];
    }
    const [here, other] = [number(by), number(32 - by)];
    if (name === 'shl') return [shift('shl', lo, here), or(shift('shl', hi, here), shift('shr', lo, other))];
    return [or(shift('shr', lo, here), shift('shl', hi, other)), shift(right, hi, here)];
  };

  /** The same by an amount of which the low 6 bits count. The processor shifts by the low byte: past 31, all out. */
  const shiftByValue = (name: 'shl' | 'shr_u' | 'shr_s', [lo, hi]: Pair, amount: Value): Pair => {
    const by = make('and', [amount, number(63)]);
    const rest = make('sub', [number(32), by]);
    const over = make('add', [by, number(-32)]);
    if (name === 'shl') {
      const moved = or(shift('shl', hi, by), shift('shr', lo, rest));
      return [shift('shl', lo, by), or(moved, shift('shl', lo, over))];
    }
    const moved = or(shift('shr', lo, by), shift('shl', hi, rest));
    if (name === 'shr_u') return [or(moved, shift('shr', hi, over)), shift('shr', hi, by)];
    // An arithmetic shift by 32 or more leaves signs, not 0: which half it is has to be asked.
    const far = make('cmp', [by, number(32)], { relation: 'hs' });
    return [make('select', [far, shift('sar', hi, over), moved]), shift('sar', hi, by)];
  };

  const shifted = (name: 'shl' | 'shr_u' | 'shr_s', a: Pair, by: Value): Pair =>
    by.op === 'const' ? shiftBy(name, a, by.imm & 63) : shiftByValue(name, a, by);

  const rotate = (a: Pair, by: Value, left: boolean): Pair => {
    const back = by.op === 'const' ? number(-by.imm) : make('sub', [zero, by]);
    const [x, y] = [shifted('shl', a, left ? by : back), shifted('shr_u', a, left ? back : by)];
    return [or(x[0], y[0]), or(x[1], y[1])];
  };

  const bitwise = (op: 'and' | 'or' | 'xor', a: Pair, b: Pair): Pair => [
    make(op, [a[0], b[0]]),
    make(op, [a[1], b[1]]),
  ];

  const self: Wide = {
    constant: (value) => [
      number(Number(BigInt.asIntN(32, value))),
      number(Number(BigInt.asIntN(32, value >> 32n))),
    ],
    extend: (value, signed) => [value, signed ? sign(value) : zero],
    binary: (name, a, b) => {
      switch (name) {
        case 'add':
          return add(a, b);
        case 'sub':
          return subtract(a, b);
        case 'mul':
          return multiply(a, b);
        case 'and':
        case 'or':
        case 'xor':
          return bitwise(name, a, b);
        case 'shl':
        case 'shr_u':
        case 'shr_s':
          return shifted(name, a, b[0]);
        case 'rotl':
        case 'rotr':
          return rotate(a, b[0], name === 'rotl');
        default:
          throw new Error(`i64.${name} is no operator of two operands`);
      }
    },
    unary: (name, [lo, hi]) => {
      const leading = (first: Value, second: Value): Value =>
        make('select', [
          make('cmp', [first, zero], { relation: 'eq' }),
          make('add', [make('clz', [second]), number(32)]),
          make('clz', [first]),
        ]);
      switch (name) {
        case 'clz':
          return [leading(hi, lo), zero];
        case 'ctz':
          return [leading(make('rbit', [lo]), make('rbit', [hi])), zero];
        case 'popcnt':
          return [make('add', [populationCount(graph, make, lo), populationCount(graph, make, hi)]), zero];
        case 'extend8_s':
          return self.extend(make('sxtb', [lo]), true);
        case 'extend16_s':
          return self.extend(make('sxth', [lo]), true);
        case 'extend32_s':
          return self.extend(lo, true);
        default:
          throw new Error(`i64.${name} is no operator of one operand`);
      }
    },
    compare: (relation, a, b) => make('cmp64', [...a, ...b], { relation }),
    load: (op, address, offset, extension) => {
      const lo = make(op, [address], { imm: offset });
      if (extension !== 'none') return self.extend(lo, extension === 'signed');
      return [lo, make(op, [address], { imm: (offset + 4) | 0 })];
    },
  };
  return self;
}
