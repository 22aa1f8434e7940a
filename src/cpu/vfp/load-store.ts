/** Loads and stores of S and D registers: words, aligned, low word first. */
import { extensionRegisters } from '../float/registers.js';
import type { Execute, Executes } from '../instruction.js';
import * as L from '../layout.js';
import { readMemory, writeMemory } from '../memory.js';
import type { Needs } from '../operation-fields.js';
import type { Machine } from '../state.js';
import { register, setRegister, word } from '../state.js';
import { dNumber, sNumber } from './arithmetic.js';

const strict = { strict: true } as const;

/** Whether an instruction transfers D registers: coprocessor 11's do. */
export const isDouble = (word: number): boolean => ((word >>> 8) & 1) === 1;

/** The place of the word at offset `i` in the list: a D register's words are in the order of the byte order. */
function place(m: Machine, first: number, i: number, doubles: boolean): number {
  const bigEndian = (word(m, L.VARIANT) & L.VARIANT_E) !== 0;
  return first + (doubles && bigEndian ? i ^ 1 : i);
}

/** Transfers words; of a load, nothing is written before all are read. */
function transfer(
  m: Machine,
  load: boolean,
  address: number,
  first: number,
  count: number,
  doubles: boolean,
): void {
  const { u32 } = extensionRegisters(m);
  if (load) {
    const values = Array.from({ length: count }, (_, i) => readMemory(m, address + 4 * i, 4, strict));
    values.forEach((value, i) => (u32[place(m, first, i, doubles)] = value));
  } else {
    for (let i = 0; i < count; i++)
      writeMemory(m, address + 4 * i, 4, u32[place(m, first, i, doubles)]!, strict);
  }
}

/** The base register; PC is that of the instruction, aligned. */
const baseOf = (m: Machine, f: Needs<'Rn'>): number => {
  const value = register(m, f.Rn);
  return f.Rn === 15 ? (value & ~3) >>> 0 : value;
};

const firstWord = (f: Needs<'Vd' | 'D'>, doubles: boolean): number =>
  doubles ? dNumber(f.Vd, f.D) * 2 : sNumber(f.Vd, f.D);

function one(load: boolean): Execute<Needs<'Rn' | 'Vd' | 'D' | 'imm8' | 'U'>> {
  return (m, f, decoded) => {
    const doubles = isDouble(decoded.word);
    const offset = f.imm8 * 4;
    const address = (f.U ? baseOf(m, f) + offset : baseOf(m, f) - offset) >>> 0;
    transfer(m, load, address, firstWord(f, doubles), doubles ? 2 : 1, doubles);
  };
}

function many(load: boolean): Execute<Needs<'Rn' | 'Vd' | 'D' | 'regs' | 'U' | 'W', 'X'>> {
  return (m, f, decoded) => {
    const doubles = isDouble(decoded.word);
    const { regs, X = 0, U, W, Rn } = f;
    const words = doubles ? regs * 2 : regs;
    const size = 4 * (words + X);
    const base = baseOf(m, f);
    const first = firstWord(f, doubles);
    // UNPREDICTABLE past the last register: as far as there are some.
    const count = Math.min(words, (doubles ? 64 : 32) - first);
    transfer(m, load, (U ? base : base - size) >>> 0, first, count, doubles);
    if (W) setRegister(m, Rn, U ? base + size : base - size);
  };
}

export const vfpLoadStore = {
  VLDR: one(true),
  VSTR: one(false),
  VLDM: many(true),
  VSTM: many(false),
} satisfies Partial<Executes>;
