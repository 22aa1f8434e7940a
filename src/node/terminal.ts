/** The keyboard of whoever started this process. */
import fs from 'node:fs';
import { onProcessEnd } from './process-end.js';

/** Whether what the terminal on standard output answers comes to standard input. */
export function answersReachUs(): boolean {
  if (!process.stdin.isTTY) return false;
  try {
    const keyboard = fs.fstatSync(0).rdev;
    // The controlling terminal has this name beside its own.
    return (
      keyboard === fs.fstatSync(1).rdev ||
      keyboard === fs.statSync('/dev/tty', { throwIfNoEntry: false })?.rdev
    );
  } catch {
    return false;
  }
}

/** Standard input while it is read. */
export interface Keyboard {
  /** It is a terminal: each key comes at once, Ctrl-C among them, and nothing is shown by the terminal itself. */
  readonly isTerminal: boolean;
  /** Holds a pipe or a file back, for a time; a terminal's keys always come. */
  hold(isHeld: boolean): void;
  /** Passes over all that comes, up to this text, or for so many milliseconds at the most. */
  passOver(text: string, milliseconds: number): Promise<void>;
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
  let take = onBytes;
  const onData = (bytes: Buffer): void => {
    take(bytes);
  };
  // A terminal that is gone, or a closed descriptor: nothing more is typed.
  const ignore = (): void => undefined;
  if (isTerminal) stdin.setRawMode(true);
  stdin.on('data', onData).on('error', ignore);
  return {
    isTerminal,
    hold(isHeld) {
      if (isTerminal || isHeld === stdin.isPaused()) return;
      if (isHeld) stdin.pause();
      else stdin.resume();
    },
    async passOver(text, milliseconds) {
      let passed = '';
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, milliseconds);
        take = (bytes) => {
          passed = passed.slice(-text.length) + Buffer.from(bytes).toString('latin1');
          if (!passed.includes(text)) return;
          clearTimeout(timer);
          resolve();
        };
      });
    },
    close() {
      stdin.off('data', onData);
      stdin.pause();
      restore();
      release();
    },
  };
}
