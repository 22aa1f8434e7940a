/** When asynchronous external aborts are taken: some instructions late, in the same place in every run. */
import { describe, expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { assembler } from '../../src/isa/assembler.js';
import { pc, r0, r1, r2, r3, r4, r5 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import { bits } from '../../src/isa/bits.js';
import { loadWord } from '../../src/isa/load-word.js';
import { PSR_A } from '../../src/isa/program-status.js';
import type { Cpu } from '../../src/cpu/cpu.js';
import { ramView } from '../support/ram.js';
import { bareCpu } from './machines.js';

/** DFSR of an asynchronous external abort, and of a synchronous one by a read (tables B3-23 and B3-24). */
const [ASYNCHRONOUS, ASYNCHRONOUS_LONG, SYNCHRONOUS_LONG] = [0x406, 0x211, 0x210];
const NEVER = -1;
const LATENCIES = [0, 1, 50, 200] as const;
/** Instructions of the part that counts, more than an abort is late. */
const MANY = 600;

/**
 * A core that runs `before`, then counts instructions in R0, and stays where an abort takes it.
 * @param abortLatency how late that is
 */
async function machine(
  before: (a: Assembler) => void,
  abortLatency: number,
  vector: (a: Assembler) => void = () => undefined,
): Promise<Cpu> {
  const a = assembler(0);
  const [begin, aborted] = [a.label('begin'), a.label('aborted')];
  for (const to of [begin, begin, begin, begin, aborted]) a.b(to);
  a.at(aborted);
  vector(a);
  const end = a.label('end');
  a.at(end);
  a.b(end);
  a.at(begin);
  a.mov(r0, 0);
  before(a);
  for (let i = 0; i < MANY; i++) a.add(r0, r0, 1);
  const stays = a.label('stays');
  a.at(stays);
  a.b(stays);
  const cpu = await bareCpu({ abortLatency });
  cpu.memory.load(0, a.assemble());
  return cpu;
}

/** Runs on; how many instructions were counted since a count, and DFSR; {@link NEVER} where no abort came. */
function taken(cpu: Cpu, since = 0): readonly [count: number, DFSR: number] {
  cpu.run(cpu.time + 10_000);
  const core = cpu.cores[0]!;
  const DFSR = core.system(reg.DFSR);
  return [DFSR === 0 ? NEVER : core.register(0) - since, DFSR];
}

/** Runs until something was counted, has an abort begin there, and tells as {@link taken} does. */
function afterRaising(cpu: Cpu): readonly [count: number, DFSR: number] {
  cpu.run(40);
  const since = cpu.cores[0]!.register(0);
  expect(since).toBeGreaterThan(0);
  cpu.raiseAbort(0);
  return taken(cpu, since);
}

const open = (a: Assembler): void => {
  a.cpsie('a');
};

describe.each(LATENCIES)('an asynchronous abort that comes %i instructions late', (late) => {
  test('is taken so many instructions after it began', async () => {
    expect(afterRaising(await machine(open, late))).toEqual([late, ASYNCHRONOUS]);
  });

  test('and is the same one in a machine that was saved in between', async () => {
    const cpu = await machine(open, late);
    cpu.run(40);
    const since = cpu.cores[0]!.register(0);
    cpu.raiseAbort(0);
    if (late > 20) cpu.run(cpu.time + 20);
    const other = await machine(open, late);
    other.restore(cpu.save());
    expect(taken(other, since)).toEqual([late, ASYNCHRONOUS]);
    expect(taken(cpu, since)).toEqual([late, ASYNCHRONOUS]);
  });

  test('waits while CPSR.A is set, and ends WFI all the same (B1.8.14)', async () => {
    const cpu = await machine((a) => {
      for (let i = 0; i < 60; i++) a.add(r0, r0, 1);
      a.wfi();
      a.mrc(reg.ISR, r1);
    }, late);
    expect(afterRaising(cpu)).toEqual([NEVER, 0]);
    expect(cpu.cores[0]!.register(0)).toBe(MANY + 60);
    expect(cpu.cores[0]!.register(1) & PSR_A).toBe(PSR_A);
  });

  /** Began with CPSR.A set, and is there. */
  const masked = async (code: (a: Assembler) => void): Promise<Cpu> => {
    const cpu = await machine((a) => {
      const [again, behind] = [a.label('again'), a.label('behind')];
      a.at(again);
      a.add(r5, r5, 1);
      a.cmp(r5, 100);
      a.bne(again);
      a.at(behind);
      code(a);
    }, late);
    cpu.run(20);
    cpu.raiseAbort(0);
    return cpu;
  };

  test('is taken late where CPS lets it, and with ISB at once', async () => {
    expect(
      taken(
        await masked((a) => {
          a.cpsie('a');
        }),
      ),
    ).toEqual([late, ASYNCHRONOUS]);
    expect(
      taken(
        await masked((a) => {
          a.cpsie('a');
          a.isb();
        }),
      ),
    ).toEqual([0, ASYNCHRONOUS]);
  });

  test('is not taken where CPS lets it for less than that', async () => {
    const [count] = taken(
      await masked((a) => {
        a.cpsie('a');
        a.nop();
        a.cpsid('a');
      }),
    );
    expect(count).toBe(late <= 1 ? 0 : NEVER);
  });

  test('is taken at once after an exception return', async () => {
    const cpu = await masked((a) => {
      a.mrs(r1, 'CPSR');
      a.bic(r1, r1, PSR_A);
      a.msr('SPSR_fsxc', r1);
      const target = a.label('target');
      a.adr(r1, target);
      a.movs(pc, r1);
      a.at(target);
    });
    expect(taken(cpu)).toEqual([0, ASYNCHRONOUS]);
  });
});

/** Long descriptors: 4 GiB as they are but for the last, which are above 4 GiB; MAIR0: write-back, Device. */
const TABLE = 0x4000;
const [WRITE_BACK, DEVICE] = [0, 1];
const [BLOCK, AF] = [1, 1 << 10];
const NOWHERE = 0xc000_0000;
function mapped(kind: number, access: (a: Assembler) => void): (a: Assembler) => void {
  return (a) => {
    loadWord(a, r1, 0x04ff);
    a.mcr(reg.MAIR0, r1);
    loadWord(a, r1, bits(reg.TTBCR, { EAE: 1 }));
    a.mcr(reg.TTBCR, r1);
    loadWord(a, r1, TABLE);
    a.mov(r2, 0);
    a.mcrr(reg.TTBR0_64, r1, r2);
    for (const [n, low, high] of [
      [0, BLOCK | AF, 0],
      [3, BLOCK | AF | (kind << 2), 1],
    ] as const) {
      loadWord(a, r2, low);
      loadWord(a, r3, high);
      a.strd(r2, r3, [r1, 8 * n]);
    }
    a.mrc(reg.SCTLR, r1);
    a.orr(r1, r1, bits(reg.SCTLR, { M: 1 }));
    a.mcr(reg.SCTLR, r1);
    a.isb();
    loadWord(a, r4, NOWHERE);
    a.mov(r3, 77);
    a.mcr(reg.DFAR, r3);
    a.mov(r1, 0);
    a.cpsie('a');
    access(a);
  };
}

describe.each(LATENCIES)('an access above 4 GiB, with aborts %i instructions late', (late) => {
  test('which is a store aborts that late, and DFAR keeps what it had (DDI 0464F 5.7.1)', async () => {
    for (const store of [
      (a: Assembler): void => {
        a.str(r3, [r4]);
      },
      (a: Assembler): void => {
        a.stm(r4, [r1, r2, r3]);
      },
      (a: Assembler): void => {
        a.strd(r2, r3, [r4]);
      },
    ]) {
      const cpu = await machine(mapped(DEVICE, store), late);
      expect(taken(cpu)).toEqual([late, ASYNCHRONOUS_LONG]);
      expect(cpu.cores[0]!.system(reg.DFAR)).toBe(77);
    }
  });

  test('is waited for by DSB', async () => {
    const cpu = await machine(
      mapped(DEVICE, (a) => {
        a.str(r3, [r4]);
        a.dsb();
        a.isb();
      }),
      late,
    );
    expect(taken(cpu)).toEqual([0, ASYNCHRONOUS_LONG]);
  });

  test('is no abort of the core’s where it is write-back', async () => {
    const cpu = await machine(
      mapped(WRITE_BACK, (a) => {
        a.str(r3, [r4]);
      }),
      late,
    );
    expect(taken(cpu)).toEqual([NEVER, 0]);
    expect(cpu.cores[0]!.register(0)).toBe(MANY);
  });

  test('which is a load aborts at once, at its address', async () => {
    const cpu = await machine(
      mapped(DEVICE, (a) => {
        a.ldr(r3, [r4]);
      }),
      late,
    );
    expect(taken(cpu)).toEqual([0, SYNCHRONOUS_LONG]);
    expect(cpu.cores[0]!.system(reg.DFAR)).toBe(NOWHERE);
  });
});

test('an abort that comes while a loop waits is taken in the same instruction whether the wait is passed over', async () => {
  const seen = await Promise.all(
    [true, false].map(async (passesWaits) => {
      const cpu = await machine(
        (a) => {
          const waiting = a.label('waiting');
          a.cpsie('a');
          a.mov(r4, 0x8000);
          a.at(waiting);
          a.ldr(r3, [r4]);
          a.cmp(r3, 0);
          a.beq(waiting);
        },
        200,
        (a) => {
          a.mov(r2, r0);
        },
      );
      cpu.passesWaits = passesWaits;
      cpu.run(5000);
      cpu.raiseAbort(0);
      cpu.run(cpu.time + 1);
      const core = cpu.cores[0]!;
      const steps: number[] = [];
      while (core.system(reg.DFSR) === 0 && steps.length < 300) {
        steps.push(core.register(15), ramView(cpu).getUint32(0, true));
        cpu.run(cpu.time + 1);
      }
      return { time: cpu.time, LR: core.banked('LR_abt'), steps };
    }),
  );
  expect(seen[0]).toEqual(seen[1]);
});
