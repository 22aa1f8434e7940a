/** Debian's kernels with the drivers of the SD card, a busybox and a script, and the card they work on. */
import { readFile } from 'node:fs/promises';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { type CardPath, treeFor } from '../../scripts/lib/card-tree.js';
import { gzipKernel } from '../../scripts/lib/gzip-kernel.js';
import { busyboxArchive, PROGRAM } from '../../scripts/lib/initramfs.js';
import { cardDrivers, inputs, type Suite } from '../../scripts/lib/inputs.js';
import type { Handover } from '../../src/firmware/handover.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { SECTOR_SIZE } from '../../src/ports/disk.js';
import { memoryCard } from '../support/memory-card.js';

/** Busybox' programs that scripts use beside the shell's own. */
const APPLETS = ['blkdiscard', 'cat', 'dd', 'dmesg', 'grep', 'insmod', 'sha256sum', 'sleep', 'sync', 'time'];

/**
 * The boot partition of a system that loads the drivers of one of the card's controllers and runs a script of the shell.
 * @param more words for the kernel's command line
 */
export async function cardFiles(
  suite: Suite,
  path: CardPath,
  script: string,
  more = '',
): Promise<Map<string, Uint8Array>> {
  const found = await inputs();
  const drivers = (await cardDrivers(suite))[path === 'emmc' ? 'emmc' : 'sdhost'];
  const initramfs = busyboxArchive(
    await readFile(found.busybox),
    [
      ...drivers.map(({ name }) => `insmod /${name}.ko`),
      // The card is found by the driver's own thread, and its partitions after it.
      'while ! [ -b /dev/mmcblk0p1 ]; do sleep 0.1; done',
      script,
    ].join('\n'),
    APPLETS,
    drivers.map(({ name, data }) => ({ path: `${name}.ko`, mode: PROGRAM, data })),
  );
  const kernel = await gzipKernel(found[suite]);
  return bootFiles(kernel, found.firmware, {
    config: 'auto_initramfs=1\n',
    commandLine: `console=ttyAMA0,115200 quiet cryptomgr.notests ${more}`,
    more: new Map([
      ['initramfs7', initramfs],
      ['bcm2709-rpi-2-b.dtb', treeFor(await readFile(kernel.dtb), path)],
    ]),
  });
}

/** The same as a machine; the card itself is what its engine gives it. */
export async function cardMachine(...system: Parameters<typeof cardFiles>): Promise<Handover> {
  return prepareHandover(memoryCard(Object.fromEntries(await cardFiles(...system))));
}

/** Bytes that differ from place to place, with an MBR of one partition of the type Linux; a power of two of MiB, for QEMU. */
export function cardContents(mebibytes: number): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(mebibytes * 2 ** 18);
  for (let i = 0, word = 1; i < words.length; i++) {
    word = (Math.imul(word, 0x0019_660d) + 0x3c6e_f35f) >>> 0;
    words[i] = word;
  }
  const bytes = new Uint8Array(words.buffer);
  const mbr = new DataView(bytes.buffer);
  bytes.fill(0, 446, 510);
  bytes[450] = 0x83;
  mbr.setUint32(454, 2048, true);
  mbr.setUint32(458, bytes.length / SECTOR_SIZE - 2048, true);
  mbr.setUint16(510, 0xaa55, true);
  return bytes;
}
