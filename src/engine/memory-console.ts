/**
 * Consoles that stand in the machine's memory: what a program has written to one is in a ring of bytes, byte n at
 * `log + n % size`, and a word counts the bytes ever written. The hypervisor keeps its guests' consoles so.
 */

export interface MemoryConsole {
  /** Whose it is. */
  readonly name: string;
  /** Physical address of the ring, and its bytes, a power of two. */
  readonly log: number;
  readonly size: number;
  /** Physical address of the count, a word, modulo 2^32. */
  readonly written: number;
}

/**
 * Follows a console: each call gives what was written since the last one.
 * @returns takes the count and the ring as they are now; gives the new bytes, of those overwritten meanwhile none
 */
export function followConsole({ size }: MemoryConsole): (written: number, ring: Uint8Array) => Uint8Array {
  let seen = 0;
  return (written, ring) => {
    const count = Math.min((written - seen) >>> 0, size);
    const from = (written - count) >>> 0;
    seen = written;
    return Uint8Array.from({ length: count }, (_, i) => ring[(from + i) % size]!);
  };
}
