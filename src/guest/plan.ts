/** Where guests go: their cores, and their files in their memory. */
import { HypberryError } from '../base/errors.js';
import { CORES } from '../board/bcm2836.js';
import type { CardReader } from '../card/card.js';
import { bareKernel, describeKernel, readKernel, unpackVersion } from '../firmware/kernel.js';
import type { GuestPlan } from '../hypervisor/image/image.js';
import { GUEST_RAM } from '../hypervisor/shared/layout.js';
import { planDevices, needsHypberryd } from './devices.js';
import { guestTree } from './guest-tree.js';
import { MOST_MEMORY, programOf, type Guest } from './guests.js';
import { readInitramfs } from './initramfs.js';
import { firmwareImage, kernelImage } from './kernel-image.js';

const MIB = 1 << 20;
/** Initramfs and tree lie behind this, so that the kernel can unpack itself below (Linux, arch/arm/booting.rst, 4b). */
const FILES_OFFSET = 128 * MIB;
const PAGE = 0x1000;
/**
 * A tree begins at a multiple of this, more than any has, so that none goes over a boundary of 1 MiB: NetBSD maps the MiB
 * that it begins in and no more, and the hypervisor makes memory in such pieces.
 */
const TREE_ALIGNMENT = 0x1_0000;

const alignUp = (value: number, to: number): number => Math.ceil(value / to) * to;

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
  /** Its kernel or firmware. */
  readonly program: Uint8Array;
  readonly initramfs: Uint8Array | undefined;
}

/**
 * Reads a guest's files from its card.
 * @throws HypberryError `guest.no-file`, `guest.memory` for a file that is larger than all of it, and what the card throws
 */
export async function readGuestFiles(card: CardReader, guest: Guest): Promise<GuestFiles> {
  const read = async (file: string, option: string): Promise<Uint8Array> => {
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
  const { path, is } = programOf(guest);
  return {
    program: await read(path, is),
    initramfs: guest.initramfs === undefined ? undefined : await read(guest.initramfs, 'initramfs'),
  };
}

/** The first Linux that knows version 2 of virtio's registers (its commit 1862ee22ce2e, drivers/virtio/virtio_mmio.c). */
const FIRST_WITH_VIRTIO_2 = 4;

/** The version of a guest's virtio devices: what its file says, else what suits its kernel. */
export async function virtioOf(guest: Guest, program: Uint8Array): Promise<1 | 2> {
  // To look into a kernel takes its time.
  if (guest.virtio !== undefined || !needsHypberryd(guest) || guest.kernel === undefined)
    return guest.virtio ?? 2;
  const { version } = bareKernel(await unpackVersion(program, readKernel(program)));
  const major = /^Linux version (\d+)\./.exec(version ?? '')?.[1];
  return major !== undefined && Number(major) < FIRST_WITH_VIRTIO_2 ? 1 : 2;
}

/**
 * Where a guest's files go in its memory: the kernel where it wants to be, initramfs and tree where it does not reach.
 * Firmware, which looks for the tree there, has that where memory begins (QEMU, docs/system/arm/virt.rst).
 * @param cores the cores that its virtual CPUs run on
 * @param virtio the version of its virtio devices ({@link virtioOf})
 * @throws HypberryError `guest.kernel`, `guest.firmware`, `guest.load-address`, `guest.initramfs`, `guest.memory`
 */
export function placeGuest(
  guest: Guest,
  { program, initramfs }: GuestFiles,
  cores: readonly number[],
  virtio: 1 | 2,
): GuestPlan {
  const memory = guest.memory * MIB;
  const tree = (files?: { readonly offset: number; readonly length: number }): Uint8Array =>
    guestTree({
      memory,
      cores: cores.length,
      commandLine: guest.commandLine,
      // The last gives random bytes.
      virtio: (guest.disks?.length ?? 0) + (guest.network === 'host' ? 1 : 0) + 1,
      ...(files && { initramfs: files }),
    });
  const { autostart = true } = guest;
  const plan = { ...planDevices(guest), memory, cores, virtio, autostart };
  const { path, is } = programOf(guest);
  if (is === 'firmware')
    return { ...plan, firmware: firmwareImage(path, program), tree: { data: tree(), offset: 0 } };

  const kernel = kernelImage(path, program, loadAddressOf(guest));
  if (initramfs) checkInitramfs(guest.initramfs!, initramfs, kernel.isLinux);
  const kernelEnd = kernel.end - GUEST_RAM;
  const place = (from: number): { files: number; tree: number; end: number } => {
    const tree = alignUp(from + (initramfs?.length ?? 0), TREE_ALIGNMENT);
    return { files: from, tree, end: tree + MIB };
  };
  // A kernel that does not say how large it gets has as much room as there can be.
  const half = place(Math.min(FILES_OFFSET, alignUp(memory / 2, PAGE)));
  const tight = place(alignUp(kernelEnd, MIB));
  const places = half.files >= kernelEnd && half.end <= memory ? half : tight;
  if (places.end > memory) {
    const needed = Math.ceil(places.end / MIB);
    throw new HypberryError(
      'guest.memory',
      `Guest ${guest.name} has ${guest.memory} MiB of memory, and its kernel and initramfs reach to ${needed} MiB before it has begun.`,
      needed > MOST_MEMORY
        ? `No guest has more than ${MOST_MEMORY} MiB: give it smaller files, or a kernel that stands lower in memory.`
        : `Give it more: --memory ${Math.min(2 * needed, MOST_MEMORY)}, for example ("hypberry guest set" changes it).`,
    );
  }
  return {
    ...plan,
    kernel: { data: kernel.data, offset: kernel.address - GUEST_RAM },
    entry: kernel.entry,
    ...(initramfs && { initramfs: { data: initramfs, offset: places.files } }),
    tree: {
      data: tree(initramfs && { offset: places.files, length: initramfs.length }),
      offset: places.tree,
    },
  };
}

/** Where its kernel is to stand, if it says so. */
export const loadAddressOf = ({ loadAddress }: Guest): number | undefined =>
  loadAddress === undefined ? undefined : Number(loadAddress);

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
