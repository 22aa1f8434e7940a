/**
 * Cache and branch predictor maintenance, barriers in their old form (c7), the level 2 cache (c9). There are no caches
 * here, but an address is translated, and may not be mapped.
 */
import { MODE_HYP } from '../../isa/program-status.js';
import { SCTLR_CP15BEN } from '../control-bits.js';
import { isPrivileged, isSecure, modeOf } from '../current-mode.js';
import { dataAbort, undefinedInstruction } from '../exceptions.js';
import { FAULT_ACCESS_FLAG, FAULT_TRANSLATION } from '../faults.js';
import { checkWatchpoints } from '../memory.js';
import { currentRegime, isFlat, walk } from '../mmu.js';
import { lookup } from '../tlb.js';
import type { Machine } from '../state.js';
import * as R from '../../isa/system-registers.js';
import type { Accesses, Conditions } from './access.js';
import { hcr, nothing, stored } from './access.js';

const maintenance = (
  bit?: Parameters<typeof hcr>[0],
): { write: (m: Machine, value: number) => void } & Conditions =>
  bit ? { write: nothing, trap: hcr(bit) } : { write: nothing };

/** Bytes of a line of the data cache (CTR). */
const LINE = 64;

/** Faults that operations on caches by address have as accesses do; they need no rights (B3.12). */
const MMU_FAULTS: readonly number[] = [FAULT_TRANSLATION, FAULT_ACCESS_FLAG];

/** Translates the address of an operation. A fault is one of data, and a write's (B3.13.6, HSR.CM and WnR). */
function translateForMaintenance(m: Machine, address: number): void {
  if (isFlat(m) || lookup(m, address, false) >= 0) return;
  const found = walk(m, currentRegime(m), address, isPrivileged(m));
  if (!MMU_FAULTS.includes(found.fault & ~3)) return;
  dataAbort(m, address, found.fault, found, { write: true, maintenance: true });
}
const byAddress = (bit: 'TPC' | 'TPU'): ReturnType<typeof maintenance> => ({
  write: translateForMaintenance,
  trap: hcr(bit),
});

const bySetWay = maintenance('TSW');
const toCoherency = byAddress('TPC');
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
    write: (m: Machine, value: number): void => {
      translateForMaintenance(m, value);
      checkWatchpoints(m, (value & -LINE) >>> 0, LINE, true);
    },
  },
  DCCMVAC: toCoherency,
  DCCIMVAC: toCoherency,
  ICIALLUIS: toUnification,
  ICIALLU: toUnification,
  ICIMVAU: toUnification,
  DCCMVAU: byAddress('TPU'),
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
