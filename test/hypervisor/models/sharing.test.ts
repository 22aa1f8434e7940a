/** What a machine's interrupts cost another one on the same core: nothing, unless somebody is to be woken. */
import { beforeEach, describe, expect, test } from 'vitest';
import { GICC, GICD, GUEST_UART } from '../payloads.js';
import type { Machine } from './machine.js';
import { createMachine } from './machine.js';

const CPU_ON = 0x8400_0003;
const [D_CTLR, D_ISENABLER1, D_ITARGETSR1, D_SGIR] = [0x000, 0x104, 0x820, 0xf00];
const [C_CTLR, C_PMR] = [0x00, 0x04];
/** The noisy machine has a core of its own, and half of the one that the other has. */
const [OWN, COMMON] = [1, 2];
/** Places in the list of all vcpus: the host's four come first. */
const [SECOND, OTHER] = [5, 6];
const MANY = 50;
/** A slice, and more than one, in ticks; and less than what going first costs. */
const [SLICE, TURN, LITTLE] = [96_000, 100_000, 100];

let machine: Machine;
const sgi = (): void => {
  machine.store(OWN, GICD + D_SGIR, (1 << 17) | 3);
};
const interruptsOf = (what: () => void): number => {
  const before = machine.interrupts(COMMON);
  for (let i = 0; i < MANY; i++) what();
  return machine.interrupts(COMMON) - before;
};
const until = (vcpu: number): void => {
  for (let turns = 0; machine.running(COMMON) !== vcpu; turns++) {
    if (turns > 4) throw new Error(`vcpu ${vcpu} never gets the core`);
    machine.advance(TURN);
  }
};

beforeEach(() => {
  machine = createMachine([OWN, COMMON], [COMMON]);
  machine.hvc(OWN, CPU_ON, 1, 0x4000_8000, 0);
  machine.store(OWN, GICD + D_CTLR, 1);
  until(SECOND);
  machine.store(COMMON, GICC + C_PMR, 0xf0);
  machine.store(COMMON, GICC + C_CTLR, 1);
});

describe('interrupts for a CPU that', () => {
  test('runs: one each', () => {
    expect(interruptsOf(sgi)).toBe(MANY);
    expect(machine.line(COMMON)).toBe(true);
  });

  test('has not its turn: none, and it has them when it gets its turn', () => {
    until(OTHER);
    expect(interruptsOf(sgi)).toBe(0);
    expect(machine.line(COMMON)).toBe(false);
    until(SECOND);
    expect(machine.line(COMMON)).toBe(true);
  });

  test('waits for one, with some of its share left: one wakes it, and it goes first', () => {
    machine.wfi(COMMON);
    expect(machine.running(COMMON)).toBe(OTHER);
    sgi();
    expect(machine.running(COMMON)).toBe(SECOND);
    expect(machine.line(COMMON)).toBe(true);
  });

  test('waits for one, its share used up: one wakes it', () => {
    until(OTHER);
    until(SECOND);
    machine.advance(SLICE - LITTLE);
    expect(machine.running(COMMON)).toBe(SECOND);
    machine.wfi(COMMON);
    expect(machine.running(COMMON)).toBe(OTHER);
    expect(interruptsOf(sgi)).toBe(1);
    until(SECOND);
    expect(machine.line(COMMON)).toBe(true);
  });

  test('waits, and lets none through: none', () => {
    machine.store(COMMON, GICC + C_PMR, 0);
    machine.wfi(COMMON);
    expect(interruptsOf(sgi)).toBe(0);
  });

  test('is off: none', () => {
    const off = createMachine([OWN, COMMON], [COMMON]);
    const before = off.interrupts(COMMON);
    for (let i = 0; i < MANY; i++) off.store(OWN, GICD + D_SGIR, (1 << 17) | 3);
    expect(off.interrupts(COMMON)).toBe(before);
  });
});

test('writes to the distributor interrupt nobody else, unless they let an interrupt through that somebody waits for', () => {
  const change = (): void => {
    machine.store(OWN, GICD + D_ISENABLER1, 0);
  };
  until(OTHER);
  expect(interruptsOf(change)).toBe(0);
  until(SECOND);
  machine.wfi(COMMON);
  expect(interruptsOf(change)).toBe(0);
  // The UART's interrupt to the second CPU, pending already.
  machine.store(OWN, GICD + D_ITARGETSR1, 2 << 8);
  machine.store(OWN, GICD + 0x204, 2);
  const before = machine.interrupts(COMMON);
  machine.store(OWN, GICD + D_ISENABLER1, 2);
  expect(machine.interrupts(COMMON)).toBe(before + 1);
  until(SECOND);
  expect(machine.line(COMMON)).toBe(true);
});

test("a CPU's interrupt wakes another one of its machine on the same core", () => {
  const one = createMachine([COMMON, COMMON]);
  one.hvc(COMMON, CPU_ON, 1, 0x4000_8000, 0);
  one.store(COMMON, GICD + D_CTLR, 1);
  // Its share of the core is whole, so it goes first.
  expect(one.running(COMMON)).toBe(5);
  one.store(COMMON, GICC + C_PMR, 0xf0);
  one.store(COMMON, GICC + C_CTLR, 1);
  // The UART's interrupt is to go to the second CPU, which waits.
  one.store(COMMON, GICD + D_ITARGETSR1, 2 << 8);
  one.store(COMMON, GICD + D_ISENABLER1, 2);
  one.wfi(COMMON);
  expect(one.running(COMMON)).toBe(4);
  // UARTIMSC: transmit; then a byte is sent.
  one.store(COMMON, GUEST_UART + 0x38, 1 << 5);
  one.store(COMMON, GUEST_UART, 0x41);
  expect(one.running(COMMON)).toBe(5);
  expect(one.line(COMMON)).toBe(true);
});
