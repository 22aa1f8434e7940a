/** A machine in which one guest runs programs of an adversary's, one after the other, and what nobody may change in it. */
import type { BuiltInPi } from '../../src/engine/built-in.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import type { HypervisorImage } from '../../src/hypervisor/image/image.js';
import * as L from '../../src/hypervisor/shared/layout.js';
import { steadyCounter } from '../support/counter.js';
import { ramView } from '../support/ram.js';
import { NUMBER_AT, PROGRAM_SIZE } from './adversary.js';
import { GUEST_KERNEL, handoverOf } from './payloads.js';
import type { Worlds } from './worlds.js';
import { watchWorlds } from './worlds.js';

/** The system counter of this machine, so much faster than the board's: a slice is 50 µs of virtual time. */
const COUNTER = 1_920_000_000;
/** Time between two looks whether another program has begun, in nanoseconds. */
export const STEP_NS = 50_000;

/** The kernel of the guest that is an adversary, which is the first: a program stands in its place. */
export const placeholder = new Uint8Array(PROGRAM_SIZE).map((_, i) => (i * 7 + (i >>> 8)) & 0xff);

export interface Attacked {
  readonly pi: BuiltInPi;
  readonly worlds: Worlds;
  /** What the board's serial port said. */
  readonly said: () => string;
  /** A word of a guest's memory. */
  readonly word: (guest: number, offset: number) => number;
  /** Instructions of those CPUs that do whatever they can. */
  readonly misbehaved: () => number;
  /** Programs that began. */
  programs: number;
}

/** Starts such a machine. */
export async function startAttacked(image: HypervisorImage, first: Uint8Array): Promise<Attacked> {
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
    word: (n, offset) => view.getUint32(image.guestMemory[n]! + offset, true),
    misbehaved: () => worlds.instructions(3, 1, 0) + worlds.instructions(2, 1, 1),
    programs: 0,
  };
}

/**
 * Runs one program after the other; the first runs already.
 * @param next makes a program of a number
 * @param goesOn whether more is wanted
 * @param stalled virtual time without a new program after which this ends, nanoseconds: what it ran has stopped for good
 * @param meanwhile is called after every step
 */
export function runPrograms(
  it: Attacked,
  image: HypervisorImage,
  next: (number: number) => Uint8Array,
  goesOn: () => boolean,
  stalled: number,
  meanwhile: () => void = () => undefined,
): void {
  const { pi, word } = it;
  const configuration = image.hypervisor.symbols.get('configuration')!;
  const copy = ramView(pi.cpu).getUint32(configuration + 4 * (L.CONFIG_HEADER + L.GUEST_KERNEL), true);
  let began = pi.cpu.time;
  while (goesOn() && pi.cpu.time - began < stalled) {
    pi.run(pi.cpu.time + STEP_NS);
    meanwhile();
    if (word(0, GUEST_KERNEL + NUMBER_AT) !== it.programs + 1) continue;
    // This one runs: a restart takes the next.
    began = pi.cpu.time;
    it.programs++;
    pi.cpu.memory.load(copy, next(it.programs + 1));
  }
}

/** A part of memory, and its bytes. */
export interface Part {
  readonly what: string;
  readonly bytes: Uint8Array;
}

/** Copies a part of memory without some holes. */
export function partOf(
  pi: BuiltInPi,
  what: string,
  from: number,
  to: number,
  ...holes: (readonly [number, number])[]
): Part {
  const bytes = pi.cpu.memory.observe(from, to - from).slice();
  for (const [first, end] of holes) bytes.fill(0, first - from, end - from);
  return { what, bytes };
}

/** What of the hypervisor's nobody changes from the start on, its own tables of HYP mode left out. */
export function keptByHypervisor(pi: BuiltInPi, { hypervisor, description }: HypervisorImage): Part[] {
  const at = (symbol: string): number => hypervisor.symbols.get(symbol)!;
  // The host's controllers are shown and hidden by two entries of its tables.
  const level3 = at('hostTables') + 3 * L.TABLE_SIZE;
  const entries = [level3 + 8 * 0xb, level3 + L.TABLE_SIZE];
  const { guests } = description;
  const vcpus = guests.reduce((sum, { cores }) => sum + cores.length, 0);
  return [
    partOf(pi, 'the hypervisor’s code and configuration', at('vectors'), at('zeroFrom')),
    partOf(
      pi,
      'the host’s tables',
      at('hostTables'),
      at('hostTables') + L.HOST_TABLES * L.TABLE_SIZE,
      ...entries.map((it) => [it, it + 8] as const),
    ),
    partOf(pi, 'the guests’ tables', at('guestTables'), at('guestTables') + 2 * guests.length * L.TABLE_SIZE),
    // Each vcpu's machine, number, core and place in its ring; the first four are the host's.
    ...Array.from({ length: vcpus }, (_, n) => {
      const from = at('vcpus') + (4 + n) * L.VCPU_SIZE + L.VCPU_FRAME_SIZE;
      return partOf(pi, `who vcpu ${4 + n} is`, from, from + 16);
    }),
  ];
}

/** Bytes of each core's stack that were never used: they are still zero. */
export function unusedStack(pi: BuiltInPi, { hypervisor }: HypervisorImage): number[] {
  return [0, 1, 2, 3].map((core) => {
    const from = hypervisor.symbols.get('stacks')! + core * L.STACK_SIZE;
    return pi.cpu.memory.observe(from, L.STACK_SIZE).findIndex((it) => it !== 0);
  });
}
