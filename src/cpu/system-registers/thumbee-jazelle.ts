/** ThumbEE, and the trivial implementation of Jazelle (CP14, A2.9, A2.10). */
import * as R from '../../isa/system-registers.js';
import type { Accesses } from './access.js';
import { fixed, hcr, hstr, ignored, stored } from './access.js';

const thumbEE = { trap: hstr('TTEE') };
const jazelle = { trap: hstr('TJDBX') };

export const thumbeeAndJazelle = {
  TEECR: stored(R.TEECR, { ...thumbEE, user: (_m, write) => !write }),
  TEEHBR: stored(R.TEEHBR, { ...thumbEE, user: (m) => !(m.core.TEECR & 1) }),
  JIDR: fixed(R.JIDR, { user: () => true, trap: hcr('TID0') }),
  // These read as zero and ignore writes (A2.10.2).
  JOSCR: ignored(R.JOSCR, jazelle),
  JMCR: ignored(R.JMCR, { user: () => true, ...jazelle }),
} satisfies Partial<Accesses>;
