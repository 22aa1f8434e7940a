/** What is kept of a machine's real-time clock (devices/pl031.ts), and its alarm, which devices/timer.ts watches. */
import * as L from '../../shared/layout.js';
import { RTC_INTERRUPT, RTC_STATE } from '../generated/guest-machine.js';
import { atomic, barrier, shared } from '../intrinsics.js';
import { setLine } from './events.js';
import { Vm } from './vm.js';

@unmanaged
export class Rtc {
  /** Count at which it comes to RTCMR; NEVER before that was set. */
  alarmAt: u64;
  /** The count when RTCLR was written. */
  loadedAt: u64;
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

if (offsetof<Rtc>() > <usize>L.RTC_SIZE) ERROR('layout of Rtc');

// @inline
export function rtcOf(vm: Vm): Rtc {
  return changetype<Rtc>(changetype<usize>(vm) + RTC_STATE);
}

// @inline
export function rawAt(rtc: Rtc): usize {
  return changetype<usize>(rtc) + offsetof<Rtc>('raw');
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
