import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect } from 'vitest';
import { bootFiles, makeCardImage, type BootFilesOptions } from '../../scripts/lib/card-image.js';
import { gzipKernel } from '../../scripts/lib/gzip-kernel.js';
import { inputs, type Inputs, type KernelInput } from '../../scripts/lib/inputs.js';
import { hasProgram } from '../../scripts/lib/run.js';
import { cardTools, ensureTools } from '../../scripts/lib/tools.js';
import { builtInEngine } from '../../src/engine/built-in.js';
import type { Verdict } from '../../src/engine/verdict.js';
import { runTrial } from '../../src/engine/verdict.js';
import type { Picked } from '../../src/firmware/handover.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { openCard } from '../../src/node/open-card.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { planInstall } from '../../src/setup/install.js';
import { applyPlan, type Method } from '../../src/setup/plan.js';

/** `npm run test:long` boots every kernel as it is, and further. */
export const everything = process.env['HYPBERRY_KERNELS'] === 'all';

/** A boot takes 4 to 14 s on two cores that do nothing else, and several times that on a loaded machine. */
export const BOOT_SECONDS = 150;

/** Time limit of a test, milliseconds, by the boots in it. */
export const forBoots = (boots: number): number => (boots * BOOT_SECONDS + 30) * 1000;

/** Real files, and a folder for card images, for the tests of one file. */
export interface Bench {
  readonly found: Inputs;
  /** Makes a card image with a real kernel, its tree and current firmware; gives its path. */
  image(kernel: KernelInput, options?: BootFilesOptions, without?: readonly string[]): Promise<string>;
}

/**
 * The same kernel for tests of what happens before and after it unpacks itself: packed by gzip, which takes a third of
 * the time to the HYP line.
 */
export const quick = (kernel: KernelInput): Promise<KernelInput> =>
  everything ? Promise.resolve(kernel) : gzipKernel(kernel);

/** Sets up a bench for the tests of the file that calls this. */
export function useBench(): Bench {
  let folder = '';
  let found: Inputs | undefined;
  let images = 0;
  beforeAll(async () => {
    await ensureTools([...cardTools, 'binutils-arm-none-eabi']);
    found = await inputs();
    folder = await mkdtemp(join(tmpdir(), 'hypberry-real-'));
  }, 600_000);
  afterAll(() => rm(folder, { recursive: true, force: true }));
  return {
    get found() {
      return found!;
    },
    async image(kernel, options, without = []) {
      const files = await bootFiles(kernel, found!.firmware, options);
      for (const name of without) files.delete(name);
      const path = join(folder, `card${images++}.img`);
      await makeCardImage(path, files);
      return path;
    },
  };
}

/** Installs on a card image. */
export async function install(image: string, method: Method): Promise<void> {
  const card = await openCard(image, { write: true });
  try {
    const plan = await planInstall(card, { method });
    expect(plan.method).toBe(method);
    await applyPlan(card, plan, () => undefined);
  } finally {
    await card.close();
  }
}

/**
 * Boots a card image as it is, with nothing but its own command line, in the built-in Pi 2. QEMU, where it is on the
 * machine, has to come to the same verdict.
 */
export async function bootAsIs(image: string): Promise<Verdict & { readonly picked: Picked }> {
  const card = await openCard(image, { write: false });
  try {
    const machine = await prepareHandover(card);
    const options = { timeoutSeconds: BOOT_SECONDS };
    const [ours, second] = await Promise.all([
      runTrial(builtInEngine(), machine, options),
      (await hasProgram('qemu-system-arm')) ? runTrial(qemuEngine(), machine, options) : undefined,
    ]);
    if (second) {
      const { verdict, cores } = ours;
      expect({ verdict: second.verdict, cores: second.cores }).toEqual({ verdict, cores });
    }
    return { ...ours, picked: machine.picked };
  } finally {
    await card.close();
  }
}
