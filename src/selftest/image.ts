/**
 * A kernel image that, on a Pi 2 with a serial wire and without any Linux, looks at block, board and hypervisor, and prints
 * a table with what the built-in Pi 2 shows beside each row.
 */
import { ascii } from '../base/bytes.js';
import { buildBootBlock, isBootBlock, KERNEL_OFFSET } from '../boot/block.js';
import { buildHypervisor } from '../hypervisor/image/image.js';
import { bareCode } from './bare.js';
import { EMULATOR } from './emulator.js';
import { NAME_WIDTH, type Value } from './table.js';
import { guestCode, GUEST_KERNEL, hostCode } from './under-hypervisor.js';

/** Name of its file, and the lines of config.txt that start it. */
export const SELFTEST_FILE = 'hypberry-selftest.img';
export const SELFTEST_LINES = [`kernel=${SELFTEST_FILE}`, 'kernel_old=1', 'device_tree_address=0x08000000'];
const TREE = 0x0800_0000;

/** What its first line begins with. */
const TITLE = 'hypberry selftest';
/** Where the hypervisor's file lies, and its host's kernel goes: behind what runs before. */
const HYPERVISOR = 0x2_0000;
/** Memory that every split leaves the ARM; the hypervisor takes what it needs off its end. */
const ARM_MEMORY = 0x1000_0000;
const GUEST_MEMORY = 0x20_0000;
/** The guest has the last core. */
const GUEST_CORE = 3;

/**
 * Builds the image: our block, what runs in HYP mode, then the hypervisor with a host and a guest.
 * @param emulator what the built-in Pi 2 shows, by the rows' names; without it there is a question mark
 */
export function buildSelftest(emulator: ReadonlyMap<string, Value> = EMULATOR): Uint8Array {
  const { file } = buildHypervisor({
    armMemory: ARM_MEMORY,
    hostCores: GUEST_CORE,
    hostKernel: hostCode(HYPERVISOR, emulator),
    guests: [
      {
        name: 'selftest',
        memory: GUEST_MEMORY,
        kernel: { data: guestCode(emulator), offset: GUEST_KERNEL },
        tree: { data: new Uint8Array(32), offset: 0x1000 },
        cores: [GUEST_CORE],
      },
    ],
  });
  const heading = `\r\n${TITLE}: what is there, then the built-in Pi 2's; a board that differs from it is marked\r\n${'row'.padEnd(NAME_WIDTH)}${'here'.padStart(16)}  ${'built-in'.padStart(16)}\r\n`;
  const bare = bareCode(KERNEL_OFFSET, HYPERVISOR, heading, emulator);
  if (KERNEL_OFFSET + bare.length > HYPERVISOR) throw new Error('the code reaches into the hypervisor');
  const image = new Uint8Array(HYPERVISOR + file.length);
  image.set(buildBootBlock(TREE));
  image.set(bare, KERNEL_OFFSET);
  image.set(file, HYPERVISOR);
  return image;
}

/** Whether a file is such an image, of this or another version. */
export function isSelftest(file: Uint8Array): boolean {
  if (!isBootBlock(file) || file.length < HYPERVISOR) return false;
  const title = ascii(TITLE);
  const code = file.subarray(KERNEL_OFFSET, HYPERVISOR);
  return code.some((_, at) => title.every((byte, i) => code[at + i] === byte));
}
