/** The generic timers (B8): counters made of virtual time, and four timers a core. */
import { bitsOf } from '../isa/bits.js';
import { CNTKCTL } from '../isa/system-registers.js';
import type { TimerName } from '../ports/bus.js';
import type { Core, Machine } from './state.js';
import { now } from './state.js';

const ENABLE = 1;
const IMASK = 2;
const ISTATUS = 4;
const MASK64 = (1n << 64n) - 1n;

/** CNTPCT as the running core reads it now. */
export function physicalCount(m: Machine): bigint {
  return m.counter.countAt(now(m));
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

/** What a timer's counter is at a time: CNTPCT or CNTVCT. */
const countOf = (m: Machine, core: Core, { offset }: (typeof timers)[number], time: number): bigint =>
  (m.counter.countAt(time) - offset(core)) & MASK64;

/** CTL as it reads: with ISTATUS. */
export function timerStatus(m: Machine, core: Core, name: TimerName, time: number): number {
  const timer = timers.find((it) => it.name === name)!;
  const control = timer.control(core) & (ENABLE | IMASK);
  const isMet = control & ENABLE && countOf(m, core, timer, time) >= timer.compare(core);
  return control | (isMet ? ISTATUS : 0);
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
    const half = 1n << BigInt(bitsOf(CNTKCTL, 'EVNTI', value));
    const first = bitsOf(CNTKCTL, 'EVNTDIR', value) ? 0n : half;
    const period = 2n * half;
    const passed = (m.counter.countAt(time) - offset(core) - first) & (period - 1n);
    next = Math.min(next, m.counter.timeAfter(time, period - passed));
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
    if (control & ENABLE && !(control & IMASK)) {
      const [count, compare] = [countOf(m, core, timer, time), timer.compare(core)];
      level = count >= compare;
      // The counter comes to the value, or goes on to where it begins anew.
      const counts = level ? MASK64 + 1n - count : compare - count;
      next = Math.min(next, m.counter.timeAfter(time, counts));
    }
    if (level !== core.timerLevels[timer.name]) {
      core.timerLevels[timer.name] = level;
      m.onTimer(core.index, timer.name, level);
    }
  }
  return next;
}
