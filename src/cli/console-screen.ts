/** The terminal as the screen of one console at a time. */
import { createConsoleFilter, createScreenFilter, harmless } from '../base/terminal-text.js';
import { createTranscript } from '../engine/console.js';
import { HOST } from '../engine/systems.js';
import { onProcessEnd } from '../node/process-end.js';
import { answersReachUs } from '../node/terminal.js';
import { colors, say, sayConsole, sayResult, screen } from './output.js';

/** What the terminal shows of the consoles. */
export interface ConsoleScreen {
  take(text: string, console: string): void;
  /** Brings the terminal to the beginning of a line, for what is said by other ways. */
  breakLine(): void;
  /** Says something on a line of its own. */
  note(text: string): void;
  /** Shows the next console. */
  next(): void;
  /** Whose console is shown. */
  readonly name: string;
  /** Whether the terminal was asked something. */
  readonly asked: boolean;
  /** Brings the terminal back to its usual state; nothing is shown any more. */
  end(): void;
}

/**
 * Shows one console at a time: on a terminal as the system has it, else its text alone. A terminal whose answers do not come
 * to us is no screen of the system's: somebody else would get them.
 */
export function showConsoles(names: readonly string[]): ConsoleScreen {
  const isScreen = screen.isTerminal && answersReachUs();
  let current = 0;
  /** What was asked long ago wants no answer now. */
  let replays = false;
  const newFilter = (name: string) =>
    isScreen
      ? createScreenFilter(() => name === HOST && !replays)
      : Object.assign(createConsoleFilter({ colors: screen.showsColors }), {
          asked: false,
          end: createScreenFilter().end,
        });
  const consoles = names.map((name) => ({ name, filter: newFilter(name), behind: createTranscript() }));
  let ended = false;
  let atLineStart = true;
  let waiting = '';
  let due = false;
  const flush = (): void => {
    due = false;
    const text = waiting;
    waiting = '';
    if (text === '') return;
    sayConsole('', consoles[current]!.filter(text));
    atLineStart = text.endsWith('\n');
  };
  const breakLine = (): void => {
    flush();
    if (!atLineStart) say();
    atLineStart = true;
  };
  const note = (text: string): void => {
    breakLine();
    say(colors.dim(`[${text}]`));
  };
  const restore = (): void => {
    if (isScreen) sayConsole('', consoles[current]!.filter.end());
  };
  // However we end.
  const release = onProcessEnd(restore);
  return {
    get asked() {
      return consoles.some(({ filter }) => filter.asked);
    },
    get name() {
      return consoles[current]!.name;
    },
    take(text, name) {
      if (ended) return;
      const at = consoles.findIndex((it) => it.name === name);
      if (at !== current) {
        consoles[at]?.behind.take(text);
        return;
      }
      waiting += text;
      // A character at a time would cost more than the machine does.
      if (!due) setImmediate(flush);
      due = true;
    },
    // Elsewhere than on a terminal the two do not meet.
    breakLine: () => {
      if (screen.isTerminal) breakLine();
    },
    note,
    next() {
      if (consoles.length === 1) {
        note('There is no other console.');
        return;
      }
      flush();
      restore();
      current = (current + 1) % consoles.length;
      const { name, behind } = consoles[current]!;
      note(`console ${harmless(name)}`);
      waiting = behind.text;
      consoles[current]!.behind = createTranscript();
      replays = true;
      flush();
      replays = false;
    },
    end() {
      if (ended) return;
      flush();
      restore();
      ended = true;
      release();
      if (!atLineStart) sayResult();
    },
  };
}
