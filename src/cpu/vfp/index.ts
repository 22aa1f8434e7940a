/**
 * What floating-point instructions do, and transfers with extension registers, by the operation's name in the
 * tables. Whether they may be executed (CPACR, NSACR, HCPTR, FPEXC) is for the caller to check before.
 */
import { vfpArithmetic } from './arithmetic.js';
import { vfpConversions } from './conversions.js';
import { vfpLoadStore } from './load-store.js';
import { vfpTransfers } from './transfers.js';

export const vfpInstructions = {
  ...vfpArithmetic,
  ...vfpConversions,
  ...vfpTransfers,
  ...vfpLoadStore,
};
