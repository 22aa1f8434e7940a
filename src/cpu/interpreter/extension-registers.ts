// The extension registers as micro-ops name them: by the number of their first word, S0 being 0 and D1 being 2.
import { IXC } from '../../isa/fpscr-masks';
import { D0, FPSCR, OP_A, OP_B, OP_IMM } from '../layout';
import { OPTIONS_LOW } from '../micro-ops';

/** Address of the word with a number. */
// @ts-ignore: decorator
@inline
export function wordAt(n: u32): usize {
  return D0 + (n << 2);
}
/** Addresses of the registers that a micro-op's a, b and lowest byte of imm name. */
// @ts-ignore: decorator
@inline
export function vd(rec: usize): usize {
  return wordAt(load<u8>(rec, OP_A));
}
// @ts-ignore: decorator
@inline
export function vn(rec: usize): usize {
  return wordAt(load<u8>(rec, OP_B));
}
// @ts-ignore: decorator
@inline
export function vm(rec: usize): usize {
  return wordAt(load<u8>(rec, OP_IMM));
}
/** What imm has above that byte. */
// @ts-ignore: decorator
@inline
export function options(rec: usize): u32 {
  return load<u32>(rec, OP_IMM) >>> OPTIONS_LOW;
}

// @ts-ignore: decorator
@inline
export function fpscr(): u32 {
  return load<u32>(FPSCR);
}
/** Sets Inexact if `inexact`. */
// @ts-ignore: decorator
@inline
export function raiseInexact(inexact: bool): void {
  if (inexact) store<u32>(FPSCR, load<u32>(FPSCR) | IXC);
}
