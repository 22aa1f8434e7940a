/** A guest's kernel, from its file to what stands where in the guest's memory. */
import { ascii, findBytes, readU32LE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { hex } from '../base/words.js';
import { unpackedExtent } from '../firmware/extents.js';
import { describeKernel, readKernel, type KernelFile } from '../firmware/kernel.js';
import { COPY_STEP, GUEST_RAM } from '../hypervisor/shared/layout.js';
import { decodeA32 } from '../isa/decoder.js';
import { placeElf } from './elf.js';
import { isForeign, USE_FLAT, type Foreign, type Placed } from './foreign.js';
import { MOST_MEMORY } from './guests.js';
import { foreignPayload } from './payload.js';
import { placeUBootImage } from './u-boot-image.js';

/** Where a flat image is put that does not say another place: where every 32-bit Linux wants to be unpacked to. */
const KERNEL_ADDRESS = GUEST_RAM + 0x8000;
const MIB = 1 << 20;
/** Bytes that a kernel may have and reach over: no guest has more memory. */
const LARGEST = MOST_MEMORY * MIB;
/** Bytes that are unpacked, or looked at, to say what they are. */
const LARGEST_SHOWN = 64 * MIB;

/** A guest's kernel. */
export interface KernelImage extends Placed {
  readonly isLinux: boolean;
  /** What the user should know of it, one sentence. */
  readonly note?: string;
}

/** Condition "always", and the space of instructions without a condition, as a word's highest four bits. */
const [ALWAYS, UNCONDITIONAL] = [0xe, 0xf];

/** Whether a file's first word is an instruction that a core would go on from. */
function beginsInA32(file: Uint8Array): boolean {
  if (file.length < 4) return false;
  const word = readU32LE(file, 0);
  const condition = word >>> 28;
  return (condition === ALWAYS || condition === UNCONDITIONAL) && decodeA32(word) !== undefined;
}

/** Whether what is entered stands in a file's own bytes: an instruction, or by an odd address anything for T32. */
function beginsAtEntry({ data, address, entry }: Placed): boolean {
  const isT32 = (entry & 1) !== 0;
  const at = entry - address - (isT32 ? 1 : 0);
  if (at < 0) return false;
  return isT32 ? at + 2 <= data.length : entry % 4 === 0 && beginsInA32(data.subarray(at));
}

/** Releases of Raspberry Pi's own kernels for the Pi 2: 4.2.5-2709+, 4.1.13-v7+, 5.10.17-v7l+, 6.6.20+rpt-rpi-v7. */
const RASPBERRY_PI_RELEASE = /(?:-v7l?|-2709|-rpi-v7l?)\+?$/;

/**
 * What to say of a kernel that Raspberry Pi built for its boards, one sentence; undefined of others. Its configuration
 * has no ARCH_VIRT (bcm2709_defconfig; LibreELEC's for the Pi 2 likewise), and no GIC is on the Pi 2 that it would
 * bring a driver for.
 */
function noteForeignBoard(file: string, { version, trailer }: KernelFile): string | undefined {
  const release = /^Linux version (\S+)/.exec(version ?? '')?.[1];
  if (!trailer && !RASPBERRY_PI_RELEASE.test(release ?? '')) return undefined;
  return (
    `${file} looks like a kernel that Raspberry Pi built for its own boards${release === undefined ? '' : ` (${release})`}: ` +
    'those know neither the machine "virt", which a guest is, nor its interrupt controller, and stay silent in it. ' +
    "Debian's vmlinuz of linux-image-armmp knows it."
  );
}

/** NetBSD's kernels say so (its sys/conf/newvers.sh). */
const NETBSD = ascii('NetBSD 1');
/** A flat one begins with CPSID if, before it sets its stacks (its sys/arch/arm/arm/armv6_start.S). */
const NETBSD_FIRST = 0xf10c_00c0;
/**
 * Where it wants to be, behind a boundary of 4 MiB, as memory's beginning is one: room for a U-Boot image's header (its
 * sys/arch/evbarm/conf/mk.generic).
 */
const NETBSD_ADDRESS = GUEST_RAM + 0x40;

const isNetBsd = (file: Uint8Array): boolean =>
  file.length >= 4 && readU32LE(file, 0) === NETBSD_FIRST && findBytes(file, NETBSD) >= 0;

/**
 * What of a guest's kernel stands where, and where it is entered: a 32-bit zImage, another flat image, a U-Boot image or an
 * ELF file.
 * @param name of the file, for the refusal
 * @param loadAddress where a flat image is to stand, guest-physical, a multiple of 4; it is entered there
 * @throws HypberryError `guest.kernel`, `guest.load-address`
 */
export function kernelImage(name: string, file: Uint8Array, loadAddress?: number): KernelImage {
  const facts = readKernel(file);
  const saysItself = (it: Foreign | Placed): KernelImage => {
    if (isForeign(it)) return refuseForeign(name, it);
    if (loadAddress !== undefined)
      throw new HypberryError(
        'guest.load-address',
        `${name} says itself where it stands in memory: at ${hex(it.address)}.`,
        'Give it without a load address ("guest set" takes one away with --load-address none), or a flat image.',
      );
    if (!beginsAtEntry(it))
      return refuseForeign(name, {
        what: `entered at ${hex(it.entry)}, where it has no instruction`,
        hint: `Build it again, with an entry in its code. ${USE_FLAT}`,
      });
    const isLinux = readKernel(it.data.subarray(0, LARGEST_SHOWN)).kind === 'Image';
    return { ...withAlignedAddress(it), isLinux };
  };
  if (facts.kind === 'ELF') return saysItself(placeElf(file, facts, LARGEST));
  if (facts.kind === 'uImage') {
    const it = placeUBootImage(file, LARGEST);
    return 'zImage' in it ? kernelImage(name, it.zImage, loadAddress) : saysItself(it);
  }
  const address =
    loadAddress ?? (facts.kind === 'unknown' && isNetBsd(file) ? NETBSD_ADDRESS : KERNEL_ADDRESS);
  const offset = address - GUEST_RAM;
  const unpacked = Math.max(offset + file.length, unpackedExtent(file)?.end ?? 0);
  const placed = withAlignedAddress({ data: file, address, entry: address, end: GUEST_RAM + unpacked });
  return { ...placed, ...checkFlat(name, file, facts, address) };
}

function refuseForeign(name: string, { what, hint }: Foreign): never {
  throw new HypberryError('guest.kernel', `${name} cannot be a guest's kernel: it is ${what}.`, hint);
}

/** Files are copied in steps: with zeros before it, it begins with one. */
function withAlignedAddress(placed: Placed): Placed {
  const before = placed.address % COPY_STEP;
  if (before === 0) return placed;
  const data = new Uint8Array(before + placed.data.length);
  data.set(placed.data, before);
  return { ...placed, data, address: placed.address - before };
}

function checkFlat(
  file: string,
  data: Uint8Array,
  facts: KernelFile,
  entry: number,
): Pick<KernelImage, 'isLinux' | 'note'> {
  const refuse = (why: string, hint: string): never => {
    throw new HypberryError(
      'guest.kernel',
      `${file} cannot be a guest's kernel: ${why} (${describeKernel(facts)}).`,
      hint,
    );
  };
  const linux = (): { isLinux: boolean; note?: string } => {
    const note = noteForeignBoard(file, facts);
    return { isLinux: true, ...(note !== undefined && { note }) };
  };
  const foreign = foreignPayload(data, facts, entry, LARGEST_SHOWN);
  if (foreign) return refuseForeign(file, foreign);
  switch (facts.kind) {
    case 'zImage':
      if (facts.truncated) return refuse('it is cut short', 'Copy it again, whole.');
      if (facts.architecture === 'ARMv6') return refuse('it is for ARMv6', USE_FLAT);
      return linux();
    case 'Image':
      if (facts.architecture === 'ARMv6') return refuse('it is for ARMv6', USE_FLAT);
      return linux();
    case 'boot-block':
    case 'foreign-block':
      return refuse('a boot block stands in front of it', 'Give the kernel itself, as it was before.');
    case 'u-boot':
      return { isLinux: false };
    case 'unknown':
      if (!beginsInA32(data)) return refuse('it does not begin with an instruction', USE_FLAT);
      return { isLinux: false };
    default:
      return refuse('it is no flat image', USE_FLAT);
  }
}

/** Bytes of firmware: what stage 2 has one table for. */
const LARGEST_FIRMWARE = 2 * MIB;
/** QEMU's virt has its variables behind this, which a U-Boot for it reads (its CONFIG_ENV_SIZE for qemu_arm). */
const LEAST_FIRMWARE = 0x4_0000;
const PAGE = 0x1000;

/**
 * Firmware, from its file to what stands at address 0, where it is entered.
 * @param name of the file, for the refusal
 * @returns its bytes, filled up to whole pages
 * @throws HypberryError `guest.firmware`
 */
export function firmwareImage(name: string, file: Uint8Array): Uint8Array {
  const refuse = (why: string, hint: string): never => {
    throw new HypberryError('guest.firmware', `${name} cannot be a guest's firmware: ${why}.`, hint);
  };
  const use =
    "Use one for QEMU's virt with a 32-bit processor: Debian's u-boot-qemu has /usr/lib/u-boot/qemu_arm/u-boot.bin.";
  const facts = readKernel(file);
  if (file.length > LARGEST_FIRMWARE)
    return refuse(
      `it has ${file.length} bytes, and ${LARGEST_FIRMWARE} are the most`,
      `EDK2's is larger, and wants flash that it can write to, which no guest has. ${use}`,
    );
  if (facts.kind === 'zImage' || facts.kind === 'Image' || facts.kind === 'uImage' || facts.kind === 'ELF')
    return refuse(`it is a kernel (${describeKernel(facts)})`, 'Give it with --kernel.');
  const foreign = foreignPayload(file, facts, 0, LARGEST_SHOWN);
  if (foreign) return refuse(`it is ${foreign.what}`, use);
  if (!beginsInA32(file)) return refuse('it does not begin with an instruction', use);
  const data = new Uint8Array(Math.max(LEAST_FIRMWARE, Math.ceil(file.length / PAGE) * PAGE));
  data.set(file);
  return data;
}
