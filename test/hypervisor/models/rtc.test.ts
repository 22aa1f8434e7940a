/** A guest's real-time clock, a PL031 (Arm DDI 0224, chapter 3). */
import { beforeEach, expect, test } from 'vitest';
import * as C from '../../../src/channel/layout.js';
import { guestBase, guestInterrupt } from '../../../src/hypervisor/shared/guest-machine.js';
import { UART_PUT, UART_SIZE } from '../../../src/hypervisor/shared/layout.js';
import { CRYSTAL_HZ } from '../../../src/board/bcm2836.js';
import { LOG_SIZE } from '../../../src/channel/layout.js';
import { GICC, GICC_IAR, GICC_PMR, GICD } from '../payloads.js';
import { createMachineOfGuests, type Machine } from './machine.js';
import { macOf } from './network.js';

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
  const { log } = machine.image.description.consoles[0]!;
  const uarts = machine.symbol('uarts');
  const put = machine.memory.getUint32(uarts + UART_SIZE + UART_PUT, true);
  return Buffer.from(machine.memory.buffer.slice(log, log + Math.min(put, LOG_SIZE))).toString('latin1');
}
let turn = 0;
const ringHost = (): void => {
  machine.store(0, C.DOORBELL + C.DOORBELL_HOST, 1);
};
const setHostWord = (at: number, value: number): void => {
  machine.memory.setUint32(machine.image.channel.address + C.HOST_PAGE + at, value >>> 0, true);
};
/** Writes what the host says of the time: CHANNEL.md, "The time". */
function writeTime(seconds: number, nanoseconds = 0, count = machine.time()): void {
  setHostWord(C.HOST_SECONDS, seconds);
  setHostWord(C.HOST_NANOSECONDS, nanoseconds);
  setHostWord(C.HOST_COUNT, Number(count & 0xffff_ffffn));
  setHostWord(C.HOST_COUNT + 4, Number(count >> 32n));
}
/** The host says what time it is. */
function sayTime(seconds: number, nanoseconds = 0, count = machine.time()): void {
  writeTime(seconds, nanoseconds, count);
  setHostWord(C.HOST_TURN, (turn += 2));
  ringHost();
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
  machine = createMachineOfGuests([{ cores: [FIRST, SECOND], network: { mac: macOf(0), isolated: false } }]);
  turn = 0;
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

test('it follows each step of the host’s clock, and counts parts of a second', () => {
  sayTime(NOW, 750_000_000);
  pass(0.249);
  expect(read(DR)).toBe(NOW);
  pass(0.002);
  expect(read(DR)).toBe(NOW + 1);
  sayTime(NOW + 86_400);
  expect(read(DR)).toBe(NOW + 86_400);
  sayTime(NOW - 86_400);
  pass(1);
  expect(read(DR)).toBe(NOW - 86_400 + 1);
});

test('a time is that of its count, however late the bell is heard; without a count it is that of the bell', () => {
  const then = machine.time();
  pass(100);
  sayTime(NOW, 0, then);
  expect(read(DR)).toBe(NOW + 100);
  pass(7);
  sayTime(NOW, 0, 0n);
  pass(3);
  // Said once: another bell, for a port perhaps, says nothing new.
  ringHost();
  expect(read(DR)).toBe(NOW + 3);
});

test('a time that is being written, or none, is not taken', () => {
  sayTime(NOW);
  writeTime(NOW + 1000);
  setHostWord(C.HOST_TURN, turn + 1);
  ringHost();
  expect(read(DR)).toBe(NOW);
  writeTime(0);
  setHostWord(C.HOST_TURN, (turn += 2));
  ringHost();
  expect(read(DR)).toBe(NOW);
  expect(said()).not.toContain('time');
});

test('who has no time yet says so: the clock begins at 1970', () => {
  sayTime(0);
  expect(read(DR)).toBe(0);
  expect(said()).toContain('which the host has not given');
});

test.each<[string, number, number, boolean]>([
  ['forwards, to before it', 60, 39, false],
  ['forwards, onto it', 100, 0, true],
  ['forwards, past it', 1000, 0, true],
  ['backwards', -60, 159, false],
])('an alarm goes with the host’s clock that is set %s', (_, step, left, isOver) => {
  sayTime(NOW);
  listen(FIRST, 1);
  write(IMSC, 1);
  write(MR, NOW + 100);
  machine.wfi(FIRST);
  sayTime(NOW + step);
  machine.advance(1);
  expect(machine.asleep(FIRST)).toBe(!isOver);
  if (isOver) return;
  pass(left);
  expect(machine.asleep(FIRST)).toBe(true);
  pass(1);
  expect(machine.asleep(FIRST)).toBe(false);
  expect([read(DR), read(RIS)]).toEqual([NOW + 100, 1]);
});

test('what a guest sets is its own, until its restart', () => {
  sayTime(NOW);
  write(LR, 1000);
  expect([read(LR), read(DR)]).toEqual([1000, 1000]);
  pass(3);
  expect([read(LR), read(DR)]).toEqual([1000, 1003]);
  write(MR, 2000);
  sayTime(NOW + 3);
  expect([read(DR), read(RIS)]).toEqual([1003, 0]);
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
