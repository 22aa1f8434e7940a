/** Several consoles at once on a terminal: a pane each, the newest lines at its bottom. */
import { cells, clip, harmless, plainConsoleLine } from '../base/terminal-text.js';
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

/** Below the panes stands the time, below that the cursor; one row stays free, so that nothing scrolls. */
const ROWS_BESIDE = 3;

/** Rows that a terminal has to have for so many panes. */
export function rowsFor(panes: number): number {
  return panes * (1 + LEAST_LINES) + ROWS_BESIDE;
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
  const drawing = redraw(screen);
  let goesOn = true;
  const draw = (): void => {
    const columns = Math.max(1, screen.columns - 1);
    const panes = [...consoles.values()].map(({ name, all }) => ({ name, lines: all() }));
    const lines = drawPanes(panes, columns, screen.rows - ROWS_BESIDE);
    // A kernel that unpacks itself says nothing for long.
    const seconds = Math.floor((performance.now() - begin) / 1000);
    drawing.draw(goesOn ? [...lines, clip(`${seconds} s; Ctrl-C ends it`, columns)] : lines);
  };
  draw();
  const drawIfOn = (): void => {
    if (goesOn) draw();
  };
  // Behind signals: whoever stopped us has written below the panes.
  const timer = setInterval(() => setImmediate(drawIfOn), EVERY);
  // Where a shell stops us they are left before, as the machine may tell of SIGCONT when they are drawn already.
  let left = false;
  const stop = (): void => {
    drawing.leave();
    left = true;
    process.off('SIGTSTP', stop);
    process.kill(process.pid, 'SIGTSTP');
    process.on('SIGTSTP', stop);
  };
  const goOn = (): void => {
    if (!left) drawing.leave();
    left = false;
  };
  process.on('SIGTSTP', stop);
  process.on('SIGCONT', goOn);
  return {
    take: (text, name) => consoles.get(name)?.splitter.take(text),
    note: (text) => {
      drawing.draw([`[${text}]`]);
      drawing.leave();
      draw();
    },
    end: () => {
      clearInterval(timer);
      process.off('SIGTSTP', stop);
      process.off('SIGCONT', goOn);
      goesOn = false;
      draw();
    },
  };
}

/**
 * Draws again and again in the same place, also when the terminal's size changes. Terminals then wrap lines that have become
 * too long, and move the highest rows to their scrollback and back: both count. How much of what is in the scrollback
 * comes back at another width nobody knows; that stays there, as what stands above may be the user's.
 */
function redraw(screen: Pick<Screen, 'columns' | 'rows' | 'draw'>): {
  /** Draws lines over those before. */
  readonly draw: (lines: readonly string[]) => void;
  /** Has what was drawn stay. */
  readonly leave: () => void;
} {
  /** What is drawn, behind what of earlier drawings may be in the scrollback. */
  let drawn: readonly string[] = [];
  let gone = 0;
  let { rows, columns } = screen;
  return {
    draw(lines) {
      if (screen.columns !== columns) gone = 0;
      const back = Math.min(gone, Math.max(0, screen.rows - rows));
      const taken = back + drawn.reduce((sum, line) => sum + rowsOf(line, screen.columns), 0);
      const over = Math.min(taken, screen.rows - 1);
      gone += taken - over - back;
      ({ rows, columns } = screen);
      // On a terminal that has become too low: the lowest of them.
      drawn = lines.slice(Math.max(0, lines.length - Math.max(0, rows - ROWS_BESIDE + 1)));
      screen.draw(
        drawn.map((line) => (line.startsWith('── ') ? colors.bold(line) : line)),
        over,
      );
    },
    leave() {
      drawn = [];
      gone = 0;
    },
  };
}

/** How many rows a line takes. */
const rowsOf = (line: string, columns: number): number => Math.max(1, Math.ceil(cells(line) / columns));
