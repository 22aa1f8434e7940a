/**
 * Text from outside (names on a card, what a console says) made fit for a terminal, which takes some characters for
 * orders: to move its cursor, to set its title, to answer into the shell of whoever sits there.
 */

/**
 * What does not show as itself: controls (C0, DEL, C1: Cc), marks of direction and of no width (Cf, and the rest of
 * Default_Ignorable_Code_Point), halves of surrogate pairs (Cs), ends of lines and paragraphs (Zl, Zp). From the Unicode
 * Character Database.
 */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

const NAMED: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

/** A character in the form that strings have in source text: `\n`, `\x1b`, `\u{202e}`. */
function escaped(character: string): string {
  const code = character.codePointAt(0)!;
  const digits = code.toString(16);
  return NAMED[character] ?? (code < 0x100 ? `\\x${digits.padStart(2, '0')}` : `\\u{${digits}}`);
}

/** Text with everything that does not show as itself in a form that does; it stays on its line. */
export function harmless(text: string): string {
  return text.replace(UNSEEN, escaped);
}

/** The same for JSON, which has its own escapes: it reads as the same value. Its line ends stay. */
export function harmlessJson(json: string): string {
  return json.replace(UNSEEN, (character) =>
    character === '\n'
      ? character
      : Array.from({ length: character.length }, (_, i) => character.charCodeAt(i))
          .map((unit) => `\\u${unit.toString(16).padStart(4, '0')}`)
          .join(''),
  );
}

declare const filtered: unique symbol;
/** A console's text that came through a filter ({@link createConsoleFilter}): a terminal may have it as it is. */
export type ConsoleText = string & { readonly [filtered]: true };

/** Parameters of an SGR sequence that are kept; the colour of one letter takes some 20 characters. */
const SGR_LIMIT = 64;

const ESC = '\u001b';
const SGR_OFF = `${ESC}[0m`;
/** What may stand between a control sequence's beginning and its last character (ECMA-48, 5.4: parameters, intermediates). */
const INSIDE_SEQUENCE = /[ -?]/;
/** What may stand between ESC and the last character of its sequence (ECMA-35, 13.2: intermediates). */
const INTERMEDIATE = /[ -/]/;
/** The C1 controls that begin something, by the letter that stands behind ESC in their other form (ECMA-48, 5.3). */
const C1_BEGINNINGS: Readonly<Record<string, string>> = {
  '\u0090': 'P',
  '\u0098': 'X',
  '\u009b': '[',
  '\u009d': ']',
  '\u009e': '^',
  '\u009f': '_',
};
/** DCS, SOS, OSC, PM, APC: a text for the terminal itself follows. */
const STRING_BEGINNING = /[PX\]^_]/;
/** Sets no cell of its own: it joins the one before (vowels and finals of Hangul do, too). */
const COMBINING = /[\p{M}\u1160-\u11ff\ud7b0-\ud7ff]/u;

/**
 * Makes a filter for a console's text, in whatever pieces it comes. Through it come
 * - what shows as itself, line feeds and tabs,
 * - backspaces, as far back as the line's beginning (what stands in front of the line is not the console's),
 * - with `colors`, colours and the like (SGR, `ESC [ … m`), until the end of their line.
 *
 * Nothing else does: no other sequence, whole or cut, no string for the terminal (a title; it ends with its line where its
 * end is missing), no carriage return. What it keeps from one piece to the next has a limit.
 */
export function createConsoleFilter(options: { readonly colors: boolean }): (text: string) => ConsoleText {
  let state: 'text' | 'escape' | 'sequence' | 'string' = 'text';
  /** Parameters of a sequence so far; undefined where it cannot be a colour any more. */
  let parameters: string | undefined;
  /** Cells between the line's beginning and the cursor, at the least. */
  let cells = 0;
  let colored = false;
  /** The first half of a surrogate pair, whose second is in the next piece. */
  let half = '';

  const begin = (letter: string): void => {
    parameters = '';
    state = letter === '[' ? 'sequence' : STRING_BEGINNING.test(letter) ? 'string' : 'text';
  };
  const shown = (character: string): string => {
    if (character === '\n') {
      const off = colored ? SGR_OFF : '';
      colored = false;
      cells = 0;
      return `${off}\n`;
    }
    if (character === '\b') return cells > 0 && cells-- > 0 ? '\b' : '';
    if (character !== '\t' && character.search(UNSEEN) >= 0) return '';
    if (!COMBINING.test(character)) cells++;
    return character;
  };
  const take = (character: string): string => {
    // A sequence ends with its line at the latest.
    if (character === '\n') state = 'text';
    else if (character === ESC) {
      state = 'escape';
      return '';
    } else if (C1_BEGINNINGS[character] !== undefined) {
      begin(C1_BEGINNINGS[character]);
      return '';
    }
    switch (state) {
      case 'text':
        return shown(character);
      case 'escape':
        if (!INTERMEDIATE.test(character)) begin(character);
        return '';
      case 'string':
        if (character === '\u0007' || character === '\u009c') state = 'text';
        return '';
      case 'sequence':
        if (INSIDE_SEQUENCE.test(character)) {
          const fits = /[\d;:]/.test(character) && (parameters?.length ?? SGR_LIMIT) < SGR_LIMIT;
          parameters = fits ? `${parameters ?? ''}${character}` : undefined;
          return '';
        }
        state = 'text';
        if (character !== 'm' || parameters === undefined || !options.colors) return '';
        colored = true;
        return `${ESC}[${parameters}m`;
    }
  };
  return (text) => {
    let out = '';
    const whole = half + text;
    half = /[\ud800-\udbff]$/.exec(whole)?.[0] ?? '';
    for (const character of half === '' ? whole : whole.slice(0, -1)) out += take(character);
    return out as ConsoleText;
  };
}

/** One line of a console, without its end, as plain text: no colours, a space for a tab; backspaces count for nothing. */
export function plainConsoleLine(line: string): string {
  return createConsoleFilter({ colors: false })(line.replaceAll('\t', ' ')).replaceAll('\b', '');
}

/** Takes two cells of a terminal, or may: East Asian Width W and F (Unicode Standard Annex 11) by blocks, and emoji. */
const WIDE =
  /[\u1100-\u115f\u2e80-\ua4cf\ua960-\ua97c\uac00-\ud7a3\uf900-\ufaff\ufe10-\ufe6f\uff00-\uff60\uffe0-\uffe6\u{10000}-\u{10ffff}\p{Emoji_Presentation}]/u;

const cellsOf = (character: string): number => (WIDE.test(character) ? 2 : 1);

/** How many cells of a terminal a text takes, at the most. */
export function cells(text: string): number {
  let sum = 0;
  for (const character of text) sum += cellsOf(character);
  return sum;
}

/** As much of a text's beginning as takes at most so many cells of a terminal. */
export function clip(text: string, cells: number): string {
  let end = 0;
  let used = 0;
  for (const character of text) {
    used += cellsOf(character);
    if (used > cells) break;
    end += character.length;
  }
  return text.slice(0, end);
}
