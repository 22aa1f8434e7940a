/** Makes values, simpler ones where there are: constants computed, identities used, constants put to the right. */
import type { NewValue, Block, Graph, Op, Relation, Value } from './ir.js';
import { constant, holds, inverse, isBoolean, isConstant, newValue, swapped } from './ir.js';

/** Makes a value in a block, or finds the simpler one that it is. */
export type Make = (op: Op, args: readonly Value[], more?: NewValue) => Value;

const COMMUTATIVE: ReadonlySet<Op> = new Set<Op>(['add', 'mul', 'and', 'or', 'xor', 'umull', 'smull']);

const isPowerOf2 = (n: number): boolean => n > 0 && (n & (n - 1)) === 0;

/** The bits that may be 1 in a value. */
function possibleBits(value: Value, depth = 4): number {
  const { op, args, imm } = value;
  if (op === 'const') return imm;
  if (op === 'load8u') return 0xff;
  if (op === 'load16u') return 0xffff;
  if (op === 'clz') return 0x3f;
  if (isBoolean(value)) return 1;
  if (depth === 0) return -1;
  const of = (n: number): number => possibleBits(args[n]!, depth - 1);
  if (op === 'and') return of(0) & of(1);
  if (op === 'or' || op === 'xor') return of(0) | of(1);
  if (op === 'select') return of(1) | of(2);
  const amount = args[1];
  if (isConstant(amount)) {
    if (op === 'shl') return of(0) << amount.imm;
    if (op === 'shr') return of(0) >>> amount.imm;
  }
  return -1;
}

function compute(op: Op, a: number, b: number): number | undefined {
  switch (op) {
    case 'add':
      return a + b;
    case 'sub':
      return a - b;
    case 'mul':
      return Math.imul(a, b);
    case 'and':
      return a & b;
    case 'or':
      return a | b;
    case 'xor':
      return a ^ b;
    case 'shl':
      return (b & 0xff) < 32 ? a << b : 0;
    case 'shr':
      return (b & 0xff) < 32 ? a >>> b : 0;
    case 'sar':
      return a >> Math.min(b & 0xff, 31);
    case 'ror':
      return (a >>> (b & 31)) | (a << (-b & 31));
    case 'udiv':
      return b === 0 ? 0 : Math.floor((a >>> 0) / (b >>> 0));
    case 'sdiv':
      return b === 0 ? 0 : Math.trunc(a / b);
    default:
      return undefined;
  }
}

function computeUnary(op: Op, a: number): number | undefined {
  switch (op) {
    case 'clz':
      return Math.clz32(a);
    case 'rbit': {
      let reversed = 0;
      for (let bit = 0; bit < 32; bit++) reversed |= ((a >>> bit) & 1) << (31 - bit);
      return reversed;
    }
    case 'sxtb':
      return (a << 24) >> 24;
    case 'sxth':
      return (a << 16) >> 16;
    default:
      return undefined;
  }
}

function word64(lo: Value, hi: Value): bigint {
  return (BigInt(hi.imm >>> 0) << 32n) | BigInt(lo.imm >>> 0);
}

function holds64(relation: Relation, a: bigint, b: bigint): boolean {
  const signed = relation === 'ge' || relation === 'lt' || relation === 'gt' || relation === 'le';
  const [x, y] = signed ? [BigInt.asIntN(64, a), BigInt.asIntN(64, b)] : [a, b];
  const order = x < y ? -1 : x > y ? 1 : 0;
  return holds(
    ({ hs: 'ge', lo: 'lt', hi: 'gt', ls: 'le' } as Partial<Record<Relation, Relation>>)[relation] ?? relation,
    order,
    0,
  );
}

/** The maker of values for a graph; new ones are appended to the block that `block` gives. */
export function makerFor(graph: Graph, block: () => Block): Make {
  const number = (n: number): Value => constant(graph, n);

  const plain = (op: Op, args: readonly Value[], more: NewValue): Value => {
    const value = newValue(graph, op, [...args], more);
    value.block = block();
    value.block.body.push(value);
    return value;
  };

  const compare = (relation: Relation, a: Value, b: Value): Value => {
    if (a === b) return number(holds(relation, 0, 0) ? 1 : 0);
    if (isConstant(a)) {
      if (isConstant(b)) return number(holds(relation, a.imm, b.imm) ? 1 : 0);
      return make('cmp', [b, a], { relation: swapped(relation) });
    }
    if (isConstant(b)) {
      const c = b.imm;
      const again = (other: Relation, x: Value, y: Value): Value => make('cmp', [x, y], { relation: other });
      if (relation === 'hs' && c === 0) return number(1);
      if (relation === 'lo' && c === 0) return number(0);
      if ((relation === 'hi' && c === 0) || (relation === 'hs' && c === 1)) return again('ne', a, number(0));
      if ((relation === 'ls' && c === 0) || (relation === 'lo' && c === 1)) return again('eq', a, number(0));
      if (relation === 'eq' || relation === 'ne') {
        const [x, y] = a.args;
        if (isBoolean(a) && (c === 0 || c === 1)) return (c === 1) === (relation === 'eq') ? a : negate(a);
        if (c === 0 && (a.op === 'sub' || a.op === 'xor')) return again(relation, x!, y!);
        if (a.op === 'add' && isConstant(y)) return again(relation, x!, number(c - y.imm));
        // A shift by a constant, which is from 1 to 31, compared with 0: are there bits that it does not drop?
        if (c === 0 && a.op === 'shl' && isConstant(y))
          return again(relation, make('and', [x!, number(-1 >>> y.imm)]), b);
        if (c === 0 && a.op === 'shr' && isConstant(y))
          return again(relation, make('and', [x!, number(-1 << y.imm)]), b);
      }
    }
    return plain('cmp', [a, b], { relation });
  };

  const compare64 = (relation: Relation, args: readonly Value[]): Value => {
    const [alo, ahi, blo, bhi] = args as [Value, Value, Value, Value];
    if (args.every(isConstant)) return number(holds64(relation, word64(alo, ahi), word64(blo, bhi)) ? 1 : 0);
    if (isConstant(alo) && isConstant(ahi))
      return make('cmp64', [blo, bhi, alo, ahi], { relation: swapped(relation) });
    const equality = relation === 'eq' || relation === 'ne';
    if (ahi === bhi) {
      const unsigned = ({ ge: 'hs', lt: 'lo', gt: 'hi', le: 'ls' } as Partial<Record<Relation, Relation>>)[
        relation
      ];
      return make('cmp', [alo, blo], { relation: unsigned ?? relation });
    }
    if (isConstant(blo) && blo.imm === 0) {
      // The high halves decide where there is nothing below them.
      if (relation === 'ge' || relation === 'lt' || relation === 'hs' || relation === 'lo')
        return make('cmp', [ahi, bhi], { relation });
      if (equality && isConstant(bhi) && bhi.imm === 0)
        return make('cmp', [make('or', [alo, ahi]), blo], { relation });
    }
    return plain('cmp64', args, { relation });
  };

  const negate = (value: Value): Value => {
    if (value.relation !== undefined && (value.op === 'cmp' || value.op === 'cmp64'))
      return make(value.op, value.args, { relation: inverse(value.relation) });
    return make('xor', [value, number(1)]);
  };

  /** A choice between a condition and 0 or 1 as two conditions of which both, or one, must hold. */
  const choose = (condition: Value, yes: Value, no: Value): Value | undefined => {
    if (!isBoolean(yes) || !isBoolean(no)) return undefined;
    const holds = (relation: Relation): Value => compare(relation, condition, number(0));
    if (isConstant(no))
      return no.imm === 0 ? make('and', [holds('ne'), yes]) : make('or', [holds('eq'), yes]);
    if (isConstant(yes))
      return yes.imm === 0 ? make('and', [holds('eq'), no]) : make('or', [holds('ne'), no]);
    return undefined;
  };

  /** Two arguments of which the second is a constant. */
  const withConstant = (op: Op, a: Value, b: Value): Value | undefined => {
    const c = b.imm;
    const [x, y] = a.args;
    switch (op) {
      case 'add':
        if (c === 0) return a;
        if (a.op === 'add' && isConstant(y)) return make('add', [x!, number(y.imm + c)]);
        return undefined;
      case 'sub':
        return make('add', [a, number(-c)]);
      case 'mul':
        if (c === 0) return b;
        if (c === 1) return a;
        if (c === -1) return make('sub', [number(0), a]);
        if (c === -0x80000000) return make('shl', [a, number(31)]);
        if (isPowerOf2(c)) return make('shl', [a, number(31 - Math.clz32(c))]);
        if (isPowerOf2(c - 1)) return make('add', [a, make('shl', [a, number(31 - Math.clz32(c - 1))])]);
        if (isPowerOf2(c + 1)) return make('sub', [make('shl', [a, number(31 - Math.clz32(c + 1))]), a]);
        return undefined;
      case 'and':
        if ((possibleBits(a) & ~c) === 0) return a;
        if ((possibleBits(a) & c) === 0) return number(0);
        if (a.op === 'and' && isConstant(y)) return make('and', [x!, number(y.imm & c)]);
        // A side that has no bit in the mask does not count.
        if (a.op === 'or' || a.op === 'xor') {
          if ((possibleBits(y!) & c) === 0) return make('and', [x!, b]);
          if ((possibleBits(x!) & c) === 0) return make('and', [y!, b]);
        }
        return undefined;
      case 'or':
        if (c === 0) return a;
        if (c === -1) return b;
        if (a.op === 'or' && isConstant(y)) return make('or', [x!, number(y.imm | c)]);
        return undefined;
      case 'xor':
        if (c === 0) return a;
        if (c === 1 && (a.op === 'cmp' || a.op === 'cmp64')) return negate(a);
        if (a.op === 'xor' && isConstant(y)) return make('xor', [x!, number(y.imm ^ c)]);
        return undefined;
      case 'shl':
      case 'shr':
      case 'sar':
      case 'ror':
        return withConstantShift(op, a, c);

      case 'udiv':
        if (c === 1) return a;
        if (isPowerOf2(c)) return make('shr', [a, number(31 - Math.clz32(c))]);
        return undefined;
      default:
        return undefined;
    }
  };

  /** A shift by a constant, of which the low byte counts; an amount left in the end is from 1 to 31. */
  const withConstantShift = (
    op: 'shl' | 'shr' | 'sar' | 'ror',
    a: Value,
    amount: number,
  ): Value | undefined => {
    const low = amount & 0xff;
    const by = op === 'ror' ? low % 32 : op === 'sar' ? Math.min(low, 31) : low;
    if (by !== amount) return make(op, [a, number(by)]);
    if (by === 0) return a;
    if (by > 31) return number(0);
    if (op === 'ror') return undefined;
    const [x, y] = a.args;
    if (!isConstant(y) || y.imm < 0 || y.imm > 31) return undefined;
    const before = y.imm;
    if (a.op === op) {
      const sum = before + by;
      if (sum < 32) return make(op, [x!, number(sum)]);
      return op === 'sar' ? make('sar', [x!, number(31)]) : number(0);
    }
    if (op === 'shr' && a.op === 'shl' && by >= before)
      return make('and', [make('shr', [x!, number(by - before)]), number(-1 >>> by)]);
    if (op === 'shl' && (a.op === 'shr' || a.op === 'sar') && by === before)
      return make('and', [x!, number(-1 << by)]);
    if (op === 'sar' && a.op === 'shl' && by === before && (by === 16 || by === 24))
      return make(by === 16 ? 'sxth' : 'sxtb', [x!]);
    return undefined;
  };

  const simplify = (op: Op, args: readonly Value[], more: NewValue): Value | undefined => {
    const [a, b, c] = args;
    if (op === 'cmp') return compare(more.relation!, a!, b!);
    if (op === 'cmp64') return compare64(more.relation!, args);
    if (op === 'select') {
      if (isConstant(a)) return a.imm !== 0 ? b : c;
      if (b === c) return b;
      if (isBoolean(a!) && isConstant(b) && isConstant(c)) {
        if (b.imm === 1 && c.imm === 0) return a;
        if (b.imm === 0 && c.imm === 1) return negate(a!);
      }
      return choose(a!, b!, c!);
    }
    if (args.length === 1 && isConstant(a)) {
      const result = computeUnary(op, a.imm);
      return result === undefined ? undefined : number(result);
    }
    if ((op === 'sxtb' || op === 'sxth') && (possibleBits(a!) & (op === 'sxtb' ? ~0x7f : ~0x7fff)) === 0)
      return a;
    if (args.length !== 2) return undefined;
    if (isConstant(a) && isConstant(b)) {
      const result = compute(op, a.imm, b.imm);
      if (result !== undefined) return number(result);
    }
    if (isConstant(a) && !isConstant(b) && COMMUTATIVE.has(op)) return make(op, [b!, a], more);
    if (a === b) {
      if (op === 'and' || op === 'or') return a;
      if (op === 'sub' || op === 'xor') return number(0);
    }
    if (op === 'add' && b!.op === 'sub' && isConstant(b!.args[0]) && b!.args[0].imm === 0)
      return make('sub', [a!, b!.args[1]!]);
    if ((op === 'shl' || op === 'shr' || op === 'sar') && isConstant(a) && a.imm === 0) return a;
    return isConstant(b) ? withConstant(op, a!, b) : undefined;
  };

  const make: Make = (op, args, more = {}) => {
    if (op.startsWith('load') || op.startsWith('store')) {
      // Addresses wrap at 32 bits in the machine, so the constants of one add up.
      const [base, ...others] = args;
      const offset = more.imm!;
      if (base!.op === 'add' && isConstant(base!.args[1]))
        return make(op, [base!.args[0]!, ...others], { imm: (base!.args[1].imm + offset) | 0 });
      if (isConstant(base) && base.imm !== 0)
        return make(op, [number(0), ...others], { imm: (base.imm + offset) | 0 });
      if (op === 'store8' || op === 'store16') {
        const [value] = others;
        const kept = op === 'store8' ? 0xff : 0xffff;
        if (value!.op === 'and' && isConstant(value!.args[1]) && (value!.args[1].imm & kept) === kept)
          return make(op, [base!, value!.args[0]!], more);
      }
    }
    return simplify(op, args, more) ?? plain(op, args, more);
  };
  return make;
}
