// Ways out of a block: to the next one, or to TypeScript.
import {
  BUDGET,
  CONTEXT,
  CPSR,
  EXECUTE,
  LEAVE,
  LOOK_AT,
  OP_IMM,
  OP_POSITION,
  PAGE,
  PAGE_DIRECTORY,
  PAGE_DIRECTORY_ENTRY,
  PC,
  PENDING,
  TLB_EXECUTE,
  TO_TRANSLATION,
  VARIANT,
} from '../layout';
import { PSR_IT } from '../../isa/psr-masks';
import { fetchedFrom } from './physical-memory';
import { walk } from './walks';
import { entryOf } from './tlb';

/** Runs a slow instruction. Not 0: the interpreter must return. */
// @ts-ignore: decorator
@external('cpu', 'slow')
export declare function slow(rec: usize): u32;

/** Told of a block that is hot now. */
// @ts-ignore: decorator
@external('cpu', 'hot')
declare function hot(block: usize): void;

/** Where a block is entered: at itself, or before it where it was translated. */
// @ts-ignore: decorator
@inline
export function enter(block: usize): usize {
  const comings = load<i32>(block + TO_TRANSLATION + OP_IMM);
  if (comings <= 0) return block + comings;
  store<i32>(block + TO_TRANSLATION + OP_IMM, comings - 1);
  if (comings == 1) hot(block);
  return block;
}

/** 0, with the address in R15, where the slice is over or the way on is not known to the TLB and the block tables. */
export function find(target: u32): usize {
  const context = load<u32>(CONTEXT);
  const entry = entryOf(target, context);
  if (load<u32>(entry, TLB_EXECUTE) == ((target & 0xfffff000) | context) || walk(target, EXECUTE)) {
    const physical = fetchedFrom(entry, target);
    const table = load<u32>(PAGE_DIRECTORY + (physical >>> 12) * PAGE_DIRECTORY_ENTRY + load<u32>(VARIANT));
    if (table != 0) {
      const block = load<u32>(table + ((physical & 0xffe) << 1));
      if (block != 0) {
        store<u32>(PAGE, target & 0xfffff000);
        return enter(block);
      }
    }
  }
  store<u32>(PC, target);
  return 0;
}

/** Ends a block: counts its instructions. True when the slice is over; then R15 is the target. */
// @ts-ignore: decorator
@inline
export function over(rec: usize, target: u32): bool {
  const budget = load<i32>(BUDGET) - <i32>load<u8>(rec, OP_POSITION);
  store<i32>(BUDGET, budget);
  if (budget < 0) {
    store<u32>(PC, target);
    return true;
  }
  return false;
}

export function jump(rec: usize, target: u32): usize {
  if (over(rec, target)) return 0;
  return find(target);
}

/**
 * Goes on at an address behind an instruction that may have changed anything: as TypeScript would, which looks whether
 * the slice is over, an interrupt is to be taken or a timer to be heard.
 */
export function onward(rec: usize, target: u32): usize {
  const budget = load<i32>(BUDGET) - <i32>load<u8>(rec, OP_POSITION);
  store<i32>(BUDGET, budget);
  if (budget <= load<i32>(LOOK_AT) || load<u32>(PENDING) != 0 || (load<u32>(CPSR) & PSR_IT) != 0) {
    store<u32>(PC, target);
    store<u32>(LEAVE, 1);
    return 0;
  }
  return find(target);
}
