/**
 * Consoles: two PL011 UARTs (Arm DDI 0183) back to back, the far one a guest's, the near one the host's. What the
 * host sends stands in a ring until the guest reads it, and the host waits while that is full, as with hardware flow
 * control. What a guest sends stands in a log in the channel, which keeps the newest of it: nobody has to read it, and the
 * guest never waits. Console 0 is for the hypervisor's own messages.
 *
 * A near end that is opened is held off for a moment: it shows nothing of what it has received. Else what stands in its log would come before the program that
 * has opened it can say that it wants no echo, and the echo would be input of the guest's; and Linux' driver throws
 * away what it finds at the beginning. It is held off, too, when it has been read empty or has given many bytes: a guest
 * that never stops talking must not have its host do nothing but listen.
 */
import {
  DR,
  FR,
  FR_CTS,
  FR_DSR,
  FR_DCD,
  FR_RXFE,
  FR_TXFF,
  FR_RXFF,
  FR_TXFE,
  IBRD,
  FBRD,
  LCRH,
  CR,
  CR_UARTEN,
  CR_RXE,
  CR_TXE,
  IFLS,
  IMSC,
  RIS,
  RIS_RX,
  RIS_TX,
  RIS_RT,
  MIS,
  ICR,
  DMACR,
} from '../generated/pl011.js';
import { CRYSTAL_HZ } from '../generated/board.js';
import { LOG_SIZE, STATE_LOGGED, STATE_UNREAD } from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { inOrder, logOf, shownAt } from '../core/channel.js';
import { setLine } from '../core/events.js';
import { lock, unlock } from '../core/locks.js';
import { count } from '../core/time.js';
import { Uart, isNear, peerOf, uartAt } from '../core/uart.js';
import { Vcpu, Vm, vmAt } from '../core/vm.js';
import { UART_INTERRUPT } from '../generated/guest-machine.js';
import { identification } from './primecell.js';
import { holdoffsAt, nearLineChanged } from '../host/interrupts.js';
import { atomic, shared } from '../intrinsics.js';

// @external('address', 'rings')
declare function rings(): usize;
/** UARTEN and RXE: someone listens. */
const CR_RECEIVING: u32 = CR_UARTEN | CR_RXE;
/** CR and IFLS after reset. */
const CR_RESET: u32 = CR_TXE | CR_RXE;
const IFLS_RESET: u32 = 0x12;
/** Ticks of a near end's holdoff: 250 ms when it is opened, 1 ms when it was read empty or a burst was read. */
const HOLDOFF_OPENED: u64 = CRYSTAL_HZ / 4;
const HOLDOFF_READ: u64 = CRYSTAL_HZ / 1000;
const LINE_FEED: u32 = 0x0a;
const CARRIAGE_RETURN: u32 = 0x0d;
/** The most bytes between two holdoffs. */
const BURST: u32 = 256;

/** Bytes that may wait to be read by an end. */
// @inline
function sizeOf(uart: Uart): u32 {
  return isNear(uart) ? LOG_SIZE : L.RING_SIZE;
}

/** Where the byte is that was put as the nth. */
function byteAt(uart: Uart, n: u32): usize {
  const console = uart.number >> 1;
  if (isNear(uart)) return logOf(console) + (n & (<u32>LOG_SIZE - 1));
  return rings() + console * L.RING_SIZE + (n & (<u32>L.RING_SIZE - 1));
}

/** The state after reset, with its line down; what waits to be read stays. */
export function resetUart(console: u32, near: bool): void {
  const uart = uartAt(console, near);
  uart.number = 2 * console + (near ? 1 : 0);
  const at = lockOf(uart);
  lock(at);
  const held = stopsSender(uart);
  uart.control = CR_RESET;
  uart.lineControl = 0;
  uart.integerDivisor = 0;
  uart.fractionalDivisor = 0;
  uart.levels = IFLS_RESET;
  uart.mask = 0;
  uart.dma = 0;
  uart.latched = 0;
  update(uart);
  if (held) resumeSender(uart);
  unlock(at);
}

/** The other end may send again: what it has waited for. */
function resumeSender(uart: Uart): void {
  const peer = peerOf(uart);
  peer.latched |= RIS_TX;
  update(peer);
}

// @inline
function isReceiving(uart: Uart): bool {
  return (uart.control & CR_RECEIVING) == CR_RECEIVING;
}

// @inline
function isFull(uart: Uart): bool {
  return uart.put - uart.taken >= sizeOf(uart);
}

/** Whether there is something for it to read. */
function isReadable(uart: Uart): bool {
  return uart.put != uart.taken && (uart.holdoffUntil == 0 || uart.holdoffUntil <= count());
}

/** A near end is to show nothing of what it has received for some ticks. */
function holdOff(uart: Uart, ticks: u64): void {
  uart.readSinceHoldoff = 0;
  uart.holdoffUntil = count() + ticks;
  scheduleHoldoffEnd(uart);
}

/** Where a near end that is held off has received something, the core with the host's interrupts is to set its timer. */
function scheduleHoldoffEnd(uart: Uart): void {
  if (uart.put == uart.taken || isReadable(uart)) return;
  const console = uart.number >> 1;
  const bit: u32 = 1 << console;
  if ((atomic.fetchOr(holdoffsAt(), bit) & bit) == 0) nearLineChanged(console, uart.line != 0);
}

/** Ends the holdoffs whose time has come. */
export function endHoldoffs(): void {
  let heldOff = shared.load32(holdoffsAt());
  while (heldOff != 0) {
    const console = ctz(heldOff);
    heldOff &= heldOff - 1;
    const uart = uartAt(console, true);
    const at = lockOf(uart);
    lock(at);
    if (uart.holdoffUntil <= count()) {
      atomic.fetchAnd(holdoffsAt(), ~((<u32>1) << console));
      update(uart);
    }
    unlock(at);
  }
}

/** Linux' driver lets interrupts of what it has received through before it begins to receive, or can handle them. */
function raw(uart: Uart): u32 {
  return uart.latched | (isReceiving(uart) && isReadable(uart) ? RIS_RX | RIS_RT : 0);
}

/** Tells an end's machine when its interrupt line has changed. */
export function update(uart: Uart): void {
  const line: u32 = (raw(uart) & uart.mask) != 0 ? 1 : 0;
  if (line == uart.line) return;
  uart.line = line;
  const console = uart.number >> 1;
  if (isNear(uart)) nearLineChanged(console, line != 0);
  else if (console > 0) setLine(vmAt(console), UART_INTERRUPT, line != 0);
}

/** Whether an end keeps the other from sending: the far one that listens and has not read what it was sent. */
function stopsSender(uart: Uart): bool {
  return !isNear(uart) && isFull(uart) && isReceiving(uart);
}

/** Puts a byte into an end's ring or log. */
export function receive(uart: Uart, byte: u32): void {
  if (stopsSender(uart)) return;
  if (isFull(uart)) uart.taken++;
  store<u8>(byteAt(uart, uart.put), byte);
  uart.put++;
  if (isNear(uart)) scheduleHoldoffEnd(uart);
}

function readByte(uart: Uart): u32 {
  if (!isReadable(uart)) return 0;
  const byte = load<u8>(byteAt(uart, uart.taken));
  const held = stopsSender(uart);
  uart.taken++;
  // There is room again for who waited to send.
  if (held) resumeSender(uart);
  if (isNear(uart) && (++uart.readSinceHoldoff == BURST || uart.put == uart.taken))
    holdOff(uart, HOLDOFF_READ);
  return byte;
}

function lockOf(uart: Uart): usize {
  return changetype<usize>(isNear(uart) ? uart : peerOf(uart)) + offsetof<Uart>('lock');
}

/** A read of an end's register. */
export function readUart(uart: Uart, offset: u32): u32 {
  switch (offset) {
    case DR: {
      const at = lockOf(uart);
      lock(at);
      const byte = readByte(uart);
      update(uart);
      unlock(at);
      return byte;
    }
    case FR: {
      return (
        FR_CTS |
        FR_DSR |
        FR_DCD |
        (stopsSender(peerOf(uart)) ? FR_TXFF : FR_TXFE) |
        (!isReadable(uart) ? FR_RXFE : isFull(uart) ? FR_RXFF : 0)
      );
    }
    case IBRD:
      return uart.integerDivisor;
    case FBRD:
      return uart.fractionalDivisor;
    case LCRH:
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
  return identification(offset, L.UART_PERIPHERAL_ID);
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
      if (!stopsSender(peer)) uart.latched |= RIS_TX;
      update(peer);
      break;
    }
    case IBRD:
      uart.integerDivisor = value & 0xffff;
      break;
    case FBRD:
      uart.fractionalDivisor = value & 0x3f;
      break;
    case LCRH:
      uart.lineControl = value & 0xff;
      break;
    case CR: {
      const held = stopsSender(uart);
      const listened = isReceiving(uart);
      uart.control = value & 0xffff;
      if (held && !stopsSender(uart)) resumeSender(uart);
      if (isNear(uart) && !listened && isReceiving(uart)) holdOff(uart, HOLDOFF_OPENED);
      break;
    }
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

/** Has the host see what its log has, and how much a far end has still to read. */
export function showCounts(console: u32): void {
  const near = uartAt(console, true);
  const far = uartAt(console, false);
  const shown = shownAt(console);
  const at = lockOf(near);
  lock(at);
  inOrder();
  shared.store32(shown + STATE_LOGGED, near.put);
  shared.store32(shown + STATE_UNREAD, far.put - far.taken);
  unlock(at);
}

/** Takes the line that the host has sent to the hypervisor's own console, with the byte that ends it; gives where it begins. */
export function takeLine(): u32 {
  const far = uartAt(0, false);
  const at = lockOf(far);
  lock(at);
  const from = far.taken;
  far.taken = far.put;
  unlock(at);
  return from;
}

/** Whether a line that was taken is a text, and behind it another where there is one. */
export function isLine(from: u32, text: usize, rest: usize): bool {
  const far = uartAt(0, false);
  let byte: u32;
  let expected: u32;
  do {
    if (load<u8>(text) == 0 && rest != 0) {
      text = rest;
      rest = 0;
    }
    byte = load<u8>(byteAt(far, from++));
    expected = load<u8>(text++);
  } while (byte == expected && expected != 0);
  return expected == 0 && endsLine(byte);
}

/** Whether a byte ends a line. */
// @inline
export function endsLine(byte: u32): bool {
  return byte == LINE_FEED || byte == CARRIAGE_RETURN;
}

/** The near end of the console that a page of the host's addresses shows. */
export function nearUart(page: u32): Uart {
  return uartAt(page - ((<u32>L.NEAR_UARTS) >> 12), true);
}

// --- the far end: a guest's device

// @inline
function farUart(vm: Vm): Uart {
  return uartAt(vm.number, false);
}

export function read(vcpu: Vcpu, offset: u32): u32 {
  return readUart(farUart(vcpu.vm), offset);
}

export function write(vcpu: Vcpu, offset: u32, _size: u32, value: u32): void {
  writeUart(farUart(vcpu.vm), offset, value);
}

export function resetMachine(vm: Vm): void {
  resetUart(vm.number, false);
}
