/** `hypberry uninstall`: takes out what install put in. */
import { ourHooks, removeHooks } from '../node/hook.js';
import { openCard } from '../node/open-card.js';
import { piOfBootFolder } from '../node/pi.js';
import type { Named } from '../setup/boot-partition.js';
import { planUninstall } from '../setup/install.js';
import { makeChanges } from './changes.js';

export interface UninstallOptions extends Named {
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function uninstall(target: string, options: UninstallOptions): Promise<void> {
  const card = await openCard(target, { ...options, write: !options.dryRun, changes: true });
  try {
    // Those of the system that runs here are of its own boot folder.
    const hooks = piOfBootFolder(target) === undefined ? [] : ourHooks();
    const plan = await planUninstall(card);
    const notes = hooks.map(
      (file) => `${file}, which runs "hypberry install" after a kernel upgrade, goes too.`,
    );
    await makeChanges(card, { ...plan, notes: [...plan.notes, ...notes] }, options);
    if (!options.dryRun) removeHooks(hooks);
  } finally {
    await card.close();
  }
}
