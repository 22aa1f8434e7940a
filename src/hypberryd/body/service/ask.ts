/** Has the service answer, for who may not reach the channel. */
import * as L from '../../shared/layout.js';
import { AF_UNIX, SOCK_SEQPACKET } from '../../shared/linux.js';
import { beginFilter, printFiltered, wasOrdered } from '../guests/filter.js';
import { EACCES, EINTR, O_CLOEXEC, linux } from '../linux.js';
import { beginError, endError, print, printByte } from '../output.js';
import { printReason } from '../reasons.js';
import { FAILED } from '../statuses.js';
import { isTerminal } from '../terminal.js';
import { SOCKET_PATH, putSocketAddress } from './socket.js';

const RESULTS: u32 = 1;
const ERRORS: u32 = 2;
/** The most of a message. */
const MOST: i32 = 0x2000;

function sayNotAnswered(error: i32): i32 {
  beginError();
  print('hypberryd could not be asked: ');
  printReason(error);
  print('.');
  endError(
    'ask.failed',
    error == EACCES
      ? 'Put sudo before it, or have root allow your group: "hypberryd install --group GROUP".'
      : 'Put sudo before it. Who is not root is answered by the service: "sudo hypberryd install".',
  );
  return FAILED;
}

/** Puts the arguments behind each other; gives how many bytes that are, 0 where they have no room. */
function putQuestion(count: i32, argv: usize): i32 {
  let length: i32 = 0;
  for (let n: i32 = 1; n < count; n++) {
    for (let at = load<usize>(argv + 4 * <usize>n); ; at++) {
      if (length == L.QUESTION_SIZE) return 0;
      const byte = load<u8>(at);
      store<u8>(<usize>(L.QUESTION + length), byte);
      length++;
      if (byte == 0) break;
    }
  }
  return length;
}

/**
 * Asks, and prints the answer.
 * @param isLog of a console: what is not fit for a terminal is left out there
 * @returns the exit status
 */
export function ask(count: i32, argv: usize, isLog: bool): i32 {
  const socket = linux.socket(AF_UNIX, SOCK_SEQPACKET | O_CLOEXEC, 0);
  if (socket < 0) return sayNotAnswered(-socket);
  const length = putSocketAddress(<usize>L.SCRATCH, SOCKET_PATH);
  let result = linux.connect(socket, <usize>L.SCRATCH, length);
  if (result == 0) result = linux.write(socket, <usize>L.QUESTION, putQuestion(count, argv));
  if (result < 0) return sayNotAnswered(-result);
  const isFiltered = isLog && isTerminal(RESULTS);
  if (isFiltered) beginFilter(false);
  while (true) {
    const got = linux.read(socket, <usize>L.BUFFER, MOST);
    if (got == -EINTR) continue;
    if (got <= 0) return sayNotAnswered(-got);
    const what: u32 = load<u8>(<usize>L.BUFFER);
    if (what == RESULTS) {
      for (let i: i32 = 1; i < got; i++) {
        const byte: u32 = load<u8>(<usize>L.BUFFER + i);
        if (isFiltered) printFiltered(byte);
        else printByte(byte);
      }
    } else if (what == ERRORS) linux.write(ERRORS, <usize>L.BUFFER + 1, got - 1);
    else {
      if (isFiltered && wasOrdered()) print('\x1b[0m');
      return load<u8>(<usize>L.BUFFER, 1);
    }
  }
}
