import { HypberryError } from '../../src/base/errors.js';

/** Runs a script's work; an error of ours becomes its sentence and hint on standard error, and status 1. */
export async function reportErrors(work: () => Promise<void>): Promise<void> {
  try {
    await work();
  } catch (error) {
    if (!(error instanceof HypberryError)) throw error;
    process.stderr.write(`${error.message}\n${error.hint}\n`);
    process.exitCode = 1;
  }
}
