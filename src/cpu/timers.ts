/** The generic timers (B8): counters made of virtual time, and four timers a core. */
import { bitsOf } from '../isa/bits.js';
import { CNTKCTL } from '../isa/system-registers.js';
import type { TimerName } from '../ports/bus.js';
import type { Core, Machine } from './state.js';
import { now } from './state.js';

const ENABLE = 1;
const IMASK = 2;
const ISTATUS = 4;
const NANOSECONDS = 1e9;
const MASK64 = (1n << 64n) - 1n;

/** Counter ticks for a nanosecond as a fraction in lowest terms. */
function ratio(frequency: number): { ticks: number; nanoseconds: number } {
  let [a, b] = [frequency, NANOSECONDS];
  while (b !== 0) [a, b] = [b, a % b];
  return { ticks: frequency / a, nanoseconds: NANOSECONDS / a };
}

/** CNTPCT at a virtual time. */
export function countAt(frequency: number, time: number): number {
  const { ticks, nanoseconds } = ratio(frequency);
  const whole = Math.floor(time / nanoseconds);
  return whole * ticks + Math.floor(((time - whole * nanoseconds) * ticks) / nanoseconds);
}

/** The first virtual time at which CNTPCT is at least `count`. */
export function timeOfCount(frequency: number, count: number): number {
  const { ticks, nanoseconds } = ratio(frequency);
  const whole = Math.floor(count / ticks);
  return whole * nanoseconds + Math.ceil(((count - whole * ticks) * nanoseconds) / ticks);
}

/** CNTPCT as the running core reads it now. */
export function physicalCount(m: Machine): bigint {
  return BigInt(countAt(m.counterFrequency, now(m)));
}

/** CNTVCT. */
export function virtualCount(m: Machine): bigint {
  return (physicalCount(m) - m.core.CNTVOFF) & MASK64;
}

/** What the four timers are made of. */
const timers: readonly {
  readonly name: TimerName;
  readonly control: (core: Core) => number;
  readonly compare: (core: Core) => bigint;
  readonly offset: (core: Core) => bigint;
}[] = [
  {
    name: 'secure-physical',
    control: ({ secure }) => secure.CNTP_CTL,
    compare: ({ secure }) => secure.CNTP_CVAL,
    offset: () => 0n,
  },
  {
    name: 'physical',
    control: ({ nonSecure }) => nonSecure.CNTP_CTL,
    compare: ({ nonSecure }) => nonSecure.CNTP_CVAL,
    offset: () => 0n,
  },
  { name: 'hyp', control: (core) => core.CNTHP_CTL, compare: (core) => core.CNTHP_CVAL, offset: () => 0n },
  {
    name: 'virtual',
    control: (core) => core.CNTV_CTL,
    compare: (core) => core.CNTV_CVAL,
    offset: (core) => core.CNTVOFF,
  },
];

/** CTL as it reads: with ISTATUS. */
export function timerStatus(m: Machine, core: Core, name: TimerName, time: number): number {
  const timer = timers.find((it) => it.name === name)!;
  const control = timer.control(core) & (ENABLE | IMASK);
  return control | (control & ENABLE && isMet(m, core, timer, time) ? ISTATUS : 0);
}

function isMet(m: Machine, core: Core, timer: (typeof timers)[number], time: number): boolean {
  const count = (BigInt(countAt(m.counterFrequency, time)) - timer.offset(core)) & MASK64;
  return count >= timer.compare(core);
}

/** Registers whose event streams a core has, and what each counter is behind CNTPCT (B8.1.6). */
const eventStreams = [
  { control: ({ CNTKCTL }: Core): number => CNTKCTL, offset: ({ CNTVOFF }: Core): bigint => CNTVOFF },
  { control: ({ CNTHCTL }: Core): number => CNTHCTL, offset: (): bigint => 0n },
];

/** When the event streams of a core set its event register next after a time; Infinity where none is on. */
export function nextEvent(m: Machine, core: Core, time: number): number {
  let next = Infinity;
  for (const { control, offset } of eventStreams) {
    const value = control(core);
    if (bitsOf(CNTKCTL, 'EVNTEN', value) === 0) continue;
    // Bit EVNTI of the counter goes from 0 to 1, or with EVNTDIR from 1 to 0, once in a period.
    const half = 2 ** bitsOf(CNTKCTL, 'EVNTI', value);
    const period = 2 * half;
    const behind = Number(offset(core) & BigInt(period - 1));
    const first = (bitsOf(CNTKCTL, 'EVNTDIR', value) ? 0 : half) + behind;
    const count = countAt(m.counterFrequency, time);
    const passed = Math.floor((count - first) / period) + 1;
    next = Math.min(next, timeOfCount(m.counterFrequency, first + passed * period));
  }
  return next;
}

/**
 * Sets the outputs of a core's timers to what they are at a time, wakes it where an event stream does, and gives the
 * time of the next change.
 */
export function updateTimers(m: Machine, core: Core, time: number): number {
  let next = Infinity;
  if (core.waiting === 'event') {
    const event = nextEvent(m, core, core.eventsSince);
    if (event <= time) [core.waiting, core.eventsSince] = ['no', time];
    else next = event;
  }
  for (const timer of timers) {
    const control = timer.control(core);
    let level = false;
    if (control & ENABLE) {
      const met = isMet(m, core, timer, time);
      level = met && !(control & IMASK);
      // Counters wrap after thousands of years; a compare value beyond what a double holds is never reached.
      const at = Number((timer.compare(core) + timer.offset(core)) & MASK64);
      if (!met && !(control & IMASK) && at < 2 ** 52)
        next = Math.min(next, timeOfCount(m.counterFrequency, at));
    }
    if (level !== core.timerLevels[timer.name]) {
      core.timerLevels[timer.name] = level;
      m.onTimer(core.index, timer.name, level);
    }
  }
  return next;
}
