/**
 * Something that passes for the fixup.dat of a start.elf of `size` bytes: an address 28 bytes in, one 4 bytes on, one
 * far behind, one at its last two bytes, and one of another list behind that (see src/firmware/fixup.ts).
 */
export function fixupFor(size: number): Uint8Array {
  const distance = (bytes: number): number[] => {
    const units = bytes / 2;
    return [1, units & 0xff, (units >> 8) & 0xff, units >> 16];
  };
  const far = 0x40;
  return Uint8Array.from([15, 3, ...distance(far), ...distance(size - 2 - 28 - far), 54, 0, 9, 1, 0]);
}
