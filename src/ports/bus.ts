/** What the processor finds outside RAM. Addresses are physical; sizes 1, 2, 4 bytes; values unsigned. */
export interface Bus {
  read(core: number, address: number, size: 1 | 2 | 4): number;
  write(core: number, address: number, size: 1 | 2 | 4, value: number): void;
}

/** The outputs of a core's generic timers. */
export type TimerName = 'secure-physical' | 'physical' | 'hyp' | 'virtual';
