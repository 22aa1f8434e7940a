/** The terminal that this program is used on. */
import * as L from '../shared/layout.js';
import {
  TCFLSH,
  TCGETS,
  TCIFLUSH,
  TCSETSF,
  TERMIOS_CC,
  TERMIOS_CFLAG,
  TERMIOS_LFLAG,
  TERMIOS_OFLAG,
  TERMIOS_SIZE,
  RAW_CFLAG,
  RAW_IFLAG,
  RAW_LFLAG,
  RAW_OFLAG,
  CS8,
  VMIN,
  VTIME,
} from '../shared/linux.js';
import { linux } from './linux.js';

/** Where its settings are kept, and made. */
const BEFORE: usize = <usize>L.OWN;
const RAW: usize = <usize>(L.OWN + 64);

/** Whether a descriptor is a terminal's. */
export function isTerminal(file: i32): bool {
  return linux.ioctl(file, TCGETS, L.SCRATCH) == 0;
}

function change(settings: usize, offset: usize, mask: u32, to: u32): void {
  store<u32>(settings + offset, (load<u32>(settings + offset) & mask) | to);
}

/** Has a terminal give each byte as it is typed, and show what is written as it is; gives 0 or the error, negated. */
export function makeRaw(file: i32): i32 {
  const result = linux.ioctl(file, TCGETS, <i32>BEFORE);
  if (result < 0) return result;
  memory.copy(RAW, BEFORE, TERMIOS_SIZE);
  change(RAW, 0, ~RAW_IFLAG, 0);
  change(RAW, TERMIOS_OFLAG, ~RAW_OFLAG, 0);
  change(RAW, TERMIOS_CFLAG, ~RAW_CFLAG, CS8);
  change(RAW, TERMIOS_LFLAG, ~RAW_LFLAG, 0);
  store<u8>(RAW + TERMIOS_CC + VMIN, 1);
  store<u8>(RAW + TERMIOS_CC + VTIME, 0);
  return linux.ioctl(file, TCSETSF, <i32>RAW);
}

/** Has it be as before; what was typed and not read, or answered by it, is gone. */
export function restore(file: i32): void {
  linux.ioctl(file, TCFLSH, TCIFLUSH);
  linux.ioctl(file, TCSETSF, <i32>BEFORE);
}
