/** Writes WebAssembly binaries (Core Specification 2.0, section 5). */
import { EMPTY_BLOCK, FUNCTION_TYPE, KIND, PREAMBLE, SECTION, VALUE_TYPE } from './format.js';
import type { Signature, ValueType } from './module.js';
import { codeOf, PREFIX, PREFIXED } from './operators.js';

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
  const code = codeOf(name);
  const prefix = code >= PREFIXED ? [PREFIX, ...unsigned(code - PREFIXED)] : [code];
  return [...prefix, ...immediates.flatMap(unsigned)];
}

export const i32 = (value: number): number[] => [...op('i32.const'), ...signed(BigInt(value | 0))];
export const i64 = (value: bigint): number[] => [...op('i64.const'), ...signed(BigInt.asIntN(64, value))];

/** A block's beginning: its operator with its type. */
export function begin(name: 'block' | 'loop' | 'if', result: ValueType | undefined): number[] {
  return [...op(name), result ? VALUE_TYPE[result] : EMPTY_BLOCK];
}

export interface FunctionBytes {
  readonly type: Signature;
  /** Types of the locals that are no parameters. */
  readonly locals: readonly ValueType[];
  /** Operators, the last `end` included. */
  readonly code: readonly number[] | Uint8Array;
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
  FUNCTION_TYPE,
  ...list(params.map((it) => [VALUE_TYPE[it]])),
  ...list(results.map((it) => [VALUE_TYPE[it]])),
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
    name === undefined ? [] : [[...text(name), KIND.function, ...unsigned(imports.length + i)]],
  );
  const bodies = functions.map(({ locals, code }) => {
    const head = list(locals.map((it) => [1, VALUE_TYPE[it]]));
    return [Uint8Array.from([...unsigned(head.length + code.length), ...head]), code];
  });
  const count = unsigned(bodies.length);
  const codeLength = bodies.flat().reduce((sum, { length }) => sum + length, count.length);
  return joined([
    [
      ...PREAMBLE,
      ...section(SECTION.type, list(types)),
      ...section(
        SECTION.import,
        list([
          ...imports.map(({ module, name }, i) => [
            ...text(module),
            ...text(name),
            KIND.function,
            ...unsigned(i),
          ]),
          [...text('env'), ...text('memory'), KIND.memory, 0, ...unsigned(pages)],
        ]),
      ),
      ...section(SECTION.function, list(functions.map((_, i) => unsigned(imports.length + i)))),
      ...section(
        SECTION.global,
        list([
          [VALUE_TYPE.i32, 0, ...i32(first), ...op('end')],
          [VALUE_TYPE.i64, 0, ...i64(second), ...op('end')],
        ]),
      ),
      ...section(SECTION.export, list(exported)),
      ...[SECTION.code, ...unsigned(codeLength), ...count],
    ],
    ...bodies.flat(),
  ]);
}

/** Pieces one after the other, which may be long. */
function joined(pieces: readonly ArrayLike<number>[]): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(pieces.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const piece of pieces) {
    bytes.set(piece, at);
    at += piece.length;
  }
  return bytes;
}
