/** The numbers of the binary format (WebAssembly Core Specification 2.0, sections 5.3 to 5.5). */
import type { ValueType } from './module.js';

/** What a module begins with: `\0asm` and the version. */
export const PREAMBLE = [0x00, 0x61, 0x73, 0x6d, 1, 0, 0, 0] as const;

export const VALUE_TYPE: Readonly<Record<ValueType, number>> = { i32: 0x7f, i64: 0x7e };

/** What a function's type begins with, and the type of a block without a result. */
export const FUNCTION_TYPE = 0x60;
export const EMPTY_BLOCK = 0x40;

/** Of an import or export. */
export const KIND = { function: 0, memory: 2 } as const;

export const SECTION = {
  custom: 0,
  type: 1,
  import: 2,
  function: 3,
  table: 4,
  memory: 5,
  global: 6,
  export: 7,
  start: 8,
  element: 9,
  code: 10,
  data: 11,
  dataCount: 12,
} as const;
