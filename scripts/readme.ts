/**
 * Makes the examples of README.md and INSIDE.md anew from runs on inputs that the project fetches or builds; with --check it only
 * says whether they are as they would be made.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { prepareHandover } from '../src/firmware/prepare.js';
import { readStartElf } from '../src/firmware/start-elf.js';
import { memoryCard } from '../test/support/memory-card.js';
import { releasingKernel } from '../test/support/payloads.js';
import { KERNEL_OFFSET } from '../src/boot/block.js';
import { diagnosticsPage } from './lib/diagnostics-page.js';
import { faultsOf, handoverTable } from './lib/handover-table.js';
import { inputs } from './lib/inputs.js';
import { fillBlocks } from './lib/readme-blocks.js';
import { exampleSession, withoutSeconds } from './lib/readme-session.js';
import { reportErrors } from './lib/report.js';
import { cardTools, ensureTools } from './lib/tools.js';

const page = (name: string): string => fileURLToPath(new URL(`../${name}`, import.meta.url));

await reportErrors(async () => {
  await ensureTools(cardTools);
  const found = await inputs();
  const startElf = await readFile(found.firmware.startElf);
  const machine = await prepareHandover(
    memoryCard({
      'start.elf': startElf,
      'kernel7.img': releasingKernel(KERNEL_OFFSET).image,
      'bcm2709-rpi-2-b.dtb': await readFile(found.bookworm.dtb),
    }),
  );
  const today = {
    found: await faultsOf(machine),
    date: readStartElf(startElf).buildDate ?? 'of unknown date',
  };
  const made = {
    'README.md': { session: await exampleSession(found), diagnostics: await diagnosticsPage() },
    'INSIDE.md': { handover: await handoverTable(today) },
  };
  for (const [name, blocks] of Object.entries(made)) {
    const before = await readFile(page(name), 'utf8');
    const after = fillBlocks(before, blocks);
    if (withoutSeconds(after) === withoutSeconds(before)) process.stdout.write(`${name} is as it is made.\n`);
    else if (process.argv.includes('--check')) {
      process.stdout.write(`${name} is not as it would be made: run "npm run readme".\n`);
      process.exitCode = 1;
    } else {
      await writeFile(page(name), after);
      process.stdout.write(`${name} is made anew.\n`);
    }
  }
});
