/** Performance monitors (c9): a cycle counter, and event counters that count nothing. */
import * as R from '../../isa/system-registers.js';
import type { Machine } from '../state.js';
import { now } from '../state.js';
import type { Accesses, Conditions } from './access.js';
import { fixed, nothing, stored } from './access.js';

const { E, P, C, D } = R.PMCR.bits;
const PMCR_KEPT = R.PMCR.writable & R.PMCR.readable;
const TPM = 1 << R.HDCR.bits.TPM;
const TPMCR = 1 << R.HDCR.bits.TPMCR;
/** The counters' bits, of registers that have one for each. */
const COUNTERS = R.PMCNTENSET.writable;

const userCounts = (m: Machine): boolean => (m.core.PMUSERENR & 1) === 1;
const trap = (m: Machine): boolean => (m.core.HDCR & TPM) !== 0;
const counter: Conditions = { user: userCounts, trap };
/** Not for User mode, whatever PMUSERENR says. */
const interrupts: Conditions = { trap };

const cyclesRun = ({ core: it }: Machine): boolean => ((it.PMCR >>> E) & 1) === 1 && it.PMCNTEN >>> 31 === 1;

/** PMCCNTR now: one cycle an instruction, as virtual time is, or one for 64 (PMCR.D). */
function cycles(m: Machine): number {
  const { core: it } = m;
  if (!cyclesRun(m)) return it.PMCCNTR;
  const passed = now(m) - it.cyclesSince;
  return (it.PMCCNTR + ((it.PMCR >>> D) & 1 ? Math.floor(passed / 64) : passed)) % 2 ** 32;
}

/** Changes something the cycle counter depends on. */
function recount(m: Machine, change: () => void): void {
  m.core.PMCCNTR = cycles(m);
  m.core.cyclesSince = now(m);
  change();
}

export const performanceMonitors = {
  PMCR: {
    read: (m) => m.core.PMCR,
    write: (m, value) => {
      recount(m, () => {
        const { core: it } = m;
        it.PMCR = ((it.PMCR & ~PMCR_KEPT) | (value & PMCR_KEPT)) >>> 0;
        if ((value >>> P) & 1) it.PMXEVCNTR.fill(0);
        if ((value >>> C) & 1) it.PMCCNTR = 0;
      });
    },
    user: userCounts,
    trap: (m) => (m.core.HDCR & (TPM | TPMCR)) !== 0,
  },
  PMCNTENSET: {
    read: (m) => m.core.PMCNTEN,
    write: (m, value) => {
      recount(m, () => {
        m.core.PMCNTEN = (m.core.PMCNTEN | (value & COUNTERS)) >>> 0;
      });
    },
    ...counter,
  },
  PMCNTENCLR: {
    read: (m) => m.core.PMCNTEN,
    write: (m, value) => {
      recount(m, () => {
        m.core.PMCNTEN = (m.core.PMCNTEN & ~value) >>> 0;
      });
    },
    ...counter,
  },
  PMOVSR: {
    read: (m) => m.core.PMOVS,
    write: (m, value) => {
      m.core.PMOVS = (m.core.PMOVS & ~value) >>> 0;
    },
    ...counter,
  },
  PMOVSSET: {
    read: (m) => m.core.PMOVS,
    write: (m, value) => {
      m.core.PMOVS = (m.core.PMOVS | (value & COUNTERS)) >>> 0;
    },
    ...counter,
  },
  PMSWINC: { write: nothing, ...counter },
  PMSELR: stored(R.PMSELR, counter),
  // Which events can be counted: none but cycles.
  PMCEID0: fixed(R.PMCEID0, counter),
  PMCEID1: fixed(R.PMCEID1, counter),
  PMCCNTR: {
    read: cycles,
    write: (m, value) => {
      recount(m, () => {
        m.core.PMCCNTR = value;
      });
    },
    ...counter,
  },
  PMXEVTYPER: {
    read: (m) => m.core.PMXEVTYPER[m.core.PMSELR]!,
    write: (m, value) => {
      m.core.PMXEVTYPER[m.core.PMSELR] = value;
    },
    ...counter,
  },
  PMXEVCNTR: {
    read: (m) => m.core.PMXEVCNTR[m.core.PMSELR]!,
    write: (m, value) => {
      m.core.PMXEVCNTR[m.core.PMSELR] = value;
    },
    ...counter,
  },
  PMUSERENR: stored(R.PMUSERENR, { user: (_m, write) => !write, trap }),
  PMINTENSET: {
    read: (m) => m.core.PMINTEN,
    write: (m, value) => {
      m.core.PMINTEN = (m.core.PMINTEN | (value & COUNTERS)) >>> 0;
    },
    ...interrupts,
  },
  PMINTENCLR: {
    read: (m) => m.core.PMINTEN,
    write: (m, value) => {
      m.core.PMINTEN = (m.core.PMINTEN & ~value) >>> 0;
    },
    ...interrupts,
  },
} satisfies Partial<Accesses>;
