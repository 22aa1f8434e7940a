/**
 * A number as C's strtoul reads it, which both programs of the firmware use: decimal, hexadecimal after `0x`, octal after
 * `0`, as far as it goes (so `1 # yes` is 1); 0 where the text is no number.
 */
export function parseNumber(text: string): number {
  const match = /^\s*([+-]?)(?:0x([0-9a-f]+)|0([0-7]*)|(\d+))/i.exec(text);
  if (!match) return 0;
  const [, sign, hexadecimal, octal, decimal] = match;
  const value = hexadecimal
    ? parseInt(hexadecimal, 16)
    : octal !== undefined
      ? parseInt(octal || '0', 8)
      : Number(decimal);
  return sign === '-' ? -value : value;
}
