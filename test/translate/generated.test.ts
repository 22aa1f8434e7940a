import { beforeAll, describe, expect, test } from 'vitest';
import { ensureTools } from '../../scripts/lib/tools.js';
import type { ValueType } from '../../src/wasm/module.js';
import { generate, MEMORY_BYTES, random } from './generator.js';
import type { Call } from './machines.js';
import { MEMORY_AT, PAGES, runInNode, runTranslated } from './machines.js';
import { numbers } from './numbers.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

const CALLS_EACH = 6;

const EDGES = [0, 1, 2, 31, 32, 33, 63, 64, 0xff, 0x100, 0x7fffffff, 0x80000000, 0xffffffff, 0xfffffffe];

function argument(type: ValueType, pick: (below: number) => number): number | bigint {
  const word = (): number => (pick(2) ? EDGES[pick(EDGES.length)]! : pick(0x10000) * 0x10000 + pick(0x10000));
  return type === 'i32' ? word() | 0 : BigInt.asIntN(64, (BigInt(word()) << 32n) | BigInt(word()));
}

describe('generated modules do the same in Node, in the built-in processor and in QEMU', () => {
  test.each(numbers)('module %i', async (number) => {
    const { wasm, functions } = generate(number, MEMORY_AT, PAGES);
    const pick = random(number + 1);
    const calls: Call[] = functions.flatMap(({ name, type }) =>
      Array.from({ length: CALLS_EACH }, () => ({
        name: name!,
        type,
        args: type.params.map((it) => argument(it, pick)),
      })),
    );
    const memory = Uint8Array.from({ length: MEMORY_BYTES }, () => pick(256));
    const expected = runInNode(wasm, calls, memory);
    const { outputs } = await runTranslated(wasm, calls, memory, ['here', 'qemu']);
    for (const output of outputs) expect([...output]).toEqual([...expected]);
  });
});
