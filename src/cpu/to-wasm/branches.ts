/** Branches that stay in the unit: the same as those of interpreter/branches.ts. */
import * as L from '../layout.js';
import { Op } from '../micro-ops.js';
import { findEntry, loadManyWithPc, PAGE_MASK } from './accesses.js';
import { localOf, locals } from './locals.js';
import { behind, isFar, isLinking, type MicroOp } from './micro-op.js';
import { pushIsElsewhere } from './physical-memory.js';
import type { Writer } from './writer.js';

const { page, target, address, context, budget } = locals;
const LR = localOf(L.LR)!;

/** Whether the lowest bit of where it goes is the instruction set. */
const isExchange = (op: Op): boolean => op === Op.BX || op === Op.LDM_PC;

/** With `target` set: leaves the unit unless the TLB knows that the instruction at a physical address stands there. */
export function guard(w: Writer, op: MicroOp, physical: number, bits: number): void {
  const { code } = w;
  findEntry(code, target, address).access('i32.load', L.TLB + L.TLB_EXECUTE);
  code.get(target).constant(PAGE_MASK).op('i32.and').get(context).op('i32.or', 'i32.ne');
  pushIsElsewhere(w, physical, bits);
  code.op('i32.or').open('if');
  w.leave(op.at);
  code.end();
}

/**
 * What a branch does but for going on, in code that was decoded for T32 or A32. It is left before it was done, if its
 * target is not what it was taken for.
 * @param physical the physical address that it was taken for
 * @param over what is written for where the slice is over
 */
export function writeBranch(
  w: Writer,
  op: MicroOp,
  isThumb: boolean,
  physical: number,
  over: () => void,
): void {
  const { code } = w;
  const bits = isThumb && isExchange(op.op) ? 1 : 0;
  const check = (): void => {
    guard(w, op, physical, bits);
  };
  if (op.op === Op.LDM_PC) loadManyWithPc(w, op, check);
  else {
    if (op.op === Op.BX || op.op === Op.B_REG) code.get(localOf(op.a)!);
    else code.get(page).constant(op.imm).op('i32.add');
    code.set(target);
    if (isFar(op.op)) check();
  }
  if (isLinking(op))
    code
      .get(page)
      .constant(behind(op) + (isThumb ? 1 : 0))
      .op('i32.add')
      .set(LR);
  code.get(budget).constant(op.position).op('i32.sub').tee(budget).constant(0).op('i32.lt_s').open('if');
  code.constant(L.PC).get(target);
  if (bits) code.constant(~bits).op('i32.and');
  code.access('i32.store', 0);
  over();
  code.end();
  if (isFar(op.op)) code.get(target).constant(PAGE_MASK).op('i32.and').set(page);
}
