/** Memory: copied, cleared, and brought to who has no caches on. */
import * as L from '../../shared/layout.js';
import { DCCIMVAC, barrier } from '../intrinsics.js';

// @external('assembly', 'clear')
export declare function clear(address: usize, bytes: u32): void;
// @external('assembly', 'copy')
export declare function copy(to: usize, from: usize, bytes: u32): void;
/** Copies just so many bytes, from and to any addresses of Normal memory. */
// @external('assembly', 'move')
export declare function move(to: usize, from: usize, bytes: u32): void;

/** Has a range of addresses in memory itself, and in no cache. */
export function toMemory(from: usize, bytes: u32): void {
  const to = from + bytes;
  for (let at = from & ~(<usize>L.CACHE_LINE - 1); at < to; at += L.CACHE_LINE) DCCIMVAC.write(at);
  barrier.dsb();
}
