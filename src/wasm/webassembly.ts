/** The part of WebAssembly used here, typed: TypeScript has it only in its library for browsers. */

export interface Memory {
  readonly buffer: ArrayBuffer;
}
type Imports = Record<string, Record<string, unknown>>;
interface WebAssemblyApi {
  readonly Memory: new (size: { initial: number; maximum: number }) => Memory;
  readonly Instance: new (
    module: object,
    imports: Imports,
  ) => { readonly exports: Readonly<Record<string, unknown>> };
  compile(binary: Uint8Array): Promise<object>;
}

export const webAssembly = (globalThis as unknown as { WebAssembly: WebAssemblyApi }).WebAssembly;
