import { hex } from '../base/words.js';
import type { Observe } from './observer.js';

const PAGE_MASK = 0xfff;

/** Ends the run before any core executes the instruction at a virtual address; bit 0 of it counts for nothing. */
export function endAt(address: number): Observe {
  const wanted = (address & ~1) >>> 0;
  let reachedBy: number | undefined;
  return (pi) => ({
    watch: {
      // No page is smaller than 4 KiB: below that, virtual and physical addresses are alike.
      wants: (physical) => (physical & PAGE_MASK) === (wanted & PAGE_MASK),
      instruction: ({ index }, at) => {
        if (at !== wanted) return false;
        reachedBy ??= index;
        pi.stop(`core ${index} came to ${hex(wanted, 8)}`);
        return true;
      },
    },
    report: () => (reachedBy === undefined ? {} : { reachedBy }),
  });
}
