/** Whether a guest has crashed though it does not say so: nothing that its cores do will ever change anything. */
import {
  EC_DATA_LOWER,
  isPrefetchClass,
  VECTOR_CALL,
  VECTOR_PREFETCH,
  VECTOR_UNDEFINED,
} from '../cpu/exceptions.js';
import type { CoreView } from '../cpu/core-view.js';
import type { TakenException } from '../cpu/state.js';
import { faultName, hypClassName, longFaultName } from '../isa/fault-status.js';
import { MODE_HYP, MODE_MON, PSR_F, PSR_I } from '../isa/program-status.js';
import { HCR, SCR } from '../isa/system-registers.js';
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

/** HSR's fault status, bits 5 to 0 of an abort's ISS (B3.13.6). */
const HSR_STATUS = 0x3f;
/** SCR.IRQ and SCR.FIQ: to Monitor mode. */
const SCR_ROUTES = 0b110;

/** Whether HSR's class is that of a Data Abort, from a lower mode or from HYP mode itself. */
const isDataClass = (HSR: number): boolean => HSR >>> 27 === EC_DATA_LOWER >>> 1;

/** `a Data Abort at 0x00008000 in svc mode (translation fault, level 1; DFAR 0x00000000)`. */
function exceptionText(it: TakenException): string {
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

/** What one core went through since it last returned from an exception or wrote CPSR, where it took more than one. */
interface Chain {
  last: TakenException | undefined;
  /** The registers at an exception further back, to compare with, and how often they were met again. */
  readonly anchor: Uint32Array;
  anchorAt: number;
  repeats: number;
}

/** Whether the state at an exception is the one that was kept; vector, mode and address count too. */
function isAnchor(core: CoreView, { anchor }: Chain, exception: TakenException): boolean {
  for (let r = 0; r < COMPARED; r++) if (anchor[r] !== core.register(r)) return false;
  return (
    anchor[COMPARED] === exception.at &&
    anchor[COMPARED + 1] === exception.address &&
    anchor[COMPARED + 2] === exception.psr
  );
}

function setAnchor(
  { anchor }: Chain,
  register: (r: number) => number,
  { at, address, psr }: TakenException,
): void {
  for (let r = 0; r < COMPARED; r++) anchor[r] = register(r);
  anchor.set([at, address, psr], COMPARED);
}

/** What came first, and what comes since. */
function endlessText(core: number, first: TakenException, last: TakenException): string {
  const [firstText, lastText] = [exceptionText(first), exceptionText(last)];
  if (firstText === lastText) return `core ${core} took ${lastText}, and takes it again and again`;
  const place = last.address === last.at ? ', at the vector itself' : '';
  return `core ${core} took ${firstText}, and since then takes ${lastText}${place}, again and again`;
}

/** Ends the run when the guest has crashed. */
export const endAtCrash: Observe = (pi) => {
  const { cores } = pi.cpu;
  const chains = cores.map((): Chain => ({
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
      exceptionNested: (core, exception, depth) => {
        const chain = chains[core.index]!;
        chain.last = exception;
        const first = core.firstException;
        if (depth === 2) {
          chain.anchorAt = 1;
          chain.repeats = 0;
          setAnchor(chain, (r) => first.registers[r]!, first);
        }
        if (isAnchor(core, chain, exception)) {
          if (++chain.repeats === REPEATS) crashed(core.index, endlessText(core.index, first, exception));
        } else if (depth === chain.anchorAt * 2) {
          // Further and further back, so that circles of any length are found.
          chain.anchorAt = depth;
          chain.repeats = 0;
          setAnchor(chain, (r) => core.register(r), exception);
        }
      },
    },
    look: () => {
      const stuck = cores.map(isStuck);
      const lastOf = (core: CoreView): TakenException | undefined =>
        core.exceptions > 1
          ? chains[core.index]!.last
          : core.exceptions === 1
            ? core.firstException
            : undefined;
      const after = (core: CoreView): string => {
        const last = lastOf(core);
        return last ? ` after ${exceptionText(last)}` : '';
      };
      for (const core of cores) {
        const { index } = core;
        const last = stuck[index] ? lastOf(core) : undefined;
        // A call is no fault: what answers it may well stay for ever.
        if (last && last.vector !== VECTOR_CALL) {
          const pc = hex(core.register(15), 8);
          crashed(
            index,
            `core ${index} took ${exceptionText(last)}, and branches to itself at ${pc} for ever`,
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
        return `core ${index} ${how} at ${hex(core.register(15), 8)}${after(core)}`;
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
