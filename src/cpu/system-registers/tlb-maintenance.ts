/** TLB maintenance (c8). */
import { MODE_HYP } from '../../isa/program-status.js';
import * as R from '../../isa/system-registers.js';
import { isSecure, modeOf } from '../current-mode.js';
import type { Machine } from '../state.js';
import { currentVmid } from '../mmu.js';
import { invalidate, type Invalidation } from '../tlb.js';
import type { Accesses, Conditions } from './access.js';
import { hcr } from './access.js';

const HCR_FB = 1 << R.HCR.bits.FB;

type Operation = { readonly write: (m: Machine, value: number) => void } & Conditions;

/** Of the PL1&0 regime that is current. */
function pl1(
  everywhere: boolean,
  which: (value: number) => Pick<Invalidation, 'asid' | 'address'>,
): Operation {
  return {
    write: (m, value) => {
      const secure = isSecure(m);
      const forced = !secure && modeOf(m) !== MODE_HYP && (m.core.HCR & HCR_FB) !== 0;
      invalidate(m, {
        core: everywhere || forced ? undefined : m.core.index,
        regime: secure ? 'secure' : 'non-secure',
        ...(secure ? {} : { vmid: currentVmid(m.core) }),
        ...which(value),
      });
    },
    trap: hcr('TTLB'),
  };
}

/** Of Hyp mode's regime, or of the Non-secure PL1&0 one with all VMIDs. */
function pl2(
  everywhere: boolean,
  regime: 'hyp' | 'non-secure',
  which: (value: number) => Pick<Invalidation, 'address'>,
): Operation {
  return {
    write: (m, value) => {
      invalidate(m, { core: everywhere ? undefined : m.core.index, regime, ...which(value) });
    },
  };
}

const all = (): object => ({});
const byAsid = (value: number): { asid: number } => ({ asid: value & 0xff });
const byAddress = (value: number): { address: number } => ({ address: (value & 0xfffff000) >>> 0 });
const byBoth = (value: number): { asid: number; address: number } => ({
  ...byAsid(value),
  ...byAddress(value),
});

const here = { all: pl1(false, all), byAddress: pl1(false, byBoth), byAsid: pl1(false, byAsid) };

export const tlbMaintenance = {
  TLBIALLIS: pl1(true, all),
  TLBIMVAIS: pl1(true, byBoth),
  TLBIASIDIS: pl1(true, byAsid),
  TLBIMVAAIS: pl1(true, byAddress),
  TLBIALL: here.all,
  ITLBIALL: here.all,
  DTLBIALL: here.all,
  TLBIMVA: here.byAddress,
  ITLBIMVA: here.byAddress,
  DTLBIMVA: here.byAddress,
  TLBIASID: here.byAsid,
  ITLBIASID: here.byAsid,
  DTLBIASID: here.byAsid,
  TLBIMVAA: pl1(false, byAddress),
  TLBIALLHIS: pl2(true, 'hyp', all),
  TLBIMVAHIS: pl2(true, 'hyp', byAddress),
  TLBIALLNSNHIS: pl2(true, 'non-secure', all),
  TLBIALLH: pl2(false, 'hyp', all),
  TLBIMVAH: pl2(false, 'hyp', byAddress),
  TLBIALLNSNH: pl2(false, 'non-secure', all),
} satisfies Partial<Accesses>;
