/** Which vcpu a core runs: its own ones in turn, a slice each while several want it; nobody for as long as none does. */
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
import { barrier, mmio, shared } from '../intrinsics.js';
import { endPause, loadPiece, stopVcpu } from './lifecycle.js';
import { discardRegisters, resume } from './loaded.js';
import { startVcpu } from './vcpu-start.js';

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

/** The next to run: who runs, while its slice lasts, else the next in turn; null where nobody wants to. */
function pickNext(current: Vcpu, time: u64): Vcpu {
  let vcpu = current;
  if (stateOf(current) == RUNNABLE && time < core().sliceEnd) return current;
  do {
    vcpu = vcpu.next;
    if (wantsCore(vcpu)) return vcpu;
  } while (vcpu != current);
  return noVcpu();
}

/** Looks at all vcpus of this core again; gives the one to go on with, loaded. */
export function schedule(current: Vcpu): Vcpu {
  while (true) {
    const time = count();
    let vcpu = current;
    do {
      updateState(vcpu, time);
      vcpu = vcpu.next;
    } while (vcpu != current);
    const chosen = pickNext(current, time);
    if (chosen == noVcpu()) {
      arm();
      barrier.dsb();
      barrier.wfi();
    } else if (stateOf(chosen) == LOADING) {
      loadPiece(chosen);
      current = chosen;
    } else {
      resume(chosen, time);
      return chosen;
    }
    takeInterrupts();
  }
}
