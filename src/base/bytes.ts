/** Reading numbers and text out of bytes. Offsets count from 0; reading past the end throws a RangeError. */

const view = (bytes: Uint8Array): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);

/** The unsigned 32-bit little-endian number at `offset`. */
export function readU32LE(bytes: Uint8Array, offset: number): number {
  return view(bytes).getUint32(offset, true);
}

/** The unsigned 32-bit big-endian number at `offset`. */
export function readU32BE(bytes: Uint8Array, offset: number): number {
  return view(bytes).getUint32(offset, false);
}

/** The unsigned 16-bit little-endian number at `offset`. */
export function readU16LE(bytes: Uint8Array, offset: number): number {
  return view(bytes).getUint16(offset, true);
}

/** Writes an unsigned 32-bit little-endian number at `offset`. */
export function writeU32LE(bytes: Uint8Array, offset: number, value: number): void {
  view(bytes).setUint32(offset, value, true);
}

/** Writes an unsigned 32-bit big-endian number at `offset`. */
export function writeU32BE(bytes: Uint8Array, offset: number, value: number): void {
  view(bytes).setUint32(offset, value, false);
}

/** One byte for each character of an ASCII text. */
export function ascii(text: string): Uint8Array {
  return Uint8Array.from(text, (character) => character.charCodeAt(0));
}

/** Bytes that are looked at one by one before the engine's own search is called. */
const NEAR = 32;

/**
 * The offset of the first `needle` at or after `from`, or -1.
 * @param holds whether the one at an offset is meant; a file may be full of those that are not
 */
export function findBytes(
  bytes: Uint8Array,
  needle: Uint8Array,
  from = 0,
  holds: (at: number) => boolean = () => true,
): number {
  if (needle.length === 0) return from <= bytes.length ? from : -1;
  // What is looked for first is a byte of the needle other than 0, which programs are full of.
  const anchor = Math.max(
    needle.findIndex((byte) => byte !== 0),
    0,
  );
  const last = bytes.length - needle.length + anchor;
  const byte = needle[anchor]!;
  // Where the byte is frequent, a call for each takes far longer than looking at the next few.
  const next = (start: number): number => {
    const near = Math.min(start + NEAR, bytes.length);
    for (let at = start; at < near; at++) if (bytes[at] === byte) return at;
    return bytes.indexOf(byte, near);
  };
  for (let at = next(from + anchor); at >= 0 && at <= last; at = next(at + 1)) {
    let i = 0;
    while (i < needle.length && bytes[at - anchor + i] === needle[i]) i++;
    if (i === needle.length && holds(at - anchor)) return at - anchor;
  }
  return -1;
}

/** The characters from `offset` up to a NUL, a line end, the end of the bytes or `limit` characters (as Latin-1). */
export function readText(bytes: Uint8Array, offset: number, limit = 1024): string {
  let text = '';
  for (let at = offset; at < bytes.length && at < offset + limit; at++) {
    const byte = bytes[at]!;
    if (byte === 0 || byte === 0x0a || byte === 0x0d) break;
    text += String.fromCharCode(byte);
  }
  return text;
}

/** Characters that are made at once: a call takes so many arguments. */
const PIECE = 0x2000;

/** Bytes as one character each, so that offsets in the text are offsets in the bytes. */
export function latin1(bytes: Uint8Array): string {
  let text = '';
  for (let at = 0; at < bytes.length; at += PIECE)
    text += String.fromCharCode(...bytes.subarray(at, at + PIECE));
  return text;
}

/** The parts one behind the other, as a copy. */
export function concatBytes(...parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const whole = new Uint8Array(parts.reduce((sum, part) => sum + part.length, 0));
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** Whether two are of the same length, with the same bytes. */
export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  return a.length === b.length && a.every((byte, i) => byte === b[i]);
}
