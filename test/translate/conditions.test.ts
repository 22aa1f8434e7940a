import { beforeAll, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import { seed } from '../isa/generate.js';
import type { FunctionBytes } from '../../src/wasm/write.js';
import { begin, i32, i64, moduleBytes, op } from '../../src/wasm/write.js';
import { random } from './generator.js';
import { PAGES, runInNode, runTranslated } from './machines.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

/** Words at which comparisons, carries and overflows turn. */
const EDGES = [0, 1, 4, 5, 6, -1, -2, -0x80000000, -0x7fffffff, 0x7fffffff];
const RELATIONS = 'eq ne lt_s lt_u gt_s gt_u le_s le_u ge_s ge_u'.split(' ');

// Locals: the sum of what was found, two counters, two words of the table, and both as one number.
const [SUM, I, J, X, Z, Y] = [0, 1, 2, 3, 4, 5];

type Condition = (word: number, pick: (below: number) => number) => number[];

const compare32 =
  (relation: string): Condition =>
  (word, pick) => [...op('local.get', word), ...i32(EDGES[pick(EDGES.length)]!), ...op(`i32.${relation}`)];
const compareWords =
  (relation: string): Condition =>
  () => [...op('local.get', X), ...op('local.get', Z), ...op(`i32.${relation}`)];
const compare64 =
  (relation: string): Condition =>
  (_, pick) => {
    const [high, low] = [EDGES[pick(EDGES.length)]!, EDGES[pick(EDGES.length)]!];
    return [
      ...op('local.get', Y),
      ...i64((BigInt(high) << 32n) | BigInt(low >>> 0)),
      ...op(`i64.${relation}`),
    ];
  };
const bits =
  (isZero: boolean): Condition =>
  (word, pick) => [
    ...op('local.get', word),
    ...i32([1, 0x80000000, 0xff00][pick(3)]!),
    ...op('i32.and'),
    ...(isZero ? op('i32.eqz') : [...i32(0), ...op('i32.ne')]),
  ];

const conditions: readonly Condition[] = [
  ...RELATIONS.flatMap((it) => [compare32(it), compare64(it)]),
  ...['eq', 'lt_s', 'ge_u', 'gt_u'].map(compareWords),
  ...[bits(true), bits(false)],
];

const kindOf = (index: number): 'bits' | 'words' | 'wide' =>
  index >= conditions.length - 2
    ? 'bits'
    : index < 2 * RELATIONS.length && index % 2 === 1
      ? 'wide'
      : 'words';

/** 0 or 1 out of two conditions, in each of the shapes that they are joined by. */
const JOINS: readonly ((a: number[], b: number[]) => number[])[] = [
  (a, b) => [...a, ...b, ...op('i32.and')],
  (a, b) => [...a, ...b, ...op('i32.or')],
  (a, b) => [
    ...a,
    ...b,
    ...op('i32.and'),
    ...begin('if', 'i32'),
    ...i32(7),
    ...op('else'),
    ...i32(9),
    ...op('end'),
  ],
  (a, b) => [
    ...[...begin('block', 'i32'), ...begin('block', undefined)],
    ...[...a, ...op('br_if', 0), ...b, ...op('br_if', 0), ...i32(5), ...op('br', 1), ...op('end')],
    ...[...op('i32.const', 0), ...op('end')],
  ],
];

/** Adds up a truth over all pairs of edges. */
function overEdges(truth: number[], name: string): FunctionBytes {
  const count = EDGES.length;
  const entry = (index: number): number[] => {
    // A chain of choices stands for a table in memory.
    return EDGES.reduce<number[]>(
      (code, value, i) => [
        ...i32(value),
        ...code,
        ...[...op('local.get', index), ...i32(i), ...op('i32.eq'), ...op('select')],
      ],
      i32(0),
    );
  };
  const down = (counter: number): number[] => [
    ...[...op('local.get', counter), ...i32(1), ...op('i32.sub'), ...op('local.tee', counter)],
    ...[...i32(0), ...op('i32.ge_s'), ...op('br_if', 0), ...op('end')],
  ];
  const joined = [
    ...[...op('local.get', Z), ...op('i64.extend_i32_u'), ...i64(32n), ...op('i64.shl')],
    ...[...op('local.get', X), ...op('i64.extend_i32_u'), ...op('i64.or'), ...op('local.set', Y)],
  ];
  const code = [
    ...[...i32(count - 1), ...op('local.set', I), ...begin('loop', undefined)],
    ...[...entry(I), ...op('local.set', X)],
    ...[...i32(count - 1), ...op('local.set', J), ...begin('loop', undefined)],
    ...[...entry(J), ...op('local.set', Z), ...joined],
    ...[
      ...op('local.get', SUM),
      ...i32(31),
      ...op('i32.mul'),
      ...truth,
      ...op('i32.add'),
      ...op('local.set', SUM),
    ],
    ...[...down(J), ...down(I)],
    ...[...op('local.get', SUM), ...op('end')],
  ];
  const locals = ['i32', 'i32', 'i32', 'i32', 'i32', 'i64'] as const;
  return { type: { params: [], results: ['i32'] }, locals, code, name };
}

test('every two conditions, joined in every way, are what Node says, at every edge', async () => {
  const pick = random(seed);
  const functions = conditions.flatMap((first, a) =>
    conditions.flatMap((second, b) => {
      // Instructions that set the flags in different ways side by side are joined in more ways.
      const kinds = new Set([kindOf(a), kindOf(b)]);
      const ways = kinds.has('bits')
        ? [0, 1, 2, 3]
        : kinds.size > 1
          ? [(a + b) % 3, 3]
          : [(a + (b >> 1)) % 4];
      return ways.map((way) => overEdges(JOINS[way]!(first(X, pick), second(Z, pick)), `f${a}_${b}_${way}`));
    }),
  );
  const calls = functions.map(({ name, type }) => ({ name: name!, type, args: [] }));
  const wasm = moduleBytes([], functions, PAGES);
  const expected = runInNode(wasm, calls, new Uint8Array(4));
  const { outputs } = await runTranslated(wasm, calls, new Uint8Array(4), ['here', 'qemu']);
  for (const output of outputs) {
    const wrong = calls.filter((_, i) => output[2 * i] !== expected[2 * i]).map(({ name }) => name);
    expect(wrong).toEqual([]);
  }
}, 120_000);
