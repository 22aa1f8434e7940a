/**
 * The guests' generic timers. The virtual timer is the core's own, behind CNTVOFF; when it fires, its line is taken
 * off the core at the board's local controller until the guest is done with it. The physical timer is emulated over
 * the same count.
 */
import { SAVED_CNTVOFF, SAVED_CNTV_CTL, SAVED_CNTV_CVAL } from '../generated/saved-registers.js';
import { deliver, clearPending, setPending } from '../core/events.js';
import { IRQ_SOURCE_CNTHPIRQ, IRQ_SOURCE_CNTVIRQ, TIMERS_ROUTING } from '../generated/local-peripherals.js';
import { alarmOf, raiseAlarm, rtcOf } from '../core/rtc.js';
import { NEVER, count } from '../core/time.js';
import { PAUSED, Vcpu, WAITING, core, saved, stateOf, wantsCore } from '../core/vm.js';
import { PHYSICAL_TIMER_INTERRUPT, VIRTUAL_TIMER_INTERRUPT } from '../generated/guest-machine.js';
import { CNTHP_CTL, CNTHP_CVAL, CNTVOFF, CNTV_CTL, mmio } from '../intrinsics.js';

/** CNTV_CTL when the timer's line is up: ENABLE and ISTATUS, not IMASK. */
export const FIRES: u32 = CNTV_CTL.ENABLE | CNTV_CTL.ISTATUS;
export const CONTROL: u32 = FIRES | CNTV_CTL.IMASK;

/** The loaded vcpu's virtual timer no longer holds its line up: its interrupt may come again. */
export function releaseTimer(vcpu: Vcpu): void {
  clearPending(vcpu, VIRTUAL_TIMER_INTERRUPT);
  vcpu.timerHeld = 0;
  mmio.write32(TIMERS_ROUTING + 4 * vcpu.core, IRQ_SOURCE_CNTHPIRQ | IRQ_SOURCE_CNTVIRQ);
}

const ENABLE: u32 = CNTV_CTL.ENABLE;
const IMASK: u32 = CNTV_CTL.IMASK;
const ISTATUS: u32 = CNTV_CTL.ISTATUS;
/** In a vcpu's `physicalControl`, and of no register: its core watches the alarm of its machine's clock. */
const ALARM: u32 = 1 << 8;

function saved64(vcpu: Vcpu, word: u32): u64 {
  return ((<u64>saved(vcpu, word + 1)) << 32) | saved(vcpu, word);
}

/** When a count that begins at `offset` comes to a value; NEVER where the counter ends before. */
function deadlineAt(value: u64, offset: u64): u64 {
  const sum = value + offset;
  return sum < offset ? NEVER : sum;
}

/** Count at which a vcpu that is not loaded has its virtual timer fire; NEVER where that is off. */
function virtualDeadline(vcpu: Vcpu): u64 {
  if ((saved(vcpu, SAVED_CNTV_CTL) & (ENABLE | IMASK)) != ENABLE || vcpu.timerHeld) return NEVER;
  return deadlineAt(saved64(vcpu, SAVED_CNTV_CVAL), saved64(vcpu, SAVED_CNTVOFF));
}

/** The same for what is emulated: its physical timer and, where it watches that, its machine's alarm. */
function emulatedDeadline(vcpu: Vcpu): u64 {
  if (vcpu.physicalControl == 0) return NEVER;
  const alarm = vcpu.physicalControl & ALARM ? alarmOf(vcpu.vm) : NEVER;
  return min(alarm, physicalDeadline(vcpu));
}

/** The same for its physical timer, loaded or not. */
function physicalDeadline(vcpu: Vcpu): u64 {
  if ((vcpu.physicalControl & (ENABLE | IMASK)) != ENABLE) return NEVER;
  if ((vcpu.pending >> PHYSICAL_TIMER_INTERRUPT) & 1) return NEVER;
  const offset = core().loaded == vcpu ? CNTVOFF.read() : saved64(vcpu, SAVED_CNTVOFF);
  return deadlineAt(vcpu.physicalCompare, offset);
}

/** Makes the interrupts of a vcpu's timers pending whose time has come. */
export function expire(vcpu: Vcpu, time: u64): void {
  if (core().loaded != vcpu && virtualDeadline(vcpu) <= time) {
    vcpu.timerHeld = 1;
    setPending(vcpu, VIRTUAL_TIMER_INTERRUPT);
  }
  if (vcpu.physicalControl == 0) return;
  if (physicalDeadline(vcpu) <= time) setPending(vcpu, PHYSICAL_TIMER_INTERRUPT);
  if (vcpu.physicalControl & ALARM) expireAlarm(vcpu, time);
}

/** Has the alarm come whose time has, unless another vcpu has set another since. */
function expireAlarm(vcpu: Vcpu, time: u64): void {
  if (alarmOf(vcpu.vm) > time) return;
  vcpu.physicalControl &= ~ALARM;
  if (rtcOf(vcpu.vm).setBy == <u16>vcpu.number) raiseAlarm(vcpu.vm);
}

/** Has the core of the loaded vcpu watch the alarm of its machine's clock. */
export function watchAlarm(vcpu: Vcpu): void {
  vcpu.physicalControl |= ALARM;
  arm();
}

/** Sets the HYP timer to when this core has to look again: the end of a slice, or somebody's timer. */
export function arm(): void {
  const here = core();
  let first = NEVER;
  let vcpu = here.turn;
  do {
    if (vcpu != here.loaded) {
      const state = stateOf(vcpu);
      if (state == WAITING) first = min(first, virtualDeadline(vcpu));
      else if (state == PAUSED) first = min(first, vcpu.vm.waitsForHost ? NEVER : vcpu.vm.beginsAt);
      else if (wantsCore(vcpu)) first = min(first, here.sliceEnd);
    }
    first = min(first, emulatedDeadline(vcpu));
    vcpu = vcpu.next;
  } while (vcpu != here.turn);
  CNTHP_CVAL.write(first);
  CNTHP_CTL.write(first == NEVER ? 0 : ENABLE);
}

export function readPhysicalControl(vcpu: Vcpu): u32 {
  const over = (vcpu.physicalControl & ENABLE) != 0 && vcpu.physicalCompare <= count() - CNTVOFF.read();
  return (vcpu.physicalControl & (ENABLE | IMASK)) | (over ? ISTATUS : 0);
}

export function readPhysicalTime(vcpu: Vcpu): u32 {
  return <u32>(vcpu.physicalCompare - (count() - CNTVOFF.read()));
}

/** A change of the physical timer: its line follows. */
export function setPhysicalTimer(vcpu: Vcpu, control: u32, compare: u64): void {
  vcpu.physicalControl = (control & (ENABLE | IMASK)) | (vcpu.physicalControl & ALARM);
  vcpu.physicalCompare = compare;
  clearPending(vcpu, PHYSICAL_TIMER_INTERRUPT);
  expire(vcpu, count());
  deliver(vcpu);
  arm();
}

export function resetVcpu(vcpu: Vcpu): void {
  vcpu.timerHeld = 0;
  vcpu.physicalControl = 0;
}
