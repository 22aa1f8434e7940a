/** The consoles of a trial, as they come: one alone, several line by line, or in panes on a terminal. */
import { createConsoleFilter, type ConsoleText } from '../base/terminal-text.js';
import { createLineSplitter } from '../engine/console.js';
import { colors, say, sayConsole, screen } from './output.js';
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

const newFilter = (): ((text: string) => ConsoleText) => createConsoleFilter({ colors: screen.showsColors });

/** Writes one console as it comes, with the seconds since the start in front of each line. */
export function showOne(name: string): Shown {
  const stamp = stamps();
  const filter = newFilter();
  let atLineStart = true;
  // The beginning of a line waits for more, so that nothing follows the line that settles the verdict.
  let waiting = '';
  const write = (text: string): void => {
    for (const part of text.split(/(?<=\n)/)) {
      const shown = filter(part);
      if (shown === '') continue;
      sayConsole(atLineStart ? stamp() : '', shown);
      atLineStart = part.endsWith('\n');
    }
  };
  const endLine = (): void => {
    if (!atLineStart) write('\n');
  };
  return {
    take(text, console) {
      if (console !== name) return;
      const all = waiting + text;
      const shown = all.lastIndexOf('\n') + 1 || all.length;
      waiting = all.slice(shown);
      if (shown > 0) write(all.slice(0, shown));
    },
    note(text) {
      endLine();
      say(`${stamp()}[${text}]`);
    },
    end(whole) {
      if (whole && waiting !== '') write(waiting);
      endLine();
    },
  };
}

/**
 * Shows several consoles: in panes on a terminal that is high enough, else by whole lines, each with its console's
 * name in front; empty ones are left out, and of a very long one the end (`createLineSplitter`).
 */
export function showAll(names: readonly string[]): Shown {
  if (screen.isTerminal && screen.rows >= rowsFor(names.length)) return showPanes(names, screen);
  const stamp = stamps();
  const width = Math.max(...names.map(({ length }) => length));
  const write = (name: string, line: string): void => {
    const shown = newFilter()(`${line}\n`);
    if (shown !== '\n') sayConsole(`${stamp()}${colors.bold(name.padEnd(width))}  `, shown);
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
      say(`${stamp()}[${text}]`);
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
