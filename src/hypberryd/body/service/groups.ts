/** Groups of users. */
import { EINVAL } from '../linux.js';
import { CONTENT, readWhole } from './replace.js';

const COLON: u8 = 0x3a;
const LINE_FEED: u8 = 0x0a;
const ZERO: u32 = 0x30;

/** The number of a group, by its line of /etc/group (man 5 group); or the error, negated. */
export function groupOf(name: usize): i32 {
  const length = readWhole('/etc/group', 0);
  if (length < 0) return length;
  let at = CONTENT;
  const end = CONTENT + <usize>length;
  while (at < end) {
    let from = name;
    while (load<u8>(from) != 0 && at < end && load<u8>(at) == load<u8>(from)) {
      at++;
      from++;
    }
    if (load<u8>(from) == 0 && load<u8>(at) == COLON) {
      at++;
      while (at < end && load<u8>(at) != COLON) at++;
      let number: u32 = 0;
      for (at++; at < end && load<u8>(at) - ZERO < 10; at++) number = number * 10 + load<u8>(at) - ZERO;
      return <i32>number;
    }
    while (at < end && load<u8>(at) != LINE_FEED) at++;
    at++;
  }
  return -EINVAL;
}

/** Whether a name is that of a group here, and one that may stand in a unit: letters, digits, `_`, `-`. */
export function isGroup(name: usize): bool {
  for (let at = name; load<u8>(at) != 0; at++) {
    const byte: u32 = load<u8>(at);
    const isLetter = (byte | 0x20) >= 0x61 && (byte | 0x20) <= 0x7a;
    if (!isLetter && byte - ZERO > 9 && byte != 0x5f && (byte != 0x2d || at == name)) return false;
  }
  return load<u8>(name) != 0 && groupOf(name) >= 0;
}
