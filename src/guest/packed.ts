/**
 * How Linux tells packed data, by two bytes and more (Linux, lib/decompress.c), and whether there is anything in them.
 */
import { ascii, readU32BE, readU32LE } from '../base/bytes.js';
import { gunzipHead } from '../firmware/gzip.js';

/** Whether a file begins with these bytes. */
export const begins =
  (...bytes: readonly number[]) =>
  (file: Uint8Array): boolean =>
    bytes.every((byte, i) => file[i] === byte);
/** Whether a file begins with this text, of ASCII. */
export const beginsWithText = (text: string): ((file: Uint8Array) => boolean) => begins(...ascii(text));

/** What a packer makes. */
export interface Packed {
  readonly name: string;
  readonly is: (file: Uint8Array) => boolean;
  /** Whether it surely holds no byte. */
  readonly isEmpty: (file: Uint8Array) => boolean;
}

/** An empty stream of bzip2: the magic number of its end, a square root, behind `BZh9`. */
const BZIP2_END = { AT: 4, MAGIC: begins(0x17, 0x72, 0x45, 0x38, 0x50, 0x90) } as const;
/** The .lzma header: properties, dictionary, size (u64), which is all ones where only an end marker ends it; with that alone it has so many bytes. */
const LZMA = { SIZE_AT: 5, HEADER: 13, SHORTEST: 24 } as const;
/** Where the index, which begins with 0, or the first block stands (The .xz File Format 1.1.0, section 2). */
const XZ_FIRST_BLOCK = 12;
/** The header of lzop (its lzop.c, read_header): behind the magic number three versions and the method. */
const LZO = {
  VERSION_AT: 9,
  LEVEL_AT: 16,
  /** From this version on there are the needed version, level and a longer time. */
  LONG_FROM: 0x0940,
  FILTER: 0x0800,
} as const;
/** Where the first block's size stands behind the magic number of the old format (lz4_Block_format; lib/decompress_unlz4.c). */
const LZ4_FIRST_BLOCK = 4;
/** RFC 8878, section 3.1.1: the descriptor, and a block's header: last, its type in two bits (2 is packed), its size. */
const ZSTD = { DESCRIPTOR_AT: 4, SINGLE: 1 << 5, LAST: 1, TYPE: 3 << 1, PACKED: 2 << 1, HEADER: 3 } as const;

function isEmptyLzma(file: Uint8Array): boolean {
  const size = file.subarray(LZMA.SIZE_AT, LZMA.HEADER);
  if (size.length < LZMA.HEADER - LZMA.SIZE_AT) return true;
  return size.every((byte) => byte === 0) || file.length < LZMA.SHORTEST;
}

function isEmptyLzo(file: Uint8Array): boolean {
  if (file.length < LZO.LEVEL_AT) return true;
  const isLong = readU32BE(file, LZO.VERSION_AT) >>> 16 >= LZO.LONG_FROM;
  // Of an old one the flags stand where the needed version and the level would.
  const flagsAt = isLong ? LZO.LEVEL_AT + 1 : LZO.LEVEL_AT - 2;
  if (flagsAt + 4 > file.length) return true;
  const filter = (readU32BE(file, flagsAt) & LZO.FILTER) !== 0 ? 4 : 0;
  const nameAt = flagsAt + 4 + filter + 4 + (isLong ? 8 : 4);
  const blockAt = nameAt + 1 + (file[nameAt] ?? 0) + 4;
  return blockAt + 4 > file.length || readU32BE(file, blockAt) === 0;
}

function isEmptyZstd(file: Uint8Array): boolean {
  const descriptor = file[ZSTD.DESCRIPTOR_AT];
  if (descriptor === undefined) return true;
  const isSingle = (descriptor & ZSTD.SINGLE) !== 0;
  const dictionary = [0, 1, 2, 4][descriptor & 3]!;
  const size = [isSingle ? 1 : 0, 2, 4, 8][descriptor >>> 6]!;
  const at = ZSTD.DESCRIPTOR_AT + 1 + (isSingle ? 0 : 1) + dictionary + size;
  if (at + ZSTD.HEADER > file.length) return true;
  const block = file[at]! | (file[at + 1]! << 8) | (file[at + 2]! << 16);
  return (block & ZSTD.LAST) !== 0 && (block & ZSTD.TYPE) !== ZSTD.PACKED && block >>> 3 === 0;
}

/** All of them. */
export const PACKED: readonly Packed[] = [
  {
    name: 'gzip data',
    is: begins(0x1f, 0x8b),
    // Damaged from its beginning on, nothing comes out either.
    isEmpty: (file) => gunzipHead(file, 1).length === 0,
  },
  {
    name: 'bzip2 data',
    is: beginsWithText('BZh'),
    isEmpty: (file) => BZIP2_END.MAGIC(file.subarray(BZIP2_END.AT)),
  },
  { name: 'lzma data', is: begins(0x5d, 0x00, 0x00), isEmpty: isEmptyLzma },
  {
    name: 'xz data',
    is: begins(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00),
    isEmpty: (file) => (file[XZ_FIRST_BLOCK] ?? 0) === 0,
  },
  { name: 'lzo data', is: begins(0x89, 0x4c, 0x5a, 0x4f), isEmpty: isEmptyLzo },
  {
    name: 'lz4 data',
    is: begins(0x02, 0x21, 0x4c, 0x18),
    isEmpty: (file) => file.length < LZ4_FIRST_BLOCK + 4 || readU32LE(file, LZ4_FIRST_BLOCK) === 0,
  },
  { name: 'zstd data', is: begins(0x28, 0xb5, 0x2f, 0xfd), isEmpty: isEmptyZstd },
];
