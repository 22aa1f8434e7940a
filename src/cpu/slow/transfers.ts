/** Loads and stores that are rare, and those whose fast path did not apply. */
import { bitCount } from '../../isa/bits.js';
import { MODE_HYP, MODE_SYS, MODE_USR, PSR_T } from '../../isa/program-status.js';
import { exceptionReturn, undefinedInstruction } from '../exceptions.js';
import type { Execute, Executes } from '../instruction.js';
import * as L from '../layout.js';
import { physicalOf, readMemory, writeMemory } from '../memory.js';
import { Op } from '../micro-ops.js';
import { isSecure, modeOf } from '../current-mode.js';
import { bankedRegister, setBankedRegister, setCpsr, readCpsr } from '../modes.js';
import type { Needs } from '../operation-fields.js';
import { tallyInstruction } from '../performance-monitors.js';
import type { Machine } from '../state.js';
import { register, setRegister, setWord, word } from '../state.js';
import { ACTLR_SMP, SCTLR_SW } from '../control-bits.js';
import { isForExclusivesHere } from '../tlb.js';
import { unpredictable } from '../unpredictable.js';

const strict = { strict: true } as const;
const unprivileged = { unprivileged: true } as const;

/** Goes on at an address whose bit 0 selects the instruction set. */
export function branchExchange(m: Machine, target: number): void {
  if ((target & 3) === 2) unpredictable(m);
  tallyInstruction(m);
  setCpsr(m, (readCpsr(m) & ~PSR_T) | (target & 1 ? PSR_T : 0));
  setRegister(m, 15, (target & 1 ? target & ~1 : target & ~3) >>> 0);
  m.leave = true;
}

/** UNPREDICTABLE in the mode that the core is in: here it is UNDEFINED. */
export function openHere(m: Machine): never {
  unpredictable(m);
  undefinedInstruction(m);
}

/** Loads a list of registers, all or none. */
function loadList(m: Machine, mask: number, address: number): number[] {
  const values: number[] = [];
  for (let rest = mask; rest !== 0; rest &= rest - 1) {
    values.push(readMemory(m, address + 4 * values.length, 4, strict));
  }
  return values;
}

/** What STM stores: the PC is the instruction's address plus 8 (or 4). */
function storeList(m: Machine, mask: number, address: number, value: (n: number) => number): void {
  let at = address;
  for (let n = 0; n < 16; n++) {
    if (!((mask >>> n) & 1)) continue;
    writeMemory(m, at, 4, value(n), strict);
    at += 4;
  }
}

/** First address of a list of registers, and what write-back leaves, by the P and U of the encoding. */
function range(m: Machine, f: Needs<'Rn'>, count: number, up: boolean, before: boolean): [number, number] {
  const base = register(m, f.Rn);
  const size = 4 * count;
  if (up) return [base + (before ? 4 : 0), base + size];
  return [base - size + (before ? 0 : 4), base - size];
}

function many(load: boolean, up: boolean, before: boolean): Execute<Needs<'Rn' | 'W' | 'registers'>> {
  return (m, f) => {
    const { registers, Rn, W } = f;
    const [start, end] = range(m, f, bitCount(registers), up, before);
    if (load) {
      const values = loadList(m, registers, start);
      if (W) setRegister(m, Rn, end);
      let i = 0;
      for (let n = 0; n < 15; n++) if ((registers >>> n) & 1) setRegister(m, n, values[i++]!);
      if (registers & 0x8000) branchExchange(m, values[i]!);
    } else {
      storeList(m, registers, start, (n) => register(m, n));
      if (W && Rn !== 15) setRegister(m, Rn, end);
    }
  };
}

const LDM: number = Op.LDM;
const LDM_PC: number = Op.LDM_PC;

/** A LDM or STM micro-op whose access is not for the fast path. */
export function transferRecord(m: Machine, rec: number): void {
  const { u8, u16, u32 } = m;
  const a = u8[rec + L.OP_A]! >>> 2;
  const imm = u32[(rec + L.OP_IMM) >>> 2]!;
  const ext = u32[(rec + L.OP_EXT) >>> 2]!;
  switch (u16[rec >>> 1]) {
    case LDM:
    case LDM_PC: {
      const base = u32[a]!;
      const values = loadList(m, imm, base + ((ext << 16) >> 16));
      setRegister(m, a, base + (ext >> 16));
      let i = 0;
      // The interpreter goes on from R15 itself.
      for (let n = 0; n < 16; n++) if ((imm >>> n) & 1) setRegister(m, n, values[i++]!);
      return;
    }
    default: {
      const base = u32[a]!;
      storeList(m, imm, base + ((ext << 16) >> 16), (n) => u32[n]!);
      setRegister(m, a, base + (ext >> 16));
    }
  }
}

/** Tells who listens of an exclusive that need not work on a board; its translation is known. */
function tellOfExclusive(m: Machine, address: number): void {
  const tell = m.listener?.exclusiveByChance;
  if (!tell || isForExclusivesHere(m, address >>> 0)) return;
  tell(m.core.index, m.address, m.core.ACTLR & ACTLR_SMP ? 'memory' : 'SMP');
}

function loadExclusive(m: Machine, address: number, size: 1 | 2 | 4): number {
  const physical = physicalOf(m, address, size, false);
  tellOfExclusive(m, address);
  const value = readMemory(m, address, size, strict);
  setWord(m, L.EXCLUSIVE_ADDRESS, physical);
  setWord(m, L.EXCLUSIVE_SIZE, size);
  return value;
}

/** Stores if the monitor allows, and gives the result to Rd: 0 for done, 1 for not. */
function storeExclusive(m: Machine, rd: number, address: number, size: number, store: () => void): void {
  const physical = physicalOf(m, address, size, true);
  tellOfExclusive(m, address);
  const open = word(m, L.EXCLUSIVE_SIZE) !== size || word(m, L.EXCLUSIVE_ADDRESS) !== physical;
  if (!open) store();
  setWord(m, L.EXCLUSIVE_SIZE, 0);
  setRegister(m, rd, open ? 1 : 0);
}

const loadExclusiveSmall =
  (size: 1 | 2 | 4): Execute<Needs<'Rn' | 'Rt', 'imm8'>> =>
  (m, f) => {
    setRegister(m, f.Rt, loadExclusive(m, register(m, f.Rn) + (f.imm8 ?? 0), size));
  };
const storeExclusiveSmall =
  (size: 1 | 2 | 4): Execute<Needs<'Rn' | 'Rt' | 'Rd', 'imm8'>> =>
  (m, f) => {
    const address = register(m, f.Rn) + (f.imm8 ?? 0);
    const value = register(m, f.Rt);
    storeExclusive(m, f.Rd, address, size, () => {
      writeMemory(m, address, size, value, strict);
    });
  };

/** LDRT and its like: post-indexed, as PL0. */
function unprivilegedTransfer(
  load: boolean,
  size: 1 | 2 | 4,
  signBits = 0,
): Execute<Needs<'Rn' | 'Rt', 'U' | 'Rm' | 'type' | 'imm5' | 'imm8' | 'imm12'>> {
  return (m, f) => {
    if (modeOf(m) === MODE_HYP) openHere(m);
    const { Rn, Rt, U = 1, Rm, type = 0, imm5 = 0 } = f;
    const base = register(m, Rn);
    const amount = Rm === undefined ? (f.imm12 ?? f.imm8 ?? 0) : shifted(m, register(m, Rm), type, imm5);
    const end = (U ? base + amount : base - amount) >>> 0;
    // In T32 there is an offset and no write-back.
    const post = f.imm8 === undefined || f.U !== undefined;
    const address = post ? base : end;
    if (load) {
      const value = readMemory(m, address, size, unprivileged);
      if (post) setRegister(m, Rn, end);
      setRegister(m, Rt, signBits ? (value << (32 - signBits)) >> (32 - signBits) : value);
    } else {
      writeMemory(m, address, size, register(m, Rt), unprivileged);
      if (post) setRegister(m, Rn, end);
    }
  };
}

function shifted(m: Machine, value: number, type: number, imm5: number): number {
  switch (type) {
    case 0:
      return (value << imm5) >>> 0;
    case 1:
      return imm5 === 0 ? 0 : value >>> imm5;
    case 2:
      return ((value | 0) >> (imm5 === 0 ? 31 : imm5)) >>> 0;
    default:
      if (imm5 === 0) return ((value >>> 1) | (word(m, L.C) << 31)) >>> 0;
      return ((value >>> imm5) | (value << (32 - imm5))) >>> 0;
  }
}

/** A register of User mode. */
const userRegister = (m: Machine, n: number): number =>
  n < 8 || n === 15 ? register(m, n) : bankedRegister(m, MODE_USR, n);
function setUserRegister(m: Machine, n: number, value: number): void {
  if (n < 8) setRegister(m, n, value);
  else setBankedRegister(m, MODE_USR, n, value);
}

function requireBanked(m: Machine): void {
  const mode = modeOf(m);
  if (mode === MODE_USR || mode === MODE_SYS) openHere(m);
  if (mode === MODE_HYP) undefinedInstruction(m);
}

export const transfers = {
  PUSH: many(false, false, true),
  POP: many(true, true, false),
  LDM: many(true, true, false),
  LDMDA: many(true, false, false),
  LDMDB: many(true, false, true),
  LDMIB: many(true, true, true),
  STM: many(false, true, false),
  STMDA: many(false, false, false),
  STMDB: many(false, false, true),
  STMIB: many(false, true, true),

  LDREX: loadExclusiveSmall(4),
  LDREXB: loadExclusiveSmall(1),
  LDREXH: loadExclusiveSmall(2),
  STREX: storeExclusiveSmall(4),
  STREXB: storeExclusiveSmall(1),
  STREXH: storeExclusiveSmall(2),
  LDREXD: (m, f) => {
    const { Rt, Rn } = f;
    const rt2 = f.Rt2 ?? Rt + 1;
    if (rt2 >= 15) undefinedInstruction(m);
    const address = register(m, Rn);
    const physical = physicalOf(m, address, 8, false);
    tellOfExclusive(m, address);
    const [low, high] = [readMemory(m, address, 4, strict), readMemory(m, address + 4, 4, strict)];
    setRegister(m, Rt, low);
    setRegister(m, rt2, high);
    setWord(m, L.EXCLUSIVE_ADDRESS, physical);
    setWord(m, L.EXCLUSIVE_SIZE, 8);
  },
  STREXD: (m, f) => {
    const { Rt, Rn, Rd } = f;
    const rt2 = f.Rt2 ?? Rt + 1;
    if (rt2 >= 15) undefinedInstruction(m);
    const address = register(m, Rn);
    const [low, high] = [register(m, Rt), register(m, rt2)];
    storeExclusive(m, Rd, address, 8, () => {
      writeMemory(m, address, 4, low, strict);
      writeMemory(m, address + 4, 4, high, strict);
    });
  },
  SWP: (m, f) => {
    const { B, Rn, Rt, Rt2 } = f;
    const { core } = m;
    // Disabled unless SCTLR.SW says otherwise (DDI 0464 4.3.27).
    const sctlr = modeOf(m) === MODE_HYP ? 0 : (isSecure(m) ? core.secure : core.nonSecure).SCTLR;
    if (!(sctlr & SCTLR_SW)) undefinedInstruction(m);
    const size = B ? 1 : 4;
    const address = register(m, Rn);
    const value = register(m, Rt2);
    const old = readMemory(m, address, size, strict);
    writeMemory(m, address, size, value, strict);
    setRegister(m, Rt, old);
  },

  LDRT: unprivilegedTransfer(true, 4),
  LDRBT: unprivilegedTransfer(true, 1),
  LDRHT: unprivilegedTransfer(true, 2),
  LDRSBT: unprivilegedTransfer(true, 1, 8),
  LDRSHT: unprivilegedTransfer(true, 2, 16),
  STRT: unprivilegedTransfer(false, 4),
  STRBT: unprivilegedTransfer(false, 1),
  STRHT: unprivilegedTransfer(false, 2),

  LDM_user: (m, f) => {
    requireBanked(m);
    const { registers, P, U } = f;
    const [start] = range(m, f, bitCount(registers), U === 1, P === 1);
    const values = loadList(m, registers, start);
    let i = 0;
    for (let n = 0; n < 15; n++) if ((registers >>> n) & 1) setUserRegister(m, n, values[i++]!);
  },
  STM_user: (m, f) => {
    requireBanked(m);
    const { registers, P, U } = f;
    const [start] = range(m, f, bitCount(registers), U === 1, P === 1);
    storeList(m, registers, start, (n) => userRegister(m, n));
  },
  LDM_exception: (m, f) => {
    requireBanked(m);
    const { registers, P, U, W, Rn } = f;
    const [start, end] = range(m, f, bitCount(registers) + 1, U === 1, P === 1);
    const values = loadList(m, registers | 0x8000, start);
    if (W) setRegister(m, Rn, end);
    let i = 0;
    for (let n = 0; n < 15; n++) if ((registers >>> n) & 1) setRegister(m, n, values[i++]!);
    exceptionReturn(m, values[i]!);
  },
  RFE: (m, f) => {
    if (modeOf(m) === MODE_USR) openHere(m);
    if (modeOf(m) === MODE_HYP) undefinedInstruction(m);
    const { Rn, P, U, W } = f;
    const [start, end] = range(m, f, 2, U === 1, P === 1);
    const [target, psr] = [readMemory(m, start, 4, strict), readMemory(m, start + 4, 4, strict)];
    if (W) setRegister(m, Rn, end);
    exceptionReturn(m, target, psr);
  },
  SRS: (m, f) => {
    const { mode, P, U, W } = f;
    const current = modeOf(m);
    if (current === MODE_HYP) undefinedInstruction(m);
    if (current === MODE_USR || current === MODE_SYS || mode === MODE_HYP) openHere(m);
    const base = bankedRegister(m, mode, 13);
    const start = U ? base + (P ? 4 : 0) : base - 8 + (P ? 0 : 4);
    writeMemory(m, start, 4, register(m, 14), strict);
    writeMemory(m, start + 4, 4, word(m, L.SPSR), strict);
    if (W) setBankedRegister(m, mode, 13, U ? base + 8 : base - 8);
  },
} satisfies Partial<Executes>;
