import { Cpu } from '../arm/cpu/cpu.js';
import { CORES, CRYSTAL_HZ, PERIPHERAL_BASE } from '../board/bcm2836.js';
import { Clock } from '../board/clock.js';
import { createPi2, type Board } from '../board/pi2.js';
import type { Ending } from '../board/power.js';
import type { Handover } from '../firmware/handover.js';
import type { Engine } from './engine.js';

/** RAM on the board; what lies above the peripherals' base cannot be reached by the ARM. */
const BOARD_RAM = 0x4000_0000;
/** A Pi 2 v1.1 with 1 GiB, made in the UK (Raspberry Pi documentation, revision codes). */
const REVISION = 0xa0_1041;
/** MPIDR of core 0; the others' follow. The cluster's number is 0xf (BCM2836 QA7). */
const FIRST_MPIDR = 0x8000_0f00;
/** The longest stretch of virtual time between two looks at the board's events, in nanoseconds. */
const STRETCH = 50_000;
/** Virtual nanoseconds after which the host's other work gets its turn. */
const BREATH = 5_000_000;

/** What may be said about a machine beside its console. */
export interface BuiltInOptions {
  /** Gets sentences about what the guest touched that is not modelled. */
  readonly log?: (sentence: string) => void;
}

/** A Pi 2 in this process. */
export interface BuiltInPi {
  readonly cpu: Cpu;
  readonly board: Board;
  /** How the guest ended the machine, once it did. */
  readonly ending: Ending | undefined;
  /** Runs until a virtual time, in nanoseconds, or until the guest ends the machine. */
  run(until: number): void;
}

/**
 * Makes a Pi 2 as the VideoCore leaves it.
 * @param machine memory contents; all four cores start at address 0
 * @param onConsole called with what the guest writes to its PL011
 */
export async function createBuiltInPi(
  machine: Handover,
  onConsole: (bytes: Uint8Array) => void,
  { log = () => undefined }: BuiltInOptions = {},
): Promise<BuiltInPi> {
  let ending: Ending | undefined;
  const cpu: Cpu = await Cpu.create({
    ramSize: PERIPHERAL_BASE,
    bus: {
      read: (core, address, size) => board.bus.read(core, address, size),
      write: (core, address, size, value) => {
        board.bus.write(core, address, size, value);
      },
    },
    mpidr: Array.from({ length: CORES }, (_, core) => FIRST_MPIDR + core),
    counterFrequency: CRYSTAL_HZ,
    onTimer: (core, timer, level) => {
      board.timerLine(core, timer, level);
    },
  });
  const clock = new Clock(() => cpu.now());
  const board: Board = createPi2({
    ram: cpu.ram,
    clock,
    identity: {
      revision: REVISION,
      serial: 0n,
      firmwareRevision: 0,
      commandLine: machine.picked.commandLine,
      armMemory: machine.armMemory,
      ramSize: BOARD_RAM,
    },
    seed: 1,
    irq: (core, level) => {
      cpu.setIrq(core, level);
    },
    fiq: (core, level) => {
      cpu.setFiq(core, level);
    },
    ramWritten: (address, length) => {
      cpu.ramWritten(address, length);
    },
    console: (byte) => {
      onConsole(Uint8Array.of(byte));
    },
    auxConsole: () => undefined,
    ended: (how) => {
      ending = how;
    },
    log,
  });
  for (const { address, data } of machine.memory) cpu.ram.set(data, address);
  return {
    cpu,
    board,
    get ending() {
      return ending;
    },
    run: (until) => {
      while (cpu.time < until && ending === undefined) {
        const next = Math.min(until, clock.nextEvent(), cpu.asleep ? Infinity : cpu.time + STRETCH);
        // A machine whose cores all sleep, and that nothing will wake, sleeps on.
        if (cpu.run(Math.max(next, cpu.time + 1)) === 'idle' && next === Infinity) return;
        clock.runEvents();
      }
    },
  };
}

/** The Pi 2 made for this project: no program outside it is needed. */
export function builtInEngine(options: BuiltInOptions = {}): Engine {
  return {
    name: 'built-in',
    run: async (machine, onConsole, signal) => {
      const pi = await createBuiltInPi(machine, onConsole, options);
      while (!signal.aborted) {
        pi.run(pi.cpu.time + BREATH);
        if (pi.ending === 'reset') return 'the guest reset the board';
        if (pi.ending === 'power-off') return 'the guest switched the board off';
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
      return 'it was stopped';
    },
  };
}
