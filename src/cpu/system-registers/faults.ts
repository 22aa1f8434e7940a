/** Fault status and fault addresses (c5, c6). */
import * as R from '../../isa/system-registers.js';
import type { Accesses } from './access.js';
import { ignored, stored, virtualMemory } from './access.js';

export const faults = {
  DFSR: stored(R.DFSR, virtualMemory),
  IFSR: stored(R.IFSR, virtualMemory),
  ADFSR: ignored(R.ADFSR, virtualMemory),
  AIFSR: ignored(R.AIFSR, virtualMemory),
  DFAR: stored(R.DFAR, virtualMemory),
  IFAR: stored(R.IFAR, virtualMemory),
  HADFSR: ignored(R.HADFSR),
  HAIFSR: ignored(R.HAIFSR),
  HSR: stored(R.HSR),
  HDFAR: stored(R.HDFAR),
  HIFAR: stored(R.HIFAR),
  HPFAR: stored(R.HPFAR),
} satisfies Partial<Accesses>;
