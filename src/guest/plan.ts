/** Where guests go: their cores, and their files in their memory. */
import { decodeA32 } from '../isa/decoder.js';
import { readU32LE } from '../base/bytes.js';
import { HypberryError } from '../base/errors.js';
import { CORES } from '../board/bcm2836.js';
import type { CardReader } from '../card/card.js';
import { unpackedExtent } from '../firmware/extents.js';
import {
  bareKernel,
  describeKernel,
  readKernel,
  unpackVersion,
  type KernelFile,
} from '../firmware/kernel.js';
import type { GuestPlan } from '../hypervisor/image/image.js';
import { GUEST_RAM } from '../hypervisor/shared/layout.js';
import { planDevices, needsHypberryd } from './devices.js';
import { readInitramfs } from './initramfs.js';
import { foreignPayload, USE_FLAT } from './payload.js';
import { guestTree } from './guest-tree.js';
import type { Guest } from './guests.js';

const MIB = 1 << 20;
/** Where a kernel is put, from the beginning of memory: where every 32-bit Linux wants to be unpacked to. */
const KERNEL_OFFSET = 0x8000;
/** The same as a guest sees it. */
const KERNEL_ENTRY = GUEST_RAM + KERNEL_OFFSET;
/** Bytes of packed data that are unpacked to say what it is. */
const LARGEST_PACKED = 64 * MIB;
/** Initramfs and tree lie behind this, so that the kernel can unpack itself below (Linux, arch/arm/booting.rst, 4b). */
const FILES_OFFSET = 128 * MIB;
const PAGE = 0x1000;
/**
 * A tree begins at a multiple of this, more than any has, so that none goes over a boundary of 1 MiB: NetBSD maps the MiB
 * that it begins in and no more, and the hypervisor makes memory in such pieces.
 */
const TREE_ALIGNMENT = 0x1_0000;

const alignUp = (value: number, to: number): number => Math.ceil(value / to) * to;

/** Condition "always", and the space of instructions without a condition, as a word's highest four bits. */
const [ALWAYS, UNCONDITIONAL] = [0xe, 0xf];

/** Whether a file's first word is an instruction that a core would go on from. */
function beginsInA32(file: Uint8Array): boolean {
  if (file.length < 4) return false;
  const word = readU32LE(file, 0);
  const condition = word >>> 28;
  return (condition === ALWAYS || condition === UNCONDITIONAL) && decodeA32(word) !== undefined;
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
    'Debian’s vmlinuz of linux-image-armmp knows it.'
  );
}

/**
 * Whether a file can be a guest's kernel: a 32-bit zImage, or another flat image.
 * @param file its name, for the refusal
 * @returns whether it is Linux, and what the user should know of it, one sentence
 * @throws HypberryError `guest.kernel`
 */
export function checkGuestKernel(
  file: string,
  data: Uint8Array,
): { readonly isLinux: boolean; readonly note?: string } {
  const facts = readKernel(data);
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
  const foreign = foreignPayload(data, facts, KERNEL_ENTRY, LARGEST_PACKED);
  if (foreign)
    throw new HypberryError(
      'guest.kernel',
      `${file} cannot be a guest's kernel: it is ${foreign.what}.`,
      foreign.hint,
    );
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

/**
 * Whether a file can be the initramfs of a guest.
 * @param file its name, for the refusal
 * @returns what the user should know of it, one sentence; undefined where there is nothing
 * @throws HypberryError `guest.initramfs` where it surely is none
 */
export function checkInitramfs(file: string, data: Uint8Array, isLinux: boolean): string | undefined {
  const refuse = (why: string): never => {
    throw new HypberryError(
      'guest.initramfs',
      `${file} cannot be a guest's initramfs: ${why}.`,
      'Use a cpio archive (cpio -o -H newc), plain or packed, as update-initramfs makes it.',
    );
  };
  const archive = readInitramfs(data);
  if (data.length === 0) return refuse('it is empty');
  // What another kernel does with it is its own affair.
  if (!isLinux || archive.is === 'archive') return undefined;
  if (archive.is === 'empty') return refuse(archive.why);
  const { what } = archive;
  if (what === 'a device tree') return refuse('it is a device tree');
  if (what === undefined && data.subarray(0, PAGE).some((byte) => byte !== 0)) {
    const facts = readKernel(data);
    if (facts.kind !== 'unknown') return refuse(`it is no archive (${describeKernel(facts)})`);
  }
  return `Linux will not unpack ${file}${what === undefined ? '' : ` (${what})`}: an initramfs is a cpio archive of the kind newc, plain or packed.`;
}

/** A guest's files, read. */
export interface GuestFiles {
  readonly kernel: Uint8Array;
  readonly initramfs: Uint8Array | undefined;
}

/**
 * Reads a guest's files from its card.
 * @throws HypberryError `guest.no-file`, `guest.memory` for a file that is larger than all of it, and what the card throws
 */
export async function readGuestFiles(card: CardReader, guest: Guest): Promise<GuestFiles> {
  const read = async (file: string, option: 'kernel' | 'initramfs'): Promise<Uint8Array> => {
    const entry = await card.stat(file);
    if (entry && !entry.isFolder && entry.size > guest.memory * MIB) {
      throw new HypberryError(
        'guest.memory',
        `Guest ${guest.name} has ${guest.memory} MiB of memory, and ${file} alone has ${entry.size} bytes.`,
        `Give it more ("hypberry guest set … ${guest.name} --memory"), or another file (--${option}).`,
      );
    }
    if (entry && !entry.isFolder) return card.read(file);
    throw new HypberryError(
      'guest.no-file',
      `${file}, which guest ${guest.name} starts from, is not on the card.`,
      `Give it another: "hypberry guest set … ${guest.name} --${option} FILE".`,
    );
  };
  return {
    kernel: await read(guest.kernel, 'kernel'),
    initramfs: guest.initramfs === undefined ? undefined : await read(guest.initramfs, 'initramfs'),
  };
}

/** The first Linux that knows version 2 of virtio's registers (its commit 1862ee22ce2e, drivers/virtio/virtio_mmio.c). */
const FIRST_WITH_VIRTIO_2 = 4;

/** The version of a guest's virtio devices: what its file says, else what suits its kernel. */
export async function virtioOf(guest: Guest, kernel: Uint8Array): Promise<1 | 2> {
  // To look into a kernel takes its time.
  if (guest.virtio !== undefined || !needsHypberryd(guest)) return guest.virtio ?? 2;
  const { version } = bareKernel(await unpackVersion(kernel, readKernel(kernel)));
  const major = /^Linux version (\d+)\./.exec(version ?? '')?.[1];
  return major !== undefined && Number(major) < FIRST_WITH_VIRTIO_2 ? 1 : 2;
}

/**
 * Where a guest's files go in its memory: the kernel at its beginning, initramfs and tree where it does not reach.
 * @param cores the cores that its virtual CPUs run on
 * @param virtio the version of its virtio devices ({@link virtioOf})
 * @throws HypberryError `guest.kernel`, `guest.initramfs`, `guest.memory`
 */
export function placeGuest(
  guest: Guest,
  { kernel, initramfs }: GuestFiles,
  cores: readonly number[],
  virtio: 1 | 2,
): GuestPlan {
  const { isLinux } = checkGuestKernel(guest.kernel, kernel);
  if (initramfs) checkInitramfs(guest.initramfs!, initramfs, isLinux);
  const memory = guest.memory * MIB;
  const unpacked = Math.max(KERNEL_OFFSET + kernel.length, unpackedExtent(kernel)?.end ?? 0);
  const place = (from: number): { files: number; tree: number; end: number } => {
    const tree = alignUp(from + (initramfs?.length ?? 0), TREE_ALIGNMENT);
    return { files: from, tree, end: tree + MIB };
  };
  // A kernel that does not say how large it gets has as much room as there can be.
  const half = place(Math.min(FILES_OFFSET, alignUp(memory / 2, PAGE)));
  const tight = place(alignUp(unpacked, MIB));
  const { files, tree, end } = half.files >= unpacked && half.end <= memory ? half : tight;
  if (end > memory) {
    throw new HypberryError(
      'guest.memory',
      `Guest ${guest.name} has ${guest.memory} MiB of memory, and its kernel and initramfs take ${Math.ceil(end / MIB)} MiB before it has begun.`,
      `Give it more: --memory ${2 * Math.ceil(end / MIB)}, for example ("hypberry guest set" changes it).`,
    );
  }
  const data = guestTree({
    memory,
    cores: cores.length,
    commandLine: guest.commandLine,
    // The last gives random bytes.
    virtio: (guest.disks?.length ?? 0) + (guest.network === 'host' ? 1 : 0) + 1,
    ...(initramfs && { initramfs: { offset: files, length: initramfs.length } }),
  });
  return {
    ...planDevices(guest),
    memory,
    cores,
    virtio,
    kernel: { data: kernel, offset: KERNEL_OFFSET },
    ...(initramfs && { initramfs: { data: initramfs, offset: files } }),
    tree: { data, offset: tree },
  };
}

/**
 * Which cores are whose: the guests share the highest ones, as many as the widest of them has virtual CPUs, and
 * the rest is the host's. Each takes those that have the least to do.
 * @returns how many cores the host has, and each guest's
 */
export function shareCores(guests: readonly Guest[]): { hostCores: number; guestCores: number[][] } {
  const hostCores = CORES - Math.max(0, ...guests.map(({ cores }) => cores));
  const busy = new Map(Array.from({ length: CORES - hostCores }, (_, i) => [CORES - 1 - i, 0]));
  const guestCores = guests.map(({ cores }) => {
    const chosen = [...busy]
      .sort(([, a], [, b]) => a - b)
      .slice(0, cores)
      .map(([core]) => core)
      .sort((a, b) => a - b);
    for (const core of chosen) busy.set(core, busy.get(core)! + 1);
    return chosen;
  });
  return { hostCores, guestCores };
}
