/**
 * What every command prints alike, and the only way to standard output and standard error: what stands here makes text
 * from outside harmless.
 */
import picocolors from 'picocolors';
import { HypberryError } from '../base/errors.js';
import { harmless, harmlessJson, type ConsoleText } from '../base/terminal-text.js';
import { intoInput } from '../node/outputs.js';
import { limitError } from '../node/system-error.js';

const PAINTS = ['bold', 'dim', 'red', 'green', 'yellow', 'blue', 'cyan'] as const;

/** The two sequences between which a terminal shows text in a colour. */
const sequencesOf = (paint: (typeof PAINTS)[number]): string[] =>
  picocolors.createColors(true)[paint]('|').split('|');

/**
 * What stands for those sequences until the text is written: 14 of the characters for private use (plane 16), others each
 * time. Text from outside cannot know them, and has no colours therefore.
 */
const FIRST_MARK = 0x10_0000 + (crypto.getRandomValues(new Uint16Array(1))[0]! % 0xfff0);
const marks = new Map(
  PAINTS.flatMap(sequencesOf).map((sequence, i) => [String.fromCodePoint(FIRST_MARK + i), sequence]),
);
const markNames = [...marks.keys()];
const markPattern = new RegExp(`[${markNames.join('')}]`, 'gu');

/** Give text its colour. Each of them takes and gives text for {@link say} and the like. */
export const colors = Object.fromEntries(
  PAINTS.map((paint, i) => [
    paint,
    (text: string): string => `${markNames[2 * i]!}${text}${markNames[2 * i + 1]!}`,
  ]),
) as Readonly<Record<(typeof PAINTS)[number], (text: string) => string>>;

/** Whether text without escapes is wanted even on a terminal: https://no-color.org, and terminals that know none. */
const isPlain = (): boolean =>
  Boolean(process.env['NO_COLOR']) || process.env['TERM'] === 'dumb' || process.argv.includes('--no-color');

/** Whether a stream takes colours, and orders to the cursor. */
const takesEscapes = (stream: NodeJS.WriteStream): boolean => stream.isTTY && !isPlain();

/** One line as a stream may have it: without what is not to be seen, our colours in their places. */
function fit(stream: NodeJS.WriteStream, line: string): string {
  const inColor = takesEscapes(stream);
  return harmless(line).replace(markPattern, (mark) => (inColor ? marks.get(mark)! : ''));
}

/** How much is said beside results and errors. */
export interface Loudness {
  readonly quiet?: boolean;
  readonly verbose?: boolean;
}
let loudness: Loudness = {};

/** Sets how much is said from now on. */
export function setLoudness(wanted: Loudness): void {
  loudness = wanted;
}

/** Whether results and errors alone are wanted. */
export const isQuiet = (): boolean => loudness.quiet === true;

/** Prints a line for people on standard output: a result, or an answer to what was asked for. */
export function sayResult(line = ''): void {
  process.stdout.write(`${fit(process.stdout, line)}\n`);
}

/** Prints a line for people on standard output, unless results alone are wanted. */
export function say(line = ''): void {
  if (!isQuiet()) sayResult(line);
}

/** Prints what is read or decided on standard error, where that is wanted. */
export function sayDetail(line: string): void {
  if (!loudness.verbose) return;
  if (wantsJson()) sayError(harmlessJson(JSON.stringify({ detail: line })));
  else sayError(colors.dim(line));
}

/** Prints on standard error what is neither result nor error, and not the command's own matter: that it waits, for one. */
export function sayAside(line: string): void {
  if (!isQuiet() && !wantsJson()) sayError(line);
}

/** Prints a line for people on standard error; where that goes into an input, on standard output, and else nowhere. */
export function sayError(line = ''): void {
  if (intoInput.has(2)) {
    if (!intoInput.has(1)) sayResult(line);
    return;
  }
  process.stderr.write(`${fit(process.stderr, line)}\n`);
}

/** Prints one JSON object on standard output, for scripts. Bytes in it become base64. */
export function sayJson(value: unknown): void {
  const json = JSON.stringify(
    value,
    (_key, part: unknown) => (part instanceof Uint8Array ? Buffer.from(part).toString('base64') : part),
    2,
  );
  process.stdout.write(`${harmlessJson(json)}\n`);
}

/** Prints a console's text on standard output, behind text of ours for people. */
export function sayConsole(before: string, text: ConsoleText): void {
  process.stdout.write(fit(process.stdout, before) + text);
}

/** What a terminal answers that is asked for its status (ECMA-48, 8.3.35). */
export const WELL = '\u001b[0n';

/** A stream as far as what is drawn on it has to know it. */
export const screenOn = (stream: NodeJS.WriteStream) => ({
  /** Whether it is a terminal that can be drawn on: it takes escapes, and says how large it is (a serial console may not). */
  get isTerminal(): boolean {
    return takesEscapes(stream) && stream.columns > 0 && stream.rows > 0;
  },
  get columns(): number {
    return stream.columns;
  },
  get rows(): number {
    return stream.rows;
  },
  get showsColors(): boolean {
    return takesEscapes(stream);
  },
  /**
   * Draws lines, each below the other, and erases what stands below them. They do not reach the terminal's last column.
   * @param over how many rows above the cursor they take the place of
   */
  draw(lines: readonly string[], over: number): void {
    // From the line's beginning: a key that was pressed may stand there. Line by line: erasing all from the first row on
    // has terminals keep the whole screen in their scrollback.
    const up = over > 0 ? `\u001b[${over}A` : '';
    stream.write(`\r${up}${lines.map((line) => `${fit(stream, line)}\u001b[K\n`).join('')}\u001b[J`);
  },
  /** Asks the terminal whether it is well: it says {@link WELL} behind its answers to what was asked before. */
  askStatus(): void {
    stream.write('\u001b[5n');
  },
  /** Writes over the line in which the cursor is, and leaves it there. */
  overwrite(line: string): void {
    stream.write(`\r${fit(stream, line)}\u001b[K`);
  },
});

/** Standard output. */
export const screen = screenOn(process.stdout);

/** Standard error; undefined where it is no terminal, or only results are wanted. */
export const errorScreen = (): Screen | undefined =>
  process.stderr.isTTY && !isQuiet() ? screenOn(process.stderr) : undefined;

export type Screen = typeof screen;

/** Whether something was written, or begun to be, beside what is said. */
let hasWritten = false;

/** Is told before a command changes anything: what is said of it may not be read any more. */
export function noteWriting(): void {
  hasWritten = true;
}

/**
 * Ends the program where standard output cannot be written: quietly where its reader stopped reading, as `head` does. Without
 * standard error it goes on, to the same exit status.
 */
export function endWithReader(): void {
  process.stderr.on('error', () => undefined);
  process.stdout.on('error', (error: NodeJS.ErrnoException) => {
    if (error.code === 'EPIPE') endWithoutReader();
    printError(
      new HypberryError(
        'file.unwritable',
        `Standard output cannot be written (${error.code ?? error.message}).`,
        `Send it to a file in a folder that you may write to, on a disk with room.${hasWritten ? ' What was to be changed may have been changed all the same.' : ''}`,
      ),
    );
    process.exit(2);
  });
}

/** Ends the program as nobody reads what it says: quietly, with the status of what it knows until now. */
export function endWithoutReader(): never {
  process.exit(process.exitCode);
}

/** Several lines as a stream may have them. */
const fitLines = (text: string): string => text.split('\n').map(harmless).join('\n');

/** Prints a command's help. */
export function sayHelp(text: string): void {
  process.stdout.write(fitLines(text));
}

/** Prints the help that stands where a command is missing. */
export function sayHelpAsError(text: string): void {
  process.stderr.write(fitLines(text));
}

/** Whether one JSON object is asked for. */
export const wantsJson = (): boolean => process.argv.includes('--json');

/**
 * Prints an error on standard error: what is wrong on the first line, what to do on the second; where JSON is asked for, one
 * object on a line.
 */
export function printError(error: unknown): void {
  const { code, message, hint } =
    error instanceof HypberryError
      ? error
      : (limitError(error) ?? {
          code: 'unknown',
          message: `An error that hypberry does not know: ${String(error instanceof Error ? error.message : error).split('\n', 1)[0]!}`,
          hint: 'This is a fault in hypberry. Run it again with NODE_DEBUG=hypberry set, and report what it prints.',
        });
  if (wantsJson()) {
    sayError(harmlessJson(JSON.stringify({ error: { code, message, hint } })));
  } else {
    sayError(`${colors.red('error:')} ${message} (${code})`);
    sayError(`${colors.cyan('hint: ')} ${hint}`);
  }
  if (process.env['NODE_DEBUG']?.split(',').includes('hypberry') && error instanceof Error) {
    for (const line of (error.stack ?? '').split('\n')) sayError(line);
  }
}

/** Lines of two columns, the first one as wide as its widest cell. */
export function columns(rows: readonly (readonly [string, string])[]): string[] {
  // As they are printed: what is made harmless is longer.
  const cells = rows.map(([left, right]) => [harmless(left), right] as const);
  const width = Math.max(...cells.map(([left]) => left.length));
  return cells.map(([left, right]) => `${left.padEnd(width)}  ${right}`.trimEnd());
}
