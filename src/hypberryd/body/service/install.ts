/** `hypberryd install` and `uninstall`: a service of the system that this runs on. */
import { ABSENT, findChannel } from '../channel/channel.js';
import { refuse } from '../arguments.js';
import { forgetAutostart } from '../guests/autostart.js';
import { linux } from '../linux.js';
import { closeWays } from '../network/ways.js';
import { print } from '../output.js';
import { DONE, NO } from '../statuses.js';
import {
  installForLibreElec,
  isInstalledForLibreElec,
  isLibreElec,
  uninstallForLibreElec,
} from './autostart.js';
import { isGroup } from './groups.js';
import { sayNotRoot } from './says.js';
import { installForSystemd, isInstalledForSystemd, isSystemd, uninstallForSystemd } from './systemd.js';

/**
 * Has this program run whenever the system does.
 * @param environment as main has it
 * @param group the name of the group that may look at guests, too; 0 for none
 * @returns the exit status
 */
export function install(environment: usize, group: usize): i32 {
  if (linux.geteuid32() != 0) return sayNotRoot();
  if (group != 0 && !isGroup(group)) return refuse('There is no group', group, 'install.group');
  if (findChannel() == ABSENT)
    print(
      'No hypervisor with a channel is under this system yet: it serves from the start on at which there is one.\n',
    );
  // All that log in to LibreELEC are root.
  if (isLibreElec()) return installForLibreElec();
  if (isSystemd()) return installForSystemd(environment, group);
  print('This system has neither systemd nor the autostart.sh of LibreELEC. Nothing was changed.\n');
  print('Put this program where it stays, and have the system start it as root: "hypberryd run".\n');
  return NO;
}

/** Takes away what install has made; as install. */
export function uninstall(environment: usize): i32 {
  if (linux.geteuid32() != 0) return sayNotRoot();
  let result = NO;
  if (isLibreElec() && isInstalledForLibreElec()) result = uninstallForLibreElec();
  else if (isSystemd() && isInstalledForSystemd()) result = uninstallForSystemd(environment);
  if (result == DONE) {
    closeWays();
    forgetAutostart();
  }
  if (result != NO) return result;
  print('hypberryd is not installed here. Nothing was changed.\n');
  return NO;
}
