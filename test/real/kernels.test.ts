import { beforeAll, describe, expect, it } from 'vitest';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { inputs, lpaeKernels, type KernelInput } from '../../scripts/lib/inputs.js';
import { hasProgram } from '../../scripts/lib/run.js';
import { useTools } from '../../scripts/lib/tools.js';
import { builtInEngine } from '../../src/engine/built-in.js';
import type { Engine } from '../../src/engine/engine.js';
import { runTrial, type Until, type Verdict } from '../../src/engine/verdict.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { memoryCard } from '../support/memory-card.js';
import { consoleLines, PANIC } from './console-lines.js';

/** A boot to the panic takes half a minute in either engine on two cores that do nothing else. */
const BOOT_SECONDS = 300;
const TEST_MILLISECONDS = (2 * BOOT_SECONDS + 30) * 1000;

/** npm run test:long takes all of them to the panic. */
const everything = process.env['HYPBERRY_KERNELS'] === 'all';

const PANIC_OVER: Until = { text: '---[ end Kernel panic' };

let kernels: Readonly<Record<string, KernelInput>>;
let firmware: Awaited<ReturnType<typeof inputs>>['firmware'];
let hasQemu = false;

beforeAll(async () => {
  useTools();
  hasQemu = await hasProgram('qemu-system-arm');
  const found = await inputs();
  const lpae = await lpaeKernels();
  ({ firmware } = found);
  kernels = {
    '6.1': found.bookworm,
    '6.12': found.trixie,
    '6.1 with LPAE': lpae.bookworm,
    '6.12 with LPAE': lpae.trixie,
  };
}, 600_000);

async function boot(engine: Engine, name: string, until?: Until): Promise<Verdict> {
  const files = await bootFiles(kernels[name]!, firmware);
  const machine = await prepareHandover(memoryCard(Object.fromEntries(files)));
  return runTrial(engine, machine, { timeoutSeconds: BOOT_SECONDS, until });
}

describe.each([
  { name: '6.1', toPanic: true },
  { name: '6.12', toPanic: true },
  { name: '6.1 with LPAE', toPanic: everything },
  { name: '6.12 with LPAE', toPanic: everything },
])("Debian's kernel $name in the built-in Pi 2", ({ name, toPanic }) => {
  if (!toPanic) {
    it(
      'says that all cores started in HYP mode',
      async () => {
        expect(await boot(builtInEngine(), name)).toMatchObject({ verdict: 'HYP', cores: 4 });
      },
      TEST_MILLISECONDS,
    );
    return;
  }

  let ours: Verdict;
  let theirs: Verdict | undefined;
  beforeAll(async () => {
    // QEMU runs in a process of its own, beside ours.
    [ours, theirs] = await Promise.all([
      boot(builtInEngine(), name, PANIC_OVER),
      hasQemu ? boot(qemuEngine(), name, PANIC_OVER) : undefined,
    ]);
  }, TEST_MILLISECONDS);

  it('starts in HYP mode and runs on to the panic for want of a root file system', () => {
    expect(ours).toMatchObject({ verdict: 'HYP', cores: 4, reached: true });
    expect(ours.console).toMatch(PANIC);
    expect(ours.console).toContain('CPU: Virtualization extensions available.');
  });

  it('writes the same lines as in QEMU, in the same order', (context) => {
    if (!theirs) context.skip('QEMU is not on this machine: the lines were not compared');
    else {
      expect(theirs).toMatchObject({ verdict: 'HYP', reached: true });
      const [mine, other] = [consoleLines(ours.console), consoleLines(theirs.console)];
      expect(mine.lines.length).toBeGreaterThan(180);
      expect(mine.lines).toEqual(other.lines);
      expect(mine.stopped).toBe(other.stopped);
    }
  });
});
