/** Runs a plan of privileged cases to its end, here and in QEMU; both give the memory that the cases have changed. */
import { resetOf } from '../../src/isa/bits.js';
import * as R from '../../src/isa/system-registers.js';
import { setUnknownTo } from '../../src/cpu/unknown.js';
import { createBuiltInPi } from '../../src/engine/built-in.js';
import { withDebuggedMachine } from '../support/debugged-machine.js';
import { handoverOf } from '../support/handover.js';
import { PROGRESS } from './privileged-monitor.js';

/** A program with its cases, from address 0 up. */
export interface Plan {
  readonly image: Uint8Array;
  readonly count: number;
  /** What the cases write: the first byte and how many there are. */
  readonly results: { readonly address: number; readonly size: number };
}

/** What came of it: how many cases were finished, and the memory they write. */
export interface Ran {
  readonly done: number;
  readonly results: Uint32Array;
}

const word = (bytes: Uint8Array): number => new DataView(bytes.buffer, bytes.byteOffset).getUint32(0, true);

/** Virtual time that a case takes at most, in nanoseconds: a few hundred instructions on a core, some more asleep. */
const CASE_TIME = 20_000;

/** Runs a plan in the machine of this project. */
export async function planHere({ image, count, results }: Plan): Promise<Ran> {
  const pi = await createBuiltInPi(handoverOf([0, image]), () => undefined);
  // QEMU resets to 0 what the architecture leaves UNKNOWN.
  for (const core of pi.cpu.cores)
    for (const register of [R.PMCNTENCLR, R.PMINTENCLR, R.PMOVSR]) core.setSystem(register, 0xffff_ffff);
  setUnknownTo(pi.cpu.cores, () => 0);
  for (const core of pi.cpu.cores)
    for (const register of [R.MAIR0, R.MAIR1]) core.setSystem(register, resetOf(register), 'non-secure');
  const done = (): number => word(pi.cpu.memory.observe(PROGRESS, 4));
  for (let before = -1; done() < count && done() > before;) {
    before = done();
    pi.run(pi.cpu.time + 50 * CASE_TIME);
  }
  const bytes = pi.cpu.memory.observe(results.address, results.size).slice();
  return { done: done(), results: new Uint32Array(bytes.buffer) };
}

/** How long QEMU runs between two looks at its progress, in milliseconds. */
const LOOK = 100;
/** As much as one answer of the debugger holds. */
const PIECE = 2000;

/** Runs a plan in QEMU. */
export function planInQemu({ image, count, results }: Plan): Promise<Ran> {
  return withDebuggedMachine(handoverOf([0, image]), async (gdb) => {
    const progress = async (): Promise<number> => word(await gdb.readMemory(PROGRESS, 4));
    let done = 0;
    for (let idle = 0; done < count && idle < 20;) {
      await gdb.runFor(LOOK);
      const now = await progress();
      idle = now > done ? 0 : idle + 1;
      done = now;
    }
    const bytes = new Uint8Array(results.size);
    for (let at = 0; at < results.size; at += PIECE) {
      const length = Math.min(PIECE, results.size - at);
      bytes.set(await gdb.readMemory(results.address + at, length), at);
    }
    return { done, results: new Uint32Array(bytes.buffer) };
  });
}
