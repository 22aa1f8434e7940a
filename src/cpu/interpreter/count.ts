// Events of instructions, for the performance monitors.
import { TALLIES, UNALIGNED_SEEN } from '../layout';
import { UNALIGNED } from '../event-kinds';

/** A tally came to 0: a counter overflows. */
// @ts-ignore: decorator
@external('cpu', 'overflow')
declare function overflow(rec: usize): void;

/** Counts one event of each kind of a mask. */
export function count(rec: usize, mask: u32): void {
  if ((mask & (1 << UNALIGNED)) != 0) {
    if (load<u32>(UNALIGNED_SEEN) == 0) mask &= ~(1 << UNALIGNED);
    else store<u32>(UNALIGNED_SEEN, 0);
  }
  while (mask != 0) {
    const at: usize = TALLIES + (ctz<u32>(mask) << 2);
    const tally = load<u32>(at) + 1;
    store<u32>(at, tally);
    if (tally == 0) overflow(rec);
    mask &= mask - 1;
  }
}
