/** Random modules of WebAssembly that run to their end: every operator, nested control, many values alive at once. */
import { intrinsicOf } from '../../src/translate/intrinsics.js';
import type { Signature, ValueType } from '../../src/wasm/module.js';
import type { FunctionBytes, ImportBytes } from '../../src/wasm/write.js';
import { begin, i32, i64, moduleBytes, op } from '../../src/wasm/write.js';

/** Imports that a user program can run, and Node can imitate. */
const IMPORTED = [
  ...['shared load8', 'shared load16', 'shared load32', 'shared load64'],
  ...['shared store8', 'shared store16', 'shared store32', 'shared store64'],
  ...['mmio read8', 'mmio read16', 'mmio read32', 'mmio write8', 'mmio write16', 'mmio write32'],
  ...['atomic fetchAdd', 'atomic fetchAnd', 'atomic fetchOr', 'atomic fetchXor', 'atomic exchange'],
  ...['atomic compareExchange', 'barrier dmb', 'barrier dsbIsh', 'barrier isb', 'word rbit', 'word rev'],
];
export const imports: readonly ImportBytes[] = IMPORTED.map((it) => {
  const [module, name] = it.split(' ') as [string, string];
  return { module, name, type: intrinsicOf(module, name)!.type };
});

const INTERESTING32 = [
  ...[0, 1, 2, 3, 4, 7, 8, 31, 32, 33, 63, 64, 127, 128, 255, 256, 257, 0xff00, 0xffff, 0x10000],
  ...[0x7fffffff, -0x80000000, -1, -2, -4, -8, -31, -32, -128, -255, -256, -257, 0xff000, 0x3fc00],
  ...[0x7f, 0xfff, 0x1000, 0xff00ff, 0x0ff0, 0xf0, 0x12345678, 0x55555555, 0xfffff000, 0xffff0000],
];

const BINARY = 'add sub mul and or xor shl shr_s shr_u rotl rotr'.split(' ');
const DIVISION = 'div_s div_u rem_s rem_u'.split(' ');
type Access = readonly [name: string, bytes: number];
const LOADS: Readonly<Record<ValueType, readonly Access[]>> = {
  i32: [
    ['load', 4],
    ['load8_s', 1],
    ['load8_u', 1],
    ['load16_s', 2],
    ['load16_u', 2],
  ],
  i64: [
    ['load', 8],
    ['load', 8],
    ['load8_s', 1],
    ['load8_u', 1],
    ['load16_s', 2],
    ['load16_u', 2],
    ['load32_s', 4],
    ['load32_u', 4],
  ],
};
const STORES: Readonly<Record<ValueType, readonly Access[]>> = {
  i32: [
    ['store', 4],
    ['store8', 1],
    ['store16', 2],
  ],
  i64: [
    ['store', 8],
    ['store8', 1],
    ['store16', 2],
    ['store32', 4],
  ],
};
const RELATION = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split(' ');

/** A source of random numbers by seed (mulberry32). */
export function random(seed: number): (below: number) => number {
  let state = seed >>> 0;
  return (below) => {
    state = (state + 0x6d2b79f5) >>> 0;
    let it = Math.imul(state ^ (state >>> 15), 1 | state);
    it = (it + Math.imul(it ^ (it >>> 7), 61 | it)) ^ it;
    return ((it ^ (it >>> 14)) >>> 0) % below;
  };
}

/** Bytes of memory that a module works on. */
export const MEMORY_BYTES = 4096;

export interface Generated {
  readonly wasm: Uint8Array<ArrayBuffer>;
  readonly functions: readonly FunctionBytes[];
}

interface Label {
  /** What a branch to it carries; a loop's is never branched to but by its own counter. */
  readonly carries: ValueType | undefined;
  readonly isLoop: boolean;
}

/** Makes a module whose accesses stay in MEMORY_BYTES from an address on. */
export function generate(seed: number, memoryAt: number, pages: number): Generated {
  const pick = random(seed);
  const chance = (percent: number): boolean => pick(100) < percent;
  const one = <T>(of: readonly T[]): T => of[pick(of.length)]!;
  const type = (): ValueType => (chance(60) ? 'i32' : 'i64');
  const number32 = (): number => {
    const kind = pick(10);
    if (kind < 6) return one(INTERESTING32);
    if (kind < 8) return (pick(256) << (2 * pick(16))) | 0;
    return kind === 8 ? (1 << pick(32)) + pick(3) - 1 : pick(0x10000) * 0x10000 + pick(0x10000);
  };
  const number64 = (): bigint => {
    if (chance(40)) return BigInt(number32());
    return (BigInt(number32() >>> 0) << 32n) | BigInt(number32() >>> 0);
  };

  const functions: FunctionBytes[] = [];

  const generateFunction = (index: number): FunctionBytes => {
    const many = chance(20);
    const params = Array.from({ length: many ? pick(9) : pick(5) }, type);
    const results = chance(90) ? [type()] : [];
    const signature: Signature = { params, results };
    // Counters of loops come last, and are set by nothing else.
    const locals = Array.from({ length: chance(15) ? 16 + pick(12) : pick(7) }, type);
    const all = [...params, ...locals];
    const counters: ValueType[] = [];
    const labels: Label[] = [{ carries: results[0], isLoop: false }];
    let budget = 30 + pick(90);
    let loops = 0;

    const localOf = (wanted: ValueType): number | undefined => {
      const found = all.flatMap((it, i) => (it === wanted ? [i] : []));
      return found.length > 0 ? one(found) : undefined;
    };

    const extreme = (of: ValueType): number[] =>
      of === 'i32'
        ? i32(one([0, -1, 1, 0x7fffffff, -0x80000000, 0x12345, -0x12345]))
        : i64(one([0n, -1n, 1n, 2n ** 63n - 1n, -(2n ** 63n), 0x7fffffffn, -0x80000000n, 2n ** 32n]));
    const constant = (of: ValueType): number[] => (of === 'i32' ? i32(number32()) : i64(number64()));

    /** An address with its constant offset, in the module's memory for accesses of up to 8 bytes. */
    const address = (depth: number, aligned: number): { code: number[]; offset: number } => {
      const mask = (MEMORY_BYTES / 2 - 1) & ~(chance(80) ? 7 : aligned - 1);
      const inner = [...expression('i32', depth), ...i32(mask), ...op('i32.and')];
      const at = memoryAt + 16 + pick(64) * 8;
      switch (pick(5)) {
        case 0:
          return { code: inner, offset: chance(20) ? memoryAt : at };
        case 1:
          return { code: [...inner, ...i32(at), ...op('i32.add')], offset: 0 };
        case 2:
          return { code: i32(at), offset: 8 * pick(100) };
        case 3: {
          const scaled = [
            ...expression('i32', depth - 1),
            ...i32(0xff),
            ...op('i32.and'),
            ...i32(3),
            ...op('i32.shl'),
          ];
          return { code: [...scaled, ...i32(at), ...op('i32.add')], offset: 8 * pick(20) };
        }
        default:
          // A base whose constant is taken off again: a negative offset.
          return {
            code: [...inner, ...i32(at + 128), ...op('i32.add'), ...i32(-8 * pick(16)), ...op('i32.add')],
            offset: 0,
          };
      }
    };

    const call = (wanted: ValueType | undefined, depth: number): number[] | undefined => {
      const candidates = functions.flatMap((it, i) => (it.type.results[0] === wanted ? [i] : []));
      if (candidates.length === 0 || loops > 0) return undefined;
      const callee = one(candidates);
      const args = functions[callee]!.type.params.flatMap((it) => expression(it, depth - 1));
      return [...args, ...op('call', imports.length + callee)];
    };

    const callImport = (wanted: ValueType | undefined, depth: number): number[] | undefined => {
      const candidates = imports.flatMap((it, i) => (it.type.results[0] === wanted ? [i] : []));
      if (candidates.length === 0) return undefined;
      const chosen = one(candidates);
      const { module, type: of } = imports[chosen]!;
      const code = of.params.flatMap((it, i) => {
        if (module === 'word' || i > 0) return expression(it, depth - 1);
        const at = memoryAt + 8 * pick(60);
        if (chance(40)) return i32(at);
        return [
          ...expression('i32', depth - 1),
          ...i32(0x7f8),
          ...op('i32.and'),
          ...i32(at),
          ...op('i32.add'),
        ];
      });
      return [...code, ...op('call', chosen)];
    };

    const load = (of: ValueType, depth: number): number[] => {
      const [name, bytes] = one(LOADS[of]);
      const { code, offset } = address(depth - 1, bytes);
      return [...code, ...op(`${of}.${name}`, 0, offset)];
    };

    const condition = (depth: number): number[] => {
      const of = type();
      const compare = (): number[] => [
        ...expression(of, depth - 1),
        ...(chance(60) ? (chance(30) ? extreme(of) : constant(of)) : expression(of, depth - 1)),
        ...op(`${of}.${one(RELATION)}`),
      ];
      /** A comparison with one constant, often at the edge. */
      const simple = (): number[] => {
        if (chance(30)) return compare();
        if (chance(30))
          return [
            ...expression('i32', depth - 1),
            ...expression('i32', depth - 1),
            ...op(`i32.${one(RELATION)}`),
          ];
        const c = chance(50) ? i32(one([0, -1, 0x7fffffff, -0x80000000])) : constant('i32');
        return [...expression('i32', depth - 1), ...c, ...op(`i32.${one(RELATION)}`)];
      };
      /** A number that is chosen on two ways: often a truth of one of them, and known on the other. */
      const chosen = (): number[] => {
        const code = [...condition(depth - 1), ...begin('if', 'i32')];
        labels.push({ carries: 'i32', isLoop: false });
        const arms = [chance(70) ? condition(depth - 1) : i32(pick(4)), i32(pick(3))];
        if (chance(50)) arms.reverse();
        labels.pop();
        return [...code, ...arms[0]!, ...op('else'), ...arms[1]!, ...op('end')];
      };
      switch (depth > 0 ? pick(13) : pick(10)) {
        case 10:
          return chance(60) ? chosen() : [...chosen(), ...i32(pick(3)), ...op(`i32.${one(RELATION)}`)];
        case 11:
          return [...condition(depth - 1), ...condition(depth - 1), ...op(one(['i32.and', 'i32.or']))];
        case 12: {
          const truths = [...simple(), ...(chance(50) ? i32(pick(2)) : simple())];
          return chance(50)
            ? [...truths, ...expression('i32', depth - 1), ...op('select')]
            : [...i32(pick(2)), ...simple(), ...expression('i32', depth - 1), ...op('select')];
        }
        case 9: {
          const by = [...expression('i32', depth - 1), ...i32(1 + pick(31))];
          return [...by, ...op(one(['i32.shl', 'i32.shr_u'])), ...op('i32.eqz')];
        }
        case 7:
          // Truth compared, and turned round.
          return [
            ...compare(),
            ...(chance(50) ? i32(1) : i32(0)),
            ...op(one(['i32.eq', 'i32.ne', 'i32.xor'])),
          ];
        case 8: {
          const bit = [...expression('i32', depth - 1), ...i32(1 << pick(32)), ...op('i32.and')];
          return [...bit, ...(chance(50) ? op('i32.eqz') : [...i32(0), ...op('i32.ne')])];
        }
        case 0:
          return [...simple(), ...simple(), ...op('i32.and')];
        case 1:
          return [...simple(), ...simple(), ...op('i32.or')];
        case 2:
          return [...compare(), ...op('i32.eqz')];
        case 3:
          return [...expression(of, depth - 1), ...op(`${of}.eqz`)];
        case 4:
          return [...expression('i32', depth - 1), ...i32(1 << pick(32)), ...op('i32.and')];
        case 5: {
          const bits = [...expression('i32', depth - 1), ...i32(pick(32)), ...op('i32.shr_u')];
          return [...bits, ...i32(one([1, 3, 7, 0xff])), ...op('i32.and')];
        }
        default:
          return compare();
      }
    };

    const expression = (of: ValueType, depth: number): number[] => {
      budget--;
      const local = localOf(of);
      if (depth <= 0 || budget <= 0)
        return local !== undefined && chance(70) ? op('local.get', local) : constant(of);
      const d = depth - 1;
      switch (pick(24)) {
        case 20:
        case 21:
        case 22:
          return idiom(of, d);
        case 0:
        case 1:
        case 2:
        case 3:
        case 4:
          return [
            ...expression(of, d),
            ...(chance(35) ? constant(of) : expression(of, d)),
            ...op(`${of}.${one(BINARY)}`),
          ];
        case 5: {
          const name = one(DIVISION);
          const bits = of === 'i32' ? i32(3) : i64(3n);
          const dividend = name.endsWith('_s')
            ? [...expression(of, d), ...(of === 'i32' ? i32(1) : i64(1n)), ...op(`${of}.shr_s`)]
            : expression(of, d);
          const divisor = chance(30)
            ? of === 'i32'
              ? i32(one([1, 2, 3, 7, 8, 10, -3, 1000, 0x10000]))
              : i64(BigInt(one([1, 2, 3, 10, -7, 1000])))
            : [...expression(of, d), ...bits, ...op(`${of}.or`)];
          return [...dividend, ...divisor, ...op(`${of}.${name}`)];
        }
        case 6: {
          const names = 'clz ctz popcnt extend8_s extend16_s'.split(' ');
          if (of === 'i64') names.push('extend32_s');
          return [...expression(of, d), ...op(`${of}.${one(names)}`)];
        }
        case 7:
        case 8:
          return of === 'i32'
            ? [...expression('i64', d), ...op('i32.wrap_i64')]
            : [...expression('i32', d), ...op(one(['i64.extend_i32_s', 'i64.extend_i32_u']))];
        case 9:
          return of === 'i32' ? condition(d) : [...condition(d), ...op('i64.extend_i32_u')];
        case 10:
          return [...expression(of, d), ...expression(of, d), ...condition(d), ...op('select')];
        case 11:
        case 12:
          return load(of, d);
        case 13:
          if (local === undefined) return constant(of);
          return [...expression(of, d), ...op('local.tee', local)];
        case 14: {
          const [yes, no] = [
            { carries: of, isLoop: false },
            { carries: of, isLoop: false },
          ];
          const code = [...condition(d), ...begin('if', of)];
          labels.push(yes);
          code.push(...expression(of, d), ...op('else'));
          labels[labels.length - 1] = no;
          code.push(...expression(of, d), ...op('end'));
          labels.pop();
          return code;
        }
        case 15: {
          labels.push({ carries: of, isLoop: false });
          const code = [...begin('block', of), ...expression(of, d), ...condition(d), ...op('br_if', 0)];
          if (chance(50)) code.push(...op('drop'), ...statements(1), ...expression(of, d));
          labels.pop();
          return [...code, ...op('end')];
        }
        case 16:
          return call(of, d) ?? expression(of, d);
        case 17:
          return callImport(of, d) ?? constant(of);
        case 18: {
          // A bit field.
          if (of === 'i64') return constant(of);
          const mask = one([1, 3, 0xff, 0x3ff, 0xffff, 0xff00, 0xfffff, 0x0ff00000, -0x1000, 0x7fffffff]);
          return [...expression(of, d), ...i32(pick(32)), ...op('i32.shr_u'), ...i32(mask), ...op('i32.and')];
        }
        default:
          return local !== undefined ? op('local.get', local) : constant(of);
      }
    };

    /** What selection and folding look for, in all its forms. */
    const idiom = (of: ValueType, depth: number): number[] => {
      const value = (): number[] => expression(of, depth - 1);
      const number = (n: number): number[] => (of === 'i32' ? i32(n) : i64(BigInt(n)));
      const shift = (): string => `${of}.${one(['shl', 'shr_s', 'shr_u', 'rotl', 'rotr'])}`;
      switch (pick(10)) {
        case 0: {
          const [first, second] = chance(50) ? [shift(), shift()] : Array<string>(2).fill(shift());
          return [...value(), ...number(pick(70)), ...op(first!), ...number(pick(70)), ...op(second!)];
        }
        case 1: {
          const by = one([16, 24, 24, pick(32)]);
          return [
            ...value(),
            ...number(by),
            ...op(`${of}.shl`),
            ...number(by),
            ...op(`${of}.${one(['shr_s', 'shr_u'])}`),
          ];
        }
        case 2:
          return [...value(), ...number(one([0, 1, -1, 2, -0x80000000])), ...op(`${of}.${one(BINARY)}`)];
        case 3: {
          const mask = one([0xffff, -0x1000, 0xff00ff, ~0xff00ff, 0x3fffff, 0x7fffc0, -0x80000, 0xff]);
          return [...value(), ...number(mask), ...op(`${of}.and`)];
        }
        case 4: {
          if (of === 'i32')
            return [
              ...condition(depth),
              ...i32(pick(2)),
              ...i32(pick(2)),
              ...op('i32.xor'),
              ...op('i32.xor'),
            ];
          const extend = (): number[] => [
            ...expression('i32', depth - 1),
            ...op(one(['i64.extend_i32_s', 'i64.extend_i32_s', 'i64.extend_i32_u'])),
          ];
          return [
            ...extend(),
            ...extend(),
            ...op(one(['i64.mul', 'i64.mul', 'i64.add', 'i64.sub', 'i64.or', 'i64.and'])),
          ];
        }
        case 5:
          if (of === 'i32' && chance(50))
            return [...value(), ...i32(0), ...op(`i32.${one(['lt_s', 'ge_s', 'ge_s', ...RELATION])}`)];
          return [...number(pick(2)), ...number(pick(2)), ...condition(depth), ...op('select')];
        case 6:
          return [
            ...value(),
            ...number(number32()),
            ...op(`${of}.${one(['and', 'or', 'xor', 'add'])}`),
            ...number(number32()),
            ...op(`${of}.${one(['and', 'or', 'xor', 'add'])}`),
          ];
        case 7: {
          if (chance(30))
            return [...value(), ...number(1 << pick(12)), ...op(`${of}.${one(['div_u', 'rem_u'])}`)];
          const inverted = [...value(), ...number(-1), ...op(`${of}.xor`)];
          return [...value(), ...inverted, ...op(`${of}.and`)];
        }
        case 8: {
          const of2 = localOf(of);
          if (of2 === undefined) return value();
          const x = op('local.get', of2);
          return [...x, ...x, ...op(`${of}.${one([...BINARY, ...(of === 'i32' ? [] : ['add'])])}`)];
        }
        default: {
          if (of === 'i64' && chance(40)) {
            const factor = (): number[] => [...load('i32', 1), ...op('i64.extend_i32_s')];
            return [...factor(), ...factor(), ...op('i64.mul')];
          }
          const product = [...value(), ...value(), ...op(`${of}.mul`)];
          return chance(50)
            ? [...product, ...value(), ...op(`${of}.add`)]
            : [...value(), ...product, ...op(`${of}.${one(['add', 'sub'])}`)];
        }
      }
    };

    /** What is never done: the translator does not know that. */
    const never = (): number[] => {
      const impossible = [...expression('i32', 1), ...i32(1), ...op('i32.and'), ...i32(2), ...op('i32.eq')];
      const of = type();
      const zero = of === 'i32' ? i32(0) : i64(0n);
      const code = one([
        [...op('nop'), ...op('unreachable')],
        [...expression(of, 1), ...zero, ...op(`${of}.${one(DIVISION)}`), ...op('drop')],
        [...op('unreachable'), ...begin('block', undefined), ...op('nop'), ...op('end')],
      ]);
      labels.push({ carries: undefined, isLoop: false });
      const otherwise = chance(30) ? [...op('else'), ...statements(1)] : [];
      const inside = [...impossible, ...begin('if', undefined), ...code, ...otherwise, ...op('end')];
      labels.pop();
      return inside;
    };

    /** Leaves the function, or a block, from one side of an `if`. */
    const leaveEarly = (): number[] => {
      const targets = labels.flatMap((it, i) => (it.isLoop ? [] : [labels.length - i]));
      const out = condition(2);
      labels.push({ carries: undefined, isLoop: false });
      const code = [...out, ...begin('if', undefined)];
      const [result] = results;
      const callees = functions.flatMap((it, i) =>
        it.type.results[0] === result && it.type.params.every((param, n) => param === params[n]) ? [i] : [],
      );
      if (chance(40) && callees.length > 0 && loops === 0) {
        // With the same arguments: nothing has to be moved.
        const callee = one(callees);
        code.push(...functions[callee]!.type.params.flatMap((_, n) => op('local.get', n)));
        code.push(...op('call', imports.length + callee), ...op('return'));
      } else if (chance(50)) {
        code.push(...(result ? expression(result, 2) : []), ...op('return'));
      } else {
        const target = one(targets);
        const carried = labels[labels.length - 1 - target]!.carries;
        code.push(...(carried ? expression(carried, 2) : []), ...op('br', target));
      }
      if (chance(50)) code.push(...op('else'), ...statements(1));
      labels.pop();
      return [...code, ...op('end')];
    };

    /** At the function's beginning, a call of another with the same arguments. */
    const passOn = (): number[] => {
      const found = functions.findIndex(
        (it) => it.type.results[0] === results[0] && it.type.params.every((param, n) => param === params[n]),
      );
      if (found < 0 || params[0] !== 'i32') return [];
      const args = functions[found]!.type.params.flatMap((_, n) => op('local.get', n));
      const when = [...op('local.get', 0), ...i32(pick(64)), ...op('i32.eq'), ...begin('if', undefined)];
      return [...when, ...args, ...op('call', imports.length + found), ...op('return'), ...op('end')];
    };

    /** Comparisons of one value one after another, with the same way out or each with its own. */
    const comparisons = (): number[] => {
      const local = localOf('i32');
      if (local === undefined) return [];
      const [count, base] = [2 + pick(6), number32()];
      const step = base & 1 ? 4 : 1;
      const code: number[] = [];
      const same = chance(50);
      const depth = same ? 1 : count;
      for (let i = 0; i < depth; i++) {
        code.push(...begin('block', undefined));
        labels.push({ carries: undefined, isLoop: false });
      }
      const relation = chance(50) ? 'eq' : undefined;
      for (let i = 0; i < count; i++) {
        const name = relation ?? one(RELATION);
        const c = chance(30) ? extreme('i32') : i32(base + step * pick(20));
        code.push(...op('local.get', local), ...c, ...op(`i32.${name}`), ...op('br_if', same ? 0 : i));
      }
      for (let i = 0; i < depth; i++) {
        labels.pop();
        code.push(...op('end'), ...statements(1));
      }
      return code;
    };

    /** A branch by what the ways to it have decided, where what they have set besides goes on. */
    const decided = (): number[] => {
      const [truth, other] = [localOf('i32'), localOf('i32')];
      if (truth === undefined || other === undefined) return [];
      const set = (local: number, value: number[]): number[] => [...value, ...op('local.set', local)];
      const code = [...begin('block', undefined), ...set(truth, i32(pick(3)))];
      const decision = (): number[] => set(truth, chance(60) ? condition(1) : i32(pick(3)));
      switch (pick(4)) {
        case 0:
          code.push(...begin('block', undefined), ...condition(2), ...op('br_if', 0), ...decision());
          break;
        case 1:
          code.push(...begin('block', undefined), ...begin('block', undefined), ...expression('i32', 1));
          code.push(...op('br_table', 3), 0, 1, 1, 0, ...op('end'), ...decision());
          break;
        default:
          code.push(...condition(2), ...begin('if', undefined), ...set(other, expression('i32', 1)));
          if (chance(70)) code.push(...decision());
          if (chance(50)) code.push(...op('else'), ...decision());
      }
      code.push(...op('end'), ...op('local.get', truth));
      if (chance(60)) code.push(...i32(pick(3)), ...op(`i32.${one(['eq', 'ne', ...RELATION])}`));
      if (chance(20)) code.push(...op('local.tee', other));
      code.push(...op('br_if', 0), ...set(truth, expression('i32', 1)));
      if (chance(70)) code.push(...set(other, expression('i32', 1)));
      return [...code, ...op('end')];
    };

    /** A switch of more cases than an immediate can count. */
    const longSwitch = (): number[] => {
      const table = Array.from({ length: 257 + pick(100) }, () => pick(3));
      const blocks = [0, 1, 2].flatMap(() => begin('block', undefined));
      for (let i = 0; i < 3; i++) labels.push({ carries: undefined, isLoop: false });
      const index = [...expression('i32', 2), ...i32(0x1ff), ...op('i32.and')];
      const code = [...blocks, ...index, ...op('br_table', table.length), ...table, pick(3)];
      for (let i = 0; i < 3; i++) {
        labels.pop();
        code.push(...op('end'), ...statements(1));
      }
      return code;
    };

    const store = (): number[] => {
      const of = type();
      const [name, bytes] = one(STORES[of]);
      const { code, offset } = address(2, bytes);
      const masked = of === 'i32' && chance(30) ? [...i32(one([0xff, 0xffff, 0x7f])), ...op('i32.and')] : [];
      return [...code, ...expression(of, 2), ...masked, ...op(`${of}.${name}`, 0, offset)];
    };

    const switchOver = (): number[] => {
      const count = 2 + pick(5);
      const code: number[] = [];
      for (let i = 0; i < count; i++) {
        code.push(...begin('block', undefined));
        labels.push({ carries: undefined, isLoop: false });
      }
      code.push(...expression('i32', 2));
      if (chance(70)) code.push(...i32(7), ...op('i32.and'));
      const table = Array.from({ length: count + pick(3) }, () => pick(count));
      code.push(...op('br_table', table.length), ...table, pick(count));
      for (let i = 0; i < count; i++) {
        labels.pop();
        code.push(...op('end'), ...statements(1));
      }
      return code;
    };

    const statement = (): number[] => {
      if (budget <= 0) return [];
      switch (pick(21)) {
        case 19:
        case 20:
          return decided();
        case 13:
          return never();
        case 14:
        case 15:
          return leaveEarly();
        case 16:
        case 17:
          return comparisons();
        case 18: {
          if (chance(15)) return longSwitch();
          const of = type();
          const global = op('global.get', of === 'i32' ? 0 : 1);
          const local = localOf(of);
          return [...global, ...(local === undefined ? op('drop') : op('local.set', local))];
        }
        case 0:
        case 1:
        case 2:
        case 3: {
          const of = type();
          const local = localOf(of);
          if (local === undefined) return [...expression(of, 3), ...op('drop')];
          return [...expression(of, 4), ...op('local.set', local)];
        }
        case 4:
        case 5:
          return store();
        case 6:
        case 7: {
          const code = [...condition(3), ...begin('if', undefined)];
          labels.push({ carries: undefined, isLoop: false });
          code.push(...statements(2));
          if (chance(50)) code.push(...op('else'), ...statements(2));
          labels.pop();
          return [...code, ...op('end')];
        }
        case 8: {
          if (loops > 2) return store();
          // A counter of its own: the loop ends.
          const counter = all.length + counters.length;
          counters.push('i32');
          loops++;
          const code = [...i32(1 + pick(5)), ...op('local.set', counter), ...begin('loop', undefined)];
          labels.push({ carries: undefined, isLoop: true });
          code.push(...statements(3));
          labels.pop();
          loops--;
          const down = [
            ...op('local.get', counter),
            ...i32(1),
            ...op('i32.sub'),
            ...op('local.tee', counter),
          ];
          return [
            ...code,
            ...down,
            ...(chance(50) ? [...i32(0), ...op('i32.ne')] : []),
            ...op('br_if', 0),
            ...op('end'),
          ];
        }
        case 9: {
          labels.push({ carries: undefined, isLoop: false });
          const code = [...begin('block', undefined), ...statements(2)];
          if (chance(60)) code.push(...branchIf(), ...statements(1));
          labels.pop();
          return [...code, ...op('end')];
        }
        case 10:
          return switchOver();
        case 11:
          return callImport(undefined, 3) ?? [];
        default: {
          if (chance(70)) return branchIf();
          const size = i32(pick(40));
          const [a, b] = [memoryAt + 64 + pick(1000), memoryAt + 64 + pick(1000)];
          if (chance(50)) return [...i32(a), ...expression('i32', 2), ...size, ...op('memory.fill'), 0];
          return [...i32(a), ...i32(b), ...size, ...op('memory.copy'), 0, 0];
        }
      }
    };
    const branchIf = (): number[] => {
      const targets = labels.flatMap((it, i) => (it.isLoop ? [] : [labels.length - 1 - i]));
      const target = one(targets);
      const carried = labels[labels.length - 1 - target]!.carries;
      const value = carried ? expression(carried, 2) : [];
      return [...value, ...condition(2), ...op('br_if', target), ...(carried ? op('drop') : [])];
    };
    const statements = (count: number): number[] => Array.from({ length: count }, statement).flat();

    const code = chance(35) ? passOn() : [];
    code.push(...statements(3 + pick(6)));
    if (results[0]) code.push(...expression(results[0], 3));
    code.push(...op('end'));
    return { type: signature, locals: [...locals, ...counters], code, name: `f${index}` };
  };

  const count = 3 + pick(4);
  for (let i = 0; i < count; i++) functions.push(generateFunction(i));
  return { wasm: moduleBytes(imports, functions, pages, [number32(), number64()]), functions };
}
