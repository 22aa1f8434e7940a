/** The context's number, and the threads' words (c13). */
import * as R from '../../isa/system-registers.js';
import type { Accesses } from './access.js';
import { ignored, stored, storedContext, virtualMemory } from './access.js';

export const context = {
  FCSEIDR: ignored(R.FCSEIDR),
  CONTEXTIDR: storedContext(R.CONTEXTIDR, virtualMemory),
  TPIDRURW: stored(R.TPIDRURW, { user: () => true }),
  TPIDRURO: stored(R.TPIDRURO, { user: (_m, write) => !write }),
  TPIDRPRW: stored(R.TPIDRPRW),
  HTPIDR: stored(R.HTPIDR),
} satisfies Partial<Accesses>;
