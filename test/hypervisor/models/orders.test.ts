/** What the host is shown of guests, and what it has them do, by the channel's doorbell (CHANNEL.md). */
import { beforeEach, expect, test } from 'vitest';
import * as C from '../../../src/channel/layout.js';
import { CRYSTAL_HZ } from '../../../src/board/bcm2836.js';
import { NEAR_UARTS, UART_PUT, UART_SIZE } from '../../../src/hypervisor/shared/layout.js';
import { randomFrom } from '../../board/rig.js';
import { GUEST_UART } from '../payloads.js';
import { createMachineOfGuests, type Machine } from './machine.js';

const SYSTEM_OFF = 0x8400_0008;
const SYSTEM_RESET = 0x8400_0009;
const CPU_ON = 0x8400_0003;
/** No instruction leads to a trap of this class (DDI 0406C B3.13.6). */
const NO_TRAP = 0x3f << 26;
const [HOST, A, B] = [0, 1, 2];
const [CORE_A, CORE_B, CORE_B2] = [1, 2, 3];
const DR = 0;

let machine: Machine;
const stateAt = (n: number): number => machine.image.channel.address + C.STATES + n * C.STATE_SIZE;
const wordOf = (n: number, offset: number): number => machine.memory.getUint32(stateAt(n) + offset, true);
const ring = (offset: number, value = 1): void => {
  machine.store(HOST, C.DOORBELL + offset, value);
};
/** What is shown of a guest or console, after asking. */
const shown = (n: number, offset: number): number => {
  ring(C.DOORBELL_STATES);
  return wordOf(n, offset);
};
const does = (n: number): number => shown(n, C.STATE_DOES);
const order = (n: number, what: number): void => {
  ring(C.DOORBELL_GUEST, what | (n << C.ORDER_GUEST_SHIFT));
};
/** What the hypervisor has said. */
function said(): string {
  const { log } = machine.image.description.consoles[0]!;
  const put = machine.memory.getUint32(machine.symbol('uarts') + UART_SIZE + UART_PUT, true);
  return Buffer.from(machine.memory.buffer.slice(log, log + put)).toString('latin1');
}
const countOf = (line: string): number => said().split(`hypberry: ${line}\r\n`).length - 1;

beforeEach(() => {
  machine = createMachineOfGuests([{ cores: [CORE_A] }, { cores: [CORE_B, CORE_B2] }]);
});

test('it is shown what guests do, and nothing before it asks', () => {
  expect([A, B].map((n) => wordOf(n, C.STATE_DOES))).toEqual([0, 0]);
  expect([A, B].map(does)).toEqual([C.DOES_RUN, C.DOES_RUN]);
  expect([A, B].map((n) => shown(n, C.STATE_ON))).toEqual([1, 1]);
  machine.hvc(CORE_B, CPU_ON, 1, 0x4000_8000, 0);
  expect(shown(B, C.STATE_ON)).toBe(2);
  const turn = wordOf(A, C.STATE_TURN);
  expect([turn % 2, shown(A, C.STATE_TURN)]).toEqual([0, turn + 2]);
  expect(shown(0, C.STATE_LOGGED)).toBe(said().length);
  machine.hvc(CORE_A, SYSTEM_OFF);
  expect([A, B].map(does)).toEqual([C.DOES_OFF, C.DOES_RUN]);
  expect(shown(A, C.STATE_ON)).toBe(0);
});

test('consoles are shown alone where nothing else is asked for', () => {
  machine.store(CORE_A, GUEST_UART + DR, 0x41);
  ring(C.DOORBELL_CONSOLES);
  expect(wordOf(A, C.STATE_LOGGED)).toBe(1);
  expect(wordOf(HOST, C.STATE_LOGGED)).toBe(said().length);
  expect([A, B].map((n) => wordOf(n, C.STATE_TURN))).toEqual([0, 0]);
});

test('a guest that does not start by itself is off until the host starts it, and then like any other', () => {
  machine = createMachineOfGuests([{ cores: [CORE_A], autostart: false }, { cores: [CORE_B, CORE_B2] }]);
  expect([does(A), shown(A, C.STATE_ON), does(B)]).toEqual([C.DOES_OFF, 0, C.DOES_RUN]);
  expect(countOf('guest-0: does not start until the host starts it')).toBe(1);
  machine.advance(5 * CRYSTAL_HZ);
  expect(does(A)).toBe(C.DOES_OFF);
  order(A, C.ORDER_START);
  machine.advance(CRYSTAL_HZ);
  expect([does(A), shown(A, C.STATE_ON), wordOf(A, C.STATE_CRASHES)]).toEqual([C.DOES_RUN, 1, 0]);
  machine.hvc(CORE_A, SYSTEM_RESET);
  machine.advance(CRYSTAL_HZ);
  expect(does(A)).toBe(C.DOES_RUN);
  order(A, C.ORDER_OFF);
  expect(does(A)).toBe(C.DOES_OFF);
});

test('a crash is counted, and the guest pauses for a second', () => {
  machine.trap(CORE_A, NO_TRAP);
  expect([does(A), wordOf(A, C.STATE_CRASHES), does(B)]).toEqual([C.DOES_PAUSE, 1, C.DOES_RUN]);
  machine.advance(CRYSTAL_HZ);
  expect([does(A), wordOf(A, C.STATE_CRASHES), wordOf(B, C.STATE_CRASHES)]).toEqual([C.DOES_RUN, 1, 0]);
});

test('the time that its CPUs have had cores is counted from its start on', () => {
  const busy = (n: number): number => {
    ring(C.DOORBELL_STATES);
    return shown(n, C.STATE_BUSY);
  };
  machine.advance(CRYSTAL_HZ);
  expect(Math.abs(busy(A) - 100)).toBeLessThanOrEqual(2);
  machine.wfi(CORE_A);
  expect(machine.asleep(CORE_A)).toBe(true);
  machine.advance(10 * CRYSTAL_HZ);
  expect(Math.abs(busy(A) - 100)).toBeLessThanOrEqual(2);
  // One of its two was never on.
  expect(Math.abs(busy(B) - 1100)).toBeLessThanOrEqual(2);
  const ticks = wordOf(B, C.STATE_TICKS) + 2 ** 32 * wordOf(B, C.STATE_TICKS + 4);
  expect(Math.abs(ticks - 11 * CRYSTAL_HZ)).toBeLessThan(CRYSTAL_HZ / 100);
  machine.hvc(CORE_B, SYSTEM_RESET);
  machine.advance(CRYSTAL_HZ / 2);
  expect(Math.abs(busy(B) - 50)).toBeLessThanOrEqual(2);
});

test('a guest is switched off and on, and the other goes on', () => {
  machine.hvc(CORE_B, CPU_ON, 1, 0x4000_8000, 0);
  const other = machine.pc(CORE_A);
  order(B, C.ORDER_OFF);
  expect([does(B), shown(B, C.STATE_ON), does(A)]).toEqual([C.DOES_OFF, 0, C.DOES_RUN]);
  expect([CORE_B, CORE_B2].map((core) => machine.asleep(core))).toEqual([true, true]);
  expect(countOf('guest-1: powered off')).toBe(1);
  order(B, C.ORDER_OFF);
  expect(countOf('guest-1: powered off')).toBe(1);
  order(B, C.ORDER_START);
  expect([does(B), shown(B, C.STATE_ON)]).toEqual([C.DOES_RUN, 1]);
  expect([countOf('guest-1: started'), countOf('guest-0: started')]).toEqual([2, 1]);
  // It is on already.
  order(B, C.ORDER_START);
  machine.advance(CRYSTAL_HZ);
  expect([does(B), countOf('guest-1: started')]).toEqual([C.DOES_RUN, 2]);
  expect([machine.pc(CORE_A), countOf('guest-0: powered off')]).toEqual([other, 0]);
});

test('one that has switched itself off, by its CPUs one by one too, is started again', () => {
  const CPU_OFF = 0x8400_0002;
  for (const call of [SYSTEM_OFF, CPU_OFF]) {
    machine.hvc(CORE_A, call);
    expect(does(A)).toBe(C.DOES_OFF);
    order(A, C.ORDER_START);
    expect(does(A)).toBe(C.DOES_RUN);
  }
  // What was wanted before is over: it may restart itself.
  order(A, C.ORDER_OFF);
  order(A, C.ORDER_START);
  machine.hvc(CORE_A, SYSTEM_RESET);
  expect(does(A)).toBe(C.DOES_RUN);
});

test('one that crashes again and again is switched off in its pause, one that waits for its disks, too', () => {
  machine.trap(CORE_A, NO_TRAP);
  order(A, C.ORDER_OFF);
  expect(does(A)).toBe(C.DOES_OFF);
  machine.advance(2 * CRYSTAL_HZ);
  expect(does(A)).toBe(C.DOES_OFF);
  machine = createMachineOfGuests([
    { cores: [CORE_A], disks: [{ path: '/srv/a', size: 1 << 20, readOnly: false }] },
    { cores: [CORE_B] },
  ]);
  expect(does(A)).toBe(C.DOES_WAIT);
  order(A, C.ORDER_OFF);
  expect([does(A), does(B)]).toEqual([C.DOES_OFF, C.DOES_RUN]);
  order(A, C.ORDER_START);
  expect(does(A)).toBe(C.DOES_WAIT);
});

test('a power key is pressed', () => {
  order(B, C.ORDER_POWER_KEY);
  expect([countOf('guest-1: power key pressed'), countOf('guest-0: power key pressed')]).toEqual([1, 0]);
});

test('a byte that is sent is the guest’s to read, and what there is no room for is lost', () => {
  const read = (): number => machine.load(CORE_A, GUEST_UART + DR);
  order(A, C.ORDER_SEND | 0x41);
  order(A, C.ORDER_SEND | 0xff);
  expect([shown(A, C.STATE_UNREAD), wordOf(B, C.STATE_UNREAD)]).toEqual([2, 0]);
  expect([read(), read(), read()]).toEqual([0x41, 0xff, 0]);
  expect(shown(A, C.STATE_UNREAD)).toBe(0);
  machine.store(CORE_A, GUEST_UART + 0x30, 0x301);
  for (let n = 0; n < C.UNREAD_SIZE + 3; n++) order(A, C.ORDER_SEND | (n & 0x7f));
  expect(shown(A, C.STATE_UNREAD)).toBe(C.UNREAD_SIZE);
  expect([read(), read()]).toEqual([0, 1]);
});

test('what a guest says is in its log, where the host finds it by the count', () => {
  for (const byte of Buffer.from('hello\n')) machine.store(CORE_B, GUEST_UART + DR, byte);
  expect([shown(B, C.STATE_LOGGED), wordOf(A, C.STATE_LOGGED)]).toEqual([6, 0]);
  const log = machine.image.channel.address + C.LOGS + B * C.LOG_SIZE;
  expect(Buffer.from(machine.memory.buffer.slice(log, log + 6)).toString()).toBe('hello\n');
});

test('nonsense does nothing, whatever else stands in the channel', () => {
  const random = randomFrom(1);
  const before = said();
  const anything = (): number => random(0x1_0000) | (random(0x1_0000) << 16);
  for (let n = 0; n < 2000; n++) {
    const at = machine.image.channel.address + [C.STATES, C.LOGS][random(2)]! + 4 * random(0x400);
    machine.memory.setUint32(at, anything(), true);
    // No guest has such a number, or no such order is one.
    const guest = [0, 3, 4, 8, 255][random(5)]!;
    ring(C.DOORBELL_GUEST, (anything() & ~0xff00) | (guest << C.ORDER_GUEST_SHIFT));
    ring(C.DOORBELL_GUEST, ((5 + random(0xfffa)) << 16) | ((1 + random(2)) << C.ORDER_GUEST_SHIFT));
    ring(C.DOORBELL_GUEST, (1 + random(2)) << C.ORDER_GUEST_SHIFT);
    ring(4 * (C.MOST_PORTS + random(0x3e0)), anything());
  }
  expect([A, B].map(does)).toEqual([C.DOES_RUN, C.DOES_RUN]);
  expect([A, B].map((n) => wordOf(n, C.STATE_UNREAD))).toEqual([0, 0]);
  expect(shown(0, C.STATE_LOGGED)).toBe(before.length);
  // A near end shows what stands in the log, and goes on.
  machine.store(CORE_A, GUEST_UART + DR, 0x41);
  expect(machine.load(HOST, NEAR_UARTS + 0x1000 + DR)).toBe(0x41);
});
