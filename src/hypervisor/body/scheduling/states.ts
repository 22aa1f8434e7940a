/** What the host is shown of the guests, in the channel, when it asks for it. */
import {
  DOES_BEGIN,
  DOES_OFF,
  DOES_PAUSE,
  DOES_RUN,
  DOES_WAIT,
  STATE_BUSY,
  STATE_CRASHES,
  STATE_DOES,
  STATE_ON,
  STATE_TICKS,
  STATE_TURN,
} from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { inOrder, shownAt } from '../core/channel.js';
import { kick } from '../core/events.js';
import { lock, unlock } from '../core/locks.js';
import {
  CRASH,
  LOADING,
  PAUSED,
  RUNNABLE,
  Vm,
  configuration,
  lockOf,
  stateOf,
  vcpuOf,
  vcpusOn,
  vmAt,
} from '../core/vm.js';
import { count } from '../core/time.js';
import { showCounts } from '../devices/pl011.js';
import { shared } from '../intrinsics.js';
import { busyOf } from './lifecycle.js';

/** What a guest does: DOES_…. */
function doing(vm: Vm): u32 {
  if (shared.load32(changetype<usize>(vm) + offsetof<Vm>('isOff')) != 0) return DOES_OFF;
  const first = stateOf(vcpuOf(vm, 0));
  if (first == LOADING) return DOES_BEGIN;
  if (first != PAUSED) return DOES_RUN;
  if (shared.load32(changetype<usize>(vm) + offsetof<Vm>('waitsForHost')) != 0) return DOES_WAIT;
  return shared.load32(changetype<usize>(vm) + offsetof<Vm>('request')) == CRASH ? DOES_PAUSE : DOES_BEGIN;
}

function show(vm: Vm): void {
  // Its cores count the time that it has had until now: who asks once more sees that.
  for (let n: u32 = 0; n < vm.vcpus; n++) if (stateOf(vcpuOf(vm, n)) == RUNNABLE) kick(vcpuOf(vm, n));
  const at = shownAt(vm.number);
  const time = count() - (((<u64>vm.startedHigh) << 32) | vm.startedLow);
  lock(lockOf(vm));
  const turn = vm.turn + 1;
  shared.store32(at + STATE_TURN, turn);
  inOrder();
  shared.store32(at + STATE_DOES, doing(vm));
  shared.store32(at + STATE_ON, vcpusOn(vm));
  shared.store32(at + STATE_CRASHES, vm.crashes);
  shared.store32(at + STATE_BUSY, busyOf(vm) - vm.busyBefore);
  shared.store32(at + STATE_TICKS, <u32>time);
  shared.store32(at + STATE_TICKS + 4, <u32>(time >> 32));
  inOrder();
  vm.turn = turn + 1;
  shared.store32(at + STATE_TURN, turn + 1);
  unlock(lockOf(vm));
}

/** Shows what all consoles have. */
export function showConsoles(): void {
  for (let n: u32 = 0; n <= configuration(L.CONFIG_GUESTS); n++) showCounts(n);
}

/** Shows that and what all guests do. */
export function showStates(): void {
  showConsoles();
  for (let n: u32 = 1; n <= configuration(L.CONFIG_GUESTS); n++) show(vmAt(n));
}
