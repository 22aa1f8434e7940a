/** Progress of what takes over a second: a line on standard error, on a terminal only. */
import { clip } from '../base/terminal-text.js';
import { errorScreen, sayError } from './output.js';

export interface Progress {
  /** Says what is being done. */
  say(text: string): void;
  /** Takes the line away. */
  stop(): void;
}

/** What turns in front of the line, and how long each is shown, in milliseconds. */
const TURNING = ['|', '/', '-', '\\'];
const EVERY = 100;

/**
 * Begins to show progress. Nothing is shown where standard error is no terminal; one that takes no escapes gets a line for
 * each text. Keys and the cursor stay the terminal's, so that Ctrl-C and Ctrl-Z do what they always do, and no end of
 * the program, of whatever kind, leaves anything behind.
 * @param text what is being done
 */
export function progress(text: string): Progress {
  const screen = errorScreen();
  if (!screen) return { say: () => undefined, stop: () => undefined };
  if (!screen.isTerminal) {
    sayError(text);
    return { say: sayError, stop: () => undefined };
  }
  let now = text;
  let turn = 0;
  const draw = (): void => {
    screen.overwrite(clip(`${TURNING[turn++ % TURNING.length]!} ${now}`, screen.columns - 1));
  };
  draw();
  const timer = setInterval(draw, EVERY);
  return {
    say(next) {
      now = next;
      draw();
    },
    stop() {
      clearInterval(timer);
      screen.overwrite('');
    },
  };
}
