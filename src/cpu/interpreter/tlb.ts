// Where the TLB has an entry: ../tlb.ts fills it, and ./walks.ts.
import { TLB, TLB_ADDRESS_SHIFT, TLB_CONTEXT_SHIFT, TLB_PLACE_MASK } from '../layout';

/** The entry for a virtual address, whatever stands in it. */
// @ts-ignore: decorator
@inline
export function entryOf(address: u32, context: u32): usize {
  return TLB + (((address >>> TLB_ADDRESS_SHIFT) ^ (context << TLB_CONTEXT_SHIFT)) & TLB_PLACE_MASK);
}
