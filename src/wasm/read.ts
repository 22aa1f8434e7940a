/**
 * Reads a WebAssembly binary (Core Specification 2.0, section 5): as much of it as a compiled hypervisor can have.
 * Types are integers only; what else there may be is refused here, or by the translator where it takes a look at the code.
 */
import { HypberryError } from '../base/errors.js';
import { hex } from '../base/words.js';
import type {
  DataSegment,
  DefinedFunction,
  Global,
  ImportedFunction,
  Module,
  Operation,
  Signature,
  ValueType,
} from './module.js';
import { operator, PREFIX, PREFIXED } from './operators.js';
import { EMPTY_BLOCK, FUNCTION_TYPE, KIND, PREAMBLE, SECTION, VALUE_TYPE } from './format.js';

function malformed(what: string): never {
  throw new HypberryError(
    'translate.malformed',
    `the WebAssembly binary is damaged: ${what}`,
    'Compile it again.',
  );
}

function unknown(what: string): never {
  throw new HypberryError(
    'translate.unknown',
    `the WebAssembly binary has ${what}, which is not translated`,
    'Write the program without it.',
  );
}

class Reader {
  private at: number;
  constructor(
    private readonly bytes: Uint8Array,
    start = 0,
    readonly end = bytes.length,
  ) {
    this.at = start;
  }

  get done(): boolean {
    return this.at >= this.end;
  }

  byte(): number {
    if (this.done) malformed('it ends too early');
    return this.bytes[this.at++]!;
  }

  /** LEB128 of up to `width` bits. */
  leb(width: number, signed: boolean): bigint {
    let [value, shift] = [0n, 0n];
    for (;;) {
      const byte = this.byte();
      value |= BigInt(byte & 0x7f) << shift;
      shift += 7n;
      if (byte < 0x80) break;
      if (shift > width) malformed('a number is too long');
    }
    return signed ? BigInt.asIntN(Math.min(Number(shift), width), value) : value;
  }

  u32(): number {
    return Number(this.leb(32, false));
  }

  take(length: number): Reader {
    const reader = new Reader(this.bytes, this.at, this.at + length);
    if (reader.end > this.end) malformed('a part of it is longer than the whole');
    this.at += length;
    return reader;
  }

  rest(): Uint8Array {
    return this.bytes.slice(this.at, this.end);
  }

  name(): string {
    return new TextDecoder().decode(this.take(this.u32()).rest());
  }

  list<T>(read: () => T): T[] {
    return Array.from({ length: this.u32() }, read);
  }
}

const TYPES = new Map(Object.entries(VALUE_TYPE).map(([type, code]) => [code, type as ValueType]));

function valueType(code: number): ValueType {
  return TYPES.get(code) ?? unknown(`a value of type ${hex(code)}`);
}

function readLimits(reader: Reader): void {
  if (reader.byte() & 1) reader.u32();
  reader.u32();
}

function readBlockType(reader: Reader, types: readonly Signature[]): Signature {
  const code = Number(reader.leb(33, true));
  if (code >= 0) return types[code] ?? malformed('a block has no type');
  const single = code & 0x7f;
  return { params: [], results: single === EMPTY_BLOCK ? [] : [valueType(single)] };
}

function readOperation(reader: Reader, types: readonly Signature[]): Operation {
  const first = reader.byte();
  const code = first === PREFIX ? PREFIXED + reader.u32() : first;
  const { name, immediate } = operator(code) ?? unknown(`operator ${hex(code)}`);
  switch (immediate) {
    case 'none':
      return { name };
    case 'block':
      return { name, block: readBlockType(reader, types) };
    case 'label':
    case 'index':
      return { name, index: reader.u32() };
    case 'labels': {
      const labels = reader.list(() => reader.u32());
      return { name, labels: [...labels, reader.u32()] };
    }
    case 'call_indirect':
      return { name, index: reader.u32(), offset: reader.u32() };
    case 'memory': {
      const align = 2 ** reader.u32();
      return { name, align, offset: reader.u32() };
    }
    case 'i32':
      return { name, value: Number(reader.leb(32, true)) };
    case 'i64':
      return { name, value: reader.leb(64, true) };
    case 'zero_zero':
      reader.byte();
      reader.byte();
      return { name };
    case 'zero':
      reader.byte();
      return { name };
  }
}

function readConstant(reader: Reader, types: readonly Signature[]): bigint {
  const operation = readOperation(reader, types);
  if (operation.value === undefined) unknown('a constant expression that is not a number');
  if (readOperation(reader, types).name !== 'end') unknown('a constant expression of several operators');
  return BigInt(operation.value);
}

/** The function names in the name section, by index. */
function readNames(reader: Reader): Map<number, string> {
  const names = new Map<number, string>();
  while (!reader.done) {
    const id = reader.byte();
    const part = reader.take(reader.u32());
    if (id === 1) part.list(() => names.set(part.u32(), part.name()));
  }
  return names;
}

/**
 * Reads a module.
 * @throws HypberryError `translate.malformed`; `translate.unknown` for floating point, imported globals and anything
 *   else that has no translation
 */
export function readModule(bytes: Uint8Array): Module {
  const reader = new Reader(bytes);
  for (const byte of PREAMBLE) if (reader.byte() !== byte) malformed('it does not begin as one');

  let types: Signature[] = [];
  const imports: ImportedFunction[] = [];
  let functionTypes: number[] = [];
  const globals: Global[] = [];
  const data: DataSegment[] = [];
  const exports = new Map<string, number>();
  let bodies: Reader[] = [];
  let names = new Map<number, string>();
  let [hasTable, hasStart] = [false, false];

  const sections: Readonly<Record<number, (part: Reader) => void>> = {
    [SECTION.custom]: (part) => {
      if (part.name() === 'name') names = readNames(part);
    },
    [SECTION.type]: (part) => {
      const list = (): ValueType[] => part.list(() => valueType(part.byte()));
      types = part.list(() => {
        if (part.byte() !== FUNCTION_TYPE) unknown('a type that is not a function');
        return { params: list(), results: list() };
      });
    },
    [SECTION.import]: (part) => {
      part.list(() => {
        const [module, name, kind] = [part.name(), part.name(), part.byte()];
        if (kind === KIND.function) imports.push({ module, name, type: types[part.u32()]! });
        else if (kind === KIND.memory) readLimits(part);
        else unknown(`an import that is no function, ${module}.${name}`);
      });
    },
    [SECTION.function]: (part) => {
      functionTypes = part.list(() => part.u32());
    },
    [SECTION.table]: () => {
      hasTable = true;
    },
    // The memory is the machine's.
    [SECTION.memory]: () => undefined,
    [SECTION.global]: (part) => {
      part.list(() => {
        const type = valueType(part.byte());
        globals.push({ type, mutable: part.byte() === 1, value: readConstant(part, types) });
      });
    },
    [SECTION.export]: (part) => {
      part.list(() => {
        const [name, kind, index] = [part.name(), part.byte(), part.u32()];
        if (kind === KIND.function) exports.set(name, index);
      });
    },
    [SECTION.start]: () => {
      hasStart = true;
    },
    [SECTION.element]: () => {
      hasTable = true;
    },
    [SECTION.code]: (part) => {
      bodies = part.list(() => part.take(part.u32()));
    },
    [SECTION.data]: (part) => {
      part.list(() => {
        if (part.u32() !== 0) unknown('a data segment without a place');
        const address = Number(readConstant(part, types)) >>> 0;
        data.push({ address, bytes: part.take(part.u32()).rest() });
      });
    },
    // Data count.
    [SECTION.dataCount]: () => undefined,
  };
  while (!reader.done) {
    const id = reader.byte();
    const part = reader.take(reader.u32());
    (sections[id] ?? unknown(`section ${id}`))(part);
  }

  const exported = new Map([...exports].map(([name, index]) => [index, name]));
  const functions = bodies.map((body, i): DefinedFunction => {
    const type = types[functionTypes[i]!] ?? malformed('a function has no type');
    const index = imports.length + i;
    const locals = [...type.params];
    body.list(() => {
      const count = body.u32();
      const local = valueType(body.byte());
      for (let n = 0; n < count; n++) locals.push(local);
    });
    const code: Operation[] = [];
    while (!body.done) code.push(readOperation(body, types));
    return { name: exported.get(index) ?? names.get(index) ?? `function ${index}`, type, locals, code };
  });
  return { imports, functions, globals, data, exports, hasTable, hasStart };
}
