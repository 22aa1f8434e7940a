/** A guest's real-time clock, a PL031 (Arm DDI 0224, chapter 3). */
import { beforeEach, expect, test } from 'vitest';
import { guestBase, guestInterrupt } from '../../../src/hypervisor/shared/guest-machine.js';
import {
  HOST_TIME_COUNT,
  HOST_TIME_KNOWN,
  HOST_TIME_SECONDS,
  LOG_SIZE,
  UART_PUT,
  UART_SIZE,
} from '../../../src/hypervisor/shared/layout.js';
import { CRYSTAL_HZ } from '../../../src/board/bcm2836.js';
import { GICC, GICC_IAR, GICC_PMR, GICD } from '../payloads.js';
import { createMachine, type Machine } from './machine.js';

const RTC = guestBase('rtc');
const IRQ = guestInterrupt('RTC');
const [DR, MR, LR, CR, IMSC, RIS, MIS, ICR] = [0, 4, 8, 0xc, 0x10, 0x14, 0x18, 0x1c];
const SYSTEM_RESET = 0x8400_0009;
const [FIRST, SECOND] = [1, 2];
const SPURIOUS = 1023;
/** 29 November 2026, 12:00:00 UTC. */
const NOW = 1_795_953_600;

let machine: Machine;
const read = (register: number, core = FIRST): number => machine.load(core, RTC + register);
const write = (register: number, value: number, core = FIRST): void => {
  machine.store(core, RTC + register, value);
};
const pass = (seconds: number): void => {
  machine.advance(seconds * CRYSTAL_HZ);
};
/** What the hypervisor has said. */
function said(): string {
  const [log, uarts] = [machine.symbol('logs'), machine.symbol('uarts')];
  const put = machine.memory.getUint32(uarts + UART_SIZE + UART_PUT, true);
  return Buffer.from(machine.memory.buffer.slice(log, log + Math.min(put, LOG_SIZE))).toString('latin1');
}
/** The host says what time it is. */
function sayTime(seconds: number): void {
  const at = machine.symbol('hostTime');
  machine.memory.setUint32(at + HOST_TIME_SECONDS, seconds, true);
  machine.memory.setBigUint64(at + HOST_TIME_COUNT, machine.time(), true);
  machine.memory.setUint32(at + HOST_TIME_KNOWN, 1, true);
}
/** Lets the clock's interrupt through to a CPU. */
function listen(core: number, cpus: number): void {
  for (const [address, value, size] of [
    [GICD, 1, 4],
    [GICD + 0x100 + 4 * (IRQ >> 5), 1 << (IRQ & 31), 4],
    [GICD + 0x800 + IRQ, cpus, 1],
    [GICC + GICC_PMR, 0xff, 4],
    [GICC, 1, 4],
  ] as const)
    machine.store(core, address, value, size);
}
const acknowledge = (core: number): number => machine.load(core, GICC + GICC_IAR);

beforeEach(() => {
  machine = createMachine([FIRST, SECOND]);
});

test('is a PL031: part 0x031 by Arm, revision 0, a PrimeCell (3.3.9, 3.3.10)', () => {
  const ids = Array.from({ length: 8 }, (_, n) => read(0xfe0 + 4 * n));
  expect(ids).toEqual([0x31, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
  expect(read(CR)).toBe(1);
  write(CR, 0);
  expect(read(CR)).toBe(1);
  expect(read(0x20)).toBe(0);
});

test('without a time it counts from the start, and that is said once a start', () => {
  expect(said()).not.toContain('time');
  expect(read(DR)).toBe(0);
  pass(0.999);
  expect(read(DR)).toBe(0);
  pass(0.001);
  expect(read(DR)).toBe(1);
  pass(100_000);
  expect(read(DR)).toBe(100_001);
  const line =
    'hypberry: guest-0: asks for the time, which the host has not given: its clock begins at 1970\r\n';
  expect(said().split(line)).toHaveLength(2);
  machine.hvc(FIRST, SYSTEM_RESET);
  machine.advance(1);
  expect(read(DR)).toBe(0);
  expect(said().split(line)).toHaveLength(3);
});

test('it shows the host’s time as soon as that is known, and says nothing then', () => {
  sayTime(NOW);
  pass(5);
  expect(read(DR)).toBe(NOW + 5);
  expect(said()).not.toContain('time');
  machine.hvc(FIRST, SYSTEM_RESET);
  pass(2);
  expect(read(DR)).toBe(NOW + 7);
});

test('what a guest sets is its own, until its restart', () => {
  sayTime(NOW);
  write(LR, 1000);
  expect([read(LR), read(DR)]).toEqual([1000, 1000]);
  pass(3);
  expect([read(LR), read(DR)]).toEqual([1000, 1003]);
  write(LR, 0xffff_ffff);
  pass(2);
  expect(read(DR)).toBe(1);
  machine.hvc(FIRST, SYSTEM_RESET);
  machine.advance(1);
  expect([read(LR), read(DR)]).toEqual([0, NOW + 5]);
});

test('the alarm interrupts when the clock comes to it, also a CPU that waits', () => {
  sayTime(NOW);
  listen(FIRST, 1);
  pass(0.5);
  write(IMSC, 1);
  write(MR, NOW + 3);
  expect([read(MR), read(RIS), read(MIS)]).toEqual([NOW + 3, 0, 0]);
  machine.wfi(FIRST);
  expect(machine.asleep(FIRST)).toBe(true);
  machine.advance(2.5 * CRYSTAL_HZ - 1);
  expect(machine.asleep(FIRST)).toBe(true);
  machine.advance(1);
  expect(machine.asleep(FIRST)).toBe(false);
  expect([read(DR), read(RIS), read(MIS)]).toEqual([NOW + 3, 1, 1]);
  expect(acknowledge(FIRST)).toBe(IRQ);
  write(ICR, 1);
  expect([read(RIS), read(MIS)]).toEqual([0, 0]);
  // Once: it does not come again.
  pass(10);
  expect(read(RIS)).toBe(0);
});

test('without its mask bit it is seen, and interrupts when that is set', () => {
  listen(FIRST, 1);
  write(MR, 2);
  pass(2);
  expect([read(RIS), read(MIS), machine.line(FIRST)]).toEqual([1, 0, false]);
  write(IMSC, 0xff);
  expect([read(IMSC), read(MIS), machine.line(FIRST)]).toEqual([1, 1, true]);
  write(IMSC, 0);
  expect([read(MIS), machine.line(FIRST)]).toEqual([0, false]);
  expect(acknowledge(FIRST)).toBe(SPURIOUS);
});

test('an alarm for this second comes at once; setting the clock moves the alarm', () => {
  pass(4);
  write(MR, 4);
  expect(read(RIS)).toBe(1);
  write(ICR, 1);
  write(MR, 100);
  write(LR, 98);
  pass(1);
  expect(read(RIS)).toBe(0);
  pass(1);
  expect(read(RIS)).toBe(1);
});

test('one CPU sets it, another is interrupted; one that another CPU set later counts alone', () => {
  machine.hvc(FIRST, 0x8400_0003, 1, 0x4000_9000, 0);
  listen(FIRST, 2);
  listen(SECOND, 2);
  write(IMSC, 1);
  write(MR, 5, FIRST);
  write(MR, 3, SECOND);
  pass(3);
  expect(acknowledge(SECOND)).toBe(IRQ);
  write(ICR, 1, SECOND);
  machine.store(SECOND, GICC + 0x10, IRQ);
  pass(3);
  expect([read(RIS), acknowledge(SECOND)]).toEqual([0, SPURIOUS]);
});

test('the physical timer’s register shows nothing of it, and both come', () => {
  write(MR, 2);
  expect(machine.readTimer(FIRST, 'CTL')).toBe(0);
  machine.writeTimer(FIRST, 'TVAL', CRYSTAL_HZ);
  machine.writeTimer(FIRST, 'CTL', 1);
  expect(machine.readTimer(FIRST, 'CTL')).toBe(1);
  pass(1);
  expect([machine.readTimer(FIRST, 'CTL'), read(RIS)]).toEqual([5, 0]);
  machine.writeTimer(FIRST, 'CTL', 0);
  pass(1);
  expect([machine.readTimer(FIRST, 'CTL'), read(RIS)]).toEqual([0, 1]);
});
