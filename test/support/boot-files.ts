import { KERNEL_OFFSET } from '../../src/boot/block.js';
import { PI2, type BoardState } from '../../src/firmware/config.js';
import type { Guest } from '../../src/guest/guests.js';
import { ELF_FLAGS, staticElf } from '../../src/translate/linux/elf.js';
import { BOOTCODE_2015, BOOTCODE_TODAY } from './bootcode.js';
import { compileTree } from './device-trees.js';
import { fixupFor } from './fixups.js';
import { concat, entry, NOPS, text, trailer, u32, zImage } from './kernel-files.js';
import {
  HYP_STUB,
  startElfOf,
  stubOf2015,
  stubWithContract,
  TEXTS_2015,
  TEXTS_TODAY,
} from './stub-sources.js';

// Boot partitions in small: files that have what the real ones have where it matters.

export type Files = Record<string, Uint8Array>;

export const TREE = compileTree(`/dts-v1/;
/ {
  #address-cells = <1>; #size-cells = <1>;
  model = "Raspberry Pi 2 Model B";
  chosen { bootargs = ""; };
  memory@0 { device_type = "memory"; reg = <0 0>; };
};`);

/** One with what a tree for a card with guests must have: cores, and the interrupt controller. */
export const HOST_TREE = compileTree(`/dts-v1/;
/ {
  #address-cells = <1>; #size-cells = <1>;
  model = "Raspberry Pi 2 Model B";
  chosen { bootargs = ""; };
  memory@0 { device_type = "memory"; reg = <0 0>; };
  aliases { serial0 = "/serial@7e201000"; serial1 = "/serial@7e215040"; };
  cpus { #address-cells = <1>; #size-cells = <0>;
    cpu@0 { reg = <0xf00>; }; cpu@1 { reg = <0xf01>; }; cpu@2 { reg = <0xf02>; }; cpu@3 { reg = <0xf03>; }; };
  interrupt-controller@7e00b200 { compatible = "brcm,bcm2836-armctrl-ic"; phandle = <7>; };
};`);

/** A card's guests, without an initramfs, as the card keeps them. */
export function guestFiles(...names: readonly string[]): Files {
  return guestFilesWith(1, ...names);
}

/** The same, each with so many cores. */
export function guestFilesWith(cores: number, ...names: readonly string[]): Files {
  return guestFilesOf({ cores }, ...names);
}

/** The same, each with these entries in the guests' file. */
export function guestFilesOf(entries: Partial<Guest>, ...names: readonly string[]): Files {
  const guests = names.map((name) => ({
    name,
    kernel: `hypberry-guest-${name}.kernel`,
    memory: 32,
    cores: 1,
    commandLine: 'console=ttyAMA0',
    ...entries,
  }));
  return {
    'hypberry-guests.json': text(JSON.stringify({ version: 1, guests })),
    ...Object.fromEntries(
      guests.flatMap(({ kernel }, i) => (kernel === undefined ? [] : [[kernel, kernelFile(i + 5)] as const])),
    ),
  };
}

/** A hypberryd of another release, by the note that all have. */
export function hypberrydOf(release: string): Uint8Array {
  const code = { address: 0x1_0000, bytes: text(release.padEnd(4096)), flags: ELF_FLAGS.READ };
  return staticElf(0x1_0000, [code], { owner: 'hypberry', type: 1, text: release });
}

/** One of the size of today's trees (20 KB), which at 0x100 reaches past 0x4000. */
export const BIG_TREE = compileTree(`/dts-v1/; / { filler = [${'5a '.repeat(20_000)}]; };`);

/** A kernel whose bytes differ by `seed`, with the trailer that firmware of 2015 wants. */
export function kernelFile(seed = 1, version = '4.1.13-v7+'): Uint8Array {
  return concat(
    zImage({ packed: new Uint8Array(3000).fill(seed) }),
    trailer(entry('DTOK', u32(1)), entry('KVer', text(`Linux version ${version} (a)\0`))),
  );
}

/** Something that is not ours, padded to 32 KiB, in front of a kernel: as the boot blocks of 2015 were used. */
export const foreignCombined = (kernel: Uint8Array): Uint8Array =>
  concat(NOPS(60), new Uint8Array(KERNEL_OFFSET - 4 * 60), kernel);

const SVC_STUB = { ...HYP_STUB, hyp: false };

/** start.elf files by what matters of them. */
export const FIRMWARE = {
  /** As today: starts HYP mode. */
  hyp: startElfOf(TEXTS_TODAY, [stubWithContract(HYP_STUB)]),
  /** Knows what today's knows, but leaves SVC mode. */
  svc: startElfOf(TEXTS_TODAY, [stubWithContract(SVC_STUB)]),
  /** As in 2015: kernel_old only, SVC mode, tree at 0x100. */
  of2015: startElfOf(TEXTS_2015, [stubOf2015(SVC_STUB)]),
  /** The same, older than filters. */
  withoutFilters: startElfOf(
    TEXTS_2015.filter((line) => line !== '[%60c]'),
    [stubOf2015(SVC_STUB)],
  ),
};

/** bootcode.bin of the time of each. */
const BOOTCODE: Record<keyof typeof FIRMWARE, Uint8Array> = {
  hyp: BOOTCODE_TODAY,
  svc: BOOTCODE_TODAY,
  of2015: BOOTCODE_2015,
  withoutFilters: BOOTCODE_2015,
};

/** A boot partition for a Pi 2. */
export function bootPartition(
  firmware: keyof typeof FIRMWARE,
  more: Readonly<Record<string, string | Uint8Array>> = {},
): Files {
  const files: Record<string, string | Uint8Array> = {
    'bootcode.bin': BOOTCODE[firmware],
    'start.elf': FIRMWARE[firmware],
    'fixup.dat': fixupFor(FIRMWARE[firmware].length),
    'kernel7.img': kernelFile(),
    'bcm2709-rpi-2-b.dtb': TREE,
    'cmdline.txt': 'root=/dev/mmcblk0p2\n',
    'config.txt': '# mine\ngpu_mem=64\n',
    ...more,
  };
  return Object.fromEntries(
    Object.entries(files).map(([path, data]) => [path, typeof data === 'string' ? text(data) : data]),
  );
}

/** What filters ask about a Pi 3 Model B. */
export const PI3: BoardState = { ...PI2, models: ['pi3'], boardType: 0x08 };
