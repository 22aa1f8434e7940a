/** What the guests' network is to the host's: names, the way out, ports that lead in; set up at the start, taken away at the end. */
import * as A from '../../../channel/addresses.js';
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { AF_INET, SOCKADDR_PORT, SOCKADDR_SIZE, SOCK_DGRAM, SOCK_STREAM } from '../../shared/linux.js';
import * as P from '../../shared/packets.js';
import { portCount, takeRecord } from '../channel/channel.js';
import { kernelPath, openFile, probe, readBeginning } from '../files.js';
import { ENOENT, O_CLOEXEC, O_CREAT, O_NOFOLLOW, O_WRONLY, linux } from '../linux.js';
import { beginMessage, endMessage, print, printForeign, printNumber } from '../output.js';
import { printReason } from '../reasons.js';
import { isAt } from '../texts.js';
import { NONE, firewall, forwardAt, isDropped, makeRules, takeRulesAway } from './firewall.js';
import { nameGuests } from './hosts.js';
import { putHalf } from './packet.js';

const FORWARDING: string = '/proc/sys/net/ipv4/ip_forward';
/** There while it is on by this program's doing; both are gone when the system is started again. */
const SWITCHED_ON: string = '/run/hypberryd.forwarding';
const ON: u8 = 0x31;
const OFF: u8 = 0x30;
const READABLE: i32 = 0o644;
/** Of /proc/net/route: where it is read, how much of it; the field of a line with the mask (Linux, net/ipv4/fib_trie.c). */
const ROUTES: usize = <usize>L.TEXTS;
const ROUTES_SIZE: i32 = 0x8000;
const MASK_FIELD: i32 = 7;
const TAB: u8 = 9;
const LINE_FEED: u8 = 0x0a;

export const DROPPED: string =
  'This system drops what it is to forward, so guests do not reach the outside. What helps: iptables -I FORWARD -i hypberry0 -j ACCEPT; iptables -I FORWARD -o hypberry0 -j ACCEPT.';

function beginWords(): void {
  beginMessage();
  print('the network: ');
}

function say(what: string): void {
  beginWords();
  print(what);
  endMessage();
}

/** Writes a digit to a file. */
function writeDigit(path: string, flags: i32, digit: u8): void {
  const file = openFile(kernelPath(path), O_WRONLY | O_NOFOLLOW | O_CLOEXEC | flags, READABLE);
  store<u8>(<usize>L.SCRATCH, digit);
  linux.write(file, <usize>L.SCRATCH, 1);
  linux.close(file);
}

/** Has the system forward packets, and remembers where it did not before. */
function switchOn(): void {
  if (readBeginning(FORWARDING, <usize>L.SCRATCH, 1) != 1 || load<u8>(<usize>L.SCRATCH) != OFF) return;
  writeDigit(SWITCHED_ON, O_CREAT, ON);
  writeDigit(FORWARDING, 0, ON);
}

/** A number of eight digits, as /proc/net/route has addresses. */
function hexAt(at: usize): u32 {
  let value: u32 = 0;
  for (let i: usize = 0; i < 8; i++) {
    const digit: u32 = load<u8>(at + i);
    value = (value << 4) | (digit < 0x3a ? digit - 0x30 : digit - 0x37);
  }
  return value;
}

/** Where the n-th field of a line begins. */
function fieldAt(line: usize, n: i32): usize {
  let at = line;
  for (let i: i32 = 0; i < n; i++) {
    while (load<u8>(at) != TAB && load<u8>(at) != LINE_FEED && load<u8>(at) != 0) at++;
    if (load<u8>(at) == TAB) at++;
  }
  return at;
}

/** Says it where another interface has a route to the guests' network, or to a part of it. */
function lookAtRoutes(): void {
  const length = readBeginning('/proc/net/route', ROUTES, ROUTES_SIZE - 1);
  const end = ROUTES + (length < 0 ? 0 : length);
  store<u8>(end, 0);
  let line = ROUTES;
  while (line < end) {
    const mask = bswap<u32>(hexAt(fieldAt(line, MASK_FIELD)));
    const to = bswap<u32>(hexAt(fieldAt(line, 1)));
    const common = mask & A.NETWORK_MASK;
    // The first line has the fields' names.
    if (line != ROUTES && mask != 0 && ((to ^ A.NETWORK) & common) == 0 && !isAt(line, 'hypberry0\t')) {
      store<u8>(fieldAt(line, 1) - 1, 0);
      beginWords();
      print('192.168.77.0/24, the addresses of guests, are in use at ');
      printForeign(line);
      print(', too: one of the two is not reached. Give hypberry0 another address, or that network.');
      endMessage();
      return;
    }
    while (line < end && load<u8>(line++) != LINE_FEED);
  }
}

/** Whether a port is one that a program of this system's listens on. */
function isTaken(protocol: u32, port: u32): bool {
  const socket = linux.socket(
    AF_INET,
    (protocol == P.PROTOCOL_TCP ? SOCK_STREAM : SOCK_DGRAM) | O_CLOEXEC,
    0,
  );
  if (socket < 0) return false;
  memory.fill(<usize>L.SCRATCH, 0, SOCKADDR_SIZE);
  store<u16>(<usize>L.SCRATCH, AF_INET);
  putHalf(<usize>L.SCRATCH + SOCKADDR_PORT, port);
  const result = linux.bind(socket, <usize>L.SCRATCH, SOCKADDR_SIZE);
  linux.close(socket);
  return result < 0;
}

/** Says which ports that lead to guests programs of this system's listen on. */
function lookAtPorts(): void {
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    takeRecord(port);
    for (let n: u32 = 0; n < <u32>C.MOST_FORWARDS; n++) {
      const forward = forwardAt(n);
      if (forward == 0) break;
      const number = load<u32>(forward + C.FORWARD_PORTS) >> 16;
      if (!isTaken(load<u32>(forward + C.FORWARD_PROTOCOL), number)) continue;
      beginWords();
      print('a program of this system listens on port ');
      printNumber(number);
      print(', which leads to ');
      printForeign(<usize>(L.RECORD + C.PORT_GUEST_NAME));
      print(': others do not reach that program any more.');
      endMessage();
    }
  }
}

/** Sets all up, as often as it is called; what cannot be is said, and guests go on without it. */
export function openWays(): void {
  const error = nameGuests(true);
  if (error != 0) {
    beginWords();
    print('/etc/hosts does not name the guests: ');
    printReason(error);
    print('.');
    endMessage();
  }
  lookAtRoutes();
  const which = firewall();
  if (which == NONE) {
    say('this system has neither nft nor iptables: guests reach the host alone.');
    return;
  }
  lookAtPorts();
  if (!makeRules(which)) {
    say('the rules for the way out could not be made: guests reach the host alone.');
    return;
  }
  switchOn();
  if (isDropped(which)) say(DROPPED);
}

/** Takes away what openWays has set up. */
export function closeWays(): void {
  nameGuests(false);
  takeRulesAway(firewall());
  if (probe(SWITCHED_ON) == -ENOENT) return;
  writeDigit(FORWARDING, 0, OFF);
  linux.unlink(kernelPath(SWITCHED_ON));
}
