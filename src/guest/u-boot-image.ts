/** Kernels as U-Boot's legacy images (U-Boot, include/image.h; big-endian), which `mkimage` makes. */
import { readU32BE } from '../base/bytes.js';
import { crc32 } from '../base/crc32.js';
import { hex } from '../base/words.js';
import { gunzipAtOnce } from '../firmware/gzip.js';
import { hasZImageMagic } from '../firmware/kernel.js';
import { GUEST_RAM } from '../hypervisor/shared/layout.js';
import { USE_ARMHF, USE_FLAT, type Foreign, type Placed } from './foreign.js';

/** Offsets in the header; and its size. */
const HEADER = {
  CHECKSUM: 0x04,
  DATA_SIZE: 0x0c,
  LOAD: 0x10,
  ENTRY: 0x14,
  DATA_CHECKSUM: 0x18,
  ARCHITECTURE: 0x1d,
  TYPE: 0x1e,
  COMPRESSION: 0x1f,
  SIZE: 0x40,
} as const;
const ARCHITECTURE_ARM = 2;
const ARCHITECTURES: Readonly<Record<number, string>> = {
  [ARCHITECTURE_ARM]: '32-bit Arm',
  3: 'x86',
  5: 'MIPS',
  6: '64-bit MIPS',
  7: 'PowerPC',
  22: '64-bit Arm',
  24: '64-bit x86',
  26: 'RISC-V',
};
/** One with an address to be loaded to; one that is entered where it stands. */
const [TYPE_KERNEL, TYPE_KERNEL_NOLOAD] = [2, 14];
const TYPES: Readonly<Record<number, string>> = {
  [TYPE_KERNEL]: 'a kernel',
  3: 'a RAM disk',
  4: 'several files',
  5: 'firmware',
  6: 'a script',
  8: 'a device tree',
  [TYPE_KERNEL_NOLOAD]: 'a kernel',
};
const [COMPRESSION_NONE, COMPRESSION_GZIP] = [0, 1];

/**
 * A U-Boot image as a guest's kernel. One of the type `kernel` goes to its load address; `kernel_noload` stands with its
 * header where memory begins, at a boundary of more than any kernel asks for (NetBSD's: 4 MiB), and is entered behind the
 * header at its entry's offset. A zImage in one, which runs anywhere, is undefined here: it goes where a zImage goes.
 * @param largest bytes that packed data may have unpacked
 */
export function placeUBootImage(
  file: Uint8Array,
  largest: number,
): Foreign | Placed | { readonly zImage: Uint8Array } {
  const field = (at: number): number => readU32BE(file, at);
  const [architecture, type, compression] = [HEADER.ARCHITECTURE, HEADER.TYPE, HEADER.COMPRESSION].map(
    (at) => file[at]!,
  ) as [number, number, number];
  const what = `a U-Boot image of ${TYPES[type] ?? 'a file'} for ${ARCHITECTURES[architecture] ?? 'another processor'}`;
  if (architecture !== ARCHITECTURE_ARM) return { what, hint: `It is for another processor. ${USE_ARMHF}` };
  if (type !== TYPE_KERNEL && type !== TYPE_KERNEL_NOLOAD) return { what, hint: USE_FLAT };

  const size = field(HEADER.DATA_SIZE);
  const packed = file.subarray(HEADER.SIZE, HEADER.SIZE + size);
  const header = file.slice(0, HEADER.SIZE);
  header.fill(0, HEADER.CHECKSUM, HEADER.CHECKSUM + 4);
  if (
    packed.length < size ||
    crc32(header) !== field(HEADER.CHECKSUM) ||
    crc32(packed) !== field(HEADER.DATA_CHECKSUM)
  )
    return { what: `${what}, cut short or damaged: its checksums are others`, hint: 'Copy it again, whole.' };
  if (compression !== COMPRESSION_NONE && compression !== COMPRESSION_GZIP)
    return {
      what: `${what}, packed in a way that is not unpacked here`,
      hint: `Take its header of ${HEADER.SIZE} bytes off (tail -c +${HEADER.SIZE + 1} FILE > IMAGE), unpack what is left, and give that.`,
    };
  const data = compression === COMPRESSION_GZIP ? gunzipAtOnce(packed, largest) : packed;
  if (data === undefined || data.length === 0)
    return { what: `${what}, whose packed data are damaged or too large`, hint: 'Copy it again, whole.' };
  if (hasZImageMagic(data)) return { zImage: data };

  const entry = field(HEADER.ENTRY);
  if (type === TYPE_KERNEL_NOLOAD) {
    const address = GUEST_RAM + HEADER.SIZE;
    return { data, address, entry: address + entry, end: address + data.length };
  }
  const address = field(HEADER.LOAD);
  if (address < GUEST_RAM || address + data.length - GUEST_RAM > largest)
    return {
      what: `${what}, linked for memory at ${hex(address)}, and a guest's begins at ${hex(GUEST_RAM)}`,
      hint: "Use one that was built for QEMU's virt, or for any place (kernel_noload).",
    };
  return { data, address, entry, end: address + data.length };
}
