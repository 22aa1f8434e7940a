/**
 * The counter that the generic timers of all cores compare with, CNTPCT (B8.1.1). Times are virtual, in nanoseconds;
 * from outside the rate of it may change at any time, and what was told of the time to come is then to be asked again.
 */
export interface SystemCounter {
  /** What it reads at a time, 64 bits. */
  countAt(time: number): bigint;
  /** The first time at which it has gone on by `counts` or more since another; Infinity where it stands still. */
  timeAfter(time: number, counts: bigint): number;
}
