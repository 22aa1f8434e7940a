/**
 * A guest's real-time clock, a PL031 (Arm DDI 0224). It shows the host's time, where that is known, until the guest sets
 * another. Before, it counts from the guest's start, as one does that has no battery, and the hypervisor says so.
 */
import { CRYSTAL_HZ } from '../generated/board.js';
import { textNoTime } from '../generated/messages.js';
import * as L from '../../shared/layout.js';
import {
  Rtc,
  isHostTimeKnown,
  lockTime,
  originOf,
  raiseAlarm,
  rawAt,
  rtcOf,
  unlockTime,
  updateRtc,
} from '../core/rtc.js';
import { NEVER, count } from '../core/time.js';
import { Vcpu, Vm } from '../core/vm.js';
import { atomic, shared } from '../intrinsics.js';
import { printLineOf } from './own-console.js';
import { identification } from './primecell.js';
import { watchAlarm } from './timer.js';

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

/** RTCDR. */
function secondsOf(vm: Vm): u32 {
  const rtc = rtcOf(vm);
  lockTime();
  const origin = originOf(vm);
  const seconds = (count() - origin) / CRYSTAL_HZ;
  const isNobodys = !rtc.isLoaded && !isHostTimeKnown();
  unlockTime();
  if (isNobodys && !rtc.isSaid) {
    rtc.isSaid = 1;
    printLineOf(vm, textNoTime());
  }
  return <u32>seconds;
}

/** Has the alarm come when the clock comes to RTCMR, which may be now. The lock is held, and given up. */
function setAlarm(vcpu: Vcpu): void {
  const vm = vcpu.vm;
  const rtc = rtcOf(vm);
  const origin = originOf(vm);
  const seconds = (count() - origin) / CRYSTAL_HZ;
  const ahead = rtc.match - <u32>seconds;
  rtc.alarmAt = origin + (seconds + ahead) * CRYSTAL_HZ;
  rtc.setBy = <u16>vcpu.number;
  unlockTime();
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
      lockTime();
      rtc.match = value;
      setAlarm(vcpu);
      break;
    case RTCLR:
      lockTime();
      rtc.loadedValue = value;
      rtc.origin = count() - value * CRYSTAL_HZ;
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
  lockTime();
  rtc.alarmAt = NEVER;
  rtc.loadedValue = 0;
  rtc.isLoaded = 0;
  rtc.match = 0;
  unlockTime();
  rtc.mask = 0;
  rtc.raw = 0;
  rtc.isSaid = 0;
  updateRtc(vm);
}
