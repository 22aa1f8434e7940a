/**
 * A static ELF executable for Arm's Linux, of one segment that may be read, written and executed.
 * @param address where the segment is loaded, and begins to run; a multiple of 4096
 */
export function staticElf(image: Uint8Array, address: number): Uint8Array {
  const HEADERS = 0x1000;
  const file = new Uint8Array(HEADERS + image.length);
  const view = new DataView(file.buffer);
  const words = (at: number, ...values: number[]): void => {
    values.forEach((value, i) => {
      view.setUint32(at + 4 * i, value, true);
    });
  };
  file.set([0x7f, 0x45, 0x4c, 0x46, 1, 1, 1]);
  // Type EXEC, machine ARM; version, entry, program headers' offset, no sections, EABI version 5.
  words(16, 2 | (40 << 16), 1, address, 52, 0, 0x05000000, 52 | (32 << 16), 1);
  // LOAD, offset, address twice, sizes, RWX, alignment.
  words(52, 1, HEADERS, address, address, image.length, image.length, 7, 0x1000);
  file.set(image, HEADERS);
  return file;
}
