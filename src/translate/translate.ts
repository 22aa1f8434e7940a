/** From a WebAssembly binary to an image of A32 code: reads, refuses, translates function by function, links. */
import type { Assembler, Item } from '../isa/assembler.js';
import { assembler } from '../isa/assembler.js';
import { disassembleA32 } from '../isa/disassembler.js';
import type { Label } from '../isa/registers.js';
import { readU32LE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { hex, hexDigits } from '../base/words.js';
import { allocate } from './allocate.js';
import { buildGraph } from './build.js';
import { emitFunction } from './emit.js';
import type { Frame } from './frame.js';
import { makeFrame } from './frame.js';
import { layOut } from './layout.js';
import type { MachineFunction } from './machine.js';
import { optimise } from './optimise.js';
import type { AddressRange } from './refuse.js';
import { checkAccesses, checkModule } from './refuse.js';
import { routineOf } from './runtime.js';
import { select } from './select.js';
import { readModule } from '../wasm/read.js';

/** The label of a symbol: an exported function's, or one that code written beside places. */
export type LabelOf = (symbol: string) => Label;

/** Code written through the assembler, linked in beside what is translated. It must do the same every time. */
export type Beside = (a: Assembler, labelOf: LabelOf) => void;

export interface TranslateOptions {
  /** Physical address of the image's first byte, a multiple of 4. */
  readonly origin: number;
  /** Addresses that only mmio intrinsics may access. */
  readonly devices?: readonly AddressRange[];
  /** Code at the image's beginning: vectors, the entry. */
  readonly before?: Beside;
  /** Code behind the functions. */
  readonly after?: Beside;
}

/** What a module was translated to. */
export interface Translation {
  /** Bytes from `origin` on: code, then the module's data at its addresses. */
  readonly image: Uint8Array;
  /** Addresses of functions and of all labels that `labelOf` was asked for. */
  readonly symbols: ReadonlyMap<string, number>;
  /** First address behind the code. */
  readonly codeEnd: number;
  /** The code as a text, an instruction a line, with addresses and labels. */
  readonly listing: () => string;
}

/** What linking gives: all of it, where every address that the code holds was known. */
interface Linked {
  readonly items: readonly Item[];
  readonly codeEnd: number;
  readonly symbols: ReadonlyMap<string, number>;
  readonly isComplete: boolean;
}

/** A function that only waits to be written. */
interface Compiled {
  readonly fn: MachineFunction;
  readonly frame: Frame;
}

/** The functions in the order of their code, selected and with their registers. */
function compile(
  wasm: Uint8Array,
  devices: readonly AddressRange[],
): {
  functions: Compiled[];
  data: readonly { address: number; bytes: Uint8Array }[];
} {
  const module = readModule(wasm);
  checkModule(module);
  const functions = module.functions.map((it) => {
    const graph = buildGraph(module, it);
    // Before what seems useless is left out, and once more when all that is constant is known to be.
    checkAccesses(graph, devices);
    optimise(graph);
    checkAccesses(graph, devices);
    const selected = select(graph, it.type.params);
    allocate(selected);
    layOut(selected);
    return { fn: selected, frame: makeFrame(selected) };
  });
  return { functions, data: module.data };
}

/** The symbols that functions call. */
function calledBy({ blocks }: MachineFunction): string[] {
  return blocks.flatMap(({ code, end }) => [
    ...code.flatMap(({ name, operands }) =>
      name === 'bl' ? [(operands[0] as { symbol: string }).symbol] : [],
    ),
    ...(end.kind === 'tail' ? [end.symbol] : []),
  ]);
}

/** Routines that are called, and those that they call. */
function routinesFor(functions: readonly MachineFunction[]): Set<string> {
  const needed = new Set<string>();
  const need = (symbol: string): void => {
    const routine = routineOf(symbol);
    if (!routine || needed.has(symbol)) return;
    needed.add(symbol);
    routine.calls.forEach(need);
  };
  functions.flatMap(calledBy).forEach(need);
  return needed;
}

/** Puts the module's data behind the code, where its addresses say. */
function withData(
  code: Uint8Array,
  origin: number,
  data: readonly { address: number; bytes: Uint8Array }[],
): Uint8Array {
  const codeEnd = origin + code.length;
  const end = Math.max(codeEnd, ...data.map(({ address, bytes }) => address + bytes.length));
  const image = new Uint8Array(end - origin);
  image.set(code);
  for (const { address, bytes } of data) {
    if (address < codeEnd) {
      throw new HypberryError(
        'translate.overlap',
        `the data at ${hex(address)} is not behind the code, which ends at ${hex(codeEnd)}`,
        'Compile with a higher memory base.',
      );
    }
    image.set(bytes, address - origin);
  }
  return image;
}

function textOf(word: number, address: number): string {
  const { mnemonic, operands } = disassembleA32(word, { address })!;
  return `${mnemonic} ${operands}`;
}

function listingOf(items: readonly Item[]): string {
  return items
    .flatMap(({ address, bytes, kind, labels, note }) => {
      const lines = labels.map((it) => `${it}:`);
      const word = bytes.length === 4 ? readU32LE(bytes, 0) : undefined;
      const text =
        word === undefined
          ? `${bytes.length} bytes`
          : kind === 'instruction'
            ? textOf(word, address)
            : `.word ${hex(word)}`;
      const digits = word === undefined ? '' : hexDigits(word, 8);
      lines.push(`${hexDigits(address, 8)}  ${digits}  ${text}${note ? `  @ ${note}` : ''}`);
      return lines;
    })
    .join('\n');
}

/**
 * Translates a module. Functions follow the procedure call standard; symbols are known by their export names; memory
 * is physical memory. Where WebAssembly traps, the code runs into UDF; what lies outside of the module's memory is
 * not known to it. The same binary and options give the same bytes.
 * @throws HypberryError `translate.*`, see readModule, checkModule, checkAccesses; `translate.overlap`
 *   where data would lie in the code; `asm.label` where a symbol is used that nothing defines, `asm.*` where a frame
 *   or a branch is too long
 */
export function translate(
  wasm: Uint8Array,
  { origin, devices = [], before, after }: TranslateOptions,
): Translation {
  const { functions, data } = compile(wasm, devices);
  const routines = routinesFor(functions.map(({ fn }) => fn));

  const link = (known: ReadonlyMap<string, number>): Linked => {
    const a = assembler(origin);
    const labels = new Map<string, Label>();
    let isComplete = true;
    const labelOf = (symbol: string): Label => {
      let label = labels.get(symbol);
      if (!label) labels.set(symbol, (label = a.label(symbol)));
      return label;
    };
    const addressOf = (symbol: string): number => {
      labelOf(symbol);
      const address = known.get(symbol);
      if (address === undefined) isComplete = false;
      return address ?? 0;
    };
    before?.(a, labelOf);
    for (const { fn, frame } of functions) emitFunction(a, fn, frame, { labelOf, addressOf });
    for (const symbol of routines) {
      a.at(labelOf(symbol));
      routineOf(symbol)!.emit(a, labelOf);
    }
    after?.(a, labelOf);
    const codeEnd = a.here;
    // The assembler knows where its labels are: it is asked for words of them, behind the code.
    a.word(...labels.values());
    const all = a.items();
    const items = all.filter(({ address }) => address < codeEnd);
    const addresses = all.slice(items.length).map(({ bytes }) => readU32LE(bytes, 0));
    const symbols = new Map([...labels.keys()].map((symbol, i) => [symbol, addresses[i]!]));
    return { items, codeEnd, symbols, isComplete };
  };
  const first = link(new Map());
  // Where code wants addresses as numbers, they are known the second time.
  const { items, codeEnd, symbols } = first.isComplete ? first : link(first.symbols);
  const code = new Uint8Array(codeEnd - origin);
  for (const { address, bytes } of items) code.set(bytes, address - origin);
  return { image: withData(code, origin, data), symbols, codeEnd, listing: () => listingOf(items) };
}
