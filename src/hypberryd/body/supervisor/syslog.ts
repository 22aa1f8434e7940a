/**
 * The process that gives what guests say on their consoles to this system's log, line by line, by /dev/log, where syslogd and
 * systemd's journal listen. How far it is stands in the channel, as long as the consoles' logs do: who comes after goes on there.
 */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { AF_UNIX, SOCK_DGRAM } from '../../shared/linux.js';
import { guestCount, hostWord, writeHostWord } from '../channel/channel.js';
import { beginText, printFiltered } from '../guests/filter.js';
import { nameOf } from '../guests/guests.js';
import { copied, copyLog, saidBy } from '../guests/log.js';
import { O_CLOEXEC, O_NONBLOCK, linux } from '../linux.js';
import { flushOutput, print, printForeign, printNumber, takeOutputError } from '../output.js';
import { putSocketAddress } from '../service/socket.js';
import { DONE } from '../statuses.js';
import { TOLD_TO_END, wait } from '../waiting.js';

/** Milliseconds between two looks; how many lines of a guest go on at one, and of how many bytes one is at the most (RFC 3164, 4.1). */
const INTERVAL: i32 = 1000;
const MOST_LINES: u32 = 250;
const MOST_LINE: u32 = 900;
const LINE_FEED: u32 = 0x0a;
const BLANK: u32 = 0x20;
/** Where messages go: what is printed. */
const RESULTS: i32 = 1;

/** Has what is printed go to /dev/log, a message each time, without waiting for who takes it; gives whether it does. */
function reachLog(): bool {
  const socket = linux.socket(AF_UNIX, SOCK_DGRAM | O_CLOEXEC | O_NONBLOCK, 0);
  if (socket < 0) return false;
  const length = putSocketAddress(<usize>L.SCRATCH, '/dev/log');
  const isThere = linux.connect(socket, <usize>L.SCRATCH, length) == 0;
  if (isThere) linux.dup3(socket, RESULTS, 0);
  linux.close(socket);
  return isThere;
}

/** Begins a message of a guest's: facility daemon, severity info (RFC 3164, 4.1.1), and its name. */
function beginLine(guest: u32): void {
  print('<30>');
  printForeign(nameOf(guest));
  print(': ');
}

/** Ends it; gives whether somebody has taken it. */
function endLine(): bool {
  flushOutput();
  return takeOutputError() == 0;
}

/** Gives a line on, from one count to another, if anything is in it; gives whether that was done. */
function passLine(guest: u32, from: u32, to: u32): bool {
  let n = from;
  while (n != to && copied(n) <= BLANK) n++;
  if (n == to) return true;
  beginLine(guest);
  beginText();
  for (n = from; n != to; n++) printFiltered(copied(n));
  return endLine();
}

/** Gives on what a guest has said since last time, but for a line that goes on; gives whether that was done. */
function passLines(guest: u32): bool {
  const place: u32 = C.HOST_LOGGED + 4 * guest;
  const before = hostWord(place);
  const said = saidBy(guest);
  const oldest = said - C.LOG_SIZE;
  let from = copyLog(guest, said - before > <u32>C.LOG_SIZE ? oldest : before, said);
  if (from != before) {
    beginLine(guest);
    printNumber(from - before);
    print(' bytes are lost that were not read in time.');
    if (!endLine()) return false;
    writeHostWord(place, from);
  }
  let lines: u32 = 0;
  for (let n = from; <i32>(said - n) > 0 && lines < MOST_LINES;) {
    n++;
    if (copied(n - 1) != LINE_FEED && n - from < MOST_LINE) continue;
    if (!passLine(guest, from, n)) return false;
    from = n;
    writeHostWord(place, from);
    lines++;
  }
  return true;
}

/** Does so until it is told to end; gives the exit status. */
export function serveSyslog(): i32 {
  const guests = guestCount();
  let isReached: bool = false;
  do {
    if (!isReached) isReached = reachLog();
    for (let n: u32 = 1; n <= guests && isReached; n++) isReached = passLines(n);
  } while ((wait(INTERVAL) & TOLD_TO_END) == 0);
  return DONE;
}
