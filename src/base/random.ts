/** Numbers that look like chance and follow from a seed. */

/** 32 bits that hang on all bits of some numbers and of their order (the finalizer of MurmurHash3, A. Appleby). */
export function hashOf(...numbers: readonly number[]): number {
  let hash = 0x9e37_79b9;
  for (const number of numbers) {
    hash ^= number;
    hash = Math.imul(hash ^ (hash >>> 16), 0x85eb_ca6b);
    hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2_ae35);
    hash ^= hash >>> 16;
  }
  return hash >>> 0;
}
