import type { Handover } from '../firmware/handover.js';

/** Something that runs a handed-over Raspberry Pi 2. */
export interface Engine {
  /** `qemu`, later `built-in`. */
  readonly name: string;
  /**
   * Runs the machine until it ends by itself or `signal` fires.
   * @param machine memory contents and where the cores start
   * @param onConsole called with what the guest writes to its PL011, as it comes
   * @param signal stops the run
   * @returns why it ended, as one sentence without a full stop
   * @throws HypberryError `engine.missing`, `engine.failed`
   */
  run(machine: Handover, onConsole: (bytes: Uint8Array) => void, signal: AbortSignal): Promise<string>;
}
