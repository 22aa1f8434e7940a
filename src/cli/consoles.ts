/** The consoles of a trial, as they come: one alone, several line by line, or in panes on a terminal. */
import { createLineSplitter } from '../engine/console.js';
import { colors } from './output.js';
import { rowsFor, showPanes } from './panes.js';

/** Takes what comes on consoles. */
export interface Shown {
  readonly take: (text: string, console: string) => void;
  /** Says something on a line of its own. */
  readonly note: (text: string) => void;
  /**
   * Ends the last line of each console.
   * @param whole of one console alone: also a line that has only begun and was not shown yet
   */
  readonly end: (whole: boolean) => void;
}

/** Writes one console as it comes, with the seconds since the start in front of each line. */
export function showOne(name: string): Shown {
  const stamp = stamps();
  let atLineStart = true;
  // The beginning of a line waits for more, so that nothing follows the line that settles the verdict.
  let waiting = '';
  const write = (text: string): void => {
    for (const part of text.split(/(?<=\n)/)) {
      process.stdout.write((atLineStart ? stamp() : '') + part);
      atLineStart = part.endsWith('\n');
    }
  };
  return {
    take(text, console) {
      if (console !== name) return;
      const all = waiting + text.replaceAll('\r', '');
      const shown = all.lastIndexOf('\n') + 1 || all.length;
      waiting = all.slice(shown);
      if (shown > 0) write(all.slice(0, shown));
    },
    note(text) {
      if (!atLineStart) process.stdout.write('\n');
      atLineStart = true;
      write(`[${text}]\n`);
    },
    end(whole) {
      if (whole && waiting !== '') write(waiting);
      if (!atLineStart) process.stdout.write('\n');
    },
  };
}

/**
 * Shows several consoles: in panes on a terminal that is high enough, else by whole lines, each with its console's
 * name in front; empty ones are left out, and of a very long one the end (`createLineSplitter`).
 */
export function showAll(names: readonly string[]): Shown {
  const { stdout } = process;
  if (stdout.isTTY && stdout.columns > 0 && stdout.rows >= rowsFor(names.length))
    return showPanes(names, stdout);
  const stamp = stamps();
  const width = Math.max(...names.map(({ length }) => length));
  const write = (name: string, line: string): void => {
    stdout.write(`${stamp()}${colors.bold(name.padEnd(width))}  ${line}\n`);
  };
  const consoles = new Map(
    names.map((name) => [
      name,
      createLineSplitter((line) => {
        write(name, line);
      }),
    ]),
  );
  return {
    take: (text, name) => consoles.get(name)?.take(text),
    note(text) {
      stdout.write(`${stamp()}[${text}]\n`);
    },
    end() {
      for (const [name, { rest }] of consoles) if (rest !== '') write(name, rest);
    },
  };
}

/** The seconds since now, for the beginning of a line. */
function stamps(): () => string {
  const begin = performance.now();
  return () => colors.dim(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  `);
}
