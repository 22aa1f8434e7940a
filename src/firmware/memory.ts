import { HypberryError } from '../base/errors.js';
import { KERNEL_OFFSET } from '../boot/block.js';
import { hex } from '../base/words.js';
import type { Segment } from './handover.js';

/** The code where two things that are loaded have one place: which of them stays, or whether the firmware moves one, is not known. */
export const OVERLAP = 'firmware.overlap';

const endOf = (segment: Segment): number => segment.address + segment.data.length;

/**
 * Puts pieces into memory one after the other, the way a firmware loads files, and gives what is there in the end:
 * in ascending order of address, not overlapping. Below 0x8000 a later piece may take the place of
 * zeros in an earlier one: a tree in the padding of a boot block.
 * Throws `firmware.overlap` where it would destroy anything else, `firmware.no-room` where a piece does not fit in
 * `size` bytes of memory.
 */
export function layOut(pieces: readonly Segment[], size: number): Segment[] {
  let memory: Segment[] = [];
  for (const piece of pieces) {
    if (piece.address < 0 || endOf(piece) > size) {
      throw new HypberryError(
        'firmware.no-room',
        `The ${piece.name} (${piece.data.length} bytes) does not fit at ${hex(piece.address)}: the ARM's memory ends at ${hex(size)}.`,
        'Choose another address, or a smaller gpu_mem, in config.txt.',
      );
    }
    memory = memory.flatMap((other) => cut(other, piece));
    if (piece.data.length > 0) memory.push(piece);
  }
  return memory.sort((a, b) => a.address - b.address);
}

/** What is left of `other` around `piece`. */
function cut(other: Segment, piece: Segment): Segment[] {
  const from = Math.max(other.address, piece.address);
  const to = Math.min(endOf(other), endOf(piece));
  if (from >= to) return [other];
  const lost = other.data.subarray(from - other.address, to - other.address);
  if (to > KERNEL_OFFSET || lost.some((byte) => byte !== 0)) {
    throw new HypberryError(
      OVERLAP,
      `The ${piece.name} at ${hex(piece.address)} would overwrite the ${other.name} from ${hex(from)} to ${hex(to)}.`,
      'Change the addresses in config.txt (device_tree_address, kernel_address, initramfs).',
    );
  }
  return [
    { ...other, data: other.data.subarray(0, from - other.address) },
    { ...other, address: to, data: other.data.subarray(to - other.address) },
  ].filter(({ data }) => data.length > 0);
}
