/** What the program says of the host: its version, its clock, random bytes. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import {
  CLOCK_MONOTONIC,
  CLOCK_REALTIME,
  GRND_NONBLOCK,
  LAST_SECOND,
  TFD_TIMER_ABSTIME,
  TFD_TIMER_CANCEL_ON_SET,
  TIMER_SECONDS,
  TIMER_SIZE,
} from '../../shared/linux.js';
import { hostWord, ringAt, writeHostWord } from '../channel/channel.js';
import { CNTVCT, O_CLOEXEC, O_NONBLOCK, barrier, linux } from '../linux.js';

/** A clock that shows an earlier second than this, of 1970's first year, was never set: a Pi has none that goes on without it. */
const NEVER_SET: u32 = 365 * 86_400;

/** Milliseconds of a clock that only goes forward, modulo 2^32. */
export function now(): u32 {
  linux.clock_gettime(CLOCK_MONOTONIC, <usize>L.SCRATCH);
  return load<u32>(<usize>L.SCRATCH) * 1000 + load<u32>(<usize>L.SCRATCH, 4) / 1_000_000;
}

/** A descriptor that is readable when somebody has set the clock; negative where there is none. */
export function watchClock(): i32 {
  const clock = linux.timerfd_create(CLOCK_REALTIME, O_CLOEXEC | O_NONBLOCK);
  const timer = <usize>L.SCRATCH;
  memory.fill(timer, 0, TIMER_SIZE);
  store<u32>(timer + TIMER_SECONDS, LAST_SECOND);
  // What the kernel does not know is never readable: the time is said each minute all the same.
  linux.timerfd_settime(clock, TFD_TIMER_ABSTIME | TFD_TIMER_CANCEL_ON_SET, timer, 0);
  return clock;
}

/** It is not readable any more until the clock is set again. */
export function takeClock(clock: i32): void {
  linux.read(clock, <usize>L.SCRATCH, 8);
}

/**
 * Whether programs may read the virtual counter here: Linux lets them where its timers are these, and has no call that
 * says so. Another process tries it, which ends by SIGILL where they may not.
 */
export function mayReadCounter(): bool {
  const child = linux.fork();
  if (child == 0) {
    CNTVCT.read();
    linux.exit_group(0);
  }
  return child > 0 && linux.wait4(child, <usize>L.SCRATCH, 0, 0) == child && load<i32>(<usize>L.SCRATCH) == 0;
}

/** Says version, time and random bytes, and rings. */
export function sayHost(hasCounter: bool): void {
  const time = <usize>L.SCRATCH;
  const count: u64 = hasCounter ? CNTVCT.read() : 0;
  linux.clock_gettime(CLOCK_REALTIME, time);
  writeHostWord(C.HOST_VERSION, C.VERSION);
  // Whoever said it before may have ended in between.
  const turn = hostWord(C.HOST_TURN) | 1;
  writeHostWord(C.HOST_TURN, turn);
  barrier.dmb();
  // Linux' clock has 32 bits here.
  const seconds = load<u32>(time);
  writeHostWord(C.HOST_SECONDS, seconds < NEVER_SET ? 0 : seconds);
  writeHostWord(C.HOST_SECONDS + 4, 0);
  writeHostWord(C.HOST_NANOSECONDS, load<u32>(time, 4));
  writeHostWord(C.HOST_COUNT, <u32>count);
  writeHostWord(C.HOST_COUNT + 4, <u32>(count >> 32));
  barrier.dmb();
  writeHostWord(C.HOST_TURN, turn + 1);
  // Soon after the start there may be none yet; the next time there are.
  if (linux.getrandom(<usize>L.SCRATCH, C.RANDOM_SIZE, GRND_NONBLOCK) == C.RANDOM_SIZE)
    for (let i: u32 = 0; i < <u32>C.RANDOM_SIZE; i += 4)
      writeHostWord(C.HOST_RANDOM + i, load<u32>(<usize>L.SCRATCH + i));
  ringAt(C.DOORBELL_HOST);
}
