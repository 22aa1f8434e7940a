/** Why HYP mode was entered, and what is done about it (ARM ARM B3.13.6, "HSR"). */
import { readController, hostInterrupted, hostKicked, isController, writeController } from './host';
import { takeFiqsBack } from './host-fiq';
import { nearUart, readUart, writeUart } from './console';
import { deliver, readDistributor, readInterface, writeDistributor, writeInterface } from './gic';
import { ACTLR, ELR_hyp, HDFAR, HIFAR, HPFAR, HSR, CNTVOFF, SPSR_hyp, word } from './intrinsics';
import { HYP_TIMER, MODE_MASK, PSR_E, SOURCE_MAILBOX1 } from './machine';
import { crash } from './lifecycle';
import { textMode, textTrap } from './messages';
import { call, wait } from './psci';
import {
  branchExchange,
  conditionPasses,
  injectAbort,
  injectUndefined,
  readRegister,
  skip,
  writeRegister,
} from './registers';
import { giveVfp, schedule, takeInterrupts } from './scheduler';
import { count, readPhysicalControl, readPhysicalTime, setPhysicalTimer } from './timer';
import * as L from '../shared/layout';
import { Vcpu, configuration } from './vm';

// HSR.EC
const WFI_WFE: u32 = 0x01;
const MCR_CP15: u32 = 0x03;
const MCRR_CP15: u32 = 0x04;
const MCR_CP14: u32 = 0x05;
const LDC_CP14: u32 = 0x06;
const COPROCESSOR: u32 = 0x07;
const MRC_CP10: u32 = 0x08;
const BXJ: u32 = 0x0a;
const MRRC_CP14: u32 = 0x0c;
const HVC: u32 = 0x12;
const SMC: u32 = 0x13;
const PREFETCH_ABORT: u32 = 0x20;
const DATA_ABORT: u32 = 0x24;

// HSR.ISS of a data abort: syndrome valid, size, sign extension, register, write.
const ISV: u32 = 1 << 24;
const SIZE_SHIFT: u32 = 22;
const SIGNED: u32 = 1 << 21;
const REGISTER_SHIFT: u32 = 16;
const WRITE: u32 = 1 << 6;
/** FSC: a translation fault of any level, which is what an address without memory gives. */
const FAULT_KIND: u32 = 0x3c;
const TRANSLATION: u32 = 0x04;
/** A translation fault by a word, R0 to R7, little-endian: CPSR.E has a bit's place that is 0 in this syndrome. */
const PLAIN_MASK: u32 = ISV | (3 << SIZE_SHIFT) | (8 << REGISTER_SHIFT) | FAULT_KIND | PSR_E;
const PLAIN: u32 = ISV | (2 << SIZE_SHIFT) | TRANSLATION;
/** Of a coprocessor's register: a read; the register; opc2, opc1, CRn and CRm. */
const READ: u32 = 1;
/** Coprocessors 10 and 11: VFP. An instruction that only NEON has says so, and no coprocessor. */
const VFP: u32 = 10;
const VFP_MASK: u32 = 0xe;
const NEON: u32 = 1 << 5;
/** What a call gives that is not known (SMC Calling Convention, DEN 0028A). */
const NOT_SUPPORTED: u32 = <u32>-1;

/** The modes of PL0 and PL1: bit 31 - n for number n, 0x10 to 0x13, 0x17, 0x1b and 0x1f (ARM ARM table B1-1). */
const MODES: u32 = 0xf111;

/** What a guest sees at which page: as in QEMU's machine "virt". */
const GICD_PAGE: u32 = 0x08000;
const GICC_PAGE: u32 = 0x08010;
const UART_PAGE: u32 = 0x09000;
const VIRTIO_PAGE: u32 = 0x0a000;
const VIRTIO_PAGES: u32 = 4;

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

/** Gives a vcpu an Undefined Instruction exception. */
function giveUndefined(vcpu: Vcpu): Vcpu {
  const pc = ELR_hyp.read();
  return goOn(vcpu, injectUndefined(), pc, pc);
}

/** Gives a vcpu an abort. */
function giveAbort(vcpu: Vcpu, instruction: bool, address: u32, write: bool): Vcpu {
  const pc = ELR_hyp.read();
  return goOn(vcpu, injectAbort(instruction, address, write), pc, address);
}

/** Goes on with a vcpu, unless there is a reason why its machine cannot. The host has to cope with everything. */
function goOn(vcpu: Vcpu, why: usize, pc: u32, value: u32): Vcpu {
  if (why == 0 || vcpu.vm.number == 0) return vcpu;
  crash(vcpu, why, pc, value);
  return schedule(vcpu);
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

/** A load or store that stage 2 does not map: a device's, or an external abort. */
// @inline
function dataAbort(vcpu: Vcpu, hsr: u32, psr: u32): Vcpu {
  const page = HPFAR.read() >> 4;
  const address = HDFAR.read();
  const offset = address & 0xfff;
  // What every interrupt takes several times has a way of its own: a word of the CPU interface, from or to R0 to R7.
  if (page == GICC_PAGE && ((hsr | (psr & PSR_E)) & PLAIN_MASK) == PLAIN && vcpu.vm.number != 0) {
    const at = changetype<usize>(vcpu) + ((hsr >> (REGISTER_SHIFT - 2)) & 0x1c);
    if (hsr & WRITE) writeInterface(vcpu, offset, load<u32>(at));
    else store<u32>(at, readInterface(vcpu, offset));
    skip(hsr);
    return vcpu;
  }
  const size: u32 = 1 << ((hsr >> SIZE_SHIFT) & 3);
  const n = (hsr >> REGISTER_SHIFT) & 0xf;
  if ((hsr & ISV) != 0 && (hsr & FAULT_KIND) == TRANSLATION && n != 15 && (offset & (size - 1)) == 0) {
    if (hsr & WRITE) {
      if (write(vcpu, page, offset, size, asSeen(readRegister(vcpu, n), size, psr))) {
        skip(hsr);
        return vcpu;
      }
    } else if (knows(vcpu, page)) {
      let value = asSeen(read(vcpu, page, offset, size), size, psr);
      const shift = 32 - 8 * size;
      value = hsr & SIGNED ? <u32>((<i32>(value << shift)) >> shift) : (value << shift) >>> shift;
      writeRegister(vcpu, n, value);
      skip(hsr);
      return vcpu;
    }
  }
  return giveAbort(vcpu, false, address, (hsr & WRITE) != 0);
}

/** Devices are little-endian; for a vcpu that is big-endian at the moment the bytes come the other way round. */
function asSeen(value: u32, size: u32, psr: u32): u32 {
  return psr & PSR_E ? word.rev(value) >>> (32 - 8 * size) : value;
}

/** Whether a page without memory is a device's. */
function knows(vcpu: Vcpu, page: u32): bool {
  if (vcpu.vm.number == 0)
    return isController(page) || page - ((<u32>L.NEAR_UARTS) >> 12) <= configuration(L.CONFIG_GUESTS);
  return (
    page == GICC_PAGE ||
    page == GICD_PAGE ||
    page == UART_PAGE ||
    page == GICC_PAGE + 1 ||
    page - VIRTIO_PAGE < VIRTIO_PAGES
  );
}

function read(vcpu: Vcpu, page: u32, offset: u32, size: u32): u32 {
  if (vcpu.vm.number == 0) {
    if (isController(page)) return readController((page << 12) | offset, size);
    return readUart(nearUart(page), offset);
  }
  // Registers are words; a part of one is a read of the word.
  const shift = (offset & 3) << 3;
  const word = offset & ~3;
  if (page == GICC_PAGE) return readInterface(vcpu, word) >>> shift;
  if (page == GICD_PAGE) return readDistributor(vcpu, word) >>> shift;
  if (page == UART_PAGE) return readUart(vcpu.vm.uart, word) >>> shift;
  return 0;
}

/** Gives whether there was something to write to. */
function write(vcpu: Vcpu, page: u32, offset: u32, size: u32, value: u32): bool {
  if (!knows(vcpu, page)) return false;
  if (size == 1) value &= 0xff;
  else if (size == 2) value &= 0xffff;
  if (vcpu.vm.number == 0) {
    if (isController(page)) writeController((page << 12) | offset, size, value);
    else writeUart(nearUart(page), offset, value);
  } else if (page == GICC_PAGE) writeInterface(vcpu, offset, value);
  else if (page == GICD_PAGE) writeDistributor(vcpu, offset, size, value);
  else if (page == UART_PAGE) writeUart(vcpu.vm.uart, offset, value);
  else if (page == GICC_PAGE + 1) writeInterface(vcpu, 0x1000 | offset, value);
  return true;
}

// --- system registers ---------------------------------------------------------------------------------------------

/** Emulates an access to a system register that a guest is kept from. Gives false where it is UNDEFINED for it. */
function systemAccess(vcpu: Vcpu, hsr: u32): bool {
  const kind = hsr >>> HSR.EC_SHIFT;
  const n = (hsr >> 5) & 0xf;
  const isRead = (hsr & READ) != 0;
  // Debug, trace and ThumbEE: there is none.
  if (kind == MCR_CP14) return isRead ? zero(vcpu, n) : true;
  if (kind == MRRC_CP14) return zero(vcpu, n) && zero(vcpu, (hsr >> 10) & 0xf);
  if (kind == MCRR_CP15) return timerPair(vcpu, hsr, n, (hsr >> 10) & 0xf, isRead);
  const opc2 = (hsr >> 17) & 7;
  const opc1 = (hsr >> 14) & 7;
  const crn = (hsr >> 10) & 0xf;
  const crm = (hsr >> 1) & 0xf;
  if (crn == 14 && opc1 == 0 && crm == 2 && opc2 < 2) {
    if (opc2 == 0 && isRead) writeRegister(vcpu, n, readPhysicalTime(vcpu));
    else if (opc2 == 0) {
      const compare = count() - CNTVOFF.read() + <i64>(<i32>readRegister(vcpu, n));
      setPhysicalTimer(vcpu, vcpu.physicalControl, compare);
    } else if (isRead) writeRegister(vcpu, n, readPhysicalControl(vcpu));
    else setPhysicalTimer(vcpu, readRegister(vcpu, n), vcpu.physicalCompare);
    return true;
  }
  if (crn == 1 && opc1 == 0 && crm == 0 && opc2 == 1) {
    // ACTLR: as it is; a guest changes nothing of the core.
    if (isRead) writeRegister(vcpu, n, ACTLR.read());
    return true;
  }
  // The performance monitor: there is none.
  if (crn == 9 && crm >= 12) return isRead ? zero(vcpu, n) : true;
  // L2CTLR: how many cores.
  if (crn == 9 && crm == 0 && opc1 == 1 && opc2 == 2) {
    if (isRead) writeRegister(vcpu, n, (vcpu.vm.vcpus - 1) << 24);
    return true;
  }
  return false;
}

function zero(vcpu: Vcpu, n: u32): bool {
  if (n != 15) writeRegister(vcpu, n, 0);
  return true;
}

/** CNTPCT and CNTP_CVAL: the guest's physical count is its virtual one. */
function timerPair(vcpu: Vcpu, hsr: u32, low: u32, high: u32, isRead: bool): bool {
  const opc1 = (hsr >> 16) & 0xf;
  if (((hsr >> 1) & 0xf) != 14 || (opc1 != 0 && opc1 != 2)) return false;
  if (!isRead) {
    if (opc1 == 0) return false;
    setPhysicalTimer(
      vcpu,
      vcpu.physicalControl,
      ((<u64>readRegister(vcpu, high)) << 32) | readRegister(vcpu, low),
    );
    return true;
  }
  const value = opc1 == 0 ? count() - CNTVOFF.read() : vcpu.physicalCompare;
  writeRegister(vcpu, low, <u32>value);
  writeRegister(vcpu, high, <u32>(value >> 32));
  return true;
}
