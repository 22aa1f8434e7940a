import type { Table } from '../encoding.js';
import { neonDifferentLengths } from './different-lengths.js';
import { neonLoadStore } from './load-store.js';
import { neonMiscellaneous } from './miscellaneous.js';
import { neonSameLength } from './same-length.js';
import { neonShifts } from './shifts.js';

/** Every Advanced SIMD encoding in A32; transfers with core registers are with those of floating-point. */
export const neon = {
  ...neonSameLength,
  ...neonDifferentLengths,
  ...neonShifts,
  ...neonMiscellaneous,
  ...neonLoadStore,
} as const satisfies Table;
