/** The kernel's command line, as start.elf puts it together. */
import type { CardReader } from '../card/card.js';
import { textSetting, type Config } from './config.js';
import { filtersFor, type BoardState } from './filters.js';
import { readLines, type Line, type LineReading } from './lines.js';
import { readsSections, type StartElf } from './start-elf.js';
import { readSizedIfThere } from './file-size.js';
import { firstThere, withPrefix } from './readers.js';

/** Characters that Linux takes on 32-bit Arm: COMMAND_LINE_SIZE, without its end. */
export const LONGEST_COMMAND_LINE = 1023;

/** The buffer that start.elf has for the line: 1 KiB with its end. The line is bytes to the kernel, one character each. */
const LINE: LineReading = { limit: 1023, rest: 'another line', nulEnds: 'line', decode: latin1 };

/**
 * The line of cmdline.txt, or of the file that `cmdline` names: the first one that is no comment and that filters let
 * through, as start.elf reads it with the function that reads config.txt. Where there is no file, and where that line is
 * blank, it is the firmware's own (raspberrypi/firmware, issues 948 and 1551; the code of July 2015 and of 2024).
 * @param prefix `os_prefix`, as it is in force; a file that is not there under it is looked for without it
 */
export async function readCommandLine(
  card: CardReader,
  config: Config,
  firmware: StartElf | undefined,
  board: BoardState,
  prefix: string,
  notes: string[],
): Promise<string> {
  const named = textSetting(config, 'cmdline');
  const { name: file, found } = await findCommandLine(card, config, prefix);
  const bytes = found === undefined ? undefined : await readSizedIfThere(card, found, 'command line');
  const line = bytes === undefined ? undefined : firstLine(bytes, firmware, board, file, notes);
  if (line?.text) {
    if (line.behindLimit !== '')
      notes.push(
        `The line of ${file} is read up to its ${LINE.limit}th character: what is behind is lost, ${quoted(line.behindLimit)}.`,
      );
    return line.text;
  }
  const what = bytes === undefined ? `There is no ${file} on the card` : `The first line of ${file} is blank`;
  if (named?.includes(' '))
    notes.push('cmdline= names a file; what the kernel is to read stands in cmdline.txt.');
  const own = firmware?.commandLine;
  notes.push(
    own === undefined
      ? `${what}, so the firmware takes a command line of its own, which is not known here.`
      : `${what}, so the firmware takes a command line of its own: ${own}`,
  );
  return own ?? '';
}

/**
 * The file that the command line is read from.
 * @param prefix `os_prefix`, as it is in force
 * @returns the name that it is looked for by, and the path where it was found; that is undefined where it is not on the card
 */
export async function findCommandLine(
  card: CardReader,
  config: Config | undefined,
  prefix: string,
): Promise<{ readonly name: string; readonly found: string | undefined }> {
  const named = config && textSetting(config, 'cmdline');
  const written = named ? named : 'cmdline.txt';
  const name = withPrefix('', written);
  return { name, found: await firstThere(card, [withPrefix(prefix, written), name]) };
}

/** Characters that a note repeats. */
const QUOTED = 60;

const quoted = (text: string): string => `"${text.length > QUOTED ? `${text.slice(0, QUOTED)}…` : text}"`;

/**
 * Notes what Linux does not take of its command line.
 * @param line all of it
 */
export function noteLongLine(line: string, notes: string[]): void {
  if (line.length <= LONGEST_COMMAND_LINE) return;
  notes.push(
    `The command line has ${line.length} characters, of which Linux takes ${LONGEST_COMMAND_LINE}: what is behind is lost, ${quoted(line.slice(LONGEST_COMMAND_LINE))}.`,
  );
}

/** The line that counts; what hangs on filters, and what is lost behind it, is noted. */
function firstLine(
  bytes: Uint8Array,
  firmware: StartElf | undefined,
  board: BoardState,
  file: string,
  notes: string[],
): Line | undefined {
  const filters = filtersFor(board, firmware?.filters);
  let first: Line | undefined;
  for (const line of readLines(bytes, LINE)) {
    const { text, number, isRest } = line;
    if (text.startsWith('#')) continue;
    if (text.startsWith('[') && readsSections(firmware)) {
      // What is under another filter is for another board, or for all others.
      if (first) break;
      filters.apply(text);
      continue;
    }
    const what = first ? undefined : filters.hangOn();
    if (what !== undefined) notes.push(`Whether line ${number} of ${file} is the kernel's hangs on ${what}.`);
    if (!filters.hold()) continue;
    if (first && text !== '' && !isRest) {
      notes.push(
        `The firmware takes one line of ${file}, line ${first.number}: what is on others is lost, ${quoted(text)}.`,
      );
      break;
    }
    first ??= line;
  }
  return first;
}

function latin1(bytes: Uint8Array): string {
  let text = '';
  for (const byte of bytes) text += String.fromCharCode(byte);
  return text;
}
