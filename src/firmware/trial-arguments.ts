/** What a trial puts behind the kernel's command line, so that its start can be seen. */
import { bareKernel, readKernel, unpackVersion, type KernelFile } from './kernel.js';

/** What `quiet` would hide, and the PL011 as the console. */
const CONSOLE = ['loglevel=7', 'console=ttyAMA0,115200'] as const;

/**
 * The same console from the first line on. On 32-bit Arm it works since Linux 4.3, which gave earlycon a fixed mapping
 * of its own (arch/arm/mm/mmu.c, early_fixmap_init; FIX_EARLYCON_MEM). From 3.16 on, when earlycon came
 * (drivers/tty/serial/earlycon.c), it called ioremap before there was memory to map: a Data Abort, seen with 3.18 and
 * 4.0.7, or "Couldn't map", seen with 4.2.5. `earlyprintk` is no way out: Raspberry Pi builds its kernels without
 * DEBUG_LL (configurations of 4.2.5 and of LibreELEC's 6.18), and the word would then become an argument of init.
 */
const EARLY_CONSOLE = 'earlycon=pl011,0x3f201000';
const EARLY_CONSOLE_SINCE = { major: 4, minor: 3 } as const;

/** What to add to a kernel's command line, the most first. */
export type Additions = readonly [string, ...string[]];

/**
 * The same as {@link trialArguments}, from a file. Its version is unpacked (XZ, a second or so) only where nothing else
 * tells whether it is one that has the early console: a zImage of 4.15 or later says so in its header.
 * @param file the whole kernel file; undefined as there
 */
export async function trialArgumentsOf(file: Uint8Array | undefined): Promise<Additions> {
  const kernel = file && readKernel(file);
  const inner = kernel && bareKernel(kernel);
  if (!file || !kernel || (inner?.kind === 'zImage' && inner.hasTable)) return trialArguments(kernel);
  return trialArguments(await unpackVersion(file, kernel));
}

/** The first two numbers of the version in `Linux version 4.0.7-v7+ …`; undefined where there is none. */
function releaseOf(version: string | undefined): { major: number; minor: number } | undefined {
  const [, major, minor] = /^Linux version (\d+)\.(\d+)/.exec(version ?? '') ?? [];
  return major === undefined ? undefined : { major: Number(major), minor: Number(minor) };
}

/**
 * What to add to the command line of a kernel, the most first: where a run with one crashes, what was added may be to
 * blame, and the next is tried. The last one is always nothing. A program that is not known gets nothing at once:
 * what it makes of words that are Linux's nobody knows.
 * @param kernel what the file is, as far as it can be read (`readKernel`, `unpackVersion`); undefined for one of which
 *   nothing is known but that it is Linux
 */
export function trialArguments(kernel: KernelFile | undefined): Additions {
  switch (kernel?.kind) {
    case 'boot-block':
    case 'foreign-block':
      return trialArguments(kernel.kernel);
    case undefined:
    case 'zImage':
    case 'Image':
    // It hands its command line on to the kernel that it starts, where its script says so.
    case 'u-boot': {
      const [level, console] = CONSOLE;
      const release = kernel?.kind === 'u-boot' ? undefined : releaseOf(kernel?.version);
      const { major, minor } = EARLY_CONSOLE_SINCE;
      const tooOld =
        release !== undefined &&
        (release.major < major || (release.major === major && release.minor < minor));
      const less = [`${level} ${console}`, ''] as const;
      return tooOld ? less : [`${level} ${EARLY_CONSOLE} ${console}`, ...less];
    }
    default:
      return [''];
  }
}
