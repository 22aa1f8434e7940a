/** `hypberryd run`: the service. It starts what serves, passes bells on, and says the time, until it is told to end. */
import * as L from '../../shared/layout.js';
import { LOCK_EX, LOCK_NB } from '../../shared/linux.js';
import { SYSLOG, said } from '../arguments.js';
import { bellAddress } from '../channel/channel.js';
import { isKnown, reachChannel } from '../channel/reach.js';
import { obeyAutostart } from '../guests/autostart.js';
import { EAGAIN, O_CREAT, O_RDWR, linux } from '../linux.js';
import { beginError, beginMessage, endError, endMessage, print, printNumber } from '../output.js';
import { printReason } from '../reasons.js';
import { portAt } from '../serial.js';
import { DONE, FAILED } from '../statuses.js';
import {
  CALLED,
  CHILD_ENDED,
  READABLE,
  RUNG,
  TOLD_TO_END,
  beginWaiting,
  wait,
  waitForFile,
} from '../waiting.js';
import { beginAnswers, endAnswers, takeCaller } from './answers.js';
import { openBell, readBell } from './bell.js';
import { buryChildren, endChildren, prepareChildren, startChildren, tellChildren } from './children.js';
import { openLock } from './lock.js';
import { mayReadCounter, now, sayHost, takeClock, watchClock } from './host.js';

/** Milliseconds after which the clock is said anew where nobody has set it. */
const CLOCK_INTERVAL: u32 = 60_000;
/** Where the ports that have rung stand for a moment. */
const RUNG_PORTS: usize = <usize>(L.SUPERVISOR + 0x40);

/** Takes the lock; gives its descriptor, else -1, having said why. */
function takeLock(): i32 {
  const lock = openLock(O_RDWR | O_CREAT);
  const result = lock < 0 ? lock : linux.flock(lock, LOCK_EX | LOCK_NB);
  if (result == 0) return lock;
  beginError();
  if (result == -EAGAIN) {
    print('hypberryd runs already.');
    endError(
      'run.twice',
      '"hypberryd status" says what it does; as a service it is ended by systemctl stop hypberryd.',
    );
  } else {
    print('The lock /run/hypberryd.lock could not be had: ');
    printReason(-result);
    print('.');
    endError('run.lock', 'Run this as root.');
  }
  return -1;
}

function failed(what: string, error: i32): i32 {
  beginError();
  print(what);
  print(': ');
  printReason(error);
  print('.');
  endError('run.system', 'Look at what the kernel says, and start hypberryd again.');
  return FAILED;
}

/** Opens the bell; gives its descriptor, else -1, having said why. */
function takeBellOfAll(): i32 {
  const number = portAt(bellAddress());
  if (number < 0) {
    beginError();
    print('The bell is not among the serial ports, /proc/tty/driver/ttyAMA: ');
    printReason(-number);
    print('.');
    endError('run.bell', 'The kernel has to have its driver for PL011 serial ports, and /proc mounted.');
    return -1;
  }
  const bell = openBell(number);
  if (bell >= 0) return bell;
  beginError();
  print('The bell, /dev/ttyAMA');
  printNumber(number);
  print(', could not be opened: ');
  printReason(-bell);
  print('.');
  endError(
    'run.bell',
    'Nothing else may use this serial port: take it from getty or from a console= of cmdline.txt.',
  );
  return -1;
}

function least(a: u32, b: u32): u32 {
  return a < b ? a : b;
}

/** Supervises until it is told to end; gives the exit status. */
function supervise(bell: i32, clock: i32): i32 {
  const hasCounter = mayReadCounter();
  waitForFile(clock);
  sayHost(hasCounter);
  let told = now();
  for (;;) {
    const next = startChildren();
    const sinceSaid = now() - told;
    const untilClock = sinceSaid >= CLOCK_INTERVAL ? 0 : CLOCK_INTERVAL - sinceSaid;
    const there = wait(<i32>least(next, untilClock));
    if ((there & TOLD_TO_END) != 0) break;
    if ((there & RUNG) != 0) {
      const error = readBell(bell, RUNG_PORTS);
      tellChildren(load<u32>(RUNG_PORTS));
      if (error != 0) {
        endChildren();
        return failed('The bell could not be read', error);
      }
    }
    if ((there & CHILD_ENDED) != 0) buryChildren();
    if ((there & CALLED) != 0) takeCaller();
    const isSet = (there & READABLE) != 0;
    if (isSet) takeClock(clock);
    if (isSet || now() - told >= CLOCK_INTERVAL) {
      sayHost(hasCounter);
      told = now();
    }
  }
  endChildren();
  return DONE;
}

/**
 * Runs the service.
 * @param group the name of the group that may look at guests, too; 0 for none
 * @returns the exit status
 */
export function run(group: usize): i32 {
  const reached = reachChannel();
  if (reached != DONE) return reached;
  if (!isKnown()) return FAILED;
  const lock = takeLock();
  if (lock < 0) return FAILED;
  const bell = takeBellOfAll();
  if (bell < 0) return FAILED;
  let error = beginWaiting(bell);
  const clock = watchClock();
  if (error == 0) error = prepareChildren(lock, bell, clock, (said().options & SYSLOG) != 0);
  if (error != 0) return failed('The processes could not be prepared', error);
  beginMessage();
  print('serving the guests of this card.');
  endMessage();
  obeyAutostart();
  beginAnswers(group);
  const status = supervise(bell, clock);
  endAnswers();
  beginMessage();
  print('ended; guests wait until it is started again.');
  endMessage();
  return status;
}
