/** `hypberryd log`, and what of a console's log is new. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { logOf, ringAt, stateWord } from '../channel/channel.js';
import { copyBlocks } from '../channel/copy.js';
import { barrier } from '../linux.js';
import { isAnswer, print, printByte } from '../output.js';
import { DONE } from '../statuses.js';
import { isTerminal } from '../terminal.js';
import { beginFilter, printFiltered, wasOrdered } from './filter.js';

/** What is copied at once. */
const BLOCK: u32 = 32;

/** How many bytes a console has ever said, modulo 2^32, and now. */
export function saidBy(console: u32): u32 {
  ringAt(C.DOORBELL_CONSOLES);
  const said = stateWord(console, C.STATE_LOGGED);
  barrier.dmb();
  return said;
}

/**
 * Copies what a console has said from one count to another into BUFFER, each byte where it is in the log.
 * @returns the count of the first that is still there: what came meanwhile is in the place of the oldest
 */
export function copyLog(console: u32, from: u32, to: u32): u32 {
  const log = logOf(console);
  for (let n = from & ~(BLOCK - 1); <i32>(to - n) > 0; n += BLOCK) {
    const at = n & (C.LOG_SIZE - 1);
    copyBlocks(<usize>L.BUFFER + at, log + at, BLOCK);
  }
  barrier.dmb();
  const oldest = saidBy(console) - C.LOG_SIZE;
  return <i32>(oldest - from) > 0 ? oldest : from;
}

/** A byte that was copied, by its count. */
export function copied(n: u32): u32 {
  return load<u8>(<usize>L.BUFFER + (n & (C.LOG_SIZE - 1)));
}

/** Prints the log of a console, raw but on a terminal; gives the exit status. */
export function log(console: u32): i32 {
  const to = saidBy(console);
  const from = to < <u32>C.LOG_SIZE ? 0 : to - C.LOG_SIZE;
  const first = copyLog(console, from, to);
  const isRaw = isAnswer() || !isTerminal(1);
  if (!isRaw) beginFilter(false);
  for (let n = first; <i32>(to - n) > 0; n++) {
    if (isRaw) printByte(copied(n));
    else printFiltered(copied(n));
  }
  if (!isRaw && wasOrdered()) print('\x1b[0m');
  return DONE;
}
