/** Writes the body of a WebAssembly function, operator by operator (Core Specification 2.0, section 5.4). */
import { EMPTY_BLOCK } from '../../wasm/format.js';
import { FLOAT_OPERATORS } from '../../wasm/float-operators.js';
import { codeOf } from '../../wasm/operators.js';
import { vectorAccess, VECTOR_PREFIX, vectorOperator } from '../../wasm/vector-operators.js';
import { unsigned } from '../../wasm/write.js';

const GET = codeOf('local.get');
const SET = codeOf('local.set');
const TEE = codeOf('local.tee');
const I32_CONST = codeOf('i32.const');
const I64_CONST = codeOf('i64.const');
const CALL = codeOf('call');
const BR_TABLE = codeOf('br_table');
const END = codeOf('end');
const SIGN = 0x40;

/** The accesses that are used, and the power of two that their alignment is at least. */
const ACCESSES = {
  'i32.load': 0,
  'i32.load8_u': 0,
  'i32.load8_s': 0,
  'i32.load16_u': 0,
  'i32.load16_s': 0,
  'i32.store': 0,
  'i64.load': 0,
  'i64.store': 0,
  'f32.load': 0,
  'f64.load': 0,
  'f64.store': 0,
  'i32.store8': 0,
  'i32.store16': 0,
} as const;
/** A load or store of the instruction set. */
export type AccessName = keyof typeof ACCESSES;

const floats: Readonly<Record<string, number | undefined>> = FLOAT_OPERATORS;
/** The bytes of operators by their names, as they are asked for: of one with a prefix all of them, from the lowest on. */
const known = new Map<string, number>();
function bytesOf(name: string): number {
  let bytes = known.get(name);
  if (bytes === undefined) {
    const vector = vectorOperator(name);
    const [first = 0, ...rest] =
      vector === undefined ? [floats[name] ?? codeOf(name)] : [VECTOR_PREFIX, ...unsigned(vector)];
    bytes = rest.reduce((sum, byte, i) => sum | (byte << (8 * (i + 1))), first);
    known.set(name, bytes);
  }
  return bytes;
}
/** The alignment that a vector's access says: none. */
const UNALIGNED = 0;

/** A label of a block, a loop or an if: branches to it count how many were opened since. */
export interface Label {
  readonly depth: number;
}

/** Locals by their numbers: 32 a word. */
type Locals = [number, number];
const has = (locals: Locals, local: number): boolean => ((locals[local >>> 5]! >>> (local & 31)) & 1) !== 0;

/** The operators of one function, in the order of a stack machine. */
export class Code {
  private room = new Uint8Array(256);
  private length = 0;
  private readonly read: Locals = [0, 0];
  private readonly written: Locals = [0, 0];
  private depth = 0;

  /** What was written so far; good until more is. */
  get bytes(): Uint8Array {
    return this.room.subarray(0, this.length);
  }

  /** Whether a local was read so far. */
  reads(local: number): boolean {
    return has(this.read, local);
  }
  /** Of the first 32 locals, as bits by their numbers, those that were read, and those that were written. */
  get effects(): { readonly reads: number; readonly writes: number } {
    return { reads: this.read[0], writes: this.written[0] };
  }

  /** Begins anew, with nothing. */
  clear(): void {
    this.length = 0;
    this.read.fill(0);
    this.written.fill(0);
    this.depth = 0;
  }

  /** Operators without anything behind them, in their order, by their names. */
  op(...names: string[]): this {
    for (const name of names) {
      let bytes = bytesOf(name);
      do this.push(bytes & 0xff);
      while ((bytes >>>= 8) !== 0);
    }
    return this;
  }

  get(local: number): this {
    this.read[local >>> 5]! |= 1 << local;
    return this.with(GET, local);
  }
  set(local: number): this {
    this.written[local >>> 5]! |= 1 << local;
    return this.with(SET, local);
  }
  tee(local: number): this {
    this.written[local >>> 5]! |= 1 << local;
    return this.with(TEE, local);
  }

  /** A 32-bit constant. */
  constant(value: number): this {
    this.push(I32_CONST);
    let rest = value | 0;
    for (;;) {
      const low = rest & 0x7f;
      rest >>= 7;
      const done = (rest === 0 && (low & SIGN) === 0) || (rest === -1 && (low & SIGN) !== 0);
      this.push(done ? low : low | 0x80);
      if (done) return this;
    }
  }

  /** A 64-bit constant, from 0 to 63. */
  wide(value: number): this {
    this.push(I64_CONST);
    this.push(value);
    return this;
  }

  /** A load or store at the address on the stack plus `offset`. */
  access(name: AccessName, offset: number): this {
    this.with(bytesOf(name), ACCESSES[name]);
    return this.unsigned(offset);
  }

  /** A load or store of a vector, or of one of its lanes, at the address on the stack plus `offset`. */
  vectorAccess(name: string, offset: number, lane?: number): this {
    this.with(VECTOR_PREFIX, vectorAccess(name));
    this.with(UNALIGNED, offset);
    return lane === undefined ? this : this.unsigned(lane);
  }

  /** Calls the module's function with a number. */
  call(index: number): this {
    return this.with(CALL, index);
  }

  /** Opens a block, a loop or an if. */
  open(name: 'block' | 'loop' | 'if'): Label {
    this.push(bytesOf(name));
    this.push(EMPTY_BLOCK);
    return { depth: ++this.depth };
  }
  /** The other half of an if. */
  otherwise(): this {
    return this.op('else');
  }
  /** Closes what was opened last. */
  end(): this {
    this.depth--;
    this.push(END);
    return this;
  }

  /** A branch to a label that is open. */
  branch(label: Label, name: 'br' | 'br_if' = 'br'): this {
    return this.with(bytesOf(name), this.depth - label.depth);
  }

  /** Goes to the label that a number on the stack says. */
  branchTable(labels: readonly Label[]): this {
    this.with(BR_TABLE, labels.length - 1);
    for (const { depth } of labels) this.unsigned(this.depth - depth);
    return this;
  }

  private with(code: number, number: number): this {
    this.push(code);
    return this.unsigned(number);
  }

  private unsigned(value: number): this {
    let rest = value;
    while (rest >= 0x80) {
      this.push((rest % 0x80) + 0x80);
      rest = Math.floor(rest / 0x80);
    }
    this.push(rest);
    return this;
  }

  private push(byte: number): void {
    if (this.length === this.room.length) {
      const more = new Uint8Array(4 * this.length);
      more.set(this.room);
      this.room = more;
    }
    this.room[this.length++] = byte;
  }
}
