/** Performance monitors (c9). What is counted, and when, is for ../performance-monitors.ts. */
import { bitsOf, maskOf } from '../../isa/bits.js';
import { PERFORMANCE_EVENTS } from '../../isa/performance-events.js';
import * as R from '../../isa/system-registers.js';
import {
  changeMonitors,
  counterNow,
  CYCLE_COUNTER,
  increment,
  overflowsNow,
  reachableCounters,
  unknownEvent,
} from '../performance-monitors.js';
import type { Core, Machine } from '../state.js';
import type { Accesses, Conditions } from './access.js';
import { fixed, stored } from './access.js';

const PMCR_KEPT = R.PMCR.writable & R.PMCR.readable;
const PMCR_P = maskOf(R.PMCR, 'P');
const PMCR_C = maskOf(R.PMCR, 'C');
const PMCR_N = maskOf(R.PMCR, 'N');
const TPM = maskOf(R.HDCR, 'TPM');
const TPMCR = maskOf(R.HDCR, 'TPMCR');
const CYCLES = maskOf(R.PMCNTENSET, 'C');
/** What the cycle counter's type is made of: it has filters alone. */
const FILTERS = R.PMXEVTYPER.writable & ~maskOf(R.PMXEVTYPER, 'evtCount');

const userCounts = (m: Machine): boolean => (m.core.PMUSERENR & 1) === 1;
const trap = (m: Machine): boolean => (m.core.HDCR & TPM) !== 0;
const counter: Conditions = { user: userCounts, trap };
/** Not for User mode, whatever PMUSERENR says. */
const interrupts: Conditions = { trap };

/** The bits, of registers that have one for each counter, that the running core's mode has. */
const reachable = (m: Machine): number => (CYCLES | (2 ** reachableCounters(m) - 1)) >>> 0;

/** Whether PMSELR names an event counter that the running core's mode has. */
const selectsCounter = (m: Machine): boolean => m.core.PMSELR < reachableCounters(m);

const EVENT_NAMES = new Map<number, string>(
  Object.entries(PERFORMANCE_EVENTS).map(([name, number]) => [number, name]),
);

/** Tells of an event that is chosen and counts nothing here. */
function tellOfUnknown({ listener }: Machine, type: number): void {
  const event = bitsOf(R.PMXEVTYPER, 'evtCount', type);
  const why = unknownEvent(event);
  if (why === undefined) return;
  const name = EVENT_NAMES.get(event) ?? 'one of the Cortex-A7 alone';
  const number = event.toString(16).padStart(2, '0');
  listener?.withoutEffect?.(
    `PMXEVTYPER.evtCount chooses event 0x${number} (${name}), which counts nothing: ${why}`,
  );
}

/** A register of the core with a bit for each counter, by whose bits some are set and others are cleared. */
function counterBits(
  name: 'PMCNTEN' | 'PMOVS' | 'PMINTEN',
  sets: boolean,
  conditions: Conditions,
  now = (m: Machine): number => m.core[name],
): {
  readonly read: (m: Machine) => number;
  readonly write: (m: Machine, value: number) => void;
} & Conditions {
  return {
    read: (m) => (now(m) & reachable(m)) >>> 0,
    write: (m, value) => {
      changeMonitors(m, () => {
        const { core } = m;
        const bits = value & reachable(m);
        core[name] = (sets ? core[name] | bits : core[name] & ~bits) >>> 0;
      });
    },
    ...conditions,
  };
}

/** PMCR.P and PMCR.C: the event counters that the mode has, and the cycle counter, are 0. */
function resetCounters(m: Machine, core: Core, value: number): void {
  if (value & PMCR_P) core.PMXEVCNTR.fill(0, 0, reachableCounters(m));
  if (value & PMCR_C) [core.PMCCNTR, core.cyclesOver] = [0, 0];
}

export const performanceMonitors = {
  PMCR: {
    read: (m) => {
      const counters = reachableCounters(m);
      return ((m.core.PMCR & ~PMCR_N) | (counters * (PMCR_N & -PMCR_N))) >>> 0;
    },
    write: (m, value) => {
      changeMonitors(m, () => {
        const { core } = m;
        core.PMCR = ((core.PMCR & ~PMCR_KEPT) | (value & PMCR_KEPT)) >>> 0;
        resetCounters(m, core, value);
      });
    },
    user: userCounts,
    trap: (m) => (m.core.HDCR & (TPM | TPMCR)) !== 0,
  },
  PMCNTENSET: counterBits('PMCNTEN', true, counter),
  PMCNTENCLR: counterBits('PMCNTEN', false, counter),
  PMOVSR: counterBits('PMOVS', false, counter, overflowsNow),
  PMOVSSET: counterBits('PMOVS', true, counter, overflowsNow),
  PMSWINC: { write: increment, ...counter },
  PMSELR: stored(R.PMSELR, counter),
  PMCEID0: fixed(R.PMCEID0, counter),
  PMCEID1: fixed(R.PMCEID1, counter),
  PMCCNTR: {
    read: (m) => counterNow(m, CYCLE_COUNTER),
    write: (m, value) => {
      changeMonitors(m, () => {
        m.core.PMCCNTR = value;
      });
    },
    ...counter,
  },
  PMXEVTYPER: {
    read: (m) =>
      selectsCounter(m) || m.core.PMSELR === CYCLE_COUNTER ? m.core.PMXEVTYPER[m.core.PMSELR]! : 0,
    write: (m, value) => {
      const isCycles = m.core.PMSELR === CYCLE_COUNTER;
      if (!isCycles && !selectsCounter(m)) return;
      if (!isCycles) tellOfUnknown(m, value);
      changeMonitors(m, () => {
        m.core.PMXEVTYPER[m.core.PMSELR] = value & (isCycles ? FILTERS : R.PMXEVTYPER.writable);
      });
    },
    ...counter,
  },
  PMXEVCNTR: {
    read: (m) => (selectsCounter(m) ? counterNow(m, m.core.PMSELR) : 0),
    write: (m, value) => {
      if (!selectsCounter(m)) return;
      changeMonitors(m, () => {
        m.core.PMXEVCNTR[m.core.PMSELR] = value;
      });
    },
    ...counter,
  },
  PMUSERENR: stored(R.PMUSERENR, { user: (_m, write) => !write, trap }),
  PMINTENSET: counterBits('PMINTEN', true, interrupts),
  PMINTENCLR: counterBits('PMINTEN', false, interrupts),
} satisfies Partial<Accesses>;
