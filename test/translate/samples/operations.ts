// Does what its standard input says, and prints what came of each system call: 32 bytes each, see kernel.test.ts.
import { linux } from '../../../src/hypberryd/body/linux';
import { endOutput, print, printNumber } from '../../../src/hypberryd/body/output';

const SCRIPT: usize = 0x40000;
const SCRIPT_SIZE: usize = 0x8000;
const RECORD: usize = 32;
const BUFFER: usize = 0x50000;
const STAT: usize = 0x60000;
/** Names of 16 bytes each, a 0 behind, stand before the operations. */
const NAME_SIZE: usize = 16;
const NAMES: usize = 8;
const SET: usize = 0x60100;

function name(n: u32): usize {
  return SCRIPT + n * NAME_SIZE;
}

function printSigned(value: i32): void {
  if (value < 0) print('-');
  printNumber(value < 0 ? -value : value);
}

function printSum(count: i32): void {
  let sum: u32 = 0;
  for (let i: i32 = 0; i < count; i++) sum = (sum * 31 + load<u8>(BUFFER + i)) & 0xffffff;
  print(' ');
  printNumber(sum);
}

function fill(count: u32, first: u32): void {
  for (let i: u32 = 0; i < count; i++) store<u8>(BUFFER + i, <u8>(first + i));
}

function printStat(file: i32): i32 {
  const result = linux.fstat64(file, STAT);
  if (result < 0) return result;
  const mode = load<u32>(STAT, 16);
  print(' ');
  printNumber(mode);
  if ((mode & 0xf000) == 0x8000) {
    print(' ');
    printNumber(<u32>(load<u64>(STAT, 48) >> 32));
    print(':');
    printNumber(load<u32>(STAT, 48));
  }
  return result;
}

/** Whether there is something to read. */
function pollFor(file: i32): i32 {
  store<i32>(STAT, file);
  store<u32>(STAT, 1, 4);
  const result = linux.poll(STAT, 1, 0);
  print(' ');
  printNumber(load<u16>(STAT, 6) & 1);
  return result;
}

function operate(at: usize): i32 {
  const a = load<i32>(at, 4);
  const b = load<i32>(at, 8);
  const c = load<i32>(at, 12);
  const offset = load<i64>(at, 16);
  switch (load<u32>(at)) {
    case 0: return linux.open(name(a), b, c);
    case 1: return linux.close(a);
    case 2: {
      const result = linux.read(a, BUFFER, b);
      printSum(result);
      return result;
    }
    case 3:
      fill(b, c);
      return linux.write(a, BUFFER, b);
    case 4: {
      const result = linux.pread64(a, BUFFER, b, offset);
      printSum(result);
      return result;
    }
    case 5:
      fill(b, c);
      return linux.pwrite64(a, BUFFER, b, offset);
    case 6: return linux.ftruncate64(a, offset);
    case 7: return linux.unlink(name(a));
    case 8: return linux.rename(name(a), name(b));
    case 9: return linux.mkdir(name(a), b);
    case 10: {
      const result = linux.pipe2(STAT, a);
      print(' ');
      if (result == 0) printNumber(100 * load<u32>(STAT) + load<u32>(STAT, 4));
      return result;
    }
    case 11: return linux.dup3(a, b, c);
    case 12: return printStat(a);
    case 13: return linux.fdatasync(a);
    case 14: return linux.fsync(a);
    case 15: return linux.flock(a, b);
    case 16: return linux.fallocate(a, b, offset, <i64>c);
    case 17: return linux.ioctl(a, 0x5401, <i32>STAT);
    case 18: {
      const result = linux.eventfd2(b, a);
      print(' ');
      printNumber(result < 0 ? 0 : result);
      return result;
    }
    default: return pollFor(a);
  }
}

export function main(): i32 {
  // SIGPIPE waits: writing gives the error.
  store<u32>(SET, 1 << 12);
  linux.rt_sigprocmask(0, SET, 0, 8);
  let end = SCRIPT;
  for (;;) {
    const count = linux.read(0, end, <i32>(SCRIPT + SCRIPT_SIZE - end));
    if (count <= 0) break;
    end += count;
  }
  for (let at = SCRIPT + NAMES * NAME_SIZE; at < end; at += RECORD) {
    const result = operate(at);
    print(' = ');
    printSigned(result);
    print('\n');
  }
  return endOutput();
}
