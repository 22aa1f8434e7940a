/** Loads and stores that stage 2 does not map. */
import {
  ISS_CM,
  ISS_DFSC,
  ISS_ISV,
  ISS_S1PTW,
  ISS_SAS,
  ISS_SAS_SHIFT,
  ISS_SRT_SHIFT,
  ISS_SSE,
  ISS_WnR,
  PSR_E,
} from '../generated/arm.js';
import { Vcpu } from '../core/vm.js';
import { read as readInterface, write as writeInterface } from '../devices/gic-cpu-interface.js';
import { AGAIN, NOT_THERE, WRITTEN, isDevice, readDevice, writeDevice } from '../generated/dispatch.js';
import { GICC_PAGE } from '../generated/guest-machine.js';
import { HCR, HDFAR, HPFAR, HSR, word } from '../intrinsics.js';
import { deliverAbort } from './exceptions.js';
import { writeLocal } from '../host/controllers.js';
import { isHostDevice, readHostDevice, writeHostDevice } from './host-access.js';
import { readRegister, skip, writeRegister } from './registers.js';

/** DFSC but for the level: a translation fault, which is what an address without memory gives. */
const FAULT_KIND: u32 = ISS_DFSC & ~3;
const TRANSLATION: u32 = 0x04;
/** A permission fault, which is what firmware gives that is written to, and the host's local controller. */
const PERMISSION: u32 = 0x0c;
/** Either by a load or store with a syndrome: not by one's table walk, nor by an operation on caches. */
const ACCESS_MASK: u32 = ISS_ISV | ISS_CM | ISS_S1PTW | FAULT_KIND;
const FORBIDDEN: u32 = ISS_ISV | ISS_WnR | PERMISSION;
const ACCESS: u32 = ISS_ISV | TRANSLATION;
/** One by a word, R0 to R7, little-endian: CPSR.E has a bit's place that is 0 in this syndrome. */
const PLAIN_MASK: u32 = ACCESS_MASK | ISS_SAS | (8 << ISS_SRT_SHIFT) | PSR_E;
const PLAIN: u32 = ACCESS | (2 << ISS_SAS_SHIFT);
/** An operation on caches by address that stage 2 has nothing for; it may be a table walk's fault, too. */
const CACHE_MASK: u32 = ISS_CM | ISS_S1PTW | FAULT_KIND;
const CACHE: u32 = ISS_CM | TRANSLATION;
/** DFSC of an asynchronous abort, an external one or one by parity, which differ in a bit. */
const ASYNCHRONOUS_MASK: u32 = ISS_DFSC & ~8;
const ASYNCHRONOUS: u32 = 0x11;

/** A load or store that stage 2 does not map: a device's, or an external abort. */
// @inline
export function dataAbort(vcpu: Vcpu, hsr: u32, psr: u32): Vcpu {
  const page = HPFAR.read() >> 4;
  const address = HDFAR.read();
  const offset = address & 0xfff;
  // What every interrupt takes several times has a way of its own: a word of the CPU interface, from or to R0 to R7.
  if (page == GICC_PAGE && ((hsr | (psr & PSR_E)) & PLAIN_MASK) == PLAIN && vcpu.vm.number != 0) {
    const at = changetype<usize>(vcpu) + ((hsr >> (ISS_SRT_SHIFT - 2)) & 0x1c);
    if (hsr & ISS_WnR) writeInterface(vcpu, offset, 4, load<u32>(at));
    else store<u32>(at, readInterface(vcpu, offset));
    skip(hsr);
    return vcpu;
  }
  const size: u32 = 1 << ((hsr >> ISS_SAS_SHIFT) & 3);
  const n = (hsr >> ISS_SRT_SHIFT) & 0xf;
  if ((hsr & ACCESS_MASK) == ACCESS && n != 15 && (offset & (size - 1)) == 0) {
    if (hsr & ISS_WnR) {
      const done = write(vcpu, page, offset, size, swapIfBigEndian(readRegister(vcpu, n), size, psr));
      if (done == WRITTEN) {
        skip(hsr);
        return vcpu;
      }
      // It comes again, and before that what interrupts.
      if (done == AGAIN) return vcpu;
    } else if (isDevicePage(vcpu, page)) {
      let value = swapIfBigEndian(read(vcpu, page, offset, size), size, psr);
      const shift = 32 - 8 * size;
      value = hsr & ISS_SSE ? <u32>((<i32>(value << shift)) >> shift) : (value << shift) >>> shift;
      writeRegister(vcpu, n, value);
      skip(hsr);
      return vcpu;
    }
  }
  return unanswered(vcpu, hsr, psr);
}

/** What no device answers. Apart, since what it keeps would give every trap a frame. */
function unanswered(vcpu: Vcpu, hsr: u32, psr: u32): Vcpu {
  const address = HDFAR.read();
  if ((hsr & (ACCESS_MASK | ISS_WnR)) == FORBIDDEN && vcpu.vm.number == 0) {
    const size: u32 = 1 << ((hsr >> ISS_SAS_SHIFT) & 3);
    const value = readRegister(vcpu, (hsr >> ISS_SRT_SHIFT) & 0xf);
    writeLocal(address & 0xfff, size, swapIfBigEndian(value, size, psr));
    skip(hsr);
    return vcpu;
  }
  // Where there is no memory no cache has anything. Such an instruction has 32 bits, which HSR does not say.
  if ((hsr & CACHE_MASK) == CACHE) {
    skip(HSR.IL);
    return vcpu;
  }
  // As in QEMU, nothing comes of a store into flash, and U-Boot makes some before it has moved to memory.
  if ((hsr & (ISS_S1PTW | FAULT_KIND)) == PERMISSION && (hsr & (ISS_ISV | ISS_CM)) != 0) {
    skip(hsr & ISS_CM ? HSR.IL : hsr);
    return vcpu;
  }
  // It is for no instruction and no address: it goes on to the vcpu as what it is.
  if ((hsr & ASYNCHRONOUS_MASK) == ASYNCHRONOUS) {
    HCR.write(HCR.read() | HCR.VA);
    return vcpu;
  }
  return deliverAbort(vcpu, false, address, (hsr & ISS_WnR) != 0);
}

/** Devices are little-endian; for a vcpu that is big-endian at the moment the bytes come the other way round. */
function swapIfBigEndian(value: u32, size: u32, psr: u32): u32 {
  return psr & PSR_E ? word.rev(value) >>> (32 - 8 * size) : value;
}

/** Whether a page without memory is a device's. */
function isDevicePage(vcpu: Vcpu, page: u32): bool {
  return vcpu.vm.number == 0 ? isHostDevice(page) : isDevice(page);
}

function read(vcpu: Vcpu, page: u32, offset: u32, size: u32): u32 {
  if (vcpu.vm.number == 0) return readHostDevice(page, offset, size);
  // Registers are words; a part of one is a read of the word.
  return readDevice(vcpu, page, offset & ~3) >>> ((offset & 3) << 3);
}

/** Gives what has come of it. As a call its fifth argument would give every trap a frame. */
// @inline
function write(vcpu: Vcpu, page: u32, offset: u32, size: u32, value: u32): u32 {
  if (size == 1) value &= 0xff;
  else if (size == 2) value &= 0xffff;
  if (vcpu.vm.number != 0) return writeDevice(vcpu, page, offset, size, value);
  return writeHostDevice(page, offset, size, value) ? WRITTEN : NOT_THERE;
}
