/** `hypberryd status`: what is under this system, as its device tree has it. */
import { probe } from './files.js';
import { CONSOLE_PATH, TREE_PATH } from './generated/about.js';
import { ENOENT } from './linux.js';
import { beginError, endError, print } from './output.js';
import { printReason } from './reasons.js';
import { FAILED, NO } from './statuses.js';

/** Says whether a hypervisor with a channel is there; gives the exit status. */
export function status(): i32 {
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
  beginError();
  print('The device tree could not be read, ');
  print(TREE_PATH);
  print(': ');
  printReason(-tree);
  print('.');
  endError('status.tree', 'Have /proc and /sys mounted, and a kernel that was started with a device tree.');
  return FAILED;
}
