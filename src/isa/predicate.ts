/**
 * Conditions on fields, written as the manual's pseudocode has them: `Rn == 15 && W == 1`,
 * `Rt2 == Rt + 1 || BitCount(registers) < 1`, `imm4<3:2> != 0`, `registers<Rn> == 1`, `BadReg(Rd)`. Kept as text in
 * the table so that other readers of it (a decision tree, a translator) can take them apart.
 */
import { bitCount } from './bits.js';
import type { Fields } from './pattern.js';

export interface Predicate {
  readonly text: string;
  test(fields: Fields): boolean;
  /** What `field == number` at the top level demands, where the condition is a plain conjunction. */
  readonly demands: ReadonlyMap<string, number>;
  /** Every field it looks at. */
  readonly reads: ReadonlySet<string>;
}

type Value = (fields: Fields) => number;
type Test = (fields: Fields) => boolean;

const comparisons: Record<string, (a: number, b: number) => boolean> = {
  '==': (a, b) => a === b,
  '!=': (a, b) => a !== b,
  '<=': (a, b) => a <= b,
  '>=': (a, b) => a >= b,
  '<': (a, b) => a < b,
  '>': (a, b) => a > b,
};

/** Reads a condition. Throws a plain Error where it cannot be read: the table's fault. */
export function parsePredicate(text: string): Predicate {
  const tokens =
    text.match(/[A-Za-z_]\w*(<(\w+|\d+:\d+)>)?|0x[0-9a-f]+|\d+|&&|\|\||[=!<>]=|[<>()+*-]/g) ?? [];
  let at = 0;
  const demands = new Map<string, number>();
  const reads = new Set<string>();

  const take = (expected?: string): string => {
    const token = tokens[at++];
    if (token === undefined || (expected !== undefined && token !== expected))
      throw new Error(`"${text}": ${expected ?? 'a value'} expected, found ${token ?? 'the end'}`);
    return token;
  };

  function atom(): Value {
    const token = take();
    if (/^\d/.test(token)) {
      const number = Number(token);
      return () => number;
    }
    if (token === 'BitCount') {
      take('(');
      const inner = sum();
      take(')');
      return (fields) => bitCount(inner(fields));
    }
    const [, name, high, low = high] = /^(\w+)(?:<(\w+)(?::(\d+))?>)?$/.exec(token) ?? [];
    if (name === undefined) throw new Error(`"${text}": ${token} is no field`);
    reads.add(name);
    if (high === undefined) return (fields) => fields[name]!;
    if (!/^\d/.test(high)) {
      reads.add(high);
      return (fields) => (fields[name]! >>> fields[high]!) & 1;
    }
    const [shift, mask] = [Number(low), 2 ** (Number(high) - Number(low) + 1) - 1];
    return (fields) => (fields[name]! >>> shift) & mask;
  }

  function product(): Value {
    let value = atom();
    while (tokens[at] === '*') {
      take();
      const [left, right] = [value, atom()];
      value = (fields) => left(fields) * right(fields);
    }
    return value;
  }

  function sum(): Value {
    let value = product();
    while (tokens[at] === '+' || tokens[at] === '-') {
      const [sign, left] = [take() === '+' ? 1 : -1, value];
      const right = product();
      value = (fields) => left(fields) + sign * right(fields);
    }
    return value;
  }

  function comparison(): Test {
    if (tokens[at] === '(') {
      take();
      const inner = or();
      take(')');
      return inner;
    }
    if (tokens[at] === 'BadReg') {
      take();
      take('(');
      const inner = sum();
      take(')');
      return (fields) => inner(fields) === 13 || inner(fields) === 15;
    }
    const start = at;
    const left = sum();
    const operator = take();
    const compare = comparisons[operator];
    if (!compare) throw new Error(`"${text}": ${operator} is no comparison`);
    const right = sum();
    if (operator === '==' && at === start + 3 && /^\w+$/.test(tokens[start]!) && /^\d/.test(tokens[at - 1]!))
      demands.set(tokens[start]!, Number(tokens[at - 1]));
    return (fields) => compare(left(fields), right(fields));
  }

  function and(): Test {
    let test = comparison();
    while (tokens[at] === '&&') {
      take();
      const [left, right] = [test, comparison()];
      test = (fields) => left(fields) && right(fields);
    }
    return test;
  }

  function or(): Test {
    let test = and();
    while (tokens[at] === '||') {
      take();
      const [left, right] = [test, and()];
      test = (fields) => left(fields) || right(fields);
    }
    return test;
  }

  const test = text === '' ? () => true : or();
  if (at !== tokens.length) throw new Error(`"${text}": ${tokens[at]!} comes unexpected`);
  const plain = !text.includes('||');
  return { text, test, demands: plain ? demands : new Map(), reads };
}
