import type { Handover } from '../firmware/handover.js';
import type { MachineReport } from './machine-report.js';

/** How a run ended. */
export interface RunEnd {
  /** Why, as one sentence without a full stop. */
  readonly why: string;
  /** What was seen inside the machine, by an engine that can look there. */
  readonly machine?: MachineReport;
}

/** Something that runs a handed-over Raspberry Pi 2. */
export interface Engine {
  /** `qemu` or `built-in`. */
  readonly name: string;
  /**
   * Runs the machine until it ends by itself or `signal` fires.
   * @param machine memory contents and where the cores start
   * @param onConsole called with what the guest writes to its PL011, as it comes
   * @param signal stops the run
   * @throws HypberryError `engine.missing`, `engine.failed`
   */
  run(machine: Handover, onConsole: (bytes: Uint8Array) => void, signal: AbortSignal): Promise<RunEnd>;
}
