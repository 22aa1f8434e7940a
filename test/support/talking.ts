/** Machines that start the block with diagnostics, and what they say on the serial port. */
import { assembler, type Assembler } from '../../src/isa/assembler.js';
import { pc, r0 } from '../../src/isa/registers.js';
import { MPIDR } from '../../src/isa/system-registers.js';
import { writeU32LE } from '../../src/base/bytes.js';
import { buildDiagnosticStub, DIAGNOSTICS_AT } from '../../src/boot/diagnostics.js';
import { createBuiltInPi, type BuiltInPi } from '../../src/engine/built-in.js';
import type { Observe } from '../../src/engine/observer.js';
import { qemuEngine } from '../../src/node/qemu.js';
import { emptyFdt, writeFdt } from '../../src/firmware/fdt.js';
import type { Handover } from '../../src/firmware/handover.js';
import { handoverOf } from './handover.js';
import { releasingKernel } from './payloads.js';

export const TREE_AT = 0x0800_0000;
export const KERNEL_AT = 0x8000;
export const KERNEL = releasingKernel(KERNEL_AT, { says: 'kernel' }).image;
/** Between the vectors and what cores wait in, and the tag: nothing of the block's. */
const FREE = { from: 0x50, to: 0xb8 };

/**
 * The block with diagnostics, with code that all cores run before it, as some other boot code would.
 * @param before may use all registers
 */
export function talkingBlock(before?: (a: Assembler) => void, tree = TREE_AT): Uint8Array {
  const block = buildDiagnosticStub({ tree });
  if (!before) return block;
  const a = assembler(FREE.from);
  before(a);
  const start = a.label('start');
  a.ldr(pc, start);
  a.at(start);
  a.word(DIAGNOSTICS_AT);
  const code = a.assemble();
  if (FREE.from + code.length > FREE.to) throw new Error('no room for what comes before the block');
  block.set(code, FREE.from);
  const first = assembler(0);
  const to = first.label('before');
  first.b(to);
  first.org(FREE.from);
  first.at(to);
  block.set(first.assemble().subarray(0, 4), 0);
  return block;
}

/** With another word in the place of one that stands in it once. */
export function replaced(block: Uint8Array, word: number, by: number): { block: Uint8Array; at: number } {
  const view = new DataView(block.buffer, block.byteOffset, block.length);
  const places = [...Array(block.length / 4).keys()].filter(
    (i) => view.getUint32(4 * i, true) === word >>> 0,
  );
  if (places.length !== 1) throw new Error(`the word stands in it ${places.length} times`);
  const other = block.slice();
  writeU32LE(other, 4 * places[0]!, by);
  return { block: other, at: 4 * places[0]! };
}

/** The block, a kernel that releases the other cores and says `kernel`, and an empty tree. */
export function talkingMachine(block: Uint8Array, tree: Uint8Array = writeFdt(emptyFdt())): Handover {
  const base = handoverOf([0, block], [KERNEL_AT, KERNEL], [TREE_AT, tree]);
  return {
    ...base,
    picked: { ...base.picked, kernel: { file: '', address: KERNEL_AT, size: KERNEL.length } },
  };
}

/** What a machine says in so many virtual milliseconds. */
export async function listen(
  machine: Handover,
  {
    ms = 100,
    before,
    onByte,
    observe = [],
    seed,
  }: {
    ms?: number;
    /** Called before it runs. */
    before?: (pi: BuiltInPi) => void;
    /** Called when some more is said, with all of it. */
    onByte?: (pi: BuiltInPi, said: string) => void;
    observe?: readonly Observe[];
    seed?: number;
  } = {},
): Promise<{ said: string; pi: BuiltInPi }> {
  let said = '';
  const pi: BuiltInPi = await createBuiltInPi(
    machine,
    (bytes) => {
      said += Buffer.from(bytes).toString('latin1');
      onByte?.(pi, said);
    },
    observe,
    seed,
  );
  before?.(pi);
  pi.run(ms * 1_000_000);
  return { said, pi };
}

/** The last core does not get past what comes before the block. */
export function withoutCore3(a: Assembler): void {
  const [others, sleep] = [a.label('others'), a.label('sleep')];
  a.mrc(MPIDR, r0);
  a.and(r0, r0, 3);
  a.cmp(r0, 3);
  a.bne(others);
  a.at(sleep);
  a.wfi();
  a.b(sleep);
  a.at(others);
}

/**
 * What a machine says in QEMU, with a thread for each core or one for all.
 * @param last its last line, which has no end; the same word at the end of what a longer line has so far is none
 */
export async function listenInQemu(machine: Handover, last: string, threadPerCore = true): Promise<string> {
  const stop = new AbortController();
  let said = '';
  await qemuEngine({ threadPerCore }).run(
    machine,
    (bytes) => {
      said += Buffer.from(bytes).toString('latin1');
      if (said.endsWith(`\r\n${last}`)) stop.abort();
    },
    AbortSignal.any([stop.signal, AbortSignal.timeout(60_000)]),
  );
  return said;
}
