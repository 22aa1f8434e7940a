import { readU32LE } from '../base/bytes.js';
import { isBootBlock, KERNEL_OFFSET } from '../boot/block.js';
import type { Picked } from './handover.js';
import { bareKernelData, hasZImageMagic, TEXT_OFFSET, type ReadKernel } from './kernel.js';

/**
 * Where the kernel stands: the file that the firmware has loaded, without the boot block in front of it. Where another
 * program than a zImage was loaded, with no block of ours or zImage behind it, that is the kernel, from its first byte.
 * @param ram memory from address 0, as the firmware leaves it
 */
export function kernelExtent(
  ram: Uint8Array,
  { address, size }: Picked['kernel'],
): { start: number; end: number } {
  const file = ram.subarray(address, address + size);
  const hasBlock =
    isBootBlock(file) || (!hasZImageMagic(file) && hasZImageMagic(file.subarray(KERNEL_OFFSET)));
  return { start: hasBlock ? address + KERNEL_OFFSET : address, end: address + size };
}

/**
 * Where a zImage says how large it becomes (Linux 4.15 and later, arch/arm/boot/compressed: head.S and vmlinux.lds.S):
 * behind the header a second magic number and the offset of a table.
 */
const TABLE = { MAGIC_AT: 0x34, MAGIC: 0x4545_4545, OFFSET_AT: 0x38 } as const;
/** `KLSZ`, the tag of the table's one entry. */
const SIZES_TAG = 0x5a53_4c4b;
/** Offsets in the table: its size in words, the tag, and the entry. */
const ENTRY = {
  WORDS: 0x00,
  TAG: 0x04,
  /** Offset in the file of the word that holds the unpacked size. */
  SIZE_AT: 0x08,
  BSS_SIZE: 0x0c,
  /** Where the kernel is unpacked to, from the start of RAM; in later kernels only, as the next one. */
  TEXT_OFFSET: 0x10,
  /** The unpacker's heap. */
  MALLOC_SIZE: 0x14,
} as const;
const WORDS_WITH_TEXT_OFFSET = 6;
const STACK_SIZE = 0x1000;

/**
 * What a zImage in the first 128 MiB of RAM overwrites before the kernel reads its tree: the kernel unpacked, and behind it
 * its BSS, or the unpacker, which moves there with its stack and heap where the kernel comes to lie over it.
 * @param image the zImage, whole
 * @returns physical addresses; undefined where the file does not say them
 */
export function unpackedExtent(image: Uint8Array): { start: number; end: number } | undefined {
  const word = (at: number): number | undefined =>
    at + 4 <= image.length ? readU32LE(image, at) : undefined;
  const table = word(TABLE.MAGIC_AT) === TABLE.MAGIC ? word(TABLE.OFFSET_AT) : undefined;
  if (table === undefined || word(table + ENTRY.TAG) !== SIZES_TAG) return undefined;
  if ((word(table + ENTRY.WORDS) ?? 0) < WORDS_WITH_TEXT_OFFSET) return undefined;
  const [sizeAt, bss, start, heap] = [
    ...[ENTRY.SIZE_AT, ENTRY.BSS_SIZE, ENTRY.TEXT_OFFSET, ENTRY.MALLOC_SIZE],
  ].map((at) => word(table + at));
  const size = sizeAt === undefined ? undefined : word(sizeAt);
  if (size === undefined || bss === undefined || start === undefined || heap === undefined) return undefined;
  return { start, end: start + size + Math.max(bss, image.length + STACK_SIZE + heap) };
}

/**
 * Words that the code of a zImage before Linux 4.15 keeps for itself (arch/arm/boot/compressed/head.S, LC0), the first of which is
 * its own offset.
 */
const WORDS = { IMAGE_END: 0x0c, SIZE_AT: 0x10, BYTES: 0x14 } as const;
/** Where the zImage's header has its end, and where the code begins. */
const HEADER = { START_AT: 0x28, END_AT: 0x2c, SIZE: 0x30 } as const;
/** The words are in the first of its code: from 0x1f8 to 0x240 in kernels of 2015 to 2017. */
const WORDS_BEFORE = 0x2000;

/**
 * Bytes that a zImage without a table unpacks to: behind the packed data, however it is packed, stands their number.
 * @param image the zImage, whole
 */
function sizeWithoutTable(image: Uint8Array): number | undefined {
  // The words count from the start of the image.
  if (readU32LE(image, HEADER.START_AT) !== 0) return undefined;
  const imageEnd = readU32LE(image, HEADER.END_AT);
  const end = Math.min(WORDS_BEFORE, image.length - WORDS.BYTES);
  for (let at: number = HEADER.SIZE; at <= end; at += 4) {
    if (readU32LE(image, at) !== at || readU32LE(image, at + WORDS.IMAGE_END) !== imageEnd) continue;
    const sizeAt = readU32LE(image, at + WORDS.SIZE_AT);
    return sizeAt + 4 <= image.length ? readU32LE(image, sizeAt) : undefined;
  }
  return undefined;
}

/**
 * What Linux before 4.15, whose zImage has no table, overwrites for certain before it reads its tree: itself unpacked. Its BSS and the
 * unpacker come behind that.
 */
export function leastUnpacked(kernel: ReadKernel): { start: number; end: number } | undefined {
  const image = bareKernelData(kernel);
  if (!hasZImageMagic(image)) return undefined;
  const hasTable = image.length >= TABLE.OFFSET_AT && readU32LE(image, TABLE.MAGIC_AT) === TABLE.MAGIC;
  const size = hasTable ? undefined : sizeWithoutTable(image);
  return size === undefined ? undefined : { start: TEXT_OFFSET, end: TEXT_OFFSET + size };
}

/**
 * Where Linux runs, and what it unpacks itself over before it reads its tree, where the file says that; below the former it
 * clears its first page tables.
 */
export function placeOfLinux(kernel: ReadKernel): {
  start: number;
  unpacked: { start: number; end: number } | undefined;
} {
  const image = bareKernelData(kernel);
  const unpacked = hasZImageMagic(image) ? unpackedExtent(image) : undefined;
  return { start: unpacked?.start ?? TEXT_OFFSET, unpacked };
}
