/** The `[…]` lines of config.txt: what the words in the firmware's files know, and what a board makes of them. */
import { ascii, findBytes } from '../base/bytes.js';
import { parseNumber } from './numbers.js';

/** What filters ask about a board. */
export interface BoardState {
  /** Model names that `[…]` filters know the board by, in lower case. */
  readonly models: readonly string[];
  /** The type field of the revision code, for `[board-type=…]`. */
  readonly boardType: number;
  /** The lower 32 bits of the serial number, for `[0x…]`; 0 where it is not known. */
  readonly serial: number;
  /** EDID names of the monitors connected, for `[EDID=…]`; empty where they are not known. */
  readonly monitors: readonly string[];
  /** Levels of GPIO pins, for `[gpioN=…]`; undefined where they are not known: then as nothing connected leaves them. */
  readonly gpio: ((pin: number) => 0 | 1) | undefined;
  /** The `tryboot` reboot flag. */
  readonly tryboot: boolean;
}

/** Pins that the SoC pulls up from reset; others are pulled down or float (BCM2835 ARM Peripherals, table 6-31). */
const PULLED_UP = new Set([0, 1, 2, 3, 4, 5, 6, 7, 8, 34, 35, 36, 46, 47, 48, 49, 50, 51, 52, 53]);

/** A Pi 2 Model B, started in the ordinary way. */
export const PI2: BoardState = {
  models: ['pi2'],
  boardType: 0x04,
  serial: 0,
  monitors: [],
  gpio: undefined,
  tryboot: false,
};

/** The word that every firmware with filters has first among them. */
const ALL = 'all';
/** What filters are made of; among the words stand others, such as the form of an `include` line. */
const FILTER_WORD = /^(?:(?:pi|cm)\d\w*\+?|none|edid|gpio=?|hdmi:|tryboot|board-type|partition)$/;
/** The one of these that came with filters on how a Pi was started: in start.elf of February 2026, and not in that of 2024. */
export const START_WORD = 'partition';
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

/** Kinds of filters: one replaces another of its kind, and all of them must hold (documentation, "Conditional filters"). */
type FilterKind = 'model' | 'none' | 'edid' | 'serial' | 'gpio' | 'hdmi' | 'tryboot' | 'second';

/** A user's card has two filters on one line (raspberrypi/firmware, issue 1291). */
const TWO_FILTERS = /^\[[^\]]*\]\s*\[/;

/** The text between the brackets of a section line; what stands behind it is passed over. */
export function sectionName(line: string): string {
  return line.slice(1).split(']')[0]!.trim();
}

/** What became of a section line: `unknown` has no effect (raspberrypi/firmware, issue 1839). */
export type FilterEffect = 'taken' | 'unknown' | 'after-none';

/** The filters in force, line by line. */
export interface Filters {
  /** @param line a section line, `[` first */
  readonly apply: (line: string) => FilterEffect;
  /** Whether the lines that follow apply. */
  readonly hold: () => boolean;
  /** What of the board, of which nothing is known, the answer hangs on: words behind "hangs on". Undefined where it does not. */
  readonly hangOn: () => string | undefined;
}

/**
 * Filters as a reader of config.txt applies them that knows these words, without regard to case; every word where they
 * are left out. One that knows none knows a serial number only where it is bootcode.bin.
 */
export function filtersFor(board: BoardState, words: readonly string[] | undefined): Filters {
  const inForce = new Map<FilterKind, boolean>();
  const open = new Map<FilterKind, string>();
  const knows = (word: string): boolean => words?.includes(word) ?? FILTER_WORD.test(word);
  const evaluate = (section: string): readonly [FilterKind, boolean] | undefined => {
    const filter = section.toLowerCase();
    const [left, right] = filter.split('=', 2) as [string, string | undefined];
    if (/^(?:pi|cm)\d/.test(filter) && knows(filter)) return ['model', board.models.includes(filter)];
    if (filter === 'none' && knows('none')) return ['none', false];
    if (filter === 'tryboot' && knows('tryboot')) return ['tryboot', board.tryboot];
    // Of the same kind as models: the code of start.elf of 2024 keeps one flag for both.
    if (left === 'board-type' && right !== undefined && knows('board-type'))
      return ['model', parseNumber(right) === board.boardType];
    if (left === 'edid' && right !== undefined && knows('edid'))
      return ['edid', board.monitors.some((monitor) => right === '*' || monitor.toLowerCase() === right)];
    const gpio = /^gpio(\d+)$/.exec(left);
    if (gpio && right !== undefined && knows('gpio')) {
      const pin = Number(gpio[1]);
      return ['gpio', (board.gpio?.(pin) ?? (PULLED_UP.has(pin) ? 1 : 0)) === parseNumber(right)];
    }
    // Documented for a Pi 4 alone, to say which of its connectors hdmi_ lines are about: see unknownOf.
    if (/^hdmi:\d$/.test(filter) && knows('hdmi:')) return ['hdmi', filter === 'hdmi:0'];
    // Whatever else is a number, and not 0.
    const serial = parseNumber(filter);
    return serial === 0 ? undefined : ['serial', serial >>> 0 === board.serial];
  };

  const unknownOf = (kind: FilterKind, section: string): string | undefined => {
    if (kind === 'edid' && board.monitors.length === 0) return 'the monitor that is connected';
    if (kind === 'gpio' && !board.gpio) return `what is connected to the pins ([${section}])`;
    if (kind === 'serial' && board.serial === 0) return `the Pi's serial number ([${section}])`;
    if (kind === 'hdmi' && section.toLowerCase() !== 'hdmi:0')
      return `what the firmware makes of [${section}] on a Pi 2, which is documented for a Pi 4 alone`;
    return undefined;
  };

  const doubtSecond = (line: string, kind: FilterKind | undefined): void => {
    if (words?.length === 0 || !TWO_FILTERS.test(line)) return;
    const what = `what the firmware makes of two filters on one line (${line})`;
    inForce.set('second', true);
    open.set('second', what);
    if (kind !== undefined) open.set(kind, what);
  };

  return {
    apply(line) {
      const section = sectionName(line);
      // bootcode.bin that knows no words takes every line that is no number for [all] (its code of 2015).
      if (section.toLowerCase() === ALL || (words?.length === 0 && parseNumber(section) === 0)) {
        inForce.clear();
        open.clear();
        doubtSecond(line, undefined);
        return words?.length === 0 && section.toLowerCase() !== ALL ? 'unknown' : 'taken';
      }
      const result = evaluate(section);
      if (!result) {
        doubtSecond(line, undefined);
        return 'unknown';
      }
      const [kind, holds] = result;
      const afterNone = inForce.has('none') && kind !== 'none';
      inForce.set(kind, holds);
      const what = unknownOf(kind, section);
      if (what === undefined) open.delete(kind);
      else open.set(kind, what);
      doubtSecond(line, kind);
      return afterNone ? 'after-none' : 'taken';
    },
    hold: () => ![...inForce.values()].includes(false),
    hangOn() {
      const isKnownToFail = [...inForce].some(([kind, holds]) => !holds && !open.has(kind));
      return isKnownToFail ? undefined : [...open.values()][0];
    },
  };
}
