/** The processor's state: the memory all cores share, and what each core has beside it. */
import type { Bus, TimerName } from '../ports/bus.js';
import type { Decoded } from './instruction.js';
import * as L from './layout.js';

/** The registers that Secure and Non-secure state have a copy of each (B3.15.3). */
export class SystemBank {
  CSSELR = 0;
  /** Reset value: caches and MMU off, the RES1 bits of the Cortex-A7 (DDI 0464 4.3.27). */
  SCTLR = 0x00c50878;
  TTBR0 = 0;
  TTBR0_HIGH = 0;
  TTBR1 = 0;
  TTBR1_HIGH = 0;
  TTBCR = 0;
  DACR = 0;
  DFSR = 0;
  IFSR = 0;
  ADFSR = 0;
  AIFSR = 0;
  DFAR = 0;
  IFAR = 0;
  PAR = 0;
  PAR_HIGH = 0;
  /** PRRR and NMRR, or MAIR0 and MAIR1. */
  MAIR0 = 0x00098aa4;
  MAIR1 = 0x44e048e0;
  AMAIR0 = 0;
  AMAIR1 = 0;
  VBAR = 0;
  FCSEIDR = 0;
  CONTEXTIDR = 0;
  TPIDRURW = 0;
  TPIDRURO = 0;
  TPIDRPRW = 0;
  CNTP_CTL = 0;
  CNTP_CVAL = 0n;
}

/** What one core has beside its registers in the memory. */
export class Core {
  readonly secure = new SystemBank();
  readonly nonSecure = new SystemBank();
  readonly timerLevels: Record<TimerName, boolean> = {
    'secure-physical': false,
    physical: false,
    hyp: false,
    virtual: false,
  };

  /** Reset value of the Cortex-A7 (DDI 0464 4.3.31). */
  ACTLR = 0x6000;
  CPACR = 0;
  SCR = 0;
  SDER = 0;
  NSACR = 0;
  MVBAR = 0;
  HSCTLR = 0x30c50838;
  HACTLR = 0;
  HCR = 0;
  HDCR = 4;
  HCPTR = 0x000033ff;
  HSTR = 0;
  HACR = 0;
  HTCR = 0;
  HTTBR = 0;
  HTTBR_HIGH = 0;
  VTCR = 0;
  VTTBR = 0;
  VTTBR_HIGH = 0;
  HADFSR = 0;
  HAIFSR = 0;
  HSR = 0;
  HPFAR = 0;
  HMAIR0 = 0;
  HMAIR1 = 0;
  HAMAIR0 = 0;
  HAMAIR1 = 0;
  HVBAR = 0;
  HTPIDR = 0;
  VPIDR = MIDR_VALUE;
  VMPIDR: number;
  CNTFRQ = 0;
  CNTKCTL = 0;
  CNTHCTL = 3;
  CNTV_CTL = 0;
  CNTV_CVAL = 0n;
  CNTVOFF = 0n;
  CNTHP_CTL = 0;
  CNTHP_CVAL = 0n;
  /** PMCR: the implementer's code, and four counters. */
  PMCR = 0x41072000;
  PMCNTEN = 0;
  PMOVS = 0;
  PMSELR = 0;
  PMUSERENR = 0;
  PMINTEN = 0;
  readonly PMXEVTYPER = new Uint32Array(32);
  readonly PMXEVCNTR = new Uint32Array(32);
  /** The cycle counter: what it held when it was last written or stopped, and at what time. */
  PMCCNTR = 0;
  cyclesSince = 0;
  L2CTLR = 0;
  L2ECTLR = 0;
  TEECR = 0;
  TEEHBR = 0;
  JOSCR = 0;
  JMCR = 0;
  DBGDSCR = 0;
  DBGVCR = 0;
  readonly DBGPOINTS = new Uint32Array(64);
  DBGPRCR = 0;
  DBGOSDLR = 0;
  osLock = false;

  /** Interrupt inputs. */
  irq = false;
  fiq = false;
  /** WFI or WFE holds the core. */
  waiting: 'no' | 'interrupt' | 'event' = 'no';
  /** It slept when its last slice ended. */
  slept = false;
  /** The event register. */
  event = false;
  /** Virtual time at which one of its timers changes its output next. */
  timerDeadline = Infinity;
  /** Nanoseconds that it has run past the others. */
  ahead = 0;
  /** It has slept or looked at what others tell it, so it has done what it does first after reset. */
  settled = false;
  /** Instructions executed since reset. */
  executed = 0;
  /** Numbers of the translation contexts it can be in (see tlb.ts); -1 where one has to be looked up again. */
  readonly contexts = new Int16Array(5).fill(-1);

  constructor(
    readonly index: number,
    readonly MPIDR: number,
  ) {
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

/** MIDR of a Cortex-A7 r0p5. */
export const MIDR_VALUE = 0x410fc075;

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
   * Sees an instruction that is wanted before it is executed, its condition not yet looked at. The running core's
   * registers are those of {@link Machine.core}; PC is `address`.
   * @returns whether the run is to end here, before the instruction
   */
  readonly instruction: (m: Machine, address: number, physical: number, word: number) => boolean;
}

/** Someone who is told what happens to the cores; all of it concerns the running one. */
export interface Listener {
  /** Its mode or security state is another now, or it went to sleep, or it woke. */
  readonly modeChanged: (m: Machine) => void;
  /**
   * It took an exception and is at its vector; SPSR says where it was.
   * @param vector the vector's offset in its table, 0x04 to 0x1c
   */
  readonly exceptionTaken: (m: Machine, vector: number) => void;
  /** It returns from an exception, or writes the lowest byte of CPSR. */
  readonly exceptionLeft: (m: Machine) => void;
  /** It executes an instruction whose effect the architecture leaves open. */
  readonly unpredictable: (event: Unpredictable) => void;
}

/** The whole processor, as its parts see it. */
export interface Machine {
  readonly u8: Uint8Array;
  readonly u16: Uint16Array;
  readonly u32: Uint32Array;
  readonly i32: Int32Array;
  readonly ramSize: number;
  readonly bus: Bus;
  readonly cores: readonly Core[];
  /** The core whose state is at the fixed addresses. */
  core: Core;
  /** Frequency of the system counter, in Hz. */
  readonly counterFrequency: number;
  readonly onTimer: (core: number, timer: TimerName, level: boolean) => void;
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
  /** The micro-op that runs, while the interpreter is in a call. 0 otherwise. */
  record: number;
  /** The slow instruction that runs: address of itself and of the next one. */
  address: number;
  nextAddress: number;
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

/** Whether the running core executes T32. */
export function thumb(m: Machine): boolean {
  return (word(m, L.VARIANT) & L.VARIANT_T) !== 0;
}

/** Whether the slow instruction that ran ends the block. */
export function leaves(m: Machine): boolean {
  return m.leave;
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

/** Virtual time of the running core, in nanoseconds. */
export function now(m: Machine): number {
  return Math.min(m.sliceEnd, m.sliceStart + Math.floor(executedInSlice(m) / m.sharing));
}
