// Memory accesses: the fast path through the TLB, and what is left of the slow path before TypeScript is asked.
import {
  CODE_LINES,
  CONTEXT,
  DATA_BUFFER_AT,
  DATA_BUFFER_BYTES,
  DATA_BUFFER_LENGTH,
  DATA_BUFFER_REGISTER,
  DATA_BUFFER_TO_READ,
  DATA_BUFFER_TO_WRITE,
  DATA_BUFFER_WAY,
  MAY_MOVE_DATA,
  READ,
  SLOW,
  STRICT,
  TLB_DATA,
  TLB_FLAGS,
  TLB_IS_RAM,
  TLB_READ,
  TLB_UNALIGNED,
  TLB_WRITE,
  WRITE,
} from '../layout';
import { physicalAt, placeOf, readData, writeData } from './physical-memory';
import { entryOf } from './tlb';
import { walk } from './walks';

/** Reads through the bus or takes the exception (then LEAVE is set). */
// @ts-ignore: decorator
@external('cpu', 'load')
declare function loadElsewhere(rec: usize, address: u32, size: u32): u32;
// @ts-ignore: decorator
@external('cpu', 'store')
declare function storeElsewhere(rec: usize, address: u32, size: u32, value: u32): void;

/** Reads a T at a virtual address. */
// @ts-ignore: decorator
@inline
export function read<T>(rec: usize, address: u32): u32 {
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  if (load<u32>(entry, TLB_READ) == ((address & (0xfffff000 | (sizeof<T>() - 1))) | context))
    return readData<T>(placeOf(entry, address));
  return readSlow<T>(rec, address) as T as u32;
}

// @ts-ignore: decorator
@inline
export function write<T>(rec: usize, address: u32, value: u32): void {
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  if (load<u32>(entry, TLB_WRITE) == ((address & (0xfffff000 | (sizeof<T>() - 1))) | context))
    writeData<T>(placeOf(entry, address), value as T);
  else writeSlow<T>(rec, address, value);
}

/** Whether an access that is aligned, and that the TLB does not know, is known after a walk. */
export function finds(entry: usize, key: usize, address: u32, align: u32, right: u32): bool {
  return (
    (address & align) == 0 &&
    (load<u32>(entry + key) & ~SLOW) != ((address & 0xfffff000) | load<u32>(CONTEXT)) &&
    walk(address, right)
  );
}

function readSlow<T>(rec: usize, address: u32): u32 {
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  if (
    load<u32>(entry, TLB_READ) == ((address & 0xfffff000) | context) &&
    (load<u32>(entry, TLB_FLAGS) & TLB_UNALIGNED) != 0 &&
    (address & 0xfff) <= 0x1000 - <u32>sizeof<T>()
  )
    return readData<T>(placeOf(entry, address));
  if (finds(entry, TLB_READ, address, sizeof<T>() - 1, READ)) return readData<T>(placeOf(entry, address));
  if (sizeof<T>() == 4) {
    const place = placeOfData(entry, address, load<u32>(entry, TLB_READ), DATA_BUFFER_TO_READ);
    if (place != 0) return load<u32>(place);
  }
  return loadElsewhere(rec, address, sizeof<T>());
}

function writeSlow<T>(rec: usize, address: u32, value: u32): void {
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  const misaligned = (address & (<u32>sizeof<T>() - 1)) != 0;
  finds(entry, TLB_WRITE, address, sizeof<T>() - 1, WRITE);
  if (
    ((load<u32>(entry, TLB_WRITE) & ~SLOW) == ((address & 0xfffff000) | context)) &&
    (load<u32>(entry, TLB_FLAGS) & TLB_IS_RAM) != 0 &&
    (!misaligned ||
      ((load<u32>(entry, TLB_FLAGS) & TLB_UNALIGNED) != 0 && (address & 0x3f) <= 0x40 - <u32>sizeof<T>()))
  ) {
    const place = placeOf(entry, address);
    if (load<u8>(CODE_LINES + (physicalAt(place) >>> 6)) == 0) {
      writeData<T>(place, value as T);
      return;
    }
  }
  if (sizeof<T>() == 4) {
    const place = placeOfData(entry, address, load<u32>(entry, TLB_WRITE), DATA_BUFFER_TO_WRITE);
    if (place != 0) {
      store<u32>(place, value);
      return;
    }
  }
  storeElsewhere(rec, address, sizeof<T>(), value);
}

/**
 * Where the next word of a data buffer stands, which goes with that; 0 where the address is not its register's, the buffer
 * is not open that way, or this is its last word, of which the device has to hear.
 * @param key of the entry, for such an access
 */
function placeOfData(entry: usize, address: u32, key: u32, way: u32): usize {
  if (
    (key & ~SLOW) != ((address & 0xfffff003) | load<u32>(CONTEXT)) ||
    load<u32>(entry, TLB_DATA) == 0 ||
    load<u32>(MAY_MOVE_DATA) == 0
  )
    return 0;
  const buffer = load<u32>(entry, TLB_DATA);
  const at = load<u32>(buffer, DATA_BUFFER_AT);
  if (
    load<u32>(buffer, DATA_BUFFER_REGISTER) != (address & 0xfff) ||
    load<u32>(buffer, DATA_BUFFER_WAY) != way ||
    at + 4 >= load<u32>(buffer, DATA_BUFFER_LENGTH)
  )
    return 0;
  store<u32>(buffer, at + 4, DATA_BUFFER_AT);
  return buffer + DATA_BUFFER_BYTES + at;
}

/**
 * Where `bytes` bytes at an address are that may be read at once; 0 where TypeScript has to look: they are not in RAM,
 * or in two pages, or the address has a bit of `align`.
 */
export function placeToRead(address: u32, align: u32, bytes: u32): usize {
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  if ((address & 0xfff) + bytes > 0x1000) return 0;
  if (align != 0) finds(entry, TLB_READ, address, align, READ);
  if (load<u32>(entry, TLB_READ) != ((address & (0xfffff000 | align)) | context)) return 0;
  return placeOf(entry, address);
}

/** The same to be written; where instructions were decoded from them is for TypeScript, too. */
export function placeToWrite(address: u32, align: u32, bytes: u32): usize {
  const context = load<u32>(CONTEXT);
  const entry = entryOf(address, context);
  if ((address & 0xfff) + bytes > 0x1000) return 0;
  if (align != 0) finds(entry, TLB_WRITE, address, align, WRITE);
  const key = load<u32>(entry, TLB_WRITE);
  if (key == ((address & (0xfffff000 | align)) | context)) return placeOf(entry, address);
  if (
    (key & ~SLOW) != ((address & 0xfffff000) | context) ||
    (load<u32>(entry, TLB_FLAGS) & TLB_IS_RAM) == 0 ||
    (address & align) != 0
  )
    return 0;
  const place = placeOf(entry, address);
  const last = (physicalAt(place) + bytes - 1) >>> 6;
  for (let line = physicalAt(place) >>> 6; line <= last; line++)
    if (load<u8>(CODE_LINES + line) != 0) return 0;
  return place;
}

/** The same of elements of `size` bytes, 4 at most, which need not be aligned where that is allowed. */
export function elementsToRead(address: u32, size: u32, bytes: u32): usize {
  return placeToRead(address, isMisaligned(address, size) ? 0 : size - 1, bytes);
}
export function elementsToWrite(address: u32, size: u32, bytes: u32): usize {
  return placeToWrite(address, isMisaligned(address, size) ? 0 : size - 1, bytes);
}
// @ts-ignore: decorator
@inline
function isMisaligned(address: u32, size: u32): bool {
  return (
    (address & (size - 1)) != 0 &&
    (load<u32>(entryOf(address, load<u32>(CONTEXT)), TLB_FLAGS) & TLB_UNALIGNED) != 0
  );
}

/** Accesses that must be aligned whatever SCTLR.A says; the size tells TypeScript. */
export function readStrict(rec: usize, address: u32): u32 {
  return (address & 3) == 0 ? read<u32>(rec, address) : loadElsewhere(rec, address, STRICT | 4);
}
export function writeStrict(rec: usize, address: u32, value: u32): void {
  if ((address & 3) == 0) write<u32>(rec, address, value);
  else storeElsewhere(rec, address, STRICT | 4, value);
}
