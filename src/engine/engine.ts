import type { CardSource } from '../board/pi2.js';
import type { Handover } from '../firmware/handover.js';
import type { Crash, MachineReport } from './machine-report.js';
import type { MemoryConsole } from './memory-console.js';

/** A machine, the consoles that are to be followed in its memory, and the card in its slot. */
export interface Machine extends Handover {
  readonly consoles?: readonly MemoryConsole[];
  /** Undefined for an empty slot. */
  readonly card?: CardSource | undefined;
}

/**
 * Called with what is written to a console, as it comes.
 * @param console name of the console in memory; undefined for the board's own PL011
 */
export type OnConsole = (bytes: Uint8Array, console?: string) => void;

/** How a run ended. */
export interface RunEnd {
  /** Why, as one sentence without a full stop. */
  readonly why: string;
  /** What was seen inside the machine, by an engine that can look there. */
  readonly machine?: MachineReport;
  /** It ended because the machine will do nothing more; of an engine that looks inside it stands in `machine` too. */
  readonly crash?: Crash;
  /** What was written to the mini UART, the Pi 2's other serial port, which is no console here; absent where nothing was. */
  readonly miniUart?: string;
}

/** Something that runs a handed-over Raspberry Pi 2. */
export interface Engine {
  /** `qemu` or `built-in`. */
  readonly name: string;
  /**
   * Runs the machine until it ends by itself or `signal` fires.
   * @param machine memory contents and where the cores start
   * @param signal stops the run
   * @throws HypberryError `engine.missing`, `engine.failed`
   */
  run(machine: Machine, onConsole: OnConsole, signal: AbortSignal): Promise<RunEnd>;
}
