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

/** Characters of a sequence that are kept; the colour of one letter takes some 20. */
const SEQUENCE_LIMIT = 64;

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

/** What a filter lets through; each function gives what goes to the terminal in the place of what it is given. */
interface Sieve {
  /** A character outside sequences, a control among them. */
  character(character: string): string;
  /**
   * A control sequence (ECMA-48, 5.4).
   * @param inside parameters and intermediates; undefined where they are longer than {@link SEQUENCE_LIMIT}
   */
  sequence(inside: string | undefined, final: string): string;
  /** An escape sequence that begins neither a control sequence nor a string (ECMA-35, 13.2). */
  escape(intermediates: string, final: string): string;
}

/** Applies a sieve to text in whatever pieces it comes. Strings for the terminal (a title) never come through. */
function throughSieve(sieve: Sieve): (text: string) => ConsoleText {
  let state: 'text' | 'escape' | 'sequence' | 'string' = 'text';
  /** What a sequence has so far; undefined where it is too long to be one that is let through. */
  let inside: string | undefined;
  /** The first half of a surrogate pair, whose second is in the next piece. */
  let half = '';

  const begin = (letter: string): void => {
    inside = '';
    state = letter === '[' ? 'sequence' : 'string';
  };
  const keep = (character: string): string => {
    inside = (inside?.length ?? SEQUENCE_LIMIT) < SEQUENCE_LIMIT ? `${inside ?? ''}${character}` : undefined;
    return '';
  };
  const take = (character: string): string => {
    // A sequence ends with its line at the latest.
    if (character === '\n') state = 'text';
    else if (character === ESC) {
      state = 'escape';
      inside = '';
      return '';
    } else if (C1_BEGINNINGS[character] !== undefined) {
      begin(C1_BEGINNINGS[character]);
      return '';
    }
    switch (state) {
      case 'text':
        return sieve.character(character);
      case 'escape':
        if (INTERMEDIATE.test(character)) return keep(character);
        if (inside === '' && (character === '[' || STRING_BEGINNING.test(character))) {
          begin(character);
          return '';
        }
        state = 'text';
        return inside === undefined ? '' : sieve.escape(inside, character);
      case 'string':
        if (character === '\u0007' || character === '\u009c') state = 'text';
        return '';
      case 'sequence':
        if (INSIDE_SEQUENCE.test(character)) return keep(character);
        state = 'text';
        return sieve.sequence(inside, character);
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
  /** Cells between the line's beginning and the cursor, at the least. */
  let cells = 0;
  let colored = false;
  return throughSieve({
    character(character) {
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
    },
    sequence(inside, final) {
      if (final !== 'm' || inside === undefined || !/^[\d;:]*$/.test(inside) || !options.colors) return '';
      colored = true;
      return `${ESC}[${inside}m`;
    },
    escape: () => '',
  });
}

/** Controls that a system's own terminal takes: bell, backspace, tab, line feeds, return, the two character sets. */
const SCREEN_CONTROLS = /[\u0007-\u000f]/;
/**
 * Control sequences that a system's own terminal takes, by intermediates and final character (ECMA-48, 8.3; xterm's
 * ctlseqs): to move the cursor, erase, insert, delete, scroll, colour, repeat, set tabs, margins and modes, the cursor's
 * form, and to ask where the cursor is or what the terminal is, which it answers to the system.
 */
const SCREEN_SEQUENCES = /^(?:[@A-MPSTXZabd-gmrsu`]| q|!p)$/;
/** DEC's private modes that it sets: keys, columns' wrap, cursor, alternate screen, mouse, bracketed paste. */
const SCREEN_MODES = new Set([
  1, 6, 7, 12, 25, 47, 66, 1000, 1002, 1003, 1004, 1006, 1007, 1015, 1047, 1048, 1049, 2004,
]);
/** Escape sequences: cursor kept and put back, index, next line, tab, reverse index, reset, keypad, sets of characters. */
const SCREEN_ESCAPES = /^(?:[78DEHMc=>NO]|[()*+][0-9A-Za-z])$/;
/** Those of the modes whose usual state is set. */
const USUALLY_SET = new Set([7, 25]);

/** A filter for a system that has the terminal to itself. */
export interface ScreenFilter {
  (text: string): ConsoleText;
  /** Whether it let questions through, whose answers may still be on their way. */
  readonly asked: boolean;
  /** What brings the terminal back to its usual state, as far as the system changed that. */
  readonly end: () => ConsoleText;
}

/**
 * Makes a filter for the console of a system that somebody works on: the terminal is its screen, for as long as the run
 * goes. Beside text it may do what programs on a screen do (`SCREEN_…`); what reaches beyond the screen does not come
 * through: titles and other strings (the clipboard among them), orders to the window and questions about it, printing.
 * @param isAnswered whether what the terminal answers now goes to the system; else no question comes through
 */
export function createScreenFilter(isAnswered: () => boolean = () => true): ScreenFilter {
  const changed = new Set<number>();
  /** What takes back the keypad's mode, and the cursor's form. */
  const undo = new Set<string>();
  let asked = false;
  const filter = throughSieve({
    character: (character) =>
      SCREEN_CONTROLS.test(character) || character.search(UNSEEN) < 0 ? character : '',
    sequence(inside, final) {
      const [, mark, parameters, intermediates] = /^([?>]?)([\d;:]*)([ !]?)$/.exec(inside ?? '-') ?? [];
      if (mark === undefined || parameters === undefined || intermediates === undefined) return '';
      if (final === 'h' || final === 'l') return setModes(mark, parameters, final);
      if (final === 'c' || final === 'n') {
        if (mark === '?' || (mark !== '' && final === 'n') || intermediates !== '' || !isAnswered())
          return '';
        asked = true;
        return `${ESC}[${mark}${parameters}${final}`;
      }
      if (final === 'q') undo.add(`${ESC}[0 q`);
      if (mark !== '' || !SCREEN_SEQUENCES.test(intermediates + final)) return '';
      return `${ESC}[${parameters}${intermediates}${final}`;
    },
    escape(intermediates, final) {
      if (intermediates === '' && final === '=') undo.add(`${ESC}>`);
      return SCREEN_ESCAPES.test(intermediates + final) ? `${ESC}${intermediates}${final}` : '';
    },
  });
  const setModes = (mark: string, parameters: string, final: 'h' | 'l'): string => {
    const modes = parameters.split(';').map(Number);
    // Insert or replace is the one mode of ECMA-48 that programs use.
    if (mark === '') return modes.every((mode) => mode === 4) ? `${ESC}[4${final}` : '';
    const kept = modes.filter((mode) => mark === '?' && SCREEN_MODES.has(mode));
    for (const mode of kept) {
      if (USUALLY_SET.has(mode) === (final === 'h')) changed.delete(mode);
      else changed.add(mode);
    }
    return kept.length === 0 ? '' : `${ESC}[?${kept.join(';')}${final}`;
  };
  const end = (): ConsoleText => {
    const modes = [...changed].map((mode) => `${ESC}[?${mode}${USUALLY_SET.has(mode) ? 'h' : 'l'}`);
    modes.push(...undo);
    changed.clear();
    undo.clear();
    // Replace; margins, which move the cursor; set of characters; colours.
    return `${modes.join('')}${ESC}[4l${ESC}7${ESC}[r${ESC}8\u000f${ESC}(B${SGR_OFF}` as ConsoleText;
  };
  return Object.defineProperty(Object.assign(filter, { asked, end }), 'asked', { get: () => asked });
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
