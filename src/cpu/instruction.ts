/** Decoded instructions as the processor keeps them. */
import type { Encoding } from '../isa/encoding.js';
import type { Fields } from '../isa/pattern.js';
import type { Operation, OperationFields } from './operation-fields.js';
import type { Machine } from './state.js';

/**
 * What an instruction does that is not worth a micro-op of its own. It runs only if its condition holds.
 * `F` are the fields that it needs: see operation-fields.ts.
 */
export type Execute<F = object> = (m: Machine, fields: F, decoded: Decoded) => void;

/** For each operation, what runs it; the fields are those that its encodings have. */
export type Executes<Op extends Operation = Operation> = {
  readonly [Name in Op]: Execute<OperationFields<Name>>;
};

/** An instruction that a SLOW micro-op runs. */
export interface Decoded {
  readonly word: number;
  readonly encoding: Encoding | undefined;
  readonly fields: Fields;
  readonly execute: Execute<Fields>;
  /** Kinds of events, a bit each, that are counted where it goes on elsewhere: see counted-instructions.ts. */
  readonly events?: number;
}

/** Takes an exception in the middle of an instruction: it ends there. */
export class Taken extends Error {}

/** The one that is thrown: making an Error costs more than everything else about an exception. */
export const taken = new Taken('an exception was taken');
