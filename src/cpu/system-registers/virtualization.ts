/** What Hyp mode controls: itself, what it traps, and what PL1 sees as its identity. */
import * as R from '../../isa/system-registers.js';
import type { Accesses } from './access.js';
import { ignored, stored, storedContext } from './access.js';

export const virtualization = {
  VPIDR: stored(R.VPIDR),
  VMPIDR: stored(R.VMPIDR),
  HSCTLR: storedContext(R.HSCTLR),
  HACTLR: ignored(R.HACTLR),
  HCR: storedContext(R.HCR),
  HDCR: stored(R.HDCR),
  HCPTR: stored(R.HCPTR),
  HSTR: stored(R.HSTR),
  HACR: ignored(R.HACR),
} satisfies Partial<Accesses>;
