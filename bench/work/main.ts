/** Prints what programs on Linux take against QEMU; the argument is a kernel of the tests' inputs, bookworm unless given. */
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/lib/cache.js';
import { inputs } from '../../scripts/lib/inputs.js';
import { measureWork, workLines } from './measure.js';

const found = await inputs();
const kernel = process.argv[2] === 'trixie' ? found.trixie : found.bookworm;
for (const line of workLines(await measureWork(join(cacheFolder, 'bench'), kernel, found.firmware)))
  console.log(line);
