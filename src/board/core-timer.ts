/**
 * The 64-bit core timer, which all cores' generic timers count by (QA7, 3.1). It goes on by a step at each tick, and
 * ticks are the clock's edges that the prescaler lets through: prescaler of 2^31 of them. All here is exact.
 */
import type { SystemCounter } from '../ports/counter.js';
import { SECOND } from './clock.js';

/** The prescaler's value that lets every edge through. Larger ones are not foreseen (QA7, 4.3) and taken as this. */
export const EVERY_EDGE = 2 ** 31;
const MASK64 = (1n << 64n) - 1n;

/** So many ticks in so many nanoseconds, in lowest terms; no ticks where it stands still. */
interface Rate {
  readonly ticks: number;
  readonly nanoseconds: number;
}

/** How the timer counts since it was last set. */
export interface Counting {
  /** What it read at the time `since`, in nanoseconds. */
  readonly base: bigint;
  readonly since: number;
  /** What it goes on by at a tick. */
  readonly step: number;
  /** Its clock, a whole number, and the prescaler as in its register. */
  readonly hertz: number;
  readonly prescaler: number;
}

function rateOf({ hertz, prescaler }: Counting): Rate {
  const edges = Math.min(prescaler, EVERY_EDGE);
  if (edges === 0) return { ticks: 0, nanoseconds: 1 };
  const divisor = (x: number, y: number): number => (y === 0 ? x : divisor(y, x % y));
  // Two fractions that are in lowest terms, then what the one's numerator and the other's denominator share.
  const [a, b] = [divisor(hertz, SECOND), divisor(edges, EVERY_EDGE)];
  const [up, down] = [hertz / a, SECOND / a];
  const [over, under] = [edges / b, EVERY_EDGE / b];
  const [c, d] = [divisor(up, under), divisor(over, down)];
  return { ticks: (up / c) * (over / d), nanoseconds: (down / d) * (under / c) };
}

const isExact = ({ ticks, nanoseconds }: Rate): boolean => ticks * nanoseconds <= Number.MAX_SAFE_INTEGER;

/** Ticks in the first so many nanoseconds. */
function ticksIn(rate: Rate, elapsed: number): number {
  const { ticks, nanoseconds } = rate;
  if (!isExact(rate)) return Number((BigInt(Math.floor(elapsed)) * BigInt(ticks)) / BigInt(nanoseconds));
  const whole = Math.floor(elapsed / nanoseconds);
  return whole * ticks + Math.floor(((elapsed - whole * nanoseconds) * ticks) / nanoseconds);
}

/** The first nanosecond in which there have been so many ticks. */
function nanosecondsOf(rate: Rate, count: number): number {
  const { ticks, nanoseconds } = rate;
  if (!isExact(rate))
    return Number((BigInt(count) * BigInt(nanoseconds) + BigInt(ticks - 1)) / BigInt(ticks));
  const whole = Math.floor(count / ticks);
  return whole * nanoseconds + Math.ceil(((count - whole * ticks) * nanoseconds) / ticks);
}

/**
 * A counter that counts as it is told.
 * @param counting asked at each use
 */
export function systemCounter(counting: () => Counting): SystemCounter {
  let known = { hertz: 0, prescaler: 0, rate: { ticks: 0, nanoseconds: 1 } };
  /** At what rate its ticks come now. */
  const rateNow = (now: Counting): Rate => {
    const { hertz, prescaler } = now;
    if (known.hertz !== hertz || known.prescaler !== prescaler)
      known = { hertz, prescaler, rate: rateOf(now) };
    return known.rate;
  };
  /** Ticks since it was set. */
  const ticksAt = (now: Counting, rate: Rate, time: number): number =>
    ticksIn(rate, Math.max(0, time - now.since));
  return {
    countAt: (time) => {
      const now = counting();
      const ticks = ticksAt(now, rateNow(now), time);
      return (now.base + BigInt(now.step * ticks)) & MASK64;
    },
    timeAfter: (time, counts) => {
      if (counts <= 0n) return time;
      const now = counting();
      const rate = rateNow(now);
      const wanted = Math.ceil(Number(counts) / now.step) + ticksAt(now, rate, time);
      // Thousands of years.
      if (rate.ticks === 0 || wanted > Number.MAX_SAFE_INTEGER) return Infinity;
      const after = nanosecondsOf(rate, wanted);
      return after > Number.MAX_SAFE_INTEGER ? Infinity : now.since + after;
    },
  };
}
