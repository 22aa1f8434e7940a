/** Guests' timers against the Generic Timer's chapter of the ARM ARM (DDI 0406C, B8), by section. */
import { beforeEach, describe, expect, test } from 'vitest';
import { VCPU_SIZE } from '../../../src/hypervisor/shared/layout.js';
import { GICC, GICD } from '../payloads.js';
import type { Machine } from './machine.js';
import { createMachine } from './machine.js';

/** The timers' private interrupts of a machine with a GIC. */
const [VIRTUAL, PHYSICAL] = [27, 30];
const [ENABLE, IMASK, ISTATUS] = [1, 2, 4];
const [IAR, EOIR, HPPIR] = [0x0c, 0x10, 0x18];
const [ISPENDR, ICPENDR] = [0x200, 0x280];
const SPURIOUS = 1023;
const [CORE, OTHER] = [1, 2];

let machine: Machine;
const interrupts = (core: number): void => {
  for (const [address, value] of [
    [GICD, 1],
    [GICD + 0x100, (1 << VIRTUAL) | (1 << PHYSICAL)],
    [GICC + 4, 0xff],
    [GICC, 1],
  ] as const)
    machine.store(core, address, value);
};
const interrupt = (offset: number): number => machine.load(CORE, GICC + offset);
/** What a guest's MCR to a register that does not trap does. */
const setVirtual = (after: number, control = ENABLE): void => {
  machine.set(CORE, 'CNTV_CVAL', machine.time() - machine.get(CORE, 'CNTVOFF') + BigInt(after));
  machine.set(CORE, 'CNTV_CTL', BigInt(control));
};
beforeEach(() => {
  machine = createMachine([CORE]);
  interrupts(CORE);
});

describe('the virtual timer', () => {
  test('interrupts when its count has come, and not before', () => {
    setVirtual(1000);
    machine.advance(999);
    expect(machine.line(CORE)).toBe(false);
    machine.advance(1);
    expect(machine.line(CORE)).toBe(true);
    expect(interrupt(IAR)).toBe(VIRTUAL);
  });

  test('is a level: ended while its condition is met, it comes again (B8.1.6)', () => {
    setVirtual(10);
    machine.advance(10);
    interrupt(IAR);
    expect(machine.line(CORE)).toBe(false);
    machine.store(CORE, GICC + EOIR, VIRTUAL);
    machine.advance(1);
    expect(machine.line(CORE)).toBe(true);
  });

  test('set anew before the end, it interrupts once each time', () => {
    setVirtual(10);
    machine.advance(10);
    interrupt(IAR);
    setVirtual(1000);
    machine.store(CORE, GICC + EOIR, VIRTUAL);
    machine.advance(999);
    expect(machine.line(CORE)).toBe(false);
    machine.advance(1);
    expect(interrupt(IAR)).toBe(VIRTUAL);
  });

  test('masked or off after it fired, nothing is left to take', () => {
    for (const control of [0, ENABLE | IMASK]) {
      setVirtual(10);
      machine.advance(10);
      machine.set(CORE, 'CNTV_CTL', BigInt(control));
      expect(machine.line(CORE)).toBe(true);
      expect(interrupt(IAR)).toBe(SPURIOUS);
      expect(machine.line(CORE)).toBe(false);
    }
  });

  test('wakes its CPU from WFI (B8.1.5)', () => {
    setVirtual(5000);
    machine.wfi(CORE);
    expect(machine.asleep(CORE)).toBe(true);
    machine.advance(4999);
    expect(machine.asleep(CORE)).toBe(true);
    machine.advance(1);
    expect([machine.asleep(CORE), machine.line(CORE)]).toEqual([false, true]);
  });

  test('fires for a CPU that does not run: two guests on a core', () => {
    machine = createMachine([CORE], [CORE]);
    const first = machine.running(CORE);
    interrupts(CORE);
    setVirtual(500_000);
    machine.wfi(CORE);
    const second = machine.running(CORE);
    expect(second).not.toBe(first);
    machine.advance(499_999);
    expect(machine.running(CORE)).toBe(second);
    // From then on both want the core: a slice is 5 ms.
    machine.advance(1 + 96_000);
    expect(machine.running(CORE)).toBe(first);
    expect(machine.line(CORE)).toBe(true);
    expect(interrupt(IAR)).toBe(VIRTUAL);
  });
});

describe('the physical timer, which is emulated', () => {
  test('interrupts when its count has come; ISTATUS says so (B8.1.6, CNTP_CTL)', () => {
    machine.writeTimer(CORE, 'TVAL', 1000);
    machine.writeTimer(CORE, 'CTL', ENABLE);
    expect(machine.readTimer(CORE, 'CTL')).toBe(ENABLE);
    machine.advance(999);
    expect([machine.line(CORE), machine.readTimer(CORE, 'TVAL')]).toEqual([false, 1]);
    machine.advance(1);
    expect([machine.line(CORE), machine.readTimer(CORE, 'CTL')]).toEqual([true, ENABLE | ISTATUS]);
    expect(interrupt(IAR)).toBe(PHYSICAL);
  });

  test('TVAL goes on to negative values, and is signed when it is written (B8.1.5)', () => {
    machine.advance(100);
    machine.writeTimer(CORE, 'TVAL', 0xffff_fff6);
    machine.writeTimer(CORE, 'CTL', ENABLE);
    expect(machine.line(CORE)).toBe(true);
    machine.advance(5);
    expect(machine.readTimer(CORE, 'TVAL') | 0).toBe(-15);
  });

  test('IMASK keeps the interrupt, not ISTATUS; a disabled one has none', () => {
    machine.writeTimer(CORE, 'TVAL', 10);
    machine.writeTimer(CORE, 'CTL', ENABLE | IMASK);
    machine.advance(10);
    expect([machine.line(CORE), machine.readTimer(CORE, 'CTL')]).toEqual([false, ENABLE | IMASK | ISTATUS]);
    machine.writeTimer(CORE, 'CTL', ENABLE);
    expect(machine.line(CORE)).toBe(true);
    machine.writeTimer(CORE, 'CTL', 0);
    expect([machine.line(CORE), interrupt(HPPIR)]).toEqual([false, SPURIOUS]);
  });

  test('its line is a level: ICPENDR does not take it back, nor does what software made pending hide it', () => {
    machine.store(CORE, GICD + ISPENDR, 1 << PHYSICAL);
    machine.writeTimer(CORE, 'TVAL', 10);
    machine.writeTimer(CORE, 'CTL', ENABLE);
    machine.store(CORE, GICD + ISPENDR, 1 << PHYSICAL);
    machine.store(CORE, GICD + ICPENDR, 1 << PHYSICAL);
    expect(machine.line(CORE)).toBe(false);
    machine.advance(10);
    expect(machine.line(CORE)).toBe(true);
    machine.store(CORE, GICD + ICPENDR, 1 << PHYSICAL);
    expect(machine.line(CORE)).toBe(true);
    expect(interrupt(IAR)).toBe(PHYSICAL);
  });

  test('set anew in its handler it is a level no more, until its new time', () => {
    machine.writeTimer(CORE, 'TVAL', 10);
    machine.writeTimer(CORE, 'CTL', ENABLE);
    machine.advance(10);
    expect(interrupt(IAR)).toBe(PHYSICAL);
    machine.writeTimer(CORE, 'TVAL', 100);
    machine.store(CORE, GICC + EOIR, PHYSICAL);
    expect(machine.line(CORE)).toBe(false);
    machine.advance(100);
    expect(machine.line(CORE)).toBe(true);
  });

  test('its count is the virtual one: it begins at the machine’s start, and is the same on all its CPUs', () => {
    machine = createMachine([CORE, OTHER]);
    machine.hvc(CORE, 0x8400_0003, 1, 0x4000_8000, 0);
    machine.advance(12_345);
    const counts = [CORE, OTHER].map((core) => machine.physicalCount(core));
    expect(counts[0]).toBe(machine.time() - machine.get(CORE, 'CNTVOFF'));
    expect(counts[0]).toBe(counts[1]);
    expect(counts[0]! < 20_000n).toBe(true);
  });
});

// The counter of a machine begins later than the core's: CompareValue and CNTVOFF together were more than 64 bits.
test('a timer whose count never comes does not fire, whether its CPU runs or not (B8.1.5: 64 bits without a sign)', () => {
  machine = createMachine([CORE], [CORE]);
  for (let n = 0; n < 2; n++) {
    interrupts(CORE);
    machine.set(CORE, 'CNTV_CVAL', 0xffff_ffff_ffff_ffffn);
    machine.set(CORE, 'CNTV_CTL', BigInt(ENABLE));
    // CNTP_CVAL, by MCRR from R0 and R1.
    const vcpu = machine.symbol('vcpus') + machine.running(CORE) * VCPU_SIZE;
    machine.memory.setBigUint64(vcpu, 0xffff_ffff_ffff_fff0n, true);
    machine.trap(CORE, MCRR | (2 << 16) | (1 << 10) | (14 << 1));
    machine.writeTimer(CORE, 'CTL', ENABLE);
    expect(machine.line(CORE)).toBe(false);
    machine.wfi(CORE);
  }
  expect(machine.asleep(CORE)).toBe(true);
  machine.advance(1_000_000);
  expect(machine.asleep(CORE)).toBe(true);
});
/** HSR of a trapped MCRR of CP15, always executed. */
const MCRR = (0x04 << 26) | (1 << 25) | (1 << 24) | (0xe << 20);

test('one guest’s machine is not the other’s: neither interrupts nor timers cross', () => {
  machine = createMachine([CORE], [OTHER]);
  for (const core of [CORE, OTHER]) interrupts(core);
  machine.store(CORE, GICD + 0xf00, (0xff << 16) | 5);
  machine.writeTimer(CORE, 'TVAL', 1);
  machine.writeTimer(CORE, 'CTL', ENABLE);
  machine.advance(10);
  expect([machine.line(CORE), machine.line(OTHER)]).toEqual([true, false]);
});
