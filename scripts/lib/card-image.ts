import { mkdir, mkdtemp, open, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { Inputs, KernelInput } from './inputs.js';
import { run } from './run.js';

/** Bytes of a sector, for sfdisk and mkfs.fat. */
const SECTOR = 512;

/** First sector of the boot partition, where Raspberry Pi's own images have it: 4 MiB into the card. */
const BOOT_START = 8192;

/** Sectors of the partition after it, in which a card has its root file system, where that is empty. */
const EMPTY_ROOT_SECTORS = 2048;

/** Where in an image of {@link makeCardImage} the boot partition begins, bytes; mtools take it as `image@@offset`. */
export const BOOT_OFFSET = BOOT_START * SECTOR;

/** What kind of card image is made. */
export interface CardImageOptions {
  /** The boot partition's file system; 32 unless told otherwise. */
  readonly fat?: 16 | 32;
  /** The boot partition's size, MiB; 64 unless told otherwise. FAT32 takes 33 or more. */
  readonly megabytes?: number;
  /** An image of the file system of the second partition, whole MiB; it is empty without. */
  readonly root?: string;
}

/**
 * Makes a card image with sfdisk, mkfs.fat and mtools: an MBR, a FAT boot partition that holds `files`, and an
 * Linux partition. The same files give the same partition table and volume number.
 * @param image path of the image, which is written over
 * @param files bytes by path on the boot partition, `/` between names
 */
export async function makeCardImage(
  image: string,
  files: ReadonlyMap<string, Uint8Array>,
  { fat = 32, megabytes = 64, root }: CardImageOptions = {},
): Promise<void> {
  const sectors = (megabytes * 1024 * 1024) / SECTOR;
  const rootSectors = root === undefined ? EMPTY_ROOT_SECTORS : (await stat(root)).size / SECTOR;
  const rootStart = BOOT_START + sectors;
  const file = await open(image, 'w');
  await file.truncate((rootStart + rootSectors) * SECTOR);
  await file.close();
  // Partition types: 0e is FAT16 and 0c FAT32, both reached by sector number; 83 is Linux.
  const table = [
    'label: dos',
    'label-id: 0x68797062',
    `start=${BOOT_START}, size=${sectors}, type=${fat === 16 ? 'e' : 'c'}`,
    `start=${rootStart}, size=${rootSectors}, type=83`,
  ].join('\n');
  await run('sh', ['-c', 'printf "%s\\n" "$1" | sfdisk --quiet "$2"', 'sh', table, image]);
  // mkfs.fat takes the offset and the hidden sectors before the partition in sectors, and the size in KiB.
  const place = ['--offset', String(BOOT_START), '-h', String(BOOT_START), image, String(megabytes * 1024)];
  if (root !== undefined) {
    const at = ['bs=64K', 'oflag=seek_bytes', `seek=${rootStart * SECTOR}`, 'conv=sparse,notrunc'];
    await run('dd', [`if=${root}`, `of=${image}`, ...at, 'status=none']);
  }
  // As it does for so small a FAT32 by itself, where the image is no larger.
  const clusters = fat === 32 ? ['-s', '1'] : [];
  await run('mkfs.fat', ['-F', String(fat), ...clusters, '-n', 'BOOT', '-i', '68797062', ...place]);

  const folder = await mkdtemp(join(tmpdir(), 'hypberry-card-'));
  try {
    for (const [path, bytes] of files) {
      await mkdir(dirname(join(folder, path)), { recursive: true });
      await writeFile(join(folder, path), bytes);
    }
    const top = [...new Set([...files.keys()].map((path) => join(folder, path.split('/')[0]!)))];
    if (top.length > 0) await run('mcopy', ['-s', '-Q', '-i', `${image}@@${BOOT_OFFSET}`, ...top, '::']);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** What is put on a card beside the kernel and the firmware. */
export interface BootFilesOptions {
  /** config.txt; empty unless told otherwise. */
  readonly config?: string;
  /** cmdline.txt; a console on the PL011 from the first line on, unless told otherwise. */
  readonly commandLine?: string;
  /** Name of the tree; the one that the firmware looks for unless told otherwise. */
  readonly tree?: 'bcm2709-rpi-2-b.dtb' | 'bcm2836-rpi-2-b.dtb';
  /** Further files, by path; one under a name from above takes its place. */
  readonly more?: ReadonlyMap<string, Uint8Array>;
}

/**
 * The files of a boot partition with a real kernel, its tree, and the firmware: bytes by path.
 * @param kernel one of the kernels of `inputs()`
 * @param firmware the firmware of `inputs()`
 */
export async function bootFiles(
  kernel: KernelInput,
  firmware: Inputs['firmware'],
  options: BootFilesOptions = {},
): Promise<Map<string, Uint8Array>> {
  const {
    config = '',
    commandLine = 'earlycon=pl011,0x3f201000 console=ttyAMA0,115200',
    tree = 'bcm2709-rpi-2-b.dtb',
    more = new Map<string, Uint8Array>(),
  } = options;
  const text = (it: string) => new TextEncoder().encode(it);
  return new Map([
    ['bootcode.bin', await readFile(firmware.bootcode)],
    ['start.elf', await readFile(firmware.startElf)],
    ['fixup.dat', await readFile(firmware.fixup)],
    ['kernel7.img', await readFile(kernel.vmlinuz)],
    [tree, await readFile(kernel.dtb)],
    ['config.txt', text(config)],
    ['cmdline.txt', text(`${commandLine}\n`)],
    ...more,
  ]);
}
