/** What the writing of one micro-op needs to know of the function that it becomes a part of. */
import type { Code } from './code.js';
import type { FlagsKind } from './flags.js';

export interface Writer {
  readonly code: Code;
  /** Where the flags stand. */
  flags: FlagsKind;
  /** Has the words of C and V be right, or those of all flags. */
  needCarry(): void;
  needWords(): void;
  /** Leaves the function: the interpreter goes on with the micro-op at an address. */
  leave(at: number): void;
}
