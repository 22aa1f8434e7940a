/** What is printed: gathered, and written in one go where it fits. */
import * as L from '../shared/layout.js';
import { EINTR, linux } from './linux.js';

/** Descriptors that every process begins with. */
const RESULTS: i32 = 1;
const ERRORS: i32 = 2;

@unmanaged
class Output {
  /** The descriptor that what was gathered is for; 0 for that of results. */
  file: i32;
  length: u32;
  /** What kept results from being written, as errors are numbered; 0 where nothing did. */
  error: i32;
}

if (offsetof<Output>() > <usize>L.OUTPUT_STATE_SIZE) ERROR('layout of Output');

// @inline
function output(): Output {
  return changetype<Output>(<usize>L.OUTPUT);
}

const BUFFER: usize = <usize>(L.OUTPUT + L.OUTPUT_STATE_SIZE);
const BUFFER_SIZE: u32 = L.OUTPUT_SIZE - L.OUTPUT_STATE_SIZE;

const FIRST_SHOWN: u32 = 0x20;
const LAST_SHOWN: u32 = 0x7e;
const BACKSLASH: u32 = 0x5c;

/** Writes all there is. */
function flush(): void {
  const out = output();
  const file = out.file == 0 ? RESULTS : out.file;
  let at = BUFFER;
  const end = BUFFER + out.length;
  out.length = 0;
  while (at < end) {
    const written = linux.write(file, at, <i32>(end - at));
    if (written > 0) at += written;
    else if (written != -EINTR) {
      if (file == RESULTS && out.error == 0) out.error = -written;
      return;
    }
  }
}

function printByte(byte: u32): void {
  const out = output();
  if (out.length == BUFFER_SIZE) flush();
  store<u8>(BUFFER + out.length, byte);
  out.length++;
}

/** Prints a text of this program's own: ASCII. */
export function print(text: string): void {
  const from = changetype<usize>(text);
  const end = from + ((<usize>text.length) << 1);
  for (let at = from; at < end; at += 2) printByte(load<u8>(at));
}

function printHexDigit(digit: u32): void {
  printByte(digit + (digit < 10 ? 0x30 : 0x57));
}

/** Prints bytes from outside up to a 0, as an argument has them: what a terminal takes for an order shows as `\x1b`. */
export function printForeign(from: usize): void {
  for (let at = from; ; at++) {
    const byte = load<u8>(at);
    if (byte == 0) return;
    if (byte >= FIRST_SHOWN && byte <= LAST_SHOWN) printByte(byte);
    else {
      printByte(BACKSLASH);
      printByte(0x78);
      printHexDigit(byte >> 4);
      printHexDigit(byte & 15);
    }
  }
}

/** Prints a number, in decimal. */
export function printNumber(value: u64): void {
  if (value >= 10) printNumber(value / 10);
  printByte(0x30 + <u32>(value % 10));
}

/** Begins an error: what follows is its sentence, then `endError`. */
export function beginError(): void {
  flush();
  output().file = ERRORS;
  print('error: ');
}

/**
 * Ends an error.
 * @param code stable, for scripts: `area.what`
 * @param hint what to do about it, a sentence
 */
export function endError(code: string, hint: string): void {
  print(' (');
  print(code);
  print(')\nhint:  ');
  print(hint);
  print('\n');
  flush();
  output().file = RESULTS;
}

/** Begins a line of the service's, on the output of errors; `endMessage` ends it. */
export function beginMessage(): void {
  flush();
  output().file = ERRORS;
  print('hypberryd: ');
}

/** Ends a line of the service's, and writes it. */
export function endMessage(): void {
  print('\n');
  flush();
  output().file = RESULTS;
}

/** Writes what is left; gives what kept results from being written, as errors are numbered, else 0. */
export function endOutput(): i32 {
  flush();
  return output().error;
}
