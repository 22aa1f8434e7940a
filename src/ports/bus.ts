/** What the processor finds outside RAM. Addresses are physical; sizes 1, 2, 4 bytes; values unsigned. */
export interface Bus {
  read(core: number, address: number, size: 1 | 2 | 4): number;
  write(core: number, address: number, size: 1 | 2 | 4, value: number): void;
  /**
   * Until what virtual time, in nanoseconds, reads at an address do nothing and give the same, as long as nothing is
   * written and no event comes: Infinity where time changes nothing, -Infinity where a read does something or nobody
   * knows. Without it nobody knows of any.
   */
  steadyUntil?(address: number): number;
}

/** The outputs of a core's generic timers. */
export type TimerName = 'secure-physical' | 'physical' | 'hyp' | 'virtual';
