/** Several consoles at once on a terminal: a pane each, the newest lines at its bottom. */
import { clip, harmless, plainConsoleLine } from '../base/terminal-text.js';
import { createLineSplitter } from '../engine/console.js';
import { colors, type Screen } from './output.js';

/** Lines that are kept of a console: more than a terminal has. */
const KEPT = 200;
/** Milliseconds between two drawings. */
const EVERY = 100;
/** A pane has a title and at least so many lines. */
const LEAST_LINES = 2;

/** A console's last lines. */
export interface Pane {
  readonly name: string;
  readonly lines: readonly string[];
}

/** Below the panes stands the time, and below that the cursor. */
const ROWS_BELOW = 2;

/** Rows that a terminal has to have for so many panes. */
export function rowsFor(panes: number): number {
  return panes * (1 + LEAST_LINES) + ROWS_BELOW;
}

/**
 * Draws panes one below the other, as high as fits.
 * @param rows how many lines there may be; fewer than the panes' least are exceeded
 * @returns lines that take at most `columns` cells
 */
export function drawPanes(panes: readonly Pane[], columns: number, rows: number): string[] {
  const each = Math.max(LEAST_LINES, Math.floor(rows / panes.length) - 1);
  return panes.flatMap(({ name, lines }) => {
    const last = lines.slice(-each);
    return [
      clip(`── ${name} `.padEnd(columns, '─'), columns),
      ...last.map((line) => clip(line, columns)),
      ...Array<string>(each - last.length).fill(''),
    ];
  });
}

/**
 * Shows consoles on a terminal as they go on.
 * @param names their names, from the top
 * @param screen the terminal
 */
export function showPanes(
  names: readonly string[],
  screen: Pick<Screen, 'columns' | 'rows' | 'draw'>,
): {
  readonly take: (text: string, name: string) => void;
  /** Says something once, above the panes. */
  readonly note: (text: string) => void;
  readonly end: () => void;
} {
  const consoles = new Map(
    names.map((name) => {
      const lines: string[] = [];
      const splitter = createLineSplitter((line) => {
        lines.push(plainConsoleLine(line));
        lines.splice(0, lines.length - KEPT);
      });
      return [
        name,
        { name: harmless(name), splitter, all: () => [...lines, plainConsoleLine(splitter.rest)] },
      ];
    }),
  );
  const begin = performance.now();
  let drawn = 0;
  const draw = (goesOn = true): void => {
    const columns = Math.max(1, screen.columns - 1);
    const panes = [...consoles.values()].map(({ name, all }) => ({ name, lines: all() }));
    const lines = drawPanes(panes, columns, screen.rows - ROWS_BELOW).map((line) =>
      line.startsWith('── ') ? colors.bold(line) : line,
    );
    // A kernel that unpacks itself says nothing for long.
    if (goesOn) {
      const seconds = Math.floor((performance.now() - begin) / 1000);
      lines.push(colors.dim(`${seconds} s; Ctrl-C ends it`.slice(0, columns)));
    }
    screen.draw(lines, drawn);
    drawn = lines.length;
  };
  draw();
  const timer = setInterval(() => {
    draw();
  }, EVERY);
  return {
    take: (text, name) => consoles.get(name)?.splitter.take(text),
    note: (text) => {
      screen.draw([`[${text}]`], drawn);
      drawn = 0;
      draw();
    },
    end: () => {
      clearInterval(timer);
      draw(false);
    },
  };
}
