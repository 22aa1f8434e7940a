/** Power State Coordination Interface 1.1 (Arm DEN 0022D) over HVC, by the SMC Calling Convention 1.1 (DEN 0028B). */
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
const FEATURES: u32 = 10;
/** Those, a bit each. */
const FUNCTIONS: u32 =
  (1 << VERSION) |
  (1 << CPU_SUSPEND) |
  (1 << CPU_OFF) |
  (1 << CPU_ON) |
  (1 << AFFINITY_INFO) |
  (1 << MIGRATE_INFO_TYPE) |
  (1 << SYSTEM_OFF) |
  (1 << SYSTEM_RESET) |
  (1 << FEATURES);
/** Functions of the calling convention, and its version as that of PSCI: major << 16 | minor. */
const SMCCC_VERSION: u32 = 0x80000000;
const SMCCC_ARCH_FEATURES: u32 = 0x80000001;
const VERSION_1_1: u32 = 0x10001;
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
// @inline
export function call(vcpu: Vcpu): Vcpu {
  switch (vcpu.r0 - FIRST) {
    case VERSION:
      vcpu.r0 = VERSION_1_1;
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
    case FEATURES:
      vcpu.r0 = features(vcpu.r1);
      return vcpu;
  }
  vcpu.r0 = conventionCall(vcpu.r0, vcpu.r1);
  return vcpu;
}

/** PSCI_FEATURES: which functions there are, all without features, and that the convention's version may be asked for. */
function features(id: u32): u32 {
  if (id == SMCCC_VERSION) return SUCCESS;
  const n = id - FIRST;
  return n < 32 && ((FUNCTIONS >> n) & 1) != 0 ? SUCCESS : NOT_SUPPORTED;
}

/** What is no function of PSCI's. Of workarounds by firmware there is none: the Cortex-A7 needs none of those. */
function conventionCall(id: u32, argument: u32): u32 {
  if (id == SMCCC_VERSION) return VERSION_1_1;
  if (id == SMCCC_ARCH_FEATURES && (argument == SMCCC_VERSION || argument == SMCCC_ARCH_FEATURES))
    return SUCCESS;
  return NOT_SUPPORTED;
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
