/** What installing and its reverse say when they cannot. */
import { beginError, endError, print } from '../output.js';
import { printReason } from '../reasons.js';
import { FAILED } from '../statuses.js';

/** Says that a file could not be read or written; gives the exit status. */
export function sayFailed(path: string, error: i32): i32 {
  beginError();
  print(path);
  print(' could not be read or written: ');
  printReason(error);
  print('.');
  endError(
    'install.file',
    'See that there is room and that its file system may be written; then do the same again.',
  );
  return FAILED;
}

/** Says that a file is not of this program's making; gives the exit status. */
export function sayForeign(path: string): i32 {
  beginError();
  print(path);
  print(' is there, and "hypberryd install" has not made it.');
  endError('install.foreign', 'Nothing was changed. Move it away, then do the same again.');
  return FAILED;
}

/** Says that systemctl did not do what it was told to; gives the exit status. */
export function sayNoSystemctl(): i32 {
  beginError();
  print('systemctl has failed.');
  endError(
    'install.systemctl',
    'See what it says above, and "journalctl -u hypberryd"; then do the same again.',
  );
  return FAILED;
}

/** Says that only root may do it; gives the exit status. */
export function sayNotRoot(): i32 {
  beginError();
  print('Only root may do that.');
  endError('install.root', 'Put sudo before it.');
  return FAILED;
}
