/** Kernels do not hang on what reset leaves UNKNOWN: they start whatever a board has there. */
import { describe, expect, it } from 'vitest';
import { lpaeKernels, type KernelInput } from '../../scripts/lib/inputs.js';
import { builtInEngine } from '../../src/engine/built-in.js';
import { runTrial } from '../../src/engine/verdict.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { openCard } from '../../src/node/open-card.js';
import { BOOT_SECONDS, everything, forBoots, install, quick, useBench } from './real-card.js';

const bench = useBench();

/** By {@link everything} ten seeds, else two; that without one is in all other boots. */
const SEEDS = Array.from({ length: everything ? 10 : 2 }, (_, n) => n + 1);

type Started = readonly [name: string, kernel: () => Promise<KernelInput>, by: 'armstub' | undefined];
const all: readonly Started[] = [
  ['6.1', () => quick(bench.found.bookworm), undefined],
  ['6.12', () => quick(bench.found.trixie), 'armstub'],
  ['6.1 with LPAE', async () => quick((await lpaeKernels()).bookworm), 'armstub'],
  ['6.12 with LPAE', async () => quick((await lpaeKernels()).trixie), undefined],
];

describe.each(everything ? all : all.slice(0, 1))("Debian's kernel %s", (_, kernel, by) => {
  it.each(SEEDS)(
    'starts in HYP mode under seed %i',
    async (seed) => {
      const image = await bench.image(await kernel());
      if (by) await install(image, by);
      const card = await openCard(image, { write: false });
      const machine = await prepareHandover(card);
      await card.close();
      const verdict = await runTrial(builtInEngine([], seed), machine, { timeoutSeconds: BOOT_SECONDS });
      expect(verdict).toMatchObject({ verdict: 'HYP', cores: 4 });
    },
    forBoots(1),
  );
});
