/**
 * What text from outside may hold to make a terminal do something, and a look for what of it came through that shares
 * nothing with the code under test: ranges of the Unicode Character Database written out by hand.
 */
const RANGES: readonly (readonly [number, number])[] = [
  [0x00, 0x1f], // C0
  [0x7f, 0x9f], // DEL, C1
  [0xad, 0xad], // soft hyphen
  [0x034f, 0x034f], // combining grapheme joiner
  [0x061c, 0x061c], // Arabic letter mark
  [0x115f, 0x1160], // fillers of Hangul
  [0x180b, 0x180f],
  [0x200b, 0x200f], // zero width, marks of direction
  [0x2028, 0x202e], // line and paragraph separators, embeddings and overrides of direction
  [0x2060, 0x206f], // word joiner, isolates, deprecated formats
  [0x3164, 0x3164],
  [0xd800, 0xdfff], // surrogates, when they stand alone
  [0xfe00, 0xfe0f], // variation selectors
  [0xfeff, 0xfeff], // byte order mark
  [0xfff9, 0xfffb], // interlinear annotation
  [0xe0000, 0xe0fff], // tags
];

/** The characters of a text that a terminal would not show as themselves. */
export function unseenIn(text: string): string[] {
  return Array.from(text).filter((character) =>
    RANGES.some(([from, to]) => character.codePointAt(0)! >= from && character.codePointAt(0)! <= to),
  );
}

/** One of each kind. */
export const HOSTILE_CHARACTERS = RANGES.flatMap(([from, to]) => [from, to]).map((code) =>
  String.fromCodePoint(code),
);

/** Orders to terminals, whole and in parts. */
export const HOSTILE: readonly string[] = [
  ...HOSTILE_CHARACTERS,
  '\u001b[6n', // where is the cursor?
  '\u001b[c', // what are you?
  '\u001b[31m',
  '\u001b[2J',
  '\u001b[3A',
  '\u001b[?25l',
  '\u001b]0;title\u0007',
  '\u001b]52;c;',
  '\u001bP$qm\u001b\\',
  '\u009b6n',
  '\u009d0;title\u009c',
  '\u001b(0',
  '\u001bc',
  '[',
  ']',
  'm',
  '1;',
  ';',
  '\\',
  'text',
  '🥧',
];
