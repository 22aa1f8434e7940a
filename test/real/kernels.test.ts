import { isDeepStrictEqual } from 'node:util';
import { beforeAll, describe, expect, it } from 'vitest';
import { lpaeKernels, type KernelInput } from '../../scripts/lib/inputs.js';
import { hasProgram } from '../../scripts/lib/run.js';
import { builtInEngine } from '../../src/engine/built-in.js';
import { runTrial, type TrialOptions, type Verdict } from '../../src/engine/verdict.js';
import type { Handover, Picked } from '../../src/firmware/handover.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import { openCard } from '../../src/node/open-card.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { hypberry } from '../cli/run.js';
import { consoleLines, PANIC } from './console-lines.js';
import { everything, install, quick, useBench } from './real-card.js';

const bench = useBench();

/** A boot to the panic takes half a minute in either engine on two cores that do nothing else. */
const BOOT_SECONDS = 300;
const TEST_MILLISECONDS = (2 * BOOT_SECONDS + 30) * 1000;

const TO_PANIC: TrialOptions = { timeoutSeconds: BOOT_SECONDS, until: { text: '---[ end Kernel panic' } };

const CONSOLE = 'earlycon=pl011,0x3f201000 console=ttyAMA0,115200';

let lpae: Awaited<ReturnType<typeof lpaeKernels>>;
beforeAll(async () => {
  lpae = await lpaeKernels();
}, 600_000);

/** What a Pi's memory holds with a card. */
async function handoverOf(image: string): Promise<Handover> {
  const card = await openCard(image, { write: false });
  try {
    return await prepareHandover(card);
  } finally {
    await card.close();
  }
}

/** A kernel, and what its card goes through before the boot. */
interface Start {
  readonly name: string;
  readonly kernel: () => KernelInput | Promise<KernelInput>;
  readonly by: string;
  /** Words for its command line. */
  readonly more?: string;
  readonly before: (image: string) => Promise<void>;
  /** What starts the kernel then. */
  readonly stub: Partial<Picked['stub']>;
}

const OWN_STUB = {
  by: "the stub in today's start.elf",
  stub: { from: 'start.elf', file: 'start.elf' },
} as const;

/** Install says that the card starts HYP mode as it is, and changes nothing. */
async function installNothing(image: string): Promise<void> {
  const installed = await hypberry(['install', '--json', image]);
  expect(installed).toMatchObject({ status: 0, stderr: '' });
  expect(JSON.parse(installed.stdout)).toMatchObject({ method: null, changed: false, changes: [] });
}

const starts: readonly Start[] = [
  {
    name: '6.1',
    kernel: () => quick(bench.found.bookworm),
    by: 'our stub',
    // Its tests of its own cryptography are a third of the boot; 6.12's run.
    more: everything ? '' : 'cryptomgr.notests',
    before: (image) => install(image, 'armstub'),
    stub: { from: 'file', file: expect.stringMatching(/^hypberry-/) as string },
  },
  { name: '6.12', kernel: () => quick(bench.found.trixie), before: installNothing, ...OWN_STUB },
];
const lpaeStarts: readonly Start[] = [
  { name: '6.1 with LPAE', kernel: () => lpae.bookworm, before: installNothing, ...OWN_STUB },
  { name: '6.12 with LPAE', kernel: () => lpae.trixie, before: installNothing, ...OWN_STUB },
];

describe.each([...starts, ...(everything ? lpaeStarts : [])])(
  "Debian's kernel $name, started by $by",
  ({ kernel, more = '', before, stub }) => {
    let picked: Picked;
    let machine: Handover;
    let ours: Verdict;
    let theirs: Verdict | undefined;
    beforeAll(async () => {
      const image = await bench.image(await kernel(), { commandLine: `${CONSOLE} ${more}` });
      await before(image);
      machine = await handoverOf(image);
      ({ picked } = machine);
      // QEMU runs in a process of its own, beside ours.
      [ours, theirs] = await Promise.all([
        runTrial(builtInEngine(), machine, TO_PANIC),
        (await hasProgram('qemu-system-arm')) ? runTrial(qemuEngine(), machine, TO_PANIC) : undefined,
      ]);
    }, TEST_MILLISECONDS);

    it('starts in HYP mode and runs on to the panic for want of a root file system', () => {
      expect(picked.stub).toMatchObject(stub);
      expect(picked.kernel).toMatchObject({ file: 'kernel7.img', address: 0x8000 });
      expect(ours).toMatchObject({ verdict: 'HYP', cores: 4, reached: true });
      expect(ours.console).toMatch(PANIC);
      expect(ours.console).toContain('CPU: Virtualization extensions available.');
    });

    it(
      'writes the same lines as in QEMU, in the same order',
      async (context) => {
        if (!theirs) {
          context.skip('QEMU is not on this machine: the lines were not compared');
          return;
        }
        const mine = consoleLines(ours.console);
        expect(mine.lines.length).toBeGreaterThan(180);
        // QEMU's time is the host's: on a busy one its lines come in another order now and then.
        for (
          let runs = 1;
          runs < 3 && !isDeepStrictEqual(consoleLines(theirs.console).lines, mine.lines);
          runs++
        )
          theirs = await runTrial(qemuEngine(), machine, TO_PANIC);
        expect(theirs).toMatchObject({ verdict: 'HYP', reached: true });
        const other = consoleLines(theirs.console);
        expect(mine.lines).toEqual(other.lines);
        expect(mine.stopped).toBe(other.stopped);
      },
      TEST_MILLISECONDS,
    );
  },
);

// The longer one of 6.12 is left to the boots above, where all are run.
it.skipIf(everything).each(lpaeStarts.slice(0, 1))(
  "Debian's kernel $name says that all cores started in HYP mode",
  async ({ kernel }) => {
    const machine = await handoverOf(await bench.image(await quick(await kernel())));
    const verdict = await runTrial(builtInEngine(), machine, { timeoutSeconds: BOOT_SECONDS });
    expect(verdict).toMatchObject({ verdict: 'HYP', cores: 4 });
  },
  TEST_MILLISECONDS,
);
