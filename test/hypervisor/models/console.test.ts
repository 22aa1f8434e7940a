/** The two ends of a console against the PL011's manual (Arm DDI 0183G), by section: a guest's, and the host's. */
import { beforeEach, describe, expect, test } from 'vitest';
import { NEAR_UARTS, RING_SIZE, TABLE_SIZE, UART_SIZE } from '../../../src/hypervisor/shared/layout.js';
import { LOG_SIZE } from '../../../src/channel/layout.js';
import { GICC, GICD, GUEST_UART } from '../payloads.js';
import type { Machine } from './machine.js';
import { createMachine, createMachineOfTwo } from './machine.js';

const U = {
  DR: 0x00,
  FR: 0x18,
  IBRD: 0x24,
  FBRD: 0x28,
  LCR_H: 0x2c,
  CR: 0x30,
  IFLS: 0x34,
  IMSC: 0x38,
  RIS: 0x3c,
  MIS: 0x40,
  ICR: 0x44,
  ID: 0xfe0,
} as const;
// UARTFR (3.3.3), UARTCR (3.3.8), and the interrupts' bits (3.3.10).
const [RXFE, TXFF, RXFF, TXFE] = [1 << 4, 1 << 5, 1 << 6, 1 << 7];
const LISTENS = 0x301;
const [RX, TX, RT] = [1 << 4, 1 << 5, 1 << 6];
/** SPI 1 of the guest's machine, as QEMU's "virt" has it. */
const SPI = 33;
/** What the host sees when a near end interrupts: GPU interrupt 60, in the controllers (QA7 4.10, BCM2835 7.5). */
const [SOURCE_OF_CORE_0, BASIC_PENDING, PENDING_2, ENABLE_2] = [
  0x4000_0060, 0x3f00_b200, 0x3f00_b208, 0x3f00_b214,
];
const GPU_ROUTING = 0x4000_000c;
const [SOURCE_GPU, MORE_IN_2, GPU_60] = [1 << 8, 1 << 9, 1 << 28];
/** A near end that is opened hears nothing for so long: 250 ms. */
const OPENING = 4_800_000;
const [HOST, GUEST] = [0, 1];
const SYSTEM_RESET = 0x8400_0009;
/** Where a near end's lock is in its block (src/hypervisor/body/core/uart.ts). */
const LOCK = 48;
const NEAR = NEAR_UARTS + 0x1000;

let machine: Machine;
const far = (offset: number): number => machine.load(GUEST, GUEST_UART + offset);
const setFar = (offset: number, value: number): void => {
  machine.store(GUEST, GUEST_UART + offset, value);
};
const near = (offset: number): number => machine.load(HOST, NEAR + offset);
const setNear = (offset: number, value: number): void => {
  machine.store(HOST, NEAR + offset, value);
};
const open = (): void => {
  setNear(U.CR, LISTENS);
  machine.advance(OPENING);
};
beforeEach(() => {
  machine = createMachine([GUEST]);
});

describe('registers', () => {
  test('identification: PL011 of Arm (3.3.15 to 3.3.22)', () => {
    const bytes = Array.from({ length: 8 }, (_, n) => far(U.ID + 4 * n));
    expect([bytes[0], bytes[1], bytes[2]! & 0xf, bytes[3]]).toEqual([0x11, 0x10, 0x4, 0x00]);
    expect(bytes.slice(4)).toEqual([0x0d, 0xf0, 0x05, 0xb1]);
  });

  test('after reset (table 3-1), on both ends', () => {
    for (const read of [far, near]) {
      expect([U.IBRD, U.FBRD, U.LCR_H, U.CR, U.IFLS, U.IMSC].map(read)).toEqual([0, 0, 0, 0x300, 0x12, 0]);
      expect(read(U.FR) & (RXFE | TXFF | RXFF | TXFE)).toBe(RXFE | TXFE);
    }
  });

  test('hold what was written, as wide as they are (3.3.5 to 3.3.10)', () => {
    for (const [offset, width] of [
      [U.IBRD, 16],
      [U.FBRD, 6],
      [U.LCR_H, 8],
      [U.IFLS, 6],
      [U.IMSC, 11],
    ] as const) {
      setFar(offset, 0xffff_ffff);
      expect(far(offset), offset.toString(16)).toBe(2 ** width - 1);
      setFar(offset, 0);
      expect(far(offset)).toBe(0);
    }
  });
});

describe('from the guest to the host', () => {
  test('bytes arrive in their order, and FR says when there are no more', () => {
    open();
    for (const byte of [1, 0x80, 0xff]) setFar(U.DR, byte);
    expect(near(U.FR) & RXFE).toBe(0);
    expect([near(U.DR), near(U.DR), near(U.DR)]).toEqual([1, 0x80, 0xff]);
    expect(near(U.FR) & RXFE).toBe(RXFE);
  });

  test('a guest is never kept from sending, and the newest is kept', () => {
    for (let n = 0; n < LOG_SIZE + 3; n++) setFar(U.DR, n & 0xff);
    expect(far(U.FR) & TXFF).toBe(0);
    open();
    expect([near(U.DR), near(U.DR)]).toEqual([3, 4]);
  });

  test('what was sent is gone at once: the transmit interrupt, until ICR clears it (2.8.3, 3.3.13)', () => {
    expect(far(U.RIS) & TX).toBe(0);
    setFar(U.DR, 65);
    expect(far(U.RIS) & TX).toBe(TX);
    expect(far(U.MIS)).toBe(0);
    setFar(U.IMSC, TX);
    expect(far(U.MIS)).toBe(TX);
    setFar(U.ICR, TX);
    expect([far(U.RIS) & TX, far(U.MIS)]).toEqual([0, 0]);
  });

  test('the host is interrupted while there is something and it wants to know; a read takes that back', () => {
    open();
    machine.store(HOST, ENABLE_2, GPU_60);
    setNear(U.IMSC, RX | RT);
    setFar(U.DR, 65);
    expect(near(U.MIS) & RX).toBe(RX);
    expect(machine.line(HOST)).toBe(true);
    expect(machine.load(HOST, SOURCE_OF_CORE_0) & SOURCE_GPU).toBe(SOURCE_GPU);
    expect(machine.load(HOST, BASIC_PENDING) & MORE_IN_2).toBe(MORE_IN_2);
    expect(machine.load(HOST, PENDING_2)).toBe(GPU_60);
    expect(near(U.DR)).toBe(65);
    expect(machine.line(HOST)).toBe(false);
    expect(near(U.MIS)).toBe(0);
  });

  test('the host is not interrupted where its controller has the interrupt disabled', () => {
    open();
    machine.store(HOST, ENABLE_2, 0);
    setNear(U.IMSC, RX | RT);
    setFar(U.DR, 65);
    expect(machine.line(HOST)).toBe(false);
    machine.store(HOST, ENABLE_2, GPU_60);
    expect(machine.line(HOST)).toBe(true);
  });

  test('a core that the host takes the GPU’s interrupts from is interrupted no more (QA7 4.4)', () => {
    machine = createMachineOfTwo([2]);
    open();
    machine.store(HOST, ENABLE_2, GPU_60);
    setNear(U.IMSC, RX | RT);
    machine.store(2, GUEST_UART + U.DR, 65);
    expect(machine.line(HOST)).toBe(true);
    // The guest's core has none.
    machine.store(HOST, GPU_ROUTING, 2);
    expect(machine.line(HOST)).toBe(true);
    machine.store(HOST, GPU_ROUTING, 1);
    expect(machine.line(HOST)).toBe(false);
    expect(machine.load(HOST, SOURCE_OF_CORE_0) & SOURCE_GPU).toBe(0);
    machine.store(HOST, GPU_ROUTING, 0);
    expect(machine.line(HOST)).toBe(true);
  });

  test('a near end that is just opened hears nothing for a moment, then all', () => {
    setFar(U.DR, 65);
    setNear(U.CR, LISTENS);
    expect(near(U.FR) & RXFE).toBe(RXFE);
    machine.advance(OPENING);
    expect(near(U.FR) & RXFE).toBe(0);
    expect(near(U.DR)).toBe(65);
  });
});

describe('from the host to the guest', () => {
  const pending = (): boolean => machine.load(GUEST, GICC + 0x18) === SPI;
  const setUp = (): void => {
    for (const [address, value] of [
      [GICD, 1],
      [GICD + 0x104, 1 << (SPI - 32)],
      [GICC + 4, 0xff],
      [GICC, 1],
    ] as const)
      machine.store(GUEST, address, value);
    machine.store(GUEST, GICD + 0x800 + SPI, 1, 1);
    setFar(U.CR, LISTENS);
  };
  beforeEach(() => {
    setUp();
    setNear(U.CR, LISTENS);
  });

  test('a byte interrupts the guest while it is there and wanted: a level (2.8.2)', () => {
    setNear(U.DR, 66);
    expect([far(U.RIS) & RX, far(U.MIS), pending()]).toEqual([RX, 0, false]);
    setFar(U.IMSC, RX);
    expect([far(U.MIS), pending(), machine.line(GUEST)]).toEqual([RX, true, true]);
    // Ended while the line is still up, it comes again.
    const id = machine.load(GUEST, GICC + 0xc);
    expect(id).toBe(SPI);
    machine.store(GUEST, GICC + 0x10, id);
    expect(pending()).toBe(true);
    expect(far(U.DR)).toBe(66);
    expect([far(U.RIS) & RX, pending(), machine.line(GUEST)]).toEqual([0, false, false]);
  });

  test('a byte access reads the data register, too', () => {
    setNear(U.DR, 0x7a);
    expect(machine.load(GUEST, GUEST_UART + U.DR, 1)).toBe(0x7a);
  });

  test('a guest that listens and does not read holds the host back; room again is a transmit interrupt', () => {
    for (let n = 0; n < RING_SIZE; n++) setNear(U.DR, n & 0xff);
    expect(near(U.FR) & (TXFF | TXFE)).toBe(TXFF);
    expect(far(U.FR) & RXFF).toBe(RXFF);
    setNear(U.ICR, TX);
    // Held back, it is lost, as in a full FIFO.
    setNear(U.DR, 0xee);
    expect(near(U.RIS) & TX).toBe(0);
    expect(far(U.DR)).toBe(0);
    expect([near(U.FR) & TXFF, near(U.RIS) & TX]).toEqual([0, TX]);
    let last = 0;
    while ((far(U.FR) & RXFE) === 0) last = far(U.DR);
    expect(last).toBe((RING_SIZE - 1) & 0xff);
  });

  test('a guest that does not listen holds nobody back', () => {
    setFar(U.CR, 0x300);
    for (let n = 0; n < RING_SIZE + 1; n++) setNear(U.DR, n & 0xff);
    expect(near(U.FR) & (TXFF | TXFE)).toBe(TXFE);
  });

  test('a byte that comes while the guest is reset leaves no interrupt behind', () => {
    setFar(U.IMSC, RX);
    // As the far end is about to be reset, the distributor is already.
    const lockOfConsole = machine.symbol('uarts') + (2 * 1 + 1) * UART_SIZE + LOCK;
    machine.meanwhile(
      'compareExchange',
      () => {
        setNear(U.DR, 66);
      },
      lockOfConsole,
    );
    machine.hvc(GUEST, SYSTEM_RESET);
    expect(far(U.MIS)).toBe(0);
    setUp();
    expect(far(U.RIS) & RX).toBe(RX);
    expect([pending(), machine.line(GUEST)]).toEqual([false, false]);
    // And one that comes later is seen.
    setFar(U.IMSC, RX);
    expect(pending()).toBe(true);
  });
});

test('two cores that show and hide the controllers at once leave them as the lines are', () => {
  machine = createMachineOfTwo([2]);
  const [OTHER, TALKER] = [1, 2];
  setNear(U.CR, LISTENS);
  machine.advance(OPENING);
  machine.store(HOST, ENABLE_2, GPU_60);
  setNear(U.IMSC, RX | RT);
  // As core 0 takes the controllers away, the host has the GPU's interrupts go to core 1, which reads the byte.
  machine.meanwhile('store64', () => {
    machine.store(OTHER, GPU_ROUTING, 1);
    expect(machine.load(OTHER, NEAR + U.DR)).toBe(65);
  });
  machine.store(TALKER, GUEST_UART + U.DR, 65);
  const peripherals = machine.symbol('hostTables') + 3 * TABLE_SIZE;
  const [controller, local] = [peripherals + 8 * 0xb, peripherals + TABLE_SIZE];
  expect([controller, local].map((at) => machine.memory.getBigUint64(at, true) !== 0n)).toEqual([true, true]);
  // The host sees the next one as ever.
  machine.advance(OPENING);
  machine.store(TALKER, GUEST_UART + U.DR, 66);
  expect([controller, local].map((at) => machine.memory.getBigUint64(at, true) !== 0n)).toEqual([
    false,
    false,
  ]);
  expect(machine.line(OTHER)).toBe(true);
});
