import { beforeAll, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import type { ValueType } from '../../src/wasm/module.js';
import { moduleBytes, op } from '../../src/wasm/write.js';
import type { Call } from './machines.js';
import { PAGES, runInNode, runTranslated } from './machines.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

const LEAST32 = -0x80000000;
const LEAST64 = -(2n ** 63n);

/** A function of an operator, called once. */
function binary(of: ValueType, name: string, args: readonly (number | bigint)[]): [Uint8Array, Call] {
  const type = { params: [of, of], results: [of] };
  const code = [...op('local.get', 0), ...op('local.get', 1), ...op(`${of}.${name}`), ...op('end')];
  return [moduleBytes([], [{ type, locals: [], code, name: 'f' }], PAGES), { name: 'f', type, args }];
}

/** UDF #0. */
const UNDEFINED = 'e7f000f0';
const memory = new Uint8Array(4);

test.each<[ValueType, string, (number | bigint)[]]>([
  ...['div_s', 'div_u', 'rem_s', 'rem_u'].flatMap((name): [ValueType, string, (number | bigint)[]][] => [
    ['i32', name, [5, 0]],
    ['i64', name, [5n, 0n]],
  ]),
  ['i32', 'div_s', [LEAST32, -1]],
  ['i64', 'div_s', [LEAST64, -1n]],
])('%s.%s of %s traps in Node, and runs into UDF here', async (of, name, args) => {
  const [wasm, call] = binary(of, name, args);
  expect(() => runInNode(wasm, [call], memory)).toThrow();
  await expect(runTranslated(wasm, [call], memory, ['here'])).rejects.toThrow(UNDEFINED);
});

test.each<[ValueType, string, (number | bigint)[]]>([
  ['i32', 'rem_s', [LEAST32, -1]],
  ['i64', 'rem_s', [LEAST64, -1n]],
  ['i32', 'div_s', [LEAST32, 1]],
  ['i32', 'div_s', [-7, -1]],
  ['i64', 'div_s', [LEAST64, 1n]],
  ['i64', 'div_s', [LEAST64 + 1n, -1n]],
  ['i64', 'div_u', [-1n, LEAST64]],
])('%s.%s of %s does not', async (of, name, args) => {
  const [wasm, call] = binary(of, name, args);
  const { outputs } = await runTranslated(wasm, [call], memory, ['here', 'qemu']);
  for (const output of outputs) expect([...output]).toEqual([...runInNode(wasm, [call], memory)]);
});

test('unreachable runs into UDF', async () => {
  const type = { params: [], results: [] };
  const code = [...op('unreachable'), ...op('end')];
  const wasm = moduleBytes([], [{ type, locals: [], code, name: 'f' }], PAGES);
  const call = { name: 'f', type, args: [] };
  await expect(runTranslated(wasm, [call], memory, ['here'])).rejects.toThrow(UNDEFINED);
});
