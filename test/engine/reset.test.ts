/** The four cores leave reset together, and one that is woken, or told something, gets its turn soon. */
import { describe, expect, test } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { lsl, r0, r1, r2, r3, r4, r5, r6, type Label, type Register } from '../../src/isa/registers.js';
import { MPIDR } from '../../src/isa/system-registers.js';
import { CORES } from '../../src/board/bcm2836.js';
import { LOCAL_BASE, LOCAL_MAILBOX3_CLR, LOCAL_MAILBOX3_SET } from '../../src/board/local-peripherals.js';
import { createBuiltInPi, type BuiltInPi } from '../../src/engine/built-in.js';
import type { Observe } from '../../src/engine/observer.js';
import { handoverOf } from '../support/handover.js';
import { HYP_STUB, stubOf2015 } from '../support/stub-sources.js';
import { armstub7, bootCodeWith } from '../support/yardsticks.js';
import { ramWords } from '../support/ram.js';

useTools();

const KERNEL = 0x8000;
/** Words that core 0 fills in about the others. */
const RESULTS = 0x2_0000;
const STARTED = 0x600d;
const FAILED = 0xbad;

/** The stubs that firmware had, one after another; the first two look at the mailbox without WFE. */
const generations: readonly [name: string, stub: Uint8Array][] = [
  ['July 2015', stubOf2015({ hyp: false, waits: true, clears: true, polls: true, newerCore: false })],
  ['November 2015', stubOf2015({ ...HYP_STUB, polls: true })],
  ['today', bootCodeWith(armstub7(0x100), KERNEL)],
];

const started = async (stub: Uint8Array, kernel: Uint8Array, ...observe: Observe[]): Promise<BuiltInPi> =>
  createBuiltInPi(handoverOf([0, stub], [KERNEL, kernel]), () => undefined, observe);

describe.each(generations)('the stub of %s', (_, stub) => {
  test('what a kernel writes over address 0 at once does not reach the other cores', async () => {
    /** A kernel whose first instructions write eight words from an address up: at 0 a branch to itself in each. */
    const kernel = (address: number): Uint8Array => {
      const a = assembler(KERNEL);
      const end = a.label('end');
      const word = a.label('word');
      a.ldr(r3, word);
      a.mov(r4, address);
      for (let i = 0; i < 8; i++) a.str(r3, [r4, 4 * i]);
      a.at(end);
      a.b(end);
      a.at(word);
      a.word(0xeaff_fffe);
      return a.assemble();
    };
    /** What cores 1 to 3 execute in the first microseconds. */
    const paths = async (address: number): Promise<number[][]> => {
      const executed: number[][] = [[], [], []];
      const pi = await started(stub, kernel(address), () => ({
        watch: {
          wants: () => true,
          instruction: ({ index }, at) => {
            if (index > 0) executed[index - 1]!.push(at);
            return false;
          },
        },
      }));
      pi.run(20_000);
      expect(pi.cpu.memory.observe(address, 32).slice()).toEqual(
        new Uint8Array(32).map((_, i) => [0xfe, 0xff, 0xff, 0xea][i % 4]!),
      );
      return executed;
    };
    const [over, elsewhere] = [await paths(0), await paths(0x1000)];
    // Where they part, if they do: the differences of whole paths take minutes to write down.
    expect(over.map((path, i) => path.findIndex((at, n) => at !== elsewhere[i]![n]))).toEqual([-1, -1, -1]);
    expect(over.map(({ length }) => length)).toEqual(elsewhere.map(({ length }) => length));
    // They wait in the stub, behind what was overwritten.
    for (const path of over) {
      expect(path.length).toBeGreaterThan(25);
      expect(path.at(-1)).toBeGreaterThanOrEqual(0x20);
      expect(path.at(-1)).toBeLessThan(0x100);
    }
  });

  test.each(['with SEV', 'without'])(
    'a core that is told where to go clears its mailbox in ten looks, %s',
    async (how) => {
      // Where cores sleep nothing but SEV wakes them.
      if (how === 'without' && stub === generations[2]![1]) return;
      const pi = await started(stub, tenLooks(how === 'with SEV'));
      pi.run(3e6);
      expect(resultsOf(pi)).toEqual([STARTED, STARTED, STARTED]);
    },
  );
});

const resultsOf = ({ cpu }: BuiltInPi): number[] => [...ramWords(cpu, RESULTS, CORES - 1)];

/** Loads a constant. */
function constant(a: Assembler, register: Register, value: number): void {
  a.movw(register, value & 0xffff);
  a.movt(register, value >>> 16);
}

/**
 * What Raspberry Pi's kernels up to 4.4 do (arch/arm/mach-bcm2709): core 0 writes a core's entry to its mailbox 3, then
 * looks ten times whether it was cleared. The cores that came keep busy.
 */
function tenLooks(sev: boolean): Uint8Array {
  const a = assembler(KERNEL);
  const [busy, next, look, came, store, end] = ['busy', 'next', 'look', 'came', 'store', 'end'].map((it) =>
    a.label(it),
  ) as [Label, Label, Label, Label, Label, Label];
  a.mrc(MPIDR, r0);
  a.ands(r0, r0, CORES - 1);
  a.bne(busy);
  // Long enough for all to wait.
  constant(a, r1, 20_000);
  const delay = a.label('delay');
  a.at(delay);
  a.subs(r1, r1, 1);
  a.bne(delay);
  a.mov(r4, 1);
  a.at(next);
  constant(a, r5, LOCAL_BASE);
  a.add(r5, r5, r4, lsl(4));
  constant(a, r2, KERNEL);
  a.str(r2, [r5, LOCAL_MAILBOX3_SET]);
  if (sev) {
    a.dsb();
    a.sev();
  }
  constant(a, r6, FAILED);
  a.mov(r3, 10);
  a.at(look);
  a.ldr(r2, [r5, LOCAL_MAILBOX3_CLR]);
  a.cmp(r2, 0);
  a.beq(came);
  a.subs(r3, r3, 1);
  a.bne(look);
  a.b(store);
  a.at(came);
  constant(a, r6, STARTED);
  a.at(store);
  constant(a, r1, RESULTS - 4);
  a.str(r6, [r1, r4, lsl(2)]);
  a.add(r4, r4, 1);
  a.cmp(r4, CORES);
  a.bne(next);
  a.at(end);
  a.b(end);
  a.at(busy);
  a.add(r3, r3, 1);
  a.b(busy);
  return a.assemble();
}

test('an interrupt ends the turn of the core that sent it, whoever else runs', async () => {
  // Core 1 sleeps in WFI and answers in memory, core 2 is busy; core 0 sends to mailbox 0, and looks ten times.
  const a = assembler();
  const [sleep, busy, delay, look, store, end] = ['sleep', 'busy', 'delay', 'look', 'store', 'end'].map(
    (it) => a.label(it),
  ) as [Label, Label, Label, Label, Label, Label];
  constant(a, r5, LOCAL_BASE);
  constant(a, r1, RESULTS);
  a.mrc(MPIDR, r0);
  a.and(r0, r0, CORES - 1);
  a.cmp(r0, 1);
  a.beq(sleep);
  a.cmp(r0, 2);
  a.beq(busy);
  a.cmp(r0, 3);
  a.beq(end);
  a.mov(r2, 1);
  // Mailbox 0 of core 1 as an IRQ (QA7, 4.6).
  a.str(r2, [r5, 0x54]);
  // Until turns are long, though nobody has looked at a mailbox.
  constant(a, r4, 80_000);
  a.at(delay);
  a.subs(r4, r4, 1);
  a.bne(delay);
  a.str(r2, [r5, 0x90]);
  constant(a, r6, FAILED);
  a.mov(r3, 10);
  a.at(look);
  a.ldr(r2, [r1, 4]);
  a.cmp(r2, 0);
  a.bne(store);
  a.subs(r3, r3, 1);
  a.bne(look);
  a.at(store);
  a.cmp(r2, 0);
  a.movne(r6, r2);
  a.str(r6, [r1]);
  a.at(end);
  a.wfi();
  a.b(end);
  a.at(sleep);
  a.wfi();
  constant(a, r2, STARTED);
  a.str(r2, [r1, 4]);
  a.b(end);
  a.at(busy);
  a.add(r3, r3, 1);
  a.b(busy);
  const pi = await createBuiltInPi(handoverOf([0, a.assemble()]), () => undefined);
  pi.run(1e6);
  expect(resultsOf(pi)[0]).toBe(STARTED);
});
