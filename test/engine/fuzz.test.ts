import { expect, test } from 'vitest';
import { a32Encodings } from '../../src/isa/a32/index.js';
import { assembler } from '../../src/isa/assembler.js';
import { writeFields } from '../../src/isa/pattern.js';
import { lr, pc } from '../../src/isa/registers.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { randomFrom } from '../board/rig.js';
import { handoverOf } from '../support/handover.js';

/** HYPBERRY_FUZZ=n makes the run n times longer; HYPBERRY_SEED=n starts from another seed. */
const TIMES = Number(process.env['HYPBERRY_FUZZ'] ?? 1);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);
const GUESTS = 8 * TIMES;

/** Virtual time of a guest, and of one step of it, nanoseconds. */
const LIFE = 100_000;
const STEP = 20_000;
/** Milliseconds of this process's own time that a step may take: 80 000 instructions at the most. */
const LONGEST_STEP_MS = 2000;
/** Words that a guest is made of. */
const WORDS = 0x8000;
/** Where its instructions begin: behind the vectors, which go on behind what they were taken for. */
const FIRST = 16;

/** Exception vectors: most of what a random guest does is one. */
function vectors(): Uint32Array {
  const a = assembler();
  const [begin, handlers] = [
    a.label('begin'),
    Array.from({ length: 6 }, (_, i) => a.label(`vector ${i + 1}`)),
  ];
  a.b(begin);
  for (const handler of handlers) a.b(handler);
  // FIQ, then the others in their order: Undefined, SVC, Prefetch Abort, Data Abort, Hyp trap, IRQ.
  a.subs(pc, lr, 4);
  a.at(handlers[0]!, handlers[1]!);
  a.movs(pc, lr);
  a.at(handlers[2]!);
  a.b(begin);
  a.at(handlers[3]!, handlers[4]!, handlers[5]!);
  a.subs(pc, lr, 4);
  a.at(begin);
  return new Uint32Array(a.assemble().slice().buffer);
}

type Random = (below: number) => number;

/** A random instruction of the table, so that what is rare by chance is not rare here. */
function instruction(random: Random): number {
  const encoding = a32Encodings[random(a32Encodings.length)]!;
  const fields: Record<string, number> = {};
  for (const [name, { width }] of encoding.pattern.fields)
    fields[name] = name === 'cond' && random(4) ? 14 : random(2 ** width);
  return writeFields(encoding.pattern, fields);
}

/** A word of a random guest: an instruction, anything at all, or an address of a device. */
function word(random: Random): number {
  switch (random(8)) {
    case 0:
      return random(0x1_0000_0000);
    case 1:
      return 0x3f00_0000 + (random(0x100_0000) & ~3);
    case 2:
      return 0x4000_0000 + (random(0x200) & ~3);
    default:
      return instruction(random);
  }
}

test(`${GUESTS} random guests neither break nor hold up the machine (seed ${SEED})`, async () => {
  const random = randomFrom(SEED);
  const start = vectors();
  expect(start.length).toBeLessThanOrEqual(FIRST);
  let executed = 0;
  let ended = 0;
  let longest = 0;
  for (let guest = 0; guest < GUESTS; guest++) {
    const words = Uint32Array.from({ length: WORDS }, () => word(random));
    words.set(start);
    const pi = await createBuiltInPi(handoverOf([0, new Uint8Array(words.buffer)]), () => undefined);
    // Registers that point into devices and memory.
    const { machine } = pi.cpu;
    for (let r = 0; r < 15; r++) machine.u32[r] = word(random);
    for (let time = STEP; time <= LIFE && pi.ending === undefined; time += STEP) {
      const begin = process.cpuUsage();
      pi.run(time);
      longest = Math.max(longest, process.cpuUsage(begin).user / 1000);
    }
    if (pi.ending !== undefined) ended++;
    executed += machine.cores.reduce((sum, core) => sum + core.executed, 0);
  }
  process.stdout.write(
    `  ${GUESTS} guests, ${executed} instructions, ${ended} ended the machine, longest step ${longest} ms\n`,
  );
  expect(longest).toBeLessThan(LONGEST_STEP_MS);
  // They must have got somewhere.
  expect(executed).toBeGreaterThan(GUESTS * 1000);
}, 600_000);
