/** `hypberry uninstall`: takes out what install put in. */
import { openCard } from '../node/open-card.js';
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
    await makeChanges(card, await planUninstall(card), options);
  } finally {
    await card.close();
  }
}
