import { ascii, findBytes } from '../base/bytes.js';

/** The word that every firmware with filters has first among them. */
const ALL = 'all';
/** What filters are made of; among the words stand others, such as the form of an `include` line. */
const FILTER_WORD = /^(?:(?:pi|cm)\d\w*\+?|none|edid|gpio=?|hdmi:|tryboot|board-type)$/;
/** Words stand at multiples of 4, so at most 3 NULs more than the one that ends a word. */
const LONGEST_GAP = 4;

/**
 * The words for filters that a firmware file holds: they stand one behind another, each ended and filled up to 4 bytes
 * with NULs, from `all` on. Empty where there are none.
 * @param file start.elf or bootcode.bin
 * @param anchor text among them that stands nowhere else in such a file
 */
export function filterWords(file: Uint8Array, anchor: string): string[] {
  const at = findBytes(file, ascii(anchor));
  if (at < 0) return [];
  const isWord = (byte: number | undefined): boolean => byte !== undefined && byte > 0x20 && byte < 0x7f;
  let start = at;
  let end = at + anchor.length;
  // Back and forth over words and the NULs between them, up to the code around.
  for (let gap = 0; start > 0; start--) {
    const byte = file[start - 1];
    if (isWord(byte)) gap = 0;
    else if (byte !== 0 || ++gap > LONGEST_GAP) break;
  }
  for (let gap = 0; end < file.length; end++) {
    const byte = file[end];
    if (isWord(byte)) gap = 0;
    else if (byte !== 0 || ++gap > LONGEST_GAP) break;
  }
  const text = String.fromCharCode(...file.subarray(start, end));
  return [ALL, ...text.split(/\0+/).filter((word) => word !== ALL && FILTER_WORD.test(word))];
}
