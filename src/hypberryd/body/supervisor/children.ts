/** The processes that serve: one a disk, one for the network. They are started again when they end. */
import * as C from '../../../channel/layout.js';
import * as L from '../../shared/layout.js';
import { ANY_CHILD, SIGTERM, WNOHANG } from '../../shared/linux.js';
import { offer, portCount, recordWord, takeRecord } from '../channel/channel.js';
import { serveDisk } from '../disk/serve.js';
import { EINTR, O_CLOEXEC, O_NONBLOCK, linux } from '../linux.js';
import { offerNetwork, serveNetwork } from '../network/network.js';
import { beginMessage, endMessage, endOutput, print, printForeign, printNumber } from '../output.js';
import { FAILED } from '../statuses.js';
import { beginWaitingAsChild } from '../waiting.js';
import { buryAnswer, closeAnswers } from './answers.js';
import { now } from './host.js';
import { serveSyslog } from './syslog.js';

/** A child, of its port; that of the network is of the uplink's, that of the system's log is behind all. */
@unmanaged
class Child {
  /** Whether there is one, and its number while it runs, else 0. */
  isWanted: bool;
  process: i32;
  /** An eventfd that says to it that a port of its has rung; it stays when the child ends. */
  bell: i32;
  /** Milliseconds to wait before it is started, and when it was to be. */
  delay: u32;
  since: u32;
}

if (<usize>L.SUPERVISOR + offsetof<Kept>() > <usize>L.CHILDREN) ERROR('layout of Kept');
if (<usize>L.CHILDREN + offsetof<Child>() * (C.MOST_PORTS + 1) > <usize>L.BUFFER) ERROR('layout of Child');

const FIRST_DELAY: u32 = 100;
const LONGEST_DELAY: u32 = 60_000;
/** How long one has run that is started again as if it were the first time, milliseconds. */
const LONG: u32 = 60_000;
/** The same, as a result: there is no child to be started. */
export const NOTHING_TO_START: u32 = <u32>-1;

/** More than any child has. */
const NO_PORT: u32 = C.MOST_PORTS + 1;

@unmanaged
class Kept {
  /** Descriptors that children do not keep. */
  lock: i32;
  bell: i32;
  clock: i32;
  /** The port of the uplink; NO_PORT where there is none. */
  uplink: u32;
}

// @inline
function kept(): Kept {
  return changetype<Kept>(<usize>L.SUPERVISOR);
}

function childOf(port: u32): Child {
  return changetype<Child>(<usize>L.CHILDREN + <usize>port * offsetof<Child>());
}

/**
 * Makes a place for the child of each port that wants one.
 * @param lock and the others: descriptors of this process alone
 * @param hasLog whether one gives what guests say to the system's log
 * @returns 0 or the error
 */
export function prepareChildren(lock: i32, bell: i32, clock: i32, hasLog: bool): i32 {
  kept().lock = lock;
  kept().bell = bell;
  kept().clock = clock;
  kept().uplink = NO_PORT;
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) {
    const kind = recordWord(port, C.PORT_KIND);
    if (kind == <u32>C.KIND_UPLINK) kept().uplink = port;
    else if (kind != <u32>C.KIND_DISK) continue;
    const child = childOf(port);
    child.bell = linux.eventfd2(0, O_CLOEXEC | O_NONBLOCK);
    if (child.bell < 0) return -child.bell;
    child.isWanted = true;
  }
  childOf(ports).bell = -1;
  childOf(ports).isWanted = hasLog;
  return 0;
}

/** The rest of a child's life. */
function serve(port: u32, parent: i32): i32 {
  const bell = childOf(port).bell;
  linux.close(kept().lock);
  linux.close(kept().bell);
  linux.close(kept().clock);
  closeAnswers();
  const error = beginWaitingAsChild(bell, parent);
  if (error != 0) return FAILED;
  if (port == portCount()) return serveSyslog();
  return port == kept().uplink ? serveNetwork(port, bell) : serveDisk(port, bell);
}

/** Starts a child; gives whether there was room for it. */
function start(port: u32): bool {
  const child = childOf(port);
  const parent = linux.getpid();
  endOutput();
  const process = linux.fork();
  if (process == 0) {
    const status = serve(port, parent);
    endOutput();
    linux.exit_group(status);
  }
  child.since = now();
  child.process = process < 0 ? 0 : process;
  return process > 0;
}

/** Starts the children whose time has come; gives after how many milliseconds the next is due, or NOTHING_TO_START. */
export function startChildren(): u32 {
  const ports = portCount();
  let next = NOTHING_TO_START;
  for (let port: u32 = 0; port <= ports; port++) {
    const child = childOf(port);
    if (!child.isWanted || child.process != 0) continue;
    let rest: u32 = 0;
    if (child.delay != 0) {
      const waited = now() - child.since;
      rest = waited < child.delay ? child.delay - waited : 0;
    }
    if (rest == 0 && !start(port)) rest = child.delay = FIRST_DELAY;
    if (rest != 0 && rest < next) next = rest;
  }
  return next;
}

function sayEnded(port: u32, status: u32, delay: u32): void {
  takeRecord(port);
  beginMessage();
  if (port == portCount()) print("the system's log");
  else if (port == kept().uplink) print('the network');
  else {
    printForeign(<usize>(L.RECORD + C.PORT_GUEST_NAME));
    print(', disk ');
    printNumber(load<u32>(<usize>(L.RECORD + C.PORT_DISK_NUMBER)));
  }
  print(': its process has ended, ');
  const signal = status & 0x7f;
  print(signal == 0 ? 'status ' : 'signal ');
  printNumber(signal == 0 ? status >> 8 : signal);
  print('. It is started again in ');
  printNumber(delay);
  print(port == portCount() ? ' ms.' : ' ms; its guests wait.');
  endMessage();
}

/** Takes note of children that have ended. */
export function buryChildren(): void {
  const ports = portCount();
  for (;;) {
    const process = linux.wait4(ANY_CHILD, <usize>L.SCRATCH, WNOHANG, 0);
    if (process <= 0) return;
    const status = load<u32>(<usize>L.SCRATCH);
    let isServer = false;
    for (let port: u32 = 0; port <= ports; port++) {
      const child = childOf(port);
      if (child.process != process) continue;
      isServer = true;
      child.process = 0;
      const time = now();
      const next = child.delay * 2 < LONGEST_DELAY ? child.delay * 2 : LONGEST_DELAY;
      child.delay = child.delay == 0 || time - child.since >= LONG ? FIRST_DELAY : next;
      child.since = time;
      // It does not say so any more.
      if (port == kept().uplink) offerNetwork(0);
      else if (port < ports) offer(port, 0);
      sayEnded(port, status, child.delay);
    }
    if (!isServer) buryAnswer();
  }
}

/** Tells children whose ports have rung. */
export function tellChildren(rung: u32): void {
  const ports = portCount();
  let told: u32 = 0;
  for (let port: u32 = 0; port < ports; port++) {
    if ((rung & ((<u32>1) << port)) == 0) continue;
    const isDisk = recordWord(port, C.PORT_KIND) == <u32>C.KIND_DISK;
    const server = isDisk ? port : kept().uplink;
    if (server < ports) told |= (<u32>1) << server;
  }
  store<u64>(<usize>L.SCRATCH, 1);
  for (let port: u32 = 0; port < ports; port++)
    if ((told & ((<u32>1) << port)) != 0) linux.write(childOf(port).bell, <usize>L.SCRATCH, 8);
}

/** Has all children end what they are about, and waits until they have. */
export function endChildren(): void {
  const ports = portCount();
  for (let port: u32 = 0; port <= ports; port++) {
    const process = childOf(port).process;
    if (process != 0) linux.kill(process, SIGTERM);
  }
  for (;;) {
    const process = linux.wait4(ANY_CHILD, <usize>L.SCRATCH, 0, 0);
    if (process < 0 && process != -EINTR) return;
  }
}
