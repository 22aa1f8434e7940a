/** Why HYP mode was entered, and what is done about it (ARM ARM B3.13.6, "HSR"). */
import { deliver } from '../core/events.js';
import { HYP_TIMER, MAILBOX_CLEAR, MODE_MASK, SOURCE_MAILBOX1 } from '../core/machine.js';
import { Vcpu, core } from '../core/vm.js';
import { textMode, textTrap } from '../generated/messages.js';
import { hear } from '../devices/pl011.js';
import { passFiq, takeFiqsBack } from '../host/fiq.js';
import { hostInterrupted, show } from '../host/interrupts.js';
import { CNTHP_CTL, ELR_hyp, HIFAR, HSR, SPSR_hyp, barrier, mmio } from '../intrinsics.js';
import { giveVfp } from '../scheduling/loaded.js';
import { schedule, takeInterrupts } from '../scheduling/scheduler.js';
import { dataAbort } from './data-abort.js';
import { giveAbort, giveUndefined, goOn } from './exceptions.js';
import { call, wait } from './psci.js';
import { branchExchange, conditionPasses, readRegister, skip } from './registers.js';
import { MCRR_CP15, MCR_CP14, MCR_CP15, MRRC_CP14, systemAccess } from './system-registers.js';

/** FIQ on a core of the host's: the hypervisor's own line, or the host's. */
function hostKicked(): void {
  passFiq();
  mmio.write32(MAILBOX_CLEAR + 16 * core().index + 4, 0xffffffff);
  barrier.dsb();
  CNTHP_CTL.write(0);
  hear();
  show();
}

// HSR.EC
const WFI_WFE: u32 = 0x01;
const LDC_CP14: u32 = 0x06;
const COPROCESSOR: u32 = 0x07;
const MRC_CP10: u32 = 0x08;
const BXJ: u32 = 0x0a;
const HVC: u32 = 0x12;
const SMC: u32 = 0x13;
const PREFETCH_ABORT: u32 = 0x20;
const DATA_ABORT: u32 = 0x24;
/** Coprocessors 10 and 11: VFP. An instruction that only NEON has says so, and no coprocessor. */
const VFP: u32 = 10;
const VFP_MASK: u32 = 0xe;
const NEON: u32 = 1 << 5;
/** What a call gives that is not known (SMC Calling Convention, DEN 0028A). */
const NOT_SUPPORTED: u32 = <u32>-1;
/** The modes of PL0 and PL1: bit 31 - n for number n, 0x10 to 0x13, 0x17, 0x1b and 0x1f (ARM ARM table B1-1). */
const MODES: u32 = 0xf111;

/** A trap by a vcpu; gives the one to go on with. */
export function trap(vcpu: Vcpu): Vcpu {
  const hsr = HSR.read();
  const psr = SPSR_hyp.read();
  if (!isInMode(psr)) return fallen(vcpu);
  switch (hsr >>> HSR.EC_SHIFT) {
    case HVC:
      if (vcpu.vm.number != 0) return call(vcpu);
      vcpu.r0 = NOT_SUPPORTED;
      return vcpu;
    case DATA_ABORT:
      return dataAbort(vcpu, hsr, psr);
    case WFI_WFE: {
      if (vcpu.vm.number == 0) {
        if (!takeFiqsBack()) skip(hsr);
        return vcpu;
      }
      const waits = conditionPasses(hsr);
      skip(hsr);
      return waits ? wait(vcpu) : vcpu;
    }
    case PREFETCH_ABORT:
      return giveAbort(vcpu, true, HIFAR.read(), false);
    case COPROCESSOR:
      if ((hsr & NEON) == 0 && (hsr & VFP_MASK) != VFP) return giveUndefined(vcpu);
      giveVfp(vcpu);
      return vcpu;
    case MCR_CP15:
    case MCR_CP14:
    case MCRR_CP15:
    case MRRC_CP14:
      if (conditionPasses(hsr) && !systemAccess(vcpu, hsr)) return giveUndefined(vcpu);
      skip(hsr);
      return vcpu;
    case BXJ:
      // There is no Jazelle: it is BX. R15 is UNPREDICTABLE.
      if (!conditionPasses(hsr)) skip(hsr);
      else if ((hsr & 0xf) == 15) return giveUndefined(vcpu);
      else branchExchange(readRegister(vcpu, hsr & 0xf));
      return vcpu;
    case LDC_CP14:
    case MRC_CP10:
    case SMC:
      return giveUndefined(vcpu);
  }
  return goOn(vcpu, textTrap(), ELR_hyp.read(), hsr);
}

/** Whether the vcpu is in a mode that there is: a return to another is UNPREDICTABLE. */
// @inline
function isInMode(psr: u32): bool {
  return <i32>(MODES << (psr & MODE_MASK)) < 0;
}

function fallen(vcpu: Vcpu): Vcpu {
  return goOn(vcpu, textMode(), ELR_hyp.read(), SPSR_hyp.read());
}

/** IRQ: on a guests' core the board's local interrupts, on a host's core one that came while a virtual one waited. */
export function irq(vcpu: Vcpu): Vcpu {
  if (vcpu.vm.number == 0) {
    hostInterrupted();
    return vcpu;
  }
  const source = takeInterrupts();
  if (!isInMode(SPSR_hyp.read())) return fallen(vcpu);
  if (source & (HYP_TIMER | SOURCE_MAILBOX1)) return schedule(vcpu);
  deliver(vcpu);
  return vcpu;
}

/** FIQ: the hypervisor's own line on a host's core. */
export function fiq(vcpu: Vcpu): Vcpu {
  if (vcpu.vm.number == 0) hostKicked();
  return vcpu;
}
