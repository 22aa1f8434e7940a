/** Progress of what takes over a second: a line on standard error, on a terminal only. */
import { harmless } from '../base/terminal-text.js';

export interface Progress {
  /** Says what is being done. */
  say(text: string): void;
  /** Takes the line away. */
  stop(): void;
}

/**
 * Begins to show progress; nothing is shown where standard error is no terminal.
 * @param text what is being done
 */
export async function progress(text: string): Promise<Progress> {
  // A terminal of unknown width (a serial console) counts 0 columns, in which the library would never find an end.
  if (!process.stderr.isTTY || process.stderr.columns === 0)
    return { say: () => undefined, stop: () => undefined };
  const { default: ora } = await import('ora');
  const line = ora({ text: harmless(text), stream: process.stderr }).start();
  return {
    say: (next) => {
      line.text = harmless(next);
    },
    stop: () => {
      line.stop();
    },
  };
}
