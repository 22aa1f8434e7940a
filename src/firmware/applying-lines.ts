/** The lines of a file that apply on a board: sections tell which, and `include` lines put other files in. */
import { HypberryError } from '../base/errors.js';
import type { CardReader } from '../card/card.js';
import type { ConfigNote, Place } from './config.js';
import { filtersFor, sectionName, START_WORD, type BoardState } from './filters.js';
import { isUtf16, readLines, type Line, type LineReading } from './lines.js';

/** Files within files, and files in all, at which `include` is given up. The firmware's own limits are not known. */
const INCLUDE_DEPTH = 8;
const INCLUDE_FILES = 64;
/** Bytes that a file of settings may have; real ones have a few thousand. */
export const SETTINGS_LIMIT = 256 << 10;
/**
 * Comparisons of what a Pi was started with, or keeps (documentation, "The expression filter", made for the bootloader of a
 * Pi 5; the names in start.elf of February 2026).
 */
const START_FILTER =
  /^\(?(?:boot_partition|partition|boot_count|boot_arg1|bootvar0|cust_otp\d?|board_attributes)\s*[=<>!&]/i;
const BYTE_ORDER_MARK = '\ufeff';

/** How one program reads such a file. */
export interface Reading {
  readonly board: BoardState;
  /** Words for filters that it knows; default every one that there is. */
  readonly filters?: readonly string[];
  /** It may know filters on what a Pi was started with, such as `[boot_partition=2]`; whether it does is not known. */
  readonly mayCompareStart: boolean;
  readonly includes: boolean;
  readonly lines: LineReading;
  /** Whether a line could change what the Pi starts; only such lines make notes unsure. */
  readonly decides: (line: string) => boolean;
  /** Whether a line could change what the kernel is told. */
  readonly tells: (line: string) => boolean;
}

/** A line that applies. */
export interface ApplyingLine {
  readonly text: string;
  readonly place: Place;
  /** It is the rest of a line that was too long. */
  readonly isRest: boolean;
}

/** Takes a note of a line. */
export type TakeNote = (place: Place, text: string, unsure?: ConfigNote['unsure']) => void;

/**
 * The lines that apply, in their order, without blank ones, comments, sections and `include` lines.
 * Throws `firmware.config-size` for files over 256 KiB, and what the card throws.
 * @param file where reading begins; a missing one is an empty one
 * @param files gets the paths of the files read
 */
export async function* applyingLines(
  card: CardReader,
  file: string,
  reading: Reading,
  note: TakeNote,
  files: string[],
): AsyncGenerator<ApplyingLine> {
  const filters = filtersFor(reading.board, reading.filters);

  const applySection = (line: string, place: Place): void => {
    const name = sectionName(line);
    const effect = filters.apply(line);
    if (effect === 'after-none')
      note(place, `[${name}] comes after [none] without [all] between; the lines under it do not apply.`);
    if (effect !== 'unknown') return;
    if (reading.mayCompareStart && START_FILTER.test(name)) {
      const text = reading.filters?.includes(START_WORD)
        ? `Whether the filter [${name}] lets lines through hangs on the Pi and on how it was started`
        : `Whether this firmware knows the filter [${name}], which is documented since 2025, is not known`;
      note(place, `${text}; the lines below are taken to apply as those above it.`, true);
      return;
    }
    note(
      place,
      reading.filters?.length === 0
        ? 'This firmware is older than filters: the lines below apply to every board.'
        : `This firmware does not know the filter [${name}], which has no effect: the lines below apply as those above it.`,
    );
  };

  const read = async function* (path: string, outer: readonly string[]): AsyncGenerator<ApplyingLine> {
    const bytes = await readSettingsFile(card, path);
    if (bytes === undefined) return;
    files.push(path);
    if (isUtf16(bytes)) {
      const text = `${path} is saved as UTF-16, of which the firmware reads nothing.`;
      note({ file: path, line: 1 }, `${text} Save it as plain text.`, true);
    }
    for (const line of readLines(bytes, reading.lines)) {
      const { text } = line;
      const place = { file: path, line: line.number };
      noteOdd(line, place, reading, note);
      if (text === '' || text.startsWith('#') || text.startsWith(BYTE_ORDER_MARK)) continue;
      if (text.startsWith('[')) {
        applySection(text, place);
        continue;
      }
      const decides = reading.decides(text);
      const what = decides || reading.tells(text) ? filters.hangOn() : undefined;
      if (what !== undefined) note(place, `Whether this line applies hangs on ${what}.`, decides);
      if (!filters.hold()) continue;
      const include = reading.includes && /^include\s+(\S{1,64})/.exec(text);
      if (!include) {
        yield { text, place, isRest: line.isRest };
        continue;
      }
      const inner = include[1]!.replace(/^\/+/, '');
      const chain = [...outer, path];
      if (chain.some((it) => it.toLowerCase() === inner.toLowerCase())) {
        note(place, `${inner} includes itself; this line is ignored.`);
      } else if (chain.length > INCLUDE_DEPTH || files.length >= INCLUDE_FILES) {
        note(place, 'Too many files include each other; this line is ignored.');
      } else {
        const before = files.length;
        yield* read(inner, chain);
        if (files.length === before) note(place, `The file to include, ${inner}, is not there.`);
        else if (!filters.hold())
          note(place, `A filter stays in force at the end of ${inner}: it holds for the lines below, too.`);
      }
    }
  };

  yield* read(file, []);
}

/** Says what the firmware makes of a line that is not as it looks in an editor. */
function noteOdd(line: Line, place: Place, reading: Reading, note: TakeNote): void {
  const { text, behindLimit, behindNul } = line;
  const { limit, rest } = reading.lines;
  if (line.isRest) return;
  const isComment = text.startsWith('#');
  const decidesThere = (hidden: string): boolean => hidden.split('\r').some((part) => reading.decides(part));
  if (behindLimit !== '' && (!isComment || (rest === 'another line' && /[=[]/.test(behindLimit)))) {
    const then = rest === 'dropped' ? '' : '; the rest is read as another line';
    const unsure = decidesThere(behindLimit) || (!isComment && reading.decides(text));
    note(place, `Only the first ${limit} characters of this line count${then}.`, unsure);
  }
  if (behindNul !== '') {
    const unsure = decidesThere(behindNul) || reading.decides(text);
    note(place, 'There is a NUL byte in this line; what stands behind it is not read.', unsure);
  }
  if (text.includes('\r')) {
    const unsure = decidesThere(text) || decidesThere(behindLimit);
    note(place, 'Lines that end in CR alone are one line to the firmware.', unsure);
  }
  const behindMark = text.startsWith(BYTE_ORDER_MARK) ? text.slice(1) : '';
  if (behindMark !== '' && !behindMark.startsWith('#')) {
    note(place, 'A byte order mark stands in front of this line and is a part of it: it does nothing.');
  }
}

/**
 * A file of settings, config.txt or another; undefined where it is not there.
 * @throws HypberryError `firmware.config-size` for one over 256 KiB, and what the card throws
 */
export async function readSettingsFile(card: CardReader, path: string): Promise<Uint8Array | undefined> {
  const entry = await card.stat(path);
  if (entry === undefined || entry.isFolder) return undefined;
  if (entry.size > SETTINGS_LIMIT) {
    throw new HypberryError(
      'firmware.config-size',
      `${path} has ${entry.size} bytes, and hypberry reads no file of settings of more than ${SETTINGS_LIMIT}.`,
      `Put a ${path} of your own in its place.`,
    );
  }
  try {
    return await card.read(path);
  } catch (error) {
    if (error instanceof HypberryError && error.code === 'card.no-file') return undefined;
    throw error;
  }
}
