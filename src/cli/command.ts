/** One run of the command, from its arguments to its exit status. */
import { CommanderError } from 'commander';
import { refuseNotUtf8 } from '../node/arguments.js';
import { useZlib } from '../node/gunzip.js';
import { printError } from './output.js';
import { program } from './program.js';

/** Runs `hypberry` with this process's arguments; nothing is thrown. */
export async function run(): Promise<void> {
  useZlib();
  try {
    refuseNotUtf8();
    await program().parseAsync();
  } catch (error) {
    if (error instanceof CommanderError) {
      // Help and the version, which have been printed.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else {
      printError(error);
      process.exitCode = 2;
    }
  }
}
