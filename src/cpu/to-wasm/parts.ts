/** Of what operations are written: values that are put on the stack, and where they go. */
import { localOf, locals } from './locals.js';
import type { MicroOp } from './micro-op.js';
import type { Writer } from './writer.js';

const { C } = locals.flags;

/** Writes what a micro-op does. */
export type Write = (w: Writer, op: MicroOp) => void;
/** Puts a value on the stack. */
export type Push = Write;

/** Leaves unless what is on the stack is not 0. */
export function leaveUnless(w: Writer, op: MicroOp): void {
  w.code.op('i32.eqz').open('if');
  w.leave(op.at);
  w.code.end();
}

export const get =
  (part: 'a' | 'b' | 'imm' | 'ext'): Push =>
  (w, op) => {
    w.code.get(localOf(op[part])!);
  };
export const number =
  (part: 'imm' | 'ext'): Push =>
  (w, op) => {
    w.code.constant(op[part]);
  };
/** Operators behind values. */
export const by =
  (...parts: readonly (Push | string)[]): Push =>
  (w, op) => {
    for (const part of parts) {
      if (typeof part === 'string') w.code.op(part);
      else part(w, op);
    }
  };
export const constant =
  (value: number): Push =>
  ({ code }) => {
    code.constant(value);
  };
export const inverted = (value: Push): Push => by(value, constant(-1), 'i32.xor');
export const setTo =
  (part: 'a' | 'b' | 'ext', value: Push): Write =>
  (w, op) => {
    value(w, op);
    w.code.set(localOf(op[part])!);
  };
/** [a] = the value */
export const put = (value: Push): Write => setTo('a', value);
/** The carry flag, from its word; what else the flags are stays. */
export const carry: Push = (w) => {
  w.needCarry();
  w.code.get(C);
};
