/** `hypberry install`: makes a card start Linux in HYP mode. */
import { realpathSync } from 'node:fs';
import { resolve } from 'node:path';
import { hookScript, planHooks, writeHooks } from '../node/hook.js';
import { openCard } from '../node/open-card.js';
import { piOfBootFolder } from '../node/pi.js';
import type { Named } from '../setup/boot-partition.js';
import { planInstall, type InstallOptions } from '../setup/install.js';
import { makeChanges } from './changes.js';

export interface InstallCommandOptions extends Named {
  readonly method: InstallOptions['method'];
  readonly force?: boolean;
  readonly hook?: boolean;
  readonly dryRun?: boolean;
  readonly json?: boolean;
}

/** Plans, and unless it is a dry run makes, the changes; prints them. */
export async function install(target: string, options: InstallCommandOptions): Promise<void> {
  const hooks = options.hook ? planHooks(target) : [];
  const card = await openCard(target, { ...options, write: !options.dryRun, changes: true });
  try {
    const plan = await planInstall(card, {
      method: options.method,
      force: options.force,
      revision: piOfBootFolder(target)?.revision,
    });
    const notes = hooks.map((file) => `${file} runs "hypberry install" after each kernel upgrade.`);
    await makeChanges(card, { ...plan, notes: [...plan.notes, ...notes] }, options);
    if (!options.dryRun)
      writeHooks(hooks, hookScript([process.execPath, ownFile()], hookArguments(target, options)));
  } finally {
    await card.close();
  }
}

/** The file that runs now, without links that another version may take over. */
const ownFile = (): string => realpathSync(process.argv[1]!);

/** What the hook is to run: this command with what was chosen, on the same folder from wherever. */
function hookArguments(target: string, { method, force }: InstallCommandOptions): string[] {
  return [
    'install',
    ...(method === 'auto' ? [] : ['--method', method]),
    ...(force ? ['--force'] : []),
    resolve(target),
  ];
}
