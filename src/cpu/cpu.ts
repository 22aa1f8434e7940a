/**
 * The processor: four Cortex-A7 cores (or another number) and their memory. Time is virtual: an instruction takes
 * its core one nanosecond, and the cores take turns in slices, so that every run of the same machine is the same.
 */
import { restoreState, saveState, type State } from '../base/state.js';
import { MODE_SVC, PSR_A, PSR_F, PSR_I } from '../isa/program-status.js';
import { abortComesOn, beginAbort, effectBefore, LATEST_ABORT, mayTakeAbort } from './asynchronous-aborts.js';
import { blockAcross, blockAt, knownBlock, liesAcross, passingBlock } from './blocks.js';
import type { Bus, TimerName } from '../ports/bus.js';
import type { SystemCounter } from '../ports/counter.js';
import type { DataBufferFor } from '../ports/data-buffer.js';
import { CoreView } from './core-view.js';
import { breakAtOffsets, codeWritten, forgetCode } from './code-cache.js';
import { makeDataBuffer } from './data-buffers.js';
import { comparesAll } from './debug-events.js';
import { grant } from './grants.js';
import { type EventWait, seeWake, sleepAgain } from './event-waits.js';
import { pendingInterrupt, takeInterrupt, wakesFromWfi } from './exceptions.js';
import { taken } from './instruction.js';
import { interpreterBase64 } from './interpreter-binary.js';
import * as L from './layout.js';
import { fetchAddress, interpreterLoad, interpreterStore } from './memory.js';
import { FIRST_DECLINABLE, Op } from './micro-ops.js';
import { tellMode, tellModeLog } from './mode-log.js';
import { allocateMemory, type PhysicalMemory, physicalMemory, type SavedMemory } from './physical-memory.js';
import { packedRights } from './mmu.js';
import { readItState, setItState } from './modes.js';
import { giveBack, holdBack, mayPass, notRetired, settle } from './performance-monitors.js';
import { transferRecord } from './slow/transfers.js';
import {
  bringIn,
  Core,
  endTurn,
  isStopped,
  kick,
  leaves,
  type Listener,
  type Machine,
  now,
  thumb,
  timeAt,
  unkick,
  type Watch,
} from './state.js';
import { advanceIt } from './thumb.js';
import { Slots } from './to-wasm/slots.js';
import { enter, isDue, isHot, translateHot } from './to-wasm/units.js';
import { updateTimers } from './timers.js';
import { flushTlb, updateContext } from './tlb.js';
import { unpredictable } from './unpredictable.js';
import { passWait, stillWaits, type Wait } from './waits.js';
import { webAssembly } from '../wasm/webassembly.js';

/** Whether a micro-op's ext is the number of a slow instruction. */
const isInstruction = (op: number): boolean =>
  op === (Op.SLOW as number) || op >= (FIRST_DECLINABLE as number);

/** Instructions a core runs before the next one's turn. */
const SLICE = 5000;
/** The same while the others sleep. */
const LONE_SLICE = 100_000;
/**
 * Nanoseconds after reset in which the cores run a block each in turn, until all but the one that goes on are settled:
 * on the board they leave reset together, and what one writes over its boot code the others have long executed.
 */
const START = 100_000;

export interface CpuOptions {
  /** Bytes of RAM from physical address 0, a multiple of 4096, at most 1 GiB. */
  readonly ramSize: number;
  readonly bus: Bus;
  /** MPIDR of each core; as many cores as there are values. */
  readonly mpidr: readonly number[];
  /** What the generic timers count by; who changes how it counts tells it by {@link Cpu.counterSet}. */
  readonly counter: SystemCounter;
  /** Called when the output of a core's timer changes. */
  readonly onTimer: (core: number, timer: TimerName, level: boolean) => void;
  /** Called when the interrupt of a core's performance monitors changes. */
  readonly onPmu: (core: number, level: boolean) => void;
  /** How many instructions asynchronous aborts come late; default: LATEST_ABORT. */
  readonly abortLatency?: number;
}

/** What is saved of a processor. Its TLB and its decoded code are not: both are made anew. */
export interface CpuState {
  readonly time: number;
  /** The latest virtual time that a core may have read. */
  readonly shown: number;
  /** The core whose turn ended early, for others. */
  readonly polite: number | undefined;
  /** The core whose registers stand where it runs. */
  readonly core: number;
  readonly cores: readonly State[];
  /** The running core's registers, and the others' behind them. */
  readonly registers: Uint8Array;
  readonly ram: SavedMemory;
}

export class Cpu {
  /** RAM, for devices, loaders and those who look on. */
  readonly memory: PhysicalMemory;
  /** Gives a device the buffer behind a register of its own, before the first run. */
  readonly dataBuffer: DataBufferFor;
  /** Virtual time in nanoseconds up to which all cores have run. */
  time = 0;
  /** The state, for the tests of this folder. */
  readonly machine: Machine;
  /** Every core's registers. */
  readonly cores: readonly CoreView[];
  /** Tests set it to false: then waits are executed like all else. The run is the same. */
  passesWaits = true;
  /**
   * When code is translated: loops that are hot, or never; or, for tests, each block at once when it is come to for the
   * n-th time. The run is the same.
   */
  set translates(when: 'hot' | 'never' | number) {
    const { machine: m } = this;
    m.eager = typeof when === 'number';
    m.comings = typeof when === 'number' ? when : when === 'hot' ? L.HOT : 0;
    forgetCode(m);
  }
  /** How many instructions asynchronous aborts come late, 0 to LATEST_ABORT. */
  abortLatency: number;
  private readonly interpret: (block: number) => void;
  /** What each core waits for, where that is known. */
  private readonly waits: (Wait | undefined)[];
  /** What each core that sleeps in WFE does when it is woken in vain, where that is known; and whether it does. */
  private readonly eventWaits: (EventWait | undefined)[];
  private readonly sleepsInWfe: boolean[];
  /** Where the block that was found last stands; -1 where it is not kept. */
  private blockPhysical = -1;
  /** The latest virtual time that a core may have read. */
  private shown = 0;
  /** The core whose turn ended early, for others. */
  private polite: Core | undefined;
  private lone = false;
  private running = false;
  /** The core that executes alone, for who debugs. */
  private only: number | undefined;

  private constructor(options: CpuOptions, module: object) {
    const memory = allocateMemory(options.ramSize);
    const { buffer } = memory;
    const cores = options.mpidr.map((mpidr, i) => new Core(i, mpidr, buffer));
    const m: Machine = {
      u8: new Uint8Array(buffer),
      u16: new Uint16Array(buffer),
      u32: new Uint32Array(buffer),
      i32: new Int32Array(buffer),
      ramSize: options.ramSize,
      written: new Uint8Array(buffer, L.WRITTEN, options.ramSize / 0x1000),
      bus: options.bus,
      cores,
      core: cores[0]!,
      turn: cores[0]!,
      views: [],
      counter: options.counter,
      onTimer: options.onTimer,
      dataBuffers: new Map(),
      onPmu: options.onPmu,
      onLostStore: () => {
        this.raiseAbort(m.core.index);
      },
      listener: undefined,
      watch: undefined,
      stopped: false,
      breakOffsets: undefined,
      instructions: [],
      codeTop: L.CODE,
      wasmMemory: memory,
      slots: new Slots(),
      extension: () => 0,
      across: new Map(),
      comings: L.HOT,
      eager: false,
      hot: [],
      record: 0,
      effect: undefined,
      address: 0,
      nextAddress: 0,
      leave: false,
      sliceBudget: 0,
      sliceStart: 0,
      sliceEnd: 0,
      sharing: 1,
      kicked: false,
      turnOver: false,
      codeForgotten: 0,
      forgotten: 0,
      probing: false,
      steadyUntil: Infinity,
    };
    this.machine = m;
    m.u32[L.RAM_SIZE >>> 2] = m.ramSize;
    m.u32[L.RIGHTS_USER >>> 2] = packedRights(false);
    m.u32[L.RIGHTS_PL1 >>> 2] = packedRights(true);
    this.abortLatency = options.abortLatency ?? LATEST_ABORT;
    m.views = this.cores = cores.map((core) => new CoreView(m, core));
    this.waits = cores.map(() => undefined);
    this.eventWaits = cores.map(() => undefined);
    this.sleepsInWfe = cores.map(() => false);
    this.dataBuffer = (address) => makeDataBuffer(m, address);
    this.memory = physicalMemory(m, (address, length) => {
      codeWritten(m, address, length);
    });
    const instance = new webAssembly.Instance(module, {
      env: { memory, table: m.slots.table },
      cpu: {
        hot: (block: number) => {
          isHot(m, block);
        },
        slow: (rec: number) => this.slow(rec),
        link: (rec: number) => this.link(rec),
        load: (rec: number, address: number, kind: number) => {
          this.begin(rec);
          const value = interpreterLoad(m, address >>> 0, kind);
          this.endAccess(rec);
          return value;
        },
        store: (rec: number, address: number, kind: number, value: number) => {
          this.begin(rec);
          interpreterStore(m, address >>> 0, kind, value >>> 0);
          this.endAccess(rec);
        },
        overflow: (rec: number) => {
          m.record = rec;
          settle(m);
          m.record = 0;
        },
        halfway: (rec: number, from: number) => {
          this.begin(rec);
          // Who is told sees the core as it was.
          const variant = m.u32[L.VARIANT >>> 2]!;
          m.u32[L.VARIANT >>> 2] = from;
          unpredictable(m);
          m.u32[L.VARIANT >>> 2] = variant;
          m.record = 0;
          setItState(m, 0);
          m.u32[L.PC >>> 2]! &= ~3;
        },
      },
    });
    const run = instance.exports['run'] as (block: number) => void;
    m.extension = instance.exports['extension'] as (at: number) => number;
    this.interpret = (block) => {
      grant(m, this.lookAt());
      run(enter(m, block));
      tellModeLog(m);
    };
    flushTlb(m);
    // Reset: Secure SVC, everything masked, at address 0 (B1.9.1).
    for (const core of cores) {
      this.select(core);
      m.u32[L.CPSR >>> 2] = MODE_SVC | PSR_A | PSR_I | PSR_F;
      m.u32[L.Z >>> 2] = 1;
      updateContext(m);
    }
    this.select(cores[0]!);
  }

  /** Makes a processor in reset state. */
  static async create(options: CpuOptions): Promise<Cpu> {
    const binary = Uint8Array.from(atob(interpreterBase64), (it) => it.charCodeAt(0));
    return new Cpu(options, await webAssembly.compile(binary));
  }

  /** Whether every core waits for an interrupt or an event. */
  get asleep(): boolean {
    return this.machine.cores.every(({ waiting }) => waiting !== 'no');
  }

  /** When a core's timer changes its output next; Infinity where none will. */
  get timerDeadline(): number {
    return Math.min(...this.machine.cores.map((it) => it.timerDeadline));
  }

  /** Virtual time that any core has come to: when the run was stopped, that is past {@link time}. */
  get reached(): number {
    return Math.max(this.time, now(this.machine));
  }

  /** Virtual time in nanoseconds: that of the core that runs, where one does. */
  now(): number {
    return this.running ? now(this.machine) : this.time;
  }

  /** Has TypeScript know which instruction a micro-op belongs to. */
  private begin(rec: number): void {
    const { machine: m } = this;
    const offset = m.u16[(rec + L.OP_OFFSET) >>> 1]!;
    m.record = rec;
    m.address = (m.u32[L.PAGE >>> 2]! + (offset & 0xfff)) >>> 0;
    m.nextAddress = (m.address + (offset & L.OP_WIDE ? 4 : 2)) >>> 0;
    // An exception keeps ITSTATE in its SPSR.
    if (m.u8[rec + L.OP_IT]) setItState(m, m.u8[rec + L.OP_IT]!);
  }

  /** After an instruction in an IT block: the next one's ITSTATE where that is for CPSR to hold, else none. */
  private endIt(rec: number): void {
    const { machine: m } = this;
    const it = m.u8[rec + L.OP_IT]!;
    // An exception return has brought its own.
    if (it && readItState(m) === it) setItState(m, m.leave ? advanceIt(it) : 0);
  }

  private countTo(rec: number): void {
    const { i32, u8 } = this.machine;
    i32[L.BUDGET >>> 2] = i32[L.BUDGET >>> 2]! - u8[rec + L.OP_POSITION]!;
  }

  private endAccess(rec: number): void {
    const { machine: m } = this;
    m.record = 0;
    if (m.u32[L.LEAVE >>> 2]) this.countTo(rec);
    else if (m.u8[rec + L.OP_IT]) setItState(m, 0);
  }

  /** Runs a slow instruction; 1 when the interpreter must return. */
  private slow(rec: number): number {
    const { machine: m } = this;
    this.begin(rec);
    m.leave = false;
    try {
      if (isInstruction(m.u16[rec >>> 1]!)) {
        m.u32[L.PC >>> 2] = m.nextAddress;
        const decoded = m.instructions[m.u32[(rec + L.OP_EXT) >>> 2]!]!;
        decoded.execute(m, decoded.fields, decoded);
      } else transferRecord(m, rec);
      this.endIt(rec);
    } catch (error) {
      if (error !== taken) throw error;
    }
    m.record = 0;
    if (!leaves(m)) return 0;
    this.countTo(rec);
    return 1;
  }

  /** Finds the block that a branch within a page leads to. */
  private link(rec: number): number {
    const { machine: m } = this;
    const ext = (rec + L.OP_EXT) >>> 2;
    const target = m.u32[(rec + L.OP_IMM) >>> 2]!;
    const before = m.codeTop;
    const physical = ((m.u32[ext]! >>> 1) << 12) + target;
    const block = blockAt(m, physical);
    // Making room throws away every block, this one too.
    if (m.codeTop >= before && knownBlock(m, physical) === block) m.u32[ext] = block;
    return block;
  }

  /** Puts a core's state to where it runs. */
  private select(core: Core): void {
    const { machine: m } = this;
    m.turn = core;
    if (m.core === core) return;
    this.loseMonitor();
    bringIn(m, core);
    updateContext(m);
  }

  /** What another core stores in its turn would have cleared the monitor; it may be cleared at any time (A3.4.1). */
  private loseMonitor(): void {
    this.machine.u32[L.EXCLUSIVE_SIZE >>> 2] = 0;
  }

  /** To be called when a core looked at what the others tell it: it is where it waits after reset. */
  settle(core: number): void {
    this.machine.cores[core]!.settled = true;
  }

  /** Ends the running core's turn at the end of its block: it has done something that another may wait for. */
  endTurn(): void {
    if (this.running) endTurn(this.machine);
  }

  /** To be called when the counter was set, or counts at another rate: timers' times to come are others now. */
  counterSet(): void {
    const time = this.now();
    for (const core of this.machine.cores) core.timerDeadline = updateTimers(this.machine, core, time);
    // A core that sleeps may be woken before the slice is over.
    this.endTurn();
  }

  /** Sets a core's IRQ input. */
  setIrq(core: number, level: boolean): void {
    this.setInterrupt(this.machine.cores[core]!, 'irq', level);
  }

  /** Sets a core's FIQ input. */
  setFiq(core: number, level: boolean): void {
    this.setInterrupt(this.machine.cores[core]!, 'fiq', level);
  }

  /** Has an access of a core's have failed somewhere on its way: an asynchronous abort comes, {@link abortLatency} late. */
  raiseAbort(core: number): void {
    const it = this.machine.cores[core]!;
    if (it.abort !== 'no') return;
    beginAbort(it, this.abortLatency);
    this.interrupted(it);
  }

  private setInterrupt(core: Core, line: 'irq' | 'fiq', level: boolean): void {
    if (core[line] === level) return;
    core[line] = level;
    if (!level) return;
    core.waiting = 'no';
    this.interrupted(core);
  }

  /** Has a core look at what interrupts it. */
  private interrupted(core: Core): void {
    this.waits[core.index] = this.eventWaits[core.index] = undefined;
    if (core === this.machine.core) kick(this.machine);
    else this.endTurn();
  }

  /** Has someone look on while the cores execute, or nobody. Only between runs. */
  watch(watch: Watch | undefined): void {
    const { machine: m } = this;
    const translations = m.watch?.access ?? watch?.access;
    m.watch = watch;
    forgetCode(m);
    if (!translations) return;
    flushTlb(m);
    updateContext(m);
  }

  /** Has one core alone execute from now on, while the time of all goes by; undefined for all of them. */
  runOnly(core: number | undefined): void {
    this.only = core;
  }

  /** Has someone told what happens to the cores, or nobody. */
  listen(listener: Listener | undefined): void {
    this.machine.listener = listener;
  }

  /** Ends the run, where there is one, at the end of the block that runs. */
  stop(): void {
    this.machine.stopped = true;
    kick(this.machine);
  }

  /**
   * A copy of all its state, taken between two runs. Its own TLB and decoded code are thrown away too, so that it goes
   * on just as one that the copy is restored into.
   * @param copy whether RAM is copied, too; otherwise it is what it is when that is read
   */
  save(copy = true): CpuState {
    const { machine: m } = this;
    this.forget();
    const end = L.CORES + m.cores.length * L.CORE_SIZE;
    const registers = m.u8.slice(0, end);
    // They mean nothing between instructions, and translated code does not write them.
    for (const at of [0, ...m.cores.map((_, i) => L.CORES + i * L.CORE_SIZE)])
      registers.fill(0, at + L.TEMP, at + L.N);
    return {
      time: this.time,
      shown: this.shown,
      polite: this.polite?.index,
      core: m.core.index,
      cores: m.cores.map(saveState),
      registers,
      ram: this.memory.save(copy),
    };
  }

  /** Goes to where another was saved, of as many cores and as much RAM. Only between runs. */
  restore(saved: CpuState): void {
    const { machine: m } = this;
    this.time = saved.time;
    this.shown = saved.shown;
    this.polite = saved.polite === undefined ? undefined : m.cores[saved.polite];
    m.u8.set(saved.registers);
    saved.cores.forEach((state, i) => {
      restoreState(m.cores[i]!, state);
    });
    m.core = m.turn = m.cores[saved.core]!;
    this.memory.restore(saved.ram);
    this.forget();
    m.sliceStart = m.sliceEnd = saved.time;
    m.sliceBudget = m.i32[L.BUDGET >>> 2]!;
  }

  /** Forgets what can be made anew from the rest. */
  private forget(): void {
    const { machine: m } = this;
    m.breakOffsets = undefined;
    for (const core of m.cores) breakAtOffsets(m, core.breakOffsets);
    forgetCode(m);
    flushTlb(m);
    updateContext(m);
  }

  /** Has the instructions at a physical address decoded anew, for who looks on wants others of them now. */
  decodeAnew(address: number): void {
    codeWritten(this.machine, address, 1);
  }

  /**
   * Runs the cores until virtual time `until`, or until all of them sleep and no timer will wake them before it;
   * then the time is `until`, if that is finite. `stopped`: who looks on, or {@link stop}, ended the run in the middle
   * of a slice; the running core is the one that came there.
   */
  run(until: number): 'time' | 'idle' | 'stopped' {
    const { machine: m } = this;
    const { cores } = m;
    m.stopped = false;
    // Between runs anything may be changed from outside.
    this.waits.fill(undefined);
    this.eventWaits.fill(undefined);
    while (this.time < until) {
      if (isDue(m, this.time)) translateHot(m);
      let next = until;
      for (const core of cores) {
        if (core.timerDeadline <= this.time) core.timerDeadline = updateTimers(m, core, this.time);
        next = Math.min(next, core.timerDeadline);
      }
      const { only } = this;
      const awake = cores.filter((it) => it.waiting === 'no' && (only === undefined || it.index === only));
      if (awake.length === 0) {
        if (next >= until) {
          if (until !== Infinity) this.time = until;
          this.endSlice();
          return 'idle';
        }
        this.time = next;
        continue;
      }
      this.lone = awake.length === 1;
      // Whoever has made way for others comes after them.
      const polite = this.polite ? awake.indexOf(this.polite) : -1;
      if (polite >= 0) awake.push(...awake.splice(polite, 1));
      this.polite = undefined;
      const slice = Math.max(1, Math.min(next - this.time, this.longestSlice(awake)));
      let ran = slice;
      m.sharing = awake.length;
      for (const [turn, core] of awake.entries()) {
        m.sliceStart = Math.max(this.shown, this.time + Math.floor((slice * turn) / awake.length));
        m.sliceEnd = Math.max(m.sliceStart, this.time + Math.floor((slice * (turn + 1)) / awake.length));
        const executed = this.runCore(core, ran);
        if (isStopped(m)) return 'stopped';
        if (m.turnOver) this.polite = core;
        if (this.lone || m.turnOver) ran = Math.min(ran, Math.max(1, executed));
      }
      this.time += ran;
      for (const core of cores) core.ahead = Math.max(0, core.ahead - ran);
    }
    this.endSlice();
    return 'time';
  }

  /** Has counters and timers be read, between runs, as of the time that the cores have come to. */
  private endSlice(): void {
    const { machine: m } = this;
    m.sliceStart = m.sliceEnd = this.reached;
  }

  private longestSlice(awake: readonly Core[]): number {
    if (this.lone) return LONE_SLICE;
    if (this.time >= START || this.machine.cores.filter(({ settled }) => !settled).length <= 1) return SLICE;
    // The one that is furthest behind goes on.
    return 1 + Math.min(...awake.map(({ ahead }) => ahead));
  }

  /**
   * The block at a virtual address; 0 after a Prefetch Abort was taken.
   * @param alone the first instruction alone, not to be kept
   */
  private blockFor(pc: number, alone: boolean): number {
    const { machine: m } = this;
    const physical = fetchAddress(m, pc);
    this.blockPhysical = physical;
    if (physical < 0) return 0;
    if (!alone && !thumb(m)) return blockAt(m, physical);
    let second: number | undefined;
    if (liesAcross(m, physical)) {
      second = fetchAddress(m, (pc + 2) >>> 0, pc);
      if (second < 0) return 0;
    }
    const it = readItState(m);
    const isKept = !alone && it === 0;
    if (isKept && second === undefined) return blockAt(m, physical);
    this.blockPhysical = -1;
    if (isKept && second !== undefined) return blockAcross(m, physical, second);
    const block = passingBlock(m, physical, second, alone);
    setItState(m, 0);
    return block;
  }

  private mayGoOn(core: Core): boolean {
    return !this.machine.turnOver && !this.machine.stopped && core.waiting === 'no';
  }

  /** What the budget of the running core's slice is when a timer is to be heard; 0 where that is after the slice. */
  private lookAt(): number {
    const { sliceBudget, sliceStart, core } = this.machine;
    return this.lone ? Math.max(0, sliceBudget - (core.timerDeadline - sliceStart)) : 0;
  }

  /** Runs a core's slice; gives how far it came from the current time. */
  private runCore(core: Core, slice: number): number {
    const { machine: m } = this;
    const { i32, u32 } = m;
    m.turnOver = false;
    if (core.ahead >= slice) return slice;
    if (this.passOver(core, slice - core.ahead)) return core.ahead;
    this.select(core);
    m.sliceBudget = slice - core.ahead;
    i32[L.BUDGET >>> 2] = m.sliceBudget;
    // A kick between slices was for a budget that is gone.
    m.kicked = false;
    this.running = true;
    // One that wakes has something to do, and most often looks once and sleeps again; if it waits, a later turn sees.
    let begins = this.passesWaits && !core.slept;
    let wakes = this.passesWaits && core.slept && this.sleepsInWfe[core.index]!;
    if (core.slept) {
      core.slept = false;
      tellMode(m);
    }
    while (i32[L.BUDGET >>> 2]! > 0 && this.mayGoOn(core)) {
      const interrupt = pendingInterrupt(m);
      if (interrupt) takeInterrupt(m, interrupt);
      const pc = u32[L.PC >>> 2]!;
      const aborts = core.abort !== 'no';
      const might = aborts && mayTakeAbort(m);
      const byItself = core.alone;
      const alone =
        (aborts && (might || core.abort === 'late')) || byItself || (core.comparesAll && comparesAll(m));
      const before = alone ? placesOfCode(m) : undefined;
      let block = this.blockFor(pc, alone);
      if (block === 0) {
        // An abort takes time too, or a vector that aborts would never end.
        i32[L.BUDGET >>> 2] = i32[L.BUDGET >>> 2]! - 1;
        notRetired(m);
        if (aborts) abortComesOn(m, undefined, might, this.abortLatency);
        continue;
      }
      const budget = i32[L.BUDGET >>> 2]!;
      const held = holdBack(m);
      if (begins && this.blockPhysical >= 0)
        block = passWait(m, block, this.blockPhysical, this.interpret, this.waits);
      else if (wakes && !interrupt && !aborts && this.blockPhysical >= 0) {
        const { next, wait } = seeWake(m, block, this.blockPhysical, this.interpret);
        block = next;
        this.eventWaits[core.index] = wait;
      }
      begins = wakes = false;
      if (block !== 0) {
        u32[L.PAGE >>> 2] = (u32[L.PC >>> 2]! & 0xfffff000) >>> 0;
        u32[L.LEAVE >>> 2] = 0;
        // After one instruction it returns.
        if (alone) kick(m);
        this.interpret(block);
      }
      if (before?.codeForgotten === m.codeForgotten) {
        m.codeTop = before.codeTop;
        m.instructions.length = before.decoded;
      }
      unkick(m);
      const stayed = i32[L.BUDGET >>> 2] === budget;
      if (byItself && !stayed) core.alone = false;
      if (aborts && !stayed) abortComesOn(m, alone ? m.effect : effectBefore(m), might, this.abortLatency);
      giveBack(m, held);
      // A timer may have been set to a time within the slice.
      if (this.lone && core.timerDeadline <= now(m)) break;
    }
    // An exception taken outside the interpreter may have ended the run.
    unkick(m);
    if (core.waiting === 'interrupt' && wakesFromWfi(m)) core.waiting = 'no';
    if (core.waiting !== 'no') {
      this.sleepsInWfe[core.index] = core.waiting === 'event';
      core.slept = true;
      core.settled = true;
      tellMode(m);
    }
    this.running = false;
    this.shown = now(m);
    const left = i32[L.BUDGET >>> 2]!;
    const executed = m.sliceBudget - left;
    core.executed += executed;
    core.ahead += executed;
    // What was executed is in the core's count now.
    m.sliceBudget = left;
    m.sliceStart = m.sliceEnd = this.shown;
    return core.ahead;
  }

  /** Passes over a core's turn, where all that it would do is known. */
  private passOver(core: Core, budget: number): boolean {
    const { waits, eventWaits } = this;
    const wait = waits[core.index];
    if (wait && this.waitOn(core, wait, budget)) return true;
    const eventWait = eventWaits[core.index];
    if (eventWait && this.sleepOn(core, eventWait, budget)) return true;
    waits[core.index] = eventWaits[core.index] = undefined;
    return false;
  }

  /** Lets a core that waits do so for `budget` instructions, if it still does; that is what {@link runCore} would do. */
  private waitOn(core: Core, wait: Wait, budget: number): boolean {
    const { machine: m } = this;
    const executed = (Math.floor(budget / wait.length) + 1) * wait.length;
    if (!stillWaits(m, core, wait) || !mayPass(core, executed)) return false;
    if (m.core !== core) this.loseMonitor();
    core.executed += executed;
    core.ahead += executed;
    this.shown = Math.min(m.sliceEnd, m.sliceStart + Math.floor(executed / m.sharing));
    return true;
  }

  /** Has a core that was woken sleep again, if it was woken in vain; that is what {@link runCore} would do. */
  private sleepOn(core: Core, wait: EventWait, budget: number): boolean {
    const { machine: m } = this;
    const executed = sleepAgain(m, core, wait, budget);
    if (executed === 0) return false;
    if (m.core !== core) this.loseMonitor();
    core.executed += executed;
    core.ahead += executed;
    m.sliceStart = m.sliceEnd = this.shown = timeAt(m, executed);
    return true;
  }
}

/** Where the next code goes: a block that is not kept gives its place back. */
function placesOfCode(m: Machine): { codeTop: number; codeForgotten: number; decoded: number } {
  return { codeTop: m.codeTop, codeForgotten: m.codeForgotten, decoded: m.instructions.length };
}
