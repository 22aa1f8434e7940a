/** The built-in Pi 2 against QEMU: from a cold start of the command to the line that says HYP, with the same card. */
import { spawn } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { KernelInput, Inputs } from '../scripts/lib/inputs.js';
import { bootFiles, makeCardImage } from '../scripts/lib/card-image.js';
import { gzipKernel } from '../scripts/lib/gzip-kernel.js';
import type { Verdict } from '../src/engine/verdict.js';
import { compare, type Ratio } from './pairs.js';

/** What one kernel took. */
export interface Boot {
  readonly kernel: string;
  readonly time: Ratio;
  /** Instructions that the built-in cores executed, all four together. */
  readonly instructions: number;
  /** The same a second, from the machine's start to the verdict; of one run. */
  readonly instructionsPerSecond: number;
  /** The most memory that the command and what it started had in RAM, MiB; null where /proc does not say. */
  readonly oursMiB: number | null;
  readonly theirsMiB: number | null;
}

type EngineName = 'built-in' | 'qemu';

/** Between two looks at how much memory is used, milliseconds. */
const LOOK = 20;

/** The most memory that a process had in RAM so far, KiB; 0 where there is none or nobody knows. */
function peakOf(pid: string): number {
  try {
    return Number(/^VmHWM:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1] ?? 0);
  } catch {
    return 0;
  }
}

/** A process and those that it started. */
function family(pid: number): string[] {
  try {
    const children = readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8');
    return [String(pid), ...children.split(' ').filter((it) => it !== '')];
  } catch {
    return [String(pid)];
  }
}

/** Runs the trial; with `look`, also sees how much memory it takes, which costs a little time. */
async function tryCard(
  program: string,
  image: string,
  engine: EngineName,
  look: boolean,
): Promise<{ verdict: Verdict; mebibytes: number | null }> {
  const args = [program, 'try', '--as-is', '--json', '--timeout', '600', '--engine', engine, image];
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] });
  let output = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text));
  const peaks = new Map<string, number>();
  const timer = look
    ? setInterval(() => {
        for (const pid of family(child.pid!)) peaks.set(pid, Math.max(peaks.get(pid) ?? 0, peakOf(pid)));
      }, LOOK)
    : undefined;
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  clearInterval(timer);
  if (status !== 0) throw new Error(`${image} in ${engine}: status ${String(status)}: ${output}`);
  const kibibytes = [...peaks.values()].reduce((sum, it) => sum + it, 0);
  return { verdict: JSON.parse(output) as Verdict, mebibytes: kibibytes === 0 ? null : kibibytes / 1024 };
}

async function bootKernel(
  program: string,
  kernel: string,
  image: string,
  firmware: Inputs['firmware'],
  input: KernelInput,
  pairs: number,
): Promise<Boot> {
  await makeCardImage(image, await bootFiles(input, firmware));
  const side = (engine: EngineName) => ({
    name: `try, ${engine}: ${kernel}`,
    run: () => tryCard(program, image, engine, false),
  });
  const time = await compare(side('built-in'), side('qemu'), pairs);
  const ours = await tryCard(program, image, 'built-in', true);
  const theirs = await tryCard(program, image, 'qemu', true);
  const { verdict } = ours;
  const instructions = verdict.machine!.cores.reduce((sum, { executed }) => sum + executed, 0);
  return {
    kernel,
    time,
    instructions,
    instructionsPerSecond: instructions / verdict.seconds,
    oursMiB: ours.mebibytes,
    theirsMiB: theirs.mebibytes,
  };
}

/**
 * Boots Debian's 6.1 kernel, as it is and packed by gzip.
 * @param program path of the built command
 * @param folder where cards and kernels are put
 */
export async function bootAll(
  program: string,
  folder: string,
  { bookworm, firmware }: Inputs,
  pairs: number,
): Promise<Boot[]> {
  const kernels = [
    ['Debian 6.1, XZ', bookworm],
    ['Debian 6.1, gzip', await gzipKernel(bookworm)],
  ] as const;
  const boots: Boot[] = [];
  for (const [name, input] of kernels) {
    boots.push(await bootKernel(program, name, join(folder, 'boot.img'), firmware, input, pairs));
  }
  return boots;
}
