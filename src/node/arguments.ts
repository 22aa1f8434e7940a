/** The words of the command line, as far as Node has them. */
import { isUtf8 } from 'node:buffer';
import fs from 'node:fs';
import { HypberryError } from '../base/errors.js';

/** What Node puts in the place of bytes that are no UTF-8; a name may have it, too. */
const REPLACEMENT = '\ufffd';

/**
 * Refuses a command line that has bytes which are no UTF-8 (any byte is good for a name on Linux): Node has another name in
 * their place, which may be that of another file. Where the system does not tell the bytes, all is taken as it is.
 * @param words as Node has them
 * @param readBytes gives the bytes of all of them (proc(5), /proc/[pid]/cmdline)
 * @throws HypberryError `usage.not-utf8`
 */
export function refuseNotUtf8(
  words: readonly string[] = process.argv,
  readBytes: () => Uint8Array = () => fs.readFileSync('/proc/self/cmdline'),
): void {
  if (!words.some((word) => word.includes(REPLACEMENT)) || areUtf8(readBytes)) return;
  throw new HypberryError(
    'usage.not-utf8',
    'A word of the command line is no UTF-8, so what it names cannot be told from other names.',
    'Give that file another name, or make a link to it that has one.',
  );
}

function areUtf8(readBytes: () => Uint8Array): boolean {
  try {
    return isUtf8(readBytes());
  } catch {
    return true;
  }
}
