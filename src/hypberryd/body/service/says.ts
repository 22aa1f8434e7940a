/** What installing and its reverse say when they cannot. */
import { beginError, endError, print, printForeign } from '../output.js';
import { printReason } from '../reasons.js';
import { FAILED } from '../statuses.js';
import { addressOf } from '../texts.js';

/** Says that a file could not be read or written, by its path up to a 0; gives the exit status. */
export function sayFailedAt(path: usize, error: i32, code: string): i32 {
  beginError();
  printForeign(path);
  print(' could not be read or written: ');
  printReason(error);
  print('.');
  endError(code, 'See that there is room and that its file system may be written; then do the same again.');
  return FAILED;
}

/** The same of a file of this program's own. */
export function sayFailed(path: string, error: i32): i32 {
  return sayFailedAt(addressOf(path), error, 'install.file');
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
