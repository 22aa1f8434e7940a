/** What is printed: gathered, and written in one go where it fits. */
import * as L from '../shared/layout.js';
import { EINTR, EPIPE, linux } from './linux.js';
import { addressOf, lengthOf } from './texts.js';

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
  /** Characters since the line's beginning. */
  column: u32;
  /** Where this answers a question of another process: its socket, to which all goes, by the message; else 0. */
  answers: i32;
}

if (offsetof<Output>() >= <usize>L.OUTPUT_STATE_SIZE) ERROR('layout of Output');

// @inline
function output(): Output {
  return changetype<Output>(<usize>L.OUTPUT);
}

const BUFFER: usize = <usize>(L.OUTPUT + L.OUTPUT_STATE_SIZE);
const BUFFER_SIZE: u32 = L.OUTPUT_SIZE - L.OUTPUT_STATE_SIZE;

const LINE_FEED: u32 = 0x0a;
const BLANK: u32 = 0x20;
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
  if (out.answers != 0) {
    // The byte before says what it is. Who has not taken one in time is waited for no more.
    store<u8>(at - 1, file);
    if (at != end && out.error == 0 && linux.write(out.answers, at - 1, <i32>(end - at + 1)) < 0)
      out.error = EPIPE;
    return;
  }
  while (at < end) {
    const written = linux.write(file, at, <i32>(end - at));
    if (written > 0) at += written;
    else if (written != -EINTR) {
      if (file == RESULTS && out.error == 0) out.error = -written;
      return;
    }
  }
}

/** Prints a byte as it is. */
export function printByte(byte: u32): void {
  const out = output();
  if (out.length == BUFFER_SIZE) flush();
  store<u8>(BUFFER + out.length, byte);
  out.length++;
  out.column = byte == LINE_FEED ? 0 : out.column + 1;
}

/** Prints blanks up to a column of the line, one at least. */
export function printToColumn(column: u32): void {
  do printByte(BLANK);
  while (output().column < column);
}

/** Prints a text of this program's own: ASCII. */
export function print(text: string): void {
  const from = addressOf(text);
  const end = from + lengthOf(text);
  for (let at = from; at < end; at++) printByte(load<u8>(at));
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

const QUOTE: u32 = 0x22;
/** Of UTF-8 (RFC 3629): a byte that goes on; how many bits it has; the first codes that take more bytes. */
const GOES_ON: u32 = 0x80;
const MORE_BITS: u32 = 6;
const REPLACEMENT: u32 = 0xfffd;
const SURROGATES: u32 = 0x1_0000;

/** A code as JSON has it escaped, 16 bits. */
function printEscape(code: u32): void {
  print('\\u');
  for (let shift: i32 = 12; shift >= 0; shift -= 4) printHexDigit((code >> shift) & 15);
}

/** Prints a text from outside, UTF-8 up to a 0, as a string of JSON: what is not ASCII is escaped. */
export function printJson(from: usize): void {
  printByte(QUOTE);
  let at = from;
  for (let byte: u32 = load<u8>(at); byte != 0; byte = load<u8>(at)) {
    at++;
    if (byte >= FIRST_SHOWN && byte <= LAST_SHOWN) {
      if (byte == QUOTE || byte == BACKSLASH) printByte(BACKSLASH);
      printByte(byte);
      continue;
    }
    const more: i32 = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : byte >= 0xc0 ? 1 : 0;
    let code = byte >= GOES_ON ? (more == 0 ? REPLACEMENT : byte & (0x3f >> more)) : byte;
    for (let i: i32 = 0; i < more; i++) {
      if ((load<u8>(at) & 0xc0) != GOES_ON) code = REPLACEMENT;
      else code = (code << MORE_BITS) | (load<u8>(at++) & 0x3f);
    }
    if (code < SURROGATES) printEscape(code);
    else {
      printEscape(0xd7c0 + (code >> 10));
      printEscape(0xdc00 | (code & 0x3ff));
    }
  }
  printByte(QUOTE);
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

/** Has all that is printed from now on be messages on a socket: a byte that says for which descriptor, and what. */
export function answerTo(socket: i32): void {
  output().answers = socket;
}

/** Whether that is so. */
export function isAnswer(): bool {
  return output().answers != 0;
}

/** Writes what there is, so that it is seen now. */
export function flushOutput(): void {
  flush();
}

/** What has kept results from being written, as errors are numbered; 0 where nothing did. */
export function outputError(): i32 {
  return output().error;
}

/** The same, and forgets it. */
export function takeOutputError(): i32 {
  const error = output().error;
  output().error = 0;
  return error;
}

/** Writes what is left; gives what kept results from being written, as errors are numbered, else 0. */
export function endOutput(): i32 {
  flush();
  return output().error;
}
