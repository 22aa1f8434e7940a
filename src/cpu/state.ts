/** The processor's state: the memory all cores share, and what each core has beside it. */
import { resetOf } from '../isa/bits.js';
import { BREAKPOINTS, WATCHPOINTS } from '../isa/debug-points.js';
import * as R from '../isa/system-registers.js';
import type { Bus, TimerName } from '../ports/bus.js';
import type { SystemCounter } from '../ports/counter.js';
import type { OnAborts } from './asynchronous-aborts.js';
import type { CoreView } from './core-view.js';
import { KINDS } from './event-kinds.js';
import type { Decoded } from './instruction.js';
import * as L from './layout.js';
import type { Hot, Slots } from './to-wasm/slots.js';
import type { Memory } from '../wasm/webassembly.js';

/** The banked registers that stand in the memory, in their order: the interpreter reads and writes them by itself. */
export const BANK_WORDS = [
  ...['DACR', 'SCTLR', 'TTBR0', 'TTBR1', 'TTBCR', 'DFSR', 'IFSR', 'DFAR', 'IFAR', 'VBAR', 'CONTEXTIDR'],
  ...['TPIDRURW', 'TPIDRURO', 'TPIDRPRW'],
] as const;
export type BankWord = (typeof BANK_WORDS)[number];

/** Where in its bank a register stands, in bytes. */
export const placeInBank = (name: BankWord): number => 4 * BANK_WORDS.indexOf(name);

/** An object with names for words; what it is saved as has none of them, they are the memory's. */
class Words {
  readonly #words: Uint32Array;

  constructor(words: Uint32Array) {
    this.#words = words;
  }

  static {
    for (const [i, name] of BANK_WORDS.entries())
      Object.defineProperty(this.prototype, name, {
        get(this: Words): number {
          return this.#words[i]!;
        },
        set(this: Words, value: number) {
          this.#words[i] = value;
        },
      });
  }
}
const BankWords = Words as unknown as new (words: Uint32Array) => Record<BankWord, number>;

/** The registers that Secure and Non-secure state have a copy of each (B3.15.3). What reset leaves UNKNOWN starts as 0. */
export class SystemBank extends BankWords {
  CSSELR = resetOf(R.CSSELR);
  TTBR0_HIGH = 0;
  TTBR1_HIGH = 0;
  PAR = resetOf(R.PAR);
  PAR_HIGH = 0;
  /** PRRR and NMRR, or MAIR0 and MAIR1. */
  MAIR0 = resetOf(R.MAIR0);
  MAIR1 = resetOf(R.MAIR1);
  CNTP_CTL = resetOf(R.CNTP_CTL);
  CNTP_CVAL = 0n;

  /** @param at its address in the processor's memory */
  constructor(memory: ArrayBufferLike, at: number) {
    super(new Uint32Array(memory, at, BANK_WORDS.length));
    for (const name of BANK_WORDS) this[name] = resetOf(R[name]);
  }
}

/** Address of a core's system registers in the processor's memory. */
export const systemAt = (core: number): number => L.SYSTEM + core * L.SYSTEM_SIZE;

/** What one core has beside its registers in the memory. */
export class Core {
  readonly secure: SystemBank;
  readonly nonSecure: SystemBank;
  readonly timerLevels: Record<TimerName, boolean> = {
    'secure-physical': false,
    physical: false,
    hyp: false,
    virtual: false,
  };

  ACTLR = resetOf(R.ACTLR);
  CPACR = resetOf(R.CPACR);
  SCR = resetOf(R.SCR);
  SDER = resetOf(R.SDER);
  NSACR = resetOf(R.NSACR);
  MVBAR = resetOf(R.MVBAR);
  HSCTLR = resetOf(R.HSCTLR);
  HCR = resetOf(R.HCR);
  HDCR = resetOf(R.HDCR);
  HCPTR = resetOf(R.HCPTR);
  HSTR = resetOf(R.HSTR);
  HTCR = resetOf(R.HTCR);
  HTTBR = 0;
  HTTBR_HIGH = 0;
  VTCR = resetOf(R.VTCR);
  VTTBR = 0;
  VTTBR_HIGH = 0;
  HSR = resetOf(R.HSR);
  HPFAR = resetOf(R.HPFAR);
  HMAIR0 = resetOf(R.HMAIR0);
  HMAIR1 = resetOf(R.HMAIR1);
  HVBAR = resetOf(R.HVBAR);
  HTPIDR = resetOf(R.HTPIDR);
  VPIDR = resetOf(R.VPIDR);
  VMPIDR: number;
  CNTFRQ = resetOf(R.CNTFRQ);
  CNTKCTL = resetOf(R.CNTKCTL);
  CNTHCTL = resetOf(R.CNTHCTL);
  CNTV_CTL = resetOf(R.CNTV_CTL);
  CNTV_CVAL = 0n;
  CNTVOFF = 0n;
  CNTHP_CTL = resetOf(R.CNTHP_CTL);
  CNTHP_CVAL = 0n;
  PMCR = resetOf(R.PMCR);
  PMCNTEN = 0;
  PMOVS = 0;
  PMSELR = resetOf(R.PMSELR);
  PMUSERENR = resetOf(R.PMUSERENR);
  PMINTEN = 0;
  /** The last one is the cycle counter's. */
  readonly PMXEVTYPER = new Uint32Array(32);
  readonly PMXEVCNTR = new Uint32Array(4);
  PMCCNTR = resetOf(R.PMCCNTR);
  /**
   * What these registers come to (see performance-monitors.ts): the counters that are enabled, and those that count in
   * the mode that the core is in, a bit each; whether changes of mode, instructions one by one, accesses to memory are
   * to be looked at.
   */
  counting = 0;
  active = 0;
  countsByMode = false;
  countsInstructions = false;
  countsAccesses = false;
  /** When the counters were brought up to date: {@link executed}, UNRETIRED and the tallies; cycles that are over. */
  countedAt = 0;
  unretiredAt = 0;
  readonly talliesAt = new Uint32Array(KINDS);
  cyclesOver = 0;
  /** What {@link executed} is when the next of the counters of cycles and instructions overflows. */
  overflowAt = Infinity;
  /** The interrupt of the counters. */
  pmuLevel = false;
  L2CTLR = resetOf(R.L2CTLR);
  L2ECTLR = resetOf(R.L2ECTLR);
  TEECR = resetOf(R.TEECR);
  TEEHBR = resetOf(R.TEEHBR);
  DBGDSCR = resetOf(R.DBGDSCR);
  DBGVCR = resetOf(R.DBGVCR);
  readonly DBGBVR = new Uint32Array(BREAKPOINTS);
  readonly DBGBCR = new Uint32Array(BREAKPOINTS);
  readonly DBGBXVR = new Uint32Array(BREAKPOINTS);
  readonly DBGWVR = new Uint32Array(WATCHPOINTS);
  readonly DBGWCR = new Uint32Array(WATCHPOINTS);
  DBGPRCR = resetOf(R.DBGPRCR);
  DBGOSDLR = resetOf(R.DBGOSDLR);
  /** Set by reset (DDI 0406C C7.3). */
  osLock = true;
  /** What these registers come to (see debug-events.ts): places in a page where a breakpoint may be; */
  breakOffsets: number[] = [];
  /** whether one is to be compared at every instruction; the watchpoints that are enabled. */
  comparesAll = false;
  watched = '';

  /** Interrupt inputs. */
  irq = false;
  fiq = false;
  /** An asynchronous external abort has begun: it is on its way or there; and how many instructions late it still is. */
  abort: 'no' | 'late' | 'there' = 'no';
  abortIn = 0;
  /** The next instruction is to be executed by itself. */
  alone = false;
  /** WFI or WFE holds the core. */
  waiting: 'no' | 'interrupt' | 'event' = 'no';
  /** It slept when its last slice ended. */
  slept = false;
  /** The event register; what the event streams of the timers set in it counts from this virtual time on. */
  event = false;
  eventsSince = 0;
  /** Virtual time at which one of its timers changes its output next. */
  timerDeadline = Infinity;
  /** Nanoseconds that it has run past the others. */
  ahead = 0;
  /** It has slept or looked at what others tell it, so it has done what it does first after reset. */
  settled = false;
  /** Instructions executed since reset. */
  executed = 0;

  constructor(
    readonly index: number,
    readonly MPIDR: number,
    memory: ArrayBufferLike,
  ) {
    this.secure = new SystemBank(memory, systemAt(index));
    this.nonSecure = new SystemBank(memory, systemAt(index) + L.BANK_SIZE);
    this.VMPIDR = MPIDR;
  }

  /** Hyp mode's fault addresses are other names of Secure state's (B3.15.3). */
  get HDFAR(): number {
    return this.secure.DFAR;
  }
  set HDFAR(value: number) {
    this.secure.DFAR = value;
  }
  get HIFAR(): number {
    return this.secure.IFAR;
  }
  set HIFAR(value: number) {
    this.secure.IFAR = value;
  }
}

/** Something the architecture leaves open was executed. */
export interface Unpredictable {
  readonly core: number;
  readonly address: number;
  readonly word: number;
  /** The encoding's name in the table. */
  readonly name: string;
}

/** Someone who looks on while the cores execute. */
export interface Watch {
  /** Whether it wants to see the instruction at a physical address; asked when that is decoded. */
  readonly wants: (physical: number) => boolean;
  /**
   * Sees an instruction that is wanted before it is executed, its condition not yet looked at. R15 is `address`.
   * @returns whether the run is to end here, before the instruction
   */
  readonly instruction: (core: CoreView, address: number, physical: number, word: number) => boolean;
  /** Whether it wants to see accesses to the page of a virtual address, whoever's it is; asked when that is translated. */
  readonly wantsAccesses?: (address: number) => boolean;
  /**
   * Sees an access to such a page that may be made, before it is. R15 is its instruction; what of that came before the
   * access is made again with it.
   * @param size in bytes
   * @returns whether the run is to end here, before the instruction
   */
  readonly access?: (core: CoreView, address: number, size: number, write: boolean) => boolean;
}

/** A synchronous exception, as it was when the core came to its vector. */
export interface TakenException {
  /** The vector's offset in its table, and its address. */
  readonly vector: number;
  readonly at: number;
  /** The instruction that it was taken at. */
  readonly address: number;
  /** CPSR before, and the mode that took it. */
  readonly psr: number;
  readonly takenIn: number;
  /** Of an abort IFSR or DFSR, in HYP mode HSR; and HIFAR, HDFAR, IFAR or DFAR. Otherwise 0. */
  readonly syndrome: number;
  readonly faultAddress: number;
}

/**
 * Someone who is told what happens to the cores; `core` is the running one. What is not there costs nothing, and the
 * two that are told at once of every exception and change of mode cost much.
 */
export interface Listener {
  /** At once: its mode or security state is another now, or it went to sleep, or it woke. */
  readonly modeChanged?: (core: CoreView) => void;
  /**
   * The same, told later, but in order.
   * @param core its number
   * @param time in nanoseconds; undefined where it is told at once
   */
  readonly modeEntered?: (
    core: number,
    mode: number,
    secure: boolean,
    sleeps: boolean,
    time: number | undefined,
  ) => void;
  /**
   * At once: it took an exception and is at its vector; SPSR says where it was.
   * @param vector the vector's offset in its table, 0x04 to 0x1c
   * @param address of the instruction that a synchronous one was taken at
   */
  readonly exceptionTaken?: (core: CoreView, vector: number, address: number) => void;
  /**
   * It took a synchronous exception though since the one before it has not returned from one, nor written the lowest
   * byte of CPSR. The first of them is {@link CoreView.firstException}.
   * @param depth how many there are, from 2
   */
  readonly exceptionNested?: (core: CoreView, exception: TakenException, depth: number) => void;
  /**
   * It executes an exclusive that works here and perhaps nowhere else: ACTLR.SMP is 0 there, or the memory is not Normal,
   * Write-Back and Shareable.
   */
  readonly exclusiveByChance?: (core: number, address: number, why: 'SMP' | 'memory') => void;
  /** It executes an instruction whose effect the architecture leaves open. */
  readonly unpredictable?: (event: Unpredictable) => void;
  /**
   * It writes something to a system register that is kept and does nothing here.
   * @param sentence what, one sentence without a full stop
   */
  readonly withoutEffect?: (sentence: string) => void;
}

/** The whole processor, as its parts see it. */
export interface Machine {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly ramSize: number;
  /** By physical page: not 0 where RAM may be anything but zeros. */
  readonly written: Uint8Array;
  readonly bus: Bus;
  readonly cores: readonly Core[];
  /** The core whose state is at the fixed addresses. */
  core: Core;
  /** The core whose turn it is, or was last: what was executed in the slice is its. */
  turn: Core;
  /** The cores as those who look on see them. */
  views: readonly CoreView[];
  readonly counter: SystemCounter;
  /** Where the data buffers of devices stand, by the physical page of their register. */
  readonly dataBuffers: Map<number, number>;
  readonly onTimer: (core: number, timer: TimerName, level: boolean) => void;
  /** Called when the interrupt of a core's performance monitors changes. */
  readonly onPmu: (core: number, level: boolean) => void;
  /** Called when a store of the running core's has failed outside; it is over for the core. */
  readonly onLostStore: () => void;
  /** Who is told what happens. */
  listener: Listener | undefined;
  /** Who looks on. Code decoded before it was set knows nothing of it. */
  watch: Watch | undefined;
  /** Set when it ended the run. */
  stopped: boolean;

  /** The instructions that micro-ops of kind SLOW call, by number. */
  readonly instructions: Decoded[];
  /** First free byte for micro-ops. */
  codeTop: number;
  /** The memory as WebAssembly's modules import it, and the functions of translated units. */
  readonly wasmMemory: Memory;
  readonly slots: Slots;
  /** The interpreter's own function for a micro-op of an extension, at an address: gives whether it was done. */
  extension: (at: number) => number;
  /** Physical pages whose last instruction reaches into another, by that one. */
  readonly across: Map<number, Set<number>>;
  /** How often a new block is come to before it is translated; 0 where none is to be. */
  comings: number;
  /** Each is translated at once then, whether it has a loop or not. */
  eager: boolean;
  /** Blocks that are to be translated. */
  readonly hot: Hot[];
  /** The micro-op that runs, while the interpreter is in a call. 0 otherwise. */
  record: number;
  /** The slow instruction that runs: address of itself and of the next one. */
  address: number;
  nextAddress: number;
  /** What the instruction that is executed by itself does to asynchronous aborts. */
  effect: OnAborts | undefined;
  /** Set by a slow instruction after which the interpreter must not go on with the block. */
  leave: boolean;
  /**
   * Budget at the start of the slice, virtual time there and at its end, and how many cores share that time: theirs
   * pass one after the other, so that no core ever reads a time before one that another has read.
   */
  sliceBudget: number;
  sliceStart: number;
  sliceEnd: number;
  sharing: number;
  /** Whether KICK was taken off the budget. */
  kicked: boolean;
  /** Set when the running core's turn is to end, as another should get its own. */
  turnOver: boolean;

  /** Places in a page at which instructions are decoded with a look at breakpoints before them; undefined for none. */
  breakOffsets: Set<number> | undefined;

  /** How often all decoded code was forgotten; how often some was, or the numbers of translation contexts. */
  codeForgotten: number;
  forgotten: number;
  /** A wait is looked for: until when all that was read from the bus since then stays the same (see waits.ts). */
  probing: boolean;
  steadyUntil: number;
}

/** Reads word n of the running core: `word(m, L.CPSR)`. */
export function word(m: Machine, at: number): number {
  return m.u32[at >>> 2]!;
}

/** Writes a word of the running core. */
export function setWord(m: Machine, at: number, value: number): void {
  m.u32[at >>> 2] = value;
}

/** R0 to R14 of the running core; 15 gives what an instruction reads as PC. */
export function register(m: Machine, n: number): number {
  if (n !== 15) return m.u32[n]!;
  return (m.address + (thumb(m) ? 4 : 8)) >>> 0;
}

export function setRegister(m: Machine, n: number, value: number): void {
  m.u32[n] = value;
}

/** Says that instructions of extensions, a set of L.ACCESS_VFP and L.ACCESS_SIMD, may be executed. */
export function extensionsAccessible(m: Machine, which: number): void {
  m.u32[L.EXTENSION_ACCESS >>> 2]! |= which;
}

/** Says that this is to be found out again. */
export function extensionsUnknown(m: Machine): void {
  m.u32[L.EXTENSION_ACCESS >>> 2] = 0;
}

/** The running core, for those who look on. */
export function runningView({ views, core }: Machine): CoreView {
  return views[core.index]!;
}

/** Puts another core's state to where the running one's stands, and keeps that. */
export function bringIn(m: Machine, core: Core): void {
  m.u8.copyWithin(L.CORES + m.core.index * L.CORE_SIZE, 0, L.CORE_SIZE);
  m.u8.copyWithin(0, L.CORES + core.index * L.CORE_SIZE, L.CORES + (core.index + 1) * L.CORE_SIZE);
  m.core = core;
}

/** Whether the running core executes T32. */
export function thumb(m: Machine): boolean {
  return (word(m, L.VARIANT) & L.VARIANT_T) !== 0;
}

/** Whether the slow instruction that ran ends the block. */
export function leaves(m: Machine): boolean {
  return m.leave;
}

/** Has the run end before the instruction that the running core has begun. */
export function stopHere(m: Machine): void {
  setRegister(m, 15, m.address);
  m.stopped = true;
  m.leave = true;
}

/** Whether who looks on has ended the run. */
export function isStopped(m: Machine): boolean {
  return m.stopped;
}

/** What is taken off the budget to end the slice at the next block. */
export const KICK = 0x20000000;

/** Has the running core leave the interpreter at the end of its block. */
export function kick(m: Machine): void {
  if (m.kicked) return;
  m.kicked = true;
  m.i32[L.BUDGET >>> 2] = m.i32[L.BUDGET >>> 2]! - KICK;
}

/** Gives back what {@link kick} took, once the core has left the interpreter. */
export function unkick(m: Machine): void {
  if (!m.kicked) return;
  m.kicked = false;
  m.i32[L.BUDGET >>> 2] = m.i32[L.BUDGET >>> 2]! + KICK;
}

/** Ends the running core's turn at the end of its block, so that another need not wait for the end of the slice. */
export function endTurn(m: Machine): void {
  m.turnOver = true;
  kick(m);
}

/** Instructions of the running core since its slice began: exact within a block too. */
export function executedInSlice(m: Machine): number {
  const left = m.i32[L.BUDGET >>> 2]! + (m.kicked ? KICK : 0);
  return m.sliceBudget - left + (m.record ? m.u8[m.record + L.OP_POSITION]! : 0);
}

/** Virtual time of the running core, in nanoseconds, when it has executed so many instructions of its slice. */
export function timeAt(m: Machine, executed: number): number {
  return Math.min(m.sliceEnd, m.sliceStart + Math.floor(executed / m.sharing));
}

/** Virtual time of the running core, in nanoseconds. */
export function now(m: Machine): number {
  return timeAt(m, executedInSlice(m));
}
