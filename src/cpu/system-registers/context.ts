/** The context's number, and the threads' words (c13). */
import * as R from '../../isa/system-registers.js';
import { CONTEXTIDR_WRITE } from '../event-kinds.js';
import { tally } from '../performance-monitors.js';
import type { Accesses } from './access.js';
import { ignored, stored, storedContext, virtualMemory } from './access.js';

const contextidr = storedContext(R.CONTEXTIDR, virtualMemory);

export const context = {
  FCSEIDR: ignored(R.FCSEIDR),
  CONTEXTIDR: {
    ...contextidr,
    write: (m, value) => {
      contextidr.write(m, value);
      tally(m, CONTEXTIDR_WRITE);
    },
  },
  TPIDRURW: stored(R.TPIDRURW, { user: () => true }),
  TPIDRURO: stored(R.TPIDRURO, { user: (_m, write) => !write }),
  TPIDRPRW: stored(R.TPIDRPRW),
  HTPIDR: stored(R.HTPIDR),
} satisfies Partial<Accesses>;
