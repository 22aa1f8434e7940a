/** `hypberryd start`, `stop`, `kill` and `restart`. */
import * as C from '../../../channel/layout.js';
import { guestCount } from '../channel/channel.js';
import { beginError, endError, flushOutput, print, printForeign, printNumber } from '../output.js';
import { DONE, FAILED } from '../statuses.js';
import { now } from '../supervisor/host.js';
import { isIn, isRunning, nameOf, order, pause, taken, takeStates } from './guests.js';

/** Milliseconds between two looks, and in which a guest is off that is switched off. */
const STEP: i32 = 100;
const PATIENCE: u32 = 5_000;

function isOff(guest: u32): bool {
  return taken(guest, C.STATE_DOES) == C.DOES_OFF;
}

function say(guest: u32, what: string): void {
  printForeign(nameOf(guest));
  print(': ');
  print(what);
}

/** Starts guests that are off; gives the exit status. */
export function start(guests: u32): i32 {
  takeStates();
  const last = guestCount();
  for (let n: u32 = 1; n <= last; n++) {
    if (!isIn(guests, n)) continue;
    if (isOff(n)) {
      order(n, C.ORDER_START);
      say(n, 'started\n');
    } else say(n, 'is on already\n');
  }
  return DONE;
}

/** Waits until guests are off, and says of each that it is; gives those that are not when the time is over. */
function waitForOff(guests: u32, milliseconds: u32): u32 {
  const begun = now();
  const last = guestCount();
  while (true) {
    takeStates();
    for (let n: u32 = 1; n <= last; n++) {
      if (!isIn(guests, n) || !isOff(n)) continue;
      guests &= ~((<u32>1) << n);
      say(n, 'off\n');
    }
    flushOutput();
    if (guests == 0 || now() - begun >= milliseconds) return guests;
    pause(STEP);
  }
}

/** Switches guests off; gives the exit status. */
export function kill(guests: u32): i32 {
  const last = guestCount();
  for (let n: u32 = 1; n <= last; n++) if (isIn(guests, n)) order(n, C.ORDER_OFF);
  const left = waitForOff(guests, PATIENCE);
  if (left == 0) return DONE;
  beginError();
  print('Guests are not off yet.');
  endError('guests.not-off', '"hypberryd list" says what they do.');
  return FAILED;
}

/**
 * Has guests shut themselves down, by their power keys, and switches those off that have not after so many seconds; gives
 * the exit status.
 */
export function stop(guests: u32, seconds: u32): i32 {
  takeStates();
  const last = guestCount();
  let asked: u32 = 0;
  for (let n: u32 = 1; n <= last; n++) {
    if (!isIn(guests, n) || isOff(n)) continue;
    // One that has not begun sees no key.
    if (!isRunning(n) || seconds == 0) continue;
    asked |= (<u32>1) << n;
    order(n, C.ORDER_POWER_KEY);
    say(n, 'power key pressed; it is switched off in ');
    printNumber(seconds);
    print(' s unless it has shut itself down\n');
  }
  flushOutput();
  const left = asked == 0 ? 0 : waitForOff(asked, seconds * 1000);
  const rest = (guests & ~asked) | left;
  return rest == 0 ? DONE : kill(rest);
}
