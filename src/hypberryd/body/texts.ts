/**
 * Texts of this program's own, ASCII. A string is how far its first character is from the beginning of the static data here,
 * a 0 is behind the last one (scripts/lib/packed-texts.ts): only this file knows.
 */
import * as L from '../shared/layout.js';

/** Where a text's characters stand, a byte each, a 0 behind them. */
// @inline
export function addressOf(text: string): usize {
  return changetype<usize>(text) + <usize>L.DATA;
}

/** How many characters it has. */
export function lengthOf(text: string): i32 {
  const from = addressOf(text);
  let at = from;
  while (load<u8>(at) != 0) at++;
  return <i32>(at - from);
}

/** Whether two are the same one. */
export function isSameText(one: string, other: string): bool {
  return isText(addressOf(one), other);
}

/** Whether it stands at an address. */
export function isAt(at: usize, text: string): bool {
  const from = addressOf(text);
  const length = lengthOf(text);
  for (let i: i32 = 0; i < length; i++) if (load<u8>(at + i) != load<u8>(from + i)) return false;
  return true;
}

/** Whether bytes up to a 0 are those of a text. */
export function isText(at: usize, text: string): bool {
  return isAt(at, text) && load<u8>(at + lengthOf(text)) == 0;
}

/** Puts a text at an address; gives what is behind it. */
export function putText(at: usize, text: string): usize {
  const length = lengthOf(text);
  memory.copy(at, addressOf(text), length);
  return at + length;
}

/** Puts bytes up to a 0 at an address; gives what is behind them. */
export function putBytes(at: usize, from: usize): usize {
  for (; load<u8>(from) != 0; from++) store<u8>(at++, load<u8>(from));
  return at;
}

/** Puts a number in decimal; gives what is behind it. */
export function putDecimal(at: usize, value: u32): usize {
  if (value >= 10) at = putDecimal(at, value / 10);
  store<u8>(at, 0x30 + (value % 10));
  return at + 1;
}
