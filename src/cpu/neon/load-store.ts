/** Loads and stores of elements and structures (A7.7). */
import { extensionRegisters } from '../float/registers.js';
import type { Execute, Executes } from '../instruction.js';
import * as L from '../layout.js';
import { physicalOf, readMemory, writeMemory } from '../memory.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import { register, setRegister, word } from '../state.js';
import type { Destination } from './lanes.js';
import { vd } from './lanes.js';
import { allAlignment, ALIGNMENTS, laneAlignment, laneApart, multipleShape } from './structures.js';

/** An element: its D register and its index there, and its size in bytes. */
interface Element {
  readonly d: number;
  readonly index: number;
}
type Bytes = 1 | 2 | 4 | 8;
/** How many registers one structure goes to. */
type Count = 1 | 2 | 3 | 4;

/** The fields that all of these instructions have. */
type Transfer = Destination & Needs<'Rn' | 'Rm' | 'size'>;

/** Reads an element as words, low word first; one of 8 bytes has two, in the order of the byte order. */
function readElement(m: Machine, address: number, bytes: Bytes): readonly [number, number] {
  if (bytes !== 8) return [readMemory(m, address, bytes), 0];
  const [first, second] = [readMemory(m, address, 4), readMemory(m, address + 4, 4)];
  return bigEndian(m) ? [second, first] : [first, second];
}

function writeElement(m: Machine, address: number, bytes: Bytes, low: number, high: number): void {
  if (bytes !== 8) {
    writeMemory(m, address, bytes, low);
    return;
  }
  writeMemory(m, address, 4, bigEndian(m) ? high : low);
  writeMemory(m, address + 4, 4, bigEndian(m) ? low : high);
}

const bigEndian = (m: Machine): boolean => (word(m, L.VARIANT) & L.VARIANT_E) !== 0;

function setElement(m: Machine, { d, index }: Element, bytes: Bytes, low: number, high: number): void {
  const { u8, u16, u32 } = extensionRegisters(m);
  const at = (d * 8) / bytes + index;
  if (bytes === 1) u8[at] = low;
  else if (bytes === 2) u16[at] = low;
  else if (bytes === 4) u32[at] = low;
  else [u32[at * 2], u32[at * 2 + 1]] = [low, high];
}

function element(m: Machine, { d, index }: Element, bytes: Bytes): readonly [number, number] {
  const { u8, u16, u32 } = extensionRegisters(m);
  const at = (d * 8) / bytes + index;
  if (bytes === 8) return [u32[at * 2]!, u32[at * 2 + 1]!];
  return [{ 1: u8, 2: u16, 4: u32 }[bytes][at]!, 0];
}

/** The base address, checked for the alignment that the instruction says, in bytes. */
function addressOf(m: Machine, f: Needs<'Rn'>, alignment: number, write: boolean): number {
  const address = register(m, f.Rn);
  if (alignment > 1) physicalOf(m, address, alignment, write);
  return address;
}

/** Adds to the base what Rm says: nothing, the number of bytes, or a register. */
function writeBack(m: Machine, f: Needs<'Rm' | 'Rn'>, transferred: number): void {
  const { Rm, Rn } = f;
  if (Rm === 15) return;
  setRegister(m, Rn, register(m, Rn) + (Rm === 13 ? transferred : register(m, Rm)));
}

/** Transfers elements one after another in memory. */
function transfer(
  m: Machine,
  load: boolean,
  address: number,
  bytes: Bytes,
  elements: readonly Element[],
): void {
  if (load) {
    // Registers keep their values when a later element faults.
    const values = elements.map((_, i) => readElement(m, (address + i * bytes) >>> 0, bytes));
    elements.forEach((it, i) => {
      setElement(m, it, bytes, ...values[i]!);
    });
  } else {
    elements.forEach((it, i) => {
      writeElement(m, (address + i * bytes) >>> 0, bytes, ...element(m, it, bytes));
    });
  }
}

/** The element size in bytes that the field size says. */
const bytesOf = (f: Needs<'size'>): Bytes => (1 << f.size) as Bytes;

/** Whole registers; `n` elements of one index, from n registers, make a structure. */
function multiple(load: boolean, n: Count): Execute<Transfer & Needs<'align', 'type' | 'inc'>> {
  return (m, f) => {
    const { type, inc, align } = f;
    const bytes = bytesOf(f);
    const { groups, apart } = multipleShape(n, type, inc);
    const address = addressOf(m, f, ALIGNMENTS[align]!, !load);
    if (n === 1 && (address & 3) === 0 && !bigEndian(m)) {
      // Whatever the size of the elements, they stand in memory as in the registers.
      const words = Array.from({ length: groups * 2 }, (_, i) => ({ d: vd(f), index: i }));
      transfer(m, load, address, 4, words);
      writeBack(m, f, groups * 8);
      return;
    }
    const elements: Element[] = [];
    for (let group = 0; group < groups; group++) {
      for (let index = 0; index < 8 / bytes; index++) {
        for (let i = 0; i < n; i++) elements.push({ d: (vd(f) + group + i * apart) % 32, index });
      }
    }
    transfer(m, load, address, bytes, elements);
    writeBack(m, f, elements.length * bytes);
  };
}

/** One lane of n registers. */
function lane(load: boolean, n: Count): Execute<Transfer & Needs<'index_align'>> {
  return (m, f) => {
    const { size, index_align } = f;
    const bytes = bytesOf(f);
    const index = index_align >> (size + 1);
    const apart = laneApart(n, size, index_align);
    const elements = Array.from({ length: n }, (_, i) => ({ d: (vd(f) + i * apart) % 32, index }));
    const address = addressOf(m, f, laneAlignment(n, bytes, index_align), !load);
    transfer(m, load, address, bytes, elements);
    writeBack(m, f, n * bytes);
  };
}

/** One structure to all lanes. */
function allLanes(n: Count): Execute<Transfer & Needs<'T' | 'a'>> {
  return (m, f) => {
    const { size, T, a } = f;
    // VLD4 of 32 bits with an alignment of 16 bytes is size 3.
    const bytes = (1 << Math.min(size, 2)) as 1 | 2 | 4;
    const address = addressOf(m, f, allAlignment(n, size, a), false);
    const values = Array.from({ length: n }, (_, i) => readMemory(m, (address + i * bytes) >>> 0, bytes));
    values.forEach((value, i) => {
      // For VLD1, T says that a second register gets the same.
      const registers = n === 1 ? [vd(f), vd(f) + T] : [vd(f) + i * (1 + T)];
      for (const d of registers)
        for (let index = 0; index < 8 / bytes; index++) setElement(m, { d: d % 32, index }, bytes, value, 0);
    });
    writeBack(m, f, n * bytes);
  };
}

export const neonLoadStore = {
  VLD1_multiple: multiple(true, 1),
  VST1_multiple: multiple(false, 1),
  VLD1_lane: lane(true, 1),
  VST1_lane: lane(false, 1),
  VLD1_all: allLanes(1),
  VLD2_multiple: multiple(true, 2),
  VST2_multiple: multiple(false, 2),
  VLD2_lane: lane(true, 2),
  VST2_lane: lane(false, 2),
  VLD2_all: allLanes(2),
  VLD3_multiple: multiple(true, 3),
  VST3_multiple: multiple(false, 3),
  VLD3_lane: lane(true, 3),
  VST3_lane: lane(false, 3),
  VLD3_all: allLanes(3),
  VLD4_multiple: multiple(true, 4),
  VST4_multiple: multiple(false, 4),
  VLD4_lane: lane(true, 4),
  VST4_lane: lane(false, 4),
  VLD4_all: allLanes(4),
} satisfies Partial<Executes>;
