import { hashOf } from '../base/random.js';
import { LATEST_ABORT } from '../cpu/asynchronous-aborts.js';
import { Cpu, type CpuState } from '../cpu/cpu.js';
import type { Listener, Watch } from '../cpu/state.js';
import { setUnknown } from '../cpu/unknown.js';
import { readU32LE } from '../base/bytes.js';
import type { WrittenRun } from '../ports/disk.js';
import { CORES, PERIPHERAL_BASE, REVISION } from '../board/bcm2836.js';
import { Clock } from '../board/clock.js';
import { mailboxOwnerAt, setsMailbox } from '../board/local-peripherals.js';
import { createPi2, type Board, type BoardState } from '../board/pi2.js';
import type { Ending } from '../board/power.js';
import { createTranscript } from './console.js';
import { coreState } from './core-state.js';
import type { Engine, Machine, OnConsole, RunEnd } from './engine.js';
import type { MachineReport } from './machine-report.js';
import { followConsole } from './memory-console.js';
import type { Observe, Observer } from './observer.js';
import { createSession, type Session } from './session.js';

/** RAM on the board; what lies above the peripherals' base cannot be reached by the ARM. */
const BOARD_RAM = 0x4000_0000;
/** MPIDR of core 0; the others' follow. The cluster's number is 0xf (BCM2836 QA7). */
const FIRST_MPIDR = 0x8000_0f00;
/** The seed of what has no values that hurt more than others. */
const WORST = 1;
/** The longest stretch of virtual time between two looks at the board's events, in nanoseconds. */
const STRETCH = 50_000;
/** Virtual nanoseconds after which the host's clock is looked at: even a guest of the slowest instructions has its end. */
const BREATH = 100_000;
/** Virtual nanoseconds between two looks of the observers in an engine's run. */
const LOOK_EVERY = 5_000_000;
/** Milliseconds after which the host's other work gets its turn. */
const TURN_MS = 30;

/** Why a run ended that was stopped from outside. */
const STOPPED = 'it was stopped';
/** How what runs on it ends a machine. */
export const ENDINGS: Readonly<Record<Ending, string>> = {
  reset: "the card's system reset the board",
  'power-off': "the card's system switched the board off",
};

/** A whole machine between two runs. Who looks on is no part of it. */
export interface PiState {
  readonly cpu: CpuState;
  readonly board: BoardState;
  /** What was written to the card, where that is kept beside it. */
  readonly card?: Iterable<WrittenRun> | undefined;
  readonly ending: string | undefined;
}

/** A Pi 2 in this process. */
export interface BuiltInPi {
  readonly cpu: Cpu;
  readonly board: Board;
  /** Why the machine ended, one sentence without a full stop; undefined while it has not. */
  readonly ending: string | undefined;
  /** Ends it, at the end of the instructions that run. The first reason counts. */
  stop(why: string): void;
  /** Runs until a virtual time, in nanoseconds, or until the machine ends; then the observers look. */
  run(until: number): void;
  /** The same without the look, for those who call it every few instructions. */
  advance(until: number): void;
  /** Ends {@link advance} at the end of the instructions that run; the next one goes on. */
  pause(): void;
  /** Lets the observers look. */
  look(): void;
  /**
   * Has somebody look on beside the observers, or nobody any more; between two runs. Where it ends the run before an
   * instruction the observers have not seen that; where it does so at an access, they see it again.
   */
  lookOn(watch: Watch | undefined): void;
  /** When a device or a core's timer does something next, in nanoseconds; Infinity where nothing will. */
  nextEvent(): number;
  /** What the observers saw, and where the cores are. */
  report(): MachineReport;
  /**
   * A copy of the machine as it stands.
   * @param copy whether RAM and what was written to the card are copied, too; otherwise they are what they are when they
   *   are read
   */
  save(copy?: boolean): PiState;
  /** Puts it to where another was saved; from there on it does what that one does, instruction for instruction. */
  restore(saved: PiState): void;
  /** What was written to the mini UART; of very much the two ends. */
  readonly miniUart: string;
}

/**
 * Makes a Pi 2 as the VideoCore leaves it.
 * @param machine memory contents; all four cores start at address 0
 * @param observe who looks on
 * @param seed from which all follows that may be so or otherwise on a board: what reset leaves UNKNOWN, what the
 *   VideoCore writes into its memory, how late asynchronous aborts come; undefined for what hurts most of the first, and
 *   the latest
 */
export async function createBuiltInPi(
  machine: Machine,
  onConsole: OnConsole,
  observe: readonly Observe[] = [],
  seed?: number,
): Promise<BuiltInPi> {
  let ending: string | undefined;
  let paused = false;
  // A function, as the compiler takes it that nothing that is called sets it.
  const isPaused = (): boolean => paused;
  const observers: Observer[] = [];
  const miniUart = createTranscript();
  const fromMiniUart = new TextDecoder();
  const stop = (why: string): void => {
    ending ??= why;
    cpu.stop();
  };
  const cpu: Cpu = await Cpu.create({
    ramSize: PERIPHERAL_BASE,
    bus: {
      read: (core, address, size) => {
        if (mailboxOwnerAt(address) === core) cpu.settle(core);
        return board.bus.read(core, address, size);
      },
      write: (core, address, size, value) => {
        board.bus.write(core, address, size, value);
        if (setsMailbox(address)) cpu.endTurn();
      },
      steadyUntil: (address) => board.bus.steadyUntil(address),
    },
    ...(seed !== undefined && { abortLatency: hashOf(seed) % (LATEST_ABORT + 1) }),
    mpidr: Array.from({ length: CORES }, (_, core) => FIRST_MPIDR + core),
    counter: {
      countAt: (time) => board.local.coreTimer.countAt(time),
      timeAfter: (time, counts) => board.local.coreTimer.timeAfter(time, counts),
    },
    onTimer: (core, timer, level) => {
      board.timerLine(core, timer, level);
    },
    onPmu: (core, level) => {
      board.pmuLine(core, level);
    },
  });
  const clock = new Clock(() => cpu.now());
  const board: Board = createPi2({
    memory: cpu.memory.device,
    dataBuffer: cpu.dataBuffer,
    clock,
    identity: {
      revision: REVISION.PI2_V11,
      serial: 0n,
      firmwareRevision: 0,
      commandLine: machine.picked.commandLine,
      armMemory: machine.armMemory,
      ramSize: BOARD_RAM,
    },
    card: machine.card,
    seed: seed ?? WORST,
    irq: (core, level) => {
      cpu.setIrq(core, level);
    },
    fiq: (core, level) => {
      cpu.setFiq(core, level);
    },
    coreTimerSet: () => {
      cpu.counterSet();
    },
    console: (byte) => {
      onConsole(Uint8Array.of(byte));
    },
    auxConsole: (byte) => {
      miniUart.take(fromMiniUart.decode(Uint8Array.of(byte), { stream: true }));
    },
    ended: (how) => {
      stop(ENDINGS[how]);
    },
    log: (sentence) => {
      for (const { unmodelled } of observers) unmodelled?.(sentence);
    },
  });
  for (const { address, data } of machine.memory) cpu.memory.load(address, data);
  setUnknown(cpu.cores, seed);
  const pi: BuiltInPi = {
    cpu,
    board,
    get ending() {
      return ending;
    },
    get miniUart() {
      return miniUart.text;
    },
    stop,
    pause: () => {
      paused = true;
    },
    run: (until) => {
      pi.advance(until);
      pi.look();
    },
    advance: (until) => {
      paused = false;
      while (cpu.time < until && ending === undefined && !isPaused()) {
        // Nobody sees what the VideoCore writes while all sleep: it is made up for when one is awake again.
        if (!cpu.asleep) board.videoCore.run(cpu.time);
        const stretch = cpu.asleep ? Infinity : Math.min(cpu.time + STRETCH, board.videoCore.due);
        const next = Math.min(until, clock.nextEvent(), stretch);
        // A machine whose cores all sleep, and that nothing will wake, sleeps on.
        if (cpu.run(Math.max(next, cpu.time + 1)) === 'idle' && next === Infinity) return;
        clock.runEvents();
      }
    },
    look: () => {
      for (const { look } of observers) look?.();
    },
    lookOn: (watch) => {
      cpu.watch(watch ? before(watch, allWatches(watches())) : allWatches(watches()));
    },
    save: (copy = true) => {
      const written = machine.card?.disk.written?.();
      return {
        cpu: cpu.save(copy),
        board: board.save(),
        card: copy && written ? [...written] : written,
        ending,
      };
    },
    restore: (saved) => {
      cpu.restore(saved.cpu);
      board.restore(saved.board);
      if (saved.card) machine.card?.disk.restore?.(saved.card);
      ending = saved.ending;
      consoles.skip();
    },
    nextEvent: () => Math.min(clock.nextEvent(), cpu.timerDeadline),
    report: () =>
      Object.assign(
        { nanoseconds: cpu.reached, cores: cpu.cores.map(coreState) },
        ...observers.map(({ report }) => report?.()),
      ) as MachineReport,
  };
  const consoles = followConsoles(pi, machine, onConsole);
  observers.push(...observe.map((it) => it(pi, machine)), consoles);
  const watches = (): Watch[] => observers.flatMap(({ watch }) => watch ?? []);
  cpu.watch(allWatches(watches()));
  cpu.listen(allListeners(observers.flatMap(({ listener }) => listener ?? [])));
  return pi;
}

/** Reads the consoles that are kept in memory. */
function followConsoles(
  { cpu }: BuiltInPi,
  { consoles = [] }: Machine,
  onConsole: OnConsole,
): Observer & {
  /** Passes over all that they said so far. */
  skip(): void;
} {
  const all = consoles.map((it) => ({ ...it, next: followConsole(it) }));
  const look = (tell: OnConsole): void => {
    for (const { name, log, size, written, next } of all) {
      const bytes = next(readU32LE(cpu.memory.observe(written, 4), 0), cpu.memory.observe(log, size));
      if (bytes.length > 0) tell(bytes, name);
    }
  };
  return {
    look: () => {
      look(onConsole);
    },
    skip: () => {
      look(() => undefined);
    },
  };
}

/** One that sees for all; each sees what it wants, and all see an instruction before the run ends there. */
function allWatches(watches: readonly Watch[]): Watch | undefined {
  if (watches.length < 2) return watches[0];
  return {
    wants: (physical) => watches.some(({ wants }) => wants(physical)),
    instruction: (core, address, physical, word) => {
      let ends = false;
      for (const watch of watches)
        if (watch.wants(physical) && watch.instruction(core, address, physical, word)) ends = true;
      return ends;
    },
  };
}

/** One that sees for two. Those behind see what the first one lets go on. */
function before(first: Watch, others: Watch | undefined): Watch {
  if (!others) return first;
  return {
    ...first,
    wants: (physical) => first.wants(physical) || others.wants(physical),
    instruction: (core, address, physical, word) =>
      (first.wants(physical) && first.instruction(core, address, physical, word)) ||
      (others.wants(physical) && others.instruction(core, address, physical, word)),
  };
}

/** One that hears for all, and of nothing that nobody wants to hear of. */
function allListeners(listeners: readonly Listener[]): Listener {
  return {
    ...named('modeChanged', listeners),
    ...named('modeEntered', listeners),
    ...named('exceptionTaken', listeners),
    ...named('exceptionNested', listeners),
    ...named('exclusiveByChance', listeners),
    ...named('unpredictable', listeners),
    ...named('withoutEffect', listeners),
  };
}

/** The function of that name that tells all who have one; nothing where none has. */
function named<Name extends keyof Listener>(
  name: Name,
  listeners: readonly Listener[],
): Partial<Pick<Listener, Name>> {
  const tells = listeners.flatMap((it) => it[name] ?? []) as ((...told: unknown[]) => void)[];
  const [only, ...others] = tells;
  if (!only) return {};
  // One alone is called directly, for it may be told hundreds of thousands of times.
  const all =
    others.length === 0
      ? only
      : (...told: unknown[]) => {
          for (const tell of tells) tell(...told);
        };
  return { [name]: all } as unknown as Partial<Pick<Listener, Name>>;
}

/**
 * The Pi 2 made for this project: no program outside it is needed.
 * @param observe who looks on
 * @param seed see {@link createBuiltInPi}
 * @param onSession called before each run with who may hold it meanwhile
 */
export function builtInEngine(
  observe: readonly Observe[] = [],
  seed?: number,
  onSession?: (at: { readonly pi: BuiltInPi; readonly session: Session }) => Promise<void> | void,
): Engine {
  return {
    name: 'built-in',
    run: async (machine, onConsole, signal) => {
      const pi = await createBuiltInPi(machine, onConsole, observe, seed);
      const session = onSession && createSession(pi, { fast: true });
      const abort = (): void => {
        pi.stop(STOPPED);
        session?.leave(STOPPED);
      };
      if (signal.aborted) abort();
      signal.addEventListener('abort', abort);
      try {
        if (session) {
          await onSession({ pi, session });
          return endOf(pi, await session.run());
        }
        let turn = performance.now();
        let nextLook = LOOK_EVERY;
        while (pi.ending === undefined) {
          pi.advance(pi.cpu.time + BREATH);
          if (pi.cpu.time >= nextLook) {
            pi.look();
            nextLook = pi.cpu.time + LOOK_EVERY;
          }
          if (performance.now() - turn < TURN_MS) continue;
          await new Promise((resolve) => setTimeout(resolve, 0));
          turn = performance.now();
        }
        pi.look();
      } finally {
        signal.removeEventListener('abort', abort);
      }
      return endOf(pi, pi.ending);
    },
  };
}

/** What is said of a machine at its end. */
function endOf(pi: BuiltInPi, why: string): RunEnd {
  const { miniUart } = pi;
  return { why, machine: pi.report(), ...(miniUart !== '' && { miniUart }) };
}
