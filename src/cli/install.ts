/** `hypberry install`: makes a card start Linux in HYP mode. */
import { openCard } from '../node/open-card.js';
import { piOfBootFolder } from '../node/pi.js';
import type { Named } from '../setup/boot-partition.js';
import { planInstall, type InstallOptions } from '../setup/install.js';
import { makeChanges } from './changes.js';

export interface InstallCommandOptions extends Named {
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function install(target: string, options: InstallCommandOptions): Promise<void> {
  const card = await openCard(target, { ...options, write: !options.dryRun, changes: true });
  try {
    const plan = await planInstall(card, {
      method: options.method,
      force: options.force,
      revision: piOfBootFolder(target)?.revision,
    });
    await makeChanges(card, plan, options);
  } finally {
    await card.close();
  }
}
