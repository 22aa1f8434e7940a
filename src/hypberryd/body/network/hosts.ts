/** Names of guests on the host: lines of /etc/hosts, between marks. */
import * as L from '../../shared/layout.js';
import { portCount } from '../channel/channel.js';
import { kernelPath, openFile } from '../files.js';
import { EFBIG, O_CLOEXEC, O_RDWR, linux } from '../linux.js';
import { BEGIN, END, withoutLines } from '../service/autostart.js';
import { CONTENT, readWhole } from '../service/replace.js';
import { putText } from '../texts.js';
import { DOMAIN, cardOf, nameOf } from './cards.js';
import { putAddress } from './firewall.js';

const HOSTS: string = '/etc/hosts';
/** How the file was, and how long it may be. */
const BEFORE: usize = <usize>L.REPLY;
const MOST: i32 = 0x4000;
const BLANK: u8 = 0x20;
const LINE_FEED: u8 = 0x0a;

/** Puts a guest's name; gives what is behind it. */
function putGuest(at: usize, port: u32): usize {
  const card = cardOf(port);
  memory.copy(at, nameOf(card), card.nameLength);
  return at + card.nameLength;
}

/** Puts the guests' lines at the end of CONTENT; gives its length then. */
function withGuests(length: i32): i32 {
  let at = CONTENT + length;
  if (length != 0 && load<u8>(at - 1) != LINE_FEED) at = putText(at, '\n');
  at = putText(at, BEGIN);
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    if (cardOf(port).address == 0) continue;
    at = putAddress(at, cardOf(port).address);
    store<u8>(at, BLANK);
    at = putGuest(at + 1, port);
    store<u8>(at, BLANK);
    at = putText(putText(putText(putGuest(at + 1, port), '.'), DOMAIN), '\n');
  }
  return <i32>(putText(at, END) - CONTENT);
}

/** Writes what has changed of a file, and what is behind that, in its place: it stays the same file, its owner's. */
function rewrite(before: i32, length: i32): i32 {
  let same: i32 = 0;
  while (same < length && same < before && load<u8>(CONTENT + same) == load<u8>(BEFORE + same)) same++;
  if (same == length && same == before) return 0;
  const file = openFile(kernelPath(HOSTS), O_RDWR | O_CLOEXEC, 0);
  if (file < 0) return -file;
  const rest = length - same;
  let result = rest == 0 ? 0 : linux.pwrite64(file, CONTENT + same, rest, same);
  if (result == rest) result = linux.ftruncate64(file, length);
  if (result == 0) result = linux.fsync(file);
  linux.close(file);
  return result < 0 ? -result : 0;
}

/**
 * Has /etc/hosts name the guests, or not any more.
 * @returns 0 or the error
 */
export function nameGuests(isWanted: bool): i32 {
  const before = readWhole(HOSTS, 0);
  if (before < 0) return -before;
  if (before > MOST) return EFBIG;
  memory.copy(BEFORE, CONTENT, before);
  const length = withoutLines(before);
  if (length < 0) return -length;
  return rewrite(before, isWanted ? withGuests(length) : length);
}
