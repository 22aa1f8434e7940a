/** `hypberryd status`: what is under this system, and what is served. */
import * as C from '../../channel/layout.js';
import * as L from '../shared/layout.js';
import { LOCK_NB, LOCK_SH } from '../shared/linux.js';
import {
  ABSENT,
  bellAddress,
  channelSize,
  controlOf,
  findChannel,
  headerWord,
  hostWord,
  portCount,
  recordWord,
  takeRecord,
} from './channel/channel.js';
import { reachChannel, sayNoTree } from './channel/reach.js';
import { loopOf } from './disk/loops.js';
import { openFile, probe } from './files.js';
import { CONSOLE_PATH, TREE_PATH } from './generated/about.js';
import { EAGAIN, ENOENT, O_CLOEXEC, O_NONBLOCK, O_RDONLY, linux, shared } from './linux.js';
import { firewall, isDropped } from './network/firewall.js';
import { DROPPED } from './network/ways.js';
import { print, printForeign, printNumber } from './output.js';
import { portAt } from './serial.js';
import { DONE, NO } from './statuses.js';
import { openLock } from './supervisor/lock.js';

const MIB: u32 = 0x10_0000;

/** Whether a service runs: it holds the lock. */
function isRunning(): bool {
  const lock = openLock(O_RDONLY);
  if (lock < 0) return false;
  const isHeld = linux.flock(lock, LOCK_SH | LOCK_NB) == -EAGAIN;
  linux.close(lock);
  return isHeld;
}

/** Says that there is no channel, and what is there; gives the exit status. */
function sayAbsent(): i32 {
  const console = probe(CONSOLE_PATH);
  if (console == 0) {
    print('The hypervisor under this system has no channel to it.\n');
    print(
      'Its guests have consoles; disks and a network they have where hypberry installs one with a channel.\n',
    );
    return NO;
  }
  const tree = console == -ENOENT ? probe(TREE_PATH) : console;
  if (tree == 0) {
    print('No hypervisor with a channel is under this system.\n');
    print('"hypberry guest add" and "hypberry install" put guests and their hypervisor on a card.\n');
    return NO;
  }
  return sayNoTree(-tree);
}

/** A line of a port; gives whether it is served. */
function sayPort(port: u32): bool {
  const kind = recordWord(port, C.PORT_KIND);
  takeRecord(port);
  const theirs = controlOf(port);
  const ours = theirs + C.HOST_CONTROL;
  const isServed = shared.load32(ours + C.OFFERED) == 1;
  if (kind == <u32>C.KIND_UPLINK) print('uplink');
  else printForeign(<usize>(L.RECORD + C.PORT_GUEST_NAME));
  if (kind == <u32>C.KIND_DISK) {
    print(', disk ');
    printNumber(load<u32>(<usize>(L.RECORD + C.PORT_DISK_NUMBER)));
    print(', ');
    printForeign(<usize>(L.RECORD + C.PORT_PATH));
  } else print(', network');
  print(isServed ? ': served' : ': not served');
  if (kind == <u32>C.KIND_DISK && isServed) {
    const high = shared.load32(ours + C.SECTORS + 4);
    print(', ');
    printNumber(((((<u64>high) << 32) | (<u64>shared.load32(ours + C.SECTORS))) * C.SECTOR_SIZE) / MIB);
    print(' MiB');
    if ((shared.load32(ours + C.DISK_FLAGS) & C.FLAG_READ_ONLY) != 0) print(', read-only');
    const failed = shared.load32(ours + C.FAILED_GENERATION);
    if (failed != 0 && failed == shared.load32(theirs + C.GENERATION))
      print('; its medium has failed, and its guest has errors until it is started again');
    const path = <usize>(L.RECORD + C.PORT_PATH);
    const loop = loopOf(path);
    if (loop >= 0) {
      print('; this system has it, too, as /dev/loop');
      printNumber(loop);
    }
    const file = openFile(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC, 0);
    if (file == -ENOENT) print('; nothing has this path any more: it is lost when hypberryd ends');
    linux.close(file);
  }
  print('\n');
  return isServed;
}

/** Says what there is; gives the exit status: whether all is served. */
export function status(): i32 {
  if (findChannel() == ABSENT) return sayAbsent();
  const reached = reachChannel();
  if (reached != DONE) return reached;
  const version = headerWord(C.HEADER_VERSION);
  print('Channel of ');
  printNumber(channelSize() / MIB);
  print(' MiB, bell ');
  const bell = portAt(bellAddress());
  if (bell < 0) print('not found');
  else {
    print('ttyAMA');
    printNumber(bell);
  }
  print(', version ');
  printNumber(version);
  print(' on the card and ');
  printNumber(C.VERSION);
  print(' here.\n');
  if (version != <u32>C.VERSION) {
    print(
      'They do not know each other: sudo /boot/firmware/hypberryd install has the one of the boot partition run.\n',
    );
    return NO;
  }
  const runs = isRunning();
  if (runs) print('hypberryd runs.\n');
  else print('hypberryd does not run, and guests wait: sudo hypberryd install makes it a service.\n');
  let all = runs && hostWord(C.HOST_VERSION) == <u32>C.VERSION;
  const ports = portCount();
  for (let port: u32 = 0; port < ports; port++) all = sayPort(port) && all;
  if (ports != 0 && recordWord(0, C.PORT_KIND) == <u32>C.KIND_UPLINK && isDropped(firewall())) {
    print(DROPPED);
    print('\n');
  }
  return all ? DONE : NO;
}
