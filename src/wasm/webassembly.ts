/** The part of WebAssembly used here, typed: TypeScript has it only in its library for browsers. */

export interface Memory {
  readonly buffer: ArrayBuffer;
}
/** A table of functions. */
export interface Table {
  get(index: number): unknown;
  set(index: number, value: unknown): void;
}
type Imports = Record<string, Record<string, unknown>>;
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => Memory;
  readonly Table: new (type: { element: 'anyfunc'; initial: number }) => Table;
  /** Compiles at once; browsers may refuse large ones outside workers. */
  readonly Module: new (binary: Uint8Array) => object;
  readonly Instance: new (
    module: object,
    imports: Imports,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  compile(binary: Uint8Array): Promise<object>;
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
