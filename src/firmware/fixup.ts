/**
 * fixup.dat: with it bootcode.bin moves start.elf to the top of the memory that there is. Without one that belongs to
 * it, start.elf stays where it was linked to, and the ARM has 128 MiB or little more (raspberrypi/firmware, issues 1163,
 * 1307 and 1341).
 *
 * The file is a list of places in start.elf that hold an address. Each is told by its distance from the one before: a
 * byte n from 2 on is 2 * (n - 1) bytes; 0 and 1 have the distance behind them, 24 bits, in units of 2 bytes. One of
 * the places is the last two bytes of start.elf, and so every fixup.dat tells how long its start.elf is. (Found by
 * comparing the files themselves: it is so in all 108 pairs of July 2013 to April 2024 that were looked at, and in 14
 * of 3644 that do not belong together, whose start.elf have the same length.)
 */
const LONG_BELOW = 2;
const UNIT = 2;
/** The first distance counts from here. */
const BEGIN = -4;
/** Before the end of start.elf. */
const LAST_PLACE = 2;

/**
 * Whether a fixup.dat can belong to a start.elf.
 * @param fixup the whole file
 * @param size bytes of start.elf
 */
export function belongsTogether(fixup: Uint8Array, size: number): boolean {
  let place = BEGIN;
  for (let at = 0; at < fixup.length && place <= size;) {
    const code = fixup[at]!;
    if (code < LONG_BELOW) {
      if (at + 4 > fixup.length) return false;
      place += UNIT * (fixup[at + 1]! + fixup[at + 2]! * 0x100 + fixup[at + 3]! * 0x1_0000);
      at += 4;
    } else {
      place += UNIT * (code - 1);
      at += 1;
    }
    if (place === size - LAST_PLACE) return true;
  }
  return false;
}
