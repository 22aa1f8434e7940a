import { hexDigits } from '../base/words.js';
// Files that hold a change until it is whole: a command that was killed leaves one behind.

const STEM = '.hypberry-unfinished';

/** Bytes of chance in a name, so that no two commands take one name. */
const CHANCE = 4;

/** The name without chance in it is that of release 0.1.0. */
const NAME = new RegExp(`^\\${STEM}(?:-[0-9a-f]{${CHANCE * 2}})?$`, 'i');

/** A name for a file that holds a change until it is whole; another one each time. */
export function unfinishedName(): string {
  const chance = crypto.getRandomValues(new Uint8Array(CHANCE));
  return `${STEM}-${[...chance].map((byte) => hexDigits(byte, 2)).join('')}`;
}

/** Whether a name is one of {@link unfinishedName}, of this release or an earlier one. */
export function isUnfinished(name: string): boolean {
  return NAME.test(name);
}
