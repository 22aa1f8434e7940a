/**
 * Loops that wait: a core reads memory, a device whose reads do nothing, or the counter, and does nothing else until
 * what it reads is another. Once an iteration has ended in the state that it began in, all further ones do the same as
 * long as what they read stays; they are then counted, not executed. So are those that wait for the counter, see
 * counter-loops.ts. All here is exact: whoever is not sure executes.
 */
import { blockAt, knownBlock } from './blocks.js';
import { counterRead, iterationsToCome, type Passed } from './counter-loops.js';
import * as L from './layout.js';
import { Op } from './micro-ops.js';
import { beginIteration, countableIterations, countIterations } from './performance-monitors.js';
import { readData } from './physical-memory.js';
import { isFlat } from './mmu.js';
import { system } from './slow/system.js';
import { executedInSlice, KICK, leaves, now, type Core, type Machine } from './state.js';
import { type Entry, entryFor, holds, lookupCode } from './tlb.js';

/** What a block does, as far as a wait is concerned. Its instructions count from 1; it may be left at each branch. */
export interface Character {
  /** Up to this instruction it does nothing but arithmetic, loads, branches, and from `storesFrom` on stores of words. */
  readonly pureTo: number;
  readonly storesFrom: number;
  /** There is a branch among those. */
  readonly mayLoop: boolean;
  /** From this instruction on it has read the counter. */
  readonly counterFrom: number;
  /** What it reads up to where it ends, in the order of the instructions. */
  readonly loads: readonly Load[];
  /** Its WFE, where there is one; and how far it does nothing else beside. */
  readonly event: number;
  readonly quietTo: number;
  /** It was no wait lately: so many times it is not tried. */
  rest: number;
}

/** A load of a block, or something else that reads. */
interface Load {
  /** Its micro-op, and the instruction that it belongs to. */
  readonly at: number;
  readonly position: number;
  /** It is executed in any case, from an address that the block does not make itself. */
  readonly isPlain: boolean;
}

/** A load that a waiting core repeats. */
export interface Read {
  readonly physical: number;
  /** The translation of its address; undefined where that is none, see {@link isFlat}. */
  readonly entry: Entry | undefined;
  readonly size: 1 | 2 | 4;
  readonly value: number;
}

/** The wait of a core that was seen to repeat one block: it holds as long as its reads do. */
export interface Wait {
  /** Instructions of an iteration. */
  readonly length: number;
  /** The translation of its code; undefined where that is none. */
  readonly code: Entry | undefined;
  readonly reads: readonly Read[];
  /** {@link Machine.forgotten} at that time. */
  readonly forgotten: number;
}

/** Blocks of a loop that are looked at, at most; and how often one that was no wait is left alone then. */
const LONGEST_LOOP = 8;
const REST = 16;
/** Times that a loop over something that changes with time may come back to its start changed. */
const CHANGES = 3;
/** Blocks that are executed one by one to where a wait may begin anew, and how often that is tried. */
const BETWEEN = 64;
const TRIES = 2;
/** No address of an instruction. */
const NOWHERE = 1;
/** Iterations that must be passed over at once, or looking costs more than executing. */
const WORTH_IT = 4;

const charactersOf = new WeakMap<Machine, { codeForgotten: number; blocks: Map<number, Character> }>();

/** What a block of decoded code does, looked up or found out. */
export function characterOf(m: Machine, block: number): Character {
  let known = charactersOf.get(m);
  // The places of blocks are given out again after all were forgotten.
  if (known?.codeForgotten !== m.codeForgotten)
    charactersOf.set(m, (known = { codeForgotten: m.codeForgotten, blocks: new Map<number, Character>() }));
  let character = known.blocks.get(block);
  if (!character) known.blocks.set(block, (character = look(m, block)));
  return character;
}

const between = (op: number, first: number, last: number): boolean => op >= first && op <= last;

/** What LDR, LDRB, LDRH, LDRSB and LDRSH read, in bytes, in the order of their micro-ops. */
const SIZES = [4, 1, 2, 1, 2] as const;

/** Reads a block's micro-ops up to the branch that ends it, or to the first that may have an effect. */
function look(m: Machine, block: number): Character {
  const loads: Load[] = [];
  const written = new Set<number>();
  let [counterFrom, mayLoop, allWritten] = [Infinity, false, false];
  let [skippedTo, event] = [0, 0];
  let storesFrom = Infinity;
  const endsAt = (to: number): Character => {
    const quietTo = Math.min(to, storesFrom - 1);
    return {
      ...{
        pureTo: event === 0 ? to : event - 1,
        storesFrom,
        mayLoop,
        counterFrom,
        loads,
        event,
        quietTo,
        rest: 0,
      },
    };
  };
  for (let at = block; ; at += L.OP_SIZE) {
    const op = m.u16[at >>> 1]!;
    const [a, b, imm] = [m.u8[at + L.OP_A]!, m.u8[at + L.OP_B]!, m.u32[(at + L.OP_IMM) >>> 2]!];
    const position = m.u8[at + L.OP_POSITION]!;
    const isSkipped = at < skippedTo;
    if (between(op, Op.B_EQ, Op.B_REG)) {
      mayLoop ||= event === 0;
      if (isAlways(op) && !isSkipped) return endsAt(position);
    } else if (op === (Op.LDM_PC as number)) {
      mayLoop ||= event === 0;
      loads.push({ at, position, isPlain: false });
      allWritten = true;
      if (!isSkipped) return endsAt(position);
    } else if (isWordStore(op)) {
      storesFrom = Math.min(storesFrom, position);
      // A base is written back.
      allWritten = true;
    } else if (between(op, Op.SKIP_EQ, Op.SKIP_IF_NOT_ZERO))
      skippedTo = Math.max(skippedTo, at + L.OP_SIZE + imm);
    else if (op === (Op.COUNT as number)) continue;
    else if (between(op, Op.UMULL, Op.UMAAL)) allWritten = true;
    else if (between(op, Op.AND_IMM, Op.BFI)) written.add(a);
    else if (between(op, Op.LDR, Op.LDRSH) || between(op, Op.LDR_REG, Op.LDRSH_REG) || isLiteral(op)) {
      const made = written.has(b) || (op >= (Op.LDR_REG as number) && written.has(imm)) || allWritten;
      loads.push({ at, position, isPlain: !isSkipped && (isLiteral(op) || !made) });
      written.add(a);
    } else if (isOtherLoad(op)) {
      loads.push({ at, position, isPlain: false });
      allWritten = true;
    } else if (op === (Op.SLOW as number) && counterRead(m, m.u32[(at + L.OP_EXT) >>> 2]!)) {
      counterFrom = Math.min(counterFrom, position);
      loads.push({ at, position, isPlain: false });
      allWritten = true;
    } else if (isWfe(m, at) && event === 0) event = position;
    else return endsAt(position - 1);
  }
}

/** Whether a micro-op is WFE; what is done before an instruction is not taken for it. */
const isWfe = (m: Machine, at: number): boolean =>
  m.u16[at >>> 1] === (Op.SLOW as number) &&
  m.instructions[m.u32[(at + L.OP_EXT) >>> 2]!]!.execute === system.WFE;

const isAlways = (op: number): boolean => op >= (Op.B as number);

const isLiteral = (op: number): boolean => op === (Op.LDR_LITERAL as number);

const isWordStore = (op: number): boolean =>
  op === (Op.STR as number) || op === (Op.STR_PRE as number) || op === (Op.STM as number);

const isOtherLoad = (op: number): boolean =>
  op === (Op.LDR_STRICT as number) ||
  op === (Op.LDM as number) ||
  between(op, Op.LDR_PRE, Op.LDRSH_PRE) ||
  between(op, Op.LDR_POST, Op.LDRSH_POST);

/** What an iteration may change: the registers and temporaries, and the flags. PC is compared by itself. */
const STATE = [...Array(15).keys(), ...range(L.TEMP, L.VARIANT)];
function range(first: number, last: number): number[] {
  return Array.from({ length: (last - first) / 4 + 1 }, (_, i) => first / 4 + i);
}
const anchor = new Uint32Array(STATE.length);

/** Keeps what an iteration may change, for {@link isKept}. */
export function keep({ u32 }: Machine): void {
  for (let i = 0; i < STATE.length; i++) anchor[i] = u32[STATE[i]!]!;
}
/** Whether that is as it was. */
export function isKept({ u32 }: Machine): boolean {
  for (let i = 0; i < STATE.length; i++) if (anchor[i] !== u32[STATE[i]!]) return false;
  return true;
}

/**
 * Executes the running core block by block as long as it may be in a wait, and passes over the iterations that are
 * all the same. What it did is what the interpreter would have done.
 * @param block the block at PC, from the cache of decoded code
 * @param physical its address
 * @param interpret runs the interpreter
 * @param waits by the cores' numbers: gets what the core waits for, where {@link stillWaits} can tell whether it does
 * @returns the block to go on with, at PC; 0 where the interpreter would have returned
 */
export function passWait(
  m: Machine,
  block: number,
  physical: number,
  interpret: (block: number) => void,
  waits: (Wait | undefined)[],
): number {
  const first = characterOf(m, block);
  if (!first.mayLoop) return block;
  if (first.rest > 0) {
    first.rest--;
    return block;
  }
  m.probing = true;
  let found = probe(m, block, physical >>> 12, interpret);
  let head = found.counted;
  for (let inVain = 0; found.next !== 0 && head !== undefined && inVain < TRIES; inVain++) {
    found = backTo(m, head, found, interpret);
    if (found.counted !== undefined) [head, inVain] = [found.counted, 0];
  }
  m.probing = false;
  waits[m.core.index] = found.wait;
  if (!found.isWait) first.rest = REST;
  return found.next;
}

/** How a look at what may be a wait ended. */
interface Found {
  /** The block at PC, and its physical page; 0 where the interpreter would have returned. */
  readonly next: number;
  readonly page: number;
  readonly isWait: boolean;
  /** The head of a loop that waited for the counter, and whose end has come. */
  readonly counted?: number | undefined;
  readonly wait?: Wait | undefined;
}

/** Looks again, where a loop whose end has come begins anew soon: long delays are made of short ones. */
function backTo(m: Machine, head: number, from: Found, interpret: (block: number) => void): Found {
  let { next, page } = from;
  for (let n = 0; n < BETWEEN && next !== 0 && m.u32[L.PC >>> 2] !== head; n++) {
    const executed = step(m, next, interpret);
    [next, page] = returns(m) ? [0, page] : follow(m, next, executed, page);
  }
  if (next === 0 || m.u32[L.PC >>> 2] !== head) return { next, page, isWait: true };
  return { ...probe(m, next, page, interpret), isWait: true };
}

function probe(m: Machine, start: number, startPage: number, interpret: (block: number) => void): Found {
  const { u32, i32 } = m;
  let block = start;
  let page = startPage;
  let character = characterOf(m, block);
  let head = 0;
  let since = 0;
  let path: Passed[] = [];
  let length = 0;
  let readsCounter = false;
  let stores = false;
  let longest = 1;
  let changes = 0;
  let counted: number | undefined;
  const over = (): Found => ({ next: block, page, isWait: counted !== undefined, counted });
  const startHere = (): void => {
    keep(m);
    head = u32[L.PC >>> 2]!;
    since = now(m);
    [path, length, readsCounter, stores] = [[], 0, false, false];
    m.steadyUntil = Infinity;
    beginIteration(m);
  };
  startHere();
  for (;;) {
    const address = u32[L.PC >>> 2]!;
    const executed = step(m, block, interpret);
    if (returns(m)) return { next: 0, page, isWait: true };
    const { pureTo, counterFrom, storesFrom } = character;
    path.push({ block, address, executed });
    [block, page] = follow(m, block, executed, page);
    if (block === 0 || executed > pureTo) return over();
    length += executed;
    readsCounter ||= executed >= counterFrom;
    stores ||= executed >= storesFrom;
    if (u32[L.PC >>> 2] !== head) {
      character = characterOf(m, block);
      if (!character.mayLoop) return over();
      if (path.length < longest) continue;
      // Where it was first may lie before the loop.
      longest *= 2;
      if (longest > LONGEST_LOOP) return over();
      startHere();
      continue;
    }
    const countable = countableIterations(m);
    const sure =
      readsCounter && m.steadyUntil === Infinity ? Math.min(countable, iterationsToCome(m, path, length)) : 0;
    if (sure > 0) {
      i32[L.BUDGET >>> 2] = i32[L.BUDGET >>> 2]! - sure * length;
      countIterations(m, sure);
      [changes, counted] = [0, head];
      character = characterOf(m, block);
      startHere();
      continue;
    }
    const until = readsCounter ? Math.min(m.steadyUntil, counterSteadyUntil(m, since)) : m.steadyUntil;
    const left = i32[L.BUDGET >>> 2]!;
    // What is stored may be what the next one reads.
    const kept = !stores && isKept(m);
    const same = kept
      ? Math.min(countable, Math.floor(Math.min(left, instructionsBefore(m, until)) / length))
      : 0;
    if (same > 0) i32[L.BUDGET >>> 2] = left - same * length;
    if (same > 0) countIterations(m, same);
    if (kept && until === Infinity) {
      const wait = path.length === 1 ? waitOf(m, character, head, length) : undefined;
      return { next: block, page, isWait: true, wait };
    }
    changes = same < WORTH_IT ? changes + 1 : 0;
    if (until === -Infinity || changes > CHANGES) return over();
    character = characterOf(m, block);
    const elsewhere = stores && same === 0;
    startHere();
    // It may have begun between a look at the counter and what is made of it.
    if (elsewhere) [head, longest] = [NOWHERE, 1];
  }
}

/**
 * Has the interpreter execute one block.
 * @returns the instructions executed
 */
export function step(m: Machine, block: number, interpret: (block: number) => void): number {
  const { u32, i32 } = m;
  const left = i32[L.BUDGET >>> 2]!;
  const { sliceBudget, kicked } = m;
  // With nothing left it returns at the end of the block; what was executed in the slice stays what it is.
  i32[L.BUDGET >>> 2] = 0;
  m.sliceBudget = sliceBudget - left;
  u32[L.PAGE >>> 2] = (u32[L.PC >>> 2]! & 0xfffff000) >>> 0;
  u32[L.LEAVE >>> 2] = 0;
  m.leave = false;
  interpret(block);
  const executed = -i32[L.BUDGET >>> 2]! - (m.kicked && !kicked ? KICK : 0);
  i32[L.BUDGET >>> 2] = i32[L.BUDGET >>> 2]! + left;
  m.sliceBudget = sliceBudget;
  return executed;
}

/** Whether the interpreter would not have gone on to the next block after a {@link step}. */
export function returns(m: Machine): boolean {
  return m.u32[L.LEAVE >>> 2] !== 0 || leaves(m) || m.kicked || m.i32[L.BUDGET >>> 2]! < 0;
}

/**
 * The block that the interpreter goes on with after one that it left at its `executed`th instruction, and the physical
 * page of it; 0 where it would return.
 */
export function follow(
  m: Machine,
  block: number,
  executed: number,
  page: number,
): [block: number, page: number] {
  const { u8, u16, u32 } = m;
  const pc = u32[L.PC >>> 2]!;
  let at = block;
  while (u8[at + L.OP_POSITION]! < executed) at += L.OP_SIZE;
  // A branch in the page needs no translation.
  for (; u8[at + L.OP_POSITION] === executed; at += L.OP_SIZE) {
    if (!between(u16[at >>> 1]!, Op.B_EQ, Op.BL) || u32[(at + L.OP_IMM) >>> 2] !== (pc & 0xfff)) continue;
    return [blockAt(m, page * 0x1000 + (pc & 0xfff)), page];
  }
  const physical = lookupCode(m, pc);
  return physical < 0 ? [0, page] : [knownBlock(m, physical), physical >>> 12];
}

/** When the counter changes that was the same since a time; in the past where it was not. */
function counterSteadyUntil(m: Machine, since: number): number {
  return m.counter.timeAfter(since, 1n);
}

/** How many more instructions the running core executes before a virtual time. */
function instructionsBefore(m: Machine, time: number): number {
  if (m.sliceEnd < time) return Infinity;
  return (time - m.sliceStart) * m.sharing - 1 - executedInSlice(m);
}

/** What the running core repeats, which is at the head of a block that branches to itself. */
function waitOf(m: Machine, character: Character, head: number, length: number): Wait | undefined {
  const code = isFlat(m) ? undefined : entryFor(m, head, 'execute');
  const reads = readsOf(m, character, addressesOf(m, character, head), length);
  return reads && (code || isFlat(m)) ? { length, code, reads, forgotten: m.forgotten } : undefined;
}

/** The addresses that the loads of a block have, before it is executed: of those that are plain. */
export function addressesOf(m: Machine, { loads }: Character, address: number): number[] {
  return loads.map(({ at, isPlain }) => (isPlain ? addressOf(m, at, address) : 0));
}

/** What a block has read that was executed up to an instruction; undefined where that cannot be asked again. */
export function readsOf(
  m: Machine,
  { loads }: Character,
  addresses: readonly number[],
  executed: number,
): Read[] | undefined {
  const reads: Read[] = [];
  for (const [n, { at, position, isPlain }] of loads.entries()) {
    if (position > executed) break;
    if (!isPlain) return undefined;
    const entry = isFlat(m) ? undefined : entryFor(m, addresses[n]!, 'read');
    if (!entry && !isFlat(m)) return undefined;
    const physical = entry?.physical ?? addresses[n]!;
    const size = sizeOf(m.u16[at >>> 1]!);
    const value = physical % size === 0 ? readAgain(m, m.core, physical, size) : undefined;
    if (value === undefined) return undefined;
    reads.push({ physical, entry, size, value });
  }
  return reads;
}

function addressOf(m: Machine, at: number, head: number): number {
  const op = m.u16[at >>> 1]!;
  const imm = m.u32[(at + L.OP_IMM) >>> 2]!;
  if (isLiteral(op)) return ((head & 0xfffff000) + imm) >>> 0;
  const base = m.u32[m.u8[at + L.OP_B]! >>> 2]!;
  if (!between(op, Op.LDR_REG, Op.LDRSH_REG)) return (base + imm) >>> 0;
  return (base + (m.u32[imm >>> 2]! << m.u32[(at + L.OP_EXT) >>> 2]!)) >>> 0;
}

function sizeOf(op: number): 1 | 2 | 4 {
  if (isLiteral(op)) return 4;
  return SIZES[op - (op >= (Op.LDR_REG as number) ? Op.LDR_REG : Op.LDR)]!;
}

/** Reads what a read would give; undefined where it would do more, or where time alone changes it. */
function readAgain(m: Machine, core: Core, physical: number, size: 1 | 2 | 4): number | undefined {
  if (physical < m.ramSize) return readData(m, physical, size);
  if (m.bus.steadyUntil?.(physical) !== Infinity) return undefined;
  return m.bus.read(core.index, physical, size);
}

/**
 * Whether a core, which need not be the running one, would repeat its iteration once more: it would read what it has
 * read, by translations that still stand.
 */
export function stillWaits(m: Machine, core: Core, { code, reads, forgotten }: Wait): boolean {
  if (forgotten !== m.forgotten || (code ? !holds(m, code) : !mayMissTlb(core))) return false;
  return stillReads(m, core, reads);
}

/** Whether it makes no difference that a core makes translations anew that others have put out of the TLB. */
export const mayMissTlb = (core: Core): boolean => core.counting === 0;

/** Whether a core, which need not be the running one, would read the same again, without a look at tables. */
export function stillReads(m: Machine, core: Core, reads: readonly Read[]): boolean {
  for (const { physical, entry, size, value } of reads)
    if ((entry && !holds(m, entry)) || readAgain(m, core, physical, size) !== value) return false;
  return true;
}
