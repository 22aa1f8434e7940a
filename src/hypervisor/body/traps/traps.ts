/** Why HYP mode was entered, and what is done about it (ARM ARM B3.13.6, "HSR"). */
import {
  EC_CP10_ID,
  EC_CP14,
  EC_CP14_64,
  EC_CP14_LDC,
  EC_CP15,
  EC_CP15_64,
  EC_DATA_LOWER,
  EC_HCPTR,
  EC_HVC,
  EC_JAZELLE,
  EC_PREFETCH_LOWER,
  EC_SMC,
  EC_WFI,
} from '../generated/arm.js';
import { deliver } from '../core/events.js';
import { SOURCE_MAILBOX1 } from '../core/mailbox.js';
import { PSR_M } from '../generated/arm.js';
import { IRQ_SOURCE_CNTHPIRQ } from '../generated/local-peripherals.js';
import { Vcpu } from '../core/vm.js';
import { textMode, textTrap } from '../generated/messages.js';
import { endHoldoffs } from '../devices/pl011.js';
import { reclaimFiqs, takeFiq } from '../host/fiq.js';
import { hostInterrupted, updateInjection } from '../host/interrupts.js';
import { ELR_hyp, HIFAR, HSR, SPSR_hyp } from '../intrinsics.js';
import { switchVfp } from '../scheduling/loaded.js';
import { giveWay, schedule, takeInterrupts } from '../scheduling/scheduler.js';
import { dataAbort } from './data-abort.js';
import { deliverAbort, deliverUndefined, continueOrCrash } from './exceptions.js';
import { call, wait } from './psci.js';
import { branchExchange, conditionPasses, readRegister, skip } from './registers.js';
import { systemAccess } from './system-registers.js';

/** The hypervisor's line to a core of the host's was up: what has it? */
function lookAtConsoles(): void {
  endHoldoffs();
  updateInjection();
}

/** Coprocessors 10 and 11: VFP. An instruction that only NEON has says so, and no coprocessor. */
const VFP: u32 = 10;
const VFP_MASK: u32 = 0xe;
const NEON: u32 = 1 << 5;
/** HSR.ISS of a trapped WFI or WFE: which (ARM ARM B3.13.6). */
const WFE: u32 = 1;
/** What a call gives that is not known (EC_SMC Calling Convention, DEN 0028A). */
const NOT_SUPPORTED: u32 = <u32>-1;
/** The modes of PL0 and PL1: bit 31 - n for number n, 0x10 to 0x13, 0x17, 0x1b and 0x1f (ARM ARM table B1-1). */
const MODES: u32 = 0xf111;

/** A trap by a vcpu; gives the one to go on with. */
export function trap(vcpu: Vcpu): Vcpu {
  const hsr = HSR.read();
  const psr = SPSR_hyp.read();
  if (!hasValidMode(psr)) return crashInvalidMode(vcpu);
  switch (hsr >>> HSR.EC_SHIFT) {
    case EC_HVC:
      if (vcpu.vm.number != 0) return call(vcpu);
      vcpu.r0 = NOT_SUPPORTED;
      return vcpu;
    case EC_DATA_LOWER:
      return dataAbort(vcpu, hsr, psr);
    case EC_WFI: {
      if (vcpu.vm.number == 0) {
        if (reclaimFiqs()) lookAtConsoles();
        else skip(hsr);
        return vcpu;
      }
      const waits = conditionPasses(hsr);
      skip(hsr);
      if (!waits) return vcpu;
      return hsr & WFE ? giveWay(vcpu) : wait(vcpu);
    }
    case EC_PREFETCH_LOWER:
      return deliverAbort(vcpu, true, HIFAR.read(), false);
    case EC_HCPTR:
      if ((hsr & NEON) == 0 && (hsr & VFP_MASK) != VFP) return deliverUndefined(vcpu);
      switchVfp(vcpu);
      return vcpu;
    case EC_CP15:
    case EC_CP14:
    case EC_CP15_64:
    case EC_CP14_64:
      if (conditionPasses(hsr) && !systemAccess(vcpu, hsr)) return deliverUndefined(vcpu);
      skip(hsr);
      return vcpu;
    case EC_JAZELLE:
      // There is no Jazelle: it is BX. R15 is UNPREDICTABLE.
      if (!conditionPasses(hsr)) skip(hsr);
      else if ((hsr & 0xf) == 15) return deliverUndefined(vcpu);
      else branchExchange(readRegister(vcpu, hsr & 0xf));
      return vcpu;
    case EC_CP14_LDC:
    case EC_CP10_ID:
    case EC_SMC:
      return deliverUndefined(vcpu);
  }
  return continueOrCrash(vcpu, textTrap(), ELR_hyp.read(), hsr);
}

/** Whether the vcpu is in a mode that there is: a return to another is UNPREDICTABLE. */
// @inline
function hasValidMode(psr: u32): bool {
  return <i32>(MODES << (psr & PSR_M)) < 0;
}

function crashInvalidMode(vcpu: Vcpu): Vcpu {
  return continueOrCrash(vcpu, textMode(), ELR_hyp.read(), SPSR_hyp.read());
}

/** IRQ: on a guests' core the board's local interrupts, on a host's core one that came while a virtual one waited. */
export function irq(vcpu: Vcpu): Vcpu {
  if (vcpu.vm.number == 0) {
    hostInterrupted();
    return vcpu;
  }
  const source = takeInterrupts();
  if (!hasValidMode(SPSR_hyp.read())) return crashInvalidMode(vcpu);
  if (source & (IRQ_SOURCE_CNTHPIRQ | SOURCE_MAILBOX1)) return schedule(vcpu);
  deliver(vcpu);
  return vcpu;
}

/** FIQ on a core of the host's: the hypervisor's own line, or the host's. */
export function fiq(vcpu: Vcpu): Vcpu {
  if (vcpu.vm.number == 0) {
    takeFiq();
    lookAtConsoles();
  }
  return vcpu;
}
