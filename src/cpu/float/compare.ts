/** Comparisons, maximum and minimum (A2.7.9). */
import type { Environment } from './environment.js';
import { IOC } from '../../isa/fpscr-masks.js';
import type { Binary } from './arithmetic.js';
import type { Format, Unpacked } from './format.js';
import { infinity, processNaNs, unpack, zero } from './format.js';

export type Order = 'less' | 'equal' | 'greater' | 'unordered';

const isNaN = ({ kind }: Unpacked): boolean => kind === 'quiet' || kind === 'signalling';

/** A number's rank: the magnitude's bits are in order. */
function rank(f: Format, it: Unpacked): bigint {
  const magnitude = it.kind === 'zero' ? 0n : it.bits & ~f.sign;
  return it.sign ? -magnitude : magnitude;
}

/** How two numbers stand. A NaN is an invalid operation if it is signalling, or any if `signalAll`. */
export function compare(f: Format, a: bigint, b: bigint, signalAll: boolean, env: Environment): Order {
  const [x, y] = [unpack(f, a, env), unpack(f, b, env)];
  if (isNaN(x) || isNaN(y)) {
    if (signalAll || x.kind === 'signalling' || y.kind === 'signalling') env.flags |= IOC;
    return 'unordered';
  }
  const [p, q] = [rank(f, x), rank(f, y)];
  return p === q ? 'equal' : p < q ? 'less' : 'greater';
}

function extreme(f: Format, a: bigint, b: bigint, greater: boolean, env: Environment): bigint {
  const [x, y] = [unpack(f, a, env), unpack(f, b, env)];
  const nan = processNaNs(f, [x, y], env);
  if (nan !== undefined) return nan;
  if (x.kind === 'zero' && y.kind === 'zero') return zero(f, greater ? x.sign && y.sign : x.sign || y.sign);
  const it = rank(f, x) > rank(f, y) === greater ? x : y;
  if (it.kind === 'infinity') return infinity(f, it.sign);
  return it.bits;
}

export const maximum: Binary = (f, a, b, env) => extreme(f, a, b, true, env);
export const minimum: Binary = (f, a, b, env) => extreme(f, a, b, false, env);
