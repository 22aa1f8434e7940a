/**
 * What a console says, made fit for a terminal, which takes some bytes for orders (ECMA-48). A log keeps text, its colours, and
 * nothing else; a console that is attached also what a screen is made of, but no text for the terminal itself (OSC, DCS and
 * their like: titles, clipboards, answers).
 */
import * as L from '../../shared/layout.js';
import { printByte } from '../output.js';

const TEXT: u32 = 0;
const ESCAPED: u32 = 1;
/** In a control sequence, in an escape sequence with intermediates, in a text for the terminal, and behind ESC in that. */
const CONTROL: u32 = 2;
const INTERMEDIATES: u32 = 3;
const STRING: u32 = 4;
const STRING_ESCAPED: u32 = 5;

/** Bytes of a sequence that are kept. */
const MOST: u32 = 64;

@unmanaged
class Filter {
  state: u32;
  /** Whether it is for a screen, and whether anything but text went there. */
  isScreen: bool;
  /** Whether nothing but text is kept: a line of a log. */
  isText: bool;
  wasOrdered: bool;
  /** Bytes of UTF-8 that are still to come, and whether the first could begin a C1 control. */
  more: u32;
  mayBeControl: bool;
  length: u32;
  /** MOST bytes of the sequence, from here on. */
  sequence: u8;
}

if (offsetof<Filter>() + <usize>MOST > <usize>(L.OWN - L.FILTER)) ERROR('layout of Filter');

const BACKSPACE: u32 = 0x08;
const BELL: u32 = 0x07;
const TAB: u32 = 0x09;
const CARRIAGE_RETURN: u32 = 0x0d;
const ESC: u32 = 0x1b;
const BLANK: u32 = 0x20;
const DELETE: u32 = 0x7f;
/** Of UTF-8: what goes on, and the byte that begins U+0080 to U+00BF, of which the first half are C1 controls. */
const GOES_ON: u32 = 0x80;
const FIRST_BEGIN: u32 = 0xc2;
const C1_END: u32 = 0xa0;

// @inline
function filter(): Filter {
  return changetype<Filter>(<usize>L.FILTER);
}

function sequenceAt(): usize {
  return <usize>L.FILTER + offsetof<Filter>('sequence');
}

/** Begins anew, for a screen or a log. */
export function beginFilter(isScreen: bool): void {
  memory.fill(<usize>L.FILTER, 0, offsetof<Filter>());
  filter().isScreen = isScreen;
}

/** Begins anew, for a line of text: no colours, and of controls the tabulator alone. */
export function beginText(): void {
  beginFilter(false);
  filter().isText = true;
}

/** Whether anything but text has gone through. */
export function wasOrdered(): bool {
  return filter().wasOrdered;
}

/** Keeps a byte of a sequence; one that is too long is none. */
function keep(byte: u32): void {
  const it = filter();
  if (it.length == MOST) {
    it.state = TEXT;
    return;
  }
  store<u8>(sequenceAt() + it.length, byte);
  it.length++;
}

function printSequence(): void {
  const it = filter();
  for (let i: u32 = 0; i < it.length; i++) printByte(load<u8>(sequenceAt() + i));
  it.wasOrdered = true;
}

/** Whether a byte begins, behind ESC, a text for the terminal: DCS, SOS, OSC, PM, APC. */
function beginsString(byte: u32): bool {
  return byte == 0x50 || byte == 0x58 || byte == 0x5d || byte == 0x5e || byte == 0x5f;
}

function showText(byte: u32): void {
  const it = filter();
  if (it.more > 0 && (byte & 0xc0) == GOES_ON) {
    it.more--;
    if (it.mayBeControl) {
      it.mayBeControl = false;
      if (byte < C1_END) return;
      printByte(FIRST_BEGIN);
    }
    printByte(byte);
    return;
  }
  it.more = 0;
  it.mayBeControl = false;
  if (byte >= FIRST_BEGIN) {
    it.more = byte >= 0xf0 ? 3 : byte >= 0xe0 ? 2 : 1;
    if (byte == FIRST_BEGIN) it.mayBeControl = true;
    else printByte(byte);
  } else if (byte == ESC) {
    it.state = ESCAPED;
    it.length = 0;
    keep(byte);
  } else if (
    (byte >= BLANK && byte < DELETE) ||
    (it.isText ? byte == TAB : byte >= BACKSPACE && byte <= CARRIAGE_RETURN)
  )
    printByte(byte);
  else if (byte == BELL && it.isScreen) printByte(byte);
}

/** Takes a byte that a console said, and prints what of it is fit. */
export function printFiltered(byte: u32): void {
  const it = filter();
  switch (it.state) {
    case TEXT:
      showText(byte);
      break;
    case ESCAPED:
      keep(byte);
      if (byte == 0x5b) it.state = CONTROL;
      else if (beginsString(byte)) it.state = STRING;
      else if (byte >= BLANK && byte < 0x30) it.state = INTERMEDIATES;
      else {
        it.state = TEXT;
        if (it.isScreen && byte >= 0x30 && byte < DELETE) printSequence();
      }
      break;
    case CONTROL:
      keep(byte);
      if (byte >= BLANK && byte < 0x40) break;
      // SGR: colours.
      if (
        it.state == CONTROL &&
        byte < DELETE &&
        byte >= 0x40 &&
        (it.isScreen || (byte == 0x6d && !it.isText))
      )
        printSequence();
      it.state = TEXT;
      break;
    case INTERMEDIATES:
      keep(byte);
      if (byte >= BLANK && byte < 0x30) break;
      if (it.state == INTERMEDIATES && it.isScreen && byte >= 0x30 && byte < DELETE) printSequence();
      it.state = TEXT;
      break;
    case STRING:
      if (byte == BELL) it.state = TEXT;
      else if (byte == ESC) it.state = STRING_ESCAPED;
      break;
    default:
      it.state = byte == 0x5c ? TEXT : STRING;
  }
}
