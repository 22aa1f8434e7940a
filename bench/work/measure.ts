/** What programs on Linux take on the built-in Pi 2, against QEMU's translator: process time, the same image. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { programWithLibraries } from '../../scripts/lib/debian-program.js';
import { type ArchiveFile, programArchive } from '../../scripts/lib/initramfs.js';
import type { Inputs, KernelInput } from '../../scripts/lib/inputs.js';
import { ensureTools } from '../../scripts/lib/tools.js';
import { coremark } from './coremark.js';
import type { Work } from './run.js';

/** A kind of work in both engines. */
export interface WorkRatio {
  readonly name: string;
  readonly oursMs: number;
  readonly theirsMs: number;
  readonly ratio: number;
  /** By the built-in machine's clock, of which an instruction of the only core that is awake takes one. */
  readonly nanoseconds: number;
}

/** Where a program may be run from: TypeScript as it is. */
const TSX = ['--import', 'tsx'];
const here = import.meta.dirname;

/** OpenSSL, and Python with its library, as files that stand beside the work. */
async function programs(): Promise<ArchiveFile[]> {
  const python = /^usr\/lib\/python3/;
  const all = [
    ...(await programWithLibraries('openssl')),
    ...(await programWithLibraries('python3-minimal', 'usr/bin/python3.11', (path) => python.test(path))),
  ];
  return [...new Map(all.map((it) => [it.path, it])).values()];
}

function measureIn(engine: string, target: string): Work[] {
  const output = execFileSync(process.execPath, [...TSX, join(here, 'run.ts'), engine, target], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  return JSON.parse(output.toString()) as Work[];
}

/**
 * Builds the work, boots a kernel with it as /init in each engine, and compares.
 * @param folder where the card is put
 */
export async function measureWork(
  folder: string,
  kernel: KernelInput,
  firmware: Inputs['firmware'],
): Promise<WorkRatio[]> {
  await ensureTools(['gcc-arm-linux-gnueabihf', 'libc6-dev-armhf-cross']);
  const program = join(folder, 'work');
  const card = join(folder, 'work-card');
  mkdirSync(folder, { recursive: true });
  const options = ['-std=gnu11', '-O2', '-mcpu=cortex-a7', '-mfpu=neon-vfpv4'];
  const objects = [join(here, 'work.c'), await coremark(options)];
  execFileSync('arm-linux-gnueabihf-gcc', [...options, '-static', ...objects, '-lm', '-o', program]);
  const files = await bootFiles(kernel, firmware, {
    config: 'initramfs initramfs7 followkernel\n',
    // One core: the threads of QEMU's others would get in its way where the host has as few.
    commandLine: 'console=ttyAMA0,115200 quiet maxcpus=1',
    more: new Map([['initramfs7', programArchive(readFileSync(program), await programs())]]),
  });
  rmSync(card, { recursive: true, force: true });
  for (const [path, data] of files) {
    mkdirSync(dirname(join(card, path)), { recursive: true });
    writeFileSync(join(card, path), data);
  }
  const [ours, theirs] = [measureIn('built-in', card), measureIn('qemu', card)];
  return ours.map(({ name, milliseconds, nanoseconds }, i) => ({
    name,
    oursMs: milliseconds,
    theirsMs: theirs[i]!.milliseconds,
    ratio: milliseconds / theirs[i]!.milliseconds,
    nanoseconds,
  }));
}

/** A line a kind. */
export function workLines(work: readonly WorkRatio[]): string[] {
  const width = Math.max(...work.map(({ name }) => name.length));
  const seconds = (ms: number): string => `${(ms / 1000).toFixed(2)} s`.padStart(9);
  return work.map(
    ({ name, oursMs, theirsMs, ratio, nanoseconds }) =>
      `  ${name.padEnd(width)} ${seconds(oursMs)} against ${seconds(theirsMs)}  ${ratio.toFixed(1).padStart(6)}  ` +
      `${(nanoseconds / 1e6).toFixed(0).padStart(6)} million instructions`,
  );
}
