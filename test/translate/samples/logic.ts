// Logic as a hypervisor has it on its trap paths; bench/translate/logic.c is the same in C.

@external('shared', 'load64')
declare function load64(address: usize): u64;
@external('shared', 'store64')
declare function store64(address: usize, value: u64): void;

@unmanaged
class Vcpu {
  registers: u64; // R0 and R1; the others follow
  r2: u32;
  r3: u32;
  pc: u32;
  cpsr: u32;
  vm: u32;
  core: u32;
  pending: u32;
  enabled: u32;
  active: u32;
  mask: u32;
  counts: u32;
  timerValue: u64;
  timerControl: u32;
  offset: u64;
}

@unmanaged
class Distributor {
  control: u32;
  enabled: u32;
  pending: u32;
  active: u32;
  // 32 priorities of a byte from offset 16, 32 targets from 48, configuration words from 80
}

const FAILED: u32 = 0xffffffff;

/** The next instruction of the guest: 2 bytes on where it is T32 and short. */
function skip(cpu: Vcpu, hsr: u32): void {
  cpu.pc += hsr & 0x02000000 ? 4 : 2;
}

function setRegister(cpu: Vcpu, n: u32, value: u32): void {
  if (n < 4) store<u32>(changetype<usize>(cpu) + (n << 2), value);
}

function getRegister(cpu: Vcpu, n: u32): u32 {
  return n < 4 ? load<u32>(changetype<usize>(cpu) + (n << 2)) : 0;
}

/** HVC: its number in R0. */
export function hypercall(address: usize, hsr: u32): u32 {
  const cpu = changetype<Vcpu>(address);
  cpu.counts++;
  if (hsr >>> 26 != 0x12) return FAILED;
  const number = <u32>cpu.registers;
  switch (number) {
    case 0x84000000:
      setRegister(cpu, 0, 2);
      return 0;
    case 0x84000003:
      return cpu.vm << 8 | cpu.core;
    case 0x84000008:
    case 0x84000009:
      cpu.mask = 0;
      return 1;
    default:
      setRegister(cpu, 0, FAILED);
      return 0;
  }
}

function highest(bits: u32): u32 {
  return 31 - <u32>clz(bits);
}

/** What an access to the distributor does: words and bytes. */
export function distributor(at: usize, address: usize, offset: u32, hsr: u32): u32 {
  const gic = changetype<Distributor>(at);
  const cpu = changetype<Vcpu>(address);
  if (!(hsr & 0x01000000)) return FAILED;
  const size = (hsr >>> 22) & 3;
  const n = (hsr >>> 16) & 15;
  const write = (hsr & 0x40) != 0;
  if (size == 0) {
    if (offset - 0x400 < 32 || offset - 0x800 < 32) {
      const place = at + (offset >= 0x800 ? 48 + offset - 0x800 : 16 + offset - 0x400);
      if (write) store<u8>(place, <u8>getRegister(cpu, n));
      else setRegister(cpu, n, load<u8>(place));
      skip(cpu, hsr);
      return 1;
    }
    return FAILED;
  }
  if (size != 2 || offset & 3) return FAILED;
  if (write) {
    const value = getRegister(cpu, n);
    switch (offset) {
      case 0: gic.control = value & 1; break;
      case 0x100: gic.enabled |= value; break;
      case 0x180: gic.enabled &= ~value; break;
      case 0x200: gic.pending |= value; break;
      case 0x280: gic.pending &= ~value; break;
      case 0xf00: {
        const target = (value >>> 16) & 0xff;
        if (target & (1 << cpu.core)) gic.pending |= 1 << (value & 15);
        break;
      }
      default:
        if (offset - 0xc00 < 8) store<u32>(at + 80 + (offset & 7), value);
        else if (offset >= 0x1000) return FAILED;
    }
  } else {
    let value: u32 = 0;
    switch (offset) {
      case 0: value = gic.control; break;
      case 4: value = 0x60; break;
      case 0x100: case 0x180: value = gic.enabled; break;
      case 0x200: case 0x280: value = gic.pending; break;
      case 0x300: value = gic.active; break;
      default: if (offset >= 0x1000) return FAILED;
    }
    setRegister(cpu, n, value);
  }
  const waiting = gic.control & 1 ? gic.pending & gic.enabled & ~gic.active : 0;
  cpu.pending = waiting;
  skip(cpu, hsr);
  return waiting != 0 ? 2 : 1;
}

/** Acknowledges the interrupt of the highest priority. */
export function acknowledge(at: usize): u32 {
  const gic = changetype<Distributor>(at);
  let waiting = gic.pending & gic.enabled & ~gic.active;
  let best: u32 = 1023;
  let least: u32 = 0x100;
  while (waiting) {
    const n = highest(waiting);
    waiting ^= 1 << n;
    const priority = <u32>load<u8>(at + n, 16);
    if (priority <= least) {
      least = priority;
      best = n;
    }
  }
  if (best == 1023) return best;
  gic.pending &= ~(1 << best);
  gic.active |= 1 << best;
  return best;
}

/** Stage-2 tables in the long format: maps blocks of 2 MiB, `count` of them. */
export function map(table: usize, ipa: u64, pa: u64, count: u32, attributes: u32): u32 {
  for (let i: u32 = 0; i < count; i++) {
    const index = <u32>(ipa >> 21) & 0x7ff;
    const entry = table + (index << 3);
    if (load<u64>(entry) & 1) return i;
    store<u64>(entry, (pa & 0xffffe00000) | attributes | 1);
    ipa += 0x200000;
    pa += 0x200000;
  }
  return count;
}

/** When the guest's timer fires, in ticks of the host's counter; and whether it has already. */
export function timer(address: usize, now: u64): u64 {
  const cpu = changetype<Vcpu>(address);
  if ((cpu.timerControl & 3) != 1) return 0xffffffffffffffff;
  const due = cpu.timerValue + cpu.offset;
  if (now >= due) {
    cpu.timerControl |= 4;
    cpu.pending |= 1 << 27;
    return 0;
  }
  return due - now;
}

/** Puts a byte into a ring that another core empties; whether there was room. */
export function put(ring: usize, byte: u32): bool {
  const head = load<u32>(ring);
  const tail = load<u32>(ring, 4);
  if (head - tail >= 256) return false;
  store<u8>(ring + (head & 255), <u8>byte, 8);
  store<u32>(ring, head + 1);
  return true;
}

/** Ticks of 19.2 MHz as microseconds. */
export function microseconds(ticks: u64): u64 {
  return (ticks * 5) / 96;
}

/** The class of an exception, as what the hypervisor does about it. */
export function classify(hsr: u32): u32 {
  switch (hsr >>> 26) {
    case 0x01: return 1;
    case 0x03: return 2;
    case 0x04: return 3;
    case 0x05: return 4;
    case 0x06: return 5;
    case 0x07: return 6;
    case 0x11: return 7;
    case 0x12: return 8;
    case 0x13: return 9;
    case 0x20: return 10;
    case 0x24: return hsr & 0x01000000 ? 11 : 12;
    default: return 0;
  }
}

/** Moves a live table entry by break before make. */
export function replace(entry: usize, value: u64): u64 {
  const before = load64(entry);
  store64(entry, 0);
  store64(entry, value);
  return before;
}

/** What stands at a register's offset, a word's number from `from` on, where there is one. */
export function register(from: u32, offset: u32): u32 {
  switch (from) {
    case 0:
      switch (offset) {
        case 0: return 1;
        case 4: return 2;
        case 0x10: return 3;
        case 0x24: return 4;
      }
      return 0;
    case 1:
      // From the third word on.
      switch (offset) {
        case 8: return 5;
        case 0xc: return 6;
        case 0x18: return 7;
        case 0x20: return 8;
        case 0x40: return 9;
      }
      return 0;
    case 2:
      // No multiples of 4, but multiples of it apart.
      switch (offset) {
        case 0x7a: return 10;
        case 0x82: return 11;
        case 0x8a: return 12;
        case 0x86: return 13;
      }
      return 0;
    default:
      // One is not.
      switch (offset) {
        case 0x20: return 14;
        case 0x24: return 15;
        case 0x28: return 16;
        case 0x2d: return 17;
      }
      return 0;
  }
}
