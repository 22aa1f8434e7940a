import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { c, lr, p15, pc, r0, r1, r2, r3, r4 } from '../../src/isa/registers.js';
import { LOCAL_PRESCALER, LOCAL_PRESCALER_BY_1 } from '../../src/board/local-peripherals.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { endAtCrash } from '../../src/engine/crash.js';
import type { Crash } from '../../src/engine/machine-report.js';
import { BRANCH_TO_ITSELF, bareGuest, MAIN, UDF } from '../support/bare-guest.js';
import { handoverOf } from '../support/handover.js';

const MS = 1e6;
/** Looks at a guest in its life. */
const STEPS = 20;
const at = (address: number): string => `0x${address.toString(16).padStart(8, '0')}`;

/** Runs a guest for some milliseconds of virtual time; gives its crash and what it left in r4 of core 0. */
async function lifeOf(
  image: Uint8Array,
  life = 10,
): Promise<{ crash: Crash | undefined; time: number; r4: number }> {
  const pi = await createBuiltInPi(handoverOf([0, image]), () => undefined, [endAtCrash]);
  for (let step = 1; step <= STEPS && pi.ending === undefined; step++) pi.run((life * MS * step) / STEPS);
  const { crash, cores, nanoseconds } = pi.report();
  expect(pi.ending).toBe(crash?.what);
  return { crash, time: nanoseconds, r4: cores[0]!.registers[4]! };
}

/** A Data Abort: an unaligned access with the MMU off, which is to Strongly-ordered memory (ARM ARM A3.2.1). */
const unalignedLoad = (a: Assembler): void => {
  a.mov(r1, 1);
  a.ldr(r0, [r1]);
};
const LOAD = MAIN + 4;

const LOCAL_PERIPHERALS = 0x4000_0000;

describe('a guest that does nothing more has crashed', () => {
  test('an undefined instruction at the vector for undefined instructions', async () => {
    const guest = bareGuest(
      (a) => {
        a.word(UDF);
      },
      { 4: UDF },
    );
    const { crash, time } = await lifeOf(guest);
    expect(crash).toEqual({
      core: 0,
      what: `core 0 took an Undefined Instruction at ${at(MAIN)} in svc mode, and since then takes an Undefined Instruction at 0x00000004 in und mode, at the vector itself, again and again`,
    });
    expect(time).toBeLessThan(1e5);
  });

  test('a jump to where no instructions are, and a vector that jumps there too', async () => {
    const guest = bareGuest(
      (a) => {
        a.mov(r0, LOCAL_PERIPHERALS);
        a.mov(pc, r0);
      },
      // mov pc, r0
      { 0x0c: 0xe1a0_f000 },
    );
    const abort = (mode: string): string =>
      `a Prefetch Abort at ${at(LOCAL_PERIPHERALS)} in ${mode} mode (external abort; IFAR ${at(LOCAL_PERIPHERALS)})`;
    expect((await lifeOf(guest)).crash?.what).toBe(
      `core 0 took ${abort('svc')}, and since then takes ${abort('abt')}, again and again`,
    );
  });

  test('a fault whose vector is a branch to itself', async () => {
    const { crash } = await lifeOf(bareGuest(unalignedLoad, { 0x10: BRANCH_TO_ITSELF }));
    expect(crash).toEqual({
      core: 0,
      what: `core 0 took a Data Abort at ${at(LOAD)} in svc mode (alignment fault; DFAR 0x00000001), and branches to itself at 0x00000010 for ever`,
    });
  });

  test('HYP mode without vectors', async () => {
    const guest = bareGuest((a) => {
      const hyp = a.label('hyp');
      a.cps(22);
      // SCR.HCE and SCR.NS.
      a.mov(r0, 0x100);
      a.orr(r0, r0, 1);
      a.mcr(p15, 0, r0, c(1), c(1), 0);
      a.mov(r1, 0x800);
      a.mcr(p15, 4, r1, c(12), c(0), 0);
      a.mov(r2, 0x1da);
      a.msr('SPSR_fsxc', r2);
      a.adr(lr, hyp);
      a.movs(pc, lr);
      a.at(hyp);
      unalignedLoad(a);
      a.org(0x800);
      for (let vector = 0; vector < 8; vector++) a.word(UDF);
    });
    const hyp = MAIN + 10 * 4;
    expect((await lifeOf(guest)).crash).toEqual({
      core: 0,
      what: `core 0 took a Data Abort at ${at(hyp + 4)} in hyp mode (alignment fault; HDFAR 0x00000001), and since then takes an Undefined Instruction at 0x00000804 in hyp mode, at the vector itself, again and again`,
    });
  });

  test('every core sleeps, and nothing will wake one', async () => {
    const guest = bareGuest((a) => {
      a.wfe();
      a.word(BRANCH_TO_ITSELF);
    });
    const { crash } = await lifeOf(guest);
    expect(crash?.core).toBeNull();
    expect(crash?.what).toMatch(
      new RegExp(
        `^nothing will happen any more: core 0 waits for an event at ${at(MAIN + 4)}, core 1 waits for an interrupt at ${at(MAIN - 4)}, core 2 .*, core 3 `,
      ),
    );
  });

  test('a branch to itself with interrupts masked, while all others sleep', async () => {
    const guest = bareGuest((a) => {
      a.word(BRANCH_TO_ITSELF);
    });
    expect((await lifeOf(guest)).crash?.what).toContain(`core 0 branches to itself at ${at(MAIN)}, core 1`);
  });
});

describe('a guest that goes on has not crashed', () => {
  const ROUNDS = 5000;
  /** Goes on with `each` for `ROUNDS` times, counts them in r4, then runs round and round. */
  const counting = (each: (a: Assembler) => void, vectors: Record<number, number>): Uint8Array =>
    bareGuest((a) => {
      const again = a.label('again');
      const round = a.label('round');
      a.mov(r4, 0);
      a.mov(r3, ROUNDS & 0xff00);
      a.orr(r3, r3, ROUNDS & 0xff);
      a.at(again);
      each(a);
      a.add(r4, r4, 1);
      a.cmp(r4, r3);
      a.bne(again);
      a.at(round);
      a.nop();
      a.b(round);
    }, vectors);

  test.each([
    // movs pc, lr: back behind the instruction.
    ['a handler returns', 0xe1b0_f00e],
    // mov pc, lr: behind the instruction too, but the mode stays.
    ['a handler goes on without returning', 0xe1a0_f00e],
  ])('%s', async (_, vector) => {
    const guest = counting(
      (a) => {
        a.word(UDF);
      },
      { 4: vector },
    );
    expect(await lifeOf(guest)).toMatchObject({ crash: undefined, r4: ROUNDS });
  });

  test('the same call again and again, with the same registers', async () => {
    const guest = bareGuest(
      (a) => {
        const again = a.label('again');
        a.at(again);
        a.svc(0);
        a.b(again);
      },
      { 8: 0xe1b0_f00e },
    );
    expect((await lifeOf(guest, 0.02)).crash).toBeUndefined();
  });

  test('asleep until a timer, whose interrupt is masked', async () => {
    const guest = bareGuest((a) => {
      const again = a.label('again');
      a.mov(r4, 0);
      // The Secure physical timer's interrupt goes to the core as IRQ: bit 0 of 0x40000040.
      a.mov(r0, LOCAL_PERIPHERALS);
      a.mov(r1, 1);
      a.str(r1, [r0, 0x40]);
      // It counts the crystal.
      a.mov(r2, LOCAL_PRESCALER_BY_1);
      a.str(r2, [r0, LOCAL_PRESCALER]);
      a.at(again);
      // 10.24 ms of a 19.2 MHz clock.
      a.mov(r2, 0x30000);
      a.mcr(p15, 0, r2, c(14), c(2), 0);
      a.mcr(p15, 0, r1, c(14), c(2), 1);
      a.wfi();
      a.add(r4, r4, 1);
      a.b(again);
    });
    const { crash, r4: woken } = await lifeOf(guest, 50);
    expect(crash).toBeUndefined();
    expect(woken).toBe(4);
  });
});
