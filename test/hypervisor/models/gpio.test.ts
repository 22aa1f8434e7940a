/** A guest's GPIO, a PL061 (Arm DDI 0190, chapter 3), and its power key, pressed by the host's command. */
import { beforeEach, expect, test } from 'vitest';
import { guestBase, guestInterrupt, POWER_KEY_LINE } from '../../../src/hypervisor/shared/guest-machine.js';
import { NEAR_UARTS, UART_PUT, UART_SIZE } from '../../../src/hypervisor/shared/layout.js';
import { LOG_SIZE } from '../../../src/channel/layout.js';
import { GICC, GICC_IAR, GICC_EOIR, GICC_PMR, GICD } from '../payloads.js';
import { createMachine, type Machine } from './machine.js';

const GPIO = guestBase('gpio');
const IRQ = guestInterrupt('GPIO');
const ALL = 0x3fc;
const [DIR, IS, IBE, IEV, IE, RIS, MIS, IC, AFSEL] = [
  ...[0x400, 0x404, 0x408, 0x40c, 0x410, 0x414, 0x418, 0x41c, 0x420],
] as const;
const KEY = 1 << POWER_KEY_LINE;
const SYSTEM_RESET = 0x8400_0009;
const HOST = 0;
const [FIRST, OTHER] = [1, 2];
const SPURIOUS = 1023;

let machine: Machine;
const read = (register: number, core = FIRST): number => machine.load(core, GPIO + register);
const write = (register: number, value: number, core = FIRST): void => {
  machine.store(core, GPIO + register, value);
};
/** The host sends a line to the hypervisor's console. */
function send(line: string): void {
  for (const byte of Buffer.from(line, 'latin1')) machine.store(HOST, NEAR_UARTS, byte);
}
const press = (guest = 0): void => {
  send(`power-key guest-${guest}\n`);
};
function said(): string {
  const { log } = machine.image.description.consoles[0]!;
  const uarts = machine.symbol('uarts');
  const put = machine.memory.getUint32(uarts + UART_SIZE + UART_PUT, true);
  return Buffer.from(machine.memory.buffer.slice(log, log + Math.min(put, LOG_SIZE))).toString('latin1');
}
function listen(core: number): void {
  for (const [address, value, size] of [
    [GICD, 1, 4],
    [GICD + 0x100 + 4 * (IRQ >> 5), 1 << (IRQ & 31), 4],
    [GICD + 0x800 + IRQ, 1, 1],
    [GICC + GICC_PMR, 0xff, 4],
    [GICC, 1, 4],
  ] as const)
    machine.store(core, address, value, size);
}
const acknowledge = (core: number): number => machine.load(core, GICC + GICC_IAR);

beforeEach(() => {
  machine = createMachine([FIRST], [OTHER]);
});

test('is a PL061: part 0x061 by Arm, revision 0, a PrimeCell (3.3.10, 3.3.11)', () => {
  const ids = Array.from({ length: 8 }, (_, n) => read(0xfe0 + 4 * n));
  expect(ids).toEqual([0x61, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1]);
});

test('registers keep a bit for each line, and begin at 0', () => {
  const kept = [DIR, IS, IBE, IEV, IE, AFSEL];
  expect(kept.map((it) => read(it))).toEqual(kept.map(() => 0));
  kept.forEach((it, n) => {
    write(it, 0xffff_ff50 + n);
  });
  expect(kept.map((it) => read(it))).toEqual(kept.map((_, n) => 0x50 + n));
  machine.hvc(FIRST, SYSTEM_RESET);
  machine.advance(1);
  expect(kept.map((it) => read(it))).toEqual(kept.map(() => 0));
});

test('GPIODATA: the address says which lines are meant; only outputs show what was written (3.3.1)', () => {
  write(DIR, 0x0f & ~KEY);
  write(ALL, 0xff);
  expect(read(ALL)).toBe(0x07);
  write(4 * 0x02, 0);
  expect(read(ALL)).toBe(0x05);
  expect(read(4 * 0x04)).toBe(0x04);
  write(DIR, 0xff);
  expect(read(ALL)).toBe(0xfd);
});

test('a press is an edge up, and one down when the guest has seen it', () => {
  listen(FIRST);
  write(IBE, KEY);
  write(IE, KEY);
  expect([read(ALL), read(RIS), machine.line(FIRST)]).toEqual([0, 0, false]);
  press();
  expect(said()).toContain('hypberry: guest-0: power key pressed\r\n');
  expect([read(RIS), read(MIS), machine.line(FIRST)]).toEqual([KEY, KEY, true]);
  expect(acknowledge(FIRST)).toBe(IRQ);
  write(IC, KEY);
  machine.store(FIRST, GICC + GICC_EOIR, IRQ);
  expect([read(RIS), acknowledge(FIRST)]).toEqual([0, SPURIOUS]);
  // Other lines tell nothing of it.
  expect([read(4 * (0xff & ~KEY)), read(RIS)]).toEqual([0, 0]);
  expect([read(ALL), read(RIS), read(ALL)]).toEqual([KEY, KEY, 0]);
  expect(acknowledge(FIRST)).toBe(IRQ);
  // Nobody else's.
  expect([read(RIS, OTHER), read(ALL, OTHER)]).toEqual([0, 0]);
});

test.each([
  ['up', KEY, [KEY, 0]],
  ['down', 0, [0, KEY]],
])('one edge alone: %s', (_, event, [pressed, released]) => {
  write(IEV, event);
  press();
  expect(read(RIS)).toBe(pressed);
  write(IC, KEY);
  read(ALL);
  expect(read(RIS)).toBe(released);
});

test('a level interrupts as long as it is there, and is not cleared by GPIOIC (3.3.9)', () => {
  listen(FIRST);
  write(IS, KEY);
  write(IEV, KEY);
  write(IE, KEY);
  expect(read(RIS)).toBe(0);
  press();
  write(IC, KEY);
  expect([read(RIS), machine.line(FIRST)]).toEqual([KEY, true]);
  expect(read(4 * KEY)).toBe(KEY);
  expect([read(RIS), machine.line(FIRST)]).toEqual([0, false]);
  // Of a low level every line that hangs in the air has one; none that is an output.
  write(IEV, 0);
  write(IS, 0xff);
  write(DIR, 0xf0);
  expect(read(RIS)).toBe(0x0f);
});

test('a key that is no input is not felt; two presses before a look are one', () => {
  write(DIR, KEY);
  write(IBE, KEY);
  press();
  expect([read(ALL), read(RIS)]).toEqual([0, 0]);
  write(DIR, 0);
  expect(read(ALL)).toBe(KEY);
  write(IC, KEY);
  press();
  press();
  expect([read(ALL), read(ALL)]).toEqual([KEY, 0]);
});

test('a guest that waits for interrupts wakes; one that begins again has its key up', () => {
  listen(FIRST);
  write(IBE, KEY);
  write(IE, KEY);
  machine.wfi(FIRST);
  expect(machine.asleep(FIRST)).toBe(true);
  press();
  machine.advance(1);
  expect(machine.asleep(FIRST)).toBe(false);
  machine.hvc(FIRST, SYSTEM_RESET);
  machine.advance(1);
  expect([read(ALL), read(RIS)]).toEqual([0, 0]);
});

test('only a guest’s whole name presses a key', () => {
  for (const line of ['power-key guest-\n', 'power-key guest-00\n', 'power-key  guest-0\n', 'power-key\n'])
    send(line);
  send('power-key guest-7\npower-keyguest-0\n power-key guest-0\n');
  expect([read(ALL), read(ALL, OTHER)]).toEqual([0, 0]);
  expect(said()).not.toContain('power key');
  send('power-key guest-1\r\n');
  expect([read(ALL), read(ALL, OTHER)]).toEqual([0, KEY]);
});
