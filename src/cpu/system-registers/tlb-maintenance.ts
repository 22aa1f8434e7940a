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

/** What the value written to an operation names. */
type Named = Pick<Invalidation, 'asid' | 'address'>;

/** Of the PL1&0 regime that is current. */
function pl1(everywhere: boolean, which: (value: number) => Named): Operation {
  return {
    write: (m, value) => {
      const secure = isSecure(m);
      const forced = !secure && modeOf(m) !== MODE_HYP && (m.core.HCR & HCR_FB) !== 0;
      const { asid, address } = which(value);
      invalidate(m, {
        core: everywhere || forced ? undefined : m.core.index,
        regime: secure ? 'secure' : 'non-secure',
        vmid: secure ? undefined : currentVmid(m.core),
        asid,
        address,
      });
    },
    trap: hcr('TTLB'),
  };
}

/** Of Hyp mode's regime, or of the Non-secure PL1&0 one with all VMIDs. */
function pl2(everywhere: boolean, regime: 'hyp' | 'non-secure', which: (value: number) => Named): Operation {
  return {
    write: (m, value) => {
      const { address } = which(value);
      const core = everywhere ? undefined : m.core.index;
      invalidate(m, { core, regime, vmid: undefined, asid: undefined, address });
    },
  };
}

const all = (): Named => NOTHING;
const NOTHING: Named = { asid: undefined, address: undefined };
const byAsid = (value: number): Named => ({ asid: value & 0xff, address: undefined });
const addressOf = (value: number): number => (value & 0xfffff000) >>> 0;
const byAddress = (value: number): Named => ({ asid: undefined, address: addressOf(value) });
const byBoth = (value: number): Named => ({ asid: value & 0xff, address: addressOf(value) });

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
