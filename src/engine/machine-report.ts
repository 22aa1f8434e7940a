/** What the built-in engine saw of a run beside the console, as `try --json` prints it under `machine`. */

import type { PointResult } from './handover-check.js';

/** Modes by the manual's short names (table B1-1), in lower case. */
export type ModeName = 'usr' | 'fiq' | 'irq' | 'svc' | 'mon' | 'abt' | 'hyp' | 'und' | 'sys';

/** Where a core is. 32-bit values are unsigned. */
export interface CoreState {
  readonly core: number;
  /** Address of the instruction that comes next. */
  readonly pc: number;
  readonly mode: ModeName;
  readonly secure: boolean;
  readonly thumb: boolean;
  /** Whether WFI or WFE holds it. */
  readonly waiting: 'no' | 'interrupt' | 'event';
  /** R0 to R15 as the mode sees them; R15 is `pc`. */
  readonly registers: readonly number[];
  readonly CPSR: number;
  /** Instructions executed since reset. */
  readonly executed: number;
}

/** What a core does for a while: a mode of one of the two security states, or sleep in WFI or WFE. */
export interface Activity {
  readonly mode: ModeName | 'waiting';
  readonly secure: boolean;
}

/** The modes of the cores over virtual time. */
export interface Timeline {
  /** Virtual time that it covers, from 0, in nanoseconds. */
  readonly nanoseconds: number;
  /** What `cores[].spans` is exact to. */
  readonly resolution: number;
  /** What the cores did, in the order in which it first came. */
  readonly activities: readonly Activity[];
  readonly cores: readonly {
    readonly core: number;
    /** The first time of each activity, exact, in order. */
    readonly first: readonly { readonly activity: number; readonly at: number }[];
    /** What it did for the most part, piece by piece: an index into `activities` and where the piece begins. */
    readonly spans: readonly { readonly activity: number; readonly from: number }[];
  }[];
}

/** A machine that will do nothing more, though what ran on it did not say so. */
export interface Crash {
  /** Whose crash it is; null where all cores came to rest: they sleep, or branch to themselves, for ever. */
  readonly core: number | null;
  /** What happened, one sentence without a full stop. */
  readonly what: string;
}

/** An UNPREDICTABLE instruction that was executed. */
export interface UnpredictableSeen {
  readonly core: number;
  readonly address: number;
  readonly word: number;
  readonly disassembly: string;
}

/** What was seen of a run. */
export interface MachineReport {
  /** Virtual time at the end, in nanoseconds. */
  readonly nanoseconds: number;
  /** Where the cores were at the end. */
  readonly cores: readonly CoreState[];
  /** The core that came to the address at which the run was to end; absent where none did. */
  readonly reachedBy?: number;
  readonly timeline?: Timeline;
  /** How the machine was handed over to its kernel, point by point. */
  readonly handover?: readonly PointResult[];
  readonly crash?: Crash;
  /** VMIDs of the machines that were seen in User mode: 0 is the host's, a guest's is its number from 1. */
  readonly userMode?: readonly number[];
  /** Each once, by address and word. */
  readonly unpredictable?: readonly UnpredictableSeen[];
  /** What works here, and on a board perhaps not, each once: one sentence without a full stop. */
  readonly byChance?: readonly string[];
  /** What the guest touched that is not modelled, each once. */
  readonly unmodelled?: readonly string[];
}
