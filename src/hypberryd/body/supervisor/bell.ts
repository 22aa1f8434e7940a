/** The bell: a serial port whose bytes are the numbers of ports that the hypervisor has something for. */
import * as L from '../../shared/layout.js';
import {
  B115200,
  CLOCAL,
  CREAD,
  CS8,
  IGNBRK,
  IGNPAR,
  TCSETS,
  TERMIOS_CC,
  TERMIOS_CFLAG,
  TERMIOS_SIZE,
  TIOCEXCL,
  VMIN,
} from '../../shared/linux.js';
import { openFile } from '../files.js';
import { EAGAIN, EINTR, EIO, O_CLOEXEC, O_NOCTTY, O_NONBLOCK, O_RDWR, linux } from '../linux.js';
import { portPath } from '../serial.js';

const BYTES: i32 = 256;

/**
 * Opens the bell, raw, for this program alone.
 * @param number of its /dev/ttyAMA
 * @returns its descriptor, or the error, negated
 */
export function openBell(number: i32): i32 {
  const path = portPath(number);
  const file = openFile(path, O_RDWR | O_NOCTTY | O_NONBLOCK | O_CLOEXEC, 0);
  if (file < 0) return file;
  const termios = <usize>L.SCRATCH;
  memory.fill(termios, 0, TERMIOS_SIZE);
  store<u32>(termios, IGNBRK | IGNPAR);
  store<u32>(termios + TERMIOS_CFLAG, B115200 | CS8 | CREAD | CLOCAL);
  store<u8>(termios + TERMIOS_CC + VMIN, 1);
  let result = linux.ioctl(file, TCSETS, L.SCRATCH);
  if (result == 0) result = linux.ioctl(file, TIOCEXCL, 0);
  if (result == 0) return file;
  linux.close(file);
  return result;
}

/**
 * Reads which ports have rung.
 * @param ports where a bit a port is set, the first for port 0
 * @returns 0, or what it failed by, as errors are numbered; the end of the bell is one, too
 */
export function readBell(bell: i32, ports: usize): i32 {
  let rung: u32 = 0;
  let count: i32 = BYTES;
  while (count == BYTES || count == -EINTR) {
    count = linux.read(bell, <usize>L.SCRATCH, BYTES);
    for (let i: i32 = 0; i < count; i++) rung |= (<u32>1) << load<u8>(<usize>L.SCRATCH + i);
  }
  store<u32>(ports, rung);
  if (count == 0) return EIO;
  return count > 0 || count == -EAGAIN ? 0 : -count;
}
