/** What a file is that cannot start as a guest's kernel, and what to do instead. */
import { ascii, readU16LE, readU32LE } from '../base/bytes.js';
import { hex } from '../base/words.js';
import { findNode, isFdt, readFdt } from '../firmware/fdt.js';
import { readKernel, type KernelFile } from '../firmware/kernel.js';
import { gunzipAtOnce } from '../firmware/gzip.js';
import { USE_ARMHF, USE_FLAT, type Foreign } from './foreign.js';
import { formatOf } from './formats.js';

/** Machine in a PE file's header (its registry). */
const PE_MACHINES: Readonly<Record<number, string>> = {
  0x14c: 'x86',
  0x1c0: '32-bit Arm',
  0x1c2: '32-bit Arm',
  0x5032: 'RISC-V',
  0x5064: 'RISC-V',
  0x8664: '64-bit x86',
  0xaa64: '64-bit Arm',
};
/** Where U-Boot has its own addresses in 32-bit builds: behind the eight vectors (arch/arm/lib/vectors.S). */
const UBOOT = { VECTOR_AT: 4, VECTOR: 0xe59f_f014, ADDRESS_AT: 0x20, PAGE: 0x1000 } as const;

/** Where a U-Boot is linked to; undefined where its vectors are others. */
function linkedAt(file: Uint8Array): number | undefined {
  if (file.length < UBOOT.ADDRESS_AT + 4 || readU32LE(file, UBOOT.VECTOR_AT) !== UBOOT.VECTOR)
    return undefined;
  const address = readU32LE(file, UBOOT.ADDRESS_AT);
  return address - (address % UBOOT.PAGE);
}

function foreignUBoot(file: Uint8Array, version: string | undefined, entry: number): Foreign | undefined {
  const at = linkedAt(file);
  if (at === undefined || at === entry) return undefined;
  const name = /^U-Boot \S+/.exec(version ?? '')?.[0] ?? 'U-Boot';
  return {
    what: `${name}, linked to run at ${hex(at)}, and ${entry === 0 ? 'firmware' : "a guest's kernel"} is entered at ${hex(entry)}`,
    hint:
      at === 0
        ? "It is firmware, as QEMU's virt has it in flash: give it with --firmware."
        : "Give the kernel itself, or the U-Boot for QEMU's virt (Debian's u-boot-qemu) with --firmware.",
  };
}

/** Linux for x86: the boot sector's end and the setup header's magic (Linux, Documentation/arch/x86/boot.rst). */
const BZIMAGE = { BOOT_FLAG_AT: 0x1fe, BOOT_FLAG: 0xaa55, MAGIC_AT: 0x202, MAGIC: 'HdrS' } as const;
/** PE: the header's offset, its signature, and the machine behind it; EFI zboot images say so at 4 (Linux, drivers/firmware/efi/libstub/zboot-header.S). */
const PE = { OFFSET_AT: 0x3c, SIGNATURE: 0x0000_4550, MACHINE_AT: 4, ZBOOT_AT: 4, ZBOOT: 'zimg' } as const;
/** Linux for RISC-V (Documentation/arch/riscv/boot-image-header.rst). */
const RISCV = { MAGIC_AT: 0x38, MAGIC: 'RSC\x05' } as const;
/** The end of a boot sector, of a partition table too. */
const SECTOR_SIGNATURE = { AT: 0x1fe, VALUE: 0xaa55 } as const;

const hasText = (file: Uint8Array, text: string, at = 0): boolean =>
  ascii(text).every((byte, i) => file[at + i] === byte);

/** Whether the first word would be an A32 instruction without a condition. */
const beginsAlways = (file: Uint8Array): boolean => (file[3] ?? 0) >>> 4 === 0xe;

/** Programs of other machines and disks, by their first bytes. */
function foreignFile(file: Uint8Array): Foreign | undefined {
  // A program may have any bytes there; it begins with an instruction, which a boot sector for x86 does not.
  const isBootSector =
    !beginsAlways(file) &&
    file.length > SECTOR_SIGNATURE.AT + 1 &&
    readU16LE(file, SECTOR_SIGNATURE.AT) === SECTOR_SIGNATURE.VALUE;
  if (isBootSector && hasText(file, BZIMAGE.MAGIC, BZIMAGE.MAGIC_AT))
    return { what: 'a Linux kernel for x86 (bzImage)', hint: `It is for another processor. ${USE_ARMHF}` };
  if (hasText(file, RISCV.MAGIC, RISCV.MAGIC_AT))
    return { what: 'a Linux kernel for RISC-V', hint: `It is for another processor. ${USE_ARMHF}` };
  const pe = hasText(file, 'MZ') && file.length >= PE.OFFSET_AT + 4 ? readU32LE(file, PE.OFFSET_AT) : -1;
  if (pe >= 0 && pe + PE.MACHINE_AT + 2 <= file.length && readU32LE(file, pe) === PE.SIGNATURE) {
    const machine = PE_MACHINES[readU16LE(file, pe + PE.MACHINE_AT)] ?? 'another processor';
    const kind = hasText(file, PE.ZBOOT, PE.ZBOOT_AT)
      ? 'a packed Linux kernel as an EFI program'
      : 'an EFI program';
    return { what: `${kind} for ${machine}`, hint: `Nothing in a guest starts EFI programs. ${USE_ARMHF}` };
  }
  if (hasText(file, 'ANDROID!'))
    return {
      what: 'a boot image of Android',
      hint: 'Take the kernel out of it (unpack_bootimg), and give that.',
    };
  if (isFdt(file) && isFit(file))
    return {
      what: 'a FIT image of U-Boot',
      hint: 'Take the kernel out of it (dumpimage -T flat_dt -p 0 -o IMAGE FILE), and give that.',
    };
  const disk = { hint: 'A disk goes to the host, and to the guest by --disk; this is for its kernel.' };
  if (hasText(file, 'QFI\xfb')) return { what: 'a disk image (qcow2)', ...disk };
  if (hasText(file, 'CD001', 0x8001)) return { what: 'an image of a CD', ...disk };
  if (isBootSector) return { what: 'a disk image, by its first sector', ...disk };
  return undefined;
}

function isFit(file: Uint8Array): boolean {
  try {
    return findNode(readFdt(file), '/images') !== undefined;
  } catch {
    // Damaged: it is named as a device tree.
    return false;
  }
}

/** What packers call it, to get it back. */
const UNPACKERS: readonly (readonly [format: RegExp, command: string])[] = [
  [/^gzip/, 'gunzip < FILE > IMAGE'],
  [/^bzip2/, 'bunzip2 < FILE > IMAGE'],
  [/^xz/, 'unxz < FILE > IMAGE'],
  [/^lzma/, 'unlzma < FILE > IMAGE'],
  [/^lzo/, 'lzop -d < FILE > IMAGE'],
  [/^lz4/, 'lz4 -d FILE IMAGE'],
  [/^zstd/, 'unzstd < FILE > IMAGE'],
];

/** Packed data; of gzip's, which can be unpacked, with what is in it. */
function packed(file: Uint8Array, format: string, largest: number): Foreign | undefined {
  const command = UNPACKERS.find(([it]) => it.test(format))?.[1];
  if (command === undefined) return undefined;
  const inner = format === 'gzip data' ? gunzipAtOnce(file, largest) : undefined;
  if (inner?.length === 0) return { what: 'gzip data with nothing in it', hint: USE_FLAT };
  const kind = inner && readKernel(inner).kind;
  const holds = kind === 'zImage' || kind === 'Image' ? ', with a 32-bit kernel in it' : '';
  return { what: `${format}${holds}`, hint: `Unpack it (${command}), and give what is in it. ${USE_FLAT}` };
}

/**
 * What a file is that cannot start as a guest's kernel; undefined where it can, or nothing is known of it.
 * @param kernel what `readKernel` says of it
 * @param entry where it would be entered; 0 for firmware
 * @param largest bytes that are unpacked at the most to say what is in packed data
 */
export function foreignPayload(
  file: Uint8Array,
  kernel: KernelFile,
  entry: number,
  largest: number,
): Foreign | undefined {
  switch (kernel.kind) {
    case 'arm64':
      return {
        what: `a Linux kernel for 64-bit Arm${kernel.packing === 'gzip' ? ', packed with gzip' : ''}, and the Cortex-A7 has no 64-bit state`,
        hint: USE_ARMHF,
      };
    case 'zImage':
    case 'empty':
      return undefined;
    default: {
      const format = formatOf(file);
      const told = foreignFile(file) ?? (format === undefined ? undefined : packed(file, format, largest));
      if (told) return told;
      if (format !== undefined) return { what: format, hint: USE_FLAT };
      if (kernel.kind === 'u-boot') return foreignUBoot(file, kernel.version, entry);
      return undefined;
    }
  }
}
