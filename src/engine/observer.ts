import type { Listener, Watch } from '../cpu/state.js';
import type { BuiltInPi } from './built-in.js';
import type { Machine } from './engine.js';
import type { MachineReport } from './machine-report.js';

/** Someone who looks into the built-in machine while it runs. What it does not name costs the run nothing. */
export interface Observer {
  /** Sees instructions before they are executed. To end the run there it calls `pi.stop` and gives true. */
  readonly watch?: Watch;
  /** Is told what happens to the cores. */
  readonly listener?: Listener;
  /** The guest touched something that is not modelled; each sentence comes once. */
  readonly unmodelled?: (sentence: string) => void;
  /** Called between runs, every few milliseconds of virtual time. */
  readonly look?: () => void;
  /** What it saw, when the run is over. */
  readonly report?: () => Partial<MachineReport>;
}

/** Puts an observer to a machine that has not run yet. */
export type Observe = (pi: BuiltInPi, machine: Machine) => Observer;
