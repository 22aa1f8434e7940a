/** Cache and branch predictor maintenance, barriers in their old form (c7), the level 2 cache (c9): there are no caches here. */
import { MODE_HYP } from '../../isa/program-status.js';
import { SCTLR_CP15BEN } from '../control-bits.js';
import { isSecure, modeOf } from '../current-mode.js';
import { undefinedInstruction } from '../exceptions.js';
import { checkWatchpoints } from '../memory.js';
import type { Machine } from '../state.js';
import * as R from '../../isa/system-registers.js';
import type { Accesses, Conditions } from './access.js';
import { hcr, nothing, stored } from './access.js';

const maintenance = (bit?: Parameters<typeof hcr>[0]): { write: () => undefined } & Conditions =>
  bit ? { write: nothing, trap: hcr(bit) } : { write: nothing };

/** Bytes of a line of the data cache (CTR). */
const LINE = 64;

const bySetWay = maintenance('TSW');
const toCoherency = maintenance('TPC');
const toUnification = maintenance('TPU');
const branchPredictors = maintenance();
/** User mode may use these as well; they are UNDEFINED where CP15BEN says so (B4.1.130). */
const barrier = {
  write: (m: Machine): void => {
    const { HSCTLR, secure, nonSecure } = m.core;
    const control = modeOf(m) === MODE_HYP ? HSCTLR : (isSecure(m) ? secure : nonSecure).SCTLR;
    if (!(control & SCTLR_CP15BEN)) undefinedInstruction(m);
  },
  user: () => true,
};

const l2ctlr = stored(R.L2CTLR);
const [CORES_LOW, CORES_MASK] = [R.L2CTLR.bits.Cores[1], 3 << R.L2CTLR.bits.Cores[1]];

export const caches = {
  DCISW: bySetWay,
  DCCSW: bySetWay,
  DCCISW: bySetWay,
  // It throws data away, and is a store to watchpoints (as DDI 0500 10.9.1 has it for a Cortex-A53).
  DCIMVAC: {
    ...toCoherency,
    write: (m, value) => {
      checkWatchpoints(m, (value & -LINE) >>> 0, LINE, true);
    },
  },
  DCCMVAC: toCoherency,
  DCCIMVAC: toCoherency,
  ICIALLUIS: toUnification,
  ICIALLU: toUnification,
  ICIMVAU: toUnification,
  DCCMVAU: toUnification,
  BPIALLIS: branchPredictors,
  BPIALL: branchPredictors,
  BPIMVA: branchPredictors,
  CP15ISB: barrier,
  CP15DSB: barrier,
  CP15DMB: barrier,
  L2CTLR: {
    ...l2ctlr,
    read: (m) => ((l2ctlr.read(m) & ~CORES_MASK) | ((m.cores.length - 1) << CORES_LOW)) >>> 0,
  },
  L2ECTLR: stored(R.L2ECTLR),
} satisfies Partial<Accesses>;

/** c7 c0 4 was WFI once; it does nothing now (B3.18.6). */
export const OLD_WFI = { CRm: 0, opc2: 4 } as const;
export const oldWfi = { write: nothing };
