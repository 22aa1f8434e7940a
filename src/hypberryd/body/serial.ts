/**
 * Serial ports of this system, by where they are: kernels number them differently, by the device tree's aliases or as they
 * find them (Linux, drivers/tty/serial/amba-pl011.c).
 */
import * as L from '../shared/layout.js';
import { readBeginning } from './files.js';
import { ENOENT } from './linux.js';
import { isAt, lengthOf, putDecimal, putText } from './texts.js';

const ZERO: u32 = 0x30;
const NINE: u32 = 0x39;
const LETTER_A: u32 = 0x61;
const LETTER_F: u32 = 0x66;
const SMALL: u32 = 0x20;
const LINE_FEED: u32 = 0x0a;
/** What of the list is looked at: some sixty ports. */
const MOST: i32 = 0x1000;

function isDecimal(byte: u32): bool {
  return byte >= ZERO && byte <= NINE;
}

/** The value of a hexadecimal digit; -1 where it is none. */
function digitOf(byte: u32): i32 {
  if (isDecimal(byte)) return byte - ZERO;
  const small = byte | SMALL;
  return small >= LETTER_A && small <= LETTER_F ? small - LETTER_A + 10 : -1;
}

/** Where a text stands in a line, behind it; 0 where it does not. */
function behind(at: usize, end: usize, text: string): usize {
  const length = <usize>lengthOf(text);
  for (; at + length <= end; at++) if (isAt(at, text)) return at + length;
  return 0;
}

/**
 * The PL011 at a physical address: n of its /dev/ttyAMAn, or the error, negated. The kernel's list has a line a port,
 * "2: uart:PL011 rev3 mmio:0x40011000 irq:60 ..." (Linux, drivers/tty/serial/serial_core.c, uart_line_info).
 */
export function portAt(address: u32): i32 {
  const list = <usize>L.BUFFER;
  const count = readBeginning('/proc/tty/driver/ttyAMA', list, MOST);
  if (count < 0) return count;
  const end = list + count;
  for (let line = list, next = list; line < end; line = next + 1) {
    next = line;
    while (next < end && load<u8>(next) != LINE_FEED) next++;
    let at = behind(line, next, 'mmio:0x');
    if (at == 0) continue;
    let found: u32 = 0;
    for (let digit: i32; at < next && (digit = digitOf(load<u8>(at))) >= 0; at++)
      found = (found << 4) | digit;
    if (found != address) continue;
    let number: i32 = 0;
    for (at = line; isDecimal(load<u8>(at)); at++) number = 10 * number + load<u8>(at) - ZERO;
    return number;
  }
  return -ENOENT;
}

/** The path of a port, as the kernel takes it, until the next one. */
export function portPath(number: i32): usize {
  store<u8>(putDecimal(putText(<usize>L.PATH, '/dev/ttyAMA'), number), 0);
  return <usize>L.PATH;
}
