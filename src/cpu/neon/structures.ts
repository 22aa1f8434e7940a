/** What the fields of loads and stores of structures say about their shapes and alignments (A7.7, A8.8.320 and on). */

/** align of multiple elements: 1 for 8 bytes, 2 for 16, 3 for 32. */
export const ALIGNMENTS = [1, 8, 16, 32];

/** VLD1 and VST1 by type: how many registers. */
const VLD1_REGISTERS: Readonly<Record<number, number>> = { 7: 1, 10: 2, 6: 3, 2: 4 };
/** VLD2 by type: how many pairs of registers, and how far apart the two of a pair are. */
const VLD2_SHAPES: Readonly<Record<number, { pairs: number; apart: number }>> = {
  8: { pairs: 1, apart: 1 },
  9: { pairs: 1, apart: 2 },
  3: { pairs: 2, apart: 2 },
};

/** Alignment in bytes of one lane of n registers, by index_align's low bits. */
export function laneAlignment(n: number, bytes: number, index_align: number): number {
  switch (n) {
    case 1:
      return bytes === 1 || (index_align & 1) === 0 ? 1 : bytes;
    case 2:
      return index_align & 1 ? 2 * bytes : 1;
    case 3:
      return 1;
    default:
      if (bytes === 4) return [1, 8, 16, 1][index_align & 3]!;
      return index_align & 1 ? 4 * bytes : 1;
  }
}

/** Alignment in bytes of a structure for all lanes, by its size and its a bit. */
export function allAlignment(n: number, size: number, a: number): number {
  if (!a) return 1;
  if (n === 4 && size >= 2) return size === 3 ? 16 : 8;
  return n * (1 << size);
}

/**
 * How many structures of `n` elements have one index, each a register further, and how far apart the registers of a
 * structure are.
 */
export function multipleShape(n: number, type = 0, inc = 0): { groups: number; apart: number } {
  if (n === 1) return { groups: VLD1_REGISTERS[type]!, apart: 1 + inc };
  if (n !== 2) return { groups: 1, apart: 1 + inc };
  const { pairs, apart } = VLD2_SHAPES[type]!;
  return { groups: pairs, apart };
}

/** How far apart the registers of one lane are: the bit under the index says that; bytes have none. */
export function laneApart(n: number, size: number, index_align: number): number {
  return size !== 0 && n !== 1 && (index_align >> size) & 1 ? 2 : 1;
}
