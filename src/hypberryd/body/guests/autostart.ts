/**
 * `hypberryd autostart`: which guests start with the system. The card says it, a file of the host's otherwise; the service
 * goes by that once after each start of the Pi.
 */
import * as C from '../../../channel/layout.js';
import { guestCount, guestRecordWord } from '../channel/channel.js';
import { kernelPath, openFile, probe } from '../files.js';
import { ENOENT, O_CLOEXEC, O_CREAT, O_NOFOLLOW, O_WRONLY, linux } from '../linux.js';
import { beginError, endError, print, printForeign } from '../output.js';
import { isLibreElec } from '../service/autostart.js';
import { CONTENT, readWhole, replace } from '../service/replace.js';
import { sayFailed } from '../service/says.js';
import { DONE, FAILED } from '../statuses.js';
import { putBytes, putText } from '../texts.js';
import { isIn, nameOf, order, portsOf, taken, takeStates } from './guests.js';

/** A line for each guest that was asked about: its name, a space, "yes" or "no". */
const FILE: string = '/etc/hypberryd.autostart';
const FILE_BESIDE: string = '/etc/hypberryd.autostart.new';
/** LibreELEC's /etc cannot be written. */
const LIBREELEC_FILE: string = '/storage/.config/hypberryd.autostart';
const LIBREELEC_FILE_BESIDE: string = '/storage/.config/hypberryd.autostart.new';
/** There once the service has gone by it, until the system is started again. */
const OBEYED: string = '/run/hypberryd.autostart';
const MODE: i32 = 0o644;
const LINE_FEED: u8 = 0x0a;
const SPACE: u8 = 0x20;
const Y: u8 = 0x79;

function path(): string {
  return isLibreElec() ? LIBREELEC_FILE : FILE;
}

/** Reads the file into CONTENT, a 0 behind it; gives its length, 0 where there is none, or the error, negated. */
function readFile(): i32 {
  const length = readWhole(path(), O_NOFOLLOW);
  if (length == -ENOENT) return 0;
  if (length >= 0) store<u8>(CONTENT + length, 0);
  return length;
}

/** The length of what stands at two places alike, up to a 0 of the first. */
function lengthAlike(one: usize, other: usize): usize {
  let length: usize = 0;
  while (load<u8>(one + length) != 0 && load<u8>(one + length) == load<u8>(other + length)) length++;
  return length;
}

/** Where in CONTENT the line of a guest begins, and with `behind` what is behind its name and the space; 0 for nowhere. */
function lineOf(guest: u32, length: i32, behind: bool): usize {
  const name = nameOf(guest);
  const end = CONTENT + length;
  for (let at = CONTENT; at < end; at++) {
    const count = lengthAlike(name, at);
    if (load<u8>(name + count) == 0 && load<u8>(at + count) == SPACE) return behind ? at + count + 1 : at;
    while (at < end && load<u8>(at) != LINE_FEED) at++;
  }
  return 0;
}

function mayBegin(guest: u32): bool {
  return (guestRecordWord(guest, C.GUEST_FLAGS) & C.FLAG_NO_AUTOSTART) == 0;
}

/** Whether a guest starts with the system, where the file has so many bytes. */
function starts(guest: u32, length: i32): bool {
  const at = length > 0 ? lineOf(guest, length, true) : 0;
  return at == 0 ? mayBegin(guest) : load<u8>(at) == Y;
}

/** Whether a guest starts with the system. */
export function isAutostarted(guest: u32): bool {
  return starts(guest, readFile());
}

/** Has one guest start with the system, or not: its line is taken out and put behind the others. Gives the new length. */
function wish(guest: u32, length: i32, isWanted: bool): i32 {
  const line = lineOf(guest, length, false);
  let end = CONTENT + length;
  if (line != 0) {
    let behind = line;
    while (behind < end && load<u8>(behind) != LINE_FEED) behind++;
    if (behind < end) behind++;
    memory.copy(line, behind, end - behind);
    end -= behind - line;
  }
  end = putText(putBytes(end, nameOf(guest)), isWanted ? ' yes\n' : ' no\n');
  store<u8>(end, 0);
  return <i32>(end - CONTENT);
}

/** Has guests, a bit each, start with the system, or not; gives the exit status. */
export function autostart(guests: u32, isWanted: bool): i32 {
  let length = readFile();
  if (length < 0) return sayFailed(path(), -length);
  const last = guestCount();
  for (let n: u32 = 1; n <= last; n++) {
    if (!isIn(guests, n)) continue;
    if (!isWanted && mayBegin(n) && portsOf(n, C.KIND_DISK) == 0) {
      beginError();
      printForeign(nameOf(n));
      print(' has no disk, so it begins before this system does.');
      endError('autostart.before', '"hypberry guest set" has --no-autostart, for the card.');
      return FAILED;
    }
    length = wish(n, length, isWanted);
  }
  const isElsewhere = isLibreElec();
  const error = replace(
    isElsewhere ? LIBREELEC_FILE : FILE,
    isElsewhere ? LIBREELEC_FILE_BESIDE : FILE_BESIDE,
    CONTENT,
    <u32>length,
    MODE,
  );
  if (error != 0) return sayFailed(path(), error);
  for (let n: u32 = 1; n <= last; n++) {
    if (!isIn(guests, n)) continue;
    printForeign(nameOf(n));
    print(isWanted ? ': starts with the Pi\n' : ': does not start with the Pi\n');
  }
  return DONE;
}

/** Has guests begin, or not, as the file says, once after each start of the system. What was done by hand since stays. */
export function obeyAutostart(): void {
  if (probe(OBEYED) == 0) return;
  const length = readFile();
  takeStates();
  const last = guestCount();
  for (let n: u32 = 1; length > 0 && n <= last; n++) {
    const does = taken(n, C.STATE_DOES);
    if (!starts(n, length)) {
      // One that runs has begun before this system, and been seen.
      if (does == C.DOES_WAIT) order(n, C.ORDER_OFF);
    } else if (does == C.DOES_OFF && !mayBegin(n)) order(n, C.ORDER_START);
  }
  const file = openFile(kernelPath(OBEYED), O_WRONLY | O_CREAT | O_CLOEXEC | O_NOFOLLOW, MODE);
  if (file >= 0) linux.close(file);
}

/** Takes the file away. */
export function forgetAutostart(): void {
  linux.unlink(kernelPath(path()));
}
