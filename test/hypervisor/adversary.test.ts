/** A guest that does whatever it can, by seed: nobody else may notice. */
import { expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { lr, pc, r0, r1, r4, r5, r6, r7 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import * as L from '../../src/hypervisor/shared/layout.js';
import { randomFrom } from '../board/rig.js';
import { NUMBER_AT, program, PROGRAM_SIZE } from './adversary.js';
import {
  GICC,
  GICD,
  guest,
  GUEST_KERNEL,
  GUEST_MEMORY,
  GUEST_RAM,
  handoverOf,
  HOST_TICKS,
  interruptedHost,
  load,
  smallGuest,
  smallImage,
} from './payloads.js';
import { ROUNDS, WITNESS_DATA, WRONG, witness, wrongs } from './witness.js';
import type { Worlds } from './worlds.js';
import { HYP, watchWorlds } from './worlds.js';
import { steadyCounter } from '../support/counter.js';
import { ramView } from '../support/ram.js';

/** HYPBERRY_FUZZ=n makes the runs n times longer; HYPBERRY_SEED=n starts from another seed. */
const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
/** Instructions of an adversary for a seed. */
const STEPS = 700_000 * TIMES;
/** The system counter of this machine, so much faster than the board's: a slice is 50 µs of virtual time. */
const COUNTER = 1_920_000_000;
/** A program's life, in ticks of it. */
const LIFE = 500_000;
/** A host's tick is 10 µs then. */
const TICK_NS = 10_000;
const BOOTED_NS = 3_000_000;
const STEP_NS = 50_000;
/** Virtual time without a new program after which a seed is done: what it ran has stopped for good. */
const STALLED_NS = 25_000_000;
/** Ticks of the other guest's timer. */
const PERIOD = 40_000;
const [ADVERSARY, WITNESS, TICKING] = [0, 1, 2];

/** Where the ticking guest counts its interrupts and rounds, says that something is wrong, and keeps its pattern. */
const TICKS = 0x4000;
const PATTERN = 0x10_0000;
const PATTERN_BYTES = 0x1000;

/** A guest that takes its timer's interrupts, and meanwhile writes a pattern and looks whether it is still there. */
const ticking = smallGuest(
  (a: Assembler) => {
    const [round, looking, wrong] = [a.label('round'), a.label('looking'), a.label('wrong')];
    for (const [address, value] of [
      [GICD, 1],
      [GICD + 0x100, 1 << 27],
      [GICC + 4, 0xf0],
      [GICC, 1],
    ] as const) {
      load(a, r0, address);
      load(a, r1, value);
      a.str(r1, [r0]);
    }
    load(a, r0, PERIOD);
    a.mcr(reg.CNTV_TVAL, r0);
    a.mov(r0, 1);
    a.mcr(reg.CNTV_CTL, r0);
    load(a, r4, GUEST_RAM + TICKS);
    a.mov(r5, 0);
    a.cpsie('i');
    a.at(round);
    load(a, r6, GUEST_RAM + PATTERN);
    load(a, r7, GUEST_RAM + PATTERN + PATTERN_BYTES);
    a.at(looking);
    a.ldr(r0, [r6]);
    a.cmp(r0, r5);
    a.bne(wrong);
    a.add(r0, r0, 1);
    a.str(r0, [r6], 4);
    a.cmp(r6, r7);
    a.blo(looking);
    a.add(r5, r5, 1);
    a.str(r5, [r4, 4]);
    a.b(round);
    a.at(wrong);
    a.mov(r0, 1);
    a.str(r0, [r4, 8]);
    a.b(wrong);
  },
  (a) => {
    a.mcr(reg.TPIDRURO, r0);
    a.mcr(reg.TPIDRURW, r1);
    load(a, r0, GICC);
    a.ldr(r1, [r0, 0xc]);
    a.str(r1, [r0, 0x10]);
    load(a, r1, PERIOD);
    a.mcr(reg.CNTV_TVAL, r1);
    a.ldr(r1, [r4]);
    a.add(r1, r1, 1);
    a.str(r1, [r4]);
    a.mrc(reg.TPIDRURO, r0);
    a.mrc(reg.TPIDRURW, r1);
    a.subs(pc, lr, 4);
  },
);

/** What there is before the first program: the file of each run has that in its place. */
const placeholder = new Uint8Array(PROGRAM_SIZE).map((_, i) => (i * 7 + (i >>> 8)) & 0xff);
const image = smallImage(interruptedHost(1), [
  guest(placeholder, { name: 'adversary', cores: [3, 2, 2] }),
  guest(witness(5, 4000), { name: 'witness', cores: [3] }),
  guest(ticking, { name: 'ticking', cores: [2] }),
]);
const { hypervisor, guestMemory, hostEnd } = image;
const at = (symbol: string): number => hypervisor.symbols.get(symbol)!;

interface Attack {
  readonly pi: BuiltInPi;
  readonly worlds: Worlds;
  readonly said: () => string;
  readonly word: (guest: number, offset: number) => number;
  /** Programs that began. */
  programs: number;
}

/** Starts the machine, with the first program in its file. */
async function begin(first: Uint8Array): Promise<Attack> {
  const file = image.file.slice();
  const place = Buffer.from(file.buffer).indexOf(placeholder);
  file.set(first, place);
  const worlds = watchWorlds();
  let said = '';
  const pi = await createBuiltInPi(
    handoverOf({ ...image, file }),
    (bytes) => {
      said += String.fromCharCode(...bytes);
    },
    [worlds.observe],
  );
  Object.assign(pi.cpu.machine, { counter: steadyCounter(COUNTER) });
  const view = ramView(pi.cpu);
  return {
    pi,
    worlds,
    said: () => said,
    word: (n, offset) => view.getUint32(guestMemory[n]! + offset, true),
    programs: 0,
  };
}

/** Parts of memory that nobody may change from the start on, and holes in them. */
function kept(pi: BuiltInPi): { what: string; bytes: Uint8Array }[] {
  const part = (what: string, from: number, to: number, ...holes: (readonly [number, number])[]) => {
    const bytes = pi.cpu.memory.observe(from, to - from).slice();
    for (const [first, end] of holes) bytes.fill(0, first - from, end - from);
    return { what, bytes };
  };
  const [w, t] = [guestMemory[WITNESS]!, guestMemory[TICKING]!];
  // The host's controllers are shown and hidden by two entries of its tables.
  const level3 = at('hostTables') + 3 * L.TABLE_SIZE;
  const entries = [level3 + 8 * 0xb, level3 + L.TABLE_SIZE];
  // A core that makes a guest's memory has a window on it meanwhile.
  const windows = at('hypTables') + 4 * L.TABLE_SIZE + 8 * 8;
  return [
    part('the host’s memory', 0, hostEnd, [HOST_TICKS, HOST_TICKS + 4]),
    part('the hypervisor’s code and configuration', at('vectors'), at('zeroFrom')),
    part('HYP mode’s tables', at('hypTables'), at('hypTables') + L.HYP_TABLES * L.TABLE_SIZE, [
      windows,
      windows + 4 * 8,
    ]),
    part(
      'the host’s tables',
      at('hostTables'),
      at('hostTables') + L.HOST_TABLES * L.TABLE_SIZE,
      ...entries.map((it) => [it, it + 8] as const),
    ),
    part('the guests’ tables', at('guestTables'), at('guestTables') + 6 * L.TABLE_SIZE),
    // Each vcpu's machine, number, core and place in its ring.
    ...[4, 5, 6, 7, 8].map((n) => {
      const from = at('vcpus') + n * L.VCPU_SIZE + L.VCPU_FRAME_SIZE;
      return part(`who vcpu ${n} is`, from, from + 16);
    }),
    part('the witness', w, w + GUEST_MEMORY, [w + WITNESS_DATA.from, w + WITNESS_DATA.to]),
    part(
      'the ticking guest',
      t,
      t + GUEST_MEMORY,
      [t + TICKS, t + TICKS + 12],
      [t + PATTERN, t + PATTERN + PATTERN_BYTES],
    ),
  ];
}

/** Bytes of each core's stack that were never used: they are still zero. */
function unusedStack(pi: BuiltInPi): number[] {
  return [0, 1, 2, 3].map((core) => {
    const from = at('stacks') + core * L.STACK_SIZE;
    return pi.cpu.memory.observe(from, L.STACK_SIZE).findIndex((it) => it !== 0);
  });
}

/** Runs one program after another until there were enough instructions; gives how many there were. */
async function attack(seed: number, steps: number): Promise<Attack> {
  const random = randomFrom(seed);
  let number = 1;
  const next = (): Uint8Array => program(random, number, LIFE);
  const it = await begin(next());
  const { pi, worlds, word } = it;
  pi.run(BOOTED_NS);
  const [before, booted] = [kept(pi), hostTicks(pi)];
  const copy = ramView(pi.cpu).getUint32(at('configuration') + 4 * (L.CONFIG_HEADER + L.GUEST_KERNEL), true);
  const shares = (): number[] => [worlds.instructions(3, 2), worlds.instructions(2, 3)];
  const [started, attacked] = [shares(), worlds.instructions(3, 1)];
  let began = pi.cpu.time;
  const done = (): number => misbehaved(worlds);
  while (done() < steps && pi.cpu.time - began < STALLED_NS) {
    pi.run(pi.cpu.time + STEP_NS);
    if (word(ADVERSARY, GUEST_KERNEL + NUMBER_AT) !== number) continue;
    // This one runs: a restart takes the next.
    began = pi.cpu.time;
    number++;
    it.programs++;
    pi.cpu.memory.load(copy, next());
  }
  const state = { ticks: hostTicks(pi), rounds: word(WITNESS, ROUNDS), ticking: word(TICKING, TICKS) };
  const from = pi.cpu.time;
  pi.run(from + 1_000_000);
  // Each has had its share of its core: one of two vcpus, and one of three. Making memory takes some: a piece of it no
  // thirtieth of a slice by the board's clock, but more than three slices by this one.
  const [witnessShare, tickingShare] = shares().map(
    (it, i) => (it - started[i]!) / (pi.cpu.time - BOOTED_NS),
  );
  const [witnessRan, adversaryRan] = [shares()[0]! - started[0]!, worlds.instructions(3, 1) - attacked];
  expect(witnessRan / (witnessRan + adversaryRan)).toBeGreaterThan(0.45);
  expect(witnessShare).toBeGreaterThan(0.25);
  expect(tickingShare).toBeGreaterThan(0.25);
  // Nobody was hurt.
  expect(worlds.wrong).toEqual([]);
  kept(pi).forEach(({ what, bytes }, i) => {
    expect(Buffer.compare(bytes, before[i]!.bytes), what).toBe(0);
  });
  expect(wrongs[word(WITNESS, WRONG)]).toBe('nothing');
  expect(word(TICKING, TICKS + 8)).toBe(0);
  for (const unused of unusedStack(pi)) expect(unused).toBeGreaterThan(1024);
  expect(it.said()).not.toContain('!');
  // And everybody goes on.
  const rate = ((hostTicks(pi) - booted) * TICK_NS) / (pi.cpu.time - BOOTED_NS);
  expect(rate).toBeGreaterThan(0.97);
  expect(((hostTicks(pi) - state.ticks) * TICK_NS) / (pi.cpu.time - from)).toBeGreaterThan(0.97);
  expect(word(WITNESS, ROUNDS)).toBeGreaterThan(state.rounds);
  expect(word(TICKING, TICKS)).toBeGreaterThan(state.ticking);
  return it;
}

const hostTicks = (pi: BuiltInPi): number => ramView(pi.cpu).getUint32(HOST_TICKS, true);

/** Instructions of those CPUs that do whatever they can. */
const misbehaved = (worlds: Worlds): number => worlds.instructions(3, 1, 0) + worlds.instructions(2, 1, 1);

test.each([SEED, SEED + 1, SEED + 2])(
  'programs that do whatever they can hurt nobody (seed %i)',
  async (seed) => {
    const { pi, worlds, programs } = await attack(seed, STEPS);
    const hyp = worlds.instructions(2, HYP) + worlds.instructions(3, HYP);
    console.log(
      `seed ${seed}: ${programs} programs, ${misbehaved(worlds)} instructions, ${hyp} in HYP mode for them, ` +
        `${worlds.switches(2) + worlds.switches(3)} switches, ${Math.round(pi.cpu.time / 1000)} µs`,
    );
  },
  3_600_000,
);
