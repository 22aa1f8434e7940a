/** The address translation operations, whose result is in PAR (B3.12). */
import { MODE_HYP } from '../../isa/program-status.js';
import * as R from '../../isa/system-registers.js';
import { dataAbort, undefinedInstruction } from '../exceptions.js';
import { shortFaultStatus } from '../faults.js';
import type { Regime, Translation } from '../mmu.js';
import { TTBCR_EAE } from '../control-bits.js';
import { faultOf, hasStage2, READ, walk, WRITE } from '../mmu.js';
import { isSecure, modeOf } from '../current-mode.js';
import type { Machine } from '../state.js';
import type { Accesses } from './access.js';
import { bank, stored, wide } from './access.js';

const LPAE = 1 << 11;
const NON_SECURE = 1 << 9;
const SUPERSECTION = 2;

/** The address of the 32-bit format; of a supersection bits 31 to 24, and 39 to 32 below them (B4.1.112). */
function address32({ physical, sizeLog2 }: Translation): number {
  if (sizeLog2 !== 24) return (physical - (physical % 0x1000)) % 2 ** 32;
  return (physical & 0xff000000) | (Math.floor(physical / 2 ** 32) << 16) | SUPERSECTION;
}

/** Translates, and puts the outcome in the PAR of the current security state. */
function translate(
  m: Machine,
  address: number,
  regime: Regime,
  privileged: boolean,
  write: boolean,
  stage1Only: boolean,
): void {
  const { core } = m;
  const found = walk(m, regime, address, privileged, stage1Only);
  const right = write ? WRITE : READ;
  if (stage1Only) found.rights2 = READ | WRITE;
  const status = faultOf(found, right);
  // A stage 2 fault under a stage 1 operation is not for PAR: it goes to Hyp mode.
  if (status && found.stage2 && stage1Only && modeOf(m) !== MODE_HYP && !isSecure(m))
    dataAbort(m, address, status, found, { write, maintenance: true });

  const into = isSecure(m) ? core.secure : core.nonSecure;
  const tables = regime === 'secure' ? core.secure : core.nonSecure;
  // The 64-bit format on long descriptors, through both stages, and for stage 1 operations in Hyp mode (B4.1.112).
  const long =
    regime === 'hyp' ||
    (stage1Only && modeOf(m) === MODE_HYP) ||
    (tables.TTBCR & TTBCR_EAE) !== 0 ||
    (!stage1Only && hasStage2(core));
  into.PAR_HIGH = 0;
  if (status) {
    if (long)
      into.PAR =
        (LPAE | (found.stage2 ? 1 << 9 : 0) | (found.tableWalk ? 1 << 8 : 0) | (status << 1) | 1) >>> 0;
    else into.PAR = (shortFaultStatus(status) << 1) | 1;
    return;
  }
  const base = found.physical - (found.physical % 0x1000);
  const nonSecure = regime === 'secure' && found.nonSecure ? NON_SECURE : 0;
  if (long) {
    into.PAR = ((base % 2 ** 32) | LPAE | nonSecure) >>> 0;
    into.PAR_HIGH = ((found.attributes << 24) | Math.floor(base / 2 ** 32)) >>> 0;
    return;
  }
  const { attributes } = found;
  // Outer in bits 3:2, inner in 6:4 (B4.1.112).
  const outer = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0, 0, 0, 3, 1][attributes >>> 4]!;
  const inner = found.normal
    ? [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 6, 0, 0, 0, 7, 5][attributes & 15]!
    : attributes === 0
      ? 1
      : 3;
  into.PAR = (address32(found) | nonSecure | (inner << 4) | (found.normal ? outer << 2 : 0)) >>> 0;
}

type Operation = { readonly write: (m: Machine, value: number) => void };

function currentStage1(privileged: boolean, write: boolean): Operation {
  return {
    write: (m, value) => {
      const regime = isSecure(m) ? 'secure' : 'non-secure';
      translate(m, value, regime, privileged, write, true);
    },
  };
}

/** Both stages for Non-secure state; from Secure state and Hyp mode only. */
function bothStages(privileged: boolean, write: boolean): Operation {
  return {
    write: (m, value) => {
      if (!isSecure(m) && modeOf(m) !== MODE_HYP) undefinedInstruction(m);
      translate(m, value, 'non-secure', privileged, write, false);
    },
  };
}

function hypStage1(write: boolean): Operation {
  return {
    write: (m, value) => {
      translate(m, value, 'hyp', true, write, true);
    },
  };
}

export const addressTranslation = {
  PAR: stored(R.PAR),
  PAR_64: wide(bank, 'PAR', 'PAR_HIGH'),
  ATS1CPR: currentStage1(true, false),
  ATS1CPW: currentStage1(true, true),
  ATS1CUR: currentStage1(false, false),
  ATS1CUW: currentStage1(false, true),
  ATS12NSOPR: bothStages(true, false),
  ATS12NSOPW: bothStages(true, true),
  ATS12NSOUR: bothStages(false, false),
  ATS12NSOUW: bothStages(false, true),
  ATS1HR: hypStage1(false),
  ATS1HW: hypStage1(true),
} satisfies Partial<Accesses>;
