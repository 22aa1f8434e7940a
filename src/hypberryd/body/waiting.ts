/** What a process sleeps for: the bell of its port, signals that end it, a file of its own, time. */
import * as L from '../shared/layout.js';
import {
  PR_SET_PDEATHSIG,
  POLLIN,
  SIG_BLOCK,
  SIGCHLD,
  SIGHUP,
  SIGINT,
  SIGNAL_INFO_SIZE,
  SIGNAL_SET_SIZE,
  SIGPIPE,
  SIGTERM,
  SIGTSTP,
} from '../shared/linux.js';
import { O_CLOEXEC, O_NONBLOCK, linux } from './linux.js';

/** What there was, bits. */
export const RUNG: u32 = 1;
export const TOLD_TO_END: u32 = 2;
export const READABLE: u32 = 4;
export const CHILD_ENDED: u32 = 8;
export const OTHER_READABLE: u32 = 16;
export const CALLED: u32 = 32;

/** For ever, as a time to wait. */
export const FOR_EVER: i32 = -1;

@unmanaged
class Waiting {
  signals: i32;
  /** Whether it was told to end: that is so from then on. */
  isEnding: bool;
  /** struct pollfd: a descriptor, events wanted, events there. */
  poll: u64;
}

const POLL_SIZE: usize = 8;
const SIGNALS: usize = 0;
const BELL: usize = 1;
const FILE: usize = 2;
const OTHER: usize = 3;
const CALLER: usize = 4;
const POLLS: usize = 5;

// @inline
function waiting(): Waiting {
  return changetype<Waiting>(<usize>L.WAITING);
}
function pollOf(n: usize): usize {
  return <usize>L.WAITING + offsetof<Waiting>('poll') + n * POLL_SIZE;
}

function bit(signal: u32): u64 {
  return (<u64>1) << (signal - 1);
}

/**
 * Has the signals that end a process, and the one of ended children, come through a descriptor from now on. A process
 * that a signal ended at once would be no danger, and would leave less in order.
 * @param bell what is readable when there is something to do
 * @returns 0 or the error
 */
export function beginWaiting(bell: i32): i32 {
  const set = <usize>L.SCRATCH;
  const ending = bit(SIGTERM) | bit(SIGINT) | bit(SIGHUP) | bit(SIGCHLD);
  store<u64>(set, ending | bit(SIGPIPE));
  linux.rt_sigprocmask(SIG_BLOCK, set, 0, SIGNAL_SET_SIZE);
  store<u64>(set, ending);
  const signals = linux.signalfd4(-1, set, SIGNAL_SET_SIZE, O_CLOEXEC | O_NONBLOCK);
  if (signals < 0) return -signals;
  waiting().signals = signals;
  store<i32>(pollOf(SIGNALS), signals);
  store<i32>(pollOf(BELL), bell);
  for (let i: usize = 0; i < POLLS; i++) store<u32>(pollOf(i), POLLIN, 4);
  waitForFile(-1);
  waitForOther(-1);
  waitForCaller(-1);
  return 0;
}

/** Has nothing but SIGSTOP stop this process: a terminal that it has made raw would stay so. */
export function ignoreStops(): void {
  store<u64>(<usize>L.SCRATCH, bit(SIGTSTP));
  linux.rt_sigprocmask(SIG_BLOCK, <usize>L.SCRATCH, 0, SIGNAL_SET_SIZE);
}

/** Of a child: its end comes when its parent's does; what it waits for is its own. As beginWaiting. */
export function beginWaitingAsChild(bell: i32, parent: i32): i32 {
  linux.prctl(PR_SET_PDEATHSIG, SIGTERM, 0, 0, 0);
  linux.close(waiting().signals);
  const error = beginWaiting(bell);
  // It may have ended before it was asked for.
  if (linux.getppid() != parent) waiting().isEnding = true;
  return error;
}

/** Has a file of its own waited for, too; -1 for none. */
export function waitForFile(file: i32): void {
  store<i32>(pollOf(FILE), file);
}

/** The same of another one beside it. */
export function waitForOther(file: i32): void {
  store<i32>(pollOf(OTHER), file);
}

/** Has a socket waited for that somebody may ask at, too; -1 for none. */
export function waitForCaller(socket: i32): void {
  store<i32>(pollOf(CALLER), socket);
}

function isReady(n: usize): bool {
  return load<u16>(pollOf(n), 6) != 0;
}

/** Takes the signals that have come. */
function takeSignals(): u32 {
  let there: u32 = 0;
  while (linux.read(waiting().signals, <usize>L.SCRATCH, SIGNAL_INFO_SIZE) == SIGNAL_INFO_SIZE) {
    if (load<u32>(<usize>L.SCRATCH) == SIGCHLD) there |= CHILD_ENDED;
    else waiting().isEnding = true;
  }
  return there;
}

/**
 * Waits until there is something.
 * @param most milliseconds, or FOR_EVER
 * @returns what there is: bits; none after that time
 */
export function wait(most: i32): u32 {
  const waits = waiting();
  let there: u32 = 0;
  if (linux.poll(pollOf(0), <i32>POLLS, waits.isEnding ? 0 : most) > 0) {
    if (isReady(SIGNALS)) there |= takeSignals();
    if (isReady(BELL)) there |= RUNG;
    if (isReady(FILE)) there |= READABLE;
    if (isReady(OTHER)) there |= OTHER_READABLE;
    if (isReady(CALLER)) there |= CALLED;
  }
  return waits.isEnding ? there | TOLD_TO_END : there;
}

/** Takes what an eventfd counts, so that it is readable when it counts again. */
export function takeBell(bell: i32): void {
  linux.read(bell, <usize>L.SCRATCH, 8);
}
