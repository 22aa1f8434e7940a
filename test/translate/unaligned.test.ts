/** Accesses at any address, as WebAssembly has them: on a bare machine alignment may be checked, under Linux it is not. */
import { beforeAll, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import type { ValueType } from '../../src/wasm/module.js';
import type { FunctionBytes } from '../../src/wasm/write.js';
import { moduleBytes, op } from '../../src/wasm/write.js';
import { random } from './generator.js';
import type { Call } from './machines.js';
import { MEMORY_AT, PAGES, runInNode, runTranslated } from './machines.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

const NARROW = ['load8_s', 'load8_u', 'load16_s', 'load16_u'];
const LOADS: readonly (readonly [ValueType, string])[] = [
  ...['load', ...NARROW].map((name) => ['i32', name] as const),
  ...['load', ...NARROW, 'load32_s', 'load32_u'].map((name) => ['i64', name] as const),
];
const STORES: readonly (readonly [ValueType, string])[] = [
  ...['store', 'store8', 'store16'].map((name) => ['i32', name] as const),
  ...['store', 'store8', 'store16', 'store32'].map((name) => ['i64', name] as const),
];
/** A constant offset that is not aligned either. */
const OFFSET = 3;

test('loads and stores of every size at every alignment', async () => {
  const functions: FunctionBytes[] = [
    ...LOADS.map(([of, name]): FunctionBytes => ({
      ...{ type: { params: ['i32'], results: [of] }, locals: [], name: `${of}.${name}` },
      code: [...op('local.get', 0), ...op(`${of}.${name}`, 0, OFFSET), ...op('end')],
    })),
    ...STORES.map(([of, name]): FunctionBytes => ({
      ...{ type: { params: ['i32', of], results: [] }, locals: [], name: `${of}.${name}` },
      code: [...op('local.get', 0), ...op('local.get', 1), ...op(`${of}.${name}`, 0, OFFSET), ...op('end')],
    })),
  ];
  const wasm = moduleBytes([], functions, PAGES);
  const pick = random(17);
  const calls: Call[] = functions.flatMap(({ name, type }, n) =>
    Array.from({ length: 8 }, (_, alignment) => ({
      ...{ name: name!, type },
      args: [
        MEMORY_AT + 32 * n + alignment,
        ...type.params.slice(1).map((it) => (it === 'i64' ? 0x1234_5678_9abc_def0n : 0x7654_3210)),
      ],
    })),
  );
  const memory = Uint8Array.from({ length: 1024 }, () => pick(256));
  const expected = runInNode(wasm, calls, memory);
  const { outputs } = await runTranslated(wasm, calls, memory, ['here', 'qemu']);
  for (const output of outputs) expect([...output]).toEqual([...expected]);
});
