/** A system counter for a processor without a board around it, or with one that is to count otherwise. */
import { EVERY_EDGE, systemCounter } from '../../src/board/core-timer.js';
import type { SystemCounter } from '../../src/ports/counter.js';

/** A counter that counts from 0 on at a rate in Hz, whatever anything says. */
export function steadyCounter(hertz: number): SystemCounter {
  const counting = { base: 0n, since: 0, step: 1, hertz, prescaler: EVERY_EDGE };
  return systemCounter(() => counting);
}
