/** Whether a guest has crashed though it does not say so: nothing that its cores do will ever change anything. */
import {
  EC_DATA_LOWER,
  EC_PREFETCH_LOWER,
  VECTOR_CALL,
  VECTOR_DATA,
  VECTOR_HYP_TRAP,
  VECTOR_PREFETCH,
  VECTOR_UNDEFINED,
} from '../cpu/exceptions.js';
import type { CoreView } from '../cpu/core-view.js';
import { PSR_F, PSR_I } from '../cpu/modes.js';
import { faultName, hypClassName, longFaultName } from '../isa/fault-status.js';
import { MODE_HYP, MODE_MON } from '../isa/program-status.js';
import { DFAR, DFSR, HCR, HDFAR, HIFAR, HSR, IFAR, IFSR, SCR } from '../isa/system-registers.js';
import { hex } from '../base/words.js';
import { modeName } from './core-state.js';
import type { Crash } from './machine-report.js';
import type { Observe } from './observer.js';

/** Words of a core's state that are compared: R0 to R14. R15 is at the vector. */
const COMPARED = 15;

/**
 * An exception comes again with the same registers, and in between nothing returned from one and nothing wrote CPSR:
 * so often, and it will go on. Handlers of real kernels do one or the other at once.
 */
const REPEATS = 4;

/** What is kept of an exception until somebody wants to read of it. */
interface Kept {
  /** The vector's offset in its table, and its address. */
  readonly vector: number;
  readonly at: number;
  /** The instruction that it was taken at. */
  readonly address: number;
  /** CPSR before, and the mode that took it. */
  readonly psr: number;
  readonly takenIn: number;
  /** HSR in HYP mode, else IFSR or DFSR; and HIFAR, HDFAR, IFAR or DFAR. */
  readonly syndrome: number;
  readonly faultAddress: number;
}

/** HSR's fault status, bits 5 to 0 of an abort's ISS (B3.13.6). */
const HSR_STATUS = 0x3f;
/** SCR.IRQ and SCR.FIQ: to Monitor mode. */
const SCR_ROUTES = 0b110;

/** Exception classes of aborts in HSR, from a lower mode and from HYP mode itself. */
const isPrefetchClass = (HSR: number): boolean => HSR >>> 27 === EC_PREFETCH_LOWER >>> 1;
const isDataClass = (HSR: number): boolean => HSR >>> 27 === EC_DATA_LOWER >>> 1;

function keep(core: CoreView, vector: number, address: number): Kept {
  const kept = { vector, address, psr: core.SPSR, takenIn: core.mode, at: core.register(15) };
  if (kept.takenIn === MODE_HYP) {
    const syndrome = core.system(HSR);
    return { ...kept, syndrome, faultAddress: core.system(isPrefetchClass(syndrome) ? HIFAR : HDFAR) };
  }
  const copy = core.secure ? 'secure' : 'non-secure';
  const [status, faultAddress] = vector === VECTOR_PREFETCH ? [IFSR, IFAR] : [DFSR, DFAR];
  return { ...kept, syndrome: core.system(status, copy), faultAddress: core.system(faultAddress, copy) };
}

/** `a Data Abort at 0x00008000 in svc mode (translation fault, level 1; DFAR 0x00000000)`. */
function exceptionText(it: Kept): string {
  const where = `at ${hex(it.address, 8)} in ${modeName(it.psr)} mode`;
  const fault = (name: string, register: string): string =>
    ` (${name}; ${register} ${hex(it.faultAddress, 8)})`;
  if (it.takenIn === MODE_HYP) {
    const name = longFaultName(it.syndrome & HSR_STATUS);
    const detail = isPrefetchClass(it.syndrome)
      ? fault(name, 'HIFAR')
      : isDataClass(it.syndrome)
        ? fault(name, 'HDFAR')
        : '';
    return `${hypClassName(it.syndrome)} ${where}${detail}`;
  }
  switch (it.vector) {
    case VECTOR_UNDEFINED:
      return `an Undefined Instruction ${where}`;
    case VECTOR_CALL:
      return `${it.takenIn === MODE_MON ? 'an SMC' : 'an SVC'} ${where}`;
    case VECTOR_PREFETCH:
      return `a Prefetch Abort ${where}${fault(faultName(it.syndrome), 'IFAR')}`;
    default:
      return `a Data Abort ${where}${fault(faultName(it.syndrome), 'DFAR')}`;
  }
}

/** What one core went through since it last returned from an exception or wrote CPSR. */
interface Chain {
  depth: number;
  first: Kept | undefined;
  last: Kept | undefined;
  /** The registers at an exception further back, to compare with, and how often they were met again. */
  readonly anchor: Uint32Array;
  anchorAt: number;
  repeats: number;
}

const SYNCHRONOUS = new Set([VECTOR_UNDEFINED, VECTOR_CALL, VECTOR_PREFETCH, VECTOR_DATA, VECTOR_HYP_TRAP]);

/** Whether the state at an exception is the one that was kept; vector, mode and address count too. */
function isAnchor(core: CoreView, chain: Chain, kept: Kept): boolean {
  const { anchor } = chain;
  for (let r = 0; r < COMPARED; r++) if (anchor[r] !== core.register(r)) return false;
  return (
    anchor[COMPARED] === kept.at && anchor[COMPARED + 1] === kept.address && anchor[COMPARED + 2] === kept.psr
  );
}

function setAnchor(core: CoreView, { anchor }: Chain, kept: Kept): void {
  for (let r = 0; r < COMPARED; r++) anchor[r] = core.register(r);
  anchor[COMPARED] = kept.at;
  anchor[COMPARED + 1] = kept.address;
  anchor[COMPARED + 2] = kept.psr;
}

/** What came first, and what comes since. */
function endlessText(core: number, { first, last }: Chain): string {
  const [firstText, lastText] = [exceptionText(first!), exceptionText(last!)];
  if (firstText === lastText) return `core ${core} took ${lastText}, and takes it again and again`;
  const place = last!.address === last!.at ? ', at the vector itself' : '';
  return `core ${core} took ${firstText}, and since then takes ${lastText}${place}, again and again`;
}

/** Ends the run when the guest has crashed. */
export const endAtCrash: Observe = (pi) => {
  const { cores } = pi.cpu;
  const chains = cores.map((): Chain => ({
    depth: 0,
    first: undefined,
    last: undefined,
    anchor: new Uint32Array(COMPARED + 3),
    anchorAt: 1,
    repeats: 0,
  }));
  let crash: Crash | undefined;
  const crashed = (core: number | null, what: string): void => {
    crash ??= { core, what };
    pi.stop(what);
  };
  return {
    listener: {
      exceptionTaken: (core, vector, address) => {
        if (!SYNCHRONOUS.has(vector)) return;
        const chain = chains[core.index]!;
        const kept = keep(core, vector, address);
        chain.depth++;
        chain.last = kept;
        if (chain.depth === 1) {
          chain.first = kept;
          chain.anchorAt = 1;
          chain.repeats = 0;
          setAnchor(core, chain, kept);
          return;
        }
        if (isAnchor(core, chain, kept)) {
          if (++chain.repeats === REPEATS) crashed(core.index, endlessText(core.index, chain));
        } else if (chain.depth === chain.anchorAt * 2) {
          // Further and further back, so that circles of any length are found.
          chain.anchorAt = chain.depth;
          chain.repeats = 0;
          setAnchor(core, chain, kept);
        }
      },
      exceptionLeft: (core) => {
        chains[core.index]!.depth = 0;
      },
    },
    look: () => {
      const stuck = cores.map(isStuck);
      const after = (core: number): string =>
        chains[core]!.depth > 0 ? ` after ${exceptionText(chains[core]!.last!)}` : '';
      for (const core of cores) {
        const { index } = core;
        const { depth, last } = chains[index]!;
        // A call is no fault: what answers it may well stay for ever.
        if (stuck[index] && depth > 0 && last!.vector !== VECTOR_CALL) {
          const pc = hex(core.register(15), 8);
          crashed(
            index,
            `core ${index} took ${exceptionText(last!)}, and branches to itself at ${pc} for ever`,
          );
          return;
        }
      }
      const ended = cores.every(({ index, waiting }) => waiting !== 'no' || stuck[index]);
      if (!ended || pi.nextEvent() !== Infinity) return;
      const what = cores.map((core) => {
        const { index, waiting } = core;
        const how = stuck[index]
          ? 'branches to itself'
          : waiting === 'event'
            ? 'waits for an event'
            : 'waits for an interrupt';
        return `core ${index} ${how} at ${hex(core.register(15), 8)}${after(index)}`;
      });
      crashed(null, `nothing will happen any more: ${what.join(', ')}`);
    },
    report: () => (crash ? { crash } : {}),
  };
};

const BRANCH_TO_ITSELF_A32 = 0xeaff_fffe;
const BRANCH_TO_ITSELF_T32 = 0xe7fe;

/** Whether a core is at a branch to itself that no interrupt can end. */
function isStuck(core: CoreView): boolean {
  const { CPSR } = core;
  if (core.waiting !== 'no' || (CPSR & PSR_I) === 0 || (CPSR & PSR_F) === 0) return false;
  // Interrupts that go to HYP or Monitor mode are not masked by other modes' CPSR.
  if (core.system(HCR) !== 0 || (core.system(SCR) & SCR_ROUTES) !== 0) return false;
  return core.nextWord() === (core.thumb ? BRANCH_TO_ITSELF_T32 : BRANCH_TO_ITSELF_A32);
}
