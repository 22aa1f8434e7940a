/** What Hyp mode controls: itself, what it traps, and what PL1 sees as its identity. */
import * as R from '../../isa/system-registers.js';
import { changeMonitors } from '../performance-monitors.js';
import type { Accesses } from './access.js';
import { ignored, stored, storedContext } from './access.js';

const hdcr = stored(R.HDCR);

export const virtualization = {
  VPIDR: stored(R.VPIDR),
  VMPIDR: stored(R.VMPIDR),
  HSCTLR: storedContext(R.HSCTLR),
  HACTLR: ignored(R.HACTLR),
  HCR: storedContext(R.HCR),
  HDCR: {
    ...hdcr,
    write: (m, value) => {
      changeMonitors(m, () => {
        hdcr.write(m, value);
      });
    },
  },
  HCPTR: stored(R.HCPTR),
  HSTR: stored(R.HSTR),
  HACR: ignored(R.HACR),
} satisfies Partial<Accesses>;
