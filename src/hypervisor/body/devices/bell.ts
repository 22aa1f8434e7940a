/**
 * By which the host is told that a port of the channel has something for it: a PL011 (Arm DDI 0183) whose received bytes are
 * the numbers of those ports. It has a bit for each in place of a ring, so nothing is lost and nothing said twice, and it
 * is never held off. The bits stand where a console counts the bytes that it was sent, those that were read as 0.
 */
import * as L from '../../shared/layout.js';
import { CR, DR, FR, FR_CTS, FR_DCD, FR_DSR, FR_RXFE, FR_TXFE, RIS_TX } from '../generated/pl011.js';
import { lock, unlock } from '../core/locks.js';
import { Uart, uartAt } from '../core/uart.js';
import { readUart, resetUart, update, writeUart } from './pl011.js';

const NEAR_UARTS_PAGE: u32 = (<u32>L.NEAR_UARTS) >> 12;

// @inline
function bell(): Uart {
  return uartAt(L.BELL, true);
}

// @inline
function lockOf(uart: Uart): usize {
  return changetype<usize>(uart) + offsetof<Uart>('lock');
}

export function isBell(page: u32): bool {
  return page - NEAR_UARTS_PAGE == L.BELL;
}

export function resetBell(): void {
  resetUart(L.BELL, true);
}

/** Tells the host of a port. No lock is held. */
export function ringHost(port: u32): void {
  const uart = bell();
  const at = lockOf(uart);
  lock(at);
  uart.put |= 1 << port;
  update(uart);
  unlock(at);
}

export function readBell(offset: u32): u32 {
  const uart = bell();
  if (offset == FR) return FR_CTS | FR_DSR | FR_DCD | FR_TXFE | (uart.put == 0 ? FR_RXFE : 0);
  if (offset != DR) return readUart(uart, offset);
  const at = lockOf(uart);
  lock(at);
  const bits = uart.put;
  uart.put = bits & (bits - 1);
  update(uart);
  unlock(at);
  return bits == 0 ? 0 : ctz(bits);
}

export function writeBell(offset: u32, value: u32): void {
  if (offset != DR && offset != CR) {
    writeUart(bell(), offset, value);
    return;
  }
  const uart = bell();
  const at = lockOf(uart);
  lock(at);
  // Nobody reads what is sent; it is gone at once.
  if (offset == DR) uart.latched |= RIS_TX;
  else uart.control = value & 0xffff;
  update(uart);
  unlock(at);
}
