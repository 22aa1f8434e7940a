/** Words for people. */

/** A number of things: `1 core`, `3 cores`. */
export function counted(count: number, thing: string): string {
  return `${count} ${thing}${count === 1 ? '' : 's'}`;
}

/** Things one after the other: `3`, `2 and 3`, `1, 2 and 3`. */
export function listed(things: readonly (number | string)[]): string {
  return things.join(', ').replace(/, ([^,]*)$/, ' and $1');
}

/** Cores by their numbers: `core 3`, `cores 0 and 1`, `cores 1, 2 and 3`. */
export function cores(numbers: readonly number[]): string {
  return `core${numbers.length === 1 ? '' : 's'} ${listed(numbers)}`;
}

/** A number in hexadecimal without a prefix, with zeros in front up to `digits`. */
export function hexDigits(value: number | bigint, digits: number): string {
  return value.toString(16).padStart(digits, '0');
}

/** A number in hexadecimal, `0x3f201000`, with zeros in front up to `digits`. */
export function hex(value: number | bigint, digits = 1): string {
  return `0x${hexDigits(value, digits)}`;
}

/** A number of bytes for people: `252 bytes`, `32 KiB`, `5.1 MiB`. */
export function bytesText(bytes: number): string {
  if (bytes < 1024) return counted(bytes, 'byte');
  const [value, unit] = bytes < 1 << 20 ? [bytes / 1024, 'KiB'] : [bytes / 2 ** 20, 'MiB'];
  return `${Number.isInteger(value) ? value : value.toFixed(1)} ${unit}`;
}

/** Two numbers of bytes for a sentence that compares them: to the byte where they would read alike. */
export function comparedBytes(one: number, other: number): [string, string] {
  const texts: [string, string] = [bytesText(one), bytesText(other)];
  return texts[0] === texts[1] ? [counted(one, 'byte'), counted(other, 'byte')] : texts;
}
