/** What a file is that cannot start as a guest's kernel, and what to do instead. */
import { ascii, findBytes, readU16LE, readU32LE } from '../base/bytes.js';
import { hex } from '../base/words.js';
import { findNode, isFdt, readFdt } from '../firmware/fdt.js';
import { readKernel, type KernelFile } from '../firmware/kernel.js';
import { gunzipAtOnce } from '../firmware/gzip.js';
import { formatOf } from './formats.js';

/** A file that is no kernel for a guest: ends of `X cannot be a guest's kernel: it is …`, and what to do. */
export interface Foreign {
  readonly what: string;
  readonly hint: string;
}

export const USE_FLAT =
  'Use a 32-bit zImage (Debian’s vmlinuz of linux-image-armmp, for instance) or another flat image.';
const USE_ARMHF = `Take the one of the architecture armhf. ${USE_FLAT}`;

/** e_machine in an ELF file's header (System V ABI; its registry), and Machine in a PE file's. */
const ELF_MACHINES: Readonly<Record<number, string>> = {
  3: 'x86',
  8: 'MIPS',
  20: 'PowerPC',
  21: '64-bit PowerPC',
  40: '32-bit Arm',
  62: '64-bit x86',
  183: '64-bit Arm',
  243: 'RISC-V',
  258: 'LoongArch',
};
const PE_MACHINES: Readonly<Record<number, string>> = {
  0x14c: 'x86',
  0x1c0: '32-bit Arm',
  0x1c2: '32-bit Arm',
  0x5032: 'RISC-V',
  0x5064: 'RISC-V',
  0x8664: '64-bit x86',
  0xaa64: '64-bit Arm',
};
const ELF_ARM = 40;

/** e_type: a program for a fixed address. In the program headers, PT_INTERP is what a program for Linux has (System V ABI). */
const ELF = { TYPE_AT: 0x10, PHOFF: 0x1c, PHENTSIZE: 0x2a, PHNUM: 0x2c, HEADER: 0x34, PT_INTERP: 3 } as const;

function foreignElf(file: Uint8Array, { bits, machine, version }: KernelFile & { kind: 'ELF' }): Foreign {
  const name = ELF_MACHINES[machine] ?? `a machine of the number ${machine}`;
  if (version !== undefined)
    return {
      what: `an ELF file with a Linux kernel for ${name} in it (vmlinux)`,
      hint:
        machine === ELF_ARM
          ? 'Use arch/arm/boot/zImage of the same build.'
          : `It is for another processor. ${USE_ARMHF}`,
    };
  if (machine !== ELF_ARM || bits !== 32)
    return { what: `an ELF file for ${name}`, hint: `It is for another processor. ${USE_ARMHF}` };
  if (hasInterpreter(file))
    return { what: 'a program for Linux, which itself needs a kernel', hint: USE_FLAT };
  return {
    what: 'an ELF file for 32-bit Arm',
    hint: 'Make a flat image of it, linked for 0x40008000: arm-none-eabi-objcopy -O binary FILE IMAGE.',
  };
}

function hasInterpreter(file: Uint8Array): boolean {
  if (file.length < ELF.HEADER) return false;
  const [at, size, count] = [
    readU32LE(file, ELF.PHOFF),
    readU16LE(file, ELF.PHENTSIZE),
    readU16LE(file, ELF.PHNUM),
  ];
  for (let i = 0; i < count && at + i * size + 4 <= file.length; i++)
    if (readU32LE(file, at + i * size) === ELF.PT_INTERP) return true;
  return false;
}

/** Of U-Boot's legacy image: architecture and type, by their numbers (U-Boot, include/image.h). */
const UIMAGE = { ARCHITECTURE_AT: 0x1d, TYPE_AT: 0x1e, PACKING_AT: 0x1f, SIZE: 64, ARM: 2 } as const;
const UIMAGE_ARCHITECTURES: Readonly<Record<number, string>> = {
  2: '32-bit Arm',
  3: 'x86',
  5: 'MIPS',
  6: '64-bit MIPS',
  7: 'PowerPC',
  22: '64-bit Arm',
  24: '64-bit x86',
  26: 'RISC-V',
};
const UIMAGE_TYPES: Readonly<Record<number, string>> = {
  2: 'a kernel',
  3: 'a RAM disk',
  4: 'several files',
  5: 'firmware',
  6: 'a script',
  8: 'a device tree',
  14: 'a kernel',
};

function foreignUImage(file: Uint8Array): Foreign {
  const [architecture, type, packing] = [UIMAGE.ARCHITECTURE_AT, UIMAGE.TYPE_AT, UIMAGE.PACKING_AT].map(
    (at) => file[at] ?? 0,
  );
  const what = `a U-Boot image of ${UIMAGE_TYPES[type!] ?? 'a file'} for ${UIMAGE_ARCHITECTURES[architecture!] ?? 'another processor'}`;
  if (architecture !== UIMAGE.ARM) return { what, hint: `It is for another processor. ${USE_ARMHF}` };
  if (UIMAGE_TYPES[type!] !== 'a kernel') return { what, hint: USE_FLAT };
  return {
    what,
    hint: `Take its header of ${UIMAGE.SIZE} bytes off (tail -c +${UIMAGE.SIZE + 1} FILE > IMAGE)${packing === 0 ? '' : ', unpack what is left'}, and give that.`,
  };
}

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
    what: `${name}, linked to run at ${hex(at)}, and a guest's kernel is entered at ${hex(entry)}`,
    hint: 'Give the kernel itself: U-Boot for QEMU’s virt wants flash at 0, and its tree where memory begins.',
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

/** NetBSD's kernels say so (its sys/conf/newvers.sh). */
const NETBSD = ascii('NetBSD 1');
/** A flat one begins with CPSID if, before it sets its stacks (its sys/arch/arm/arm/armv6_start.S). */
const NETBSD_FIRST = 0xf10c_00c0;

/**
 * What a file is that cannot start as a guest's kernel; undefined where it can, or nothing is known of it.
 * @param kernel what `readKernel` says of it
 * @param entry where a guest's kernel is entered
 * @param largest bytes that are unpacked at the most to say what is in packed data
 */
export function foreignPayload(
  file: Uint8Array,
  kernel: KernelFile,
  entry: number,
  largest: number,
): Foreign | undefined {
  switch (kernel.kind) {
    case 'ELF':
      return foreignElf(file, kernel);
    case 'uImage':
      return foreignUImage(file);
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
      if (file.length >= 4 && readU32LE(file, 0) === NETBSD_FIRST && findBytes(file, NETBSD) >= 0)
        return {
          what: `a kernel of NetBSD, which wants to stand at a boundary of 4 MiB, and a guest's is entered at ${hex(entry)}`,
          hint: 'Its like cannot be a guest yet.',
        };
      return undefined;
    }
  }
}
