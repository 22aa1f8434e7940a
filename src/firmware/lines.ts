/**
 * How the firmware takes a file into lines. bootcode.bin and start.elf read bytes, with the functions of the C library; what
 * is said here of lines that are too long, NULs and blanks was read in the code of those of July 2015 and of 2024.
 */

/** What readers of lines differ in. */
export interface LineReading {
  /** Bytes of a line that are read at once. */
  readonly limit: number;
  /** What becomes of the rest of a longer line: it is read as another line, or dropped. */
  readonly rest: 'another line' | 'dropped';
  /** A NUL ends the line for start.elf, which reads line by line, and the file for bootcode.bin. */
  readonly nulEnds: 'line' | 'file';
  /** Makes text of bytes; default UTF-8, where a byte order mark stays. */
  readonly decode?: (bytes: Uint8Array) => string;
}

/** start.elf of today: a buffer of 100 bytes, one of them for the end (documentation: 98 characters). */
export const LINES_TODAY: LineReading = { limit: 99, rest: 'dropped', nulEnds: 'line' };
/** That of November 2021, by a report: a comment's 100th character begins another line (raspberrypi/firmware, issue 1669). */
export const LINES_2021: LineReading = { ...LINES_TODAY, rest: 'another line' };
/** start.elf of 2015: 80 bytes. */
export const LINES_2015: LineReading = { limit: 79, rest: 'another line', nulEnds: 'line' };

/** A line as it is read: without blanks at its ends. */
export interface Line {
  readonly text: string;
  /** Number of the line of the file, from 1. */
  readonly number: number;
  /** It is the rest of a line that was too long. */
  readonly isRest: boolean;
  /** What is not read with it: behind the limit, behind a NUL. */
  readonly behindLimit: string;
  readonly behindNul: string;
}

/** What C's isspace takes for one. */
const isBlank = (code: number): boolean => code === 0x20 || (code >= 0x09 && code <= 0x0d);

/** Without blanks at both ends: what C's isspace takes for one, no more. */
export function trimBlanks(text: string): string {
  let [start, end] = [0, text.length];
  // A pattern would begin anew at each blank of a file that is full of them.
  while (start < end && isBlank(text.charCodeAt(start))) start++;
  while (end > start && isBlank(text.charCodeAt(end - 1))) end--;
  return text.slice(start, end);
}

/** The lines of a file, blank ones too. Bytes that are no UTF-8 become U+FFFD, and a byte order mark stays. */
export function* readLines(bytes: Uint8Array, how: LineReading): Generator<Line> {
  const utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  const decode = how.decode ?? ((part: Uint8Array) => utf8.decode(part));
  let number = 0;
  for (let start = 0; start < bytes.length;) {
    const feed = bytes.indexOf(0x0a, start);
    const end = feed < 0 ? bytes.length : feed;
    number++;
    for (let from = start; from === start || from < end; from += how.limit) {
      const to = Math.min(from + how.limit, end);
      const piece = bytes.subarray(from, to);
      const nul = piece.indexOf(0);
      const goesOn = how.rest === 'another line';
      yield {
        text: trimBlanks(decode(nul < 0 ? piece : piece.subarray(0, nul))),
        number,
        isRest: from > start,
        behindLimit: trimBlanks(decode(bytes.subarray(to, end))),
        behindNul: nul < 0 ? '' : decode(piece.subarray(nul)).replace(/\0/g, ''),
      };
      if (nul >= 0 && how.nulEnds === 'file') return;
      if (!goesOn) break;
    }
    start = end + 1;
  }
}

/** The byte order marks of UTF-16, as the bytes lie in the file. */
const UTF16_MARKS = [
  [0xff, 0xfe],
  [0xfe, 0xff],
] as const;

/** Whether a file is text of 16 bits a character, as some editors save it: by its mark, or as every other byte is 0. */
export function isUtf16(bytes: Uint8Array): boolean {
  if (UTF16_MARKS.some(([first, second]) => bytes[0] === first && bytes[1] === second)) return true;
  const zeros = [...bytes.subarray(0, 4)].map((byte) => (byte === 0 ? '0' : 'x')).join('');
  return zeros === 'x0x0' || zeros === '0x0x';
}
