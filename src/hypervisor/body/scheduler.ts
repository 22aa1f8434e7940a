/** Which vcpu a core runs: its own ones in turn, a slice each while several want it; nobody for as long as none does. */
import { CNTV_CTL, HCPTR, TLBIALLNSNH, barrier, mmio, shared } from './intrinsics';
import { SPURIOUS, VIRTUAL_TIMER_PPI, deliver, next, raise } from './gic';
import {
  HYP_TIMER,
  IRQ_SOURCE,
  MAILBOX_CLEAR,
  SOURCE_MAILBOX1,
  TIMERS_ROUTING,
  VIRTUAL_TIMER,
} from './machine';
import { arm, count, expire } from './timer';
import { endPause, makePiece, rest } from './lifecycle';
import {
  CLAIMED,
  LOADING,
  PAUSED,
  RESTING,
  RUN,
  RUNNABLE,
  STARTING,
  Vcpu,
  Vm,
  WAITING,
  core,
  setState,
  stateOf,
} from './vm';
import { startVcpu } from './start';

// @external('assembly', 'saveVcpu')
declare function saveVcpu(vcpu: Vcpu): void;
// @external('assembly', 'loadVcpu')
declare function loadVcpu(vcpu: Vcpu): void;
// @external('assembly', 'saveVfp')
declare function saveVfp(vcpu: Vcpu): void;
// @external('assembly', 'loadVfp')
declare function loadVfp(vcpu: Vcpu): void;
// @external('assembly', 'parkVfp')
declare function parkVfp(vcpu: Vcpu): void;
// @external('assembly', 'unparkVfp')
declare function unparkVfp(vcpu: Vcpu): void;

/** A slice: 5 ms of the system counter. */
const SLICE: u64 = 96000;
/** What a guest's coprocessor accesses are trapped by: all but VFP's, which come with TCP10 and TCP11. */
export const GUEST_HCPTR: u32 = 0x33ff | HCPTR.TTA;
const VFP_TRAPS: u32 = HCPTR.TCP10 | HCPTR.TCP11;

// @inline
function nobody(): Vcpu {
  return changetype<Vcpu>(0);
}

/** Deals with what has interrupted this core; gives the sources. */
export function takeInterrupts(): u32 {
  const here = core();
  const source = mmio.read32(IRQ_SOURCE + 4 * here.index);
  if (source & VIRTUAL_TIMER) {
    mmio.write32(TIMERS_ROUTING + 4 * here.index, HYP_TIMER);
    here.loaded.timerHeld = 1;
    raise(here.loaded, VIRTUAL_TIMER_PPI);
  }
  if (source & SOURCE_MAILBOX1) {
    mmio.write32(MAILBOX_CLEAR + 16 * here.index + 4, 0xffffffff);
    // What the mailbox is for is looked at afterwards.
    barrier.dsb();
  }
  return source;
}

/** Brings a vcpu's state up to date: asked to rest, to start, or woken. */
function attend(vcpu: Vcpu, time: u64): void {
  const state = stateOf(vcpu);
  if (state == RESTING || state == CLAIMED || state == LOADING) return;
  // What another core has written is seen from here on.
  if (state == PAUSED || state == STARTING) barrier.dmbIsh();
  if (state == PAUSED) {
    endPause(vcpu, time);
    return;
  }
  if (shared.load32(changetype<usize>(vcpu.vm) + offsetof<Vm>('request')) != RUN) {
    rest(vcpu);
    return;
  }
  if (state == STARTING) {
    forget(vcpu);
    startVcpu(vcpu);
    setState(vcpu, RUNNABLE);
    return;
  }
  expire(vcpu, time);
  if (state == WAITING && next(vcpu) != SPURIOUS) {
    setState(vcpu, RUNNABLE);
    // Whoever has found it waiting has left it the interrupt to find.
    barrier.dmbIsh();
  }
}

/** What the core holds of a vcpu's registers is worth nothing any more. */
export function forget(vcpu: Vcpu): void {
  const here = core();
  if (here.vfp == vcpu) {
    if (here.loaded == vcpu) parkVfp(vcpu);
    here.vfp = nobody();
  }
  if (here.loaded != vcpu) return;
  here.loaded = nobody();
  CNTV_CTL.write(0);
  mmio.write32(TIMERS_ROUTING + 4 * here.index, HYP_TIMER);
}

/** Whether a vcpu has something to do for its core. */
export function wantsCore(vcpu: Vcpu): bool {
  const state = stateOf(vcpu);
  return state == RUNNABLE || state == LOADING;
}

/** The next to run: who runs, while its slice lasts, else the next in turn; null where nobody wants to. */
function choose(current: Vcpu, time: u64): Vcpu {
  let vcpu = current;
  if (stateOf(current) == RUNNABLE && time < core().sliceEnd) return current;
  do {
    vcpu = vcpu.next;
    if (wantsCore(vcpu)) return vcpu;
  } while (vcpu != current);
  return nobody();
}

/** Looks at all vcpus of this core again; gives the one to go on with, loaded. */
export function schedule(current: Vcpu): Vcpu {
  while (true) {
    const time = count();
    let vcpu = current;
    do {
      attend(vcpu, time);
      vcpu = vcpu.next;
    } while (vcpu != current);
    const chosen = choose(current, time);
    if (chosen == nobody()) {
      arm();
      barrier.dsb();
      barrier.wfi();
    } else if (stateOf(chosen) == LOADING) {
      makePiece(chosen);
      current = chosen;
    } else {
      resume(chosen, time);
      return chosen;
    }
    takeInterrupts();
  }
}

/** The core's TLB knows machines, not their vcpus: what another one of the same machine had there is not this one's. */
function forgetTranslations(vcpu: Vcpu): void {
  const at = changetype<usize>(vcpu.vm) + offsetof<Vm>('ranLast') + vcpu.core;
  const last = load<u8>(at);
  const mine = <u8>(vcpu.number + 1);
  if (last == mine) return;
  store<u8>(at, mine);
  if (last == 0) return;
  TLBIALLNSNH.write(0);
  barrier.dsb();
  barrier.isb();
}

/** Has the core hold a vcpu's registers, and sets the HYP timer. */
function resume(vcpu: Vcpu, time: u64): void {
  const here = core();
  if (here.loaded != vcpu) {
    if (here.loaded != nobody()) {
      if (here.vfp == here.loaded) parkVfp(here.vfp);
      saveVcpu(here.loaded);
    }
    loadVcpu(vcpu);
    here.loaded = vcpu;
    // Before its interrupts are looked at, so that who sends it one meanwhile knows where.
    barrier.dmbIsh();
    here.sliceEnd = time + SLICE;
    forgetTranslations(vcpu);
    if (here.vfp == vcpu) {
      HCPTR.write(GUEST_HCPTR);
      barrier.isb();
      unparkVfp(vcpu);
    } else HCPTR.write(GUEST_HCPTR | VFP_TRAPS);
    mmio.write32(TIMERS_ROUTING + 4 * here.index, vcpu.timerHeld ? HYP_TIMER : HYP_TIMER | VIRTUAL_TIMER);
    // What an event was sent for while others had the core has to be looked at: it may be theirs that is gone.
    barrier.clrex();
    barrier.sev();
  } else if (time >= here.sliceEnd) here.sliceEnd = time + SLICE;
  arm();
  deliver(vcpu);
}

/** The vcpu has touched VFP or NEON while the core held somebody else's registers. */
export function giveVfp(vcpu: Vcpu): void {
  const here = core();
  HCPTR.write(GUEST_HCPTR);
  barrier.isb();
  if (here.vfp == vcpu) return;
  if (here.vfp != nobody()) saveVfp(here.vfp);
  loadVfp(vcpu);
  here.vfp = vcpu;
}
