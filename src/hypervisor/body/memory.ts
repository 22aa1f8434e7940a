/** Memory for who has no caches on. */
import { DCCIMVAC, barrier } from './intrinsics';

const CACHE_LINE: u32 = 64;

/** Brings what was written to a range of addresses out of the caches into memory itself. */
export function toMemory(from: usize, bytes: u32): void {
  const to = from + bytes;
  for (let at = from & ~(<usize>CACHE_LINE - 1); at < to; at += CACHE_LINE) DCCIMVAC.write(at);
  barrier.dsb();
}
