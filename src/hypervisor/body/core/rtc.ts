/**
 * What is kept of a machine's real-time clock (devices/pl031.ts), its alarm, which devices/timer.ts watches, and what the host
 * has said of the time (CHANNEL.md). Origins are counts at which a clock showed 0, modulo 2^64: before the counter began, too.
 */
import { HOST_COUNT, HOST_NANOSECONDS, HOST_PAGE, HOST_SECONDS, HOST_TURN } from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { CRYSTAL_HZ } from '../generated/board.js';
import { RTC_INTERRUPT, RTC_STATE } from '../generated/guest-machine.js';
import { atomic, barrier, shared } from '../intrinsics.js';
import { inOrder } from './channel.js';
import { kick, setLine } from './events.js';
import { lock, unlock } from './locks.js';
import { NEVER, count } from './time.js';
import { Vm, configuration, vcpuOf, vmAt } from './vm.js';

// @external('address', 'hostTime')
declare function hostTimeAddress(): usize;

@unmanaged
export class Rtc {
  /** Count at which it comes to RTCMR; NEVER before that was set. With the lock of the time. */
  alarmAt: u64;
  /** The origin since RTCLR was written. With the lock of the time. */
  origin: u64;
  loadedValue: u32;
  isLoaded: u32;
  match: u32;
  /** RTCIMSC, and RTCRIS: only with atomic and shared intrinsics. */
  mask: u32;
  raw: u32;
  /** The number of the vcpu that has set the alarm last. */
  setBy: u16;
  /** Whether it was said that there is no time. */
  isSaid: u16;
}

@unmanaged
class HostTime {
  /** Of this, and of all clocks. */
  lock: u32;
  /** HOST_TURN of what was taken last; 0 while the host has said nothing. */
  turn: u32;
  origin: u64;
}

if (offsetof<Rtc>() > <usize>L.RTC_SIZE || offsetof<HostTime>() > <usize>L.HOST_TIME_SIZE)
  ERROR('layout of clocks');

/** What a nanosecond and a tick are both whole multiples of: so many a second. */
const COMMON_HZ: u32 = 1_600_000;
const NANOSECONDS: u32 = 1_000_000_000;

// @inline
export function rtcOf(vm: Vm): Rtc {
  return changetype<Rtc>(changetype<usize>(vm) + RTC_STATE);
}

// @inline
export function rawAt(rtc: Rtc): usize {
  return changetype<usize>(rtc) + offsetof<Rtc>('raw');
}

// @inline
function hostTime(): HostTime {
  return changetype<HostTime>(hostTimeAddress());
}

// @inline
export function lockTime(): void {
  lock(hostTimeAddress());
}

// @inline
export function unlockTime(): void {
  unlock(hostTimeAddress());
}

/** Whether the host has said what time it is. */
// @inline
export function isHostTimeKnown(): bool {
  return hostTime().turn != 0;
}

/** The origin of a machine's clock: its own where its guest has set it, else the host's, else its start. The lock is held. */
export function originOf(vm: Vm): u64 {
  const rtc = rtcOf(vm);
  if (rtc.isLoaded) return rtc.origin;
  if (isHostTimeKnown()) return hostTime().origin;
  return ((<u64>vm.startedHigh) << 32) | vm.startedLow;
}

/** Count at which a machine's alarm comes. No lock is held. */
export function alarmOf(vm: Vm): u64 {
  lockTime();
  const alarmAt = rtcOf(vm).alarmAt;
  unlockTime();
  return alarmAt;
}

/** Has all clocks that show the host's time, and their alarms, be as if it had always had this origin. The lock is held. */
function follow(origin: u64): void {
  const now = count();
  for (let n: u32 = 1; n <= configuration(L.CONFIG_GUESTS); n++) {
    const vm = vmAt(n);
    const rtc = rtcOf(vm);
    if (rtc.isLoaded || rtc.alarmAt == NEVER) continue;
    // One that the clock is past now has come.
    const alarmAt = rtc.alarmAt + origin - originOf(vm);
    rtc.alarmAt = <i64>(alarmAt - now) < 0 ? now : alarmAt;
    kick(vcpuOf(vm, rtc.setBy));
  }
  hostTime().origin = origin;
}

/** The host has rung: takes the time where it has said it anew, and whole. No lock is held. */
export function lookAtHostTime(): void {
  const page = configuration(L.CONFIG_CHANNEL) + HOST_PAGE;
  lockTime();
  const turn = shared.load32(page + HOST_TURN);
  inOrder();
  const seconds = shared.load32(page + HOST_SECONDS);
  const nanoseconds = shared.load32(page + HOST_NANOSECONDS);
  const low = shared.load32(page + HOST_COUNT);
  const high = shared.load32(page + HOST_COUNT + 4);
  inOrder();
  const isWhole = (turn & 1) == 0 && shared.load32(page + HOST_TURN) == turn;
  if (isWhole && turn != hostTime().turn && seconds != 0) {
    const said = ((<u64>high) << 32) | low;
    const ticks = (nanoseconds / (NANOSECONDS / COMMON_HZ)) * (<u32>CRYSTAL_HZ / COMMON_HZ);
    follow((said == 0 ? count() : said) - seconds * CRYSTAL_HZ - ticks);
    hostTime().turn = turn;
  }
  unlockTime();
}

// @inline
function isUp(rtc: Rtc): bool {
  return (shared.load32(rawAt(rtc)) & shared.load32(changetype<usize>(rtc) + offsetof<Rtc>('mask'))) != 0;
}

/** Has the interrupt's line as RTCMIS is: no lock is held, so who changes it meanwhile is seen here. */
export function updateRtc(vm: Vm): void {
  const rtc = rtcOf(vm);
  let up: bool;
  do {
    up = isUp(rtc);
    setLine(vm, RTC_INTERRUPT, up);
    barrier.dmbIsh();
  } while (isUp(rtc) != up);
}

/** The clock has come to RTCMR. */
export function raiseAlarm(vm: Vm): void {
  atomic.fetchOr(rawAt(rtcOf(vm)), 1);
  updateRtc(vm);
}
