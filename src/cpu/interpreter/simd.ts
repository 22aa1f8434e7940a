// Advanced SIMD micro-ops.
import { ACCESS_SIMD, EXTENSION_ACCESS } from '../layout';
import { FIRST_VECTOR, Op } from '../micro-ops';
import { loadAll, loadLane, loadMultiple, storeLane, storeMultiple } from './structures';
import { vectors } from './vectors';

/** Does one. False: nothing was done, and TypeScript has to do it. */
export function simd(rec: usize): bool {
  if ((load<u32>(EXTENSION_ACCESS) & ACCESS_SIMD) == 0) return false;
  const op = <i32>load<u16>(rec);
  if (op >= FIRST_VECTOR) return vectors(rec, op);
  switch (op) {
    case Op.VLD_MULTIPLE:
      return loadMultiple(rec);
    case Op.VST_MULTIPLE:
      return storeMultiple(rec);
    case Op.VLD_LANE:
      return loadLane(rec);
    case Op.VST_LANE:
      return storeLane(rec);
    case Op.VLD_ALL:
      return loadAll(rec);
    default:
      return false;
  }
}
