/** Power State Coordination Interface 0.2 (Arm DEN 0022B) over HVC. */
import { SPURIOUS, kick, nextInterrupt } from '../core/events.js';
import {
  CLAIMED,
  OFF,
  RESET,
  STOPPED,
  STARTING,
  Vcpu,
  Vm,
  WAITING,
  setState,
  stateOf,
  vcpuOf,
} from '../core/vm.js';
import { HCR, atomic, barrier, shared } from '../intrinsics.js';
import { requestAll, stopVcpu } from '../scheduling/lifecycle.js';
import { schedule } from '../scheduling/scheduler.js';

const FIRST: u32 = 0x84000000;
const VERSION: u32 = 0;
const CPU_SUSPEND: u32 = 1;
const CPU_OFF: u32 = 2;
const CPU_ON: u32 = 3;
const AFFINITY_INFO: u32 = 4;
const MIGRATE_INFO_TYPE: u32 = 6;
const SYSTEM_OFF: u32 = 8;
const SYSTEM_RESET: u32 = 9;
const VERSION_0_2: u32 = 2;
const SUCCESS: u32 = 0;
const NOT_SUPPORTED: u32 = <u32>-1;
const INVALID_PARAMETERS: u32 = <u32>-2;
const ALREADY_ON: u32 = <u32>-4;
const ALREADY_PENDING: u32 = <u32>-5;
/** AFFINITY_INFO. */
const IS_ON: u32 = 0;
const IS_OFF: u32 = 1;
const ON_PENDING: u32 = 2;
/** MIGRATE_INFO_TYPE: no Trusted OS that would have to be migrated. */
const NO_TRUSTED_OS: u32 = 2;

/** HVC by a guest: R0 is the function. Gives the vcpu to go on with. */
export function call(vcpu: Vcpu): Vcpu {
  switch (vcpu.r0 - FIRST) {
    case VERSION:
      vcpu.r0 = VERSION_0_2;
      return vcpu;
    case CPU_SUSPEND:
      vcpu.r0 = SUCCESS;
      return wait(vcpu);
    case CPU_OFF:
      stopVcpu(vcpu);
      return schedule(vcpu);
    case CPU_ON:
      vcpu.r0 = on(vcpu.vm, vcpu.r1, vcpu.r2, vcpu.r3);
      return vcpu;
    case AFFINITY_INFO:
      vcpu.r0 = affinityInfo(vcpu.vm, vcpu.r1, vcpu.r2);
      return vcpu;
    case MIGRATE_INFO_TYPE:
      vcpu.r0 = NO_TRUSTED_OS;
      return vcpu;
    case SYSTEM_OFF:
      requestAll(vcpu.vm, OFF);
      return schedule(vcpu);
    case SYSTEM_RESET:
      requestAll(vcpu.vm, RESET);
      return schedule(vcpu);
  }
  vcpu.r0 = NOT_SUPPORTED;
  return vcpu;
}

/** WFI: the core is given away until there is an interrupt for the vcpu; not where it has an abort to take. */
export function wait(vcpu: Vcpu): Vcpu {
  if (nextInterrupt(vcpu) != SPURIOUS || (HCR.read() & HCR.VA) != 0) return vcpu;
  // Who sends it an interrupt now finds it as it waits, or it finds the interrupt.
  barrier.dmbIsh();
  setState(vcpu, WAITING);
  barrier.dmbIsh();
  return schedule(vcpu);
}

function on(vm: Vm, target: u32, entry: u32, context: u32): u32 {
  if (target >= vm.vcpus) return INVALID_PARAMETERS;
  const vcpu = vcpuOf(vm, target);
  const at = changetype<usize>(vcpu) + offsetof<Vcpu>('state');
  // Only one of several callers finds it resting.
  const state = atomic.compareExchange(at, STOPPED, CLAIMED);
  if (state != STOPPED) return state == STARTING || state == CLAIMED ? ALREADY_PENDING : ALREADY_ON;
  vcpu.startAt = entry;
  vcpu.startWith = context;
  atomic.fetchAdd(changetype<usize>(vm) + offsetof<Vm>('stopped'), <u32>-1);
  barrier.dmbIsh();
  shared.store32(at, STARTING);
  kick(vcpu);
  return SUCCESS;
}

function affinityInfo(vm: Vm, target: u32, level: u32): u32 {
  if (level != 0 || target >= vm.vcpus) return INVALID_PARAMETERS;
  const state = stateOf(vcpuOf(vm, target));
  if (state == STOPPED) return IS_OFF;
  return state == STARTING || state == CLAIMED ? ON_PENDING : IS_ON;
}
