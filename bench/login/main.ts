/** Prints what the way to Debian's login takes on the built-in Pi 2, and in QEMU. */
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/lib/cache.js';
import { loginLines, measureLogin } from './measure.js';

for (const line of loginLines(await measureLogin(join(cacheFolder, 'bench')))) console.log(line);
