/** Lines on the hypervisor's own console: console 0, whose far end is the hypervisor itself. */
import * as L from '../../shared/layout.js';
import { lock, unlock } from '../core/locks.js';
import { Uart, uartAt } from '../core/uart.js';
import { Vm } from '../core/vm.js';
import {
  textBegin,
  textCall,
  textCores,
  textDataAbort,
  textEnd,
  textFromZero,
  textOnly,
  textPrefetchAbort,
  textResetVector,
  textSeparator,
  textUndefined,
} from '../generated/messages.js';
import { receive, update } from './pl011.js';

/** Keeps console 0 for a line of this core's. */
function openLog(): void {
  lock(changetype<usize>(uartAt(0, true)) + offsetof<Uart>('lock'));
}

function putLog(byte: u32): void {
  receive(uartAt(0, true), byte);
}

/** The line is there: the host may be told. */
function closeLog(): void {
  const near = uartAt(0, true);
  update(near);
  unlock(changetype<usize>(near) + offsetof<Uart>('lock'));
}

/** What leads to a vector of HYP mode from HYP mode itself, by its number. */
export function textVector(n: u32): usize {
  switch (n) {
    case 1:
      return textUndefined();
    case 2:
      return textCall();
    case 3:
      return textPrefetchAbort();
    case 4:
      return textDataAbort();
  }
  return textResetVector();
}

/** Begins a line, of the hypervisor's. No other core's comes between until it is ended. */
export function beginLine(): void {
  openLog();
  print(textBegin());
}

/** Begins a line about a guest. */
export function beginLineOf(vm: Vm): void {
  beginLine();
  print(vm.record + 4 * L.GUEST_NAME);
  print(textSeparator());
}

export function endLine(): void {
  print(textEnd());
  closeLog();
}

/** Bytes up to a NUL. */
export function print(text: usize): void {
  for (;;) {
    const byte = load<u8>(text);
    if (byte == 0) return;
    putLog(byte);
    text++;
  }
}

/** A number below 10. */
export function printDigit(value: u32): void {
  putLog(0x30 + value);
}

/** A word: 0x and eight hexadecimal digits. */
export function printWord(value: u32): void {
  putLog(0x30);
  putLog(0x78);
  for (let shift: i32 = 28; shift >= 0; shift -= 4) {
    const digit = (value >> shift) & 0xf;
    putLog(digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}

/** A whole line about a guest. */
export function printLineOf(vm: Vm, text: usize): void {
  beginLineOf(vm);
  print(text);
  endLine();
}

/** The first line: how many cores have come to HYP mode, and which of them are the host's. */
export function printCores(cores: u32, hosts: u32): void {
  beginLine();
  printDigit(cores);
  print(textCores());
  if (hosts == 1) print(textOnly());
  else {
    print(textFromZero());
    printDigit(hosts - 1);
  }
  endLine();
}
