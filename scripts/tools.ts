/** Makes sure that the system's tools that tests and benches use are there: QEMU, binutils, mtools and so on. */
import { reportErrors } from './lib/report.js';
import { ensureTools } from './lib/tools.js';

await reportErrors(() => ensureTools());
