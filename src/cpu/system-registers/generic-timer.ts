/** The generic timer (c14, chapter B8). */
import * as R from '../../isa/system-registers.js';
import { SCR_NS } from '../control-bits.js';
import type { TimerName } from '../../ports/bus.js';
import type { Machine } from '../state.js';
import { now } from '../state.js';
import { physicalCount, timerStatus, updateTimers, virtualCount } from '../timers.js';
import type { AccessTo, Accesses, Bigints, Conditions, Numbers } from './access.js';
import { bank, core, MASK32, stored } from './access.js';

const PL1PCEN = 1 << R.CNTHCTL.bits.PL1PCEN;
const PL1PCTEN = 1 << R.CNTHCTL.bits.PL1PCTEN;
const MASK64 = (1n << 64n) - 1n;
const signed32 = (value: number): bigint => BigInt(value | 0);

/** Whether CNTKCTL lets User mode use something. */
const kernelControl =
  (bit: 'PL0PTEN' | 'PL0VTEN' | 'PL0VCTEN' | 'PL0PCTEN') =>
  (m: Machine): boolean =>
    ((m.core.CNTKCTL >>> R.CNTKCTL.bits[bit]) & 1) === 1;

function timersChanged(m: Machine): void {
  m.core.timerDeadline = updateTimers(m, m.core, now(m));
}

interface Timer {
  readonly tval: AccessTo<typeof R.CNTP_TVAL>;
  readonly ctl: AccessTo<typeof R.CNTP_CTL>;
  readonly cval: AccessTo<typeof R.CNTP_CVAL>;
}

/** The three views of a timer: its value that counts down, its control, what it is compared with. */
function timer<Owner>(
  owner: (m: Machine) => Owner,
  ctl: Numbers<Owner>,
  cval: Bigints<Owner>,
  count: (m: Machine) => bigint,
  name: (m: Machine) => TimerName,
  conditions: Conditions,
): Timer {
  const compare = (m: Machine): Record<Bigints<Owner>, bigint> =>
    owner(m) as unknown as Record<Bigints<Owner>, bigint>;
  return {
    tval: {
      read: (m) => Number((compare(m)[cval] - count(m)) & MASK32),
      write: (m, value) => {
        compare(m)[cval] = (count(m) + signed32(value)) & MASK64;
        timersChanged(m);
      },
      ...conditions,
    },
    ctl: {
      read: (m) => timerStatus(m, m.core, name(m), now(m)),
      write: (m, value) => {
        (owner(m) as unknown as Record<Numbers<Owner>, number>)[ctl] = value & R.CNTP_CTL.writable;
        timersChanged(m);
      },
      ...conditions,
    },
    cval: {
      read: (m) => compare(m)[cval],
      write: (m, value) => {
        compare(m)[cval] = value;
        timersChanged(m);
      },
      ...conditions,
    },
  };
}

const physical = timer(
  bank,
  'CNTP_CTL',
  'CNTP_CVAL',
  physicalCount,
  (m) => (m.core.SCR & SCR_NS ? 'physical' : 'secure-physical'),
  // CNTHCTL.PL1PCEN lets PL1 and PL0 use it.
  { user: kernelControl('PL0PTEN'), trap: (m) => !(m.core.CNTHCTL & PL1PCEN) },
);
const virtual = timer(core, 'CNTV_CTL', 'CNTV_CVAL', virtualCount, () => 'virtual', {
  user: kernelControl('PL0VTEN'),
});
const hyp = timer(core, 'CNTHP_CTL', 'CNTHP_CVAL', physicalCount, () => 'hyp', {});

export const genericTimer = {
  CNTP_TVAL: physical.tval,
  CNTP_CTL: physical.ctl,
  CNTP_CVAL: physical.cval,
  CNTV_TVAL: virtual.tval,
  CNTV_CTL: virtual.ctl,
  CNTV_CVAL: virtual.cval,
  CNTHP_TVAL: hyp.tval,
  CNTHP_CTL: hyp.ctl,
  CNTHP_CVAL: hyp.cval,
  CNTFRQ: stored(R.CNTFRQ, {
    user: (m, write) => !write && (kernelControl('PL0PCTEN')(m) || kernelControl('PL0VCTEN')(m)),
  }),
  CNTKCTL: stored(R.CNTKCTL),
  CNTHCTL: stored(R.CNTHCTL),
  CNTPCT: {
    read: physicalCount,
    user: kernelControl('PL0PCTEN'),
    trap: (m) => !(m.core.CNTHCTL & PL1PCTEN),
  },
  CNTVCT: { read: virtualCount, user: kernelControl('PL0VCTEN') },
  CNTVOFF: {
    read: (m) => m.core.CNTVOFF,
    write: (m, value) => {
      m.core.CNTVOFF = value;
      timersChanged(m);
    },
  },
} satisfies Partial<Accesses>;
