/** The channel, found and mapped, or in words why not. */
import * as C from '../../../channel/layout.js';
import { probe } from '../files.js';
import { TREE_PATH } from '../generated/about.js';
import { beginError, endError, print, printNumber } from '../output.js';
import { printReason } from '../reasons.js';
import { DONE, FAILED } from '../statuses.js';
import { ABSENT, BROKEN, FOUND, findChannel, headerWord, mapChannel } from './channel.js';

/** Says that the device tree could not be read, by what error; gives the exit status. */
export function sayNoTree(error: i32): i32 {
  beginError();
  print('The device tree could not be read, ');
  print(TREE_PATH);
  print(': ');
  printReason(error);
  print('.');
  endError('channel.tree', 'Have /proc and /sys mounted, and a kernel that was started with a device tree.');
  return FAILED;
}

/** Finds and maps the channel; gives 0, else the exit status, having said why. */
export function reachChannel(): i32 {
  let found = findChannel();
  if (found == FOUND) found = mapChannel();
  if (found == FOUND) return DONE;
  if (found == ABSENT) {
    const tree = probe(TREE_PATH);
    if (tree < 0) return sayNoTree(-tree);
  }
  beginError();
  if (found == ABSENT) {
    print('No hypervisor with a channel is under this system.');
    endError('channel.absent', '"hypberryd status" says more.');
  } else if (found == BROKEN) {
    print('There is no channel where the device tree has one, or not a whole one.');
    endError('channel.broken', 'Install the hypervisor on the card again, by "hypberry install".');
  } else {
    print('The channel could not be opened: ');
    printReason(found);
    print('.');
    endError('channel.open', 'Run this as root, on a kernel that has /dev/mem and /proc/device-tree.');
  }
  return FAILED;
}

/** Whether the image on the card speaks this version of the channel; says so where not. */
export function isKnown(): bool {
  const version = headerWord(C.HEADER_VERSION);
  if (version == <u32>C.VERSION) return true;
  beginError();
  print('The image on the card has version ');
  printNumber(version);
  print(' of the channel, this program has ');
  printNumber(C.VERSION);
  print('.');
  endError(
    'channel.version',
    'Install the one of the boot partition: sudo /boot/firmware/hypberryd install.',
  );
  return false;
}
