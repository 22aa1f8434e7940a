/** Runs functions of a WebAssembly module three ways: in Node, and translated, in the built-in processor and in QEMU. */
import { expect } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import type { Register } from '../../src/isa/registers.js';
import { coreRegisters, r0, r12, sp } from '../../src/isa/registers.js';
import { argumentPlaces } from '../../src/translate/calls.js';
import type { Translation } from '../../src/translate/translate.js';
import { translate } from '../../src/translate/translate.js';
import type { Signature } from '../../src/wasm/module.js';
import { LOAD_ADDRESS, programAt, runHere, runInQemu } from '../cpu/machines.js';

/** A call of an exported function; 64-bit arguments are bigints. */
export interface Call {
  readonly name: string;
  readonly type: Signature;
  readonly args: readonly (number | bigint)[];
}

/** Where the memory that modules may work on begins, and the pages of Node's memory that reach over it. */
export const CODE_BYTES = 0x80000;
export const MEMORY_AT = LOAD_ADDRESS + CODE_BYTES;
export const PAGES = (MEMORY_AT + 0x10000) / 0x10000;
const STACK_BYTES = 0x8000;

/** WebAssembly's JavaScript side, which TypeScript's libraries for Node leave out. */
interface Engine {
  Memory: new (limits: { initial: number; maximum: number }) => { buffer: ArrayBuffer };
  Module: new (bytes: Uint8Array) => object;
  Instance: new (
    module: object,
    imports: object,
  ) => { exports: Record<string, (...args: (number | bigint)[]) => number | bigint | undefined> };
}
const engine = (globalThis as unknown as { WebAssembly: Engine }).WebAssembly;

/** The imports that user programs can run, over a memory. */
function imitations(view: DataView): object {
  const change =
    (of: (old: number, by: number) => number) =>
    (at: number, by: number): number => {
      const old = view.getInt32(at, true);
      view.setInt32(at, of(old, by), true);
      return old;
    };
  const nothing = (): undefined => undefined;
  const loads = {
    8: (at: number) => view.getUint8(at),
    16: (at: number) => view.getUint16(at, true),
    32: (at: number) => view.getInt32(at, true),
  };
  const stores = {
    8: (at: number, value: number) => {
      view.setUint8(at, value & 0xff);
    },
    16: (at: number, value: number) => {
      view.setUint16(at, value & 0xffff, true);
    },
    32: (at: number, value: number) => {
      view.setInt32(at, value, true);
    },
  };
  return {
    mmio: {
      ...{ read8: loads[8], read16: loads[16], read32: loads[32] },
      ...{ write8: stores[8], write16: stores[16], write32: stores[32] },
    },
    shared: {
      ...{ load8: loads[8], load16: loads[16], load32: loads[32] },
      ...{ store8: stores[8], store16: stores[16], store32: stores[32] },
      load64: (at: number) => view.getBigInt64(at, true),
      store64: (at: number, value: bigint) => {
        view.setBigInt64(at, value, true);
      },
    },
    atomic: {
      fetchAdd: change((old, by) => old + by),
      fetchAnd: change((old, by) => old & by),
      fetchOr: change((old, by) => old | by),
      fetchXor: change((old, by) => old ^ by),
      exchange: change((_, by) => by),
      compareExchange: (at: number, expected: number, value: number) => {
        const old = view.getInt32(at, true);
        if (old === expected) view.setInt32(at, value, true);
        return old;
      },
    },
    barrier: { dmb: nothing, dsbIsh: nothing, isb: nothing },
    word: {
      rbit: (value: number) => {
        let reversed = 0;
        for (let bit = 0; bit < 32; bit++) reversed |= ((value >>> bit) & 1) << (31 - bit);
        return reversed;
      },
      rev: (value: number) =>
        ((value & 0xff) << 24) | ((value & 0xff00) << 8) | ((value >>> 8) & 0xff00) | (value >>> 24),
    },
  };
}

/** Two words of what a call gave; words that it does not give are 0. */
function wordsOf(type: Signature, value: number | bigint | undefined): [number, number] {
  const [result] = type.results;
  if (result === undefined) return [0, 0];
  if (result === 'i32') return [Number(value) >>> 0, 0];
  const wide = BigInt.asUintN(64, value as bigint);
  return [Number(wide & 0xffffffffn), Number(wide >> 32n)];
}

/** Calls in Node; gives the results, two words a call, and then the memory. */
export function runInNode(wasm: Uint8Array, calls: readonly Call[], memory: Uint8Array): Uint32Array {
  const wasmMemory = new engine.Memory({ initial: PAGES, maximum: 0x10000 });
  const bytes = new Uint8Array(wasmMemory.buffer);
  bytes.set(memory, MEMORY_AT);
  const instance = new engine.Instance(new engine.Module(wasm), {
    env: { memory: wasmMemory },
    ...imitations(new DataView(wasmMemory.buffer)),
  });
  const results = calls.flatMap(({ name, type, args }) => wordsOf(type, instance.exports[name]!(...args)));
  const after = new Uint32Array(bytes.slice(MEMORY_AT, MEMORY_AT + memory.length).buffer);
  return Uint32Array.from([...results, ...after]);
}

/** What callees must keep. */
const KEPT = [4, 5, 6, 7, 8, 9, 10, 11];
const patternOf = (n: number): number => (0x11111111 * n) >>> 0;

function load(a: Assembler, to: Register, value: number): void {
  a.movw(to, value & 0xffff);
  a.movt(to, value >>> 16);
}

/** Makes the calls one after another; their results go to `resultsAt`, then the registers that calls keep. */
function driver(a: Assembler, calls: readonly Call[], resultsAt: number, stackTop: number): void {
  load(a, sp, stackTop);
  for (const n of KEPT) load(a, coreRegisters[n]!, patternOf(n));
  calls.forEach(({ name, type, args }, i) => {
    const words = args.flatMap((it, n) =>
      wordsOf({ params: [], results: [type.params[n]!] }, it).slice(0, type.params[n] === 'i64' ? 2 : 1),
    );
    const places = argumentPlaces(type.params);
    a.sub(sp, sp, 64);
    places.forEach((place, n) => {
      if (!('stack' in place)) return;
      load(a, r12, words[n]!);
      a.str(r12, [sp, place.stack]);
    });
    places.forEach((place, n) => {
      if ('register' in place) load(a, coreRegisters[place.register]!, words[n]!);
    });
    a.bl(labels(a, name));
    a.add(sp, sp, 64);
    load(a, r12, resultsAt + 8 * i);
    const given = type.results[0] === 'i64' ? 2 : type.results.length;
    if (given < 1) a.mov(r0, 0);
    a.str(r0, [r12]);
    if (given < 2) a.mov(r0, 0);
    a.str(given < 2 ? r0 : coreRegisters[1]!, [r12, 4]);
  });
  load(a, r12, resultsAt + 8 * calls.length);
  KEPT.forEach((n, i) => {
    a.str(coreRegisters[n]!, [r12, 4 * i]);
  });
  a.str(sp, [r12, 4 * KEPT.length]);
}
let labels: (a: Assembler, name: string) => { label: string };

/** Calls translated code in both machines, checks that they agree with each other and with the call standard. */
export async function runTranslated(
  wasm: Uint8Array,
  calls: readonly Call[],
  memory: Uint8Array,
  machines: readonly ('here' | 'qemu')[],
): Promise<{ outputs: Uint32Array[]; translation: Translation }> {
  const resultsAt = MEMORY_AT + memory.length;
  const resultBytes = 8 * calls.length + 4 * (KEPT.length + 1);
  const stackTop = (resultsAt + resultBytes + STACK_BYTES + 7) & ~7;
  const translation = translate(wasm, {
    origin: LOAD_ADDRESS,
    before: (a, labelOf) => {
      labels = (_, name) => labelOf(name);
      driver(a, calls, resultsAt, stackTop);
      a.b(labelOf('end'));
    },
    after: (a, labelOf) => {
      a.at(labelOf('end'));
    },
  });
  const data = new Uint8Array(stackTop - MEMORY_AT);
  data.set(memory);
  const program = programAt(CODE_BYTES, translation.image, new Uint32Array(data.buffer));
  const outputs: Uint32Array[] = [];
  for (const machine of machines) {
    const all = machine === 'here' ? await runHere(program) : runInQemu(program);
    const at = memory.length / 4;
    const kept = all.slice(at + 2 * calls.length, at + 2 * calls.length + KEPT.length + 1);
    expect([...kept], `${machine}: R4 to R11 and SP`).toEqual([...KEPT.map(patternOf), stackTop]);
    outputs.push(Uint32Array.from([...all.slice(at, at + 2 * calls.length), ...all.slice(0, at)]));
  }
  return { outputs, translation };
}
