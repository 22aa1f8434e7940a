/** Waits are counted, not executed: the run is the same as if they had been, instruction for instruction. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { useTools } from '../../scripts/lib/tools.js';
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import * as L from '../../src/cpu/layout.js';
import * as reg from '../../src/isa/system-registers.js';
import {
  lr,
  lsl,
  pc,
  r1,
  r10,
  r11,
  r2,
  r3,
  r4,
  r5,
  r6,
  r7,
  r8,
  sp,
  type Label,
  type Register,
} from '../../src/isa/registers.js';
import { CORES, UART0_BASE } from '../../src/board/bcm2836.js';
import {
  LOCAL_BASE,
  LOCAL_CONTROL,
  LOCAL_MAILBOX3_CLR,
  LOCAL_MAILBOX3_SET,
  LOCAL_PRESCALER,
  LOCAL_PRESCALER_BY_1,
  LOCAL_REGISTERS,
} from '../../src/board/local-peripherals.js';
import { createBuiltInPi, type BuiltInPi } from '../../src/engine/built-in.js';
import { recordTimeline } from '../../src/engine/timeline.js';
import { handoverOf } from '../support/handover.js';
import '../support/seed.js';
import { HYP_STUB, stubOf2015 } from '../support/stub-sources.js';
import { armstub7, bootCodeWith } from '../support/yardsticks.js';
import { ramWords } from '../support/ram.js';

useTools();

const KERNEL = 0x8000;
/** What the cores tell each other. */
const SHARED = 0x2_0000;
/** Where the cores' stacks begin, 256 bytes each. */
const STACKS = 0x3_0100;
const SYSTEM_TIMER = 0x3f00_3000;
const CLO = 4;
const C1 = 0x10;
const FR = 0x18;

const { CORE_TIMER_LS, CORE_TIMER_MS } = LOCAL_REGISTERS;
/** Fractions that doubles hold, and some that they do not. */
const PRESCALERS = [LOCAL_PRESCALER_BY_1, 0x06aa_aaab, 0x7fff_ffff, 0x1234_5679] as const;

const stubs = [
  stubOf2015({ hyp: false, waits: true, clears: true, polls: true, newerCore: false }),
  stubOf2015({ ...HYP_STUB, polls: true }),
  bootCodeWith(armstub7(0x100), KERNEL),
] as const;

function constant(a: Assembler, register: Register, value: number): void {
  a.movw(register, value & 0xffff);
  a.movt(register, value >>> 16);
}

/** r5 = SHARED, r7 = the local controller + 16 for each core's number, r8 = the system timer, r10 = the number. */
function bases(a: Assembler): void {
  a.mrc(reg.MPIDR, r10);
  a.and(r10, r10, CORES - 1);
  constant(a, r5, SHARED);
  constant(a, r7, LOCAL_BASE);
  a.add(r7, r7, r10, lsl(4));
  constant(a, r8, SYSTEM_TIMER);
  constant(a, sp, STACKS);
  a.add(sp, sp, r10, lsl(8));
}

/** Has the core timer count the crystal, as kernels do; what is started by armstub7 finds it as reset left it. */
function startCoreTimer(a: Assembler): void {
  constant(a, r1, LOCAL_PRESCALER_BY_1);
  a.str(r1, [r7, LOCAL_PRESCALER]);
}

/** T32: until [r5] is not r6; then back. */
const THUMB_WAIT = [0x42b1_6829, 0x4770_d0fc] as const;

interface Step {
  readonly kind: number;
  readonly size: number;
}
type Emit = (
  a: Assembler,
  step: Step,
  places: { readonly read: Label; readonly thumb: Label; readonly count: Label },
) => void;

/** Ways to wait. Those for another value come through when core 0 stores one; r11 counts what is no wait. */
const waits: readonly Emit[] = [
  (a) => {
    const again = here(a);
    a.ldr(r1, [r5]);
    a.cmp(r1, r6);
    a.beq(again);
  },
  (a, { size }) => {
    const again = here(a);
    a.ldrb(r1, [r5, size & 3]);
    a.ands(r2, r1, 0x70);
    a.addne(r3, r2, 4);
    a.cmp(r1, r3);
    a.ldrne(r3, [r5, 4]);
    a.bne(again);
  },
  // In several blocks, with a conditional one beside.
  (a) => {
    const again = here(a);
    const [out, on] = [a.label('out'), a.label('on')];
    a.ldr(r1, [r5]);
    a.cmp(r1, r6);
    a.bne(out);
    a.ldr(r2, [r5, 4]);
    a.tst(r2, 1);
    a.beq(on);
    a.nop();
    a.at(on);
    a.dmb();
    a.b(again);
    a.at(out);
  },
  // By a call.
  (a, _, { read }) => {
    const again = here(a);
    a.bl(read);
    a.cmp(r1, r6);
    a.beq(again);
  },
  (a, _, { thumb }) => {
    a.adr(r2, thumb);
    a.add(r2, r2, 1);
    a.blx(r2);
  },
  (a) => {
    const again = here(a);
    a.ldm(r5, [r1, r2, r3]);
    a.cmp(r1, r6);
    a.beq(again);
  },
  // Counts, so that no iteration is like the one before.
  (a) => {
    const again = here(a);
    a.ldr(r1, [r5]);
    a.add(r11, r11, 1);
    a.cmp(r1, r6);
    a.beq(again);
  },
  // The counter.
  (a, { size }) => {
    a.mrrc(reg.CNTPCT, r1, r2);
    a.add(r4, r1, size >>> 4);
    const again = here(a);
    a.mrrc(reg.CNTPCT, r1, r2);
    a.cmp(r1, r4);
    a.bmi(again);
  },
  // The system timer.
  (a, { size }) => {
    a.ldr(r1, [r8, CLO]);
    a.add(r4, r1, size >>> 6);
    const again = here(a);
    a.ldr(r1, [r8, CLO]);
    a.cmp(r1, r4);
    a.bmi(again);
  },
  // A match of the system timer.
  (a) => {
    const again = here(a);
    a.ldr(r1, [r8]);
    a.tst(r1, 2);
    a.beq(again);
  },
  // The mailbox, which is cleared.
  (a) => {
    const again = here(a);
    a.ldr(r1, [r7, LOCAL_MAILBOX3_CLR]);
    a.cmp(r1, 0);
    a.beq(again);
    a.str(r1, [r7, LOCAL_MAILBOX3_CLR]);
  },
  (a) => {
    const again = here(a);
    a.wfe();
    a.ldr(r1, [r5]);
    a.cmp(r1, r6);
    a.beq(again);
  },
  (a) => {
    const again = here(a);
    a.ldrex(r1, [r5]);
    a.cmp(r1, r6);
    a.beq(again);
    a.add(r2, r1, 1);
    a.strex(r3, r2, [r5]);
    a.add(r11, r11, r3);
  },
  // As hypberry's block waits, for its mailbox.
  (a) => {
    const again = here(a);
    a.ldr(r1, [r7, LOCAL_MAILBOX3_CLR]);
    a.cmp(r1, 0);
    a.wfeeq();
    a.beq(again);
    a.str(r1, [r7, LOCAL_MAILBOX3_CLR]);
  },
  // As Linux waits for a lock.
  (a) => {
    const [look, again] = [a.label('look'), a.label('again')];
    a.ldrh(r1, [r5]);
    a.b(look);
    a.at(again);
    a.wfe();
    a.ldrh(r1, [r5]);
    a.uxth(r1, r1);
    a.at(look);
    a.and(r2, r6, 0xff);
    a.and(r1, r1, 0xff);
    a.cmp(r1, r2);
    a.beq(again);
  },
  // Counts how often it was woken.
  (a) => {
    const again = here(a);
    a.wfe();
    a.add(r11, r11, 1);
    a.ldr(r1, [r5]);
    a.cmp(r1, r6);
    a.beq(again);
  },
  // Two looks, and only then it sleeps.
  (a) => {
    const [again, out] = [a.label('again'), a.label('out')];
    a.at(again);
    a.ldr(r1, [r5]);
    a.cmp(r1, r6);
    a.bne(out);
    a.ldrb(r2, [r5, 4]);
    a.wfe();
    a.ldrb(r3, [r5, 5]);
    a.cmp(r2, r3);
    a.wfeeq();
    a.b(again);
    a.at(out);
  },
  // Has events come with time, or no more.
  (a, { size }) => {
    constant(a, r1, (size & 4) | ((size & 0xf0) % 0xa0) | (size & 8));
    a.mcr(reg.CNTKCTL, r1);
  },
  // The UART is empty at once.
  (a) => {
    constant(a, r4, UART0_BASE);
    const again = here(a);
    a.ldr(r1, [r4, FR]);
    a.tst(r1, 0x80);
    a.beq(again);
  },
  // The virtual counter, all 64 bits of how far it has come, in several blocks.
  (a, { size }) => {
    const [look, again] = [a.label('look'), a.label('again')];
    a.mrrc(reg.CNTVCT, r3, r4);
    a.b(look);
    a.at(again);
    a.yield();
    a.at(look);
    a.isb();
    a.mrrc(reg.CNTVCT, r1, r2);
    a.subs(r1, r1, r3);
    a.sbc(r2, r2, r4);
    a.cmp(r1, (size & 0xff) << 4);
    a.sbcs(r2, r2, 0);
    a.blo(again);
  },
  // 32 bits of it, and in vain for what is in memory.
  (a, { size }) => {
    const again = a.label('again');
    a.mrrc(reg.CNTPCT, r3, r4);
    a.at(again);
    a.ldr(r4, [r5, 4]);
    a.mrrc(reg.CNTPCT, r1, r2);
    a.sub(r2, r1, r3);
    a.cmp(r2, (size & 0xff) << 2);
    a.blo(again);
    a.add(r11, r11, r4);
  },
  // Counts its looks at the counter.
  (a, { size }) => {
    a.mrrc(reg.CNTPCT, r3, r4);
    const again = here(a);
    a.mrrc(reg.CNTPCT, r1, r2);
    a.add(r11, r11, 1);
    a.sub(r2, r1, r3);
    a.cmp(r2, size & 0xff);
    a.blo(again);
  },
  // Until a bit of it is set.
  (a) => {
    const again = here(a);
    a.mrrc(reg.CNTPCT, r1, r2);
    a.lsl(r3, r1, 23);
    a.cmp(r3, 0);
    a.bpl(again);
  },
  // As Linux' delays do: by calls, which keep registers on the stack.
  (a, { size }, { count }) => {
    a.bl(count);
    a.mov(r3, r1);
    const again = here(a);
    a.bl(count);
    a.sub(r2, r1, r3);
    a.cmp(r2, (size & 0xff) << 2);
    a.blo(again);
  },
  // The same, and keeps on the stack what the next look begins with.
  (a, { size }, { count }) => {
    a.bl(count);
    a.push([r1, r11]);
    const again = here(a);
    a.bl(count);
    a.pop([r3, r11]);
    a.add(r11, r11, 1);
    a.push([r3, r11]);
    a.sub(r2, r1, r3);
    a.cmp(r2, size & 0xff);
    a.blo(again);
    a.pop([r3, r11]);
  },
];
/** The last of them wait for the counter. */
const COUNTER_WAITS = 6;

/** What core 0 does to those who wait. */
const acts: readonly Emit[] = [
  (a, { size }) => {
    constant(a, r1, size << 4);
    const again = here(a);
    a.subs(r1, r1, 1);
    a.bne(again);
  },
  (a, { size }) => {
    constant(a, r1, size);
    a.str(r1, [r5]);
  },
  (a, { size }) => {
    a.mov(r1, size & 0xff);
    a.strb(r1, [r5, size & 7]);
  },
  (a, { size }) => {
    constant(a, r4, LOCAL_BASE + 16 * (1 + (size % (CORES - 1))));
    a.mov(r1, 1);
    a.str(r1, [r4, LOCAL_MAILBOX3_SET]);
  },
  (a) => {
    a.sev();
  },
  // Writes an instruction of the others' over itself.
  (a, _, { read }) => {
    a.adr(r4, read);
    a.ldr(r1, [r4]);
    a.str(r1, [r4]);
  },
  (a, { size }) => {
    a.ldr(r1, [r8, CLO]);
    a.add(r1, r1, 1 + (size >>> 6));
    a.str(r1, [r8, C1]);
  },
  (a) => {
    a.mov(r1, 2);
    a.str(r1, [r8]);
  },
  (a) => {
    a.mcr(reg.TLBIALLIS, r1);
    a.dsb();
  },
  (a) => {
    constant(a, r4, UART0_BASE);
    a.mov(r1, 0x2a);
    a.str(r1, [r4]);
  },
  waits[7]!,
  waits[8]!,
  ...waits.slice(-COUNTER_WAITS),
  // Has the core timer count otherwise, or stand still for a while.
  (a, { size }) => {
    const [stopped, prescaler] = [size & 1, PRESCALERS[(size >>> 1) % PRESCALERS.length]!];
    constant(a, r4, LOCAL_BASE);
    constant(a, r1, stopped ? 0 : prescaler);
    a.str(r1, [r4, LOCAL_PRESCALER]);
    a.mov(r1, (size & 0x18) << 5);
    a.str(r1, [r4, LOCAL_CONTROL]);
    constant(a, r1, size << 4);
    const again = here(a);
    a.subs(r1, r1, 1);
    a.bne(again);
    constant(a, r1, prescaler);
    a.str(r1, [r4, LOCAL_PRESCALER]);
  },
  // Sets it.
  (a, { size }) => {
    constant(a, r4, LOCAL_BASE);
    constant(a, r1, size << 20);
    a.str(r1, [r4, CORE_TIMER_LS.offset]);
    a.str(r1, [r4, CORE_TIMER_MS.offset]);
  },
];

function here(a: Assembler): Label {
  const label = a.label('again');
  a.at(label);
  return label;
}

/** Reads the counter to r1 and r2 as Linux does, by a function that calls another and keeps registers on the stack. */
function countByCalls(a: Assembler, count: Label): void {
  const counter = a.label('counter');
  a.at(count);
  a.push([r4, lr]);
  a.push([lr]);
  a.add(sp, sp, 4);
  a.bl(counter);
  a.pop([r4, pc]);
  a.at(counter);
  a.isb();
  a.mrrc(reg.CNTPCT, r1, r2);
  a.bx(lr);
}

/** A kernel whose core 0 does acts, for ever, while the others wait in one way after another. */
function kernelOf(
  own: readonly Step[],
  others: readonly (readonly Step[])[],
): { code: Uint8Array; own: number } {
  const a = assembler(KERNEL);
  const [secondary, read, thumb] = [a.label('secondary'), a.label('read'), a.label('thumb')];
  const count = a.label('count');
  const places = { read, thumb, count };
  const starts = others.map(() => a.label('start'));
  bases(a);
  a.cmp(r10, 0);
  a.bne(secondary);
  startCoreTimer(a);
  for (let core = 1; core < CORES; core++) {
    constant(a, r4, LOCAL_BASE + 16 * core);
    constant(a, r1, KERNEL);
    a.str(r1, [r4, LOCAL_MAILBOX3_SET]);
  }
  a.dsb();
  a.sev();
  const first = here(a);
  for (const step of own) acts[step.kind % acts.length]!(a, step, places);
  a.b(first);
  const end = a.here;
  a.at(read);
  a.ldr(r1, [r5]);
  a.bx(lr);
  a.at(thumb);
  a.word(...THUMB_WAIT);
  countByCalls(a, count);
  a.at(secondary);
  a.cmp(r10, 2);
  starts.forEach((start, i) => {
    if (i === 0) a.bmi(start);
    else if (i === 1) a.beq(start);
    else a.b(start);
  });
  others.forEach((steps, i) => {
    a.at(starts[i]!);
    for (const step of steps) {
      waits[step.kind % waits.length]!(a, step, places);
      a.ldr(r6, [r5]);
      a.str(r11, [r5, 16 + 4 * i]);
    }
    a.b(starts[i]!);
  });
  return { code: a.assemble(), own: end };
}

/** All that the architecture knows of a machine, and what the run has counted. */
function stateOf({ cpu }: BuiltInPi): unknown {
  const { machine: m } = cpu;
  return {
    time: cpu.time,
    cores: m.cores.map((core) => {
      const at = core === m.core ? 0 : L.CORES + core.index * L.CORE_SIZE;
      const bytes = m.u8.slice(at, at + L.CORE_SIZE);
      // How far the interpreter is in a slice is nothing of the core's.
      bytes.fill(0, L.BUDGET, L.LEAVE + 4);
      const { executed, ahead, waiting, event, timerDeadline, irq, fiq } = core;
      return {
        executed,
        ahead,
        waiting,
        event,
        timerDeadline,
        irq,
        fiq,
        bytes: Buffer.from(bytes).toString('base64'),
      };
    }),
    shared: [...cpu.memory.observe(SHARED, 64).slice()],
  };
}

const step = fc.record({ kind: fc.nat(999), size: fc.integer({ min: 1, max: 0xfff }) });

/** How a machine runs, which makes no difference. */
interface How {
  readonly passesWaits: boolean;
  readonly translates: number | 'never';
}
const PASSED: How = { passesWaits: true, translates: 'never' };
const EXECUTED: How = { passesWaits: false, translates: 'never' };
const TRANSLATED: How = { passesWaits: true, translates: 2 };

/** Runs a kernel twice, with waits passed over and executed: both are the same at every stretch's end. */
async function compare(
  stub: Uint8Array,
  own: readonly Step[],
  others: readonly (readonly Step[])[],
  stretches: readonly number[],
  how = PASSED,
): Promise<void> {
  const kernel = kernelOf(own, others);
  const make = async ({ passesWaits, translates }: How) => {
    // Too much to keep: a hash (FNV-1a over words) and how much it was.
    const seen = { hash: 0, count: 0 };
    const see = (...values: readonly number[]): void => {
      for (const value of values) seen.hash = Math.imul(seen.hash ^ value, 0x0100_0193);
      seen.count++;
    };
    const pi = await createBuiltInPi(
      handoverOf([0, stub], [KERNEL, kernel.code]),
      (bytes) => {
        see(...bytes);
      },
      [
        ({ cpu }) => ({
          watch: {
            // Core 0's part: what is looked at is executed in any case.
            wants: (physical) => physical >= KERNEL && physical < kernel.own,
            instruction: (core, address) => {
              see(cpu.now(), core.index, address);
              return false;
            },
          },
        }),
      ],
    );
    pi.cpu.passesWaits = passesWaits;
    pi.cpu.translates = translates;
    return { pi, seen };
  };
  const [passed, executed] = [await make(how), await make(EXECUTED)];
  let time = 0;
  for (const stretch of stretches) {
    time += stretch;
    passed.pi.advance(time);
    executed.pi.advance(time);
    expect(stateOf(passed.pi)).toEqual(stateOf(executed.pi));
    expect(passed.seen).toEqual(executed.seen);
  }
}

test.each([
  ['waits are passed over', PASSED],
  ['all code is translated', TRANSLATED],
])(
  'a run in which %s is the one in which all is executed',
  async (_, how) => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...stubs),
        fc.array(step, { minLength: 3, maxLength: 12 }),
        fc.array(fc.array(step, { minLength: 1, maxLength: 4 }), {
          minLength: CORES - 1,
          maxLength: CORES - 1,
        }),
        fc.array(fc.integer({ min: 1, max: 60_000 }), { minLength: 8, maxLength: 8 }),
        fc.constant(how),
        compare,
      ),
      { numRuns: 6, endOnFailure: true },
    );
  },
  120_000,
);

test('waits for the counter come to their ends as if they were executed', async () => {
  const kinds = waits.slice(-COUNTER_WAITS).map((_, n) => waits.length - COUNTER_WAITS + n);
  const stretches = Array.from({ length: 40 }, () => 7919);
  // Core 0 is busy with stores that nobody looks at, then the counter, too; or with itself.
  const looks = Array.from({ length: COUNTER_WAITS + 2 }, (_, n) => acts.length - COUNTER_WAITS - 2 + n);
  for (const size of [3, 40, 0xff]) {
    const steps = kinds.map((kind) => ({ kind, size }));
    const others = [steps, steps.toReversed(), steps.slice(0, 2)];
    await compare(
      stubs[1],
      [2, ...looks].map((kind) => ({ kind, size })),
      others,
      stretches,
    );
    await compare(stubs[1], [{ kind: 0, size: 0xfff }], others, stretches);
  }
}, 120_000);

test.each([0, 1])('cores that wait in a stub without WFE cost next to nothing (%i)', async (generation) => {
  const a = assembler(KERNEL);
  const busy = here(a);
  a.add(r11, r11, 1);
  a.b(busy);
  const looks: number[] = [];
  for (const passesWaits of [true, false]) {
    const pi = await createBuiltInPi(
      handoverOf([0, stubs[generation]!], [KERNEL, a.assemble()]),
      () => undefined,
    );
    pi.cpu.passesWaits = passesWaits;
    const { local } = pi.board;
    let count = 0;
    const read = local.read.bind(local);
    local.read = (offset) => {
      count++;
      return read(offset);
    };
    pi.run(1e6);
    looks.push(count);
  }
  const [passed, executed] = looks as [number, number];
  // Three cores, an iteration of three instructions, a nanosecond each.
  expect(executed).toBeGreaterThan(900_000);
  expect(passed).toBeLessThan(executed / 100);
});

test.each([
  ['as reset leaves it', 0],
  ['of every 13 µs', 4 | (7 << 4)],
])('cores that sleep in a stub are not brought in for each SEV, event stream %s', async (_, streams) => {
  const a = assembler(KERNEL);
  const secondary = a.label('secondary');
  bases(a);
  a.cmp(r10, 0);
  a.bne(secondary);
  startCoreTimer(a);
  const busy = here(a);
  for (let n = 0; n < 50; n++) a.add(r11, r11, 1);
  a.sev();
  a.b(busy);
  a.at(secondary);
  constant(a, r1, streams);
  a.mcr(reg.CNTKCTL, r1);
  const again = here(a);
  a.ldr(r1, [r7, LOCAL_MAILBOX3_CLR]);
  a.cmp(r1, 0);
  a.wfeeq();
  a.beq(again);
  const start = assembler();
  constant(start, r4, KERNEL);
  start.bx(r4);
  const brought: number[] = [];
  const states: unknown[] = [];
  for (const passesWaits of [true, false]) {
    const pi = await createBuiltInPi(
      handoverOf([0, start.assemble()], [KERNEL, a.assemble()]),
      () => undefined,
      [recordTimeline],
    );
    pi.cpu.passesWaits = passesWaits;
    const { machine } = pi.cpu;
    let { core } = machine;
    let count = 0;
    Object.defineProperty(machine, 'core', {
      get: () => core,
      set: (next: typeof core) => {
        count++;
        core = next;
      },
    });
    pi.run(5e5);
    brought.push(count);
    states.push([stateOf(pi), pi.report()]);
  }
  expect(states[0]).toEqual(states[1]);
  const [passed, executed] = brought as [number, number];
  expect(executed).toBeGreaterThan(10_000);
  expect(passed).toBeLessThan(executed / 20);
});

test('cores that sleep for a flag see it when it comes, with timers that end and events that come meanwhile', async () => {
  const a = assembler(KERNEL);
  const secondary = a.label('secondary');
  bases(a);
  a.cmp(r10, 0);
  a.bne(secondary);
  startCoreTimer(a);
  // Each SEV but one in 16 is for nothing.
  a.mov(r6, 0);
  const busy = here(a);
  for (let n = 0; n < 20; n++) a.add(r11, r11, 1);
  a.add(r6, r6, 1);
  a.lsr(r1, r6, 4);
  a.str(r1, [r5]);
  a.sev();
  a.b(busy);
  a.at(secondary);
  // Cores 2 and 3 have events that come with time.
  a.cmp(r10, 2);
  a.mov(r1, 0);
  a.movhs(r1, 4 | (5 << 4));
  a.mcr(reg.CNTKCTL, r1);
  a.add(r4, r5, r10, lsl(4));
  a.mov(r6, 0);
  const again = here(a);
  a.ldr(r1, [r5]);
  a.cmp(r1, r6);
  a.wfeeq();
  a.beq(again);
  a.mov(r6, r1);
  a.mrrc(reg.CNTVCT, r1, r2);
  a.str(r6, [r4]);
  a.str(r1, [r4, 4]);
  // A timer, whose interrupt is masked, some ticks later.
  a.and(r1, r6, 0xf);
  a.add(r1, r1, 1);
  a.mcr(reg.CNTV_TVAL, r1);
  a.mov(r1, 1);
  a.mcr(reg.CNTV_CTL, r1);
  a.b(again);
  const start = assembler();
  constant(start, r4, KERNEL);
  start.bx(r4);
  const make = async (passesWaits: boolean): Promise<BuiltInPi> => {
    const pi = await createBuiltInPi(
      handoverOf([0, start.assemble()], [KERNEL, a.assemble()]),
      () => undefined,
    );
    pi.cpu.passesWaits = passesWaits;
    return pi;
  };
  const [passed, executed] = [await make(true), await make(false)];
  for (let time = 0; time < 8e5; time += 3989) {
    passed.advance(time);
    executed.advance(time);
    expect(stateOf(passed)).toEqual(stateOf(executed));
  }
  for (let core = 1; core < CORES; core++)
    expect(ramWords(passed.cpu, SHARED + 16 * core, 1)[0]).toBeGreaterThan(100);
});

/** How often MRRC is executed by a kernel whose core 0 has a delay and then sleeps, with waits passed over and without. */
async function counterReads(kernel: Uint8Array, nanoseconds: number): Promise<readonly [number, number]> {
  const reads: number[] = [];
  for (const passesWaits of [true, false]) {
    const pi = await createBuiltInPi(handoverOf([0, stubs[2]], [KERNEL, kernel]), () => undefined);
    pi.cpu.passesWaits = passesWaits;
    pi.run(5e5);
    let count = 0;
    for (const decoded of pi.cpu.machine.instructions) {
      if (decoded.encoding?.operation !== 'MRRC') continue;
      const { execute } = decoded;
      Object.assign(decoded, {
        execute: (...them: Parameters<typeof execute>) => {
          count++;
          execute(...them);
        },
      });
    }
    pi.run(nanoseconds);
    expect(pi.cpu.machine.cores[0]!.waiting).toBe('interrupt');
    reads.push(count);
  }
  return reads as [number, number];
}

/** Waits for so many counts, in a register or as a constant. */
function delay(a: Assembler, counts: typeof r6 | number): void {
  const loop = a.label('delay');
  a.mrrc(reg.CNTVCT, r3, r4);
  a.at(loop);
  a.yield();
  a.isb();
  a.mrrc(reg.CNTVCT, r1, r2);
  a.subs(r1, r1, r3);
  a.sbc(r2, r2, r4);
  if (typeof counts === 'number') a.cmp(r1, counts);
  else a.cmp(r1, counts);
  a.sbcs(r2, r2, 0);
  a.blo(loop);
}

test('a core that waits for the counter, as a delay of Linux does, reads it a few times a turn', async () => {
  const a = assembler(KERNEL);
  const secondary = a.label('secondary');
  bases(a);
  a.cmp(r10, 0);
  a.bne(secondary);
  startCoreTimer(a);
  // 2 ms.
  constant(a, r6, 38_400);
  delay(a, r6);
  a.at(secondary);
  const end = here(a);
  a.wfi();
  a.b(end);
  const [passed, executed] = await counterReads(a.assemble(), 4e6);
  expect(executed).toBeGreaterThan(100_000);
  expect(passed).toBeLessThan(executed / 200);
});

test('so does one that reads it by calls, which keep registers on the stack', async () => {
  const a = assembler(KERNEL);
  const [secondary, count] = [a.label('secondary'), a.label('count')];
  bases(a);
  a.cmp(r10, 0);
  a.bne(secondary);
  startCoreTimer(a);
  constant(a, r6, 38_400);
  a.bl(count);
  a.mov(r3, r1);
  const again = here(a);
  a.bl(count);
  a.sub(r2, r1, r3);
  a.cmp(r2, r6);
  a.blo(again);
  a.at(secondary);
  const end = here(a);
  a.wfi();
  a.b(end);
  countByCalls(a, count);
  const [passed, executed] = await counterReads(a.assemble(), 4e6);
  expect(executed).toBeGreaterThan(50_000);
  expect(passed).toBeLessThan(executed / 100);
});

test('so does one that waits for long by short delays, as mdelay does', async () => {
  const a = assembler(KERNEL);
  const [secondary, again] = [a.label('secondary'), a.label('again')];
  bases(a);
  a.cmp(r10, 0);
  a.bne(secondary);
  startCoreTimer(a);
  // 100 times 20 µs, a shorter time than that between two looks of the machine at its devices.
  a.mov(r6, 100);
  a.at(again);
  delay(a, 384);
  a.subs(r6, r6, 1);
  a.bne(again);
  a.at(secondary);
  const end = here(a);
  a.wfi();
  a.b(end);
  const [passed, executed] = await counterReads(a.assemble(), 3e6);
  expect(executed).toBeGreaterThan(100_000);
  expect(passed).toBeLessThan(executed / 30);
});

test('a loop that counts in memory alone, and has its registers as they were each time, comes to its end', async () => {
  const COUNTED = 0x4000;
  const a = assembler(KERNEL);
  const secondary = a.label('secondary');
  bases(a);
  a.cmp(r10, 0);
  a.bne(secondary);
  const again = here(a);
  a.ldr(r1, [r5]);
  a.add(r1, r1, 1);
  a.str(r1, [r5]);
  // What the flags are made of is the same, too, until the last.
  a.tst(r1, COUNTED);
  a.mov(r1, 0);
  a.beq(again);
  a.str(r10, [r5, 4]);
  a.at(secondary);
  const end = here(a);
  a.wfi();
  a.b(end);
  const start = assembler();
  constant(start, r4, KERNEL);
  start.bx(r4);
  const states = [];
  for (const passesWaits of [true, false]) {
    const shared = Uint8Array.of(0, 0, 0, 0, 7, 0, 0, 0);
    const pi = await createBuiltInPi(
      handoverOf([0, start.assemble()], [SHARED, shared], [KERNEL, a.assemble()]),
      () => undefined,
    );
    pi.cpu.passesWaits = passesWaits;
    pi.run(50_000);
    const early = stateOf(pi);
    expect(ramWords(pi.cpu, SHARED, 2)[1]).toBe(7);
    pi.run(1e6);
    expect([...ramWords(pi.cpu, SHARED, 2)]).toEqual([COUNTED, 0]);
    states.push([early, stateOf(pi)]);
  }
  expect(states[0]).toEqual(states[1]);
});

test('a wait whose page another core maps elsewhere is over', async () => {
  // Core 0 makes a page of the flag's address point to where another value is, and tells all TLBs.
  const a = assembler(KERNEL);
  const TABLE = 0x4000;
  const SECTION = 0x0010_0000;
  const VIRTUAL = 0x0200_0000;
  const [others, ends] = [a.label('others'), a.label('ends')];
  bases(a);
  constant(a, r1, TABLE);
  a.mcr(reg.TTBR0, r1);
  constant(a, r1, 0x5555_5555);
  a.mcr(reg.DACR, r1);
  a.mrc(reg.SCTLR, r1);
  a.orr(r1, r1, 1);
  a.mcr(reg.SCTLR, r1);
  a.isb();
  constant(a, r6, VIRTUAL);
  a.cmp(r10, 0);
  a.bne(others);
  constant(a, r1, 40_000);
  const delay = here(a);
  a.subs(r1, r1, 1);
  a.bne(delay);
  constant(a, r1, TABLE + (VIRTUAL >>> 18));
  constant(a, r2, (SECTION * 2) | 0xc02);
  a.str(r2, [r1]);
  a.dsb();
  a.mcr(reg.TLBIALLIS, r1);
  a.dsb();
  a.at(ends);
  a.wfi();
  a.b(ends);
  a.at(others);
  const wait = here(a);
  a.ldr(r1, [r6]);
  a.cmp(r1, 0);
  a.beq(wait);
  a.add(r2, r5, r10, lsl(2));
  a.str(r1, [r2]);
  a.b(ends);
  const start = assembler();
  constant(start, r4, KERNEL);
  start.bx(r4);
  const table = new Uint32Array(4096);
  for (let i = 0; i < table.length; i++) table[i] = (i * SECTION + 0xc02) >>> 0;
  table[VIRTUAL / SECTION] = SECTION | 0xc02;
  const flag = Uint8Array.of(7, 0, 0, 0);
  const states = [];
  for (const passesWaits of [true, false]) {
    const pi = await createBuiltInPi(
      handoverOf(
        [0, start.assemble()],
        [TABLE, new Uint8Array(table.buffer)],
        [KERNEL, a.assemble()],
        [2 * SECTION, flag],
      ),
      () => undefined,
    );
    pi.cpu.passesWaits = passesWaits;
    pi.run(100_000);
    const early = stateOf(pi);
    pi.run(1e6);
    expect([...ramWords(pi.cpu, SHARED, CORES)]).toEqual([0, 7, 7, 7]);
    states.push([early, stateOf(pi)]);
  }
  expect(states[0]).toEqual(states[1]);
});
