/** Lines on the hypervisor's own console: console 0, whose far end is the hypervisor itself. */
import * as L from '../../shared/layout.js';
import { lock, unlock } from '../core/locks.js';
import { Uart, uartAt } from '../core/uart.js';
import { Vm } from '../core/vm.js';
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

// The texts are in src/hypervisor/shared/messages.ts.
// @external('address', 'text.begin')
declare function textBegin(): usize;
// @external('address', 'text.separator')
declare function textSeparator(): usize;
// @external('address', 'text.end')
declare function textEnd(): usize;
// @external('address', 'text.cores')
declare function textCores(): usize;
// @external('address', 'text.fromZero')
declare function textFromZero(): usize;
// @external('address', 'text.only')
declare function textOnly(): usize;
// @external('address', 'text.started')
export declare function textStarted(): usize;
// @external('address', 'text.off')
export declare function textOff(): usize;
// @external('address', 'text.restarts')
export declare function textRestarts(): usize;
// @external('address', 'text.crashed')
export declare function textCrashed(): usize;
// @external('address', 'text.vectors')
export declare function textVectors(): usize;
// @external('address', 'text.stuck')
export declare function textStuck(): usize;
// @external('address', 'text.trap')
export declare function textTrap(): usize;
// @external('address', 'text.mode')
export declare function textMode(): usize;
// @external('address', 'text.pc')
export declare function textPc(): usize;
// @external('address', 'text.address')
export declare function textAddress(): usize;
// @external('address', 'text.syndrome')
export declare function textSyndrome(): usize;
// @external('address', 'text.thenRestarts')
export declare function textThenRestarts(): usize;
// @external('address', 'text.fault')
export declare function textFault(): usize;
// @external('address', 'text.resetVector')
declare function textResetVector(): usize;
// @external('address', 'text.undefined')
declare function textUndefined(): usize;
// @external('address', 'text.call')
declare function textCall(): usize;
// @external('address', 'text.prefetchAbort')
declare function textPrefetchAbort(): usize;
// @external('address', 'text.dataAbort')
declare function textDataAbort(): usize;
// @external('address', 'text.coreStops')
export declare function textCoreStops(): usize;
// @external('address', 'text.stops')
export declare function textStops(): usize;

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
  say(textBegin());
}

/** Begins a line about a guest. */
export function beginLineOf(vm: Vm): void {
  beginLine();
  say(vm.record + 4 * L.GUEST_NAME);
  say(textSeparator());
}

export function endLine(): void {
  say(textEnd());
  closeLog();
}

/** Bytes up to a NUL. */
export function say(text: usize): void {
  for (;;) {
    const byte = load<u8>(text);
    if (byte == 0) return;
    putLog(byte);
    text++;
  }
}

/** A number below 10. */
export function sayDigit(value: u32): void {
  putLog(0x30 + value);
}

/** A word: 0x and eight hexadecimal digits. */
export function sayWord(value: u32): void {
  putLog(0x30);
  putLog(0x78);
  for (let shift: i32 = 28; shift >= 0; shift -= 4) {
    const digit = (value >> shift) & 0xf;
    putLog(digit < 10 ? 0x30 + digit : 0x57 + digit);
  }
}

/** A whole line about a guest. */
export function tell(vm: Vm, text: usize): void {
  beginLineOf(vm);
  say(text);
  endLine();
}

/** The first line: how many cores have come to HYP mode, and which of them are the host's. */
export function greet(cores: u32, hosts: u32): void {
  beginLine();
  sayDigit(cores);
  say(textCores());
  if (hosts == 1) say(textOnly());
  else {
    say(textFromZero());
    sayDigit(hosts - 1);
  }
  endLine();
}
