// Advanced SIMD micro-ops that move elements between two vectors.
import { Op, QUAD } from '../micro-ops';
import { options, vd, vm } from './extension-registers';
import { joined } from './vector-lanes';

/** Gives [a] a vector of 16 bytes or 8. */
// @ts-ignore: decorator
@inline
export function give(how: u32, place: usize, value: v128): void {
  if (how & QUAD) v128.store(place, value);
  else v128.store_lane<i64>(place, value, 0);
}
/** Writes both vectors; where they are one, it is the first that stays. */
// @ts-ignore: decorator
@inline
function both(rec: usize, how: u32, first: v128, second: v128): void {
  give(how, vm(rec), second);
  give(how, vd(rec), first);
}

/** Of vectors of 8 bytes, the lower halves are rearranged: whatever is above is not theirs. */
export function exchange(rec: usize): bool {
  const how = options(rec);
  const x = v128.load(vd(rec));
  const m = v128.load(vm(rec));
  switch (<u32>load<u16>(rec)) {
    case Op.VSWP:
      both(rec, how, m, x);
      return true;
    case Op.VTRN_8:
      both(rec, how, v128.shuffle<i8>(x, m, 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30), v128.shuffle<i8>(x, m, 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31));
      return true;
    case Op.VTRN_16:
      both(rec, how, v128.shuffle<i16>(x, m, 0, 8, 2, 10, 4, 12, 6, 14), v128.shuffle<i16>(x, m, 1, 9, 3, 11, 5, 13, 7, 15));
      return true;
    case Op.VTRN_32:
      both(rec, how, v128.shuffle<i32>(x, m, 0, 4, 2, 6), v128.shuffle<i32>(x, m, 1, 5, 3, 7));
      return true;
    case Op.VUZP_8: {
      const pair = how & QUAD ? x : joined(x, m);
      const second = how & QUAD ? m : pair;
      both(rec, how, v128.shuffle<i8>(pair, second, 0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22, 24, 26, 28, 30), v128.shuffle<i8>(pair, second, 1, 3, 5, 7, 9, 11, 13, 15, 17, 19, 21, 23, 25, 27, 29, 31));
      return true;
    }
    case Op.VUZP_16: {
      const pair = how & QUAD ? x : joined(x, m);
      const second = how & QUAD ? m : pair;
      both(rec, how, v128.shuffle<i16>(pair, second, 0, 2, 4, 6, 8, 10, 12, 14), v128.shuffle<i16>(pair, second, 1, 3, 5, 7, 9, 11, 13, 15));
      return true;
    }
    case Op.VUZP_32: {
      const pair = how & QUAD ? x : joined(x, m);
      const second = how & QUAD ? m : pair;
      both(rec, how, v128.shuffle<i32>(pair, second, 0, 2, 4, 6), v128.shuffle<i32>(pair, second, 1, 3, 5, 7));
      return true;
    }
    case Op.VZIP_8: {
      const low = v128.shuffle<i8>(x, m, 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23);
      both(rec, how, low, how & QUAD ? v128.shuffle<i8>(x, m, 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31) : v128.shuffle<i64>(low, low, 1, 1));
      return true;
    }
    case Op.VZIP_16: {
      const low = v128.shuffle<i16>(x, m, 0, 8, 1, 9, 2, 10, 3, 11);
      both(rec, how, low, how & QUAD ? v128.shuffle<i16>(x, m, 4, 12, 5, 13, 6, 14, 7, 15) : v128.shuffle<i64>(low, low, 1, 1));
      return true;
    }
    case Op.VZIP_32: {
      const low = v128.shuffle<i32>(x, m, 0, 4, 1, 5);
      both(rec, how, low, how & QUAD ? v128.shuffle<i32>(x, m, 2, 6, 3, 7) : v128.shuffle<i64>(low, low, 1, 1));
      return true;
    }
    default:
      return false;
  }
}
