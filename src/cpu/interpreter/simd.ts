// Advanced SIMD micro-ops.
import { ACCESS_SIMD, EXTENSION_ACCESS } from '../layout';
import { FIRST_VECTOR, Op } from '../micro-ops';
import { loadAll, loadLane, loadMultiple, storeLane, storeMultiple } from './structures';
import { vectors } from './vectors';

function structures(rec: usize): bool {
  switch (<u32>load<u16>(rec)) {
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

/** Does one that is `op`. False: nothing was done, and TypeScript has to do it. */
// @ts-ignore: decorator
@inline
export function simd(rec: usize, op: i32): bool {
  if ((load<u32>(EXTENSION_ACCESS) & ACCESS_SIMD) == 0) return false;
  return op >= FIRST_VECTOR ? vectors(rec, op) : structures(rec);
}
