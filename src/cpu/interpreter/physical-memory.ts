// RAM as the interpreter reaches it by itself: the other half of ../physical-memory.ts. A place is an address in the
// WebAssembly.Memory; all of these are compiled into their callers.
import { RAM, TLB_ADDEND } from '../layout';

/** Where a virtual address is, by the TLB's entry for its page, which is RAM. */
// @ts-ignore: decorator
@inline
export function placeOf(entry: usize, address: u32): usize {
  return address + load<u32>(entry, TLB_ADDEND);
}

/** The physical address of a place. */
// @ts-ignore: decorator
@inline
export function physicalAt(place: usize): u32 {
  return place - RAM;
}

/** The physical address of an instruction; what is there was decoded before. */
// @ts-ignore: decorator
@inline
export function fetchedFrom(entry: usize, address: u32): u32 {
  return physicalAt(placeOf(entry, address));
}

/** What makes virtual addresses of a page places in RAM. */
// @ts-ignore: decorator
@inline
export function fastAddend(page: u32, physical: u32): u32 {
  return RAM + physical - page;
}

/** A word of a translation table. */
// @ts-ignore: decorator
@inline
export function readTableWord(physical: u32): u32 {
  return load<u32>(RAM + physical);
}

/** Reads a T, its sign or zeros in front. */
// @ts-ignore: decorator
@inline
export function readData<T>(place: usize): u32 {
  return load<T>(place) as u32;
}

/** Writes a T. */
// @ts-ignore: decorator
@inline
export function writeData<T>(place: usize, value: T): void {
  store<T>(place, value);
}
