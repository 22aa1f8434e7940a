/** From instructions to blocks of micro-ops. */
import { decodeA32, decodeT32, isWideT32 } from '../isa/decoder.js';
import type { Encoding } from '../isa/encoding.js';
import { isUnpredictable } from '../isa/encoding.js';
import type { Fields } from '../isa/pattern.js';
import { ALWAYS } from '../isa/registers.js';
import { effectOnAborts } from './asynchronous-aborts.js';
import { countedOf, returnsFromException } from './counted-instructions.js';
import type { ExtensionOp, LowerExtension, LowerSome } from './emitter.js';
import { Emitter } from './emitter.js';
import { eventAtInstruction } from './debug-events.js';
import { debugEvent, undefinedInstruction } from './exceptions.js';
import { extensionLowerings } from './extension-lowerings.js';
import { type Execute, type Executes, taken } from './instruction.js';
import * as L from './layout.js';
import { lowerings } from './lowerings.js';
import { mediaLowerings } from './media-lowerings.js';
import { Op } from './micro-ops.js';
import { readItState } from './modes.js';
import { fetchHalfword, fetchWord } from './physical-memory.js';
import type { A32Operation, Needs, T32Operation } from './operation-fields.js';
import { slowInstruction, slowInstructions } from './slow/index.js';
import type { Machine } from './state.js';
import { runningView, setRegister, stopHere, thumb } from './state.js';
import { systemLowerings } from './system-lowerings.js';
import { likeA32 } from './t32-fields.js';
import { advanceIt, branchTarget, thumbLowerings } from './thumb.js';

/** The longest block, in instructions; an IT block is not cut. */
export const LONGEST_BLOCK = 120;

const PAGE_SIZE = 0x1000;
/** Where a T32 instruction begins that lies across two pages. */
export const LAST_HALFWORD = PAGE_SIZE - 2;

/**
 * Decodes the instructions from a physical address on, to micro-ops from `start` on, up to an unconditional branch,
 * the end of the page, or LONGEST_BLOCK instructions. CPSR.IT is that of the first one.
 * @param second the physical address of the second half of a T32 instruction that lies across two pages; then that
 *   instruction is all there is
 * @param alone whether the first instruction is all there is, behind a look at breakpoints
 * @returns the first free byte behind the micro-ops, and how many bytes of the page they stand for
 */
export function decodeBlock(
  m: Machine,
  physical: number,
  start: number,
  second?: number,
  alone = false,
): { top: number; bytes: number } {
  const variant = m.u32[L.VARIANT >>> 2]!;
  const isThumb = thumb(m);
  const emitter = new Emitter(
    m,
    isThumb,
    (variant & L.VARIANT_E) !== 0,
    (variant & L.VARIANT_COUNTED) !== 0,
    physical >>> 12,
    start,
  );
  const first = physical & (isThumb ? 0xffe : 0xffc);
  const page = physical & ~0xfff;
  emitter.offset = first;
  emitter.it = readItState(m);
  let next = first;
  const longest = alone ? 1 : LONGEST_BLOCK;
  while (!emitter.ended && next < PAGE_SIZE && (emitter.position < longest || (emitter.it && !alone))) {
    const isAcross = isThumb && next === LAST_HALFWORD && isWideT32(fetchHalfword(m, page + next));
    // It is the next block, which looks whether the page behind is still the one it was decoded from.
    if (isAcross && next !== first && emitter.it === 0) break;
    emitter.offset = next;
    emitter.position++;
    if (!isThumb) {
      const word = fetchWord(m, page + next);
      if (alone) m.effect = effectOnAborts(word, isThumb);
      if (alone || m.breakOffsets?.has(next)) beforehand(emitter, lookAtBreakpoints);
      watched(emitter, physical, word);
      lowerA32(emitter, word);
      next += 4;
      continue;
    }
    let word = fetchHalfword(m, page + next);
    emitter.size = isWideT32(word) ? 4 : 2;
    if (isAcross && second === undefined) {
      // The rest of it is in a page that may be anywhere: that is found out first.
      emitter.size = 2;
      emitter.position--;
      emitter.slow(goOnHere, {});
      emitter.ended = true;
      next += 2;
      break;
    }
    if (emitter.size === 4) word = word * 0x10000 + fetchHalfword(m, isAcross ? second! : page + next + 2);
    if (isAcross && !alone) checkNextPage(emitter, second! & ~0xfff);
    if (alone) m.effect = effectOnAborts(word, isThumb);
    if (alone || m.breakOffsets?.has(next)) beforehand(emitter, lookAtBreakpoints);
    watched(emitter, physical, word);
    lowerT32(emitter, word);
    next += emitter.size;
  }
  if (!emitter.ended) endBlock(emitter, next);
  return { top: emitter.top, bytes: Math.min(next, PAGE_SIZE) - first };
}

/** Goes on only where the instructions of the next page are those at a physical address. */
function checkNextPage(emitter: Emitter, physical: number): void {
  beforehand(emitter, goOnHere, { op: Op.NEXT_PAGE, imm: physical >>> 0 });
}

/** Shows the instruction to who looks on, before it is executed. */
function watched(emitter: Emitter, block: number, word: number): void {
  const physical = ((block & ~0xfff) | emitter.offset) >>> 0;
  if (!emitter.m.watch?.wants(physical)) return;
  beforehand(emitter, (m) => {
    setRegister(m, 15, m.address);
    if (!m.watch?.instruction(runningView(m), m.address, physical, word)) return;
    stopHere(m);
    throw taken;
  });
}

/** Takes the debug event that the instruction meets, if it meets one. */
const lookAtBreakpoints: Execute = (m) => {
  const moe = eventAtInstruction(m, m.address);
  if (moe !== 0) debugEvent(m, moe);
};

/** Has something done before the instruction, that does not count as executed by it. */
function beforehand(emitter: Emitter, execute: Execute, parts: ExtensionOp = { op: Op.SLOW }): void {
  emitter.position--;
  emitter.extension(parts, execute, {});
  emitter.position++;
}

/** On to the next block. In an IT block that is for the outside to find: CPSR.IT says how it goes on. */
function endBlock(emitter: Emitter, next: number): void {
  emitter.condition = ALWAYS;
  if (emitter.it) emitter.slow(goOnAfter, {});
  else emitter.branch(next);
}

/** Leaves the interpreter before the instruction. */
function goOnHere(m: Machine): never {
  setRegister(m, 15, m.address);
  m.leave = true;
  // Nothing was done, so ITSTATE stays.
  throw taken;
}
/** Leaves it behind the instruction that the micro-op belongs to; its ITSTATE is the next one's already. */
const goOnAfter: Execute = (m) => {
  m.leave = true;
  throw taken;
};

function lowerA32(emitter: Emitter, word: number): void {
  const decoded = decodeA32(word);
  emitter.word = word;
  emitter.encoding = decoded?.encoding;
  if (!decoded) {
    const condition = Math.min(word >>> 28, ALWAYS);
    lowerUndefined(emitter, condition);
    return;
  }
  const { encoding } = decoded;
  const fields: Fields & Needs<never, 'cond' | 'imm24'> = decoded.fields;
  const { cond: condition = ALWAYS, imm24 = 0 } = fields;
  reportUnpredictable(emitter, encoding, fields);
  if (encoding.operation === 'B') lowerBranch(emitter, condition, emitter.offset + 8 + ((imm24 << 8) >> 6));
  else lowerOperation(emitter, condition, encoding.operation, fields, false);
}

function lowerT32(emitter: Emitter, word: number): void {
  const decoded = decodeT32(word);
  emitter.word = word;
  emitter.encoding = decoded?.encoding;
  const { it } = emitter;
  const condition = it ? it >>> 4 : ALWAYS;
  if (!decoded) lowerUndefined(emitter, condition === 15 ? ALWAYS : condition);
  else {
    const { encoding } = decoded;
    reportUnpredictable(emitter, encoding, decoded.fields);
    const fields: Fields & Needs<never, 'cond' | 'firstcond' | 'mask'> = likeA32(
      encoding.name,
      decoded.fields,
      it !== 0,
    );
    const { operation } = encoding;
    if (operation === 'B') lowerBranch(emitter, fields.cond ?? condition, branchTarget(emitter, fields));
    else if (operation === 'BKPT') lowerOperation(emitter, ALWAYS, operation, fields, true);
    else lowerOperation(emitter, condition, operation, fields, true);
    if (operation === 'IT') {
      const { firstcond = 0, mask = 0 } = fields;
      emitter.it = (firstcond << 4) | mask;
      return;
    }
  }
  emitter.it = advanceIt(it);
}

/** Tells who listens, each time before it is executed; whether its condition holds is not looked at. */
function reportUnpredictable(emitter: Emitter, encoding: Encoding, fields: Fields): void {
  const { word, it } = emitter;
  const { name, entry } = encoding;
  const outOfPlace = it !== 0 && (entry.inIT === 'never' || (entry.inIT === 'last' && advanceIt(it) !== 0));
  if (!outOfPlace && !isUnpredictable(encoding, word, fields)) return;
  beforehand(emitter, (m) => {
    m.listener?.unpredictable?.({ core: m.core.index, address: m.address, word, name });
  });
}

function lowerUndefined(emitter: Emitter, condition: number): void {
  conditionally(emitter, condition, () => {
    if (emitter.it === 0) emitter.extension({ op: Op.UNDEFINED }, undefinedInstruction, {});
    else emitter.slow(undefinedInstruction, {});
  });
  emitter.ended = condition === ALWAYS;
}

/** Branches in the page have their condition in themselves. */
function lowerBranch(emitter: Emitter, condition: number, target: number): void {
  emitter.condition = condition;
  beginCounting(emitter, 'B', {});
  if (target >= 0 && target < PAGE_SIZE) {
    emitter.branch(target);
    return;
  }
  conditionally(emitter, condition, () => {
    emitter.branch(target);
  });
}

/** Has an instruction's events be counted, where any are: those that do not hang on its condition at once. */
function beginCounting(emitter: Emitter, operation: string, fields: Fields): void {
  if (!emitter.counted) return;
  const { always, executed, branching } = countedOf(operation, fields);
  emitter.events = always;
  emitter.count();
  emitter.events = executed;
  if (operation !== 'ISB') emitter.branchEvents = branching;
}

/** What lowerBranch is for. */
type Branch = 'B';
type Lowered = typeof lowerings;
/** Operations that are lowered always, whatever their fields. */
type LoweredAlways = {
  [Op in keyof Lowered]: ReturnType<Lowered[Op]> extends true ? Op : never;
}[keyof Lowered];
/** Operations that something else than micro-ops has to run, with some fields at least. */
export type SlowOperation =
  | Exclude<A32Operation, LoweredAlways | Branch>
  | Exclude<T32Operation, LoweredAlways | Branch | keyof typeof thumbLowerings>;

// An operation of the tables that nothing runs is a fault of types here.
slowInstructions satisfies Executes<SlowOperation>;

type Lowerings = Readonly<Record<string, LowerSome<Fields> | undefined>>;
const a32Lowerings = { ...lowerings, ...mediaLowerings } as unknown as Lowerings;
/** Lowerings to what the interpreter may decline. */
const declinable = { ...systemLowerings, ...extensionLowerings } as unknown as Readonly<
  Record<string, LowerExtension<Fields> | undefined>
>;
const t32Lowerings: Lowerings = { ...a32Lowerings, ...(thumbLowerings as unknown as Lowerings) };

function lowerOperation(
  emitter: Emitter,
  condition: number,
  operation: string,
  fields: Fields,
  isThumb: boolean,
): void {
  beginCounting(emitter, operation, fields);
  conditionally(emitter, condition === 15 ? ALWAYS : condition, () => {
    lowerBody(emitter, operation, fields, isThumb);
    emitter.count();
  });
}

function lowerBody(emitter: Emitter, operation: string, fields: Fields, isThumb: boolean): void {
  const lower = (isThumb ? t32Lowerings : a32Lowerings)[operation];
  if (lower?.(emitter, fields)) return;
  const execute = slowInstruction(operation)!;
  const isElsewhere = emitter.counted && returnsFromException(operation);
  const parts = isElsewhere ? undefined : declinable[operation]?.(emitter, fields);
  if (parts) emitter.extension(parts, execute, fields);
  else emitter.slow(execute, fields);
}

/** Emits micro-ops that are skipped unless the condition holds. */
function conditionally(emitter: Emitter, condition: number, body: () => void): void {
  emitter.condition = condition;
  if (condition === ALWAYS) {
    body();
    return;
  }
  const skip = emitter.emit(Op.SKIP_EQ + condition);
  body();
  emitter.m.u32[(skip + L.OP_IMM) >>> 2] = emitter.top - skip - L.OP_SIZE;
}
