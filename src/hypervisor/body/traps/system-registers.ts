/** System registers that a guest is kept from. */
import { EC_CP14, EC_CP14_64, EC_CP15_64 } from '../generated/arm.js';
import { count } from '../core/time.js';
import { Vcpu } from '../core/vm.js';
import { readPhysicalControl, readPhysicalTime, setPhysicalTimer } from '../devices/timer.js';
import { ACTLR, CNTVOFF, HSR } from '../intrinsics.js';
import { readRegister, writeRegister } from './registers.js';

/** Of a coprocessor's register: a read; the register; opc2, opc1, CRn and CRm. */
const READ: u32 = 1;

/** Emulates an access to a system register that a guest is kept from. Gives false where it is UNDEFINED for it. */
export function systemAccess(vcpu: Vcpu, hsr: u32): bool {
  const kind = hsr >>> HSR.EC_SHIFT;
  const n = (hsr >> 5) & 0xf;
  const isRead = (hsr & READ) != 0;
  // Debug, trace and ThumbEE: there is none.
  if (kind == EC_CP14) return isRead ? zero(vcpu, n) : true;
  if (kind == EC_CP14_64) return zero(vcpu, n) && zero(vcpu, (hsr >> 10) & 0xf);
  if (kind == EC_CP15_64) return timerPair(vcpu, hsr, n, (hsr >> 10) & 0xf, isRead);
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
