/** The commands that are about guests, and `status`: those that look, which the service answers, too, and those that change. */
import {
  FILE,
  DISABLE,
  JSON,
  NAMES,
  NAMES_ALONE,
  ONE_NAME,
  TIMEOUT,
  nameAt,
  readArguments,
  said,
} from '../arguments.js';
import { ABSENT, findChannel } from '../channel/channel.js';
import { linux } from '../linux.js';
import { sayNotRoot } from '../service/says.js';
import { ask } from '../service/ask.js';
import { isText } from '../texts.js';
import { status } from '../status.js';
import { DONE, FAILED } from '../statuses.js';
import { autostart } from './autostart.js';
import { console } from './console.js';
import { findGuest, reachGuests } from './guests.js';
import { info, list } from './list.js';
import { beginFile, endFile } from './into-file.js';
import { log } from './log.js';
import { metrics } from './metrics.js';
import { kill, start, stop } from './orders.js';

/** No command of these. */
export const NO_COMMAND: i32 = -1;

/** The guests that are named, a bit each; 0 where one is not there, which is said. */
function namedGuests(): u32 {
  let guests: u32 = 0;
  for (let n: i32 = 0; n < said().names; n++) {
    const guest = findGuest(nameAt(n));
    if (guest == 0) return 0;
    guests |= (<u32>1) << guest;
  }
  return guests;
}

/** Does a command that looks; gives the exit status, or NO_COMMAND. */
export function look(count: i32, argv: usize, mayAsk: bool): i32 {
  const command = load<usize>(argv, 4);
  const isList = isText(command, 'list');
  const isInfo = isText(command, 'info');
  const isLog = isText(command, 'log');
  const isMetrics = isText(command, 'metrics');
  const isStatus = isText(command, 'status');
  if (!(isList || isInfo || isLog || isMetrics || isStatus)) return NO_COMMAND;
  let wanted = isList ? JSON | NAMES_ALONE : isInfo ? JSON | ONE_NAME : isLog ? ONE_NAME : 0;
  // The service puts nothing into files.
  if (isMetrics && mayAsk) wanted = FILE;
  const read = readArguments(count, argv, wanted);
  if (read != DONE) return read;
  const path = said().text;
  if (path != 0) {
    const begun = beginFile(path);
    if (begun != DONE) return begun;
    return endFile(path, look(2, argv, true));
  }
  if (mayAsk && linux.geteuid32() != 0 && findChannel() != ABSENT) return ask(count, argv, isLog);
  if (isStatus) return status();
  const reached = reachGuests();
  if (reached != DONE) return reached;
  const isJson = (said().options & JSON) != 0;
  if (isMetrics) return metrics();
  if (isList) return list(isJson, (said().options & NAMES_ALONE) != 0);
  const guest = findGuest(nameAt(0));
  if (guest == 0) return FAILED;
  return isInfo ? info(guest, isJson) : log(guest);
}

/** Does a command that changes something, or attaches to a console; gives the exit status, or NO_COMMAND. */
export function change(count: i32, argv: usize): i32 {
  const command = load<usize>(argv, 4);
  const isStart = isText(command, 'start');
  const isStop = isText(command, 'stop');
  const isKill = isText(command, 'kill');
  const isRestart = isText(command, 'restart');
  const isAutostart = isText(command, 'autostart');
  const isConsole = isText(command, 'console');
  if (!(isStart || isStop || isKill || isRestart || isConsole || isAutostart)) return NO_COMMAND;
  const wanted = isConsole
    ? ONE_NAME
    : isStop || isRestart
      ? NAMES | TIMEOUT
      : isAutostart
        ? NAMES | DISABLE
        : NAMES;
  const read = readArguments(count, argv, wanted);
  if (read != DONE) return read;
  if (linux.geteuid32() != 0) return sayNotRoot();
  const reached = reachGuests();
  if (reached != DONE) return reached;
  const guests = namedGuests();
  if (guests == 0) return FAILED;
  if (isConsole) return console(ctz(guests));
  if (isStart) return start(guests);
  if (isAutostart) return autostart(guests, (said().options & DISABLE) == 0);
  if (isKill) return kill(guests);
  const stopped = stop(guests, said().seconds);
  return isRestart && stopped == DONE ? start(guests) : stopped;
}
