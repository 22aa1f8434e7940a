/** Translation tables, domains and memory attributes (c2, c3, c10). */
import * as R from '../../isa/system-registers.js';
import { domainsChanged } from '../tlb.js';
import type { Accesses } from './access.js';
import { bank, core, ignored, stored, storedContext, virtualMemory, wide } from './access.js';

// PRRR and NMRR are MAIR0 and MAIR1 in the long-descriptor format: one register, two names.
const MAIR0 = stored(R.MAIR0, virtualMemory);
const MAIR1 = stored(R.MAIR1, virtualMemory);

const DACR = stored(R.DACR, virtualMemory);

export const translation = {
  TTBR0: storedContext(R.TTBR0, virtualMemory),
  TTBR1: storedContext(R.TTBR1, virtualMemory),
  TTBCR: storedContext(R.TTBCR, virtualMemory),
  TTBR0_64: wide(bank, 'TTBR0', 'TTBR0_HIGH', virtualMemory),
  TTBR1_64: wide(bank, 'TTBR1', 'TTBR1_HIGH', virtualMemory),
  DACR: {
    ...DACR,
    write: (m, value) => {
      DACR.write(m, value);
      domainsChanged(m);
    },
  },
  HTCR: storedContext(R.HTCR),
  VTCR: storedContext(R.VTCR),
  HTTBR: wide(core, 'HTTBR', 'HTTBR_HIGH'),
  VTTBR: wide(core, 'VTTBR', 'VTTBR_HIGH'),
  PRRR: MAIR0,
  NMRR: MAIR1,
  MAIR0,
  MAIR1,
  AMAIR0: ignored(R.AMAIR0, virtualMemory),
  AMAIR1: ignored(R.AMAIR1, virtualMemory),
  HMAIR0: stored(R.HMAIR0),
  HMAIR1: stored(R.HMAIR1),
  HAMAIR0: ignored(R.HAMAIR0),
  HAMAIR1: ignored(R.HAMAIR1),
} satisfies Partial<Accesses>;
