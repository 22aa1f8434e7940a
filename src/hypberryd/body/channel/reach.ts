/** The channel, found and mapped, or in words why not. */
import { beginError, endError, print } from '../output.js';
import { printReason } from '../reasons.js';
import { DONE, FAILED } from '../statuses.js';
import { ABSENT, BROKEN, FOUND, findChannel, mapChannel } from './channel.js';

/** Finds and maps the channel; gives 0, else the exit status, having said why. */
export function reachChannel(): i32 {
  let found = findChannel();
  if (found == FOUND) found = mapChannel();
  if (found == FOUND) return DONE;
  beginError();
  if (found == ABSENT) {
    print('The hypervisor under this system has no channel.');
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
