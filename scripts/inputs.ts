/** Fetches the real inputs (kernels, firmware, busybox, U-Boot) into the cache, and says where they are. */
import { inputs, lpaeKernels } from './lib/inputs.js';
import { reportErrors } from './lib/report.js';

await reportErrors(async () => {
  const found = {
    ...(await inputs()),
    ...(process.argv.includes('--lpae') && { lpae: await lpaeKernels() }),
  };
  process.stdout.write(`${JSON.stringify(found, undefined, 2)}\n`);
});
