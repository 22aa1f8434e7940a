// What operands of micro-ops on vectors become before the operation, by options of imm.
import {
  OPERANDS_LOW,
  OPERANDS_MASK,
  PAIRS_16,
  PAIRS_32,
  PAIRS_8,
  SCALAR_16,
  SCALAR_16_HIGH,
  SCALAR_32,
  WIDEN_BOTH,
  WIDEN_LOW,
  WIDEN_MASK,
  WIDEN_S16,
  WIDEN_S32,
  WIDEN_S8,
  WIDEN_U16,
  WIDEN_U32,
  WIDEN_U8,
  ZERO_FIRST,
  ZERO_SECOND,
} from '../micro-ops';
import { vm } from './extension-registers';
import { joined } from './vector-lanes';

/** The lower half of a vector, with elements of twice the size. */
function widened(x: v128, kind: u32): v128 {
  switch (kind) {
    case WIDEN_S8:
      return v128.extend_low<i8>(x);
    case WIDEN_S16:
      return v128.extend_low<i16>(x);
    case WIDEN_S32:
      return v128.extend_low<i32>(x);
    case WIDEN_U8:
      return v128.extend_low<u8>(x);
    case WIDEN_U16:
      return v128.extend_low<u16>(x);
    case WIDEN_U32:
      return v128.extend_low<u32>(x);
    default:
      return x;
  }
}

/** The elements of both D registers that stand at even places, from 0 on, or at odd ones. */
function everySecond(x: v128, kind: i32, odd: bool): v128 {
  if (kind == PAIRS_32) return odd ? v128.shuffle<i32>(x, x, 1, 3, 1, 3) : v128.shuffle<i32>(x, x, 0, 2, 0, 2);
  if (kind == PAIRS_16)
    return odd
      ? v128.shuffle<i16>(x, x, 1, 3, 5, 7, 1, 3, 5, 7)
      : v128.shuffle<i16>(x, x, 0, 2, 4, 6, 0, 2, 4, 6);
  return odd
    ? v128.shuffle<i8>(x, x, 1, 3, 5, 7, 9, 11, 13, 15, 1, 3, 5, 7, 9, 11, 13, 15)
    : v128.shuffle<i8>(x, x, 0, 2, 4, 6, 8, 10, 12, 14, 0, 2, 4, 6, 8, 10, 12, 14);
}

/** The options that say something about operands; without them they are the vectors themselves. */
export const PREPARED: u32 = (OPERANDS_MASK << OPERANDS_LOW) | (WIDEN_MASK << WIDEN_LOW);

// @ts-ignore: decorator
@inline
function kindOf(how: u32): i32 {
  return (how >>> OPERANDS_LOW) & OPERANDS_MASK;
}
// @ts-ignore: decorator
@inline
function widenOf(how: u32): u32 {
  return (how >>> WIDEN_LOW) & WIDEN_MASK;
}

/** The first operand, of the vectors at [b] and at [imm]. */
export function first(how: u32, n: v128, m: v128): v128 {
  const kind = kindOf(how);
  if (kind == ZERO_FIRST) return v128.splat<i8>(0);
  if (kind >= PAIRS_8) return everySecond(joined(n, m), kind, false);
  return how & WIDEN_BOTH ? widened(n, widenOf(how)) : n;
}
/** The second. */
export function second(rec: usize, how: u32, n: v128, m: v128): v128 {
  const kind = kindOf(how);
  if (kind == ZERO_SECOND) return v128.splat<i8>(0);
  if (kind >= PAIRS_8) return everySecond(joined(n, m), kind, true);
  let x = m;
  if (kind == SCALAR_16) x = v128.load_splat<u16>(vm(rec));
  else if (kind == SCALAR_16_HIGH) x = v128.load_splat<u16>(vm(rec), 2);
  else if (kind == SCALAR_32) x = v128.load_splat<u32>(vm(rec));
  return widened(x, widenOf(how));
}
