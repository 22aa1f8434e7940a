// Exclusives (A3.4), where the local monitor alone takes part and what it holds is so on every board.
import {
  CONTEXT,
  EXCLUSIVE_ADDRESS,
  EXCLUSIVE_SIZE,
  OP_A,
  OP_B,
  OP_IMM,
  TLB_EXCLUSIVES,
  TLB_FLAGS,
  TLB_READ,
  TLB_WRITE,
} from '../layout';
import { physicalAt, placeOf, readData, writeData } from './physical-memory';
import { entryOf } from './tlb';

/** Where the bytes of an exclusive are, if the TLB knows; else 0. */
// @ts-ignore: decorator
@inline
function placeOfExclusive(rec: usize, size: u32, key: usize): usize {
  const address = load<u32>(<usize>load<u8>(rec, OP_B)) + <u32>load<u16>(rec, OP_IMM);
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  if (
    load<u32>(entry + key) != ((address & 0xfffff000) | context) ||
    (address & (size - 1)) != 0 ||
    (load<u32>(entry, TLB_FLAGS) & TLB_EXCLUSIVES) == 0
  )
    return 0;
  return placeOf(entry, address);
}

/** Sets the monitor on what is loaded, and gives its place; 0 where TypeScript has to look. */
// @ts-ignore: decorator
@inline
function watched(rec: usize, size: u32): usize {
  const place = placeOfExclusive(rec, size, TLB_READ);
  if (place != 0) {
    store<u32>(EXCLUSIVE_ADDRESS, physicalAt(place));
    store<u32>(EXCLUSIVE_SIZE, size);
  }
  return place;
}

/** LDREX of a T, 32 bits at most. @returns false where TypeScript has to look */
// @ts-ignore: decorator
@inline
export function loadExclusive<T>(rec: usize): bool {
  const place = watched(rec, sizeof<T>());
  if (place == 0) return false;
  store<u32>(<usize>load<u8>(rec, OP_A), readData<T>(place));
  return true;
}

/** LDREXD. */
// @ts-ignore: decorator
@inline
export function loadExclusiveDouble(rec: usize): bool {
  const place = watched(rec, 8);
  if (place == 0) return false;
  store<u32>(<usize>load<u8>(rec, OP_A), readData<u32>(place));
  store<u32>(<usize>load<u8>(rec, OP_IMM + 2), readData<u32>(place + 4));
  return true;
}

/** Whether the monitor lets a store be made at a place; it is open then. */
// @ts-ignore: decorator
@inline
function passes(rec: usize, place: usize, size: u32): bool {
  const held = load<u32>(EXCLUSIVE_SIZE) == size && load<u32>(EXCLUSIVE_ADDRESS) == physicalAt(place);
  store<u32>(EXCLUSIVE_SIZE, 0);
  store<u32>(<usize>load<u8>(rec, OP_A), held ? 0 : 1);
  return held;
}

/** STREX of a T, 32 bits at most. */
// @ts-ignore: decorator
@inline
export function storeExclusive<T>(rec: usize): bool {
  const place = placeOfExclusive(rec, sizeof<T>(), TLB_WRITE);
  if (place == 0) return false;
  const value = load<u32>(<usize>load<u8>(rec, OP_IMM + 2));
  if (passes(rec, place, sizeof<T>())) writeData<T>(place, value as T);
  return true;
}

/** STREXD. */
// @ts-ignore: decorator
@inline
export function storeExclusiveDouble(rec: usize): bool {
  const place = placeOfExclusive(rec, 8, TLB_WRITE);
  if (place == 0) return false;
  const low = load<u32>(<usize>load<u8>(rec, OP_IMM + 2));
  const high = load<u32>(<usize>load<u8>(rec, OP_IMM + 3));
  if (passes(rec, place, 8)) {
    writeData<u32>(place, low);
    writeData<u32>(place + 4, high);
  }
  return true;
}
