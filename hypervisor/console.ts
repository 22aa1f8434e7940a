/**
 * Consoles: two PL011 UARTs (Arm DDI 0183) back to back, the far one a guest's, the near one the host's. What one end
 * sends stands in the other's ring until it is read. Nothing is lost while the other end listens, as with hardware
 * flow control; while it does not, the newest text is kept. Console 0 is kept for the hypervisor's own messages; it has none yet.
 */
import * as L from '../src/hypervisor/layout';
import { setLine } from './gic';
import { nearLineChanged } from './host';
import { Vm, lock, unlock, vmAt } from './vm';

@external('address', 'uarts')
declare function uartsAddress(): usize;

/** One end. */
@unmanaged
export class Uart {
  /** Which console, twice, and 1 for the near end. */
  number: u32;
  control: u32;
  lineControl: u32;
  integerDivisor: u32;
  fractionalDivisor: u32;
  levels: u32;
  mask: u32;
  dma: u32;
  /** Latched interrupts: transmit. */
  latched: u32;
  /** Bytes that were ever put into its ring, and taken out of it. */
  put: u32;
  taken: u32;
  /** Its interrupt line, as it was told last. */
  line: u32;
  /** Held, of the near end, while either end is changed. */
  lock: u32;
}
if (offsetof<Uart>() > <usize>(L.UART_SIZE - L.RING_SIZE)) ERROR('layout of Uart');

// Registers, by their offset (DDI 0183, table 3-1).
const DR: u32 = 0x00;
const FR: u32 = 0x18;
const IBRD: u32 = 0x24;
const FBRD: u32 = 0x28;
const LCR_H: u32 = 0x2c;
const CR: u32 = 0x30;
const IFLS: u32 = 0x34;
const IMSC: u32 = 0x38;
const RIS: u32 = 0x3c;
const MIS: u32 = 0x40;
const ICR: u32 = 0x44;
const DMACR: u32 = 0x48;
const PERIPH_ID: u32 = 0xfe0;

const FR_CTS: u32 = 1 << 0;
const FR_DSR: u32 = 1 << 1;
const FR_DCD: u32 = 1 << 2;
const FR_RXFE: u32 = 1 << 4;
const FR_TXFF: u32 = 1 << 5;
const FR_RXFF: u32 = 1 << 6;
const FR_TXFE: u32 = 1 << 7;
const INT_RX: u32 = 1 << 4;
const INT_TX: u32 = 1 << 5;
const INT_RT: u32 = 1 << 6;
/** UARTEN and RXE: someone listens. */
const CR_LISTENS: u32 = (1 << 0) | (1 << 9);
/** CR and IFLS after reset. */
const CR_RESET: u32 = 0x300;
const IFLS_RESET: u32 = 0x12;
const RING_MASK: u32 = L.RING_SIZE - 1;
/** The guests' UART interrupt, as in QEMU's machine "virt": SPI 1. */
const UART_SPI: u32 = 33;

/** An end of a console: the far one, or the near one. */
export function uartAt(console: u32, near: bool): Uart {
  return changetype<Uart>(uartsAddress() + (2 * console + (near ? 1 : 0)) * L.UART_SIZE);
}

// @ts-ignore: decorator
@inline
function isNear(uart: Uart): bool {
  return (uart.number & 1) != 0;
}

function peerOf(uart: Uart): Uart {
  return changetype<Uart>(isNear(uart) ? changetype<usize>(uart) - L.UART_SIZE : changetype<usize>(uart) + L.UART_SIZE);
}

// @ts-ignore: decorator
@inline
function ringOf(uart: Uart): usize {
  return changetype<usize>(uart) + (L.UART_SIZE - L.RING_SIZE);
}

/** Puts an end into its state after reset; what stands in its ring stays to be read. */
export function resetUart(console: u32, near: bool): void {
  const uart = uartAt(console, near);
  uart.number = 2 * console + (near ? 1 : 0);
  uart.control = CR_RESET;
  uart.lineControl = 0;
  uart.levels = IFLS_RESET;
  uart.mask = 0;
  uart.dma = 0;
  uart.latched = 0;
}

// @ts-ignore: decorator
@inline
function listens(uart: Uart): bool {
  return (uart.control & CR_LISTENS) == CR_LISTENS;
}

// @ts-ignore: decorator
@inline
function isFull(uart: Uart): bool {
  return uart.put - uart.taken >= <u32>L.RING_SIZE;
}

function raw(uart: Uart): u32 {
  return uart.latched | (uart.put != uart.taken ? INT_RX | INT_RT : 0);
}

/** Tells an end's machine when its interrupt line has changed. */
function update(uart: Uart): void {
  const line: u32 = (raw(uart) & uart.mask) != 0 ? 1 : 0;
  if (line == uart.line) return;
  uart.line = line;
  const console = uart.number >> 1;
  if (isNear(uart)) nearLineChanged(console, line != 0);
  else if (console > 0) setLine(vmAt(console), UART_SPI, line != 0);
}

/** Puts a byte into an end's ring. */
function receive(uart: Uart, byte: u32): void {
  if (isFull(uart)) {
    if (listens(uart)) return;
    uart.taken++;
  }
  store<u8>(ringOf(uart) + (uart.put & RING_MASK), byte);
  uart.put++;
}

function take(uart: Uart): u32 {
  if (uart.put == uart.taken) return 0;
  const byte = load<u8>(ringOf(uart) + (uart.taken & RING_MASK));
  const wasFull = isFull(uart);
  uart.taken++;
  // There is room again for who waited to send.
  if (wasFull) peerOf(uart).latched |= INT_TX;
  return byte;
}

function lockOf(uart: Uart): usize {
  return (changetype<usize>(isNear(uart) ? uart : peerOf(uart))) + offsetof<Uart>('lock');
}

/** A read of an end's register. */
export function readUart(uart: Uart, offset: u32): u32 {
  switch (offset) {
    case DR: {
      const at = lockOf(uart);
      lock(at);
      const byte = take(uart);
      update(uart);
      update(peerOf(uart));
      unlock(at);
      return byte;
    }
    case FR: {
      const peer = peerOf(uart);
      const full = isFull(peer) && listens(peer);
      return (
        FR_CTS | FR_DSR | FR_DCD | (full ? FR_TXFF : FR_TXFE) |
        (uart.put == uart.taken ? FR_RXFE : isFull(uart) ? FR_RXFF : 0)
      );
    }
    case IBRD:
      return uart.integerDivisor;
    case FBRD:
      return uart.fractionalDivisor;
    case LCR_H:
      return uart.lineControl;
    case CR:
      return uart.control;
    case IFLS:
      return uart.levels;
    case IMSC:
      return uart.mask;
    case RIS:
      return raw(uart);
    case MIS:
      return raw(uart) & uart.mask;
    case DMACR:
      return uart.dma;
  }
  if (offset >= PERIPH_ID) return identification((offset - PERIPH_ID) >> 2);
  return 0;
}

/** UARTPeriphID0 to 3 (part 0x011 by Arm, revision r1p5) and UARTPCellID0 to 3, a byte each. */
function identification(n: u32): u32 {
  const low: u32 = 0x00341011;
  const high: u32 = 0xb105f00d;
  return ((n < 4 ? low : high) >> ((n & 3) << 3)) & 0xff;
}

/** A write to an end's register. */
export function writeUart(uart: Uart, offset: u32, value: u32): void {
  const at = lockOf(uart);
  lock(at);
  switch (offset) {
    case DR: {
      const peer = peerOf(uart);
      receive(peer, value & 0xff);
      // What is sent is gone at once.
      if (!isFull(peer)) uart.latched |= INT_TX;
      update(peer);
      break;
    }
    case IBRD:
      uart.integerDivisor = value & 0xffff;
      break;
    case FBRD:
      uart.fractionalDivisor = value & 0x3f;
      break;
    case LCR_H:
      uart.lineControl = value & 0xff;
      break;
    case CR:
      uart.control = value & 0xffff;
      break;
    case IFLS:
      uart.levels = value & 0x3f;
      break;
    case IMSC:
      uart.mask = value & 0x7ff;
      break;
    case ICR:
      uart.latched &= ~value;
      break;
    case DMACR:
      uart.dma = value & 7;
      break;
  }
  update(uart);
  unlock(at);
}

/** The near end of the console that a page of the host's addresses shows. */
export function nearUart(page: u32): Uart {
  return uartAt(page - (<u32>L.NEAR_UARTS >> 12), true);
}

/** The far end: the guest's own. */
export function farUart(vm: Vm): Uart {
  return uartAt(vm.number, false);
}
