import { ELF_FLAGS, staticElf as elf } from '../../src/translate/linux/elf.js';

/**
 * A static ELF executable for Arm's Linux, of one segment that may be read, written and executed.
 * @param address where the segment is loaded, and begins to run; a multiple of 4096
 */
export function staticElf(image: Uint8Array, address: number): Uint8Array {
  const { READ, WRITE, EXECUTE } = ELF_FLAGS;
  return elf(address, [{ address, bytes: image, flags: READ | WRITE | EXECUTE }]);
}
