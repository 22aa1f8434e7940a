/** Memory that a process has mapped: outside its own, so that it is reached by what the channel allows alone. */

export const MAPPED_PAGE = 4096;
/** Where the first mapping is. */
const FIRST = 0x9000_0000;
/** What lies between two. */
const GAP = 0x1_0000;
const BLOCK = 32;

export interface Mappings {
  /** Gives the address, as a system call's result. */
  add(bytes: Uint8Array): number;
  load(address: number): number;
  store(address: number, value: number): void;
  /** Copies blocks of 32 bytes between multiples of 4, to a mapping or from it. */
  copy(to: number, from: number, count: number): void;
}

/** @param memory the process' own */
export function createMappings(memory: Uint8Array): Mappings {
  const all: { from: number; bytes: Uint8Array }[] = [];
  let next = FIRST;
  const find = (address: number, count: number): Uint8Array => {
    if (address % 4 !== 0) throw new Error(`an access at ${address.toString(16)}, which is not aligned`);
    const own = address < memory.length ? { from: 0, bytes: memory } : undefined;
    const it = own ?? all.find(({ from, bytes }) => address >= from && address - from < bytes.length);
    if (!it || address - it.from + count > it.bytes.length)
      throw new Error(`an access at ${address.toString(16)}, where nothing is`);
    return it.bytes.subarray(address - it.from, address - it.from + count);
  };
  const wordAt = (address: number): DataView => {
    const { buffer, byteOffset } = find(address, 4);
    return new DataView(buffer, byteOffset, 4);
  };
  return {
    add(bytes) {
      const from = next;
      all.push({ from, bytes });
      next += Math.ceil(bytes.length / MAPPED_PAGE) * MAPPED_PAGE + GAP;
      return from | 0;
    },
    load: (address) => wordAt(address).getInt32(0, true),
    store(address, value) {
      wordAt(address).setInt32(0, value, true);
    },
    copy(to, from, count) {
      if (count <= 0 || count % BLOCK !== 0) throw new Error(`a copy of ${count} bytes`);
      find(to, count).set(find(from, count));
    },
  };
}
