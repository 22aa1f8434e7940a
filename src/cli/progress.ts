/** Progress of what takes over a second: a line on standard error, on a terminal only. */
import ora from 'ora';

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
export function progress(text: string): Progress {
  const line = ora({ text, stream: process.stderr, isSilent: !process.stderr.isTTY }).start();
  return {
    say: (next) => {
      line.text = next;
    },
    stop: () => {
      line.stop();
    },
  };
}
