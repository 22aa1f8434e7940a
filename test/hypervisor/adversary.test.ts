/** A guest that does whatever it can, by seed: nobody else may notice. */
import { expect, test } from 'vitest';
import type { Assembler } from '../../src/isa/assembler.js';
import { lr, pc, r0, r1, r4, r5, r6, r7 } from '../../src/isa/registers.js';
import * as reg from '../../src/isa/system-registers.js';
import type { BuiltInPi } from '../../src/engine/built-in.js';
import * as L from '../../src/hypervisor/shared/layout.js';
import { randomFrom } from '../board/rig.js';
import { program } from './adversary.js';
import type { Attacked, Part } from './attacked.js';
import {
  keptByHypervisor,
  partOf,
  placeholder,
  runPrograms,
  startAttacked,
  unusedStack,
} from './attacked.js';
import {
  GICC,
  GICD,
  guest,
  GUEST_MEMORY,
  GUEST_RAM,
  HOST_TICKS,
  interruptedHost,
  load,
  smallGuest,
  smallImage,
} from './payloads.js';
import { ROUNDS, WITNESS_DATA, WRONG, witness, wrongs } from './witness.js';
import { HYP } from './worlds.js';
import { ramView } from '../support/ram.js';

/** HYPBERRY_FUZZ=n makes the runs n times longer; HYPBERRY_SEED=n starts from another seed. */
const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
/** Instructions of an adversary for a seed. */
const STEPS = 700_000 * TIMES;
/** A program's life, in ticks of this machine's counter. */
const LIFE = 500_000;
/** A host's tick is 10 µs then. */
const TICK_NS = 10_000;
const BOOTED_NS = 3_000_000;
/** Virtual time without a new program after which a seed is done: what it ran has stopped for good. */
const STALLED_NS = 25_000_000;
/** Ticks of the other guest's timer. */
const PERIOD = 40_000;
const [WITNESS, TICKING] = [1, 2];

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

const image = smallImage(interruptedHost(1), [
  guest(placeholder, { name: 'adversary', cores: [3, 2, 2] }),
  guest(witness(5, 4000), { name: 'witness', cores: [3] }),
  guest(ticking, { name: 'ticking', cores: [2] }),
]);
const { hypervisor, guestMemory, hostEnd } = image;
const at = (symbol: string): number => hypervisor.symbols.get(symbol)!;

/** Parts of memory that nobody may change from the start on. */
function kept(pi: BuiltInPi): Part[] {
  const [w, t] = [guestMemory[WITNESS]!, guestMemory[TICKING]!];
  // A core that makes a guest's memory has a window on it meanwhile.
  const windows = at('hypTables') + 4 * L.TABLE_SIZE + 8 * 8;
  return [
    ...keptByHypervisor(pi, image),
    partOf(pi, 'the host’s memory', 0, hostEnd, [HOST_TICKS, HOST_TICKS + 4]),
    partOf(pi, 'HYP mode’s tables', at('hypTables'), at('hypTables') + L.HYP_TABLES * L.TABLE_SIZE, [
      windows,
      windows + 4 * 8,
    ]),
    partOf(pi, 'the witness', w, w + GUEST_MEMORY, [w + WITNESS_DATA.from, w + WITNESS_DATA.to]),
    partOf(
      pi,
      'the ticking guest',
      t,
      t + GUEST_MEMORY,
      [t + TICKS, t + TICKS + 12],
      [t + PATTERN, t + PATTERN + PATTERN_BYTES],
    ),
  ];
}

/** Runs one program after another until there were enough instructions; gives how many there were. */
async function attack(seed: number, steps: number): Promise<Attacked> {
  const random = randomFrom(seed);
  const next = (number: number): Uint8Array => program(random, number, LIFE);
  const it = await startAttacked(image, next(1));
  const { pi, worlds, word } = it;
  pi.run(BOOTED_NS);
  const [before, booted] = [kept(pi), hostTicks(pi)];
  const shares = (): number[] => [worlds.instructions(3, 2), worlds.instructions(2, 3)];
  const [started, attacked] = [shares(), worlds.instructions(3, 1)];
  runPrograms(it, image, next, () => it.misbehaved() < steps, STALLED_NS);
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
  for (const unused of unusedStack(pi, image)) expect(unused).toBeGreaterThan(1024);
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

test.each([SEED, SEED + 1, SEED + 2])(
  'programs that do whatever they can hurt nobody (seed %i)',
  async (seed) => {
    const { pi, worlds, programs, misbehaved } = await attack(seed, STEPS);
    const hyp = worlds.instructions(2, HYP) + worlds.instructions(3, HYP);
    console.log(
      `seed ${seed}: ${programs} programs, ${misbehaved()} instructions, ${hyp} in HYP mode for them, ` +
        `${worlds.switches(2) + worlds.switches(3)} switches, ${Math.round(pi.cpu.time / 1000)} µs`,
    );
  },
  3_600_000,
);
