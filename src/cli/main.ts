/** Runs the `hypberry` command with this process's arguments. */
import { CommanderError } from 'commander';
import { endWithReader, printError } from './output.js';
import { program } from './program.js';

endWithReader();

// Not awaited: in the bundle, a command's file imports what stands beside this, which has to be through by then.
program()
  .parseAsync()
  .catch((error: unknown) => {
    if (error instanceof CommanderError) {
      // Help and the version, which have been printed.
      process.exitCode = error.exitCode === 0 ? 0 : 2;
    } else {
      printError(error);
      process.exitCode = 2;
    }
  });
