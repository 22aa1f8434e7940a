/** Writes WebAssembly binaries: what the generator of modules needs of it. */
import { operator } from '../../src/translate/opcodes.js';
import type { Signature, ValueType } from '../../src/translate/wasm.js';

const codes = new Map<string, number>();
for (let code = 0; code < 0x100; code++) codes.set(operator(code)?.name ?? '', code);
for (let code = 0xfc00; code < 0xfc20; code++) codes.set(operator(code)?.name ?? '', code);

const TYPE: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e };

/** An unsigned number in LEB128. */
export function unsigned(value: number): number[] {
  const bytes: number[] = [];
  let rest = value;
  do {
    bytes.push((rest % 128) + (rest >= 128 ? 128 : 0));
    rest = Math.floor(rest / 128);
  } while (rest > 0);
  return bytes;
}

/** A signed number in LEB128. */
export function signed(value: bigint): number[] {
  const bytes: number[] = [];
  let rest = value;
  for (;;) {
    const byte = Number(rest & 0x7fn);
    rest >>= 7n;
    const done = (rest === 0n && byte < 64) || (rest === -1n && byte >= 64);
    bytes.push(done ? byte : byte + 128);
    if (done) return bytes;
  }
}

/** One operator's bytes with unsigned numbers behind it. */
export function op(name: string, ...immediates: number[]): number[] {
  const code = codes.get(name);
  if (code === undefined || name === '') throw new Error(`no operator ${name}`);
  const prefix = code >= 0xfc00 ? [0xfc, ...unsigned(code - 0xfc00)] : [code];
  return [...prefix, ...immediates.flatMap(unsigned)];
}

export const i32 = (value: number): number[] => [...op('i32.const'), ...signed(BigInt(value | 0))];
export const i64 = (value: bigint): number[] => [...op('i64.const'), ...signed(BigInt.asIntN(64, value))];

/** A block's beginning: its operator with its type. */
export function begin(name: 'block' | 'loop' | 'if', result: ValueType | undefined): number[] {
  return [...op(name), result ? TYPE[result] : 0x40];
}

export interface FunctionBytes {
  readonly type: Signature;
  /** Types of the locals that are no parameters. */
  readonly locals: readonly ValueType[];
  /** Operators, the last `end` included. */
  readonly code: readonly number[];
  readonly name?: string;
}

export interface ImportBytes {
  readonly module: string;
  readonly name: string;
  readonly type: Signature;
}

const text = (value: string): number[] => [...unsigned(value.length), ...new TextEncoder().encode(value)];
const list = (items: readonly number[][]): number[] => [...unsigned(items.length), ...items.flat()];
const section = (id: number, bytes: number[]): number[] => [id, ...unsigned(bytes.length), ...bytes];
const signature = ({ params, results }: Signature): number[] => [
  0x60,
  ...list(params.map((it) => [TYPE[it]])),
  ...list(results.map((it) => [TYPE[it]])),
];

/** A module: imported and own functions, exported where they have a name, over an imported memory `env.memory`,
 * with a constant global of each type. */
export function moduleBytes(
  imports: readonly ImportBytes[],
  functions: readonly FunctionBytes[],
  pages: number,
  globals: readonly [number, bigint] = [0, 0n],
): Uint8Array<ArrayBuffer> {
  const types = [...imports, ...functions].map(({ type }) => signature(type));
  const [first, second] = globals;
  const exported = functions.flatMap(({ name }, i) =>
    name === undefined ? [] : [[...text(name), 0, ...unsigned(imports.length + i)]],
  );
  return Uint8Array.from([
    ...[0, 0x61, 0x73, 0x6d, 1, 0, 0, 0],
    ...section(1, list(types)),
    ...section(
      2,
      list([
        ...imports.map(({ module, name }, i) => [...text(module), ...text(name), 0, ...unsigned(i)]),
        [...text('env'), ...text('memory'), 2, 0, ...unsigned(pages)],
      ]),
    ),
    ...section(3, list(functions.map((_, i) => unsigned(imports.length + i)))),
    ...section(
      6,
      list([
        [TYPE.i32, 0, ...i32(first), ...op('end')],
        [TYPE.i64, 0, ...i64(second), ...op('end')],
      ]),
    ),
    ...section(7, list(exported)),
    ...section(
      10,
      list(
        functions.map(({ locals, code }) => {
          const body = [...list(locals.map((it) => [1, TYPE[it]])), ...code];
          return [...unsigned(body.length), ...body];
        }),
      ),
    ),
  ]);
}
