import type { State } from '../base/state.js';
import type { Registers } from './register.js';

/**
 * A peripheral as the bus drives it. It is asked only for the registers that it lists, by the offset of a whole
 * 32-bit word. Reads may answer signed or unsigned numbers; writes give unsigned ones.
 */
export interface Device {
  /** The datasheet's name, for logs and traces. */
  readonly name: string;
  readonly registers: Registers;
  /**
   * All that changes while the machine runs, timers of the clock apart: what is saved and restored is this object, by
   * its contents.
   */
  readonly state: State;
  /** Reads the word at `offset`, with the side effects that the hardware has. */
  read(offset: number): number;
  /** Writes the word at `offset`. */
  write(offset: number, value: number): void;
  /**
   * Until what virtual time, in nanoseconds, reads of the word at `offset` do nothing and give the same, as long as
   * nothing is written to the board and none of its events comes: Infinity where time alone changes nothing,
   * -Infinity where a read does something. A device without it is not known to have such registers.
   */
  steadyUntil?(offset: number): number;
}

/** A level-triggered line: called with the new level, harmless when that is the old one. */
export type Line = (level: boolean) => void;

/** Takes one sentence, without a full stop, about something the guest did that the board does not model. */
export type Log = (sentence: string) => void;
