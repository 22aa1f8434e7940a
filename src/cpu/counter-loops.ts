/**
 * Loops that wait for the counter to come to a value: each iteration reads another one, and yet does the same. That is
 * shown, not tried: an iteration is gone through with every value that the counter may have meanwhile at once, as an
 * interval, and has to take the same way, from registers that it does not change itself. All here is exact: what is not
 * known of an instruction ends it.
 */
import * as L from './layout.js';
import { Op } from './micro-ops.js';
import { placeOfWord } from './physical-memory.js';
import { executedInSlice, now, thumb, type Machine } from './state.js';
import { lookup, lookupOwnWrite } from './tlb.js';

/** A block that an iteration went through. */
export interface Passed {
  readonly block: number;
  /** Its address, and the instruction that it was left at, from 1. */
  readonly address: number;
  readonly executed: number;
}

/** Words that may be anything from `low` to `high`, both included. */
interface Interval {
  readonly low: number;
  readonly high: number;
}

const TOP = 0xffff_ffff;
const ANY: Interval = { low: 0, high: TOP };
const SIGN = 0x8000_0000;
const WORD = 2 ** 32;

/** Iterations that are worth the look. */
const WORTH_IT = 8;

const only = (value: number): Interval => ({ low: value >>> 0, high: value >>> 0 });
const isOne = ({ low, high }: Interval): boolean => low === high;
const complement = ({ low, high }: Interval): Interval => ({ low: ~high >>> 0, high: ~low >>> 0 });

/** What the counter reads, from the first value to the last: lower and upper word. */
interface Counts {
  readonly physical: readonly [Interval, Interval];
  readonly virtual: readonly [Interval, Interval];
}

/**
 * An iteration on its way: what is known of the words, and which were read or written so far. Words are those of registers and
 * of RAM, by their place.
 */
interface Walk {
  readonly m: Machine;
  readonly known: Map<number, Interval>;
  /** Words that were read before they were written. */
  readonly needed: Set<number>;
}

function get({ m, known, needed }: Walk, word: number): Interval {
  const value = known.get(word);
  if (value) return value;
  needed.add(word);
  return only(m.u32[word >>> 2]!);
}

/** Adds two words and a carry as AddWithCarry does (A2.2.1): the sum, and the carry from it. */
function sum(x: Interval, y: Interval, carry: Interval): { result: Interval; carry: Interval } {
  const low = x.low + y.low + carry.low;
  const high = x.high + y.high + carry.high;
  if (high < WORD) return { result: { low, high }, carry: only(0) };
  if (low >= WORD) return { result: { low: low - WORD, high: high - WORD }, carry: only(1) };
  return { result: ANY, carry: { low: 0, high: 1 } };
}

function setFlags(walk: Walk, x: Interval, y: Interval, { result, carry }: ReturnType<typeof sum>): void {
  walk.known.set(L.N, result);
  walk.known.set(L.Z, result);
  walk.known.set(L.C, carry);
  const one = isOne(x) && isOne(y) && isOne(result);
  walk.known.set(L.V, one ? only((x.low ^ result.low) & (y.low ^ result.low)) : ANY);
}

const negative = ({ low, high }: Interval): boolean | undefined =>
  low >= SIGN ? true : high < SIGN ? false : undefined;
const zero = ({ low, high }: Interval): boolean | undefined =>
  high === 0 ? true : low > 0 ? false : undefined;
const not = (value: boolean | undefined): boolean | undefined => (value === undefined ? undefined : !value);
const and = (x: boolean | undefined, y: boolean | undefined): boolean | undefined =>
  x === false || y === false ? false : x && y;

/** Whether a condition holds (A8.3), by its number; undefined where that is not the same for all. */
function holds(walk: Walk, condition: number): boolean | undefined {
  const flag = ((): boolean | undefined => {
    const [n, z, c, v] = [
      () => negative(get(walk, L.N)),
      () => zero(get(walk, L.Z)),
      () => not(zero(get(walk, L.C))),
      () => negative(get(walk, L.V)),
    ];
    const sameSigns = (): boolean | undefined => {
      const [a, b] = [n(), v()];
      return a === undefined || b === undefined ? undefined : a === b;
    };
    switch (condition >>> 1) {
      case 0:
        return z();
      case 1:
        return c();
      case 2:
        return n();
      case 3:
        return v();
      case 4:
        return and(c(), not(z()));
      case 5:
        return sameSigns();
      default:
        return and(not(z()), sameSigns());
    }
  })();
  return condition & 1 ? not(flag) : flag;
}

/** How x - y and the like are done: the operands in their order, one complemented, and the carry. */
type Operands = (walk: Walk, b: Interval, other: Interval) => [Interval, Interval, Interval];
const carryIn = (walk: Walk): Interval => get(walk, L.C);
const adds: Operands = (_, b, other) => [b, other, only(0)];
const subtracts: Operands = (_, b, other) => [b, complement(other), only(1)];
const reverse: Operands = (_, b, other) => [other, complement(b), only(1)];
const addsCarry: Operands = (walk, b, other) => [b, other, carryIn(walk)];
const subtractsCarry: Operands = (walk, b, other) => [b, complement(other), carryIn(walk)];

/** Micro-ops of arithmetic: the operands, whether the second is a constant, and whether flags are set. */
const arithmetic: ReadonlyMap<number, { operands: Operands; constant: boolean; flags: boolean }> = new Map(
  (
    [
      [Op.ADD_IMM, adds, true, false],
      [Op.RSB_IMM, reverse, true, false],
      [Op.ADC_IMM, addsCarry, true, false],
      [Op.SBC_IMM, subtractsCarry, true, false],
      [Op.ADD_REG, adds, false, false],
      [Op.SUB_REG, subtracts, false, false],
      [Op.RSB_REG, reverse, false, false],
      [Op.ADC_REG, addsCarry, false, false],
      [Op.SBC_REG, subtractsCarry, false, false],
      [Op.ADDS_IMM, adds, true, true],
      [Op.SUBS_IMM, subtracts, true, true],
      [Op.RSBS_IMM, reverse, true, true],
      [Op.ADCS_IMM, addsCarry, true, true],
      [Op.SBCS_IMM, subtractsCarry, true, true],
      [Op.ADDS_REG, adds, false, true],
      [Op.SUBS_REG, subtracts, false, true],
      [Op.RSBS_REG, reverse, false, true],
      [Op.ADCS_REG, addsCarry, false, true],
      [Op.SBCS_REG, subtractsCarry, false, true],
    ] as const
  ).map(([op, operands, constant, flags]) => [op, { operands, constant, flags }]),
);

const between = (op: number, first: number, last: number): boolean => op >= first && op <= last;

/** The number of the condition under which a micro-op of a row from `first` on acts; 14 for those behind. */
const conditionOf = (op: number, first: number): number => op - first;
const ALWAYS = 14;

/**
 * Goes through a block as it was executed.
 * @returns whether it is left there in any case
 */
function goThrough(
  walk: Walk,
  { block, address, executed }: Passed,
  target: number,
  counts: Counts,
): boolean {
  const { m, known } = walk;
  const page = address & ~0xfff;
  for (let at = block; ; at += L.OP_SIZE) {
    const op = m.u16[at >>> 1]!;
    const [a, b] = [m.u8[at + L.OP_A]!, m.u8[at + L.OP_B]!];
    const [imm, ext] = [m.u32[(at + L.OP_IMM) >>> 2]!, m.u32[(at + L.OP_EXT) >>> 2]!];
    const position = m.u8[at + L.OP_POSITION]!;
    const sums = arithmetic.get(op);
    if (position > executed) return false;
    if (sums) {
      const [x, y, carry] = sums.operands(walk, get(walk, b), sums.constant ? only(imm) : get(walk, imm));
      const done = sum(x, y, carry);
      if (sums.flags) setFlags(walk, x, y, done);
      known.set(a, done.result);
    } else if (op === (Op.COUNT as number)) continue;
    else if (op === (Op.CMP_IMM as number) || op === (Op.CMP_REG as number)) {
      const [x, y] = [get(walk, a), complement(op === (Op.CMP_IMM as number) ? only(imm) : get(walk, imm))];
      setFlags(walk, x, y, sum(x, y, only(1)));
    } else if (op === (Op.MOV_IMM as number)) known.set(a, only(imm));
    else if (op === (Op.MOV_REG as number)) known.set(a, get(walk, imm));
    else if (op === (Op.MOVT as number)) {
      const { low } = get(walk, a);
      known.set(a, isOne(get(walk, a)) ? only((low & 0xffff) | imm) : ANY);
    } else if (op === (Op.PAGE_ADD as number)) known.set(a, only(page + imm));
    else if (between(op, Op.LDR, Op.LDRSH)) {
      const base = get(walk, b);
      if (!isOne(base)) return false;
      known.set(a, op === (Op.LDR as number) ? read(walk, base.low + imm) : ANY);
    } else if (op === (Op.LDR_LITERAL as number)) known.set(a, read(walk, page + imm));
    else if (op === (Op.STR as number) || op === (Op.STR_PRE as number)) {
      const base = get(walk, b);
      if (!isOne(base) || !write(walk, base.low + imm, get(walk, a))) return false;
      if (op === (Op.STR_PRE as number)) known.set(b, only(base.low + imm));
    } else if (between(op, Op.LDM, Op.LDM_PC)) {
      if (!moveMany(walk, op, a, imm, ext)) return false;
      if (op === (Op.LDM_PC as number)) return position === executed && leadsTo(walk, L.PC, target);
    } else if (op === (Op.B_FAR as number) || op === (Op.BL_FAR as number) || op === (Op.BL as number)) {
      if (op !== (Op.B_FAR as number)) known.set(L.LR, only(page + returnOffset(m, at)));
      return position === executed && (page + imm) >>> 0 === target;
    } else if (op === (Op.BX as number) || op === (Op.B_REG as number))
      return position === executed && leadsTo(walk, a, target);
    else if (op === (Op.SLOW as number)) {
      const read = counterRead(m, ext);
      if (!read) return false;
      const [low, high] = read.virtual ? counts.virtual : counts.physical;
      known.set(4 * read.low, low);
      known.set(4 * read.high, high);
    } else if (between(op, Op.SKIP_EQ, Op.SKIP_LE)) {
      const passes = holds(walk, conditionOf(op, Op.SKIP_EQ));
      if (passes === undefined) return false;
      if (!passes) at += imm;
    } else if (between(op, Op.B_EQ, Op.B)) {
      const condition = conditionOf(op, Op.B_EQ);
      const taken = condition === ALWAYS ? true : holds(walk, condition);
      if (taken === undefined) return false;
      if (taken) return position === executed && (page + imm) >>> 0 === target;
    } else return false;
  }
}

/** The place of an aligned word at a virtual address, where that is RAM; undefined where it is not, or it is not known. */
function placeIn(
  m: Machine,
  address: number,
  lookUp: (m: Machine, address: number) => number,
): number | undefined {
  const physical = address % 4 === 0 ? lookUp(m, address) : -1;
  return physical >= 0 && physical < m.ramSize ? placeOfWord(physical) : undefined;
}

/** What is known of the word at a virtual address. */
function read(walk: Walk, address: number): Interval {
  const place = placeIn(walk.m, address >>> 0, (m, it) => lookup(m, it, false));
  return place === undefined ? ANY : get(walk, place);
}

/** Has it be written; false where it may be more than a word of RAM. */
function write(walk: Walk, address: number, value: Interval): boolean {
  const place = placeIn(walk.m, address >>> 0, lookupOwnWrite);
  if (place !== undefined) walk.known.set(place, value);
  return place !== undefined;
}

/** LDM, STM and LDM_PC; false where it is not known what they do. */
function moveMany(walk: Walk, op: number, a: number, mask: number, ext: number): boolean {
  const base = get(walk, a);
  if (!isOne(base)) return false;
  let address = base.low + ((ext << 16) >> 16);
  const after = only(base.low + (ext >> 16));
  // What is loaded stands over the base that is written back, and that is not what is stored.
  if (op !== (Op.STM as number)) walk.known.set(a, after);
  for (let n = 0; n < 16; n++) {
    if (!((mask >>> n) & 1)) continue;
    if (op !== (Op.STM as number)) walk.known.set(4 * n, read(walk, address));
    else if (!write(walk, address, get(walk, 4 * n))) return false;
    address += 4;
  }
  if (op === (Op.STM as number)) walk.known.set(a, after);
  return true;
}

/** Whether a register holds the address of the next block for certain, in the same instruction set: A32. */
function leadsTo(walk: Walk, register: number, target: number): boolean {
  const value = get(walk, register);
  return !thumb(walk.m) && isOne(value) && value.low === target;
}

/** What BL puts into LR, from the start of the page. */
function returnOffset(m: Machine, at: number): number {
  const offset = m.u16[(at + L.OP_OFFSET) >>> 1]!;
  return (offset & 0xfff) + (offset & L.OP_WIDE ? 4 : 2) + (thumb(m) ? 1 : 0);
}

/** MRRC of CNTPCT or CNTVCT (B8.2) among the slow instructions: which, and the registers that it goes to. */
export function counterRead(
  m: Machine,
  instruction: number,
): { readonly virtual: boolean; readonly low: number; readonly high: number } | undefined {
  const { encoding, fields } = m.instructions[instruction]!;
  if (encoding?.operation !== 'MRRC') return undefined;
  const { coproc, opc1, CRm, Rt = 0, Rt2 = 0 } = fields;
  if (coproc !== 15 || CRm !== 14 || (opc1 !== 0 && opc1 !== 1)) return undefined;
  return { virtual: opc1 === 1, low: Rt, high: Rt2 };
}

/** Whether an iteration that was executed does the same at every count from one to another. */
function repeats(m: Machine, path: readonly Passed[], from: bigint, to: bigint): boolean {
  const words = (offset: bigint): [Interval, Interval] | undefined => {
    const [first, last] = [from - offset, to - offset].map((it) => BigInt.asUintN(64, it)) as [
      bigint,
      bigint,
    ];
    // The upper word stays: it changes once in minutes.
    if (first >> 32n !== last >> 32n) return undefined;
    const low = { low: Number(first & 0xffff_ffffn), high: Number(last & 0xffff_ffffn) };
    return [low, only(Number(first >> 32n))];
  };
  const [physical, virtual] = [words(0n), words(m.core.CNTVOFF)];
  if (!physical || !virtual) return false;
  const walk: Walk = { m, known: new Map(), needed: new Set() };
  for (const [n, passed] of path.entries()) {
    const target = path[(n + 1) % path.length]!.address;
    if (!goThrough(walk, passed, target, { physical, virtual })) return false;
  }
  // What it begins with is what every one begins with.
  for (const word of walk.needed) {
    const left = walk.known.get(word);
    if (left && !(isOne(left) && left.low === m.u32[word >>> 2])) return false;
  }
  return true;
}

/**
 * How many iterations like the last one follow for certain, at least one more after them being to be executed: what an
 * iteration has left in registers is that of the last one.
 * @param path of the iteration, which ended where it began, read nothing but registers, RAM and the counter, and wrote nothing
 *   but registers and RAM
 * @param length its instructions
 * @returns 0 where none are sure or it is not worth the while
 */
export function iterationsToCome(m: Machine, path: readonly Passed[], length: number): number {
  let iterations = Math.floor(m.i32[L.BUDGET >>> 2]! / length) - 1;
  if (iterations < WORTH_IT) return 0;
  const executed = executedInSlice(m);
  const from = m.counter.countAt(now(m));
  for (; iterations >= WORTH_IT; iterations >>>= 1) {
    const end = m.sliceStart + Math.floor((executed + iterations * length) / m.sharing);
    const to = m.counter.countAt(Math.min(m.sliceEnd, end));
    if (repeats(m, path, from, to)) return iterations;
  }
  return 0;
}
