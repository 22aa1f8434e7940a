/** System control of PL1 and of Secure state (c1). */
import * as R from '../../isa/system-registers.js';
import { isSecure } from '../current-mode.js';
import { setScr } from '../exceptions.js';
import type { Accesses } from './access.js';
import { hcr, stored, storedContext, virtualMemory } from './access.js';

const SMP = 1 << R.ACTLR.bits.SMP;

const actlr = storedContext(R.ACTLR);

export const control = {
  SCTLR: storedContext(R.SCTLR, virtualMemory),
  ACTLR: {
    read: actlr.read,
    write: (m, value) => {
      const { core } = m;
      // Non-secure state writes nothing but SMP, and that only where NSACR lets it (DDI 0464 4.3.31).
      if (isSecure(m)) actlr.write(m, value);
      else if ((core.NSACR >>> R.NSACR.bits.NS_SMP) & 1) actlr.write(m, (core.ACTLR & ~SMP) | (value & SMP));
    },
    trap: hcr('TAC'),
  },
  CPACR: stored(R.CPACR, { trap: (m) => m.core.HCPTR >>> R.HCPTR.bits.TCPAC === 1 }),
  SCR: {
    read: (m) => m.core.SCR,
    write: (m, value) => {
      setScr(m, value & R.SCR.writable);
    },
  },
  SDER: stored(R.SDER),
  NSACR: stored(R.NSACR),
} satisfies Partial<Accesses>;
