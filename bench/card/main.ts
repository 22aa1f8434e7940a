/** Prints how fast the SD card is in Linux on the built-in Pi 2, and in QEMU. */
import { join } from 'node:path';
import { cacheFolder } from '../../scripts/lib/cache.js';
import { cardLines, measureCard } from './measure.js';

for (const line of cardLines(measureCard(join(cacheFolder, 'bench')))) console.log(line);
