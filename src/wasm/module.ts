/** A WebAssembly module as it is read (Core Specification 2.0, section 2). */

/** A value's type. */
export type ValueType = 'i32' | 'i64';

/** A function's type, or a block's. */
export interface Signature {
  readonly params: readonly ValueType[];
  readonly results: readonly ValueType[];
}

/** One operator with what follows it. */
export interface Operation {
  readonly name: string;
  /** A constant: a signed 32-bit number or, in `i64.const`, a signed 64-bit one. */
  readonly value?: number | bigint;
  /** A function's, a local's or a global's index, or a label's depth. */
  readonly index?: number;
  /** The labels' depths of a br_table, the default last. */
  readonly labels?: readonly number[];
  /** Of a load or store: the unsigned constant added to the address, and the alignment promised, in bytes. */
  readonly offset?: number;
  readonly align?: number;
  readonly block?: Signature;
}

/** An imported function. */
export interface ImportedFunction {
  readonly module: string;
  readonly name: string;
  readonly type: Signature;
}

/** A function with its code. */
export interface DefinedFunction {
  /** The name it is known by: its export's, else that of the name section, else its index. */
  readonly name: string;
  readonly type: Signature;
  /** The types of its locals, parameters first. */
  readonly locals: readonly ValueType[];
  readonly code: readonly Operation[];
}

/** A global that the module defines. */
export interface Global {
  readonly type: ValueType;
  readonly mutable: boolean;
  readonly value: bigint;
}

/** What a data segment puts into memory before anything runs. */
export interface DataSegment {
  readonly address: number;
  readonly bytes: Uint8Array;
}

/** A module. Functions are counted through: first those imported, then those defined. */
export interface Module {
  readonly imports: readonly ImportedFunction[];
  readonly functions: readonly DefinedFunction[];
  readonly globals: readonly Global[];
  readonly data: readonly DataSegment[];
  /** Exported functions: the index by the name. */
  readonly exports: ReadonlyMap<string, number>;
  /** Whether it has a table, and a start function. */
  readonly hasTable: boolean;
  readonly hasStart: boolean;
}
