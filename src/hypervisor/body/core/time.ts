/** The system counter. */
import { CNTPCT, barrier } from '../intrinsics.js';

export const NEVER: u64 = 0xffffffffffffffff;

// @inline
export function count(): u64 {
  barrier.isb();
  return CNTPCT.read();
}
