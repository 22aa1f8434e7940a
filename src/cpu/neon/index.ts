/**
 * What Advanced SIMD instructions do, by the operation's name in the tables. Whether they may be executed (CPACR,
 * NSACR, HCPTR, FPEXC) is for the caller to check before.
 */
import { bitwise } from './bitwise.js';
import { float } from './float.js';
import { integer } from './integer.js';
import { neonLoadStore } from './load-store.js';
import { permutes } from './permutes.js';
import { shifts } from './shifts.js';
import { widths } from './widths.js';

export const neonInstructions = {
  ...bitwise,
  ...integer,
  ...widths,
  ...shifts,
  ...permutes,
  ...float,
  ...neonLoadStore,
};
