import { fileURLToPath } from 'node:url';
import { beforeAll, describe, expect, test } from 'vitest';
import { compileAssemblyScript } from '../../scripts/lib/assemblyscript.js';
import { ensureTools } from '../../scripts/lib/tools.js';
import { readModule } from '../../src/wasm/read.js';
import { seed } from '../isa/generate.js';
import { random } from './generator.js';
import type { Call } from './machines.js';
import { MEMORY_AT, PAGES, runInNode, runTranslated } from './machines.js';

beforeAll(() => ensureTools(['qemu-user']), 300_000);

const root = fileURLToPath(new URL('../..', import.meta.url));

/** Where the structures lie in the memory that is compared. */
const VCPU = MEMORY_AT;
const GIC = MEMORY_AT + 0x80;
const RING = MEMORY_AT + 0x100;
const TABLE = MEMORY_AT + 0x400;
const MEMORY_BYTES = 0x4400;

/** Calls of each function; TRANSLATE_CALLS asks for more. */
const COUNT = Number(process.env['TRANSLATE_CALLS'] ?? 150);

describe('logic of a hypervisor in AssemblyScript', () => {
  test('does the same in Node, in the built-in processor and in QEMU, call after call', async () => {
    const wasm = await compileAssemblyScript({
      ...{ entry: 'test/translate/samples/logic.ts', baseDir: root, initialPages: PAGES },
    });
    const { exports, imports, functions } = readModule(wasm);
    const pick = random(seed);
    const word = (): number => pick(0x10000) * 0x10000 + pick(0x10000);
    const one = (...of: number[]): number => of[pick(of.length)]!;
    const long = (): bigint => (BigInt(pick(4) ? pick(8) : word()) << 32n) | BigInt(word());
    const syndrome = (): number => (pick(4) ? 0x90000000 : word() & 0xfc000000) | (word() & 0x3ffffff);
    const access = (): number =>
      0x93000000 | (one(0, 2, 2, pick(4)) << 22) | (pick(6) << 16) | (pick(2) << 6) | 0;
    const offset = (): number =>
      pick(3)
        ? one(0, 4, 0x100, 0x180, 0x200, 0x280, 0x300, 0x400 + pick(40), 0x800 + pick(40), 0xc04, 0xf00)
        : pick(0x1100);
    const makers: Record<string, () => (number | bigint)[]> = {
      hypercall: () => [VCPU, pick(4) ? 0x4a000000 : syndrome()],
      distributor: () => [GIC, VCPU, offset(), pick(8) ? access() : word() | 0],
      acknowledge: () => [GIC],
      map: () => [TABLE, long(), long(), pick(12), word() | 0],
      timer: () => [VCPU, long()],
      put: () => [RING, word() | 0],
      microseconds: () => [long()],
      classify: () => [syndrome()],
      register: () => [pick(4), pick(8) ? pick(0x90) : word() | 0],
      replace: () => [TABLE + 8 * pick(2000), long()],
    };
    // The calls come in turns: each sees the memory that those before it left.
    const names = [...exports.keys()];
    expect(names.toSorted()).toEqual(Object.keys(makers).toSorted());
    const calls: Call[] = Array.from({ length: COUNT * names.length }, (_, i) => {
      const name = names[i % names.length]!;
      const { type } = functions[exports.get(name)! - imports.length]!;
      return { name, type, args: makers[name]!() };
    });
    const memory = new Uint8Array(MEMORY_BYTES);
    const view = new DataView(memory.buffer);
    // A guest's registers with the numbers of hypercalls among them, and priorities.
    view.setUint32(0, 0x84000008, true);
    for (let i = 8; i < 0x100; i++) memory[i] = pick(256);
    const expected = runInNode(wasm, calls, memory);
    const { outputs } = await runTranslated(wasm, calls, memory, ['here', 'qemu']);
    for (const output of outputs)
      expect(Buffer.from(output.buffer).equals(Buffer.from(expected.buffer))).toBe(true);
  });
});
