/** Texts of this program's own, ASCII. */

/** How many characters it has. */
export function lengthOf(text: string): i32 {
  return text.length;
}

/** Whether it stands at an address. */
export function isAt(at: usize, text: string): bool {
  const from = changetype<usize>(text);
  const length: usize = text.length;
  for (let i: usize = 0; i < length; i++) if (load<u8>(at + i) != load<u8>(from + (i << 1))) return false;
  return true;
}

/** Puts a text at an address; gives what is behind it. */
export function putText(at: usize, text: string): usize {
  const from = changetype<usize>(text);
  const length: usize = text.length;
  for (let i: usize = 0; i < length; i++) store<u8>(at + i, load<u8>(from + (i << 1)));
  return at + length;
}
