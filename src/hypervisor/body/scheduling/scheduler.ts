/**
 * Which vcpu a core runs: its own ones in turn, a slice each while several want it; nobody for as long as none does. Who
 * sleeps before its slice is over keeps what is left until its next turn, and goes before the others with it as soon as
 * it wakes. So between two of its turns nobody has more than a slice, however often it wakes.
 */
import { SPURIOUS, nextInterrupt, setPending } from '../core/events.js';
import { SOURCE_MAILBOX1 } from '../core/mailbox.js';
import {
  IRQ_SOURCE,
  IRQ_SOURCE_CNTHPIRQ,
  IRQ_SOURCE_CNTVIRQ,
  MAILBOX_CLR,
  TIMERS_ROUTING,
} from '../generated/local-peripherals.js';
import { count } from '../core/time.js';
import {
  CLAIMED,
  LOADING,
  PAUSED,
  STOPPED,
  RUN,
  RUNNABLE,
  STARTING,
  Vcpu,
  Vm,
  WAITING,
  core,
  noVcpu,
  setState,
  stateOf,
  wantsCore,
} from '../core/vm.js';
import { VIRTUAL_TIMER_INTERRUPT } from '../generated/guest-machine.js';
import { arm, expire } from '../devices/timer.js';
import { CRYSTAL_HZ } from '../generated/board.js';
import { barrier, mmio, shared } from '../intrinsics.js';
import { endPause, loadPiece, stopVcpu } from './lifecycle.js';
import { discardRegisters, resume, settleAborts, siblingOf } from './loaded.js';
import { startVcpu } from './vcpu-start.js';

/** A slice: 5 ms of the system counter. */
const SLICE: u32 = <u32>(CRYSTAL_HZ / 200);
/** What going before the others costs of it, for these lose the time of two switches: 10 µs. */
const SWITCH_COST: u32 = <u32>(CRYSTAL_HZ / 100_000);

/** A hundredth of a second. */
const BUSY_STEP: u32 = <u32>(CRYSTAL_HZ / 100);

/** Counts time that a vcpu has had its core. */
function charge(vcpu: Vcpu, ticks: u32): void {
  const all = vcpu.busyTicks + ticks;
  const steps = all / BUSY_STEP;
  vcpu.busy += steps;
  vcpu.busyTicks = all - steps * BUSY_STEP;
}

/** Deals with what has interrupted this core; gives the sources. */
export function takeInterrupts(): u32 {
  const here = core();
  const source = mmio.read32(IRQ_SOURCE + 4 * here.index);
  if (source & IRQ_SOURCE_CNTVIRQ) {
    mmio.write32(TIMERS_ROUTING + 4 * here.index, IRQ_SOURCE_CNTHPIRQ);
    here.loaded.timerHeld = 1;
    setPending(here.loaded, VIRTUAL_TIMER_INTERRUPT);
  }
  if (source & SOURCE_MAILBOX1) {
    mmio.write32(MAILBOX_CLR + 16 * here.index + 4, 0xffffffff);
    // What the mailbox is for is looked at afterwards.
    barrier.dsb();
  }
  return source;
}

/** Brings a vcpu's state up to date: asked to rest, to start, or woken. */
function updateState(vcpu: Vcpu, time: u64): void {
  const state = stateOf(vcpu);
  if (state == STOPPED || state == CLAIMED || state == LOADING) return;
  // What another core has written is seen from here on.
  if (state == PAUSED || state == STARTING) barrier.dmbIsh();
  if (state == PAUSED) {
    endPause(vcpu, time);
    return;
  }
  if (shared.load32(changetype<usize>(vcpu.vm) + offsetof<Vm>('request')) != RUN) {
    stopVcpu(vcpu);
    return;
  }
  if (state == STARTING) {
    discardRegisters(vcpu);
    startVcpu(vcpu);
    setState(vcpu, RUNNABLE);
    return;
  }
  expire(vcpu, time);
  if (state == WAITING && nextInterrupt(vcpu) != SPURIOUS) {
    setState(vcpu, RUNNABLE);
    // Whoever has found it waiting has left it the interrupt to find.
    barrier.dmbIsh();
  }
}

/**
 * Who goes on: of those that woke with some of their share left the one with the most, else the one whose turn it is
 * as long as it has some, else the next in turn, which gets its share anew; null where nobody wants to.
 */
function pickNext(): Vcpu {
  const here = core();
  const turn = here.turn;
  let first = noVcpu();
  let most = SWITCH_COST;
  let vcpu = turn.next;
  while (vcpu != turn) {
    if (vcpu.left > most && stateOf(vcpu) == RUNNABLE) {
      most = vcpu.left;
      first = vcpu;
    }
    vcpu = vcpu.next;
  }
  if (first != noVcpu()) {
    if (first != here.loaded) first.left = most - SWITCH_COST;
    return first;
  }
  if (turn.left != 0 && stateOf(turn) == RUNNABLE) return turn;
  do {
    vcpu = vcpu.next;
    charge(vcpu, SLICE - vcpu.left);
    vcpu.left = SLICE;
    if (wantsCore(vcpu)) {
      here.turn = vcpu;
      return vcpu;
    }
  } while (vcpu != turn);
  return noVcpu();
}

/** Looks at all vcpus of this core again; gives the one to go on with, loaded. */
export function schedule(current: Vcpu): Vcpu {
  const here = core();
  let time = count();
  // One that nobody has waited for may have gone on long past its share.
  const left = <u32>here.sliceEnd - <u32>time;
  if (left <= SLICE) current.left = left;
  else {
    if (here.loaded == current) charge(current, 0 - left);
    current.left = 0;
  }
  while (true) {
    let vcpu = current;
    do {
      updateState(vcpu, time);
      vcpu = vcpu.next;
    } while (vcpu != current);
    const chosen = pickNext();
    if (chosen == noVcpu()) {
      arm();
      // One that is pending would end WFI again and again.
      if (!settleAborts()) barrier.wfi();
    } else if (stateOf(chosen) == LOADING) {
      loadPiece(chosen);
      chosen.left = 0;
    } else {
      resume(chosen, time);
      return chosen;
    }
    takeInterrupts();
    time = count();
  }
}

/**
 * WFE, which only traps while another CPU of the same machine wants the core: what is waited for may be its to do, so it
 * gets what is left of the vcpu's share, and goes on with it. The vcpu's next turn is behind the WFE, as if an event had
 * come; who waits by it looks again. YIELD cannot be trapped (ARM ARM B1.14).
 */
export function giveWay(vcpu: Vcpu): Vcpu {
  const here = core();
  const time = count();
  const left = <u32>here.sliceEnd - <u32>time;
  const other = siblingOf(vcpu);
  if (other != noVcpu() && left <= SLICE) other.left = min(other.left + left, SLICE);
  here.sliceEnd = time;
  return schedule(vcpu);
}
