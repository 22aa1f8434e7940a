/** Makes man/hypberry.1 of the package from the program's own commands and options. */
import { mkdir, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { program } from '../src/cli/program.js';
import { manualPage } from './lib/manual-page.js';
import { reportErrors } from './lib/report.js';

await reportErrors(async () => {
  const folder = fileURLToPath(new URL('../man', import.meta.url));
  const command = program();
  await mkdir(folder, { recursive: true });
  await writeFile(`${folder}/hypberry.1`, manualPage(command, command.version() ?? ''));
});
