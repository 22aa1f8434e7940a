/** `hypberryd console`: what a guest says, and what is typed for it. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { stateWord } from '../channel/channel.js';
import { EAGAIN, EINTR, linux } from '../linux.js';
import {
  beginError,
  beginMessage,
  endError,
  endMessage,
  flushOutput,
  outputError,
  print,
  printByte,
  printForeign,
  printNumber,
} from '../output.js';
import { printReason } from '../reasons.js';
import { DONE, FAILED } from '../statuses.js';
import { isTerminal, makeRaw, restore } from '../terminal.js';
import { READABLE, TOLD_TO_END, beginWaiting, ignoreStops, wait, waitForFile } from '../waiting.js';
import { beginFilter, printFiltered, wasOrdered } from './filter.js';
import { nameOf, order, pause } from './guests.js';
import { copied, copyLog, saidBy } from './log.js';

const INPUT: i32 = 0;
const OUTPUT: i32 = 1;
/** Ctrl-], as telnet, virsh and hypberry have it. */
const ESCAPE_KEY: u32 = 0x1d;
const LINE_FEED: u32 = 0x0a;
const BELL: u32 = 0x07;
/** Milliseconds between two looks: while something goes on, and while it does not; how many without make it so. */
const SOON: i32 = 10;
const LATER: i32 = 100;
const QUIET: u32 = 100;
/** The most of the last line that is shown at the beginning, and bytes that are read at once. */
const LAST_LINE: u32 = 256;
const TYPED: u32 = 256;
/** How often nothing comes, SOON apart, after the end of an input that is no terminal's. */
const AFTER_END: u32 = 20;

/** Where the last line begins, which a prompt may stand in. */
function lastLine(console: u32, said: u32): u32 {
  const from = said < LAST_LINE ? 0 : said - LAST_LINE;
  const first = copyLog(console, from, said);
  let n = said;
  // What came meanwhile may be in the place of all of it.
  while (<i32>(n - first) > 0 && copied(n - 1) != LINE_FEED) n--;
  return n;
}

/** Shows what a console has said since a count, and how much of it is gone; gives the count up to which that is. */
function show(console: u32, shown: u32, isRaw: bool): u32 {
  const said = saidBy(console);
  // A hypervisor's counts only go forward.
  if (<i32>(said - shown) <= 0) return shown;
  let n = copyLog(console, said - shown > <u32>C.LOG_SIZE ? said - C.LOG_SIZE : shown, said);
  if (n != shown) {
    if (!isRaw) print('\r\n');
    beginMessage();
    printNumber(n - shown);
    print(' bytes went by unseen: the guest was faster.\r');
    endMessage();
  }
  for (; <i32>(said - n) > 0; n++) {
    if (isRaw) printByte(copied(n));
    else printFiltered(copied(n));
  }
  flushOutput();
  return n;
}

/** What input has come to. */
const GOES_ON: u32 = 0;
const IS_OVER: u32 = 1;
const LEFT: u32 = 2;

/** Sends what was typed; of a terminal what the guest has no room for is lost, as on a line. */
function send(console: u32, hasKey: bool): u32 {
  const unread = stateWord(console, C.STATE_UNREAD);
  let room: u32 = unread < <u32>C.UNREAD_SIZE ? C.UNREAD_SIZE - unread : 0;
  if (!hasKey && room == 0) {
    // There is something to read all the time.
    pause(SOON);
    return GOES_ON;
  }
  const most = hasKey || room > TYPED ? TYPED : room;
  const count = linux.read(INPUT, <usize>L.SCRATCH, <i32>most);
  if (count == -EINTR || count == -EAGAIN) return GOES_ON;
  if (count <= 0) return IS_OVER;
  for (let i: i32 = 0; i < count; i++) {
    const byte: u32 = load<u8>(<usize>L.SCRATCH + i);
    if (hasKey && byte == ESCAPE_KEY) return LEFT;
    if (room > 0) {
      room--;
      order(console, C.ORDER_SEND | byte);
    } else if (i == count - 1) printByte(BELL);
  }
  return GOES_ON;
}

/** Follows a console until it is left, by its key, a signal, or the end of its input or its output. */
function follow(console: u32, hasKey: bool, isRaw: bool): void {
  let shown = lastLine(console, saidBy(console));
  let quiet: u32 = 0;
  let isOver = false;
  for (;;) {
    const before = shown;
    shown = show(console, shown, isRaw);
    if (outputError() != 0) return;
    quiet = shown == before ? quiet + 1 : 0;
    if (isOver && quiet > AFTER_END) return;
    const there = wait(quiet < QUIET || isOver ? SOON : LATER);
    if ((there & TOLD_TO_END) != 0) return;
    if ((there & READABLE) == 0) continue;
    const input = send(console, hasKey);
    if (input == LEFT) return;
    quiet = 0;
    if (input == IS_OVER) {
      isOver = true;
      waitForFile(-1);
      if (hasKey) return;
    }
  }
}

/** Attaches the terminal to a guest's console until Ctrl-]; gives the exit status. */
export function console(guest: u32): i32 {
  const hasKey = isTerminal(INPUT);
  const isRaw = !isTerminal(OUTPUT);
  let error = beginWaiting(-1);
  if (hasKey) {
    ignoreStops();
    print('Console of ');
    printForeign(nameOf(guest));
    print('; Ctrl-] leaves it.\n');
    flushOutput();
    if (error == 0) error = -makeRaw(INPUT);
  }
  if (error != 0) {
    beginError();
    print('The terminal could not be had: ');
    printReason(error);
    print('.');
    endError('console.terminal', 'Use this on a terminal, or with input and output from and to files.');
    return FAILED;
  }
  waitForFile(INPUT);
  beginFilter(true);
  follow(guest, hasKey, isRaw);
  // Colours, cursor, main screen, plain keys, no mouse, no marks around what is pasted; letters are letters.
  if (!isRaw && wasOrdered())
    print(
      '\x1b[0m\x1b[?25h\x1b[?1049l\x1b[?1l\x1b>\x1b[?1000l\x1b[?1002l\x1b[?1003l\x1b[?1006l\x1b[?2004l\x1b(B\x0f',
    );
  flushOutput();
  if (hasKey) restore(INPUT);
  if (!isRaw) print('\n');
  return DONE;
}
