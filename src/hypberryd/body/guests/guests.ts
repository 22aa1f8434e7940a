/** The guests, by name and number, and what they do. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import {
  guestCount,
  guestRecordWord,
  headerWord,
  portCount,
  recordWord,
  ringAt,
  ringWith,
  stateWord,
} from '../channel/channel.js';
import { isKnown, reachChannel } from '../channel/reach.js';
import { barrier, linux } from '../linux.js';
import { beginError, endError, print, printForeign, printNumber } from '../output.js';
import { DONE, FAILED } from '../statuses.js';

/** Words of a name. */
const NAME_WORDS: u32 = C.GUEST_NAME_SIZE / 4;
/** Milliseconds in which a guest's core counts the time that the guest has had. */
const COUNTED: i32 = 2;
/** How often a state is read anew that is being written. */
const TRIES: u32 = 100;

/** Reaches the channel, and refuses a hypervisor that tells of no guests; gives the exit status. */
export function reachGuests(): i32 {
  const reached = reachChannel();
  if (reached != DONE) return reached;
  if (!isKnown()) return FAILED;
  if (headerWord(C.HEADER_GUESTS) != 0) return DONE;
  beginError();
  print('The hypervisor on the card is of a release that does not tell of its guests.');
  endError('guests.old', 'Run "hypberry install" of this release on the card, and start the Pi again.');
  return FAILED;
}

/** Where a guest's name stands, a 0 behind it, until the next one's. */
export function nameOf(guest: u32): usize {
  for (let i: u32 = 0; i < NAME_WORDS; i++)
    store<u32>(<usize>L.RECORD + 4 * i, guestRecordWord(guest, C.GUEST_NAME + 4 * i));
  store<u8>(<usize>(L.RECORD + C.GUEST_NAME_SIZE - 1), 0);
  return <usize>L.RECORD;
}

/** Whether two texts that end in a 0 are the same. */
function isSame(one: usize, other: usize): bool {
  while (load<u8>(one) == load<u8>(other)) {
    if (load<u8>(one) == 0) return true;
    one++;
    other++;
  }
  return false;
}

/** The number of the guest with a name; 0 where there is none, which is said. */
export function findGuest(name: usize): u32 {
  const guests = guestCount();
  for (let n: u32 = 1; n <= guests; n++) if (isSame(nameOf(n), name)) return n;
  beginError();
  print('There is no guest "');
  printForeign(name);
  print('".');
  endError('guests.unknown', '"hypberryd list" says which there are.');
  return 0;
}

/** Whether a port is a guest's, and of a kind. */
export function isOf(port: u32, guest: u32, kind: u32): bool {
  return recordWord(port, C.PORT_KIND) == kind && recordWord(port, C.PORT_GUEST) == guest;
}

/** How many ports of a kind a guest has. */
export function portsOf(guest: u32, kind: u32): u32 {
  const ports = portCount();
  let count: u32 = 0;
  for (let port: u32 = 0; port < ports; port++) if (isOf(port, guest, kind)) count++;
  return count;
}

/** Where a guest's state stands as it was read. */
function takenAt(guest: u32): usize {
  return <usize>L.STATES + guest * C.STATE_SIZE;
}

function takeOne(guest: u32): void {
  for (let tries: u32 = 0; tries < TRIES; tries++) {
    const turn = stateWord(guest, C.STATE_TURN);
    barrier.dmb();
    for (let i: u32 = 0; i < <u32>C.STATE_SIZE; i += 4) store<u32>(takenAt(guest) + i, stateWord(guest, i));
    barrier.dmb();
    if ((turn & 1) == 0 && stateWord(guest, C.STATE_TURN) == turn) return;
  }
}

/** Reads what all guests do now. */
export function takeStates(): void {
  ringAt(C.DOORBELL_STATES);
  const guests = guestCount();
  for (let n: u32 = 1; n <= guests; n++) takeOne(n);
}

/** The same with the time that they have had until now. */
export function takeStatesAndTimes(): void {
  ringAt(C.DOORBELL_STATES);
  pause(COUNTED);
  takeStates();
}

/** A word of a guest's state as it was read. */
export function taken(guest: u32, offset: u32): u32 {
  return load<u32>(takenAt(guest) + offset);
}

/** Sleeps for some milliseconds. */
export function pause(milliseconds: i32): void {
  linux.poll(0, 0, milliseconds);
}

/** Ticks since a guest was started, as they were read. */
export function ticksOf(guest: u32): u64 {
  return ((<u64>taken(guest, C.STATE_TICKS + 4)) << 32) | taken(guest, C.STATE_TICKS);
}

/** Whether it has begun, and so has times. */
export function isRunning(guest: u32): bool {
  return taken(guest, C.STATE_DOES) == C.DOES_RUN;
}

/** A guest's state, in words. */
export function printState(guest: u32): void {
  printDoing(taken(guest, C.STATE_DOES));
}

/** What a guest does, DOES_…, in words. */
export function printDoing(does: u32): void {
  switch (does) {
    case C.DOES_OFF:
      print('off');
      break;
    case C.DOES_WAIT:
      print('waits for host');
      break;
    case C.DOES_BEGIN:
      print('begins');
      break;
    case C.DOES_RUN:
      print('running');
      break;
    case C.DOES_PAUSE:
      print('crashed');
      break;
    default:
      print('unknown');
  }
}

/** The tenths of a percent of a core that a guest has had since it was started. */
export function shareOf(guest: u32): u64 {
  const ticks = ticksOf(guest);
  const busy = <u64>taken(guest, C.STATE_BUSY) * (10 * C.TICKS_PER_MS);
  return ticks == 0 ? 0 : (busy * 1000) / ticks;
}

/** A number of tenths, with its point. */
export function printTenths(tenths: u64): void {
  printNumber(tenths / 10);
  print('.');
  printNumber(tenths % 10);
}

/** Tells a guest what it is to do: ORDER_…, with a byte where that has one. */
export function order(guest: u32, what: u32): void {
  ringWith(C.DOORBELL_GUEST, what | (guest << C.ORDER_GUEST_SHIFT));
}

/** Whether a guest is one of a set: a bit each. */
export function isIn(guests: u32, guest: u32): bool {
  return ((guests >> guest) & 1) != 0;
}
