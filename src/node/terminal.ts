/** The keyboard of whoever started this process. */
import { onProcessEnd } from './process-end.js';

/** Standard input while it is read. */
export interface Keyboard {
  /** It is a terminal: each key comes at once, Ctrl-C among them, and nothing is shown by the terminal itself. */
  readonly isTerminal: boolean;
  /** Stops the reading; a terminal is as it was before. */
  close(): void;
}

/**
 * Reads standard input from now on: what was typed ahead, then each key.
 * @param onBytes called with what is typed
 */
export function openKeyboard(onBytes: (bytes: Uint8Array) => void): Keyboard {
  const { stdin } = process;
  const isTerminal = stdin.isTTY;
  const restore = (): void => {
    if (isTerminal) stdin.setRawMode(false);
  };
  const release = onProcessEnd(restore);
  const take = (bytes: Buffer): void => {
    onBytes(bytes);
  };
  // A terminal that is gone, or a closed descriptor: nothing more is typed.
  const ignore = (): void => undefined;
  if (isTerminal) stdin.setRawMode(true);
  stdin.on('data', take).on('error', ignore);
  return {
    isTerminal,
    close() {
      stdin.off('data', take);
      stdin.pause();
      restore();
      release();
    },
  };
}
