/** The end of a command by a signal. */
import { constants } from 'node:os';
import { HypberryError } from '../base/errors.js';
import { printError, sayError, wantsJson } from './output.js';

/** What is said then. */
export interface Stopped {
  readonly code: string;
  readonly what: string;
  readonly hint: string;
}

/** Ends the program with the status of a signal; what it started and wrote goes at its end. */
export function endBySignal(signal: NodeJS.Signals, { code, what, hint }: Stopped): never {
  if (wantsJson()) printError(new HypberryError(code, what, hint));
  else {
    sayError();
    sayError(what);
  }
  process.exit(128 + constants.signals[signal]);
}
