/**
 * The performance monitors of a core: which counters count in the mode that it is in, from what, and what an overflow
 * does (DDI 0406C, chapter C12; DDI 0464F, chapter 11). Nothing is looked at as instructions execute while no counter
 * is enabled. Cycles and instructions are the core's own count of what it executed; other events have a tally each,
 * which whoever knows of one adds to. The counters themselves are brought up to date, by {@link settle}, when they are
 * looked at and when what they count changes.
 */
import { bitsOf, maskOf } from '../isa/bits.js';
import { MODE_HYP, MODE_USR } from '../isa/program-status.js';
import { FIRST_OWN_EVENT, LAST_OWN_EVENT, PERFORMANCE_EVENTS as EVENT } from '../isa/performance-events.js';
import { HDCR, PMCR, PMXEVTYPER } from '../isa/system-registers.js';
import { isSecure, modeOf } from './current-mode.js';
import * as K from './event-kinds.js';
import * as L from './layout.js';
import type { Core, Machine } from './state.js';
import { executedInSlice } from './state.js';
import { contextsChanged } from './tlb.js';

/** The event counters of a Cortex-A7; the cycle counter's number. */
export const EVENT_COUNTERS = 4;
export const CYCLE_COUNTER = 31;

const WORD = 2 ** 32;
/** Cycles that the cycle counter counts as one by PMCR.D. */
const DIVIDER = 64;

/** What counts an event: the kind of its tally. Cycles, instructions and increments by software have none. */
const KIND_OF: ReadonlyMap<number, number> = new Map<number, number>([
  [EVENT.L1I_TLB_REFILL, K.INSTRUCTION_REFILL],
  [EVENT.L1D_TLB_REFILL, K.DATA_REFILL],
  [EVENT.LD_RETIRED, K.LOAD],
  [EVENT.ST_RETIRED, K.STORE],
  [EVENT.EXC_TAKEN, K.EXCEPTION],
  [EVENT.EXC_RETURN, K.EXCEPTION_RETURN],
  [EVENT.CID_WRITE_RETIRED, K.CONTEXTIDR_WRITE],
  [EVENT.PC_WRITE_RETIRED, K.PC_WRITE],
  [EVENT.BR_IMMED_RETIRED, K.BRANCH_IMMEDIATE],
  [EVENT.BR_RETURN_RETIRED, K.PROCEDURE_RETURN],
  [EVENT.UNALIGNED_LDST_RETIRED, K.UNALIGNED],
  [EVENT.BR_PRED, K.PREDICTABLE],
  [EVENT.MEM_ACCESS, K.MEMORY_ACCESS],
  [EVENT.EXC_IRQ, K.IRQ],
  [EVENT.EXC_FIQ, K.FIQ],
]);

/** Kinds that are counted as instructions execute; by each access to memory; where an exception is taken. */
const BY_INSTRUCTION = new Set<number>([
  ...[K.LOAD, K.STORE, K.PC_WRITE, K.BRANCH_IMMEDIATE, K.PROCEDURE_RETURN, K.EXCEPTION_RETURN],
  ...[K.PREDICTABLE, K.UNALIGNED],
]);
const BY_ACCESS = new Set<number>([K.UNALIGNED, K.MEMORY_ACCESS]);
const BY_EXCEPTION = new Set<number>([K.EXCEPTION, K.IRQ, K.FIQ]);

/** Why an event counts nothing here; undefined where it is counted, or where the processor has none. */
export function unknownEvent(event: number): string | undefined {
  switch (event) {
    case EVENT.BR_MIS_PRED:
      return 'branches are not predicted';
    case EVENT.L1I_CACHE_REFILL:
    case EVENT.L1D_CACHE_REFILL:
    case EVENT.L1D_CACHE:
    case EVENT.L1I_CACHE:
    case EVENT.L1D_CACHE_WB:
    case EVENT.L2D_CACHE:
    case EVENT.L2D_CACHE_REFILL:
    case EVENT.L2D_CACHE_WB:
      return 'there are no caches';
    case EVENT.BUS_ACCESS:
    case EVENT.BUS_CYCLES:
    case EVENT.BUS_ACCESS_LD:
    case EVENT.BUS_ACCESS_ST:
      return 'there is no bus behind caches';
    default:
      return isOwnEvent(event) ? 'there are no caches, no bus behind them, and no store buffer' : undefined;
  }
}

const isOwnEvent = (event: number): boolean => event >= FIRST_OWN_EVENT && event <= LAST_OWN_EVENT;

const counterBits = (counters: number): number => 2 ** counters - 1;

/** The event counters that PL1 and User mode of Non-secure state have, from the first on: HDCR.HPMN (B4.1.62). */
function countersOfHost(core: Core): number {
  return Math.min(bitsOf(HDCR, 'HPMN', core.HDCR), EVENT_COUNTERS);
}

/** How many event counters the running core's mode has. */
export function reachableCounters(m: Machine): number {
  return isSecure(m) || modeOf(m) === MODE_HYP ? EVENT_COUNTERS : countersOfHost(m.core);
}

/** Bits of counters, as PMCNTENSET has them, that PMCR.E or HDCR.HPME lets count, and interrupt. */
function permitted(core: Core): number {
  const host = counterBits(countersOfHost(core));
  const all = counterBits(EVENT_COUNTERS);
  const byHost = core.PMCR & maskOf(PMCR, 'E') ? host | (1 << CYCLE_COUNTER) : 0;
  return (byHost | (core.HDCR & maskOf(HDCR, 'HPME') ? all & ~host : 0)) >>> 0;
}

/** Whether a filter lets events be counted in a mode (B4.1.122). */
function passes(type: number, mode: number, secure: boolean): boolean {
  const field = (name: keyof typeof PMXEVTYPER.bits): number => bitsOf(PMXEVTYPER, name, type);
  if (mode === MODE_HYP) return field('NSH') === 1;
  if (mode === MODE_USR) return secure ? field('U') === 0 : field('U') === field('NSU');
  return secure ? field('P') === 0 : field('P') === field('NSK');
}

/** Whether a filter makes a difference between User mode and PL1. */
function differsByMode(type: number): boolean {
  return [true, false].some((secure) => passes(type, MODE_USR, secure) !== passes(type, 0, secure));
}

const eventOf = (core: Core, counter: number): number =>
  counter === CYCLE_COUNTER ? EVENT.CPU_CYCLES : bitsOf(PMXEVTYPER, 'evtCount', core.PMXEVTYPER[counter]!);

/** The numbers of counters of a set. */
function* countersOf(bits: number): Generator<number> {
  for (let n = 0; n < EVENT_COUNTERS; n++) if ((bits >>> n) & 1) yield n;
  if (bits >>> CYCLE_COUNTER) yield CYCLE_COUNTER;
}

/** Instructions that the core has executed since reset, those that ended in exceptions too. */
const executedBy = (m: Machine): number => m.core.executed + (m.core === m.turn ? executedInSlice(m) : 0);

const valueOf = (core: Core, counter: number): number =>
  counter === CYCLE_COUNTER ? core.PMCCNTR : core.PMXEVCNTR[counter]!;
const isDivided = (core: Core, counter: number): boolean =>
  counter === CYCLE_COUNTER && (core.PMCR & maskOf(PMCR, 'D')) !== 0;

/** What came for a counter since the counters were brought up to date. */
function cameFor(m: Machine, counter: number): number {
  const { core } = m;
  if (((core.active >>> counter) & 1) === 0) return 0;
  const cycles = executedBy(m) - core.countedAt;
  if (isDivided(core, counter)) return Math.floor((core.cyclesOver + cycles) / DIVIDER);
  const event = eventOf(core, counter);
  if (event === EVENT.CPU_CYCLES) return cycles;
  if (event === EVENT.INST_RETIRED) return cycles - ((m.u32[L.UNRETIRED >>> 2]! - core.unretiredAt) >>> 0);
  const kind = KIND_OF.get(event);
  return kind === undefined ? 0 : (tallyOf(m, kind) - core.talliesAt[kind]!) >>> 0;
}

/** What a counter holds now. */
export function counterNow(m: Machine, counter: number): number {
  return (valueOf(m.core, counter) + cameFor(m, counter)) % WORD;
}

/** PMOVSR now. */
export function overflowsNow(m: Machine): number {
  const { core } = m;
  let bits = core.PMOVS;
  for (const n of countersOf(core.active)) if (valueOf(core, n) + cameFor(m, n) >= WORD) bits |= 1 << n;
  return bits >>> 0;
}

/** Brings the core's counters up to date. To be called before what they count changes, or just behind. */
export function settle(m: Machine): void {
  const { core } = m;
  const values = [...countersOf(core.active)].map((n) => [n, counterNow(m, n)] as const);
  core.PMOVS = overflowsNow(m);
  const executed = executedBy(m);
  if (isDivided(core, CYCLE_COUNTER) && core.active >>> CYCLE_COUNTER)
    core.cyclesOver = (core.cyclesOver + executed - core.countedAt) % DIVIDER;
  for (const [n, value] of values)
    if (n === CYCLE_COUNTER) core.PMCCNTR = value;
    else core.PMXEVCNTR[n] = value;
  core.countedAt = executed;
  core.unretiredAt = m.u32[L.UNRETIRED >>> 2]!;
  goOn(m);
}

const tallyAt = (kind: number): number => (L.TALLIES >>> 2) + kind;
const tallyOf = ({ u32 }: Machine, kind: number): number => u32[tallyAt(kind)]!;

/** Has the core's counters go on from what they hold, in the mode that it is in. */
function goOn(m: Machine): void {
  const { core, u32 } = m;
  const [mode, secure] = [modeOf(m), isSecure(m)];
  let active = 0;
  for (const n of countersOf(core.counting)) if (passes(core.PMXEVTYPER[n]!, mode, secure)) active |= 1 << n;
  core.active = active >>> 0;
  core.talliesAt.fill(0);
  core.overflowAt = Infinity;
  for (const n of countersOf(core.active)) {
    const event = eventOf(core, n);
    const kind = KIND_OF.get(event);
    const value = valueOf(core, n);
    // A tally runs to 0 with the counter that overflows first.
    if (kind !== undefined) core.talliesAt[kind] = Math.max(core.talliesAt[kind]!, value);
    else if (event === EVENT.CPU_CYCLES || event === EVENT.INST_RETIRED) {
      const left = isDivided(core, n) ? (WORD - value) * DIVIDER - core.cyclesOver : WORD - value;
      core.overflowAt = Math.min(core.overflowAt, core.countedAt + left);
    }
  }
  u32.set(core.talliesAt, tallyAt(0));
  const level = (core.PMOVS & core.PMINTEN & permitted(core)) !== 0;
  if (level === core.pmuLevel) return;
  core.pmuLevel = level;
  m.onPmu(core.index, level);
}

/** Changes registers of the core's monitors, and finds out what is to be counted now. */
export function changeMonitors(m: Machine, change: () => void): void {
  const { core, u32 } = m;
  settle(m);
  change();
  core.counting = (core.PMCNTEN & permitted(core)) >>> 0;
  const counters = [...countersOf(core.counting)];
  const kinds = counters.map((n) => KIND_OF.get(eventOf(core, n)) ?? -1);
  core.countsByMode =
    counters.some((n) => differsByMode(core.PMXEVTYPER[n]!)) || kinds.some((kind) => BY_EXCEPTION.has(kind));
  core.countsInstructions = kinds.some((kind) => BY_INSTRUCTION.has(kind));
  const counted = core.countsInstructions ? L.VARIANT_COUNTED : 0;
  u32[L.VARIANT >>> 2] = (u32[L.VARIANT >>> 2]! & ~L.VARIANT_COUNTED) | counted;
  const byAccess = kinds.some((kind) => BY_ACCESS.has(kind));
  if (byAccess !== core.countsAccesses) {
    core.countsAccesses = byAccess;
    contextsChanged(m);
  }
  goOn(m);
}

/** Counts an event of a kind, where any are counted. */
export function tally(m: Machine, kind: number): void {
  if (m.core.counting === 0) return;
  const at = tallyAt(kind);
  m.u32[at] = m.u32[at]! + 1;
  if (m.u32[at] === 0) settle(m);
}

/**
 * Counts what an instruction that goes on elsewhere is, before it does: see counted-instructions.ts. Others are counted
 * by a micro-op behind them.
 */
export function tallyInstruction(m: Machine): void {
  if (!m.core.countsInstructions || m.record === 0) return;
  const { events = 0 } = m.instructions[m.u32[(m.record + L.OP_EXT) >>> 2]!]!;
  const seen = L.UNALIGNED_SEEN >>> 2;
  const kinds = m.u32[seen] ? events : events & ~(1 << K.UNALIGNED);
  m.u32[seen] = 0;
  for (let kind = 0; kinds >>> kind !== 0; kind++) if ((kinds >>> kind) & 1) tally(m, kind);
}

/** Counts an access to memory that was made. */
export function tallyAccess(m: Machine, address: number, size: number): void {
  if (address % size !== 0) m.u32[L.UNALIGNED_SEEN >>> 2] = 1;
  tally(m, K.MEMORY_ACCESS);
}

/** The instruction that runs ends in an exception that is not what it is for: it is not executed. */
export function notRetired({ u32 }: Machine): void {
  u32[L.UNRETIRED >>> 2] = u32[L.UNRETIRED >>> 2]! + 1;
  u32[L.UNALIGNED_SEEN >>> 2] = 0;
}

/** PMSWINC: adds to the counters of a set that count what software says. */
export function increment(m: Machine, counters: number): void {
  const { core } = m;
  changeMonitors(m, () => {
    for (const n of countersOf(core.active & counters & counterBits(reachableCounters(m)))) {
      if (eventOf(core, n) !== EVENT.SW_INCR) continue;
      core.PMXEVCNTR[n] = core.PMXEVCNTR[n]! + 1;
      if (core.PMXEVCNTR[n] === 0) core.PMOVS = (core.PMOVS | (1 << n)) >>> 0;
    }
  });
}

/**
 * Takes off the running core's budget what lies behind the instruction at which a counter of cycles or instructions
 * overflows, so that the interpreter returns there.
 * @returns how much, to be given back by {@link giveBack}
 */
export function holdBack(m: Machine): number {
  const { core } = m;
  if (core.overflowAt === Infinity) return 0;
  const at = L.BUDGET >>> 2;
  const held = Math.max(0, m.i32[at]! - (core.overflowAt - executedBy(m) - 1));
  m.i32[at] = m.i32[at]! - held;
  m.sliceBudget -= held;
  return held;
}

/** The same back, and the overflow where it has come. */
export function giveBack(m: Machine, held: number): void {
  if (m.core.overflowAt === Infinity && held === 0) return;
  m.i32[L.BUDGET >>> 2] = m.i32[L.BUDGET >>> 2]! + held;
  m.sliceBudget += held;
  if (executedBy(m) >= m.core.overflowAt) settle(m);
}

/** Whether a core that only waits may be taken to have executed so many instructions without being looked at. */
export function mayPass(core: Core, instructions: number): boolean {
  const others = core.countsInstructions || core.countsAccesses;
  return !others && core.executed + instructions < core.overflowAt;
}

/** Tallies before an iteration of a loop, for what follows. */
const before = new Uint32Array(K.KINDS);

/** An iteration of a loop begins. */
export function beginIteration(m: Machine): void {
  if (m.core.counting !== 0) before.set(m.u32.subarray(tallyAt(0), tallyAt(K.KINDS)));
}

/** How often the iteration that was executed may be taken to have been executed again, before a tally overflows. */
export function countableIterations(m: Machine): number {
  if (m.core.counting === 0) return Infinity;
  // A translation that was looked up is there the next time.
  if ([K.INSTRUCTION_REFILL, K.DATA_REFILL].some((kind) => tallyOf(m, kind) !== before[kind])) return 0;
  let most = Infinity;
  for (let kind = 0; kind < K.KINDS; kind++) {
    const events = (tallyOf(m, kind) - before[kind]!) >>> 0;
    if (events !== 0) most = Math.min(most, Math.floor((WORD - 1 - tallyOf(m, kind)) / events));
  }
  return most;
}

/** Counts what so many more iterations would have. */
export function countIterations(m: Machine, iterations: number): void {
  if (m.core.counting === 0) return;
  for (let kind = 0; kind < K.KINDS; kind++) {
    const at = tallyAt(kind);
    m.u32[at] = m.u32[at]! + iterations * ((m.u32[at]! - before[kind]!) >>> 0);
  }
}
