import { describe, expect, test } from 'vitest';
import { Pl011, PL011_REGISTERS } from '../../src/board/pl011.js';
import { alone, probe, TestTime } from './rig.js';

const { DR, RSR, FR, LCRH, CR, IFLS, IMSC, RIS, MIS, ICR, ID } = PL011_REGISTERS;
const { RX, TX, RT } = RIS.bits;
const text = (characters: string): Uint8Array => Uint8Array.from(characters, (c) => c.charCodeAt(0));

function uart() {
  const time = new TestTime();
  const irq = probe();
  let sent = '';
  const device = new Pl011(time.clock, irq, (byte) => (sent += String.fromCharCode(byte)));
  return { ...alone(device), time, irq, device, sent: () => sent };
}

describe('PL011', () => {
  test('is enabled when it starts and sends what is written to the data register', () => {
    const { write, read, sent } = uart();
    for (const byte of text('Hi\n')) write(DR.offset, byte);
    expect(sent()).toBe('Hi\n');
    expect(read(FR.offset)).toBe(FR.bits.TXFE | FR.bits.RXFE);
  });

  test('half-word accesses, as Linux makes them, reach the registers', () => {
    const { bus, sent } = uart();
    bus.write(0, DR.offset, 2, 0x41);
    expect(sent()).toBe('A');
    expect(bus.read(0, FR.offset, 2)).toBe(FR.bits.TXFE | FR.bits.RXFE);
  });

  test('sends nothing while the UART or its transmitter is off', () => {
    const { write, sent } = uart();
    write(CR.offset, CR.bits.UARTEN);
    write(DR.offset, 0x41);
    write(CR.offset, CR.bits.TXE);
    write(DR.offset, 0x42);
    expect(sent()).toBe('');
  });

  test('raises the transmit interrupt after a character, until it is cleared', () => {
    const { write, read, irq } = uart();
    write(IMSC.offset, TX);
    expect(irq.level).toBe(false);
    write(DR.offset, 0x41);
    expect(irq.level).toBe(true);
    expect(read(MIS.offset)).toBe(TX);
    write(ICR.offset, TX);
    expect(irq.level).toBe(false);
    expect(read(RIS.offset)).toBe(0);
  });

  test('a break is one character of 0 with its errors, and raises its interrupts', () => {
    const { write, read, irq, device } = uart();
    write(IMSC.offset, RIS.bits.BE);
    device.receive(text('a'));
    expect(irq.level).toBe(false);
    expect(device.receiveBreak()).toBe(true);
    expect(irq.level).toBe(true);
    expect(read(RIS.offset) & (RIS.bits.BE | RIS.bits.FE)).toBe(RIS.bits.BE | RIS.bits.FE);
    expect(read(DR.offset)).toBe(0x61);
    expect(read(RSR.offset)).toBe(0);
    expect(read(DR.offset)).toBe(DR.bits.BE | DR.bits.FE);
    expect(read(RSR.offset)).toBe(RSR.bits.BE | RSR.bits.FE);
    write(RSR.offset, 0);
    expect(read(RSR.offset)).toBe(0);
    write(ICR.offset, RIS.bits.BE);
    expect(irq.level).toBe(false);
    expect(read(FR.offset)).toBe(FR.bits.TXFE | FR.bits.RXFE);
  });

  test('raises the receive interrupt at the level of UARTIFLS and drops it below', () => {
    const { write, read, irq, device } = uart();
    write(IMSC.offset, RX);
    write(IFLS.offset, 1 << 3); // a quarter: 4
    device.receive(text('abc'));
    expect(irq.level).toBe(false);
    device.receive(text('d'));
    expect(irq.level).toBe(true);
    expect(String.fromCharCode(read(DR.offset))).toBe('a');
    expect(irq.level).toBe(false);
  });

  test('raises the receive timeout 32 bit times after the last character, until the FIFO is empty', () => {
    const { write, read, irq, device, time } = uart();
    write(IMSC.offset, RT);
    device.receive(text('a'));
    // 32 bits at 115200 baud are 277.7 microseconds.
    time.advance(270_000);
    expect(irq.level).toBe(false);
    time.advance(10_000);
    expect(irq.level).toBe(true);
    read(DR.offset);
    expect(irq.level).toBe(false);
    expect(read(FR.offset) & FR.bits.RXFE).not.toBe(0);
  });

  test('holds 16 characters with FIFOs on and one with them off; the rest waits on the line', () => {
    const { write, read, device } = uart();
    device.receive(text('0123456789abcdefghi'));
    expect(read(FR.offset) & FR.bits.RXFF).not.toBe(0);
    let got = '';
    while (!(read(FR.offset) & FR.bits.RXFE)) got += String.fromCharCode(read(DR.offset));
    expect(got).toBe('0123456789abcdefghi');
    write(LCRH.offset, LCRH.bits.WLEN);
    device.receive(text('xy'));
    expect(read(FR.offset) & FR.bits.RXFF).not.toBe(0);
    expect(String.fromCharCode(read(DR.offset), read(DR.offset))).toBe('xy');
  });

  test('takes no more input than it has room for', () => {
    const { device } = uart();
    expect(device.receive(new Uint8Array(1_000_000))).toBeLessThan(100_000);
    expect(device.receive(new Uint8Array(1_000_000))).toBeLessThan(100);
  });

  test('gives back what it sends in loopback, and ties the modem lines together', () => {
    const { write, read, sent } = uart();
    write(CR.offset, CR.bits.UARTEN | CR.bits.TXE | CR.bits.RXE | CR.bits.LBE | CR.bits.RTS);
    write(DR.offset, 0x5a);
    expect(sent()).toBe('');
    expect(read(FR.offset) & (FR.bits.CTS | FR.bits.DSR)).toBe(FR.bits.CTS);
    expect(read(DR.offset)).toBe(0x5a);
  });

  test('identifies itself as a PrimeCell PL011', () => {
    const { read } = uart();
    const id = Array.from({ length: 8 }, (_, i) => read(ID.offset + 4 * i));
    // PrimeCell identification b105f00d (DDI 0183, 3.3.16), part number 011, designer 41 (Arm).
    expect(id.slice(4)).toEqual([0x0d, 0xf0, 0x05, 0xb1]);
    expect(id[0]! | ((id[1]! & 0xf) << 8)).toBe(0x011);
    expect((id[1]! >> 4) | ((id[2]! & 0xf) << 4)).toBe(0x41);
  });
});
