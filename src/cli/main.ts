/** Runs the `hypberry` command with this process's arguments. */
import { endWithReader } from './output.js';
import { run } from './command.js';

endWithReader();

// Not awaited: in the bundle, a command's file imports what stands beside this, which has to be through by then.
void run();
