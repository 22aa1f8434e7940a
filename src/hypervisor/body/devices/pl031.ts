/**
 * A guest's real-time clock, a PL031 (Arm DDI 0224). It shows the host's time, where that is known, until the guest sets
 * another. Before, it counts from the guest's start, as one does that has no battery, and the hypervisor says so.
 */
import { CRYSTAL_HZ } from '../generated/board.js';
import { textNoTime } from '../generated/messages.js';
import * as L from '../../shared/layout.js';
import { Rtc, raiseAlarm, rawAt, rtcOf, updateRtc } from '../core/rtc.js';
import { NEVER, count } from '../core/time.js';
import { Vcpu, Vm } from '../core/vm.js';
import { atomic, barrier, shared } from '../intrinsics.js';
import { printLineOf } from './own-console.js';
import { identification } from './primecell.js';
import { watchAlarm } from './timer.js';

// @external('address', 'hostTime')
declare function hostTime(): usize;

/** Its registers' offsets (DDI 0224, table 3-1). */
const RTCDR: u32 = 0x00;
const RTCMR: u32 = 0x04;
const RTCLR: u32 = 0x08;
const RTCCR: u32 = 0x0c;
const RTCIMSC: u32 = 0x10;
const RTCRIS: u32 = 0x14;
const RTCMIS: u32 = 0x18;
const RTCICR: u32 = 0x1c;
/** Of RTCCR: it runs, for ever. */
const START: u32 = 1;

/** Whether the host has said what time it is. */
function isHostTimeKnown(): bool {
  const known = shared.load32(hostTime() + L.HOST_TIME_KNOWN) != 0;
  // Before what it is.
  barrier.dmbIsh();
  return known;
}

/** Where its value at some count is known, that count. */
function originOf(vm: Vm, rtc: Rtc): u64 {
  if (rtc.isLoaded) return rtc.loadedAt;
  if (isHostTimeKnown()) return load<u64>(hostTime() + L.HOST_TIME_COUNT);
  return ((<u64>vm.startedHigh) << 32) | vm.startedLow;
}

/** What it was then, seconds since 1970. */
function valueAtOrigin(rtc: Rtc): u32 {
  if (rtc.isLoaded) return rtc.loadedValue;
  return isHostTimeKnown() ? load<u32>(hostTime() + L.HOST_TIME_SECONDS) : 0;
}

/** RTCDR. */
function secondsOf(vm: Vm): u32 {
  const rtc = rtcOf(vm);
  if (!rtc.isLoaded && !rtc.isSaid && !isHostTimeKnown()) {
    rtc.isSaid = 1;
    printLineOf(vm, textNoTime());
  }
  return valueAtOrigin(rtc) + <u32>((count() - originOf(vm, rtc)) / CRYSTAL_HZ);
}

/** Has the alarm come when the clock comes to RTCMR, which may be now. */
function setAlarm(vcpu: Vcpu): void {
  const vm = vcpu.vm;
  const rtc = rtcOf(vm);
  const seconds = secondsOf(vm);
  const ahead = rtc.match - seconds;
  const passed = seconds - valueAtOrigin(rtc);
  rtc.alarmAt = originOf(vm, rtc) + (<u64>passed + ahead) * CRYSTAL_HZ;
  rtc.setBy = <u16>vcpu.number;
  if (ahead == 0) raiseAlarm(vm);
  else watchAlarm(vcpu);
}

export function read(vcpu: Vcpu, offset: u32): u32 {
  const rtc = rtcOf(vcpu.vm);
  switch (offset) {
    case RTCDR:
      return secondsOf(vcpu.vm);
    case RTCMR:
      return rtc.match;
    case RTCLR:
      return rtc.loadedValue;
    case RTCCR:
      return START;
    case RTCIMSC:
      return rtc.mask;
    case RTCRIS:
      return shared.load32(rawAt(rtc));
    case RTCMIS:
      return shared.load32(rawAt(rtc)) & rtc.mask;
  }
  return identification(offset, L.RTC_PERIPHERAL_ID);
}

export function write(vcpu: Vcpu, offset: u32, _size: u32, value: u32): void {
  const rtc = rtcOf(vcpu.vm);
  switch (offset) {
    case RTCMR:
      rtc.match = value;
      setAlarm(vcpu);
      break;
    case RTCLR:
      rtc.loadedValue = value;
      rtc.loadedAt = count();
      rtc.isLoaded = 1;
      setAlarm(vcpu);
      break;
    case RTCIMSC:
      shared.store32(changetype<usize>(rtc) + offsetof<Rtc>('mask'), value & 1);
      updateRtc(vcpu.vm);
      break;
    case RTCICR:
      atomic.fetchAnd(rawAt(rtc), ~value);
      updateRtc(vcpu.vm);
      break;
  }
}

export function resetMachine(vm: Vm): void {
  const rtc = rtcOf(vm);
  rtc.alarmAt = NEVER;
  rtc.loadedAt = 0;
  rtc.loadedValue = 0;
  rtc.isLoaded = 0;
  rtc.match = 0;
  rtc.mask = 0;
  rtc.raw = 0;
  rtc.isSaid = 0;
  updateRtc(vm);
}
