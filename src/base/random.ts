/** Numbers that look like chance and follow from a seed. */

/** 32 bits, signed, each of which hangs on all bits of a number (the finalizer of MurmurHash3, A. Appleby). */
export function mix32(number: number): number {
  let mixed = number;
  mixed = Math.imul(mixed ^ (mixed >>> 16), 0x85eb_ca6b);
  mixed = Math.imul(mixed ^ (mixed >>> 13), 0xc2b2_ae35);
  return mixed ^ (mixed >>> 16);
}

/** 32 bits that hang on all bits of some numbers and of their order. */
export function hashOf(...numbers: readonly number[]): number {
  let hash = 0x9e37_79b9;
  for (const number of numbers) hash = mix32(hash ^ number);
  return hash >>> 0;
}
