/** Prints what instructions cost on the built-in Pi 2; of those whose name holds the argument, where there is one. */
import { costLines, measureInstructions } from './measure.js';

for (const line of costLines(await measureInstructions(process.argv[2]))) console.log(line);
