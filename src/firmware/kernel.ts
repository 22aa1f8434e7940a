import { ascii, findBytes, readText, readU16LE, readU32BE, readU32LE } from '../base/bytes.js';
import { onceForBytes } from '../base/memo.js';
import { decodeA32, decodeT32, isWideT32 } from '../isa/decoder.js';
import { isBootBlock, KERNEL_OFFSET } from '../boot/block.js';

import {
  isLinuxFrom,
  kernelTextReader,
  readKernelText,
  UNPACKED_LIMIT,
  type Hypervisor,
  type KernelText,
} from './kernel-text.js';
import { isFdt } from './fdt.js';
import { gunzip, gunzipAtOnce, gunzipHead } from './gzip.js';
import { looksLike } from './looks-like.js';
import { findXz, unpackXzText } from './xz.js';

/** Where Linux runs, from the start of RAM, unless its file says otherwise (Linux, arch/arm/Makefile, TEXT_OFFSET). */
export const TEXT_OFFSET = 0x8000;

/** Bytes below itself that a kernel clears for its first page tables, before it reads its tree (Linux, arch/arm/kernel/head.S). */
export const FIRST_PAGE_TABLES = { lpae: 0x5000, short: 0x4000 } as const;

/**
 * How many bytes of {@link FIRST_PAGE_TABLES} a kernel clears. One that does not say has the short ones.
 * @param kernel what `unpackVersion` said of it
 */
export function firstPageTables(kernel: KernelFile): number {
  const inner = bareKernel(kernel);
  return 'lpae' in inner && inner.lpae === true ? FIRST_PAGE_TABLES.lpae : FIRST_PAGE_TABLES.short;
}

/** The first Raspberry Pi's Linux that starts by a device tree alone (raspberrypi/linux, pull 1178); mainline's always did. */
const BY_TREE_ALONE = [4, 4] as const;

/** A kernel's file, whole, and what was said of it. */
export interface ReadKernel {
  readonly data: Uint8Array;
  readonly facts: KernelFile;
}

/**
 * Whether a kernel is Linux that cannot do without a device tree from the firmware: it knows this board by that alone, and
 * has none of its own behind it.
 * @param kernel with what `unpackVersion` said of it
 */
export function needsTree(kernel: ReadKernel): boolean {
  const inner = bareKernel(kernel.facts);
  if (inner.kind !== 'zImage' && inner.kind !== 'Image') return false;
  if (!isLinuxFrom(inner.version, BY_TREE_ALONE)) return false;
  return inner.kind !== 'zImage' || !isFdt(bareKernelData(kernel).subarray(inner.imageSize));
}

/** A kernel's bytes, without a block in front. */
export function bareKernelData({ data, facts }: ReadKernel): Uint8Array {
  return facts === bareKernel(facts) ? data : data.subarray(KERNEL_OFFSET);
}

/** The kernel itself, without a boot block that somebody put in front of it. */
export function bareKernel(kernel: KernelFile): KernelFile {
  return kernel.kind === 'boot-block' || kernel.kind === 'foreign-block' ? kernel.kernel : kernel;
}

/** How the data inside a zImage is packed; `none` where no packed data was found. */
export type Packing = 'gzip' | 'xz' | 'lzma' | 'lzo' | 'lz4' | 'none';

/**
 * What the kernel is built for: `ARMv6` does not start on the Pi 2's Cortex-A7; one that is built for both starts on
 * it, and counts as `ARMv7`.
 */
export type Architecture = 'ARMv6' | 'ARMv7' | 'unknown';

/** What the architecture was told by: the processors that the unpacked kernel names, its version, or its code. */
export type ArchitectureFrom = 'processors' | 'version' | 'instructions' | 'nothing';

/**
 * What Raspberry Pi's `mkknlimg` put behind kernels in 2015 and 2016, for the firmware of that time.
 * Undefined where the trailer does not hold the entry.
 */
export interface Trailer {
  /** DTOK: the kernel takes a device tree. Without it that firmware passes ATAGS. */
  readonly deviceTreeOk: boolean | undefined;
  /** DDTK: the kernel's tree supports overlays at run time. */
  readonly dynamicDeviceTree: boolean | undefined;
  /** 283x: built for the upstream BCM2835 support, whose trees have other names. */
  readonly upstream: boolean | undefined;
  /** KVer: the kernel's own version line. */
  readonly version: string | undefined;
  /** Every tag found, in the order of the file. */
  readonly tags: readonly string[];
}

/** What every kernel file has. */
export interface KernelFacts {
  /** Bytes of the file. */
  readonly size: number;
  readonly trailer: Trailer | undefined;
  /** `Linux version …` as the kernel prints it, from the trailer or out of the (packed) data; undefined if not seen. */
  readonly version: string | undefined;
  /** The hypervisor that it is or has, as far as its text was seen. */
  readonly hypervisor: Hypervisor | undefined;
}

/** What a Linux kernel for 32-bit Arm has. */
export interface LinuxFacts extends KernelFacts {
  readonly architecture: Architecture;
  readonly architectureFrom: ArchitectureFrom;
  /** It is built with LPAE; undefined where its text was not seen and its version does not say. */
  readonly lpae: boolean | undefined;
}

export interface ZImage extends LinuxFacts {
  readonly kind: 'zImage';
  /** Address at which the image wants to be linked; 0 means that it runs anywhere. */
  readonly start: number;
  /** Bytes of the image by its own account. */
  readonly imageSize: number;
  /** The file ends before the image does. */
  readonly truncated: boolean;
  readonly bigEndian: boolean;
  readonly packing: Packing;
  /** Its header points at a table, as that of every Linux since 4.15 does. */
  readonly hasTable: boolean;
}

/** An uncompressed 32-bit Linux kernel. */
export interface RawImage extends LinuxFacts {
  readonly kind: 'Image';
}

/** A 64-bit Linux kernel, plain or packed. */
export interface Arm64Image extends KernelFacts {
  readonly kind: 'arm64';
  readonly packing: 'gzip' | 'none';
}

export interface ElfKernel extends KernelFacts {
  readonly kind: 'ELF';
  readonly bits: 32 | 64;
  /** e_machine: 40 is Arm, 183 AArch64. */
  readonly machine: number;
}

/** U-Boot's legacy image (`mkimage`), which this firmware cannot start. */
export interface UImage extends KernelFacts {
  readonly kind: 'uImage';
  /** The name in its header. */
  readonly name: string;
  readonly loadAddress: number;
  readonly entry: number;
}

/** A file with a boot block in its first 32 KiB and a kernel behind. */
export interface BlockedKernel extends KernelFacts {
  /** `boot-block` is hypberry's own, `foreign-block` another one (rpi2-hyp-boot of 2015). */
  readonly kind: 'boot-block' | 'foreign-block';
  /** What starts at 32 KiB. */
  readonly kernel: KernelFile;
}

/** Files with no more to tell: `gzip` is packed data other than an arm64 kernel. */
export interface OtherFile extends KernelFacts {
  readonly kind: 'u-boot' | 'gzip' | 'empty' | 'unknown';
  /** Of an unknown one: what it looks like that is no program. */
  readonly looksLike?: string | undefined;
}

export type KernelFile = ZImage | RawImage | Arm64Image | ElfKernel | UImage | BlockedKernel | OtherFile;

/** Offsets in a zImage (Linux, arch/arm/boot/compressed/head.S, and Documentation/arch/arm/booting.rst). */
const ZIMAGE = {
  MAGIC_AT: 0x24,
  START_AT: 0x28,
  END_AT: 0x2c,
  HEADER_SIZE: 0x30,
  MAGIC: 0x016f_2818,
  TABLE_MAGIC_AT: 0x34,
  /** The same in either byte order. */
  TABLE_MAGIC: 0x4545_4545,
} as const;
/** `ARM\x64` at 0x38 (Linux, Documentation/arch/arm64/booting.rst). */
const ARM64_MAGIC = { AT: 0x38, VALUE: 0x644d_5241 } as const;
const ELF_MAGIC = 0x464c_457f;
/** Header of U-Boot's legacy image, big-endian (U-Boot, include/image.h). */
const UIMAGE = {
  MAGIC: 0x2705_1956,
  LOAD_AT: 0x10,
  ENTRY_AT: 0x14,
  NAME_AT: 0x20,
  NAME_SIZE: 32,
  SIZE: 64,
} as const;

const MAGICS: readonly (readonly [Exclude<Packing, 'none'>, Uint8Array])[] = [
  ['gzip', Uint8Array.of(0x1f, 0x8b, 0x08)],
  ['xz', Uint8Array.of(0xfd, 0x37, 0x7a, 0x58, 0x5a, 0x00)],
  ['lzma', Uint8Array.of(0x5d, 0x00, 0x00)],
  ['lzo', Uint8Array.of(0x89, 0x4c, 0x5a, 0x4f, 0x00, 0x0d, 0x0a, 0x1a, 0x0a)],
  ['lz4', Uint8Array.of(0x02, 0x21, 0x4c, 0x18)],
];

/**
 * Says what a kernel file is. Takes any bytes, throws nothing.
 * @param file the whole file
 */
export const readKernel = onceForBytes((file) => tellKernel(file, 0));

/** Blocks one in front of the other that are looked behind: the second one starts nothing any more. */
const MOST_BLOCKS = 8;

function tellKernel(file: Uint8Array, blocks: number): KernelFile {
  const trailer = readTrailer(file);
  const facts: KernelFacts = { size: file.length, trailer, version: trailer?.version, hypervisor: undefined };
  if (!file.some((byte) => byte !== 0)) return { kind: 'empty', ...facts };

  const behind = file.subarray(KERNEL_OFFSET);
  if (isBootBlock(file) && blocks < MOST_BLOCKS) {
    const kernel = tellKernel(behind, blocks + 1);
    return { kind: 'boot-block', ...facts, version: kernel.version, hypervisor: kernel.hypervisor, kernel };
  }
  if (hasZImageMagic(file)) return readZImage(file, facts);
  if (hasArm64Magic(file))
    return { kind: 'arm64', ...facts, version: readKernelText(file).version, packing: 'none' };
  if (file.length >= 0x14 && readU32LE(file, 0) === ELF_MAGIC) {
    const bits = file[4] === 2 ? 64 : 32;
    return {
      kind: 'ELF',
      ...facts,
      version: readKernelText(file).version ?? facts.version,
      bits,
      machine: readU16LE(file, 0x12),
    };
  }
  if (file.length >= UIMAGE.SIZE && readU32BE(file, 0) === UIMAGE.MAGIC) {
    return {
      kind: 'uImage',
      ...facts,
      name: readText(file, UIMAGE.NAME_AT, UIMAGE.NAME_SIZE),
      loadAddress: readU32BE(file, UIMAGE.LOAD_AT),
      entry: readU32BE(file, UIMAGE.ENTRY_AT),
    };
  }
  if (startsWith(file, MAGICS[0]![1])) {
    const head = gunzipHead(file, ARM64_MAGIC.AT + 4);
    if (hasArm64Magic(head))
      return { kind: 'arm64', ...facts, version: gzipText(file).version, packing: 'gzip' };
    return { kind: 'gzip', ...facts, version: gzipText(file).version };
  }
  if (hasZImageMagic(behind)) {
    const kernel = tellKernel(behind, blocks + 1);
    return {
      kind: 'foreign-block',
      ...facts,
      version: kernel.version,
      hypervisor: kernel.hypervisor,
      kernel,
    };
  }
  // A text may speak of it.
  const uBoot = startsInA32(file) ? findUBoot(file) : undefined;
  if (uBoot !== undefined) return { kind: 'u-boot', ...facts, version: uBoot };
  const text = readKernelText(file);
  const version = text.version ?? facts.version;
  if (version !== undefined && startsInA32(file))
    return { kind: 'Image', ...facts, ...linuxFacts({ ...facts, version }, text, file) };
  return { kind: 'unknown', ...facts, hypervisor: text.hypervisor, looksLike: looksLike(file) };
}

/**
 * Reads the trailer that stands at the very end of the file, so also where something was put in front.
 * An entry is its data, padded to 4 bytes, the data's size (u32, little-endian) and a tag of four characters; the
 * last entry is `RPTL` (raspberrypi/linux, scripts/mkknlimg). Undefined where there is none.
 */
export function readTrailer(file: Uint8Array): Trailer | undefined {
  const end = file.length;
  if (end < 12 || readText(file, end - 4) !== 'RPTL' || readU32LE(file, end - 8) !== 4) return undefined;
  const first = Math.max(0, end - readU32LE(file, end - 12));
  const entries = new Map<string, Uint8Array>();
  let at = end;
  // Garbage ends the walk; what was read until then stands.
  while (at - 8 >= first) {
    const tag = file.subarray(at - 4, at);
    const size = readU32LE(file, at - 8);
    const start = at - 8 - Math.ceil(size / 4) * 4;
    if (start < first || !tag.every((byte) => byte > 0x20 && byte < 0x7f)) break;
    entries.set(String.fromCharCode(...tag), file.subarray(start, start + size));
    at = start;
  }
  const flag = (tag: string): boolean | undefined => {
    const data = entries.get(tag);
    return data?.length === 4 ? readU32LE(data, 0) !== 0 : undefined;
  };
  const version = entries.get('KVer');
  return {
    deviceTreeOk: flag('DTOK'),
    dynamicDeviceTree: flag('DDTK'),
    upstream: flag('283x'),
    version: version && readText(version, 0),
    tags: [...entries.keys()].reverse(),
  };
}

/** Linux and its release, of its version line; another line as it is. */
export const linuxRelease = (version: string): string =>
  version.replace(/^Linux version (\S+).*$/s, 'Linux $1');

/** One line for people: what the file is and what matters about it. */
export function describeKernel(kernel: KernelFile): string {
  const size = `${(kernel.size / 1e6).toFixed(1)} MB`;
  const release = kernel.version && linuxRelease(kernel.version);
  const list = (...parts: (string | false | undefined)[]): string =>
    parts.filter((part) => part !== false && part !== undefined).join(', ');
  switch (kernel.kind) {
    case 'zImage':
      return list(
        `${kernel.bigEndian ? 'big-endian ' : ''}zImage for ${nameOf(kernel.architecture)}`,
        release,
        size,
        kernel.packing !== 'none' && `packed with ${kernel.packing}`,
        kernel.truncated && `cut short: its header says ${kernel.imageSize} bytes`,
        kernel.trailer && describeTrailer(kernel.trailer),
      );
    case 'Image':
      return list(`unpacked 32-bit kernel for ${nameOf(kernel.architecture)}`, release, size);
    case 'arm64':
      return list(
        `64-bit kernel (arm64)${kernel.packing === 'gzip' ? ', packed with gzip' : ''}`,
        release,
        size,
      );
    case 'ELF':
      return list(`${kernel.bits}-bit ELF file, not a kernel image`, release, size);
    case 'uImage':
      return list(`U-Boot image "${kernel.name}", not a kernel image`, size);
    case 'boot-block':
      return `hypberry's boot block in front of: ${describeKernel(kernel.kernel)}`;
    case 'foreign-block':
      return `another boot block in front of: ${describeKernel(kernel.kernel)}`;
    case 'u-boot':
      return list(kernel.version, size);
    case 'gzip':
      return list('gzip data, not a kernel that a Pi 2 can start', release, size);
    case 'empty':
      return kernel.size === 0 ? 'an empty file' : list('nothing but zeros', size);
    case 'unknown':
      if (kernel.hypervisor === 'Xvisor') return list('Xvisor, a hypervisor of its own', size);
      return list(kernel.looksLike ?? 'not a known kernel format (perhaps a bare-metal program)', size);
  }
}

function describeTrailer(trailer: Trailer): string {
  return trailer.deviceTreeOk === true
    ? 'its trailer says it takes a device tree'
    : 'its trailer says no device tree';
}

function nameOf(architecture: Architecture): string {
  return architecture === 'unknown' ? '32-bit Arm' : architecture;
}

function readZImage(file: Uint8Array, facts: KernelFacts): ZImage {
  const bigEndian = readU32LE(file, ZIMAGE.MAGIC_AT) !== ZIMAGE.MAGIC;
  const read = bigEndian ? readU32BE : readU32LE;
  const start = read(file, ZIMAGE.START_AT);
  const imageSize = (read(file, ZIMAGE.END_AT) - start) >>> 0;
  const packed = findPacked(file);
  const text = packed?.packing === 'gzip' ? gzipText(file.subarray(packed.offset)) : undefined;
  return {
    kind: 'zImage',
    ...facts,
    start,
    imageSize,
    truncated: imageSize > file.length,
    bigEndian,
    packing: packed?.packing ?? 'none',
    hasTable:
      file.length >= ZIMAGE.TABLE_MAGIC_AT + 4 &&
      readU32LE(file, ZIMAGE.TABLE_MAGIC_AT) === ZIMAGE.TABLE_MAGIC,
    // Before the packed data stands the code that unpacks it, built by the same compiler for the same processor.
    ...linuxFacts(
      { ...facts, version: facts.version ?? text?.version },
      text,
      file.subarray(0, packed?.offset),
    ),
  };
}

/** Whether a file begins like a zImage. Takes any bytes. */
export function hasZImageMagic(file: Uint8Array): boolean {
  if (file.length < ZIMAGE.HEADER_SIZE) return false;
  return [readU32LE, readU32BE].some((read) => read(file, ZIMAGE.MAGIC_AT) === ZIMAGE.MAGIC);
}

function hasArm64Magic(file: Uint8Array): boolean {
  return file.length >= ARM64_MAGIC.AT + 4 && readU32LE(file, ARM64_MAGIC.AT) === ARM64_MAGIC.VALUE;
}

function startsWith(file: Uint8Array, start: Uint8Array): boolean {
  return start.every((byte, i) => file[i] === byte);
}

/** The packed kernel inside a zImage: the first place that begins like packed data and goes on like it. */
function findPacked(file: Uint8Array): { packing: Exclude<Packing, 'none'>; offset: number } | undefined {
  let found: { packing: Exclude<Packing, 'none'>; offset: number } | undefined;
  for (const [packing, magic] of MAGICS) {
    // Behind one that was found, no other is of interest.
    const part = found ? file.subarray(0, found.offset + magic.length - 1) : file;
    const offset = findBytes(part, magic, ZIMAGE.HEADER_SIZE, (at) => isPacked(packing, file, at));
    if (offset >= 0) found = { packing, offset };
  }
  return found;
}

/** The checks of a header beyond its magic, for the magics too short to be sure. */
function isPacked(packing: Packing, file: Uint8Array, at: number): boolean {
  // gzip (RFC 1952, section 2.3.1): the three highest flags are reserved.
  if (packing === 'gzip') return at + 18 <= file.length && (file[at + 3]! & 0xe0) === 0;
  // LZMA: `5d`, the dictionary's size, and eight bytes of ff where the unpacked size is not stated.
  if (packing === 'lzma') {
    if (file.length < at + 13) return false;
    for (let i = at + 5; i < at + 13; i++) if (file[i] !== 0xff) return false;
  }
  return true;
}

/** What gzip data, which may be followed by anything, says in plain text, as far as it is not damaged. */
function gzipText(data: Uint8Array): KernelText {
  const whole = gunzipAtOnce(data, UNPACKED_LIMIT);
  if (whole) return readKernelText(whole);
  const reader = kernelTextReader();
  gunzip(data, reader.take);
  return reader.found();
}

/**
 * Reads the text of a kernel that {@link readKernel} did not unpack (XZ, a second or so).
 * @param file the whole file
 * @param kernel what `readKernel` said of it
 * @returns the same with its version and what else follows from its text, or as it was
 */
export async function unpackVersion(file: Uint8Array, kernel: KernelFile): Promise<KernelFile> {
  if (kernel.kind === 'boot-block' || kernel.kind === 'foreign-block') {
    const inner = await unpackVersion(file.subarray(KERNEL_OFFSET), kernel.kernel);
    return { ...kernel, version: inner.version, hypervisor: inner.hypervisor, kernel: inner };
  }
  if (kernel.kind !== 'zImage' || kernel.packing !== 'xz') return kernel;
  const text = await xzText(file);
  if (text === undefined) return kernel;
  const told = linuxFacts({ ...kernel, version: kernel.version ?? text.version }, text, new Uint8Array(0));
  const { architecture, architectureFrom } = told.architecture === 'unknown' ? kernel : told;
  return { ...kernel, ...told, architecture, architectureFrom };
}

/** What the XZ data in a file says in plain text. */
const xzText = onceForBytes(async (file: Uint8Array): Promise<KernelText | undefined> => {
  const xz = findXz(file);
  if (xz < 0) return undefined;
  const reader = kernelTextReader();
  for await (const piece of unpackXzText(file.subarray(xz))) if (!reader.take(piece)) break;
  return reader.found();
});

/** Longer than U-Boot's version line. */
const UBOOT_VERSION_LIMIT = 512;
const UBOOT_VERSION = /^U-Boot 20\d\d\.\d\d/;
const UBOOT_VERSION_SIZE = 'U-Boot 2025.01'.length;

/** U-Boot's version line, if the file is U-Boot. */
function findUBoot(file: Uint8Array): string | undefined {
  const at = findBytes(file, ascii('U-Boot 2'), 0, (it) =>
    UBOOT_VERSION.test(readText(file, it, UBOOT_VERSION_SIZE)),
  );
  return at < 0 ? undefined : readText(file, at, UBOOT_VERSION_LIMIT);
}

/** The first word is an A32 instruction without a condition, as every raw kernel's is. */
function startsInA32(file: Uint8Array): boolean {
  return file.length >= 4 && readU32LE(file, 0) >>> 28 === 0xe;
}

/** MOVW and MOVT came with ARMv6T2 and ARMv7, and compilers use them for nearly every constant (ARM ARM, A8.8.102 and .106). */
const MOVES = new Set(['MOV_imm_A2', 'MOVT_A1', 'MOV_imm_T3', 'MOVT_T1']);
/** So many of them are no chance. */
const ENOUGH = 8;

const isMove = (name: string | undefined): boolean => name !== undefined && MOVES.has(name);

/** Whether code was built for ARMv7. Code without a sign of it may be of a kernel for ARMv6 and ARMv7. */
function isForArmv7(code: Uint8Array): boolean {
  let a32 = 0;
  for (let at = 0; at + 4 <= code.length && a32 < ENOUGH; at += 4) {
    if (isMove(decodeA32(readU32LE(code, at))?.name)) a32++;
  }
  let t32 = 0;
  for (let at = 0; at + 4 <= code.length && a32 < ENOUGH && t32 < ENOUGH; at += 2) {
    const first = readU16LE(code, at);
    if (isWideT32(first) && isMove(decodeT32(first * 0x1_0000 + readU16LE(code, at + 2))?.name)) t32++;
  }
  return a32 >= ENOUGH || t32 >= ENOUGH;
}

/** Raspberry Pi's names: 4.2.5-2709+, 4.1.13-v7+, 6.6.20+rpt-rpi-v7; Debian's: 6.1.0-50-armmp. */
const ARMV7_NAME = /-v7l?\b|-2709\b|-armmp\b/;
/** Theirs for the first Raspberry Pi: 4.2.5-2708+, 6.6.20+rpt-rpi-v6; 6.1.0-50-rpi. */
const ARMV6_NAME = /-2708\b|-v6\b|-rpi\b/;
/**
 * Raspberry Pi's kernel.img is `4.0.7+` beside kernel7.img's `4.0.7-v7+`. So is many a kernel that somebody built, but
 * not with the trailer that Raspberry Pi's has.
 */
const PLAIN_NAME = /^\d+\.\d+\.\d+\+$/;
/** Those with LPAE. */
const LPAE_NAME = /-lpae\b|-v7l\b/;

/**
 * What follows from a Linux kernel's text and code. What the unpacked kernel says goes first: there a kernel for ARMv6
 * and ARMv7 names both.
 * @param text undefined where it could not be unpacked
 * @param code what is not packed
 */
function linuxFacts(
  { version, trailer }: Pick<KernelFacts, 'version' | 'trailer'>,
  text: KernelText | undefined,
  code: Uint8Array,
): Pick<LinuxFacts, 'version' | 'hypervisor' | 'architecture' | 'architectureFrom' | 'lpae'> {
  const release = /^Linux version (\S+)/.exec(version ?? '')?.[1] ?? '';
  const facts = {
    version,
    hypervisor: text?.hypervisor,
    lpae: text?.lpae ?? (LPAE_NAME.test(release) || undefined),
  };
  const is = (
    architecture: Architecture,
    architectureFrom: ArchitectureFrom,
  ): ReturnType<typeof linuxFacts> => ({ ...facts, architecture, architectureFrom });
  const processors = text?.processors ?? [];
  if (processors.includes('ARMv7')) return is('ARMv7', 'processors');
  if (processors.includes('ARMv6')) return is('ARMv6', 'processors');
  if (ARMV7_NAME.test(release)) return is('ARMv7', 'version');
  if (ARMV6_NAME.test(release)) return is('ARMv6', 'version');
  if (isForArmv7(code)) return is('ARMv7', 'instructions');
  return trailer && PLAIN_NAME.test(release) ? is('ARMv6', 'version') : is('unknown', 'nothing');
}
