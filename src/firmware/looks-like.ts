/** What a file is that is not what its name says: saved from a web site, fetched without Git LFS, cut off. */
import { ascii, readU16LE, readU32LE } from '../base/bytes.js';

const ELF_MAGIC = 0x464c_457f;
/** The pointer that stands in a repository for a file that Git LFS keeps (its specification, "The Pointer"). */
const LFS_START = 'version https://git-lfs.github.com/spec/';
/** How pages begin, and the answers of web sites that are none. */
const WEB_START = /^(?:\ufeff|\u00ef\u00bb\u00bf)?\s*<(?:!doctype|html|head|body|\?xml|!--)/i;
/** First bytes of archives and of other files that are put in a wrong place. */
const MAGICS: readonly (readonly [string, Uint8Array])[] = [
  ['a zip archive, which has to be unpacked', ascii('PK\u0003\u0004')],
  ['a gzip file, which has to be unpacked', Uint8Array.of(0x1f, 0x8b, 0x08)],
  ['an xz file, which has to be unpacked', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)],
  ['a device tree', Uint8Array.of(0xd0, 0x0d, 0xfe, 0xed)],
];
/** Bytes at the beginning by which a text is told. */
const HEAD = 512;

/**
 * What a file looks like, one noun phrase; undefined where it may be any program or data.
 * @param file the whole file
 */
export function looksLike(file: Uint8Array): string | undefined {
  if (file.length === 0) return 'an empty file';
  if (file.every((byte) => byte === 0)) return 'nothing but zeros';
  const head = String.fromCharCode(...file.subarray(0, HEAD));
  if (head.startsWith(LFS_START)) return 'a pointer of Git LFS, and not the file that it stands for';
  if (WEB_START.test(head)) return 'a web page, as a browser saves it';
  if (file.length >= 4 && readU32LE(file, 0) === ELF_MAGIC) return 'an ELF file';
  for (const [what, magic] of MAGICS) if (magic.every((byte, i) => file[i] === byte)) return what;
  return /^[\t\n\r -~]+$/.test(head) ? 'a text' : undefined;
}

/** Offsets in the header of a 32-bit ELF file, little-endian, and in its program headers (System V ABI, chapter 4). */
const ELF = { PHOFF: 0x1c, PHENTSIZE: 0x2a, PHNUM: 0x2c, HEADER: 0x34 } as const;
const SEGMENT = { OFFSET: 0x04, FILE_SIZE: 0x10, SIZE: 0x20 } as const;

/**
 * Bytes that a 32-bit ELF file must have to hold what it loads; undefined where its header itself is not whole.
 * @param file it begins as one
 */
export function elfExtent(file: Uint8Array): number | undefined {
  if (file.length < ELF.HEADER) return undefined;
  const [at, size, count] = [
    readU32LE(file, ELF.PHOFF),
    readU16LE(file, ELF.PHENTSIZE),
    readU16LE(file, ELF.PHNUM),
  ];
  let end = at + size * count;
  for (let i = 0; i < count; i++) {
    const segment = at + i * size;
    if (segment + SEGMENT.SIZE > file.length) return end;
    end = Math.max(
      end,
      readU32LE(file, segment + SEGMENT.OFFSET) + readU32LE(file, segment + SEGMENT.FILE_SIZE),
    );
  }
  return end;
}
