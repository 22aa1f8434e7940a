import { createHash } from 'node:crypto';
import { beforeAll, describe, expect, it } from 'vitest';
import { bootFiles } from '../../scripts/lib/card-image.js';
import { gzipKernel } from '../../scripts/lib/gzip-kernel.js';
import { inputs } from '../../scripts/lib/inputs.js';
import * as L from '../../src/cpu/layout.js';
import { createBuiltInPi, type BuiltInPi, type PiState } from '../../src/engine/built-in.js';
import { prepareHandover } from '../../src/firmware/prepare.js';
import type { Handover } from '../../src/firmware/handover.js';
import { randomFrom } from '../board/rig.js';
import { memoryCard } from '../support/memory-card.js';

/** HYPBERRY_SAVES=n adds n points at times from HYPBERRY_SEED. */
const MORE_POINTS = Number(process.env['HYPBERRY_SAVES'] ?? 0);
const SEED = Number(process.env['HYPBERRY_SEED'] ?? 1);

/** What the run ends with. */
const END = 'All CPU(s) started in';
/** Nanoseconds between two looks. */
const STEP = 1_000_000;
/** Instructions, from a restored machine on, that are seen one by one. */
const SEEN = 50_000;

/** A machine at one time: instructions and registers of every core. */
function fingerprint({ cpu }: BuiltInPi): string {
  const { machine } = cpu;
  const registers = machine.u8.slice(0, L.CORES + machine.cores.length * L.CORE_SIZE);
  for (const core of [0, ...machine.cores.map((_, i) => L.CORES + i * L.CORE_SIZE)]) {
    // Numbers that the TLB gives out as it needs them: each save begins them anew.
    registers.fill(0, core + L.CONTEXT, core + L.CONTEXT + 4);
    // Temporaries mean nothing between instructions: translated code does not write them.
    registers.fill(0, core + L.TEMP, core + L.N);
  }
  // The running core's stand in front of all; in its own place is what it had when another one ran. What is left of a
  // slice means nothing for the others: which of them was brought in last depends on what was passed over.
  const place = (index: number): number => L.CORES + index * L.CORE_SIZE;
  registers.fill(0, place(machine.core.index), place(machine.core.index + 1));
  for (const { index } of machine.cores)
    registers.fill(0, place(index) + L.BUDGET, place(index) + L.BUDGET + 4);
  const executed = machine.cores.map((core) => core.executed);
  return `${cpu.time} ${executed.join(' ')} ${createHash('sha256').update(registers).digest('hex')}`;
}

/** What a run left, from one point on. */
interface Rest {
  readonly fingerprints: readonly string[];
  readonly said: string;
  readonly ram: string;
}

/** Runs to the end; `each` is called at every look, with what was said so far. */
function runOn(pi: BuiltInPi, said: () => string, each: (said: string) => void = () => undefined): Rest {
  const from = said().length;
  const fingerprints: string[] = [];
  while (!said().includes(END)) {
    pi.advance(pi.cpu.time + STEP);
    expect(pi.ending).toBeUndefined();
    fingerprints.push(fingerprint(pi));
    each(said());
  }
  return {
    fingerprints,
    said: said().slice(from),
    ram: createHash('sha256').update(pi.cpu.memory.observe(0, 0x1000_0000)).digest('hex'),
  };
}

/** The next instructions, core and address each. */
function nextInstructions(pi: BuiltInPi): string {
  const seen = createHash('sha256');
  let left = SEEN;
  pi.cpu.watch({
    wants: () => true,
    instruction: ({ index }, address, _, word) => {
      seen.update(`${index} ${address} ${word}\n`);
      return --left === 0;
    },
  });
  while (left > 0) pi.advance(pi.cpu.time + STEP);
  return seen.digest('hex');
}

async function start(machine: Handover, before = ''): Promise<{ pi: BuiltInPi; said: () => string }> {
  let said = before;
  const pi = await createBuiltInPi(machine, (bytes) => {
    said += Buffer.from(bytes).toString('latin1');
  });
  return { pi, said: () => said };
}

describe('a machine that is saved in the middle of a boot of Linux', () => {
  let machine: Handover;
  beforeAll(async () => {
    const found = await inputs();
    const files = await bootFiles(await gzipKernel(found.bookworm), found.firmware, {
      commandLine: 'earlycon=pl011,0x3f201000 console=ttyAMA0,115200',
    });
    machine = await prepareHandover(memoryCard(Object.fromEntries(files)));
  }, 300_000);

  it(
    'goes on in a fresh one as it would have, instruction for instruction',
    async () => {
      const { pi, said } = await start(machine);
      const random = randomFrom(SEED);
      const times = Array.from({ length: MORE_POINTS }, () => random(1_500_000_000));
      // While the kernel unpacks itself, as it turns its MMU on, and as the other cores come.
      const texts = ['Booting Linux', 'smp: Bringing up secondary CPUs'];
      const points = [
        () => pi.cpu.time >= 100_000_000,
        ...texts.map((text) => (all: string) => all.includes(text)),
      ];
      const wanted = [...points, ...times.map((time) => () => pi.cpu.time >= time)];
      const saved: { readonly state: PiState; readonly at: number; readonly said: string }[] = [];
      let looks = 0;
      const whole = runOn(pi, said, (all) => {
        looks++;
        for (const [index, point] of wanted.entries()) {
          if (!point(all)) continue;
          wanted.splice(index, 1);
          saved.push({ state: pi.save(), at: looks, said: all });
          break;
        }
      });
      expect(saved.length).toBeGreaterThanOrEqual(3);
      for (const { state, at, said: before } of saved) {
        const other = await start(machine, before);
        other.pi.restore(state);
        const rest = runOn(other.pi, other.said);
        expect(rest.fingerprints).toEqual(whole.fingerprints.slice(at));
        expect(before + rest.said).toBe(whole.said);
        expect(rest.ram).toBe(whole.ram);
      }
      const [first, second] = [await start(machine), await start(machine)];
      for (const { state } of saved) {
        first.pi.restore(state);
        second.pi.restore(state);
        expect(nextInstructions(second.pi)).toBe(nextInstructions(first.pi));
      }
    },
    300_000 * (1 + MORE_POINTS),
  );
});
