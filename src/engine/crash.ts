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
import type { Cpu } from '../cpu/cpu.js';
import * as L from '../cpu/layout.js';
import { isSecure, modeOf } from '../cpu/current-mode.js';
import { PSR_F, PSR_I } from '../cpu/modes.js';
import { type Machine, word } from '../cpu/state.js';
import { faultName, hypClassName, longFaultName } from '../isa/fault-status.js';
import { MODE_HYP, MODE_MON } from '../isa/program-status.js';
import { hex } from '../base/words.js';
import { coreStates, modeName, nextWord } from './core-state.js';
import type { CoreState, Crash } from './machine-report.js';
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

function keep(m: Machine, vector: number): Kept {
  const { core } = m;
  const kept = { vector, address: m.address, psr: word(m, L.SPSR), takenIn: modeOf(m), at: m.u32[15]! };
  if (kept.takenIn === MODE_HYP) {
    const faultAddress = isPrefetchClass(core.HSR) ? core.HIFAR : core.HDFAR;
    return { ...kept, syndrome: core.HSR, faultAddress };
  }
  const { IFSR, IFAR, DFSR, DFAR } = isSecure(m) ? core.secure : core.nonSecure;
  return vector === VECTOR_PREFETCH
    ? { ...kept, syndrome: IFSR, faultAddress: IFAR }
    : { ...kept, syndrome: DFSR, faultAddress: DFAR };
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
function isAnchor(m: Machine, chain: Chain, kept: Kept): boolean {
  const { anchor } = chain;
  for (let r = 0; r < COMPARED; r++) if (anchor[r] !== m.u32[r]) return false;
  return (
    anchor[COMPARED] === kept.at && anchor[COMPARED + 1] === kept.address && anchor[COMPARED + 2] === kept.psr
  );
}

function setAnchor(m: Machine, { anchor }: Chain, kept: Kept): void {
  anchor.set(m.u32.subarray(0, COMPARED));
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
  const { machine } = pi.cpu;
  const chains = machine.cores.map((): Chain => ({
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
      exceptionTaken: (m, vector) => {
        if (!SYNCHRONOUS.has(vector)) return;
        const chain = chains[m.core.index]!;
        const kept = keep(m, vector);
        chain.depth++;
        chain.last = kept;
        if (chain.depth === 1) {
          chain.first = kept;
          chain.anchorAt = 1;
          chain.repeats = 0;
          setAnchor(m, chain, kept);
          return;
        }
        if (isAnchor(m, chain, kept)) {
          if (++chain.repeats === REPEATS) crashed(m.core.index, endlessText(m.core.index, chain));
        } else if (chain.depth === chain.anchorAt * 2) {
          // Further and further back, so that circles of any length are found.
          chain.anchorAt = chain.depth;
          chain.repeats = 0;
          setAnchor(m, chain, kept);
        }
      },
      exceptionLeft: (m) => {
        chains[m.core.index]!.depth = 0;
      },
    },
    look: () => {
      const states = coreStates(pi.cpu);
      const stuck = states.map((state) => isStuck(pi.cpu, state));
      const after = (core: number): string =>
        chains[core]!.depth > 0 ? ` after ${exceptionText(chains[core]!.last!)}` : '';
      for (const { core, pc } of states) {
        const { depth, last } = chains[core]!;
        // A call is no fault: what answers it may well stay for ever.
        if (stuck[core] && depth > 0 && last!.vector !== VECTOR_CALL) {
          crashed(
            core,
            `core ${core} took ${exceptionText(last!)}, and branches to itself at ${hex(pc, 8)} for ever`,
          );
          return;
        }
      }
      const ended = states.every(({ core, waiting }) => waiting !== 'no' || stuck[core]);
      if (!ended || pi.nextEvent() !== Infinity) return;
      const what = states.map(({ core, pc, waiting }) => {
        const how = stuck[core]
          ? 'branches to itself'
          : waiting === 'event'
            ? 'waits for an event'
            : 'waits for an interrupt';
        return `core ${core} ${how} at ${hex(pc, 8)}${after(core)}`;
      });
      crashed(null, `nothing will happen any more: ${what.join(', ')}`);
    },
    report: () => (crash ? { crash } : {}),
  };
};

const BRANCH_TO_ITSELF_A32 = 0xeaff_fffe;
const BRANCH_TO_ITSELF_T32 = 0xe7fe;

/** Whether a core is at a branch to itself that no interrupt can end. */
function isStuck(cpu: Cpu, state: CoreState): boolean {
  const { core, CPSR, waiting, thumb } = state;
  if (waiting !== 'no' || (CPSR & PSR_I) === 0 || (CPSR & PSR_F) === 0) return false;
  const { HCR, SCR } = cpu.machine.cores[core]!;
  // Interrupts that go to HYP or Monitor mode are not masked by other modes' CPSR.
  if (HCR !== 0 || (SCR & SCR_ROUTES) !== 0) return false;
  return nextWord(cpu, state) === (thumb ? BRANCH_TO_ITSELF_T32 : BRANCH_TO_ITSELF_A32);
}
